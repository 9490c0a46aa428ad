"""Many want the last seat of a grupptillfälle (BO-02, PL-06). The locks are the queue, the database's seats the net."""

from datetime import timedelta
from functools import partial

import pytest

from registration.models import Encounter
from scheduling.actions import absences, appointments, rebook, sessions
from scheduling.models import Appointment, RebookingItem, SessionParticipant
from sdv.common.errors import RuleError, StaleVersion
from sdv.flows import cancellation, invariants
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.races.together import numbers, one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)

CLERKS = 16
START = NOW + 2 * DAY
SECOND = timedelta(seconds=1)


@pytest.fixture
def health_centre():
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def planned(clinic, seats, start=START):
    return sessions.plan(
        care_unit=clinic.unit,
        name="Astmaskola",
        visit_type=clinic.nurse_visit,
        contact_reason_id=clinic.reason.pk,
        start=start,
        end=start + HALF_HOUR,
        seats=seats,
        resource_ids=[clinic.nurse_resource.pk],
        by=clinic.nurse,
        at=NOW,
    )


def wishes(clinic, session, count):
    patients = [clinic.patient(identity=number) for number in numbers(count)]
    return [
        partial(sessions.book, session_id=session.pk, patient_id=patient.pk, by=clinic.nurse, at=NOW)
        for patient in patients
    ]


def broken():
    return {row.name: row.rows(NOW).count() for row in invariants.INVARIANTS if row.rows(NOW).count()}


def test_of_16_clerks_who_want_the_last_seat_exactly_one_gets_it(health_centre):
    """BO-02, PL-06: and the refused left nothing behind."""
    session = planned(health_centre, seats=3)
    first, second, *rest = wishes(health_centre, session, CLERKS + 2)
    first(), second()
    won, refused = one_winner(together(*rest, longest_wait=10 * SECOND))
    assert {(type(each), getattr(each, "code", "")) for each in refused} == {(RuleError, "session_full")}
    assert won.seat.seat == 3
    assert (Appointment.objects.count(), Encounter.objects.count(), SessionParticipant.objects.count()) == (3, 3, 3)
    assert broken() == {}


def test_without_the_lock_the_database_lets_one_through(health_centre, monkeypatch):
    """PL-06: the net holds whatever the door."""
    session = planned(health_centre, seats=1)
    monkeypatch.setattr(sessions.seats, "choose", lambda session, **_: 1)
    _, refused = one_winner(together(*wishes(health_centre, session, 4), longest_wait=10 * SECOND))
    assert {getattr(each, "code", each) for each in refused} == {"session_full"}
    assert SessionParticipant.objects.count() == 1


def test_whoever_books_while_the_session_is_cancelled_is_listed_or_refused(health_centre):
    """BO-02, PL-02: nobody is left booked on what is not held."""
    session = planned(health_centre, seats=20)
    acts = wishes(health_centre, session, 6)
    acts.insert(3, partial(sessions.cancel, session_id=session.pk, reason="Sjuk", by=health_centre.nurse, at=NOW))
    answers = together(*acts, longest_wait=10 * SECOND)
    booked = {each.pk for each in answers if isinstance(each, Appointment)}
    assert {getattr(each, "code", "") for each in answers if isinstance(each, Exception)} <= {"session_cancelled"}
    assert set(RebookingItem.objects.open().values_list("appointment_id", flat=True)) == booked
    assert broken() == {}


def test_nobody_has_come_to_a_session_that_is_cancelled_at_the_same_moment(health_centre):
    """BO-02: either somebody came first and it is held, or it is cancelled and nobody has come."""
    session = planned(health_centre, seats=20)
    rows = [act() for act in wishes(health_centre, session, 4)]
    acts = [partial(appointments.arrive, appointment_id=row.pk, by=health_centre.nurse, at=START) for row in rows]
    acts.insert(1, partial(sessions.cancel, session_id=session.pk, reason="Sjuk", by=health_centre.nurse, at=START))
    refused = [each for each in together(*acts, longest_wait=10 * SECOND) if isinstance(each, Exception)]
    assert {getattr(each, "code", each) for each in refused} <= {"session_cancelled", "arrived"}
    session.refresh_from_db()
    came = session.appointments.filter(status="arrived").count()
    assert (session.status == "cancelled") == (came == 0)
    assert broken() == {}


def test_of_two_who_change_a_session_that_both_have_read_one_does_and_the_other_is_told_who(health_centre):
    """PL-27, BO-02: to move it and to cancel it."""
    session = planned(health_centre, seats=2)
    wishes(health_centre, session, 1)[0]()
    start = START + DAY
    same = {"session_id": session.pk, "version": 1, "at": NOW}
    acts = [
        partial(sessions.move, start=start, end=start + HALF_HOUR, by=health_centre.nurse, **same),
        partial(sessions.cancel, reason="Sjuk", by=health_centre.doctor, **same),
    ]
    won, (lost,) = one_winner(together(*acts, longest_wait=10 * SECOND))
    assert isinstance(lost, StaleVersion), lost
    assert (lost.by, lost.at, lost.current) == (won.changed_by.name, NOW, 2)
    assert (won.status == "cancelled") == (won.start == START)
    assert broken() == {}


