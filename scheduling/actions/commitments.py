"""Closing and reopening a vårdåtagande (UT-03): here, because it must see the bookings."""

from django.db import transaction
from django.db.models import Q

from registration.actions import commitments as registration_writes
from registration.actions import referrals
from registration.actions.encounters import refuse_deceased
from registration.lifecycle import Status
from registration.models import (
    CareCommitment,
    CommitmentStatus,
    Encounter,
    Patient,
    Referral,
    ReferralAct,
    ReferralKind,
    ReferralStatus,
)
from scheduling import rules
from scheduling.models import (
    Appointment,
    AwaitedResult,
    AwaitedStatus,
    BookingRequest,
    ItemStatus,
    MissingFollowUp,
    NoShowItem,
    RebookingItem,
    SessionStatus,
)
from sdv.common.errors import RuleError
from sdv.common.time import local_date, start_of_day
from sdv.common.versions import refuse_stale, write

from . import invitations, offers
from .work_items import COMMITMENT_CLOSED


@transaction.atomic
def open_for(*, patient_id, care_unit, problem_code, by, at, kind=ReferralKind.ALREADY_IN_CARE):
    """A vårdåtagande opened directly: with an accepted ground of kind V, so that it stands in Att boka (UT-07)."""
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    commitment = registration_writes.open_commitment(
        patient=patient, care_unit=care_unit, problem_code=problem_code, by=by, at=at
    )
    if not is_planned(commitment, at=at):
        ground = Referral.objects.create(
            patient=patient,
            care_unit=care_unit,
            kind=kind,
            status=ReferralStatus.ACCEPTED,
            arrival_date=local_date(at),
            review_date=local_date(at),
            problem_code=problem_code,
            commitment=commitment,
            decided_at=at,
            decided_by=by,
            created_by=by,
        )
        ground.events.create(act=ReferralAct.ACCEPTED, by=by, at=at)
    return commitment


@transaction.atomic
def close_by_id(*, commitment_id, reason, by, at, version=None):
    """Closes a vårdåtagande apart from a check-out, with its reason (UT-03)."""
    patient_id = CareCommitment.objects.values_list("patient_id", flat=True).get(pk=commitment_id)
    Patient.objects.lock_present(patient_id)
    commitment = CareCommitment.objects.locked().get(pk=commitment_id)
    refuse_stale(commitment, version)
    if not (reason or "").strip():
        raise RuleError("UT-03", "Avslut av vårdåtagande kräver en orsak.", code="reason_missing", needs_reason=True)
    close(commitment, reason=reason, by=by, at=at)
    return commitment


def close(commitment, *, reason, by, at):
    """Inner write on a locked vårdåtagande: refuses what UT-03 refuses, ends what watched it, closes it."""
    if commitment.status != CommitmentStatus.OPEN:
        raise RuleError("UT-03", "Vårdåtagandet är redan avslutat.", code="wrong_status").told(commitment.closed_by)
    if commitment.encounters.filter(status=Status.IN_PROGRESS).exists():
        raise RuleError(
            "UT-03", "En vårdhändelse pågår på vårdåtagandet. Checka ut eller skriv ut den först.", code="ongoing"
        )
    if refused := closing_refusal(commitment, at=at):
        raise refused
    for model, done in (
        (AwaitedResult, AwaitedStatus.DECIDED),
        (MissingFollowUp, ItemStatus.DONE),
        (NoShowItem, ItemStatus.DONE),
        (RebookingItem, ItemStatus.DONE),
    ):
        for item in model.objects.open().filter(commitment=commitment).locked():
            write(item, status=done, decided_at=at, decided_by=by, decision=COMMITMENT_CLOSED)
    referrals.close_with(commitment, reason=reason, by=by, at=at)
    offers.withdraw_of(referral__commitment=commitment, by=by, at=at)
    invitations.end_of(referral__commitment=commitment, by=by, at=at)
    registration_writes.close_commitment(commitment, reason=reason, by=by, at=at)


def closing_refusal(commitment, *, at):
    """Why the vårdåtagande may not be closed, listing what is booked or waits (UT-03), or None. A booking on a cancelled
    grupptillfälle stands in Ombokningar until it is moved or ended, also when its hour has passed (PL-02, BO-02)."""
    ahead = Q(start__gte=start_of_day(local_date(at))) | Q(session__status=SessionStatus.CANCELLED)
    bookings = Appointment.objects.living().filter(ahead, encounter__commitment=commitment)
    requests = BookingRequest.objects.waiting().filter(commitment=commitment).select_related("visit_type")
    return rules.closing_refusal(
        future_bookings=[booking.start for booking in bookings.order_by("start")[:5]],
        waiting_requests=[
            (request.visit_type.name, request.wished_from) for request in requests.order_by("wished_from")[:5]
        ],
    )


@transaction.atomic
def reopen(*, commitment_id, reason, by, at, version=None):
    """Opens a closed vårdåtagande again, with why; its events keep who and when. It must be planned anew, so it gets a
    ground of kind V in Att boka (UT-07)."""
    patient_id = CareCommitment.objects.values_list("patient_id", flat=True).get(pk=commitment_id)
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    commitment = CareCommitment.objects.locked().get(pk=commitment_id)
    refuse_stale(commitment, version)
    if commitment.status == CommitmentStatus.OPEN:
        last = commitment.events.select_related("by").last()
        refused = RuleError("VA-01", "Vårdåtagandet är redan öppet.", code="wrong_status")
        raise refused.told(last.by, last.at) if last else refused
    if not reason.strip():
        raise RuleError("UT-03", "Ange varför vårdåtagandet öppnas igen.", code="reason_missing", needs_reason=True)
    registration_writes.reopen_commitment(commitment, reason=reason, by=by, at=at)
    open_for(patient_id=patient_id, care_unit=commitment.care_unit, problem_code=commitment.problem_code, by=by, at=at)
    return CareCommitment.objects.get(pk=commitment_id)


def is_planned(commitment, *, at, apart_from=None):
    """UT-07 for one vårdåtagande: whether something of its own says what comes next."""
    today = start_of_day(local_date(at))
    if commitment.referrals.to_book().exists():
        return True
    if Appointment.objects.living().filter(encounter__commitment=commitment, start__gte=today).exists():
        return True
    if BookingRequest.objects.waiting().filter(commitment=commitment).exists():
        return True
    if Encounter.objects.filter(commitment=commitment, status=Status.IN_PROGRESS).exists():
        return True
    excluded = apart_from.pk if apart_from else None
    return any(
        model.objects.open().filter(commitment=commitment).exclude(pk=excluded).exists()
        for model in (AwaitedResult, MissingFollowUp, NoShowItem, RebookingItem)
    )
