"""The same act on many bookings at once, for what ends or restores everything of a patient: a few statements whatever
the number. Encounters are written by `registration.actions.many`, in the same transaction."""

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F

from scheduling.models import (
    Appointment,
    AppointmentHistory,
    AppointmentKind,
    AppointmentStatus,
    BookingState,
    CancelledBy,
    FreedBy,
    Resource,
    ResourceBooking,
    SessionParticipant,
)

from . import offers, seats, team


def cancel_all(appointments, *, by, at, reason):
    """Cancels locked bookings as the provider's doing (PL-09) and frees their times. Returns what was taken: appointment
    → rows of ResourceBooking."""
    ids = [row.pk for row in appointments]
    taken = defaultdict(list)
    for booking in ResourceBooking.objects.filter(appointment__in=ids).select_related("resource").order_by("pk"):
        taken[booking.appointment_id].append(booking)
    ResourceBooking.objects.filter(appointment__in=ids).delete()
    SessionParticipant.objects.filter(appointment__in=ids).delete()
    offers.note_all_freed([(row, taken[row.pk]) for row in appointments], cause=FreedBy.CANCELLED, by=by, at=at)
    _update(
        appointments,
        status=AppointmentStatus.CANCELLED,
        cancelled_by=CancelledBy.PROVIDER,
        cancel_reason=reason,
        cancelled_at=at,
    )
    _note(appointments, "cancelled", by=by, at=at, reason=reason, moment="start_before", whose=CancelledBy.PROVIDER)
    return taken


def restore_all(taken, *, by, at, reason):
    """Restores cancelled bookings whose times `still_free` has found free. `taken`: locked appointment → rows of
    ResourceBooking, unsaved, as they were."""
    appointments = list(taken)
    ResourceBooking.objects.bulk_create(row for rows in taken.values() for row in rows)
    for appointment in appointments:
        if appointment.kind == AppointmentKind.GROUP:
            seats.retake(appointment, also_of_cancelled=True)
    _update(appointments, status=AppointmentStatus.BOOKED, cancelled_at=None, cancelled_by="", cancel_reason="")
    _note(appointments, "restored", by=by, at=at, reason=reason, moment="start_after")


def still_free(taken, *, at):
    """Which of the appointments can have their times again: none of their seats is taken by others, or by another of
    them. Holds that have run out are removed, as every taker does. The resources are locked by the caller."""
    has_seat = seats.still_there([row for row in taken if row.kind == AppointmentKind.GROUP])
    taken = {row: rows for row, rows in taken.items() if row.kind != AppointmentKind.GROUP or row in has_seat}
    wanted = [row for rows in taken.values() for row in rows]
    if not wanted:
        return list(taken)
    first, last = min(row.period.lower for row in wanted), max(row.period.upper for row in wanted)
    standing, expired = defaultdict(list), []
    resources = Resource.objects.in_bulk({row.resource_id for row in wanted})
    key = {pk: resource.taken_as for pk, resource in resources.items()}
    for row in ResourceBooking.objects.of(resources.values()).filter(period__overlap=(first, last)):
        if row.state == BookingState.HELD and row.expires_at <= at:
            expired.append(row)
        else:
            standing[row.taken_as, row.seat].append(row.period)
    free, gone = [], set()
    for appointment, rows in taken.items():
        if any(_overlaps(row.period, each) for row in rows for each in standing[key[row.resource_id], row.seat]):
            continue
        free.append(appointment)
        for row in rows:
            standing[key[row.resource_id], row.seat].append(row.period)
            gone |= {
                old.pk for old in expired if old.taken_as == key[row.resource_id] and _overlaps(old.period, row.period)
            }
    ResourceBooking.objects.filter(pk__in=gone).delete()
    return free


def as_recorded(appointment, values):
    """A row of ResourceBooking as it was, of the plain values that `plain` made of it; unsaved."""
    parts = team.parts_of(appointment)

    def period(resource_id):
        from_minute, minutes = parts.get(resource_id, (0, 0))
        start = appointment.start + timedelta(minutes=from_minute)
        return DateTimeTZRange(start, start + timedelta(minutes=minutes) if minutes else appointment.end)

    return [
        ResourceBooking(
            pk=UUID(pk),
            resource_id=UUID(resource_id),
            seat=seat,
            period=period(UUID(resource_id)),
            state=BookingState.BOOKED,
            appointment=appointment,
        )
        for pk, resource_id, seat in values
    ]


def plain(rows):
    """Rows of ResourceBooking as plain values; their period is the appointment's own or its part of it (BO-01, BO-02)."""
    return [[str(row.pk), str(row.resource_id), row.seat] for row in rows]


def _overlaps(one, other):
    return one.lower < other.upper and other.lower < one.upper


def _update(appointments, **changes):
    ids = [row.pk for row in appointments]
    Appointment.objects.filter(pk__in=ids).update(**changes, version=F("version") + 1)
    for row in appointments:
        row.version += 1
        for field, value in changes.items():
            setattr(row, field, value)


def _note(appointments, event, *, by, at, reason, moment, whose=""):
    AppointmentHistory.objects.bulk_create(
        AppointmentHistory(
            appointment_id=row.pk, event=event, by=by, at=at, reason=reason, initiated_by=whose, **{moment: row.start}
        )
        for row in appointments
    )
