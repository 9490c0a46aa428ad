"""Times of a stay that are registered afterwards, and stays that never were: what is entered late comes after what is
known, an end comes after what has happened, and an annulled or undone stay has held nothing (VH-09, VH-12, VH-16, PL-13,
PL-15)."""

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from registration.actions import admissions, encounters, places, stays
from registration.models import Encounter, LeaveOfAbsence, PlaceStay, WardStay
from registration.type_choice import EMERGENCY_ARRIVAL
from sdv.flows import cancellation, correction, invariants
from tests import factories as make
from tests.clinic import DAY, NOW
from tests.registration.test_stays import HOUR, MINUTE, admitted, bed, intervals, refusal, unit, user, ward

__all__ = ["unit", "user"]


def held():
    """Everything that is held or has been, to see that a refusal changed nothing."""
    return [sorted(model.objects.values_list("pk", "period")) for model in (PlaceStay, WardStay, LeaveOfAbsence)]


# --- Registered afterwards ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["Säng 1A", "Säng 1B", "Säng 2A"])
def test_a_place_is_not_registered_into_what_is_known_of_the_stay_already(user, unit, where):
    """VH-09, PL-15: admitted at nine, moved without a bed at twelve; a bed from ten is refused, told from when it can be,
    and from then on it is taken."""
    stay = admitted(unit, user)
    stays.transfer(encounter_id=stay.pk, ward_id=ward(unit, 2).pk, by=user, at=NOW + 3 * HOUR)
    before = held()
    refused = refusal(places.assign, encounter_id=stay.pk, place_id=bed(unit, where).pk, by=user, at=NOW + HOUR)
    assert (refused.rule, refused.code) == ("VH-09", "before_what_is_known")
    assert "2026-11-20 10:00" in refused.sentence and "fram till 2026-11-20 12:00" in refused.sentence
    assert held() == before
    taken = places.assign(encounter_id=stay.pk, place_id=bed(unit, where).pk, by=user, at=NOW + 3 * HOUR)
    assert taken.period == DateTimeTZRange(NOW + 3 * HOUR, None)


def test_neither_is_a_bed_in_a_ward_that_was_left_nor_a_move_before_the_bed(user, unit):
    """VH-09, PL-15"""
    stay = admitted(unit, user, place=None)
    stays.transfer(encounter_id=stay.pk, ward_id=ward(unit, 1).pk, by=user, at=NOW)
    stays.transfer(encounter_id=stay.pk, ward_id=ward(unit, 2).pk, by=user, at=NOW + 3 * HOUR)
    before = held()
    act = {"encounter_id": stay.pk, "by": user}
    assert refusal(places.assign, place_id=bed(unit, "Säng 1B").pk, at=NOW + HOUR, **act).rule == "VH-09"
    assert held() == before
    places.assign(place_id=bed(unit, "Säng 2A").pk, at=NOW + 5 * HOUR, **act)
    before = held()
    for where in ({"ward_id": ward(unit, 1).pk}, {"place_id": bed(unit, "Säng 1A").pk}):
        assert refusal(stays.transfer, at=NOW + 4 * HOUR, **where, **act).code == "before_what_is_known"
    assert held() == before


# --- What never was -------------------------------------------------------------------------------------------------------


def test_the_wrong_patient_annulled_leaves_the_bed_to_the_right_one_from_the_true_time(user, unit):
    """VH-09, VH-12: the annulled stay held nothing, and is nothing to clean after."""
    wrong = admitted(unit, user)
    stays.leave(encounter_id=wrong.pk, by=user, at=NOW + HOUR)
    places.assign(encounter_id=wrong.pk, place_id=bed(unit, "Säng 1B").pk, by=user, at=NOW + 2 * HOUR)
    cancellation.annul(encounter_id=wrong.pk, reason="Fel patient", by=user, at=NOW + 3 * HOUR)
    for rows in (wrong.place_stays, wrong.ward_stays, wrong.leaves):
        assert {row.period.isempty for row in rows.all()} == {True}
    assert list(PlaceStay.objects.to_clean(unit)) == []
    right = admitted(unit, user)
    assert intervals(right.place_stays, "place") == [("Säng 1A", NOW, None)]
    assert not invariants.places_held_by_the_ended(NOW).exists()


@pytest.mark.parametrize("again", ["Säng 1A", "Säng 2A", None])
def test_an_undone_admission_holds_nothing_and_is_made_again_at_its_true_time(user, unit, again):
    """PL-13, VH-09: in the same bed, in another ward's, or in none."""
    planned = admissions.plan_admission(
        patient_id=make.patient().pk, care_unit=unit, expected_start=NOW + HOUR, by=user, at=NOW
    )
    act = {"encounter_id": planned.pk, "by": user}
    admissions.admit(at=NOW + HOUR, place_id=bed(unit, "Säng 1A").pk, **act)
    correction.undo_admission(at=NOW + 2 * HOUR, reason="Fel säng", **act)
    assert {row.period.isempty for row in planned.place_stays.all()} == {True}
    stay = admissions.admit(at=NOW + HOUR, place_id=bed(unit, again).pk if again else None, **act)
    lying = stay.place_stays.filter(period__isempty=False)
    assert intervals(lying, "place") == ([(again, NOW + HOUR, None)] if again else [])
    ended = encounters.discharge(admitted_from="home", discharged_to="home", at=NOW + DAY, **act)
    assert {row.period.upper for row in lying.all()} <= {ended.end}


