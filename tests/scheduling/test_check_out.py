"""Check-out with its four outcomes, the lists they feed, and its undo (UT-01…08, PL-13)."""

from datetime import date, timedelta

import pytest

from registration.actions import clock, encounters, referrals
from registration.models import CareCommitment, Encounter, EncounterHistory, Referral
from scheduling import promises
from scheduling.actions import absences, check_out, commitments, offers, work_items
from scheduling.models import (
    AwaitedResult,
    BookingRequest,
    CheckOut,
    MissingFollowUp,
    NoShowItem,
    RebookingItem,
)
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.time import end_of_day
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY

LATER = NOW + HALF_HOUR


@pytest.fixture
def visit(clinic):
    """A specialised visit that goes on, on an open vårdåtagande."""
    patient = clinic.patient()
    clinic.commitment(patient)
    return clinic.arrived(patient).encounter


def finish(clinic, visit, outcome, **fields):
    fields = {"by": clinic.doctor, "at": LATER, "registered_at": LATER} | fields
    return check_out.check_out(encounter_id=visit.pk, outcome=outcome, **fields)


def refusal(act, *arguments, **fields):
    with pytest.raises(RuleError) as refused:
        act(*arguments, **fields)
    return refused.value


def follow_up(clinic, **fields):
    return {
        "visit_type": clinic.nurse_visit,
        "contact_reason": clinic.reason,
        "wished_from": TODAY + timedelta(days=28),
        "wished_to": TODAY + timedelta(days=42),
    } | fields


def counts():
    return (
        CheckOut.objects.count(),
        AwaitedResult.objects.count(),
        MissingFollowUp.objects.count(),
        BookingRequest.objects.count(),
        EncounterHistory.objects.count(),
        CareCommitment.objects.open().count(),
    )


@pytest.mark.parametrize("outcome", ["", "okänt", None])
def test_one_of_the_four_outcomes_must_be_chosen(clinic, visit, outcome):
    """UT-02"""
    before = counts()
    assert refusal(finish, clinic, visit, outcome).rule == "UT-02"
    visit.refresh_from_db()
    assert (visit.status, counts()) == ("in_progress", before)


@pytest.mark.parametrize(("outcome", "rule"), [("end_commitment", "UT-03"), ("await_result", "UT-04")])
def test_ending_and_awaiting_need_a_reason(clinic, visit, outcome, rule):
    """UT-03, UT-04"""
    before = counts()
    assert refusal(finish, clinic, visit, outcome).rule == rule
    assert counts() == before


def test_a_reason_of_another_outcome_is_refused(clinic, visit):
    """UT-02"""
    with pytest.raises(InputError):
        finish(clinic, visit, "end_commitment", reason=clinic.outcome_reason("await_result"))


def test_ending_closes_the_commitment_with_its_reason(clinic, visit):
    """UT-03"""
    record = finish(clinic, visit, "end_commitment", reason=clinic.outcome_reason("end_commitment"))
    visit.refresh_from_db()
    commitment = CareCommitment.objects.get()
    assert (visit.status, visit.checked_out_at) == ("checked_out", LATER)
    assert (commitment.status, commitment.closed_on, commitment.close_reason) == ("closed", TODAY, record.reason.name)
    assert promises.broken(at=LATER).count() == 0


def test_the_check_out_time_may_be_adjusted_but_neither_before_arrival_nor_in_the_future(clinic, visit):
    """UT-01"""
    reason = {"reason": clinic.outcome_reason("end_commitment")}
    early = {"at": NOW - timedelta(minutes=1), "registered_at": LATER}
    future = {"at": LATER + timedelta(minutes=1), "registered_at": LATER}
    assert refusal(finish, clinic, visit, "end_commitment", **reason, **early).rule == "UT-01"
    assert refusal(finish, clinic, visit, "end_commitment", **reason, **future).rule == "UT-01"
    record = finish(clinic, visit, "end_commitment", **reason, at=NOW + timedelta(minutes=10), registered_at=LATER)
    visit.refresh_from_db()
    assert visit.checked_out_at == record.at == NOW + timedelta(minutes=10)


