"""The tab Patient by keyboard: a phone is changed in three keys and the number (ui.md 4.4)."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.actions import contact
from sdv.common.time import now

from .. import factories
from .conftest import assert_accessible, assert_accessible_also_narrow
from .keys import Keys


@pytest.fixture
def unit(transactional_db):
    return factories.CareUnitFactory()


def test_a_phone_is_changed_in_three_keys_and_the_number(as_user, visit, unit):
    """PA-05, PA-06"""
    patient = factories.patient()
    user = factories.receptionist(unit)
    contact.add_phone(patient_id=patient.pk, number="070-174 06 05", by=user, at=now(), allows_sms=True)
    page, keys = as_user(user), None
    visit(reverse("patient", args=[patient.pk]))
    assert_accessible_also_narrow(page)
    keys = Keys(page)
    keys.press("Alt+t")
    expect(page.locator("#id_number")).to_be_focused()
    assert_accessible(page)
    keys.press("Control+a")
    keys.type("+45 32 12 34 56")
    keys.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Telefonnumret sparat för")
    assert keys.count == 3
    phone = patient.phones.get()
    assert (phone.number, phone.is_preferred, phone.sms_consent_at) == ("+4532123456", True, None)
    expect(page.locator("#telefon")).to_contain_text("+45 32 12 34 56")


def test_what_is_wrong_is_said_where_it_is_and_nothing_typed_is_lost(as_user, visit, unit):
    """PA-07, ui.md 3.5"""
    patient = factories.patient()
    page = as_user(factories.receptionist(unit))
    visit(reverse("patient-edit", args=[patient.pk, "adress"]))
    page.locator("#id_kind").select_option(label="Tillfällig adress")
    page.locator("#id_street").fill("Strandvägen 2")
    page.locator("#id_street").press("Control+Enter")
    expect(page.locator("#id_valid_from_error")).to_contain_text("kräver från- och tilldatum")
    expect(page.locator("#id_street")).to_have_value("Strandvägen 2")
    assert_accessible_also_narrow(page)
    page.locator("#id_valid_from").fill("idag")
    page.locator("#id_valid_to").fill("+14d")
    page.locator("#id_valid_to").press("Control+Enter")
    expect(page.locator("#adress")).to_contain_text("Strandvägen 2")
    assert patient.addresses.count() == 1
