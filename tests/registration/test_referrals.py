"""Remisser and vårdåtaganden (VA-01…04)."""

from datetime import timedelta

import pgtrigger
import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from registration import waiting
from registration.actions import referrals
from registration.models import CareCommitment, CommitmentEvent, ProblemCode, Referral, ReferralReviewer
from registration.referral_rules import in_turn
from scheduling.actions import absences, check_out, commitments
from scheduling.reviewers import Turn
from sdv.common.errors import InputError, RuleError
from sdv.common.time import start_of_day
from sdv.flows import cancellation
from tests.clinic import DAY, NOW, TODAY, Clinic

HOUR = timedelta(hours=1)


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
    referral = register(clinic, clinic.patient())
    with pytest.raises(IntegrityError, match="referral_dates_in_order"), transaction.atomic():
        Referral.objects.filter(pk=referral.pk).update(decision_date=TODAY + DAY)


def test_a_remiss_names_its_referrer_and_an_own_request_needs_none(clinic):
    """VA-02"""
    with pytest.raises(InputError):
        register(clinic, clinic.patient(), referrer=" ")
    assert register(clinic, clinic.patient(), kind="E", referrer="").status == "received"


@pytest.mark.parametrize(("decision", "status"), [("return", "returned"), ("reject", "rejected")])
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


def test_target_date_and_days_never_contradict_each_other(clinic):
    """VA-03: of two that differ the one that is as it was gives way; two new ones that differ are refused."""
    referral = register(clinic, clinic.patient())
    act = {"referral_id": referral.pk, "by": clinic.doctor, "at": NOW}
    referrals.review(**act, medical_target_date=TODAY + 30 * DAY, days_to_first_contact=30)
    sooner = referrals.review(**act, medical_target_date=TODAY + 30 * DAY, days_to_first_contact=10)
    assert (sooner.medical_target_date, sooner.days_to_first_contact) == (TODAY + 10 * DAY, 10)
    later = referrals.review(**act, medical_target_date=TODAY + 20 * DAY, days_to_first_contact=10)
    assert (later.medical_target_date, later.days_to_first_contact) == (TODAY + 20 * DAY, 20)
    with pytest.raises(RuleError) as refused:
        referrals.review(**act, medical_target_date=TODAY + 5 * DAY, days_to_first_contact=6)
    assert (refused.value.rule, refused.value.code) == ("VA-02", "dates_disagree")
    referral.refresh_from_db()
    assert (referral.medical_target_date, referral.days_to_first_contact) == (TODAY + 20 * DAY, 20)
    accepted = referrals.accept(**act, problem_code=clinic.problem, days_to_first_contact=7)
    assert (accepted.medical_target_date, accepted.days_to_first_contact) == (TODAY + 7 * DAY, 7)


def test_of_target_date_and_days_the_one_left_out_follows(clinic):
    """VA-03"""
    referral = register(clinic, clinic.patient(), arrival_date=TODAY - DAY)
    act = {"referral_id": referral.pk, "by": clinic.doctor, "at": NOW}
    by_days = referrals.review(**act, review_date=TODAY - DAY, days_to_first_contact=30)
    assert by_days.medical_target_date == TODAY + 29 * DAY
    by_date = referrals.review(**act, medical_target_date=TODAY + 10 * DAY)
    assert (by_date.review_date, by_date.days_to_first_contact) == (TODAY, 10)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"review_date": TODAY + DAY}, "date_in_future"),
        ({"review_date": TODAY - 2 * DAY}, "dates_out_of_order"),
        ({"review_date": TODAY, "medical_target_date": TODAY - DAY}, "dates_out_of_order"),
    ],
)
def test_a_review_is_dated_after_the_arrival_and_before_the_target(clinic, fields, code):
    """VA-02"""
    referral = register(clinic, clinic.patient(), arrival_date=TODAY - DAY)
    with pytest.raises(RuleError) as refused:
        referrals.review(referral_id=referral.pk, by=clinic.doctor, at=NOW, **fields)
    referral.refresh_from_db()
    assert (refused.value.rule, refused.value.code) == ("VA-02", code)
    assert (referral.review_date, referral.version, referral.events.count()) == (None, 1, 1)


