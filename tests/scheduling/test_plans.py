"""Coordinated visits, series and team visits (BO-02, PL-08)."""

from datetime import UTC, date, time, timedelta

import pytest

from registration.models import Encounter
from scheduling import planning, slots
from scheduling.actions import appointments, plans, team
from scheduling.models import Appointment, ResourceBooking, VisitPlan
from sdv.common.errors import InputError, RuleError
from sdv.common.time import at_local, local
from sdv.flows import cancellation, invariants
from tests import factories
from tests.clinic import DAY, HALF_HOUR, NOW

WEEK = 7 * DAY
START = NOW + 3 * DAY  # a Monday, 09:00


def visit(clinic, start=START, *, doctor=False, **fields):
    return {
        "care_unit": clinic.unit,
        "visit_type": clinic.doctor_visit if doctor else clinic.nurse_visit,
        "contact_reason_id": clinic.reason.pk,
        "start": start,
        "end": start + HALF_HOUR,
        "resource_ids": [(clinic.doctor_resource if doctor else clinic.nurse_resource).pk],
    } | fields


def book(clinic, kind, visits, patient=None, **fields):
    patient = patient or clinic.patient()
    return plans.book(kind=kind, patient_id=patient.pk, visits=visits, by=clinic.nurse, at=NOW, **fields)


def rows():
    return (
        Encounter.objects.count(),
        Appointment.objects.count(),
        ResourceBooking.objects.count(),
        VisitPlan.objects.count(),
    )


def broken():
    return {row.name: row.rows(NOW).count() for row in invariants.INVARIANTS if row.rows(NOW).count()}


def test_coordinated_visits_are_booked_together_each_with_a_contact_of_its_own(health_centre):
    """BO-02: a fee for each."""
    plan, made = book(
        health_centre, "coordinated", [visit(health_centre), visit(health_centre, START + HALF_HOUR, doctor=True)]
    )
    assert (plan.kind, [row.kind for row in made]) == ("coordinated", ["coordinated"] * 2)
    assert len({row.encounter_id for row in made}) == 2
    assert set(plan.appointments.all()) == set(made)
    assert broken() == {}


def test_what_does_not_fit_is_listed_and_nothing_is_saved(health_centre):
    """PL-08: every misfit, not the first alone."""
    health_centre.book(health_centre.patient(), START)
    health_centre.book(health_centre.patient(), START + 2 * WEEK)
    before = rows()
    with pytest.raises(plans.Misfits) as refused:
        book(health_centre, "series", [visit(health_centre, START + number * WEEK) for number in range(4)])
    assert [(number, each.code) for number, each in refused.value.misfits] == [(0, "slot_taken"), (2, "slot_taken")]
    assert "2 av 4 besök passar inte, inget är bokat" in refused.value.sentence
    assert rows() == before


def test_visits_of_one_plan_do_not_meet_each_other(health_centre):
    """PL-06: the patient is in one place at a time."""
    with pytest.raises(plans.Misfits) as refused:
        book(health_centre, "coordinated", [visit(health_centre), visit(health_centre, doctor=True)])
    assert [(number, each.rule) for number, each in refused.value.misfits] == [(1, "PL-06")]


def test_a_plan_that_only_meets_the_patients_own_bookings_is_booked_with_a_reason(health_centre):
    """PL-06: the reason stands at the visit that meets another, at no other."""
    patient = health_centre.patient()
    doctors = {"resource": health_centre.doctor_resource, "visit_type": health_centre.doctor_visit}
    health_centre.book(patient, START + WEEK, **doctors)
    visits = [visit(health_centre, START + number * WEEK) for number in range(3)]
    insisted = {"accept_warnings": ["PL-06"], "reason": "Samma resa"}
    for told in ({}, insisted | {"reason": " "}):
        with pytest.raises(plans.Misfits) as refused:
            book(health_centre, "series", visits, patient, **told)
        assert (refused.value.is_warning, refused.value.needs_reason) == (True, True)
        assert "1 av 3 besök passar inte" in refused.value.sentence and "ange skälet" in refused.value.sentence
    _, made = book(health_centre, "series", visits, patient, **insisted)
    assert [row.overlap_reason for row in made] == ["", "Samma resa", ""]


