"""What was registered wrong of a remiss is put right, with reason and trace (VA-02, VH-21, PL-13)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from registration import waiting
from registration.actions import referrals
from registration.models import Referral
from sdv.common.errors import InputError, RuleError, StaleVersion
from tests.clinic import DAY, NOW, TODAY, Clinic

HOUR = timedelta(hours=1)


@pytest.fixture
def clinic(db):
    return Clinic()


def register(clinic, **fields):
    defaults = {"kind": "R", "arrival_date": TODAY - 2 * DAY, "referrer": "VC Öster", "by": clinic.nurse, "at": NOW}
    return referrals.register(patient_id=clinic.patient().pk, care_unit=clinic.unit, **(defaults | fields))


def correct(clinic, referral, reason="Fel avläst", **fields):
    act = {"units": {clinic.unit.pk}, "by": clinic.nurse, "at": NOW + HOUR}
    return referrals.correct(referral_id=referral.pk, reason=reason, **(act | fields))


def state(referral):
    """Everything of the remiss and how many steps its trail has."""
    return Referral.objects.values().get(pk=referral.pk), referral.events.count()


def within_guarantee(clinic):
    """Of those who wait at the unit, how many are within the guarantee, and how long the longest wait is."""
    (waits,) = waiting.waiting_on([clinic.unit], on=TODAY)
    return waits.number, waits.within_limit, waits.longest


def test_a_mistyped_remiss_is_put_right_and_its_wait_is_counted_anew(clinic):
    """VA-02, PL-13, BO-04: also when it is accepted; before and after stand in the trail; right again, one more step."""
    row = register(clinic, decision_date=TODAY - 100 * DAY)
    referrals.accept(referral_id=row.pk, problem_code=clinic.problem, by=clinic.doctor, at=NOW)
    assert within_guarantee(clinic) == (1, 0, 100)
    to = clinic.doctor_resource.practitioner
    clinic.unit.reviewers.create(practitioner=to)
    told = {"kind": "E", "referrer": " Anna Ek ", "addressed_to": to, "decision_date": TODAY - 10 * DAY}
    correct(clinic, row, **told, arrival_date=TODAY - 2 * DAY, version=2)
    row.refresh_from_db()
    assert (row.kind, row.referrer, row.addressed_to, row.decision_date) == ("E", "Anna Ek", to, TODAY - 10 * DAY)
    assert (row.status, row.version, row.waiting_since) == ("accepted", 3, TODAY - 10 * DAY)
    assert within_guarantee(clinic) == (1, 1, 10)
    step = row.events.last()
    assert (step.act, step.reason, step.by, step.at) == ("corrected", "Fel avläst", clinic.nurse, NOW + HOUR)
    was = {"kind": "R", "referrer": "VC Öster", "addressed_to": None, "decision_date": "2026-08-12"}
    became = {"kind": "E", "referrer": "Anna Ek", "addressed_to": str(to.pk), "decision_date": "2026-11-10"}
    assert (step.before, step.after) == (was, became)
    correct(clinic, row, reason="Det var rätt", decision_date=None, arrival_date=TODAY - 3 * DAY)
    row.refresh_from_db()
    assert (row.version, row.waiting_since, row.events.count()) == (4, TODAY - 3 * DAY, 4)
    assert within_guarantee(clinic) == (1, 1, 3)
    with pytest.raises(IntegrityError, match="correction_says_what"), transaction.atomic():
        row.events.create(act="corrected", reason="Fel", by=clinic.nurse, at=NOW)


def test_a_used_remiss_is_put_right_too(clinic):
    """VH-21, VA-04: what the first contact's wait was reckoned from."""
    patient = clinic.patient()
    clinic.commitment(patient)
    clinic.arrived(patient)
    row = Referral.objects.get()
    correct(clinic, row, decision_date=TODAY - 40 * DAY)
    (seen,) = waiting.seen_between([clinic.unit], first=TODAY, last=TODAY)
    assert (seen.number, seen.longest, Referral.objects.get().status) == (1, 40, "used")


