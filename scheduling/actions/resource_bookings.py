"""What is taken of resources: holds and bookings (BO-01). Takers hold the resource's lock; the exclusion constraint is
the net under it, whatever the door."""

from collections import defaultdict
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from scheduling import rules
from scheduling.models import AppointmentKind, BookingState, FreedBy, OfferStatus, Resource, ResourceBooking
from scheduling.models.resource import PERSON_TAKEN, RESOURCE_TAKEN
from scheduling.timebook import Timebook, is_there
from sdv.common.time import local_date

from . import seats, team


@contextmanager
def told_as_taken(start):
    """Turns the constraint's refusal into the rule's, around the transaction that it ended."""
    try:
        yield
    except IntegrityError as error:
        if RESOURCE_TAKEN not in str(error) and PERSON_TAKEN not in str(error):
            raise
        raise rules.taken("Resursen", start) from None


def hold(*, resource_id, start, end, by, at, length=rules.HOLD_TIME, together=(), parts=None):
    """Holds a time for two minutes while the user fills in the rest, with the rooms and equipment that are had together
    with it: all or none. `parts` as `team.times` takes them (BO-02). An own overlapping hold is replaced, but never what
    holds an offer (PL-01)."""
    if refused := rules.time_refusal(start=start, end=end, at=at):
        raise refused
    with told_as_taken(start), transaction.atomic():
        resources = Resource.objects.filter(pk__in=[resource_id, *together]).locked_with_persons()
        times = team.times(resources, start, end, parts)
        for resource in resources:
            if refused := outside([resource], None, *times[resource.pk], is_beside=True):
                raise refused
        own = ResourceBooking.objects.of(resources).filter(state=BookingState.HELD, held_by=by, offer=None)
        own.filter(period__overlap=(start, end)).delete()
        taken = make_room(resources, start, end, at=at, times=times)
        held = {}
        for resource in resources:
            _refuse_taken(resource, 1, taken, start)
            held[str(resource.pk)] = ResourceBooking.objects.create(
                resource=resource,
                period=DateTimeTZRange(*times[resource.pk]),
                state=BookingState.HELD,
                held_by=by,
                expires_at=at + length,
            )
        return held[str(resource_id)]


def release_hold(*, hold_id, by):
    """Lets go of an own hold and what was held with it; one already gone is no fault."""
    own = [row.pk for row in _held_together(hold_id, by)]
    ResourceBooking.objects.filter(pk__in=own, state=BookingState.HELD, offer=None).delete()


def release_expired_holds(*, at, dry_run=False):
    """Removes holds that have run out, whoever made them. Returns how many. Nothing depends on it being on time: a
    taker removes overlapping expired holds itself."""
    expired = ResourceBooking.objects.filter(state=BookingState.HELD, expires_at__lte=at, offer=None)
    return expired.count() if dry_run else expired.delete()[0]


def make_room(
    resources, start, end, *, at, by=None, hold_id=None, apart_from=None, times=None, apart_from_session=None
):
    """Removes what no longer stands in the way of a taker: expired holds, and the taker's own. Returns the seats still
    taken, per resource, each with whether it is the person's at another unit (PL-06). The resources are locked by the
    caller, with their persons. `times` are each resource's, where not all of it."""
    taken, gone, had = defaultdict(dict), [], set()
    own = {row.pk for row in _held_together(hold_id, by)}
    wanted = {resource.taken_as: resource for resource in resources}
    rows = ResourceBooking.objects.of(resources).filter(period__overlap=(start, end)).select_related("resource")
    if apart_from:
        rows = rows.exclude(appointment=apart_from)
    if apart_from_session:
        rows = rows.exclude(session=apart_from_session)
    for row in rows:
        resource = wanted[row.taken_as]
        lower, upper = (times or {}).get(resource.pk, (start, end))
        if row.period.lower >= upper or row.period.upper <= lower:
            continue
        if row.state == BookingState.HELD and (row.expires_at <= at or row.pk in own):
            gone.append(row.pk)
            if row.pk in own and row.expires_at > at and row.period.lower <= lower and upper <= row.period.upper:
                had.add(resource.pk)
        else:
            taken[resource.pk][row.seat] = row.resource.care_unit_id != resource.care_unit_id
    if gone or own:
        ResourceBooking.objects.filter(pk__in=[*gone, *own], state=BookingState.HELD).delete()
    # The time was the taker's own: what is there too was overbooked beside the hold.
    for pk in had:
        taken.pop(pk, None)
    return taken


