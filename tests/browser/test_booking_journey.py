"""Find a patient, book, rebook: with keys only, within the budgets of ui.md 4.3–4.5, accessible in every state."""

import os
import re
from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.models import Patient
from scheduling.models import Appointment, ResourceBooking
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now, start_of_day
from sdv.flows import deceased
from tests import factories as make

from .conftest import assert_accessible_also_narrow

# Where pictures are kept for people to look at; nothing compares them.
PICTURES = os.environ.get("SDV_PICTURES", "")


@pytest.fixture
def clinic():
    return make.SpecialisedClinicFactory(allows_overbooking=True)


@pytest.fixture
def doctor(clinic):
    return make.ResourceFactory(care_unit=clinic)


@pytest.fixture
def user(clinic):
    return make.coordinator(clinic)


@pytest.fixture
def browser_page(as_user, user):
    return as_user(user)


@pytest.fixture
def judged(browser_page):
    """`judged("name")`: the page as it now stands is accessible, and is kept as a picture where asked for."""

    def judge(name):
        if PICTURES:
            browser_page.screenshot(path=f"{PICTURES}/{name}.png")
            size = browser_page.viewport_size
            browser_page.set_viewport_size({"width": 320, "height": 640})
            browser_page.screenshot(path=f"{PICTURES}/{name}-320.png", full_page=True)
            browser_page.set_viewport_size(size)
        assert_accessible_also_narrow(browser_page)

    return judge


@pytest.fixture
def seen(clinic, doctor):
    """A patient who has been here once, with everything a page can show."""
    at = now()
    patient = make.patient(
        given_name="Hodan", surname="Abdi", interpreter_language="somaliska", listing_unit="VC Öster"
    )
    make.arrived_visit(care_unit=clinic, patient=patient, resource=doctor, at=at, visit_type="Sp Läk Nybesök")
    return patient


def tomorrow_at(hour):
    return start_of_day(local_date(now()) + timedelta(days=1)) + timedelta(hours=hour)


def dead(patient):
    today = local_date(now())
    deceased.register(patient_id=patient.pk, deceased_on=today, by=make.UserFactory(), at=now(), reason="Dödsbevis")
    return patient


class Keys:
    """A keyboard that counts what it presses."""

    def __init__(self, page):
        self.page, self.count = page, 0

    def press(self, key):
        self.count += 1
        self.page.keyboard.press(key)


# --- Budgets ----------------------------------------------------------------------------------------------------------


def test_a_return_visit_with_the_same_caregiver_is_booked_with_three_keys(browser_page, visit, seen, doctor):
    """ui.md 4.5: F8, Enter, Ctrl+Enter; the first suitable time."""
    visit(reverse("patient", args=[seen.pk]))
    keys = Keys(browser_page)
    keys.press("F8")
    expect(browser_page.get_by_role("heading", name="Lediga tider")).to_be_visible()
    expect(browser_page.locator("button.who:focus")).to_be_visible()
    keys.press("Enter")
    expect(browser_page.get_by_role("button", name="Boka Ctrl Enter")).to_be_focused()
    assert ResourceBooking.objects.filter(state="held").count() == 1
    keys.press("Control+Enter")
    expect(browser_page.get_by_text("Tiden är bokad:")).to_be_visible()
    assert keys.count == 3
    booked = Appointment.objects.latest("id")
    assert booked.encounter.visit_type.name == "Sp Läk Återbesök"
    assert list(booked.resources.all()) == [doctor]


def test_a_booking_is_moved_with_four_keys(browser_page, visit, seen, clinic, doctor):
    """ui.md 4.5."""
    appointment = make.booked_visit(care_unit=clinic, patient=seen, resource=doctor, start=tomorrow_at(9))
    visit(reverse("patient-appointments", args=[seen.pk]))
    browser_page.locator(".who:focus").wait_for()
    keys = Keys(browser_page)
    keys.press("m")
    expect(browser_page.get_by_role("heading", name="Boka om", exact=True)).to_be_visible()
    expect(browser_page.locator("button.who:focus")).to_be_visible()
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(browser_page.get_by_role("button", name="Boka om Ctrl Enter")).to_be_focused()
    keys.press("Control+Enter")
    expect(browser_page.get_by_text("Tiden är bokad:")).to_be_visible()
    assert keys.count == 4
    appointment.refresh_from_db()
    assert appointment.start != tomorrow_at(9)


def test_a_number_and_enter_open_the_patient(browser_page, visit):
    """ui.md 4.3: one key besides the number."""
    number = make.test_number()
    patient = make.patient(identity=number)
    visit(reverse("patients"))
    browser_page.keyboard.type(f"{number[2:8]}-{number[8:]}")
    browser_page.keyboard.press("Enter")
    browser_page.wait_for_url(f"**{reverse('patient', args=[patient.pk])}")
    assert number not in browser_page.title()


