"""Two records become one by REST, and are taken apart again (RI-02, PL-13)."""

import pytest

from registration.models import Patient, PatientIdentity
from sdv.accounts.models import AccessLogEntry
from tests import factories

from .conftest import refused


@pytest.fixture
def support(caller, clinic):
    return caller("support", clinic)


@pytest.fixture
def old(clinic):
    visit = factories.booked_visit(care_unit=clinic)
    PatientIdentity.objects.filter(patient=visit.patient).update(kind="reservid", value="SE1234567890")
    return visit.patient


@pytest.fixture
def present():
    return factories.patient()


def test_merged_and_undone(support, old, present):
    """RI-02, PL-13"""
    path = f"patients/{present.pk}/merge/"
    merged = support.post(path, {"from": str(old.pk), "reason": "Legitimation visad"}).json()
    assert (merged["id"], merged["other_identities"]) == (str(present.pk), ["SE1234567890"])
    assert present.appointments.count() == 1
    assert set(AccessLogEntry.objects.filter(what="sammanslagning").values_list("patient_id", flat=True)) == {
        old.pk,
        present.pk,
    }
    # Whoever still has the old id is led to the present record.
    assert support.get(f"patients/{old.pk}/").json()["id"] == str(present.pk)
    undone = support.post(f"{path}undo/", {"reason": "Fel person"}).json()
    assert (undone["id"], undone["source"], undone["to_check"]) == (str(present.pk), str(old.pk), [])
    assert Patient.objects.get(pk=old.pk).appointments.count() == 1
    refused(support.post(f"{path}undo/", {"reason": "Fel"}), 409, rule="PL-13", code="nothing_to_undo")


def test_what_came_since_is_told(support, old, present, clinic):
    """PL-13"""
    path = f"patients/{present.pk}/merge/"
    support.post(path, {"from": str(old.pk), "reason": "Legitimation visad"})
    factories.booked_visit(care_unit=clinic, patient=present, start=factories.in_days(3))
    told = support.post(f"{path}undo/", {"reason": "Fel person"}).json()["to_check"]
    assert [(row["what"], row["name"], row["count"]) for row in told if row["name"] == "Vårdhändelse"] == [
        ("follows", "Vårdhändelse", 1)
    ]
    assert all(row["detail"] for row in told)


def test_what_may_not_be_merged_is_said_with_its_rule(support, old, present):
    """RI-02"""
    other = factories.patient()
    reason = {"reason": "Samma person"}
    path = f"patients/{present.pk}/merge/"
    refused(support.post(path, {"from": str(other.pk)} | reason), 409, rule="RI-02", code="personnummer")
    refused(support.post(path, {"from": str(present.pk)} | reason), 409, rule="RI-02", code="same_record")
    path = f"patients/{old.pk}/merge/"
    refused(support.post(path, {"from": str(present.pk)} | reason), 409, rule="RI-02", code="target_without_number")


def test_what_cannot_be_read_changes_nothing(support, present):
    path = f"patients/{present.pk}/merge/"
    unknown = "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"
    assert support.post(path, {"from": unknown, "reason": "Samma"}).json()["errors"].keys() == {"from"}
    assert support.post(path, {"reason": "Samma"}).json()["errors"].keys() == {"from"}
    refused(support.post(path, {"from": unknown, "reason": ""}), 400)
