"""Ordinationer (VH-03 j): ordered, activated into a Diagnostik encounter, cancelled; nothing of it for the dead."""

import pytest

from registration.actions import orders
from registration.models import Encounter, Order, VisitType
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.flows import cancellation, deceased
from tests.clinic import DAY, NOW, TODAY, Clinic


@pytest.fixture
def clinic(db):
    return Clinic()


def place(clinic, patient, **fields):
    fields = {"what": "Blodstatus", "planned_on": TODAY + 3 * DAY, "by": clinic.doctor, "at": NOW} | fields
    return orders.place(patient_id=patient.pk, care_unit=clinic.unit, **fields)


def rows():
    return list(Order.objects.order_by("pk").values()), Encounter.objects.count()


def test_activation_makes_a_diagnostic_encounter_that_goes_on(clinic):
    """VH-03 j"""
    order = place(clinic, clinic.patient())
    done = orders.activate(order_id=order.pk, by=clinic.nurse, at=NOW)
    encounter = done.encounter
    assert (done.status, done.version, encounter.type_id, encounter.status) == (
        "activated",
        2,
        "diagnostik",
        "in_progress",
    )
    assert (encounter.start, encounter.commitment, encounter.patient_id) == (NOW, None, order.patient_id)


def test_a_diagnostic_visit_type_names_the_order_and_another_is_refused(clinic):
    """VH-03 j"""
    diagnostic = VisitType.objects.filter(is_diagnostic=True).first()
    order = place(clinic, clinic.patient(), what="", visit_type=diagnostic)
    assert order.what == diagnostic.name
    assert orders.activate(order_id=order.pk, by=clinic.nurse, at=NOW).encounter.visit_type == diagnostic
    before = rows()
    for fields, field in (
        ({"what": " "}, "what"),
        ({"visit_type": clinic.nurse_visit}, "visit_type"),
        ({"planned_on": TODAY - DAY}, "planned_on"),
    ):
        with pytest.raises(InputError) as refused:
            place(clinic, clinic.patient(), **fields)
        assert set(refused.value.errors) == {field}
    assert rows() == before


def test_what_is_activated_or_cancelled_stays_so_and_says_who_was_first(clinic):
    """VH-24, PL-27"""
    patient = clinic.patient()
    activated, cancelled = place(clinic, patient), place(clinic, patient)
    orders.activate(order_id=activated.pk, by=clinic.nurse, at=NOW)
    orders.cancel(order_id=cancelled.pk, reason="Redan taget", by=clinic.doctor, at=NOW)
    before = rows()
    for act, order, who in (
        (orders.activate, activated, "Sara Norén"),
        (orders.activate, cancelled, "Anna Holm"),
        (orders.cancel, activated, "Sara Norén"),
        (orders.cancel, cancelled, "Anna Holm"),
    ):
        fields = {"reason": "Igen"} if act is orders.cancel else {}
        with pytest.raises(RuleError) as refused:
            act(order_id=order.pk, by=clinic.nurse, at=NOW, **fields)
        assert (refused.value.code, refused.value.by) == ("wrong_status", who)
    assert rows() == before


def test_a_cancelling_needs_a_reason_and_a_fresh_reader(clinic):
    """PL-27"""
    order = place(clinic, clinic.patient())
    before = rows()
    with pytest.raises(RuleError) as refused:
        orders.cancel(order_id=order.pk, reason=" ", by=clinic.doctor, at=NOW)
    assert refused.value.code == "reason_missing"
    with pytest.raises(StaleVersion):
        orders.cancel(order_id=order.pk, reason="Fel", by=clinic.doctor, at=NOW, version=7)
    assert rows() == before


def test_an_annulled_activation_leaves_the_order_to_be_done(clinic):
    """VH-12"""
    order = place(clinic, clinic.patient())
    encounter = orders.activate(order_id=order.pk, by=clinic.nurse, at=NOW).encounter
    cancellation.annul(encounter_id=encounter.pk, reason="Fel patient", by=clinic.nurse, at=NOW)
    order.refresh_from_db()
    assert (order.status, order.encounter, order.decided_at) == ("planned", None, None)
    assert orders.activate(order_id=order.pk, by=clinic.nurse, at=NOW).encounter != encounter


def test_nothing_is_ordered_or_activated_for_the_dead(clinic):
    """AV-02"""
    patient = clinic.patient()
    order = place(clinic, patient)
    deceased.mark(patient_id=patient.pk, deceased_on=TODAY, by=None, at=NOW, source="pu")
    before = rows()
    for act in (
        lambda: place(clinic, patient),
        lambda: orders.activate(order_id=order.pk, by=clinic.nurse, at=NOW),
    ):
        with pytest.raises(RuleError) as refused:
            act()
        assert (refused.value.rule, refused.value.code) == ("AV-02", "deceased")
    assert rows() == before
