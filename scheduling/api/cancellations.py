"""Who cancels, per unit and period, by REST (PL-09)."""

from datetime import timedelta

from rest_framework import serializers

from scheduling import cancellations
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import day
from sdv.common.api_fields import Answer, Day, Id, Query
from sdv.common.dates import LONGEST_PERIOD
from sdv.common.errors import InputError
from sdv.organisation.models import CareUnit

TAG = "Statistik"

# A class body cannot have a field called from.
CancellationsQuery = type(
    "CancellationsQuery",
    (Query,),
    {
        "__doc__": "Bookings with a time in the period. Without unit: all units where the account may see statistics.",
        "care_unit": Id(required=False),
        "from": Day(help_text="Första dagen."),
        "to": Day(help_text="Sista dagen; högst tre år efter den första."),
    },
)

NUMBERS = (
    "booked",
    "cancelled",
    "by_patient",
    "patient_early",
    "patient_late",
    "by_provider",
    "provider_early",
    "provider_late",
    "missed",
    "moved_by_patient",
    "moved_by_provider",
    "moved_by_unknown",
    "cancelled_share",
    "patient_share",
    "provider_share",
)


class UnitCancellationsAnswer(Answer):
    """A unit's bookings by whose doing they were cancelled. Per cents are null where there is nothing to measure against."""

    care_unit = serializers.UUIDField()
    name = serializers.CharField()
    booked = serializers.IntegerField(help_text="Bokningar med en tid i perioden, också avbokade.")
    cancelled = serializers.IntegerField()
    by_patient = serializers.IntegerField()
    patient_early = serializers.IntegerField(help_text="Med 24 timmar eller mer kvar.")
    patient_late = serializers.IntegerField(help_text="Med mindre än 24 timmar kvar: utebliven (VH-11).")
    by_provider = serializers.IntegerField()
    provider_early = serializers.IntegerField()
    provider_late = serializers.IntegerField()
    missed = serializers.IntegerField(help_text="Uteblivna utan återbud; räknas inte som avbokade.")
    moved_by_patient = serializers.IntegerField(help_text="Ombokningar av bokningarna, på patientens initiativ.")
    moved_by_provider = serializers.IntegerField()
    moved_by_unknown = serializers.IntegerField(help_text="Ombokningar där ingen har sagt på vems initiativ.")
    cancelled_share = serializers.IntegerField(allow_null=True, help_text="Procent av bokningarna.")
    patient_share = serializers.IntegerField(allow_null=True, help_text="Procent av de avbokade.")
    provider_share = serializers.IntegerField(allow_null=True, help_text="Procent av de avbokade.")


CancellationsAnswer = type(
    "CancellationsAnswer",
    (Answer,),
    {
        "__doc__": "Who cancelled, per unit.",
        "from": serializers.DateField(),
        "to": serializers.DateField(),
        "units": UnitCancellationsAnswer(many=True),
    },
)


class Cancellations(Endpoint):
    """GET statistics/cancellations/."""

    permissions = {"GET": Permission.VIEW_STATISTICS}

    @operation(
        "statistics_cancellations",
        "Avbokningar per enhet: av vem, och hur sent (PL-09)",
        tag=TAG,
        query=CancellationsQuery,
        answer=CancellationsAnswer,
        has_id=False,
    )
    def get(self, request):
        asked = self.query(CancellationsQuery)
        first, last = asked["from"], asked["to"]
        if not timedelta(0) <= last - first < timedelta(days=LONGEST_PERIOD):
            raise InputError(to="Sista dagen ska vara den första eller senare, och högst tre år efter den.")
        units = CareUnit.objects.filter(pk__in=self.at_units(asked.get("care_unit"))).order_by("name", "id")
        found = cancellations.of_units(units, first=first, last=last)
        return self.answer({"from": day(first), "to": day(last), "units": [_unit(each) for each in found]})


def _unit(each):
    told = {"care_unit": str(each.care_unit.pk), "name": each.care_unit.name}
    return told | {name: getattr(each, name) for name in NUMBERS}