def test_the_tabs_are_reached_with_alt_and_a_digit(browser_page, visit, seen):
    """ui.md 4.4: in the order of the tabs."""
    visit(reverse("patient", args=[seen.pk]))
    for digit, name in ((2, "relations"), (3, "encounters"), (4, "commitments"), (5, "appointments")):
        browser_page.keyboard.press(f"Alt+{digit}")
        browser_page.wait_for_url(f"**{reverse(f'patient-{name}', args=[seen.pk])}")


def test_a_booking_is_cancelled_in_place_from_the_patients_bookings(browser_page, visit, seen, clinic, doctor):
    """ui.md 4.4: cancel and move inline."""
    appointment = make.booked_visit(care_unit=clinic, patient=seen, resource=doctor, start=tomorrow_at(9))
    visit(reverse("patient-appointments", args=[seen.pk]))
    browser_page.locator(".who:focus").wait_for()
    browser_page.keyboard.press("a")
    dialog = browser_page.locator("dialog#dialog")
    dialog.get_by_label("Vårdgivaren").check()
    dialog.get_by_label("Orsak").fill("Läkaren är sjuk")
    browser_page.keyboard.press("Control+Enter")
    expect(browser_page.get_by_text("Bokningen avbokad för")).to_be_visible()
    expect(browser_page).to_have_url(re.compile(reverse("patient-appointments", args=[seen.pk])))
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"


# --- htmx and the hold ------------------------------------------------------------------------------------------------


def test_a_changed_choice_redraws_the_times_and_keeps_the_focus(browser_page, visit, seen, clinic, doctor):
    """VO-02: the orsaker follow the besökstyp."""
    second = make.ResourceFactory(care_unit=clinic)
    visit(reverse("book", args=[seen.pk]))
    caregiver = browser_page.get_by_label("Vårdgivare", exact=True)
    caregiver.focus()
    caregiver.select_option(str(second.pk))
    expect(browser_page.locator("#tider tbody tr[id] td:nth-child(2)").first).to_contain_text(str(second.practitioner))
    expect(caregiver).to_be_focused()
    expect(browser_page.get_by_text(str(doctor.practitioner), exact=False).locator("visible=true")).to_have_count(0)
    browser_page.get_by_label("Besökstyp").select_option(label="Sp Läk Telefon Återbesök")
    expect(browser_page.locator("#tider tbody tr[id] td:nth-child(4)").first).to_have_text("telefon")


def test_plus_and_minus_step_a_week(browser_page, visit, seen):
    """ui.md 4.5."""
    visit(reverse("book", args=[seen.pk]))
    today = local_date(now())
    for key, day in (("+", today + timedelta(days=7)), ("-", today)):
        expect(browser_page.locator("button.who:focus")).to_be_visible()
        browser_page.keyboard.press(key)
        expect(browser_page.get_by_label("Från")).to_have_value(day.isoformat())


def test_the_hold_is_counted_down_in_words(browser_page, visit, seen):
    visit(reverse("book", args=[seen.pk]))
    browser_page.keyboard.press("Enter")
    timer = browser_page.get_by_role("timer")
    expect(timer).to_contain_text("Tiden hålls för dig i 1 minut")
    before = timer.inner_text()
    expect(timer).not_to_have_text(before)
    browser_page.get_by_role("button", name="Välj en annan tid").click()
    expect(browser_page.locator("button.who:focus")).to_be_visible()
    assert not ResourceBooking.objects.filter(state="held").exists()


def test_a_taken_time_puts_the_focus_on_the_next_one(browser_page, visit, seen, clinic, doctor, judged):
    """PL-07, PL-27."""
    visit(reverse("book", args=[seen.pk]))
    start = browser_page.locator("button.who:focus").get_attribute("value").partition("|")[2]
    make.booked_visit(care_unit=clinic, resource=doctor, start=datetime.fromisoformat(start))
    browser_page.keyboard.press("Enter")
    expect(browser_page.get_by_text("Tiden hann bokas av någon annan.")).to_be_visible()
    expect(browser_page.locator(".notice button").first).to_be_focused()
    judged("boka-tagen")


# --- Accessible in every state ----------------------------------------------------------------------------------------


def test_search_is_accessible_filled_empty_and_wrong(browser_page, visit, judged):
    for name in ("Abdi, Hodan", "Abdullah, Sara"):
        surname, given_name = name.split(", ")
        make.patient(surname=surname, given_name=given_name, listing_unit="Vårdcentralen Öster")
    dead(make.patient(surname="Abdulle", given_name="Ali"))
    visit(reverse("patients"))
    judged("sok")
    answers = (
        ("abd", "3 träffar", "sok-traffar"),
        ("ingenalls", "Ingen träff", "sok-tom"),
        ("19811304-9800", "Det här behöver rättas", "sok-fel"),
    )
    for text, answer, name in answers:
        browser_page.get_by_label("Personnummer eller namn").fill(text)
        browser_page.get_by_label("Personnummer eller namn").press("Enter")
        expect(browser_page.get_by_text(answer)).to_be_visible()
        judged(name)
    visit(reverse("patient-create"))
    browser_page.get_by_label("Förnamn").press("Control+Enter")
    expect(browser_page.get_by_text("Det här behöver rättas")).to_be_visible()
    judged("ny-patient-fel")