def test_ending_is_refused_while_something_is_booked_or_waits_and_lists_it(clinic, visit):
    """UT-03"""
    clinic.book(visit.patient, NOW + 7 * DAY)
    work_items.request_booking(
        patient_id=visit.patient_id,
        care_unit=clinic.unit,
        commitment_id=visit.commitment_id,
        by=clinic.nurse,
        at=NOW,
        **follow_up(clinic),
    )
    before = counts()
    refused = refusal(finish, clinic, visit, "end_commitment", reason=clinic.outcome_reason("end_commitment"))
    assert (refused.rule, refused.code) == ("UT-03", "planning_left")
    assert "bokning 2026-11-27 kl. 09.00" in refused.sentence
    assert f"bokningsbegäran {clinic.nurse_visit.name} från 2026-12-18" in refused.sentence
    assert counts() == before


def test_other_commitments_at_the_unit_are_ticked_one_by_one(clinic, visit):
    """UT-03"""
    other = clinic.commitment(visit.patient, clinic.other_problem)
    finish(clinic, visit, "end_commitment", reason=clinic.outcome_reason("end_commitment"), also_end=[other.pk])
    assert CareCommitment.objects.open().count() == 0
    # The accepted remiss of the ticked one does not stay in Att boka.
    assert Referral.objects.to_book().count() == 0


def test_a_booking_to_move_that_the_ending_took_off_the_list_is_there_again_after_undo(clinic):
    """PL-02, PL-13, UT-03: a visit of yesterday that nobody moved or ended, and which is still booked."""
    patient = clinic.patient()
    clinic.commitment(patient)
    left = clinic.book(patient, NOW - DAY, at=NOW - 3 * DAY)
    absences.register(
        care_unit=clinic.unit, kind="leave", resource_id=clinic.nurse_resource.pk, start=NOW - DAY,
        end=NOW - DAY + HALF_HOUR, by=clinic.nurse, at=NOW - 2 * DAY,
    )  # fmt: skip
    item = RebookingItem.objects.open().get(appointment=left)
    visit = clinic.arrived(patient).encounter
    finish(clinic, visit, "end_commitment", reason=clinic.outcome_reason("end_commitment"))
    assert not RebookingItem.objects.open().exists()
    undo(clinic, visit)
    again = RebookingItem.objects.open().get()
    assert (again.pk, again.decision, again.decided_at, again.version) == (item.pk, "", None, item.version + 2)


def test_another_patient_s_commitment_cannot_be_ticked(clinic, visit):
    """UT-03"""
    stranger = clinic.commitment(clinic.patient())
    reason = clinic.outcome_reason("end_commitment")
    assert refusal(finish, clinic, visit, "end_commitment", reason=reason, also_end=[stranger.pk]).rule == "UT-03"
    assert CareCommitment.objects.open().count() == 2


def test_ending_is_not_offered_where_the_visit_has_no_commitment(health_centre):
    """UT-03"""
    visit = health_centre.arrived(health_centre.patient()).encounter
    reason = health_centre.outcome_reason("end_commitment")
    assert refusal(finish, health_centre, visit, "end_commitment", reason=reason).code == "missing_commitment"


def test_awaiting_makes_a_watched_item_and_the_commitment_stays_open(clinic, visit):
    """UT-04, UT-07"""
    finish(clinic, visit, "await_result", reason=clinic.outcome_reason("await_result"), waiting_for="Röntgen knä")
    item = AwaitedResult.objects.get()
    assert (item.status, item.watch_until, item.responsible) == ("watching", date(2026, 12, 11), clinic.doctor)
    assert (item.waiting_for, item.commitment.status) == ("Röntgen knä", "open")
    assert promises.broken(at=LATER).count() == 0