def test_an_accepted_remiss_without_target_date_gets_one(clinic):
    """VA-03, PL-11: the fault is mended where it is."""
    clinic.commitment(clinic.patient())
    referral = Referral.objects.get()
    mended = referrals.review(referral_id=referral.pk, medical_target_date=TODAY + 20 * DAY, by=clinic.doctor, at=NOW)
    assert (mended.status, mended.medical_target_date) == ("accepted", TODAY + 20 * DAY)


def test_what_is_returned_comes_back_to_the_inbox_with_its_trail(clinic):
    """VA-03"""
    referral = register(clinic, clinic.patient())
    referrals.decide(referral_id=referral.pk, decision="return", reason="Provsvar saknas", by=clinic.doctor, at=NOW)
    act = {"referral_id": referral.pk, "by": clinic.nurse, "at": NOW + HOUR}
    with pytest.raises(RuleError) as refused:
        referrals.complete(**act, text=" ")
    assert (refused.value.rule, refused.value.code) == ("VA-03", "reason_missing")
    back = referrals.complete(**act, text="Provsvar finns i journalen")
    assert (back.status, back.decision_reason, back.decided_at, back.decided_by) == ("received", "", None, None)
    assert list(back.events.values_list("act", "reason", "by__name")) == [
        ("registered", "", "Sara Norén"),
        ("returned", "Provsvar saknas", "Anna Holm"),
        ("completed", "Provsvar finns i journalen", "Sara Norén"),
    ]
    with pytest.raises(RuleError) as refused:
        referrals.complete(**act, text="Igen")
    assert refused.value.code == "wrong_status"


def test_a_forwarded_remiss_stands_in_the_other_inbox_with_its_clock_kept(clinic):
    """VA-03, PL-25"""
    other = Clinic(name="Hjärtmottagningen")
    referral = register(clinic, clinic.patient(), decision_date=TODAY - 9 * DAY, arrival_date=TODAY - 7 * DAY)
    act = {"referral_id": referral.pk, "reason": "Hör dit", "by": clinic.doctor, "at": NOW}
    with pytest.raises(RuleError) as refused:
        referrals.forward(**act, to_unit=clinic.unit)
    assert (refused.value.code, Referral.objects.count()) == ("same_unit", 1)
    sent = referrals.forward(**act, to_unit=other.unit)
    referral.refresh_from_db()
    assert (referral.status, referral.decision_reason, referral.decided_by) == ("forwarded", "Hör dit", clinic.doctor)
    sent.refresh_from_db()
    assert (sent.care_unit, sent.status, sent.forwarded_from) == (other.unit, "received", referral)
    assert (sent.decision_date, sent.arrival_date, sent.waiting_since) == (TODAY - 9 * DAY, TODAY, TODAY - 9 * DAY)
    assert list(Referral.objects.undecided()) == [sent]
    assert referral.events.get(act="forwarded").to_unit == other.unit
    third = Clinic(name="Lungmottagningen")
    again = referrals.forward(referral_id=sent.pk, reason="Lungor", to_unit=third.unit, by=other.doctor, at=NOW)
    again.refresh_from_db()
    assert again.waiting_since == TODAY - 9 * DAY