def test_no_reason_overrules_a_time_that_somebody_has(health_centre):
    """PL-06: then it is no warning, whatever else was one."""
    patient = health_centre.patient()
    doctors = {"resource": health_centre.doctor_resource, "visit_type": health_centre.doctor_visit}
    health_centre.book(patient, START, **doctors)
    health_centre.book(health_centre.patient(), START + WEEK)
    visits = [visit(health_centre, START + number * WEEK) for number in range(2)]
    before = rows()
    for told, count in (({}, 2), ({"accept_warnings": ["PL-06"], "reason": "Samma resa"}, 1)):
        with pytest.raises(plans.Misfits) as refused:
            book(health_centre, "series", visits, patient, **told)
        assert (len(refused.value.misfits), refused.value.is_warning, refused.value.needs_reason) == (
            count,
            False,
            False,
        )
        assert rows() == before


def test_a_plan_is_booked_once(health_centre):
    """PL-27: who was first is told, whether or not the second insists; another order is the same plan, more is another."""
    patient = health_centre.patient()
    visits = [visit(health_centre, START + number * WEEK) for number in range(3)]
    _, made = book(health_centre, "series", visits, patient)
    before = rows()
    insisted = {"accept_warnings": ["PL-06"], "reason": "Samma resa"}
    for told in ({}, insisted):
        with pytest.raises(RuleError) as refused:
            book(health_centre, "series", visits[::-1], patient, **told)
        assert (refused.value.rule, refused.value.code, refused.value.by) == ("PL-08", "already_done", "Sara Norén")
        assert rows() == before
    wanted = {"kind": "series", "patient_id": patient.pk}
    assert plans.booked_already(**wanted, visits=visits[1:]) == made[1:]
    assert plans.booked_already(**wanted, visits=[*visits, visit(health_centre, START + 3 * WEEK)]) == []
    assert plans.booked_already(kind="coordinated", patient_id=patient.pk, visits=visits) == []
    cancellation.cancel(
        appointment_id=made[0].pk, cancelled_by="patient", reason="Frisk", by=health_centre.nurse, at=NOW
    )
    assert plans.booked_already(**wanted, visits=visits) == []


def test_coordinated_visits_are_of_one_day_and_a_plan_has_several(health_centre):
    """BO-02"""
    for visits, code in (
        ([visit(health_centre), visit(health_centre, START + DAY, doctor=True)], "not_one_day"),
        ([visit(health_centre)], "too_few"),
    ):
        with pytest.raises(RuleError) as refused:
            book(health_centre, "coordinated", visits)
        assert refused.value.code == code
    assert not Appointment.objects.exists()


def test_the_first_day_when_all_fit_is_proposed_with_the_least_waiting(health_centre):
    """BO-02: and the day when most fit where none has room for all."""
    for resource in (health_centre.nurse_resource, health_centre.doctor_resource):
        resource.weekly_hours.all().delete()
    hours = {"slot_minutes": 30, "from_time": "09:00", "to_time": "10:00"}
    health_centre.nurse_resource.weekly_hours.create(weekday=1, **hours)
    health_centre.nurse_resource.weekly_hours.create(weekday=2, **hours)
    health_centre.doctor_resource.weekly_hours.create(weekday=2, **(hours | {"to_time": "12:00"}))
    wishes = [planning.Wish(health_centre.doctor_visit), planning.Wish(health_centre.nurse_visit)]
    asked = {"care_unit": health_centre.unit, "wishes": wishes, "at": NOW}
    doctor, nurse = planning.together(from_day=START.date(), to_day=START.date() + DAY, **asked)
    assert (doctor.slot.start, nurse.slot.start) == (START + DAY, START + DAY + HALF_HOUR)
    assert not doctor.is_misfit
    doctor, nurse = planning.together(from_day=START.date(), to_day=START.date(), **asked)
    assert (doctor.slot, doctor.is_misfit, nurse.slot.start) == (None, True, START)


