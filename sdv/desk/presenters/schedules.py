"""Tidböcker as the pages show them: weeks in words, exceptions, absences (BO-01, PL-02)."""

from dataclasses import dataclass
from datetime import UTC, time, timedelta

from scheduling import away, schedule_rules
from scheduling.models import Absence, Resource
from sdv.common.holidays import holiday
from sdv.common.time import at_local, local, local_date, start_of_day
from sdv.desk.presenters.work import absence_text

DAYS = ("", "mån", "tis", "ons", "tors", "fre", "lör", "sön")
AHEAD = timedelta(days=92)


@dataclass(frozen=True)
class HoursRow:
    """Hours of the week, or of a day, in words."""

    pk: object
    when: str
    clock: str
    minutes: int
    visit_types: str
    validity: str
    is_over: bool


def hours_rows(resource, today):
    rows = resource.weekly_hours.prefetch_related("visit_types").order_by("weekday", "from_time", "valid_from")
    return [
        HoursRow(
            row.pk,
            row.get_weekday_display(),
            _clock(row),
            row.slot_minutes,
            _types(row),
            _validity(row),
            is_over=row.valid_to is not None and row.valid_to < today,
        )
        for row in rows
    ]


def extra_rows(resource, today):
    rows = resource.extra_hours.filter(day__gte=today).prefetch_related("visit_types")
    return [
        HoursRow(
            row.pk,
            row.day.isoformat(),
            _clock(row),
            row.slot_minutes,
            _types(row),
            "i stället för veckans tider" if row.replaces_week else "utöver veckans tider",
            is_over=False,
        )
        for row in rows
    ]


def _clock(row):
    return f"{row.from_time:%H:%M}–{row.to_time:%H:%M}"


def _types(row):
    return ", ".join(sorted(each.name for each in row.visit_types.all())) or "alla"


def _validity(row):
    since = f"från {row.valid_from.isoformat()}" if row.valid_from else ""
    until = f"till {row.valid_to.isoformat()}" if row.valid_to else ""
    holidays = "också helgdagar" if row.on_holidays else ""
    return (
        ", ".join(part for part in (" ".join(part for part in (since, until) if part), holidays) if part)
        or "tills vidare"
    )


@dataclass(frozen=True)
class AbsenceRow:
    """A coming absence, how many of the unit's bookings still wait and how many at others, and whether who looks may
    change it."""

    pk: object
    text: str
    to_rebook: int
    elsewhere: str
    may_change: bool


def absences(care_unit, at, resource=None, *, maintained=()):
    """Those not yet over, the first to begin first: of the unit's persons also what another unit has registered. The unit's
    closures stand with each resource's own. `maintained` are the units (ids) whose tidböcker the user may change."""
    rows = Absence.objects.over(at, None).known_at([care_unit.pk], local_date(at))
    if resource is not None:
        rows = rows.of(Resource.objects.filter(pk=resource.pk), care_unit=care_unit)
    rows = list(rows.select_related("resource__practitioner", "care_unit").order_by("period", "pk")[:100])
    found = []
    for each in away.seen(rows, {care_unit.pk}):
        counts = {unit.pk: number for unit, number in each.to_rebook}
        others = [(unit, number) for unit, number in each.to_rebook if unit != care_unit]
        found.append(
            AbsenceRow(
                each.absence.pk,
                absence_text(each.absence, care_unit.pk),
                counts.get(care_unit.pk, 0),
                ", ".join(f"{number} på {unit.name}" for unit, number in others),
                each.absence.care_unit_id in maintained,
            )
        )
    return found


def hit_text(bookings, care_unit, let_go=0):
    """Whom an absence would hit: how many of the unit's and the first of their times, of other units' how many; and how many
    of those who are to be moved it would no longer hit."""
    starts = [row.start for row in bookings.filter(care_unit=care_unit)]
    told = [f"{_bookings(len(starts))} träffas: {schedule_rules.first_of(starts)}."] if starts else []
    others = [(unit, number) for unit, number in away.per_unit(bookings) if unit != care_unit]
    told += [f"{_bookings(number)} träffas på {unit.name}, som bokar om dem." for unit, number in others]
    told = told or ["Ingen bokning träffas."]
    if let_go:
        told.append(f"{_bookings(let_go)} träffas inte längre.")
    return " ".join(told)


def to_rebook_text(counts, care_unit):
    """The same for the receipt, of (unit, number)."""
    if not counts:
        return "Ingen bokning träffas."
    return " ".join(
        f"{_bookings(number)} att boka om{'' if unit == care_unit else f' på {unit.name}'}." for unit, number in counts
    )


def _bookings(number):
    return f"{number} {'bokning' if number == 1 else 'bokningar'}"


def week_text(resource, today):
    """mån–fre 08:00–16:30: the week's hours of today, equal days joined."""
    by_day = {}
    for row in resource.weekly_hours.all():
        if (row.valid_from is None or row.valid_from <= today) and (row.valid_to is None or row.valid_to >= today):
            by_day.setdefault(row.weekday, []).append(_clock(row))
    parts = []
    for weekday in sorted(by_day):
        clocks = ", ".join(sorted(by_day[weekday]))
        if parts and parts[-1][1] == weekday - 1 and parts[-1][2] == clocks:
            parts[-1][1] = weekday
        else:
            parts.append([weekday, weekday, clocks])
    return "; ".join(
        f"{DAYS[first]}{'–' + DAYS[last] if last > first else ''} {clocks}" for first, last, clocks in parts
    )


def holidays_ahead(today):
    """The holidays of the coming weeks: dates and names."""
    days = (today + timedelta(days=number) for number in range(AHEAD.days))
    return [(day.isoformat(), name) for day in days if (name := holiday(day))]


def bounds(form):
    """The moments that an absence form means: whole days where no clock is given. What is left as it was is None: a clock
    that is twice in the night in autumn means the moment it meant."""
    words, had = form.cleaned_data, form.initial
    found = []
    for day, clock, more in (("first_day", "first_time", 0), ("last_day", "last_time", 1)):
        is_kept = had.get(day) == words[day] and had.get(clock) == words[clock]
        found.append(None if is_kept else _moment(words[day], words[clock], timedelta(days=more)))
    return found


def words_of(absence):
    """What the form of an absence says of it: whole days without clocks."""
    start, end = local(absence.period.lower), local(absence.period.upper)
    last = end - timedelta(days=1) if end.time() == time.min else end
    return {
        "kind": absence.kind,
        "version": absence.version,
        "first_day": start.date(),
        "first_time": start.time() if start.time() != time.min else None,
        "last_day": last.date(),
        "last_time": end.time() if end.time() != time.min else None,
    }


def _moment(day, clock, more):
    return at_local(day, clock).astimezone(UTC) if clock else start_of_day(day + more)
