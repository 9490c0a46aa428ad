"""One person with a tidbok at two units is booked once, whatever the door (PL-06)."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from scheduling import slots
from scheduling.actions import appointments, resource_bookings, sessions
from scheduling.models import Appointment, FreedTime, Resource, ResourceBooking
from sdv.common.errors import RuleError
from sdv.flows import cancellation, deceased
from tests import factories
from tests.clinic import DAY, EVENING, HALF_HOUR, NOW, TODAY, Clinic

START = NOW + 2 * DAY


@pytest.fixture
def other(health_centre):
    """Another vårdcentral, where the nurse of the first works too."""
    other = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Söder")
    other.nurse_resource.practitioner = health_centre.nurse_resource.practitioner
    other.nurse_resource.save(update_fields=["practitioner"])
    return other


def starts(clinic):
    found = slots.free(
        care_unit=clinic.unit, visit_type=clinic.nurse_visit, from_day=START.date(), to_day=START.date(), at=NOW
    )
    return {slot.start for slot in found}


def refusal(act, *args, **fields):
    with pytest.raises(RuleError) as error:
        act(*args, **fields)
    return error.value


def held(clinic, start=START, at=NOW, by=None):
    resource_id = clinic.nurse_resource.pk
    return resource_bookings.hold(
        resource_id=resource_id, start=start, end=start + HALF_HOUR, by=by or clinic.nurse, at=at
    )


def test_who_is_booked_at_one_unit_is_taken_at_the_other(health_centre, other):
    """PL-06, BO-01, PL-07: not shown as free, refused with the next times, at every act that takes time; overlapping is
    enough. The other unit is not named."""
    visit = health_centre.book(health_centre.patient(), START)
    late = START + timedelta(minutes=15)
    patient = other.patient(identity="189010319813")
    assert START not in starts(other) and START + HALF_HOUR in starts(other)
    moved = other.book(patient, START + DAY)
    times = {"start": late, "end": late + HALF_HOUR, "by": other.nurse, "at": NOW}
    group = {"care_unit": other.unit, "name": "Fotskola", "visit_type": other.nurse_visit, "seats": 4}
    group |= {"contact_reason_id": other.reason.pk, "resource_ids": [other.nurse_resource.pk]}
    refused = [
        refusal(other.book, patient, late),
        refusal(appointments.reschedule, appointment_id=moved.pk, **times),
        refusal(held, other, late),
        refusal(sessions.plan, **group, **times),
    ]
    told = "Sara Norén är redan bokad 2026-11-22 kl. 09.15 på en annan enhet. Välj en annan tid."
    assert {(each.rule, each.code, each.sentence) for each in refused} == {("BO-01", "slot_taken", told)}
    assert [slot.start for slot in refused[0].alternatives] == [START + step * HALF_HOUR for step in (1, 2, 3)]
    assert set(Appointment.objects.values_list("start", flat=True)) == {START, START + DAY}
    assert ResourceBooking.objects.count() == 2
    # What is called off is free at both.
    cancellation.cancel(
        appointment_id=visit.pk, cancelled_by="provider", reason="Läkaren är sjuk", by=health_centre.nurse, at=NOW
    )
    assert START in starts(other)
    freed = FreedTime.objects.get(resource=health_centre.nurse_resource)
    assert other.book(patient, START).start == START
    assert freed not in FreedTime.objects.usable(NOW)


def test_a_hold_at_one_unit_keeps_the_person_from_the_other_as_long_as_it_lasts(health_centre, other):
    """PL-07: what has run out gives way, and one's own is replaced."""
    held(health_centre)
    assert START not in starts(other)
    assert refusal(held, other).code == "slot_taken"
    later = NOW + timedelta(minutes=2)
    mine = held(other, at=later)
    assert ResourceBooking.objects.get() == mine
    again = held(health_centre, at=later, by=other.nurse)
    assert ResourceBooking.objects.get() == again


