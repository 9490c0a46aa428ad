"""Relations by REST (RE-01…03)."""

import json

import pytest

from registration.actions import relations
from registration.actions.relations import ToldGuardian
from registration.models import PatientRelation
from sdv.accounts import tokens
from sdv.accounts.permissions import Role
from tests.clinic import NOW, Clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return Clinic(name="Vårdcentralen", kind="vardcentral", area="Pv")


@pytest.fixture
def call(clinic, client):
    user = clinic.staff(Role.INTEGRATION)
    key = tokens.create(user=user, label="prov")

    def send(method, path, body=None, **headers):
        return client.generic(
            method,
            f"/api/v1/{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}", **headers},
        )

    return send


def test_a_contact_person_is_added_changed_and_removed(call, clinic):
    """RE-02"""
    patient = clinic.patient()
    made = call("POST", f"patients/{patient.pk}/relations/", {"name": "Berit Lund", "phone": "070-174 06 05"})
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    assert (made.json()["kind"], made.json()["phone"]) == ("contact", "070-174 06 05")
    path = f"patients/{patient.pk}/relations/{made.json()['id']}/"
    changed = call("PATCH", path, {"relation": "granne"}, **{"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["relation"], changed["ETag"]) == (200, "granne", '"2"')
    assert call("PATCH", path, {"relation": "syster"}, **{"If-Match": '"1"'}).status_code == 412
    assert call("DELETE", path).status_code == 204
    assert call("GET", f"patients/{patient.pk}/relations/").json()["results"] == []
    assert call("DELETE", path).status_code == 404


def test_of_a_guardian_only_three_fields_are_changed(call, clinic):
    """RE-01"""
    patient = clinic.patient()
    type(patient).objects.filter(pk=patient.pk).update(birth_date=NOW.date().replace(year=NOW.year - 9))
    relations.replace_guardians(patient_id=patient.pk, guardians=[ToldGuardian(name="Abdi, Amina")], by=None, at=NOW)
    row = PatientRelation.objects.get()
    path = f"patients/{patient.pk}/relations/{row.pk}/"
    refused = call("PATCH", path, {"name": "Annan"})
    assert (refused.status_code, refused.json()["rule"]) == (409, "RE-01")
    assert call("DELETE", path).json()["rule"] == "RE-01"
    assert call("PATCH", path, {"gets_letter_copy": True}).json()["gets_letter_copy"] is True


def test_the_copies_of_a_vardhandelse_are_its_own(call, clinic):
    """RE-03"""
    patient = clinic.patient()
    relations.add_contact(patient_id=patient.pk, name="Berit Lund", by=None, at=NOW)
    encounter = clinic.book(patient).encounter
    path = f"encounters/{encounter.pk}/relations/"
    (copy,) = call("GET", path).json()["results"]
    changed = call("PATCH", f"{path}{copy['id']}/", {"phone": "+45 32 12 34 56"})
    assert (changed.status_code, changed.json()["phone"]) == (200, "+45 32 12 34 56")
    assert patient.relations.get().phone == ""


def test_of_a_protected_patient_nothing_is_answered(call, clinic):
    """SK-02"""
    patient = clinic.patient(protection="sekretessmarkering")
    assert call("GET", f"patients/{patient.pk}/relations/").json()["results"] == []
    refused = call("POST", f"patients/{patient.pk}/relations/", {"name": "Berit Lund"})
    assert (refused.status_code, refused.json()["rule"]) == (409, "SK-02")
