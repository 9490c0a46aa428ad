"""Statistik in the browser, by keyboard (ui.md 4.12): filters, figures, charts with their tables, files."""

import pytest

from classification.models import RegisterDelivery, RegisterReporter
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now

from .. import factories
from ..classification.worlds import contact, person
from .conftest import assert_accessible_also_narrow


@pytest.fixture
def unit(transactional_db):
    unit = factories.SpecialisedClinicFactory(name="Medicinmottagningen Provet")
    for number in range(24):
        who = person(sex="12"[number % 2], born=f"{1935 + number * 3}-02-03")
        day = 1 + number % 20
        kind = "Sp Läk Nybesök" if number % 3 else "Sp Ssk Återbesök"
        contact(
            unit, who, start=f"2026-10-{day:02d} 09:00", visit_type=kind, contact_form="phone" if number % 5 else ""
        )
        if number % 2:
            contact(unit, who, "slutenvard", f"2026-10-{day:02d} 10:00", f"2026-10-{day + number % 9:02d} 12:00")
    return unit


def test_a_manager_reads_a_month_without_the_mouse(as_user, visit, unit):
    """ST-01; WCAG 2.2: the filters are a form, the charts pictures with words, the numbers tables."""
    page = as_user(factories.staff(Role.MANAGER, unit))
    page.set_default_timeout(8000)
    visit("/statistik/?fran=2026-10-01&till=2026-10-31")
    assert page.locator("svg.chart").count() == 5
    assert_accessible_also_narrow(page)
    page.locator("#id_kon").focus()
    page.keyboard.press("k")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**kon=2**")
    assert page.locator(".figures b").first.inner_text() == "12"
    page.locator("section", has_text="Öppenvårdskontakter per vecka").locator("summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] table").first.is_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Hämta CSV").press("Enter")
    assert download.value.suggested_filename == "produktion-2026-10-01--2026-10-31.csv"
    assert_accessible_also_narrow(page)


def test_empty_and_faulty_reports_are_accessible_too(as_user, visit, unit):
    page = as_user(factories.staff(Role.MANAGER, unit))
    visit("/statistik/?fran=2020-01-01&till=2020-01-31")
    assert "Inga avslutade kontakter" in page.locator("main").inner_text()
    assert_accessible_also_narrow(page)
    visit(f"/statistik/?fran={local_date(now()).isoformat()}&till=2020-01-01")
    assert page.evaluate("document.activeElement.closest('.errors') !== null")
    assert_accessible_also_narrow(page)


def test_coding_quality_is_read_and_a_file_for_grouping_fetched(as_user, visit, unit):
    """ST-01, KL-07."""
    page = as_user(factories.staff(Role.MANAGER, unit))
    visit("/statistik/?fran=2026-10-01&till=2026-10-31")
    page.get_by_role("link", name="Kodningskvalitet").press("Enter")
    page.wait_for_url("**/statistik/kodning/")
    assert_accessible_also_narrow(page)
    page = as_user(factories.staff(Role.CODER, unit))
    visit("/leveranser/gruppering/?fran=2026-10-01&till=2026-10-31")
    assert_accessible_also_narrow(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Hämta CSV").press("Enter")
    assert download.value.suggested_filename == "gruppering-2026-10-01--2026-10-31.csv"


def test_a_delivery_is_looked_at_made_and_fetched_by_keyboard(as_user, visit, unit):
    """PAR-01: the layout that is not verified is said on every page."""
    RegisterReporter.objects.create(care_provider=unit.facility.care_provider, file_code="12")
    page = as_user(factories.staff(Role.CODER, unit))
    page.set_default_timeout(8000)
    visit("/leveranser/")
    assert "Layouten är inte verifierad" in page.locator("main").inner_text()
    assert_accessible_also_narrow(page)
    page.locator("#id_till").focus()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/leveranser/forhandsgranskning/**")
    assert_accessible_also_narrow(page)
    page.get_by_role("button", name="Framställ leveransen").press("Enter")
    page.get_by_role("heading", name="Leverans 20").wait_for()
    assert_accessible_also_narrow(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="SV_AD").press("Enter")
    assert download.value.suggested_filename.startswith("EJ_VERIFIERAD_PAR_12_SV_AD_")
    page.get_by_role("link", name="Kassera").press("Enter")
    page.locator("#id_reason").fill("Prov")
    assert_accessible_also_narrow(page)
    page.keyboard.press("Control+Enter")
    page.get_by_text("Kasserad").first.wait_for()
    assert RegisterDelivery.objects.get().state == "discarded"
    visit("/leveranser/")
    assert_accessible_also_narrow(page)
