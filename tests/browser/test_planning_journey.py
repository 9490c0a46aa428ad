"""Kontaktförsök, Ombokningar, Frigjorda tider, Tidböcker and Stäng dagen in the browser, with keys only and nothing for axe
to find (PL-01, PL-02, PL-04, PL-10; ui.md 4.5, 4.6)."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from scheduling.actions import absences
from scheduling.models import (
    Appointment,
    BookingRequest,
    ContactAttempt,
    DayClose,
    FreedTime,
    Offer,
    RebookingItem,
)
from sdv.common.time import local_date, minute, now, start_of_day
from sdv.flows import cancellation

from .. import factories
from .conftest import assert_accessible, assert_accessible_also_narrow
from .keys import Keys

DAY = timedelta(days=1)


@pytest.fixture
def centre(transactional_db):
    return factories.HealthCentreFactory()


@pytest.fixture
def nurse(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")


@pytest.fixture
def page(page):
    page.set_default_timeout(15000)
    return page


def receipt(page, text):
    page.locator("#receipt", has_text=text).wait_for()


def in_dialog(page):
    dialog = page.locator("dialog#dialog[open]")
    dialog.locator(".foot").wait_for()
    return dialog


def booked(nurse, days=7, **fields):
    start = minute(now()).replace(hour=10, minute=0) + days * DAY
    return factories.booked_visit(
        care_unit=nurse.care_unit,
        resource=nurse,
        visit_type=factories.visit_type(),
        start=start,
        patient=factories.patient(),
        **fields,
    )


def waits(centre, surname):
    return factories.booking_request(
        care_unit=centre, patient=factories.patient(surname=surname), visit_type=factories.visit_type()
    )


def test_a_contact_attempt_is_logged_with_two_keys(as_user, visit, centre):
    """PL-10, ui.md 4.6: K, Ctrl+Enter. The row is hidden for the day, the next has the focus."""
    first, second = waits(centre, "Först"), waits(centre, "Sedan")
    page = as_user(factories.coordinator(centre))
    visit(reverse("booking-requests"))
    assert_accessible_also_narrow(page)
    keys = Keys(page)
    keys.press("k")
    in_dialog(page)
    assert_accessible(page)
    keys.press("Control+Enter")
    receipt(page, "Kontaktförsök (svarade inte) sparat för")
    assert keys.count == 2
    assert page.locator(f"#rad-{first.pk}").count() == 0
    assert page.evaluate("document.activeElement.id") == f"patient-{second.pk}"
    assert ContactAttempt.objects.get().booking_request == first


def test_a_booking_hit_by_an_absence_is_moved_with_two_keys(as_user, visit, centre, nurse):
    """PL-02: Enter, Ctrl+Enter takes the first proposal."""
    booking = booked(nurse)
    day = start_of_day(local_date(booking.start))
    absences.register(
        care_unit=centre,
        resource_id=nurse.pk,
        kind="leave",
        start=day,
        end=day + DAY,
        by=factories.UserFactory(),
        at=now(),
    )
    page = as_user(factories.coordinator(centre))
    visit(reverse("work-list", args=["rebooking"]))
    assert_accessible_also_narrow(page)
    keys = Keys(page)
    keys.press("Enter")
    in_dialog(page)
    assert_accessible(page)
    keys.press("Control+Enter")
    receipt(page, "Ombokad till")
    assert keys.count == 2
    assert RebookingItem.objects.get().decision == "rebooked"
    visit(reverse("schedules"))
    assert_accessible_also_narrow(page)
    visit(reverse("schedule", args=[nurse.pk]))
    assert_accessible_also_narrow(page)
    visit(reverse("absence-create"))
    assert_accessible(page)


def test_an_absence_is_lengthened_by_keys_and_seen_at_the_other_unit(as_user, visit, centre, nurse):
    """PL-02: Enter on Ändra, the new last day, Ctrl+Enter; the other unit has its patient to move, and is not told why."""
    south = factories.HealthCentreFactory(name="Vårdcentralen Söder")
    there = factories.ResourceFactory(care_unit=south, practitioner=nurse.practitioner, name="Sara Norén")
    booking = booked(there, days=8)
    day = local_date(booking.start)
    absence = absences.register(
        care_unit=centre, resource_id=nurse.pk, kind="training", start=start_of_day(day - DAY), end=start_of_day(day),
        by=factories.UserFactory(), at=now(),
    )  # fmt: skip
    page = as_user(factories.coordinator(centre))
    visit(reverse("schedules"))
    page.get_by_role("link", name=re.compile("^Ändra.*Utbildning")).focus()
    keys = Keys(page)
    keys.press("Enter")
    page.get_by_label("Sista dag").wait_for()
    assert_accessible_also_narrow(page)
    page.get_by_label("Sista dag").focus()
    page.keyboard.press("Control+a")
    keys.type(day.isoformat())
    keys.press("Control+Enter")
    receipt(page, "1 bokning att boka om på Vårdcentralen Söder.")
    assert keys.count == 2
    absence.refresh_from_db()
    assert (absence.period.upper, absence.version) == (start_of_day(day + DAY), 2)
    assert_accessible_also_narrow(page)
    as_user(factories.coordinator(south))
    visit(reverse("schedules"))
    page.get_by_text("registrerad av").wait_for()
    assert page.get_by_text("Utbildning").count() == 0 and page.get_by_role("link", name="Ändra").count() == 0
    page.get_by_role("link", name="1 att boka om").focus()
    keys.press("Enter")
    page.locator(f"#rad-{RebookingItem.objects.get().pk}").wait_for()
    assert_accessible_also_narrow(page)


def test_a_freed_time_is_offered_and_taken_with_three_keys(as_user, visit, centre, nurse):
    """PL-01: Enter on the time, Enter on the first who waits, J for the yes. Where the first does not answer, K and
    Ctrl+Enter say so, and the next has the focus (PL-10)."""
    gone = booked(nurse)
    cancellation.cancel(
        appointment_id=gone.pk, cancelled_by="patient", reason="Förhinder", by=factories.UserFactory(), at=now()
    )
    BookingRequest.objects.all().delete()
    called, row = waits(centre, "Svararinte"), waits(centre, "Väntande")
    page = as_user(factories.receptionist(centre))
    visit(reverse("freed-times"))
    assert_accessible(page)
    keys = Keys(page)
    keys.press("Enter")
    page.locator("#vantande").wait_for()
    assert_accessible_also_narrow(page)
    keys.press("k")
    in_dialog(page)
    keys.press("Control+Enter")
    receipt(page, "Kontaktförsök (svarade inte) sparat för")
    page.get_by_text("1 rad har kontaktats i dag och visas inte.").wait_for()
    page.locator("#vantande :focus").wait_for()
    assert ContactAttempt.objects.get().booking_request == called
    keys.press("Enter")
    receipt(page, "Tiden hålls till")
    assert_accessible(page)
    keys.press("j")
    receipt(page, "Bokad:")
    assert keys.count == 3 + 2
    assert Appointment.objects.get(status="booked").patient == row.patient
    assert (Offer.objects.get().status, FreedTime.objects.usable(now()).count()) == ("accepted", 0)


def test_the_day_is_closed_with_two_keys_from_the_day(as_user, visit, centre, nurse):
    """PL-04: S, Ctrl+Enter: within the budget of three."""
    factories.booked_visit(
        care_unit=centre,
        resource=nurse,
        visit_type=factories.visit_type(),
        at=now() - 2 * DAY,
        start=minute(now()) - timedelta(minutes=1),
        patient=factories.patient(),
    )
    page = as_user(factories.receptionist(centre))
    visit(reverse("day"))
    keys = Keys(page)
    keys.press("s")
    page.locator("#ej-ankomna").wait_for()
    assert_accessible_also_narrow(page)
    keys.press("Control+Enter")
    receipt(page, "är stängd, 1 uteblivna registrerade")
    assert keys.count == 2
    assert DayClose.objects.get().care_unit == centre
