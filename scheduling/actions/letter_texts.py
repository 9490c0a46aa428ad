"""Kallelsetexter as a file (KA-03): written out, read and compared, and let into effect as a whole or not at all.

A row is a version. A new version ends the one in force the day before; one that has begun is never rewritten, so that what
a letter of its day said can be told."""

import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from registration.models import AddOn, ContactReason
from scheduling.letter_composition import gives_away, unknown_fields
from scheduling.models import LetterLanguage, LetterPart, LetterText
from scheduling.models.letter_text import OF_A_REASON, OF_A_UNIT, OF_AN_ADD_ON
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit, CareUnitKind

# A file without the last column is in Swedish: one written before there were other languages is read as it was meant.
SWEDISH_HEADINGS = ("del", "amne", "slag_av_enhet", "text", "giltig_fran", "giltig_till", "kalla")
HEADINGS = (*SWEDISH_HEADINGS, "sprak")
MOST_ROWS = 5000
LONGEST = 4000
SUBJECT = {
    **dict.fromkeys(OF_A_REASON, "contact_reason_id"),
    **dict.fromkeys(OF_AN_ADD_ON, "add_on_id"),
    **dict.fromkeys(OF_A_UNIT, "care_unit_id"),
}
KEY = ("part", "contact_reason_id", "add_on_id", "care_unit_id", "unit_kind", "language")


@dataclass(frozen=True)
class Comparison:
    """What the file would change, and a fingerprint of it: what takes effect is what was seen, or nothing."""

    added: tuple
    changed: tuple
    ended: tuple
    same: int
    fingerprint: str


def text_fault(part, text, unit=None):
    """Why the words cannot be the part, or an empty text: a field that no letter has, or a sender that gives away the kind
    of clinic outside the envelope."""
    if not text.strip():
        return "En text är inte tom. Ska delen inte finnas: ge den ett slutdatum (KA-01)."
    if unknown := unknown_fields(text):
        return f"Fältet {{{unknown[0]}}} finns inte i något brev. Skriv det rätt, eller utan klammer."
    if part == LetterPart.RETURN_ADDRESS and unit is not None:
        area = unit.care_area.name if unit.care_area_id else ""
        if told := gives_away(text, unit.name, unit.short_name, area, unit.get_kind_display()):
            return f"Avsändaren syns utanför kuvertet och får inte röja vad det är för mottagning: ”{told}”."
    return ""