def test_a_series_keeps_the_clock_on_the_wall_over_both_clock_changes():
    """PL-08"""
    first = at_local(date(2026, 10, 19), time(9)).astimezone(UTC)
    found = [local(start) for start in planning.dates(first, count=3)]
    assert [(each.date(), each.time()) for each in found] == [
        (date(2026, 10, 19), time(9)),
        (date(2026, 10, 26), time(9)),
        (date(2026, 11, 2), time(9)),
    ]
    assert found[0].utcoffset() != found[1].utcoffset()
    spring = at_local(date(2027, 3, 22), time(9)).astimezone(UTC)
    assert [local(start).hour for start in planning.dates(spring, count=2)] == [9, 9]
    twice = planning.dates(first, count=3, every_weeks=2, weekdays=(1, 4))
    assert [local(start).date().isoformat() for start in twice] == ["2026-10-19", "2026-10-22", "2026-11-02"]


def test_a_series_is_proposed_with_the_nearest_time_where_its_own_is_taken(
    health_centre, django_assert_max_num_queries
):
    """PL-08, PL-07"""
    health_centre.book(health_centre.patient(), START + WEEK)
    wish = planning.Wish(health_centre.nurse_visit, health_centre.nurse_resource.pk)
    asked = {"care_unit": health_centre.unit, "wish": wish, "first": START, "count": 12, "at": NOW}
    with django_assert_max_num_queries(6):
        found = planning.series(**asked)
    assert [number for number, each in enumerate(found) if each.is_misfit] == [1]
    assert found[1].slot.start in (START + WEEK - HALF_HOUR, START + WEEK + HALF_HOUR)
    visits = [visit(health_centre, each.slot.start) for each in found]
    plan, made = book(health_centre, "series", visits)
    assert plan.appointments.count() == len(made) == 12
    assert {row.kind for row in made} == {"individual"}


def test_one_of_a_plan_is_changed_alone(health_centre):
    """BO-02: the others stay."""
    _, made = book(
        health_centre, "coordinated", [visit(health_centre), visit(health_centre, START + HALF_HOUR, doctor=True)]
    )
    moved = appointments.reschedule(
        appointment_id=made[0].pk, start=START + DAY, end=START + DAY + HALF_HOUR, by=health_centre.nurse, at=NOW
    )
    assert (moved.plan, Appointment.objects.get(pk=made[1].pk).start) == (made[0].plan, START + HALF_HOUR)


# --- Team visits --------------------------------------------------------------------------------------------------------


def both(clinic):
    return [clinic.nurse_resource.pk, clinic.doctor_resource.pk]


def test_a_team_visit_is_one_contact_of_several_professions_registered_on_the_main_responsible(health_centre):
    """BO-02"""
    row = health_centre.book(
        health_centre.patient(), START, resource_ids=both(health_centre),
        main_resource_id=health_centre.doctor_resource.pk,
    )  # fmt: skip
    assert (row.kind, row.encounter.participants.count()) == ("team", 2)
    assert row.encounter.participants.get(is_main_responsible=True).practitioner == health_centre.doctor.practitioner
    assert row.resource_bookings.count() == 2
    with pytest.raises(InputError):
        health_centre.book(health_centre.patient(), START + DAY, main_resource_id=health_centre.doctor_resource.pk)


