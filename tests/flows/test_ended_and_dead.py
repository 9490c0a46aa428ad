"""What a busy morning found (tests/races/test_a_busy_morning.py), told one by one: acts on what has been ended, and on
the dead, leave nothing to wait for (UT-03, VH-12, AV-02)."""

from datetime import timedelta

import pytest

from registration.actions import clock
from registration.models import Referral
from scheduling.actions import appointments, check_out, commitments, work_items
from scheduling.models import AwaitedResult, BookingRequest, MissingFollowUp, NoShowItem, ResourceBooking
from sdv.common.errors import RuleError
from sdv.flows import cancellation, deceased, invariants
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic


@pytest.fixture
def clinic(db):
    return Clinic()


@pytest.fixture
def health_centre(db):
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def broken(at=NOW):
    counts = {invariant.name: invariant.rows(at).count() for invariant in invariants.INVARIANTS}
    return {name: count for name, count in counts.items() if count}


def refusal(act, **fields):
    with pytest.raises(RuleError) as refused:
        act(**fields)
    return refused.value


def die(clinic, patient):
    return deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=NOW)


def checked_out(clinic, encounter, outcome, **fields):
    return check_out.check_out(
        encounter_id=encounter.pk, outcome=outcome, by=clinic.nurse, at=NOW, registered_at=NOW, **fields
    )


def test_an_annulled_no_show_is_nobody_s_work_and_the_patient_waits_again(clinic):
    """VH-12, PL-05, UT-07"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    Referral.objects.update(status="used")
    visit = clinic.book(patient, NOW)
    appointments.no_show(appointment_id=visit.pk, by=clinic.nurse, at=NOW)
    encounter = cancellation.annul(encounter_id=visit.encounter_id, reason="Fel patient", by=clinic.nurse, at=NOW)
    visit.refresh_from_db()
    assert (encounter.type_id, visit.status, visit.cancelled_by) == ("annullerad", "cancelled", "provider")
    assert NoShowItem.objects.open().count() == ResourceBooking.objects.count() == 0
    assert BookingRequest.objects.waiting().get().commitment == commitment
    assert broken() == {}


def test_a_commitment_is_not_ended_at_check_out_while_another_visit_under_it_goes_on(clinic):
    """UT-03: else what that visit leaves would hang on an ended vårdåtagande."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    first = clinic.arrived(patient)
    second = clinic.arrived(patient, NOW - HALF_HOUR)
    fields = {"reason": clinic.outcome_reason("end_commitment")}
    refused = refusal(checked_out, clinic=clinic, encounter=first.encounter, outcome="end_commitment", **fields)
    assert (refused.rule, refused.code) == ("UT-03", "ongoing")
    checked_out(clinic, second.encounter, "no_further_planning", accept_warnings=["UT-05"])
    checked_out(clinic, first.encounter, "end_commitment", **fields)
    commitment.refresh_from_db()
    assert (commitment.status, MissingFollowUp.objects.open().count()) == ("closed", 0)
    assert broken() == {}


def test_a_booking_left_behind_by_an_ended_commitment_is_cancelled_without_waiting_again(clinic):
    """UT-03: yesterday's booking was never handled when the vårdåtagande was ended today."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient, at=NOW - 3 * DAY)
    request = work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        commitment_id=commitment.pk,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=TODAY - DAY,
        wished_to=TODAY,
        by=clinic.nurse,
        at=NOW - 3 * DAY,
    )
    visit = clinic.book(patient, NOW - DAY, at=NOW - 2 * DAY, booking_request_id=request.pk)
    commitments.close_by_id(commitment_id=commitment.pk, reason="Färdigbehandlad", by=clinic.doctor, at=NOW)
    cancellation.cancel(
        appointment_id=visit.pk, cancelled_by="provider", reason="Blev inte av", by=clinic.nurse, at=NOW
    )
    assert BookingRequest.objects.waiting().count() == 0
    assert broken() == {}


def test_a_no_show_under_an_ended_commitment_is_work_of_its_own(clinic):
    """PL-05, UT-03"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient, at=NOW - 3 * DAY)
    visit = clinic.book(patient, NOW - DAY, at=NOW - 2 * DAY)
    commitments.close_by_id(commitment_id=commitment.pk, reason="Färdigbehandlad", by=clinic.doctor, at=NOW)
    appointments.no_show(appointment_id=visit.pk, by=clinic.nurse, at=NOW)
    clock.auto_discharge(at=NOW)
    assert NoShowItem.objects.open().get().commitment is None
    assert broken() == {}


