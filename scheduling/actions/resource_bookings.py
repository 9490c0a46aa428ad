"""What is taken of resources: holds and bookings (BO-01). Takers hold the resource's lock; the exclusion constraint is
the net under it, whatever the door."""

from collections import defaultdict
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from scheduling import rules, slots
from scheduling.models import BookingState, FreedBy, Resource, ResourceBooking

OVERLAP_CONSTRAINT = "resource_never_double_booked"


@contextmanager
def told_as_taken(start):
    """Turns the constraint's refusal into the rule's, around the transaction that it ended."""
    try:
        yield
    except IntegrityError as error:
        if OVERLAP_CONSTRAINT not in str(error):
            raise
        raise rules.taken("Resursen", start) from None


def hold(*, resource_id, start, end, by, at, length=rules.HOLD_TIME):
    """Holds a time for two minutes while the user fills in the rest; an own overlapping hold is replaced, but never what
    holds an offer (PL-01)."""
    if refused := rules.time_refusal(start=start, end=end, at=at):
        raise refused
    with told_as_taken(start), transaction.atomic():
        resource = Resource.objects.locked().get(pk=resource_id)
        own = ResourceBooking.objects.filter(resource=resource, state=BookingState.HELD, held_by=by, offer=None)
        own.filter(period__overlap=(start, end)).delete()
        taken = make_room([resource], start, end, at=at)
        if 1 in taken[resource.pk]:
            raise rules.taken(resource.name, start)
        return ResourceBooking.objects.create(
            resource=resource,
            period=DateTimeTZRange(start, end),
            state=BookingState.HELD,
            held_by=by,
            expires_at=at + length,
        )


def release_hold(*, hold_id, by):
    """Lets go of an own hold; one already gone is no fault."""
    ResourceBooking.objects.filter(pk=hold_id, state=BookingState.HELD, held_by=by, offer=None).delete()


def release_expired_holds(*, at, dry_run=False):
    """Removes holds that have run out, whoever made them. Returns how many. Nothing depends on it being on time: a
    taker removes overlapping expired holds itself."""
    expired = ResourceBooking.objects.filter(state=BookingState.HELD, expires_at__lte=at, offer=None)
    return expired.count() if dry_run else expired.delete()[0]


def make_room(resources, start, end, *, at, by=None, hold_id=None, apart_from=None):
    """Removes what no longer stands in the way of a taker: expired holds, and the taker's own. Returns the seats still
    taken, per resource. The resources are locked by the caller."""
    taken, gone = defaultdict(set), []
    rows = ResourceBooking.objects.filter(resource__in=resources, period__overlap=(start, end))
    for row in rows.exclude(appointment=apart_from) if apart_from else rows:
        is_own = by is not None and str(row.pk) == str(hold_id) and row.held_by_id == by.pk
        if row.state == BookingState.HELD and (row.expires_at <= at or is_own):
            gone.append(row.pk)
        else:
            taken[row.resource_id].add(row.seat)
    if gone:
        ResourceBooking.objects.filter(pk__in=gone).delete()
    if hold_id and by is not None:
        ResourceBooking.objects.filter(pk=hold_id, state=BookingState.HELD, held_by=by).delete()
    return taken


def take(resource, start, end, *, seat, taken, appointment, moved=None):
    """Takes the time for the appointment. `moved` is its row from before: moved by one UPDATE, so that nothing is
    released before the new is had (PL-08)."""
    if seat in taken[resource.pk]:
        raise rules.taken(resource.name, start)
    period = DateTimeTZRange(start, end)
    if moved:
        moved.period, moved.seat = period, seat
        moved.save(update_fields=["period", "seat"])
        return
    ResourceBooking.objects.create(
        resource=resource, seat=seat, period=period, state=BookingState.BOOKED, appointment=appointment
    )


def retake(appointment, resources, *, at):
    """Takes the appointment's time again after it was freed. Raises RuleError where somebody has it now."""
    held = set(appointment.resource_bookings.values_list("resource_id", flat=True))
    missing = [resource for resource in resources if resource.pk not in held]
    taken = make_room(missing, appointment.start, appointment.end, at=at, apart_from=appointment)
    for resource in missing:
        take(resource, appointment.start, appointment.end, seat=1, taken=taken, appointment=appointment)


def free(appointment, *, by, at, cause=FreedBy.CANCELLED):
    """Releases what the appointment has taken of its resources; times of persons that lie ahead stand as freed (PL-01)."""
    from . import offers

    rows = list(appointment.resource_bookings.select_related("resource"))
    appointment.resource_bookings.all().delete()
    resources = [row.resource for row in rows if row.seat == 1]
    offers.note_freed(appointment, appointment.start, appointment.end, resources, cause=cause, by=by, at=at)


def outside(resources, visit_type, start, end):
    """Why the resources' tidböcker do not have the time (BO-01, PL-02), or None."""
    found = slots.why_not(resources=resources, visit_type=visit_type, start=start, end=end)
    if found is None:
        return None
    resource, absence = found
    if absence:
        return rules.absent(resource.name, absence.get_kind_display().lower(), start)
    return rules.outside_hours(resource.name, start)
