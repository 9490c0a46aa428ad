"""The deceased cascade and its exact undo (AV-01…03, PL-22)."""

import pytest
from django.forms.models import model_to_dict

from registration.actions import referrals
from registration.models import CareCommitment, Encounter, Order, Patient, Referral
from scheduling.actions import appointments
from scheduling.models import (
    Appointment,
    AwaitedResult,
    BookingRequest,
    MissingFollowUp,
    NoShowItem,
    ResourceBooking,
)
from sdv.common.errors import RuleError, StaleVersion
from sdv.flows import deceased
from sdv.flows.models import CascadeChange, DeceasedCascade
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, EVENING, NOW, TODAY


def die(clinic, patient, **fields):
    fields = {"deceased_on": TODAY, "reason": "Dödsbevis", "by": clinic.doctor, "at": EVENING} | fields
    return deceased.register(patient_id=patient.pk, **fields)


def sentences(left):
    return [each.sentence for each in left]


def state(patient):
    """Every row of the patient that the cascade may touch, but for versions, which only rise."""
    found = {}
    models = [
        Appointment,
        BookingRequest,
        AwaitedResult,
        MissingFollowUp,
        NoShowItem,
        Referral,
        CareCommitment,
        Encounter,
        Order,
    ]
    for model in models:
        for row in model.objects.filter(patient=patient):
            values = model_to_dict(row, exclude=["version", "resources", "add_ons"])
            found[model.__name__, row.pk] = values | {"type": getattr(row, "type_id", None)}
    for row in ResourceBooking.objects.filter(appointment__patient=patient):
        found["ResourceBooking", row.appointment_id] = (row.resource_id, row.seat, row.period.lower, row.state)
    for row in OutboxMessage.objects.filter(patient_id=patient.pk):
        found["OutboxMessage", row.pk] = row.stopped_at
    return found


def test_everything_that_waits_ends_and_nothing_becomes_a_no_show(clinic, patient):
    """AV-02"""
    no_shows = Encounter.objects.filter(type="utebliven-bokad-kontakt").count()
    die(clinic, patient)
    assert Appointment.objects.living().count() == 0
    booked = Appointment.objects.get(start=NOW + 2 * DAY)
    assert (booked.status, booked.cancelled_by, booked.cancel_reason) == ("cancelled", "provider", "avliden")
    assert booked.encounter.type_id == "annullerad"
    assert ResourceBooking.objects.filter(appointment=booked).count() == 0
    assert Encounter.objects.filter(type="utebliven-bokad-kontakt").count() == no_shows
    assert BookingRequest.objects.waiting().count() == 0
    assert AwaitedResult.objects.open().count() == 0
    assert MissingFollowUp.objects.open().count() == 0
    assert NoShowItem.objects.open().count() == 0
    assert set(Order.objects.values_list("status", "cancel_reason")) == {("cancelled", "avliden")}
    assert Referral.objects.undecided().count() == Referral.objects.to_book().count() == 0
    assert set(CareCommitment.objects.values_list("status", "close_reason")) == {("closed", "avliden")}
    assert OutboxMessage.objects.filter(topic="appointment-cancelled", stopped_at=None).count() == 0


def test_undo_restores_exactly_what_was(clinic, patient):
    """AV-03: row for row."""
    before = state(patient)
    die(clinic, patient)
    assert state(patient) != before
    left = deceased.undo(patient_id=patient.pk, reason="Fel person", by=clinic.doctor, at=EVENING)
    assert left == []
    assert state(patient) == before
    patient.refresh_from_db()
    assert (patient.deceased_on, patient.deceased_registered_at) == (None, None)
    assert list(patient.history.values_list("event", flat=True)) == ["registered", "deceased", "deceased_undone"]


def test_undo_restores_what_was_overbooked_and_what_somebody_is_overbooked_beside(clinic, patient):
    """AV-03, PL-06: the booking of one who died, with another's beside it and beside another's."""
    clinic.unit.allows_overbooking = True
    clinic.unit.save()
    other = clinic.patient()
    clinic.commitment(other)
    clinic.book(other, NOW + 2 * DAY, overbook=True, reason="Akut")
    clinic.book(other, NOW + 4 * DAY)
    commitment = Appointment.objects.get(patient=patient, start=NOW + 2 * DAY).encounter.commitment
    clinic.book(patient, NOW + 4 * DAY, overbook=True, reason="Akut", commitment_id=commitment.pk)
    before = state(patient)
    die(clinic, patient)
    assert deceased.undo(patient_id=patient.pk, reason="Fel person", by=clinic.doctor, at=EVENING) == []
    assert state(patient) == before


