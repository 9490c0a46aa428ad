"""The catalogue role at work in a browser, under the strict content security policy (as_user fails on any breach)."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from registration.models import ContactReason, VisitType
from sdv.accounts.permissions import Role
from tests import factories as make

from .conftest import RULES

pytestmark = pytest.mark.django_db(transaction=True)

# What axe finds in the templates of Django's admin and is known: rows of a table have their labels in the heading only,
# and the heading's first cell is empty.
KNOWN_IN_THE_ADMIN = {"label", "empty-table-header", "select-name"}


@pytest.fixture
def catalogue_page(catalogues, as_user):
    return as_user(make.staff(Role.CATALOGUE_ADMIN, make.CareUnitFactory(), name="Kata Loggren"))


def assert_only_known(page):
    """Asked of the same address in a page of its own: axe itself tries inline styles on forms, which the policy stops."""
    address, page = page.url, page.context.new_page()
    page.goto(address)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    unknown = {violation["id"] for violation in found.response["violations"]} - KNOWN_IN_THE_ADMIN
    assert unknown == set(), found.generate_report()
    page.close()


def test_index_list_add_and_change_work(catalogue_page, visit):
    """A vårdkontaktsorsak is made, linked to a besökstyp, and given an end date."""
    page = catalogue_page
    assert visit("/admin/").status == 200
    expect(page.get_by_role("link", name="Vårdkontaktsorsaker")).to_be_visible()
    assert_only_known(page)

    page.get_by_role("link", name="Vårdkontaktsorsaker").click()
    page.locator("#searchbar").fill("minne")
    page.get_by_role("button", name="Sök").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    assert_only_known(page)

    visit("/admin/registration/contactreason/add/")
    assert_only_known(page)
    page.get_by_label("Benämning").type("hörselprov äldre")
    expect(page.get_by_label("Kod:")).to_have_value("horselprov-aldre")
    page.get_by_text("Lägg till ytterligare").click()
    page.locator("#id_visit_type_links-0-visit_type").select_option(label="Pv Ssk Återbesök")
    page.get_by_role("button", name="Spara", exact=True).first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    made = ContactReason.objects.get(code="horselprov-aldre")
    assert list(made.visit_type_links.values_list("visit_type__name", flat=True)) == ["Pv Ssk Återbesök"]

    visit(f"/admin/registration/contactreason/{made.pk}/change/")
    assert_only_known(page)
    page.get_by_label("Giltig till").fill("2026-12-31")
    page.get_by_role("button", name="Spara", exact=True).first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    made.refresh_from_db()
    assert str(made.valid_to) == "2026-12-31"


def test_a_visit_types_page_shows_what_is_fixed(catalogue_page, visit):
    """BT-01: what it is put together of is read, its length is changed."""
    page = catalogue_page
    row = VisitType.objects.get(name="Pv Ssk Återbesök")
    visit(f"/admin/registration/visittype/{row.pk}/change/")
    assert page.locator("[name=care_area]").count() == 0
    page.get_by_label("Vanlig längd i minuter").fill("45")
    page.get_by_role("button", name="Spara", exact=True).first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    row.refresh_from_db()
    assert row.default_minutes == 45
