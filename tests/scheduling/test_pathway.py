"""A vårdåtagande as a line with its idle gaps (PL-11), closed and opened again (UT-03)."""

from datetime import date, timedelta

from django.urls import reverse

from scheduling import pathway
from scheduling.actions import appointments, check_out, commitments, offers, work_items
from scheduling.models import BookingRequest, MissingFollowUp
from scheduling.pathway import Gap, Point, line_of
from sdv.common.time import local_date, now
from sdv.flows import cancellation
from tests import factories as make
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY
from tests.desk.signed_in import signed_in

FIRST = date(2026, 1, 1)


def on(days, **fields):
    return Point(FIRST + timedelta(days=days), "x", **fields)


def test_more_than_thirty_days_without_anything_is_a_gap():
    """PL-11: on the thirtieth day not yet."""
    assert line_of([on(30), on(0)], today=FIRST + timedelta(days=60), is_open=True) == [on(0), on(30)]
    assert line_of([on(0), on(31)], today=FIRST + timedelta(days=31), is_open=True) == [
        on(0), Gap(FIRST, FIRST + timedelta(days=31)), on(31),
    ]  # fmt: skip


def test_what_goes_on_is_idle_until_today_and_what_has_ended_is_not():
    """PL-11"""
    today = FIRST + timedelta(days=50)
    assert line_of([on(0)], today=today, is_open=True) == [on(0), Gap(FIRST, today)]
    assert line_of([on(0)], today=today, is_open=False) == [on(0)]
    assert line_of([], today=today, is_open=True) == []


def test_the_wait_for_what_is_planned_is_a_gap():
    """PL-11"""
    ahead = on(90, is_ahead=True)
    assert line_of([on(0), ahead], today=FIRST + timedelta(days=10), is_open=True)[1].days == 90


