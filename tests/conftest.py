"""What all tests share: databases and the browser. The servers are started by tests/settings.py."""

import os
import shutil
from contextlib import nullcontext
from datetime import UTC, time

import pytest
import time_machine
from django.db import connection, connections
from django.test import TransactionTestCase

from sdv import celery  # noqa: F401  tasks belong to our Celery app also here
from sdv.common.time import ONE_DAY, at_local, local_date, now

from .databases import restore, template_database

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IS_CI = os.environ.get("CI") == "true"
NO_BROWSER = (
    "Chromium saknas: webbläsartesterna har INTE körts. Installera chromium (Debian: apt-get install chromium)."
)


# --- The clock ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def hour_of_the_day():
    """The suite begins at the last ten o'clock that has been, whatever the hour is, and time goes on from there: "in an
    hour" is a booking of today, also for who runs the tests at midnight. A test about another hour goes there itself
    (time_machine). The database's own clock stays what it is, and so do the keys it makes: it is never behind."""
    present = now()
    ten = at_local(local_date(present), time(10))
    if ten > present:
        ten = at_local(local_date(present) - ONE_DAY, time(10))
    with time_machine.travel(ten.astimezone(UTC), tick=True):
        yield


@pytest.fixture(scope="session")
def real_hour(hour_of_the_day):
    """A way back to the machine's clock, for tests that speak with programs of their own, and for those that follow the
    order of keys made here and keys made by PostgreSQL: neither knows another."""
    return lambda: time_machine.travel(time_machine.escape_hatch.datetime.datetime.now(UTC), tick=True)


@pytest.fixture(autouse=True)
def hour_of_the_browser(request, real_hour):
    """A browser keeps time itself: what it is told by a server of another hour is old to it."""
    with real_hour() if "browser" in request.fixturenames else nullcontext():
        yield


@pytest.fixture
def at_the_real_hour(real_hour):
    """The whole test by the machine's clock."""
    with real_hour():
        yield


# --- Databases --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Each worker's database is copied from the migrated template; after a test with real transactions it is copied
    anew, where Django would empty the tables and the catalogues with them."""
    template = template_database()
    connections["default"].settings_dict["TEST"]["TEMPLATE"] = template
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: restore(connections["default"], template))
        yield


@pytest.fixture
def catalogues(db):
    """The catalogues, which every test database has from its template."""


@pytest.fixture
def as_application(db):
    """The test has the rights of the application's role, not the owner's, until its transaction is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE sdv")


# --- Browser ----------------------------------------------------------------------------------------------------


def pytest_configure(config):
    if IS_CI and CHROMIUM is None:
        raise pytest.UsageError(NO_BROWSER + " I CI är det ett fel.")


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("browser") and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason=NO_BROWSER))


def pytest_terminal_summary(terminalreporter):
    if CHROMIUM is None:
        terminalreporter.section("OBS", sep="!", red=True, bold=True)
        terminalreporter.line(NO_BROWSER, red=True, bold=True)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's Chromium. Without its sandbox only because CI runs as root; it visits our own pages alone."""
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": [
            "--no-sandbox",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {
        **browser_context_args,
        "locale": "sv-SE",
        "timezone_id": "Europe/Stockholm",
        "viewport": {"width": 1366, "height": 768},
        "reduced_motion": "reduce",
    }
