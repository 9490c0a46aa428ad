"""What the rules refuse becomes an answer in Swedish with the right status, as a page and as a fragment."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse, HttpResponseRedirect
from django.test import Client
from django.urls import path

from sdv.common.errors import InputError, NotPermitted, RuleError, StaleVersion
from sdv.desk.refusals import RefusalMiddleware
from sdv.desk.views import errors

from .test_components import Actor

MESSAGE_REGION = "dialog[open] .refusal, body:not(:has(dialog[open])) .refusal"
urlpatterns = [path("logga-in/", errors.session_ended, name="login")]


@pytest.fixture
def answer(rf, settings):
    """The answer to a POST whose view raises the error."""
    settings.ROOT_URLCONF = __name__

    def give(error, *, data=None, address="/besok/1/", **headers):
        request = rf.post(address, data or {}, headers=headers)
        request.actor, request.user, request.session, request.id = Actor(), AnonymousUser(), {}, "abcdef12"
        return RefusalMiddleware(lambda request: HttpResponse()).process_exception(request, error)

    return give


def test_a_refusal_is_409_with_its_sentence_rule_and_ways_on(answer):
    response = answer(
        RuleError("PL-07", "Tiden är upptagen.", alternatives=[("Boka 10:00", "/boka/2/"), "Välj en annan dag."])
    )
    html = response.content.decode()
    assert response.status_code == 409
    assert "Tiden är upptagen." in html and "PL-07" in html
    assert '<a href="/boka/2/">Boka 10:00</a>' in html and "Välj en annan dag." in html
    assert "Spara ändå" not in html
    assert "no-store" in response["Cache-Control"]


def test_a_warning_may_be_insisted_on_with_what_was_posted(answer):
    warning = RuleError("UT-05", "Bokning saknas.", is_warning=True, needs_reason=True)
    posted = {"outcome": "none", "code": ["F32.1", "<b>"], "csrfmiddlewaretoken": "t", "overrule": "0", "reason": "x"}
    html = answer(warning, data=posted).content.decode()
    assert 'action="/besok/1/"' in html and 'name="overrule" value="1"' in html
    assert '<input type="hidden" name="outcome" value="none">' in html
    assert html.count('name="code"') == 2 and "&lt;b&gt;" in html and "<b>" not in html.split('name="code"')[2][:20]
    assert html.count('name="reason"') == 1 and 'value="t"' not in html


def test_htmx_gets_the_fragment_in_the_message_region(answer):
    response = answer(RuleError("VH-24", "Går inte."), **{"HX-Request": "true"})
    assert response.status_code == 409
    assert response["HX-Retarget"] == MESSAGE_REGION
    assert "<html" not in response.content.decode() and "Går inte." in response.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (StaleVersion(current=3, given=2), 409, "Uppgifterna har ändrats sedan du öppnade dem."),
        (NotPermitted("book"), 403, "Ditt uppdrag ger inte rätt att göra detta."),
        (InputError(day="Datumet går inte att läsa."), 422, "Datumet går inte att läsa."),
    ],
)
def test_other_refusals_have_their_status_and_sentence(answer, error, status, sentence):
    for headers in ({}, {"HX-Request": "true"}):
        response = answer(error, **headers)
        assert response.status_code == status
        assert sentence in response.content.decode()


def test_the_api_answers_for_itself_and_faults_are_left_alone(answer):
    assert answer(RuleError("VH-24", "Går inte."), address="/api/v1/encounters/") is None
    assert answer(ValueError("fault")) is None


def test_the_way_back_stays_on_this_site(answer):
    error = RuleError("VH-24", "Går inte.")
    inside = answer(error, Referer="http://testserver/dagen/?visa=1").content.decode()
    outside = answer(error, Referer="http://evil.example/dagen/").content.decode()
    assert 'href="/dagen/?visa=1"' in inside
    assert "evil.example" not in outside


@pytest.mark.parametrize(("is_scripted", "status"), [(True, 401), (False, 302)])
def test_a_session_that_ended_sends_the_whole_page_to_the_login(rf, settings, is_scripted, status):
    settings.ROOT_URLCONF = __name__
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/dagen/?visa=1"} if is_scripted else {}
    request = rf.get("/dagen/rader/", headers=headers)
    response = RefusalMiddleware(lambda request: HttpResponseRedirect("/logga-in/?next=/dagen/rader/"))(request)
    assert response.status_code == status
    assert response.get("HX-Redirect") == ("/logga-in/?next=%2Fdagen%2F%3Fvisa%3D1" if is_scripted else None)


# --- Error pages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "status", "words"),
    [
        (errors.bad_request, 400, "Inget är sparat."),
        (errors.forbidden, 403, "Du arbetar som receptionist vid Psykiatrimottagning Nord."),
        (errors.not_found, 404, "Adressen är fel"),
        (errors.method_not_allowed, 405, "Adressen hör till en knapp"),
        (errors.too_many, 429, "Vänta en stund"),
        (errors.csrf_failure, 403, "Sidan hade varit öppen för länge"),
        (errors.session_ended, 401, "Logga in igen."),
        (errors.server_error, 500, "abcdef12"),
    ],
)
def test_an_error_page_says_in_swedish_what_to_do(rf, settings, view, status, words):
    settings.ROOT_URLCONF = __name__
    request = rf.get("/nagonstans/")
    request.actor, request.user, request.session, request.id = Actor(), AnonymousUser(), {}, "abcdef12"
    response = view(request)
    html = response.content.decode()
    assert response.status_code == status
    assert words in html and '<html lang="sv"' in html and html.count("<h1>") == 1


def test_an_error_in_a_fragment_is_a_notice_not_a_page(rf, settings):
    settings.ROOT_URLCONF = __name__
    request = rf.get("/nagonstans/", headers={"HX-Request": "true"})
    request.actor, request.user, request.session, request.id = Actor(), AnonymousUser(), {}, "abcdef12"
    for view, status in ((errors.server_error, 500), (errors.not_found, 404)):
        response = view(request)
        assert (response.status_code, response["HX-Retarget"]) == (status, MESSAGE_REGION)
        assert "<html" not in response.content.decode()


def test_the_page_for_faults_needs_neither_session_nor_actor(rf):
    request = rf.get("/nagonstans/")
    request.id = "abcdef12"
    assert "abcdef12" in errors.server_error(request).content.decode()


@pytest.mark.django_db
def test_the_product_s_own_addresses_answer_with_these_pages(client):
    missing = client.get("/finns-inte/")
    assert missing.status_code == 404
    assert "Sidan finns inte" in missing.content.decode()
    assert "script-src 'self'" in missing["Content-Security-Policy"]


@pytest.mark.django_db
def test_a_form_without_the_token_is_explained(settings):
    settings.SDV_DEMO = True
    response = Client(enforce_csrf_checks=True).post("/komponenter/", {"q": "x"})
    assert response.status_code == 403
    assert "Sidan hade varit öppen för länge" in response.content.decode()
