"""Tidböcker: weeks with validity, extra times, holidays, absence; and what an absence leaves to be booked anew (BO-01,
PL-02, PL-07, UT-07)."""

from datetime import date, time, timedelta

import pytest
from django.db import IntegrityError, transaction

from scheduling import promises, slots
from scheduling.actions import absences, appointments, rebooking, schedules
from scheduling.models import (
    Absence,
    Appointment,
    AppointmentHistory,
    ExtraHours,
    RebookingItem,
    Resource,
    ResourceBooking,
    WeeklyHours,
)
from sdv.common.errors import InputError, RuleError
from sdv.common.time import at_local, local
from sdv.flows import cancellation, deceased, invariants
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY

MONDAY = date(2026, 11, 23)
MORNING = at_local(MONDAY, time(9, 0))


def office_hours(clinic, **fields):
    """The nurse sees patients 08–12 on weekdays, and has no other times."""
    clinic.nurse_resource.weekly_hours.all().delete()
    wanted = {"from_time": time(8), "to_time": time(12), "slot_minutes": 30, "valid_from": TODAY} | fields
    return schedules.add_hours(
        resource_id=clinic.nurse_resource.pk, weekdays=[1, 2, 3, 4, 5], by=clinic.nurse, at=NOW, **wanted
    )


def times(clinic, first, last=None):
    found = slots.free(
        care_unit=clinic.unit,
        visit_type=clinic.nurse_visit,
        from_day=first,
        to_day=last or first,
        at=NOW,
        resource_ids=[clinic.nurse_resource.pk],
    )
    return [f"{local(slot.start):%m-%d %H:%M}" for slot in found]


def away(clinic, start, end, *, resource=None, kind="leave", at=NOW, by=None):
    return absences.register(
        care_unit=clinic.unit,
        resource_id=None if kind == "closure" else (resource or clinic.nurse_resource).pk,
        kind=kind,
        start=start,
        end=end,
        by=by or clinic.nurse,
        at=at,
    )


def broken():
    return {each.name: each.rows(NOW).count() for each in invariants.INVARIANTS if each.rows(NOW).count()}


@pytest.fixture
def booked(health_centre):
    """A patient booked with the nurse on Monday morning."""
    return health_centre.book(health_centre.patient(), MORNING)


# --- The week ---------------------------------------------------------------------------------------------------------


def test_a_week_holds_from_its_first_to_its_last_day(health_centre):
    """BO-01"""
    office_hours(health_centre, valid_from=MONDAY, valid_to=MONDAY + DAY)
    assert times(health_centre, TODAY, TODAY + 9 * DAY) == [
        f"11-{day} {clock}" for day in (23, 24) for clock in
        ("08:00", "08:30", "09:00", "09:30", "10:00", "10:30", "11:00", "11:30")
    ]  # fmt: skip


def test_hours_that_end_leave_what_is_booked_as_it_is(health_centre, booked):
    """BO-01, PL-02: it stands on the rebooking list, see test_changed_hours."""
    told = {"accept_warnings": ["PL-02"], "by": health_centre.nurse, "at": NOW}
    ended = [
        schedules.end_hours(hours_id=row.pk, valid_to=TODAY, **told)
        for row in health_centre.nurse_resource.weekly_hours.all()
    ]
    assert {row.valid_to for row in ended} == {TODAY}
    assert times(health_centre, MONDAY) == []
    assert Appointment.objects.get(pk=booked.pk).status == "booked"
    with pytest.raises(RuleError) as refused:
        health_centre.book(health_centre.patient(), MORNING + HALF_HOUR)
    assert (refused.value.rule, refused.value.code) == ("BO-01", "outside_hours")


@pytest.mark.parametrize(
    ("change", "is_refused"),
    [
        ({}, True),
        ({"from_time": time(11, 30), "to_time": time(13)}, True),
        ({"from_time": time(12), "to_time": time(13)}, False),
        ({"valid_from": TODAY + 30 * DAY}, True),
    ],
)
def test_a_tidbok_has_a_time_once(health_centre, change, is_refused):
    """BO-01"""
    office_hours(health_centre)
    before = WeeklyHours.objects.count()
    wanted = {"from_time": time(8), "to_time": time(9), "slot_minutes": 30, "valid_from": TODAY} | change
    wanted |= {"resource_id": health_centre.nurse_resource.pk, "weekdays": [1], "by": health_centre.nurse, "at": NOW}
    if is_refused:
        with pytest.raises(RuleError) as refused:
            schedules.add_hours(**wanted)
        assert (refused.value.rule, refused.value.code) == ("BO-01", "hours_overlap")
        assert "har redan tider måndagar kl. 08.00–12.00" in refused.value.sentence
    else:
        schedules.add_hours(**wanted)
    assert WeeklyHours.objects.count() == before + (not is_refused)


