"""Units that share a waiting list, with the keyboard alone: a time sought over two units and booked from the week, and waiting
times read beside the list (BO-01, BO-04, PL-25, ui.md 4.5, 4.6)."""

import os
import re
from datetime import time, timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from scheduling.models import Appointment, BookingRequest
from sdv.common.time import local, local_date, now
from sdv.organisation.models import SharedList
from tests import factories as make

from .conftest import assert_accessible_also_narrow

PICTURES = os.environ.get("SDV_PICTURES", "")
DAY = timedelta(days=1)


@pytest.fixture
def south(transactional_db):
    return make.SpecialisedClinicFactory(name="Ortopedin Söder")


@pytest.fixture
def north(transactional_db):
    return make.SpecialisedClinicFactory(name="Ortopedin Norr")


@pytest.fixture
def shared(south, north):
    """Mornings at Norr, afternoons at Söder, weekdays; one list."""
    made = SharedList.objects.create(name="Ortopedi")
    for unit, (opens, closes) in ((south, (13, 17)), (north, (8, 12))):
        made.units.create(care_unit=unit)
        doctor = make.ResourceFactory(care_unit=unit, open_all_hours=False)
        for weekday in range(1, 6):
            make.WeeklyHoursFactory(
                resource=doctor, weekday=weekday, from_time=time(opens), to_time=time(closes), slot_minutes=30
            )
    return made


@pytest.fixture
def page(as_user, south, north):
    page = as_user(make.coordinator(south, north))
    page.set_default_timeout(10_000)
    return page


def waiting_patient(unit, surname, **fields):
    patient = make.patient(surname=surname)
    return make.booking_request(
        care_unit=unit,
        patient=patient,
        visit_type="Sp Läk Återbesök",
        commitment_id=make.open_commitment(patient=patient, care_unit=unit).pk,
        **fields,
    )


def judged(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
        size = page.viewport_size
        page.set_viewport_size({"width": 320, "height": 640})
        page.screenshot(path=f"{PICTURES}/{name}-320.png", full_page=True)
        page.set_viewport_size(size)
    assert_accessible_also_narrow(page)


def tab_to(page, selector):
    """Tab until the focus is there: the page is reachable that way."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way by Tab to {selector}")


def test_a_time_is_sought_over_two_units_seen_as_a_week_and_booked(page, visit, shared, south, north):
    """ui.md 4.5, PL-25: the begäran goes along to the unit that has the time."""
    row = waiting_patient(south, "Öberg")
    visit(reverse("book", args=[row.patient_id]))
    expect(page.locator("#tider")).not_to_contain_text("Ortopedin Norr")
    page.get_by_label("Enhet", exact=True).focus()
    page.keyboard.press("End")
    expect(page.locator("#tider")).to_contain_text("Ortopedin Norr")
    expect(page.locator("#tider")).to_contain_text("Ortopedin Söder")
    tab_to(page, "#tider button.who")
    page.keyboard.press("v")
    expect(page.get_by_role("heading", name=re.compile(r"^Vecka \d+, "))).to_be_visible()
    if page.locator("button.who").count():
        expect(page.locator("button.who:focus")).to_be_visible()
        page.keyboard.press("+")
    else:
        page.get_by_role("link", name="Senare vecka").press("Enter")
    monday = local_date(now()) + 7 * DAY
    monday -= monday.weekday() * DAY
    expect(page.get_by_role("heading", name=f"Vecka {monday.isocalendar().week}, ")).to_be_visible()
    # Nothing at weekends: five columns, each one stop for Tab; the first time of the week has the focus.
    expect(page.locator(".week table")).to_have_count(5)
    expect(page.locator("button.who:focus")).to_contain_text("08:00–")
    judged(page, "vecka")
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    assert len(set(page.locator(".week > div").evaluate_all("days => days.map(day => day.offsetLeft)"))) == 1
    page.set_viewport_size(size)
    page.keyboard.press("ArrowDown")
    expect(page.locator("button.who:focus")).to_contain_text("08:30–")
    tab_to(page, f"#dag-{monday + DAY:%Y%m%d} button.who")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Boka Ctrl Enter")).to_be_focused()
    expect(page.locator(".chosen")).to_contain_text("Ortopedin Norr")
    judged(page, "vecka-vald")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Tiden är bokad på Ortopedin Norr:")).to_be_visible()
    booked, moved = Appointment.objects.get(), BookingRequest.objects.get()
    assert (booked.care_unit, booked.booking_request) == (north, row)
    assert local(booked.start).replace(tzinfo=None).isoformat() == f"{monday + DAY}T08:30:00"
    assert (moved.care_unit, moved.status) == (north, "booked")
    judged(page, "vecka-bokad")


def test_waiting_times_are_read_and_one_of_the_shared_list_is_taken_over(page, visit, shared, south, north):
    """BO-04, PL-25: open, filter, the workbook; then the list, its filter, and Ta över."""
    today = local_date(now())
    for unit, days in ((south, 20), (north, 40), (north, 100)):
        make.received_referral(care_unit=unit, arrival_date=today - days * DAY)
    visit(reverse("waiting-times"))
    expect(page.get_by_role("rowheader", name="Ortopedin Norr").first).to_be_visible()
    expect(page.get_by_role("rowheader", name="Ortopedin Söder").first).to_be_visible()
    judged(page, "vantetider")
    page.get_by_label("Till och med").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type((today - 50 * DAY).isoformat())
    page.get_by_label("Från och med").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type((today - 90 * DAY).isoformat())
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name=f"Väntande {(today - 50 * DAY).isoformat()}")).to_be_visible()
    waiting = page.get_by_role("table").filter(has=page.get_by_role("rowheader", name="Ortopedin Norr")).first
    expect(waiting.get_by_role("row", name=re.compile("Ortopedin Norr")).get_by_role("cell").first).to_have_text("1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Hämta Excel").press("Enter")
    assert download.value.suggested_filename.startswith("vantetider-") and download.value.path().stat().st_size > 1000

    waiting_patient(south, "Söderberg")
    there = waiting_patient(north, "Nordin")
    visit(reverse("booking-requests"))
    expect(page.locator("#begaran tbody tr")).to_have_count(2)
    expect(page.locator("#begaran .who:focus")).to_be_visible()
    page.keyboard.press("f")
    page.get_by_label("Namn").focus()
    page.keyboard.type("nord")
    page.keyboard.press("Enter")
    expect(page.locator("#begaran tbody tr")).to_have_count(1)
    judged(page, "delad-lista")
    page.locator("#begaran .who").focus()
    page.keyboard.press("b")
    expect(page.get_by_role("heading", name="Lediga tider")).to_be_visible()
    there.refresh_from_db()
    assert (there.care_unit, there.commitment.care_unit) == (south, south)
