"""Tidboken: when resources see patients, of the days they are there, their weeks, the days' own exceptions, holidays and
absences (BO-01, PL-02).

Loaded once for some resources and a span of days; everything else is asked of it without queries."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, timedelta

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q

from scheduling.models import Absence, ExtraHours, Lack, Resource, ResourceKind, WeeklyHours
from sdv.common.holidays import holiday
from sdv.common.time import at_local, local_date, start_of_day

# Why a day of the tidbok does not have the times it otherwise would.
HOLIDAY, NOT_THERE = "helgdag", "resursen slutar eller har inte börjat"

# What a booked time lacks where it lacks nothing: less than any of `Lack`.
NOTHING = 0

_TYPE_IDS = ArrayAgg("visit_types", filter=Q(visit_types__isnull=False), default=[])


@dataclass(frozen=True)
class Window:
    """Open hours on a day, UTC. No besökstyper means all of the unit's."""

    start: object
    end: object
    minutes: int
    visit_type_ids: frozenset

    def is_for(self, visit_type):
        """None is any besökstyp."""
        return visit_type is None or not self.visit_type_ids or visit_type.pk in self.visit_type_ids


class Timebook:
    """The tidböcker of resources from the first to the last day: three queries, however many they are."""

    def __init__(self, resources, from_day, to_day):
        self.resources = {resource.pk: resource for resource in resources}
        self.from_day, self.to_day = from_day, to_day
        self._week, self._extra = defaultdict(list), defaultdict(list)
        self._replaced, self._absences = set(), defaultdict(list)
        if self.resources:
            self._load()

    def _load(self):
        weeks = WeeklyHours.objects.filter(resource__in=self.resources).order_by("from_time", "id")
        for row in weeks.annotate(type_ids=_TYPE_IDS):
            self._week[row.resource_id, row.weekday].append((row, frozenset(row.type_ids)))
        days = ExtraHours.objects.filter(resource__in=self.resources, day__range=(self.from_day, self.to_day))
        for row in days.annotate(type_ids=_TYPE_IDS):
            self._extra[row.resource_id, row.day].append((row, frozenset(row.type_ids)))
            if row.replaces_week:
                self._replaced.add((row.resource_id, row.day))
        self._have_weeks = {resource_id for resource_id, _ in self._week}
        span = start_of_day(self.from_day), start_of_day(self.to_day + timedelta(days=1))
        units = {resource.care_unit_id for resource in self.resources.values()}
        rows = Resource.objects.filter(pk__in=self.resources)
        for row in Absence.objects.over(*span).of(rows, care_unit__in=units).select_related("resource"):
            key = row.resource.taken_as if row.resource else row.care_unit_id
            self._absences[key].append(row)

    def is_always_open(self, resource, day):
        """A room or a piece of equipment without a week of its own can be used whenever it is free, but for days that have
        hours in the week's place."""
        is_whole = resource.pk not in self._have_weeks and (resource.pk, day) not in self._replaced
        return resource.kind != ResourceKind.PERSON and is_whole

    def windows(self, resource, day, *, closed=None):
        """The open hours of a day, the earliest first. A holiday's are those of the week that say they hold on holidays,
        and the day's own; a day when the resource is not there has none. `closed` is told (why, hours) of what the day
        would have had besides."""
        closed = [] if closed is None else closed
        found = [_window(row, ids, day) for row, ids in self._extra[resource.pk, day]]
        if (resource.pk, day) not in self._replaced:
            is_holiday = holiday(day) is not None
            for row, ids in self._week[resource.pk, day.isoweekday()]:
                if not _is_valid(row, day):
                    continue
                if is_holiday and not row.on_holidays:
                    closed.append((HOLIDAY, _window(row, ids, day)))
                else:
                    found.append(_window(row, ids, day))
        if not _is_valid(resource, day):
            closed[:] = [(NOT_THERE, window) for window in found]
            return []
        return sorted(found, key=lambda window: window.start)

    def absence(self, resource, start, end):
        """The absence or closure that hits the time, or None: a person's at whatever unit it was registered (PL-02)."""
        for row in (*self._absences[resource.taken_as], *self._absences[resource.care_unit_id]):
            if row.period.lower < end and start < row.period.upper:
                return row
        return None

    def covers(self, resource, visit_type, start, end):
        """Whether the resource is there, and some open hours for the besökstyp cover the time."""
        if not is_there(resource, start, end):
            return False
        day = local_date(start)
        if self.is_always_open(resource, day):
            return True
        if local_date(end) != day:
            return False
        return any(
            window.start <= start and end <= window.end and window.is_for(visit_type)
            for window in self.windows(resource, day)
        )

    def lack(self, resource, booking):
        """What a booking lacks of the resource; absence apart, which lies upon the tidbok."""
        start, end = booking.time_of(resource)
        if not is_there(resource, start, end):
            return Lack.RESOURCE
        return NOTHING if self.covers(resource, booking.encounter.visit_type, start, end) else Lack.HOURS

    def missing(self, resource, booking):
        """What a booking lacks that nobody decided: one made knowingly beside the tidbok only needs the resource."""
        lack = self.lack(resource, booking)
        return NOTHING if booking.is_beside_the_tidbok and lack < Lack.RESOURCE else lack


def is_there(resource, start, end):
    """Whether the resource is one of the unit's on the days of the time: from its first day to its last (BO-01)."""
    return _is_valid(resource, local_date(start)) and _is_valid(resource, local_date(end - timedelta.resolution))


def _window(row, ids, day):
    start = at_local(day, row.from_time).astimezone(UTC)
    return Window(start, at_local(day, row.to_time).astimezone(UTC), row.slot_minutes, ids)


def _is_valid(row, day):
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or row.valid_to >= day)
