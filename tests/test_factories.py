"""The factories make what they say, so that tests built on them can be believed."""

from datetime import datetime

import pytest

from scheduling import promises
from sdv.common.time import STOCKHOLM

from . import factories

pytestmark = pytest.mark.django_db

MONDAY_NINE = datetime(2026, 11, 23, 9, 0, tzinfo=STOCKHOLM)


def test_a_booked_visit_has_a_pre_registration():
    """VH-05: an hour ahead, hence visible."""
    appointment = factories.booked_visit(at=MONDAY_NINE)
    assert appointment.status == "booked"
    assert appointment.encounter.type_id == "forhandsregistrerad-oppenvardskontakt"
    assert appointment.start.astimezone(STOCKHOLM).hour == 10


def test_a_visit_late_in_the_evening_stays_on_its_day():
    appointment = factories.booked_visit(at=MONDAY_NINE.replace(hour=23, minute=40))
    assert appointment.end.astimezone(STOCKHOLM).strftime("%F %H:%M") == "2026-11-23 23:59"


def test_an_arrived_visit_is_in_progress():
    """VH-07."""
    encounter = factories.arrived_visit(at=MONDAY_NINE).encounter
    assert (encounter.status, encounter.type_id) == ("in_progress", "primarvard")


@pytest.mark.parametrize("outcome", ["end_commitment", "await_result", "no_further_planning", "follow_up"])
def test_a_visit_can_be_checked_out_with_each_outcome(outcome):
    """UT-02, UT-07."""
    appointment = factories.checked_out_visit(at=MONDAY_NINE, outcome=outcome)
    assert appointment.encounter.status == "checked_out"
    assert not promises.broken(at=MONDAY_NINE).exists()


@pytest.mark.parametrize("unit", [factories.HealthCentreFactory, factories.SpecialisedClinicFactory])
def test_an_ended_visit_ended_at_the_end_of_its_day(unit):
    """VH-17."""
    encounter = factories.ended_visit(at=MONDAY_NINE, care_unit=unit())
    assert encounter.status == "ended"
    assert encounter.end.astimezone(STOCKHOLM).strftime("%F %H:%M") == "2026-11-23 23:59"


def test_no_shows_cancellations_drop_ins_and_requests():
    """VH-11, BO-03, VH-03, BB-01."""
    assert factories.no_show(at=MONDAY_NINE).status == "no_show"
    assert factories.cancelled_visit(at=MONDAY_NINE).status == "cancelled"
    assert factories.unbooked_visit(at=MONDAY_NINE).type_id == "primarvard"
    assert factories.booking_request(at=MONDAY_NINE).status == "open"
    assert factories.accepted_referral(at=MONDAY_NINE).status == "accepted"


def test_without_times_they_happen_now():
    clinic = factories.SpecialisedClinicFactory()
    user = factories.clinician(clinic)
    assert factories.actor_of(user).care_unit == clinic
    assert factories.checked_out_visit(care_unit=clinic, by=user).encounter.status == "checked_out"
    assert factories.protected_patient().is_protected
