"""Tidböckerna as files (BO-01): the week's times, and the extra times of days. Written out, read and compared, and let into
effect as a whole or not at all. Each is tried through the one action for a tidbok, which tells whom it hits before anything
is saved (PL-02)."""

import csv
import hashlib
import io
from collections import defaultdict
from datetime import date, time, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from registration.models import VisitType
from scheduling import schedule_rules
from scheduling.models import ExtraHours, RebookingItem, Resource, WeeklyHours
from sdv.accounts.catalogue_file import MOST_ROWS, YES_OR_NO, Change, Comparison
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.spreadsheets import as_text, read_back
from sdv.common.time import local_date, start_of_day

from . import schedules

YES, NO = YES_OR_NO
WEEKDAYS = {str(number): number for number in range(1, 8)}
NO_DAY = "inget datum (ÅÅÅÅ-MM-DD)"


class HoursFile:
    """What is the same of both files. A line says whose the hours are and when; `own` are the headings of a kind of hours,
    `fields` what changes where the same hours are there. Resources that the file does not name are left alone."""

    model, headings, fields = None, (), ()

    def written(self, rows):
        """The hours as a file: semicolons, UTF-8 with a mark that spreadsheets understand."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow(self.headings)
        for row in self._rows(rows):
            unit = row.resource.care_unit.hsa_id
            writer.writerow([unit, as_text(row.resource.name), *self._cells(row, _types(row))])
        return "\ufeff" + out.getvalue()

    @transaction.atomic
    def compared(self, text, *, on):
        """Reads the file, compares it, and tries what it would change. Raises CatalogueError with line or resource and
        reason."""
        found, acts = self._compare(text, on)
        with transaction.atomic():
            hit = self._write(acts, by=None, at=start_of_day(on))
            transaction.set_rollback(True)
        return Comparison(**found, told=told_of(hit))

    @transaction.atomic
    def take_effect(self, *, text, fingerprint, by, at):
        """Lets the compared file take effect. Refuses when the tidböcker are others than those that were compared."""
        named = {resource.pk for resource, *_ in self._read(text).values()}
        list(Resource.objects.filter(pk__in=named).locked())
        found, acts = self._compare(text, local_date(at))
        if found["fingerprint"] != fingerprint:
            raise RuleError(
                "BO-01",
                "Tidböckerna har ändrats sedan filen jämfördes. Läs filen igen och se vad som ändras.",
                code="another_list",
            )
        self._write(acts, by=by, at=at)
        return found

    def _rows(self, rows):
        found = rows.select_related("resource__care_unit").prefetch_related("visit_types")
        return found.order_by("resource__care_unit__hsa_id", "resource__name", *self.order, "from_time", "pk")

    def _compare(self, text, on):
        """What the file would change, as a Comparison's fields, and what is to be done: resource → [(act, row, types,
        line)]."""
        wanted = self._read(text)
        named = {resource.pk for resource, *_ in wanted.values()}
        present = {self._key(row): row for row in self._rows(self.model.objects.filter(resource__in=named))}
        was = sorted((str(key), self._cells(row, _types(row))) for key, row in present.items())
        found, acts = {"added": [], "changed": [], "ended": [], "left": [], "same": 0}, defaultdict(list)
        for key, (resource, row, types, line) in wanted.items():
            cells = self._cells(row, sorted(each.code for each in types))
            if key not in present:
                self._refuse_past(row, line, on)
                found["added"].append(Change(row, {}, ", ".join([resource.name, *filter(None, cells)]), line))
                acts[resource.pk].append(("add", row, types, line))
                continue
            had = present[key]
            before = self._cells(had, _types(had))
            both = zip(self.headings[2:], before, cells, strict=True)
            steps = [f"{name}: {old or 'tomt'} → {new or 'tomt'}" for name, old, new in both if old != new]
            if not steps:
                found["same"] += 1
                continue
            self._refuse_past(row, line, on)
            for name in self.fields:
                setattr(had, name, getattr(row, name))
            found["changed"].append((_label(had), "; ".join(steps)))
            acts[resource.pk].append(("change", had, types, line))
        for key, row in present.items():
            if key not in wanted and (act := self._gone(row, wanted, on, found)):
                acts[row.resource_id].append((act, row, (), 0))
        _refuse_past_beginnings(acts, on)
        found["fingerprint"] = hashlib.sha256(repr((str(on), was, text)).encode()).hexdigest()
        return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}, acts

    def _write(self, acts, *, by, at):
        """Through the one action for each tidbok: what ends makes room for what begins. Returns whom it hit."""
        before = waiting_of(acts)
        for resource_id in sorted(acts):
            try:
                with schedules.changing(resource_id, by=by, at=at, accept_warnings=("PL-02",)):
                    for act, row, types, line in sorted(acts[resource_id], key=lambda each: each[0] == "add"):
                        self._save(act, row, types, line, by=by)
            except RuleError as refused:
                raise CatalogueError(refused.sentence) from None
        return waiting_of(acts) - before

    def _save(self, act, row, types, line, *, by):
        if act == "remove":
            row.delete()
            return
        try:
            # Who made them is no word of the file.
            row.full_clean(exclude=["created_by"])
        except ValidationError as wrong:
            raise CatalogueError(f"Rad {line}: {' '.join(wrong.messages)}") from None
        row.save()
        if act != "end":
            row.visit_types.set(types)

    def _read(self, text):
        """What each line says, by its key: (resource, row, besökstyper, line)."""
        reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=";")
        resources = {(row.care_unit.hsa_id, row.name): row for row in Resource.objects.select_related("care_unit")}
        types, wanted = {row.code: row for row in VisitType.objects.all()}, {}
        try:
            if tuple(next(reader, [])) != self.headings:
                raise CatalogueError(f"Rad 1: rubrikerna ska vara {';'.join(self.headings)}.")
            for values in reader:
                if not any(values):
                    continue
                line = reader.line_num
                if len(values) != len(self.headings):
                    raise CatalogueError(f"Rad {line}: {len(values)} värden, väntade {len(self.headings)}.")
                try:
                    cells = Cells(zip(self.headings, map(str.strip, values), strict=True))
                    resource, chosen = cells.resource(resources), cells.visit_types(types)
                    row = self.model(resource=resource, **self._values(cells))
                except ValueError as wrong:
                    raise CatalogueError(f"Rad {line}: {wrong}") from None
                key = self._key(row)
                if key in wanted:
                    raise CatalogueError(f"Rad {line}: raden står två gånger ({_label(row)}).")
                wanted[key] = resource, row, chosen, line
                if len(wanted) > MOST_ROWS:
                    raise CatalogueError(f"Filen har fler än {MOST_ROWS} rader.")
        except csv.Error as wrong:
            raise CatalogueError(f"Rad {reader.line_num}: raden går inte att läsa ({wrong}).") from None
        return wanted


class WeekFile(HoursFile):
    """The whole week of the resources that it names. Hours that it no longer has end the day before."""

    model = WeeklyHours
    headings = (
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
    fields = ("to_time", "slot_minutes", "on_holidays", "valid_to")
    order = ("weekday",)

    def written(self):
        return super().written(WeeklyHours.objects.all())

    def _cells(self, row, codes):
        days = [day.isoformat() if day else "" for day in (row.valid_from, row.valid_to)]
        return [str(row.weekday), *_hours(row), " ".join(codes), YES if row.on_holidays else NO, *days]

    def _key(self, row):
        return row.resource_id, row.weekday, row.from_time, row.valid_from

    def _values(self, cells):
        first, last = (cells.read(name, _day_or_none, NO_DAY) for name in ("giltig_fran", "giltig_till"))
        if first and last and last < first:
            raise ValueError("giltig_till ligger före giltig_fran.")
        weekday = cells.read("veckodag", WEEKDAYS.__getitem__, "ingen veckodag (1–7)")
        days = {"weekday": weekday, "valid_from": first, "valid_to": last}
        return days | cells.hours() | {"on_holidays": cells.yes_or_no("helgdagar")}

    def _refuse_past(self, row, line, on):
        """A week may begin when it likes: what has been was so."""

    def _gone(self, row, wanted, on, found):
        if row.valid_to is not None and row.valid_to < on:
            return None
        if row.valid_from is not None and row.valid_from >= on:
            found["ended"].append(f"{_label(row)}, har inte börjat och tas bort")
            return "remove"
        row.valid_to = on - timedelta(days=1)
        found["ended"].append(f"{_label(row)}, till {row.valid_to}")
        return "end"


class DayFile(HoursFile):
    """The whole of the days that it names, each resource's own, from today on. Days that have been are as they were; other
    days of the same resources are left and told of."""

    model = ExtraHours
    headings = ("vardenhet", "resurs", "dag", "fran", "till", "minuter", "besokstyper", "i_stallet_for_veckan")
    fields = ("to_time", "slot_minutes", "replaces_week")
    order = ("day",)

    def written(self, *, on):
        return super().written(ExtraHours.objects.filter(day__gte=on))

    def _cells(self, row, codes):
        return [row.day.isoformat(), *_hours(row), " ".join(codes), YES if row.replaces_week else NO]

    def _key(self, row):
        return row.resource_id, row.day, row.from_time

    def _values(self, cells):
        day = cells.read("dag", date.fromisoformat, NO_DAY)
        return {"day": day} | cells.hours() | {"replaces_week": cells.yes_or_no("i_stallet_for_veckan")}

    def _refuse_past(self, row, line, on):
        if row.day < on:
            raise CatalogueError(f"Rad {line}: dag: {row.day} har passerat. Ange i dag eller en senare dag.")

    def _gone(self, row, wanted, on, found):
        if row.day < on:
            return None
        if (row.resource_id, row.day) not in {key[:2] for key in wanted}:
            found["left"].append((_label(row), "dagen nämns inte i filen; ta bort tiderna i tidboken"))
            return None
        found["ended"].append(f"{_label(row)}, tas bort")
        return "remove"

    def _save(self, act, row, types, line, *, by):
        if act == "add":
            row.created_by = by
        super()._save(act, row, types, line, by=by)


WEEKS, DAYS = WeekFile(), DayFile()


class Cells(dict):
    """A line's words by their headings; what is not understood is a ValueError that says so."""

    def read(self, heading, how, what):
        try:
            return how(self[heading])
        except (ValueError, KeyError):
            raise ValueError(f"{heading}: ”{self[heading]}” är {what}.") from None

    def yes_or_no(self, heading):
        return self.read(heading, lambda cell: YES_OR_NO[cell], "varken ja eller nej")

    def hours(self):
        first, last = (self.read(name, _clock, "inget klockslag (TT:MM)") for name in ("fran", "till"))
        return {"from_time": first, "to_time": last, "slot_minutes": self.read("minuter", int, "inget heltal")}

    def resource(self, resources):
        found = resources.get((self["vardenhet"], read_back(self["resurs"])))
        if found is None:
            raise ValueError(f"resursen ”{self['resurs']}” finns inte på vårdenheten {self['vardenhet']}.")
        return found

    def visit_types(self, types):
        codes = self["besokstyper"].split()
        return [self.read("besokstyper", lambda _, code=code: types[code], "inte känt") for code in codes]


def waiting_of(resources):
    """The bookings that wait in Ombokningar because of the resources."""
    return set(RebookingItem.objects.open().filter(resource__in=resources).values_list("pk", flat=True))


def told_of(hit):
    """Whom a file hits, as it is said before the yes (PL-02)."""
    if not hit:
        return ""
    return f"Bokade besök från i dag som inte längre ryms: {len(hit)}. De som inte har varit hamnar i Ombokningar."


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


def _types(row):
    return sorted(each.code for each in row.visit_types.all())


def _hours(row):
    return [f"{row.from_time:%H:%M}", f"{row.to_time:%H:%M}", str(row.slot_minutes)]


def _clock(cell):
    if len(cell) != len("00:00"):
        raise ValueError
    return time.fromisoformat(cell)


def _day_or_none(cell):
    return date.fromisoformat(cell) if cell else None
