"""Somebody with five hundred things to come: the cascade in one transaction under a second, in as many statements as for
somebody with few, and its undo exact, row for row in every table (AV-02, AV-03)."""

import time
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registration.actions import admissions, facts, orders, referrals
from registration.models import CareCommitment
from scheduling.actions import work_items
from scheduling.models import Appointment, Letter, ResourceBooking
from sdv.common.time import local_date
from sdv.flows import cancellation, deceased
from sdv.flows.models import CascadeChange
from tests.clinic import DAY, EVENING, HALF_HOUR, NOW, TODAY, Clinic
from tests.flows.everything import differences, every_row

BOOKINGS, REQUESTS, ORDERS, REFERRALS, LETTERS, MESSAGES, ADMISSIONS = 250, 80, 80, 50, 20, 18, 2
COMMITMENTS = 1


def every_half_hour():
    """From tomorrow on, but for the one that the tidbok has not: over midnight."""
    for number in count():
        start = NOW + DAY + number * HALF_HOUR
        if local_date(start + HALF_HOUR) == local_date(start):
            yield start


def fill(clinic, patient, *, bookings, requests, orders_, referrals_, letters, messages, stays):
    """A patient with so many of each. Every tenth booking is beside another at the same time, every twentieth has a note
    in the journal, so that it cannot be annulled (VH-12)."""
    by, here = {"by": clinic.doctor, "at": NOW}, {"patient_id": patient.pk, "care_unit": clinic.unit}
    clinic.commitment(patient)
    times = every_half_hour()
    for number in range(bookings + messages):
        fields = {}
        if number % 10 == 9:
            fields = {"overbook": True, "accept_warnings": ["PL-06"], "reason": "Två undersökningar"}
        else:
            start = next(times)
        visit = clinic.book(patient, start, **fields)
        if number >= bookings:
            cancellation.cancel(appointment_id=visit.pk, cancelled_by="provider", reason="Sjuk", **by)
        elif number % 20 == 0:
            facts.report_document(encounter_id=visit.encounter_id, kind="anteckning", external_id=f"J{number}", **by)
    for _ in range(requests):
        work_items.request_booking(
            **here,
            **by,
            commitment_id=clinic.in_care(patient).pk,
            visit_type=clinic.nurse_visit,
            contact_reason=clinic.reason,
            wished_from=TODAY,
            wished_to=TODAY + 30 * DAY,
        )
    for number in range(orders_):
        orders.place(**here, **by, what="Blodstatus", planned_on=TODAY + number * DAY)
    for _ in range(referrals_ - 1):
        referrals.register(**here, **by, kind="E", arrival_date=TODAY)
    Letter.objects.bulk_create(
        Letter(
            patient=patient, care_unit=clinic.unit, kind="appointment", recipient="A", sender="B", heading="C", body="D"
        )
        for _ in range(letters)
    )
    ward = Clinic(kind="slutenvard", area="Sp", name=f"Avdelning {patient.pk}").unit
    for number in range(stays):
        admissions.plan_admission(patient_id=patient.pk, care_unit=ward, expected_start=NOW + (number + 1) * DAY, **by)


@pytest.fixture
def clinic(db):
    clinic = Clinic()
    clinic.unit.allows_overbooking = True
    clinic.unit.save()
    return clinic


def died(clinic, patient):
    """How long the death took, in seconds and in statements."""
    with CaptureQueriesContext(connection) as asked:
        began = time.perf_counter()
        deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=EVENING)
        return time.perf_counter() - began, len(asked)


def undone(clinic, patient):
    with CaptureQueriesContext(connection) as asked:
        began = time.perf_counter()
        left = deceased.undo(patient_id=patient.pk, reason="Fel person", by=clinic.doctor, at=EVENING)
        assert left == []
        return time.perf_counter() - began, len(asked)


@pytest.mark.timeout(120)
def test_five_hundred_things_end_under_a_second_and_come_back_row_for_row(clinic):
    """AV-02, AV-03"""
    few, many = clinic.patient(), clinic.patient()
    start = {"bookings": 20, "requests": 2, "orders_": 2, "referrals_": 2, "letters": 1, "messages": 1, "stays": 1}
    elsewhere = Clinic(name="Kirurgmottagningen")
    elsewhere.unit.allows_overbooking = True
    elsewhere.unit.save()
    fill(elsewhere, few, **start)
    fill(
        clinic,
        many,
        bookings=BOOKINGS,
        requests=REQUESTS,
        orders_=ORDERS,
        referrals_=REFERRALS,
        letters=LETTERS,
        messages=MESSAGES,
        stays=ADMISSIONS,
    )
    # No statistics are kept of rows that are not committed: the planner would take the tables for empty (or as another
    # test left them), which a database in use never is.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    before = every_row()
    assert ResourceBooking.objects.filter(seat=2).count() > 0
    _, statements_for_few = died(clinic, few)
    _, restoring_few = undone(clinic, few)
    assert differences(before, every_row()) == {}
    times = []
    for _ in range(3):
        died_in, statements = died(clinic, many)
        changes = CascadeChange.objects.filter(cascade__patient=many, cascade__undone_at=None)
        assert changes.count() == 500 + COMMITMENTS
        assert Appointment.objects.living().filter(patient=many).count() == 0
        assert CareCommitment.objects.open().filter(patient=many).count() == 0
        kept = Appointment.objects.filter(patient=many, encounter__type__is_pre_registration=True)
        assert kept.count() == BOOKINGS // 20 + 1, "not annulled, with a note in the journal"
        restored_in, restoring = undone(clinic, many)
        assert differences(before, every_row()) == {}
        times.append((died_in, restored_in))
        assert (statements, restoring) <= (statements_for_few + 2, restoring_few + 2)
    fastest = [min(each) for each in zip(*times, strict=True)]
    assert max(fastest) < 1, f"death and undo took {fastest} seconds"
