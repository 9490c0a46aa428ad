"""A visit walked through every state is, at every moment, in exactly the lists it should be in (PL-20): the lists by REST,
which are the pages' own rows, and what the clock does in between (VH-05, VH-17, VH-19, UT-07)."""

from datetime import UTC, date, time, timedelta

import pytest

from classification import starter
from classification.actions import coding
from registration.actions import referrals
from registration.lifecycle import ANNULLED, HIDDEN, NO_SHOW_TYPE, VISIBLE
from registration.models import Referral
from scheduling import days, promises
from scheduling.actions import absences, appointments, check_out, contact_attempts, invitations, offers, work_items
from scheduling.models import AwaitedResult, BookingRequest, FreedTime, NoShowItem, RebookingItem
from sdv.common.time import at_local, local
from sdv.desk.api.work_lists import LISTS
from sdv.desk.jobs import JOBS
from sdv.flows import cancellation, invariants
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic

MINUTE = timedelta(minutes=1)
VISIT_DAY = date(2026, 11, 24)
START = at_local(VISIT_DAY, time(13, 0))
CLOCK = ("reveal-preregistrations", "auto-discharge", "deceased-cascade", "release-holds")
# The moments of a day that are asked about: its first, its noon, the start minute, the minute after, its last.
MOMENTS = {
    "midnight": at_local(VISIT_DAY, time(0, 0)),
    "noon": at_local(VISIT_DAY, time(12, 0)),
    "start": START,
    "after": START + MINUTE,
    "evening": at_local(VISIT_DAY, time(23, 58)),
}


def lists_of(patient, at):
    """The names of the lists with the patient in them."""
    return {name for name, parts in LISTS.items() if parts["rows"](at).filter(patient=patient).exists()}


def clock(at):
    for name in CLOCK:
        JOBS[name](at=at)


def stands(patient, expected, at):
    """Exactly in these lists, and nothing is broken."""
    assert lists_of(patient, at) == expected, at
    assert [each.name for each in invariants.INVARIANTS if each.rows(at).exists()] == [], at


@pytest.fixture
def patient(clinic):
    return clinic.patient()


@pytest.fixture
def commitment(clinic, patient):
    return clinic.commitment(patient)


@pytest.fixture
def booking(clinic, patient, commitment):
    return clinic.book(patient, START)


def test_before_it_is_booked_a_visit_is_to_be_booked_and_nothing_else(clinic, patient, commitment):
    """PL-20, VA-03"""
    stands(patient, {"to-book"}, NOW)
    work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        commitment_id=commitment.pk,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=VISIT_DAY,
        wished_to=VISIT_DAY,
        by=clinic.nurse,
        at=NOW,
    )
    stands(patient, {"to-book", "booking-requests"}, NOW)
    contact_attempts.record(
        subject="booking_request",
        row_id=BookingRequest.objects.get().pk,
        method="phone",
        result="no_answer",
        by=clinic.nurse,
        at=NOW,
    )
    # Hidden on the page for the day, never gone from the list.
    stands(patient, {"to-book", "booking-requests"}, NOW)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_booked_visit_that_nobody_touches(clinic, patient, booking, moment):
    """PL-20, VA-04, PL-04: only the remiss that is not used up until the arrival; not in the next day's unclosed before
    midnight."""
    at = MOMENTS[moment]
    clock(at)
    stands(patient, {"to-book"}, at)
    assert list(days.not_arrived(clinic.unit, VISIT_DAY)) == [booking]
    assert days.unclosed(at=at) == []
    assert days.unclosed(at=at_local(VISIT_DAY + DAY, time(0, 0))) == [(clinic.unit.pk, VISIT_DAY)]


