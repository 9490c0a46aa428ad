"""Several at once on a waiting list: its daily check, a shared row, who works with a row, a forwarded remiss (PL-11, PL-25,
PL-27)."""

from datetime import timedelta
from functools import partial

import pytest

from registration.actions import referrals
from registration.models import Referral
from scheduling import promises
from scheduling.actions import faults, referral_undo, sharing, work_items, working
from scheduling.models import Appointment, ListFault, RowLock
from sdv.common.errors import RuleError, StaleVersion
from sdv.common.models import ChangeLogEntry
from sdv.organisation.models import SharedList
from tests import factories
from tests.clinic import NOW, TODAY, Clinic
from tests.races.together import one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)


def accepted(clinic):
    made = referrals.register(
        patient_id=clinic.patient().pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
    )
    return referrals.accept(referral_id=made.pk, problem_code=clinic.problem, by=clinic.doctor, at=NOW)


def requested(clinic):
    patient = clinic.patient()
    return work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=TODAY,
        wished_to=TODAY,
        commitment_id=clinic.commitment(patient).pk,
        by=clinic.nurse,
        at=NOW,
    )


def test_two_checks_at_once_find_each_fault_once():
    """PL-11"""
    clinic = Clinic()
    accepted(clinic)
    answers = together(*[partial(faults.check, at=NOW)] * 4, longest_wait=timedelta(seconds=30))
    assert sorted(answer.found for answer in answers) == [0, 0, 0, 1]
    assert ListFault.objects.count() == 1


def test_of_two_who_take_the_same_fault_one_has_it_and_the_other_is_told_who():
    """PL-11, PL-27"""
    clinic = Clinic()
    accepted(clinic)
    faults.check(at=NOW)
    ListFault.objects.update(owner=None)
    fault = ListFault.objects.get()
    for version in (1, None):
        ListFault.objects.update(owner=None, taken_at=None, version=1)
        acts = [
            partial(faults.assign, fault_id=fault.pk, owner=person, by=person, at=NOW, version=version)
            for person in (clinic.nurse, clinic.doctor)
        ]
        won, (lost,) = one_winner(together(*acts, longest_wait=timedelta(seconds=30)))
        assert isinstance(lost, RuleError if version is None else StaleVersion), lost
        assert (lost.by, lost.at) == (won.owner.name, NOW)
        fault.refresh_from_db()
        assert (fault.owner, fault.version) == (won.owner, 2)


def test_of_two_units_that_take_the_same_patient_one_gets_her_and_the_other_is_told_who():
    """PL-25, PL-27: what both have read is taken once, a remiss as a begäran."""
    clinic, first, second = Clinic(), Clinic(name="Norr"), Clinic(name="Söder")
    shared = SharedList.objects.create(name="Prov")
    for each in (clinic, first, second):
        shared.units.create(care_unit=each.unit)
    referral, request = accepted(clinic), requested(clinic)
    for act in (
        partial(sharing.take_referral, referral_id=referral.pk, version=referral.version),
        partial(sharing.take_request, request_id=request.pk, version=request.version),
    ):
        acts = [partial(act, care_unit=each.unit, by=each.nurse, at=NOW) for each in (first, second)]
        won, (lost,) = one_winner(together(*acts, longest_wait=timedelta(seconds=30)))
        taker = first if won.care_unit == first.unit else second
        assert isinstance(lost, StaleVersion), lost
        assert (lost.user_id, lost.by, lost.at) == (taker.nurse.pk, taker.nurse.name, NOW)
        row, read = type(won).objects.get(pk=won.pk), act.keywords["version"]
        assert (row.care_unit, row.commitment.care_unit, row.version) == (taker.unit, taker.unit, read + 1)
        # Nobody is left with a vårdåtagande that nothing follows (UT-07).
        assert list(promises.broken(at=NOW)) == []
    assert referral.events.filter(act="forwarded").count() == 1


