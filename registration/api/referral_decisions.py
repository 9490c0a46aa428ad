"""Remisser: reviewed, accepted, returned, sent on, rejected (VA-03). Taking a decision back is scheduling's, which sees what
has been built on it."""

from registration.actions import referrals
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Day, Fields, Number, Text
from sdv.common.errors import InputError
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

from .coded import ProblemCodeCode, RowId
from .referrals import TAG, ReferralAnswer, ReferralEndpoint


class ReviewBody(Fields):
    """Granskning (VA-03)."""

    review_date = Day(required=False, help_text="I dag, om inget anges.")
    medical_target_date = Day()
    days_to_first_contact = Number(min_value=0, max_value=3650)


class AcceptBody(Fields):
    """The regional problem whose vårdåtagande the remiss creates or joins (VA-01); the review, where it is told at once."""

    problem_code = ProblemCodeCode()
    review_date = Day(required=False)
    medical_target_date = Day(required=False, allow_null=True)
    days_to_first_contact = Number(min_value=0, max_value=3650, required=False, allow_null=True)


class ReferralDecisionBody(Fields):
    """Why the remiss is returned or rejected (VA-03)."""

    reason = Text(max_length=200, allow_blank=True)


class ForwardBody(Fields):
    """To which unit the remiss is sent on, or to whom outside the region, and why (VA-03): one of `care_unit` and
    `receiver`."""

    care_unit = RowId(CareUnit, required=False, allow_null=True)
    receiver = Text(
        max_length=200, allow_blank=True, required=False, help_text="Vårdgivare och enhet utanför regionen, i ord."
    )
    sent_on = Day(required=False, allow_null=True, help_text="Dagen den sändes utanför regionen; i dag om inget anges.")
    reason = Text(max_length=200, allow_blank=True)


class ReviewReferral(ReferralEndpoint):
    """POST referrals/{id}/review/."""

    permissions = {"POST": Permission.REVIEW_REFERRALS}

    @operation(
        "referrals_review",
        "Granska: måldatum och dagar till första kontakt",
        tag=TAG,
        body=ReviewBody,
        answer=ReferralAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = {"review_date": local_date(self.at)} | self.body(ReviewBody)
        referrals.review(referral_id=pk, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "remiss granskad")


class AcceptReferral(ReferralEndpoint):
    """POST referrals/{id}/accept/."""

    permissions = {"POST": Permission.REVIEW_REFERRALS}

    @operation(
        "referrals_accept",
        "Acceptera: skapar eller ansluter till vårdåtagandet",
        tag=TAG,
        body=AcceptBody,
        answer=ReferralAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(AcceptBody)
        referrals.accept(referral_id=pk, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "remiss accepterad")


class _Decide(ReferralEndpoint):
    permissions = {"POST": Permission.REVIEW_REFERRALS}
    decision = ""

    def decide(self, pk):
        self.require_at(pk)
        referrals.decide(
            referral_id=pk,
            decision=self.decision,
            reason=self.body(ReferralDecisionBody)["reason"],
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self.shown(pk, "remiss beslutad")


def _decision(name, summary):
    return operation(
        f"referrals_{name}",
        summary,
        tag=TAG,
        body=ReferralDecisionBody,
        answer=ReferralAnswer,
        is_post=True,
        is_versioned=True,
    )


class ReturnReferral(_Decide):
    """POST referrals/{id}/return/."""

    decision = "return"

    @_decision("return", "Returnera för komplettering")
    def post(self, request, pk):
        return self.decide(pk)


class ForwardReferral(ReferralEndpoint):
    """POST referrals/{id}/forward/. Answers with the remiss at the other unit, or with the one that left the region."""

    permissions = {"POST": Permission.REVIEW_REFERRALS}

    @operation(
        "referrals_forward",
        "Sänd vidare till en annan enhet, eller utanför regionen",
        tag=TAG,
        body=ForwardBody,
        answer=ReferralAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(ForwardBody)
        unit, receiver = asked.get("care_unit"), asked.get("receiver", "")
        if bool(unit) == bool(receiver.strip()):
            raise InputError(care_unit="Ange antingen enheten eller mottagaren utanför regionen.")
        common = {"reason": asked["reason"], "by": self.actor.user, "at": self.at, "version": self.version}
        if unit:
            sent = referrals.forward(referral_id=pk, to_unit=unit, **common)
        else:
            sent = referrals.forward_outside(referral_id=pk, receiver=receiver, sent_on=asked.get("sent_on"), **common)
        return self.shown(sent.pk, "remiss sänd vidare")


class RejectReferral(_Decide):
    """POST referrals/{id}/reject/."""

    decision = "reject"

    @_decision("reject", "Avvisa")
    def post(self, request, pk):
        return self.decide(pk)