@pytest.mark.parametrize("moment", MOMENTS)
def test_arrived_it_awaits_check_out_whatever_the_minute_and_the_day_after(clinic, patient, booking, moment):
    """PL-20, VH-19: at 23.59 it is not ended by the clock, and stays until it is checked out."""
    at = MOMENTS[moment]
    appointments.arrive(appointment_id=booking.pk, by=clinic.nurse, at=at)
    clock(at)
    stands(patient, {"awaiting-check-out"}, at)
    assert list(days.not_arrived(clinic.unit, VISIT_DAY)) == []
    next_noon = at_local(VISIT_DAY + DAY, time(12, 0))
    clock(next_noon)
    stands(patient, {"awaiting-check-out"}, next_noon)


@pytest.mark.parametrize(
    ("outcome", "then"),
    [
        ("await_result", {"awaiting-result"}),
        ("no_further_planning", {"missing-follow-up"}),
        ("follow_up", {"booking-requests"}),
        ("end_commitment", set()),
    ],
)
def test_checked_out_it_stands_where_its_outcome_says_and_is_coded_from_the_minute_it_ends(
    clinic, patient, booking, outcome, then
):
    """PL-20, UT-02…06, VH-17, KL-01"""
    appointments.arrive(appointment_id=booking.pk, by=clinic.nurse, at=START)
    more = {}
    if outcome == "follow_up":
        more["follow_ups"] = [
            {
                "visit_type": clinic.nurse_visit,
                "contact_reason": clinic.reason,
                "wished_from": VISIT_DAY + 14 * DAY,
                "wished_to": VISIT_DAY + 28 * DAY,
            }
        ]
    if outcome in ("await_result", "end_commitment"):
        more["reason"] = clinic.outcome_reason(outcome)
    check_out.check_out(
        encounter_id=booking.encounter_id,
        outcome=outcome,
        by=clinic.doctor,
        at=START + HALF_HOUR,
        registered_at=START + HALF_HOUR,
        accept_warnings=["UT-05"],
        **more,
    )
    stands(patient, then, START + HALF_HOUR)
    before, ended = at_local(VISIT_DAY, time(23, 58)), at_local(VISIT_DAY, time(23, 59))
    clock(before)
    stands(patient, then, before)
    for at in (ended, at_local(VISIT_DAY + DAY, time(0, 0)), at_local(VISIT_DAY + DAY, time(12, 0)), ended + 90 * DAY):
        clock(at)
        # However late, what its outcome left to do is not forgotten.
        stands(patient, then | {"coding"}, at)


@pytest.mark.parametrize("moment", ["start", "after", "evening"])
def test_missed_it_is_somebodys_work_until_it_is_decided(clinic, patient, booking, moment):
    """PL-20, PL-05: the remiss was not used, so the patient is also to be booked."""
    at = MOMENTS[moment]
    appointments.no_show(appointment_id=booking.pk, by=clinic.nurse, at=at)
    stands(patient, {"no-shows", "to-book"}, at)
    clock(at_local(VISIT_DAY + DAY, time(0, 0)))
    stands(patient, {"no-shows", "to-book"}, at_local(VISIT_DAY + DAY, time(0, 0)))
    item = NoShowItem.objects.get()
    work_items.decide(model=NoShowItem, item_id=item.pk, decision="nothing_more", by=clinic.doctor, at=at + DAY)
    stands(patient, {"to-book"}, at + DAY)


def test_cancelled_by_the_unit_it_is_booked_anew_and_its_time_is_free(clinic, patient, booking):
    """PL-20, PL-01, UT-07: the remiss is still to be booked, so no request is made beside it."""
    cancellation.cancel(appointment_id=booking.pk, cancelled_by="provider", reason="Sjuk", by=clinic.nurse, at=NOW)
    stands(patient, {"to-book"}, NOW)
    assert FreedTime.objects.usable(NOW).get().start == START
    Referral.objects.update(status="closed")
    assert promises.broken(at=NOW).count() == 1


