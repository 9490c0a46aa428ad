"""Booking, change, arrival and no-show (BO-01, BO-03, VH-05, VH-07, VH-08, VH-11, PL-05…PL-08, VO-01, VO-02)."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from registration.actions import clock
from registration.models import ContactReason, Encounter, EncounterHistory, Referral
from scheduling import promises
from scheduling.actions import absences, appointments, commitments, resource_bookings, sessions, work_items
from scheduling.models import Appointment, BookingRequest, NoShowItem, Resource, ResourceBooking, WeeklyHours
from sdv.accounts.permissions import Role
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.flows import cancellation
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, HALF_HOUR, NOW


def refusal(act, **fields):
    with pytest.raises(RuleError) as refused:
        act(**fields)
    return refused.value


def rows():
    return (
        Encounter.objects.count(),
        Appointment.objects.count(),
        ResourceBooking.objects.count(),
        EncounterHistory.objects.count(),
    )


def test_a_booking_makes_a_hidden_pre_registration_of_the_visit(health_centre):
    """VH-03, VH-05, BO-01"""
    patient = health_centre.patient()
    appointment = health_centre.book(patient, NOW + 2 * DAY)
    encounter = appointment.encounter
    assert (encounter.type_id, encounter.status) == ("dold-forhandsregistrerad-oppenvardskontakt", "planned")
    assert (encounter.planned_start, encounter.start) == (NOW + 2 * DAY, NOW + 2 * DAY)
    assert (encounter.visit_type, encounter.contact_reason) == (health_centre.nurse_visit, health_centre.reason)
    assert encounter.participants.get().practitioner == health_centre.nurse.practitioner
    taken = appointment.resource_bookings.get()
    assert (taken.resource, taken.seat, taken.period.lower) == (health_centre.nurse_resource, 1, NOW + 2 * DAY)


def test_a_visit_booked_with_24_hours_to_go_is_born_visible(health_centre):
    """VH-05"""
    appointment = health_centre.book(health_centre.patient(), NOW + DAY)
    assert appointment.encounter.type_id == "forhandsregistrerad-oppenvardskontakt"


def test_rebooked_further_ahead_it_is_hidden_again(health_centre):
    """VH-05"""
    appointment = health_centre.book(health_centre.patient(), NOW + HALF_HOUR)
    moved = appointments.reschedule(
        appointment_id=appointment.pk,
        start=NOW + 3 * DAY,
        end=NOW + 3 * DAY + HALF_HOUR,
        by=health_centre.nurse,
        at=NOW,
    )
    assert moved.encounter.type_id == "dold-forhandsregistrerad-oppenvardskontakt"
    assert (moved.start, moved.encounter.planned_start) == (NOW + 3 * DAY, NOW + 3 * DAY)


def test_the_job_reveals_at_24_hours_and_not_a_minute_before(health_centre):
    """VH-05"""
    encounter = health_centre.book(health_centre.patient(), NOW + 2 * DAY).encounter
    assert clock.reveal(at=NOW + DAY - timedelta(minutes=1)) == 0
    assert clock.reveal(at=NOW + DAY, dry_run=True) == 1
    assert clock.reveal(at=NOW + DAY) == 1
    assert clock.reveal(at=NOW + DAY) == 0
    version = encounter.version
    encounter.refresh_from_db()
    assert (encounter.type_id, encounter.version) == ("forhandsregistrerad-oppenvardskontakt", version + 1)
    assert encounter.history.filter(move="reveal", by=None).count() == 1


def test_a_specialised_visit_without_a_commitment_is_refused_and_nothing_is_left(clinic):
    """VH-08"""
    patient, before = clinic.patient(), rows()
    assert refusal(clinic.book, patient=patient).rule == "VH-08"
    assert rows() == before


def test_a_specialised_visit_hangs_on_the_commitment(clinic):
    """VH-08, VA-01"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    assert clinic.book(patient).encounter.commitment == commitment


def test_with_two_commitments_the_right_one_must_be_named(clinic):
    """VA-01"""
    patient = clinic.patient()
    clinic.commitment(patient)
    second = clinic.commitment(patient, clinic.other_problem)
    assert refusal(clinic.book, patient=patient).rule == "VH-08"
    assert clinic.book(patient, commitment_id=second.pk).encounter.commitment == second


