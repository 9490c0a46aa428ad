"""A booking and an absence at the same moment: the booking is refused, or it stands on the rebooking list (PL-02)."""

from functools import partial

import pytest

from scheduling import promises
from scheduling.actions import absences, appointments, rebooking, schedules
from scheduling.models import Absence, Appointment, RebookingItem
from sdv.common.errors import RuleError
from sdv.flows import invariants
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.races.together import numbers, one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)
START = NOW + 3 * DAY


@pytest.fixture
def centre():
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def away(centre, by=None):
    return absences.register(
        care_unit=centre.unit,
        resource_id=centre.nurse_resource.pk,
        kind="leave",
        start=START - DAY,
        end=START + DAY,
        by=by or centre.nurse,
        at=NOW,
    )


@pytest.mark.parametrize("round_", range(4))
def test_whoever_comes_first_nobody_is_booked_unseen_in_an_absence(centre, round_):
    """PL-02: bookings are made while the absence is saved; each is listed or refused, none is lost."""
    patients = [centre.patient(identity=number) for number in numbers(8)]
    acts = [partial(centre.book, patient, START + place * HALF_HOUR) for place, patient in enumerate(patients)]
    acts.insert(round_ * 2, partial(away, centre))
    answers = together(*acts)
    booked = [answer for answer in answers if isinstance(answer, Appointment)]
    refused = [answer for answer in answers if isinstance(answer, RuleError)]
    assert len(booked) + len(refused) == 8, answers
    assert {each.code for each in refused} <= {"absent"}
    assert set(RebookingItem.objects.open().values_list("appointment_id", flat=True)) == {each.pk for each in booked}
    assert not promises.in_absence(at=NOW).exists()


def test_the_same_item_moved_by_two_at_once_is_moved_once_and_the_second_hears_of_the_first(centre):
    """PL-02, PL-27"""
    centre.book(centre.patient(identity=next(iter(numbers(1)))), START)
    away(centre)
    item = RebookingItem.objects.get()
    appointment = item.appointment

    def move(by, hours):
        rebooking.refuse_done(item.pk, version=item.version)
        new = START + 2 * DAY + hours * HALF_HOUR
        return appointments.reschedule(
            appointment_id=appointment.pk, start=new, end=new + HALF_HOUR, version=appointment.version, by=by, at=NOW
        )

    won, _lost = one_winner(together(partial(move, centre.nurse, 0), partial(move, centre.doctor, 1)))
    appointment.refresh_from_db()
    assert appointment.start == won.start
    assert RebookingItem.objects.get().decision == "rebooked"
    broken = {each.name: each.rows(NOW).count() for each in invariants.INVARIANTS}
    assert set(broken.values()) == {0}, broken


def test_one_absence_saved_twice_at_once_lists_each_booking_once(centre):
    """PL-02, PL-27"""
    centre.book(centre.patient(identity=next(iter(numbers(1)))), START)
    together(*[partial(away, centre, by) for by in (centre.nurse, centre.nurse, centre.doctor)])
    assert Absence.objects.count() == 2
    assert RebookingItem.objects.open().count() == 1


@pytest.mark.parametrize("round_", range(3))
def test_whoever_comes_first_nobody_is_booked_unseen_outside_hours_that_end(centre, round_):
    """PL-02, BO-01: the same of a tidbok that ends, and of a resource that leaves; each is listed or refused."""
    patients = [centre.patient(identity=number) for number in numbers(6)]
    acts = [partial(centre.book, patient, START + place * HALF_HOUR) for place, patient in enumerate(patients)]
    hours = centre.nurse_resource.weekly_hours.get(weekday=START.isoweekday())
    told = {"by": centre.nurse, "at": NOW, "accept_warnings": ["PL-02"]}

    def leave():
        with schedules.changing(centre.nurse_resource.pk, **told) as resource:
            resource.valid_to = NOW.date()
            resource.save(update_fields=["valid_to"])

    end = partial(schedules.end_hours, hours_id=hours.pk, valid_to=NOW.date(), **told)
    acts.insert(round_ * 2 + 1, leave if round_ == 1 else end)
    answers = together(*acts)
    booked = [answer for answer in answers if isinstance(answer, Appointment)]
    refused = [answer for answer in answers if isinstance(answer, RuleError)]
    assert len(booked) + len(refused) == 6, answers
    assert {each.code for each in refused} <= {"outside_hours", "not_there"}
    assert set(RebookingItem.objects.open().values_list("appointment_id", flat=True)) == {each.pk for each in booked}
    assert not promises.outside_the_tidbok(at=NOW).exists()


