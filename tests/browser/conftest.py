"""What every journey in the browser has: a page signed in as somebody, and the question whether it is accessible."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import expect

from ..desk.signed_in import signed_in

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def as_user(transactional_db, live_server, page):
    """`as_user(user)` signs the page in with the user's first assignment; answers with the page. What the browser's
    console says against the page fails the test: script errors and breaches of the content security policy."""
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and "Content Security Policy" in message.text
            else None
        ),
    )

    def sign_in(user):
        cookie = signed_in(user).cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        return page

    yield sign_in
    assert complaints == []


@pytest.fixture
def visit(live_server, page):
    """`visit("/arbetslistor/")` opens the address in the signed-in page, with what it fetches when it has loaded."""

    def go(address):
        response = page.goto(f"{live_server.url}{address}")
        # Nothing is being fetched. Playwright's own "networkidle" is half a second of silence for every page.
        expect(page.locator(".htmx-request")).to_have_count(0)
        return response

    return go


def assert_accessible(page):
    """axe finds nothing, and nothing makes the page wider than the window."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.violations_count == 0, found.generate_report()
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], f"the page is {width[0]} wide in a window of {width[1]}"


def assert_accessible_also_narrow(page):
    """As assert_accessible, in the window as it is and 320 px wide."""
    assert_accessible(page)
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    assert_accessible(page)
    page.set_viewport_size(size)
