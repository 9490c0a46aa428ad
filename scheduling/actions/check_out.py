"""Utcheckning with its outcome, and its undo (UT-01…08)."""

from datetime import timedelta

from django.db import transaction

from registration.actions import commitments as registration_writes
from registration.actions import encounters, referrals
from registration.models import CareCommitment, Encounter, Patient
from scheduling import rules
from scheduling.models import (
    UNDONE,
    Appointment,
    AppointmentStatus,
    AwaitedResult,
    AwaitedStatus,
    BookingRequest,
    BookingRequestStatus,
    CheckOut,
    CheckOutClosure,
    ItemStatus,
    MissingFollowUp,
    NoShowItem,
    Outcome,
    OutcomeCode,
    OutcomeReason,
    RebookingItem,
)
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, minute
from sdv.common.versions import write

from . import commitments, invitations, offers
from .work_items import COMMITMENT_CLOSED, create_request, refuse_watch

CHECK_OUT_UNDONE = "Utcheckningen ångrad"


@transaction.atomic
def check_out(
    *,
    encounter_id,
    outcome,
    by,
    at,
    registered_at,
    reason=None,
    accept_warnings=(),
    follow_ups=(),
    waiting_for="",
    watch_until=None,
    responsible=None,
    also_end=(),
    version=None,
):
    """Checks a visit out with one of the four outcomes (UT-02). `at` may be adjusted (UT-01), `registered_at` is now.

    `reason` is the code of an OutcomeReason, `follow_ups` a list of create_request's fields, `also_end` ids of other
    open vårdåtaganden at the unit, ticked one by one (UT-03). Returns the CheckOut."""
    known = Encounter.objects.values("patient_id", "commitment_id").get(pk=encounter_id)
    patient = Patient.objects.lock_present(known["patient_id"])
    wanted = [pk for pk in (known["commitment_id"], *also_end) if pk]
    locked = {row.pk: row for row in CareCommitment.objects.filter(pk__in=wanted).locked()}
    encounter = encounters.lock(encounter_id, version=version)
    commitment = locked.get(encounter.commitment_id)
    is_open = commitment is not None and commitment.status == "open"

    chosen = Outcome.objects.filter(pk=outcome).first()
    if chosen is None:
        raise RuleError("UT-02", "Välj ett av de fyra utfallen.", code="outcome_missing")
    reason_row = _reason(chosen, reason, local_date(registered_at))
    if refused := rules.outcome_refusal(
        outcome=chosen, has_commitment=is_open, has_reason=reason_row is not None, has_follow_up=bool(follow_ups)
    ):
        raise refused
    if patient.is_deceased and (is_open or chosen.code != OutcomeCode.NO_FURTHER_PLANNING):
        _refuse_plans_for_the_dead(chosen)
    if at > registered_at:
        raise RuleError("UT-01", "Utcheckningen kan inte ligga i framtiden. Ange en tid till och med nu.")
    encounters.check_out(encounter, by=by, at=at)
    record = CheckOut.objects.create(
        encounter=encounter, outcome=chosen, reason=reason_row, at=minute(at), by=by, registered_at=registered_at
    )
    context = {"patient": patient, "encounter": encounter, "record": record, "by": by, "at": registered_at}
    own = commitment if is_open else None
    if chosen.code == OutcomeCode.END_COMMITMENT:
        _end_commitments(context, own, [locked.get(pk) for pk in also_end], reason_row.name)
    elif chosen.code == OutcomeCode.AWAIT_RESULT:
        _await(context, own, reason_row, waiting_for, watch_until, responsible or by)
    elif chosen.code == OutcomeCode.NO_FURTHER_PLANNING:
        _nothing_further(context, own, accept_warnings)
    else:
        for follow_up in follow_ups:
            create_request(
                patient=patient,
                care_unit=encounter.care_unit,
                commitment=own,
                check_out=record,
                by=by,
                at=registered_at,
                **follow_up,
            )
    return record


def _refuse_plans_for_the_dead(outcome):
    """AV-02: nothing is planned or watched for the dead; their vårdåtagande is ended."""
    if outcome.code != OutcomeCode.END_COMMITMENT:
        raise RuleError(
            "AV-02",
            "Patienten är registrerad som avliden; inget kan planeras. Välj Avsluta vårdåtagande på enhet, eller Ingen"
            " ytterligare planering där det inte finns något vårdåtagande.",
            code="deceased",
        )


def _reason(outcome, code, day):
    if not code:
        return None
    row = OutcomeReason.objects.valid_on(day).filter(outcome=outcome, code=code).first()
    if row is None:
        raise InputError(reason="Orsaken hör inte till utfallet eller är inte giltig. Välj en av de orsaker som visas.")
    return row


def _end_commitments(context, own, others, reason):
    """UT-03: closes the visit's own, and others at the unit that were ticked."""
    for commitment in [own, *others]:
        unit, patient = context["encounter"].care_unit_id, context["patient"].pk
        if commitment is None or commitment.care_unit_id != unit or commitment.patient_id != patient:
            raise RuleError("UT-03", "Ett valt vårdåtagande hör till en annan patient eller enhet.", code="not_here")
        commitments.close(commitment, reason=reason, by=context["by"], at=context["at"])
        CheckOutClosure.objects.create(check_out=context["record"], commitment=commitment)


