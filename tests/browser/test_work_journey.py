"""Arbetslistor, Bokningsbegäran and the page of a vårdhändelse in the browser, with keys only: within the budgets of
ui.md 4.6, 4.8 and 4.9, focus where it should be, and nothing for axe to find in any state."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from scheduling import promises
from scheduling.models import AwaitedResult, BookingRequest, MissingFollowUp
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now

from .. import factories
from ..desk.signed_in import signed_in
from .conftest import assert_accessible, assert_accessible_also_narrow
from .keys import Keys

WEEK = timedelta(days=7)


@pytest.fixture
def clinic(transactional_db):
    return factories.SpecialisedClinicFactory()


@pytest.fixture
def page(page):
    """Nothing may take longer than a person would wait."""
    page.set_default_timeout(8000)
    return page


def visit_to(made, clinic, **fields):
    return made(care_unit=clinic, resource=factories.ResourceFactory(care_unit=clinic), **fields)


def awaited(clinic, **fields):
    visit_to(factories.checked_out_visit, clinic, outcome="await_result", **fields)
    return AwaitedResult.objects.order_by("-id").first()


def in_dialog(page):
    """Waits for the dialog and answers with it."""
    dialog = page.locator("dialog#dialog[open]")
    dialog.locator(".foot").wait_for()
    return dialog


def receipt(page, text):
    page.locator("#receipt", has_text=text).wait_for()


def focused(page):
    return page.evaluate("document.activeElement.id || document.activeElement.className")


LIST = "/arbetslistor/awaiting-result/"


# --- Work items -------------------------------------------------------------------------------------------------------


def test_an_outcome_is_chosen_with_three_keys(as_user, visit, clinic):
    """UT-04, ui.md 4.8: Enter, 1, Ctrl+Enter; the row is gone, the next has the focus."""
    item, following = awaited(clinic), awaited(clinic)
    page = as_user(factories.clinician(clinic))
    visit(LIST)
    assert focused(page) == f"patient-{item.pk}"
    keys = Keys(page)
    keys.press("Enter")
    in_dialog(page)
    assert page.locator("#panel-follow-up").is_hidden()
    keys.press("1")
    assert page.locator("#panel-follow-up").is_visible()
    keys.press("Control+Enter")
    receipt(page, "Uppföljning är begärd för")
    assert keys.count == 3
    assert focused(page) == f"patient-{following.pk}"
    assert page.locator(f"#rad-{item.pk}").count() == 0
    assert BookingRequest.objects.get().status == "open"
    assert not promises.broken(at=now()).exists()


def test_postponing_takes_two_keys(as_user, visit, clinic):
    """ui.md 4.8: S, Ctrl+Enter; a week is proposed."""
    item = awaited(clinic)
    page = as_user(factories.clinician(clinic))
    visit(LIST)
    keys = Keys(page)
    keys.press("s")
    in_dialog(page)
    keys.press("Control+Enter")
    receipt(page, "Uppskjuten till")
    assert keys.count == 2
    assert AwaitedResult.objects.get(pk=item.pk).watch_until == item.watch_until + WEEK


def test_an_answer_is_registered_and_the_commitment_ended_with_digits(as_user, visit, clinic):
    """UT-04, UT-03: A; Enter, 2, a digit for the reason, Ctrl+Enter."""
    item = awaited(clinic)
    page = as_user(factories.clinician(clinic))
    visit(LIST)
    Keys(page).press("a")
    receipt(page, "Svaret är registrerat för")
    keys = Keys(page)
    keys.press("Enter")
    in_dialog(page)
    keys.press("2", "1", "Control+Enter")
    receipt(page, "Vårdåtagandet är avslutat för")
    item.commitment.refresh_from_db()
    assert item.commitment.status == "closed"
    page.get_by_text("Inget att bevaka.").wait_for()


def test_a_refusal_is_told_in_the_dialog_where_the_choice_is_kept(as_user, visit, clinic):
    """UT-07: with the rule's id, focus on it; Esc goes back to the row."""
    item = awaited(clinic)
    page = as_user(factories.clinician(clinic))
    visit(LIST)
    page.keyboard.press("Enter")
    dialog = in_dialog(page)
    page.keyboard.press("3")
    page.keyboard.press("Control+Enter")
    dialog.get_by_text("Regel UT-07").wait_for()
    assert page.evaluate("document.activeElement.closest('.refusal') !== null")
    assert dialog.locator("input[value=nothing_more]").is_checked()
    assert_accessible(page)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('tr')?.id") == f"rad-{item.pk}"


def test_a_reason_that_is_missing_is_told_in_the_dialog(as_user, visit, clinic):
    """UT-03: 422 with the same form; the focus is on the summary."""
    awaited(clinic)
    page = as_user(factories.clinician(clinic))
    visit(LIST)
    page.keyboard.press("Enter")
    dialog = in_dialog(page)
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    dialog.locator(".errors").wait_for()
    assert "kräver en orsak" in dialog.locator(".errors").inner_text()
    assert page.evaluate("document.activeElement.classList.contains('errors')")
    assert page.locator("#panel-end").is_visible()
    assert_accessible(page)


