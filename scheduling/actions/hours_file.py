"""Tidböckernas veckotider as a file (BO-01): written out, read and compared, and let into effect as a whole or not at all.

A file is the whole week of the resources that it names; other resources are left alone. Hours that it no longer has end the
day before. It is tried through the one action for a tidbok, which tells whom it hits before anything is saved (PL-02)."""

import csv
import hashlib
import io
from collections import defaultdict
from datetime import date, time, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from registration.models import VisitType
from scheduling import schedule_rules
from scheduling.models import RebookingItem, Resource, WeeklyHours
from sdv.accounts.catalogue_file import MOST_ROWS, YES_OR_NO, Change, Comparison
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.spreadsheets import as_text, read_back
from sdv.common.time import local_date, start_of_day

from . import schedules

HEADINGS = (
    "vardenhet",
    "resurs",
    "veckodag",
    "fran",
    "till",
    "minuter",
    "besokstyper",
    "helgdagar",
    "giltig_fran",
    "giltig_till",
)
FIELDS = ("to_time", "slot_minutes", "on_holidays", "valid_to")
YES, NO = YES_OR_NO
WEEKDAYS = {str(number): number for number in range(1, 8)}


def written():
    """The weeks as a file: semicolons, UTF-8 with a mark that spreadsheets understand."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for row in _rows(WeeklyHours.objects.all()):
        writer.writerow([row.resource.care_unit.hsa_id, as_text(row.resource.name), *_cells(row, _types(row))])
    return "\ufeff" + out.getvalue()


@transaction.atomic
def compared(text, *, on):
    """Reads the file, compares it, and tries what it would change. Raises CatalogueError with line or resource and reason."""
    found, acts = _compare(text, on)
    with transaction.atomic():
        hit = _write(acts, by=None, at=start_of_day(on))
        transaction.set_rollback(True)
    told = (
        f"Bokade besök från i dag som inte längre ryms: {hit}. De som inte har varit hamnar i Ombokningar."
        if hit
        else ""
    )
    return Comparison(**found, told=told)


@transaction.atomic
def take_effect(*, text, fingerprint, by, at):
    """Lets the compared file take effect. Refuses when the tidböcker are others than those that were compared."""
    named = {resource.pk for resource, *_ in _read(text).values()}
    list(Resource.objects.filter(pk__in=named).locked())
    found, acts = _compare(text, local_date(at))
    if found["fingerprint"] != fingerprint:
        raise RuleError(
            "BO-01",
            "Tidböckerna har ändrats sedan filen jämfördes. Läs filen igen och se vad som ändras.",
            code="another_list",
        )
    _write(acts, by=by, at=at)
    return found


def _rows(rows):
    found = rows.select_related("resource__care_unit").prefetch_related("visit_types")
    return found.order_by("resource__care_unit__hsa_id", "resource__name", "weekday", "from_time", "pk")


def _types(row):
    return sorted(each.code for each in row.visit_types.all())


def _cells(row, codes):
    days = [day.isoformat() if day else "" for day in (row.valid_from, row.valid_to)]
    hours = [f"{row.from_time:%H:%M}", f"{row.to_time:%H:%M}", str(row.slot_minutes)]
    return [str(row.weekday), *hours, " ".join(codes), YES if row.on_holidays else NO, *days]


def _key(row):
    return row.resource_id, row.weekday, row.from_time, row.valid_from


def _compare(text, on):
    """What the file would change, as a Comparison's fields, and what is to be done: resource → [(act, row, types, line)]."""
    wanted = _read(text)
    named = {resource.pk for resource, *_ in wanted.values()}
    present = {_key(row): row for row in _rows(WeeklyHours.objects.filter(resource__in=named))}
    was = sorted((str(key), _cells(row, _types(row))) for key, row in present.items())
    found, acts = {"added": [], "changed": [], "ended": [], "left": [], "same": 0}, defaultdict(list)
    for key, (resource, row, types, line) in wanted.items():
        cells = _cells(row, sorted(each.code for each in types))
        if key not in present:
            found["added"].append(Change(row, {}, ", ".join([resource.name, *filter(None, cells)]), line))
            acts[resource.pk].append(("add", row, types, line))
            continue
        had = present[key]
        before = _cells(had, _types(had))
        both = zip(HEADINGS[2:], before, cells, strict=True)
        steps = [f"{name}: {old or 'tomt'} → {new or 'tomt'}" for name, old, new in both if old != new]
        if not steps:
            found["same"] += 1
            continue
        for name in FIELDS:
            setattr(had, name, getattr(row, name))
        found["changed"].append((_label(had), "; ".join(steps)))
        acts[resource.pk].append(("change", had, types, line))
    for key, row in present.items():
        if key in wanted or (row.valid_to is not None and row.valid_to < on):
            continue
        if row.valid_from is not None and row.valid_from >= on:
            found["ended"].append(f"{_label(row)}, har inte börjat och tas bort")
            acts[row.resource_id].append(("remove", row, (), 0))
        else:
            row.valid_to = on - timedelta(days=1)
            found["ended"].append(f"{_label(row)}, till {row.valid_to}")
            acts[row.resource_id].append(("end", row, (), 0))
    _refuse_past_beginnings(acts, on)
    found["fingerprint"] = hashlib.sha256(repr((str(on), was, text)).encode()).hexdigest()
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}, acts


