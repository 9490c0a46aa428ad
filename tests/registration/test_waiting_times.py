"""How long patients have waited, and against which limit (BO-04)."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction

from registration import waiting
from registration.actions import referrals
from registration.actions import waiting as writes
from registration.models import GuaranteeLimit, Referral, WaitDeviation
from registration.waiting_times import Wait, days_left_out, limit_on
from scheduling.actions import commitments
from scheduling.models import Appointment, BookingRequest
from scheduling.waiting import requests_on
from sdv.common.errors import InputError, RuleError
from sdv.flows import deceased
from tests.clinic import DAY, NOW, TODAY, Clinic


@pytest.fixture
def clinic(db):
    return Clinic()


def waiting_since(clinic, days, **fields):
    """A remiss whose decision lies so many days back."""
    defaults = {
        "kind": "R",
        "decision_date": TODAY - days * DAY,
        "arrival_date": TODAY - (days - 1) * DAY if days else TODAY,
        "referrer": "Vårdcentralen Öster",
        "by": clinic.nurse,
        "at": NOW,
    }
    made = referrals.register(patient_id=clinic.patient().pk, care_unit=clinic.unit, **(defaults | fields))
    return Referral.objects.get(pk=made.pk)


def wait(referral, on=TODAY):
    return waiting.wait_of(Referral.objects.get(pk=referral.pk), on=on, limits=waiting.limits())


def deviate(clinic, referral, **fields):
    defaults = {"kind": "MoV", "starts_on": TODAY - 10 * DAY, "reason": "Infektion", "by": clinic.doctor, "at": NOW}
    return writes.register_deviation(referral_id=referral.pk, **(defaults | fields))


def refusal(act, *args, **fields):
    with pytest.raises(RuleError) as refused:
        act(*args, **fields)
    assert refused.value.rule == "BO-04"
    return refused.value.code


# --- One wait -----------------------------------------------------------------------------------------------------------


def test_a_wait_is_counted_from_the_decision_and_judged_by_limit_and_target():
    """BO-04: exact on the last day and the day after."""
    last = Wait(date(2026, 3, 1), date(2026, 5, 30), limit=90, target=date(2026, 5, 30))
    assert (last.days, last.counted, last.guarantee_left, last.is_over_guarantee) == (90, 90, 0, False)
    assert (last.target_left, last.is_target_passed) == (0, False)
    after = Wait(date(2026, 3, 1), date(2026, 5, 31), limit=90, target=date(2026, 5, 30))
    assert (after.guarantee_left, after.is_over_guarantee, after.target_left, after.is_target_passed) == (
        -1, True, -1, True,
    )  # fmt: skip
    without = Wait(date(2026, 3, 1), date(2026, 5, 31))
    assert (without.guarantee_left, without.is_over_guarantee, without.target_left) == (None, False, None)


@pytest.mark.parametrize(
    ("spans", "left_out"),
    [
        ([(1, 1)], 1),
        ([(0, 3)], 3),  # the day on which it began is no day of waiting yet
        ([(-5, 2)], 2),
        ([(8, None)], 3),
        ([(8, 40)], 3),
        ([(2, 3), (5, 5)], 3),
        ([(11, None)], 0),
        ([], 0),
    ],
)
def test_days_are_taken_off_once_and_only_within_the_wait(spans, left_out):
    """BO-04: a wait of ten days."""
    since = date(2026, 11, 1)
    rows = [
        SimpleNamespace(starts_on=since + first * DAY, ends_on=None if last is None else since + last * DAY)
        for first, last in spans
    ]
    assert days_left_out(since, since + 10 * DAY, rows) == left_out


@pytest.mark.django_db
def test_limits_are_dated():
    """BO-04: seven days in primary care until 2018, three since."""
    rows = waiting.limits()
    assert limit_on(rows, "assessment", date(2018, 12, 31)) == 7
    assert limit_on(rows, "assessment", date(2019, 1, 1)) == 3
    assert limit_on(rows, "first_visit", date(2026, 1, 1)) == 90
    with pytest.raises(IntegrityError, match="one_guarantee_limit_a_day"), transaction.atomic():
        GuaranteeLimit.objects.create(code="x", name="X", purpose="assessment", days=1, valid_from=date(2020, 1, 1))


def test_a_new_limit_holds_for_waits_that_begin_under_it(clinic):
    """BO-04"""
    GuaranteeLimit.objects.filter(purpose="first_visit").update(valid_to=TODAY - 20 * DAY)
    GuaranteeLimit.objects.create(code="ny", name="Ny", purpose="first_visit", days=60, valid_from=TODAY - 19 * DAY)
    assert (wait(waiting_since(clinic, 20)).limit, wait(waiting_since(clinic, 19)).limit) == (90, 60)


def test_primary_care_has_its_own_limit_and_research_has_none(db):
    """BO-04"""
    centre = Clinic("vardcentral", "Pv", "Vårdcentralen Väster")
    assert wait(waiting_since(centre, 3, kind="E")).limit == 3
    assert wait(waiting_since(centre, 3, kind="F")).limit is None
    assert wait(waiting_since(centre, 0, kind="V", decision_date=None)).limit is None


def test_the_wait_ends_with_the_first_contact(clinic):
    """BO-04, VA-04"""
    patient = clinic.patient()
    clinic.commitment(patient, at=NOW - 5 * DAY)
    clinic.arrived(patient)
    assert wait(Referral.objects.get(), on=TODAY + 30 * DAY).days == 5


# --- Deviations -----------------------------------------------------------------------------------------------------------


def test_a_medical_deviation_is_subtracted_while_it_lasts(clinic):
    """BO-04: 100 days of which ten are not counted; ended, withdrawn, and counted again."""
    referral = waiting_since(clinic, 100)
    assert (wait(referral).counted, wait(referral).is_over_guarantee) == (100, True)
    deviation = deviate(clinic, referral, starts_on=TODAY - 9 * DAY)
    assert (wait(referral).left_out, wait(referral).counted, wait(referral).guarantee_left) == (10, 90, 0)
    assert (wait(referral, on=TODAY + DAY).left_out, wait(referral, on=TODAY + DAY).counted) == (11, 90)
    act = {"deviation_id": deviation.pk, "by": clinic.doctor, "at": NOW}
    writes.end_deviation(**act, ends_on=TODAY - 5 * DAY)
    assert wait(referral).left_out == 5
    with pytest.raises(InputError):
        writes.end_deviation(**act, ends_on=TODAY - 10 * DAY)
    assert refusal(writes.withdraw_deviation, **act, reason=" ") == "reason_missing"
    writes.withdraw_deviation(**act, reason="Fel patient")
    assert wait(referral).left_out == 0
    assert refusal(writes.withdraw_deviation, **act, reason="igen") == "wrong_status"


OFFER = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
CHOICE = {"kind": "PvV", "is_informed": True, "offered_at": OFFER, "has_declined": True}


@pytest.mark.parametrize("missing", ["is_informed", "offered_at", "has_declined"])
def test_the_patients_choice_needs_all_three_conditions(clinic, missing):
    """BO-04"""
    referral = waiting_since(clinic, 20)
    given = CHOICE | {missing: None if missing == "offered_at" else False}
    assert refusal(deviate, clinic, referral, **given) == "conditions_missing"
    assert (WaitDeviation.objects.count(), wait(referral).left_out) == (0, 0)
    deviate(clinic, referral, **CHOICE, ends_on=TODAY - 6 * DAY)
    assert wait(referral).left_out == 5


def test_a_time_offered_after_the_limit_is_no_choice_of_the_patients(clinic):
    """BO-04: the 90th day is within, the 91st is not."""
    referral = waiting_since(clinic, 20)
    last = datetime(2026, 11, 20, 10, 0, tzinfo=UTC) + timedelta(days=70)
    assert refusal(deviate, clinic, referral, **(CHOICE | {"offered_at": last + DAY})) == "offered_too_late"
    assert deviate(clinic, referral, **(CHOICE | {"offered_at": last})).kind == "PvV"


def test_a_time_offered_before_the_wait_began_is_no_choice_in_it(clinic):
    """BO-04: nor do days before the wait count; on the day it began both may lie."""
    referral = waiting_since(clinic, 20)
    began = datetime(2026, 10, 31, 9, 0, tzinfo=UTC)
    early = CHOICE | {"offered_at": began - DAY}
    assert refusal(deviate, clinic, referral, **early) == "offered_before_the_wait"
    assert refusal(deviate, clinic, referral, **CHOICE, starts_on=TODAY - 21 * DAY) == "before_the_wait"
    assert (WaitDeviation.objects.count(), wait(referral).left_out) == (0, 0)
    deviate(clinic, referral, **(CHOICE | {"offered_at": began}), starts_on=TODAY - 20 * DAY, ends_on=TODAY - 19 * DAY)
    # The day on which it began is no day of waiting.
    assert wait(referral).left_out == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"reason": " "}, "reason_missing"),
        ({"starts_on": TODAY - 21 * DAY}, "before_the_wait"),
        ({"starts_on": TODAY + DAY}, "date_in_future"),
        ({"ends_on": TODAY - 11 * DAY}, "dates_out_of_order"),
    ],
)
def test_a_deviation_that_cannot_be_says_why(clinic, fields, code):
    """BO-04"""
    referral = waiting_since(clinic, 20)
    assert refusal(deviate, clinic, referral, **fields) == code
    assert WaitDeviation.objects.count() == 0


def test_no_day_is_taken_off_twice_and_nothing_off_what_does_not_wait(clinic):
    """BO-04"""
    referral = waiting_since(clinic, 20)
    deviate(clinic, referral, ends_on=TODAY - 8 * DAY)
    assert refusal(deviate, clinic, referral, starts_on=TODAY - 8 * DAY) == "overlap"
    deviate(clinic, referral, starts_on=TODAY - 7 * DAY)
    referrals.decide(referral_id=referral.pk, decision="reject", reason="Nej", by=clinic.doctor, at=NOW)
    assert refusal(deviate, clinic, referral, starts_on=TODAY) == "wrong_status"
    assert WaitDeviation.objects.count() == 2


def test_what_is_not_counted_goes_along_when_the_remiss_is_sent_on(clinic):
    """BO-04, PL-25: 100 days of which ten are not counted, at the next unit too; medical waiting not in primary care."""
    referral = waiting_since(clinic, 100)
    deviate(clinic, referral, starts_on=TODAY - 9 * DAY, ends_on=TODAY)
    other, centre = Clinic(name="Hjärtmottagningen"), Clinic("vardcentral", "Pv", "Vårdcentralen Väster")
    act = {"reason": "Hör dit", "by": clinic.doctor, "at": NOW}
    sent = referrals.forward(referral_id=referral.pk, to_unit=other.unit, **act)
    assert (wait(sent).days, wait(sent).left_out, wait(sent).counted) == (100, 10, 90)
    again = referrals.forward(referral_id=sent.pk, to_unit=centre.unit, **act)
    assert (wait(again).days, wait(again).left_out) == (100, 0)


def test_in_a_shared_list_each_wait_stands_against_its_own_units_limit(clinic):
    """BO-04, PL-25: the same by the list's statement as by the rule."""
    centre = Clinic("vardcentral", "Pv", "Vårdcentralen Väster")
    waiting_since(clinic, 20)
    Referral.objects.filter(pk=waiting_since(clinic, 20).pk).update(care_unit=centre.unit)
    waiting_since(clinic, 20, kind="F", referrer="")
    rows = waiting.with_waits(Referral.objects.all())
    listed = {row.pk: waiting.wait_of(row, on=TODAY) for row in rows}
    assert listed == {row.pk: wait(row) for row in Referral.objects.all()}
    assert sorted(each.limit or 0 for each in listed.values()) == [0, 3, 90]


