"""An order, a death with what it ended and left, a letter to a relative, and the death taken back: with keys only,
accessible in every state (VH-03, AV-01…03, PL-07, PL-22)."""

import os
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.models import Order
from scheduling.models import Appointment, Letter
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from tests import factories as make

from .conftest import assert_accessible_also_narrow

# Where pictures are kept for people to look at; nothing compares them.
PICTURES = os.environ.get("SDV_PICTURES", "")
LETTER = "Vi beklagar sorgen.\n\n  Egna saker finns hos oss.  \nHälsningar Åsa"


@pytest.fixture
def clinic():
    return make.SpecialisedClinicFactory(name="Kirurgen")


@pytest.fixture
def desk(as_user, clinic):
    return as_user(make.staff(Role.SUPPORT, clinic, name="Siv Ek"))


@pytest.fixture
def judged(desk):
    def judge(name):
        if PICTURES:
            desk.screenshot(path=f"{PICTURES}/{name}.png")
        assert_accessible_also_narrow(desk)

    return judge


@pytest.fixture
def booked(clinic):
    """Somebody with a booking the day after tomorrow and a visit that goes on."""
    at = now()
    patient = make.patient(given_name="Hodan", surname="Abdi")
    make.arrived_visit(care_unit=clinic, patient=patient, at=at)
    return make.booked_visit(care_unit=clinic, patient=patient, start=at + timedelta(days=2), at=at)


FIELD, LINK = "document.activeElement.labels?.[0]?.innerText ?? ''", "document.activeElement.innerText ?? ''"


def tab_to(page, words, named=LINK):
    """Tabs on until what has the focus is called so."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(named).strip().startswith(words):
            return
    raise AssertionError(f"no way to {words} with Tab")


def follow(page, words):
    tab_to(page, words)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def save(page):
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")


def fill(page, words, text):
    tab_to(page, words, FIELD)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def test_from_an_order_to_the_undo_of_a_death(desk, visit, judged, booked, clinic):
    """VH-03, AV-01…03, PL-07, PL-22"""
    patient = booked.patient
    visit(reverse("patient-appointments", args=[patient.pk]))
    follow(desk, "Ny ordination")
    fill(desk, "Ordination", "Blodstatus och CRP")
    fill(desk, "Planerad dag", "+3d")
    save(desk)
    expect(desk.get_by_role("region", name="Ordinationer")).to_contain_text("Blodstatus och CRP")
    judged("ordinationer")

    visit(reverse("patient-deceased", args=[patient.pk]))
    expect(desk.get_by_text("1 ordination makuleras")).to_be_visible()
    fill(desk, "Dödsdatum", local_date(now()).isoformat())
    fill(desk, "Hur är dödsfallet känt?", "Dödsbevis från Dr Holm")
    save(desk)
    expect(desk.get_by_text("1 bokning avbokad")).to_be_visible()
    expect(desk.get_by_text("1 ordination makulerad")).to_be_visible()
    expect(desk.get_by_text("Skriv ut eller checka ut för hand.")).to_be_visible()
    judged("avliden")

    follow(desk, "Brev till närstående")
    save(desk)
    expect(desk.get_by_text("Skriv mottagarens adress.").first).to_be_visible()
    judged("brev-fel")
    fill(desk, "Mottagare", "Karl Ek")
    fill(desk, "Adress", "Storgatan 1\n223 50 Lund")
    fill(desk, "Text", LETTER)
    fill(desk, "Varför skrivs brevet?", "Tillhörigheter finns kvar")
    save(desk)
    expect(desk.get_by_role("region", name="Brevet")).to_contain_text("Egna saker finns hos oss.")
    judged("brev")
    desk.emulate_media(media="print")
    expect(desk.get_by_text("Vi beklagar sorgen.")).to_be_visible()
    expect(desk.get_by_text("Abdi, Hodan").first).to_be_hidden()
    expect(desk.get_by_text("Tillhörigheter finns kvar")).to_be_hidden()
    if PICTURES:
        desk.screenshot(path=f"{PICTURES}/brev-utskrift.png")
    desk.emulate_media(media="screen")
    save(desk)
    expect(desk.get_by_text("Utskrivet", exact=False).first).to_be_visible()
    assert Letter.objects.get().body.replace("\r\n", "\n") == LETTER
    assert Letter.objects.get().status == "printed"

    resource = booked.resources.get()
    make.booked_visit(care_unit=clinic, resource=resource, start=booked.start, at=now())
    follow(desk, "Till Avliden")
    follow(desk, "Ångra avliden")
    fill(desk, "Varför är uppgiften fel?", "Fel person")
    save(desk)
    expect(desk.get_by_text("är tagen av någon annan")).to_be_visible()
    expect(desk.get_by_text("Lediga tider:")).to_be_visible()
    expect(desk.get_by_text("Ett brev till närstående skrevs ut")).to_be_visible()
    expect(desk.get_by_text("1 ordination", exact=True)).to_be_visible()
    judged("avliden-angrad")
    assert Order.objects.get().status == "planned"
    assert Appointment.objects.get(pk=booked.pk).status == "cancelled"
    follow(desk, "Boka ny tid")
    expect(desk.get_by_role("heading", name="Boka", exact=False).first).to_be_visible()
