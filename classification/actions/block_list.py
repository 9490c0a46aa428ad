"""The region's spärrlista as a file (KL-06): written out, read and compared, and let into effect as a whole or not at all.

The file is the whole list. A row that it no longer has gets an end date, the day before the import: codings of contacts
that ended before are judged as they were (KL-05)."""

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from classification.importing.errors import CatalogueError
from classification.judging import normalise
from classification.models import BlockedCode, BlockKind, CareForm, CodeRole, Weight
from classification.models.regional import PATTERN
from sdv.common.errors import RuleError
from sdv.common.spreadsheets import as_text, read_back
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

HEADINGS = (
    "kod", "som", "i", "vardenhet", "slag", "med_koden", "vager", "mening", "kalla", "giltig_fran", "giltig_till",
)  # fmt: skip
MOST_ROWS = 5000
KEY = ("pattern", "role", "care_form", "care_unit_id", "kind", "other_pattern", "valid_from")
WORDS = ("severity", "text", "source", "valid_to")


@dataclass(frozen=True)
class BlockListComparison:
    """What the file would change, and a fingerprint of it: what takes effect is what was seen, or nothing."""

    added: tuple
    changed: tuple
    ended: tuple
    same: int
    fingerprint: str


def written():
    """The list as a file: semicolons, UTF-8 with a mark that spreadsheets understand."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for row in BlockedCode.objects.select_related("care_unit"):
        unit = row.care_unit.hsa_id if row.care_unit else ""
        days = [day.isoformat() if day else "" for day in (row.valid_from, row.valid_to)]
        at_its_place = [row.pattern, row.role, row.care_form, unit, row.kind, row.other_pattern, row.severity]
        writer.writerow([*at_its_place, as_text(row.text), as_text(row.source), *days])
    return "\ufeff" + out.getvalue()


def compared(text, *, on):
    """Reads the file and compares it with what is in force. Raises CatalogueError with line and reason."""
    wanted = _read(text)
    present = {_key(row): row for row in BlockedCode.objects.all()}
    added = [values for key, values in wanted.items() if key not in present]
    both = [(present[key], values) for key, values in wanted.items() if key in present]
    changed = [(row, values) for row, values in both if any(getattr(row, name) != values[name] for name in WORDS)]
    past = [row for row, _ in changed if _has_ended(row, on)]
    if past:
        raise CatalogueError(
            f"{past[0].pattern} har upphört {past[0].valid_to.isoformat()} och ändras inte i efterhand."
            " Ge raden ett nytt giltig_fran."
        )
    # What has ended stays as it is, and what has not begun is left for a person.
    ended = [
        row
        for key, row in present.items()
        if key not in wanted and not _has_ended(row, on) and (row.valid_from is None or row.valid_from < on)
    ]
    told = repr(
        (sorted(map(repr, wanted.items())), sorted((str(pk.pk), *map(str, _key(pk))) for pk in present.values()))
    )
    mark = hashlib.sha256(f"{on}{told}".encode()).hexdigest()
    return BlockListComparison(tuple(added), tuple(changed), tuple(ended), len(both) - len(changed), mark)


@transaction.atomic
def import_block_list(*, text, fingerprint, by, at):
    """Lets the compared file take effect. Refuses when the list is another than the one that was compared."""
    list(BlockedCode.objects.order_by("pk").locked())
    on = local_date(at)
    found = compared(text, on=on)
    if found.fingerprint != fingerprint:
        raise RuleError(
            "KL-06", "Spärrlistan har ändrats sedan filen jämfördes. Läs filen igen och se vad som ändras.",
            code="another_list",
        )  # fmt: skip
    BlockedCode.objects.bulk_create([BlockedCode(**values) for values in found.added])
    for row, values in found.changed:
        for name in WORDS:
            setattr(row, name, values[name])
        row.save(update_fields=WORDS)
    for row in found.ended:
        row.valid_to = on - timedelta(days=1)
        row.save(update_fields=["valid_to"])
    return found


def _has_ended(row, on):
    return row.valid_to is not None and row.valid_to < on


def _key(row):
    return tuple(getattr(row, name) for name in KEY)


def _read(text):
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=";")
    units = dict(CareUnit.objects.values_list("hsa_id", "pk"))
    wanted = {}
    try:
        headings = next(reader, [])
        if tuple(headings) != HEADINGS:
            raise CatalogueError(f"Rad 1: rubrikerna ska vara {';'.join(HEADINGS)}.")
        for values in reader:
            if not any(values):
                continue
            if len(values) != len(HEADINGS):
                raise CatalogueError(f"Rad {reader.line_num}: {len(values)} värden, väntade {len(HEADINGS)}.")
            row = _values(dict(zip(HEADINGS, map(str.strip, values), strict=True)), reader.line_num, units)
            key = tuple(row[name] for name in KEY)
            if key in wanted:
                raise CatalogueError(f"Rad {reader.line_num}: raden står två gånger.")
            wanted[key] = row
            if len(wanted) > MOST_ROWS:
                raise CatalogueError(f"Filen har fler än {MOST_ROWS} rader.")
    except csv.Error as wrong:
        raise CatalogueError(f"Rad {reader.line_num}: raden går inte att läsa ({wrong}).") from None
    return wanted


def _values(cells, number, units):
    def stop(reason):
        raise CatalogueError(f"Rad {number}: {reason}.")

    def known(heading, words):
        if cells[heading] not in words:
            stop(f"okänt {heading}: ”{cells[heading]}”. Kända: {', '.join(words)}")
        return cells[heading]

    def pattern(heading):
        code = normalise(cells[heading])
        if not re.fullmatch(PATTERN, code):
            stop(f"{heading} ”{cells[heading]}” är ingen kod och ingen början av en (F41*)")
        return code

    def day(heading):
        try:
            return date.fromisoformat(cells[heading]) if cells[heading] else None
        except ValueError:
            return stop(f"{heading} ”{cells[heading]}” är inget datum (ÅÅÅÅ-MM-DD)")

    def words(heading, longest):
        if not 1 <= len(cells[heading]) <= longest or "\x00" in cells[heading]:
            stop(f"{heading} ska ha mellan 1 och {longest} tecken")
        return read_back(cells[heading])

    kind = known("slag", BlockKind.values)
    if (kind == BlockKind.COMBINATION) != bool(cells["med_koden"]):
        stop("med_koden anges för combination och bara för det")
    if cells["vardenhet"] and cells["vardenhet"] not in units:
        stop(f"vårdenheten {cells['vardenhet']} finns inte")
    begins, ends = day("giltig_fran"), day("giltig_till")
    if begins and ends and ends < begins:
        stop("giltig_till ligger före giltig_fran")
    return {
        "pattern": pattern("kod"),
        "role": known("som", CodeRole.values),
        "care_form": known("i", CareForm.values),
        "care_unit_id": units.get(cells["vardenhet"]),
        "kind": kind,
        "other_pattern": pattern("med_koden") if cells["med_koden"] else "",
        "severity": known("vager", [value for value in Weight.values if value != Weight.OFF]),
        "text": words("mening", 300),
        "source": words("kalla", 200),
        "valid_from": begins,
        "valid_to": ends,
    }