def test_what_is_not_allowed_changes_nothing(clinic):
    """VA-02, PL-13, PL-27: the same dates and refusals as at registration; a reason; the version that was read."""
    row = register(clinic, decision_date=TODAY - 5 * DAY)
    referrals.review(referral_id=row.pk, days_to_first_contact=9, review_date=TODAY - DAY, by=clinic.doctor, at=NOW)
    before = state(row)
    for fields, rule, code in [
        ({"arrival_date": TODAY + DAY}, "VA-02", "date_in_future"),
        ({"decision_date": TODAY + DAY}, "VA-02", "date_in_future"),
        ({"decision_date": TODAY - DAY}, "VA-02", "dates_out_of_order"),
        ({"arrival_date": TODAY - 6 * DAY}, "VA-02", "dates_out_of_order"),
        ({"arrival_date": TODAY}, "VA-02", "dates_out_of_order"),  # after the review
        ({"kind": "E", "reason": " "}, "PL-13", "reason_missing"),
        ({"kind": "R", "referrer": "VC Öster "}, "PL-13", "nothing_to_correct"),
        ({"kind": "E", "units": {Clinic(name="Hjärtmottagningen").unit.pk}}, "PL-13", "not_yours"),
    ]:
        with pytest.raises(RuleError) as refused:
            correct(clinic, row, **fields)
        assert (refused.value.rule, refused.value.code) == (rule, code), fields
        assert state(row) == before
    elsewhere = Clinic(name="Lungmottagningen").doctor_resource.practitioner
    for fields, field in [({"referrer": " "}, "referrer"), ({"addressed_to": elsewhere}, "addressed_to")]:
        with pytest.raises(InputError) as wrong:
            correct(clinic, row, **fields)
        assert list(wrong.value.errors) == [field]
    with pytest.raises(StaleVersion):
        correct(clinic, row, kind="E", version=1)
    assert state(row) == before
    rejected = register(clinic, arrival_date=TODAY - 2 * DAY)
    act = {"decision": "reject", "reason": "Hör inte hit", "by": clinic.doctor, "at": NOW - DAY}
    referrals.decide(referral_id=rejected.pk, **act)
    before = state(rejected)
    with pytest.raises(RuleError, match="efter beslutet om remissen, 2026-11-19"):
        correct(clinic, rejected, arrival_date=TODAY)
    assert state(rejected) == before
    assert correct(clinic, rejected, arrival_date=TODAY - DAY).status == "rejected"


def test_each_puts_right_its_own_words(clinic):
    """VA-03, PL-13, PL-25: what a sent remiss says is its sender's, the day it came the receiver's; one that was sent on
    carries the first one's words, its day is not before the wait began, and where it was it is not put right."""
    sender, there = Clinic(name="Vårdcentralen Väster"), Clinic(name="Hjärtmottagningen")
    row = register(clinic, sender_unit=sender.unit, decision_date=TODAY - 9 * DAY)
    before = state(row)
    for unit, fields in [(clinic, {"decision_date": TODAY - 8 * DAY}), (sender, {"arrival_date": TODAY - DAY})]:
        with pytest.raises(RuleError) as refused:
            correct(unit, row, **fields)
        assert (refused.value.rule, refused.value.code) == ("PL-13", "not_yours")
        assert state(row) == before
    correct(sender, row, decision_date=TODAY - 8 * DAY)
    correct(clinic, row, arrival_date=TODAY - DAY)
    row.refresh_from_db()
    assert (row.decision_date, row.arrival_date) == (TODAY - 8 * DAY, TODAY - DAY)
    sent = referrals.forward(referral_id=row.pk, to_unit=there.unit, reason="Hjärta", by=clinic.doctor, at=NOW)
    before = state(row), state(sent)
    for unit, referral, fields, code in [
        (clinic, row, {"arrival_date": TODAY}, "wrong_status"),
        (sender, sent, {"decision_date": TODAY - 7 * DAY}, "not_yours"),
        (there, sent, {"kind": "E"}, "not_yours"),
        (there, sent, {"arrival_date": TODAY - 9 * DAY}, "dates_out_of_order"),
    ]:
        with pytest.raises(RuleError) as refused:
            correct(unit, referral, **fields)
        assert refused.value.code == code
    assert (state(row), state(sent)) == before
    correct(there, sent, arrival_date=TODAY - DAY)
    sent.refresh_from_db()
    assert (sent.arrival_date, sent.waiting_since) == (TODAY - DAY, TODAY - 8 * DAY)
