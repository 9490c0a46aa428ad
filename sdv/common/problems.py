"""What the API answers where it refuses: application/problem+json (RFC 9457), one Swedish sentence a person can act on.

The one handler of every endpoint. What is not named here is a fault of ours: it goes on and becomes a 500 that we hear
about."""

import logging

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from .errors import InputError, NotPermitted, RuleError, StaleVersion
from .time import local

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
# Where docs/api and the schema's page tell what each kind means.
DOCS = "/api/docs/#"

# Status: the anchor of `type`, the title.
KINDS = {
    400: ("ogiltiga-uppgifter", "Uppgifterna går inte att läsa"),
    401: ("inloggning", "Inloggning krävs"),
    403: ("behorighet", "Behörighet saknas"),
    404: ("finns-inte", "Finns inte"),
    405: ("metod", "Adressen kan inte användas så"),
    409: ("hinder", "En regel eller läget hindrar"),
    412: ("andrad", "Någon annan har ändrat"),
    413: ("for-stort", "Anropet är för stort"),
    415: ("format", "Formatet går inte att läsa"),
    429: ("for-manga", "För många anrop"),
    500: ("fel", "Något gick fel"),
    503: ("forsok-igen", "Försök igen"),
}

# PostgreSQL's codes for a lock not got in time and for a deadlock that was broken.
LOCK_TROUBLE = {"55P03", "40P01"}


class CallRefused(Exception):
    """A refusal that is the API's own, not a rule's: something about the call itself stands in the way."""

    def __init__(self, status, code, sentence, *, retry_after=None):
        super().__init__(code)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.retry_after = retry_after


def problem(status, *, code, detail, headers=None, **more):
    """A problem answer. `more` are members of RFC 9457's extension kind (rule, errors, alternatives, by, at); empty
    ones are left out."""
    anchor, title = KINDS.get(status, KINDS[400 if status < 500 else 500])
    body = {"type": f"{DOCS}{anchor}", "title": title, "status": status, "detail": detail, "code": code}
    body |= {name: value for name, value in more.items() if value not in (None, "", [], {})}
    return Response(_readable(body), status=status, headers=headers, content_type=CONTENT_TYPE)


def problem_page(status, *, code, detail):
    """A problem as a plain response, where no endpoint is at work: an address that is none, a fault of ours."""
    found = problem(status, code=code, detail=detail)
    return HttpResponse(JSONRenderer().render(found.data), status=status, content_type=CONTENT_TYPE)


def exception_handler(error, context):
    """DRF's hook: every refusal as a problem, or None for what is a fault of ours."""
    for kind, answer in _ANSWERS:
        if isinstance(error, kind):
            return answer(error)
    return None


def _readable(value):
    """Text as it can be written in UTF-8: what a caller sent may hold halves of a sign (surrogates)."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_readable(name): _readable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(each) for each in value]
    return value


# --- What each error becomes ----------------------------------------------------------------------------------------


def _rule(error):
    return problem(
        409,
        code=error.code,
        detail=error.sentence,
        rule=error.rule,
        is_warning=error.is_warning or None,
        needs_reason=error.needs_reason or None,
        errors=error.errors,
        alternatives=[_alternative(each) for each in error.alternatives or ()],
        by=error.by,
        at=_minute(error.at),
    )


def _minute(moment):
    return local(moment).replace(second=0, microsecond=0).isoformat() if moment else None


def _alternative(slot):
    """A next free time (PL-07)."""
    return {
        "resource": str(slot.resource.pk),
        "name": slot.resource.name,
        "start": local(slot.start).isoformat(),
        "end": local(slot.end).isoformat(),
    }


def _call(error):
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
    return problem(error.status, code=error.code, detail=error.sentence, headers=headers)


def _stale(error):
    return problem(
        412,
        code="stale_version",
        detail=f"Någon annan har ändrat sedan uppgiften lästes: nu gäller version {error.current}."
        " Läs in på nytt och försök igen.",
        by=error.by,
        at=_minute(error.at),
    )


def _not_permitted(error):
    return problem(403, code="not_permitted", detail=error.sentence, permission=str(error.permission))


def _input(error):
    return problem(400, code="invalid_input", detail=_first(error.errors), errors=error.errors)


def _invalid(error):
    errors = dict(_flat(error.detail))
    return problem(400, code="invalid_input", detail=_first(errors), errors=errors)


def _model_invalid(error):
    errors = getattr(error, "message_dict", None) or {"body": error.messages}
    return problem(400, code="invalid_input", detail=_first(errors), errors=errors)


def _first(errors):
    """The first fault as the sentence, with the field it concerns."""
    for field, sentences in errors.items():
        if sentences:
            return sentences[0] if field == "body" else f"{field}: {sentences[0]}"
    return "Uppgifterna går inte att läsa."


def _flat(detail, path=""):
    """DRF's nested errors as (path, sentences): follow_ups.0.visit_type."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = str(name) if name != "non_field_errors" else ""
            yield from _flat(inner, ".".join(part for part in (path, own) if part))
    elif isinstance(detail, list) and any(isinstance(each, dict | list) for each in detail):
        for index, inner in enumerate(detail):
            if inner:
                yield from _flat(inner, f"{path}.{index}" if path else str(index))
    else:
        yield path or "body", [str(each) for each in (detail if isinstance(detail, list) else [detail])]