def test_when_the_answer_has_come_the_clinician_decides(clinic, visit):
    """UT-04"""
    finish(clinic, visit, "await_result", reason=clinic.outcome_reason("await_result"))
    item = AwaitedResult.objects.get()
    arrived = work_items.register_result(item_id=item.pk, by=clinic.nurse, at=LATER)
    assert (arrived.status, arrived.result_at) == ("arrived", LATER)
    act = {"model": AwaitedResult, "item_id": item.pk, "by": clinic.doctor, "at": LATER}
    assert refusal(work_items.decide, **act, decision="nothing_more").rule == "UT-07"
    work_items.decide(**act, decision="follow_up", follow_up=follow_up(clinic))
    item.refresh_from_db()
    assert (item.status, item.decision, item.decided_by) == ("decided", "follow_up", clinic.doctor)
    assert BookingRequest.objects.waiting().get().commitment == visit.commitment
    assert refusal(work_items.decide, **act, decision="nothing_more").by == "Anna Holm"


def test_a_decision_may_end_the_commitment(clinic, visit):
    """UT-03, UT-04"""
    finish(clinic, visit, "await_result", reason=clinic.outcome_reason("await_result"))
    item = AwaitedResult.objects.get()
    work_items.decide(
        model=AwaitedResult,
        item_id=item.pk,
        decision="end_commitment",
        reason="färdigbehandlad",
        by=clinic.doctor,
        at=LATER,
    )
    assert CareCommitment.objects.get().close_reason == "färdigbehandlad"
    assert AwaitedResult.objects.open().count() == 0


def test_no_further_planning_without_a_return_visit_warns_and_kept_lands_in_the_list(clinic, visit):
    """UT-05"""
    before = counts()
    refused = refusal(finish, clinic, visit, "no_further_planning")
    assert (refused.rule, refused.is_warning, counts()) == ("UT-05", True, before)
    finish(clinic, visit, "no_further_planning", accept_warnings=["UT-05"])
    item = MissingFollowUp.objects.open().get()
    assert (item.commitment, item.watch_until) == (visit.commitment, date(2026, 11, 27))
    assert promises.broken(at=LATER).count() == 0


def test_no_further_planning_with_a_return_visit_booked_is_silent(clinic, visit):
    """UT-05"""
    clinic.book(visit.patient, NOW + 7 * DAY)
    finish(clinic, visit, "no_further_planning")
    assert MissingFollowUp.objects.count() == 0


def test_a_booking_on_another_commitment_is_no_plan_for_this_one(clinic, visit):
    """UT-05, UT-07"""
    other = clinic.commitment(visit.patient, clinic.other_problem)
    clinic.book(visit.patient, NOW + 7 * DAY, commitment_id=other.pk)
    assert refusal(finish, clinic, visit, "no_further_planning").rule == "UT-05"


def test_follow_up_opens_a_request_with_type_reason_interval_and_wish(clinic, visit):
    """UT-06, VO-04"""
    finish(clinic, visit, "follow_up", follow_ups=[follow_up(clinic, wished_resource=clinic.nurse_resource)])
    request = BookingRequest.objects.get()
    assert (request.status, request.visit_type, request.contact_reason) == ("open", clinic.nurse_visit, clinic.reason)
    assert (request.wished_from, request.wished_to) == (date(2026, 12, 18), date(2027, 1, 1))
    assert (request.wished_resource, request.commitment) == (clinic.nurse_resource, visit.commitment)


def test_to_a_colleague_it_is_a_follow_up_request_until_confirmed_one_per_addressee(clinic, visit):
    """UT-06"""
    follow_ups = [follow_up(clinic, addressee=clinic.nurse), follow_up(clinic, addressee=clinic.doctor)]
    finish(clinic, visit, "follow_up", follow_ups=follow_ups)
    assert set(BookingRequest.objects.values_list("status", "addressee__name")) == {
        ("follow_up", "Sara Norén"),
        ("open", "Anna Holm"),
    }
    theirs = BookingRequest.objects.get(status="follow_up")
    work_items.change_request(request_id=theirs.pk, confirm=True, by=clinic.nurse, at=LATER)
    assert BookingRequest.objects.filter(status="open").count() == 2


def test_follow_up_without_a_proposal_is_refused(clinic, visit):
    """UT-06"""
    assert refusal(finish, clinic, visit, "follow_up").rule == "UT-06"


