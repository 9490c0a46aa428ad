"""Remisser as they are read, with who is in turn to review them: the one they are addressed to, or who stands in (VA-03)."""

from functools import partial

from rest_framework import serializers

from registration import waiting
from registration.actions import referrals
from registration.api.referrals import (
    TAG,
    CorrectionBody,
    NewReferrals,
    ReferralAnswer,
    ReferralEndpoint,
    ReferralQuery,
    referral_answer,
    referral_rows,
)
from registration.referral_rules import UNDECIDED
from scheduling.reviewers import Turn
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Answer
from sdv.common.paging import by_cursor
from sdv.common.time import local_date


class ReviewerAnswer(Answer):
    """Who is in turn."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    is_stand_in = serializers.BooleanField(help_text="Den som remissen är ställd till är frånvarande.")


class ReferralInTurnAnswer(ReferralAnswer):
    """A remiss, and who is in turn to review it."""

    reviewer = ReviewerAnswer(
        allow_null=True, help_text="Vems tur det är att granska; null där den är beslutad eller ingen är utsedd."
    )


def in_turn_answer(row, *, on, limits, turn):
    reviewer = turn.of(row) if row.status in UNDECIDED and row.care_unit_id in turn.orders else None
    told = reviewer and {"id": str(reviewer.pk), "name": str(reviewer), "is_stand_in": turn.is_stand_in(row)}
    return referral_answer(row, on=on, limits=limits) | {"reviewer": told}


class Referrals(NewReferrals):
    """GET and POST referrals/."""

    permissions = {"GET": Permission.VIEW_REFERRALS} | NewReferrals.permissions

    @operation(
        "referrals_list",
        "Remisser vid enheten",
        tag=TAG,
        query=ReferralQuery,
        answer=page_of("ReferralPage", ReferralInTurnAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(ReferralQuery)
        units = self.at_units(asked.get("care_unit"))
        rows = referral_rows().filter(care_unit__in=units)
        for name in ("patient", "status", "kind"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="arrival_date")
        self.log([row.patient_id for row in page.rows], "remisser", care_unit_id=asked.get("care_unit"))
        beside = {"limits": waiting.limits(), "turn": Turn(units, at=self.at)}
        return self.answer(page.answer(partial(in_turn_answer, on=local_date(self.at), **beside)))


class OneReferral(ReferralEndpoint):
    """GET and PATCH referrals/{id}/."""

    permissions = {"GET": Permission.VIEW_REFERRALS, "PATCH": Permission.REGISTER_REFERRALS}

    @operation("referrals_read", "Läs en remiss", tag=TAG, answer=ReferralInTurnAnswer)
    def get(self, request, pk):
        self.require_at_either_end(pk)
        return self._answer(pk, "remiss")

    @operation(
        "referrals_correct",
        "Rätta det som registrerats fel: typ, remittent, ställd till, remissbeslut, ankomst",
        tag=TAG,
        body=CorrectionBody,
        answer=ReferralInTurnAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk):
        self.require_at_either_end(pk)
        asked = self.body(CorrectionBody)
        units = self.actor.units_where(self.permission)
        referrals.correct(referral_id=pk, units=units, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self._answer(pk, "remiss rättad")

    def _answer(self, pk, what):
        row = referral_rows().get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        # Whose turn it is is the receiving unit's own.
        own = {row.care_unit_id} & set(self.actor.care_unit_ids)
        beside = {"limits": waiting.limits(), "turn": Turn(own, at=self.at)}
        return self.answer(in_turn_answer(row, on=local_date(self.at), **beside), version=row.version)