def test_a_remiss_sent_out_of_the_region_is_closed_here_and_says_where_it_went(clinic):
    """VA-03, BO-04: the receiver in words, the reason and the day; our clock ends on that day; in nobody's inbox."""
    sender = Clinic(name="Vårdcentralen Väster")
    row = register(clinic, clinic.patient(), sender_unit=sender.unit, arrival_date=TODAY - 9 * DAY)
    act = {"referral_id": row.pk, "by": clinic.doctor, "at": NOW}
    with pytest.raises(InputError) as missing:
        referrals.forward_outside(**act, receiver=" ", reason="Bor där")
    assert missing.value.errors == {"receiver": ["Skriv vilken vårdgivare eller enhet remissen sänds till."]}
    for receiver, reason, sent_on, rule, code in [
        ("Danderyds sjukhus", " ", None, "VA-03", "reason_missing"),
        ("Danderyds sjukhus", "Bor där", TODAY + DAY, "VA-02", "date_in_future"),
        ("Danderyds sjukhus", "Bor där", TODAY - 10 * DAY, "VA-02", "dates_out_of_order"),
    ]:
        with pytest.raises(RuleError) as refused:
            referrals.forward_outside(**act, receiver=receiver, reason=reason, sent_on=sent_on)
        assert (refused.value.rule, refused.value.code) == (rule, code)
    row.refresh_from_db()
    assert (row.status, row.version, row.events.count()) == ("received", 1, 1)
    sent = referrals.forward_outside(
        **act, receiver="Danderyds sjukhus, Region Stockholm", reason="Bor där", sent_on=TODAY - 2 * DAY
    )
    sent.refresh_from_db()
    assert (sent.status, sent.forwarded_outside, sent.forwarded_on, sent.decision_reason) == (
        "forwarded",
        "Danderyds sjukhus, Region Stockholm",
        TODAY - 2 * DAY,
        "Bor där",
    )
    step = sent.events.last()
    assert (step.act, step.to_unit, step.to_outside) == ("forwarded", None, "Danderyds sjukhus, Region Stockholm")
    assert not Referral.objects.undecided().exists()
    assert list(Referral.objects.sent_by(sender.unit).at_its_place()) == [sent]
    wait = waiting.wait_of(sent, on=TODAY + 30 * DAY, limits=waiting.limits())
    assert (wait.until, wait.days) == (TODAY - 2 * DAY, 7)
    for day, number in ((TODAY - 3 * DAY, 1), (TODAY - 2 * DAY, 0), (TODAY, 0)):
        assert [each.number for each in waiting.waiting_on([clinic.unit], on=day)] == [number], day
    with pytest.raises(RuleError) as refused:
        referrals.forward_outside(**act, receiver="Igen", reason="Igen")
    assert refused.value.code == "wrong_status"


def test_what_is_sent_on_is_followed_by_who_sent_it_on_and_a_receiver_outside_is_noted_by_hand(clinic):
    """VA-03: of a remiss that came from outside the region nobody else follows it. Outside, a person notes on which day the
    receiver had it: once, not before it was sent, not in the future; inside, the receiver says so."""
    other = Clinic(name="Hjärtmottagningen")
    row = register(clinic, clinic.patient())
    note = {"by": clinic.nurse, "at": NOW}
    with pytest.raises(RuleError) as refused:
        referrals.confirm_outside(referral_id=row.pk, **note)
    assert (refused.value.rule, refused.value.code) == ("VA-03", "wrong_status")
    sent = referrals.forward(referral_id=row.pk, reason="Hjärta", to_unit=other.unit, by=clinic.doctor, at=NOW)
    assert (sent.sender_unit, sent.receipt_at) == (clinic.unit, None)
    assert list(Referral.objects.sent_by(clinic.unit).at_its_place()) == [sent]
    with pytest.raises(RuleError) as refused:
        referrals.confirm_outside(referral_id=row.pk, **note)
    assert "sänd vidare inom regionen" in refused.value.sentence
    away = referrals.forward_outside(
        referral_id=sent.pk, receiver="Hallands sjukhus", reason="Bor där", by=other.doctor, at=NOW, sent_on=TODAY
    )
    assert set(Referral.objects.sent_by(other.unit).at_its_place()) == {away}
    assert list(Referral.objects.sent_by(clinic.unit).at_its_place()) == [away]
    for day, code in ((TODAY - DAY, "dates_out_of_order"), (TODAY + DAY, "date_in_future")):
        with pytest.raises(RuleError) as refused:
            referrals.confirm_outside(referral_id=away.pk, received_on=day, **note)
        assert (refused.value.rule, refused.value.code) == ("VA-02", code)
    for _ in range(2):
        said = referrals.confirm_outside(referral_id=away.pk, by=clinic.nurse, at=NOW + DAY)
    assert (said.outside_receipt_on, said.version) == (TODAY + DAY, away.version + 1)
    step = said.events.last()
    assert (step.act, step.reason) == ("receipt", f"Hallands sjukhus, {(TODAY + DAY).isoformat()}")
    with pytest.raises(IntegrityError, match="outside_receipt"), transaction.atomic():
        Referral.objects.filter(pk=row.pk).update(outside_receipt_on=TODAY)