def _refuse_taken(resource, seat, taken, start):
    """Who does not overbook has the time alone: also where only somebody overbooked is left of it (BO-01, PL-06)."""
    had = taken[resource.pk]
    if had and seat <= max(had):
        raise rules.taken(resource.name, start, elsewhere=had.get(seat, next(iter(had.values()))))


def _held_together(hold_id, by):
    """An own hold with what was held with it: a person, a room and a piece of equipment are held as one (PL-07)."""
    if not hold_id or by is None:
        return []
    rows = ResourceBooking.objects.filter(state=BookingState.HELD, held_by=by)
    # What holds an offer is had by the yes to it alone (PL-01).
    first = rows.filter(pk=hold_id).exclude(offer__status=OfferStatus.OPEN).first()
    if first is None:
        return []
    # Parts of a team visit come after one another (BO-02).
    meets = Q(period__overlap=first.period) | Q(period__adjacent_to=first.period)
    return [first, *rows.filter(meets, expires_at=first.expires_at, offer=None).exclude(pk=hold_id)]


def held_with(hold, by):
    """What was held together with a hold of one's own, with its resource; the hold's own first."""
    return _held_together(hold.pk, by)


def take(resource, start, end, *, seat, taken, appointment=None, session=None, moved=None):
    """Takes the time for the appointment or the session. `moved` is its row from before, of the same thing or person:
    moved by one UPDATE, so that nothing is released before the new is had (PL-08)."""
    _refuse_taken(resource, seat, taken, start)
    _write(resource, DateTimeTZRange(start, end), seat=seat, appointment=appointment, session=session, moved=moved)


def _write(resource, period, *, seat, appointment=None, session=None, moved=None):
    if moved:
        moved.resource, moved.period, moved.seat = resource, period, seat
        moved.save(update_fields=["resource", "period", "seat"])
        return
    ResourceBooking.objects.create(
        resource=resource,
        seat=seat,
        period=period,
        state=BookingState.BOOKED,
        appointment=appointment,
        session=session,
    )


def retake(appointment, resources, *, at):
    """Takes the appointment's time again after it was freed. Raises RuleError where somebody has it now; who was overbooked
    beside it is beside it again, and who was overbooked needs no seat but a free one (BO-01)."""
    if appointment.kind == AppointmentKind.GROUP:
        seats.retake(appointment)
        return
    held = set(appointment.resource_bookings.values_list("resource_id", flat=True))
    missing = [resource for resource in resources if resource.pk not in held]
    times = team.times_of(appointment, resources)
    taken = make_room(missing, appointment.start, appointment.end, at=at, apart_from=appointment, times=times)
    for resource in missing:
        had, seat = taken[resource.pk], 1
        if had and appointment.is_overbooked:
            seat = max(had) + 1
        elif seat in had:
            raise rules.taken(resource.name, appointment.start, elsewhere=had[seat])
        _write(resource, DateTimeTZRange(*times[resource.pk]), seat=seat, appointment=appointment)


def free(appointment, *, by, at, cause=FreedBy.CANCELLED):
    """Releases what the appointment has taken: its resources' times, or its seat; times of persons that lie ahead stand as
    freed (PL-01)."""
    from . import offers

    seats.let_go(appointment)
    rows = list(appointment.resource_bookings.select_related("resource"))
    appointment.resource_bookings.all().delete()
    for row in rows:
        if row.seat == 1:
            told = {"cause": cause, "by": by, "at": at}
            offers.note_freed(appointment, row.period.lower, row.period.upper, [row.resource], **told)


def outside(resources, visit_type, start, end, *, is_beside=False):
    """Why the resources' tidböcker do not have the time (BO-01, PL-02), or None. What is meant to lie beside the tidbok, or
    is only held, still needs the resources to be there, and in no absence or closure."""
    for resource in resources:
        if not is_there(resource, start, end):
            return rules.not_there(resource, start)
    book = Timebook(resources, local_date(start), local_date(end))
    for resource in resources:
        if absence := book.absence(resource, start, end):
            return rules.absent(resource.name, absence.kind_at(resource.care_unit_id).label.lower(), start)
        if not is_beside and not book.covers(resource, visit_type, start, end):
            return rules.outside_hours(resource.name, start)
    return None
