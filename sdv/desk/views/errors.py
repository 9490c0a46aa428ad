"""Error pages: in Swedish, with what to do now, never with patient data or a trace."""

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.utils.cache import add_never_cache_headers

from sdv.common.problems import problem_page
from sdv.common.requests import REQUEST_ID
from sdv.desk.refusals import is_scripted, not_permitted, to_message_region

FAULT = "Något gick fel hos oss. Inget har sparats; försök igen om en stund."


def _page(request, template, heading, status):
    if is_scripted(request):
        return to_message_region(render(request, "errors/notice.html", {"heading": heading}, status=status))
    response = render(request, f"errors/{template}.html", {"heading": heading}, status=status)
    add_never_cache_headers(response)
    return response


def bad_request(request, exception=None):
    return _page(request, "400", "Anropet gick inte att läsa", 400)


def forbidden(request, exception=None):
    return not_permitted(request)


def not_found(request, exception=None):
    return _page(request, "404", "Sidan finns inte", 404)


def method_not_allowed(request, exception=None):
    return _page(request, "405", "Sidan kan inte användas så", 405)


def too_many(request, exception=None):
    """429: too many tries in a short time, also of login (django-axes)."""
    return _page(request, "429", "För många försök", 429)


def server_error(request):
    """500: rendered without the request, since what failed may be what the frame needs. The reference is the request
    id, by which the log line is found."""
    reference = getattr(request, "id", "") or REQUEST_ID.get()
    if request.path.startswith("/api/"):
        return problem_page(500, code="server_error", detail=f"{FAULT} Ange {reference} om du frågar.")
    scripted = is_scripted(request)
    template = get_template("errors/notice.html" if scripted else "errors/500.html")
    response = HttpResponse(template.render({"heading": "Något gick fel", "reference": reference}), status=500)
    return to_message_region(response) if scripted else response


def csrf_failure(request, reason=""):
    """403: the form was not sent from a page of ours, or the page was older than the session."""
    return _page(request, "csrf", "Sidan var för gammal", 403)


def session_ended(request):
    """401: shown where a session has ended while a page was open."""
    return _page(request, "session_ended", "Du är utloggad", 401)
