"""A vårdåtagande as a line with its idle gaps (PL-11), closed and opened again (UT-03)."""

from datetime import date, timedelta

from django.urls import reverse

from scheduling import pathway
from scheduling.actions import check_out, commitments
from scheduling.pathway import Gap, Point, line_of
from sdv.common.time import local_date, now
from tests import factories as make
from tests.clinic import DAY, NOW, TODAY
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


def test_many_lines_cost_as_few_questions_as_one(clinic, django_assert_num_queries):
    """PL-11"""
    rows = [clinic.commitment(clinic.patient()) for _ in range(4)]
    with django_assert_num_queries(6):
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