def test_the_database_keeps_receiver_and_day_together(clinic):
    """VA-03"""
    row = register(clinic, clinic.patient())
    with pytest.raises(IntegrityError, match="sent_outside"), transaction.atomic():
        Referral.objects.filter(pk=row.pk).update(forwarded_outside="Någon annan")


def test_without_a_decision_date_the_wait_begins_with_the_first_arrival(clinic):
    """BO-04, PL-25"""
    other = Clinic(name="Hjärtmottagningen")
    referral = register(clinic, clinic.patient(), kind="E", arrival_date=TODAY - 7 * DAY)
    referral.refresh_from_db()
    assert referral.waiting_since == TODAY - 7 * DAY
    sent = referrals.forward(referral_id=referral.pk, reason="Hör dit", to_unit=other.unit, by=clinic.doctor, at=NOW)
    sent.refresh_from_db()
    assert sent.waiting_since == TODAY - 7 * DAY


def test_the_sender_sees_when_it_was_received(clinic):
    """VA-03: by the receiver's word, or by the first decision; said once."""
    sender = Clinic(name="Vårdcentralen Väster")
    first = register(clinic, clinic.patient(), sender_unit=sender.unit, referrer="")
    assert (first.referrer, first.receipt_at) == ("Vårdcentralen Väster", None)
    said = referrals.confirm(referral_id=first.pk, by=clinic.nurse, at=NOW + HOUR)
    again = referrals.confirm(referral_id=first.pk, by=clinic.doctor, at=NOW + 2 * HOUR)
    assert (said.receipt_at, again.receipt_by, again.version) == (NOW + HOUR, clinic.nurse, 2)
    second = register(clinic, clinic.patient(), sender_unit=sender.unit)
    decided = referrals.decide(referral_id=second.pk, decision="reject", reason="Nej", by=clinic.doctor, at=NOW)
    assert (decided.receipt_at, decided.receipt_by) == (NOW, clinic.doctor)
    assert set(Referral.objects.sent_by(sender.unit)) == {first, second}
    own = register(clinic, clinic.patient())
    assert (own.receipt_at, own.receipt_by) == (NOW, clinic.nurse)


@pytest.mark.parametrize(
    ("addressed", "absent", "reviewer"),
    [
        ("B", "", "B"),
        ("B", "B", "C"),
        ("C", "C", "A"),
        ("C", "CA", "B"),
        ("X", "", "X"),
        ("X", "X", "A"),
        (None, "", "A"),
        (None, "A", "B"),
        ("B", "ABC", None),
    ],
)
def test_who_is_in_turn_when_somebody_is_away(addressed, absent, reviewer):
    """VA-03"""
    assert in_turn(addressed, list("ABC"), set(absent)) == reviewer


def test_a_reviewers_absence_sends_the_remiss_to_the_next(clinic):
    """VA-03: while the absence lasts, and from nobody's list to somebody's."""
    nurse, doctor = clinic.nurse.practitioner, clinic.doctor.practitioner
    for position, person in enumerate((nurse, doctor)):
        ReferralReviewer.objects.create(care_unit=clinic.unit, practitioner=person, position=position)
    to_nurse = register(clinic, clinic.patient(), addressed_to=nurse)
    to_unit = register(clinic, clinic.patient())

    def mine(turn, person):
        return set(Referral.objects.undecided().filter(turn.is_of(person.pk)))

    present = Turn([clinic.unit.pk], at=NOW)
    assert (present.of(to_nurse), present.of(to_unit), present.is_stand_in(to_nurse)) == (nurse, nurse, False)
    absences.register(
        care_unit=clinic.unit,
        resource_id=clinic.nurse_resource.pk,
        kind="leave",
        start=NOW,
        end=NOW + DAY,
        by=clinic.doctor,
        at=NOW - HOUR,
    )
    away = Turn([clinic.unit.pk], at=NOW)
    assert (away.of(to_nurse), away.of(to_unit), away.is_stand_in(to_nurse)) == (doctor, doctor, True)
    assert (mine(away, doctor), mine(away, nurse)) == ({to_nurse, to_unit}, set())
    back = Turn([clinic.unit.pk], at=NOW + DAY)
    assert (back.of(to_nurse), mine(back, doctor)) == (nurse, set())


