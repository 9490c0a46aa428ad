"""Many want one time (BO-01, PL-07). The lock on the resource is the queue, the exclusion constraint only the net."""

import contextlib
import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError

from registration.models import Encounter, EncounterHistory
from scheduling.actions import appointments, booking, resource_bookings
from scheduling.models import Appointment, BookingState, Resource, ResourceBooking
from sdv.common.errors import RuleError
from sdv.flows import invariants
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.races.together import numbers, one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 32
START = NOW + 2 * DAY
SECOND = timedelta(seconds=1)
DEADLOCK = "40P01"


@pytest.fixture
def health_centre():
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def waiting_patients(clinic, count):
    return [clinic.patient(identity=number) for number in numbers(count)]


def test_of_32_who_want_one_time_exactly_one_gets_it_and_the_rest_are_shown_the_next_three(health_centre):
    """BO-01, PL-07: no deadlock; how long the last one waits is the bench's to measure."""
    patients = waiting_patients(health_centre, CLIENTS)
    asked = [partial(health_centre.book, patient, START) for patient in patients]
    booked, refused = one_winner(together(*asked, longest_wait=10 * SECOND))
    assert [type(refusal) for refusal in refused] == [RuleError] * (CLIENTS - 1)
    assert {(refusal.rule, refusal.code) for refusal in refused} == {("BO-01", "slot_taken")}
    for refusal in refused:
        offered = [(slot.resource, slot.start) for slot in refusal.alternatives]
        assert offered == [(health_centre.nurse_resource, START + step * HALF_HOUR) for step in (1, 2, 3)]
    taken = ResourceBooking.objects.get()
    assert (taken.appointment_id, taken.resource, taken.seat) == (booked.pk, health_centre.nurse_resource, 1)
    assert (taken.period.lower, taken.period.upper) == (START, START + HALF_HOUR)
    # The refused left nothing behind.
    assert (Appointment.objects.count(), Encounter.objects.count(), EncounterHistory.objects.count()) == (1, 1, 1)
    broken = {invariant.name: invariant.rows(NOW).count() for invariant in invariants.INVARIANTS}
    assert set(broken.values()) == {0}, broken


def test_with_the_lock_only_one_of_two_ever_reaches_the_constraint(health_centre, monkeypatch):
    """BO-01: whoever comes second finds the time taken and writes nothing."""
    meeting = writers_meet(monkeypatch)
    patients = waiting_patients(health_centre, 2)
    _, (refusal,) = one_winner(together(*[partial(health_centre.book, patient, START) for patient in patients]))
    assert refusal.code == "slot_taken"
    assert meeting.broken


def test_without_the_lock_both_reach_it_and_the_constraint_lets_one_through(health_centre, monkeypatch):
    """BO-01: that the lock matters, and that the net holds all the same. Two who write at once may end in a deadlock,
    which the database breaks: what the lock spares the users."""
    monkeypatch.setattr(booking, "lock_resources", lambda ids, care_unit: list(Resource.objects.filter(pk__in=ids)))
    meeting = writers_meet(monkeypatch)
    patients = waiting_patients(health_centre, 2)
    _, (loser,) = one_winner(
        together(*[partial(health_centre.book, patient, START) for patient in patients], longest_wait=10 * SECOND)
    )
    assert not meeting.broken
    assert getattr(loser, "code", None) == "slot_taken" or is_deadlock(loser)
    assert ResourceBooking.objects.count() == 1


def test_the_resources_of_a_booking_are_locked_in_one_order(health_centre):
    """BO-01: two who book the same nurse and doctor, named in opposite orders, never lock each other out."""
    resources = [health_centre.nurse_resource.pk, health_centre.doctor_resource.pk]
    patients = waiting_patients(health_centre, 8)
    orders = [resources, resources[::-1]] * 4
    booked, refused = one_winner(
        together(
            *[
                partial(health_centre.book, patient, START, resource_ids=order)
                for patient, order in zip(patients, orders, strict=True)
            ]
        )
    )
    assert {getattr(refusal, "code", refusal) for refusal in refused} == {"slot_taken"}
    assert booked.resource_bookings.count() == ResourceBooking.objects.count() == 2