def written():
    """The catalogue as a file: semicolons, UTF-8 with a mark that spreadsheets understand, every text byte for byte."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for row in LetterText.objects.select_related("contact_reason", "add_on", "care_unit"):
        subject = row.contact_reason or row.add_on
        code = subject.code if subject else (row.care_unit.hsa_id if row.care_unit else "")
        days = [day.isoformat() if day else "" for day in (row.valid_from, row.valid_to)]
        writer.writerow([row.part, code, row.unit_kind, row.text, *days, row.source, row.language])
    return "\ufeff" + out.getvalue()


def compared(text, *, on):
    """Reads the file and compares it with what there is. Raises CatalogueError with line and reason."""
    rows = list(LetterText.objects.select_related("contact_reason", "add_on", "care_unit"))
    present = {(*_key(row), row.valid_from): row for row in rows}
    added, changed, ended, same = [], [], [], 0
    for number, values in _read(text):
        row = present.get((*(values[name] for name in KEY), values["valid_from"]))
        if row is None:
            ended += _ended_by(values, rows, number)
            added.append(values)
        elif (row.text, row.source, row.valid_to) == (values["text"], values["source"], values["valid_to"]):
            same += 1
        elif row.text != values["text"] and (row.valid_from is None or row.valid_from <= on):
            raise CatalogueError(
                f"Rad {number}: texten har redan börjat gälla och ändras inte i efterhand. Ge raden ett nytt giltig_fran."
            )
        else:
            changed.append((row, values))
    mark = hashlib.sha256(
        f"{on}{text}{sorted((str(r.pk), r.text, str(r.valid_to)) for r in rows)}".encode()
    ).hexdigest()
    return Comparison(tuple(added), tuple(changed), tuple(ended), same, mark)


def _ended_by(values, rows, number):
    """The version in force when the new one begins, with its new last day."""
    begins = values["valid_from"]
    for row in rows:
        if _key(row) != tuple(values[name] for name in KEY):
            continue
        if begins is None or (row.valid_from or date.min) >= begins:
            if values["valid_to"] is None or (row.valid_from or date.min) <= values["valid_to"]:
                raise CatalogueError(f"Rad {number}: det finns redan en version för de dagarna.")
        elif row.valid_to is None or row.valid_to >= begins:
            yield row, begins - timedelta(days=1)


@transaction.atomic
def import_letter_texts(*, text, fingerprint, by, at):
    """Lets the compared file take effect. Refuses when the catalogue is another than the one that was compared."""
    list(LetterText.objects.order_by("pk").select_for_update(of=("self",)))
    found = compared(text, on=local_date(at))
    if found.fingerprint != fingerprint:
        raise RuleError(
            "KA-03",
            "Kallelsetexterna har ändrats sedan filen jämfördes. Läs filen igen och se vad som ändras.",
            code="another_list",
        )
    for row, last in found.ended:
        row.valid_to = last
        row.save(update_fields=["valid_to"])
    for row, values in found.changed:
        row.text, row.source, row.valid_to = values["text"], values["source"], values["valid_to"]
        row.save(update_fields=["text", "source", "valid_to"])
    LetterText.objects.bulk_create([LetterText(**values) for values in found.added])
    return found


def _key(row):
    return tuple(getattr(row, name) for name in KEY)


def _read(text):
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";")
    known = {
        "contact_reason_id": dict(ContactReason.objects.values_list("code", "pk")),
        "add_on_id": dict(AddOn.objects.values_list("code", "pk")),
        "care_unit_id": dict(CareUnit.objects.values_list("hsa_id", "pk")),
    }
    units = {row.pk: row for row in CareUnit.objects.select_related("care_area")}
    wanted = {}
    try:
        headings = tuple(next(reader, []))
        if headings not in (HEADINGS, SWEDISH_HEADINGS):
            raise CatalogueError(f"Rad 1: rubrikerna ska vara {';'.join(HEADINGS)}.")
        for cells in reader:
            if not any(cells):
                continue
            number = reader.line_num
            if len(cells) != len(headings):
                raise CatalogueError(f"Rad {number}: {len(cells)} värden, väntade {len(headings)}.")
            values = _values(dict(zip(headings, cells, strict=True)), number, known, units)
            key = (*(values[name] for name in KEY), values["valid_from"])
            if key in wanted:
                raise CatalogueError(f"Rad {number}: raden står två gånger.")
            wanted[key] = (number, values)
            if len(wanted) > MOST_ROWS:
                raise CatalogueError(f"Filen har fler än {MOST_ROWS} rader.")
    except csv.Error as wrong:
        raise CatalogueError(f"Rad {reader.line_num}: raden går inte att läsa ({wrong}).") from None
    return list(wanted.values())


def _values(cells, number, known, units):
    def stop(reason):
        raise CatalogueError(f"Rad {number}: {reason}")

    def day(heading):
        try:
            return date.fromisoformat(cells[heading].strip()) if cells[heading].strip() else None
        except ValueError:
            return stop(f"{heading} ”{cells[heading]}” är inget datum (ÅÅÅÅ-MM-DD).")

    part, subject, kind = cells["del"].strip(), cells["amne"].strip(), cells["slag_av_enhet"].strip()
    if part not in LetterPart.values:
        stop(f"okänd del: ”{part}”. Kända: {', '.join(LetterPart.values)}.")
    values = dict.fromkeys(("contact_reason_id", "add_on_id", "care_unit_id"))
    if column := SUBJECT.get(LetterPart(part)):
        if subject not in known[column] or kind:
            stop(f"delen {part} hör till ett känt ämne, utan slag av enhet: ”{subject}”.")
        values[column] = known[column][subject]
    elif subject or kind not in ("", *CareUnitKind.values):
        stop(f"delen {part} är regionens och har inget ämne; slag av enhet är tomt eller ett känt slag.")
    language = cells.get("sprak", "").strip() or LetterLanguage.SWEDISH
    if language not in LetterLanguage.values:
        stop(f"okänt språk: ”{language}”. Kända: {', '.join(LetterLanguage.values)}.")
    text, source = cells["text"], cells["kalla"].strip()
    if fault := text_fault(part, text, units.get(values["care_unit_id"])):
        stop(fault)
    if len(text) > LONGEST or "\x00" in text or not 1 <= len(source) <= 200:
        stop(f"text har högst {LONGEST} tecken, och kalla mellan 1 och 200.")
    begins, ends = day("giltig_fran"), day("giltig_till")
    if begins and ends and ends < begins:
        stop("giltig_till ligger före giltig_fran.")
    return values | {
        "part": part,
        "unit_kind": kind,
        "language": language,
        "text": text,
        "valid_from": begins,
        "valid_to": ends,
        "source": source,
    }
