"""Grupptillfällen: one time for several patients, each with a booking and a vårdhändelse of their own (BO-02, PL-06)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from registration.models import Encounter
from scheduling import promises, slots
from scheduling.actions import absences, appointments, check_out, commitments, rebooking, sessions, work_items
from scheduling.models import (
    Appointment,
    FreedTime,
    RebookingItem,
    ResourceBooking,
    Session,
    SessionParticipant,
)
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.flows import cancellation, deceased, invariants
from tests.clinic import DAY, HALF_HOUR, NOW

START = NOW + 2 * DAY
HOUR = timedelta(hours=1)


def planned(clinic, start=START, **fields):
    wanted = {
        "name": "Astmaskola",
        "visit_type": clinic.nurse_visit,
        "contact_reason_id": clinic.reason.pk,
        "end": start + HOUR,
        "seats": 2,
        "resource_ids": [clinic.nurse_resource.pk],
        "by": clinic.nurse,
        "at": NOW,
    }
    return sessions.plan(care_unit=clinic.unit, start=start, **(wanted | fields))


def booked(clinic, session, patient=None, **fields):
    patient = patient or clinic.patient()
    return sessions.book(session_id=session.pk, patient_id=patient.pk, **({"by": clinic.nurse, "at": NOW} | fields))


def refusal(act, *given, **fields):
    with pytest.raises(RuleError) as refused, transaction.atomic():
        act(*given, **fields)
    return refused.value


def broken():
    return {row.name: row.rows(NOW).count() for row in invariants.INVARIANTS if row.rows(NOW).count()}


def test_a_session_takes_its_resources_time_once_and_each_participant_a_visit_of_their_own(health_centre):
    """BO-02: own vårdhändelse, marked as a group visit, with who leads it."""
    session = planned(health_centre)
    first, second = booked(health_centre, session), booked(health_centre, session)
    taken = ResourceBooking.objects.get()
    assert (taken.session, taken.appointment, taken.resource) == (session, None, health_centre.nurse_resource)
    assert {first.encounter_id, second.encounter_id} == set(Encounter.objects.values_list("pk", flat=True))
    for number, row in enumerate((first, second), start=1):
        assert (row.kind, row.start, row.end, row.seat.seat) == ("group", START, START + HOUR, number)
        assert (row.encounter.is_group, row.encounter.planned_start) == (True, START)
        assert row.encounter.participants.get().practitioner == health_centre.nurse.practitioner
    assert broken() == {}


def test_the_time_of_a_session_is_nobody_else_s(health_centre):
    """BO-01: whichever way."""
    planned(health_centre)
    patient = health_centre.patient()
    assert refusal(health_centre.book, patient=patient, start=START).code == "slot_taken"
    assert refusal(planned, health_centre, START + HALF_HOUR).code == "slot_taken"
    free = slots.free(
        care_unit=health_centre.unit,
        visit_type=health_centre.nurse_visit,
        from_day=START.date(),
        to_day=START.date(),
        at=NOW,
    )
    assert not {slot.start for slot in free} & {START, START + HALF_HOUR}


def test_a_full_session_is_refused_and_overbooking_goes_as_far_as_the_session_says(health_centre):
    """PL-06: a number per session, shown as such."""
    health_centre.unit.allows_overbooking = True
    health_centre.unit.save()
    session = planned(health_centre, extra_seats=1)
    for _ in range(2):
        booked(health_centre, session)
    late, later = health_centre.patient(), health_centre.patient()
    refused = refusal(booked, health_centre, session, late)
    assert (refused.rule, refused.code) == ("BO-02", "session_full")
    assert "2 av 2 platser" in refused.sentence and "1 till kan överbokas" in refused.sentence
    extra = booked(health_centre, session, late, overbook=True)
    assert (extra.is_overbooked, extra.seat.seat) == (True, 3)
    assert refusal(booked, health_centre, session, later, overbook=True).code == "session_full"
    assert Appointment.objects.count() == 3


def test_who_has_a_seat_again_after_a_late_cancellation_is_marked_as_the_seat_is(health_centre):
    """PL-06, PL-13, VH-11: overbooked beyond the ordinary seats, and no more where one of those is free."""
    health_centre.unit.allows_overbooking = True
    health_centre.unit.save()
    session = planned(health_centre, NOW + 10 * HALF_HOUR, seats=1, extra_seats=1)
    act, late = {"by": health_centre.nurse, "at": NOW}, {"cancelled_by": "patient", "reason": "Sjuk"}
    first = booked(health_centre, session)
    cancellation.cancel(appointment_id=first.pk, **late, **act)
    second = booked(health_centre, session)
    appointments.undo(appointment_id=first.pk, **act)
    first.refresh_from_db()
    assert (first.is_overbooked, first.seat.seat) == (True, 2)
    for row in (first, second):
        cancellation.cancel(appointment_id=row.pk, **late, **act)
    appointments.undo(appointment_id=first.pk, **act)
    first = Appointment.objects.get(pk=first.pk)
    assert (first.is_overbooked, first.seat.seat) == (False, 1)


def test_overbooking_is_refused_where_the_unit_does_not_allow_it(health_centre):
    """PL-06"""
    assert refusal(planned, health_centre, extra_seats=1).code == "no_overbooking"
    session = planned(health_centre)
    change = {"session_id": session.pk, "extra_seats": 1, "by": health_centre.nurse, "at": NOW}
    assert refusal(sessions.change, **change).code == "no_overbooking"


def test_the_database_itself_refuses_a_seat_too_many(health_centre):
    """PL-06: whatever the door."""
    session = planned(health_centre, seats=1)
    seat = booked(health_centre, session).seat
    other = health_centre.book(health_centre.patient(), START + DAY)
    for number in (1, 2):
        with pytest.raises(IntegrityError, match="session_seat"), transaction.atomic():
            SessionParticipant.objects.create(session=session, seat=number, appointment=other)
    Session.objects.filter(pk=session.pk).update(seats=5)
    seat.seat = 5
    seat.save()
    with pytest.raises(IntegrityError, match="session_seat"), transaction.atomic():
        Session.objects.filter(pk=session.pk).update(seats=4)


def test_a_patient_has_one_seat_and_something_else_at_the_same_time_is_a_warning(health_centre):
    """BO-02, PL-06"""
    session, patient = planned(health_centre), health_centre.patient()
    booked(health_centre, session, patient)
    assert refusal(booked, health_centre, session, patient).code == "already_done"
    other = health_centre.patient()
    health_centre.book(other, START, resource=health_centre.doctor_resource, visit_type=health_centre.doctor_visit)
    assert refusal(booked, health_centre, session, other).rule == "PL-06"
    seat = booked(health_centre, session, other, accept_warnings=["PL-06"], reason="Går ifrån en stund")
    assert seat.overlap_reason == "Går ifrån en stund"


def test_a_session_is_led_by_somebody_who_has_the_time(health_centre):
    """BO-01, BO-02"""
    with pytest.raises(InputError):
        planned(health_centre, resource_ids=[])
    health_centre.nurse_resource.weekly_hours.all().delete()
    assert refusal(planned, health_centre).code == "outside_hours"
    assert not Session.objects.exists()


def test_each_arrives_and_is_checked_out_with_an_outcome_of_their_own(clinic):
    """BO-02: own outcome, own coding."""
    session = planned(clinic, NOW)
    rows = []
    for _ in range(2):
        patient = clinic.patient()
        clinic.commitment(patient)
        rows.append(booked(clinic, session, patient))
    arrived, refused = sessions.arrive_all(session_id=session.pk, by=clinic.nurse, at=NOW)
    assert ({row.pk for row in arrived}, refused) == ({row.pk for row in rows}, [])
    assert sessions.arrive_all(session_id=session.pk, by=clinic.nurse, at=NOW) == ([], [])
    for row, outcome in zip(arrived, ("end_commitment", "no_further_planning"), strict=True):
        reason = clinic.outcome_reason(outcome) if outcome == "end_commitment" else None
        check_out.check_out(
            encounter_id=row.encounter_id,
            outcome=outcome,
            reason=reason,
            accept_warnings=["UT-05"],
            by=clinic.nurse,
            at=NOW + HOUR,
            registered_at=NOW + HOUR,
        )
    assert set(Encounter.objects.values_list("status", flat=True)) == {"checked_out"}
    assert promises.broken(at=NOW).count() == 0


def test_all_who_can_arrive_do_and_who_cannot_is_told(health_centre):
    """BO-02"""
    session = planned(health_centre, NOW)
    alive, dead = health_centre.patient(), health_centre.patient()
    booked(health_centre, session, alive)
    with_the_dead = booked(health_centre, session, dead)
    type(dead).objects.filter(pk=dead.pk).update(deceased_on=NOW.date(), deceased_registered_at=NOW)
    arrived, refused = sessions.arrive_all(session_id=session.pk, by=health_centre.nurse, at=NOW)
    assert [row.patient for row in arrived] == [alive]
    assert [(pk, error.rule) for pk, error in refused] == [(with_the_dead.pk, "AV-02")]


def test_a_cancelled_booking_lets_go_of_its_seat_alone(health_centre):
    """BO-02, BO-03"""
    session = planned(health_centre)
    first, second = booked(health_centre, session), booked(health_centre, session)
    act = {"cancelled_by": "patient", "reason": "Förkyld", "by": health_centre.nurse, "at": NOW}
    gone = cancellation.cancel(appointment_id=first.pk, **act)
    assert (gone.status, gone.session, SessionParticipant.objects.get().appointment) == ("cancelled", session, second)
    assert ResourceBooking.objects.get().session == session
    assert not FreedTime.objects.exists()
    assert booked(health_centre, session).seat.seat == 1
    assert broken() == {}


def test_an_undone_late_cancellation_takes_a_seat_again_or_is_refused(health_centre):
    """PL-13, VH-11"""
    session = planned(health_centre, NOW + HOUR, seats=1)
    row = booked(health_centre, session)
    act = {"by": health_centre.nurse, "at": NOW}
    missed = cancellation.cancel(appointment_id=row.pk, cancelled_by="patient", reason="Sjuk", **act)
    assert (missed.status, SessionParticipant.objects.count()) == ("no_show", 0)
    appointments.undo(appointment_id=row.pk, **act)
    assert SessionParticipant.objects.get().appointment == row
    cancellation.cancel(appointment_id=row.pk, cancelled_by="patient", reason="Sjuk", **act)
    booked(health_centre, session)
    assert refusal(appointments.undo, appointment_id=row.pk, **act).code == "session_full"


def test_a_cancelled_session_puts_everybody_on_the_rebooking_list_as_the_provider_s_doing(clinic):
    """BO-02, PL-02, UT-07: booked until somebody moves or ends it; the leader's time is free again."""
    session, other = planned(clinic), planned(clinic, START + 7 * DAY)
    patients = [clinic.patient(), clinic.patient()]
    for patient in patients:
        clinic.commitment(patient)
    first, second = (booked(clinic, session, patient) for patient in patients)
    act = {"by": clinic.nurse, "at": NOW}
    with pytest.raises(InputError):
        sessions.cancel(session_id=session.pk, reason=" ", **act)
    sessions.cancel(session_id=session.pk, reason="Ledaren är sjuk", **act)
    items = RebookingItem.objects.open().order_by("appointment")
    assert [(row.appointment, row.session, row.absence) for row in items] == [
        (first, session, None),
        (second, session, None),
    ]
    assert (promises.broken(at=NOW).count(), broken()) == (0, {})
    assert FreedTime.objects.get().resource == clinic.nurse_resource
    assert refusal(sessions.cancel, session_id=session.pk, reason="Igen", **act).by == "Sara Norén"
    assert refusal(booked, clinic, session).code == "session_cancelled"
    late = {"by": clinic.nurse, "at": START + HALF_HOUR}
    assert refusal(appointments.arrive, appointment_id=first.pk, **late).code == "session_cancelled"
    assert refusal(appointments.no_show, appointment_id=first.pk, **late).code == "session_cancelled"

    moved = sessions.change_session(appointment_id=first.pk, session_id=other.pk, **act)
    assert (moved.start, moved.session, moved.seat.session) == (other.start, other, other)
    assert moved.history.get(event="rescheduled").initiated_by == "provider"
    own = appointments.reschedule(
        appointment_id=second.pk, start=START + 3 * DAY, end=START + 3 * DAY + HALF_HOUR, **act
    )
    assert (own.kind, own.session, own.encounter.is_group) == ("individual", None, False)
    assert not RebookingItem.objects.open().exists()
    assert (SessionParticipant.objects.count(), broken()) == (1, {})


