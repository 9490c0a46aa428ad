"""What every address of the API has in common: who calls, what it may at which unit, what it read, and the answer's form."""

import re
from contextlib import ExitStack
from functools import partial

import pghistory
from django.http import Http404
from django.utils.cache import patch_cache_control
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.response import Response
from rest_framework.views import APIView

from sdv.accounts.access import log_access
from sdv.accounts.models import AccessAction
from sdv.common.errors import InputError, NotPermitted
from sdv.common.json import AlwaysJSON, StrictJSONParser
from sdv.common.requests import REQUEST_ID
from sdv.common.time import now

from .idempotency import once
from .throttling import AccountThrottle

ENTITY_TAG = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')
NO_VERSION = -1


class Endpoint(APIView):
    """An address of the API. `permissions` names what each method needs; a method that is not named is not there.

    The permission is asked twice: whether the account has it anywhere, and, by `require`, at the unit of the row or the
    body. Another unit's row is 404: that it exists is nobody's business."""

    permissions = {}
    parser_classes = [StrictJSONParser]
    content_negotiation_class = AlwaysJSON
    throttle_classes = [AccountThrottle]
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    # A POST that only searches: its answer is many people's data and is made anew each time.
    keeps_answers = True

    @classmethod
    def as_view(cls, **initial):
        view = super().as_view(**initial)
        view.required_permissions = cls.permissions
        return view

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.seen_patients = []
        self.at = now()
        if request.method == "POST" and hasattr(self, "post"):
            self.post = partial(once, self, self.post)

    def dispatch(self, request, *args, **kwargs):
        with ExitStack() as self.until_answered:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request, *args, **kwargs):
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        if self.permission is None:
            raise MethodNotAllowed(request.method)
        self.perform_authentication(request)
        self.check_permissions(request)
        self.actor = request.actor
        if not self.actor.may(self.permission):
            raise NotPermitted(self.permission, _why_not(self.actor))
        self.check_throttles(request)
        self.until_answered.enter_context(pghistory.context(actor=str(self.actor.user.pk), request=REQUEST_ID.get()))

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    # --- What it may ----------------------------------------------------------------------------------------------

    @property
    def permission(self):
        """What the present method needs."""
        method = "GET" if self.request.method == "HEAD" else self.request.method
        return self.permissions.get(method)

    def require(self, care_unit_id, permission=None):
        """The permission at the unit of a row: 404 where the caller has nothing to do with the unit, else 403."""
        if care_unit_id not in self.actor.care_unit_ids:
            raise Http404
        self.actor.require(permission or self.permission, care_unit_id)

    def require_for_body(self, care_unit_id, permission=None):
        """The permission at the unit that the body names: 403 where it lacks."""
        self.actor.require(permission or self.permission, care_unit_id)

    def at_units(self, asked=None):
        """The units whose rows are listed, as a filter's value: the one asked for, else all with the permission."""
        if asked is not None:
            self.actor.require(self.permission, asked)
            return {asked}
        return self.actor.units_where(self.permission)

    # --- What it was asked ------------------------------------------------------------------------------------------

    def body(self, fields):
        """The validated body, as a dict of what was sent."""
        reader = fields(data=self.request.data)
        reader.is_valid(raise_exception=True)
        return reader.validated_data

    def query(self, fields):
        """The validated query, as a dict of what was asked."""
        reader = fields(data=self.request.query_params.dict())
        reader.is_valid(raise_exception=True)
        return reader.validated_data

    @property
    def version(self):
        """The version the caller has read, from If-Match; None where it does not say."""
        given = self.request.headers.get("If-Match", "").strip()
        if given in ("", "*"):
            return None
        match = ENTITY_TAG.fullmatch(given)
        return int(match[1]) if match else NO_VERSION

    def text_in_path(self, value, *, longest):
        """A text in the path that a row is looked up by."""
        if len(value) > longest or not value.isprintable():
            raise Http404
        return value

    # --- What it answers --------------------------------------------------------------------------------------------

    def log(self, patients, what, *, care_unit_id=None, resource_id=None):
        """Writes in the access log that the patients were read, or written to (one statement)."""
        is_read = self.request.method in ("GET", "HEAD") or not self.keeps_answers
        self.seen_patients = list(dict.fromkeys(patients))
        log_access(
            actor=self.actor,
            patients=self.seen_patients,
            what=what,
            at=self.at,
            action=AccessAction.READ if is_read else AccessAction.WRITE,
            resource_id=resource_id,
            care_unit_id=care_unit_id,
        )

    def answer(self, body, *, status=200, version=None):
        """The answer; `version` is the ETag of the thing that the address names."""
        headers = {} if version is None else {"ETag": f'"{version}"'}
        return Response(body, status=status, headers=headers)


def known(row, **field):
    """The row that an id in a body means, or 400 on the field. `field` names it and what it is: patient="Patienten"."""
    if row is None:
        ((name, words),) = field.items()
        raise InputError(**{name: f"{words} finns inte här. Kontrollera id:t."})
    return row


def _why_not(actor):
    if not actor.assignments:
        return "Kontot har inget giltigt uppdrag just nu. Välj uppdrag, eller be den som lägger upp konton."
    return "Inget av kontots uppdrag ger rätt till detta."
