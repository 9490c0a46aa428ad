"""Planned admissions and places held, at death and at corrections (AV-02, AV-03, VH-09, PL-13)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from registration.actions import admissions, encounters, places
from registration.lifecycle import ADMISSION_BOOKED, SPECIALISED
from registration.models import CareCommitment, PlaceStay
from registration.type_choice import DIRECT_ADMISSION
from scheduling.actions import appointments, check_out
from sdv.accounts.permissions import Role
from sdv.common.time import minute, now
from sdv.flows import deceased, invariants
from sdv.organisation.models import Place
from tests import factories
from tests.api.conftest import Caller
from tests.clinic import DAY, NOW, TODAY, Clinic
from tests.desk.signed_in import signed_in

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def user(db):
    return factories.UserFactory()


def die(patient, by, at=NOW):
    return deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Dödsbevis", by=by, at=at)


def broken():
    counts = {invariant.name: invariant.rows(NOW).count() for invariant in invariants.INVARIANTS}
    return {name: count for name, count in counts.items() if count}


def bed(unit, name="Säng 1"):
    return Place.objects.create(care_unit=unit, kind="bed", name=name)


def test_a_planned_admission_of_the_dead_is_cancelled_and_comes_back_with_the_living(user):
    """AV-02, AV-03, VH-03"""
    patient, ward = factories.patient(at=NOW), factories.InpatientUnitFactory()
    planned = admissions.plan_admission(
        patient_id=patient.pk, care_unit=ward, expected_start=NOW + 3 * DAY, by=user, at=NOW
    )
    cascade = die(patient, user)
    planned.refresh_from_db()
    assert (planned.type_id, planned.status) == ("annullerad", "ended")
    assert list(cascade.changes.values_list("consumer", flat=True)) == ["admission"]
    assert broken() == {}
    assert deceased.undo(patient_id=patient.pk, reason="Fel person", by=user, at=NOW) == []
    planned.refresh_from_db()
    assert (planned.type_id, planned.status, planned.end) == (ADMISSION_BOOKED, "planned", None)
    assert [move.move for move in planned.history.all()] == ["create", "cancel", "undo_cancel"]


def test_an_admission_whose_time_has_passed_meanwhile_is_listed(user):
    """AV-03"""
    patient, ward = factories.patient(at=NOW), factories.InpatientUnitFactory()
    admissions.plan_admission(patient_id=patient.pk, care_unit=ward, expected_start=NOW + DAY, by=user, at=NOW)
    die(patient, user)
    left = deceased.undo(patient_id=patient.pk, reason="Fel person", by=user, at=NOW + 2 * DAY)
    assert [each.sentence for each in left] == [
        "Den planerade inskrivningen 2026-11-21 kl. 09.00 har passerat. Planera en ny."
    ]


def test_a_booking_under_a_commitment_ended_meanwhile_does_not_come_back(db):
    """AV-03, UT-03"""
    clinic = Clinic()
    patient = clinic.patient()
    clinic.commitment(patient)
    visit = clinic.arrived(patient)
    clinic.book(patient, NOW + 3 * DAY)
    die(patient, clinic.doctor)
    check_out.check_out(
        encounter_id=visit.encounter_id,
        outcome="end_commitment",
        reason=clinic.outcome_reason("end_commitment"),
        by=clinic.nurse,
        at=NOW,
        registered_at=NOW,
    )
    left = deceased.undo(patient_id=patient.pk, reason="Fel person", by=clinic.doctor, at=NOW)
    assert [each.sentence for each in left] == [
        "Bokningen 2026-11-23 kl. 09.00 hör till ett avslutat vårdåtagande och lämnas som den är."
    ]
    assert CareCommitment.objects.get().status == "closed"
    assert broken() == {}


def test_a_place_given_and_left_in_the_same_minute_is_free_and_stands_in_nobody_s_way(user):
    """VH-09: a stay without length holds nothing."""
    ward = factories.InpatientUnitFactory()
    first, second, third = bed(ward), bed(ward, "Säng 2"), bed(ward, "Säng 3")
    stay = factories.unbooked_visit(care_unit=ward, situation=DIRECT_ADMISSION, by=user, at=NOW)
    for place, at in ((first, NOW), (second, NOW), (third, NOW + HOUR)):
        places.assign(encounter_id=stay.pk, place_id=place.pk, by=user, at=at)
    other = factories.unbooked_visit(care_unit=ward, situation=DIRECT_ADMISSION, by=user, at=NOW)
    places.assign(encounter_id=other.pk, place_id=first.pk, by=user, at=NOW)
    encounters.discharge(encounter_id=other.pk, by=user, at=NOW, **factories.HOME_AGAIN)
    assert list(PlaceStay.objects.filter(period__upper_inf=True).values_list("place", flat=True)) == [third.pk]
    assert broken() == {}


def test_an_arrival_taken_back_and_a_type_without_place_release_the_place(db):
    """VH-09, PL-13, VH-07"""
    clinic = Clinic()
    held = []
    for number in range(2):
        patient = clinic.patient()
        clinic.commitment(patient)
        visit = clinic.arrived(patient, NOW - number * HOUR, at=NOW)
        encounters.change_type(
            encounter_id=visit.encounter_id,
            new_type_code="specialiserad-oppenvard-rum-sang-stol",
            by=clinic.nurse,
            at=NOW,
        )
        places.assign(
            encounter_id=visit.encounter_id, place_id=bed(clinic.unit, f"Säng {number}").pk, by=clinic.nurse, at=NOW
        )
        held.append(visit)
    appointments.undo(appointment_id=held[0].pk, by=clinic.nurse, at=NOW + HOUR / 60)
    encounters.change_type(encounter_id=held[1].encounter_id, new_type_code=SPECIALISED, by=clinic.nurse, at=NOW + HOUR)
    undone, changed = PlaceStay.objects.order_by("id")
    assert (undone.period.isempty, changed.period.upper) == (True, NOW + HOUR)


def test_an_inskrivning_taken_back_is_expected_again_by_page_and_rest(user):
    """PL-13, VH-07, VH-09: the bed is free, payer and listing are open again; refused where there was no
    plan to go back to."""
    ward = factories.InpatientUnitFactory()
    place, clerk = bed(ward), factories.staff(Role.CLINICIAN, ward)
    caller, desk = Caller(clerk), signed_in(clerk)
    at = minute(now())
    stay = admissions.plan_admission(
        patient_id=factories.patient(payer="Region Skåne").pk,
        care_unit=ward,
        expected_start=at,
        admitted_from="home",
        by=clerk,
        at=at,
    )
    for undo in (
        lambda: caller.post(f"encounters/{stay.pk}/arrive/undo/", {}).status_code,
        lambda: desk.post(reverse("encounter-undo", args=[stay.pk, "undo-arrival"])).status_code,
    ):
        admissions.admit(encounter_id=stay.pk, place_id=place.pk, by=clerk, at=at)
        assert undo() in (200, 302)
        stay.refresh_from_db()
        assert (stay.type_id, stay.status, stay.start, stay.payer) == (ADMISSION_BOOKED, "planned", at, "")
        assert not PlaceStay.objects.filter(period__upper_inf=True).exists()
    direct = factories.unbooked_visit(care_unit=ward, situation=DIRECT_ADMISSION, by=clerk, at=at)
    refused = caller.post(f"encounters/{direct.pk}/arrive/undo/", {})
    assert (refused.status_code, refused.json()["rule"]) == (409, "PL-13")
    assert broken() == {}
