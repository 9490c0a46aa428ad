"""Ledig tid: computed from the tidböcker minus what is taken, never stored (BO-01, PL-07, PL-23)."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import Aggregate, Func, Q
from django.db.models.functions import Coalesce

from scheduling.models import BookingState, Resource, ResourceBooking, ResourceKind
from scheduling.timebook import Timebook
from sdv.common.time import local_date, start_of_day

# Why times of the tidböcker are not offered, besides what the tidbok itself says.
PROFESSION, VISIT_TYPE, TOO_SHORT, ABSENT, NO_ROOM, NOT_AFTER = (
    "annan yrkeskategori",
    "annan besökstyp",
    "för kort",
    "frånvaro",
    "inget ledigt rum eller utrustning",
    "den andra i teamet inte ledig efteråt",
)


@dataclass(frozen=True)
class Slot:
    """A free time: each names its resource, which has a unit, and its form (PL-07, nothing implicit), and what else is had
    with it. Times are aware, UTC."""

    resource: Resource
    start: object
    end: object
    others: tuple = ()
    contact_form: str = ""
    # Whose part of a team visit comes after the first's, and when it begins (BO-02).
    then: Resource | None = None
    then_from: object = None

    @property
    def resource_ids(self):
        return [self.resource.pk, *(other.pk for other in self.others)]


@dataclass
class Found:
    """Free times, and how many times of the tidböcker each rule hid."""

    slots: list = field(default_factory=list)
    hidden: Counter = field(default_factory=Counter)


def resources_for(care_unit, visit_type, day):
    """Resources of the unit that can be booked for the visit type: persons of its profession."""
    return (
        Resource.objects.there_from(day)
        .filter(care_unit=care_unit)
        .filter(Q(kind=ResourceKind.PERSON, practitioner__profession_id=visit_type.profession_id))
        .select_related("practitioner__profession")
    )


def free(**wanted):
    """The free times alone: see `find`."""
    return find(**wanted).slots


def find(
    *,
    care_unit,
    visit_type,
    from_day,
    to_day,
    at,
    resource_ids=None,
    limit=None,
    by=None,
    starting=None,
    together=(),
    also_units=(),
    then=None,
    minutes=None,
    apart_from=None,
):
    """Free times for the visit type from the first to the last day, earliest first; none that begins before `starting`
    where that is given. What `by` holds is free to `by`. `together` is groups of rooms or equipment: one of each group, at
    the person's own unit, is had with the person. `also_units` are searched too, those of the besökstyp's vårdområde
    (BT-01). `then` is a (resource id, minutes) that has its part of the visit after the person's own, whose length is
    `minutes`, else the visit type's (BO-02). What the booking `apart_from` has is free: it is the one to be moved. The same
    number of queries whatever the span, the units and the resources."""
    units = [care_unit, *(unit for unit in also_units if unit.care_area_id == visit_type.care_area_id)]
    grouped = {pk for group in together for pk in group} | ({then[0]} if then else set())
    found, from_day = Found(), max(from_day, local_date(at))
    if to_day < from_day:
        return found
    days = (from_day, to_day)
    persons, others, together = _resources(units, visit_type, days, resource_ids, together, grouped)
    if not persons:
        return found
    wanted = [row for row in persons if resource_ids or _is_of_profession(row, visit_type)]
    book = Timebook([*persons, *others.values()], from_day, to_day)
    span = start_of_day(from_day), start_of_day(to_day + timedelta(days=1))
    taken = _taken([*wanted, *others.values()], *span, at, by, apart_from)
    groups = [[others[pk] for pk in group if pk in others] for group in together]
    search = _Search(book, taken, visit_type, groups, at, starting, found, minutes)
    if then:
        search.then, search.then_length = others.get(then[0]), timedelta(minutes=then[1])
    chosen = {row.pk for row in wanted}
    day = from_day
    while day <= to_day:
        today = []
        for resource in persons:
            if resource.pk in chosen:
                today += search.of_day(resource, day)
            else:
                found.hidden[PROFESSION] += search.count(resource, day)
        found.slots += sorted(today, key=lambda slot: (slot.start, slot.resource.name))
        if limit and len(found.slots) >= limit:
            del found.slots[limit:]
            break
        day += timedelta(days=1)
    found.hidden = Counter({rule: count for rule, count in found.hidden.items() if count})
    return found


def next_free(*, start, at, count=3, **wanted):
    """The next free times from a wished one, for a refusal that offers the way on (PL-07); `wanted` as `find` has it."""
    from_day = max(local_date(start), local_date(at))
    to_day = from_day + timedelta(days=28)
    return free(from_day=from_day, to_day=to_day, at=at, starting=start, limit=count, **wanted)[:count]


class _Search:
    """The free times of one resource on one day at a time."""

    then, then_length = None, timedelta(0)

    def __init__(self, book, taken, visit_type, groups, at, starting, found, minutes=None):
        self.book, self.taken, self.visit_type, self.groups = book, taken, visit_type, groups
        self.at, self.starting, self.hidden = at, starting, found.hidden
        self.length = timedelta(minutes=minutes or visit_type.default_minutes)

    def of_day(self, resource, day):
        closed = []
        seen = set()
        for window in self.book.windows(resource, day, closed=closed):
            if not window.is_for(self.visit_type):
                self.hidden[VISIT_TYPE] += sum(1 for _ in self._starts(window))
                continue
            for start in self._starts(window):
                if start in seen:
                    continue
                seen.add(start)
                if slot := self._slot(resource, window, start):
                    yield slot
        for why, window in closed:
            self.hidden[why] += sum(1 for _ in self._starts(window))

    def count(self, resource, day):
        """How many times ahead the resource's tidbok has on the day, whoever they are for."""
        return sum(sum(1 for _ in self._starts(window)) for window in self.book.windows(resource, day))

    def _starts(self, window):
        # Stepped in UTC: on the two clock-change nights wall-clock sums would repeat or skip an hour.
        step = timedelta(minutes=window.minutes)
        start, shortest = window.start, min(step, self.length)
        while start + shortest <= window.end:
            # PL-23: a time of today can be booked until it ends.
            if start + self.length > self.at and not (self.starting and start < self.starting):
                yield start
            start += step

    def _slot(self, resource, window, start):
        end = start + self.length
        if self.book.absence(resource, start, end):
            self.hidden[ABSENT] += 1
            return None
        if end > window.end or self._is_taken(resource, start, end):
            short = start + timedelta(minutes=window.minutes)
            if short < end and short <= window.end and not self._is_taken(resource, start, short):
                self.hidden[TOO_SHORT] += 1
            return None
        others, until = [], end + self.then_length
        if self.then_length and not self._is_free_after(resource, end, until):
            self.hidden[NOT_AFTER] += 1
            return None
        for group in self.groups:
            own = (row for row in group if row.care_unit_id == resource.care_unit_id)
            had = next((row for row in own if self._is_free(row, start, until)), None)
            if had is None:
                self.hidden[NO_ROOM] += 1
                return None
            others.append(had)
        if self.then:
            others.append(self.then)
        form = self.visit_type.contact_form
        return Slot(resource, start, until, tuple(others), form, self.then, end if self.then else None)

    def _is_free(self, resource, start, end):
        return (
            not self._is_taken(resource, start, end)
            and self.book.absence(resource, start, end) is None
            and self.book.covers(resource, self.visit_type, start, end)
        )

    def _is_free_after(self, resource, start, end):
        """Whether who takes over is of the same unit and free then (BO-02)."""
        other = self.then
        return bool(other) and other.care_unit_id == resource.care_unit_id and self._is_free(other, start, end)

    def _is_taken(self, resource, start, end):
        """Periods lie in order of their start, and none meets another."""
        periods = self.taken.get(resource.taken_as, ())
        before = bisect_left(periods, (end,))
        return before > 0 and periods[before - 1][1] > start


