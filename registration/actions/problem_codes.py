"""The regional problemkoder as a file (VA-01): written out, read and compared, and let into effect as a whole or not at all.

A file is the whole list of the specialities that it names. A code of one of them that it no longer has gets an end date,
the day before the import; vårdåtaganden that name it keep it. Other specialities are left alone."""

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from registration.models import ProblemCode
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.spreadsheets import as_text, read_back
from sdv.common.time import local_date

HEADINGS = ("kod", "problem", "specialitet", "kalla", "giltig_fran", "giltig_till")
MOST_ROWS = 5000
WORDS = ("name", "speciality", "source", "valid_from", "valid_to")


@dataclass(frozen=True)
class ProblemCodeComparison:
    """What the file would change, and a fingerprint of it: what takes effect is what was seen, or nothing."""

    added: tuple
    changed: tuple
    ended: tuple
    same: int
    fingerprint: str


def written():
    """The catalogue as a file: semicolons, UTF-8 with a mark that spreadsheets understand."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for row in ProblemCode.objects.order_by("speciality", "code"):
        days = [day.isoformat() if day else "" for day in (row.valid_from, row.valid_to)]
        writer.writerow([row.code, *map(as_text, (row.name, row.speciality, row.source)), *days])
    return "\ufeff" + out.getvalue()


def compared(text, *, on):
    """Reads the file and compares it with the catalogue. Raises CatalogueError with line and reason."""
    wanted = _read(text)
    present = {row.code: row for row in ProblemCode.objects.all()}
    added = [values for code, values in wanted.items() if code not in present]
    both = [(present[code], values) for code, values in wanted.items() if code in present]
    changed = [(row, values) for row, values in both if any(getattr(row, name) != values[name] for name in WORDS)]
    named = {values["speciality"] for values in wanted.values()}
    ended = [
        row
        for code, row in present.items()
        if code not in wanted
        and row.speciality in named
        and (row.valid_to is None or row.valid_to >= on)
        and (row.valid_from is None or row.valid_from < on)
    ]
    told = repr((sorted(map(repr, wanted.values())), sorted(repr(_values_of(row)) for row in present.values())))
    mark = hashlib.sha256(f"{on}{told}".encode()).hexdigest()
    return ProblemCodeComparison(tuple(added), tuple(changed), tuple(ended), len(both) - len(changed), mark)


@transaction.atomic
def import_problem_codes(*, text, fingerprint, by, at):
    """Lets the compared file take effect. Refuses when the catalogue is another than the one that was compared."""
    list(ProblemCode.objects.locked())
    on = local_date(at)
    found = compared(text, on=on)
    if found.fingerprint != fingerprint:
        raise RuleError(
            "VA-01",
            "Problemkoderna har ändrats sedan filen jämfördes. Läs filen igen och se vad som ändras.",
            code="another_list",
        )
    ProblemCode.objects.bulk_create([ProblemCode(**values) for values in found.added])
    for row, values in found.changed:
        for name in WORDS:
            setattr(row, name, values[name])
        row.save(update_fields=WORDS)
    for row in found.ended:
        row.valid_to = on - timedelta(days=1)
        row.save(update_fields=["valid_to"])
    return found


def _values_of(row):
    return {"code": row.code} | {name: getattr(row, name) for name in WORDS}


def _read(text):
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=";")
    wanted = {}
    try:
        if tuple(next(reader, [])) != HEADINGS:
            raise CatalogueError(f"Rad 1: rubrikerna ska vara {';'.join(HEADINGS)}.")
        for values in reader:
            if not any(values):
                continue
            if len(values) != len(HEADINGS):
                raise CatalogueError(f"Rad {reader.line_num}: {len(values)} värden, väntade {len(HEADINGS)}.")
            row = _values(dict(zip(HEADINGS, map(str.strip, values), strict=True)), reader.line_num)
            if row["code"] in wanted:
                raise CatalogueError(f"Rad {reader.line_num}: koden {row['code']} står två gånger.")
            wanted[row["code"]] = row
            if len(wanted) > MOST_ROWS:
                raise CatalogueError(f"Filen har fler än {MOST_ROWS} rader.")
    except csv.Error as wrong:
        raise CatalogueError(f"Rad {reader.line_num}: raden går inte att läsa ({wrong}).") from None
    if not wanted:
        raise CatalogueError("Filen har inga koder.")
    return wanted


def _values(cells, number):
    def stop(reason):
        raise CatalogueError(f"Rad {number}: {reason}.")

    def day(heading):
        try:
            return date.fromisoformat(cells[heading]) if cells[heading] else None
        except ValueError:
            return stop(f"{heading} ”{cells[heading]}” är inget datum (ÅÅÅÅ-MM-DD)")

    def words(heading, longest, shortest=1):
        if not shortest <= len(cells[heading]) <= longest or "\x00" in cells[heading]:
            stop(f"{heading} ska ha mellan {shortest} och {longest} tecken")
        return read_back(cells[heading])

    code = cells["kod"].lower()
    if not re.fullmatch(r"[a-z0-9_-]{1,120}", code):
        stop(f"koden ”{cells['kod']}” ska bestå av bokstäverna a till z, siffror och bindestreck")
    begins, ends = day("giltig_fran"), day("giltig_till")
    if begins and ends and ends < begins:
        stop("giltig_till ligger före giltig_fran")
    return {
        "code": code,
        "name": words("problem", 200),
        "speciality": words("specialitet", 80, 0),
        "source": words("kalla", 200, 0),
        "valid_from": begins,
        "valid_to": ends,
    }