def test_hit_by_an_absence_it_is_to_be_booked_anew_until_it_is_moved(clinic, patient, booking):
    """PL-20, PL-02"""
    absences.register(
        care_unit=clinic.unit,
        resource_id=clinic.nurse_resource.pk,
        kind="leave",
        start=START,
        end=START + HALF_HOUR,
        by=clinic.nurse,
        at=NOW,
    )
    for at in (NOW, MOMENTS["midnight"], MOMENTS["start"], MOMENTS["evening"]):
        clock(at)
        stands(patient, {"rebooking", "to-book"}, at)
    appointments.reschedule(
        appointment_id=booking.pk,
        start=START + DAY,
        end=START + DAY + HALF_HOUR,
        by=clinic.nurse,
        at=MOMENTS["evening"],
    )
    stands(patient, {"to-book"}, MOMENTS["evening"])
    assert not RebookingItem.objects.open().exists()


def test_offered_a_time_it_waits_until_the_answer(clinic, patient, commitment):
    """PL-20, PL-01: an offer takes nobody off the list; a yes does, and a time that runs out does not."""
    work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        commitment_id=commitment.pk,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=NOW.date(),
        wished_to=VISIT_DAY,
        by=clinic.nurse,
        at=NOW,
    )
    request = BookingRequest.objects.get()
    told = {"subject": "booking_request", "row_id": request.pk, "resource_id": clinic.nurse_resource.pk}
    offers.make(**told, start=START, by=clinic.nurse, at=NOW)
    stands(patient, {"to-book", "booking-requests"}, NOW)
    clock(NOW + DAY)
    stands(patient, {"to-book", "booking-requests"}, NOW + DAY)
    offer = offers.make(**told, start=START, by=clinic.nurse, at=NOW + DAY)
    offers.accept(offer_id=offer.pk, by=clinic.nurse, at=NOW + DAY)
    stands(patient, {"to-book"}, NOW + DAY)


def test_invited_without_a_time_it_waits_in_two_lists_until_it_is_booked(clinic, patient, commitment):
    """PL-20, PL-26: among those who wait and among the öppna kallelser, through its last day and after; booked, in
    neither."""
    work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        commitment_id=commitment.pk,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=NOW.date(),
        wished_to=VISIT_DAY,
        by=clinic.nurse,
        at=NOW,
    )
    request = BookingRequest.objects.get()
    told = {"subject": "booking_request", "row_id": request.pk, "by": clinic.nurse}
    waiting = {"to-book", "booking-requests", "open-invitations"}
    first = invitations.invite(**told, last_day=VISIT_DAY, at=NOW)
    for each in (NOW, *MOMENTS.values()):
        clock(each)
        stands(patient, waiting, each)
    first.refresh_from_db()
    assert first.status == "open"
    after = at_local(VISIT_DAY + DAY, time(0, 0))
    clock(after)
    stands(patient, waiting, after)
    first.refresh_from_db()
    assert first.status == "expired"
    again = invitations.invite(**told, last_day=VISIT_DAY + 20 * DAY, at=after)
    stands(patient, waiting, after)
    invitations.end(invitation_id=again.pk, reason="Ringde", by=clinic.nurse, at=after)
    stands(patient, {"to-book", "booking-requests"}, after)
    third = invitations.invite(**told, last_day=VISIT_DAY + 20 * DAY, at=after)
    start = START + 3 * DAY
    told = {"start": start, "end": start + HALF_HOUR, "resource_ids": [clinic.nurse_resource.pk]}
    invitations.book(invitation_id=third.pk, **told, by_patient=True, by=clinic.nurse, at=after)
    stands(patient, {"to-book"}, after)


def test_a_result_that_comes_is_decided_and_gone(clinic, patient, booking):
    """PL-20, UT-04"""
    appointments.arrive(appointment_id=booking.pk, by=clinic.nurse, at=START)
    check_out.check_out(
        encounter_id=booking.encounter_id,
        outcome="await_result",
        reason=clinic.outcome_reason("await_result"),
        by=clinic.doctor,
        at=START + HALF_HOUR,
        registered_at=START + HALF_HOUR,
    )
    item = AwaitedResult.objects.get()
    work_items.register_result(item_id=item.pk, by=clinic.doctor, at=START + DAY)
    stands(patient, {"awaiting-result"}, START + HALF_HOUR)
    work_items.decide(
        model=AwaitedResult,
        item_id=item.pk,
        decision="end_commitment",
        reason="Färdigbehandlad",
        by=clinic.doctor,
        at=START + DAY,
    )
    clock(START + DAY)
    stands(patient, {"coding"}, START + DAY)


