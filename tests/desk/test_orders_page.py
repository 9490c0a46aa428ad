"""Ordinationer on the patient's page (VH-03 j)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from registration.actions import orders
from registration.models import Order
from sdv.common.time import local_date, now
from tests import factories as make

from .signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


@pytest.fixture
def unit():
    return make.CareUnitFactory()


@pytest.fixture
def doctor(unit):
    return make.clinician(unit)


def place(unit, doctor, patient, **fields):
    fields = {"what": "Blodstatus", "planned_on": local_date(now()), "by": doctor, "at": now()} | fields
    return orders.place(patient_id=patient.pk, care_unit=unit, **fields)


def test_an_order_is_placed_activated_and_shown(unit, doctor):
    """VH-03 j"""
    patient, client = make.patient(), signed_in(doctor)
    new = reverse("order-create", args=[patient.pk])
    assert "Ange vilken dag." in client.post(new, {"what": "EKG"}).content.decode()
    day = (local_date(now()) + timedelta(days=2)).isoformat()
    client.post(new, {"what": "EKG", "planned_on": day})
    order = Order.objects.get()
    page = client.get(reverse("patient-appointments", args=[patient.pk])).content.decode()
    assert "EKG" in page and reverse("order-activate", args=[patient.pk, order.pk]) in page
    answer = client.post(reverse("order-activate", args=[patient.pk, order.pk]))
    order.refresh_from_db()
    assert answer.headers["Location"] == reverse("encounter", args=[order.encounter_id])
    page = client.get(reverse("patient-appointments", args=[patient.pk])).content.decode()
    assert "Aktiverad" in page and reverse("encounter", args=[order.encounter_id]) in page


def test_an_order_is_cancelled_with_a_reason(unit, doctor):
    """VH-03 j"""
    patient, client = make.patient(), signed_in(doctor)
    order = place(unit, doctor, patient)
    address = reverse("order-cancel", args=[patient.pk, order.pk])
    assert "Blodstatus" in client.get(address).content.decode()
    assert client.post(address, {"reason": "", "version": 1}).status_code == 422
    client.post(address, {"reason": "Redan taget", "version": 1})
    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("cancelled", "Redan taget")


def test_another_units_order_is_not_there(doctor):
    patient, elsewhere = make.patient(), make.CareUnitFactory()
    order = place(elsewhere, doctor, patient)
    assert signed_in(doctor).post(reverse("order-activate", args=[patient.pk, order.pk])).status_code == 404
    order.refresh_from_db()
    assert order.status == "planned"
