"""What a change of the tidbok does to those who are booked: a resource's first and last day, hours that end, days with
hours of their own (BO-01, PL-02)."""

from datetime import date, time

import pytest

from scheduling import slots
from scheduling.actions import absences, appointments, rebooking, resource_bookings, schedules, sessions
from scheduling.models import (
    Appointment,
    AppointmentHistory,
    ExtraHours,
    FreedTime,
    RebookingItem,
    Resource,
    ResourceBooking,
    WeeklyHours,
)
from sdv.common.errors import RuleError
from sdv.common.time import at_local, local
from sdv.flows import deceased, invariants
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY

MONDAY = date(2026, 11, 23)
MORNING = at_local(MONDAY, time(9, 0))


def found(clinic, first, last, **fields):
    return slots.find(
        care_unit=clinic.unit, visit_type=clinic.nurse_visit, from_day=first, to_day=last, at=NOW, **fields
    )


def starts(found):
    return [f"{local(slot.start):%m-%d %H:%M}" for slot in found.slots]


@pytest.fixture
def office(health_centre):
    """The nurse sees patients 9–10 on weekdays, and has no other times."""
    health_centre.nurse_resource.weekly_hours.all().delete()
    schedules.add_hours(
        resource_id=health_centre.nurse_resource.pk,
        weekdays=[1, 2, 3, 4, 5],
        from_time=time(9),
        to_time=time(10),
        slot_minutes=30,
        valid_from=TODAY,
        by=health_centre.nurse,
        at=NOW,
    )
    return health_centre


def act(clinic, *, accepted=True):
    """Who changes, when, and that whom it hits has been told."""
    return {"by": clinic.nurse, "at": NOW, "accept_warnings": ["PL-02"] if accepted else []}


def end_all(clinic, last, **fields):
    for row in WeeklyHours.objects.filter(resource=clinic.nurse_resource).order_by("weekday"):
        schedules.end_hours(hours_id=row.pk, valid_to=last, **(act(clinic) | fields))


def listed():
    """The bookings on Ombokningar, each with whose tidbok it is because of, or None."""
    return {item.appointment_id: item.resource_id for item in RebookingItem.objects.open()}


def broken():
    return {each.name: each.rows(NOW).count() for each in invariants.INVARIANTS if each.rows(NOW).count()}


# --- A resource's first and last day ------------------------------------------------------------------------------------


def test_a_search_past_the_last_day_of_a_resource_gives_no_times_after_it_and_says_so(office):
    """BO-01, PL-07: asked of each day, not once of the search; so too before the first day."""
    Resource.objects.filter(pk=office.nurse_resource.pk).update(valid_from=MONDAY, valid_to=MONDAY + DAY)
    shown = found(office, TODAY, MONDAY + 3 * DAY, resource_ids=[office.nurse_resource.pk])
    assert starts(shown) == ["11-23 09:00", "11-23 09:30", "11-24 09:00", "11-24 09:30"]
    # Today's at 9.00 has begun and can be booked until it ends (PL-23): with 9.30, and Wednesday's and Thursday's two.
    assert dict(shown.hidden) == {"resursen slutar eller har inte börjat": 6}
    assert starts(found(office, TODAY, MONDAY + 3 * DAY)) == starts(shown)


def test_nobody_is_booked_after_the_last_day_at_any_door_and_nothing_is_taken(office):
    """BO-01: not by a hold, a booking, knowingly beside the tidbok, a move, nor with a room that has gone."""
    booked = office.book(office.patient(), MORNING)
    office.unit.allows_overbooking = True
    office.unit.save()
    room = Resource.objects.create(care_unit=office.unit, kind="room", name="Rum 1", valid_to=MONDAY)
    Resource.objects.filter(pk=office.nurse_resource.pk).update(valid_to=MONDAY)
    late = MORNING + DAY
    taken = set(ResourceBooking.objects.values_list("resource", "period"))
    told = {"end": late + HALF_HOUR, "by": office.nurse, "at": NOW}
    doors = {
        "hold": lambda: resource_bookings.hold(resource_id=office.nurse_resource.pk, start=late, **told),
        "booking": lambda: office.book(office.patient(), late),
        "overbooking": lambda: office.book(office.patient(), late, overbook=True),
        "move": lambda: appointments.reschedule(appointment_id=booked.pk, start=late, **told),
        "room": lambda: office.book(
            office.patient(),
            late,
            resource_ids=[office.doctor_resource.pk, room.pk],
            visit_type=office.doctor_visit,
        ),
    }
    for name, act in doors.items():
        with pytest.raises(RuleError) as refused:
            act()
        assert (refused.value.rule, refused.value.code) == ("BO-01", "not_there"), name
        who = "Rum 1" if name == "room" else "Sara Norén"
        assert refused.value.sentence == (
            f"{who} finns på enheten till och med 2026-11-23 och kan inte bokas 2026-11-24 kl. 09.00."
            " Välj en tidigare tid eller en annan resurs."
        )
    assert set(ResourceBooking.objects.values_list("resource", "period")) == taken
    assert Appointment.objects.get().start == MORNING


