"""A booking with its kallelse at no extra key, the pile printed and confirmed in two, a time that goes in between, and what
the pages show of the protected: with keys only, accessible in every state (ui 4.13, KA-01…05)."""

import hashlib
import os
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.models import AddressKind, PatientAddress
from scheduling.models import Letter, LetterAttachment, LetterText
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now, start_of_day
from sdv.desk.demo.planning import pdf_of
from tests.clinic import Clinic

from .conftest import assert_accessible_also_narrow
from .keys import Keys

PICTURES = os.environ.get("SDV_PICTURES", "")


@pytest.fixture
def clinic(transactional_db, catalogues):
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    LetterText.objects.create(
        part="directions", care_unit=clinic.unit, text="Norra vägen 2\nAnmäl dig i receptionen.", source="Prov"
    )
    return clinic


@pytest.fixture
def desk(as_user, clinic):
    return as_user(clinic.staff(Role.RECEPTIONIST))


def judge(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
    assert_accessible_also_narrow(page)


def living(clinic, **fields):
    patient = clinic.patient(**fields)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def morning(hours=0):
    return start_of_day(local_date(now()) + timedelta(days=6)) + timedelta(hours=9 + hours)


def test_a_booking_carries_its_kallelse_and_the_page_shows_the_paper(desk, visit, clinic):
    """KA-01: no key more than without it."""
    patient = living(clinic)
    address = reverse("book", args=[patient.pk])
    choices = f"?besokstyp={clinic.nurse_visit.pk}&orsak={clinic.reason.pk}"
    visit(address + choices)
    keys = Keys(desk)
    keys.press("Enter")
    desk.wait_for_url("**hallen=**")
    expect(desk.get_by_label("Skriv kallelse").first).to_be_checked()
    judge(desk, "boka-med-kallelse")
    keys.press("Control+Enter")
    desk.wait_for_url("**/bokningar/?bokad=**")
    assert keys.count == 2
    expect(desk.get_by_role("status").filter(has_text="Kallelse ska skrivas ut.")).to_be_visible()
    judge(desk, "patientens-brev")
    letter = Letter.objects.get()
    visit(reverse("letter", args=[letter.pk]))
    expect(desk.get_by_role("heading", name="Du har fått en tid")).to_be_visible()
    expect(desk.locator(".paper .to")).to_have_text("Hodan Abdi\nStorgatan 1\n223 50 Lund")
    judge(desk, "brev")


def test_a_pile_of_forty_is_printed_and_confirmed_in_two_keys(desk, visit, clinic):
    """ui 4.13: two keys after review."""
    for number in range(40):
        patient = living(clinic, identity=None) if number < 29 else None
        patient = patient or clinic.unit.appointments.order_by("id")[number - 29].patient
        clinic.book(
            patient,
            morning() + number % 20 * timedelta(minutes=30) + number // 20 * timedelta(days=1),
            at=now(),
            letter=True,
        )
    visit(reverse("letters"))
    expect(desk.locator(".who").first).to_be_focused()
    judge(desk, "brev-lista")
    keys = Keys(desk)
    with desk.context.expect_page():
        keys.press("p")
    keys.press("Control+Enter")
    desk.wait_for_load_state("networkidle")
    assert keys.count == 2
    expect(desk.get_by_text("40 brev bekräftade som utskrivna")).to_be_visible(timeout=30_000)
    expect(desk.get_by_text("Inget brev väntar på att skrivas ut.")).to_be_visible()
    assert Letter.objects.filter(status="printed").count() == 40


def test_a_protected_person_s_kallelse_is_chosen_and_goes_by_mediation(desk, visit, clinic):
    """KA-05: nothing is sent unless somebody says so, and nothing tells who it is."""
    patient = clinic.patient(protection="sekretessmarkering", given_name="Hemlig", surname="Persson")
    clinic.book(patient, morning(), at=now(), letter=True)
    letter = Letter.objects.get()
    visit(reverse("letter", args=[letter.pk]))
    expect(desk.get_by_text("går genom Skatteverkets förmedling av post")).to_be_visible()
    assert "Persson" not in desk.content()
    judge(desk, "brev-formedling")
    visit(reverse("letters"))
    assert "Persson" not in desk.content()
    visit(reverse("book", args=[patient.pk]) + f"?besokstyp={clinic.nurse_visit.pk}&orsak={clinic.reason.pk}")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**hallen=**")
    expect(desk.get_by_label("Kallelse genom Skatteverkets förmedling")).not_to_be_checked()


def test_what_lacks_an_address_is_told_with_the_way_on(desk, visit, clinic):
    """KA-01: named, never an empty line."""
    clinic.book(clinic.patient(), morning(), at=now(), letter=True)
    visit(reverse("letters"))
    expect(desk.get_by_text("patientens adress saknas").first).to_be_visible()
    judge(desk, "brev-saknar")
    visit(reverse("letter", args=[Letter.objects.get().pk]))
    expect(desk.get_by_role("button", name="Skriv brevet igen")).to_be_visible()
    judge(desk, "brev-saknar-ett")


def test_own_words_and_a_file_are_chosen_with_the_booking_read_printed_and_confirmed(desk, visit, clinic):
    """KA-01, KA-03, PL-07: from the free time to the printed letter with keys alone; what is typed stays when the page asks
    again and when another time is taken."""
    content = pdf_of(["Så hittar du till oss"])
    LetterAttachment.objects.create(
        name="Karta", pdf=content, sha256=hashlib.sha256(content).hexdigest(), source="Prov"
    )
    patient = living(clinic)
    first = local_date(now()) + timedelta(days=3)
    choices = f"?besokstyp={clinic.nurse_visit.pk}&orsak={clinic.reason.pk}&fran={first}"
    visit(reverse("book", args=[patient.pk]) + choices)
    keys = Keys(desk)
    keys.press("Enter")
    desk.wait_for_url("**hallen=**")
    expect(desk.get_by_role("button", name="Boka Ctrl Enter")).to_be_focused()
    words = desk.locator("#hallen").get_by_label("Egen text i brevet")
    expect(words).to_be_hidden()
    for key in ("Shift+Tab", "Enter", "Tab"):
        keys.press(key)
    expect(words).to_be_focused()
    desk.keyboard.type("Ring på porten.")
    for key in ("Tab", "Tab", "Space"):
        keys.press(key)
    expect(desk.locator("#hallen").get_by_label("Karta")).to_be_checked()
    judge(desk, "boka-egen-text")
    # The form above asks again: the held time and what was typed are still there.
    desk.get_by_label("Önskat datum").focus()
    desk.keyboard.type("+9d")
    desk.keyboard.press("Tab")
    expect(desk.locator("#hallen input[name=onskat]")).to_have_count(1)
    expect(words).to_have_value("Ring på porten.")
    expect(desk.locator("#hallen").get_by_label("Karta")).to_be_checked()
    # Another time, from the list.
    row = desk.locator("#tider .who").nth(2)
    clock = row.inner_text().partition("–")[0]
    row.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator(".chosen")).to_contain_text(f"kl. {clock}")
    expect(words).to_have_value("Ring på porten.")
    assert "porten" not in desk.url
    expect(desk.get_by_role("button", name="Boka Ctrl Enter")).to_be_focused()
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name="Så blir brevet")).to_be_visible()
    expect(desk.locator(".paper")).to_contain_text("Ring på porten.")
    expect(desk.locator(".paper")).to_contain_text("Karta")
    judge(desk, "boka-forhandsgranska")
    desk.keyboard.press("Control+Enter")
    desk.wait_for_url("**/bokningar/?bokad=**")
    letter = Letter.objects.get()
    assert (letter.own_text, letter.enclosures.count()) == ("Ring på porten.", 1)
    visit(reverse("letters"))
    expect(desk.get_by_text("Bilagorna skrivs ut efter sina brev")).to_be_visible()
    judge(desk, "brev-lista-bilagor")
    expect(desk.locator(".who").first).to_be_focused()
    with desk.context.expect_page():
        desk.keyboard.press("p")
    desk.keyboard.press("Control+Enter")
    expect(desk.get_by_text("1 brev bekräftade som utskrivna")).to_be_visible(timeout=30_000)
    letter.refresh_from_db()
    assert letter.status == "printed"
    assert letter.document.pdf
