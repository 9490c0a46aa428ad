"""The scripts and components in a real browser, on small pages of their own: keys, dialogs, palette, live lists."""

import threading
from datetime import date
from socketserver import ThreadingMixIn
from types import SimpleNamespace
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.template import engines
from django.test import override_settings
from django.urls import path
from django_cotton.compiler_regex import CottonCompiler

from sdv.common.dates import parse_date, parse_time
from sdv.common.errors import RuleError
from sdv.desk.context import NAVIGATION
from sdv.desk.views import gallery

from .test_components import Actor

TODAY = date(2026, 11, 21)
LIST = {"version": 1, "is_reachable": True}


class EveryoneMayEverything:
    """In place of the session's actor: these pages need no login."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.actor = Actor()
        request.actor.may = lambda permission: True
        request.session = {"preferences": {"shortcuts": "quiet" not in request.GET}}
        return self.get_response(request)


ROWS = """<tbody data-version="{{ version }}">{% for row in rows %}
<tr id="row-{{ row.pk }}" data-digits="{{ row.identity }}"><td>{{ row.clock }}</td>
<td><a class="who" id="who-{{ row.pk }}" href="/opened/" hx-get="/detail/" hx-target="#detail" hx-trigger="rowselect">
{{ row.name }}</a></td><td><input name="note-{{ row.pk }}" aria-label="Notering, {{ row.name }}"></td><td class="act">
<a class="btn small" id="out-{{ row.pk }}" href="/check-out/" hx-get="/check-out/" hx-target="#dialog" data-key="U">
Checka ut<span class="vh">, {{ row.name }}</span></a></td></tr>{% endfor %}</tbody>"""

LIST_PAGE = (
    """{% extends "layouts/base.html" %}{% load ui %}
{% block head %}<c-page-head heading="Lista"><c-live at="09:00:00" /></c-page-head>{% endblock %}
{% block content %}<c-table label="Besök" id="visits" list poll="/rows/" version="1" data-autofocus="true">
<c-slot name="head"><th scope="col">Tid</th><th scope="col">Patient</th><th scope="col">Notering</th>
<th scope="col"><span class="vh">Åtgärd</span></th></c-slot>"""
    + ROWS
    + """</c-table><div id="detail"></div>
