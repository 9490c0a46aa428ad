"""What an encounter rests on: its vårdåtagande (VH-08), and the remiss that its first contact uses up (VA-04). Inner
writes."""

from django.db.models import F

from registration import lifecycle, type_choice
from registration.encounter_types import TYPES
from registration.models import (
    CareCommitment,
    CommitmentAct,
    CommitmentStatus,
    Referral,
    ReferralAct,
    ReferralStatus,
)
from sdv.common.errors import RuleError
from sdv.common.time import start_of_day
from sdv.common.versions import write

# What a decision writes, and its undo restores (PL-13).
DECIDED = (
    "status",
    "review_date",
    "medical_target_date",
    "days_to_first_contact",
    "problem_code_id",
    "commitment_id",
    "receipt_at",
    "receipt_by_id",
    "forwarded_outside",
    "forwarded_on",
    "decision_reason",
    "decided_at",
    "decided_by_id",
)


def use(encounter):
    """VA-04: at the first contact the accepted remiss of the vårdåtagande is förbrukad."""
    if encounter.commitment_id:
        Referral.objects.filter(commitment_id=encounter.commitment_id, status=ReferralStatus.ACCEPTED).update(
            status=ReferralStatus.USED, used_by=encounter, version=F("version") + 1
        )


def give_back(encounter):
    """The contact did not take place: the remiss is to be booked again. Where its vårdåtagande has ended meanwhile it is
    closed with it, as it would have been had nobody come: an undo of that ending has it back (UT-03, PL-13)."""
    for referral in Referral.objects.filter(used_by=encounter).select_related("commitment").locked():
        write(referral, status=ReferralStatus.ACCEPTED, used_by=None)
        commitment = referral.commitment
        if commitment.status == CommitmentStatus.CLOSED:
            # Endings from before they were traced have their day alone.
            ending = commitment.events.filter(act=CommitmentAct.CLOSED).last()
            ended_at = ending.at if ending else start_of_day(commitment.closed_on)
            close(referral, reason=commitment.close_reason, by=commitment.closed_by, at=ended_at)


def close(referral, *, reason, by, at):
    """An accepted remiss that nobody has come on ends with its vårdåtagande; the trail keeps what it was (UT-03)."""
    referral.events.create(act=ReferralAct.CLOSED, reason=reason, by=by, at=at, before=before(referral))
    write(referral, status=ReferralStatus.CLOSED, decision_reason=reason, decided_at=at, decided_by=by)


def before(referral):
    """What the remiss is before a decision, as plain values."""
    kept = {name: getattr(referral, name) for name in DECIDED}
    return {name: value if value is None else str(value) for name, value in kept.items()} | {
        "days_to_first_contact": referral.days_to_first_contact,
        "version": referral.version,
    }


def find_commitment(patient, care_unit, commitment_id):
    """The patient's open vårdåtagande at the unit: the one named, or the only one there is. Locked."""
    commitments = CareCommitment.objects.open().filter(patient=patient, care_unit=care_unit).locked()
    if commitment_id:
        commitment = commitments.filter(pk=commitment_id).first()
        if commitment is None:
            raise RuleError(
                "VH-08",
                "Vårdåtagandet är avslutat eller hör till en annan patient eller enhet. Välj ett öppet vårdåtagande.",
                code="missing_commitment",
            )
        return commitment
    found = list(commitments[:2])
    return found[0] if len(found) == 1 else None


def commitment_to_plan(patient, care_unit, commitment_id, *, is_consult=False):
    """The vårdåtagande that something is planned on, as `find_commitment` finds it. Primary care and a consult need none
    (VH-08): only one that is named is taken."""
    needs_one = commitment_id or not (care_unit.is_primary_care or is_consult)
    return find_commitment(patient, care_unit, commitment_id) if needs_one else None


def refuse_without_commitment(care_unit, visit_type, commitment, *, is_consult=False):
    """VH-08, VA-01: nothing is planned that could not be registered at arrival: a specialised visit without an open
    vårdåtagande."""
    arrival_type = type_choice.at_arrival(care_unit, visit_type, is_consult=is_consult)
    if refused := lifecycle.commitment_refusal(TYPES[arrival_type], commitment):
        raise refused
