"""A patient lies in one place, whoever registers it and at whatever door; what is impossible in time is refused with a
sentence (VH-09, VH-23, PL-06, PL-13, PL-15, PL-27)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from registration.actions import admissions, encounters, stays
from registration.models import Encounter, EncounterHistory, PlaceStay
from registration.type_choice import CONSULT, DIRECT_ADMISSION, EMERGENCY_ARRIVAL, OBSERVATION_PLACE
from sdv.flows import correction, invariants, merging
from tests import factories as make
from tests.clinic import DAY, NOW, TODAY
from tests.flows.merges import on_reserve_number
from tests.registration.test_stays import HOUR, bed, refusal, unit, user

__all__ = ["unit", "user"]


@pytest.fixture
def patient(db):
    return make.patient()


@pytest.fixture
def other(db):
    return make.InpatientUnitFactory()


@pytest.fixture
def emergency(db):
    return make.EmergencyDepartmentFactory()


def begin(patient, unit, user, *, at=NOW, situation=DIRECT_ADMISSION, **fields):
    ways = {"admitted_from": "home"} if situation == DIRECT_ADMISSION else {}
    return admissions.begin(patient_id=patient.pk, care_unit=unit, situation=situation, by=user, at=at, **ways | fields)


def refused(patient, unit, user, **fields):
    """The refusal, and that nothing has begun or moved."""
    before = Encounter.objects.count(), PlaceStay.objects.count(), EncounterHistory.objects.count()
    found = refusal(begin, patient=patient, unit=unit, user=user, **fields)
    assert (Encounter.objects.count(), PlaceStay.objects.count(), EncounterHistory.objects.count()) == before
    return found


# --- Two at once -----------------------------------------------------------------------------------------------------------


def test_who_lies_at_the_unit_is_not_admitted_there_again_and_the_second_is_told_who_was_first(user, unit, patient):
    """VH-09, PL-27: also by another clerk, in another bed, planned or direct."""
    first = begin(patient, unit, user, place_id=bed(unit, "Säng 1A").pk)
    clerk = make.UserFactory()
    found = refused(patient, unit, clerk, place_id=bed(unit, "Säng 1B").pk, at=NOW + HOUR)
    assert (found.rule, found.code, found.by) == ("VH-09", "already_here", user.name)
    assert found.sentence.startswith(f"Patienten är redan här: Slutenvård på {unit.short_name} sedan 2026-11-20 09:00.")
    planned = admissions.plan_admission(patient_id=patient.pk, care_unit=unit, expected_start=NOW, by=user, at=NOW)
    again = refusal(admissions.admit, encounter_id=planned.pk, by=clerk, at=NOW + HOUR)
    assert (again.code, Encounter.objects.get(pk=planned.pk).status) == ("already_here", "planned")
    encounters.discharge(encounter_id=first.pk, discharged_to="home", by=user, at=NOW + HOUR)
    assert admissions.admit(encounter_id=planned.pk, by=clerk, at=NOW + HOUR).status == "in_progress"


def test_who_lies_at_another_unit_is_moved_from_there(user, unit, other, patient):
    """VH-09, VH-01: refused towards Flytta, which makes one stay of its own there."""
    stay = begin(patient, other, user)
    found = refused(patient, unit, user, at=NOW + HOUR)
    assert (found.rule, found.code) == ("VH-09", "lies_elsewhere")
    assert "Flytta till annan enhet" in found.sentence and other.short_name in found.sentence
    admissions.continue_at(encounter_id=stay.pk, care_unit=unit, by=user, at=NOW + HOUR)
    assert Encounter.objects.in_progress().get().care_unit == unit


def test_one_emergency_visit_at_a_unit_and_one_elsewhere_with_a_reason(user, unit, emergency, patient):
    """VH-09, PL-06: the visit may have been forgotten at the other unit, and care does not wait; the reason is kept."""
    begin(patient, emergency, user, situation=EMERGENCY_ARRIVAL)
    again = refused(patient, emergency, user, situation=EMERGENCY_ARRIVAL, at=NOW + HOUR)
    assert (again.rule, again.code, again.by) == ("VH-09", "already_here", user.name)
    assert refused(patient, emergency, user, situation=OBSERVATION_PLACE, at=NOW + HOUR).code == "already_here"
    elsewhere = make.EmergencyDepartmentFactory()
    for where, situation in ((elsewhere, EMERGENCY_ARRIVAL), (unit, DIRECT_ADMISSION)):
        for kept in ({}, {"accept_warnings": ["PL-06"]}, {"accept_warnings": ["PL-06"], "reason": " "}):
            found = refused(patient, where, user, situation=situation, at=NOW + HOUR, **kept)
            assert (found.rule, found.is_warning, found.needs_reason) == ("PL-06", True, True)
    kept = {"accept_warnings": ["PL-06"], "reason": "Gick från akuten"}
    begin(patient, elsewhere, user, situation=EMERGENCY_ARRIVAL, at=NOW + HOUR, **kept)
    stay = begin(patient, unit, user, at=NOW + HOUR, **kept)
    assert stay.history.get().reason == "Gick från akuten"


def test_what_is_no_bed_is_registered_beside_a_stay(user, unit, emergency, patient):
    """VH-10, PL-06: a consult at once; an emergency visit with a reason."""
    stay = begin(patient, unit, user)
    consult = begin(patient, unit, user, situation=CONSULT, during_id=stay.pk, at=NOW + HOUR)
    assert consult.during == stay
    found = refused(patient, emergency, user, situation=EMERGENCY_ARRIVAL, at=NOW + HOUR)
    assert (found.rule, found.is_warning) == ("PL-06", True)


def test_an_ended_stay_is_not_opened_while_the_patient_lies_again(user, unit, other, patient):
    """PL-13, VH-09"""
    first = begin(patient, unit, user)
    encounters.discharge(encounter_id=first.pk, discharged_to="home", by=user, at=NOW + HOUR)
    begin(patient, other, user, at=NOW + 2 * HOUR)
    found = refusal(correction.reopen, encounter_id=first.pk, reason="Fel tid", by=user, at=NOW + 3 * HOUR)
    assert (found.code, Encounter.objects.get(pk=first.pk).status) == ("lies_elsewhere", "ended")


def test_a_stay_registered_afterwards_lies_beside_the_others_in_time(user, unit, other, patient):
    """VH-09, PL-15: no vårddygn is counted twice."""
    first = begin(patient, unit, user, at=NOW - 5 * DAY)
    encounters.discharge(encounter_id=first.pk, discharged_to="home", by=user, at=NOW - 3 * DAY)
    found = refused(patient, other, user, at=NOW - 4 * DAY)
    assert (found.rule, found.code) == ("VH-09", "lay_elsewhere_then")
    assert "från 2026-11-15 09:00 till 2026-11-17 09:00" in found.sentence
    earlier = begin(patient, other, user, at=NOW - 8 * DAY)
    act = {"encounter_id": earlier.pk, "discharged_to": "home", "by": user}
    assert refusal(encounters.discharge, at=NOW - 4 * DAY, **act).code == "went_on"
    assert encounters.discharge(at=NOW - 5 * DAY, **act).end == first.start
    assert begin(patient, other, user, at=NOW - 3 * DAY).status == "in_progress"


def test_the_database_itself_keeps_one_stay_and_one_emergency_visit_at_a_unit(user, unit, other, emergency, patient):
    """VH-09: whatever door forgets to ask."""
    for first, again, situation, name in (
        (unit, other, DIRECT_ADMISSION, "one_stay_at_a_time"),
        (emergency, emergency, EMERGENCY_ARRIVAL, "one_emergency_visit_at_a_unit"),
    ):
        one, two = patient, make.patient()
        begin(one, first, user, situation=situation, accept_warnings=["PL-06"], reason="prov")
        second = begin(two, again, user, situation=situation)
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Encounter.objects.filter(pk=second.pk).update(patient=one)
    assert not invariants.patients_in_two_places(NOW).exists()


def test_two_records_that_both_lie_are_not_merged_before_one_stay_is_gone(user, unit, other, patient):
    """VH-09, RI-02: told which; then they are merged."""
    old = on_reserve_number(make.patient())
    begin(patient, unit, user, place_id=bed(unit, "Säng 1A").pk)
    twice = begin(old, other, user)
    act = {"source_id": old.pk, "target_id": patient.pk, "reason": "Legitimation visad", "by": user, "at": NOW + HOUR}
    found = refusal(merging.merge, **act)
    assert (found.rule, found.code) == ("VH-09", "two_stays")
    assert unit.short_name in found.sentence and other.short_name in found.sentence
    encounters.discharge(encounter_id=twice.pk, discharged_to="hospital", by=user, at=NOW + HOUR)
    merging.merge(**act)
    assert Encounter.objects.filter(patient=patient).count() == 2


# --- Impossible in time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "at"),
    [(date(1990, 5, 5), datetime(1990, 5, 4, 12, tzinfo=UTC)), (None, datetime(1899, 12, 31, 12, tzinfo=UTC))],
)
def test_nothing_begins_before_the_patient_was_born(user, unit, patient, born, at):
    """VH-23, PL-15: 1901 typed for 2026 is caught, also of one whose date of birth nobody knows."""
    patient.birth_date = born
    patient.save(update_fields=["birth_date"])
    found = refused(patient, unit, user, at=at)
    assert (found.rule, found.code) == ("VH-23", "before_birth")
    assert "1990-05-05" not in found.sentence
    assert begin(patient, unit, user, at=at + DAY).status == "in_progress"


def test_nobody_is_expected_home_before_coming(user, unit, patient):
    """VH-23: at the admission, planned or direct, and when it is completed or expected at another time."""
    yesterday = TODAY - timedelta(days=1)
    assert refused(patient, unit, user, expected_discharge_on=yesterday).code == "before_admission"
    plan = {"patient_id": patient.pk, "care_unit": unit, "by": user, "at": NOW}
    early = refusal(admissions.plan_admission, expected_start=NOW + DAY, expected_discharge_on=TODAY, **plan)
    assert (early.rule, early.code, Encounter.objects.count()) == ("VH-23", "before_admission", 0)
    planned = admissions.plan_admission(
        expected_start=NOW + DAY, expected_discharge_on=TODAY + timedelta(days=2), **plan
    )
    act = {"encounter_id": planned.pk, "by": user, "at": NOW}
    assert refusal(stays.complete, expected_discharge_on=TODAY, **act).code == "before_admission"
    assert refusal(stays.complete, planned_start=NOW + 4 * DAY, **act).code == "before_admission"
    planned.refresh_from_db()
    assert (planned.planned_start, planned.version) == (NOW + DAY, 1)
    stays.complete(planned_start=NOW + 4 * DAY, expected_discharge_on=TODAY + timedelta(days=4), **act)
