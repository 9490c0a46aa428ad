"""The request id: one opaque word that ties log lines, error pages and change log together."""

import re
import uuid
from contextvars import ContextVar
from urllib.parse import SplitResult, urlsplit

REQUEST_ID = ContextVar("request_id", default="")
ACCEPTED = re.compile(r"^[A-Za-z0-9-]{8,64}$")


NOWHERE = SplitResult("", "", "", "", "")


def page_of(request):
    """The page of this site from which the request was sent, as the browser tells it; NOWHERE where it does not, or
    where the page is another site's."""
    try:
        page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    except ValueError:
        return NOWHERE
    return page if page.netloc == request.get_host() and page.path.startswith("/") else NOWHERE


def address_of(page):
    """Path and query of a page, without its host."""
    return f"{page.path}?{page.query}" if page.query else page.path


class RequestIdMiddleware:
    """Takes a proxy's X-Request-Id where it is well-formed, else makes one; answers with it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-Id", "")
        request.id = given if ACCEPTED.match(given) else uuid.uuid4().hex
        token = REQUEST_ID.set(request.id)
        try:
            response = self.get_response(request)
        finally:
            REQUEST_ID.reset(token)
        response["X-Request-Id"] = request.id
        return response