def test_the_trail_is_never_changed(clinic):
    """VA-03"""
    event = register(clinic, clinic.patient()).events.get()
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        event.delete()


def test_a_unit_with_specialities_offers_their_problem_codes(clinic):
    """VA-01"""
    assert ProblemCode.objects.for_unit(clinic.unit, TODAY).count() == ProblemCode.objects.valid_on(TODAY).count()
    clinic.unit.specialities = ["Kardiologi"]
    ProblemCode.objects.create(code="utan", name="Utan specialitet")
    offered = ProblemCode.objects.for_unit(clinic.unit, TODAY)
    assert set(offered.values_list("speciality", flat=True)) == {"Kardiologi", ""}


def test_a_remiss_is_used_by_the_first_contact(clinic):
    """VA-04"""
    patient = clinic.patient()
    clinic.commitment(patient)
    visit = clinic.arrived(patient).encounter
    referral = Referral.objects.get()
    assert (referral.status, referral.used_by) == ("used", visit)


@pytest.mark.parametrize(("is_closed", "is_traced"), [(False, True), (True, True), (True, False)])
def test_a_remiss_that_is_given_back_is_to_be_booked_only_where_its_commitment_is_open(clinic, is_closed, is_traced):
    """VA-04, UT-03, UT-07, PL-13: the contact was a mistake, and the vårdåtagande had been ended since. An ending from before
    endings were traced has its day."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    visit = clinic.arrived(patient).encounter
    if is_closed:
        seen = {"encounter_id": visit.pk, "by": clinic.doctor, "at": NOW + HOUR}
        awaited = {
            "reason": clinic.outcome_reason("await_result"),
            "waiting_for": "Röntgen",
            "watch_until": TODAY + DAY,
        }
        check_out.check_out(
            outcome="await_result", registered_at=NOW + HOUR, responsible=clinic.doctor, **awaited, **seen
        )
        ended = {"reason": "Färdigbehandlad", "by": clinic.doctor, "at": NOW + HOUR}
        commitments.close_by_id(commitment_id=commitment.pk, **ended)
        check_out.undo(**seen)
    if not is_traced:
        with pgtrigger.ignore():
            CommitmentEvent.objects.filter(commitment=commitment).delete()
    cancellation.annul(encounter_id=visit.pk, reason="Fel patient", by=clinic.nurse, at=NOW + 2 * DAY)
    referral = Referral.objects.get()
    assert referral.used_by is None
    assert Referral.objects.to_book().exists() is not is_closed
    acts = list(referral.events.values_list("act", flat=True))
    if not is_closed:
        assert (referral.status, acts) == ("accepted", ["registered", "accepted"])
        return
    ending = "Färdigbehandlad", NOW + HOUR if is_traced else start_of_day(TODAY), clinic.doctor
    assert (referral.status, referral.decision_reason, referral.decided_at, referral.decided_by) == ("closed", *ending)
    step = referral.events.last()
    assert acts == ["registered", "accepted", "closed"]
    assert (step.reason, step.at, step.by, step.before["status"]) == (*ending, "accepted")


def test_an_undecided_remiss_is_always_in_the_inbox(clinic):
    """UT-07"""
    received = register(clinic, clinic.patient())
    returned = register(clinic, clinic.patient())
    referrals.decide(referral_id=returned.pk, decision="return", reason="Komplettera", by=clinic.doctor, at=NOW)
    clinic.commitment(clinic.patient())
    assert set(Referral.objects.undecided()) == {received, Referral.objects.get(pk=returned.pk)}
