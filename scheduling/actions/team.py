"""Team visits: several persons of one visit, at once or one after the other (BO-02)."""

from datetime import timedelta
from typing import NamedTuple

from scheduling.models import AppointmentKind, AppointmentPart
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


class Sequence(NamedTuple):
    """A visit whose main responsible's part comes first and another's right after: minutes, and (resource id, minutes)."""

    minutes: int
    then: tuple


def sequence_of(appointment, first_id):
    """The two parts of a team one after the other, or None where the visit is not that."""
    parts = parts_of(appointment)
    first = parts.pop(first_id, None)
    if first is None or first[0] or len(parts) != 1:
        return None
    ((other_id, (from_minute, minutes)),) = parts.items()
    return Sequence(first[1], (other_id, minutes)) if from_minute == first[1] else None


class Sought(NamedTuple):
    """What a new time of a booking is: whose time it is, the ids of those who are had with it, how many minutes the first
    needs (None where the besökstyp says), and whose part comes after."""

    first: object
    along: list
    minutes: int | None
    then: tuple | None = None

    @property
    def together(self):
        """What is free all the time, each a group of its own."""
        return [[pk] for pk in self.along if not (self.then and pk == self.then[0])]


def sought(appointment, resources):
    """The main responsible's time, as long as the booking is, with everybody and everything else of the `resources`; a
    team one after the other stays so (BO-02). A time of one's own in place of a seat is as long as the besökstyp's."""
    persons = [row for row in resources if row.practitioner_id]
    if len(persons) > 1:
        main = appointment.encounter.participants.filter(is_main_responsible=True).first()
        persons.sort(key=lambda row: main is None or row.practitioner_id != main.practitioner_id)
    first = persons[0] if persons else None
    along = [row.pk for row in resources if row != first]
    if appointment.kind == AppointmentKind.GROUP:
        return Sought(first, along, None)
    minutes = (appointment.end - appointment.start) // timedelta(minutes=1)
    sequence = sequence_of(appointment, first.pk) if len(persons) > 1 else None
    if sequence and sequence.minutes + sequence.then[1] == minutes and sequence.then[0] in along:
        return Sought(first, along, *sequence)
    return Sought(first, along, minutes)


def times_of(appointment, resources):
    """The times of a booking as it stands."""
    return moved_times(appointment, resources, appointment.start, appointment.end)


def moved_times(appointment, resources, start, end):
    """The times after a move: the parts go along as far as the visit is long enough, each with its resource or with the one
    that takes its place."""
    ids = {resource.pk for resource in resources}
    parts = parts_of(appointment)
    for gone, instead in _replaced(appointment, parts, ids):
        parts[instead] = parts.pop(gone)
        appointment.parts.filter(resource=gone).update(resource=instead)
    length = int((end - start) / timedelta(minutes=1))
    kept = {pk: part for pk, part in parts.items() if pk in ids and part[0] + part[1] <= length}
    if kept.keys() != parts.keys():
        appointment.parts.exclude(resource__in=kept).delete()
    return times(resources, start, end, kept)


def _replaced(appointment, parts, ids):
    """Whose part somebody else takes over: one has gone and one has come."""
    gone = [pk for pk in parts if pk not in ids]
    if not gone:
        return []
    come = ids - set(appointment.resources.values_list("pk", flat=True))
    return list(zip(gone, come, strict=True)) if len(gone) == len(come) == 1 else []
