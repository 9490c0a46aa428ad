"""Ledig tid: computed from the resources' weekly hours minus what is taken, never stored (BO-01, PL-07, PL-23)."""

from dataclasses import dataclass
from datetime import UTC, timedelta

from django.db.models import Q

from scheduling.models import BookingState, Resource, ResourceBooking, ResourceKind, WeeklyHours
from sdv.common.time import at_local, local, local_date, start_of_day


@dataclass(frozen=True)
class Slot:
    """A free time: each names its resource (PL-07, nothing implicit). Times are aware, UTC."""

    resource: Resource
    start: object
    end: object


def resources_for(care_unit, visit_type, day):
    """Resources of the unit that can be booked for the visit type: persons of its profession."""
    return (
        Resource.objects.valid_on(day)
        .filter(care_unit=care_unit)
        .filter(Q(kind=ResourceKind.PERSON, practitioner__profession_id=visit_type.profession_id))
        .select_related("practitioner__profession")
    )


def free(*, care_unit, visit_type, from_day, to_day, at, resource_ids=None, limit=None, by=None, starting=None):
    """Free times for the visit type from the first to the last day, earliest first; none that begins before `starting`
    where that is given. What `by` holds is free to `by`. Three queries whatever the span."""
    resources = resources_for(care_unit, visit_type, from_day)
    if resource_ids:
        resources = (
            Resource.objects.valid_on(from_day)
            .filter(care_unit=care_unit, pk__in=resource_ids)
            .select_related("practitioner__profession")
        )
    by_id = {resource.pk: resource for resource in resources}
    if not by_id or to_day < from_day:
        return []
    hours = _hours(by_id, visit_type)
    taken = _taken(by_id, start_of_day(from_day), start_of_day(to_day + timedelta(days=1)), at, by)
    found = []
    length = timedelta(minutes=visit_type.default_minutes)
    day = max(from_day, local_date(at))
    while day <= to_day:
        today = []
        for row in hours:
            if row.weekday == day.isoweekday() and _is_valid(row, day):
                today += _in_hours(row, by_id[row.resource_id], day, length, taken[row.resource_id], at)
        if starting:
            today = [slot for slot in today if slot.start >= starting]
        found += sorted(today, key=lambda slot: (slot.start, slot.resource.name))
        if limit and len(found) >= limit:
            return found[:limit]
        day += timedelta(days=1)
    return found


def next_free(*, care_unit, visit_type, at, start, resource_ids=None, count=3, by=None):
    """The next free times from a wished one, for a refusal that offers the way on (PL-07)."""
    from_day = max(local_date(start), local_date(at))
    slots = free(
        care_unit=care_unit,
        visit_type=visit_type,
        from_day=from_day,
        to_day=from_day + timedelta(days=28),
        at=at,
        starting=start,
        resource_ids=resource_ids,
        limit=count,
        by=by,
    )
    return slots[:count]


def fits_hours(*, resource, visit_type, start, end):
    """Whether the resource's weekly hours cover the time for the visit type."""
    day, opens, closes = local_date(start), local(start).time(), local(end).time()
    if local_date(end) != day:
        return False
    rows = (
        WeeklyHours.objects.valid_on(day)
        .filter(resource=resource, weekday=day.isoweekday(), from_time__lte=opens, to_time__gte=closes)
        .filter(Q(visit_types=visit_type) | Q(visit_types__isnull=True))
    )
    return rows.exists()


def _hours(resources, visit_type):
    return (
        WeeklyHours.objects.filter(resource__in=resources)
        .filter(Q(visit_types=visit_type) | Q(visit_types__isnull=True))
        .distinct()
        .order_by("from_time")
    )


def _is_valid(row, day):
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or row.valid_to >= day)


def _taken(resources, start, end, at, by):
    """Living rows per resource: bookings, and holds of others that have not run out."""
    held = Q(expires_at__gt=at) & ~Q(held_by=by) if by else Q(expires_at__gt=at)
    rows = (
        ResourceBooking.objects.filter(resource__in=resources, period__overlap=(start, end))
        .filter(Q(state=BookingState.BOOKED) | held)
        .values_list("resource_id", "period")
    )
    taken = {pk: [] for pk in resources}
    for resource_id, period in rows:
        taken[resource_id].append((period.lower, period.upper))
    return taken


def _in_hours(row, resource, day, length, taken, at):
    # Stepped in UTC: on the two clock-change nights wall-clock sums would repeat or skip an hour.
    start = at_local(day, row.from_time).astimezone(UTC)
    closes = at_local(day, row.to_time).astimezone(UTC)
    step = timedelta(minutes=row.slot_minutes)
    while start + length <= closes:
        end = start + length
        if end > at and not any(start < upper and lower < end for lower, upper in taken):
            yield Slot(resource=resource, start=start, end=end)
        start += step