# --- What else befalls a visit --------------------------------------------------------------------------------------------

# An ordinary day, the day that has 23 hours and the day that has 25; and what the wall clock shows 24 hours before noon.
DAYS = {"ordinary": (VISIT_DAY, 12), "spring": (date(2027, 3, 28), 11), "autumn": (date(2027, 10, 31), 13)}


def referral_of(clinic, patient, **fields):
    told = {"patient_id": patient.pk, "care_unit": clinic.unit, "kind": "R", "arrival_date": NOW.date(), "at": NOW}
    return referrals.register(**told, referrer="Vårdcentralen Öster", by=clinic.doctor, **fields)


def test_a_remiss_stands_in_remisshantering_until_it_is_decided_and_nowhere_else(clinic, patient):
    """PL-20, VA-03, UT-07: received, returned and completed it waits; sent on it waits there; rejected it is in no list;
    accepted it is to be booked."""
    accepted, rejected, sent = (referral_of(clinic, patient) for _ in range(3))
    by = {"by": clinic.doctor, "at": NOW}
    for at in (NOW, *MOMENTS.values()):
        clock(at)
        stands(patient, {"referrals"}, at)
    referrals.decide(referral_id=accepted.pk, decision="return", reason="Provsvar saknas", **by)
    referrals.decide(referral_id=rejected.pk, decision="reject", reason="Fel vårdnivå", **by)
    there = Clinic(name="Handkirurgen").unit
    referrals.forward(referral_id=sent.pk, to_unit=there, reason="Hör dit", **by)
    stands(patient, {"referrals"}, NOW)
    waits = Referral.objects.undecided().filter(patient=patient)
    assert {row.care_unit for row in waits} == {clinic.unit, there}
    referrals.decide(referral_id=waits.get(care_unit=there).pk, decision="reject", reason="Fel vårdnivå", **by)
    stands(patient, {"referrals"}, NOW)
    referrals.complete(referral_id=accepted.pk, text="Provsvar bifogat", **by)
    stands(patient, {"referrals"}, NOW)
    referrals.accept(referral_id=accepted.pk, problem_code=clinic.problem, **by)
    for at in (NOW, *MOMENTS.values()):
        clock(at)
        stands(patient, {"to-book"}, at)


