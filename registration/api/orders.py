"""Ordinationer: place, read, activate into a Diagnostik encounter, cancel (VH-03 j)."""

from rest_framework import serializers

from registration.actions import orders
from registration.models import Order, OrderStatus, Patient
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Id, Text
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

from .coded import RowId, VisitTypeCode
from .patients import PatientSummary, known_patient, summary_of_row, with_identity

TAG = "Ordinationer"


class OrderQuery(PageQuery):
    """Filters of ordinationer."""

    care_unit = Id(required=False)
    patient = Id(required=False)
    status = Choice(choices=OrderStatus.values, required=False)


class NewOrderBody(Fields):
    """Diagnostics to be done at the unit on a day: a diagnostic besökstyp, or words."""

    patient = Id()
    care_unit = RowId(CareUnit)
    planned_on = Day()
    what = Text(max_length=200, allow_blank=True, required=False, help_text="Besökstypens namn, om inget anges.")
    visit_type = VisitTypeCode(required=False)


class ActivateOrderBody(Fields):
    """The order is done now (VH-03 j)."""

    identity_shown = Text(max_length=40, allow_blank=True, required=False)


class CancelOrderBody(Fields):
    """Why it will not be done."""

    reason = Text(max_length=200, allow_blank=True)


class OrderAnswer(Answer):
    """Ordination: what is to be done, and the vårdhändelse it was activated into."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    what = serializers.CharField()
    visit_type = Coded(allow_null=True)
    planned_on = serializers.DateField()
    status = serializers.ChoiceField(choices=OrderStatus.values)
    encounter = serializers.UUIDField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    cancel_reason = serializers.CharField()


def order_rows():
    """Orders with everything that their answer shows, in one query."""
    return with_identity(Order.objects.select_related("patient", "visit_type"))


def order_answer(row, *, on):
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "what": row.what,
        "visit_type": coded(row.visit_type),
        "planned_on": day(row.planned_on),
        "status": row.status,
        "encounter": str(row.encounter_id) if row.encounter_id else None,
        "decided_at": moment(row.decided_at),
        "cancel_reason": row.cancel_reason,
    }


class _Order(Endpoint):
    def shown(self, pk, what, *, status=200):
        row = order_rows().get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(order_answer(row, on=local_date(self.at)), status=status, version=row.version)

    def require_at(self, pk):
        self.require(Order.objects.values_list("care_unit_id", flat=True).get(pk=pk))


class Orders(_Order):
    """GET and POST orders/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS, "POST": Permission.DECIDE_CARE}

    @operation(
        "orders_list",
        "Ordinationer vid enheten, efter planerad dag",
        tag=TAG,
        query=OrderQuery,
        answer=page_of("OrderPage", OrderAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(OrderQuery)
        rows = order_rows().filter(care_unit__in=self.at_units(asked.get("care_unit")))
        for name in ("patient", "status"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="planned_on")
        self.log([row.patient_id for row in page.rows], "ordinationer", care_unit_id=asked.get("care_unit"))
        today = local_date(self.at)
        return self.answer(page.answer(lambda row: order_answer(row, on=today)))

    @operation(
        "orders_create",
        "Lägg en ordination",
        tag=TAG,
        body=NewOrderBody,
        answer=OrderAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(NewOrderBody)
        self.require_for_body(asked["care_unit"].pk)
        try:
            order = orders.place(patient_id=asked.pop("patient"), **asked, by=self.actor.user, at=self.at)
        except Patient.DoesNotExist:
            raise known_patient() from None
        return self.shown(order.pk, "ordination lagd", status=201)


class OneOrder(_Order):
    """GET orders/{id}/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS}

    @operation("orders_read", "Läs en ordination", tag=TAG, answer=OrderAnswer)
    def get(self, request, pk):
        self.require_at(pk)
        return self.shown(pk, "ordination")


class ActivateOrder(_Order):
    """POST orders/{id}/activate/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "orders_activate",
        "Aktivera: en vårdhändelse av typen Diagnostik börjar",
        tag=TAG,
        body=ActivateOrderBody,
        answer=OrderAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(ActivateOrderBody)
        orders.activate(order_id=pk, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "ordination aktiverad")


class CancelOrder(_Order):
    """POST orders/{id}/cancel/."""

    permissions = {"POST": Permission.DECIDE_CARE}

    @operation(
        "orders_cancel",
        "Makulera en ordination",
        tag=TAG,
        body=CancelOrderBody,
        answer=OrderAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(CancelOrderBody)["reason"]
        orders.cancel(order_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "ordination makulerad")
