"""Delade väntelistor: a unit takes a patient who waits at another unit of the list; the clock follows (PL-25)."""

from django.db import transaction

from registration.actions import commitments as commitment_writes
from registration.actions.encounters import refuse_deceased
from registration.models import CareCommitment, Patient, Referral, ReferralAct, ReferralStatus
from scheduling import first_bookings
from scheduling.models import BookingRequest, BookingRequestStatus, RowLock
from sdv.common.errors import RuleError, StaleVersion
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale

from . import appointments, choices, commitments, invitations, offers, sessions

REASON = "Delad väntelista"


@transaction.atomic
def take_request(*, request_id, care_unit, by, at, version=None):
    """The waiting request becomes the unit's own: same row, same dates, same time of coming in. The vårdåtagande of its
    problem opens at the unit; the one it had ends where nothing else is planned on it (UT-07)."""
    row = BookingRequest.objects.filter(pk=request_id)
    patient, old = _patient(row), _commitment(row)
    request = BookingRequest.objects.locked().select_related("care_unit").get(pk=request_id)
    is_waiting = request.status in (BookingRequestStatus.OPEN, BookingRequestStatus.FOLLOW_UP)
    first = (request.taken_over_by, request.taken_over_at)
    _refuse(request, care_unit, version, is_waiting=is_waiting, first=first, at=at)
    choices.refuse_visit_type(request.visit_type, care_unit, at=at)
    offers.withdraw_of(booking_request=request, by=by, at=at)
    invitations.end_of(booking_request=request, reason=REASON, by=by, at=at)
    RowLock.objects.filter(booking_request=request).delete()
    request.care_unit, request.wished_resource, request.addressee = care_unit, None, None
    request.commitment = _moved(old, patient, care_unit, by=by, at=at)
    request.status = BookingRequestStatus.OPEN
    request.taken_over_by, request.taken_over_at = by, at
    request.version += 1
    fields = ["care_unit", "wished_resource", "addressee", "commitment", "status", "version"]
    request.save(update_fields=[*fields, "taken_over_by", "taken_over_at"])
    _end(old, care_unit, by=by, at=at)
    return request


@transaction.atomic
def take_referral(*, referral_id, care_unit, by, at, version=None):
    """The accepted remiss becomes the unit's own, with its dates and deviations; its trail says from where (VA-03)."""
    row = Referral.objects.filter(pk=referral_id)
    patient, old = _patient(row), _commitment(row)
    referral = Referral.objects.locked().select_related("care_unit").get(pk=referral_id)
    is_waiting = referral.status == ReferralStatus.ACCEPTED
    _refuse(referral, care_unit, version, is_waiting=is_waiting, first=_who_took(referral), at=at)
    instead = f"Avboka den på {referral.care_unit.short_name} innan någon annan enhet tar över."
    if refused := first_bookings.refusal(referral.pk, "PL-25", instead):
        raise refused
    offers.withdraw_of(referral=referral, by=by, at=at)
    invitations.end_of(referral=referral, reason=REASON, by=by, at=at)
    referral.events.create(act=ReferralAct.FORWARDED, reason=REASON, to_unit=care_unit, by=by, at=at)
    referral.care_unit = care_unit
    referral.commitment = _moved(old, patient, care_unit, by=by, at=at)
    referral.version += 1
    referral.save(update_fields=["care_unit", "commitment", "version"])
    _end(old, care_unit, by=by, at=at)
    return referral


@transaction.atomic
def book(*, care_unit, booking_request_id=None, commitment_id=None, by, at, **fields):
    """Books at the unit, by its rules. A begäran that waits at another unit of a shared list is taken over in the same
    transaction, so that the clock follows; its vårdåtagande is then the unit's (VH-08). Refused where no list is shared."""
    commitment_id = _with_request(booking_request_id, care_unit, commitment_id, by=by, at=at)
    named = {"booking_request_id": booking_request_id, "commitment_id": commitment_id}
    return appointments.book(care_unit=care_unit, by=by, at=at, **named, **fields)


