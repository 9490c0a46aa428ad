"""Bokningsbegäran and Att boka on an ordinary screen, and brev to those who wait, with keys only; accessible in every state
(KA-01, PL-08, PL-10, ui.md 3.3, 4.6)."""

import os
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.actions import referrals
from registration.models import AddressKind, PatientAddress, Referral
from scheduling.actions import contact_attempts, invitations, work_items, working
from scheduling.models import ContactAttempt, Letter, LetterText
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from tests.clinic import Clinic

from .conftest import assert_accessible_also_narrow
from .keys import Keys

PICTURES = os.environ.get("SDV_PICTURES", "")
LIST, TO_BOOK = reverse("booking-requests"), reverse("work-list", args=["to-book"])
DAY = timedelta(days=1)


@pytest.fixture
def clinic(transactional_db, catalogues):
    clinic = Clinic(name="Ortopedmottagningen Universitetssjukhuset Norr")
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    return clinic


@pytest.fixture
def desk(as_user, clinic):
    page = as_user(clinic.staff(Role.COORDINATOR))
    page.set_default_timeout(8000)
    return page


def judge(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
    assert_accessible_also_narrow(page)


def at_home(clinic, **fields):
    patient = clinic.patient(**fields)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def waits(clinic, days=30, **fields):
    today = local_date(now())
    patient = fields.pop("patient", None) or at_home(clinic)
    told = {"visit_type": clinic.nurse_visit, "contact_reason": clinic.reason, "wished_from": today - 40 * DAY}
    told |= {"patient_id": patient.pk, "care_unit": clinic.unit, "wished_to": today + days * DAY}
    told |= {"commitment_id": clinic.in_care(patient).pk}
    return work_items.request_booking(**(told | fields), by=clinic.nurse, at=now())


def crowded(clinic):
    """A row in which every column says something and every tag stands."""
    row = waits(
        clinic,
        -38,
        patient=at_home(clinic, surname="Abdirahman-Lindström", given_name="Maximiliana"),
        wished_place="Universitetssjukhuset, mottagning 3",
        wished_resource=clinic.nurse_resource,
        description="Önskar förmiddag, behöver lyft och ledsagare, ringer själv om hen kan komma tidigare",
        addressee=clinic.doctor,
    )
    told = {"subject": "booking_request", "row_id": row.pk, "by": clinic.nurse}
    contact_attempts.record(**told, method="phone", result="no_answer", at=now() - 3 * DAY)
    invitations.invite(**told, last_day=local_date(now()) + 14 * DAY, at=now() - 2 * DAY)
    working.at_work(row, by=clinic.doctor, at=now())
    return row


def receipt(page, text):
    expect(page.locator("#receipt")).to_contain_text(text)


@pytest.mark.parametrize("width", [1366, 1440])
@pytest.mark.parametrize("place", [LIST, TO_BOOK])
def test_every_button_of_a_row_is_on_the_screen(desk, visit, clinic, place, width):
    """ui.md 1.4, 4.6: neither the page nor the table scrolls sideways, at normal density."""
    for days in (-3, 5, 40):
        waits(clinic, days)
    crowded(clinic)
    for problem in range(3):
        clinic.commitment(at_home(clinic, surname=f"Abdirahman-Lindström {problem}"))
    # Of a shared list, whose rows say where the patient waits, and with a target date that has passed.
    Referral.objects.update(medical_target_date=local_date(now()) - 12 * DAY)
    desk.set_viewport_size({"width": width, "height": 768 if width == 1366 else 900})
    visit(place)
    if PICTURES:
        desk.screenshot(path=f"{PICTURES}/{place.strip('/').replace('/', '-')}-{width}.png")
    assert desk.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert desk.evaluate("[...document.querySelectorAll('.tablewrap')].map(w => w.scrollWidth - w.clientWidth)") == [0]
    assert desk.locator("tbody .act .btn").count() >= 9
    # Two lines of buttons in an ordinary row: as many rows on the screen as there can be.
    heights = desk.locator("tbody tr:not(:first-child)").evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert max(heights) <= 60
    outside = "buttons => buttons.filter(b => b.getBoundingClientRect().right > innerWidth).length"
    assert desk.locator("tbody .act .btn").evaluate_all(outside) == 0
    judge(desk, f"lista-{width}")
    if PICTURES:
        desk.set_viewport_size({"width": 320, "height": 640})
        desk.screenshot(path=f"{PICTURES}/{place.strip('/').replace('/', '-')}-320.png")


def test_three_are_marked_and_written_to_with_keys_alone(desk, visit, clinic):
    """KA-01, PL-10: Shift+↓ twice, E, the digit of the letter, Ctrl+Enter; the receipt says so and the list hides them."""
    rows = [waits(clinic, days) for days in (1, 2, 3, 20)]
    visit(LIST)
    keys = Keys(desk)
    keys.press("Shift+ArrowDown")
    keys.press("Shift+ArrowDown")
    keys.press("e")
    sheet = desk.get_by_role("dialog")
    expect(sheet.get_by_text("Till 3 som väntar")).to_be_visible()
    expect(sheet.get_by_role("radio").first).to_be_focused()
    judge(desk, "skriv-brev")
    keys.press("1")
    expect(sheet.get_by_role("radio", name="Väntelistebrev")).to_be_checked()
    keys.press("Control+Enter")
    receipt(desk, "Väntelistebrev skrivet till 3 patienter")
    assert keys.count == 5
    expect(desk.get_by_text("3 har kontaktats i dag och visas inte.")).to_be_visible()
    assert set(Letter.objects.values_list("booking_request", "kind")) == {(row.pk, "waiting") for row in rows[:3]}
    assert ContactAttempt.objects.filter(method="letter").count() == 3
    judge(desk, "skrivna-brev")


def test_the_row_at_hand_is_written_to_read_first_and_what_does_not_fit_is_told(desk, visit, clinic):
    """PL-08: E on the row; Visa brevet; with a misfit among the marked nothing is saved until it is left out."""
    row, other = waits(clinic, 1), waits(clinic, 2)
    visit(LIST)
    Keys(desk).press("e")
    sheet = desk.get_by_role("dialog")
    sheet.get_by_role("radio", name="Ring oss").check()
    sheet.get_by_role("button", name="Visa brevet").click()
    expect(sheet.get_by_role("heading", name="Så blir brevet")).to_be_visible()
    expect(sheet.locator(".letter .lines").first).to_have_css("white-space", "pre-line")
    judge(desk, "skriv-brev-visat")
    desk.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    desk.locator(f"#val-{other.pk}").check()
    desk.locator(f"#patient-{row.pk}").focus()
    desk.keyboard.press("e")
    expect(sheet.get_by_text("Till 2 som väntar")).to_be_visible()
    work_items.close_request(request_id=other.pk, reason="Vill inte", by=clinic.nurse, at=now())
    sheet.get_by_role("radio", name="Ring oss").check()
    desk.keyboard.press("Control+Enter")
    expect(sheet.get_by_text("1 av raderna kan inte få brevet, och inget är skrivet.")).to_be_visible()
    judge(desk, "skriv-brev-passar-inte")
    assert Letter.objects.count() == 0
    desk.keyboard.press("Control+Enter")
    receipt(desk, "Ring oss ska skrivas ut. För")
    assert Letter.objects.get().booking_request == row


def test_a_remiss_in_att_boka_is_written_to_with_its_key(desk, visit, clinic):
    """VA-03: of a remiss the remissbekräftelse too."""
    clinic.commitment(at_home(clinic))
    visit(TO_BOOK)
    keys = Keys(desk)
    keys.press("e")
    expect(desk.get_by_role("dialog").get_by_role("radio")).to_have_count(3)
    keys.press("3")
    keys.press("Control+Enter")
    receipt(desk, "Remissbekräftelse ska skrivas ut. För")
    assert (keys.count, Letter.objects.get().kind) == (3, "referral_receipt")
    judge(desk, "att-boka-brev")


def test_control_enter_presses_the_button_of_a_form_that_has_one_alone(desk, visit, clinic):
    """ui.md 3.3: the corrections of a remiss, whose button is not the page's primary one."""
    made = referrals.register(
        patient_id=at_home(clinic).pk,
        care_unit=clinic.unit,
        kind="E",
        arrival_date=local_date(now()) - DAY,
        by=clinic.nurse,
        at=now(),
    )
    visit(reverse("referral", args=[made.pk]))
    desk.get_by_text("Rätta uppgifterna").click()
    form = desk.locator("form", has=desk.get_by_role("button", name="Spara rättelsen"))
    expect(form).to_be_visible()
    form.get_by_label("Ankom").first.focus()
    desk.keyboard.press("Control+Enter")
    # What is missing is told: it was pressed.
    expect(form.locator(".error").first).to_be_visible()
    judge(desk, "remiss-rattas")