def test_a_wait_that_death_ended_has_ended_on_its_day(clinic):
    """BO-04, AV-02: it goes on no longer, and the past is as it was."""
    referral = waiting_since(clinic, 20)
    deceased.register(
        patient_id=referral.patient_id,
        deceased_on=TODAY,
        reason="Dödsbevis",
        by=clinic.nurse,
        at=NOW + timedelta(hours=8),
    )
    assert (wait(referral, on=TODAY + 30 * DAY).days, Referral.objects.get().decided_by) == (20, clinic.nurse)
    assert waiting.waiting_on([clinic.unit], on=TODAY - DAY)[0].number == 1
    assert waiting.waiting_on([clinic.unit], on=TODAY)[0].number == 0


def test_medical_waiting_is_not_used_in_primary_care(db):
    """BO-04"""
    centre = Clinic("vardcentral", "Pv", "Vårdcentralen Väster")
    referral = waiting_since(centre, 20)
    assert refusal(deviate, centre, referral) == "not_in_primary_care"


# --- Units ----------------------------------------------------------------------------------------------------------------


def test_the_statement_and_the_rule_count_alike(clinic):
    """BO-04: snapshot per unit, exact."""
    empty = Clinic(name="Hjärtmottagningen")
    for days in (0, 30, 31, 60, 90, 91, 120, 200, 400):
        waiting_since(clinic, days)
    spared = waiting_since(clinic, 95, arrival_date=TODAY - 90 * DAY)
    deviate(clinic, spared, starts_on=TODAY - 4 * DAY)
    referrals.review(referral_id=spared.pk, medical_target_date=TODAY, by=clinic.doctor, at=NOW)
    waiting_since(clinic, 500, kind="F")
    here, there = waiting.waiting_on([clinic.unit, empty.unit], on=TODAY)
    assert (here.number, here.spread) == (10, (2, 2, 2, 2, 0, 1, 1))
    assert (here.with_limit, here.within_limit, here.limit_share) == (10, 6, 60)
    assert (here.with_target, here.within_target, here.target_share) == (1, 1, 100)
    assert (here.median, here.longest) == (90.0, 400)
    assert (there.number, there.spread, there.median, there.limit_share) == (0, (0,) * 7, None, None)
    rows = Referral.objects.filter(kind="R")
    assert sorted(wait(row).counted for row in rows) == [0, 30, 31, 60, 90, 90, 91, 120, 200, 400]


