"""How the waits of bokningsbegäran spread, per unit, by REST (BO-04)."""

from rest_framework import serializers

from registration.api.waiting import TAG, UnitWaitsAnswer, WaitingTimesQuery, unit_answer
from scheduling import waiting
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import day
from sdv.common.api_fields import Answer
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit


class RequestWaitsAnswer(Answer):
    """The bokningsbegäran that waited on the day, per unit. The last day asked for is the target; no guarantee applies."""

    date = serializers.DateField()
    units = UnitWaitsAnswer(many=True)


class RequestWaits(Endpoint):
    """GET waiting-times/booking-requests/."""

    permissions = {"GET": Permission.VIEW_STATISTICS}

    @operation(
        "waiting_times_booking_requests",
        "Hur länge bokningsbegäran har väntat, per enhet en dag",
        tag=TAG,
        query=WaitingTimesQuery,
        answer=RequestWaitsAnswer,
        has_id=False,
    )
    def get(self, request):
        asked = self.query(WaitingTimesQuery)
        on = asked.get("date") or local_date(self.at)
        units = CareUnit.objects.filter(pk__in=self.at_units(asked.get("care_unit"))).order_by("name", "id")
        return self.answer({"date": day(on), "units": [unit_answer(row) for row in waiting.requests_on(units, on=on)]})
