"""Deliveries to the patient register (PAR-01), for those who watch that they are made. The files, with everybody's
number in them, are fetched by a person on the page."""

from dataclasses import asdict

from django.http import Http404
from rest_framework import serializers

from classification.models import DeliveryState, RegisterDelivery
from classification.register import review
from classification.register.fields import SUBSETS
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer
from sdv.organisation.models import CareUnit

TAG = "Leveranser"
MOST = 100


class DeliveredFileAnswer(Answer):
    """A file, told by its checksum."""

    name = serializers.CharField()
    rows = serializers.IntegerField()
    size = serializers.IntegerField()
    checksum = serializers.CharField(help_text="SHA-256.")


class DeliveryAnswer(Answer):
    """A delivery of three whole months."""

    id = serializers.UUIDField()
    file_code = serializers.CharField()
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    state = serializers.ChoiceField(choices=DeliveryState.values)
    layout = serializers.CharField()
    regulation = serializers.CharField()
    is_verified = serializers.BooleanField(
        help_text="Falskt: filerna följer ingen verifierad layout och får inte lämnas."
    )
    inpatient = serializers.IntegerField()
    outpatient = serializers.IntegerField()
    held_back = serializers.IntegerField()
    warnings = serializers.IntegerField()
    made_at = serializers.DateTimeField()
    made_by = serializers.CharField(allow_null=True, help_text="Null där klockan gjorde den.")
    decided_at = serializers.DateTimeField(allow_null=True)
    checksum = serializers.CharField()


class MissingShareAnswer(Answer):
    """How many contacts lacked something, beside what is published of the register."""

    measure = serializers.ChoiceField(choices=list(review.WORDS))
    subset = serializers.ChoiceField(choices=list(SUBSETS))
    missing = serializers.IntegerField()
    of = serializers.IntegerField()
    usual = serializers.FloatField(allow_null=True, help_text="Publicerad andel i procent; null där ingen är känd.")
    is_far = serializers.BooleanField(help_text="Långt över det publicerade.")


class MonthlyVolumeAnswer(Answer):
    """How many contacts of a unit began in a month of the delivery, beside its other months."""

    unit = serializers.UUIDField()
    month = serializers.DateField(help_text="Månadens första dag.")
    count = serializers.IntegerField()
    usual = serializers.FloatField(allow_null=True, help_text="Medelvärdet av enhetens andra kända månader.")
    is_far = serializers.BooleanField()


class WholeDeliveryAnswer(DeliveryAnswer):
    files = DeliveredFileAnswer(many=True)
    shares = MissingShareAnswer(many=True)
    volumes = MonthlyVolumeAnswer(many=True)


def _body(row):
    return {
        "id": str(row.pk),
        "file_code": row.reporter.file_code,
        "first_day": day(row.first_day),
        "last_day": day(row.last_day),
        "state": row.state,
        "layout": row.layout.version,
        "regulation": row.layout.regulation,
        "is_verified": row.is_verified,
        "inpatient": row.inpatient,
        "outpatient": row.outpatient,
        "held_back": row.held_back,
        "warnings": row.warnings,
        "made_at": moment(row.made_at),
        "made_by": row.made_by.name if row.made_by else None,
        "decided_at": moment(row.decided_at),
        "checksum": row.checksum,
    }


class _Deliveries(Endpoint):
    permissions = {"GET": Permission.DELIVER_REGISTERS}

    def rows(self):
        """Deliveries of the care providers of the account's units."""
        units = CareUnit.objects.filter(pk__in=self.actor.units_where(Permission.DELIVER_REGISTERS))
        return RegisterDelivery.objects.filter(
            reporter__care_provider__in=units.values("facility__care_provider")
        ).select_related("reporter", "layout", "made_by")


class Deliveries(_Deliveries):
    """GET register-deliveries/."""

    @operation(
        "register_deliveries_list",
        "Leveranser till patientregistret, de senaste först; högst hundra",
        tag=TAG,
        answer=page_of("DeliveryPage", DeliveryAnswer),
    )
    def get(self, request):
        return self.answer({"results": [_body(row) for row in self.rows()[:MOST]], "next": None, "previous": None})


class OneDelivery(_Deliveries):
    """GET register-deliveries/{id}/."""

    @operation(
        "register_deliveries_read", "En leverans med sina filers kontrollsummor", tag=TAG, answer=WholeDeliveryAnswer
    )
    def get(self, request, pk):
        row = self.rows().filter(pk=pk).first()
        if row is None:
            raise Http404
        files = [
            {"name": file.name, "rows": file.rows, "size": file.size, "checksum": file.checksum}
            for file in row.files.defer("content")
        ]
        shares, volumes = review.read(row.review)
        told = {
            "files": files,
            "shares": [asdict(each) | {"is_far": each.is_far} for each in shares],
            "volumes": [asdict(each) | {"month": day(each.month), "is_far": each.is_far} for each in volumes],
        }
        return self.answer(_body(row) | told, version=row.version)