def test_a_reason_must_be_linked_to_the_visit_type(health_centre):
    """VO-02"""
    patient, before = health_centre.patient(), rows()
    unlinked = ContactReason.objects.get(code="blodtransfusion")
    assert not ContactReason.objects.offered_for(health_centre.nurse_visit, NOW.date()).filter(pk=unlinked.pk).exists()
    refused = refusal(
        appointments.book,
        patient_id=patient.pk,
        care_unit=health_centre.unit,
        visit_type=health_centre.nurse_visit,
        contact_reason_id=unlinked.pk,
        start=NOW + DAY,
        end=NOW + DAY + HALF_HOUR,
        resource_ids=[health_centre.nurse_resource.pk],
        by=health_centre.nurse,
        at=NOW,
    )
    assert (refused.rule, rows()) == ("VO-02", before)


def test_exactly_one_reason_is_required(health_centre):
    """VO-01"""
    patient = health_centre.patient()
    health_centre.reason.pk = None
    assert refusal(health_centre.book, patient=patient).rule == "VO-01"


def test_the_unspecified_reasons_are_offered_for_every_visit_type(health_centre):
    """VO-03"""
    offered = ContactReason.objects.offered_for(health_centre.doctor_visit, NOW.date()).values_list("code", flat=True)
    assert {
        "behandling-ospecificerad",
        "bedomning-ospecificerad",
        "uppfoljning-ospecificerad",
        "undersokning-ospecificerad",
    } <= set(offered)


def test_a_taken_time_is_refused_with_the_next_free_ones(health_centre):
    """BO-01, PL-07"""
    health_centre.book(health_centre.patient(), NOW + DAY)
    other, before = health_centre.patient(), rows()
    refused = refusal(health_centre.book, patient=other, start=NOW + DAY)
    assert (refused.rule, refused.code) == ("BO-01", "slot_taken")
    assert [slot.start for slot in refused.alternatives] == [NOW + DAY + n * HALF_HOUR for n in (1, 2, 3)]
    assert rows() == before


def test_a_time_outside_the_schedule_is_refused(health_centre):
    """BO-01"""
    health_centre.nurse_resource.weekly_hours.all().delete()
    assert refusal(health_centre.book, patient=health_centre.patient()).code == "outside_hours"


def test_todays_times_can_be_booked_until_they_end(health_centre):
    """PL-23"""
    patient, other = health_centre.patient(), health_centre.patient()
    appointment = health_centre.book(patient, NOW - timedelta(minutes=29))
    assert appointment.status == "booked"
    assert refusal(health_centre.book, patient=other, start=NOW - HALF_HOUR).rule == "PL-23"


def test_a_patient_double_booked_is_a_warning_that_a_reason_overrules(health_centre):
    """PL-06"""
    patient = health_centre.patient()
    health_centre.book(patient, NOW + DAY)
    again = {"patient": patient, "start": NOW + DAY, "resource": health_centre.doctor_resource}
    again["visit_type"] = health_centre.doctor_visit
    refused = refusal(health_centre.book, **again)
    assert (refused.rule, refused.is_warning, refused.needs_reason) == ("PL-06", True, True)
    assert refusal(health_centre.book, **again, accept_warnings=["PL-06"]).rule == "PL-06"
    booked = health_centre.book(**again, accept_warnings=["PL-06"], reason="Samma resa")
    assert booked.overlap_reason == "Samma resa"


def test_overbooking_is_explicit_allowed_by_the_unit_and_another_seat(health_centre):
    """BO-01, PL-06"""
    health_centre.book(health_centre.patient(), NOW + DAY)
    other = health_centre.patient()
    assert refusal(health_centre.book, patient=other, start=NOW + DAY, overbook=True).code == "no_overbooking"
    health_centre.unit.allows_overbooking = True
    health_centre.unit.save()
    booked = health_centre.book(other, NOW + DAY, overbook=True)
    assert (booked.is_overbooked, booked.resource_bookings.get().seat) == (True, 2)
    moved = appointments.reschedule(
        appointment_id=booked.pk,
        start=NOW + 2 * DAY,
        end=NOW + 2 * DAY + HALF_HOUR,
        by=health_centre.nurse,
        at=NOW,
    )
    assert (moved.is_overbooked, moved.resource_bookings.get().seat) == (False, 1)


