"""What is to come, at midnight and on the nights when the clock is changed (AV-02): elapsed time for what is after the
moment, the wall's clock for what is after the day of the death."""

from datetime import UTC, date, datetime, timedelta

import pytest

from sdv.common.time import at_local
from sdv.flows import deceased
from tests.clinic import Clinic

AUTUMN, SPRING = date(2026, 10, 25), date(2027, 3, 28)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.fixture
def centre(db):
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


@pytest.mark.parametrize(
    ("start", "died_on", "told_at", "status"),
    [
        # Told at 23:59: a visit at 23:59 has begun, one at 00:00 is to come.
        (utc(2026, 11, 20, 22, 59), date(2026, 11, 20), utc(2026, 11, 20, 22, 59), "booked"),
        (utc(2026, 11, 20, 23, 0), date(2026, 11, 20), utc(2026, 11, 20, 22, 59), "cancelled"),
        # Told later: the day of the death ends at midnight in Stockholm, not in UTC.
        (utc(2026, 11, 20, 22, 59), date(2026, 11, 20), utc(2026, 11, 23, 8, 0), "booked"),
        (utc(2026, 11, 20, 23, 0), date(2026, 11, 20), utc(2026, 11, 23, 8, 0), "cancelled"),
        # 02:30 comes twice in the autumn: told in the first, a visit in the second is to come.
        (utc(2026, 10, 25, 1, 30), AUTUMN, utc(2026, 10, 25, 0, 30), "cancelled"),
        (utc(2026, 10, 25, 0, 30), AUTUMN, utc(2026, 10, 25, 1, 30), "booked"),
        # A day of twenty-five hours, and one of twenty-three.
        (utc(2026, 10, 25, 22, 45), AUTUMN, utc(2026, 10, 28, 8, 0), "booked"),
        (utc(2026, 10, 25, 23, 0), AUTUMN, utc(2026, 10, 28, 8, 0), "cancelled"),
        (utc(2027, 3, 28, 21, 45), SPRING, utc(2027, 3, 30, 8, 0), "booked"),
        (utc(2027, 3, 28, 22, 0), SPRING, utc(2027, 3, 30, 8, 0), "cancelled"),
    ],
)
def test_what_is_to_come(centre, start, died_on, told_at, status):
    """AV-02"""
    centre.unit.allows_overbooking = True
    patient = centre.patient()
    visit = centre.book(patient, start, at=start - timedelta(days=20), end=start + timedelta(minutes=15), overbook=True)
    deceased.register(patient_id=patient.pk, deceased_on=died_on, reason="Intyg", by=centre.doctor, at=told_at)
    visit.refresh_from_db()
    assert visit.status == status


def test_the_midnights_are_those_of_stockholm():
    """AV-02: the cases above stand where the wall's clock says midnight."""
    assert at_local(AUTUMN + timedelta(days=1), datetime.min.time()).astimezone(UTC) == utc(2026, 10, 25, 23, 0)
    assert at_local(SPRING + timedelta(days=1), datetime.min.time()).astimezone(UTC) == utc(2027, 3, 28, 22, 0)
