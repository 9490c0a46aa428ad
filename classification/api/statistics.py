"""Production statistics (ST-01) for those who build reports elsewhere: the numbers of the page Statistik."""

from datetime import timedelta

from rest_framework import serializers

from classification import statistics
from classification.production import AGES
from registration.models import Sex
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Choice, Day, Id, Number, Query, Text
from sdv.common.dates import LONGEST_PERIOD
from sdv.common.errors import InputError

TAG = "Statistik"

# A class body cannot have a field called from.
ProductionQuery = type(
    "ProductionQuery",
    (Query,),
    {
        "__doc__": "Which contacts are counted. Without unit: all units where the account may see statistics.",
        "care_unit": Id(required=False),
        "from": Day(help_text="Första dagen."),
        "to": Day(help_text="Sista dagen; högst tre år efter den första."),
        "visit_type": Text(required=False, max_length=120),
        "sex": Choice(required=False, choices=Sex.values),
        "age": Number(required=False, min_value=0, max_value=200, help_text=f"Gruppens lägsta ålder: {AGES}."),
    },
)


class FiguresAnswer(Answer):
    """The numbers of a group."""

    outpatient = serializers.IntegerField(help_text="Öppenvårdskontakter.")
    remote = serializers.IntegerField(help_text="Varav på distans.")
    no_shows = serializers.IntegerField(help_text="Uteblivna; räknas inte som kontakter.")
    observations = serializers.IntegerField()
    inpatient = serializers.IntegerField(
        allow_null=True, help_text="Slutenvårdstillfällen som skrevs ut i perioden; null om de gäller färre än fem."
    )
    days = serializers.IntegerField(
        allow_null=True, help_text="Vårddygn: summan av vårdtiderna. Ej verifierad definition."
    )
    mean_stay = serializers.FloatField(allow_null=True, help_text="Medelvårdtid i dagar.")
    individuals = serializers.IntegerField()


class GroupAnswer(Answer):
    """A group; without figures where fewer than five persons are in it, or another such could be worked out."""

    key = serializers.CharField()
    text = serializers.CharField()
    figures = FiguresAnswer(allow_null=True)


class ProductionAnswer(Answer):
    """The report. Without a total where fewer than five persons are in it."""

    as_of = serializers.DateTimeField(help_text="Uppgifter till och med.")
    step = serializers.ChoiceField(choices=["week", "month"])
    total = FiguresAnswer(allow_null=True)
    periods = GroupAnswer(many=True)
    sexes = GroupAnswer(many=True)
    ages = GroupAnswer(many=True)
    visit_types = GroupAnswer(many=True)
    care_units = GroupAnswer(many=True)


class Production(Endpoint):
    """GET statistics/production/."""

    permissions = {"GET": Permission.VIEW_STATISTICS}

    @operation(
        "statistics_production",
        "Produktionsstatistik: kontakter, vårddygn, medelvårdtid, individer",
        tag=TAG,
        query=ProductionQuery,
        answer=ProductionAnswer,
    )
    def get(self, request):
        asked = self.query(ProductionQuery)
        first, last = asked["from"], asked["to"]
        if not timedelta(0) <= last - first < timedelta(days=LONGEST_PERIOD):
            raise InputError(to="Sista dagen ska vara den första eller senare, och högst tre år efter den.")
        if "age" in asked and asked["age"] not in AGES:
            raise InputError(age=f"Ange en åldersgrupps lägsta ålder: {', '.join(map(str, AGES))}.")
        report = statistics.production(
            statistics.Asked(
                care_unit_ids=tuple(self.at_units(asked.get("care_unit"))),
                first=first,
                last=last,
                visit_type=asked.get("visit_type", ""),
                sex=asked.get("sex", ""),
                age=asked.get("age"),
            )
        )
        body = {"as_of": moment(self.at), "step": report.asked.step, "total": _figures(report.total)}
        for name in ("periods", "sexes", "ages", "visit_types", "care_units"):
            body[name] = [
                {"key": group.key, "text": group.label, "figures": _figures(group.figures)}
                for group in getattr(report, name)
            ]
        return self.answer(body)


def _figures(figures):
    if figures is None:
        return None
    return {
        name: figures.shown(name)
        for name in (
            "outpatient",
            "remote",
            "no_shows",
            "observations",
            "inpatient",
            "days",
            "mean_stay",
            "individuals",
        )
    }