def test_digits_narrow_the_list_and_escape_shows_all(as_user, visit, clinic):
    """ui.md 3.3: filtered on the client; nothing in the address."""
    first, second = awaited(clinic), awaited(clinic)
    digits = first.patient.identities.get().value[-4:]
    page = as_user(factories.clinician(clinic))
    visit(LIST)
    page.keyboard.type(digits)
    assert page.locator(f"#rad-{first.pk}").is_visible()
    assert page.locator(f"#rad-{second.pk}").is_hidden()
    assert digits not in page.url
    page.keyboard.press("Escape")
    assert page.locator(f"#rad-{second.pk}").is_visible()


def test_the_decision_works_without_scripts(browser, live_server, clinic):
    """ui.md 1.3: every page works by plain form posts."""
    item = awaited(clinic)
    cookie = signed_in(factories.clinician(clinic)).cookies[settings.SESSION_COOKIE_NAME]
    context = browser.new_context(java_script_enabled=False, locale="sv-SE")
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}{LIST}")
    page.get_by_role("link", name="Besluta").click()
    assert page.locator("h1").inner_text() == "Besluta"
    page.get_by_label("Uppföljning").first.check(force=True)
    page.get_by_role("button", name="Spara beslut").click()
    assert "Uppföljning är begärd för" in page.locator("#receipt").inner_text()
    item.refresh_from_db()
    assert item.status == "decided"
    context.close()


# --- Bokningsbegäran --------------------------------------------------------------------------------------------------


def test_the_request_in_the_list_is_booked_with_a_letter(as_user, visit, clinic):
    """ui.md 4.6: B leads to the booking page with the request."""
    request = factories.booking_request(care_unit=clinic)
    page = as_user(factories.receptionist(clinic))
    visit("/bokningsbegaran/")
    page.keyboard.press("b")
    page.wait_for_url(f"**{reverse('book', args=[request.patient_id])}?begaran={request.pk}")


def test_the_wished_resource_is_edited_in_its_place(as_user, visit, clinic):
    """BB-01: R, the arrow, Enter; the row has the focus again."""
    first, _ = factories.booking_request(care_unit=clinic), factories.booking_request(care_unit=clinic)
    resource = factories.ResourceFactory(care_unit=clinic)
    page = as_user(factories.receptionist(clinic))
    visit("/bokningsbegaran/")
    page.keyboard.press("r")
    select = page.locator(f"#resurs-{first.pk}-wished_resource")
    select.wait_for()
    assert focused(page) == f"resurs-{first.pk}-wished_resource"
    assert_accessible(page)
    select.select_option(label=resource.name)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(f"#andra-resurs-{first.pk}", has_text=resource.name).wait_for()
    receipt(page, "Önskad resurs är ändrad för")
    assert page.evaluate("document.activeElement.closest('tr')?.id") == f"rad-{first.pk}"
    first.refresh_from_db()
    assert first.wished_resource == resource


def test_a_request_is_closed_in_the_dialog(as_user, visit, clinic):
    request = factories.booking_request(care_unit=clinic)
    page = as_user(factories.receptionist(clinic))
    visit("/bokningsbegaran/")
    page.get_by_role("link", name="Avsluta").click()
    dialog = in_dialog(page)
    page.keyboard.press("Control+Enter")
    dialog.locator(".error", has_text="Ange varför.").wait_for()
    dialog.get_by_label("Varför avslutas den?").fill("Patienten har flyttat")
    page.keyboard.press("Control+Enter")
    receipt(page, "Bokningsbegäran är avslutad för")
    request.refresh_from_db()
    assert request.status == "closed"


def test_the_reasons_follow_the_visit_type_that_is_chosen(as_user, visit, clinic):
    """VO-02."""
    patient = factories.patient()
    page = as_user(factories.receptionist(clinic))
    visit(reverse("booking-request-create", args=[patient.pk]))
    chosen = factories.visit_type("Sp Läk Återbesök")
    offered = factories.ContactReason.objects.offered_for(chosen, local_date(now())).count()
    with page.expect_response("**/bokningsbegaran/orsaker/**"):
        page.get_by_label("Besökstyp").select_option(label=chosen.name)
    expect(page.locator("#id_contact_reason option")).to_have_count(offered + 1)
    page.get_by_label("Vårdkontaktsorsak").select_option(label="uppföljning ospecificerad")
    page.get_by_label("Begärt startdatum").fill("+1v")
    page.keyboard.press("Control+Enter")
    receipt(page, "Bokningsbegäran är sparad för")
    assert BookingRequest.objects.get().visit_type == chosen


# --- Vårdhändelse -----------------------------------------------------------------------------------------------------