@transaction.atomic
def book_seat(*, care_unit, booking_request_id=None, commitment_id=None, by, at, **fields):
    """A seat on a grupptillfälle of the unit, in the same way as `book` (BO-02)."""
    commitment_id = _with_request(booking_request_id, care_unit, commitment_id, by=by, at=at)
    named = {"booking_request_id": booking_request_id, "commitment_id": commitment_id}
    return sessions.book(by=by, at=at, **named, **fields)


def _with_request(booking_request_id, care_unit, commitment_id, *, by, at):
    """Takes over the begäran that waits at another unit. Returns the vårdåtagande to book on: the one that is named, else
    the one it was given."""
    if booking_request_id and waits_elsewhere(booking_request_id, care_unit):
        taken = take_request(request_id=booking_request_id, care_unit=care_unit, by=by, at=at)
        return commitment_id or taken.commitment_id
    return commitment_id


def take_offered(offer, *, by, at):
    """Inner write: whoever has said yes to a time of another unit of the shared list is taken over by that unit. Returns the
    begäran or the remiss."""
    row = offer.booking_request if offer.booking_request_id else offer.referral
    if row.care_unit_id == offer.care_unit_id:
        return row
    if offer.booking_request_id:
        return take_request(request_id=row.pk, care_unit=offer.care_unit, by=by, at=at)
    return take_referral(referral_id=row.pk, care_unit=offer.care_unit, by=by, at=at)


def waits_elsewhere(request_id, care_unit):
    """Whether the begäran is another unit's, so that booking it takes it over. Raises DoesNotExist."""
    return BookingRequest.objects.values_list("care_unit_id", flat=True).get(pk=request_id) != care_unit.pk


def _patient(row):
    patient = Patient.objects.lock_present(row.values_list("patient_id", flat=True).get())
    refuse_deceased(patient)
    return patient


def _commitment(row):
    """The vårdåtagande that the row hangs on now that the patient is ours: whoever took it first has given it another."""
    commitment_id = row.values_list("commitment_id", flat=True).get()
    return CareCommitment.objects.locked().get(pk=commitment_id) if commitment_id else None


def _who_took(referral):
    """Who took the remiss over to the unit where it is, and when: its trail says so."""
    events = referral.events.filter(act=ReferralAct.FORWARDED, to_unit=referral.care_unit_id)
    taken = events.select_related("by").last()
    return (taken.by, taken.at) if taken else (None, None)


def _refuse(row, target, version, *, is_waiting, first, at):
    """Raises why the unit may not take the row. `first`: who took it over last, and when; whoever comes second is told
    (PL-27), and two units never take it from each other on what they read before."""
    source = row.care_unit
    if is_waiting and source.pk == target.pk:
        sentence = "Patienten väntar redan på den här enheten. Läs in listan igen och boka därifrån."
        raise RuleError("PL-25", sentence, code="same_unit").told(*first)
    try:
        refuse_stale(row, version)
    except StaleVersion as stale:
        raise stale.told(*first) from None
    if not is_waiting:
        status = row.get_status_display().lower()
        raise RuleError("PL-25", f"Raden väntar inte längre: den är {status}. Läs in listan igen.", code="gone")
    if source.pk not in target.sharing_ids(local_date(at)):
        raise RuleError(
            "PL-25",
            f"{source.short_name} och {target.short_name} delar ingen väntelista. Sänd remissen vidare i stället.",
            code="not_shared",
        )


def _moved(old, patient, care_unit, *, by, at):
    if old is None:
        return None
    return commitment_writes.open_commitment(
        patient=patient, care_unit=care_unit, problem_code=old.problem_code, by=by, at=at
    )


def _end(old, care_unit, *, by, at):
    """The vårdåtagande that was left ends, unless something of its own is still planned."""
    if old is not None and old.status == "open" and not commitments.is_planned(old, at=at):
        commitments.close(old, reason=f"Väntan övertagen av {care_unit.short_name}"[:80], by=by, at=at)
