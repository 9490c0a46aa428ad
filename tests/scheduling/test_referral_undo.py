"""A decision on a remiss taken back: exactly as it was, or not at all (VA-03, PL-13)."""

from datetime import timedelta

import pytest

from registration.actions import referrals
from registration.models import AddressKind, CareCommitment, PatientAddress, Referral
from scheduling.actions import invitations, letters, offers, referral_undo
from scheduling.models import LetterText
from sdv.common.errors import RuleError
from sdv.flows import cancellation
from tests.clinic import DAY, NOW, TODAY, Clinic

MINUTE = timedelta(minutes=1)
KEPT = [field.attname for field in Referral._meta.concrete_fields if field.attname != "version"]


@pytest.fixture
def clinic(db):
    return Clinic()


def received(clinic, **fields):
    defaults = {"kind": "R", "arrival_date": TODAY - DAY, "referrer": "Vårdcentralen Öster"}
    patient = fields.pop("patient", None) or clinic.patient()
    common = {"care_unit": clinic.unit, "by": clinic.nurse, "at": NOW}
    return Referral.objects.get(pk=referrals.register(patient_id=patient.pk, **common, **(defaults | fields)).pk)


def values(referral):
    return Referral.objects.values(*KEPT).get(pk=referral.pk)


def accept(clinic, referral, **fields):
    act = {"problem_code": clinic.problem, "by": clinic.doctor, "at": NOW, "days_to_first_contact": 30}
    return referrals.accept(referral_id=referral.pk, **(act | fields))


def undo(clinic, referral, **fields):
    return referral_undo.undo(referral_id=referral.pk, **({"by": clinic.doctor, "at": NOW + MINUTE} | fields))


def refused(clinic, referral, **fields):
    """The refusal, after which nothing has changed."""
    before, steps = values(referral), referral.events.count()
    with pytest.raises(RuleError) as error:
        undo(clinic, referral, **fields)
    assert (values(referral), referral.events.count()) == (before, steps)
    return error.value


def decisions(clinic):
    other = Clinic(name="Hjärtmottagningen")
    act = {"by": clinic.doctor, "at": NOW, "reason": "Hör inte hit"}
    return {
        "accept": lambda row: accept(clinic, row),
        "return": lambda row: referrals.decide(referral_id=row.pk, decision="return", **act),
        "reject": lambda row: referrals.decide(referral_id=row.pk, decision="reject", **act),
        "forward": lambda row: referrals.forward(referral_id=row.pk, to_unit=other.unit, **act),
        "outside": lambda row: referrals.forward_outside(referral_id=row.pk, receiver="Skonsk vård AB", **act),
    }


@pytest.mark.parametrize("decision", ["accept", "return", "reject", "forward", "outside"])
def test_every_decision_is_taken_back_to_what_was(clinic, decision):
    """Every column is as it was, also the receipt that came with the decision; the trail tells both."""
    sender = Clinic(name="Vårdcentralen Väster")
    row = received(clinic, sender_unit=sender.unit)
    before = values(row)
    assert before["receipt_at"] is None
    decide = decisions(clinic)[decision]
    decide(row)
    assert values(row) != before
    undo(clinic, row)
    assert values(row) == before
    assert [event.act for event in row.events.all()][-1] == "undone"
    assert list(Referral.objects.undecided()) == [row]
    assert not CareCommitment.objects.open().exists()
    # The same decision can be made again, and taken back again.
    decide(Referral.objects.get(pk=row.pk))
    undo(clinic, row)
    assert values(row) == before


@pytest.mark.parametrize("decision", ["accept", "reject", "forward", "outside"])
def test_what_was_returned_is_returned_again(clinic, decision):
    """The former decision comes back with its reason, its day and its person."""
    row = received(clinic)
    act = {"decision": "return", "reason": "Provsvar saknas", "by": clinic.nurse, "at": NOW - DAY}
    referrals.decide(referral_id=row.pk, **act)
    before = values(row)
    decisions(clinic)[decision](row)
    undo(clinic, row)
    assert values(row) == before
    assert (before["status"], before["decided_by_id"]) == ("returned", clinic.nurse.pk)


def test_an_accepted_remiss_keeps_its_review(clinic):
    """What was set at the review before is as it was; what was told with the decision is gone."""
    row = received(clinic)
    reviewed = {"review_date": TODAY, "days_to_first_contact": 14, "by": clinic.doctor, "at": NOW}
    referrals.review(referral_id=row.pk, **reviewed)
    before = values(row)
    accept(clinic, row, days_to_first_contact=60)
    undo(clinic, row)
    assert values(row) == before
    assert before["days_to_first_contact"] == 14


