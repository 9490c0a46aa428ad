"""The catalogue role at work in a browser, under the strict content security policy (as_user fails on any breach)."""

from hashlib import sha256

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from registration.models import ContactReason, VisitType
from scheduling.models import LetterAttachment
from sdv.accounts.permissions import Role
from sdv.desk.demo.planning import pdf_of
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


def assert_a_change_is_seen(page):
    """The page of what changes: its heading has the focus. It answers a form and has no address of its own, so axe is asked
    of a copy."""
    expect(page.get_by_role("heading", name="Det här ändras", level=1)).to_be_focused()
    copy = page.context.new_page()
    copy.goto(page.url)
    copy.evaluate("html => { document.documentElement.innerHTML = html }", page.content())
    expect(copy.get_by_role("heading", name="Det här ändras", level=1)).to_be_visible()
    found = Axe().run(copy, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.response["violations"] == [], found.generate_report()
    copy.close()


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
    expect(page.get_by_text("Används inte av något än.")).to_be_visible()
    page.get_by_label("Giltig till").fill("2026-12-31")
    page.get_by_role("button", name="Spara", exact=True).first.click()
    assert_a_change_is_seen(page)
    page.get_by_role("button", name="Spara", exact=True).click()
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
    page.get_by_role("button", name="Spara", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    row.refresh_from_db()
    assert row.default_minutes == 45


def test_a_file_goes_out_is_changed_and_comes_in(catalogue_page, visit, tmp_path):
    """BO-01, KA-03: three files of resources, each with its two buttons; a bilaga's zip is chosen again for the yes."""
    page = catalogue_page
    resource = make.ResourceFactory(name="Rut Rask")
    visit("/admin/scheduling/resource/")
    for what in ("tidböcker", "extra tider", "resurser"):
        for word in ("Läs in", "Exportera"):
            expect(page.get_by_role("link", name=f"{word} {what}", exact=True)).to_be_visible()
    assert_only_known(page)
    with page.expect_download() as out:
        page.get_by_role("link", name="Exportera resurser").click()
    file = tmp_path / "resurser.csv"
    out.value.save_as(file)
    practitioner = resource.practitioner.hsa_id
    text = file.read_text(encoding="utf-8-sig").replace(f";{practitioner};;;", f";{practitioner};;;2030-12-31")
    file.write_text(text, encoding="utf-8")
    page.get_by_role("link", name="Läs in resurser").click()
    assert_only_known(page)
    page.get_by_label("Fil:", exact=True).set_input_files(file)
    page.get_by_role("button", name="Läs och jämför").click()
    expect(page.get_by_text("giltig_till: tomt → 2030-12-31")).to_be_visible()
    page.get_by_role("button", name="Låt raderna gälla").click()
    expect(page.locator(".messagelist .success")).to_have_text("Filen är inläst.")
    resource.refresh_from_db()
    assert str(resource.valid_to) == "2030-12-31"

    content = pdf_of(["Karta"])
    LetterAttachment.objects.create(name="Karta", pdf=content, sha256=sha256(content).hexdigest(), source="Prov")
    visit("/admin/scheduling/letterattachment/")
    assert_only_known(page)
    with page.expect_download() as out:
        page.get_by_role("link", name="Exportera brevbilagor").click()
    file = tmp_path / out.value.suggested_filename
    out.value.save_as(file)
    page.get_by_role("link", name="Läs in brevbilagor").click()
    page.get_by_label("Fil:", exact=True).set_input_files(file)
    page.get_by_role("button", name="Läs och jämför").click()
    expect(page.get_by_text("0 nya, 0 ändrade, 0 upphör, 1 lika.")).to_be_visible()
    page.get_by_label("Fil:", exact=True).set_input_files(file)
    page.get_by_role("button", name="Låt bilagorna gälla").click()
    expect(page.locator(".messagelist .success")).to_have_text("Brevbilagorna är inlästa.")


def test_a_change_is_seen_changed_more_and_saved_by_keyboard(catalogue_page, visit):
    """From the last field to the yes: Enter saves, what changes has the focus, Tab leads to Spara and to Ändra mer."""
    page = catalogue_page
    row = ContactReason.objects.get(name="minne")
    visit(f"/admin/registration/contactreason/{row.pk}/change/")
    page.get_by_label("Kallas även").focus()
    page.keyboard.type("glömska")
    page.keyboard.press("Enter")
    assert_a_change_is_seen(page)
    expect(page.get_by_role("row", name="Kallas även tomt glömska")).to_be_visible()
    expect(page.locator(".messagelist")).to_have_count(0)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Ändra mer")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_label("Kallas även")).to_have_value("glömska")
    page.get_by_label("Kallas även").focus()
    page.keyboard.press("End")
    page.keyboard.type("r")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="Kallas även tomt glömskar")).to_be_visible()
    row.refresh_from_db()
    assert row.alias == ""
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Spara", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist .success")).to_be_visible()
    row.refresh_from_db()
    assert row.alias == "glömskar"
