"""Annullering (VH-12) and facts told by the medical record and the cashier (AG-01, DI-04)."""

import pytest

from registration.actions import facts
from registration.models import CashTransaction, Encounter, Referral
from scheduling.actions import check_out
from scheduling.models import Appointment
from sdv.common.errors import RuleError
from sdv.flows import cancellation
from tests.clinic import HALF_HOUR, NOW, Clinic


@pytest.fixture
def clinic(db):
    return Clinic()


@pytest.fixture
def visit(clinic):
    patient = clinic.patient()
    clinic.commitment(patient)
    return clinic.arrived(patient).encounter


def annul(clinic, visit, reason="Skapad på fel patient"):
    return cancellation.annul(encounter_id=visit.pk, reason=reason, by=clinic.nurse, at=NOW)


def cash(clinic, visit, external_id, amount, reverses=""):
    return facts.report_cash_transaction(
        encounter_id=visit.pk, external_id=external_id, amount=amount, reverses=reverses, by=clinic.nurse, at=NOW
    )


def document(clinic, visit):
    return facts.report_document(encounter_id=visit.pk, kind="anteckning", external_id="J1", by=clinic.nurse, at=NOW)


def test_an_empty_visit_becomes_annulled_and_ended_in_one_step(clinic, visit):
    """VH-12: the booking goes with it, the remiss is there again, the patient waits (UT-07)."""
    annulled = annul(clinic, visit)
    appointment = Appointment.objects.get()
    assert (annulled.type_id, annulled.status, annulled.end) == ("annullerad", "ended", NOW)
    assert (appointment.status, appointment.cancelled_by) == ("cancelled", "provider")
    assert appointment.resource_bookings.count() == 0
    assert Referral.objects.get().status == "accepted"


@pytest.mark.parametrize(
    ("documented", "paid", "word"),
    [(True, False, "journaldokumentation"), (False, True, "kassatransaktioner"), (True, True, " och ")],
)
def test_what_stands_in_the_way_is_named_and_nothing_changes(clinic, visit, documented, paid, word):
    """VH-12"""
    if documented:
        document(clinic, visit)
    if paid:
        cash(clinic, visit, "K1", 300)
    with pytest.raises(RuleError) as refused:
        annul(clinic, visit)
    visit.refresh_from_db()
    assert (refused.value.rule, word in refused.value.sentence) == ("VH-12", True)
    assert (visit.type_id, visit.status) == ("specialiserad-oppenvard", "in_progress")


def test_a_transaction_reversed_in_full_and_a_void_note_do_not_stand_in_the_way(clinic, visit):
    """VH-12"""
    cash(clinic, visit, "K1", 300)
    cash(clinic, visit, "K2", -300, reverses="K1")
    document(clinic, visit)
    facts.remove_document(encounter_id=visit.pk, external_id="J1", by=clinic.nurse, at=NOW)
    assert annul(clinic, visit).type_id == "annullerad"


def test_a_reversal_is_the_whole_amount_once(clinic, visit):
    """AG-01"""
    cash(clinic, visit, "K1", 300)
    for external_id, amount, reverses, code in [
        ("K2", -100, "K1", "partial_reversal"),
        ("K3", -300, "K9", "unknown"),
        ("K1", 200, "", "duplicate"),
    ]:
        with pytest.raises(RuleError) as refused:
            cash(clinic, visit, external_id, amount, reverses)
        assert (refused.value.rule, refused.value.code) == ("AG-01", code)
    cash(clinic, visit, "K4", -300, reverses="K1")
    with pytest.raises(RuleError) as refused:
        cash(clinic, visit, "K5", -300, reverses="K1")
    assert refused.value.code == "already_reversed"
    assert CashTransaction.objects.count() == 2


def test_the_same_fact_told_twice_is_one_fact(clinic, visit):
    """AG-01, VH-12"""
    assert cash(clinic, visit, "K1", 300) == cash(clinic, visit, "K1", 300)
    assert document(clinic, visit) == document(clinic, visit)


def test_cash_is_never_deleted(clinic, visit):
    """AG-01: the database refuses."""
    from django.db import InternalError, transaction
    from django.db.utils import Error

    paid = cash(clinic, visit, "K1", 300)
    with pytest.raises((InternalError, Error)), transaction.atomic():
        CashTransaction.objects.filter(pk=paid.pk).delete()
    with pytest.raises((InternalError, Error)), transaction.atomic():
        CashTransaction.objects.filter(pk=paid.pk).update(amount=1)
    assert CashTransaction.objects.get().amount == 300


def test_annulling_needs_a_reason_and_an_undone_check_out(clinic, visit):
    """VH-12"""
    with pytest.raises(RuleError) as refused:
        annul(clinic, visit, reason=" ")
    assert refused.value.code == "reason_missing"
    check_out.check_out(
        encounter_id=visit.pk,
        outcome="await_result",
        reason=clinic.outcome_reason("await_result"),
        by=clinic.doctor,
        at=NOW + HALF_HOUR,
        registered_at=NOW + HALF_HOUR,
    )
    with pytest.raises(RuleError) as refused:
        annul(clinic, visit)
    assert refused.value.code == "checked_out"


def test_an_annulled_encounter_changes_no_more(clinic, visit):
    """VH-12, VH-24"""
    annul(clinic, visit)
    for act in (lambda: annul(clinic, visit), lambda: document(clinic, visit), lambda: cash(clinic, visit, "K1", 1)):
        with pytest.raises(RuleError):
            act()
    assert Encounter.objects.get().history.count() == 3


def test_annulled_is_not_in_the_overview_and_not_coded(clinic, visit):
    """VH-05, VH-20"""
    annul(clinic, visit)
    assert Encounter.objects.in_overview().count() == 0
    assert Encounter.objects.to_code().count() == 0
