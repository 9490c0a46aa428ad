"""Work items and booking requests: made, changed, decided (UT-04…06, BB-01, PL-05)."""

from datetime import timedelta

from django.db import transaction

from registration.actions.encounters import refuse_deceased
from registration.actions.grounds import commitment_to_plan, refuse_without_commitment
from registration.lifecycle import Status
from registration.models import CareCommitment, Encounter, Patient
from scheduling import rules
from scheduling.models import (
    UNDONE,
    AwaitedResult,
    AwaitedStatus,
    BookingRequest,
    BookingRequestStatus,
    ItemStatus,
    MissingFollowUp,
    NoShowItem,
    OutcomeCode,
    OutcomeReason,
    RebookingItem,
    RowLock,
)
from scheduling.owners import owner_of_booking
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale, write

from . import choices, invitations, offers

# Decisions on an item: follow up (a bokningsbegäran), end the vårdåtagande, or nothing more needed.
FOLLOW_UP, END_COMMITMENT, NOTHING_MORE = "follow_up", "end_commitment", "nothing_more"
COMMITMENT_CLOSED = "commitment_closed"


# --- Bokningsbegäran ------------------------------------------------------------------------------------------------


@transaction.atomic
def request_booking(*, patient_id, care_unit, visit_type, by, at, commitment_id=None, **fields):
    """A bokningsbegäran made directly (BB-01): `contact_reason`, `wished_from`, `wished_to` and more. Like the booking that it
    asks for it stands on a vårdåtagande where the besökstyp requires one (VA-01, VH-08)."""
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    commitment = commitment_to_plan(patient, care_unit, commitment_id)
    refuse_without_commitment(care_unit, visit_type, commitment)
    return create_request(
        patient=patient,
        care_unit=care_unit,
        visit_type=visit_type,
        commitment=commitment,
        by=by,
        at=at,
        **fields,
    )


def create_request(
    *,
    patient,
    care_unit,
    visit_type,
    contact_reason,
    wished_from,
    wished_to,
    by,
    at,
    commitment=None,
    wished_resource=None,
    addressee=None,
    description="",
    wished_place="",
    check_out=None,
    status=None,
):
    """Inner write of a request. Addressed to a colleague it is an uppföljningsbegäran until confirmed (UT-06)."""
    if wished_to < wished_from:
        raise InputError(wished_to="Begärt slutdatum ska inte ligga före begärt startdatum.")
    choices.offered_reason(visit_type, contact_reason.pk, care_unit, at=at)
    if wished_resource and wished_resource.care_unit_id != care_unit.pk:
        raise InputError(resource="Resursen hör till en annan vårdenhet. Välj en av enhetens resurser.")
    to_colleague = addressee is not None and addressee.pk != by.pk
    return BookingRequest.objects.create(
        patient=patient,
        care_unit=care_unit,
        commitment=commitment,
        status=status or (BookingRequestStatus.FOLLOW_UP if to_colleague else BookingRequestStatus.OPEN),
        visit_type=visit_type,
        contact_reason=contact_reason,
        wished_from=wished_from,
        wished_to=wished_to,
        wished_resource=wished_resource,
        wished_place=wished_place,
        addressee=addressee,
        description=description,
        check_out=check_out,
        created_by=by,
    )


@transaction.atomic
def change_request(*, request_id, by, at, version=None, **changes):
    """Changes of a waiting request: `wished_resource`, `wished_from`, `wished_to`, `description`, `addressee`,
    `wished_place`, or `confirm=True` for an uppföljningsbegäran that becomes a bokningsbegäran (UT-06)."""
    request = _lock(BookingRequest, request_id, version)
    refuse_unless_waiting(request)
    if changes.pop("confirm", False):
        changes["status"] = BookingRequestStatus.OPEN
    resource = changes.get("wished_resource")
    if resource and resource.care_unit_id != request.care_unit_id:
        raise InputError(wished_resource="Resursen hör till en annan vårdenhet. Välj en av enhetens resurser.")
    first = changes.get("wished_from", request.wished_from)
    last = changes.get("wished_to", request.wished_to)
    if last < first:
        raise InputError(wished_to="Begärt slutdatum ska inte ligga före begärt startdatum.")
    return write(request, **changes)


@transaction.atomic
def close_request(*, request_id, reason, by, at, version=None):
    """Ends a request that will not be booked, with its reason."""
    # The patient first, as whoever says yes to an offer of it does: each would else wait for what the other holds.
    Patient.objects.lock_present(BookingRequest.objects.values_list("patient_id", flat=True).get(pk=request_id))
    request = _lock(BookingRequest, request_id, version)
    refuse_unless_waiting(request)
    if not reason.strip():
        raise RuleError("BB-01", "Ange varför bokningsbegäran avslutas.", code="reason_missing", needs_reason=True)
    offers.withdraw_of(booking_request=request, by=by, at=at)
    invitations.end_of(booking_request=request, by=by, at=at)
    RowLock.objects.filter(booking_request=request).delete()
    return write(request, status=BookingRequestStatus.CLOSED, closed_at=at, close_reason=reason)


