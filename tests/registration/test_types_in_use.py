"""Types beyond the booked visit: places held, consults, planned and direct admissions, contacts without a visit
(VH-03, VH-07, VH-09, VH-10, VH-13)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from registration.actions import admissions, encounters, places
from registration.models import Encounter, PlaceStay
from registration.type_choice import (
    BEFORE_DELIVERY,
    CONSULT,
    CONTACT_WITHOUT_VISIT,
    DIRECT_ADMISSION,
    EMERGENCY_ARRIVAL,
    OBSERVATION_PLACE,
)
from sdv.common.errors import InputError, RuleError
from sdv.organisation.models import Place
from tests import factories as make
from tests.clinic import DAY, NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def user(db):
    return make.UserFactory()


def begin(unit, situation, user, at=NOW, **fields):
    patient = fields.pop("patient", None) or make.patient()
    return encounters.register_unbooked(
        patient_id=patient.pk, care_unit=unit, situation=situation, by=user, at=at, **fields
    )


def bed(unit, name="Säng 1", kind="bed", **fields):
    return Place.objects.create(care_unit=unit, kind=kind, name=name, **fields)


def refusal(act, **fields):
    with pytest.raises(RuleError) as refused:
        act(**fields)
    return refused.value


def test_a_bed_is_held_by_one_patient_until_discharge_releases_it(user):
    """VH-09, VH-20"""
    ward = make.InpatientUnitFactory()
    place, first, second = bed(ward), begin(ward, DIRECT_ADMISSION, user), begin(ward, DIRECT_ADMISSION, user)
    places.assign(encounter_id=first.pk, place_id=place.pk, by=user, at=NOW)
    taken = refusal(places.assign, encounter_id=second.pk, place_id=place.pk, by=user, at=NOW + HOUR)
    assert (taken.rule, taken.code, PlaceStay.objects.count()) == ("VH-09", "place_taken", 1)
    encounters.discharge(encounter_id=first.pk, by=user, at=NOW + HOUR, **make.HOME_AGAIN)
    stay = places.assign(encounter_id=second.pk, place_id=place.pk, by=user, at=NOW + HOUR)
    assert [(row.period.lower, row.period.upper) for row in PlaceStay.objects.order_by("id")] == [
        (NOW, NOW + HOUR),
        (NOW + HOUR, None),
    ]
    assert stay.encounter == second


def test_a_move_leaves_the_old_place_in_the_same_moment(user):
    """VH-09"""
    ward = make.InpatientUnitFactory()
    patient = begin(ward, DIRECT_ADMISSION, user)
    for name, at in (("Säng 1", NOW), ("Säng 2", NOW + HOUR)):
        places.assign(encounter_id=patient.pk, place_id=bed(ward, name).pk, by=user, at=at)
    periods = [(row.place.name, row.period.upper) for row in PlaceStay.objects.order_by("id")]
    assert periods == [("Säng 1", NOW + HOUR), ("Säng 2", None)]


def test_the_database_itself_keeps_one_patient_per_place(user):
    """VH-09"""
    ward = make.InpatientUnitFactory()
    place, first, second = bed(ward), begin(ward, DIRECT_ADMISSION, user), begin(ward, DIRECT_ADMISSION, user)
    stay = places.assign(encounter_id=first.pk, place_id=place.pk, by=user, at=NOW)
    with pytest.raises(IntegrityError, match="one_patient_per_place"), transaction.atomic():
        PlaceStay.objects.create(encounter=second, place=place, period=stay.period)


def test_a_room_with_beds_is_not_held_itself_and_another_unit_s_bed_is_not_ours(user):
    """VH-09"""
    ward = make.InpatientUnitFactory()
    patient, room = begin(ward, DIRECT_ADMISSION, user), bed(ward, "Rum 4", kind="room")
    bed(ward, "Rum 4:1", room=room)
    for place in (room, bed(make.InpatientUnitFactory())):
        with pytest.raises(InputError):
            places.assign(encounter_id=patient.pk, place_id=place.pk, by=user, at=NOW)
    empty_room = bed(ward, "Rum 5", kind="room")
    assert places.assign(encounter_id=patient.pk, place_id=empty_room.pk, by=user, at=NOW).place == empty_room


def test_only_types_that_hold_a_place_get_one(user):
    """VH-09"""
    centre = make.HealthCentreFactory()
    visit = make.arrived_visit(care_unit=centre).encounter
    assert refusal(places.assign, encounter_id=visit.pk, place_id=bed(centre).pk, by=user, at=NOW).rule == "VH-09"


def test_an_observation_at_the_emergency_department_holds_a_place(user):
    """VH-03, VH-09"""
    emergency = make.EmergencyDepartmentFactory()
    observed = begin(emergency, OBSERVATION_PLACE, user)
    assert observed.type_id == "observation"
    assert places.assign(encounter_id=observed.pk, place_id=bed(emergency).pk, by=user, at=NOW).period.upper is None


def test_a_consult_points_to_the_ongoing_care_of_the_same_patient(user):
    """VH-10"""
    ward, patient = make.InpatientUnitFactory(), make.patient()
    stay = begin(ward, DIRECT_ADMISSION, user, patient=patient)
    consult = begin(ward, CONSULT, user, patient=patient, during_id=stay.pk)
    assert (consult.type_id, consult.during) == ("oppenvardskonsult", stay)
    stranger = begin(ward, DIRECT_ADMISSION, user)
    before = Encounter.objects.count()
    for during_id in (None, stranger.pk):
        with pytest.raises(RuleError) as refused:
            begin(ward, CONSULT, user, patient=patient, during_id=during_id)
        assert (refused.value.rule, Encounter.objects.count()) == ("VH-10", before)


def test_a_planned_admission_becomes_inpatient_care_when_the_patient_comes(user):
    """VH-03, VH-07"""
    ward = make.InpatientUnitFactory()
    planned = admissions.plan_admission(
        patient_id=make.patient().pk, care_unit=ward, expected_start=NOW + DAY, by=user, at=NOW
    )
    assert (planned.type_id, planned.status) == ("forhandsregistrerad-inskrivning", "planned")
    assert refusal(admissions.admit, encounter_id=planned.pk, by=user, at=NOW).rule == "VH-07"
    admitted = admissions.admit(encounter_id=planned.pk, by=user, at=NOW + DAY)
    assert (admitted.type_id, admitted.status, admitted.start) == ("slutenvard", "in_progress", NOW + DAY)


def test_an_admission_is_planned_ahead_and_where_there_are_wards(user):
    """VH-03"""
    plan = {"patient_id": make.patient().pk, "by": user, "at": NOW}
    past = refusal(admissions.plan_admission, **plan, care_unit=make.InpatientUnitFactory(), expected_start=NOW - HOUR)
    elsewhere = refusal(
        admissions.plan_admission, **plan, care_unit=make.HealthCentreFactory(), expected_start=NOW + HOUR
    )
    assert (past.rule, elsewhere.rule, Encounter.objects.count()) == ("VH-03", "VH-03", 0)


def test_a_foetus_becomes_nothing_by_a_bare_change_of_type(user):
    """VH-13: Nyfödd comes with the birth (tests/registration/test_births.py)."""
    maternity = make.MaternityUnitFactory()
    foetus = begin(maternity, BEFORE_DELIVERY, user)
    act = {"encounter_id": foetus.pk, "by": user, "at": NOW + HOUR}
    assert refusal(encounters.change_type, **act, new_type_code="slutenvard").rule == "VH-24"
    assert refusal(encounters.change_type, **act, new_type_code="nyfodd").code == "tell_birth"


def test_an_emergency_arrival_and_a_contact_without_a_visit_need_no_booking(user):
    """VH-03, DI-01"""
    arrived = begin(make.EmergencyDepartmentFactory(), EMERGENCY_ARRIVAL, user)
    assert (arrived.type_id, arrived.status, arrived.planned_start) == ("akutsjukvard", "in_progress", None)
    called = begin(make.HealthCentreFactory(), CONTACT_WITHOUT_VISIT, user, contact_form="phone", replaces_visit=True)
    assert (called.type_id, called.contact_form, called.replaces_visit) == ("kontakt-utan-besok", "phone", True)