def moved_by(clinic, session, *, at=NOW, days=2, **fields):
    start = START + days * DAY
    return {"session_id": session.pk, "start": start, "end": start + HOUR, "by": clinic.nurse, "at": at} | fields


def test_a_session_that_somebody_has_come_to_or_missed_is_not_moved(health_centre):
    """BO-02: until it is undone. Whoever cancelled late has no seat, and stands in nobody's way."""
    session = planned(health_centre, NOW)
    row, late = booked(health_centre, session), booked(health_centre, session)
    act = {"by": health_centre.nurse, "at": NOW}
    cancellation.cancel(appointment_id=late.pk, cancelled_by="patient", reason="Sjuk", **act)
    move = moved_by(health_centre, session)
    for register in (appointments.arrive, appointments.no_show):
        register(appointment_id=row.pk, **act)
        refused = refusal(sessions.move, **move)
        assert (refused.rule, refused.code) == ("BO-02", "arrived")
        row.refresh_from_db()
        session.refresh_from_db()
        assert (row.start, session.start, session.version) == (NOW, NOW, 1)
        assert ResourceBooking.objects.get(session=session).period.lower == NOW
        appointments.undo(appointment_id=row.pk, **act)
    sessions.move(**move)
    row.refresh_from_db()
    late.refresh_from_db()
    assert (row.start, late.start) == (START + 2 * DAY, NOW)
    assert broken() == {}