def test_of_many_who_open_one_row_one_has_it_and_the_others_are_told_who():
    """PL-27, BB-01: taking over is then possible, and logged."""
    row = requested(Clinic())
    people = [factories.UserFactory() for _ in range(8)]
    acts = [partial(working.take, request_id=row.pk, by=person, at=NOW) for person in people]
    answers = together(*acts, longest_wait=timedelta(seconds=30))
    _, lost = one_winner(answers)
    first = people[answers.index(None)]
    assert {(each.code, each.user_id, each.at) for each in lost} == {("worked_with", first.pk, NOW)}, lost
    assert RowLock.objects.get().user == first
    second = people[answers.index(lost[0])]
    working.take_over(request_id=row.pk, by=second, at=NOW)
    lock = RowLock.objects.get()
    assert (lock.user, lock.taken_over_from) == (second, first)
    entry = ChangeLogEntry.objects.filter(table_name="scheduling_rowlock", operation="update").latest("id")
    assert entry.changed["user_id"] == [str(first.pk), str(second.pk)]


def test_two_who_take_over_each_others_rows_do_not_lock_each_other_out():
    """PL-27: each lets go of the own row, which the other is taking."""
    clinic, here, there = Clinic(), factories.UserFactory(), factories.UserFactory()
    one, other = requested(clinic), requested(clinic)
    for _ in range(5):
        RowLock.objects.all().delete()
        working.take(request_id=one.pk, by=here, at=NOW)
        working.take(request_id=other.pk, by=there, at=NOW)
        answers = together(
            partial(working.take_over, request_id=other.pk, by=here, at=NOW),
            partial(working.take_over, request_id=one.pk, by=there, at=NOW),
            longest_wait=timedelta(seconds=30),
        )
        assert not [each for each in answers if isinstance(each, Exception)], answers
        assert set(RowLock.objects.values_list("booking_request", "user")) == {(other.pk, here.pk), (one.pk, there.pk)}


def test_of_two_who_forward_one_does_and_the_other_is_told_who():
    """VA-03, PL-27"""
    clinic, first, second = Clinic(), Clinic(name="Norr"), Clinic(name="Söder")
    made = referrals.register(
        patient_id=clinic.patient().pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
    )
    act = {"referral_id": made.pk, "reason": "Hör dit", "at": NOW}
    won, (lost,) = one_winner(
        together(
            partial(referrals.forward, **act, to_unit=first.unit, by=clinic.nurse),
            partial(referrals.forward, **act, to_unit=second.unit, by=clinic.doctor),
            longest_wait=timedelta(seconds=30),
        )
    )
    assert isinstance(lost, RuleError), lost
    made.refresh_from_db()
    assert (lost.code, lost.by) == ("wrong_status", made.decided_by.name)
    assert list(Referral.objects.undecided()) == [won]


def test_of_an_undo_and_a_booking_one_wins():
    """PL-13, BO-01: the booking stands on the vårdåtagande, or the remiss is back and nothing is booked."""
    clinic = Clinic()
    for _ in range(4):
        row = accepted(clinic)
        patient, day = row.patient, 2 + Referral.objects.count()
        answers = together(
            partial(referral_undo.undo, referral_id=row.pk, by=clinic.doctor, at=NOW),
            partial(clinic.book, patient, NOW + timedelta(days=day), commitment_id=row.commitment_id),
            longest_wait=timedelta(seconds=30),
        )
        _, lost = one_winner(answers)
        assert isinstance(lost[0], RuleError), lost
        row.refresh_from_db()
        booked = Appointment.objects.filter(patient=patient).count()
        assert (row.status, booked, row.commitment_id is None) in {("received", 0, True), ("accepted", 1, False)}
        assert list(promises.broken(at=NOW)) == []


def test_of_a_taking_back_and_the_receivers_act_one_wins():
    """PL-13, PL-27: a remiss is never both back at the sender's and in the receiver's hands."""
    clinic, other = Clinic(), Clinic(name="Norr")
    for _ in range(3):
        row = referrals.register(
            patient_id=clinic.patient().pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
        )
        told = {"by": clinic.doctor, "at": NOW, "reason": "Hör dit"}
        sent = referrals.forward(referral_id=row.pk, to_unit=other.unit, **told)
        answers = together(
            partial(referral_undo.undo, referral_id=row.pk, by=clinic.doctor, at=NOW),
            partial(referrals.decide, referral_id=sent.pk, decision="return", reason="Mer", by=other.doctor, at=NOW),
            longest_wait=timedelta(seconds=30),
        )
        one_winner(answers)
        row.refresh_from_db()
        sent.refresh_from_db()
        assert (row.status, sent.status) in {("received", "closed"), ("forwarded", "returned")}
