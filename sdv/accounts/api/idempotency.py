"""Idempotency-Key: the same call twice is done once and answered the same for 24 hours.

The key's row is inserted first, in the transaction of the act itself. So act and answer are saved together or not at
all, whatever crashes between; and a twin that comes meanwhile waits at the unique constraint until the first is done."""

import hashlib
import json
from datetime import timedelta

from django.db import IntegrityError, OperationalError, transaction
from django.http import Http404
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from sdv.accounts.access import log_access
from sdv.accounts.models import IdempotentAnswer
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.problems import CONTENT_TYPE, LOCK_TROUBLE, CallRefused

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 200
KEPT_HEADERS = ("ETag", "Location")

# Refusals that are an answer to the call. What depends on who asks or on the moment's traffic is not kept.
REFUSALS = (RuleError, InputError, StaleVersion, ValidationError, Http404)


def once(endpoint, handler, request, *args, **kwargs):
    """Runs the endpoint's handler, or gives the answer that the same call got before."""
    key = request.headers.get(HEADER)
    if key is None or not endpoint.keeps_answers:
        return handler(request, *args, **kwargs)
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise InputError(**{HEADER: "Nyckeln ska vara 1–200 tecken ur ASCII."})
    fingerprint = hashlib.sha256(b"\n".join([request.method.encode(), request.path.encode(), request._request.body]))
    with transaction.atomic():
        row, is_new = _claim(request.actor.user, key, fingerprint.hexdigest(), endpoint.at)
        if not is_new:
            return _again(row, fingerprint.hexdigest(), request, endpoint.at)
        try:
            with transaction.atomic():
                response = handler(request, *args, **kwargs)
        except REFUSALS as refused:
            response = endpoint.handle_exception(refused)
        _keep(row, response, endpoint.seen_patients)
    return response


def purge(*, at, dry_run=False):
    """Deletes answers older than 24 hours. Returns how many."""
    old = IdempotentAnswer.objects.filter(created_at__lt=at - KEPT_FOR)
    return old.count() if dry_run else old.delete()[0]


def _claim(user, key, fingerprint, at):
    """The key's row and whether it is ours to fill."""
    IdempotentAnswer.objects.filter(user=user, key=key, created_at__lt=at - KEPT_FOR).delete()
    try:
        with transaction.atomic():
            row = IdempotentAnswer.objects.create(user=user, key=key, fingerprint=fingerprint, created_at=at)
            return row, True
    except IntegrityError:
        return IdempotentAnswer.objects.get(user=user, key=key), False
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in LOCK_TROUBLE:
            raise
        raise CallRefused(
            409, "call_in_progress", "Samma anrop pågår redan. Försök igen om en stund.", retry_after=2
        ) from error


def _again(row, fingerprint, request, at):
    if row.fingerprint != fingerprint:
        raise CallRefused(
            409,
            "idempotency_key_reused",
            "Nyckeln är redan använd för ett annat anrop. Ge varje nytt anrop en egen Idempotency-Key.",
        )
    if row.patient_id:
        log_access(actor=request.actor, patients=[row.patient_id], what="upprepat svar", at=at)
    return Response(
        row.body,
        status=row.status,
        headers=row.headers | {"Idempotent-Replayed": "true"},
        content_type=CONTENT_TYPE if row.status >= 400 else None,
    )


def _keep(row, response, patients):
    row.status = response.status_code
    row.body = json.loads(JSONRenderer().render(response.data)) if response.data is not None else None
    row.headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    row.patient_id = next(iter(patients), None)
    row.save(update_fields=["status", "body", "headers", "patient_id"])
