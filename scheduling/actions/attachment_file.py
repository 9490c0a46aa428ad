"""Brevbilagor as one zip: the list of them, and each PDF under its checksum (KA-03). The list is compared and takes effect as
any catalogue's; a PDF is judged as when it is put in by hand, and is needed only where it is not here already."""

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass, field, replace

from scheduling import pdf_files
from scheduling.models import LetterAttachment
from scheduling.models.enclosure import MOST_BYTES
from sdv.accounts.catalogue_file import CatalogueFile
from sdv.common import archives
from sdv.common.catalogues import CatalogueError

MEBIBYTE = 1024 * 1024
LIST = "brevbilagor.csv"
PDF = re.compile(r"([0-9a-f]{64})\.pdf")
MOST_MEMBERS, MOST_UNPACKED = 1000, 100 * MEBIBYTE
DAMAGED = "Filen är ingen zip-fil, eller skadad. Hämta den igen, oförändrad."


@dataclass(frozen=True)
class AttachmentList(CatalogueFile):
    """The list in the zip. `files` are the PDFs beside it: checksum → bytes, or None for one that is here already."""

    files: dict = field(default_factory=dict)

    another = "Filen eller katalogen är en annan än den som jämfördes. Läs filen igen och se vad som ändras."

    def _rows(self):
        return super()._rows().defer("pdf")

    def _read(self, text, columns):
        wanted = super()._read(text, columns)
        if unnamed := self.files.keys() - {row.sha256 for _, _, row in wanted.values()}:
            raise CatalogueError(f"{min(unnamed)}.pdf står inte i {LIST}.")
        return wanted

    def _compare(self, text, on):
        found = super()._compare(text, on)
        for change in found.added:
            row = change.row
            row.pdf = self.files.get(row.sha256) or _here(row.sha256)
            if row.pdf is None:
                raise CatalogueError(f"Rad {change.line}: {row.sha256}.pdf finns inte i zip-filen.")
        return found


CATALOGUE = AttachmentList(
    LetterAttachment,
    "KA-03",
    ("name", "care_unit", "sha256", "source", "valid_from", "valid_to"),
    fixed=(),
    key=("name", "care_unit", "sha256", "valid_from"),
)


def written():
    """The catalogue as an open zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(LIST, CATALOGUE.written())
        for sha256 in LetterAttachment.objects.order_by("sha256").values_list("sha256", flat=True).distinct():
            archive.writestr(f"{sha256}.pdf", _here(sha256))
    out.seek(0)
    return out


def compared(file, *, on):
    """Reads the zip and compares it. Raises CatalogueError with what is wrong, and where."""
    text, files = _unpacked(file)
    return replace(CATALOGUE, files=files).compared(text, on=on)


def take_effect(*, text, fingerprint, by, at):
    """Lets the compared zip take effect: the checksums are part of what was seen, so another PDF is another file."""
    text, files = _unpacked(text)
    return replace(CATALOGUE, files=files).take_effect(text=text, fingerprint=fingerprint, by=by, at=at)


def _here(sha256):
    pdf = LetterAttachment.objects.filter(sha256=sha256).values_list("pdf", flat=True).first()
    return None if pdf is None else bytes(pdf)


def _unpacked(file):
    """The list as text, and the PDFs as `AttachmentList` has them. No more is read than may be, and nothing is written."""
    known, text, files = set(LetterAttachment.objects.values_list("sha256", flat=True)), None, {}
    try:
        with zipfile.ZipFile(file) as archive:
            _refuse(archive.infolist())
            for member in archive.infolist():
                with archive.open(member) as opened:
                    content = opened.read(MOST_BYTES + 1)
                if member.filename == LIST:
                    text = content
                else:
                    sha256 = PDF.fullmatch(member.filename)[1]
                    _judge(member.filename, sha256, content, is_here=sha256 in known)
                    files[sha256] = None if sha256 in known else content
    except (*archives.DAMAGED, OSError):
        raise CatalogueError(DAMAGED) from None
    try:
        return text.decode("utf-8-sig"), files
    except UnicodeDecodeError:
        raise CatalogueError(f"{LIST} är inte i UTF-8. Spara den som CSV UTF-8.") from None


def _refuse(members):
    """By what the archive says of itself, before anything is unpacked; zipfile never reads beyond that."""
    if archives.is_too_much(members, most=MOST_MEMBERS, most_unpacked=MOST_UNPACKED):
        raise CatalogueError(
            f"Zip-filen har mer än {MOST_MEMBERS} filer eller packas upp till mer än {MOST_UNPACKED // MEBIBYTE} MB. Ta bort"
            " PDF-filer som redan finns här: listan räcker för dem."
        )
    names = [member.filename for member in members]
    for member in members:
        name = member.filename
        if name != LIST and not PDF.fullmatch(name):
            raise CatalogueError(
                f"”{name[:80]}” hör inte till zip-filen. Den har {LIST}, och PDF-filer som heter sin kontrollsumma, utan"
                " mappar."
            )
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CatalogueError(f"{name} är krypterad eller packad på annat sätt än vanlig zip och läses inte.")
        if member.file_size > MOST_BYTES:
            raise CatalogueError(f"{name} är större än 2 MB och läses inte.")
        if names.count(name) > 1:
            raise CatalogueError(f"{name} finns två gånger i zip-filen.")
    if LIST not in names:
        raise CatalogueError(f"Zip-filen saknar {LIST}.")


def _judge(name, sha256, content, *, is_here):
    """As the file of a bilaga is judged when it is put in by hand; one that is here has been."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CatalogueError(f"{name} har ett annat innehåll än kontrollsumman i namnet.")
    if not is_here and (fault := pdf_files.fault(content)):
        raise CatalogueError(f"{name}: {fault}")
