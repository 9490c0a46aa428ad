"""A death by REST: what was ended and is left, its date corrected, its undo with proposals, and letters (AV-01…03,
PL-07, PL-22)."""

import pytest

from registration.models import Patient
from scheduling.models import Letter
from sdv.common.time import local_date, now
from sdv.flows import deceased
from tests import factories

from .conftest import refused


@pytest.fixture
def today():
    return local_date(now())


@pytest.fixture
def support(caller, clinic):
    return caller("support", clinic)


def test_a_death_is_read_with_what_it_ended_and_left(integration, clinic, today):
    """AV-02: at every unit; what another unit has to do is told without its id."""
    visit = factories.booked_visit(care_unit=clinic, start=factories.in_days(2))
    elsewhere = factories.arrived_visit(patient=visit.patient, care_unit=factories.HealthCentreFactory())
    path = f"patients/{visit.patient_id}/deceased/"
    assert (integration.get(path).json()["death"], integration.get(path).json()["left_to_do"]) == (None, [])
    died = integration.post(path, {"date": today.isoformat(), "reason": "Dödsbevis"}).json()
    assert died == integration.get(path).json()
    death = died["death"]
    assert (death["date"], death["text"], death["source"]) == (
        today.isoformat(),
        f"Avliden {today.isoformat()}",
        "Registrerad för hand",
    )
    assert (death["registered_by"], death["is_pending"], death["register_date"]) == ("Kassasystemet", False, "")
    assert {"kind": "appointment", "count": 1, "text": "1 bokning avbokad"} in death["changed"]
    (left,) = died["left_to_do"]
    assert (left["encounter"], left["care_unit"]) == (None, elsewhere.care_unit.name)
    assert left["what_to_do"] == "Skriv ut eller checka ut för hand."


def test_a_date_is_corrected_as_far_as_it_is_known(integration, today):
    """AV-01, PA-05"""
    patient = factories.patient()
    path = f"patients/{patient.pk}/deceased/"
    refused(integration.patch(path, {"date": "2026-01", "reason": "Intyg"}), 409, rule="AV-01", code="not_deceased")
    version = integration.post(path, {"date": today.isoformat(), "reason": "Dödsbevis"}).json()["version"]
    refused(integration.patch(path, {"date": "2026-01", "reason": ""}), 409, rule="AV-01", code="reason_missing")
    assert integration.patch(path, {"date": "januari", "reason": "Intyg"}).json()["errors"].keys() == {"date"}
    refused(integration.patch(path, {"date": "2026-01", "reason": "Intyg"}, If_Match='"99"'), 412)
    fixed = integration.patch(path, {"date": "2026-01", "reason": "Intyg"}, If_Match=f'"{version}"').json()
    assert (fixed["death"]["date"], fixed["death"]["text"]) == ("2026-01-31", "Avliden 2026-01")
    deceased.told_by_register(patient_id=patient.pk, died_on="2026-01-15", at=now())
    refused(integration.patch(path, {"date": "2026-01", "reason": "Fel"}), 409, rule="PA-05", code="locked_field")
    assert integration.get(path).json()["death"]["register_date"] == "2026-01-15"


def test_an_undo_answers_what_could_not_be_restored_and_proposes_times(support, integration, clinic, today):
    """AV-03, PL-07"""
    visit = factories.booked_visit(care_unit=clinic, start=factories.in_days(2))
    resource = visit.resources.get()
    path = f"patients/{visit.patient_id}/deceased/"
    integration.post(path, {"date": today.isoformat(), "reason": "Dödsbevis"})
    factories.booked_visit(care_unit=clinic, resource=resource, start=visit.start)
    undone = support.post(f"{path}undo/", {"reason": "Fel person"}).json()
    (left,) = undone["not_restored"]
    assert (left["kind"], left["id"], left["proposal"]) == ("appointment", str(visit.pk), "book")
    assert left["detail"].endswith("är tagen av någon annan. Boka en ny tid.")
    assert len(left["alternatives"]) == 3
    assert {time["resource"] for time in left["alternatives"]} == {str(resource.pk)}


LETTER = {
    "kind": "to_relatives",
    "name": "Karl  Ek",
    "address": "Storgatan 1\r\n223 50  Lund ",
    "heading": "Till dig som är närstående",
    "body": "Vi beklagar sorgen.\r\n\tÅsa <mottagningen>",
    "reason": "Tillhörigheter finns kvar",
}


def test_a_letter_to_relatives_is_written_read_and_confirmed_as_printed(integration, clinic, today):
    """PL-22, PL-16"""
    patient = factories.patient()
    body = LETTER | {"patient": str(patient.pk), "care_unit": str(clinic.pk)}
    refused(integration.post("letters/", body), 409, rule="PL-22", code="not_deceased")
    integration.post(f"patients/{patient.pk}/deceased/", {"date": today.isoformat(), "reason": "Dödsbevis"})
    assert integration.post("letters/", body | {"address": " "}).json()["errors"].keys() == {"address"}
    made = integration.post("letters/", body).json()
    assert (made["recipient"], made["body"]) == (f"{LETTER['name']}\n{LETTER['address']}", LETTER["body"])
    path = f"letters/{made['id']}/"
    assert integration.get(path).json() == made
    assert integration.get(f"letters/?patient={patient.pk}&status=unsent").json()["results"] == [made]
    printed = integration.post(f"{path}printed/", {}, If_Match='"1"').json()
    assert (printed["status"], printed["decided_by"]) == ("printed", "Kassasystemet")
    refused(integration.post(f"{path}stop/", {"reason": "Fel"}), 409, rule="PL-22", code="wrong_status")
    other = integration.post("letters/", body).json()
    stopped = integration.post(f"letters/{other['id']}/stop/", {"reason": "Fel adress"}).json()
    assert (stopped["status"], stopped["stop_reason"]) == ("stopped", "Fel adress")


def test_nothing_of_a_letter_is_answered_of_a_protected_person(integration, clinic, today):
    """KA-05, SK-05"""
    patient = factories.patient()
    integration.post(f"patients/{patient.pk}/deceased/", {"date": today.isoformat(), "reason": "Dödsbevis"})
    body = LETTER | {"patient": str(patient.pk), "care_unit": str(clinic.pk)}
    made = integration.post("letters/", body).json()
    Patient.objects.filter(pk=patient.pk).update(protection="sekretessmarkering")
    refused(integration.post("letters/", body), 409, rule="KA-05", code="protected")
    refused(integration.post(f"letters/{made['id']}/printed/", {}), 409, rule="KA-05", code="protected")
    answer = integration.get(f"letters/{made['id']}/").content.decode()
    assert not [text for text in ("Karl", "Storgatan", "beklagar", "Tillhörigheter") if text in answer]
    assert Letter.objects.get().status == "unsent"
