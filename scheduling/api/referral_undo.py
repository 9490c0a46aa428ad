"""Remisser: the last decision taken back (VA-03, PL-13). Here, because what has been built on it is known here."""

from registration.api.referrals import TAG, ReferralAnswer, ReferralEndpoint
from scheduling.actions import referral_undo
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Fields, Text


class UndoDecisionBody(Fields):
    """Why, where it is not one's own decision of the last five minutes (PL-13)."""

    reason = Text(max_length=200, allow_blank=True, required=False)


class UndoDecision(ReferralEndpoint):
    """POST referrals/{id}/undo/."""

    permissions = {"POST": Permission.REVIEW_REFERRALS}

    @operation(
        "referrals_undo",
        "Ångra det senaste beslutet: accepterad, returnerad, vidaresänd eller avvisad",
        tag=TAG,
        body=UndoDecisionBody,
        answer=ReferralAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        referral_undo.undo(
            referral_id=pk,
            reason=self.body(UndoDecisionBody).get("reason", ""),
            may_correct=self.actor.may(Permission.CORRECT),
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self.shown(pk, "beslut om remiss ångrat")