def test_nobody_waits_for_the_dead(health_centre):
    """AV-02, PL-22: this morning's booking is no future one, so the cascade leaves it to people; what they do with it
    puts the patient in no list."""
    by = health_centre.nurse
    for settle in (
        lambda visit: cancellation.cancel(
            appointment_id=visit.pk, cancelled_by="provider", reason="Avliden", by=by, at=NOW
        ),
        lambda visit: appointments.no_show(appointment_id=visit.pk, by=by, at=NOW),
    ):
        patient = health_centre.patient()
        visit = health_centre.book(patient, NOW - HALF_HOUR, at=NOW - DAY)
        die(health_centre, patient)
        settle(visit)
    assert BookingRequest.objects.waiting().count() == NoShowItem.objects.open().count() == 0
    assert broken() == {}


def test_nothing_is_planned_for_the_dead_at_check_out_but_the_commitment_is_ended(clinic):
    """AV-02, UT-03: the visit that went on is checked out by hand."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    visit = clinic.arrived(patient)
    die(clinic, patient)
    assert broken() == {}
    follow_up = {
        "visit_type": clinic.nurse_visit,
        "contact_reason": clinic.reason,
        "wished_from": TODAY,
        "wished_to": TODAY + 14 * DAY,
    }
    for outcome, fields in (
        ("follow_up", {"follow_ups": [follow_up]}),
        ("await_result", {"reason": clinic.outcome_reason("await_result")}),
        ("no_further_planning", {"accept_warnings": ["UT-05"]}),
    ):
        refused = refusal(checked_out, clinic=clinic, encounter=visit.encounter, outcome=outcome, **fields)
        assert (refused.rule, refused.code) == ("AV-02", "deceased")
    assert BookingRequest.objects.count() == AwaitedResult.objects.count() == MissingFollowUp.objects.count() == 0
    checked_out(clinic, visit.encounter, "end_commitment", reason=clinic.outcome_reason("end_commitment"))
    commitment.refresh_from_db()
    assert commitment.status == "closed"
    assert broken() == {}


def test_without_a_commitment_the_visit_of_the_dead_is_checked_out_and_watched_by_nobody(health_centre):
    """AV-02, UT-05"""
    patient = health_centre.patient()
    visit = health_centre.arrived(patient)
    die(health_centre, patient)
    checked_out(health_centre, visit.encounter, "no_further_planning")
    assert MissingFollowUp.objects.count() == 0


def test_an_early_arrival_of_the_dead_does_not_become_a_future_booking_again(health_centre):
    """AV-02, PL-13: what had already happened is left as it is."""
    patient = health_centre.patient()
    visit = health_centre.book(patient, NOW + 2 * HALF_HOUR)
    appointments.arrive(appointment_id=visit.pk, by=health_centre.nurse, at=NOW)
    die(health_centre, patient)
    fields = {"appointment_id": visit.pk, "by": health_centre.nurse}
    assert refusal(appointments.undo, **fields, at=NOW).rule == "AV-02"
    undone = appointments.undo(**fields, at=NOW + 2 * HALF_HOUR + timedelta(minutes=1))
    assert undone.status == "booked"


def test_what_a_check_out_ended_stays_ended_for_the_dead(clinic):
    """AV-02, PL-13"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    visit = clinic.arrived(patient)
    checked_out(clinic, visit.encounter, "end_commitment", reason=clinic.outcome_reason("end_commitment"))
    die(clinic, patient)
    assert refusal(check_out.undo, encounter_id=visit.encounter_id, by=clinic.nurse, at=NOW).rule == "AV-02"
    commitment.refresh_from_db()
    assert commitment.status == "closed"


def test_what_comes_back_with_the_living_is_not_put_under_a_commitment_ended_meanwhile(clinic):
    """AV-03, UT-03"""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        commitment_id=commitment.pk,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=TODAY,
        wished_to=TODAY + 14 * DAY,
        by=clinic.nurse,
        at=NOW,
    )
    visit = clinic.arrived(patient)
    die(clinic, patient)
    commitment.refresh_from_db()
    assert commitment.status == "open"
    checked_out(clinic, visit.encounter, "end_commitment", reason=clinic.outcome_reason("end_commitment"))
    left = deceased.undo(patient_id=patient.pk, reason="Fel person", by=clinic.doctor, at=NOW)
    assert [each.sentence for each in left] == [
        "Bokningsbegäran hör till ett avslutat vårdåtagande och lämnas som den är."
    ]
    assert BookingRequest.objects.waiting().count() == 0
    assert broken() == {}