def test_a_planned_visit_is_not_checked_out(clinic):
    """VH-24"""
    patient = clinic.patient()
    clinic.commitment(patient)
    planned = clinic.book(patient).encounter
    refused = refusal(finish, clinic, planned, "no_further_planning")
    assert (refused.rule, "Registrera ankomsten först." in refused.sentence) == ("VH-24", True)


def test_an_automatic_visit_may_be_checked_out_by_hand_before(health_centre):
    """UT-08"""
    visit = health_centre.arrived(health_centre.patient()).encounter
    finish(health_centre, visit, "follow_up", follow_ups=[follow_up(health_centre)])
    assert clock.auto_discharge(at=end_of_day(TODAY)) == (1, 0)
    visit.refresh_from_db()
    assert (visit.checked_out_at, visit.is_check_out_automatic) == (LATER, False)


# --- Undo -----------------------------------------------------------------------------------------------------------


def undo(clinic, visit, at=LATER):
    return check_out.undo(encounter_id=visit.pk, by=clinic.doctor, at=at)


def test_undo_of_ending_opens_the_commitment_again(clinic, visit):
    """PL-13, VA-03: a remiss that waited on it too waits again, accepted by whom and when it was, each time a new version."""
    clinic.commitment(visit.patient)
    waiting = Referral.objects.get(status="accepted")
    decided = {"status": "accepted", "decided_at": waiting.decided_at, "decided_by": waiting.decided_by_id}
    finish(clinic, visit, "end_commitment", reason=clinic.outcome_reason("end_commitment"))
    undone = undo(clinic, visit)
    commitment = CareCommitment.objects.get()
    assert (undone.status, undone.checked_out_at) == ("in_progress", None)
    assert (commitment.status, commitment.close_reason, commitment.closed_on) == ("open", "", None)
    assert CheckOut.objects.get().undone_by == clinic.doctor
    again = Referral.objects.values("status", "decided_at", "decided_by", "version").get(pk=waiting.pk)
    assert again == decided | {"version": waiting.version + 2}


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        (TODAY - DAY, "Datumet har passerat. Ange ett datum från och med i dag."),
        (date(2028, 11, 22), "Ange ett datum inom två år."),
        (date(2999, 1, 1), "Ange ett datum inom två år."),
    ],
)
def test_a_result_is_watched_from_today_and_for_two_years_at_most(clinic, visit, day, sentence):
    """UT-04: as when it is postponed."""
    with pytest.raises(InputError) as refused:
        finish(clinic, visit, "await_result", reason=clinic.outcome_reason("await_result"), watch_until=day)
    assert refused.value.errors == {"watch_until": [sentence]}
    assert not AwaitedResult.objects.exists() and not CheckOut.objects.exists()
    finish(clinic, visit, "await_result", reason=clinic.outcome_reason("await_result"), watch_until=date(2028, 11, 21))


@pytest.mark.parametrize("outcome", ["await_result", "no_further_planning", "follow_up"])
def test_undo_withdraws_what_the_outcome_made_and_the_visit_can_be_checked_out_again(clinic, visit, outcome):
    """PL-13"""
    fields = {
        "await_result": {"reason": clinic.outcome_reason("await_result")},
        "no_further_planning": {"accept_warnings": ["UT-05"]},
        "follow_up": {"follow_ups": [follow_up(clinic)]},
    }[outcome]
    finish(clinic, visit, outcome, **fields)
    undo(clinic, visit)
    assert AwaitedResult.objects.open().count() == MissingFollowUp.objects.open().count() == 0
    assert BookingRequest.objects.waiting().count() == 0
    finish(clinic, visit, outcome, **fields)
    assert CheckOut.objects.filter(undone_at=None).count() == 1


def test_undo_is_refused_when_the_follow_up_is_booked(clinic, visit):
    """PL-13"""
    finish(clinic, visit, "follow_up", follow_ups=[follow_up(clinic)])
    request = BookingRequest.objects.get()
    clinic.book(visit.patient, NOW + 28 * DAY, booking_request_id=request.pk)
    assert refusal(undo, clinic, visit).code == "already_booked"
    visit.refresh_from_db()
    assert visit.status == "checked_out"


