"""Everything hangs on a vårdhändelse, and each contact is one of its own (VH-01)."""

import pytest

from registration.actions import facts
from registration.models import ContactForm, Encounter
from registration.type_choice import CONTACT_WITHOUT_VISIT, DIRECT_ADMISSION
from tests import factories

pytestmark = pytest.mark.django_db


def test_contacts_apart_in_time_or_place_are_each_a_vardhandelse_of_its_own():
    """VH-01: a phone contact, a visit to a vårdcentral, a visit to a hospital clinic and three days as an inpatient are
    four, of four types."""
    patient = factories.patient()
    centre, clinic = factories.HealthCentreFactory(), factories.SpecialisedClinicFactory()
    called = factories.unbooked_visit(
        care_unit=centre,
        patient=patient,
        situation=CONTACT_WITHOUT_VISIT,
        contact_form=ContactForm.PHONE,
        replaces_visit=True,
    )
    visits = [
        factories.arrived_visit(care_unit=unit, patient=patient, accept_warnings=["PL-06"], reason="samma dag")
        for unit in (centre, clinic)
    ]
    admitted = factories.unbooked_visit(
        care_unit=factories.InpatientUnitFactory(), patient=patient, situation=DIRECT_ADMISSION
    )
    own = [called, *(visit.encounter for visit in visits), admitted]
    assert Encounter.objects.filter(patient=patient).count() == len({encounter.number for encounter in own}) == 4
    assert [encounter.type_id for encounter in own] == [
        "kontakt-utan-besok",
        "primarvard",
        "specialiserad-oppenvard",
        "slutenvard",
    ]


def test_two_visits_the_same_day_at_the_same_unit_are_two():
    """VH-01"""
    patient, centre = factories.patient(), factories.HealthCentreFactory()
    first, second = (factories.unbooked_visit(care_unit=centre, patient=patient) for _ in range(2))
    assert first.pk != second.pk


def test_what_is_documented_hangs_on_one_of_them():
    """VH-01, DI-04"""
    patient, centre = factories.patient(), factories.HealthCentreFactory()
    first, second = (factories.unbooked_visit(care_unit=centre, patient=patient) for _ in range(2))
    facts.report_document(
        encounter_id=first.pk, kind="anteckning", external_id="J1", by=factories.UserFactory(), at=first.start
    )
    assert (first.documents.count(), second.documents.count()) == (1, 0)
