"""The pages of the API: for whoever builds an integration, with the same look and the same demands as every other page."""

import pytest

from tests import factories

from .conftest import assert_accessible_also_narrow

pytestmark = pytest.mark.browser


def test_the_pages_of_the_api_are_accessible_with_and_without_login(as_user, visit, page, catalogues):
    visit("/api/docs/")
    assert page.get_by_role("heading", name="API-beskrivning", level=1).is_visible()
    assert_accessible_also_narrow(page)
    as_user(factories.receptionist())
    visit("/api/docs/")
    page.get_by_role("link", name="Tidbok", exact=True).click()
    assert page.get_by_role("heading", name="Lediga tider", level=2).is_visible()
    assert_accessible_also_narrow(page)
