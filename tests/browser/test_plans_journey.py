"""Series and coordinated visits with the keyboard: proposed with the misfits first, booked all at once, the rest moved and
the rest cancelled (BO-02, PL-08; ui.md 4.5)."""

import os
from datetime import UTC, time, timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from scheduling.models import Appointment
from sdv.common.time import at_local, local, local_date, now

from .. import factories
from .conftest import assert_accessible_also_narrow
from .keys import Keys

DAY = timedelta(days=1)
# Where pictures are kept for people to look at; nothing compares them.
PICTURES = os.environ.get("SDV_PICTURES", "")


@pytest.fixture
def centre(transactional_db):
    return factories.HealthCentreFactory()


@pytest.fixture
def nurse(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")


@pytest.fixture
def doctor(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Läk", name="Anna Holm")


@pytest.fixture
def page(as_user, centre, nurse, doctor):
    page = as_user(factories.coordinator(centre))
    page.set_default_timeout(20000)
    return page


@pytest.fixture
def judged(page):
    """`judged("name")`: the page as it stands is accessible, also narrow, and is kept as a picture where asked for."""

    def judge(name):
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
        assert_accessible_also_narrow(page)

    return judge


def at(days, hour=9):
    return at_local(local_date(now()) + days * DAY, time(hour)).astimezone(UTC)


def receipt(page, text):
    expect(page.locator("#receipt", has_text=text)).to_be_visible()


def choose(page, name, label):
    """A choice that redraws the page; what depends on it comes with the new page."""
    field = page.locator(f"[id='{name}']")
    field.focus()
    field.select_option(label=label)


def offered(page, name, label):
    expect(page.locator(f"[id='{name}'] option", has_text=label)).to_have_count(1)


def move_the_rest(page, keys, judged, rest):
    """M on the row, the first free time, the box before the button, and the confirmation."""
    expect(page.locator("#kommanderader .who:focus")).to_have_count(1)
    keys.press("m")
    expect(page.locator("#tider button.who:focus")).to_be_visible()
    keys.press("Enter")
    expect(page.get_by_role("button", name="Boka om Ctrl Enter")).to_be_focused()
    box = page.get_by_label(rest)
    while not box.evaluate("each => each === document.activeElement"):
        keys.press("Shift+Tab")
    keys.press("Space")
    expect(box).to_be_checked()
    judged(f"{rest[:12]}-flytta")
    keys.press("Control+Enter")


def cancel_the_rest(page, keys, judged, rest):
    """A on the row, who and why, the box, and the confirmation."""
    expect(page.locator("#kommanderader .who:focus")).to_have_count(1)
    keys.press("a")
    dialog = page.locator("dialog#dialog")
    expect(dialog.get_by_role("heading", name="Avboka")).to_be_visible()
    dialog.get_by_label("Vårdgivaren").focus()
    keys.press("Space", "Tab")
    expect(dialog.get_by_label("Orsak")).to_be_focused()
    keys.type("Vårdgivaren är sjuk")
    keys.press("Tab")
    expect(dialog.get_by_label(rest)).to_be_focused()
    keys.press("Space")
    judged(f"{rest[:12]}-avboka")
    keys.press("Control+Enter")


def starts_of(patient, **conditions):
    return list(patient.appointments.filter(**conditions).order_by("start").values_list("start", flat=True))


def test_a_series_is_planned_booked_moved_and_cancelled(page, visit, judged, nurse):
    """PL-08, PL-07: the second week's time is somebody else's."""
    factories.booked_visit(
        care_unit=nurse.care_unit,
        resource=nurse,
        visit_type=factories.visit_type(),
        start=at(14),
        patient=factories.patient(),
    )
    patient, keys = factories.patient(given_name="Alva"), Keys(page)
    visit(reverse("patient-appointments", args=[patient.pk]))
    page.get_by_role("link", name="Boka serie").focus()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Boka serie", exact=True)).to_be_visible()
    reason = factories.contact_reason().name
    choose(page, "besokstyp", "Pv Ssk Återbesök")
    offered(page, "orsak", reason)
    choose(page, "orsak", reason)
    expect(page.locator("#forslag")).to_be_visible()
    count = page.get_by_label("Antal besök")
    count.fill("3")
    keys.press("Enter")
    misfit = page.get_by_label("Tid för besök 2")
    expect(page.get_by_text("1 av 3 besök passar inte som önskat.")).to_be_visible()
    expect(page.locator("#forslag tbody tr")).to_have_count(3)
    expect(page.locator("#forslag tbody tr").first).to_contain_text("Passar inte")
    expect(misfit).to_be_focused()
    judged("serie-forslag")
    before = keys.count
    keys.press("Control+Enter")
    receipt(page, "3 besök bokade för")
    assert keys.count - before == 1
    booked = starts_of(patient)
    assert (booked[0], booked[2]) == (at(7), at(21)) and booked[1] != at(14)
    judged("serie-bokad")

    move_the_rest(page, keys, judged, "Flytta också de 2 senare besöken")
    receipt(page, "3 besök ombokade för")
    moved = starts_of(patient)
    days = {local_date(after) - local_date(earlier) for earlier, after in zip(booked, moved, strict=True)}
    assert len(days) == 1 and len({local(start).time() for start in moved}) == 1 and moved != booked

    cancel_the_rest(page, keys, judged, "Avboka också de 2 senare besöken")
    receipt(page, "3 bokningar avbokade för")
    assert starts_of(patient, status="cancelled") == moved
    judged("serie-avbokad")


def test_coordinated_visits_of_one_day_are_planned_booked_moved_and_cancelled(page, visit, judged, doctor):
    """BO-02: the doctor has no times on the first day that is asked about."""
    doctor.weekly_hours.filter(weekday=local_date(at(7)).isoweekday()).delete()
    patient, keys = factories.patient(given_name="Alva"), Keys(page)
    visit(reverse("book-together", args=[patient.pk]))
    reason = factories.contact_reason().name
    for number, visit_type in ((1, "Pv Läk Återbesök"), (2, "Pv Ssk Återbesök")):
        choose(page, f"val-{number}-besokstyp", visit_type)
        offered(page, f"val-{number}-orsak", reason)
        choose(page, f"val-{number}-orsak", reason)
    expect(page.locator("#forslag")).to_be_visible()
    for day, answer in ((7, "Ingen ledig tid nära"), (8, "Anna Holm")):
        for name in ("till", "fran"):
            field = page.locator(f"[id='{name}']")
            field.focus()
            field.fill(local_date(at(day)).isoformat())
        keys.press("Enter")
        expect(page.locator("#forslag tbody tr").first).to_contain_text(answer)
        expect(page.locator("#forslag select:focus")).to_have_count(1)
        judged(f"samordnade-dag-{day}")
    expect(page.get_by_text("passar inte som önskat")).to_have_count(0)
    keys.press("Control+Enter")
    receipt(page, "2 besök bokade för")
    rows = list(Appointment.objects.order_by("start"))
    assert {local_date(row.start) for row in rows} == {local_date(at(8))} and rows[0].end <= rows[1].start
    judged("samordnade-bokade")

    move_the_rest(page, keys, judged, "Flytta också det senare besöket")
    receipt(page, "2 besök ombokade för")
    moved = list(Appointment.objects.order_by("start"))
    assert [row.pk for row in moved] == [row.pk for row in rows] and moved[0].start != rows[0].start
    assert moved[1].start - moved[0].start == rows[1].start - rows[0].start

    cancel_the_rest(page, keys, judged, "Avboka också det senare besöket")
    receipt(page, "2 bokningar avbokade för")
    assert set(Appointment.objects.values_list("status", flat=True)) == {"cancelled"}