def test_moved_it_is_of_its_new_day_and_of_the_old_no_more(clinic, patient, booking):
    """PL-20, PL-08: at every moment of both days; the old time is free."""
    moved = appointments.reschedule(
        appointment_id=booking.pk,
        start=START + 2 * DAY,
        end=START + 2 * DAY + HALF_HOUR,
        reason="Önskade annan dag",
        by=clinic.nurse,
        at=NOW,
    )
    for at in (*MOMENTS.values(), *(moment + 2 * DAY for moment in MOMENTS.values())):
        clock(at)
        stands(patient, {"to-book"}, at)
        assert list(days.not_arrived(clinic.unit, VISIT_DAY)) == []
        assert list(days.not_arrived(clinic.unit, VISIT_DAY + 2 * DAY)) == [moved]
    assert days.unclosed(at=at_local(VISIT_DAY + 2 * DAY, time(0, 0))) == []
    assert FreedTime.objects.usable(NOW).get().start == START


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize(
    ("to_go", "then", "status", "kind"),
    [
        (timedelta(hours=24), {"to-book"}, "cancelled", ANNULLED),
        (timedelta(hours=24) - MINUTE, {"no-shows", "to-book"}, "no_show", NO_SHOW_TYPE),
    ],
    ids=["24 hours", "a minute less"],
)
def test_cancelled_by_the_patient_it_is_missed_from_the_last_minute_of_24_elapsed_hours(
    clinic, patient, commitment, day, to_go, then, status, kind
):
    """PL-20, VH-11, PL-05: to the minute, also over the hour that the clock skips and the one that it repeats; and so it
    stays."""
    visit_day, wall = DAYS[day]
    start = at_local(visit_day, time(12, 0)).astimezone(UTC)
    booking = clinic.book(patient, start)
    at = start - to_go
    assert local(start - DAY) == at_local(visit_day - DAY, time(wall, 0))
    cancelled = cancellation.cancel(
        appointment_id=booking.pk, cancelled_by="patient", reason="Förhinder", by=clinic.nurse, at=at
    )
    assert (cancelled.status, cancelled.encounter.type_id) == (status, kind)
    for moment in (at, start, start + MINUTE, at_local(visit_day, time(23, 59))):
        clock(moment)
        stands(patient, then, moment)
        assert list(days.not_arrived(clinic.unit, visit_day)) == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_annulled_it_is_as_if_it_had_not_been_booked(clinic, patient, booking, moment):
    """PL-20, VH-12: before and after its start, arrived or not."""
    at = MOMENTS[moment]
    if at > START:
        appointments.arrive(appointment_id=booking.pk, by=clinic.nurse, at=at)
        stands(patient, {"awaiting-check-out"}, at)
    cancellation.annul(encounter_id=booking.encounter_id, reason="Fel patient", by=clinic.doctor, at=at)
    for moment in (at, at_local(VISIT_DAY + DAY, time(0, 0))):
        clock(moment)
        stands(patient, {"to-book"}, moment)


@pytest.mark.parametrize("day", DAYS)
def test_at_a_health_centre_the_clock_alone_takes_it_from_hidden_to_ended(health_centre, day):
    """PL-20, VH-05, VH-17, VH-18: no list has it until 23.59 of its own day, then coding. On the days that the clock is
    moved 24 hours are elapsed, and 23.59 is the wall's."""
    visit_day, wall = DAYS[day]
    patient = health_centre.patient()
    start = at_local(visit_day, time(12, 0)).astimezone(UTC)
    booking = health_centre.book(patient, start)
    encounter = booking.encounter
    shown_from = at_local(visit_day - DAY, time(wall, 0))
    for at, kind in (
        (shown_from - MINUTE, HIDDEN),
        (shown_from, VISIBLE),
        (at_local(visit_day, time(0, 0)), VISIBLE),
        (start - MINUTE, VISIBLE),
    ):
        clock(at)
        encounter.refresh_from_db()
        assert (encounter.type_id, at) == (kind, at)
        stands(patient, set(), at)
    appointments.arrive(appointment_id=booking.pk, by=health_centre.nurse, at=start)
    ended = at_local(visit_day, time(23, 59))
    for at in (start, start + MINUTE, ended - MINUTE):
        clock(at)
        stands(patient, set(), at)
    clock(ended)
    encounter.refresh_from_db()
    assert (encounter.type_id, encounter.status, encounter.end) == ("primarvard", "ended", ended)
    assert encounter.checked_out_at == booking.end
    stands(patient, {"coding"}, ended)


def test_coded_it_is_in_no_list_any_more(health_centre):
    """PL-20, KL-01: a coding that is not complete leaves it there."""
    starter.load()
    patient = health_centre.patient()
    visit = health_centre.arrived(patient, START).encounter
    ended = at_local(VISIT_DAY, time(23, 59))
    clock(ended)
    told = {"encounter_id": visit.pk, "diagnoses": [{"code": "F41.1"}], "procedures": [], "atc": []}
    told |= {"by": health_centre.doctor, "at": ended + DAY}
    stands(patient, {"coding"}, ended + DAY)
    coding.save_coding(**told, complete=False)
    stands(patient, {"coding"}, ended + DAY)
    coding.save_coding(**told, complete=True)
    stands(patient, set(), ended + DAY)
