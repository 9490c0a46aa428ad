"""A row of Ombokningar is moved: to a seat on another grupptillfälle or to a time of its own (PL-02, PL-08, BO-02)."""

from django.db import transaction

from registration.models import Patient
from scheduling.models import CancelledBy, RebookingItem

from . import appointments, rebooking, sessions


@transaction.atomic
def to_time(*, item_id, start, end=None, version=None, **fields):
    """Moves the booking to a time of its own: `resource_ids`, `by`, `at` and the rest of a rescheduling. Without an `end` it
    is as long as it was."""
    item = _open(item_id, version)
    times = {"start": start, "end": end or rebooking.end_of(item, start)}
    return appointments.reschedule(
        appointment_id=item.appointment_id, changed_by=CancelledBy.PROVIDER, **times, **fields
    )


@transaction.atomic
def to_session(*, item_id, session_id, version=None, **fields):
    """Moves the booking to a seat on the session, for `by` at `at`: the seat is had before the old one is let go."""
    item = _open(item_id, version)
    return sessions.change_session(
        appointment_id=item.appointment_id, session_id=session_id, changed_by=CancelledBy.PROVIDER, **fields
    )


def _open(item_id, version):
    """The item as it is when the patient is locked, as whoever books the patient anew has it: the second of two is told
    who was first, and moves nothing that has just been moved (PL-27)."""
    Patient.objects.lock_present(RebookingItem.objects.values_list("patient_id", flat=True).get(pk=item_id))
    return rebooking.refuse_done(item_id, version=version)
