"""What a change of the tidbok does to those who are booked: a resource's first and last day, hours that end, days with
hours of their own (BO-01, PL-02)."""

from datetime import date, time

import pytest

from scheduling import slots
from scheduling.actions import appointments, resource_bookings, schedules
from scheduling.models import Appointment, Resource, ResourceBooking
from sdv.common.errors import RuleError
from sdv.common.time import at_local, local
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