def test_a_room_without_a_week_is_open_whatever_span_is_asked_about_but_on_days_with_hours_of_their_own(office):
    """BO-01"""
    room = Resource.objects.create(care_unit=office.unit, kind="room", name="Rum 1")
    extra = {"resource_id": room.pk, "slot_minutes": 30, "by": office.nurse, "at": NOW}
    schedules.add_extra(day=MONDAY, from_time=time(9, 30), to_time=time(12), replaces_week=True, **extra)
    shown = found(office, MONDAY, MONDAY + DAY, together=[[room.pk]])
    assert starts(shown) == ["11-23 09:30", "11-24 09:00", "11-24 09:30"]


# --- Whom a change hits -------------------------------------------------------------------------------------------------


def test_hours_that_end_tell_first_whom_they_hit_and_then_put_them_on_the_rebooking_list(office):
    """PL-02, BO-01: as an absence does; nothing is cancelled, and the last day's booking stands where it is."""
    kept, hit = office.book(office.patient(), MORNING), office.book(office.patient(), MORNING + 7 * DAY)
    monday = WeeklyHours.objects.get(resource=office.nurse_resource, weekday=1)
    with pytest.raises(RuleError) as told:
        schedules.end_hours(hours_id=monday.pk, valid_to=MONDAY, **act(office, accepted=False))
    assert (told.value.rule, told.value.code, told.value.is_warning) == ("PL-02", "bookings_hit", True)
    assert told.value.sentence == (
        "1 bokning får inte längre plats i tidboken: 2026-11-30 kl. 09.00."
        " Spara ändå, så hamnar den i Ombokningar, eller behåll tiderna."
    )
    assert set(told.value.errors) == {str(hit.pk)}
    monday.refresh_from_db()
    assert (monday.valid_to, listed()) == (None, {})
    schedules.end_hours(hours_id=monday.pk, valid_to=MONDAY, **act(office))
    item = RebookingItem.objects.open().get()
    assert (item.appointment, item.resource, item.absence) == (hit, office.nurse_resource, None)
    assert (item.responsible, item.watch_until) == (office.nurse, TODAY + 3 * DAY)
    assert {row.status for row in Appointment.objects.all()} == {"booked"}
    assert broken() == {}
    # The next free time with the same vårdgivare; moved, it is the provider's doing.
    slot = rebooking.proposals(item, at=NOW)[0]
    assert (slot.resource, slot.start) == (office.nurse_resource, MORNING + 8 * DAY)
    appointments.reschedule(
        appointment_id=hit.pk, start=slot.start, end=slot.end, by=office.doctor, at=NOW, changed_by="patient"
    )
    item.refresh_from_db()
    assert (item.decision, AppointmentHistory.objects.get(event="rescheduled").initiated_by) == ("rebooked", "provider")
    assert (listed(), kept.start) == ({}, MORNING)
    # What the tidbok no longer has is freed for nobody (PL-01).
    assert not FreedTime.objects.exists()


def test_many_that_are_hit_are_told_by_number_and_by_the_first_of_their_times(office):
    """PL-02"""
    for week in range(6):
        office.book(office.patient(), MORNING + 7 * week * DAY)
    monday = WeeklyHours.objects.get(resource=office.nurse_resource, weekday=1)
    with pytest.raises(RuleError) as told:
        schedules.end_hours(hours_id=monday.pk, valid_to=TODAY, **act(office, accepted=False))
    assert told.value.sentence.startswith(
        "6 bokningar får inte längre plats i tidboken: 2026-11-23 kl. 09.00, 2026-11-30"
    )
    assert "2026-12-21 kl. 09.00 med flera. Spara ändå, så hamnar de i Ombokningar" in told.value.sentence