def test_on_holidays_only_hours_that_say_so_are_open(health_centre):
    """BO-01: Christmas 2026 is Thursday to Saturday."""
    office_hours(health_centre)
    christmas = date(2026, 12, 24)
    assert times(health_centre, christmas, christmas + DAY) == []
    found = slots.find(
        care_unit=health_centre.unit,
        visit_type=health_centre.nurse_visit,
        from_day=christmas,
        to_day=christmas + DAY,
        at=NOW,
        resource_ids=[health_centre.nurse_resource.pk],
    )
    assert (found.slots, dict(found.hidden)) == ([], {"helgdag": 16})
    health_centre.nurse_resource.weekly_hours.update(on_holidays=True)
    assert len(times(health_centre, christmas, christmas + DAY)) == 16


def test_extra_times_stand_beside_the_weeks_or_in_their_place(health_centre):
    """BO-01"""
    office_hours(health_centre, from_time=time(8), to_time=time(9))
    extra = {"resource_id": health_centre.nurse_resource.pk, "slot_minutes": 30, "by": health_centre.nurse, "at": NOW}
    beside = schedules.add_extra(day=MONDAY, from_time=time(17), to_time=time(18), **extra)
    schedules.add_extra(day=MONDAY + DAY, from_time=time(10), to_time=time(10, 30), replaces_week=True, **extra)
    assert times(health_centre, MONDAY, MONDAY + DAY) == [
        "11-23 08:00", "11-23 08:30", "11-23 17:00", "11-23 17:30", "11-24 10:00",
    ]  # fmt: skip
    with pytest.raises(RuleError):
        schedules.add_extra(day=MONDAY, from_time=time(17, 30), to_time=time(19), **extra)
    with pytest.raises(InputError):
        schedules.add_extra(day=TODAY - DAY, from_time=time(8), to_time=time(9), **extra)
    schedules.remove_extra(extra_id=beside.pk, by=health_centre.nurse, at=NOW)
    assert ExtraHours.objects.count() == 1
    assert times(health_centre, MONDAY) == ["11-23 08:00", "11-23 08:30"]


# --- Absence ------------------------------------------------------------------------------------------------------------


def test_an_absence_is_saved_where_somebody_is_booked_and_the_booking_stands_on_the_rebooking_list(
    health_centre, booked
):
    """PL-02: nothing is cancelled by it; the item has an owner and a day."""
    absence = away(health_centre, MORNING - HALF_HOUR, MORNING + 4 * HALF_HOUR)
    item = RebookingItem.objects.open().get()
    assert (item.absence, item.appointment, item.patient) == (absence, booked, booked.patient)
    assert (item.responsible, item.watch_until) == (health_centre.nurse, MONDAY)
    assert Appointment.objects.get(pk=booked.pk).status == "booked"
    assert broken() == {}


def test_nobody_is_booked_in_an_absence_and_its_times_are_not_offered(health_centre):
    """PL-02, PL-07"""
    office_hours(health_centre)
    away(health_centre, MORNING, MORNING + HALF_HOUR)
    assert "11-23 09:00" not in times(health_centre, MONDAY)
    with pytest.raises(RuleError) as refused:
        health_centre.book(health_centre.patient(), MORNING)
    assert (refused.value.rule, refused.value.code) == ("PL-02", "absent")
    assert "Sara Norén är inte på plats 2026-11-23 kl. 09.00: ledighet." in refused.value.sentence
    # Who overbooks goes beside the tidbok, not into an absence or a closure (BO-01).
    health_centre.unit.allows_overbooking = True
    health_centre.unit.save()
    with pytest.raises(RuleError) as refused:
        health_centre.book(health_centre.patient(), MORNING, overbook=True)
    assert (refused.value.rule, refused.value.code) == ("PL-02", "absent")
    assert not Appointment.objects.exists() and not ResourceBooking.objects.exists()
    early = health_centre.book(health_centre.patient(), MORNING - 2 * HALF_HOUR, overbook=True)
    assert early.is_overbooked
    assert broken() == {}


def test_a_closure_hits_everybody_at_the_unit_and_nobody_elsewhere(health_centre, clinic):
    """PL-02"""
    mine = health_centre.book(health_centre.patient(), MORNING)
    doctors = health_centre.book(
        health_centre.patient(), MORNING, resource=health_centre.doctor_resource, visit_type=health_centre.doctor_visit
    )
    patient = clinic.patient(identity="191001029816")
    clinic.commitment(patient)
    clinic.book(patient, MORNING)
    health_centre.book(health_centre.patient(), MORNING + DAY)
    away(health_centre, MORNING - HALF_HOUR, MORNING + HALF_HOUR, kind="closure")
    assert {item.appointment_id for item in RebookingItem.objects.open()} == {mine.pk, doctors.pk}


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (MORNING, MORNING, "invalid_time"),
        (NOW - DAY, NOW, "in_the_past"),
        (MORNING, MORNING + timedelta(days=800), "invalid_time"),
    ],
)
def test_an_absence_has_a_length_and_is_not_over(health_centre, start, end, code):
    """PL-02"""
    with pytest.raises(RuleError) as refused:
        away(health_centre, start, end)
    assert (refused.value.rule, refused.value.code) == ("PL-02", code)
    with pytest.raises(InputError):
        absences.register(
            care_unit=health_centre.unit, kind="leave", start=MORNING, end=MORNING + DAY, by=health_centre.nurse, at=NOW
        )
    assert not Absence.objects.exists()


