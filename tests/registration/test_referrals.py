"""Remisser and vårdåtaganden (VA-01…04)."""

import pytest

from registration.actions import referrals
from registration.models import CareCommitment, Referral
from sdv.common.errors import InputError, RuleError
from tests.clinic import DAY, NOW, TODAY, Clinic


@pytest.fixture
def clinic(db):
    return Clinic()


def register(clinic, patient, **fields):
    defaults = {"kind": "R", "arrival_date": TODAY, "referrer": "Vårdcentralen Öster", "by": clinic.nurse, "at": NOW}
    return referrals.register(patient_id=patient.pk, care_unit=clinic.unit, **(defaults | fields))


def test_accepting_creates_a_commitment_and_the_next_joins_it(clinic):
    """VA-01, VA-03"""
    patient = clinic.patient()
    first, second = register(clinic, patient), register(clinic, patient)
    act = {"problem_code": clinic.problem, "by": clinic.doctor, "at": NOW}
    first = referrals.accept(referral_id=first.pk, **act)
    second = referrals.accept(referral_id=second.pk, **act)
    commitment = CareCommitment.objects.get()
    assert first.commitment == second.commitment == commitment
    assert (commitment.opened_on, first.status, first.review_date) == (TODAY, "accepted", TODAY)


def test_another_problem_is_another_commitment(clinic):
    """VA-01"""
    patient = clinic.patient()
    clinic.commitment(patient)
    clinic.commitment(patient, clinic.other_problem)
    assert CareCommitment.objects.open().count() == 2


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"arrival_date": TODAY + DAY}, "date_in_future"),
        ({"decision_date": TODAY, "arrival_date": TODAY - DAY}, "dates_out_of_order"),
        ({"decision_date": TODAY + DAY}, "date_in_future"),
    ],
)
def test_dates_come_in_order_and_not_from_the_future(clinic, fields, code):
    """VA-02"""
    with pytest.raises(RuleError) as refused:
        register(clinic, clinic.patient(), **fields)
    assert (refused.value.rule, refused.value.code, Referral.objects.count()) == ("VA-02", code, 0)


def test_the_database_keeps_the_order_of_dates_too(clinic):
    """VA-02"""
    from django.db import IntegrityError, transaction

    referral = register(clinic, clinic.patient())
    with pytest.raises(IntegrityError, match="referral_dates_in_order"), transaction.atomic():
        Referral.objects.filter(pk=referral.pk).update(decision_date=TODAY + DAY)


def test_a_remiss_names_its_referrer_and_an_own_request_needs_none(clinic):
    """VA-02"""
    with pytest.raises(InputError):
        register(clinic, clinic.patient(), referrer=" ")
    assert register(clinic, clinic.patient(), kind="E", referrer="").status == "received"


@pytest.mark.parametrize(
    ("decision", "status"), [("return", "returned"), ("forward", "forwarded"), ("reject", "rejected")]
)
def test_a_decision_has_reason_and_date(clinic, decision, status):
    """VA-03"""
    referral = register(clinic, clinic.patient())
    act = {"referral_id": referral.pk, "decision": decision, "by": clinic.doctor, "at": NOW}
    with pytest.raises(RuleError) as refused:
        referrals.decide(**act, reason="")
    assert refused.value.rule == "VA-03"
    decided = referrals.decide(**act, reason="Fel enhet")
    assert (decided.status, decided.decision_reason, decided.decided_at) == (status, "Fel enhet", NOW)
    with pytest.raises(RuleError) as refused:
        referrals.decide(**act, reason="Igen")
    assert (refused.value.code, refused.value.by) == ("wrong_status", "Anna Holm")


def test_review_sets_target_date_and_days(clinic):
    """VA-03"""
    referral = register(clinic, clinic.patient())
    reviewed = referrals.review(
        referral_id=referral.pk,
        review_date=TODAY,
        medical_target_date=TODAY + 30 * DAY,
        days_to_first_contact=30,
        by=clinic.doctor,
        at=NOW,
    )
    assert (reviewed.medical_target_date, reviewed.days_to_first_contact) == (TODAY + 30 * DAY, 30)


def test_a_remiss_is_used_by_the_first_contact(clinic):
    """VA-04"""
    patient = clinic.patient()
    clinic.commitment(patient)
    visit = clinic.arrived(patient).encounter
    referral = Referral.objects.get()
    assert (referral.status, referral.used_by) == ("used", visit)


def test_an_undecided_remiss_is_always_in_the_inbox(clinic):
    """UT-07"""
    received = register(clinic, clinic.patient())
    returned = register(clinic, clinic.patient())
    referrals.decide(referral_id=returned.pk, decision="return", reason="Komplettera", by=clinic.doctor, at=NOW)
    clinic.commitment(clinic.patient())
    assert set(Referral.objects.undecided()) == {received, Referral.objects.get(pk=returned.pk)}
