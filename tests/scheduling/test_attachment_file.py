"""Brevbilagor out and in as one zip: what takes effect is what was seen, and no PDF comes in by it that could not by hand
(KA-03)."""

import hashlib
import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from scheduling import pdf_files
from scheduling.actions import attachment_file
from scheduling.models import LetterAttachment
from scheduling.models.enclosure import MOST_BYTES
from sdv.accounts.permissions import Role
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.models import ChangeLogEntry
from sdv.desk.demo.planning import pdf_of
from tests import factories
from tests.clinic import DAY, NOW, TODAY
from tests.desk.signed_in import signed_in

pytestmark = pytest.mark.django_db
HEAD = "benamning;vardenhet;kontrollsumma;kalla;giltig_fran;giltig_till"
MAP, FORM = pdf_of(["Karta"]), pdf_of(["Formulär"])


def sha(content):
    return hashlib.sha256(content).hexdigest()


def name(content):
    return f"{sha(content)}.pdf"


def zipped(*lines, files=None, more=(), packed=zipfile.ZIP_DEFLATED):
    """A zip with the list, a PDF for each of the files, and whatever else, as (name, content)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        if lines:
            archive.writestr("brevbilagor.csv", "\n".join([HEAD, *lines]) + "\n")
        for content in files or ():
            archive.writestr(name(content), content)
        for other, content in more:
            archive.writestr(other, content)
    return out


def read(file):
    found = attachment_file.compared(file, on=TODAY)
    attachment_file.take_effect(text=file, fingerprint=found.fingerprint, by=None, at=NOW)
    return len(found.added), len(found.changed), len(found.ended), len(found.left), found.same


@pytest.fixture
def unit():
    return factories.CareUnitFactory()


@pytest.fixture
def leaflet(unit):
    return LetterAttachment.objects.create(name="Karta", care_unit=unit, pdf=MAP, sha256=sha(MAP), source="=Prov")


def line(content, label="Karta", unit="", days=";"):
    return f"{label};{unit};{sha(content)};'=Prov;{days}"


def test_what_goes_out_is_the_list_and_the_files_and_comes_in_as_it_was(leaflet, unit):
    """KA-03: a PDF that two rows have is in it once."""
    LetterAttachment.objects.create(name="Karta för alla", pdf=MAP, sha256=sha(MAP), source="Prov")
    with zipfile.ZipFile(attachment_file.written()) as archive:
        assert archive.namelist() == ["brevbilagor.csv", name(MAP)]
        assert archive.read(name(MAP)) == MAP
        text = archive.read("brevbilagor.csv").decode("utf-8-sig").splitlines()
    assert text == [HEAD, line(MAP, unit=unit.hsa_id), f"Karta för alla;;{sha(MAP)};Prov;;"]
    assert read(attachment_file.written()) == (0, 0, 0, 0, 2)


def test_a_new_file_comes_in_and_what_is_gone_ends_and_keeps_its_file(leaflet, unit):
    """KA-03: nothing before the yes; what is here already needs no file, whatever row it gets."""
    before, logged = list(LetterAttachment.objects.values()), ChangeLogEntry.objects.count()
    file = zipped(line(FORM, "Formulär", days="2027-01-01;"), line(MAP, "Karta för alla"), files=[FORM])
    found = attachment_file.compared(file, on=TODAY)
    assert [str(change) for change in found.ended] == [f"Karta (Karta, {unit.hsa_id}, {sha(MAP)}), till 2026-11-19"]
    assert (list(LetterAttachment.objects.values()), ChangeLogEntry.objects.count()) == (before, logged)
    attachment_file.take_effect(text=file, fingerprint=found.fingerprint, by=None, at=NOW)
    rows = LetterAttachment.objects.order_by("name", "valid_to").values_list(
        "name", "care_unit", "pdf", "source", "valid_to"
    )
    assert [(label, unit_id, bytes(pdf), source, last) for label, unit_id, pdf, source, last in rows] == [
        ("Formulär", None, FORM, "=Prov", None),
        ("Karta", unit.pk, MAP, "=Prov", TODAY - DAY),
        ("Karta för alla", None, MAP, "=Prov", None),
    ]
    again = zipped(line(FORM, "Formulär", days="2027-01-01;2027-12-31"), line(MAP, "Karta för alla"))
    assert read(again) == (0, 1, 0, 0, 1)


def test_the_yes_is_to_the_zip_that_was_seen(leaflet, unit):
    """KA-03: another PDF under the same name, or a catalogue that has changed, is another file."""
    kept = line(MAP, unit=unit.hsa_id)
    seen = attachment_file.compared(zipped(kept, line(FORM, "Nytt"), files=[FORM]), on=TODAY).fingerprint
    other = pdf_of(["Annat"])
    for file in (zipped(kept, line(other, "Nytt"), files=[other]), zipped(kept)):
        with pytest.raises(RuleError, match="Filen eller katalogen är en annan") as refused:
            attachment_file.take_effect(text=file, fingerprint=seen, by=None, at=NOW)
        assert (refused.value.rule, refused.value.code) == ("KA-03", "another_list")
    assert LetterAttachment.objects.count() == 1


WHOLE = zipped(line(MAP), files=[MAP], packed=zipfile.ZIP_STORED).getvalue()
BOMB = b"%PDF-" + b"0" * (MOST_BYTES + 1)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (io.BytesIO(b"PK nej"), attachment_file.DAMAGED),
        (io.BytesIO(WHOLE[:-30]), attachment_file.DAMAGED),
        (io.BytesIO(WHOLE.replace(MAP[:10], b"XXXXXXXXXX")), attachment_file.DAMAGED),
        (zipped(files=[MAP]), "Zip-filen saknar brevbilagor.csv."),
        (zipped(line(MAP)), f"Rad 2: {name(MAP)} finns inte i zip-filen."),
        (zipped(line(MAP), files=[MAP, FORM]), f"{name(FORM)} står inte i brevbilagor.csv."),
        (
            zipped(line(MAP), more=[(name(MAP), FORM)]),
            f"{name(MAP)} har ett annat innehåll än kontrollsumman i namnet.",
        ),
        (zipped(line(b"<html>"), files=[b"<html>"]), f"{name(b'<html>')}: {pdf_files.NOT_PDF}"),
        (zipped(line(MAP), files=[MAP], more=[("../../x.pdf", MAP)]), "”../../x.pdf” hör inte till zip-filen."),
        (zipped(line(MAP), files=[MAP], more=[(f"mapp/{name(MAP)}", MAP)]), f"”mapp/{name(MAP)}” hör inte till"),
        (zipped(line(MAP), files=[MAP], more=[("mapp/", b"")]), "”mapp/” hör inte till zip-filen."),
        (zipped(line(BOMB), files=[BOMB]), f"{name(BOMB)} är större än 2 MB och läses inte."),
        (zipped(line(MAP), files=[MAP], packed=zipfile.ZIP_LZMA), "brevbilagor.csv är krypterad eller packad på annat"),
        (zipped(line(MAP, days="i dag;"), files=[MAP]), "Rad 2: giltig_fran: ”i dag” är inget datum"),
        (zipped(line(MAP, days="2027-02-01;2027-01-01"), files=[MAP]), "Sista dagen ska inte ligga före den första."),
        (zipped(line(MAP, unit="SE-INGEN"), files=[MAP]), "Rad 2: vardenhet: ”SE-INGEN” är inte känt"),
        (zipped(line(MAP, label=""), files=[MAP]), "Rad 2: benamning: saknas."),
        (zipped(more=[("brevbilagor.csv", "å".encode("latin-1"))]), "brevbilagor.csv är inte i UTF-8."),
        (
            zipped(line(MAP), more=[(f"{number:064x}.pdf", b"") for number in range(1000)]),
            "Zip-filen har mer än 1000 filer eller packas upp till mer än 100 MB.",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "zip",
)
def test_a_zip_that_is_wrong_is_refused_whole_with_what_is_wrong(file, said):
    """KA-03: nothing of it is read in."""
    with pytest.raises(CatalogueError) as refused:
        attachment_file.compared(file, on=TODAY)
    assert said in str(refused.value)
    assert LetterAttachment.objects.count() == 0


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused():
    """KA-03: which of the two was seen?"""
    with pytest.raises(CatalogueError, match="finns två gånger i zip-filen"):
        attachment_file.compared(zipped(line(MAP), files=[MAP, MAP]), on=TODAY)


def test_what_unpacks_to_more_than_it_says_is_damaged():
    """KA-03: a bomb that lies of its size is read no further than that size."""
    packed = zipped(line(MAP), more=[(name(MAP), b"%PDF-" + b"0" * MOST_BYTES * 4)]).getvalue()
    size = (MOST_BYTES * 4 + 5).to_bytes(4, "little")
    assert packed.count(size) == 2
    with pytest.raises(CatalogueError) as refused:
        attachment_file.compared(io.BytesIO(packed.replace(size, (1000).to_bytes(4, "little"))), on=TODAY)
    assert str(refused.value) == attachment_file.DAMAGED


def test_two_rows_that_a_list_cannot_tell_apart_are_changed_by_hand_first(leaflet, unit):
    """KA-03: the one must not be taken for the other."""
    LetterAttachment.objects.create(name="Karta", care_unit=unit, pdf=MAP, sha256=sha(MAP), source="Annan")
    with pytest.raises(CatalogueError, match=r"finns två gånger\. Ändra den ena för hand först"):
        attachment_file.compared(zipped(line(MAP, unit=unit.hsa_id)), on=TODAY)


def test_the_administration_asks_for_the_same_zip_again(leaflet, unit):
    """KA-03: what was compared is not carried in the page; another zip is told to be another."""
    client = signed_in(factories.staff(Role.CATALOGUE_ADMIN, unit))
    address, out = (reverse(f"admin:scheduling_letterattachment_{does}") for does in ("import", "export"))
    listed = client.get(reverse("admin:scheduling_letterattachment_changelist")).content.decode()
    assert f'href="{address}"' in listed and f'href="{out}"' in listed
    answer = client.get(out)
    assert (answer["Content-Type"], answer["Content-Disposition"]) == (
        "application/zip",
        'attachment; filename="brevbilagor.zip"',
    )
    assert zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).namelist() == ["brevbilagor.csv", name(MAP)]
    kept = line(MAP, unit=unit.hsa_id)
    sent = zipped(kept, line(FORM, "Formulär"), files=[FORM]).getvalue()

    def post(content=None, **fields):
        files = {"file": SimpleUploadedFile("b.zip", content)} if content is not None else {}
        answer = client.post(address, files | fields)
        return answer.status_code, answer.content.decode()

    status, page = post(sent)
    assert status == 200 and "1 nya, 0 ändrade, 0 upphör, 1 lika." in page and 'type="file"' in page
    assert "Välj samma fil igen för att låta den gälla." in page and 'name="rows"' not in page
    mark = page.split('name="fingerprint" value="')[1].split('"')[0]
    for content, fields, said in (
        (None, {"fingerprint": mark}, "Välj en fil."),
        (None, {}, "Välj en fil."),
        (b"nej", {}, "Filen är ingen zip-fil, eller skadad."),
        (zipped(kept).getvalue(), {"fingerprint": mark}, "Filen eller katalogen är en annan än den som jämfördes."),
    ):
        status, page = post(content, **fields)
        assert status == 422 and said in page
        assert LetterAttachment.objects.count() == 1
    assert post(sent, fingerprint=mark)[0] == 302
    made = LetterAttachment.objects.get(name="Formulär")
    assert (bytes(made.pdf), made.care_unit) == (FORM, None)
    entry = ChangeLogEntry.objects.get(row_id=str(made.pk))
    assert entry.actor_id is not None
    other = signed_in(factories.staff(Role.CODER, unit))
    assert [other.get(each).status_code for each in (address, out)] == [403, 403]
