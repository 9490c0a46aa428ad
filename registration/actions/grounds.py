"""What an encounter rests on: the remiss that its first contact uses up (VA-04). Inner writes."""

from django.db.models import F

from registration.models import Referral, ReferralStatus


def use(encounter):
    """VA-04: at the first contact the accepted remiss of the vårdåtagande is förbrukad."""
    if encounter.commitment_id:
        Referral.objects.filter(commitment_id=encounter.commitment_id, status=ReferralStatus.ACCEPTED).update(
            status=ReferralStatus.USED, used_by=encounter, version=F("version") + 1
        )


def give_back(encounter):
    """The contact did not take place: the remiss is to be booked again."""
    Referral.objects.filter(used_by=encounter).update(
        status=ReferralStatus.ACCEPTED, used_by=None, version=F("version") + 1
    )