TABS = ("patient", "patient-encounters", "patient-commitments", "patient-appointments")


def test_the_tabs_are_accessible_filled(browser_page, visit, seen, clinic, doctor, judged):
    make.booked_visit(care_unit=clinic, patient=seen, resource=doctor, start=tomorrow_at(9))
    make.cancelled_visit(care_unit=clinic, patient=seen, resource=doctor, start=tomorrow_at(11))
    make.booking_request(care_unit=clinic, patient=seen)
    make.received_referral(care_unit=clinic, patient=seen)
    for name in TABS:
        visit(reverse(name, args=[seen.pk]))
        judged(name)
    commitment = seen.commitments.get()
    for name, *more in (("commitment-create",), ("commitment-close", commitment.pk), ("referral-create",)):
        visit(reverse(name, args=[seen.pk, *more]))
        judged(name)
    browser_page.get_by_label("Typ").press("Control+Enter")
    expect(browser_page.get_by_text("Det här behöver rättas")).to_be_visible()
    judged("referral-create-fel")


def test_the_tabs_are_accessible_empty(visit, judged, user):
    patient = make.patient()
    for name in TABS:
        visit(reverse(name, args=[patient.pk]))
        judged(f"{name}-tom")


def test_the_tabs_are_accessible_for_a_protected_and_a_dead_patient(visit, seen, clinic, judged):
    Patient.objects.filter(pk=seen.pk).update(protection="sekretessmarkering")
    gone = dead(make.booked_visit(care_unit=clinic, start=tomorrow_at(9)).patient)
    for name in (*TABS, "book", "patient-deceased"):
        visit(reverse(name, args=[seen.pk]))
        judged(f"{name}-skyddad")
        visit(reverse(name, args=[gone.pk]))
        judged(f"{name}-avliden")
    visit(reverse("patient", args=[make.protected_patient().pk]))
    judged("skal")


def test_the_log_is_accessible_and_is_reached_by_those_who_review_logs(as_user, visit, clinic, judged, seen):
    as_user(make.staff(Role.AUDITOR, clinic))
    visit(reverse("patient-log", args=[seen.pk]))
    visit(reverse("patient-log", args=[seen.pk]))
    judged("patient-log")
    visit(reverse("access-log"))
    judged("atkomstlogg")


def test_booking_is_accessible_filled_empty_held_wrong_and_warned(browser_page, visit, seen, clinic, doctor, judged):
    fresh = make.patient()
    visit(reverse("book", args=[fresh.pk]))
    judged("boka-ny")
    visit(f"{reverse('book', args=[fresh.pk])}?besokstyp={make.visit_type('Sp Läk Återbesök').pk}")
    judged("boka-vh08")
    visit(reverse("book", args=[seen.pk]))
    judged("boka")
    browser_page.keyboard.press("Enter")
    browser_page.wait_for_url("**hallen=**")
    judged("boka-hallen")
    make.booked_visit(patient=seen, start=ResourceBooking.objects.get(state="held").period.lower)
    browser_page.keyboard.press("Control+Enter")
    browser_page.get_by_label("Varför?").wait_for()
    judged("boka-varning")
    closed = make.ResourceFactory(care_unit=clinic, open_all_hours=False)
    address = f"{reverse('book', args=[seen.pk])}?besokstyp={make.visit_type('Sp Läk Återbesök').pk}"
    visit(f"{address}&resurs={closed.pk}")
    judged("boka-tom")
    visit(f"{address}&fran=2026-13-01&till=x")
    judged("boka-fel")
    appointment = make.booked_visit(care_unit=clinic, patient=seen, resource=doctor, start=tomorrow_at(9))
    visit(reverse("appointment-reschedule", args=[appointment.pk]))
    judged("omboka")


def test_remisser_are_accessible(browser_page, visit, clinic, judged):
    visit(reverse("referrals"))
    judged("remisser-tom")
    referral = make.received_referral(care_unit=clinic)
    make.received_referral(care_unit=clinic, patient=make.protected_patient())
    visit(reverse("referrals"))
    judged("remisser")
    visit(reverse("referral", args=[referral.pk]))
    judged("remiss")
    browser_page.get_by_role("button", name="Acceptera").click()
    expect(browser_page.get_by_text("Det här behöver rättas")).to_be_visible()
    judged("remiss-fel")
