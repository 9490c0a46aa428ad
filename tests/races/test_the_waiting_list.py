"""Two at once on a waiting list: its daily check, a shared row, a forwarded remiss (PL-11, PL-25, PL-27)."""

from datetime import timedelta
from functools import partial

import pytest

from registration.actions import referrals
from registration.models import CareCommitment, Referral
from scheduling import promises
from scheduling.actions import faults, sharing
from scheduling.models import ListFault
from sdv.common.errors import RuleError
from sdv.organisation.models import SharedList
from tests.clinic import NOW, TODAY, Clinic
from tests.races.together import one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)


def accepted(clinic):
    made = referrals.register(
        patient_id=clinic.patient().pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
    )
    return referrals.accept(referral_id=made.pk, problem_code=clinic.problem, by=clinic.doctor, at=NOW)


def test_two_checks_at_once_find_each_fault_once():
    """PL-11"""
    clinic = Clinic()
    accepted(clinic)
    answers = together(*[partial(faults.check, at=NOW)] * 4, longest_wait=timedelta(seconds=30))
    assert sorted(answer.found for answer in answers) == [0, 0, 0, 1]
    assert ListFault.objects.count() == 1


def test_of_two_units_that_take_the_same_patient_one_gets_her():
    """PL-25, PL-27"""
    clinic, first, second = Clinic(), Clinic(name="Norr"), Clinic(name="Söder")
    shared = SharedList.objects.create(name="Prov")
    for each in (clinic, first, second):
        shared.units.create(care_unit=each.unit)
    row = accepted(clinic)
    answers = together(
        *[
            partial(sharing.take_referral, referral_id=row.pk, care_unit=each.unit, by=each.nurse, at=NOW)
            for each in (first, second)
        ],
        longest_wait=timedelta(seconds=30),
    )
    # Whoever came last has taken it from the one who came first: nobody is lost, and the trail has both.
    assert not [answer for answer in answers if isinstance(answer, RuleError)], answers
    row.refresh_from_db()
    assert row.events.filter(act="forwarded").count() == 2
    assert row.commitment.care_unit_id == row.care_unit_id == row.events.last().to_unit_id
    # Nobody is left with a vårdåtagande that nothing follows (UT-07).
    assert list(CareCommitment.objects.open()) == [row.commitment]
    assert list(promises.broken(at=NOW)) == []


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