def test_a_time_taken_meanwhile_is_listed_with_what_to_do(clinic, patient):
    """AV-03"""
    die(clinic, patient)
    other = clinic.patient()
    clinic.commitment(other)
    clinic.book(other, NOW + 2 * DAY, at=EVENING)
    left = deceased.undo(patient_id=patient.pk, reason="Fel person", by=clinic.doctor, at=EVENING)
    assert sentences(left) == ["Tiden 2026-11-22 kl. 09.00 är tagen av någon annan. Boka en ny tid."]
    assert Appointment.objects.get(patient=patient, start=NOW + 2 * DAY).status == "cancelled"


def test_what_somebody_changed_after_the_cascade_is_left_as_it_is(clinic, patient):
    """AV-03"""
    die(clinic, patient)
    Referral.objects.filter(kind="E").update(decision_reason="rättad")
    left = deceased.undo(patient_id=patient.pk, reason="Fel person", by=clinic.doctor, at=EVENING)
    assert sentences(left) == ["Remissen har ändrats efter kaskaden och lämnas som den är."]


def test_an_ongoing_contact_is_left_and_listed_and_keeps_its_commitment(clinic):
    """AV-02"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    visit = clinic.arrived(patient).encounter
    cascade = die(clinic, patient)
    commitment.refresh_from_db()
    visit.refresh_from_db()
    assert (visit.status, commitment.status) == ("in_progress", "open")
    assert deceased.left_to_do(cascade) == [visit]


def test_a_no_show_dated_after_the_death_is_listed_for_correction(clinic):
    """AV-02"""
    patient = clinic.patient()
    clinic.commitment(patient)
    missed = clinic.book(patient, NOW, at=NOW - DAY)
    appointments.no_show(appointment_id=missed.pk, by=clinic.nurse, at=NOW)
    cascade = die(clinic, patient, deceased_on=TODAY - DAY)
    assert [row.pk for row in deceased.left_to_do(cascade)] == [missed.encounter_id]


@pytest.mark.parametrize(
    ("fields", "rule", "code"),
    [
        ({"reason": " "}, "AV-01", "reason_missing"),
        ({"deceased_on": TODAY + DAY}, "AV-01", "date_in_future"),
        ({"deceased_on": TODAY - 60000 * DAY}, "AV-01", "date_before_birth"),
    ],
)
def test_a_death_is_registered_with_how_it_is_known_and_a_possible_date(clinic, patient, fields, rule, code):
    """AV-01"""
    before = state(patient)
    with pytest.raises(RuleError) as refused:
        die(clinic, patient, **fields)
    assert (refused.value.rule, refused.value.code) == (rule, code)
    assert (state(patient), DeceasedCascade.objects.count(), CascadeChange.objects.count()) == (before, 0, 0)


def test_twice_is_refused_and_nothing_is_booked_for_the_dead(clinic, patient):
    """AV-01, AV-02"""
    die(clinic, patient)
    with pytest.raises(RuleError, match="AV-01"):
        die(clinic, patient)
    for act in (
        lambda: clinic.book(patient, NOW + 3 * DAY),
        lambda: clinic.commitment(patient),
        lambda: referrals.register(
            patient_id=patient.pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
        ),
    ):
        with pytest.raises(RuleError) as refused:
            act()
        assert refused.value.rule == "AV-02"


def test_told_by_a_register_the_job_runs_the_cascade_once(clinic, patient):
    """AV-02: the mark first, then the cascade by the job, which finds what is pending after any crash."""
    deceased.mark(patient_id=patient.pk, deceased_on=TODAY, by=None, at=EVENING, source="pu")
    assert Appointment.objects.living().count() == 2
    assert deceased.run_pending(at=EVENING, dry_run=True) == 1
    assert Appointment.objects.living().count() == 2
    assert deceased.run_pending(at=EVENING) == 1
    assert deceased.run_pending(at=EVENING) == 0
    assert Appointment.objects.living().count() == 0


def test_a_failed_cascade_leaves_nothing_behind(clinic, patient, monkeypatch):
    """AV-02: mark and cascade in one transaction."""
    before = state(patient)

    def broken(*arguments, **fields):
        raise RuntimeError("disk full")

    monkeypatch.setattr(deceased.CONSUMERS[-1], "end", broken)
    with pytest.raises(RuntimeError):
        die(clinic, patient)
    patient.refresh_from_db()
    assert (state(patient), patient.deceased_on) == (before, None)


def test_an_undo_needs_a_reason_and_a_death(clinic, patient):
    """AV-03"""
    with pytest.raises(RuleError) as refused:
        deceased.undo(patient_id=patient.pk, reason="Fel", by=clinic.doctor, at=EVENING)
    assert refused.value.code == "not_deceased"
    die(clinic, patient)
    with pytest.raises(RuleError) as refused:
        deceased.undo(patient_id=patient.pk, reason="", by=clinic.doctor, at=EVENING)
    assert refused.value.code == "reason_missing"


def test_a_stale_reader_does_not_register_a_death(clinic, patient):
    """PL-27"""
    with pytest.raises(StaleVersion):
        die(clinic, patient, version=patient.version + 5)
    assert Patient.objects.get(pk=patient.pk).deceased_on is None
