"""From the emergency door to a bed and home, with keys only; and the board of the ward (VH-01, VH-03, VH-09, VH-23)."""

import os
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.actions import admissions
from registration.models import Encounter
from registration.type_choice import DIRECT_ADMISSION
from sdv.accounts.permissions import Role
from sdv.common.time import local, now

from .. import factories
from ..registers import connected
from .conftest import assert_accessible_also_narrow


@pytest.fixture
def emergency(transactional_db):
    return factories.EmergencyDepartmentFactory()


@pytest.fixture
def unit(transactional_db, emergency):
    unit = factories.InpatientUnitFactory(facility=emergency.facility)
    ward = factories.WardFactory(care_unit=unit, name="Avdelning 1")
    room = factories.PlaceFactory(care_unit=unit, ward=ward, kind="room", name="Rum 1")
    for name in ("Säng 1A", "Säng 1B"):
        factories.PlaceFactory(care_unit=unit, ward=ward, kind="bed", name=name, room=room)
    return unit


def picture(page, name):
    if folder := os.environ.get("SDV_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def choose(page, label, option):
    """The option of the select, by its letters."""
    page.get_by_label(label, exact=True).select_option(label=option)


def test_from_the_emergency_door_to_a_bed_and_home(as_user, visit, emergency, unit):
    """VH-01, VH-03, VH-09, VH-23, PL-03: arrival in three fields, seen, to the ward, a bed, discharged."""
    patient = factories.patient()
    page = as_user(factories.staff(Role.CLINICIAN, emergency))
    visit(reverse("emergency"))
    expect(page.get_by_text("Ingen patient på akuten just nu.")).to_be_visible()
    assert_accessible_also_narrow(page)
    page.get_by_role("link", name="Ny ankomst").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{reverse('emergency-arrival')}")
    assert_accessible_also_narrow(page)
    page.locator("#id_identity").focus()
    page.keyboard.type(patient.identities.get().value)
    page.keyboard.press("Tab")
    page.keyboard.type("bed")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{reverse('emergency')}")
    expect(page.locator("#receipt")).to_contain_text("Akut ankomst registrerad för")
    assert_accessible_also_narrow(page)
    picture(page, "akuten")
    row = page.locator("#akuten tbody tr")
    row.locator("a.who").focus()
    page.keyboard.press("l")
    expect(page.locator("dialog[open]")).to_contain_text("Läkarbedömning")
    assert_accessible_also_narrow(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#akuten tbody tr")).to_contain_text("Läkarbedömd")
    page.locator("#akuten tbody tr a.who").focus()
    page.keyboard.press("a")
    expect(page.locator("dialog[open]")).to_contain_text("Till vårdavdelning")
    choose(page, "Till vårdenhet", unit.name)
    choose(page, "Insätt (varifrån)", "Ordinärt boende")
    picture(page, "till-avdelning")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Ingen patient på akuten just nu.")).to_be_visible()

    page.context.clear_cookies()
    page = as_user(factories.staff(Role.CLINICIAN, unit))
    visit(reverse("ward"))
    expect(page.locator("#utan-plats tbody tr")).to_have_count(1)
    assert_accessible_also_narrow(page)
    page.locator("#utan-plats a.who").focus()
    page.keyboard.press("p")
    expect(page.locator("dialog[open]")).to_contain_text("Plats")
    page.get_by_label("Plats", exact=True).select_option(label="Säng 1A, i Rum 1")
    assert_accessible_also_narrow(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#utan-plats")).to_have_count(0)
    bed = page.locator("#platser tbody tr", has_text="Säng 1A")
    expect(bed).to_contain_text("Upptagen")
    picture(page, "platser")
    visit(f"{reverse('ward')}?visa=karta")
    assert_accessible_also_narrow(page)
    picture(page, "karta")
    page.locator("[data-move]").first.drag_to(page.locator("[data-place]").first)
    expect(page.locator("#receipt")).to_contain_text("Plats tilldelad för")
    expect(page.locator(".card[data-move]")).to_contain_text("Säng 1B")
    page.locator("[data-move]").get_by_role("link", name="Byt plats").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Plats", exact=True).select_option(label="Säng 1A, i Rum 1")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".card[data-move]")).to_contain_text("Säng 1A")
    earlier = admissions.begin(
        patient_id=factories.patient().pk,
        care_unit=unit,
        situation=DIRECT_ADMISSION,
        place_id=unit.places.get(name="Säng 1B").pk,
        admitted_from="home",
        by=None,
        at=now() - timedelta(days=1),
    )
    visit(reverse("ward"))
    page.locator("#platser tbody tr", has_text="Säng 1B").locator("a.who").focus()
    page.keyboard.press("u")
    expect(page.locator("dialog[open]")).to_contain_text("Utsätt (till)")
    choose(page, "Utsätt (till)", "Ordinärt boende")
    page.keyboard.press("Control+Enter")
    bed = page.locator("#platser tbody tr", has_text="Säng 1B")
    expect(bed).to_contain_text("Ska städas")
    # A letter acts in the list: not while the dialog closes or the list is read anew.
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    bed.locator("a.who").focus()
    expect(bed.locator("a.who")).to_be_focused()
    page.keyboard.press("s")
    expect(page.locator("#platser tbody tr", has_text="Säng 1B")).to_contain_text("Ledig")
    stay = Encounter.objects.get(patient=patient, type="slutenvard")
    assert (stay.status, stay.continues.type_id, stay.place_stays.get(period__upper_inf=True).place.name) == (
        "in_progress",
        "akutsjukvard",
        "Säng 1A",
    )
    earlier.refresh_from_db()
    assert (earlier.status, earlier.discharged_to) == ("ended", "home")
    visit(reverse("admission"))
    assert_accessible_also_narrow(page)
    picture(page, "skriv-in")


def test_a_child_is_prepared_born_given_its_number_and_goes_home(as_user, visit, transactional_db):
    """VH-03 h, VH-13, VH-16, VH-21, VH-23: from the mother's page to the child's personnummer, a time put right, and home;
    with keys only."""
    maternity = factories.MaternityUnitFactory()
    mother = admissions.begin(
        patient_id=factories.patient(surname="Öberg").pk,
        care_unit=maternity,
        situation=DIRECT_ADMISSION,
        admitted_from="home",
        by=None,
        at=now() - timedelta(hours=5),
    )
    page = as_user(factories.staff(Role.CLINICIAN, maternity))
    visit(reverse("encounter", args=[mother.pk]))
    assert_accessible_also_narrow(page)
    with connected():
        page.get_by_role("link", name="Foster eller nyfödd").focus()
        page.keyboard.press("Enter")
        expect(page.locator("dialog[open]")).to_contain_text("Antal väntade barn")
        assert_accessible_also_narrow(page)
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("heading", name="Hör ihop med")).to_be_visible()
    page.get_by_role("link", name="Foster, ").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Registrera födelse").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_contain_text("Född klockan")
    page.get_by_label("Kön", exact=True).select_option(label="Flicka")
    number = factories.test_number()
    page.locator("dialog #id_clock").fill("11:32")
    page.locator("dialog #id_day").fill(f"{number[:4]}-{number[4:6]}-{number[6:8]}")
    assert_accessible_also_narrow(page)
    picture(page, "fodelse")
    page.keyboard.press("Control+Enter")
    # The test number's day is long before the mother came: asked about, and kept.
    expect(page.locator("dialog[open] .refusal")).to_contain_text("ligger före moderns inskrivning")
    page.get_by_role("button", name="Spara ändå").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#receipt")).to_contain_text("Födelsen är registrerad:")
    page.get_by_role("link", name="Ge personnummer").focus()
    page.keyboard.press("Enter")
    page.locator("dialog #id_identity").fill(number)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_contain_text("Personnumret är registrerat för")
    child = mother.children.get().encounter
    assert (child.type_id, child.patient.identities.get(is_primary=True).value) == ("nyfodd", number)
    page.get_by_role("link", name="Rätta födelsetiden").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog #id_clock")).to_have_value("11:32")
    page.locator("dialog #id_clock").fill("11:23")
    page.locator("dialog #id_reason").fill("Läst fel på klockan")
    assert_accessible_also_narrow(page)
    picture(page, "fodelsetid")
    page.keyboard.press("Control+Enter")
    expect(page.locator("dialog[open] .refusal")).to_contain_text("ligger före moderns inskrivning")
    page.get_by_role("button", name="Spara ändå").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#receipt")).to_contain_text("Födelsetiden är rättad:")
    page.get_by_role("link", name="Skriv ut").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_contain_text("Skriv ut")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_contain_text("Vårdhändelsen är avslutad för")
    child.refresh_from_db()
    assert (child.status, f"{local(child.start):%H:%M}", child.discharged_to) == ("ended", "11:23", "")
    visit(reverse("encounter-realtime", args=[child.pk]))
    assert_accessible_also_narrow(page)
    picture(page, "realtid")