def test_where_only_the_overbooked_is_left_the_time_is_nobody_elses(health_centre):
    """BO-01, PL-06: nobody books, moves, holds or plans a group there without overbooking; who was there first comes back
    by an undo, and who was overbooked beside it too."""
    health_centre.unit.allows_overbooking = True
    health_centre.unit.save()
    who = {"by": health_centre.nurse, "at": NOW}
    start, resource = NOW + DAY, health_centre.nurse_resource
    end = start + HALF_HOUR
    first = health_centre.book(health_centre.patient(), start)
    beside = health_centre.book(health_centre.patient(), start, overbook=True)
    late = {"cancelled_by": "patient", "reason": "Ringde"}
    cancellation.cancel(appointment_id=first.pk, **late, **who | {"at": start - timedelta(hours=2)})
    other = health_centre.book(health_centre.patient(), NOW + 3 * DAY)
    for act in (
        lambda: health_centre.book(health_centre.patient(), start),
        lambda: appointments.reschedule(appointment_id=other.pk, start=start, end=end, **who),
        lambda: resource_bookings.hold(resource_id=resource.pk, start=start, end=end, **who),
        lambda: sessions.plan(
            care_unit=health_centre.unit, name="Skola", visit_type=health_centre.nurse_visit, seats=2, start=start,
            end=end, resource_ids=[resource.pk], contact_reason_id=health_centre.reason.pk, **who,
        ),
    ):  # fmt: skip
        assert refusal(act).code == "slot_taken"
    assert ResourceBooking.objects.of([resource]).filter(period__overlap=(start, end)).get().appointment == beside
    assert appointments.undo(appointment_id=first.pk, **who).resource_bookings.get().seat == 1
    for row in (beside, first):
        cancellation.cancel(appointment_id=row.pk, **late, **who | {"at": start - timedelta(hours=2)})
    assert appointments.undo(appointment_id=first.pk, **who).resource_bookings.get().seat == 1
    again = appointments.undo(appointment_id=beside.pk, **who)
    assert (again.is_overbooked, again.resource_bookings.get().seat) == (True, 2)


def test_one_s_own_hold_is_booked_although_somebody_overbooked_beside_it(health_centre):
    """PL-06, PL-07: as long as it holds."""
    health_centre.unit.allows_overbooking = True
    health_centre.unit.save()
    start, resource = NOW + 2 * DAY, health_centre.nurse_resource
    asked = {"resource_id": resource.pk, "start": start, "end": start + HALF_HOUR, "by": health_centre.nurse, "at": NOW}
    held = resource_bookings.hold(**asked)
    beside = {"overbook": True, "reason": "Akut", "by": health_centre.doctor}
    health_centre.book(health_centre.patient(), start, **beside)
    late = {"hold_id": held.pk, "at": NOW + timedelta(minutes=2)}
    assert refusal(health_centre.book, patient=health_centre.patient(), start=start, **late).code == "slot_taken"
    booked = health_centre.book(health_centre.patient(), start, hold_id=held.pk)
    assert (booked.is_overbooked, booked.resource_bookings.get().seat) == (False, 1)


def test_the_database_itself_refuses_a_double_booked_resource(health_centre):
    """BO-01: whatever the door."""
    from django.db import IntegrityError, transaction
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

    first = health_centre.book(health_centre.patient(), NOW + DAY)
    second = health_centre.book(health_centre.patient(), NOW + 2 * DAY)
    with pytest.raises(IntegrityError, match="resource_never_double_booked"), transaction.atomic():
        second.resource_bookings.update(period=DateTimeTZRange(first.start + timedelta(minutes=10), first.end))


def test_another_unit_s_resource_is_not_booked(health_centre, clinic):
    """BO-01"""
    with pytest.raises(InputError):
        health_centre.book(health_centre.patient(), resource=clinic.nurse_resource)


def test_a_hold_keeps_others_away_for_two_minutes_and_no_longer(health_centre):
    """PL-07"""
    start = NOW + DAY
    resource_bookings.hold(
        resource_id=health_centre.nurse_resource.pk, start=start, end=start + HALF_HOUR, by=health_centre.nurse, at=NOW
    )
    patient = health_centre.patient()
    assert refusal(health_centre.book, patient=patient, start=start, by=health_centre.doctor).code == "slot_taken"
    booked = health_centre.book(patient, start, by=health_centre.doctor, at=NOW + timedelta(minutes=2))
    assert booked.resource_bookings.get().state == "booked"


def test_one_s_own_hold_becomes_the_booking(health_centre):
    """PL-07"""
    start = NOW + DAY
    held = resource_bookings.hold(
        resource_id=health_centre.nurse_resource.pk, start=start, end=start + HALF_HOUR, by=health_centre.nurse, at=NOW
    )
    health_centre.book(health_centre.patient(), start, hold_id=held.pk)
    assert list(ResourceBooking.objects.values_list("state", flat=True)) == ["booked"]