def test_a_remiss_that_the_ending_closed_is_exactly_as_it_was_after_undo(clinic, visit):
    """UT-03, VA-03, PL-13, PL-27: each step in its trail and its version; what was offered of a follow-up is withdrawn."""
    remiss = referrals.register(
        patient_id=visit.patient_id, care_unit=clinic.unit, kind="R", arrival_date=visit.start.date(),
        referrer="Vårdcentralen Öster", by=clinic.doctor, at=NOW,
    )  # fmt: skip
    referrals.accept(referral_id=remiss.pk, problem_code=clinic.problem, by=clinic.nurse, at=NOW)
    remiss.refresh_from_db()
    before = (remiss.status, remiss.decision_reason, remiss.decided_at, remiss.decided_by)
    finish(clinic, visit, "end_commitment", reason=clinic.outcome_reason("end_commitment"))
    closed = Referral.objects.get(pk=remiss.pk)
    assert (closed.status, closed.version, closed.decided_by) == ("closed", remiss.version + 1, clinic.doctor)
    assert closed.decision_reason == visit.commitment.__class__.objects.get(pk=visit.commitment_id).close_reason
    undo(clinic, visit)
    with pytest.raises(StaleVersion):
        referrals.review(referral_id=remiss.pk, by=clinic.doctor, at=LATER, version=remiss.version)
    again = Referral.objects.get(pk=remiss.pk)
    assert (again.status, again.decision_reason, again.decided_at, again.decided_by) == before
    assert again.version == remiss.version + 2
    assert [step.act for step in again.events.all()] == ["registered", "accepted", "closed", "reopened"]
    assert {step.by for step in again.events.all()[2:]} == {clinic.doctor}
    finish(clinic, visit, "follow_up", follow_ups=[follow_up(clinic)], at=LATER, registered_at=LATER)
    request = BookingRequest.objects.get()
    offer = offers.make(
        subject="booking_request", row_id=request.pk, resource_id=clinic.nurse_resource.pk,
        start=NOW + 9 * DAY, by=clinic.nurse, at=LATER,
    )  # fmt: skip
    undo(clinic, visit)
    offer.refresh_from_db()
    assert (offer.status, offer.hold) == ("withdrawn", None)


def test_items_that_the_ending_ended_are_open_again_after_undo(clinic, visit):
    """PL-13: an Avvakta from an earlier visit of the same vårdåtagande."""
    finish(clinic, visit, "await_result", reason=clinic.outcome_reason("await_result"))
    second = clinic.arrived(visit.patient, NOW + DAY).encounter
    at = NOW + DAY + HALF_HOUR
    finish(clinic, second, "end_commitment", reason=clinic.outcome_reason("end_commitment"), at=at, registered_at=at)
    assert AwaitedResult.objects.open().count() == 0
    undo(clinic, second, at=at)
    assert AwaitedResult.objects.open().get().status == "watching"


# --- The clock ----------------------------------------------------------------------------------------------------


def test_a_manual_type_waits_for_its_check_out_and_then_ends_at_its_own_day(clinic, visit):
    """VH-19"""
    at = end_of_day(TODAY + DAY)
    assert clock.auto_discharge(at=at) == (0, 0)
    assert list(Encounter.objects.awaiting_check_out()) == [visit]
    finish(clinic, visit, "no_further_planning", accept_warnings=["UT-05"], at=LATER, registered_at=at)
    assert clock.auto_discharge(at=at) == (1, 0)
    visit.refresh_from_db()
    assert (visit.status, visit.end) == ("ended", end_of_day(TODAY))


