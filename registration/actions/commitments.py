"""Vårdåtaganden: the inner writes of opening, closing and opening again (VA-01, UT-03)."""

from django.db import IntegrityError, transaction

from registration import referral_rules
from registration.models import CareCommitment, CommitmentAct, CommitmentStatus, ProblemCode
from sdv.common.errors import RuleError
from sdv.common.time import local_date


def open_commitment(*, patient, care_unit, problem_code, by, at):
    """The open vårdåtagande of the problem at the unit: the one there is, or a new one, of a problem that the unit's
    specialities have (VA-01). The patient is locked by the caller, so two clerks cannot both make one; the partial unique
    index is the net."""
    found = (
        CareCommitment.objects.open()
        .filter(patient=patient, care_unit=care_unit, problem_code=problem_code)
        .locked()
        .first()
    )
    if found:
        return found
    refuse_problem_code(problem_code, care_unit, at=at)
    try:
        with transaction.atomic():
            opened = CareCommitment.objects.create(
                patient=patient,
                care_unit=care_unit,
                problem_code=problem_code,
                status=CommitmentStatus.OPEN,
                opened_on=local_date(at),
                created_by=by,
            )
            opened.events.create(act=CommitmentAct.OPENED, by=by, at=at)
            return opened
    except IntegrityError:
        return CareCommitment.objects.open().get(patient=patient, care_unit=care_unit, problem_code=problem_code)


def refuse_problem_code(problem_code, care_unit, *, at):
    """VA-01: raises the refusal of a problemkod that the unit cannot name on the day."""
    if not ProblemCode.objects.for_unit(care_unit, local_date(at)).filter(pk=problem_code.pk).exists():
        raise referral_rules.problem_code_refusal(name=problem_code.name, unit_name=care_unit.name)


def close_commitment(commitment, *, reason, by, at):
    """Inner write of closing (UT-03); whether it may be closed is asked by scheduling, which sees the bookings."""
    commitment.status = CommitmentStatus.CLOSED
    commitment.closed_on = max(local_date(at), commitment.opened_on)
    commitment.close_reason = reason
    commitment.closed_by = by
    commitment.version += 1
    commitment.save(update_fields=["status", "closed_on", "close_reason", "closed_by", "version"])
    commitment.events.create(act=CommitmentAct.CLOSED, reason=reason, by=by, at=at)


def reopen_commitment(commitment, *, reason, by, at):
    """Inner write of reopening, with why. Raises RuleError where another one is open for the problem (VA-01)."""
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
    commitment.events.create(act=CommitmentAct.REOPENED, reason=reason, by=by, at=at)