def test_a_refused_reschedule_keeps_the_old_time(health_centre):
    """PL-08: nothing is released before the new is had."""
    mine = health_centre.book(health_centre.patient(), NOW + DAY)
    health_centre.book(health_centre.patient(), NOW + 2 * DAY)
    refused = refusal(
        appointments.reschedule,
        appointment_id=mine.pk,
        start=NOW + 2 * DAY,
        end=NOW + 2 * DAY + HALF_HOUR,
        by=health_centre.nurse,
        at=NOW,
    )
    mine.refresh_from_db()
    assert (refused.code, mine.start, mine.version) == ("slot_taken", NOW + DAY, 1)
    assert mine.resource_bookings.get().period.lower == NOW + DAY


def test_a_reschedule_may_overlap_its_own_old_time_and_change_caregiver(health_centre):
    """BO-03, PL-08"""
    mine = health_centre.book(health_centre.patient(), NOW + DAY)
    moved = appointments.reschedule(
        appointment_id=mine.pk,
        start=NOW + DAY + timedelta(minutes=10),
        end=NOW + DAY + timedelta(minutes=40),
        resource_ids=[health_centre.doctor_resource.pk],
        by=health_centre.nurse,
        at=NOW,
    )
    assert moved.resource_bookings.get().resource == health_centre.doctor_resource
    assert moved.encounter.participants.get().practitioner == health_centre.doctor.practitioner
    assert moved.history.get(event="rescheduled").start_before == NOW + DAY


def test_a_stale_version_is_refused(health_centre):
    """PL-27"""
    mine = health_centre.book(health_centre.patient(), NOW + HALF_HOUR)
    appointments.arrive(appointment_id=mine.pk, by=health_centre.nurse, at=NOW, version=1)
    with pytest.raises(StaleVersion):
        appointments.undo(appointment_id=mine.pk, by=health_centre.nurse, at=NOW, version=1)


# --- Arrival ------------------------------------------------------------------------------------------------------


def test_arrival_converts_the_pre_registration_and_freezes_payer_and_listing(health_centre):
    """VH-07, VH-23, PA-09"""
    patient = health_centre.patient(payer="Region Skåne", listing_unit="Vårdcentralen Norr")
    appointment = health_centre.arrived(patient, at=NOW + timedelta(seconds=40))
    encounter = appointment.encounter
    assert (encounter.type_id, encounter.status, appointment.status) == ("primarvard", "in_progress", "arrived")
    assert encounter.start == NOW
    assert (encounter.payer, encounter.listing_unit) == ("Region Skåne", "Vårdcentralen Norr")
    assert encounter.identity_shown == "Legitimation"


def test_arrival_uses_the_referral_and_its_undo_gives_it_back(clinic):
    """VA-04, PL-13"""
    patient = clinic.patient()
    clinic.commitment(patient)
    appointment = clinic.arrived(patient)
    assert Referral.objects.get().status == "used"
    undone = appointments.undo(appointment_id=appointment.pk, by=clinic.nurse, at=NOW)
    encounter = undone.encounter
    assert Referral.objects.get().status == "accepted"
    assert (undone.status, encounter.status, encounter.start) == ("booked", "planned", encounter.planned_start)
    assert encounter.type_id == "forhandsregistrerad-oppenvardskontakt"


def test_a_second_arrival_is_told_who_was_first(health_centre):
    """PL-27, VH-24"""
    appointment = health_centre.arrived(health_centre.patient())
    before = rows()
    refused = refusal(appointments.arrive, appointment_id=appointment.pk, by=health_centre.doctor, at=NOW)
    assert (refused.rule, refused.by) == ("VH-24", "Sara Norén")
    assert rows() == before


def test_arrival_is_refused_before_the_booked_day(health_centre):
    """VH-07"""
    appointment = health_centre.book(health_centre.patient(), NOW + DAY)
    assert refusal(appointments.arrive, appointment_id=appointment.pk, by=health_centre.nurse, at=NOW).rule == "VH-07"


# --- No-show and cancellation ---------------------------------------------------------------------------------------