def _unreadable(error):
    return problem(
        400,
        code="malformed",
        detail="Anropets innehåll är inte giltig JSON i UTF-8.",
        errors={"body": ["Ogiltig JSON."]},
    )


def _unauthenticated(error):
    # DRF has set `auth_header` where the first way of authenticating has a challenge.
    challenge = getattr(error, "auth_header", None) or "Bearer"
    is_failed = isinstance(error, exceptions.AuthenticationFailed)
    detail = (
        "Nyckeln är okänd, återkallad eller har gått ut." if is_failed else "Ange en nyckel: Authorization: Bearer …"
    )
    code = "authentication_failed" if is_failed else "not_authenticated"
    return problem(401, code=code, detail=detail, headers={"WWW-Authenticate": challenge})


def _forbidden(error):
    return problem(403, code="permission_denied", detail="Du saknar behörighet att göra detta.")


def _not_found(error):
    return problem(
        404, code="not_found", detail="Det finns ingen sådan post här, eller så hör den till en annan vårdenhet."
    )


def _method(error):
    return problem(405, code="method_not_allowed", detail="Adressen har ingen sådan metod. Se API-beskrivningen.")


def _media_type(error):
    return problem(415, code="unsupported_media_type", detail="Skicka JSON: Content-Type: application/json.")


def _too_big(error):
    return problem(413, code="too_large", detail="Anropet är större än vad som tas emot. Dela upp det.")


def _throttled(error):
    wait = str(max(1, round(error.wait or 1)))
    return problem(
        429,
        code="throttled",
        detail=f"För många anrop på kort tid. Försök igen om {wait} sekunder.",
        headers={"Retry-After": wait},
    )


def _database(error):
    """A lock not got in time is somebody else's work on the same thing: try again. Anything else is the database gone."""
    state = getattr(error.__cause__, "sqlstate", None)
    if state in LOCK_TROUBLE:
        detail, code = "Någon annan ändrar samma uppgift just nu. Försök igen.", "try_again"
    else:
        logger.error("api: database does not answer", extra={"status": 503})
        detail, code = "Databasen svarar inte just nu. Försök igen om en stund.", "unavailable"
    return problem(503, code=code, detail=detail, headers={"Retry-After": "1"})


_ANSWERS = [
    (RuleError, _rule),
    (CallRefused, _call),
    (InputError, _input),
    (StaleVersion, _stale),
    (NotPermitted, _not_permitted),
    (exceptions.ValidationError, _invalid),
    (exceptions.ParseError, _unreadable),
    ((exceptions.NotAuthenticated, exceptions.AuthenticationFailed), _unauthenticated),
    ((exceptions.PermissionDenied, DjangoPermissionDenied), _forbidden),
    ((Http404, exceptions.NotFound, ObjectDoesNotExist), _not_found),
    (exceptions.MethodNotAllowed, _method),
    (exceptions.UnsupportedMediaType, _media_type),
    (exceptions.Throttled, _throttled),
    (RequestDataTooBig, _too_big),
    (ModelValidationError, _model_invalid),
    ((OperationalError, InterfaceError), _database),
]