@transaction.atomic
def await_answer(*, request_id, reason, by, at, waiting_for="", watch_until=None, version=None):
    """Avvakta in place of booking (UT-04): an answer decides whether the patient is to come. The request ends and the
    answer is watched, after the visit that the request came from, else the last of its vårdåtagande. `reason` is the code
    of an OutcomeReason. Returns the AwaitedResult."""
    known = BookingRequest.objects.values("patient_id", "commitment_id").get(pk=request_id)
    patient = Patient.objects.lock_present(known["patient_id"])
    refuse_deceased(patient)
    commitment = CareCommitment.objects.open().filter(pk=known["commitment_id"]).locked().first()
    request = _lock(BookingRequest, request_id, version)
    refuse_unless_waiting(request)
    today = local_date(at)
    chosen = OutcomeReason.objects.valid_on(today).filter(outcome=OutcomeCode.AWAIT_RESULT, code=reason).first()
    if chosen is None:
        raise InputError(reason="Välj vad som avvaktas.")
    if watch_until:
        refuse_watch(watch_until, today)
    visit = _visit_behind(request)
    if visit is None:
        raise rules.no_visit_to_await()
    close_request(request_id=request.pk, reason=f"Avvaktar: {chosen.name}", by=by, at=at)
    return AwaitedResult.objects.create(
        patient=patient,
        care_unit_id=request.care_unit_id,
        encounter=visit,
        commitment=commitment,
        check_out=_check_out_here(request),
        reason=chosen,
        waiting_for=waiting_for,
        watch_until=watch_until or today + timedelta(days=rules.AWAIT_DAYS),
        responsible=by,
    )


def _visit_behind(request):
    """The visit that a request came from: the one checked out with it, else the patient's last at the unit, of the
    vårdåtagande where the request has one."""
    if check_out := _check_out_here(request):
        return check_out.encounter
    visits = Encounter.objects.filter(patient=request.patient_id, care_unit=request.care_unit_id)
    if request.commitment_id:
        visits = visits.filter(commitment=request.commitment_id)
    return visits.in_overview().exclude(status=Status.PLANNED).order_by("-start", "-id").first()


def _check_out_here(request):
    """The check-out that the request came of, or None: one taken over came of another unit's (PL-25, PA-08)."""
    check_out = request.check_out
    return check_out if check_out and check_out.encounter.care_unit_id == request.care_unit_id else None


def mark_booked(request):
    """Inner write: the request has its booking, and nobody works with it any more."""
    RowLock.objects.filter(booking_request=request).delete()
    return write(request, status=BookingRequestStatus.BOOKED)


def wait_again(appointment, *, by, at):
    """After a cancellation the patient waits again (UT-07): the request reopens; a booking under an open vårdåtagande
    that had none gets one, unless one for the same waits already (PL-11). Of visits planned together each is still to be
    had. Nobody waits for what has been ended, nor the dead (UT-03, AV-02). Returns the request or None."""
    encounter = appointment.encounter
    if appointment.patient.is_deceased:
        return None
    if request := appointment.booking_request:
        request = BookingRequest.objects.locked().get(pk=request.pk)
        is_ended = request.commitment is not None and request.commitment.status != "open"
        if request.status == BookingRequestStatus.BOOKED and not is_ended:
            return write(request, status=BookingRequestStatus.OPEN)
        return None
    commitment = encounter.commitment
    if commitment is None or commitment.status != "open" or commitment.referrals.to_book().exists():
        return None
    same = {
        "patient_id": appointment.patient_id,
        "care_unit_id": appointment.care_unit_id,
        "commitment": commitment,
        "visit_type_id": encounter.visit_type_id,
    }
    alone = BookingRequest.objects.waiting().filter(**same, plan=None)
    if appointment.plan_id is None and (waits := alone.first()):
        return waits
    today = local_date(at)
    return BookingRequest.objects.create(
        **same,
        status=BookingRequestStatus.OPEN,
        plan_id=appointment.plan_id,
        contact_reason_id=encounter.contact_reason_id,
        wished_from=today,
        wished_to=max(today, local_date(appointment.start)) + timedelta(days=14),
        description=f"Ny tid efter avbokning av {rules.clock(appointment.start)}",
        created_by=by,
    )


def refuse_unless_waiting(request):
    if request.status not in (BookingRequestStatus.OPEN, BookingRequestStatus.FOLLOW_UP):
        raise RuleError(
            "BB-01",
            f"Bokningsbegäran är redan {request.get_status_display().lower()}. Läs in listan igen.",
            code="already_done",
        )


# --- No-show items ------------------------------------------------------------------------------------------------------


def create_no_show_item(appointment, *, at):
    """PL-05: in the same transaction as the no-show, with owner and date. The dead are called by nobody (AV-02); of a
    vårdåtagande that has been ended it is no part (UT-03)."""
    if appointment.patient.is_deceased:
        return None
    commitment = appointment.encounter.commitment
    today = local_date(at)
    return NoShowItem.objects.create(
        patient_id=appointment.patient_id,
        care_unit_id=appointment.care_unit_id,
        encounter=appointment.encounter,
        commitment=commitment if commitment and commitment.status == "open" else None,
        responsible_id=owner_of_booking(appointment, day=today),
        watch_until=today + timedelta(days=rules.NO_SHOW_DAYS),
    )