<form method="post" action="/slow/" id="plain">{% csrf_token %}<c-button label="Skicka" /></form>{% endblock %}"""
)

CHECK_OUT = """{% load ui %}<form method="post" action="/check-out/" hx-post="/check-out/" hx-target="#dialog" data-guard
novalidate>{% csrf_token %}<c-sheet heading="Checka ut besök" :band="bands.0" close="/list/">
<c-outcomes legend="Vad händer efter besöket?" name="outcome" :choices="choices" />
<fieldset id="panel-close"><legend>Avsluta</legend><div class="field"><label for="why">Orsak</label>
<select class="input" id="why" name="why" data-reasons><option value="">Välj orsak</option>
<option value="done">Färdigbehandlad</option><option value="wish">Patientens önskan</option></select></div></fieldset>
<fieldset id="panel-await"><legend>Avvakta</legend><c-date-field label="Bevakas" name="watch" /></fieldset>
<c-slot name="foot"><c-button primary label="Checka ut" key="Ctrl Enter" /></c-slot></c-sheet></form>"""

SAVED = """{% load ui %}<div class="receipt" id="receipt" role="status" hx-swap-oob="true">{{ said }}</div>"""


def answer(request, text, status=200, **context):
    template = engines["django"].from_string(CottonCompiler().process(text))
    return HttpResponse(template.render(gallery.context() | {"heading": "Lista"} | context, request), status=status)


def show_list(request):
    return answer(request, LIST_PAGE, version=1)


def show_rows(request):
    if not LIST["is_reachable"]:
        return HttpResponse(status=503)
    if request.GET["version"] == str(LIST["version"]):
        return HttpResponse(status=204)
    first, second, third = gallery.context()["rows"]
    first.clock, second.clock = "09:31", "09:46"
    new = SimpleNamespace(pk=9, clock="12:00", name="Öst, Märta", identity="19480618-9827")
    return answer(request, ROWS, rows=[third, second, first, new], version=LIST["version"])


def check_out(request):
    if request.method == "GET":
        return answer(request, CHECK_OUT)
    if request.POST["outcome"] == "none" and "overrule" not in request.POST:
        raise RuleError("UT-05", "Bokning saknas.", is_warning=True)
    said = " ".join(request.POST.get(name, "") for name in ("outcome", "why", "overrule")).strip()
    response = answer(request, SAVED, said=f"Sparat: {said}")
    response["HX-Trigger"] = "close-dialog"
    return response


def search(request):
    return answer(request, '<c-options :groups="groups" />')


def reached(request):
    return HttpResponse("<title>framme</title>framme")


urlpatterns = [
    *[path(f"{page.url_name}/".replace(":", "-"), reached, name=page.url_name.split(":")[-1]) for page in NAVIGATION],
    path("gallery/", gallery.gallery),
    path("list/", show_list),
    path("rows/", show_rows),
    path("detail/", lambda request: HttpResponse("<p>detalj</p>")),
    path("check-out/", check_out),
    path("palette/", search, name="palette"),
    path("opened/", reached),
    # What a browser asks of a page that names no icon, as the bare pages above.
    path("favicon.ico", lambda request: HttpResponse(status=204)),
]


class ThreadedServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args):
        """Test output stays readable."""


@pytest.fixture(scope="module")
def address():
    """The pages above behind the real middleware for requests, security, policy and refusals; no database."""
    middleware = [
        "sdv.common.requests.RequestIdMiddleware",
        "csp.middleware.CSPMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        f"{__name__}.EveryoneMayEverything",
        "sdv.desk.refusals.RefusalMiddleware",
    ]
    processors = ["django.template.context_processors.request", "sdv.desk.context.frame"]
    from django.conf import settings

    options = settings.TEMPLATES[0]["OPTIONS"] | {"context_processors": processors}
    templates = [settings.TEMPLATES[0] | {"OPTIONS": options}]
    changes = {"ROOT_URLCONF": __name__, "MIDDLEWARE": middleware, "TEMPLATES": templates, "SDV_DEMO": True}
    with override_settings(**changes, CSRF_COOKIE_SECURE=False):
        server = ThreadedServer(("127.0.0.1", 0), QuietHandler)
        server.set_app(StaticFilesHandler(WSGIHandler()))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def at(page, address):
    """Opens a page; at the end nothing may have been complained of in the console (expected refusals aside)."""
    LIST.update(version=1, is_reachable=True)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def go(where):
        page.goto(address + where)
        page.wait_for_function("window.htmx && document.readyState === 'complete'")
        page.wait_for_timeout(50)

    yield go
    assert [text for text in complaints if "status of 409" not in text and "status of 503" not in text] == []


def focused(page):
    return page.evaluate("document.activeElement.id")


def accessible(page):
    from axe_playwright_python.sync_playwright import Axe

    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": levels}})
    return found.violations_count, found.generate_report() if found.violations_count else ""


@pytest.mark.parametrize("size", [(1440, 900), (320, 640)])
def test_every_component_is_accessible_and_fits(at, page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    at("/gallery/")
    assert accessible(page) == (0, "")
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]


def test_a_list_is_one_tab_stop_and_moves_with_arrows(at, page):
    at("/list/")
    assert focused(page) == "who-1"
    page.keyboard.press("ArrowDown")
    assert focused(page) == "who-2"
    page.keyboard.press("End")
    assert focused(page) == "who-3"
    page.keyboard.press("Home")
    assert page.locator("[data-list] .who[tabindex='0']").count() == 1
    assert page.locator("tr[aria-current]").get_attribute("id") == "row-1"
    page.get_by_text("detalj").wait_for()


def test_digits_filter_the_list_and_escape_shows_all(at, page):
    at("/list/")
    page.keyboard.type("9824")
    assert focused(page) == "who-3"
    assert page.locator("tbody tr:visible").count() == 1
    assert page.locator("[data-filter-status]").inner_text() == "1 rad med 9824. Esc visar alla."
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    assert page.locator("tbody tr:visible").count() == 3
    assert not page.locator("[data-filter-status]").is_visible()


def test_enter_without_a_normal_step_opens_the_row(at, page):
    at("/list/")
    page.keyboard.press("Enter")
    page.wait_for_url("**/opened/")


def test_letters_can_be_switched_off_and_act_only_in_the_list(at, page):
    at("/list/")
    page.locator("[name=note-1]").press("u")
    assert page.locator("[name=note-1]").input_value() == "u"
    at("/list/?quiet")
    page.keyboard.press("u")
    page.keyboard.press("9")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "who-2"
    assert page.locator("dialog[open]").count() == 0
    assert page.locator("tbody tr:visible").count() == 3


def test_closing_takes_four_keys_and_the_focus_returns_to_the_row(at, page):
    """UT-03: U, the outcome's digit, the reason's digit, Ctrl+Enter."""
    at("/list/")
    page.keyboard.press("u")
    page.locator("dialog[open]").wait_for()
    assert page.locator(".outcomes input:checked").count() == 0
    assert accessible(page) == (0, "")
    page.keyboard.press("1")
    assert page.locator("#panel-close").is_visible() and not page.locator("#panel-await").is_visible()
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    page.locator("#receipt", has_text="Sparat: close wish").wait_for()
    assert page.locator("dialog[open]").count() == 0
    assert focused(page) == "who-1"


def test_a_warning_is_insisted_on_with_one_more_key(at, page):
    """UT-05: U, 3, Ctrl+Enter, and Ctrl+Enter again."""
    at("/list/")
    page.keyboard.press("u")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("3")
    page.keyboard.press("Control+Enter")
    page.locator("dialog[open] [role=alert]", has_text="Bokning saknas.").wait_for()
    assert accessible(page) == (0, "")
    page.keyboard.press("Control+Enter")
    page.locator("#receipt", has_text="Sparat: none 1").wait_for()
    assert page.locator("[role=alert]").count() == 0


def test_a_dialog_with_something_typed_asks_once_before_it_closes(at, page):
    at("/list/")
    page.keyboard.press("u")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("2")
    page.locator("[name=watch]").fill("+3v")
    assert "om 3 veckor" in page.locator("#watch_echo").inner_text()
    asked = []
    page.once("dialog", lambda box: (asked.append(box.message), box.accept()))
    page.keyboard.press("Escape")
    assert asked == ["Ändringarna är inte sparade. Stäng ändå?"]
    assert page.locator("dialog[open]").count() == 0


def test_the_palette_opens_with_a_chord_and_goes_where_enter_says(at, page):
    at("/list/")
    page.keyboard.press("Control+k")
    assert focused(page) == "palette-field"
    page.locator("#palette [role=option]").first.wait_for()
    assert page.locator("[aria-selected=true]").count() == 0
    page.keyboard.type("ab")
    page.locator("#palette [aria-selected=true]", has_text="Abdi, Hodan").wait_for()
    assert accessible(page) == (0, "")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#palette [aria-selected=true]")
    assert "Dagens besök" in chosen.inner_text()
    assert page.locator("#palette-field").get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("Escape")
    assert focused(page) == "who-1"


def test_help_lists_the_keys(at, page):
    at("/list/")
    page.keyboard.press("F1")
    assert page.locator("#help").is_visible()
    assert accessible(page) == (0, "")
    page.keyboard.press("Escape")
    page.keyboard.press("F4")
    page.wait_for_url("**/day/")


def test_a_live_list_changes_around_the_row_one_works_in(at, page):
    page.clock.install()
    at("/list/")
    page.locator("#who-2").focus()
    page.locator("[name=note-2]").fill("ringer")
    LIST["version"] = 2
    page.clock.run_for(10_100)
    page.locator("#row-9").wait_for()
    assert [row.get_attribute("id") for row in page.locator("tbody tr").all()] == ["row-3", "row-2", "row-1", "row-9"]
    assert page.locator("[name=note-2]").input_value() == "ringer"
    assert page.evaluate("document.activeElement.name") == "note-2"
    assert page.locator("#row-1 td").first.inner_text() == "09:31"
    assert page.locator("[data-list]").get_attribute("data-version") == "2"
    assert page.locator("[data-list] .who[tabindex='0']").count() == 1


def test_a_list_that_cannot_be_reached_says_that_it_may_be_old(at, page):
    page.clock.install()
    at("/list/")
    LIST["is_reachable"] = False
    for _ in range(3):
        with page.expect_response("**/rows/**"):
            page.clock.run_for(10_000)
    page.locator(".live.stale").wait_for()
    assert page.locator(".live").inner_text().startswith("Ingen kontakt sedan ")
    assert page.locator(".live").inner_text().endswith("Listan kan vara gammal.")
    LIST["is_reachable"] = True
    page.clock.run_for(10_000)
    page.locator(".live:not(.stale)").wait_for()


WRITTEN_DATES = (
    *("2026-12-01", "20261201", "1/12", "30/12", "5/1", "24/5", "1 dec", "1 december 2027", "29/2 2028", "31/11"),
    *("29/2", "+14d", "+3v", "+2m", "-1d", "+1å", "idag", "i morgon", "igår", "snart", "2026-13-01", "+0d", "3 maj"),
)
WRITTEN_TIMES = ("945", "0945", "9.45", "9:45", "09:45", "kl. 9.45", "9", "14", "24", "960", "9:7", "nu", "2359")


def test_the_browser_and_the_server_read_the_same_shorthand(at, page):
    at("/list/")
    read = page.evaluate(
        """async ([dates, times]) => {
          const fields = await import("/static/js/fields.js");
          const iso = (day) => day && new Intl.DateTimeFormat("sv-SE").format(day);
          return [dates.map((text) => iso(fields.parseDate(text, new Date(2026, 10, 21, 13)))), times.map(fields.parseTime)];
        }""",
        [WRITTEN_DATES, WRITTEN_TIMES],
    )
    assert dict(zip(WRITTEN_DATES, read[0], strict=True)) == {text: understood(text) for text in WRITTEN_DATES}
    assert dict(zip(WRITTEN_TIMES, read[1], strict=True)) == {text: understood_time(text) for text in WRITTEN_TIMES}


def understood(text):
    try:
        return parse_date(text, TODAY).isoformat()
    except ValueError:
        return None


def understood_time(text):
    try:
        return parse_time(text).strftime("%H:%M")
    except ValueError:
        return None
