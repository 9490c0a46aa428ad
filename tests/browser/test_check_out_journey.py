"""Check-out in the dialog with keys only, within the budgets at the top of ui.md: 4, 4, 3 (+1 warned), 4."""

import os
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.models import CareCommitment, Encounter
from scheduling.models import AwaitedResult, BookingRequest, MissingFollowUp
from sdv.common.time import end_of_day, local_date, now
from tests import factories as make

from .conftest import assert_accessible, assert_accessible_also_narrow
from .keys import Keys

PICTURES = os.environ.get("SDV_PICTURES", "")


@pytest.fixture
def clinic():
    return make.SpecialisedClinicFactory(name="Hjärtmottagningen Lunden")


@pytest.fixture
def user(clinic):
    return make.clinician(clinic, name="Anna Holm")


@pytest.fixture
def desk(as_user, user):
    return as_user(user)


def start_in(minutes):
    at = now()
    return min(at + timedelta(minutes=minutes), end_of_day(local_date(at)) - timedelta(minutes=61))


@pytest.fixture
def here(clinic):
    """Two patients who have come: the first is the one to check out."""
    ingela = make.patient(given_name="Ingela", surname="Persson")
    ingrid = make.patient(given_name="Ingrid", surname="Sjöö")
    return [
        make.arrived_visit(care_unit=clinic, patient=ingela, start=start_in(1)),
        make.arrived_visit(care_unit=clinic, patient=ingrid, start=start_in(62)),
    ]


def who(page, visit):
    return page.locator(f"#vem-{visit.encounter_id}")


