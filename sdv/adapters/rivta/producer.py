"""GetCareContacts 3.0 answered over SOAP: 1177 journal and NPÖ ask through the national platform (VH-20).

A client certificate is judged by the proxy in front, which lets the platform's through and adds the key of an account with
the one right that this asks for (docs/vardkontakter.md). What may be told is decided in registration.shared_contacts."""

import logging
import re
from http import HTTPStatus
from types import SimpleNamespace
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from registration import identities, shared_contacts
from sdv.accounts import tokens
from sdv.accounts.access import log_access
from sdv.accounts.actor import Actor
from sdv.accounts.api.throttling import AccountThrottle
from sdv.accounts.permissions import Permission
from sdv.common.time import local_date, now

from . import care_contacts, schemas, soap
from .care_contacts import NoSuchDate

logger = logging.getLogger(__name__)

LARGEST_REQUEST = 256 * 1024
WHAT = "vårdkontakter till 1177 och NPÖ"
# A local number of a system that has no namespace of its own is told with the system's HSA-id before it.
LOCAL_WITHOUT_NAMESPACE = "1.2.752.129.2.1.2.1"
KIND_OF_TYPE = {oid: kind for kind, oid in identities.OIDS.items()}
TWELVE_CHARACTERS = re.compile(r"[0-9]{8}[0-9A-Z]{4}")


class Refused(Exception):
    """A request that is valid by its schema and cannot be answered. The sentence says why, never about whom."""


@csrf_exempt
@require_POST
@never_cache
def get_care_contacts(request):
    """The contract's address. A fault is HTTP 500 by SOAP 1.1; that a request cannot be answered is said in its answer."""
    if not settings.SDV_HSA_ID:
        raise Http404
    at = now()
    log_id = str(uuid4())
    try:
        actor = _caller(request, at=at)
        if actor is None:
            return _plain(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Bearer realm="sdv"'})
        if not actor.may(Permission.SHARE_CONTACTS):
            return _plain(HTTPStatus.FORBIDDEN)
        if not AccountThrottle().allow_request(SimpleNamespace(user=actor.user), None):
            return _plain(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "60"})
        logical_address, content = _understood(request)
        return _xml(soap.envelope(_answer(content, logical_address, actor=actor, at=at, log_id=log_id)))
    except soap.NotUnderstood as error:
        logger.warning("care contacts: a request was not understood: %s", error.why, extra={"log_id": log_id})
        return _fault("Client", f"Begäran kunde inte tolkas. {log_id}")
    except Exception as error:
        # Its words may hold what was asked about; its kind and place do not.
        logger.error("care contacts: no answer: %s", type(error).__name__, extra={"log_id": log_id})
        return _fault("Server", f"Tekniskt fel. {log_id}")


get_care_contacts.required_permission = Permission.SHARE_CONTACTS


def _caller(request, *, at):
    """Who calls, by a key; None without a living one. A session of the browser is nobody here."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    assignments = tokens.assignments_of(token.strip(), at=at, day=local_date(at))
    if assignments:
        return Actor(user=assignments[0].user, assignments=assignments)
    living = tokens.find(token.strip(), at=at)
    return Actor(user=living.user) if living else None


def _understood(request):
    """(logical address, the element of the body), valid by the schema. Raises NotUnderstood."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_REQUEST:
            raise soap.NotUnderstood("too large a request")
        logical_address, content = soap.opened(request.body)
    except (soap.Fault, RequestDataTooBig, ValueError):
        raise soap.NotUnderstood("no request") from None
    if content.tag != f"{{{care_contacts.GET_CARE_CONTACTS}}}GetCareContacts":
        raise soap.NotUnderstood("another message")
    if not schemas.is_valid(content):
        raise soap.NotUnderstood("not valid by the schema")
    return logical_address, content


def _answer(content, logical_address, *, actor, at, log_id):
    asked = care_contacts.read(content)
    try:
        kind, number = _identity(asked)
        first, last = _period(asked)
        _source(asked, kind, logical_address)
    except Refused as refusal:
        return care_contacts.refused(str(refusal), log_id=log_id)
    issuer = "" if asked.identity_type in (*KIND_OF_TYPE, LOCAL_WITHOUT_NAMESPACE) else asked.identity_type
    patient = shared_contacts.patient_known_as(kind=kind, value=number, issuer=issuer)
    contacts, about = [], None
    if patient is not None:
        log_access(actor=actor, patients=[patient.pk], what=WHAT, at=at)
        contacts = shared_contacts.contacts_of(
            patient,
            care_units=asked.care_units,
            care_providers=asked.care_providers,
            ids=_ids(asked.ids) if asked.ids else None,
        )
        if first:
            contacts = [contact for contact in contacts if contact.is_within(first, last)]
        if kind == identities.LOKALT_RESERVNUMMER:
            about = shared_contacts.about(patient)
    return care_contacts.response(contacts, asked=asked, source_system=settings.SDV_HSA_ID, log_id=log_id, about=about)


def _identity(asked):
    """(kind, number) of the one asked about. Raises Refused for what is no number of its kind."""
    number = asked.identity.replace("-", "").replace(" ", "").upper()
    if asked.identity_type == LOCAL_WITHOUT_NAMESPACE:
        return identities.LOKALT_RESERVNUMMER, asked.identity.removeprefix(settings.SDV_HSA_ID).upper()
    kind = KIND_OF_TYPE.get(asked.identity_type, identities.LOKALT_RESERVNUMMER)
    if kind in identities.PRIMARY_KINDS and not TWELVE_CHARACTERS.fullmatch(number):
        raise Refused("patientId ska ha tolv tecken.")
    return kind, number


def _period(asked):
    if not asked.first:
        return None, None
    try:
        first, last = care_contacts.day(asked.first), care_contacts.day(asked.last)
    except NoSuchDate:
        raise Refused("datePeriod innehåller ett datum som inte finns.") from None
    if last < first:
        raise Refused("datePeriod slutar innan den börjar.")
    return first, last


def _source(asked, kind, logical_address):
    if logical_address != settings.SDV_HSA_ID:
        raise Refused("LogicalAddress är inte det här systemets HSA-id.")
    if asked.source_system and asked.source_system != logical_address:
        raise Refused("sourceSystemHSAId ska vara detsamma som LogicalAddress.")
    if (asked.ids or kind == identities.LOKALT_RESERVNUMMER) and not asked.source_system:
        raise Refused("sourceSystemHSAId krävs med careContactId och med lokala reservnummer.")


def _ids(told):
    """Those that can be ids of ours: another is nobody's contact here."""
    return [each.lower() for each in told if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", each)]


def _fault(code, text):
    return _xml(soap.fault(code, text), status=HTTPStatus.INTERNAL_SERVER_ERROR)


def _xml(body, status=HTTPStatus.OK):
    return HttpResponse(body, status=status, content_type=soap.CONTENT_TYPE)


def _plain(status, headers=None):
    return HttpResponse(status=status, content_type="text/plain; charset=utf-8", headers=headers)