def test_professions_one_after_the_other_take_their_part_of_the_time_and_keep_it_when_moved(health_centre):
    """BO-02: next to each other."""
    nurse, doctor = health_centre.nurse_resource, health_centre.doctor_resource
    patient = health_centre.patient()
    row = health_centre.book(
        patient, START, end=START + 2 * HALF_HOUR, resource_ids=both(health_centre),
        parts={nurse.pk: (0, 30), doctor.pk: (30, 30)},
    )  # fmt: skip

    def taken():
        periods = row.resource_bookings.values_list("resource", "period")
        return {pk: (period.lower, period.upper) for pk, period in periods}

    middle = START + HALF_HOUR
    assert taken() == {nurse.pk: (START, middle), doctor.pk: (middle, middle + HALF_HOUR)}
    # The other half of each is free.
    health_centre.book(health_centre.patient(), middle)
    health_centre.book(health_centre.patient(), START, resource=doctor, visit_type=health_centre.doctor_visit)
    start = START + DAY
    act = {"appointment_id": row.pk, "by": health_centre.nurse, "at": NOW}
    appointments.reschedule(start=start, end=start + 2 * HALF_HOUR, **act)
    assert taken() == {
        nurse.pk: (start, start + HALF_HOUR),
        doctor.pk: (start + HALF_HOUR, start + 2 * HALF_HOUR),
    }
    assert broken() == {}
    appointments.no_show(appointment_id=row.pk, by=health_centre.nurse, at=start)
    appointments.undo(appointment_id=row.pk, by=health_centre.nurse, at=start)
    assert len(taken()) == 2


@pytest.mark.parametrize("part", [(0, 90), (-1, 30), (10, 0)])
def test_a_part_lies_within_the_visit(health_centre, part):
    """BO-02"""
    with pytest.raises(InputError):
        health_centre.book(
            health_centre.patient(), START, resource_ids=both(health_centre),
            parts={health_centre.nurse_resource.pk: part},
        )  # fmt: skip
    assert not Appointment.objects.exists()


def test_whose_time_comes_after_is_sought_where_it_is_free_then(health_centre):
    """BO-02, PL-07: the other's own visit during the first part hides nothing; one during the second does, and is told."""
    nurse, doctor = health_centre.nurse_resource, health_centre.doctor_resource
    for start in (START, START + 3 * HALF_HOUR):
        health_centre.book(health_centre.patient(), start, resource=doctor, visit_type=health_centre.doctor_visit)
    wanted = {
        "care_unit": health_centre.unit,
        "visit_type": health_centre.nurse_visit,
        "from_day": START.date(),
        "to_day": START.date(),
        "at": NOW,
        "starting": START,
        "resource_ids": [nurse.pk],
    }
    found = slots.find(**wanted, then=(doctor.pk, 30))
    first, second = found.slots[:2]
    length = timedelta(minutes=health_centre.nurse_visit.default_minutes)
    assert (first.start, first.then_from, first.end, first.then) == (
        START, START + length, START + length + HALF_HOUR, doctor,
    )  # fmt: skip
    assert second.start >= START + HALF_HOUR and found.hidden[slots.NOT_AFTER] > 0
    assert first.resource_ids == [nurse.pk, doctor.pk]


def test_a_part_goes_to_whoever_takes_the_place(health_centre):
    """BO-02, PL-08: another nurse has the first nurse's part; the doctor's stands."""
    nurse, doctor = health_centre.nurse_resource, health_centre.doctor_resource
    row = health_centre.book(
        health_centre.patient(), START, end=START + 2 * HALF_HOUR, resource_ids=both(health_centre),
        parts={nurse.pk: (0, 30), doctor.pk: (30, 30)},
    )  # fmt: skip
    other = factories.ResourceFactory(care_unit=health_centre.unit, profession="Ssk")
    appointments.reschedule(
        appointment_id=row.pk, start=START, end=START + 2 * HALF_HOUR, resource_ids=[other.pk, doctor.pk],
        by=health_centre.nurse, at=NOW,
    )  # fmt: skip
    assert team.parts_of(row) == {other.pk: (0, 30), doctor.pk: (30, 30)}
    periods = {each.resource_id: each.period.lower for each in row.resource_bookings.all()}
    assert periods == {other.pk: START, doctor.pk: START + HALF_HOUR}
