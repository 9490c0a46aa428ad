"""One place where refusals become answers a person can act on: 409, 403, 422, as a page or as a fragment for htmx.

Views let RuleError, StaleVersion, NotPermitted and InputError fall through; the middleware catches them. A view that
wants the refusal inside its own form catches it itself and uses `refusal_context`."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from sdv.common.errors import InputError, NotPermitted, RuleError, StaleVersion
from sdv.common.requests import address_of, page_of

from .context import address

HIDDEN_FROM_REPEAT = {"csrfmiddlewaretoken", "overrule", "reason"}


class RefusalMiddleware:
    """Turns what the rules refuse into an answer, for every page (the API has its own handler)."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        login = address("login")
        if response.status_code == 302 and login and response["Location"].startswith(login) and is_scripted(request):
            return _to_login(login, request, response["Location"])
        return response

    def process_exception(self, request, exception):
        if request.path.startswith("/api/"):
            return None
        if isinstance(exception, RuleError):
            return refused(request, exception)
        if isinstance(exception, StaleVersion):
            return conflict(request, by=exception.by or "", at=exception.at)
        if isinstance(exception, NotPermitted):
            return not_permitted(request, exception)
        if isinstance(exception, InputError):
            return unreadable(request, exception)
        return None


def is_scripted(request):
    """Whether the request comes from htmx or a poll, which cannot follow a redirect to another page."""
    return request.headers.get("HX-Request") == "true"


def to_message_region(response):
    """Sends a fragment to where the page, or the dialog lying over it, shows refusals."""
    response["HX-Retarget"] = "dialog[open] .refusal, body:not(:has(dialog[open])) .refusal"
    response["HX-Reswap"] = "innerHTML"
    return response


def _to_login(login, request, location):
    """401: the session ended while the page was open; the browser itself is sent to the login, and from there back to
    the page it showed (never to the address a fragment was asked from)."""
    back = address_of(page_of(request))
    response = HttpResponse(status=401)
    response["HX-Redirect"] = f"{login}?{urlencode({'next': back})}" if back else location
    return response


def refusal_context(request, error):
    """What `errors/refusal.html` shows of a RuleError: the sentence, the rule's id, who was first, the ways on, and
    for a warning (UT-05, PL-06) what was posted, so that the person may insist with `overrule` and `reason`."""
    repeat = []
    if error.is_warning and request.method == "POST":
        repeat = [
            (name, value) for name, values in request.POST.lists() if name not in HIDDEN_FROM_REPEAT for value in values
        ]
    return {
        "heading": "Det gick inte att spara" if not error.is_warning else "Vill du spara ändå?",
        "error": error,
        "alternatives": [_alternative(each) for each in error.alternatives or []],
        "repeat": repeat,
        "back": _back(request),
    }


def refused(request, error):
    """409 with the rule's sentence. Nothing has been changed."""
    return _answer(request, "errors/refusal.html", refusal_context(request, error), 409)


def conflict(request, *, changes=(), by="", at=None):
    """409: somebody else changed the same thing (PL-27). `changes` is (word, theirs, yours), shown side by side."""
    context = {
        "heading": "Någon annan har ändrat uppgifterna",
        "changes": changes,
        "by": by,
        "at": at,
        "back": _back(request),
    }
    return _answer(request, "errors/conflict.html", context, 409)


def not_permitted(request, error=None):
    """403: what, why and who can help."""
    sentence = getattr(error, "sentence", "") or "Ditt uppdrag ger inte rätt att göra detta."
    return _answer(request, "errors/403.html", {"heading": "Du saknar behörighet", "sentence": sentence}, 403)


def unreadable(request, error):
    """422: what was sent cannot be understood."""
    sentences = [text for texts in error.errors.values() for text in texts]
    context = {"heading": "Uppgifterna går inte att läsa", "sentences": sentences, "back": _back(request)}
    return _answer(request, "errors/unreadable.html", context, 422)


def _answer(request, template, context, status):
    """The page, or for htmx its fragment, which is put into the page's message region."""
    is_fragment = is_scripted(request)
    response = render(request, f"{template}#fragment" if is_fragment else template, context, status=status)
    add_never_cache_headers(response)
    return to_message_region(response) if is_fragment else response


def _back(request):
    """Where the person came from, on this site; the page itself for a GET that refuses."""
    return address_of(page_of(request)) or "/"


def _alternative(alternative):
    """A way on as (text, address): a Link, a (text, address) pair, or a sentence."""
    if isinstance(alternative, str):
        return alternative, ""
    if isinstance(alternative, dict):
        return alternative.get("text") or alternative.get("label") or "", alternative.get("url", "")
    if hasattr(alternative, "label"):
        return alternative.label, getattr(alternative, "url", "")
    if isinstance(alternative, tuple | list) and len(alternative) == 2:
        return alternative[0], alternative[1]
    return str(alternative), ""