def test_a_session_that_is_over_is_neither_moved_nor_written(health_centre):
    """BO-02, PL-23"""
    session = planned(health_centre, NOW)
    booked(health_centre, session)
    refused = refusal(sessions.move, **moved_by(health_centre, session, at=NOW + HOUR))
    assert (refused.rule, refused.code) == ("PL-23", "in_the_past")
    session.refresh_from_db()
    assert (session.start, session.version) == (NOW, 1)


def test_the_second_who_changes_a_session_is_told_who_was_first_also_where_nothing_would_be_changed(health_centre):
    """PL-27, BO-02: what is asked to stand as it does is not written and nobody gets a letter."""
    session = planned(health_centre)
    row = booked(health_centre, session)
    same = moved_by(health_centre, session, days=0)
    assert sessions.move(**same, version=1).version == 1
    assert sessions.change(session_id=session.pk, seats=2, by=health_centre.nurse, at=NOW, version=1).version == 1
    assert not row.history.filter(event="rescheduled").exists()
    sessions.change(session_id=session.pk, seats=5, by=health_centre.nurse, at=NOW, version=1)
    doctor = {"by": health_centre.doctor, "at": NOW + HALF_HOUR, "version": 1}
    acts = [
        (sessions.move, same | doctor),
        (sessions.move, moved_by(health_centre, session) | doctor),
        # Before the time is judged, which is past.
        (sessions.move, same | doctor | {"start": NOW - DAY, "end": NOW - DAY + HOUR}),
        (sessions.change, {"session_id": session.pk, "seats": 5} | doctor),
        (sessions.cancel, {"session_id": session.pk, "reason": "Sjuk"} | doctor),
    ]
    for act, fields in acts:
        with pytest.raises(StaleVersion) as stale:
            act(**fields)
        assert (stale.value.by, stale.value.at, stale.value.current) == ("Sara Norén", NOW, 2)
    session.refresh_from_db()
    assert (session.start, session.seats, session.status, session.version) == (START, 5, "planned", 2)


