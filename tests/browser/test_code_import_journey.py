"""A catalogue keeper reads in a code list and finds a new code, under the strict content security policy (KL-05)."""

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from classification.models import Code, CodeImport
from sdv.accounts.permissions import Role
from tests import factories as make
from tests.classification import official_files as official

from .test_administration import assert_only_known

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def catalogue_page(catalogues, as_user):
    return as_user(make.staff(Role.CATALOGUE_ADMIN, make.CareUnitFactory(), name="Kata Loggren"))


def test_a_release_is_read_in_looked_at_and_let_into_effect(catalogue_page, visit, tmp_path):
    page = catalogue_page
    assert visit("/admin/classification/codeimport/").status == 200
    assert_only_known(page)
    page.get_by_role("link", name="Läs in en utgåva").click()
    assert_only_known(page)

    wrong = tmp_path / "fel.tsv"
    wrong.write_bytes(b"trasig")
    page.get_by_label("Utgåva:").fill("2026")
    page.get_by_label("Giltig från").fill("2026-01-01")
    page.get_by_label("Källa").fill("övning")
    page.get_by_label("Filer:").set_input_files(str(wrong))
    page.get_by_role("button", name="Läs och jämför").click()
    expect(page.get_by_text("fel.tsv känns inte igen som en fil för ICD-10-SE")).to_be_visible()
    # What was typed stands there still; only the file is chosen again.
    expect(page.get_by_label("Utgåva:")).to_have_value("2026")

    good = tmp_path / "icd-10-se.tsv"
    good.write_bytes(official.icd().content)
    page.get_by_label("Filer:").set_input_files(str(good))
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Läs och jämför").press("Enter")
    expect(page.get_by_text("16 koder: 16 nya, 0 ändrade, 0 upphör, 0 lika.")).to_be_visible()
    assert Code.objects.count() == 0
    assert_only_known(page)

    page.get_by_role("button", name="Låt utgåvan gälla").press("Enter")
    expect(page.locator(".messagelist")).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text("Väntar på att läsas in.")
    assert_only_known(page)
    # The page asks by itself, and shows when the clock's job has carried it out.
    call_command("run_job", "code-imports", verbosity=0)
    expect(page.locator(".messagelist .success")).to_have_text("Utgåvan är inläst och gäller från 2026-01-01.")
    expect(page.get_by_text("Väntar på att läsas in.")).to_have_count(0)
    assert CodeImport.objects.get().state == "in_effect"
    assert_only_known(page)

    visit("/kodverk/?sok=utbrändhet")
    expect(page.get_by_role("link", name="F43.8A")).to_be_visible()