def test_the_past_is_as_it_was(clinic):
    """BO-04: who has been decided since waited then; who came later did not."""
    gone = waiting_since(clinic, 40)
    waiting_since(clinic, 3, arrival_date=TODAY)
    referrals.decide(referral_id=gone.pk, decision="reject", reason="Nej", by=clinic.doctor, at=NOW)
    (then,) = waiting.waiting_on([clinic.unit], on=TODAY - DAY)
    (today,) = waiting.waiting_on([clinic.unit], on=TODAY)
    assert (then.number, then.longest, today.number, today.longest) == (1, 39, 1, 3)


@pytest.mark.parametrize(
    ("arrived_at", "days"),
    [
        # The spring night: 23 hours. 00:30 in Stockholm is the evening before in UTC.
        (datetime(2027, 3, 27, 23, 30, tzinfo=UTC), 8),
        (datetime(2027, 3, 28, 21, 29, tzinfo=UTC), 8),
        (datetime(2027, 3, 28, 22, 0, tzinfo=UTC), 9),
        # The autumn night: 25 hours.
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), 8),
        (datetime(2026, 10, 25, 22, 29, tzinfo=UTC), 8),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), 9),
    ],
)
def test_the_night_the_clock_changes_is_a_day_like_any_other(clinic, arrived_at, days):
    """BO-04: by rule and by statement, on both nights."""
    before = datetime(arrived_at.year, arrived_at.month, 20, 9, 0, tzinfo=UTC)
    began = date(arrived_at.year, 3, 20) if arrived_at.month == 3 else date(arrived_at.year, 10, 17)
    patient = clinic.patient()
    referral = referrals.register(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        kind="E",
        arrival_date=began,
        by=clinic.doctor,
        at=before,
    )
    referrals.accept(referral_id=referral.pk, problem_code=clinic.problem, by=clinic.doctor, at=before)
    clinic.arrived(patient, arrived_at)
    seen_on = began + days * DAY
    assert wait(referral, on=seen_on + 5 * DAY).days == days
    (seen,) = waiting.seen_between([clinic.unit], first=seen_on, last=seen_on)
    assert (seen.number, seen.longest) == (1, days)
    (waited,) = waiting.waiting_on([clinic.unit], on=seen_on - DAY)
    assert (waited.number, waited.longest) == (1, days - 1)
    assert waiting.waiting_on([clinic.unit], on=seen_on)[0].number == 0
    assert waiting.seen_between([clinic.unit], first=seen_on + DAY, last=seen_on + DAY)[0].number == 0


