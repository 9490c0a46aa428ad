"""PA-04 in the browser, with keys only: somebody who is no patient yet is found in the population register and chosen; with
the register down, work goes on and the page says how old what it shows is."""

import pytest
from playwright.sync_api import expect

from registration.models import Patient

from .. import factories
from ..registers import connected, person
from .conftest import assert_accessible_also_narrow
from .keys import Keys

NUMBER = "199002222397"


@pytest.fixture
def clinic(transactional_db):
    return factories.CareUnitFactory()


def search(page, keys, visit, text):
    visit("/patienter/")
    keys.type(text)
    keys.press("Enter")


def test_somebody_new_is_chosen_and_a_register_that_is_down_stops_nobody(as_user, visit, page, clinic):
    as_user(factories.receptionist(clinic))
    keys = Keys(page)
    with connected(person(NUMBER), seconds=2) as simulator:
        search(page, keys, visit, "900222-2397")
        expect(page.get_by_text("Finns i folkbokföringen, inte här ännu")).to_be_visible()
        assert_accessible_also_narrow(page)
        expect(page.get_by_role("button", name="Välj personen")).to_be_focused()
        keys.press("Enter")
        page.wait_for_url("**/patienter/*-*/")
        expect(page.locator("#receipt")).to_contain_text("Hämtad ur folkbokföringen")
        expect(page.get_by_text("Provgatan 1").first).to_be_visible()
        assert NUMBER not in page.url
        Patient.objects.update(register_asked_on=None)
        simulator.fail("slow")
        search(page, keys, visit, NUMBER)
        page.wait_for_url("**/patienter/*-*/")
        expect(page.locator("#receipt")).to_contain_text(
            "Folkbokföringen svarar inte. Uppgifterna är senast bekräftade"
        )
        assert_accessible_also_narrow(page)
