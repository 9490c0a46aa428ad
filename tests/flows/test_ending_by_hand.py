"""Utskrivning by hand: what is ended keeps no booking, no time and no patient unplanned (VH-16, VH-20, VH-22, UT-07)."""

from datetime import datetime, timedelta

import pytest

from registration.models import EncounterHistory
from scheduling import promises
from scheduling.models import AppointmentHistory, BookingRequest, ResourceBooking
from sdv.common.errors import RuleError, StaleVersion
from sdv.common.time import STOCKHOLM
from sdv.flows import cancellation, invariants
from sdv.outbox.models import OutboxMessage
from tests import factories

pytestmark = pytest.mark.django_db

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=STOCKHOLM)
LATER = NINE + timedelta(days=2)


def broken(at):
    return {invariant.name for invariant in invariants.INVARIANTS if invariant.rows(at).exists()}


def test_an_unused_pre_registration_takes_its_booking_with_it():
    """VH-22, BO-03: the time is free again, and the booking says who ended it and why."""
    by = factories.UserFactory()
    visit = factories.booked_visit(at=NINE)
    ended = cancellation.end_by_hand(encounter_id=visit.encounter_id, by=by, at=LATER)
    visit.refresh_from_db()
    assert (ended.status, ended.end) == ("ended", LATER)
    assert (visit.status, visit.cancelled_by, visit.cancelled_at) == ("cancelled", "provider", LATER)
    assert visit.cancel_reason == "Vårdhändelsen avslutad för hand"
    assert not ResourceBooking.objects.filter(appointment=visit).exists()
    assert AppointmentHistory.objects.filter(appointment=visit, event="cancelled", by=by).count() == 1
    assert broken(LATER) == set()


def test_nobody_is_told_of_a_time_that_has_passed():
    visit = factories.booked_visit(at=NINE)
    cancellation.end_by_hand(encounter_id=visit.encounter_id, by=factories.UserFactory(), at=LATER)
    assert not OutboxMessage.objects.exists()


def test_the_patient_is_told_that_a_coming_time_is_gone():
    visit = factories.booked_visit(at=NINE, start=LATER)
    cancellation.end_by_hand(encounter_id=visit.encounter_id, by=factories.UserFactory(), at=NINE)
    assert OutboxMessage.objects.get().topic == "appointment-cancelled"


def test_under_a_commitment_the_patient_waits_again():
    """UT-07."""
    clinic = factories.SpecialisedClinicFactory()
    first = factories.checked_out_visit(at=NINE, care_unit=clinic)
    request = BookingRequest.objects.get()
    visit = factories.booked_visit(
        at=NINE, care_unit=clinic, patient=first.patient, start=LATER, booking_request_id=request.pk
    )
    cancellation.end_by_hand(encounter_id=visit.encounter_id, by=factories.UserFactory(), at=NINE)
    request.refresh_from_db()
    assert request.status == "open"
    assert not promises.broken(at=NINE).exists()


def test_what_has_no_booking_is_only_ended():
    """VH-16."""
    visit = factories.unbooked_visit(care_unit=factories.EmergencyDepartmentFactory(), situation="ankomst", at=NINE)
    ended = cancellation.end_by_hand(encounter_id=visit.pk, by=factories.UserFactory(), at=LATER)
    assert (ended.status, ended.cancelled_at) == ("ended", None)


def test_a_refused_end_leaves_the_booking():
    """VH-24, PL-27: nothing is half done."""
    visit = factories.booked_visit(at=NINE)
    by = factories.UserFactory()
    with pytest.raises(StaleVersion):
        cancellation.end_by_hand(encounter_id=visit.encounter_id, by=by, at=LATER, version=99)
    cancellation.end_by_hand(encounter_id=visit.encounter_id, by=by, at=LATER)
    with pytest.raises(RuleError):
        cancellation.end_by_hand(encounter_id=visit.encounter_id, by=by, at=LATER)
    assert EncounterHistory.objects.filter(encounter=visit.encounter, move="discharge").count() == 1
