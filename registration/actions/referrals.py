"""Remisser and vårdåtaganden: register, decide, and the inner writes of opening and closing (VA-01…03)."""

from itertools import pairwise

from django.db import IntegrityError, transaction

from registration.models import (
    CareCommitment,
    CommitmentStatus,
    Patient,
    Referral,
    ReferralKind,
    ReferralStatus,
)
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.time import local_date

from .encounters import refuse_deceased

# Decision: the statuses it may be taken from, and the status it leads to (VA-03).
DECISIONS = {
    "accept": ({ReferralStatus.RECEIVED, ReferralStatus.RETURNED}, ReferralStatus.ACCEPTED, "accepteras"),
    "return": ({ReferralStatus.RECEIVED}, ReferralStatus.RETURNED, "returneras"),
    "forward": ({ReferralStatus.RECEIVED, ReferralStatus.RETURNED}, ReferralStatus.FORWARDED, "sändas vidare"),
    "reject": ({ReferralStatus.RECEIVED, ReferralStatus.RETURNED}, ReferralStatus.REJECTED, "avvisas"),
}


def decision_refusal(status, decision):
    """Why a remiss in the status may not be so decided, or None (VA-03)."""
    sources, _, words = DECISIONS[decision]
    if status in sources:
        return None
    return RuleError(
        "VA-03",
        f"Remissen kan inte {words}: den är {ReferralStatus(status).label.lower()}. Läs in listan igen.",
        code="wrong_status",
    )


@transaction.atomic
def register(*, patient_id, care_unit, kind, arrival_date, by, at, decision_date=None, referrer="", problem_code=None):
    """A remiss or other ground for care arrives at the unit (VA-02). Dates in order, none in the future."""
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    check_dates(today=local_date(at), decision_date=decision_date, arrival_date=arrival_date)
    if kind == ReferralKind.REFERRAL and not referrer.strip():
        raise InputError(referrer="Ange vem som har skrivit remissen.")
    return Referral.objects.create(
        patient=patient,
        care_unit=care_unit,
        kind=kind,
        referrer=referrer,
        decision_date=decision_date,
        arrival_date=arrival_date,
        problem_code=problem_code,
        created_by=by,
    )


def check_dates(*, today, decision_date=None, arrival_date=None, review_date=None):
    """VA-02: decision ≤ arrival ≤ review, and none in the future. Raises RuleError."""
    named = [("Remissbeslut", decision_date), ("Ankomst", arrival_date), ("Granskning", review_date)]
    known = [(name, day) for name, day in named if day]
    for name, day in known:
        if day > today:
            raise RuleError("VA-02", f"{name} kan inte ligga i framtiden. Rätta datumet.", code="date_in_future")
    for (first, earlier), (second, later) in pairwise(known):
        if earlier > later:
            raise RuleError(
                "VA-02",
                f"{first} ska inte ligga efter {second.lower()}. Rätta något av datumen.",
                code="dates_out_of_order",
            )


@transaction.atomic
def review(*, referral_id, review_date, medical_target_date, days_to_first_contact, by, at, version=None):
    """Granskning: medical target date and days to first contact are set (VA-03)."""
    referral = _lock(referral_id, version)
    if referral.status not in (ReferralStatus.RECEIVED, ReferralStatus.RETURNED):
        raise RuleError("VA-03", f"Remissen är redan {referral.get_status_display().lower()}.", code="wrong_status")
    check_dates(today=local_date(at), arrival_date=referral.arrival_date, review_date=review_date)
    return _save(
        referral,
        review_date=review_date,
        medical_target_date=medical_target_date,
        days_to_first_contact=days_to_first_contact,
    )


@transaction.atomic
def accept(*, referral_id, problem_code, by, at, version=None):
    """Accepted: creates or joins the vårdåtagande of the problem at the unit, ready to book (VA-01, VA-03)."""
    patient_id = Referral.objects.values_list("patient_id", flat=True).get(pk=referral_id)
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    referral = _lock(referral_id, version)
    if refused := decision_refusal(referral.status, "accept"):
        raise _told_who(refused, referral)
    commitment = open_commitment(
        patient=patient, care_unit=referral.care_unit, problem_code=problem_code, opened_on=local_date(at), by=by
    )
    return _save(
        referral,
        status=ReferralStatus.ACCEPTED,
        commitment=commitment,
        problem_code=problem_code,
        review_date=referral.review_date or local_date(at),
        decided_at=at,
        decided_by=by,
    )


@transaction.atomic
def decide(*, referral_id, decision, reason, by, at, version=None):
    """Returned, forwarded or rejected, each with reason and date (VA-03)."""
    referral = _lock(referral_id, version)
    if refused := decision_refusal(referral.status, decision):
        raise _told_who(refused, referral)
    if not reason.strip():
        raise RuleError("VA-03", "Ange skälet till beslutet.", code="reason_missing", needs_reason=True)
    return _save(referral, status=DECISIONS[decision][1], decision_reason=reason, decided_at=at, decided_by=by)


def open_commitment(*, patient, care_unit, problem_code, opened_on, by):
    """The open vårdåtagande of the problem at the unit: the one there is, or a new one (VA-01). The patient is locked
    by the caller, so two clerks cannot both make one; the partial unique index is the net."""
    found = (
        CareCommitment.objects.open()
        .filter(patient=patient, care_unit=care_unit, problem_code=problem_code)
        .locked()
        .first()
    )
    if found:
        return found
    try:
        with transaction.atomic():
            return CareCommitment.objects.create(
                patient=patient,
                care_unit=care_unit,
                problem_code=problem_code,
                status=CommitmentStatus.OPEN,
                opened_on=opened_on,
                created_by=by,
            )
    except IntegrityError:
        return CareCommitment.objects.open().get(patient=patient, care_unit=care_unit, problem_code=problem_code)


def close_commitment(commitment, *, reason, on, by):
    """Inner write of closing (UT-03); whether it may be closed is asked by scheduling, which sees the bookings."""
    commitment.status = CommitmentStatus.CLOSED
    commitment.closed_on = max(on, commitment.opened_on)
    commitment.close_reason = reason
    commitment.closed_by = by
    commitment.version += 1
    commitment.save(update_fields=["status", "closed_on", "close_reason", "closed_by", "version"])


def reopen_commitment(commitment):
    """Inner write of reopening. Raises RuleError where another one is open for the problem (VA-01)."""
    other = CareCommitment.objects.open().filter(
        patient_id=commitment.patient_id,
        care_unit_id=commitment.care_unit_id,
        problem_code_id=commitment.problem_code_id,
    )
    if other.exists():
        raise RuleError(
            "VA-01", "Det finns redan ett öppet vårdåtagande för problemet på enheten. Använd det.", code="already_open"
        )
    commitment.status = CommitmentStatus.OPEN
    commitment.closed_on = None
    commitment.close_reason = ""
    commitment.closed_by = None
    commitment.version += 1
    commitment.save(update_fields=["status", "closed_on", "close_reason", "closed_by", "version"])


def _lock(referral_id, version):
    referral = Referral.objects.locked().get(pk=referral_id)
    if version is not None and version != referral.version:
        raise StaleVersion(current=referral.version, given=version)
    return referral


def _save(referral, **changes):
    changes["version"] = referral.version + 1
    for field, value in changes.items():
        setattr(referral, field, value)
    referral.save(update_fields=list(changes))
    return referral


def _told_who(refused, referral):
    return refused.told(referral.decided_by, referral.decided_at)