def test_units_are_counted_in_one_statement(clinic, django_assert_num_queries):
    """BO-04"""
    others = [Clinic(name=f"Mottagning {number}").unit for number in range(3)]
    waiting_since(clinic, 10)
    with django_assert_num_queries(1):
        waiting.waiting_on([clinic.unit, *others], on=TODAY)


def test_a_remiss_that_was_closed_later_stood_in_remisshantering_until_it_was_accepted(clinic):
    """BO-04, UT-03: its ending writes over when it was decided, its trail does not."""
    referral = waiting_since(clinic, 40)
    told = {"by": clinic.doctor}
    accepted = referrals.accept(referral_id=referral.pk, problem_code=clinic.problem, at=NOW - 10 * DAY, **told)
    commitments.close_by_id(commitment_id=accepted.commitment_id, reason="Flyttat", at=NOW - 2 * DAY, **told)

    def lists(day):
        found = waiting.waiting_by_list([clinic.unit], on=day)
        return tuple(found[name][0].number if name in found else 0 for name in (waiting.UNDECIDED, waiting.TO_BOOK))

    days = [TODAY - back * DAY for back in (11, 10, 3, 2)]
    assert [lists(day) for day in days] == [(1, 0), (0, 1), (0, 1), (0, 0)]


def test_the_lists_of_the_past_are_as_they_were(clinic, django_assert_num_queries):
    """BO-04: a remiss stands in Remisshantering until the day it is decided, in Att boka until its first contact or its
    end; a begäran until it was booked or ended."""
    accepted = waiting_since(clinic, 40)
    patient = accepted.patient
    referrals.accept(referral_id=accepted.pk, problem_code=clinic.problem, by=clinic.doctor, at=NOW - 10 * DAY)
    waiting_since(clinic, 3)

    def lists(day):
        found = waiting.waiting_by_list([clinic.unit], on=day)
        return tuple(found[name][0].number for name in ("", waiting.UNDECIDED, waiting.TO_BOOK))

    assert lists(TODAY - 11 * DAY) == (1, 1, 0)
    assert lists(TODAY - 10 * DAY) == (1, 0, 1)
    assert lists(TODAY) == (2, 1, 1)

    def began(days, **told):
        row = BookingRequest.objects.create(
            patient=patient, care_unit=clinic.unit, visit_type=clinic.nurse_visit, contact_reason=clinic.reason,
            wished_from=TODAY - days * DAY, wished_to=TODAY - 5 * DAY, **told,
        )  # fmt: skip
        BookingRequest.objects.filter(pk=row.pk).update(created_at=NOW - 40 * DAY)
        return row

    booked = began(30)
    clinic.book(patient, NOW + 3 * DAY, booking_request_id=booked.pk, at=NOW)
    Appointment.objects.update(created_at=NOW)
    began(60, status="closed", closed_at=NOW - 20 * DAY, close_reason="Prov")
    began(10)
    with django_assert_num_queries(1):
        (then,) = requests_on([clinic.unit], on=TODAY - 21 * DAY)
    # Thirty days asked for of which nine had been; forty since it came, nineteen; the third not yet asked for.
    assert (then.number, then.longest, then.median) == (3, 19, 9.0)
    (later,) = requests_on([clinic.unit], on=TODAY - DAY)
    assert (later.number, later.longest, later.with_target, later.within_target) == (2, 29, 2, 0)
    (today,) = requests_on([clinic.unit], on=TODAY)
    assert (today.number, today.longest) == (1, 10)