def test_a_no_show_is_somebody_s_work_with_owner_and_date(health_centre):
    """VH-11, PL-05"""
    appointment = health_centre.book(health_centre.patient(), NOW)
    missed = appointments.no_show(appointment_id=appointment.pk, by=health_centre.nurse, at=NOW)
    item = NoShowItem.objects.get()
    assert (missed.status, missed.encounter.type_id) == ("no_show", "utebliven-bokad-kontakt")
    assert missed.encounter.status == "planned"
    assert (item.encounter, item.responsible, item.watch_until) == (
        missed.encounter,
        health_centre.nurse,
        date(2026, 11, 27),
    )


def test_what_is_left_of_a_booking_without_a_person_of_ours_is_the_units_first(health_centre):
    """PL-05, PL-02: a room alone, a practitioner without an account; a no-show and a booking to move."""
    clinic, nurse = health_centre, health_centre.nurse_resource.practitioner
    clinic.staff(Role.RECEPTIONIST, username="arne", name="Arne Alm")
    first = clinic.staff(Role.COORDINATOR, username="kaj", name="Kaj Ek")
    room = Resource.objects.create(care_unit=clinic.unit, kind="room", name="Rum 1")
    hours = clinic.nurse_resource.weekly_hours.values("weekday", "from_time", "to_time", "slot_minutes", "on_holidays")
    room.weekly_hours.bulk_create(WeeklyHours(resource=room, **each) for each in hours)
    nurse.user = None
    nurse.save(update_fields=["user"])
    for resource in (room, clinic.nurse_resource):
        missed = clinic.book(clinic.patient(), NOW, resource=resource)
        appointments.no_show(appointment_id=missed.pk, by=clinic.doctor, at=NOW)
        assert missed.encounter.noshowitems.get().responsible == first
        to_move = clinic.book(clinic.patient(), NOW + 2 * DAY, resource=resource)
        away = {"resource_id": resource.pk, "kind": "leave", "start": NOW + DAY, "end": NOW + 3 * DAY}
        absences.register(care_unit=clinic.unit, **away, by=clinic.doctor, at=NOW)
        assert to_move.encounter.rebookingitems.get().responsible == first


def test_a_no_show_is_undone_with_its_work_item(health_centre):
    """PL-13"""
    appointment = health_centre.book(health_centre.patient(), NOW)
    appointments.no_show(appointment_id=appointment.pk, by=health_centre.nurse, at=NOW)
    undone = appointments.undo(appointment_id=appointment.pk, by=health_centre.nurse, at=NOW)
    assert (undone.status, undone.encounter.type_id) == ("booked", "forhandsregistrerad-oppenvardskontakt")
    assert NoShowItem.objects.open().count() == 0


