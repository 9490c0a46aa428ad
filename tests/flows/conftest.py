"""Somebody with one of everything, for the acts that end or move all of a patient."""

import pytest

from registration.actions import orders, referrals
from scheduling.actions import absences, appointments, check_out, faults, invitations, work_items
from sdv.flows import cancellation
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic


@pytest.fixture
def clinic(db):
    return Clinic()


@pytest.fixture
def patient(clinic):
    """Somebody with one of everything that waits: a past visit with an Avvakta, a no-show, a booking, requests, an
    undecided remiss, an accepted one, an order, and an unsent message."""
    patient = clinic.patient()
    clinic.commitment(patient)
    visit = clinic.arrived(patient, NOW - 2 * DAY).encounter
    finish = {"by": clinic.doctor, "at": NOW - DAY, "registered_at": NOW - DAY}
    check_out.check_out(
        encounter_id=visit.pk, outcome="await_result", reason=clinic.outcome_reason("await_result"), **finish
    )
    second = clinic.arrived(patient, NOW - DAY).encounter
    check_out.check_out(
        encounter_id=second.pk, outcome="no_further_planning", accept_warnings=["UT-05"], **finish | {"at": NOW - DAY}
    )
    missed = clinic.book(patient, NOW - HALF_HOUR, at=NOW - DAY)
    appointments.no_show(appointment_id=missed.pk, by=clinic.nurse, at=NOW)
    clinic.book(patient, NOW + 2 * DAY)
    waits = work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        commitment_id=clinic.in_care(patient).pk,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=TODAY,
        wished_to=TODAY + 30 * DAY,
        by=clinic.nurse,
        at=NOW,
    )
    invitations.invite(subject="booking_request", row_id=waits.pk, last_day=TODAY + 14 * DAY, by=clinic.nurse, at=NOW)
    gone = clinic.book(patient, NOW + 20 * DAY)
    cancellation.cancel(appointment_id=gone.pk, cancelled_by="provider", reason="Sjuk", by=clinic.nurse, at=NOW)
    moved = clinic.book(patient, NOW + 60 * DAY)
    absences.register(
        care_unit=clinic.unit,
        resource_id=clinic.nurse_resource.pk,
        kind="leave",
        start=moved.start,
        end=moved.end,
        by=clinic.nurse,
        at=NOW,
    )
    clinic.commitment(patient, clinic.other_problem)
    referrals.register(
        patient_id=patient.pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
    )
    orders.place(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        what="Blodstatus",
        planned_on=TODAY + 9 * DAY,
        by=clinic.doctor,
        at=NOW,
    )
    faults.check(at=NOW)
    return patient
