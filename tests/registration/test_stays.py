"""A stay at a ward: planned, direct, from the emergency department; places, wards, permission, ways in and out, cleaning;
and the emergency visit it may begin with (VH-01, VH-03, VH-09, VH-20, VH-21, VH-23)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from classification.production import stay_days
from registration.actions import admissions, encounters, places, stays
from registration.models import Encounter, EncounterHistory, LeaveOfAbsence, PlaceStay, WardStay
from registration.type_choice import DIRECT_ADMISSION, EMERGENCY_ARRIVAL, OBSERVATION_PLACE
from sdv.common.errors import InputError, RuleError
from sdv.common.time import at_local, local_date
from sdv.flows import deceased
from sdv.outbox.models import OutboxMessage
from tests import factories as make
from tests.clinic import DAY, NOW, TODAY

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def user(db):
    return make.UserFactory()


@pytest.fixture
def unit(db):
    """A unit with two wards; the first has beds 1A and 1B, the second 2A."""
    unit = make.InpatientUnitFactory()
    one, two = (make.WardFactory(care_unit=unit, name=name) for name in ("Avdelning 1", "Avdelning 2"))
    for ward, name in ((one, "Säng 1A"), (one, "Säng 1B"), (two, "Säng 2A")):
        make.PlaceFactory(care_unit=unit, ward=ward, kind="bed", name=name)
    return unit


def bed(unit, name):
    return unit.places.get(name=name)


def ward(unit, number):
    return unit.wards.get(name=f"Avdelning {number}")


def admitted(unit, user, *, at=NOW, place="Säng 1A", **fields):
    return admissions.begin(
        patient_id=make.patient().pk,
        care_unit=unit,
        situation=DIRECT_ADMISSION,
        place_id=bed(unit, place).pk if place else None,
        by=user,
        at=at,
        **{"admitted_from": "home"} | fields,
    )


def intervals(rows, name):
    return [(getattr(row, name).name, row.period.lower, row.period.upper) for row in rows.order_by("id")]


def refusal(act, **fields):
    with pytest.raises(RuleError) as refused:
        act(**fields)
    return refused.value


# --- Admission --------------------------------------------------------------------------------------------------------


def test_a_direct_admission_lands_at_the_ward_of_its_bed_unplanned(user, unit):
    """VH-03 g, VH-09, VH-23"""
    stay = admitted(unit, user)
    assert (stay.type_id, stay.is_planned, stay.admitted_from) == ("slutenvard", False, "home")
    assert intervals(stay.place_stays, "place") == [("Säng 1A", NOW, None)]
    assert intervals(stay.ward_stays, "ward") == [("Avdelning 1", NOW, None)]


def test_a_taken_bed_leaves_no_half_admission_behind(user, unit):
    """VH-09, VH-24"""
    admitted(unit, user)
    before = Encounter.objects.count()
    patient = make.patient()
    taken = refusal(
        admissions.begin,
        patient_id=patient.pk,
        care_unit=unit,
        situation=DIRECT_ADMISSION,
        place_id=bed(unit, "Säng 1A").pk,
        by=user,
        at=NOW,
    )
    assert (taken.code, Encounter.objects.count()) == ("place_taken", before)


def test_a_planned_admission_is_planned_and_keeps_what_was_told_of_it(user, unit):
    """VH-03 f, VH-07, VH-23"""
    planned = admissions.plan_admission(
        patient_id=make.patient().pk,
        care_unit=unit,
        expected_start=NOW + DAY,
        expected_discharge_on=TODAY + timedelta(days=4),
        admitted_from="special_housing",
        by=user,
        at=NOW,
    )
    stay = admissions.admit(encounter_id=planned.pk, by=user, at=NOW + DAY, place_id=bed(unit, "Säng 2A").pk)
    assert (stay.type_id, stay.is_planned, stay.admitted_from) == ("slutenvard", True, "special_housing")
    assert stay.expected_discharge_on == TODAY + timedelta(days=4)
    assert intervals(stay.ward_stays, "ward") == [("Avdelning 2", NOW + DAY, None)]


def test_a_planned_admission_is_expected_at_another_time(user):
    """VH-03 f, VH-21: traced; not in the past, and not once the patient is here."""
    unit = make.InpatientUnitFactory()
    stay = admissions.plan_admission(
        patient_id=make.patient().pk, care_unit=unit, expected_start=NOW + DAY, by=user, at=NOW
    )
    act = {"encounter_id": stay.pk, "by": user, "at": NOW}
    stays.complete(planned_start=NOW + 3 * DAY, expected_discharge_on=(NOW + 5 * DAY).date(), **act)
    stay = Encounter.objects.get(pk=stay.pk)
    assert (stay.planned_start, stay.start, stay.status) == (NOW + 3 * DAY, NOW + 3 * DAY, "planned")
    assert [row.move for row in stay.history.all()] == ["create", "reschedule", "complete"]
    with pytest.raises(RuleError) as refused:
        stays.complete(planned_start=NOW - HOUR, **act)
    assert (refused.value.rule, Encounter.objects.get(pk=stay.pk).version) == ("VH-03", stay.version)
    admissions.admit(encounter_id=stay.pk, by=user, at=NOW + 3 * DAY)
    with pytest.raises(RuleError) as refused:
        stays.complete(planned_start=NOW + 4 * DAY, **act | {"at": NOW + 3 * DAY})
    assert refused.value.rule == "VH-07"


def test_with_a_single_ward_there_is_none_to_choose(user):
    """VH-09"""
    unit = make.InpatientUnitFactory()
    only = make.WardFactory(care_unit=unit)
    stay = admissions.begin(patient_id=make.patient().pk, care_unit=unit, situation=DIRECT_ADMISSION, by=user, at=NOW)
    assert stay.ward_stays.get().ward == only


# --- Moves within the unit ---------------------------------------------------------------------------------------------


def test_a_move_to_a_bed_of_another_ward_moves_the_patient_there_too(user, unit):
    """VH-09: own intervals for place and ward, in the same minute, and a line in the history."""
    stay = admitted(unit, user)
    places.assign(encounter_id=stay.pk, place_id=bed(unit, "Säng 2A").pk, by=user, at=NOW + HOUR)
    assert intervals(stay.place_stays, "place") == [("Säng 1A", NOW, NOW + HOUR), ("Säng 2A", NOW + HOUR, None)]
    assert intervals(stay.ward_stays, "ward") == [("Avdelning 1", NOW, NOW + HOUR), ("Avdelning 2", NOW + HOUR, None)]
    last = EncounterHistory.objects.filter(encounter=stay).order_by("-id").first()
    assert (last.move, last.reason) == ("place", "Säng 1A till Säng 2A")


def test_a_move_within_the_ward_is_no_new_time_at_the_ward(user, unit):
    """VH-09"""
    stay = admitted(unit, user)
    places.assign(encounter_id=stay.pk, place_id=bed(unit, "Säng 1B").pk, by=user, at=NOW + HOUR)
    assert intervals(stay.ward_stays, "ward") == [("Avdelning 1", NOW, None)]


def test_a_transfer_without_a_bed_leaves_the_bed_and_waits_for_one(user, unit):
    """VH-09"""
    stay = admitted(unit, user)
    stays.transfer(encounter_id=stay.pk, ward_id=ward(unit, 2).pk, by=user, at=NOW + HOUR)
    assert intervals(stay.place_stays, "place") == [("Säng 1A", NOW, NOW + HOUR)]
    assert intervals(stay.ward_stays, "ward")[-1] == ("Avdelning 2", NOW + HOUR, None)
    assert stay.history.order_by("-id").first().reason == "Avdelning 1 till Avdelning 2"


def test_a_bed_of_another_ward_than_the_chosen_one_and_another_unit_s_ward_are_refused_and_nothing_moves(user, unit):
    """VH-09, VH-24"""
    stay = admitted(unit, user)
    elsewhere = make.WardFactory()
    wrong = [
        {"ward_id": ward(unit, 2).pk, "place_id": bed(unit, "Säng 1B").pk},
        {"ward_id": elsewhere.pk},
        {"ward_id": stay.pk},
        {},
    ]
    for chosen in wrong:
        with pytest.raises(InputError):
            stays.transfer(encounter_id=stay.pk, by=user, at=NOW + HOUR, **chosen)
    assert (PlaceStay.objects.count(), WardStay.objects.count()) == (1, 1)
    early = refusal(stays.transfer, encounter_id=stay.pk, ward_id=ward(unit, 2).pk, by=user, at=NOW - HOUR)
    assert early.rule == "VH-09"


def test_the_database_itself_keeps_one_place_one_ward_and_one_leave_at_a_time(user, unit):
    """VH-09"""
    stay = admitted(unit, user)
    period = DateTimeTZRange(NOW, None)
    stays.leave(encounter_id=stay.pk, by=user, at=NOW + HOUR)
    rows = [
        (PlaceStay(encounter=stay, place=bed(unit, "Säng 1B"), period=period), "one_place_at_a_time"),
        (WardStay(encounter=stay, ward=ward(unit, 2), period=period), "one_ward_at_a_time"),
        (LeaveOfAbsence(encounter=stay, period=period), "one_leave_at_a_time"),
    ]
    for row, constraint in rows:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            row.save(force_insert=True)


# --- Permission ----------------------------------------------------------------------------------------------------------


def test_permission_keeps_the_bed_counts_and_ends_with_the_return(user, unit):
    """VH-09: the days of permission are vårdtid."""
    stay = admitted(unit, user)
    stays.leave(encounter_id=stay.pk, by=user, at=NOW + HOUR, expected_back=NOW + DAY)
    again = refusal(stays.leave, encounter_id=stay.pk, by=user, at=NOW + 2 * HOUR)
    assert (again.rule, again.code, LeaveOfAbsence.objects.count()) == ("VH-09", "on_leave", 1)
    assert PlaceStay.objects.get().period.upper is None
    stays.come_back(encounter_id=stay.pk, by=user, at=NOW + DAY)
    leave = LeaveOfAbsence.objects.get()
    assert (leave.period.lower, leave.period.upper, leave.expected_back) == (NOW + HOUR, NOW + DAY, NOW + DAY)
    none = refusal(stays.come_back, encounter_id=stay.pk, by=user, at=NOW + DAY)
    assert none.code == "not_on_leave"
    assert refusal(stays.leave, encounter_id=stay.pk, by=user, at=NOW + 2 * HOUR).rule == "VH-09"
    assert refusal(stays.leave, encounter_id=stay.pk, by=user, at=NOW + DAY, expected_back=NOW + DAY).rule == "VH-09"


def test_discharge_ends_permission_place_and_ward_together(user, unit):
    """VH-09, VH-20"""
    stay = admitted(unit, user)
    stays.leave(encounter_id=stay.pk, by=user, at=NOW + HOUR)
    encounters.discharge(encounter_id=stay.pk, discharged_to="home", by=user, at=NOW + DAY)
    for rows in (stay.place_stays, stay.ward_stays, stay.leaves):
        assert rows.get().period.upper == NOW + DAY


# --- Discharge -----------------------------------------------------------------------------------------------------------


def test_a_stay_is_not_discharged_before_insatt_and_utsatt_are_known(user, unit):
    """VH-23"""
    stay = admitted(unit, user, admitted_from="")
    act = {"encounter_id": stay.pk, "by": user, "at": NOW + DAY}
    both = refusal(encounters.discharge, **act)
    assert both.sentence.startswith("Ange insätt (varifrån) och utsätt (till):")
    one = refusal(encounters.discharge, **act, discharged_to="home")
    assert one.sentence.startswith("Ange insätt (varifrån):")
    stay.refresh_from_db()
    assert (stay.status, stay.discharged_to, stay.place_stays.get().period.upper) == ("in_progress", "", None)
    ended = encounters.discharge(**act, admitted_from="hospital", discharged_to="special_housing")
    assert (ended.status, ended.admitted_from, ended.discharged_to) == ("ended", "hospital", "special_housing")


def test_who_died_before_the_day_of_discharge_goes_nowhere_else(user, unit):
    """VH-23, AV-01: at the hospital the discharge comes before the register tells of the death."""
    stay = admitted(unit, user)
    deceased.register(patient_id=stay.patient_id, deceased_on=TODAY, reason="Dödsbevis", by=user, at=NOW)
    act = {"encounter_id": stay.pk, "by": user, "at": NOW + DAY}
    assert refusal(encounters.discharge, **act, discharged_to="home").code == "is_deceased"
    assert encounters.discharge(**act, discharged_to="deceased").status == "ended"
    other = admitted(unit, user, place="Säng 1B")
    assert encounters.discharge(encounter_id=other.pk, by=user, at=NOW, discharged_to="deceased").status == "ended"


def test_what_is_corrected_after_the_end_is_traced_and_told_again(user, unit):
    """VH-21, VH-23"""
    stay = admitted(unit, user)
    stays.complete(encounter_id=stay.pk, expected_discharge_on=date(2026, 11, 25), by=user, at=NOW)
    assert refusal(stays.complete, encounter_id=stay.pk, discharged_to="home", by=user, at=NOW).rule == "VH-23"
    encounters.discharge(encounter_id=stay.pk, discharged_to="home", by=user, at=NOW + DAY)
    stays.complete(encounter_id=stay.pk, discharged_to="hospital", is_planned=True, by=user, at=NOW + 2 * DAY)
    stay.refresh_from_db()
    assert (stay.discharged_to, stay.is_planned) == ("hospital", True)
    assert list(OutboxMessage.objects.order_by("id").values_list("topic", flat=True)) == [
        "encounter-ended",
        "encounter-changed",
    ]
    last = stay.history.order_by("-id").first()
    assert (last.move, last.reason) == ("complete", "utsätt (till), planerat eller oplanerat")
    empty = refusal(stays.complete, encounter_id=stay.pk, discharged_to="", by=user, at=NOW + 2 * DAY)
    assert empty.code == "ways_missing"


def test_a_stay_opened_again_is_at_its_ward_and_waits_for_a_bed(user, unit):
    """PL-13, VH-09"""
    stay = admitted(unit, user)
    encounters.discharge(encounter_id=stay.pk, discharged_to="home", by=user, at=NOW + DAY)
    encounters.reopen(encounter_id=stay.pk, reason="Fel patient skrevs ut", by=user, at=NOW + DAY)
    assert intervals(stay.ward_stays, "ward") == [("Avdelning 1", NOW, None)]
    assert intervals(stay.place_stays, "place") == [("Säng 1A", NOW, NOW + DAY)]


def test_a_left_place_is_to_be_cleaned_until_somebody_has(user, unit):
    """VH-09"""
    place = bed(unit, "Säng 1A")
    stay = admitted(unit, user)
    assert refusal(places.cleaned, place_id=place.pk, by=user, at=NOW).rule == "VH-09"
    encounters.discharge(encounter_id=stay.pk, discharged_to="home", by=user, at=NOW + HOUR)
    assert list(PlaceStay.objects.to_clean(unit)) == [place.pk]
    places.cleaned(place_id=place.pk, by=user, at=NOW + HOUR)
    assert list(PlaceStay.objects.to_clean(unit)) == []


# --- The emergency department --------------------------------------------------------------------------------------------


def arrived(user, emergency, at=NOW):
    return make.unbooked_visit(care_unit=emergency, situation=EMERGENCY_ARRIVAL, by=user, at=at)


def test_an_emergency_visit_goes_on_at_a_ward_as_a_new_linked_vardhandelse(user, unit):
    """VH-01, VH-03, VH-23"""
    visit = arrived(user, make.EmergencyDepartmentFactory())
    stays.assess(encounter_id=visit.pk, by=user, at=NOW + HOUR)
    stay = admissions.continue_at(
        encounter_id=visit.pk,
        care_unit=unit,
        admitted_from="home",
        place_id=bed(unit, "Säng 1A").pk,
        by=user,
        at=NOW + 3 * HOUR,
    )
    visit.refresh_from_db()
    assert (visit.status, visit.end, visit.assessed_at) == ("ended", NOW + 3 * HOUR, NOW + HOUR)
    assert (stay.type_id, stay.start, stay.continues, stay.patient_id) == (
        "slutenvard",
        NOW + 3 * HOUR,
        visit,
        visit.patient_id,
    )
    assert (stay.admitted_from, stay.is_planned) == ("home", False)
    assert stay.place_stays.get().place.name == "Säng 1A"


def test_a_taken_bed_keeps_the_patient_at_the_emergency_department(user, unit):
    """VH-09, VH-24: nothing is half done."""
    admitted(unit, user)
    visit = arrived(user, make.EmergencyDepartmentFactory())
    taken = refusal(
        admissions.continue_at,
        encounter_id=visit.pk,
        care_unit=unit,
        place_id=bed(unit, "Säng 1A").pk,
        by=user,
        at=NOW + HOUR,
    )
    visit.refresh_from_db()
    assert (taken.code, visit.status, Encounter.objects.count()) == ("place_taken", "in_progress", 2)


def test_observation_holds_a_place_and_may_go_on_at_a_ward(user, unit):
    """VH-03 k, VH-09"""
    emergency = make.EmergencyDepartmentFactory()
    spot = make.PlaceFactory(care_unit=emergency, kind="bed", name="Obs 1")
    visit = arrived(user, emergency)
    observed = admissions.continue_at(
        encounter_id=visit.pk,
        care_unit=emergency,
        situation=OBSERVATION_PLACE,
        place_id=spot.pk,
        by=user,
        at=NOW + HOUR,
    )
    assert (observed.type_id, observed.place_stays.get().place) == ("observation", spot)
    again = refusal(
        admissions.continue_at,
        encounter_id=observed.pk,
        care_unit=emergency,
        situation=OBSERVATION_PLACE,
        by=user,
        at=NOW + 2 * HOUR,
    )
    assert again.rule == "VH-01"
    stay = admissions.continue_at(encounter_id=observed.pk, care_unit=unit, by=user, at=NOW + 2 * HOUR)
    assert (stay.continues, observed.place_stays.get().period.upper) == (observed, NOW + 2 * HOUR)


def test_a_move_to_another_unit_is_a_vardtillfalle_of_its_own_and_within_the_unit_is_not(user, unit):
    """VH-01 [reading]: utsätt and insätt are both annan klinik."""
    stay = admitted(unit, user)
    same = refusal(admissions.continue_at, encounter_id=stay.pk, care_unit=unit, by=user, at=NOW + HOUR)
    assert (same.rule, Encounter.objects.count()) == ("VH-01", 1)
    other = make.InpatientUnitFactory()
    after = admissions.continue_at(encounter_id=stay.pk, care_unit=other, by=user, at=NOW + DAY)
    stay.refresh_from_db()
    assert (stay.discharged_to, after.admitted_from, after.continues) == ("hospital", "hospital", stay)
    done = refusal(admissions.continue_at, encounter_id=stay.pk, care_unit=other, by=user, at=NOW + DAY)
    assert (done.code, done.by) == ("wrong_status", user.name)


def test_who_left_before_being_seen_is_told_from_who_left_after(user):
    """VH-23"""
    emergency = make.EmergencyDepartmentFactory()
    unseen, seen = arrived(user, emergency), arrived(user, emergency)
    stays.assess(encounter_id=seen.pk, by=user, at=NOW + HOUR)
    act = {"by": user, "at": NOW + 2 * HOUR}
    assert refusal(encounters.discharge, encounter_id=seen.pk, broken_off="before_assessment", **act).rule == "VH-23"
    assert refusal(encounters.discharge, encounter_id=unseen.pk, broken_off="after_assessment", **act).rule == "VH-23"
    for visit, how in ((unseen, "before_assessment"), (seen, "after_assessment")):
        assert encounters.discharge(encounter_id=visit.pk, broken_off=how, **act).broken_off == how


def test_the_assessment_is_not_before_the_arrival_and_only_of_emergency_visits(user, unit):
    """VH-03"""
    visit = arrived(user, make.EmergencyDepartmentFactory())
    assert refusal(stays.assess, encounter_id=visit.pk, by=user, at=NOW - MINUTE).rule == "VH-03"
    assert refusal(stays.assess, encounter_id=admitted(unit, user).pk, by=user, at=NOW + MINUTE).rule == "VH-03"


# --- Vårddygn --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("admitted_at", "discharged_at", "days"),
    [
        # Over midnight: one day, however few the minutes.
        (datetime(2026, 11, 20, 22, 59, tzinfo=UTC), datetime(2026, 11, 20, 23, 1, tzinfo=UTC), 1),
        # 23:30 to 00:30 UTC is within one day in Stockholm.
        (datetime(2026, 11, 20, 23, 30, tzinfo=UTC), datetime(2026, 11, 21, 0, 30, tzinfo=UTC), 0),
        # The night of 23 hours and the night of 25: each is one.
        (datetime(2026, 3, 28, 20, 0, tzinfo=UTC), datetime(2026, 3, 29, 19, 0, tzinfo=UTC), 1),
        (datetime(2026, 10, 24, 20, 0, tzinfo=UTC), datetime(2026, 10, 25, 21, 0, tzinfo=UTC), 1),
        # 24 elapsed hours across the autumn night stay within one date's difference.
        (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), datetime(2026, 10, 25, 22, 30, tzinfo=UTC), 0),
    ],
)
def test_vardtid_over_midnight_and_both_clock_changes(user, unit, admitted_at, discharged_at, days):
    """ST-01: one truth, the date of discharge minus the date of admission in Stockholm; permission counts."""
    stay = admitted(unit, user, at=admitted_at)
    stays.leave(encounter_id=stay.pk, by=user, at=admitted_at)
    ended = encounters.discharge(encounter_id=stay.pk, discharged_to="home", by=user, at=discharged_at)
    assert stay_days(local_date(ended.start), local_date(ended.end)) == days


def test_a_stay_registered_afterwards_has_its_true_times(user, unit):
    """PL-15: what was written on paper is entered with its own times; the history tells when it was registered."""
    night = at_local(TODAY - timedelta(days=1), time(22, 40))
    stay = admitted(unit, user, at=night)
    places.assign(encounter_id=stay.pk, place_id=bed(unit, "Säng 1B").pk, by=user, at=night + HOUR)
    encounters.discharge(encounter_id=stay.pk, discharged_to="home", by=user, at=night + 4 * HOUR)
    assert intervals(stay.place_stays, "place") == [
        ("Säng 1A", night, night + HOUR),
        ("Säng 1B", night + HOUR, night + 4 * HOUR),
    ]
    later = admitted(unit, user, at=NOW)
    assert later.place_stays.get().place.name == "Säng 1A"