@pytest.fixture
def south(centre):
    """Another vårdcentral, where the nurse of the first works too."""
    south = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Söder")
    south.nurse_resource.practitioner = centre.nurse_resource.practitioner
    south.nurse_resource.save(update_fields=["practitioner"])
    return south


def nobody_unseen(answers, wanted):
    """Each of the wanted bookings is listed or refused."""
    booked = {answer.pk for answer in answers if isinstance(answer, Appointment)}
    refused = [answer for answer in answers if isinstance(answer, RuleError)]
    assert len(booked) + len(refused) == wanted, answers
    assert {each.code for each in refused} <= {"absent"}
    assert set(RebookingItem.objects.open().values_list("appointment_id", flat=True)) == booked
    assert not promises.in_absence(at=NOW).exists()


@pytest.mark.parametrize("round_", range(4))
def test_whoever_comes_first_nobody_is_booked_unseen_at_another_unit_of_who_is_away(centre, south, round_):
    """PL-02, PL-06: a leave is registered at one unit while the other books the same person."""
    patients = [south.patient(identity=number) for number in numbers(8)]
    acts = [partial(south.book, patient, START + place * HALF_HOUR) for place, patient in enumerate(patients)]
    acts.insert(round_ * 2, partial(away, centre))
    answers = together(*acts)
    nobody_unseen(answers, wanted=8)
    assert set(RebookingItem.objects.values_list("care_unit", flat=True)) <= {south.unit.pk}


@pytest.mark.parametrize("round_", range(3))
def test_whoever_comes_first_nobody_is_booked_unseen_in_an_absence_that_is_lengthened(centre, south, round_):
    """PL-02: both units book while it is lengthened over the time."""
    absence = absences.register(
        care_unit=centre.unit, resource_id=centre.nurse_resource.pk, kind="leave",
        start=START - 2 * DAY, end=START - DAY, by=centre.nurse, at=NOW,
    )  # fmt: skip
    patients = [centre.patient(identity=number) for number in numbers(6)]
    places = [(centre, south)[place % 2] for place in range(6)]
    acts = [
        partial(clinic.book, patient, START + place * HALF_HOUR)
        for place, (clinic, patient) in enumerate(zip(places, patients, strict=True))
    ]
    acts.insert(round_ * 2, partial(absences.change, absence_id=absence.pk, end=START + DAY, by=centre.nurse, at=NOW))
    nobody_unseen(together(*acts), wanted=6)


def test_of_two_who_change_an_absence_at_once_the_second_is_told_who_was_first(centre, south):
    """PL-27: one withdraws and one lengthens; what it hits is what the winner made it."""
    south.book(south.patient(identity=next(iter(numbers(1)))), START + 2 * DAY)
    absence = away(centre)
    told = {"absence_id": absence.pk, "version": 1, "at": NOW}
    won, (lost,) = one_winner(
        together(
            partial(absences.change, end=START + 3 * DAY, by=centre.nurse, **told),
            partial(absences.withdraw, by=centre.doctor, **told),
        )
    )
    assert lost.by == (centre.nurse if won.changed_by else centre.doctor).name
    assert RebookingItem.objects.open().count() == (1 if won.changed_by else 0)
    broken = {each.name: each.rows(NOW).count() for each in invariants.INVARIANTS}
    assert set(broken.values()) == {0}, broken