def test_the_database_itself_refuses_a_person_in_two_places(health_centre, other):
    """PL-06: by SQL too, whoever the row is said to be of; and a resource does not become somebody who is booked then."""
    first = health_centre.book(health_centre.patient(), START)
    second = other.book(other.patient(identity="189010319813"), START + DAY)
    taken = ResourceBooking.objects.get(appointment=second)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE scheduling_resourcebooking SET practitioner_id = NULL")
    period = first.resource_bookings.get().period
    with pytest.raises(IntegrityError, match="person_never_double_booked"), transaction.atomic():
        ResourceBooking.objects.filter(pk=taken.pk).update(period=period)
    doctor = other.book(other.patient(identity="189012049814"), START, resource=other.doctor_resource)
    practitioner = other.nurse_resource.practitioner
    with pytest.raises(IntegrityError, match="person_never_double_booked"), transaction.atomic():
        Resource.objects.filter(pk=other.doctor_resource.pk).update(practitioner=practitioner)
    assert doctor.resource_bookings.get().practitioner == other.doctor_resource.practitioner


def test_a_person_overbooked_over_another_unit_has_another_seat(health_centre, other):
    """PL-06: a permission of the unit, and another seat."""
    health_centre.book(health_centre.patient(), START)
    patient, told = other.patient(identity="189010319813"), {"overbook": True, "reason": "Akut"}
    assert refusal(other.book, patient, START, **told).code == "no_overbooking"
    other.unit.allows_overbooking = True
    other.unit.save()
    visit = other.book(patient, START, **told)
    assert (visit.is_overbooked, visit.resource_bookings.get().seat) == (True, 2)


def test_a_death_taken_back_does_not_take_the_time_of_a_person_booked_elsewhere_since(health_centre, other):
    """AV-03, PL-06"""
    dead = health_centre.patient()
    visit = health_centre.book(dead, START)
    act = {"by": health_centre.doctor, "at": EVENING}
    deceased.register(patient_id=dead.pk, deceased_on=TODAY, reason="Dödsbevis", **act)
    other.book(other.patient(identity="189010319813"), START)
    (left,) = deceased.undo(patient_id=dead.pk, reason="Fel person", **act)
    assert left.sentence == "Tiden 2026-11-22 kl. 09.00 är tagen av någon annan. Boka en ny tid."
    assert not visit.resource_bookings.exists()


def test_one_person_s_visit_is_moved_between_two_resources_of_one_unit(health_centre):
    """PL-08, PL-06: it does not stand in its own way."""
    person = health_centre.nurse_resource.practitioner
    phone = Resource.objects.create(
        care_unit=health_centre.unit, kind="person", name="Sara Norén, telefon", practitioner=person
    )
    for weekday in range(1, 8):
        factories.WeeklyHoursFactory(resource=phone, weekday=weekday, on_holidays=True)
    visit = health_centre.book(health_centre.patient(), START)
    times = {"start": START, "end": START + HALF_HOUR, "by": health_centre.nurse, "at": NOW}
    appointments.reschedule(appointment_id=visit.pk, resource_ids=[phone.pk], **times)
    assert visit.resource_bookings.get().resource == phone


def test_a_region_with_persons_booked_twice_is_told_which_before_anything_is_changed(health_centre, other):
    """PL-06: the migration stops with a list instead of failing on the first."""
    check = import_module("scheduling.migrations.0022_one_person").refuse_double_booked
    first = health_centre.book(health_centre.patient(), START).resource_bookings.get()
    other.unit.allows_overbooking = True
    other.unit.save()
    patient = other.patient(identity="189010319813")
    second = other.book(patient, START, overbook=True, reason="Akut").resource_bookings.get()
    check(apps, connection.schema_editor())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE scheduling_resourcebooking DROP CONSTRAINT person_never_double_booked")
    ResourceBooking.objects.filter(pk=second.pk).update(seat=1)
    with pytest.raises(RuntimeError, match=f"{first.pk} och {second.pk}"):
        check(apps, connection.schema_editor())