def withdraw_no_show_item(encounter, *, by, at):
    """The no-show was undone, so there is nothing to follow up."""
    for item in NoShowItem.objects.open().filter(encounter=encounter).locked():
        write(item, status=ItemStatus.DONE, decided_at=at, decided_by=by, decision=UNDONE)


# --- Decisions ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def register_result(*, item_id, by, at, version=None):
    """The answer has come: the clinician is asked to decide (UT-04). Telling it twice changes nothing."""
    item = _lock(AwaitedResult, item_id, version)
    if item.status == AwaitedStatus.DECIDED:
        raise _already_decided(item, "UT-04")
    if item.status == AwaitedStatus.ARRIVED:
        return item
    return write(item, status=AwaitedStatus.ARRIVED, result_at=at)


@transaction.atomic
def postpone(*, model, item_id, watch_until, by, at, version=None):
    """Moves the date an item is watched until; of a booking to move not beyond its own day (PL-02)."""
    item = _lock(model, item_id, version)
    if _is_decided(item):
        raise _already_decided(item, _rule_of(item))
    today = local_date(at)
    refuse_watch(watch_until, today)
    if model is RebookingItem and watch_until > max(today, day := local_date(item.appointment.start)):
        raise InputError(watch_until=f"Bokningen är {day.isoformat()}. Ange ett datum senast den dagen.")
    return write(item, watch_until=watch_until)


def refuse_watch(watch_until, today):
    """A day to look at it again is from today and within two years (UT-04)."""
    if watch_until < today:
        raise InputError(watch_until="Datumet har passerat. Ange ett datum från och med i dag.")
    if watch_until > today + rules.LONGEST_WATCH:
        raise InputError(watch_until="Ange ett datum inom två år.")


@transaction.atomic
def decide(*, model, item_id, decision, by, at, follow_up=None, reason=None, version=None):
    """Decides an Avvakta, a Saknar återbesök or a no-show item: `follow_up` makes a bokningsbegäran, `end_commitment`
    ends the vårdåtagande with a reason, `nothing_more` needs a plan elsewhere or no open vårdåtagande (UT-04, UT-05,
    PL-05, UT-07)."""
    from . import commitments

    known = model.objects.values("patient_id", "commitment_id").get(pk=item_id)
    Patient.objects.lock_present(known["patient_id"])
    commitment = None
    if known["commitment_id"]:
        commitment = CareCommitment.objects.locked().get(pk=known["commitment_id"])
    item = _lock(model, item_id, version)
    rule = _rule_of(item)
    if _is_decided(item):
        raise _already_decided(item, rule)
    done = AwaitedStatus.DECIDED if model is AwaitedResult else ItemStatus.DONE
    if decision == FOLLOW_UP:
        if not follow_up:
            raise RuleError("UT-06", "Ange besökstyp, vårdkontaktsorsak och tidsintervall.", code="follow_up_missing")
        refuse_deceased(item.patient)
        create_request(
            patient=item.patient,
            care_unit=item.care_unit,
            commitment=commitment if commitment and commitment.status == "open" else None,
            by=by,
            at=at,
            **follow_up,
        )
    elif decision == END_COMMITMENT:
        if commitment is None or commitment.status != "open":
            raise RuleError(
                "UT-03",
                "Det finns inget öppet vårdåtagande att avsluta. Välj ett annat beslut.",
                code="missing_commitment",
            )
        if not reason:
            raise RuleError("UT-03", "Avslut av vårdåtagande kräver en orsak. Välj orsak.", code="reason_missing")
        write(item, status=done, decided_at=at, decided_by=by, decision=decision)
        commitments.close(commitment, reason=reason, by=by, at=at)
        return item
    elif decision == NOTHING_MORE:
        if (
            commitment
            and commitment.status == "open"
            and not commitments.is_planned(commitment, at=at, apart_from=item)
        ):
            raise RuleError(
                "UT-07",
                "Vårdåtagandet är öppet men inget är planerat. Välj uppföljning, eller avsluta vårdåtagandet.",
                code="no_planning",
            )
    else:
        raise InputError(
            decision="Okänt beslut. Välj uppföljning, avsluta vårdåtagande eller ingen ytterligare planering."
        )
    return write(item, status=done, decided_at=at, decided_by=by, decision=decision)


def _is_decided(item):
    return item.decided_at is not None


def _rule_of(item):
    rules_of = {AwaitedResult: "UT-04", MissingFollowUp: "UT-05", NoShowItem: "PL-05", RebookingItem: "PL-02"}
    return rules_of[type(item)]


def _already_decided(item, rule):
    refused = RuleError(rule, "Posten är redan beslutad. Läs in listan igen.", code="already_done")
    return refused.told(item.decided_by, item.decided_at)


def _lock(model, pk, version):
    row = model.objects.locked().get(pk=pk)
    refuse_stale(row, version)
    return row