def test_the_change_undone_takes_them_off_again_but_not_whom_something_else_hits(office):
    """PL-02: hours that go on, hours added anew; and an absence over the same time goes on being the cause, or becomes it."""
    row = office.book(office.patient(), MORNING)
    nurse = office.nurse_resource.pk
    end_all(office, TODAY)
    assert listed() == {row.pk: nurse}
    end_all(office, MONDAY)
    assert (listed(), RebookingItem.objects.get().decision) == ({}, "withdrawn")
    end_all(office, TODAY)
    absence = absences.register(
        care_unit=office.unit,
        resource_id=nurse,
        kind="leave",
        start=MORNING,
        end=MORNING + DAY,
        by=office.nurse,
        at=NOW,
    )
    hours = {"resource_id": nurse, "weekdays": [1], "slot_minutes": 30, "from_time": time(8), "to_time": time(11)}
    made = schedules.add_hours(**hours, valid_from=MONDAY, **act(office))
    assert (RebookingItem.objects.open().get().absence, broken()) == (absence, {})
    schedules.end_hours(hours_id=made[0].pk, valid_to=TODAY, **act(office))
    absences.withdraw(absence_id=absence.pk, by=office.nurse, at=NOW)
    assert (listed(), broken()) == ({row.pk: nurse}, {})
    schedules.add_hours(**hours, valid_from=MONDAY, **act(office))
    assert (listed(), broken()) == ({}, {})


def test_a_days_own_hours_in_the_weeks_place_hit_and_so_does_taking_extra_hours_away(office):
    """PL-02, BO-01: on a holiday too, whose hours are the day's own; each is taken back by its opposite."""
    row = office.book(office.patient(), MORNING)
    extra = {"resource_id": office.nurse_resource.pk, "slot_minutes": 30}
    afternoon = {"from_time": time(13), "to_time": time(15)}
    with pytest.raises(RuleError) as told:
        schedules.add_extra(day=MONDAY, **afternoon, replaces_week=True, **extra, **act(office, accepted=False))
    assert (told.value.code, ExtraHours.objects.count()) == ("bookings_hit", 0)
    made = schedules.add_extra(day=MONDAY, **afternoon, replaces_week=True, **extra, **act(office))
    assert listed() == {row.pk: office.nurse_resource.pk}
    schedules.remove_extra(extra_id=made.pk, **act(office))
    assert listed() == {}
    # Beside the week's they hit nobody; taken away they hit who was booked in them.
    christmas_eve = date(2026, 12, 24)
    made = schedules.add_extra(day=christmas_eve, **afternoon, **extra, **act(office, accepted=False))
    then = office.book(office.patient(), at_local(christmas_eve, time(13)))
    schedules.remove_extra(extra_id=made.pk, **act(office))
    assert (listed(), broken()) == ({then.pk: office.nurse_resource.pk}, {})
    with schedules.changing(office.nurse_resource.pk, **act(office)):
        office.nurse_resource.weekly_hours.filter(weekday=4).update(on_holidays=True, to_time=time(16))
    assert listed() == {}


def test_what_was_booked_knowingly_beside_the_tidbok_is_hit_only_by_what_takes_its_own_time_away(office):
    """BO-01, PL-02: not by an unrelated change; by hours that held it, and by a vårdgivare who leaves."""
    office.unit.allows_overbooking = True
    office.unit.save()
    nurse = office.nurse_resource.pk
    evening = office.book(office.patient(), MORNING + 20 * HALF_HOUR, overbook=True)
    office.book(office.patient(), MORNING)
    double = office.book(office.patient(), MORNING, overbook=True)
    friday = WeeklyHours.objects.get(resource=nurse, weekday=5)
    schedules.end_hours(hours_id=friday.pk, valid_to=TODAY, **act(office, accepted=False))
    assert (listed(), broken()) == ({}, {})
    end_all(office, TODAY)
    assert set(listed()) == set(Appointment.objects.exclude(pk=evening.pk).values_list("pk", flat=True))
    for last, gone in ((TODAY, True), (None, False)):
        with schedules.changing(nurse, **act(office)):
            Resource.objects.filter(pk=nurse).update(valid_to=last)
        assert ((evening.pk in listed()), (double.pk in listed())) == (gone, True)
    assert broken() == {}


