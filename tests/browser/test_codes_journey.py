"""Koder in the browser with keys only: a word to a code and back to the tree (KL-03, KL-05)."""

from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import expect

from classification import starter
from classification.actions import imports
from classification.actions.releases import ReleaseFacts
from sdv.accounts.permissions import Role
from tests.classification import official_files as official

from .. import factories
from .conftest import assert_accessible_also_narrow

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)


@pytest.fixture
def unit(transactional_db):
    starter.load(at=AT)
    return factories.HealthCentreFactory()


def test_a_word_leads_to_a_code_and_the_tree_to_its_neighbours(unit, as_user, visit):
    page = as_user(factories.staff(Role.CODER, unit))
    assert visit("/kodverk/").status == 200
    assert_accessible_also_narrow(page)

    # The box has focus: a word, Enter, and the first hit with two keys.
    expect(page.get_by_label("Kod eller ord")).to_be_focused()
    page.keyboard.type("utmattning")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="F43.8A")).to_be_visible()
    assert_accessible_also_narrow(page)
    page.get_by_role("link", name="F43.8A").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="F43.8A Utmattningssyndrom")).to_be_visible()
    assert_accessible_also_narrow(page)

    # Up in the tree, and down again with the list's own keys.
    page.get_by_role("link", name="F43 Anpassningsstörningar").press("Enter")
    expect(page.get_by_role("heading", name="Under F43")).to_be_visible()
    expect(page.get_by_role("link", name="F43.0")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="F43.1 Posttraumatiskt stressyndrom (PTSD)")).to_be_visible()


def test_a_code_of_a_whole_list_tells_all_that_the_list_says(unit, as_user, visit):
    imports.import_now(
        facts=ReleaseFacts("icd-10-se", "2026", date(2026, 1, 1), "övning"), files=[official.icd()], by=None, at=AT
    )
    page = as_user(factories.staff(Role.CODER, unit))
    visit("/kodverk/icd-10-se/F438A/")
    for words in ("Utbrändhet UNS", "Exhaustio", "I andra utgåvor"):
        expect(page.get_by_text(words).first).to_be_visible()
    assert_accessible_also_narrow(page)
    visit("/kodverk/?kodsystem=icd-10-se")
    assert_accessible_also_narrow(page)
