"""Two call the same patient, and many arrive at once: one call, and a number each (PL-17, PL-27)."""

from functools import partial

import pytest

from registration.actions import waiting_room
from registration.models import QueueTicket
from scheduling.actions import appointments
from sdv.common.errors import RuleError
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.races.together import numbers, one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def centre():
    centre = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    waiting_room.add_screen(care_unit=centre.unit, name="Väntrum")
    return centre


def test_of_six_who_call_one_has_called(centre):
    encounter = centre.arrived(centre.patient()).encounter
    by = (centre.nurse, centre.doctor)
    calls = [
        partial(waiting_room.call, encounter_id=encounter.pk, room=f"Rum {n}", by=by[n % 2], at=NOW) for n in range(6)
    ]
    won, lost = one_winner(together(*calls))
    assert {(type(each), each.code) for each in lost} == {(RuleError, "already_done")}
    ticket = QueueTicket.objects.get()
    assert (ticket.times_called, ticket.room, ticket.called_by) == (1, won.room, won.called_by)


def test_ten_who_arrive_at_once_have_a_number_each(centre):
    bookings = [
        centre.book(centre.patient(identity=number), NOW + n * HALF_HOUR, at=NOW - DAY)
        for n, number in enumerate(numbers(10))
    ]
    together(*[partial(appointments.arrive, appointment_id=each.pk, by=centre.nurse, at=NOW) for each in bookings])
    assert sorted(QueueTicket.objects.values_list("number", flat=True)) == list(range(1, len(bookings) + 1))