def absent(clinic, **fields):
    act = {"care_unit": clinic.unit, "kind": "leave", "by": clinic.nurse, "at": NOW}
    times = {"start": START - HOUR, "end": START + HOUR}
    return absences.register(resource_id=clinic.nurse_resource.pk, **(act | times | fields))


def test_whoever_is_booked_on_a_cancelled_session_stays_on_the_list_when_the_absence_is_withdrawn(health_centre):
    """PL-02, BO-02: the absence came first, then the session was cancelled: that is now why."""
    session = planned(health_centre)
    row = booked(health_centre, session)
    absence = absent(health_centre)
    act = {"by": health_centre.nurse, "at": NOW}
    sessions.cancel(session_id=session.pk, reason="Ledaren är sjuk", **act)
    item = RebookingItem.objects.open().get()
    assert (item.appointment, item.session, item.absence, item.version) == (row, session, None, 2)
    absences.withdraw(absence_id=absence.pk, **act)
    assert RebookingItem.objects.open().get() == item
    assert broken() == {}


def test_a_no_show_that_is_undone_on_a_cancelled_session_is_to_be_booked_anew(health_centre):
    """PL-02, PL-13, BO-02: also who was overbooked, and after the session's end."""
    health_centre.unit.allows_overbooking = True
    health_centre.unit.save()
    session = planned(health_centre, NOW, seats=1, extra_seats=1)
    rows = [booked(health_centre, session, overbook=more) for more in (False, True)]
    late = {"by": health_centre.nurse, "at": NOW + HALF_HOUR}
    for row in rows:
        appointments.no_show(appointment_id=row.pk, **late)
    sessions.cancel(session_id=session.pk, reason="Ledaren är sjuk", **late)
    assert not RebookingItem.objects.open().exists()
    after = late | {"at": NOW + DAY}
    for row in rows:
        appointments.undo(appointment_id=row.pk, **after)
    items = RebookingItem.objects.open().order_by("appointment")
    assert [(item.appointment, item.session) for item in items] == [(row, session) for row in rows]
    assert [
        row.name for row in invariants.INVARIANTS if row.name.startswith("bookings-") and row.rows(NOW + DAY).exists()
    ] == []