def test_the_database_holds_an_absence_to_its_form(health_centre):
    """PL-02"""
    made = away(health_centre, MORNING, MORNING + DAY)
    for change in ({"kind": "closure"}, {"kind": "sick"}, {"resource": None}, {"withdrawn_at": NOW}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Absence.objects.filter(pk=made.pk).update(**change)


def test_two_absences_over_one_booking_are_one_thing_to_do(health_centre, booked):
    """PL-02: and one's own repeated click is one absence (PL-27)."""
    first = away(health_centre, MORNING, MORNING + HALF_HOUR)
    assert away(health_centre, MORNING, MORNING + HALF_HOUR) == first
    away(health_centre, MORNING - DAY, MORNING + DAY, kind="training")
    assert Absence.objects.count() == 2
    assert RebookingItem.objects.count() == 1
    # The first is withdrawn; the second still hits the booking.
    absences.withdraw(absence_id=first.pk, by=health_centre.nurse, at=NOW)
    assert [(item.status, item.decision) for item in RebookingItem.objects.order_by("id")] == [
        ("done", "withdrawn"),
        ("open", ""),
    ]
    assert broken() == {}


def test_a_withdrawn_absence_leaves_the_bookings_where_they_are(health_centre, booked):
    """PL-02"""
    absence = away(health_centre, MORNING, MORNING + HALF_HOUR)
    absences.withdraw(absence_id=absence.pk, by=health_centre.doctor, at=NOW)
    assert not RebookingItem.objects.open().exists()
    health_centre.book(health_centre.patient(), MORNING + HALF_HOUR)
    with pytest.raises(RuleError) as refused:
        absences.withdraw(absence_id=absence.pk, by=health_centre.nurse, at=NOW)
    assert (refused.value.code, refused.value.by) == ("already_done", "Anna Holm")
    assert broken() == {}


# --- Until rebooked or ended ----------------------------------------------------------------------------------------------


def test_the_first_proposal_is_the_same_vardgivare_then_the_nearest_with_anybody(health_centre, booked):
    """PL-02"""
    other, colleague = health_centre._caregiver("Ssk", "Eva", "Ek", health_centre.unit.name)
    away(health_centre, MORNING - HALF_HOUR, MORNING + 2 * HALF_HOUR)
    item = RebookingItem.objects.get()
    proposed = [(slot.resource, slot.start) for slot in rebooking.proposals(item, at=NOW)]
    assert proposed == [
        (health_centre.nurse_resource, MORNING + 2 * HALF_HOUR),
        (colleague, MORNING),
        (colleague, MORNING + HALF_HOUR),
    ]
    assert other.name == "Eva Ek"


def test_a_moved_booking_leaves_the_list_as_the_providers_doing(health_centre, booked):
    """PL-02, BO-03"""
    away(health_centre, MORNING, MORNING + HALF_HOUR)
    item = RebookingItem.objects.get()
    (slot, *_) = rebooking.proposals(item, at=NOW)
    appointments.reschedule(
        appointment_id=booked.pk,
        start=slot.start,
        end=slot.end,
        by=health_centre.doctor,
        at=NOW,
        changed_by="patient",
    )
    item.refresh_from_db()
    assert (item.status, item.decision, item.decided_by) == ("done", "rebooked", health_centre.doctor)
    moved = AppointmentHistory.objects.get(event="rescheduled")
    assert (moved.initiated_by, moved.start_before, moved.start_after) == ("provider", MORNING, slot.start)
    with pytest.raises(RuleError) as refused:
        rebooking.refuse_done(item.pk)
    assert (refused.value.code, refused.value.by) == ("already_done", "Anna Holm")


def test_a_booking_moved_for_no_absence_says_whose_doing_it_was(health_centre, booked):
    """BO-03"""
    appointments.reschedule(
        appointment_id=booked.pk,
        start=MORNING + DAY,
        end=MORNING + DAY + HALF_HOUR,
        by=health_centre.nurse,
        at=NOW,
        changed_by="patient",
    )
    assert AppointmentHistory.objects.get(event="rescheduled").initiated_by == "patient"


def test_a_booking_cannot_be_moved_into_another_absence_and_stays_on_the_list(health_centre, booked):
    """PL-02"""
    away(health_centre, MORNING, MORNING + HALF_HOUR)
    away(health_centre, MORNING + DAY, MORNING + 2 * DAY)
    with pytest.raises(RuleError) as refused:
        appointments.reschedule(
            appointment_id=booked.pk, start=MORNING + DAY, end=MORNING + DAY + HALF_HOUR, by=health_centre.nurse, at=NOW
        )
    assert refused.value.code == "absent"
    assert RebookingItem.objects.open().count() == 1
    assert Appointment.objects.get(pk=booked.pk).start == MORNING


def test_what_ends_the_booking_ends_the_item_and_an_undo_puts_it_back(clinic):
    """PL-02, UT-07: cancelled the patient waits again; arrived or missed the visit says what comes next."""
    for number, (how, act) in enumerate(
        {
            "cancelled": lambda pk: cancellation.cancel(
                appointment_id=pk, cancelled_by="provider", reason="Semester", by=clinic.nurse, at=NOW
            ),
            "arrived": lambda pk: appointments.arrive(appointment_id=pk, by=clinic.nurse, at=NOW),
            "no_show": lambda pk: cancellation.cancel(
                appointment_id=pk, cancelled_by="patient", reason="Förhinder", by=clinic.nurse, at=NOW
            ),
        }.items()
    ):
        start = NOW + (number + 1) * 2 * HALF_HOUR
        patient = clinic.patient()
        clinic.commitment(patient)
        booking = clinic.book(patient, start)
        away(clinic, start, start + HALF_HOUR)
        act(booking.pk)
        item = RebookingItem.objects.get(appointment=booking)
        assert (item.status, item.decision) == ("done", how)
        if how == "arrived":
            appointments.undo(appointment_id=booking.pk, by=clinic.nurse, at=NOW)
            assert RebookingItem.objects.open().get().appointment == booking
    assert promises.broken(at=NOW).count() == 0
    assert broken() == {}


def test_a_booking_whose_day_has_passed_stays_on_the_list_and_keeps_the_promise(clinic):
    """PL-02, UT-07"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    clinic.book(patient, MORNING)
    away(clinic, MORNING, MORNING + HALF_HOUR)
    commitment.referrals.update(status="closed")
    assert promises.broken(at=MORNING + 3 * DAY).count() == 0
    RebookingItem.objects.update(status="done", decided_at=NOW, decided_by=clinic.nurse)
    assert promises.broken(at=MORNING + 3 * DAY).get() == commitment


def test_a_death_ends_the_items_and_its_undo_brings_them_back_with_their_bookings(health_centre, booked):
    """PL-02, AV-02, AV-03"""
    away(health_centre, MORNING, MORNING + HALF_HOUR)
    deceased.register(
        patient_id=booked.patient_id, deceased_on=TODAY, reason="Dödsbevis", by=health_centre.doctor, at=NOW
    )
    assert not RebookingItem.objects.open().exists()
    away(health_centre, MORNING - HALF_HOUR, MORNING + HALF_HOUR, kind="training")
    deceased.undo(patient_id=booked.patient_id, reason="Fel person", by=health_centre.doctor, at=NOW)
    assert RebookingItem.objects.open().get().appointment == booked
    assert broken() == {}


def test_what_was_cancelled_by_a_death_and_hit_by_an_absence_meanwhile_is_listed_when_it_comes_back(
    health_centre, booked
):
    """PL-02, AV-03"""
    deceased.register(
        patient_id=booked.patient_id, deceased_on=TODAY, reason="Dödsbevis", by=health_centre.doctor, at=NOW
    )
    away(health_centre, MORNING, MORNING + HALF_HOUR)
    assert not RebookingItem.objects.exists()
    deceased.undo(patient_id=booked.patient_id, reason="Fel person", by=health_centre.doctor, at=NOW)
    assert RebookingItem.objects.open().get().appointment == booked
    assert broken() == {}


# --- Rooms --------------------------------------------------------------------------------------------------------------


def test_a_room_without_hours_is_open_and_a_room_with_hours_keeps_them(health_centre):
    """BO-01"""
    room = Resource.objects.create(care_unit=health_centre.unit, kind="room", name="Rum 1")
    both = [health_centre.nurse_resource.pk, room.pk]
    health_centre.book(health_centre.patient(), MORNING, resource_ids=both)
    WeeklyHours.objects.create(resource=room, weekday=2, from_time=time(8), to_time=time(9))
    with pytest.raises(RuleError) as refused:
        health_centre.book(health_centre.patient(), MORNING + HALF_HOUR, resource_ids=both)
    assert refused.value.code == "outside_hours" and "Rum 1" in refused.value.sentence
