"""Delade väntelistor: a row of another unit of the list is taken over and booked (PL-25)."""

from functools import partial
from urllib.parse import urlencode

from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from registration.models import Referral
from scheduling.actions import sharing
from scheduling.models import BookingRequest
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now
from sdv.desk.context import address
from sdv.desk.receipts import leave_receipt
from sdv.desk.repeats import is_own_repeat, version_of


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def take_request(request, pk):
    """The waiting request becomes the unit's own; the next page books it."""
    at = now()
    rows = BookingRequest.objects.filter(care_unit__in=request.actor.care_unit.sharing_ids(local_date(at)))
    row = get_object_or_404(rows.select_related("patient"), pk=pk)
    _take(request, partial(sharing.take_request, request_id=row.pk), row, at)
    return _to_booking(request, row, back="booking-requests", begaran=row.pk)


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def take_referral(request, pk):
    """The accepted remiss becomes the unit's own; the next page books it."""
    at = now()
    rows = Referral.objects.filter(care_unit__in=request.actor.care_unit.sharing_ids(local_date(at)))
    row = get_object_or_404(rows.select_related("patient"), pk=pk)
    _take(request, partial(sharing.take_referral, referral_id=row.pk), row, at)
    row.refresh_from_db(fields=["commitment"])
    return _to_booking(request, row, back="referrals", vardatagande=row.commitment_id, remiss=row.pk)


def _take(request, act, row, at):
    """Takes the row as the button's list showed it. One's own repeated click says nothing, and goes on to the booking; a
    colleague is told who took it and when (PL-27)."""
    actor = request.actor
    try:
        act(care_unit=actor.care_unit, by=actor.user, at=at, version=version_of(request))
    except RuleError as refused:
        if not is_own_repeat(request, refused, refused.code == "same_unit"):
            raise
        return
    log_access(
        actor=actor,
        patients=[row.patient_id],
        what="delad väntelista",
        at=at,
        resource_id=row.pk,
        action=AccessAction.WRITE,
    )
    leave_receipt(request, at=at, text="Väntan är övertagen för", whom=row.patient)


def _to_booking(request, row, *, back, **query):
    book = address("book", row.patient_id) if request.actor.may(Permission.BOOK) else ""
    return HttpResponseRedirect(f"{book}?{urlencode(query)}" if book else reverse(back))