def test_the_seats_proposed_are_those_that_can_be_had_the_same_group_first(health_centre):
    """PL-02, BO-02, PL-06: not full, cancelled or begun, not another besökstyp, not while its leader is away, and not when
    the patient has something else."""
    clinic, patient = health_centre, health_centre.patient()
    session = planned(clinic)
    row = booked(clinic, session, patient)
    full = planned(clinic, START + DAY, seats=1)
    booked(clinic, full)
    gone = planned(clinic, START + 2 * DAY)
    sessions.cancel(session_id=gone.pk, reason="Inställt", by=clinic.nurse, at=NOW)
    planned(clinic, START + 3 * DAY)
    absent(clinic, start=START + 3 * DAY, end=START + 4 * DAY - HOUR)
    planned(clinic, START + 4 * DAY)
    doctors = {"resource": clinic.doctor_resource, "visit_type": clinic.doctor_visit}
    clinic.book(patient, START + 4 * DAY, **doctors)
    another = {"visit_type": clinic.doctor_visit, "resource_ids": [clinic.doctor_resource.pk]}
    planned(clinic, START + DAY, **another)
    near = planned(clinic, START + 5 * DAY, name="Hjärtskola")
    first, second = planned(clinic, START + 7 * DAY), planned(clinic, START + 8 * DAY)
    planned(clinic, START + 9 * DAY, name="Hjärtskola")
    sessions.cancel(session_id=session.pk, reason="Ledaren är sjuk", by=clinic.nurse, at=NOW)
    item = RebookingItem.objects.open().get(appointment=row)
    assert rebooking.seats(item, at=NOW) == [first, second, near]
    assert rebooking.seats(item, at=START + 7 * DAY)[0] == second
    single = clinic.book(clinic.patient(), START + 10 * DAY)
    absent(clinic, start=START + 10 * DAY, end=START + 11 * DAY)
    assert rebooking.seats(RebookingItem.objects.open().get(appointment=single), at=NOW) == []


def test_a_commitment_is_not_closed_over_somebody_who_waits_to_be_booked_anew(clinic):
    """UT-03, PL-02, BO-02: also when the cancelled session's hour has passed."""
    session, patient = planned(clinic), clinic.patient()
    commitment = clinic.commitment(patient)
    row = booked(clinic, session, patient)
    sessions.cancel(session_id=session.pk, reason="Ledaren är sjuk", by=clinic.nurse, at=NOW)
    later = {"by": clinic.nurse, "at": START + 2 * DAY}
    close = {"commitment_id": commitment.pk, "reason": "önskar avsluta"}
    refused = refusal(commitments.close_by_id, **close, **later)
    assert (refused.rule, refused.code) == ("UT-03", "planning_left")
    assert RebookingItem.objects.open().get().appointment == row
    cancellation.cancel(appointment_id=row.pk, cancelled_by="provider", reason="Inställt", **later)
    assert not RebookingItem.objects.open().exists()
    commitments.close_by_id(**close, **later)
    commitment.refresh_from_db()
    assert commitment.status == "closed"


def test_a_booking_of_a_cancelled_session_that_nobody_lists_is_a_broken_agreement(health_centre):
    """BO-02, PL-02: whatever the hour."""
    session = planned(health_centre)
    booked(health_centre, session)
    sessions.cancel(session_id=session.pk, reason="Ledaren är sjuk", by=health_centre.nurse, at=NOW)
    RebookingItem.objects.all().delete()
    assert broken() == {"bookings-on-cancelled-sessions": 1}
    assert promises.on_cancelled_sessions().count() == 1


