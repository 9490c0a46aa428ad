"""The first contact on a remiss, whether it was booked or not: nobody is offered a time or invited to book one for what
has been used (VA-04, PL-01, PL-26)."""

from django.db import transaction

from registration.actions import admissions

from . import invitations, offers


@transaction.atomic
def begin(*, by, at, **contact):
    """A contact that begins without a booking, as `admissions.begin` takes it (VH-03). What was offered for the remiss
    that it uses is withdrawn in the same transaction, and the time is free again."""
    encounter = admissions.begin(by=by, at=at, **contact)
    settle(encounter, by=by, at=at)
    return encounter


def settle(encounter, *, by, at):
    """Inner write: the remisser that the contact has used wait for no time any more."""
    if encounter.commitment_id:
        offers.withdraw_of(referral__used_by=encounter, by=by, at=at)
        invitations.end_of(referral__used_by=encounter, by=by, at=at)
