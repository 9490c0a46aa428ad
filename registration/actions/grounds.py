"""What an encounter rests on: the remiss that its first contact uses up (VA-04). Inner writes."""

from django.db.models import F

from registration.models import CommitmentAct, CommitmentStatus, Referral, ReferralAct, ReferralStatus
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