def picture(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


@pytest.fixture
def at_the_row(desk, visit, here):
    """The day list with the focus on the first who has come."""
    visit(f"{reverse('day')}?vald={here[0].encounter_id}")
    expect(who(desk, here[0])).to_be_focused()
    return Keys(desk)


def opened(page):
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Checka ut besök")).to_be_visible()
    return dialog


def expect_saved(page, here):
    expect(page.locator("#receipt")).to_contain_text("Utcheckning registrerad för Persson, Ingela")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(who(page, here[0])).to_be_focused()
    expect(page.locator(f"#rad-{here[0].encounter_id}")).to_contain_text("Utcheckad")


def test_avsluta_takes_four_keys(desk, at_the_row, here):
    """UT-03: U, 1, the reason's digit, Ctrl+Enter."""
    keys = at_the_row
    keys.press("u")
    dialog = opened(desk)
    expect(dialog.locator("input:checked[name=outcome]")).to_have_count(0)
    expect(dialog.get_by_label("Vald patient")).to_contain_text("Persson, Ingela")
    picture(desk, "utcheckning")
    assert_accessible(desk)
    keys.press("1")
    expect(dialog.get_by_role("radio", name="Avsluta vårdåtagande på enhet")).to_be_checked()
    picture(desk, "utcheckning-avsluta")
    keys.press("1", "Control+Enter")
    expect_saved(desk, here)
    assert keys.count == 4
    commitment = CareCommitment.objects.get(pk=here[0].encounter.commitment_id)
    assert (commitment.status, commitment.close_reason) == ("closed", "färdigbehandlad")


def test_avvakta_takes_four_keys(desk, at_the_row, here, user):
    """UT-04: U, 2, the reason's digit, Ctrl+Enter."""
    keys = at_the_row
    keys.press("u")
    opened(desk)
    keys.press("2", "2")
    picture(desk, "utcheckning-avvakta")
    assert_accessible(desk)
    keys.press("Control+Enter")
    expect_saved(desk, here)
    assert keys.count == 4
    item = AwaitedResult.objects.get(encounter=here[0].encounter_id)
    assert (item.reason.name, item.responsible) == ("röntgensvar", user)


def test_ingen_ytterligare_planering_takes_three_keys_where_something_is_planned(desk, visit, here, clinic):
    """UT-05."""
    encounter = here[0].encounter
    make.booking_request(care_unit=clinic, patient=here[0].patient, commitment_id=encounter.commitment_id)
    visit(f"{reverse('day')}?vald={encounter.pk}")
    expect(who(desk, here[0])).to_be_focused()
    keys = Keys(desk)
    keys.press("u")
    opened(desk)
    keys.press("3", "Control+Enter")
    expect_saved(desk, here)
    assert keys.count == 3
    assert not MissingFollowUp.objects.exists()


def test_warned_it_takes_one_more(desk, at_the_row, here):
    """UT-05: the patient lands in Saknar återbesök."""
    keys = at_the_row
    keys.press("u")
    dialog = opened(desk)
    keys.press("3", "Control+Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("varken bokning eller bokningsbegäran")
    expect(dialog.get_by_role("alert")).to_be_focused()
    picture(desk, "utcheckning-varning")
    assert_accessible(desk)
    keys.press("Control+Enter")
    expect_saved(desk, here)
    assert keys.count == 4
    assert MissingFollowUp.objects.filter(encounter=here[0].encounter_id).count() == 1


def test_uppfoljning_with_the_proposal_takes_at_most_four_keys(desk, at_the_row, here, user):
    """UT-06."""
    keys = at_the_row
    keys.press("u")
    opened(desk)
    keys.press("4")
    picture(desk, "utcheckning-uppfoljning")
    assert_accessible_also_narrow(desk)
    keys.press("Control+Enter")
    expect_saved(desk, here)
    assert keys.count <= 4
    request = BookingRequest.objects.get(patient=here[0].patient)
    assert (request.visit_type, request.addressee) == (here[0].encounter.visit_type, user)


def test_a_choice_that_lacks_its_reason_is_told_in_the_dialog(desk, at_the_row, here):
    """The error summary takes the focus; nothing typed is lost."""
    keys = at_the_row
    keys.press("u")
    dialog = opened(desk)
    keys.press("2", "Control+Enter")
    expect(dialog.locator(".errors")).to_be_focused()
    expect(dialog.get_by_role("radio", name="Avvakta")).to_be_checked()
    assert_accessible(desk)
    assert Encounter.objects.get(pk=here[0].encounter_id).status == "in_progress"
    dialog.get_by_label("labsvar").press("Space")
    keys.press("Control+Enter")
    expect_saved(desk, here)


def test_a_refusal_stands_in_the_dialog_with_the_focus(desk, at_the_row, here, clinic):
    """UT-03: something is booked on the vårdåtagande."""
    make.booked_visit(
        care_unit=clinic,
        patient=here[0].patient,
        commitment=here[0].encounter.commitment,
        start=start_in(0) + timedelta(days=20),
    )
    keys = at_the_row
    keys.press("u")
    dialog = opened(desk)
    keys.press("1", "1", "Control+Enter")
    alert = dialog.get_by_role("alert")
    expect(alert).to_contain_text("Vårdåtagandet kan inte avslutas")
    expect(alert).to_be_focused()
    assert_accessible(desk)


def test_escape_closes_and_gives_the_focus_back(desk, at_the_row, here):
    keys = at_the_row
    keys.press("u")
    opened(desk)
    keys.press("Escape")
    expect(desk.get_by_role("dialog")).to_have_count(0)
    expect(who(desk, here[0])).to_be_focused()


def test_spara_och_nasta_goes_on_to_the_next_patient_and_says_so(desk, at_the_row, here):
    keys = at_the_row
    keys.press("u")
    dialog = opened(desk)
    keys.press("4", "Control+Shift+Enter")
    expect(dialog.get_by_label("Vald patient")).to_contain_text("Sjöö, Ingrid")
    expect(dialog.get_by_role("status").first).to_contain_text("Nästa patient: Sjöö, Ingrid")
    expect(dialog.locator("input:checked[name=outcome]")).to_have_count(0)
    picture(desk, "utcheckning-nasta")
    assert_accessible(desk)
    keys.press("4", "Control+Enter")
    expect(desk.locator("#receipt")).to_contain_text("Utcheckning registrerad för Sjöö, Ingrid")
    assert not Encounter.objects.filter(status="in_progress").exists()


def test_a_check_out_is_taken_back_with_one_key(desk, at_the_row, here):
    """PL-13."""
    keys = at_the_row
    keys.press("u")
    opened(desk)
    keys.press("4", "Control+Enter")
    expect_saved(desk, here)
    keys.press("z")
    expect(desk.locator("#receipt")).to_contain_text("Utcheckningen ångrad för Persson, Ingela")
    assert Encounter.objects.get(pk=here[0].encounter_id).status == "in_progress"
    assert not BookingRequest.objects.waiting().exists()


def test_enter_in_a_field_is_the_primary_button_and_no_other(desk, at_the_row, here):
    """Neither "nästa" nor "klassificera" nor "boka"."""
    keys = at_the_row
    keys.press("u")
    dialog = opened(desk)
    keys.press("4")
    dialog.get_by_label("Beskrivning").fill("Ring först")
    keys.press("Enter")
    expect_saved(desk, here)
    assert BookingRequest.objects.get(patient=here[0].patient).description == "Ring först"


def test_another_visit_type_brings_its_reasons(desk, at_the_row, here):
    """VO-02."""
    keys = at_the_row
    keys.press("u")
    dialog = opened(desk)
    keys.press("4")
    dialog.get_by_label("Besökstyp").select_option(label="Sp Läk Nybesök")
    expect(dialog.get_by_label("Vårdkontaktsorsak")).to_contain_text("bedömning ospecificerad")


def test_the_page_of_its_own_is_the_same_and_accessible(desk, visit, here):
    visit(reverse("check-out", args=[here[0].encounter_id]))
    expect(desk.get_by_role("heading", level=1)).to_have_text("Checka ut besök")
    picture(desk, "utcheckning-sida")
    assert_accessible_also_narrow(desk)
    desk.get_by_role("radio", name="Uppföljning").check()
    desk.get_by_role("button", name="Checka ut Ctrl Enter").click()
    expect(desk.locator("#receipt")).to_contain_text("Utcheckning registrerad för Persson, Ingela")