def test_a_room_is_closed_by_its_first_hours_and_a_team_only_by_its_own_part(office):
    """PL-02, BO-02"""
    room = Resource.objects.create(care_unit=office.unit, kind="room", name="Rum 1")
    nurse, doctor = office.nurse_resource.pk, office.doctor_resource.pk
    with_room = office.book(office.patient(), MORNING, resource_ids=[nurse, room.pk])
    hours = {"weekdays": [1], "slot_minutes": 30, "from_time": time(13), "to_time": time(16), "valid_from": TODAY}
    with pytest.raises(RuleError) as told:
        schedules.add_hours(resource_id=room.pk, **hours, **act(office, accepted=False))
    assert told.value.code == "bookings_hit"
    schedules.add_hours(resource_id=room.pk, **hours, **act(office))
    assert listed() == {with_room.pk: room.pk}
    # The nurse's part comes first, 9.30 to 10; the doctor's after it is not the nurse's to have hours for.
    parts = {nurse: (0, 30), doctor: (30, 30)}
    team = office.book(
        office.patient(),
        MORNING + HALF_HOUR,
        end=MORNING + 3 * HALF_HOUR,
        resource_ids=[nurse, doctor],
        parts=parts,
        main_resource_id=nurse,
    )
    end_all(office, MONDAY)
    assert (team.kind, team.pk in listed(), broken()) == ("team", False, {})
    end_all(office, TODAY)
    assert listed() == {with_room.pk: room.pk, team.pk: nurse}
    assert rebooking.along(RebookingItem.objects.get(appointment=team), nurse) == [doctor]


def test_everybody_of_a_group_whose_leader_has_no_hours_is_listed_and_nobody_more_is_booked(office):
    """PL-02, BO-02"""
    plan = {
        "care_unit": office.unit,
        "visit_type": office.nurse_visit,
        "contact_reason_id": office.reason.pk,
        "seats": 3,
        "resource_ids": [office.nurse_resource.pk],
        "by": office.nurse,
        "at": NOW,
    }
    hit, other = (
        sessions.plan(name="Astmaskola", start=start, end=start + HALF_HOUR, **plan)
        for start in (MORNING, MORNING + DAY)
    )
    told = {"by": office.nurse, "at": NOW}
    rows = [sessions.book(session_id=hit.pk, patient_id=office.patient().pk, **told) for _ in range(2)]
    monday = WeeklyHours.objects.get(resource=office.nurse_resource, weekday=1)
    schedules.end_hours(hours_id=monday.pk, valid_to=TODAY, **act(office))
    assert set(listed()) == {row.pk for row in rows}
    with pytest.raises(RuleError) as refused:
        sessions.book(session_id=hit.pk, patient_id=office.patient().pk, **told)
    assert (refused.value.rule, refused.value.code) == ("BO-01", "outside_hours")
    assert rebooking.seats(RebookingItem.objects.first(), at=NOW) == [other]
    tuesday = WeeklyHours.objects.get(resource=office.nurse_resource, weekday=2)
    schedules.end_hours(hours_id=tuesday.pk, valid_to=TODAY, **act(office))
    assert rebooking.seats(RebookingItem.objects.first(), at=NOW) == []
    assert broken() == {}


def test_what_comes_back_outside_the_tidbok_is_listed_again(office):
    """PL-02, PL-13, AV-03: an arrival undone, a death taken back while the hours were ended."""
    soon = office.book(office.patient(), at_local(TODAY, time(9, 30)))
    later = office.book(office.patient(), MORNING)
    end_all(office, TODAY - DAY)
    appointments.arrive(appointment_id=soon.pk, by=office.nurse, at=NOW)
    assert RebookingItem.objects.get(appointment=soon).decision == "arrived"
    appointments.undo(appointment_id=soon.pk, by=office.nurse, at=NOW)
    told = {"patient_id": later.patient_id, "by": office.doctor, "at": NOW}
    deceased.register(deceased_on=TODAY, reason="Dödsbevis", **told)
    assert listed() == {soon.pk: office.nurse_resource.pk}
    deceased.undo(reason="Fel person", **told)
    assert listed() == dict.fromkeys([soon.pk, later.pk], office.nurse_resource.pk)
    assert broken() == {}


def test_a_last_day_that_comes_nearer_hits_who_is_booked_after_it_and_proposes_others(office):
    """PL-02: what belongs to the resource for good is not carried along."""
    room = Resource.objects.create(care_unit=office.unit, kind="room", name="Rum 1")
    row = office.book(office.patient(), MORNING, resource_ids=[office.nurse_resource.pk, room.pk])
    for resource in (office.nurse_resource, room):
        with schedules.changing(resource.pk, **act(office)) as changed:
            changed.valid_to = TODAY
            changed.save()
    assert listed() == {row.pk: office.nurse_resource.pk}
    _, colleague = office._caregiver("Ssk", "Eva", "Ek", office.unit.name)
    item = RebookingItem.objects.get()
    assert [slot.resource for slot in rebooking.proposals(item, at=NOW)] == [colleague] * 3
    assert rebooking.along(item, colleague.pk) == []
    assert broken() == {}