def test_of_two_who_book_a_participant_anew_one_does_and_the_other_is_told_who(health_centre):
    """PL-27, PL-02, PL-08: one takes a seat, the other a time; the booking is moved once and has what it was moved to."""
    session = planned(health_centre, seats=1)
    row = wishes(health_centre, session, 1)[0]()
    others = [planned(health_centre, seats=1, start=START + days * DAY) for days in (1, 2)]
    sessions.cancel(session_id=session.pk, reason="Sjuk", by=health_centre.doctor, at=NOW)
    item = RebookingItem.objects.get()
    start = START + 3 * DAY
    acts = [
        partial(rebook.to_session, item_id=item.pk, session_id=others[0].pk, by=health_centre.nurse, at=NOW),
        partial(rebook.to_session, item_id=item.pk, session_id=others[1].pk, by=health_centre.doctor, at=NOW),
        partial(
            rebook.to_time, item_id=item.pk, start=start, end=start + HALF_HOUR,
            resource_ids=[health_centre.nurse_resource.pk], by=health_centre.staff(name="Tredje"), at=NOW,
        ),
    ]  # fmt: skip
    won, lost = one_winner(together(*acts, longest_wait=10 * SECOND))
    item.refresh_from_db()
    assert {(each.code, each.by) for each in lost} == {("already_done", item.decided_by.name)}
    row.refresh_from_db()
    assert (row.start, row.session_id, row.history.filter(event="rescheduled").count()) == (
        won.start, won.session_id, 1,
    )  # fmt: skip
    assert SessionParticipant.objects.count() == (0 if won.session_id is None else 1)
    assert broken() == {}


def test_two_who_lost_their_seats_and_want_the_last_of_another_session(health_centre):
    """PL-08, PL-06: one gets it; the other still has what was had, and stands on the list."""
    session, other = planned(health_centre, seats=2), planned(health_centre, seats=1, start=START + DAY)
    for act in wishes(health_centre, session, 2):
        act()
    sessions.cancel(session_id=session.pk, reason="Sjuk", by=health_centre.doctor, at=NOW)
    told = {"session_id": other.pk, "by": health_centre.nurse, "at": NOW}
    acts = [partial(rebook.to_session, item_id=item.pk, **told) for item in RebookingItem.objects.open()]
    won, (lost,) = one_winner(together(*acts, longest_wait=10 * SECOND))
    assert (lost.rule, lost.code) == ("BO-02", "session_full")
    left = RebookingItem.objects.open().get().appointment
    assert (left.session, left.start, left.seat.session) == (session, START, session)
    assert won.seat.session == other
    assert broken() == {}


def test_an_absence_registered_meanwhile_meets_or_refuses_everybody(health_centre):
    """PL-02, BO-02"""
    session = planned(health_centre, seats=20)
    absent = partial(
        absences.register,
        care_unit=health_centre.unit,
        resource_id=health_centre.nurse_resource.pk,
        kind="leave",
        start=START - DAY,
        end=START + DAY,
        by=health_centre.nurse,
        at=NOW,
    )
    answers = together(absent, *wishes(health_centre, session, 6), longest_wait=10 * SECOND)
    booked = {each.pk for each in answers if isinstance(each, Appointment)}
    assert {getattr(each, "code", "") for each in answers if isinstance(each, Exception)} <= {"absent"}
    assert set(RebookingItem.objects.open().values_list("appointment_id", flat=True)) == booked
    assert broken() == {}


def test_moved_left_cancelled_and_booked_at_once_it_still_agrees(health_centre):
    """BO-02, PL-27: no deadlock; every seat is somebody's, at the session's time. Whoever moves a session that somebody is
    booked on in the same moment is told so, and moves it when the list is read anew; all the others are done."""
    one, other = planned(health_centre, seats=8), planned(health_centre, seats=8, start=START + DAY)
    rows = [act() for act in wishes(health_centre, one, 4)]
    by = {"by": health_centre.nurse, "at": NOW}
    late = [
        partial(sessions.book, session_id=one.pk, patient_id=health_centre.patient(identity=number).pk, **by)
        for number in numbers(8)[4:]
    ]
    move = partial(sessions.move, session_id=one.pk, start=START + HALF_HOUR, end=START + 2 * HALF_HOUR, **by)
    moved, *others = together(
        move,
        partial(sessions.change_session, appointment_id=rows[0].pk, session_id=other.pk, **by),
        partial(
            cancellation.cancel, appointment_id=rows[1].pk, cancelled_by="provider", reason="Sjuk", **by
        ),
        partial(
            appointments.reschedule, appointment_id=rows[2].pk, start=START + 3 * DAY, end=START + 3 * DAY + HALF_HOUR,
            **by,
        ),
        *late,
        longest_wait=10 * SECOND,
    )  # fmt: skip
    assert [each for each in others if isinstance(each, Exception)] == []
    if isinstance(moved, Exception):
        assert (moved.rule, moved.code) == ("PL-27", "changed")
        move()
    one.refresh_from_db()
    assert one.start == START + HALF_HOUR
    seats = SessionParticipant.objects.values_list("session_id", flat=True)
    assert sorted(seats) == sorted([one.pk] * 5 + [other.pk])
    assert {row.start for row in one.appointments.filter(status="booked", seat__isnull=False)} == {one.start}
    assert broken() == {}
