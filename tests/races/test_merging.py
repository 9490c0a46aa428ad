"""A merge while others work: whatever was first, what they did lands on the present record, and nobody waits for ever
(RI-02, PL-13, PL-27)."""

from functools import partial

import pytest
from django.db.models import F

from registration.actions import orders, referrals
from registration.models import Encounter, Patient
from scheduling.actions import appointments
from scheduling.models import Appointment
from sdv.flows import deceased, invariants, protection
from sdv.flows.merging import tables
from sdv.flows.models import PatientMerge
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic
from tests.flows.merges import do, on_reserve_number, undo
from tests.races.together import numbers, one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 3


@pytest.fixture
def clinic():
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def pairs(clinic, rounds=ROUNDS):
    """(old, present) for each round; the old one has a booking."""
    people = numbers(2 * rounds)
    for round_ in range(rounds):
        old, present = (clinic.patient(identity=number) for number in people[2 * round_ : 2 * round_ + 2])
        on_reserve_number(old, f"SE12345678{round_:02d}")
        clinic.book(old, NOW + (2 + round_) * DAY)
        yield old, present


def errors(answers):
    return [answer for answer in answers if isinstance(answer, Exception)]


def left_on(old):
    """What an undone or never done merge would find on the old record."""
    return {label for label, model in tables.models() if tables.rows_of(label, model, old.pk).exists()}


def assert_whole():
    broken = {each.name for each in invariants.INVARIANTS if not each.is_work and each.rows(NOW).exists()}
    assert broken == set()
    assert not Appointment.objects.exclude(patient=F("encounter__patient")).exists()


def test_bookings_made_during_a_merge_land_on_the_present_record(clinic):
    """RI-02"""
    for round_, (old, present) in enumerate(pairs(clinic)):
        start = NOW + (10 + round_) * DAY
        bookings = [partial(clinic.book, old, start + n * HALF_HOUR) for n in range(4)]
        answers = together(*bookings[:2], partial(do, old, present, clinic), *bookings[2:])
        assert errors(answers) == []
        assert Patient.objects.get(pk=old.pk).merged_into_id == present.pk
        assert left_on(old) == set()
        assert present.appointments.count() == 5
    assert_whole()


def test_an_arrival_a_remiss_and_an_order_during_a_merge_land_on_the_present_record(clinic):
    """RI-02"""
    for old, present in pairs(clinic):
        visit = old.appointments.get()
        here = {"patient_id": old.pk, "care_unit": clinic.unit, "by": clinic.nurse, "at": NOW}
        answers = together(
            partial(appointments.arrive, appointment_id=visit.pk, by=clinic.nurse, at=visit.start),
            partial(referrals.register, **here, kind="E", arrival_date=TODAY),
            partial(do, old, present, clinic),
            partial(orders.place, **here, what="Blodstatus", planned_on=TODAY + DAY),
        )
        assert errors(answers) == []
        assert left_on(old) == set()
        assert (present.appointments.get().status, present.referrals.count(), present.orders.count()) == (
            "arrived",
            1,
            1,
        )
    assert_whole()


def test_two_merge_the_same_records_at_once(clinic):
    """PL-27: the second is told who was first; nothing is moved twice."""
    for old, present in pairs(clinic):
        _, lost = one_winner(together(*[partial(do, old, present, clinic)] * 2))
        assert [(error.rule, error.code, error.by) for error in lost] == [("RI-02", "merged", clinic.nurse.name)]
        assert PatientMerge.objects.filter(source=old).count() == 1


def test_two_old_records_are_merged_into_one_person_at_once_and_each_other_s_way_is_refused(clinic):
    """RI-02"""
    (one, present), (two, _) = pairs(clinic, rounds=2)
    answers = together(
        partial(do, one, present, clinic), partial(do, present, one, clinic), partial(do, two, present, clinic)
    )
    (lost,) = errors(answers)
    assert (lost.rule, lost.code) == ("RI-02", "target_without_number") or lost.code == "merged"
    assert present.appointments.count() == 2
    assert_whole()


def test_a_death_and_a_merge_at_once(clinic):
    """AV-02: merged first, the cascade ends all of it; dead first, the merge is refused, and nothing is half."""
    for old, present in pairs(clinic, rounds=4):
        death = {"deceased_on": TODAY, "reason": "Dödsbevis", "by": clinic.doctor, "at": NOW}
        merged, died = together(
            partial(do, old, present, clinic), partial(deceased.register, patient_id=present.pk, **death)
        )
        assert not isinstance(died, Exception), died
        if isinstance(merged, Exception):
            assert (merged.rule, merged.code) == ("RI-02", "one_is_deceased")
            assert old.appointments.get().status == "booked"
        else:
            assert present.appointments.get().status == "cancelled"
            assert died.changes.count() == 1
    assert_whole()


def test_a_marking_and_a_merge_at_once(clinic):
    """SK-02: merged first, both are marked and purged; marked first, the merge is refused."""
    for old, present in pairs(clinic, rounds=4):
        mark = {"patient_id": present.pk, "ground": "threat", "by": clinic.nurse, "at": NOW}
        merged, marked = together(partial(do, old, present, clinic), partial(protection.set_by_hand, **mark))
        assert not isinstance(marked, Exception), marked
        old.refresh_from_db()
        if isinstance(merged, Exception):
            assert (merged.rule, merged.code) == ("SK-02", "protection_differs")
            assert (old.protection, old.given_name) == ("", "Hodan")
        else:
            assert (old.protection, old.given_name) == ("sekretessmarkering", "")


def test_an_undo_among_bookings_and_a_marking(clinic):
    """PL-13: each booking is on one of the two with its vårdhändelse, and nobody waits for ever."""
    for round_, (old, present) in enumerate(pairs(clinic, rounds=4)):
        do(old, present, clinic)
        start = NOW + (20 + round_) * DAY
        answers = together(
            partial(clinic.book, old, start),
            partial(undo, present, clinic),
            partial(clinic.book, present, start + HALF_HOUR),
            partial(protection.set_by_hand, patient_id=present.pk, ground="threat", by=clinic.nurse, at=NOW),
        )
        assert errors(answers) == []
        assert Patient.objects.get(pk=old.pk).merged_into_id is None
        assert old.appointments.count() + present.appointments.count() == 3
        assert old.appointments.filter(start=NOW + (2 + round_) * DAY).exists()
    assert_whole()
    assert Encounter.objects.count() == 12