def test_a_check_out_registered_after_the_end_of_its_day_may_lie_after_the_end(clinic, visit):
    """VH-19: the end is 23:59 of the visit's date also when somebody sat on until after midnight."""
    late = end_of_day(TODAY) + timedelta(hours=2)
    finish(clinic, visit, "no_further_planning", accept_warnings=["UT-05"], at=late, registered_at=late)
    clock.auto_discharge(at=late)
    visit.refresh_from_db()
    assert (visit.end, visit.checked_out_at) == (end_of_day(TODAY), late)


def test_an_automatic_type_is_checked_out_at_its_booked_end_just_before(health_centre):
    """VH-17, VH-18"""
    visit = health_centre.arrived(health_centre.patient()).encounter
    assert clock.auto_discharge(at=end_of_day(TODAY) - timedelta(minutes=1)) == (0, 0)
    assert clock.auto_discharge(at=end_of_day(TODAY), dry_run=True) == (1, 1)
    assert clock.auto_discharge(at=end_of_day(TODAY)) == (1, 1)
    visit.refresh_from_db()
    assert (visit.status, visit.end, visit.checked_out_at) == ("ended", end_of_day(TODAY), NOW + HALF_HOUR)
    assert visit.is_check_out_automatic
    moves = list(visit.history.filter(by=None).order_by("at").values_list("move", "source", "target", "at"))
    assert moves == [
        ("check_out", "in_progress", "checked_out", NOW + HALF_HOUR),
        ("discharge", "checked_out", "ended", end_of_day(TODAY)),
    ]


def test_arrival_at_23_59_ends_at_23_59(health_centre):
    """VH-17: whole minutes, so the end is never before the start."""
    start = end_of_day(TODAY) - HALF_HOUR
    visit = health_centre.arrived(
        health_centre.patient(), start, at=end_of_day(TODAY) + timedelta(seconds=20)
    ).encounter
    assert clock.auto_discharge(at=end_of_day(TODAY)) == (1, 1)
    visit.refresh_from_db()
    assert (visit.start, visit.end, visit.checked_out_at) == (end_of_day(TODAY),) * 3


def test_after_two_days_stop_each_gets_its_own_day(health_centre):
    """VH-17"""
    first = health_centre.arrived(health_centre.patient(), NOW).encounter
    second = health_centre.arrived(health_centre.patient(), NOW + DAY).encounter
    assert clock.auto_discharge(at=NOW + 3 * DAY) == (2, 2)
    assert [Encounter.objects.get(pk=visit.pk).end for visit in (first, second)] == [
        end_of_day(TODAY),
        end_of_day(TODAY + DAY),
    ]


def test_a_no_show_ends_at_23_59_of_its_date_and_is_not_told(health_centre):
    """VH-17, VH-20"""
    from scheduling.actions import appointments
    from sdv.outbox.models import OutboxMessage

    missed = health_centre.book(health_centre.patient(), NOW)
    appointments.no_show(appointment_id=missed.pk, by=health_centre.nurse, at=NOW)
    assert clock.auto_discharge(at=end_of_day(TODAY)) == (1, 0)
    missed.encounter.refresh_from_db()
    assert (missed.encounter.status, missed.encounter.end) == ("ended", end_of_day(TODAY))
    assert OutboxMessage.objects.count() == 0
    assert NoShowItem.objects.open().count() == 1


def test_an_ended_visit_is_told_to_others_once(health_centre):
    """VH-20"""
    from sdv.outbox.models import OutboxMessage

    visit = health_centre.arrived(health_centre.patient()).encounter
    clock.auto_discharge(at=end_of_day(TODAY))
    clock.auto_discharge(at=end_of_day(TODAY))
    message = OutboxMessage.objects.get()
    assert (message.topic, message.subject_id, message.patient_id) == ("encounter-ended", visit.pk, visit.patient_id)
    assert visit.patient.identities.get().value not in str(message.payload)


@pytest.mark.parametrize(
    ("day", "end"),
    [(date(2027, 3, 28), "2027-03-28T21:59:00+00:00"), (date(2026, 10, 25), "2026-10-25T22:59:00+00:00")],
)
def test_postgresql_and_python_agree_on_23_59_on_the_clock_change_days(health_centre, day, end):
    """VH-17"""
    from datetime import UTC, time

    from sdv.common.time import at_local

    start = at_local(day, time(3, 30)).astimezone(UTC)
    visit = health_centre.arrived(health_centre.patient(), start).encounter
    clock.auto_discharge(at=start + 2 * DAY)
    visit.refresh_from_db()
    assert visit.end.isoformat() == end
    assert visit.end == end_of_day(day)


