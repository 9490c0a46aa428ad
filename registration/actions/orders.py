"""Ordinationer: ordered, activated into a Diagnostik encounter, or cancelled (VH-03 j)."""

from django.db import transaction

from registration.models import Order, OrderStatus, Patient
from registration.type_choice import ACTIVATED_ORDER
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale, write

from . import encounters

_WORDS = {
    OrderStatus.PLANNED: "planerad",
    OrderStatus.ACTIVATED: "redan aktiverad",
    OrderStatus.CANCELLED: "makulerad",
}


def refusal(status, act):
    """Why an order in the status may not be activated or cancelled (`act`: the participle), or None."""
    if status == OrderStatus.PLANNED:
        return None
    instead = "Öppna vårdhändelsen." if status == OrderStatus.ACTIVATED else "Lägg en ny ordination om den ska göras."
    return RuleError(
        "VH-03", f"Ordinationen kan inte {act}: den är {_WORDS[OrderStatus(status)]}. {instead}", code="wrong_status"
    )


@transaction.atomic
def place(*, patient_id, care_unit, planned_on, by, at, what="", visit_type=None):
    """Orders diagnostics for a day: a diagnostic besökstyp, or words. Nothing is ordered for the dead (AV-02)."""
    patient = Patient.objects.lock_present(patient_id)
    encounters.refuse_deceased(patient)
    what = what if what.strip() else (visit_type.name if visit_type else "")
    if not what:
        raise InputError(what="Skriv vad som ordineras, eller välj en diagnostisk besökstyp.")
    if visit_type and not visit_type.is_diagnostic:
        raise InputError(visit_type="Besökstypen är inte diagnostik. Boka besöket i stället.")
    if planned_on < local_date(at):
        raise InputError(planned_on="Dagen har passerat. Ange i dag eller en senare dag.")
    return Order.objects.create(
        patient=patient,
        care_unit=care_unit,
        what=what,
        visit_type=visit_type,
        planned_on=planned_on,
        created_by=by,
    )


@transaction.atomic
def activate(*, order_id, by, at, identity_shown="", version=None):
    """Activation makes the Diagnostik encounter, that goes on from now (VH-03 j). Returns the order."""
    order = _lock(order_id, version)
    encounters.refuse_deceased(order.patient)
    if refused := refusal(order.status, "aktiveras"):
        raise refused.told(order.decided_by, order.decided_at)
    encounter = encounters.register_unbooked(
        patient_id=order.patient_id,
        care_unit=order.care_unit,
        situation=ACTIVATED_ORDER,
        visit_type=order.visit_type,
        identity_shown=identity_shown,
        by=by,
        at=at,
    )
    return write(order, status=OrderStatus.ACTIVATED, encounter=encounter, decided_at=at, decided_by=by)


@transaction.atomic
def cancel(*, order_id, reason, by, at, version=None):
    """Makulerad: it will not be done, and why."""
    order = _lock(order_id, version)
    if refused := refusal(order.status, "makuleras"):
        raise refused.told(order.decided_by, order.decided_at)
    if not (reason or "").strip():
        raise RuleError("VH-03", "Ange varför ordinationen makuleras.", code="reason_missing", needs_reason=True)
    return write(order, status=OrderStatus.CANCELLED, cancel_reason=reason, decided_at=at, decided_by=by)


def give_back(encounter):
    """Inner write: the encounter was annulled, so what was ordered is still to be done."""
    if order := Order.objects.filter(encounter=encounter).locked().first():
        write(order, status=OrderStatus.PLANNED, encounter=None, decided_at=None, decided_by=None)


def _lock(order_id, version):
    """The patient first, so that a death and an activation take turns; then the order."""
    patient_id = Order.objects.values_list("patient_id", flat=True).get(pk=order_id)
    patient = Patient.objects.lock_present(patient_id)
    order = Order.objects.select_related("care_unit", "visit_type", "decided_by").locked().get(pk=order_id)
    refuse_stale(order, version)
    order.patient = patient
    return order
