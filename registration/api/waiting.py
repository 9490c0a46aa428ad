"""Waiting times: deviations of one remiss, and how the waits of units spread (BO-04)."""

from rest_framework import serializers

from registration import waiting
from registration.actions import waiting as writes
from registration.models import DeviationKind, Referral, WaitDeviation
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Moment, Text
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

TAG = "Väntetider"


class DeviationBody(Fields):
    """Days that are not counted. For the patient's choice (PvV) all of `is_informed`, `offered_at`, `has_declined`."""

    kind = Choice(choices=DeviationKind.values)
    starts_on = Day()
    ends_on = Day(required=False, allow_null=True)
    reason = Text(max_length=200, allow_blank=True)
    is_informed = Flag(required=False)
    offered_at = Moment(required=False, allow_null=True)
    has_declined = Flag(required=False)


class EndDeviationBody(Fields):
    """The last day that is not counted."""

    ends_on = Day()


class WithdrawDeviationBody(Fields):
    """Why it was wrong."""

    reason = Text(max_length=200, allow_blank=True)


class DeviationAnswer(Answer):
    """Avvikelse i väntetid."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    referral = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=DeviationKind.values)
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(allow_null=True)
    reason = serializers.CharField()
    is_informed = serializers.BooleanField()
    offered_at = serializers.DateTimeField(allow_null=True)
    has_declined = serializers.BooleanField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    withdraw_reason = serializers.CharField()


class WaitingTimesQuery(Fields):
    """The day that is asked for: today where none is told."""

    care_unit = Id(required=False)
    date = Day(required=False)


class SpreadAnswer(Answer):
    """How many had waited so many days."""

    days = serializers.CharField()
    number = serializers.IntegerField()


class WaitsAnswer(Answer):
    """Some waits counted: how many, how they spread, how many are within guarantee and target."""

    number = serializers.IntegerField()
    spread = SpreadAnswer(many=True)
    within_guarantee = serializers.IntegerField()
    with_guarantee = serializers.IntegerField()
    within_target = serializers.IntegerField()
    with_target = serializers.IntegerField()
    median_days = serializers.FloatField(allow_null=True)
    longest_days = serializers.IntegerField(allow_null=True)


class ListWaitsAnswer(WaitsAnswer):
    """The waits of a unit in one of its work lists."""

    list = serializers.ChoiceField(choices=[waiting.UNDECIDED, waiting.TO_BOOK])


class UnitWaitsAnswer(WaitsAnswer):
    """The waits of a unit, of all its lists together."""

    care_unit = serializers.UUIDField()
    name = serializers.CharField()


class ReferralWaitsAnswer(UnitWaitsAnswer):
    """And of each: Remisshantering until the remiss is decided, Att boka from then to the first contact."""

    lists = ListWaitsAnswer(many=True)


class WaitingTimesAnswer(Answer):
    """Who waited on the day for a first contact, per unit and list."""

    date = serializers.DateField()
    units = ReferralWaitsAnswer(many=True)


def deviation_answer(row):
    return {
        "id": str(row.pk),
        "version": row.version,
        "referral": str(row.referral_id),
        "kind": row.kind,
        "starts_on": day(row.starts_on),
        "ends_on": day(row.ends_on),
        "reason": row.reason,
        "is_informed": row.is_informed,
        "offered_at": moment(row.offered_at),
        "has_declined": row.has_declined,
        "withdrawn_at": moment(row.withdrawn_at),
        "withdraw_reason": row.withdraw_reason,
    }


def unit_answer(each):
    return {"care_unit": str(each.care_unit.pk), "name": each.care_unit.name} | waits_answer(each)


def waits_answer(each):
    return {
        "number": each.number,
        "spread": [
            {"days": words, "number": number}
            for (_, _, words), number in zip(waiting.INTERVALS, each.spread, strict=True)
        ],
        "within_guarantee": each.within_limit,
        "with_guarantee": each.with_limit,
        "within_target": each.within_target,
        "with_target": each.with_target,
        "median_days": each.median,
        "longest_days": each.longest,
    }


class _Deviation(Endpoint):
    def known(self, pk):
        """The remiss of the address, judged at its unit."""
        row = Referral.objects.only("patient_id", "care_unit_id").get(pk=pk)
        self.require(row.care_unit_id)
        return row

    def shown(self, deviation, referral, what, *, status=200):
        self.log([referral.patient_id], what, care_unit_id=referral.care_unit_id, resource_id=referral.pk)
        deviation.refresh_from_db()
        return self.answer(deviation_answer(deviation), status=status, version=deviation.version)


class Deviations(_Deviation):
    """GET and POST referrals/{id}/deviations/."""

    permissions = {"GET": Permission.VIEW_REFERRALS, "POST": Permission.REVIEW_REFERRALS}

    @operation(
        "referrals_deviations",
        "Avvikelser: dagar som inte räknas",
        tag=TAG,
        query=PageQuery,
        answer=page_of("DeviationPage", DeviationAnswer),
    )
    def get(self, request, pk):
        referral, asked = self.known(pk), self.query(PageQuery)
        page = by_cursor(request, referral.deviations.all(), asked=asked, field="starts_on")
        self.log([referral.patient_id], "avvikelser", care_unit_id=referral.care_unit_id, resource_id=pk)
        return self.answer(page.answer(deviation_answer))

    @operation(
        "referrals_deviate",
        "Registrera en avvikelse",
        tag=TAG,
        body=DeviationBody,
        answer=DeviationAnswer,
        status=201,
        is_post=True,
    )
    def post(self, request, pk):
        referral = self.known(pk)
        asked = self.body(DeviationBody)
        made = writes.register_deviation(referral_id=pk, **asked, by=self.actor.user, at=self.at)
        return self.shown(made, referral, "avvikelse registrerad", status=201)


class _OneDeviation(_Deviation):
    permissions = {"POST": Permission.REVIEW_REFERRALS}

    def changed(self, pk, row, write, what, **asked):
        referral = self.known(pk)
        WaitDeviation.objects.get(pk=row, referral=referral)
        done = write(deviation_id=row, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(done, referral, what)


class EndDeviation(_OneDeviation):
    """POST referrals/{id}/deviations/{row}/end/."""

    @operation(
        "referrals_deviations_end",
        "Sista dagen som inte räknas",
        tag=TAG,
        body=EndDeviationBody,
        answer=DeviationAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk, row):
        return self.changed(pk, row, writes.end_deviation, "avvikelse avslutad", **self.body(EndDeviationBody))


class WithdrawDeviation(_OneDeviation):
    """POST referrals/{id}/deviations/{row}/withdraw/."""

    @operation(
        "referrals_deviations_withdraw",
        "Återkalla en avvikelse: dagarna räknas igen",
        tag=TAG,
        body=WithdrawDeviationBody,
        answer=DeviationAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk, row):
        asked = self.body(WithdrawDeviationBody)
        return self.changed(pk, row, writes.withdraw_deviation, "avvikelse återkallad", **asked)


class WaitingTimes(Endpoint):
    """GET waiting-times/."""

    permissions = {"GET": Permission.VIEW_STATISTICS}

    @operation(
        "waiting_times",
        "Väntetider per enhet en dag",
        tag=TAG,
        query=WaitingTimesQuery,
        answer=WaitingTimesAnswer,
        has_id=False,
    )
    def get(self, request):
        asked = self.query(WaitingTimesQuery)
        on = asked.get("date") or local_date(self.at)
        units = CareUnit.objects.filter(pk__in=self.at_units(asked.get("care_unit"))).order_by("name", "id")
        by_list = waiting.waiting_by_list(units, on=on)
        each_list = [(name, by_list[name]) for name in (waiting.UNDECIDED, waiting.TO_BOOK)]
        answers = [
            unit_answer(each) | {"lists": [{"list": name} | waits_answer(rows[place]) for name, rows in each_list]}
            for place, each in enumerate(by_list[""])
        ]
        return self.answer({"date": day(on), "units": answers})
