"""The pages of protection: what goes is told before, lifting is support's, and the way to reach the person holds nothing of
the person (SK-02, SK-04, SK-05)."""

import pytest
from django.urls import reverse

from registration.models import Patient, PatientPhone
from sdv.accounts.models import AccessLogEntry
from tests import factories as make

from .signed_in import signed_in


@pytest.fixture
def clinic(catalogues):
    return make.SpecialisedClinicFactory()


@pytest.fixture
def patient(clinic):
    patient = make.patient(given_name="Hemlig", surname="Person")
    PatientPhone.objects.create(patient=patient, number="+46701740605")
    make.booked_visit(care_unit=clinic, patient=patient)
    return patient


@pytest.fixture
def desk(clinic):
    return signed_in(make.receptionist(clinic))


def at(name, patient):
    return reverse(name, args=[patient.pk])


def test_what_goes_and_that_it_cannot_be_undone_is_told_before(desk, patient):
    """SK-04"""
    page = desk.get(at("patient-protection", patient)).content.decode()
    for words in ("Det går inte att ångra.", "1 telefonnummer raderas.", "Ansökan om skydd är visad", "Akut hot"):
        assert words in page
    assert Patient.objects.get(pk=patient.pk).given_name == "Hemlig"


def test_it_is_set_and_the_page_shows_nothing_any_more(desk, patient):
    """SK-02: a receipt without undo."""
    before = Patient.objects.get(pk=patient.pk)
    answer = desk.post(at("patient-protection", patient), {"ground": "", "version": before.version})
    assert answer.status_code == 422 and "Välj varför skyddet sätts" in answer.content.decode()
    answer = desk.post(at("patient-protection", patient), {"ground": "threat", "version": before.version}, follow=True)
    page = answer.content.decode()
    assert "Skyddade personuppgifter satta:" in page and "Sekretessmarkering" in page
    assert "Hemlig" not in page and "174 06 05" not in page and "Ring alltid upp själv" in page
    assert "Ångra" not in page
    assert desk.get(at("patient-protection", patient)).status_code == 302


def test_the_way_to_reach_the_person_is_the_fixed_words_after_a_reason_that_is_logged(desk, patient):
    """SK-05, KA-05"""
    assert desk.get(at("patient-contact-way", patient)).status_code == 302
    Patient.objects.filter(pk=patient.pk).update(protection="sekretessmarkering")
    asked = desk.get(at("patient-contact-way", patient)).content.decode()
    assert "Box 2820" not in asked
    assert desk.post(at("patient-contact-way", patient), {"reason": ""}).status_code == 422
    shown = desk.post(at("patient-contact-way", patient), {"reason": "Kallelse"}).content.decode()
    assert "Box 2820" in shown and "403 20 Göteborg" in shown and "174 06 05" not in shown and "Hemlig" not in shown
    logged = AccessLogEntry.objects.get(what="kontaktväg visad")
    assert (logged.patient_id, logged.purpose) == (patient.pk, "Kallelse")


def test_support_lifts_what_was_set_by_hand_with_a_reason(desk, clinic, patient):
    """SK-04"""
    version = Patient.objects.get(pk=patient.pk).version
    desk.post(at("patient-protection", patient), {"ground": "application", "version": version})
    assert desk.get(at("patient-protection-lift", patient)).status_code == 403
    support = signed_in(make.staff("support", clinic))
    assert "Häv skyddet" in support.get(at("patient", patient)).content.decode()
    page = support.get(at("patient-protection-lift", patient)).content.decode()
    assert "kommer inte tillbaka" in page
    answer = support.post(
        at("patient-protection-lift", patient), {"reason": "Hotet är över", "version": version + 1}, follow=True
    )
    assert answer.status_code == 200 and "Namn saknas" in answer.content.decode()
    assert not Patient.objects.get(pk=patient.pk).is_protected


def test_what_the_register_has_marked_is_not_lifted_here(clinic, patient):
    """SK-04"""
    Patient.objects.filter(pk=patient.pk).update(protection="skyddad_folkbokforing")
    support = signed_in(make.staff("support", clinic))
    assert "Häv skyddet" not in support.get(at("patient", patient)).content.decode()
    answer = support.post(at("patient-protection-lift", patient), {"reason": "x", "version": 1})
    assert answer.status_code == 409 and "Skatteverket" in answer.content.decode()
    assert Patient.objects.get(pk=patient.pk).is_protected