def test_a_moved_session_takes_everybody_along_and_takes_the_new_before_it_lets_go(health_centre):
    """PL-08, PL-02: with another leader."""
    session = planned(health_centre)
    row = booked(health_centre, session)
    health_centre.book(
        health_centre.patient(), START + DAY, resource=health_centre.doctor_resource,
        visit_type=health_centre.doctor_visit,
    )  # fmt: skip
    doctor = [health_centre.doctor_resource.pk]
    act = {"session_id": session.pk, "by": health_centre.nurse, "at": NOW, "resource_ids": doctor}
    refused = refusal(sessions.move, start=START + DAY, end=START + DAY + HOUR, **act)
    assert refused.code == "slot_taken"
    row.refresh_from_db()
    assert row.start == START
    sessions.move(start=START + 2 * DAY, end=START + 2 * DAY + HOUR, **act)
    row = Appointment.objects.get(pk=row.pk)
    assert (row.start, row.encounter.planned_start) == (START + 2 * DAY, START + 2 * DAY)
    assert row.encounter.participants.get().practitioner == health_centre.doctor.practitioner
    assert ResourceBooking.objects.get(session=session).resource == health_centre.doctor_resource
    assert broken() == {}


def test_an_absence_of_the_leader_lists_everybody_and_nobody_is_booked_in_it(health_centre):
    """PL-02, BO-02: another leader settles it for all."""
    session = planned(health_centre)
    booked(health_centre, session)
    absences.register(
        care_unit=health_centre.unit, resource_id=health_centre.nurse_resource.pk, kind="leave",
        start=START - HOUR, end=START + HOUR, by=health_centre.nurse, at=NOW,
    )  # fmt: skip
    assert RebookingItem.objects.open().count() == 1
    assert refusal(booked, health_centre, session).code == "absent"
    doctor = [health_centre.doctor_resource.pk]
    sessions.move(
        session_id=session.pk, start=START, end=START + HOUR, resource_ids=doctor, by=health_centre.nurse, at=NOW
    )
    assert not RebookingItem.objects.open().exists()
    assert broken() == {}


def test_the_death_of_a_participant_frees_the_seat_and_its_undo_takes_one_again(health_centre):
    """AV-02, AV-03, BO-02"""
    session, patient = planned(health_centre, seats=1), health_centre.patient()
    row = booked(health_centre, session, patient)
    act = {"patient_id": patient.pk, "reason": "Dödsbevis", "by": health_centre.doctor, "at": NOW}
    deceased.register(deceased_on=NOW.date(), **act)
    assert (Appointment.objects.get(pk=row.pk).status, SessionParticipant.objects.count()) == ("cancelled", 0)
    deceased.undo(**act)
    assert (Appointment.objects.get(pk=row.pk).status, SessionParticipant.objects.get().appointment) == ("booked", row)
    deceased.register(deceased_on=NOW.date(), **act)
    booked(health_centre, session)
    deceased.undo(**act)
    assert Appointment.objects.get(pk=row.pk).status == "cancelled"
    assert broken() == {}


def test_seats_are_never_fewer_than_those_taken(health_centre):
    """BO-02"""
    session = planned(health_centre, seats=3)
    for _ in range(2):
        booked(health_centre, session)
    act = {"session_id": session.pk, "by": health_centre.nurse, "at": NOW}
    assert refusal(sessions.change, seats=1, **act).code == "seats_taken"
    assert (sessions.change(seats=2, name="Astmaskola, del 2", **act).seats, session.version) == (2, 1)


def test_a_booking_request_is_booked_on_a_session(clinic):
    """BB-01, BO-02"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    request = work_items.request_booking(
        patient_id=patient.pk, care_unit=clinic.unit, commitment_id=commitment.pk, visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason, wished_from=NOW.date(), wished_to=NOW.date() + 9 * DAY, by=clinic.nurse, at=NOW,
    )  # fmt: skip
    row = booked(clinic, planned(clinic), patient, booking_request_id=request.pk)
    request.refresh_from_db()
    assert (request.status, row.encounter.commitment) == ("booked", commitment)


def test_group_and_group_team_are_told_by_the_derived_codes(health_centre):
    """BO-02: a group with several professions is a group team."""
    alone = booked(health_centre, planned(health_centre))
    both = [health_centre.nurse_resource.pk, health_centre.doctor_resource.pk]
    together = booked(health_centre, planned(health_centre, START + DAY, resource_ids=both))
    assert alone.encounter.participants.count() == 1
    assert together.encounter.participants.filter(is_main_responsible=True).count() == 1
    assert together.encounter.participants.count() == 2
