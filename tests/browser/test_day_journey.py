"""The reception's day with keys only: log in, choose, arrive, filter, cancel, take back (ui.md 4.1, 4.2; PL-03)."""

import os
import re
from datetime import time, timedelta
from functools import partial

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from scheduling.models import Appointment, AppointmentStatus
from sdv.common.time import at_local, end_of_day, local_date, now
from tests import factories as make

from .conftest import assert_accessible, assert_accessible_also_narrow
from .keys import Keys

PICTURES = os.environ.get("SDV_PICTURES", "")


@pytest.fixture
def unit():
    return make.HealthCentreFactory(name="Vårdcentralen Ekbacken")


@pytest.fixture
def desk(as_user, unit):
    return as_user(make.receptionist(unit, name="Maria Ek"))


def later(minutes):
    """A time today, at the latest the last minute that still fits a visit."""
    at = now()
    return min(at + timedelta(minutes=minutes), end_of_day(local_date(at)) - timedelta(minutes=31))


@pytest.fixture
def morning(unit):
    """A working morning in every state, by the row it makes. Each has a tidbok of its own: an hour of the evening that
    has no room for them after each other has room for them beside each other."""
    person = make.patient
    tidbok = partial(make.ResourceFactory, care_unit=unit, profession=make.visit_type().profession.abbreviation)
    return {
        "arrived": make.arrived_visit(
            care_unit=unit, patient=person(given_name="Göran", surname="Nilsson"), start=later(1), resource=tidbok()
        ),
        "hodan": make.booked_visit(
            care_unit=unit,
            patient=person(given_name="Hodan", surname="Abdi", interpreter_language="somaliska"),
            start=later(2),
            resource=tidbok(),
        ),
        "protected": make.booked_visit(
            care_unit=unit, patient=make.protected_patient(), start=later(3), resource=tidbok()
        ),
        "tove": make.booked_visit(
            care_unit=unit, patient=person(given_name="Tove", surname="Wikström"), start=later(4), resource=tidbok()
        ),
        "cancelled": make.cancelled_visit(
            care_unit=unit, patient=person(given_name="Pia", surname="Ström"), start=later(5), resource=tidbok()
        ),
        "drop_in": make.unbooked_visit(care_unit=unit, patient=person(given_name="Bo", surname="Åkesson")),
    }


def row(page, visit):
    return page.locator(f"#rad-{getattr(visit, 'encounter_id', None) or visit.pk}")


def who(page, visit):
    return row(page, visit).locator(".who")