def test_a_commitment_opened_by_it_ends_and_one_that_was_joined_stays(clinic):
    """VA-01, UT-07: nothing open is left without anything planned."""
    patient = clinic.patient()
    first, second = received(clinic, patient=patient), received(clinic, patient=patient)
    accept(clinic, first)
    accept(clinic, second)
    assert refused(clinic, first).code == "undo_shared"
    undo(clinic, second)
    commitment = CareCommitment.objects.get()
    assert (commitment.status, list(commitment.referrals.all())) == ("open", [first])
    undo(clinic, first)
    commitment.refresh_from_db()
    assert (commitment.status, commitment.close_reason) == ("closed", "Beslutet att acceptera remissen är ångrat")
    accept(clinic, first)
    assert CareCommitment.objects.open().count() == 1


def test_the_remiss_at_the_receiver_is_taken_back(clinic):
    """VA-03: it is in nobody's inbox there, and the sender's page has one row."""
    sender, other = Clinic(name="Vårdcentralen Väster"), Clinic(name="Hjärtmottagningen")
    row = received(clinic, sender_unit=sender.unit)
    act = {"to_unit": other.unit, "reason": "Hör dit", "by": clinic.doctor, "at": NOW}
    sent = referrals.forward(referral_id=row.pk, **act)
    assert list(Referral.objects.sent_by(sender.unit).at_its_place()) == [sent]
    undo(clinic, row)
    sent.refresh_from_db()
    assert (sent.status, sent.decision_reason) == ("closed", "Vidaresändningen är ångrad")
    assert sent.events.last().act == "taken_back"
    assert list(Referral.objects.sent_by(sender.unit).at_its_place()) == [row]
    again = referrals.forward(referral_id=row.pk, **act)
    assert list(Referral.objects.undecided()) == [again]


@pytest.mark.parametrize("act", ["confirm", "review", "reject"])
def test_what_the_receiver_has_taken_in_hand_is_not_taken_back(clinic, act):
    """The receiver acted first."""
    other = Clinic(name="Hjärtmottagningen")
    sender = Clinic(name="Vårdcentralen Väster")
    row = received(clinic, sender_unit=sender.unit)
    told = {"to_unit": other.unit, "reason": "Hör dit", "by": clinic.doctor, "at": NOW}
    sent = referrals.forward(referral_id=row.pk, **told)
    common = {"referral_id": sent.pk, "by": other.doctor, "at": NOW}
    if act == "confirm":
        referrals.confirm(**common)
    elif act == "review":
        referrals.review(**common, days_to_first_contact=10)
    else:
        referrals.decide(**common, decision="reject", reason="Nej")
    before = values(sent)
    error = refused(clinic, row)
    assert (error.rule, error.code) == ("VA-03", "undo_received")
    assert "mottagaren har redan tagit hand om remissen" in error.sentence
    assert values(sent) == before


def test_a_booking_stands_in_the_way_until_it_is_cancelled(clinic):
    """BO-01: and the sentence says what to do instead."""
    patient = clinic.patient()
    row = received(clinic, patient=patient)
    accepted = accept(clinic, row)
    booked = clinic.book(patient, commitment_id=accepted.commitment_id)
    error = refused(clinic, row)
    assert (error.rule, error.code) == ("VA-03", "undo_booked")
    assert error.sentence == ("Beslutet kan inte ångras: patienten har fått en tid på vårdåtagandet. Avboka den först.")
    cancellation.cancel(
        appointment_id=booked.pk, cancelled_by="provider", reason="Fel remiss", by=clinic.nurse, at=NOW + MINUTE
    )
    undo(clinic, row)
    assert Referral.objects.get(pk=row.pk).status == "received"


