"""POST and DELETE patients/{id}/protection/ (SK-04)."""

from registration.models import Patient, PatientPhone
from tests import factories as make

from .conftest import refused


def address(patient):
    return f"patients/{patient.pk}/protection/"


def test_a_marking_is_set_and_lifted(caller, clinic):
    """SK-02, SK-04: what was held is gone from the answer and from the table, and does not come back."""
    patient = make.patient(given_name="Hemlig", surname="Person")
    PatientPhone.objects.create(patient=patient, number="+46701740605")
    answer = caller("receptionist", clinic).post(address(patient), {"ground": "application"})
    assert answer.status_code == 200
    assert answer.json()["protection"] == "sekretessmarkering"
    assert "Hemlig" not in answer.content.decode() and "1740605" not in answer.content.decode()
    assert not PatientPhone.objects.exists()
    support = caller("support", clinic)
    lifted = support.delete(address(patient), {"reason": "Hotet är över"})
    assert (lifted.status_code, lifted.json()["protection"]) == (200, None)
    assert "Hemlig" not in lifted.content.decode()
    refused(support.delete(address(patient), {"reason": "x"}), 409, rule="SK-04", code="not_protected")


def test_what_is_refused_changes_nothing(caller, clinic):
    """SK-04: by rights, by form, by state and by version."""
    patient = make.patient(given_name="Hemlig")
    desk, support = caller("receptionist", clinic), caller("support", clinic)
    refused(desk.post(address(patient), {"ground": "okänt"}), 400, code="invalid_input")
    refused(desk.post(address(patient), {"ground": "threat"}, If_Match='"7"'), 412)
    assert Patient.objects.get(pk=patient.pk).given_name == "Hemlig"
    assert desk.post(address(patient), {"ground": "threat"}).status_code == 200
    refused(desk.post(address(patient), {"ground": "threat"}), 409, rule="SK-04", code="already_protected")
    refused(support.delete(address(patient), {"reason": " "}), 409, rule="SK-04", code="reason_missing")
    assert desk.delete(address(patient), {"reason": "x"}).status_code == 403
    assert Patient.objects.get(pk=patient.pk).is_protected