def _refuse_past_beginnings(acts, on):
    """Hours that take the place of others begin when those have ended: a line says so itself (BO-01)."""
    for lines in acts.values():
        ended = [row for act, row, *_ in lines if act == "end"]
        for act, row, _, line in lines:
            if act == "add" and any(schedule_rules.hours_meet(row, other) for other in ended):
                raise CatalogueError(
                    f"Rad {line}: {_label(row)} gäller redan medan tider som filen avslutar ännu gäller. Ange giltig_fran"
                    f" {on} eller senare."
                )


def _label(row):
    return f"{row.resource.name}, {schedules.day_text(row)} {row.from_time:%H:%M}–{row.to_time:%H:%M}"


def _write(acts, *, by, at):
    """Through the one action for each tidbok: what ends makes room for what begins. Returns how many bookings it hit."""
    open_items = RebookingItem.objects.open().filter(resource__in=acts)
    before = list(open_items.values_list("pk", flat=True))
    for resource_id in sorted(acts):
        try:
            with schedules.changing(resource_id, by=by, at=at, accept_warnings=("PL-02",)):
                for act, row, types, line in sorted(acts[resource_id], key=lambda each: each[0] == "add"):
                    _save(act, row, types, line)
        except RuleError as refused:
            raise CatalogueError(refused.sentence) from None
    return open_items.exclude(pk__in=before).count()


def _save(act, row, types, line):
    if act == "remove":
        row.delete()
        return
    try:
        row.full_clean()
    except ValidationError as wrong:
        raise CatalogueError(f"Rad {line}: {' '.join(wrong.messages)}") from None
    row.save()
    if act != "end":
        row.visit_types.set(types)


def _read(text):
    """What each line says, by its key: (resource, row, besökstyper, line)."""
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=";")
    resources = {(row.care_unit.hsa_id, row.name): row for row in Resource.objects.select_related("care_unit")}
    types, wanted = {row.code: row for row in VisitType.objects.all()}, {}
    try:
        if tuple(next(reader, [])) != HEADINGS:
            raise CatalogueError(f"Rad 1: rubrikerna ska vara {';'.join(HEADINGS)}.")
        for values in reader:
            if not any(values):
                continue
            line = reader.line_num
            if len(values) != len(HEADINGS):
                raise CatalogueError(f"Rad {line}: {len(values)} värden, väntade {len(HEADINGS)}.")
            try:
                resource, row, chosen = _row(dict(zip(HEADINGS, map(str.strip, values), strict=True)), resources, types)
            except ValueError as wrong:
                raise CatalogueError(f"Rad {line}: {wrong}") from None
            if _key(row) in wanted:
                raise CatalogueError(f"Rad {line}: raden står två gånger ({_label(row)}).")
            wanted[_key(row)] = resource, row, chosen, line
            if len(wanted) > MOST_ROWS:
                raise CatalogueError(f"Filen har fler än {MOST_ROWS} rader.")
    except csv.Error as wrong:
        raise CatalogueError(f"Rad {reader.line_num}: raden går inte att läsa ({wrong}).") from None
    return wanted


def _row(cells, resources, types):
    """A line as hours, or a ValueError that says what is not understood."""

    def read(heading, how, what):
        try:
            return how(cells[heading])
        except (ValueError, KeyError):
            raise ValueError(f"{heading}: ”{cells[heading]}” är {what}.") from None

    resource = resources.get((cells["vardenhet"], read_back(cells["resurs"])))
    if resource is None:
        raise ValueError(f"resursen ”{cells['resurs']}” finns inte på vårdenheten {cells['vardenhet']}.")
    chosen = [
        read("besokstyper", lambda _, code=code: types[code], "inte känt") for code in cells["besokstyper"].split()
    ]
    first, last = (
        read(name, lambda cell: date.fromisoformat(cell) if cell else None, "inget datum (ÅÅÅÅ-MM-DD)")
        for name in ("giltig_fran", "giltig_till")
    )
    if first and last and last < first:
        raise ValueError("giltig_till ligger före giltig_fran.")
    row = WeeklyHours(
        resource=resource,
        weekday=read("veckodag", WEEKDAYS.__getitem__, "ingen veckodag (1–7)"),
        from_time=read("fran", time.fromisoformat, "inget klockslag (TT:MM)"),
        to_time=read("till", time.fromisoformat, "inget klockslag (TT:MM)"),
        slot_minutes=read("minuter", int, "inget heltal"),
        on_holidays=read("helgdagar", lambda cell: YES_OR_NO[cell], "varken ja eller nej"),
        valid_from=first,
        valid_to=last,
    )
    return resource, row, chosen
