"""Seats of grupptillfällen: counted under the session's lock, and by the database whatever the door (BO-02, PL-06).
Whoever takes one holds the locks of the session's resources first, then the session's."""

from contextlib import contextmanager

from django.db import IntegrityError

from scheduling import rules
from scheduling.models import AppointmentKind, Session, SessionParticipant, SessionStatus
from scheduling.models.session import BEYOND_CAPACITY, SEAT_TAKEN


@contextmanager
def told_as_full(session):
    """Turns the database's refusal into the rule's, around the transaction that it ended."""
    try:
        yield
    except IntegrityError as error:
        if SEAT_TAKEN not in str(error) and BEYOND_CAPACITY not in str(error):
            raise
        raise rules.session_full(name=session.name, start=session.start, seats=session.seats) from None


def choose(session, *, overbook=False, apart_from=None):
    """The number of a free seat of a locked session: beyond its ordinary ones only where somebody overbooks, and never
    beyond what the session allows. Raises the refusal."""
    taken = set(session.participants.exclude(appointment=apart_from).values_list("seat", flat=True))
    last = session.seats + (session.extra_seats if overbook else 0)
    if number := next((seat for seat in range(1, last + 1) if seat not in taken), None):
        return number
    spare = session.seats + session.extra_seats - len(taken)
    raise rules.session_full(name=session.name, start=session.start, seats=session.seats, spare=max(spare, 0))


def take(appointment, session, seat):
    """Takes the seat for the booking. One it had on another session is let go after the new is had (PL-08)."""
    SessionParticipant.objects.update_or_create(appointment=appointment, defaults={"session": session, "seat": seat})


def let_go(appointment):
    """Lets go of the booking's seat, where it has one."""
    SessionParticipant.objects.filter(appointment=appointment).delete()


def retake(appointment, *, also_of_cancelled=False):
    """A group booking takes a seat again after an undo; beyond the ordinary ones it is marked as overbooked. Raises
    RuleError where the session is full, moved or cancelled; with `also_of_cancelled` the booking comes back to wait in
    Ombokningar, as it did or would have (PL-02)."""
    if SessionParticipant.objects.filter(appointment=appointment).exists():
        return
    session = Session.objects.locked().get(pk=appointment.session_id)
    is_cancelled = session.status == SessionStatus.CANCELLED and not also_of_cancelled
    if is_cancelled or session.start != appointment.start:
        raise rules.session_cancelled(session.name, session.start)
    seat = choose(session, overbook=True)
    appointment.is_overbooked = seat > session.seats
    appointment.save(update_fields=["is_overbooked"])
    take(appointment, session, seat)


def refuse_cancelled(appointment):
    """BO-02: nobody comes to a session that is cancelled, nor fails to."""
    if appointment.kind == AppointmentKind.GROUP and appointment.session.status == SessionStatus.CANCELLED:
        raise rules.session_cancelled(appointment.session.name, appointment.start)


def still_there(appointments):
    """Which of cancelled group bookings can have a seat again, each session's seats counted together. Also of a cancelled
    session: who had a seat there waits in Ombokningar (PL-02)."""
    found, used = [], {}
    for appointment in appointments:
        session = Session.objects.locked().get(pk=appointment.session_id)
        if session.start != appointment.start:
            continue
        free = used.get(session.pk)
        if free is None:
            free = session.seats + session.extra_seats - session.participants.count()
        if free > 0:
            found.append(appointment)
        used[session.pk] = free - 1
    return found
