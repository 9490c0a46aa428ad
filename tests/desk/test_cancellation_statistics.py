"""Who cancels, per unit and period: the page, the workbook and REST have the same numbers (PL-09, VH-11)."""

import io
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from scheduling import cancellations
from scheduling.actions import appointments
from scheduling.models import Appointment
from sdv.accounts.permissions import Role
from sdv.common.time import local_date
from sdv.flows import cancellation
from tests.api.conftest import Caller
from tests.clinic import DAY, HALF_HOUR, Clinic

from .signed_in import signed_in

MINUTE = timedelta(minutes=1)
# The clock goes back in the night before: twenty-four hours earlier it is 10:00 in Stockholm, not 09:00.
MORNING = datetime(2026, 10, 25, 8, 0, tzinfo=UTC)
SUNDAY = local_date(MORNING)


def booked(clinic, place, **fields):
    return clinic.book(clinic.patient(), MORNING + place * HALF_HOUR, at=MORNING - 30 * DAY, **fields)


def cancelled(clinic, visit, by, left):
    cancellation.cancel(
        appointment_id=visit.pk, cancelled_by=by, reason="Förhinder", by=clinic.nurse, at=visit.start - left
    )


def moved(clinic, visit, start, by):
    appointments.reschedule(
        appointment_id=visit.pk,
        start=start,
        end=start + HALF_HOUR,
        changed_by=by,
        by=clinic.nurse,
        at=visit.start - DAY,
    )


def filled(clinic):
    """A Sunday: by the patient three in time and one late, by the provider two and one, one that nobody heard of, one
    that came, one still booked, moved into the day by the patient and out of it and back by the provider."""
    for place, left in enumerate((24 * 60, 24 * 60 + 1, 9 * 24 * 60, 24 * 60 - 1)):
        cancelled(clinic, booked(clinic, place), "patient", left * MINUTE)
    for place, left in ((4, 25 * 60), (5, 24 * 60), (6, 0)):
        cancelled(clinic, booked(clinic, place), "provider", left * MINUTE)
    missed, came, waits = (booked(clinic, place) for place in (7, 8, 9))
    appointments.arrive(appointment_id=came.pk, by=clinic.nurse, at=came.start)
    appointments.no_show(appointment_id=missed.pk, by=clinic.nurse, at=missed.end + MINUTE)
    moved(clinic, booked(clinic, -48), MORNING + 10 * HALF_HOUR, "patient")
    moved(clinic, waits, waits.start + 2 * DAY, "provider")
    moved(clinic, waits, waits.start, "")
    # In the last hour before the day and the first half hour after it, and what was moved out of it.
    cancelled(clinic, booked(clinic, -22), "patient", DAY)
    cancelled(clinic, booked(clinic, 30), "provider", DAY)
    moved(clinic, booked(clinic, 11), MORNING + 5 * DAY, "patient")


def test_who_cancelled_how_late_and_what_share_is_the_same_on_the_page_in_the_workbook_and_by_rest(db):
    """PL-09: shares per unit and period; late is by VH-11's twenty-four hours, also over the change of the clock."""
    clinic, other = (Clinic("vardcentral", "Pv", name) for name in ("Vårdcentralen Norr", "Vårdcentralen Söder"))
    filled(clinic)
    other._patients = clinic._patients
    cancelled(other, booked(other, 0), "provider", DAY)
    here, there = cancellations.of_units([clinic.unit, other.unit], first=SUNDAY, last=SUNDAY)
    numbers = {
        "booked": 11,
        "cancelled": 7,
        "by_patient": 4,
        "patient_early": 3,
        "patient_late": 1,
        "by_provider": 3,
        "provider_early": 2,
        "provider_late": 1,
        "missed": 1,
        "moved_by_patient": 1,
        "moved_by_provider": 1,
        "moved_by_unknown": 1,
        "cancelled_share": 64,
        "patient_share": 57,
        "provider_share": 43,
    }
    assert {name: getattr(here, name) for name in numbers} == numbers
    assert (there.booked, there.cancelled, there.patient_share, there.provider_share) == (1, 1, 0, 100)
    # The late of the patient are those that VH-11 made no-shows.
    late = Appointment.objects.filter(care_unit=clinic.unit, status="no_show", cancelled_by="patient")
    assert late.count() == here.patient_late
    with CaptureQueriesContext(connection) as made:
        (nothing,) = cancellations.of_units([other.unit], first=SUNDAY + DAY, last=SUNDAY + DAY)
    assert len(made) == 2
    assert (nothing.booked, nothing.cancelled_share, nothing.patient_share) == (0, None, None)

    period = {"fran": SUNDAY.isoformat(), "till": SUNDAY.isoformat()}
    client = signed_in(clinic.staff(Role.COORDINATOR))
    page = client.get(reverse("cancellations"), period)
    (section,) = page.context["sections"]
    row = (clinic.unit.name, 11, 7, 4, 3, 1, 3, 2, 1, 1, 1, 1, 1, "64 %", "57 %", "43 %")
    assert section.rows == (row,)
    text = page.content.decode()
    assert "Patienten, sent" in section.svg and "Så räknas det" in text and "(VH-11)" in text
    answer = client.get(reverse("cancellations-workbook"), period)
    book = load_workbook(io.BytesIO(answer.content))
    head, line = book["Avbokningar"].iter_rows(values_only=True)
    assert len(head) == len(line) and line == (*row[:13], 64, 57, 43)
    assert [cell.value for cell in book["Så räknas det"][2]] == ["Period", "2026-10-25 – 2026-10-25"]
    assert client.get(reverse("cancellations"), period | {"till": "2026-10-24"}).status_code == 422

    caller = Caller(clinic.staff(Role.MANAGER, "chef", "Chefen"))
    told = caller.get("statistics/cancellations/?from=2026-10-25&to=2026-10-25").json()
    assert (told["from"], told["to"]) == ("2026-10-25", "2026-10-25")
    assert told["units"] == [{"care_unit": str(clinic.unit.pk), "name": clinic.unit.name} | numbers]
    assert caller.get("statistics/cancellations/?from=2026-10-25&to=2026-10-24").status_code == 400
