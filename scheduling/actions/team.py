"""Team visits: several persons of one visit, at once or one after the other (BO-02)."""

from datetime import timedelta

from scheduling.models import AppointmentPart
from sdv.common.errors import InputError


def times(resources, start, end, parts=None):
    """Resource id → (start, end) of what it is needed for: the whole visit, or its part of it. `parts` maps a resource's
    id to (minutes from the start, minutes)."""
    found = {resource.pk: (start, end) for resource in resources}
    for resource_id, (from_minute, minutes) in (parts or {}).items():
        lower = start + timedelta(minutes=from_minute)
        upper = lower + timedelta(minutes=minutes)
        if resource_id not in found:
            raise InputError(parts="En del av besöket gäller en resurs som inte bokas.")
        if minutes < 1 or from_minute < 0 or upper > end:
            raise InputError(parts="Varje del ska ligga inom besökets tid och ha en längd.")
        found[resource_id] = (lower, upper)
    return found


def keep_parts(appointment, parts):
    """Remembers which resources are needed for a part of the visit only."""
    AppointmentPart.objects.bulk_create(
        AppointmentPart(appointment=appointment, resource_id=resource_id, from_minute=from_minute, minutes=minutes)
        for resource_id, (from_minute, minutes) in (parts or {}).items()
    )


def parts_of(appointment):
    """What `times` asks for, of a booking that exists."""
    return {row.resource_id: (row.from_minute, row.minutes) for row in appointment.parts.all()}


def times_of(appointment, resources):
    """The times of a booking as it stands."""
    return moved_times(appointment, resources, appointment.start, appointment.end)


def moved_times(appointment, resources, start, end):
    """The times after a move: the parts go along as far as their resources do and the visit is long enough."""
    ids = {resource.pk for resource in resources}
    length = int((end - start) / timedelta(minutes=1))
    kept = {pk: part for pk, part in parts_of(appointment).items() if pk in ids and part[0] + part[1] <= length}
    gone = appointment.parts.exclude(resource__in=kept)
    if kept.keys() != {row.resource_id for row in appointment.parts.all()}:
        gone.delete()
    return times(resources, start, end, kept)
