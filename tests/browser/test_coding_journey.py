"""Klassificering in the browser, with keys only: one field, order, findings, klar and on to the next (ui.md 4.10)."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from classification import starter
from classification.actions import coding
from classification.models import CodedDiagnosis, EncounterCoding, FavouriteCode
from sdv.accounts.permissions import Role
from sdv.common.time import now

from .. import factories
from .conftest import assert_accessible, assert_accessible_also_narrow
from .keys import Keys

DAY = timedelta(days=1)


@pytest.fixture
def unit(transactional_db):
    starter.load()
    return factories.HealthCentreFactory()


@pytest.fixture
def page(page):
    page.set_default_timeout(8000)
    return page


def ended(unit, **fields):
    return factories.ended_visit(care_unit=unit, resource=factories.ResourceFactory(care_unit=unit), **fields)


def code(page, text):
    """Types a code or a word and presses Enter when the list shows."""
    page.keyboard.type(text)
    page.locator("#kod-options [role=option][aria-selected=true]").wait_for()
    page.keyboard.press("Enter")


def chosen(page):
    """The codes on the page, in order."""
    return page.locator(".codes .code").all_inner_texts()


def wait_for_codes(page, *codes):
    expect(page.locator(".codes .code")).to_have_text(list(codes))


def is_list(url):
    return urlsplit(url).path == "/klassificering/"


def said(page):
    return page.locator("#kodning-sagt").inner_text()


def test_the_list_is_coded_from_top_to_bottom_without_the_mouse(as_user, visit, unit):
    """K opens; a code of three to five signs and Enter; Ctrl+Enter saves and goes to the next; Z takes back."""
    first, second = ended(unit, at=now() - 2 * DAY), ended(unit, at=now() - DAY)
    page = as_user(factories.staff(Role.CODER, unit))
    visit("/klassificering/")
    page.keyboard.press("k")
    page.wait_for_url(f"**{reverse('encounter-coding', args=[first.pk])}")
    assert page.evaluate("document.activeElement.id") == "kod"
    code(page, "f41.1")
    wait_for_codes(page, "F41.1")
    assert page.evaluate("document.activeElement.id") == "kod", "Enter adds and keeps the focus"
    assert page.locator("#kod").input_value() == ""
    assert said(page) == "F41.1 är tillagd som huvuddiagnos."
    code(page, "du011")
    wait_for_codes(page, "F41.1", "DU011")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{reverse('encounter-coding', args=[second.pk])}")
    assert "Klassificeringen är klar för" in page.locator("#receipt").inner_text()
    first.refresh_from_db()
    assert first.is_coded
    page.get_by_role("button", name="Ångra").click()
    page.wait_for_url(f"**{reverse('encounter-coding', args=[first.pk])}")
    first.refresh_from_db()
    assert not first.is_coded


def test_a_known_code_is_added_without_waiting_for_the_list(as_user, visit, unit):
    """ui.md 4.10: the code and one key, however fast; what is not understood stays in the field."""
    encounter = ended(unit)
    page = as_user(factories.staff(Role.CODER, unit))
    visit(reverse("encounter-coding", args=[encounter.pk]))
    page.keyboard.type("f41.1")
    page.keyboard.press("Enter")
    wait_for_codes(page, "F41.1")
    expect(page.locator("#kod")).to_have_value("")
    page.keyboard.type("qqqq")
    page.keyboard.press("Enter")
    page.get_by_text("Ingen kod hittades för qqqq.").wait_for()
    expect(page.locator("#kod")).to_have_value("qqqq")
    expect(page.locator("#kod-options")).to_be_hidden()
    wait_for_codes(page, "F41.1")


def test_the_order_is_changed_with_alt_and_arrows_and_is_announced(as_user, visit, unit):
    """WCAG 2.5.7: buttons and Alt+↑↓; focus follows the row."""
    encounter = ended(unit)
    page = as_user(factories.staff(Role.CODER, unit))
    visit(reverse("encounter-coding", args=[encounter.pk]))
    code(page, "i10.9")
    wait_for_codes(page, "I10.9")
    code(page, "f41.1")
    wait_for_codes(page, "I10.9", "F41.1")
    page.locator("#ned-icd-10-se-I109").focus()
    page.keyboard.press("Alt+ArrowDown")
    wait_for_codes(page, "F41.1", "I10.9")
    assert said(page) == "F41.1 är nu huvuddiagnos."
    assert page.evaluate("document.activeElement.id") == "ned-icd-10-se-I109"
    page.keyboard.press("Alt+ArrowUp")
    wait_for_codes(page, "I10.9", "F41.1")
    assert said(page) == "I10.9 är nu huvuddiagnos."
    page.locator("#bort-icd-10-se-I109").press("Enter")
    wait_for_codes(page, "F41.1")
    assert page.evaluate("document.activeElement.id") == "kod"


def test_the_same_as_last_time_takes_two_keys(as_user, visit, unit):
    """ui.md 4.10: Alt+S, Ctrl+Enter."""
    patient = factories.patient()
    earlier, later = ended(unit, at=now() - 9 * DAY, patient=patient), ended(unit, at=now() - DAY, patient=patient)
    page = as_user(factories.staff(Role.CODER, unit))
    visit(reverse("encounter-coding", args=[earlier.pk]))
    code(page, "f41.1")
    wait_for_codes(page, "F41.1")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{reverse('encounter-coding', args=[later.pk])}")
    keys = Keys(page)
    keys.press("Alt+s")
    wait_for_codes(page, "F41.1")
    assert page.locator(".codes", has_text="Ej sparad").count() == 1
    keys.press("Control+Enter")
    page.wait_for_url(is_list)
    assert keys.count == 2
    assert EncounterCoding.objects.filter(is_complete=True).count() == 2


def test_the_second_of_two_is_told_and_adds_to_what_the_first_saved(as_user, visit, unit):
    """PL-27, BO-02: by keys only; nothing of either is lost, and the main diagnosis is common."""
    encounter = ended(unit)
    page = as_user(factories.staff(Role.CODER, unit))
    visit(reverse("encounter-coding", args=[encounter.pk]))
    code(page, "i10.9")
    wait_for_codes(page, "I10.9")
    coding.save_coding(
        encounter_id=encounter.pk, diagnoses=[{"code": "F411"}], procedures=[], atc=[], complete=False,
        by=factories.staff(Role.CODER, unit, name="Kim Kod"), at=now(),
    )  # fmt: skip
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Kim Kod sparade klassificeringen")
    expect(page.get_by_role("alert")).to_contain_text("Tillagt: F41.1")
    wait_for_codes(page, "I10.9")
    assert_accessible_also_narrow(page)
    page.get_by_role("button", name="Lägg mina koder efter de sparade").press("Enter")
    wait_for_codes(page, "F41.1", "I10.9")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(is_list)
    assert [row.code.code for row in CodedDiagnosis.objects.all()] == ["F411", "I109"]


def test_an_external_cause_is_chosen_by_what_happened_place_and_activity(as_user, visit, unit):
    """KL-03, R04: by keys only, and undone after the save."""
    encounter = ended(unit)
    page = as_user(factories.staff(Role.CODER, unit))
    visit(reverse("encounter-coding", args=[encounter.pk]))
    code(page, "s52.5")
    wait_for_codes(page, "S52.5")
    page.get_by_text("Lägg till yttre orsak").wait_for()
    page.locator("#yttre-icd-10-se-S525").press("Enter")
    event = page.get_by_label("Vad hände?")
    expect(event).to_be_focused()
    event.select_option("W01")
    assert_accessible_also_narrow(page)
    page.get_by_role("button", name="Välj plats och aktivitet").press("Enter")
    expect(page.get_by_label("Plats eller roll")).to_be_focused()
    page.get_by_label("Plats eller roll").select_option("0")
    page.get_by_label("Aktivitet").select_option("1")
    assert_accessible_also_narrow(page)
    page.get_by_role("button", name="Lägg till yttre orsak").press("Enter")
    wait_for_codes(page, "S52.5", "W01.01")
    assert said(page) == "W01.01 är tillagd som yttre orsak."
    expect(page.locator("#kod")).to_be_focused()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(is_list)
    page.get_by_role("button", name="Ångra").click()
    page.wait_for_url(f"**{reverse('encounter-coding', args=[encounter.pk])}")
    assert chosen(page) == []


def test_a_favourite_takes_two_keys_and_so_does_a_usual_code(as_user, visit, unit):
    """ui.md 4.10: ↓, Enter. A favourite is chosen on the row of a code and stands first; then what is used most."""
    user = factories.staff(Role.CODER, unit)
    before, encounter = ended(unit, at=now() - 2 * DAY), ended(unit, at=now() - DAY)
    FavouriteCode.objects.create(care_unit=unit, system_id="kva", code="DU011")
    page = as_user(user)
    visit(reverse("encounter-coding", args=[before.pk]))
    keys = Keys(page)
    keys.type("i10.9")
    keys.press("Enter")
    assert keys.count == 1, "a known code is its characters and one key"
    wait_for_codes(page, "I10.9")
    page.locator("#favorit-icd-10-se-I109").press("Enter")
    expect(page.locator("#favorit-icd-10-se-I109")).to_have_attribute("aria-pressed", "true")
    page.locator("#kod").focus()
    code(page, "f41.1")
    wait_for_codes(page, "I10.9", "F41.1")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{reverse('encounter-coding', args=[encounter.pk])}")

    keys = Keys(page)
    keys.press("ArrowDown")
    option = page.locator("#kod-options [role=option][aria-selected=true]")
    expect(option).to_contain_text("I10.9")
    groups = page.locator("#kod-options [role=group]")
    assert [groups.nth(at).get_attribute("aria-label") or "" for at in range(groups.count())] == [
        "Mina favoriter",
        "Enhetens favoriter",
        "Mina vanliga",
    ]
    assert_accessible(page)
    keys.press("Enter")
    wait_for_codes(page, "I10.9")
    assert keys.count == 2
    # The unit's favourite is one key further down, the usual code two.
    page.keyboard.press("ArrowDown")
    for _ in range(2):
        option.wait_for()
        page.keyboard.press("ArrowDown")
    expect(option).to_contain_text("F41.1")
    page.keyboard.press("Enter")
    wait_for_codes(page, "I10.9", "F41.1")


def test_errors_stop_klar_in_place_and_a_draft_is_not_left_unasked(as_user, visit, unit):
    """KL-06; ui.md 3.5."""
    encounter = ended(unit)
    page = as_user(factories.staff(Role.CODER, unit))
    visit(reverse("encounter-coding", args=[encounter.pk]))
    page.keyboard.press("Control+Enter")
    page.get_by_text("kan inte göras klar").wait_for()
    assert_accessible_also_narrow(page)
    page.locator("#kod").focus()
    code(page, "f41.1")
    wait_for_codes(page, "F41.1")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="Visa vårdhändelsen").click()
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert chosen(page) == ["F41.1"]
    page.keyboard.press("Control+Enter")
    page.wait_for_url(is_list)
    assert CodedDiagnosis.objects.count() == 1


def test_nothing_for_axe_to_find_in_any_state(as_user, visit, unit):
    """Filled and empty list; coding empty, filled with findings, not allowed, of a protected patient."""
    page = as_user(factories.staff(Role.SUPPORT, unit))
    visit("/klassificering/")
    assert_accessible_also_narrow(page)
    encounter = ended(unit, patient=factories.protected_patient())
    going_on = factories.arrived_visit(care_unit=unit)
    visit("/klassificering/")
    assert_accessible_also_narrow(page)
    visit(reverse("encounter-coding", args=[encounter.pk]))
    assert_accessible_also_narrow(page)
    page.locator("#kod").focus()
    for number, text in enumerate(("s52.5", "w01.01", "f41.1", "du011"), 1):
        code(page, text)
        expect(page.locator(".codes .code")).to_have_count(number)
    page.keyboard.type("ångest")
    page.locator("#kod-options [role=option]").first.wait_for()
    assert_accessible_also_narrow(page)
    visit_without_asking(page, visit, reverse("encounter-coding", args=[going_on.encounter_id]))
    assert_accessible_also_narrow(page)


def visit_without_asking(page, visit, address):
    page.once("dialog", lambda dialog: dialog.accept())
    visit(address)