def test_of_two_units_that_book_one_person_at_once_one_has_the_time(health_centre, monkeypatch):
    """PL-06, BO-01: the lock is on the person, not on the unit's resource: nobody reaches the constraint."""
    other = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Söder")
    other.nurse_resource.practitioner = health_centre.nurse_resource.practitioner
    other.nurse_resource.save()
    patients = waiting_patients(health_centre, 2)
    meeting = writers_meet(monkeypatch)
    acts = [
        partial(clinic.book, patient, START) for clinic, patient in zip((health_centre, other), patients, strict=True)
    ]
    booked, (refusal,) = one_winner(together(*acts))
    assert (refusal.code, refusal.sentence.count("på en annan enhet")) == ("slot_taken", 1)
    assert meeting.broken
    assert ResourceBooking.objects.get().appointment == booked


def test_of_those_who_hold_one_time_at_once_one_has_it(health_centre):
    """PL-07, BO-01"""
    holders = [health_centre.nurse, health_centre.doctor] + [
        health_centre.staff(username=f"kassa{number}") for number in range(6)
    ]
    held, refused = one_winner(
        together(
            *[
                partial(
                    resource_bookings.hold,
                    resource_id=health_centre.nurse_resource.pk,
                    start=START,
                    end=START + HALF_HOUR,
                    by=holder,
                    at=NOW,
                )
                for holder in holders
            ]
        )
    )
    assert {getattr(refusal, "code", refusal) for refusal in refused} == {"slot_taken"}
    assert ResourceBooking.objects.get() == held
    assert held.state == BookingState.HELD


def test_rebooked_to_one_free_time_at_once_one_is_moved_and_the_other_keeps_its_own(health_centre):
    """PL-08, BO-03: nothing is released before the new is had."""
    visits = [
        health_centre.book(patient, START + hours * DAY)
        for hours, patient in enumerate(waiting_patients(health_centre, 2), start=1)
    ]
    wanted = START + 5 * DAY
    moved, (refusal,) = one_winner(
        together(
            *[
                partial(
                    appointments.reschedule,
                    appointment_id=visit.pk,
                    start=wanted,
                    end=wanted + HALF_HOUR,
                    by=health_centre.nurse,
                    at=NOW,
                )
                for visit in visits
            ]
        )
    )
    assert refusal.code == "slot_taken"
    (kept,) = [visit for visit in visits if visit.pk != moved.pk]
    assert moved.resource_bookings.get().period.lower == wanted
    assert kept.resource_bookings.get().period.lower == kept.start
    assert Appointment.objects.get(pk=kept.pk).version == 1


def test_two_who_swap_times_never_lock_each_other_out(health_centre):
    """PL-08: both times are taken when asked for, so both are refused, and nobody waits in vain."""
    first, second = (
        health_centre.book(patient, START, resource=resource)
        for patient, resource in zip(
            waiting_patients(health_centre, 2),
            [health_centre.nurse_resource, health_centre.doctor_resource],
            strict=True,
        )
    )
    fields = {"start": START, "end": START + HALF_HOUR, "by": health_centre.nurse, "at": NOW}
    answers = together(
        partial(
            appointments.reschedule,
            appointment_id=first.pk,
            resource_ids=[health_centre.doctor_resource.pk],
            **fields,
        ),
        partial(
            appointments.reschedule,
            appointment_id=second.pk,
            resource_ids=[health_centre.nurse_resource.pk],
            **fields,
        ),
    )
    assert [getattr(answer, "code", answer) for answer in answers] == ["slot_taken", "slot_taken"]
    assert ResourceBooking.objects.get(appointment=first).resource == health_centre.nurse_resource
    assert ResourceBooking.objects.get(appointment=second).resource == health_centre.doctor_resource


def writers_meet(monkeypatch):
    """Makes whoever is about to write the row that takes the time wait for the other who is too: half a second, then
    the barrier is broken."""
    meeting = threading.Barrier(2)
    create = ResourceBooking.objects.create

    def meet_then_create(**fields):
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(0.5)
        return create(**fields)

    monkeypatch.setattr(ResourceBooking.objects, "create", meet_then_create)
    return meeting


def is_deadlock(error):
    return isinstance(error, OperationalError) and error.__cause__.sqlstate == DEADLOCK
