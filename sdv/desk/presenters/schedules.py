"""Tidböcker as the pages show them: weeks in words, exceptions, absences (BO-01, PL-02)."""

from dataclasses import dataclass
from datetime import UTC, timedelta

from scheduling import schedule_rules
from scheduling.models import Absence
from sdv.common.holidays import holiday
from sdv.common.time import at_local, start_of_day
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
    """A coming absence, and how many of its bookings still wait."""

    pk: object
    text: str
    to_rebook: int


def absences(care_unit, at, resource=None):
    """Those not yet over, the first to begin first; the unit's closures stand with each resource's own."""
    rows = Absence.objects.standing().filter(care_unit=care_unit, period__endswith__gt=at)
    if resource is not None:
        rows = rows.filter(resource=resource) | rows.filter(resource__isnull=True)
    rows = rows.with_counts().select_related("resource").order_by("period")[:100]
    return [AbsenceRow(row.pk, absence_text(row), row.to_rebook) for row in rows]


def hit_text(bookings):
    """Whom an absence would hit: how many, and the first of their times."""
    starts = [row.start for row in bookings]
    if not starts:
        return "Ingen bokning träffas."
    return f"{len(starts)} {'bokning' if len(starts) == 1 else 'bokningar'} träffas: {schedule_rules.first_of(starts)}."


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
    """The moments that an absence form means: whole days where no clock is given."""
    words = form.cleaned_data
    return (
        _moment(words["first_day"], words["first_time"], timedelta(0)),
        _moment(words["last_day"], words["last_time"], timedelta(days=1)),
    )


def _moment(day, clock, more):
    return at_local(day, clock).astimezone(UTC) if clock else start_of_day(day + more)