def test_the_line_tells_the_whole_way(clinic):
    """PL-11, UT-03: the remiss, a visit after a gap, closed with its reason, opened again with why."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient, at=NOW - 60 * DAY)
    visit = clinic.arrived(patient, NOW - 10 * DAY).encounter
    check_out.check_out(
        encounter_id=visit.pk,
        outcome="end_commitment",
        reason=clinic.outcome_reason("end_commitment"),
        by=clinic.doctor,
        at=NOW - 10 * DAY,
        registered_at=NOW - 10 * DAY,
    )
    commitments.reopen(commitment_id=commitment.pk, reason="Nya besvär", by=clinic.doctor, at=NOW)
    booked = clinic.book(patient, NOW + 40 * DAY)
    commitment.refresh_from_db()
    line = pathway.lines([commitment], at=NOW)[commitment.pk]
    told = [f"{each.days} dagar" if isinstance(each, Gap) else each.what for each in line]
    assert told[:4] == ["Remiss kom", "Öppnat", "50 dagar", clinic.nurse_visit.name]
    assert told[4].startswith("Avslutat: ")
    assert told[5:] == [
        "Redan i enhetens vård kom",
        "Öppnat igen: Nya besvär",
        "40 dagar",
        f"Bokad: {clinic.nurse_visit.name}",
    ]
    assert line[-1] == Point(local_date(booked.start), f"Bokad: {clinic.nurse_visit.name}", True)
    assert line[0].day == TODAY - 60 * DAY


def test_moves_no_shows_offers_and_what_lacks_a_return_visit_stand_on_the_line(clinic):
    """PL-11, PL-09: each on its day, so that what was done is no idle gap; what was withdrawn with a check-out is none."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient, at=NOW - 60 * DAY)
    request = work_items.request_booking(
        patient_id=patient.pk, care_unit=clinic.unit, visit_type=clinic.nurse_visit, contact_reason=clinic.reason,
        commitment_id=commitment.pk, wished_from=TODAY - 60 * DAY, wished_to=TODAY, by=clinic.nurse, at=NOW - 60 * DAY,
    )  # fmt: skip
    own = {"subject": "booking_request", "row_id": request.pk, "resource_id": clinic.nurse_resource.pk}
    offer = offers.make(**own, start=NOW - 30 * DAY, by=clinic.nurse, at=NOW - 40 * DAY)
    offers.decline(offer_id=offer.pk, by=clinic.nurse, at=NOW - 40 * DAY)
    booking = clinic.book(patient, NOW - 20 * DAY, at=NOW - 39 * DAY, booking_request_id=request.pk)
    appointments.reschedule(
        appointment_id=booking.pk,
        start=NOW,
        end=NOW + HALF_HOUR,
        changed_by="patient",
        by=clinic.nurse,
        at=NOW - 25 * DAY,
    )
    appointments.no_show(appointment_id=booking.pk, by=clinic.nurse, at=NOW + HALF_HOUR)
    other = clinic.book(patient, NOW + 5 * DAY, at=NOW + HALF_HOUR)
    cancellation.cancel(
        appointment_id=other.pk, cancelled_by="provider", reason="Sjukdom", by=clinic.nurse, at=NOW + HALF_HOUR
    )
    BookingRequest.objects.update(status="closed", closed_at=NOW, close_reason="Prov")
    visit = clinic.arrived(patient, NOW + HALF_HOUR).encounter
    act = {"outcome": "no_further_planning", "accept_warnings": ["UT-05"], "by": clinic.doctor}
    for minutes in (1, 2):
        at = NOW + HALF_HOUR + minutes * HALF_HOUR
        check_out.check_out(encounter_id=visit.pk, **act, at=at, registered_at=at)
        if minutes == 1:
            check_out.undo(encounter_id=visit.pk, by=clinic.doctor, at=at)
    MissingFollowUp.objects.update(created_at=NOW)  # The database's clock is another than the test's.
    line = pathway.lines([commitment], at=NOW + 3 * HALF_HOUR)[commitment.pk]
    assert not any(isinstance(each, Gap) for each in line)
    before = [((TODAY - each.day).days, each.what) for each in line if each.day < TODAY]
    assert before == [
        (60, "Remiss kom"),
        (60, "Öppnat"),
        (40, f"Erbjuden {TODAY - 30 * DAY}, tackat nej"),
        (25, f"Ombokad från {TODAY - 20 * DAY} till {TODAY}, på patientens initiativ"),
    ]
    assert {each.what for each in line if each.day == TODAY} == {
        f"Utebliven: {clinic.nurse_visit.name}",
        f"Avbokad {TODAY + 5 * DAY}, av vårdgivaren",
        clinic.nurse_visit.name,
        "Saknar återbesök, väntar på beslut",
    }


def test_many_lines_cost_as_few_questions_as_one(clinic, django_assert_num_queries):
    """PL-11"""
    rows = [clinic.commitment(clinic.patient()) for _ in range(4)]
    for row in rows:
        booking = clinic.book(row.patient, NOW + rows.index(row) * DAY + 3 * DAY)
        appointments.reschedule(
            appointment_id=booking.pk, start=NOW + 9 * DAY, end=NOW + 9 * DAY + HALF_HOUR, by=clinic.nurse, at=NOW
        )
        cancellation.cancel(
            appointment_id=booking.pk, cancelled_by="patient", reason="Förhinder", by=clinic.nurse, at=NOW
        )
    with django_assert_num_queries(9):
        pathway.lines(rows, at=NOW)


def test_the_patients_page_shows_the_line_with_its_gaps(db):
    """PL-11: as a list that is read, with a picture beside."""
    clinic = make.SpecialisedClinicFactory()
    patient = make.patient()
    commitment = make.open_commitment(patient=patient, care_unit=clinic)
    commitment.referrals.update(arrival_date=local_date(now()) - 45 * DAY, review_date=None)
    page = signed_in(make.clinician(clinic)).get(reverse("patient-commitments", args=[patient.pk])).content.decode()
    assert "45 dagar utan händelse" in page
    assert f'aria-label="Förlopp, {commitment.problem_code.name}"' in page