def picture(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


def test_login_and_choice_of_assignment_with_keys_only(page, live_server, transactional_db):
    """One key more than the typed data with several assignments; none with one (ui.md 4.1)."""
    user = make.receptionist(make.HealthCentreFactory(name="Alfa"), make.HealthCentreFactory(name="Beta"))
    page.goto(f"{live_server.url}/dagen/?visa=vantas")
    expect(page.get_by_label("Användarnamn")).to_be_focused()
    assert_accessible_also_narrow(page)
    keys = Keys(page)
    keys.type(user.username)
    page.keyboard.press("Tab")
    keys.type(make.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/uppdrag/**")
    assert_accessible_also_narrow(page)
    picture(page, "uppdrag")
    expect(page.get_by_role("radio", name="Alfa")).to_be_focused()
    keys.press("2")
    expect(page.get_by_role("radio", name="Beta")).to_be_checked()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("radio", name="Alfa")).to_be_checked()
    keys.press("Enter")
    page.wait_for_url("**/dagen/?visa=vantas")
    expect(page.get_by_role("group").filter(has_text="Alfa").first).to_be_visible()


def test_arrival_of_the_next_patient_is_one_key(desk, visit, morning):
    """PL-03: nothing is unclear, so Enter is all."""
    page = desk
    visit(reverse("day"))
    picture(page, "dagen")
    assert_accessible_also_narrow(page)
    expect(who(page, morning["hodan"])).to_be_focused()
    keys = Keys(page)
    keys.press("Enter")
    expect(row(page, morning["hodan"]).get_by_text("Ankommen")).to_be_visible()
    assert keys.count == 1
    expect(page.locator("#receipt")).to_contain_text("Ankomst registrerad för Abdi, Hodan")
    expect(page.get_by_role("navigation", name="Status")).to_contain_text("2 Ankomna")
    expect(who(page, morning["hodan"])).to_be_focused()
    expect(page.locator("#detalj")).to_contain_text("Abdi, Hodan")
    picture(page, "ankomst")
    assert_accessible(page)
    keys.press("z")
    expect(page.locator("#receipt")).to_contain_text("Ankomsten ångrad för Abdi, Hodan")
    expect(who(page, morning["hodan"])).to_be_focused()
    morning["hodan"].refresh_from_db()
    assert (keys.count, morning["hodan"].status) == (2, AppointmentStatus.BOOKED)


def test_yesterday_s_visit_is_asked_when_the_patient_came(desk, visit, unit):
    """PL-15, PL-03: what was noted on paper is entered with its true time."""
    yesterday = local_date(now()) - timedelta(days=1)
    missed = make.booked_visit(care_unit=unit, start=at_local(yesterday, time(10)), at=now() - timedelta(days=3))
    visit(f"{reverse('day')}?dag={yesterday}")
    who(desk, missed).focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("#arrival_clock")).to_be_focused()
    assert_accessible_also_narrow(desk)
    picture(desk, "verklig-tid")
    desk.keyboard.type("1004")
    desk.keyboard.press("Enter")
    expect(desk.locator("#receipt")).to_contain_text("Ankomst registrerad för")
    came = Appointment.objects.select_related("encounter").get(pk=missed.pk)
    assert (came.status, came.encounter.start) == (AppointmentStatus.ARRIVED, at_local(yesterday, time(10, 4)))


def test_who_says_the_last_four_digits_is_found_by_them_and_one_more_key(desk, visit, morning):
    """ui.md 4.2: four digits and Enter."""
    page = desk
    visit(reverse("day"))
    keys = Keys(page)
    keys.type(morning["tove"].patient.identities.get().value[-4:])
    expect(who(page, morning["tove"])).to_be_focused()
    expect(row(page, morning["hodan"])).to_be_hidden()
    keys.press("Enter")
    expect(row(page, morning["tove"]).get_by_text("Ankommen")).to_be_visible()
    expect(row(page, morning["hodan"])).to_be_visible()
    assert keys.count == 1


def test_a_protected_person_arrives_without_being_named(desk, visit, morning):
    """SK-02, SK-05."""
    page = desk
    visit(reverse("day"))
    keys = Keys(page)
    keys.press("ArrowDown")
    expect(who(page, morning["protected"])).to_be_focused()
    expect(page.locator("#detalj")).to_contain_text("Skyddade personuppgifter: sekretessmarkering")
    picture(page, "skyddad")
    assert_accessible_also_narrow(page)
    keys.press("Enter")
    expect(page.locator("#receipt")).to_contain_text("Ankomst registrerad för Sekretessmarkering")
    assert "Öberg" not in page.content()


def test_rows_follow_the_arrows_and_the_panel_shows_the_one_with_focus(desk, visit, morning):
    page = desk
    visit(reverse("day"))
    keys = Keys(page)
    keys.press("End", "ArrowUp")
    expect(who(page, morning["tove"])).to_be_focused()
    expect(page.locator("#detalj")).to_contain_text("Wikström, Tove")
    keys.press("Home")
    expect(page.locator("#detalj")).to_contain_text("Åkesson, Bo")


def test_a_live_change_leaves_the_focus_where_it_is(desk, visit, morning, unit):
    page = desk
    page.clock.install()
    visit(reverse("day"))
    expect(who(page, morning["hodan"])).to_be_focused()
    new = make.unbooked_visit(care_unit=unit, patient=make.patient(given_name="Ny", surname="Kommen"))
    page.clock.run_for(11_000)
    expect(row(page, new)).to_be_visible()
    expect(who(page, morning["hodan"])).to_be_focused()
    expect(page.get_by_role("navigation", name="Status")).to_contain_text("2 Pågår")


def test_a_booking_is_cancelled_in_a_dialog_and_focus_comes_back(desk, visit, morning):
    """BO-03, VH-11."""
    page = desk
    visit(f"{reverse('day')}?vald={morning['tove'].encounter_id}")
    page.get_by_role("link", name=re.compile("^Avboka .*Wikström")).press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("mindre än 24 timmar kvar")
    picture(page, "avboka")
    assert_accessible(page)
    page.keyboard.press("Control+Enter")
    expect(dialog).to_contain_text("Ange vem som avbokar")
    assert_accessible(page)
    dialog.get_by_label("Vårdgivaren").press("Space")
    dialog.get_by_label("Orsak").fill("Sjuksköterskan är sjuk")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_contain_text("Bokningen avbokad för Wikström, Tove")
    expect(who(page, morning["tove"])).to_be_focused()
    assert Appointment.objects.get(pk=morning["tove"].pk).status == AppointmentStatus.CANCELLED


def test_an_unplanned_visit_is_registered_from_the_list_with_keys_only(desk, visit, morning, unit):
    """VH-03e."""
    page = desk
    newcomer = make.patient(given_name="Karin", surname="Ny")
    visit(reverse("day"))
    keys = Keys(page)
    keys.press("n")
    page.wait_for_url(f"**{reverse('drop-in')}")
    assert_accessible_also_narrow(page)
    expect(page.get_by_label("Personnummer eller reservnummer")).to_be_focused()
    keys.type(newcomer.identities.get().value)
    page.get_by_label("Oplanerat besök").press("Space")
    page.get_by_label("Besökstyp").select_option(label="Pv Ssk Återbesök")
    reason = page.get_by_label("Vårdkontaktsorsak")
    expect(reason).to_contain_text("uppföljning ospecificerad")
    reason.select_option(label="uppföljning ospecificerad")
    picture(page, "oplanerat")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_contain_text("Oplanerat besök registrerat för Ny, Karin")
    expect(page.locator("tr[aria-current]")).to_contain_text("Ny, Karin")


def test_letters_open_the_patient_and_the_booking_of_the_row_with_focus(desk, visit, morning):
    """ui.md 3.3: O and B, also for a row the panel has not caught up with."""
    page = desk
    who_id = morning["protected"].patient_id
    for letter, name in (("o", "patient"), ("b", "book")):
        visit(reverse("day"))
        keys = Keys(page)
        keys.press("ArrowDown", letter)
        page.wait_for_url(f"**{reverse(name, args=[who_id])}**")


def test_the_palette_finds_a_patient_from_any_page(desk, visit, morning):
    page = desk
    visit(reverse("day"))
    keys = Keys(page)
    keys.press("Control+k")
    expect(page.get_by_role("combobox", name="Sök patient")).to_be_focused()
    keys.type(morning["tove"].patient.identities.get().value)
    expect(page.get_by_role("option", name="Wikström, Tove")).to_be_visible()
    picture(page, "paletten")
    assert_accessible(page)
    keys.press("Enter")
    page.wait_for_url(f"**{reverse('patient', args=[morning['tove'].patient_id])}")
    assert keys.count == 2


def test_the_days_empty_states_and_the_small_pages_are_accessible(desk, visit, unit):
    page = desk
    for address in (
        reverse("day"),
        f"{reverse('day')}?dag=%2B1d",
        reverse("start"),
        reverse("preferences"),
        reverse("palette"),
        reverse("choose-assignment"),
    ):
        visit(address)
        assert_accessible_also_narrow(page)


def test_without_script_the_day_works_as_plain_pages(
    browser, unit, live_server, transactional_db, browser_context_args
):
    """Every page works by plain form posts."""
    from django.conf import settings

    from ..desk.signed_in import signed_in

    booked = make.booked_visit(care_unit=unit, patient=make.patient(given_name="Hodan", surname="Abdi"))
    cookie = signed_in(make.receptionist(unit)).cookies[settings.SESSION_COOKIE_NAME]
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/dagen/")
    page.get_by_role("link", name="Abdi, Hodan").click()
    page.get_by_role("button", name="Registrera ankomst").click()
    expect(page.locator("#receipt")).to_contain_text("Ankomst registrerad för Abdi, Hodan")
    page.get_by_role("button", name="Ångra").click()
    expect(page.locator("#receipt")).to_contain_text("Ankomsten ångrad för Abdi, Hodan")
    page.get_by_role("link", name=re.compile("^Avboka ,")).click()
    page.get_by_label("Patienten", exact=True).check()
    page.get_by_label("Orsak").fill("Förhinder")
    page.get_by_role("button", name="Avboka").click()
    expect(page.locator("#receipt")).to_contain_text("Utebliven registrerad för Abdi, Hodan")
    booked.refresh_from_db()
    assert booked.status == AppointmentStatus.NO_SHOW
    context.close()
