"""Arbetslistor, Bokningsbegäran and the page of a vårdhändelse in the browser, with keys only: within the budgets of
ui.md 4.6, 4.8 and 4.9, focus where it should be, and nothing for axe to find in any state."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from scheduling import promises
from scheduling.models import AwaitedResult, BookingRequest, MissingFollowUp, SavedView
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


def test_the_waiting_list_is_worked_by_keys_from_the_top(as_user, visit):
    """ui.md 4.6: the top row booked with B, Enter, Ctrl+Enter and a kontaktförsök logged with K, Ctrl+Enter, each time
    with the next row selected; Shift+arrows mark, T assigns, A awaits an answer, a digit opens a saved view."""
    unit = factories.CareUnitFactory()
    resource = factories.ResourceFactory(care_unit=unit, profession="Ssk")
    user = factories.coordinator(unit)
    today = local_date(now())
    visited = factories.checked_out_visit(care_unit=unit, resource=resource, outcome="follow_up")
    after_visit = BookingRequest.objects.get()
    top, second, third, fourth = (
        factories.booking_request(care_unit=unit, wished_to=today + timedelta(days=days)) for days in range(1, 5)
    )
    SavedView.objects.create(user=user, care_unit=unit, name="Försenade", filters={"status": "late"})
    page = as_user(user)
    visit("/bokningsbegaran/")
    assert focused(page) == f"patient-{top.pk}"
    assert_accessible(page)

    keys = Keys(page)
    keys.press("b")
    expect(page.locator("button.who:focus")).to_be_visible()
    keys.press("Enter")
    expect(page.get_by_role("button", name="Boka Ctrl Enter")).to_be_focused()
    keys.press("Control+Enter")
    receipt(page, "Bokad")
    assert keys.count == 3
    assert BookingRequest.objects.get(pk=top.pk).status == "booked"
    expect(page.get_by_role("heading", name="Bokningsbegäran", exact=True)).to_be_visible()
    expect(page.get_by_text("Tiden är bokad:")).to_be_visible()
    assert focused(page) == f"patient-{second.pk}"
    assert_accessible_also_narrow(page)

    page.keyboard.press("ArrowDown")
    keys = Keys(page)
    keys.press("k")
    in_dialog(page)
    keys.press("Control+Enter")
    receipt(page, "Kontaktförsök (svarade inte) sparat för")
    assert keys.count == 2
    assert page.locator(f"#rad-{third.pk}").count() == 0
    assert focused(page) == f"patient-{fourth.pk}"

    page.keyboard.press("Shift+ArrowUp")
    assert focused(page) == f"patient-{second.pk}"
    assert page.locator("[name=rad]:checked").count() == 2
    page.keyboard.press("t")
    dialog = in_dialog(page)
    expect(dialog.get_by_label("Till")).to_be_focused()
    assert_accessible(page)
    dialog.get_by_label("Till").select_option(label=user.name)
    page.keyboard.press("Control+Enter")
    receipt(page, "2 begäran är ändrade")
    given = BookingRequest.objects.filter(addressee=user)
    assert {row.pk for row in given} == {second.pk, fourth.pk}

    # The list has the focus once its script has run on the new page.
    page.locator(".who:focus").wait_for()
    page.keyboard.press("End")
    assert focused(page) == f"patient-{after_visit.pk}"
    # With no row marked it is the row's own.
    page.keyboard.press("t")
    expect(in_dialog(page).get_by_text("1 begäran får en ny mottagare.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(f"#patient-{after_visit.pk}")).to_be_focused()
    page.keyboard.press("a")
    dialog = in_dialog(page)
    assert_accessible(page)
    dialog.get_by_label("Vad avvaktas?").select_option(index=1)
    page.keyboard.press("Control+Enter")
    receipt(page, "Avvaktar svar för")
    # The last row's neighbour is the one before it.
    assert focused(page) == f"patient-{fourth.pk}"
    item = AwaitedResult.objects.get()
    assert (item.encounter, item.responsible) == (visited.encounter, user)

    page.keyboard.press("F1")
    shown = page.locator("#help")
    assert "tilldela de markerade" in shown.inner_text()
    assert "avvakta ett svar" in shown.inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("9")
    expect(page.locator("[data-filter-status]")).to_contain_text("med 9")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(page.get_by_text("Inget att boka med de här filtren.")).to_be_visible()


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
    factories.open_commitment(patient=patient, care_unit=clinic)
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