def test_a_visit_to_come_is_not_had_again_on_a_closed_commitment(clinic):
    """UT-03, PL-13, VH-11: cancelled 20 hours before, and the vårdåtagande ended with the no-show's item. Opened again, or
    when the day has been, the Utebliven can be undone."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    visit = clinic.book(patient, NOW + timedelta(hours=20))
    who = {"by": clinic.nurse, "at": NOW}
    cancellation.cancel(appointment_id=visit.pk, cancelled_by="patient", reason="Ringde", **who)
    item, reason = NoShowItem.objects.get(), clinic.outcome_reason("end_commitment")
    work_items.decide(model=NoShowItem, item_id=item.pk, decision="end_commitment", reason=reason, **who)
    with pytest.raises(RuleError) as refused:
        appointments.undo(appointment_id=visit.pk, **who)
    assert (refused.value.rule, refused.value.code) == ("UT-03", "commitment_closed")
    visit.refresh_from_db()
    assert (visit.status, NoShowItem.objects.open().count()) == ("no_show", 0)
    commitments.reopen(commitment_id=commitment.pk, reason="Ångrar sig", **who)
    assert appointments.undo(appointment_id=visit.pk, **who).status == "booked"


@pytest.mark.parametrize(
    ("cancelled_by", "before_start", "status", "encounter_type"),
    [
        ("patient", timedelta(hours=24), "cancelled", "annullerad"),
        ("patient", timedelta(hours=23, minutes=59), "no_show", "utebliven-bokad-kontakt"),
        ("provider", timedelta(minutes=1), "cancelled", "annullerad"),
    ],
)
def test_who_cancels_and_when_decides_between_cancelled_and_no_show(
    health_centre, cancelled_by, before_start, status, encounter_type
):
    """VH-11, PL-09, BO-03: and the time is free again."""
    appointment = health_centre.book(health_centre.patient(), NOW + 2 * DAY)
    gone = cancellation.cancel(
        appointment_id=appointment.pk,
        cancelled_by=cancelled_by,
        reason="Förkyld",
        by=health_centre.nurse,
        at=appointment.start - before_start,
    )
    assert (gone.status, gone.encounter.type_id) == (status, encounter_type)
    assert (gone.cancelled_by, gone.cancel_reason) == (cancelled_by, "Förkyld")
    assert gone.resource_bookings.count() == 0
    assert OutboxMessage.objects.filter(topic="appointment-cancelled", subject_id=gone.pk).count() == 1


def test_a_cancelled_visit_with_documentation_keeps_its_type_and_is_ended_by_hand(health_centre):
    """VH-11, VH-12, VH-22"""
    from registration.actions import encounters, facts

    appointment = health_centre.book(health_centre.patient(), NOW + 2 * DAY)
    facts.report_document(
        encounter_id=appointment.encounter_id, kind="anteckning", external_id="J1", by=health_centre.nurse, at=NOW
    )
    gone = cancellation.cancel(
        appointment_id=appointment.pk, cancelled_by="provider", reason="Sjuk", by=health_centre.nurse, at=NOW
    )
    encounter = gone.encounter
    assert (encounter.type_id, encounter.status) == ("dold-forhandsregistrerad-oppenvardskontakt", "planned")
    assert list(Encounter.objects.cancelled_not_ended()) == [encounter]
    encounters.discharge(encounter_id=encounter.pk, by=health_centre.nurse, at=NOW)
    assert Encounter.objects.cancelled_not_ended().count() == 0


def test_who_cancelled_and_why_are_compulsory(health_centre):
    """PL-09, BO-03"""
    appointment = health_centre.book(health_centre.patient())
    by = health_centre.nurse
    with pytest.raises(InputError):
        cancellation.cancel(appointment_id=appointment.pk, cancelled_by="", reason="x", by=by, at=NOW)
    with pytest.raises(InputError):
        cancellation.cancel(appointment_id=appointment.pk, cancelled_by="patient", reason=" ", by=by, at=NOW)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.version) == ("booked", 1)


def test_a_second_cancellation_is_refused_by_name(health_centre):
    """PL-27"""
    appointment = health_centre.book(health_centre.patient())
    act = {"appointment_id": appointment.pk, "cancelled_by": "provider", "reason": "Sjuk", "at": NOW}
    cancellation.cancel(**act, by=health_centre.nurse)
    assert refusal(cancellation.cancel, **act, by=health_centre.doctor).by == "Sara Norén"


def test_the_patient_of_a_cancelled_request_waits_again(clinic):
    """UT-07, BB-01"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    request = work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        commitment_id=commitment.pk,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=NOW.date(),
        wished_to=NOW.date() + 14 * DAY,
        by=clinic.nurse,
        at=NOW,
    )
    appointment = clinic.book(patient, booking_request_id=request.pk)
    request.refresh_from_db()
    assert request.status == "booked"
    cancellation.cancel(
        appointment_id=appointment.pk, cancelled_by="patient", reason="Rest bort", by=clinic.nurse, at=NOW
    )
    request.refresh_from_db()
    assert request.status == "open"


def test_a_cancelled_return_visit_leaves_no_commitment_without_a_plan(clinic):
    """UT-07"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    Referral.objects.update(status="used")
    appointment = clinic.book(patient)
    assert promises.broken(at=NOW).count() == 0
    cancellation.cancel(
        appointment_id=appointment.pk, cancelled_by="provider", reason="Läkaren sjuk", by=clinic.nurse, at=NOW
    )
    assert promises.broken(at=NOW).count() == 0
    waiting = BookingRequest.objects.waiting().get()
    assert (waiting.commitment, waiting.visit_type) == (commitment, clinic.nurse_visit)


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2026, 10, 25)])
def test_free_times_on_the_clock_change_days_are_real_times(health_centre, day):
    """BO-01: 23 and 25 hours; no time twice, none that no clock shows."""
    from scheduling import slots

    found = slots.free(
        care_unit=health_centre.unit,
        visit_type=health_centre.nurse_visit,
        from_day=day,
        to_day=day,
        at=datetime(2026, 10, 1, tzinfo=UTC),
        resource_ids=[health_centre.nurse_resource.pk],
    )
    starts = [slot.start for slot in found]
    assert len(starts) == len(set(starts)) == (45 if day.month == 3 else 49)
    assert all(later - earlier == HALF_HOUR for earlier, later in pairwise(starts))