def _await(context, own, reason, waiting_for, watch_until, responsible):
    today = local_date(context["at"])
    if watch_until:
        refuse_watch(watch_until, today)
    AwaitedResult.objects.create(
        **_item(context, own),
        reason=reason,
        waiting_for=waiting_for,
        watch_until=watch_until or today + timedelta(days=rules.AWAIT_DAYS),
        responsible=responsible,
    )


def _nothing_further(context, own, accept_warnings):
    """UT-05: warned where nothing is booked or requested; kept, the patient lands in Saknar återbesök."""
    if context["patient"].is_deceased or _has_return_visit(context, own):
        return
    if "UT-05" not in accept_warnings:
        raise rules.no_planning_warning()
    MissingFollowUp.objects.create(
        **_item(context, own),
        responsible=context["by"],
        watch_until=local_date(context["at"]) + timedelta(days=rules.MISSING_FOLLOW_UP_DAYS),
    )


def _has_return_visit(context, own):
    """A future booking or a waiting request: of the visit's vårdåtagande, or at the unit where it has none."""
    encounter = context["encounter"]
    bookings = Appointment.objects.future(context["at"])
    requests = BookingRequest.objects.waiting()
    if own:
        bookings, requests = bookings.filter(encounter__commitment=own), requests.filter(commitment=own)
    else:
        here = {"patient": context["patient"], "care_unit_id": encounter.care_unit_id}
        bookings, requests = bookings.filter(**here), requests.filter(**here)
    return bookings.exists() or requests.exists()


def _item(context, own):
    encounter = context["encounter"]
    return {
        "patient": context["patient"],
        "care_unit_id": encounter.care_unit_id,
        "encounter": encounter,
        "commitment": own,
        "check_out": context["record"],
    }


@transaction.atomic
def undo(*, encounter_id, by, at, reason="", version=None):
    """Takes back a check-out with everything it led to (PL-13): items withdrawn, requests closed, vårdåtaganden open
    again. Refused where a follow-up has been booked or taken over meanwhile."""
    patient_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
    patient = Patient.objects.lock_present(patient_id)
    closures = CheckOutClosure.objects.filter(
        check_out__encounter_id=encounter_id, check_out__undone_at__isnull=True
    ).values("commitment_id")
    closed = list(CareCommitment.objects.filter(pk__in=closures).locked())
    if closed:
        encounters.refuse_deceased(patient)
    encounter = encounters.lock(encounter_id, version=version)
    encounters.undo_check_out(encounter, by=by, at=at, reason=reason)
    record = CheckOut.objects.filter(encounter=encounter, undone_at__isnull=True).locked().first()
    if record is None:
        return encounter
    if record.booking_requests.filter(status=BookingRequestStatus.BOOKED).exists():
        raise RuleError(
            "PL-13", "En uppföljning från utcheckningen är redan bokad. Avboka den först.", code="already_booked"
        )
    _refuse_taken_over(record)
    for commitment in closed:
        closed_at = record.registered_at
        registration_writes.reopen_commitment(commitment, reason=CHECK_OUT_UNDONE, by=by, at=at)
        _restore_items(commitment, closed_at, by=by, at=at)
    for request in record.booking_requests.waiting().locked():
        offers.withdraw_of(booking_request=request, by=by, at=at)
        invitations.end_of(booking_request=request, by=by, at=at)
        write(request, status=BookingRequestStatus.CLOSED, closed_at=at, close_reason=CHECK_OUT_UNDONE)
    for item in AwaitedResult.objects.open().filter(check_out=record).locked():
        write(item, status=AwaitedStatus.DECIDED, decided_at=at, decided_by=by, decision=UNDONE)
    for item in MissingFollowUp.objects.open().filter(check_out=record).locked():
        write(item, status=ItemStatus.DONE, decided_at=at, decided_by=by, decision=UNDONE)
    record.undone_at, record.undone_by = at, by
    record.save(update_fields=["undone_at", "undone_by"])
    return encounter


def _refuse_taken_over(record):
    """PL-25, UT-07: a follow-up that has been taken over is the plan of another vårdåtagande, at the unit that took it."""
    taken = record.booking_requests.waiting().filter(taken_over_at__isnull=False)
    if request := taken.select_related("care_unit", "taken_over_by").order_by("taken_over_at").last():
        raise RuleError(
            "PL-25",
            f"En uppföljning från utcheckningen väntar hos {request.care_unit.short_name}, som har tagit över den."
            " Bokningsbegäran avslutas där innan utcheckningen kan ångras.",
            code="taken_over",
        ).told(request.taken_over_by, request.taken_over_at)


def _restore_items(commitment, closed_at, *, by, at):
    """What the closing ended is open again."""
    referrals.open_again_with(commitment, closed_at=closed_at, reason=CHECK_OUT_UNDONE, by=by, at=at)
    ended = {"commitment": commitment, "decision": COMMITMENT_CLOSED, "decided_at": closed_at}
    for item in AwaitedResult.objects.filter(**ended).locked():
        status = AwaitedStatus.ARRIVED if item.result_at else AwaitedStatus.WATCHING
        write(item, status=status, decided_at=None, decided_by=None, decision="")
    # What was to be booked anew is so again, where the booking still waits (PL-02).
    still_booked = RebookingItem.objects.filter(appointment__status=AppointmentStatus.BOOKED)
    for items in (MissingFollowUp.objects, NoShowItem.objects, still_booked):
        for item in items.filter(**ended).locked():
            write(item, status=ItemStatus.OPEN, decided_at=None, decided_by=None, decision="")