def test_what_was_booked_before_on_a_joined_commitment_stands_in_nobodys_way(clinic):
    """VA-01: only what came after the decision may have come of it."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient, at=NOW - DAY)
    clinic.book(patient, at=NOW - DAY, commitment_id=commitment.pk)
    row = received(clinic, patient=patient)
    accept(clinic, row)
    undo(clinic, row)
    commitment.refresh_from_db()
    assert (Referral.objects.get(pk=row.pk).status, commitment.status) == ("received", "open")
    accept(clinic, row)
    clinic.book(patient, NOW + 5 * DAY, commitment_id=commitment.pk)
    assert refused(clinic, row).code == "undo_booked"


def test_an_offer_or_an_open_invitation_stands_in_the_way(clinic):
    """PL-01, PL-26"""
    row = received(clinic)
    accept(clinic, row)
    told = {"subject": "referral", "row_id": row.pk, "by": clinic.nurse, "at": NOW}
    made = invitations.invite(**told, last_day=TODAY + 30 * DAY, visit_type=clinic.nurse_visit)
    assert refused(clinic, row).code == "undo_invited"
    invitations.end(invitation_id=made.pk, reason="Fel", by=clinic.nurse, at=NOW)
    offered = offers.make(
        **told,
        start=NOW + 2 * DAY,
        resource_id=clinic.nurse_resource.pk,
        visit_type=clinic.nurse_visit,
    )
    assert refused(clinic, row).code == "undo_offered"
    offers.withdraw(offer_id=offered.pk, by=clinic.nurse, at=NOW)
    undo(clinic, row)
    assert Referral.objects.get(pk=row.pk).commitment is None


def test_a_letter_that_says_so_and_waits_is_stopped_and_one_that_has_left_stands_in_the_way(clinic):
    """VA-03, KA-03: a receipt that says that the remiss has come stays."""
    patient = clinic.patient()
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Gatan 1", postal_code="123 45", town="Staden")
    LetterText.objects.create(part="phone", text="046-17 00 00", source="Prov", care_unit=clinic.unit)
    row = received(clinic, patient=patient)
    (come,) = letters.write_of_referral(referral_id=row.pk, by=clinic.nurse, at=NOW - DAY)
    letters.confirm_printed(letter_id=come.pk, by=clinic.nurse, at=NOW - DAY)
    accept(clinic, row)
    (told,) = letters.write_of_referral(referral_id=row.pk, by=clinic.doctor, at=NOW)
    undo(clinic, row)
    told.refresh_from_db()
    come.refresh_from_db()
    assert (told.status, told.stop_reason) == ("stopped", "Beslutet om remissen är ångrat")
    assert come.status == "printed"
    accept(clinic, row)
    (told,) = letters.write_of_referral(referral_id=row.pk, by=clinic.doctor, at=NOW)
    letters.confirm_printed(letter_id=told.pk, by=clinic.nurse, at=NOW)
    assert refused(clinic, row).code == "undo_told"


def test_only_the_last_step_is_taken_back(clinic):
    """A remiss that has gone on, been completed or never been decided has nothing to undo."""
    row = received(clinic)
    assert refused(clinic, row).code == "nothing_to_undo"
    act = {"referral_id": row.pk, "by": clinic.doctor, "at": NOW}
    referrals.decide(**act, decision="return", reason="Komplettera")
    referrals.complete(**act, text="Klart")
    assert refused(clinic, row).code == "nothing_to_undo"
    accept(clinic, row)
    referrals.review(**act, days_to_first_contact=5)
    error = refused(clinic, row)
    assert (error.rule, error.code, error.by) == ("PL-13", "nothing_to_undo", "Anna Holm")


def test_a_used_remiss_stays_used(clinic):
    """VA-04"""
    patient = clinic.patient()
    row = received(clinic, patient=patient)
    accepted = accept(clinic, row)
    clinic.arrived(patient, commitment_id=accepted.commitment_id)
    assert refused(clinic, row, at=NOW).code == "nothing_to_undo"


def test_who_may_take_back_and_how_long(clinic):
    """PL-13: one's own within five minutes; later, or another's, those who correct, and then with a reason."""
    row = received(clinic)
    accept(clinic, row)
    assert refused(clinic, row, by=clinic.nurse).code == "not_own_act"
    late = NOW + 6 * MINUTE
    assert refused(clinic, row, at=late).code == "too_late"
    error = refused(clinic, row, at=late, may_correct=True)
    assert (error.code, error.needs_reason) == ("reason_missing", True)
    undo(clinic, row, at=late, may_correct=True, reason="Fel patient")
    assert row.events.last().reason == "Fel patient"


def test_the_second_press_is_told_who_pressed_first(clinic):
    """PL-27"""
    row = received(clinic)
    accept(clinic, row)
    undo(clinic, row)
    error = refused(clinic, row)
    assert (error.code, error.by, error.user_id) == ("nothing_to_undo", "Anna Holm", clinic.doctor.pk)
