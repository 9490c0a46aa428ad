"""A user unsure which contact to register is led by questions to the right one (DI-09), with keys only."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.actions import clock
from registration.models import Encounter
from sdv.accounts.permissions import Role
from sdv.common.time import end_of_day, local, local_date, now

from .. import factories
from .conftest import assert_accessible_also_narrow


@pytest.fixture
def unit(transactional_db):
    return factories.HealthCentreFactory()


def answer(page, question, choice):
    """The radio of the question, chosen with the space bar; the next question or the answer comes by itself."""
    group = page.get_by_role("group", name=question)
    group.get_by_role("radio", name=choice, exact=True).focus()
    with page.expect_response(lambda response: reverse("contact-guide") in response.url):
        page.keyboard.press("Space")


def test_from_a_doubt_to_a_registered_contact(as_user, visit, unit):
    """DI-02, DI-04, DI-05, DI-09, VH-17: a call that replaced a visit, within a programme; the clock ends it."""
    patient = factories.patient()
    page = as_user(factories.staff(Role.CLINICIAN, unit))
    visit(reverse("contact-guide"))
    assert_accessible_also_narrow(page)
    answer(page, "Vem var kontakten med?", "Patienten")
    answer(page, "Hur skedde den?", "Telefon, eller bara ljud")
    answer(page, "Var kontakten en del av ett stöd- och behandlingsprogram i 1177?", "Ja")
    group = page.get_by_role("group", name="Ersätter kontakten ett besök?")
    group.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    answer(page, "Är eller blir kontakten antecknad i journalen?", "Ja")
    expect(page.get_by_role("heading", name="Registrera Kontakt utan besök")).to_be_visible()
    for words in ("KT", "med attributet SOB", "UW040 Stöd- och behandlingsprogram", "DI-02"):
        expect(page.locator("#guide")).to_contain_text(words)
    expect(page.locator("#guide")).not_to_contain_text("XS0")
    assert_accessible_also_narrow(page)
    page.get_by_role("link", name="Registrera kontakten").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{reverse('drop-in')}?**")
    page.locator("#id_identity").focus()
    page.keyboard.type(patient.identities.get().value)
    page.keyboard.press("Tab")
    expect(page.locator("input[name=contact_form]:checked")).to_have_value("phone")
    page.locator("#id_visit_type").select_option(label="Pv Ssk Återbesök")
    page.locator("#id_contact_reason").select_option(index=1)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{reverse('day')}?**")
    contact = Encounter.objects.get(patient=patient)
    assert (contact.type_id, contact.contact_form, contact.replaces_visit, contact.in_programme) == (
        "kontakt-utan-besok",
        "phone",
        True,
        True,
    )
    clock.auto_discharge(at=end_of_day(local_date(now())))
    visit(reverse("encounter", args=[contact.pk]))
    expect(page.get_by_text("Avslutad").first).to_be_visible()
    assert_accessible_also_narrow(page)
    contact.refresh_from_db()
    assert (contact.status, f"{local(contact.end):%H:%M}") == ("ended", "23:59")


def test_nothing_to_register_is_an_answer(as_user, visit, unit):
    """DI-01, DI-09"""
    page = as_user(factories.staff(Role.RECEPTIONIST, unit))
    visit(reverse("contact-guide"))
    answer(page, "Vem var kontakten med?", "Ingen: dokument, provsvar eller patient som inte kom")
    expect(page.get_by_role("heading", name="Inget att registrera")).to_be_visible()
    expect(page.get_by_role("link", name="Registrera kontakten")).to_have_count(0)