def _is_of_profession(resource, visit_type):
    return resource.practitioner_id is not None and resource.practitioner.profession_id == visit_type.profession_id


def _resources(units, visit_type, days, resource_ids, together, grouped):
    """(whose times are sought, the rooms and equipment they are sought with, in which groups): those asked for, else those
    that are there on some of the days. Persons of other professions are loaded only to tell what was hidden."""
    rows = Resource.objects.there_within(*days) | Resource.objects.filter(pk__in=resource_ids or ())
    rows = rows.filter(care_unit__in=units)
    rows = rows.select_related("practitioner__profession", "care_unit").order_by("name", "pk")
    persons, others = [], {}
    wanted = {str(pk) for pk in resource_ids or ()}
    for row in rows:
        if row.pk in grouped:
            others[row.pk] = row
        elif str(row.pk) in wanted if wanted else row.kind == ResourceKind.PERSON:
            persons.append(row)
    if not wanted and not any(_is_of_profession(row, visit_type) for row in persons):
        return [], {}, ()
    # Named together, a person and a room are one time, not two.
    named = [row for row in persons if row.kind != ResourceKind.PERSON]
    if wanted and 0 < len(named) < len(persons):
        persons = [row for row in persons if row.kind == ResourceKind.PERSON]
        others |= {row.pk: row for row in named}
        together = (*together, *([row.pk] for row in named))
    return persons, others, together


class _Joined(Aggregate):
    """Periods that meet are one: twelve weeks of many resources are then some thousand rows, not fifty."""

    function = "range_agg"
    output_field = DateTimeRangeField()


def _taken(resources, start, end, at, by, apart_from):
    """Living rows per resource, of a person those of every unit (PL-06): bookings, and holds of others that have not run
    out."""
    held = Q(expires_at__gt=at)
    if by:
        # What an offer holds is nobody's own (PL-01).
        held &= ~Q(held_by=by) | Q(offer__isnull=False)
    living = Q(state=BookingState.BOOKED) | held
    if apart_from:
        living &= ~Q(appointment=apart_from)
    rows = (
        ResourceBooking.objects.of(resources)
        .filter(living, period__overlap=(start, end))
        .values(whose=Coalesce("practitioner_id", "resource_id"))
        .annotate(taken=Func(_Joined("period"), function="unnest", output_field=DateTimeRangeField()))
        .values_list("whose", "taken")
    )
    taken = {resource.taken_as: [] for resource in resources}
    for whose, period in rows:
        taken[whose].append((period.lower, period.upper))
    for periods in taken.values():
        periods.sort()
    return taken