# --- The end comes after what has happened --------------------------------------------------------------------------------


def test_a_stay_does_not_end_before_what_has_happened_in_it(user, unit):
    """VH-16: a move, a bed, a permission and the return from it."""
    stay = admitted(unit, user)
    act = {"encounter_id": stay.pk, "by": user}
    steps = [
        (lambda at: stays.transfer(ward_id=ward(unit, 2).pk, at=at, **act), "flytten"),
        (lambda at: places.assign(place_id=bed(unit, "Säng 2A").pk, at=at, **act), "platstilldelningen"),
        (lambda at: stays.leave(at=at, **act), "permissionen"),
        (lambda at: stays.come_back(at=at, **act), "återkomsten från permission"),
    ]
    for hour, (step, what) in enumerate(steps, start=1):
        step(NOW + hour * HOUR)
        before = held()
        refused = refusal(encounters.discharge, discharged_to="home", at=NOW + hour * HOUR - MINUTE, **act)
        assert (refused.rule, refused.code) == ("VH-16", "before_what_happened")
        assert f"före {what} 2026-11-20 {9 + hour:02d}:00" in refused.sentence
        assert (held(), Encounter.objects.get(pk=stay.pk).status) == (before, "in_progress")
    assert encounters.discharge(discharged_to="home", at=NOW + 4 * HOUR, **act).end == NOW + 4 * HOUR


def test_an_emergency_visit_ends_neither_nor_goes_on_before_it_was_assessed(user, unit):
    """VH-16, VH-03"""
    visit = make.unbooked_visit(
        care_unit=make.EmergencyDepartmentFactory(), situation=EMERGENCY_ARRIVAL, by=user, at=NOW
    )
    act = {"encounter_id": visit.pk, "by": user}
    stays.assess(at=NOW + 2 * HOUR, **act)
    assert "läkarbedömningen 2026-11-20 11:00" in refusal(encounters.discharge, at=NOW + HOUR, **act).sentence
    assert refusal(admissions.continue_at, care_unit=unit, at=NOW + HOUR, **act).code == "before_what_happened"
    assert Encounter.objects.count() == 1
    assert encounters.discharge(at=NOW + 2 * HOUR, **act).status == "ended"


def test_an_end_taken_back_may_come_earlier_and_all_that_was_held_ends_with_it(user, unit):
    """PL-13, VH-16: discharged at the wrong time, during permission; opened again and discharged at the true time."""
    stay = admitted(unit, user)
    act = {"encounter_id": stay.pk, "by": user}
    stays.leave(at=NOW + HOUR, **act)
    encounters.discharge(discharged_to="home", at=NOW + 5 * HOUR, **act)
    encounters.reopen(reason="Fel tid", at=NOW + 6 * HOUR, **act)
    encounters.discharge(discharged_to="home", at=NOW + 3 * HOUR, **act)
    for rows in (stay.place_stays, stay.ward_stays, stay.leaves):
        assert rows.get().period.upper == NOW + 3 * HOUR


def test_care_that_goes_on_elsewhere_is_not_opened_where_it_was(user, unit):
    """PL-13, VH-01: told where it goes on; once that has ended or was annulled it may be."""
    visit = make.unbooked_visit(
        care_unit=make.EmergencyDepartmentFactory(), situation=EMERGENCY_ARRIVAL, by=user, at=NOW
    )
    stay = admissions.continue_at(encounter_id=visit.pk, care_unit=unit, admitted_from="home", by=user, at=NOW + HOUR)
    act = {"encounter_id": visit.pk, "reason": "Fel tid", "by": user, "at": NOW + 2 * HOUR}
    refused = refusal(correction.reopen, **act)
    assert (refused.rule, refused.code, refused.by) == ("VH-01", "goes_on", user.name)
    assert unit.short_name in refused.sentence
    assert Encounter.objects.get(pk=visit.pk).status == "ended"
    cancellation.annul(encounter_id=stay.pk, reason="Stannade på akuten", by=user, at=NOW + 2 * HOUR)
    assert correction.reopen(**act).status == "in_progress"


def test_an_end_corrected_is_not_after_the_care_went_on(user, unit):
    """PL-13, VH-01"""
    visit = make.unbooked_visit(
        care_unit=make.EmergencyDepartmentFactory(), situation=EMERGENCY_ARRIVAL, by=user, at=NOW
    )
    act = {"encounter_id": visit.pk, "by": user}
    stay = admissions.continue_at(care_unit=unit, admitted_from="home", at=NOW + HOUR, **act)
    encounters.discharge(encounter_id=stay.pk, discharged_to="home", by=user, at=NOW + DAY)
    correction.reopen(reason="Fel tid", at=NOW + DAY, **act)
    assert refusal(encounters.discharge, at=NOW + 2 * HOUR, **act).code == "went_on"
    assert encounters.discharge(at=NOW + HOUR, **act).end == NOW + HOUR