def test_an_encounter_is_annulled_from_its_page(as_user, visit, clinic):
    """VH-12: the reason is asked for in the dialog, the page shows what became of it."""
    arrived = visit_to(factories.arrived_visit, clinic)
    page = as_user(factories.clinician(clinic))
    visit(reverse("encounter", args=[arrived.encounter_id]))
    page.get_by_role("link", name="Annullera").click()
    dialog = in_dialog(page)
    dialog.get_by_label("Skäl").fill("Fel patient")
    page.keyboard.press("Control+Enter")
    receipt(page, "Vårdhändelsen är annullerad för")
    assert page.locator(".line li").last.inner_text().startswith("Annullerad")
    arrived.encounter.refresh_from_db()
    assert arrived.encounter.type_id == "annullerad"


def test_ones_own_act_is_taken_back_with_one_press(as_user, visit, clinic):
    """PL-13."""
    user = factories.clinician(clinic)
    arrived = visit_to(factories.arrived_visit, clinic, by=user)
    page = as_user(user)
    visit(reverse("encounter", args=[arrived.encounter_id]))
    page.get_by_role("button", name="Ångra ankomst").click()
    receipt(page, "Ankomsten är ångrad för")
    assert page.locator(".line li[aria-current]").inner_text().startswith("Bokad")


# --- Accessible in every state ----------------------------------------------------------------------------------------


def test_nothing_for_axe_to_find_in_filled_empty_and_protected_lists(as_user, visit, clinic):
    """WCAG 2.2 AA at 1366 and 320 px."""
    page = as_user(factories.staff(Role.SUPPORT, clinic))
    visit("/arbetslistor/")
    assert_accessible_also_narrow(page)
    visit(LIST)
    assert_accessible_also_narrow(page)
    visit("/bokningsbegaran/")
    assert_accessible_also_narrow(page)
    item = awaited(clinic, patient=factories.protected_patient())
    AwaitedResult.objects.update(watch_until=local_date(now()) - timedelta(days=3))
    visit_to(factories.no_show, clinic)
    visit_to(factories.checked_out_visit, clinic, outcome="no_further_planning")
    visit_to(factories.arrived_visit, clinic)
    factories.accepted_referral(care_unit=clinic)
    requests = [
        factories.booking_request(care_unit=clinic, description="Ring före", wished_place="Filialen"),
        factories.booking_request(care_unit=clinic, patient=factories.protected_patient()),
        factories.booking_request(care_unit=clinic, addressee=factories.clinician(clinic)),
    ]
    missing = MissingFollowUp.objects.get()
    for address in (
        "/arbetslistor/",
        LIST,
        "/arbetslistor/to-book/",
        "/arbetslistor/missing-follow-up/",
        "/arbetslistor/no-shows/",
        "/arbetslistor/awaiting-check-out/",
        "/bokningsbegaran/",
        reverse("booking-request", args=[requests[0].pk]),
        reverse("booking-request", args=[requests[1].pk]),
        reverse("booking-request-close", args=[requests[0].pk]),
        reverse("booking-request-create", args=[requests[0].patient_id]),
        reverse("work-item-decide", args=["missing-follow-up", missing.pk]),
        reverse("work-item-postpone", args=["awaiting-result", item.pk]),
    ):
        visit(address)
        assert_accessible_also_narrow(page)


def test_nothing_for_axe_to_find_where_something_is_wrong(as_user, visit, clinic):
    """The error states: fields, filters, refusals, conflicts."""
    item = awaited(clinic)
    request = factories.booking_request(care_unit=clinic)
    page = as_user(factories.staff(Role.SUPPORT, clinic))
    visit("/bokningsbegaran/")
    page.locator("main summary").click()
    page.get_by_label("Startdatum från").fill("35/14")
    page.get_by_role("button", name="Filtrera").click()
    page.locator(".errors").wait_for()
    assert_accessible_also_narrow(page)
    visit(reverse("booking-request-create", args=[request.patient_id]))
    page.keyboard.press("Control+Enter")
    page.locator(".errors").wait_for()
    assert_accessible_also_narrow(page)
    visit(reverse("work-item-decide", args=["awaiting-result", item.pk]))
    page.get_by_role("button", name="Spara beslut").click()
    page.locator(".errors").wait_for()
    assert_accessible_also_narrow(page)
    visit(reverse("booking-request", args=[request.pk]))
    BookingRequest.objects.update(version=7)
    page.get_by_role("button", name="Spara").click()
    page.get_by_text("Uppgifterna har ändrats").wait_for()
    assert_accessible_also_narrow(page)


def test_nothing_for_axe_to_find_on_the_page_of_a_vardhandelse(as_user, visit, clinic):
    """Booked, going on, checked out, missed, cancelled; of a protected and of a dead patient."""
    page = as_user(factories.staff(Role.SUPPORT, clinic))
    made = [
        visit_to(factories.booked_visit, clinic),
        visit_to(factories.checked_out_visit, clinic, patient=factories.protected_patient()),
        visit_to(factories.no_show, clinic),
        visit_to(factories.cancelled_visit, clinic),
    ]
    for appointment in made:
        visit(reverse("encounter", args=[appointment.encounter_id]))
        page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
        assert_accessible_also_narrow(page)
    visit(reverse("encounter-annul", args=[made[0].encounter_id]))
    page.get_by_role("button", name="Annullera").click()
    page.locator(".errors").wait_for()
    assert_accessible_also_narrow(page)