def test_a_reopened_visit_is_left_alone_until_it_is_checked_out_again(clinic, visit):
    """PL-13, VH-21"""
    finish(clinic, visit, "no_further_planning", accept_warnings=["UT-05"])
    clock.auto_discharge(at=end_of_day(TODAY))
    act = {"encounter_id": visit.pk, "by": clinic.doctor, "at": NOW + DAY}
    assert refusal(encounters.reopen, **act, reason=" ").code == "reason_missing"
    opened = encounters.reopen(**act, reason="Fel utfall")
    assert (opened.status, opened.end, opened.is_reopened) == ("checked_out", None, True)
    assert clock.auto_discharge(at=NOW + DAY) == (0, 0)
    undo(clinic, visit, at=NOW + DAY)
    finish(clinic, visit, "follow_up", follow_ups=[follow_up(clinic)], at=LATER, registered_at=NOW + DAY)
    assert clock.auto_discharge(at=NOW + DAY) == (1, 0)
    visit.refresh_from_db()
    assert (visit.end, visit.is_reopened) == (end_of_day(TODAY), False)


# --- Vårdåtagande and UT-07 --------------------------------------------------------------------------------------------


def test_a_commitment_opened_directly_stands_in_to_book(clinic):
    """VA-01, UT-07"""
    patient = clinic.patient()
    act = {"patient_id": patient.pk, "care_unit": clinic.unit, "problem_code": clinic.problem}
    commitment = commitments.open_for(**act, by=clinic.nurse, at=NOW)
    assert Referral.objects.to_book().get().kind == "V"
    assert promises.broken(at=NOW).count() == 0
    assert commitments.open_for(**act, by=clinic.nurse, at=NOW) == commitment
    assert Referral.objects.count() == 1


def test_a_closed_commitment_is_reopened_with_a_plan(clinic):
    """UT-03, UT-07"""
    commitment = clinic.commitment(clinic.patient())
    act = {"commitment_id": commitment.pk, "by": clinic.doctor, "at": NOW}
    assert refusal(commitments.close_by_id, **act, reason="").rule == "UT-03"
    commitments.close_by_id(**act, reason="färdigbehandlad")
    assert refusal(commitments.close_by_id, **act, reason="igen").by == "Anna Holm"
    assert refusal(commitments.reopen, **act, reason=" ").code == "reason_missing"
    assert commitments.reopen(**act, reason="Nya besvär").status == "open"
    assert list(commitment.events.values_list("act", "reason", "by__name", "at")) == [
        ("opened", "", "Anna Holm", NOW),
        ("closed", "färdigbehandlad", "Anna Holm", NOW),
        ("reopened", "Nya besvär", "Anna Holm", NOW),
    ]
    assert refusal(commitments.reopen, **act, reason="igen").by == "Anna Holm"
    assert promises.broken(at=NOW).count() == 0


def test_the_breakers_are_found_whatever_made_them(clinic):
    """UT-07: one row per clause that must not count."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    assert promises.broken(at=NOW).count() == 0
    Referral.objects.update(status="used")
    assert list(promises.broken(at=NOW)) == [commitment]
    # A booking keeps the promise through its own day, not after.
    clinic.book(patient, NOW + HALF_HOUR)
    assert promises.broken(at=end_of_day(TODAY)).count() == 0
    assert promises.broken(at=end_of_day(TODAY) + HALF_HOUR).count() == 1
    # What hangs on another vårdåtagande does not count.
    other = clinic.commitment(patient, clinic.other_problem)
    Referral.objects.update(status="used")
    clinic.book(patient, NOW + 5 * DAY, commitment_id=other.pk)
    assert list(promises.broken(at=NOW + 2 * DAY)) == [commitment]
