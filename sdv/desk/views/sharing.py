"""Delade väntelistor: a row of another unit of the list is taken over and booked (PL-25)."""

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
from sdv.common.time import local_date, now
from sdv.desk.context import address
from sdv.desk.receipts import leave_receipt


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def take_request(request, pk):
    """The waiting request becomes the unit's own; the next page books it."""
    at = now()
    rows = BookingRequest.objects.filter(care_unit__in=request.actor.care_unit.sharing_ids(local_date(at)))
    row = get_object_or_404(rows.select_related("patient"), pk=pk)
    taken = sharing.take_request(request_id=row.pk, care_unit=request.actor.care_unit, by=request.actor.user, at=at)
    return _taken(request, taken, row.patient, at, back="booking-requests", begaran=taken.pk)


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def take_referral(request, pk):
    """The accepted remiss becomes the unit's own; the next page books it."""
    at = now()
    rows = Referral.objects.filter(care_unit__in=request.actor.care_unit.sharing_ids(local_date(at)))
    row = get_object_or_404(rows.select_related("patient"), pk=pk)
    taken = sharing.take_referral(referral_id=row.pk, care_unit=request.actor.care_unit, by=request.actor.user, at=at)
    return _taken(request, taken, row.patient, at, back="referrals", vardatagande=taken.commitment_id, remiss=taken.pk)


def _taken(request, row, patient, at, *, back, **query):
    log_access(
        actor=request.actor,
        patients=[row.patient_id],
        what="delad väntelista",
        at=at,
        resource_id=row.pk,
        action=AccessAction.WRITE,
    )
    leave_receipt(request, at=at, text="Väntan är övertagen för", whom=patient)
    book = address("book", row.patient_id) if request.actor.may(Permission.BOOK) else ""
    return HttpResponseRedirect(f"{book}?{urlencode(query)}" if book else reverse(back))
