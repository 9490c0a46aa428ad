"""Öppen kallelse to several marked rows of Bokningsbegäran: until when and with which words is asked once; whom it does not
fit is told row by row before anything is saved (PL-26, PL-08)."""

from django.db.models import Prefetch
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from scheduling.actions import many_invitations
from scheduling.actions.misfits import Misfits
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError
from sdv.common.time import local_date, now
from sdv.desk.answers import saved, way_back
from sdv.desk.forms.invitations import InviteForm
from sdv.desk.forms.patients import add_errors
from sdv.desk.presenters.marked import ids_of, left_out_of, marked_rows, patients
from sdv.desk.receipts import clear_receipt, leave_receipt

WHAT = "öppna kallelser, flera"


@permitted(Permission.BOOK)
@require_POST
def create(request):
    """Sends to all that are marked, or says of each whom it does not fit."""
    at, unit, ids = now(), request.actor.care_unit, ids_of(request.POST)
    form = InviteForm(request.POST, care_unit=unit, today=local_date(at), asks_visit_type=False)
    if not form.is_valid():
        return page(request, ids, form=form)
    try:
        made = many_invitations.invite(
            request_ids=ids,
            leave_out=left_out_of(request, ids),
            care_unit=unit,
            **form.choices,
            by=request.actor.user,
            at=at,
        )
    except Misfits as refused:
        return page(request, ids, form=form, misfits=refused)
    except InputError as error:
        if "rad" in error.errors:
            raise
        add_errors(form, error)
        return page(request, ids, form=form)
    log_access(
        actor=request.actor,
        patients=[row.patient_id for row in made],
        what=WHAT,
        at=at,
        action=AccessAction.WRITE,
    )
    clear_receipt(request)
    leave_receipt(request, at=at, text=_told(made))
    return saved(request, way_back(request, reverse("booking-requests")))


def _told(made):
    text = "1 öppen kallelse skickad" if len(made) == 1 else f"{len(made)} öppna kallelser skickade"
    lacking = many_invitations.lacking(made)
    return f"{text}. {lacking} brev saknar uppgift, se Brev" if lacking else text


def page(request, ids, *, form=None, misfits=None):
    """The marked rows with what is asked; those whom it does not fit first, each with why."""
    request.actor.require(Permission.BOOK)
    at, unit = now(), request.actor.care_unit
    today = local_date(at)
    if not ids:
        raise InputError(rad="Markera minst en rad.")
    form = form or InviteForm(None, care_unit=unit, today=today, asks_visit_type=False)
    rows = unit.booking_requests.filter(pk__in=ids).select_related("visit_type")
    rows = list(rows.prefetch_related(Prefetch("patient", queryset=patients())).order_by("pk"))
    log_access(actor=request.actor, patients=[row.patient_id for row in rows], what=WHAT, at=at)
    context = {
        "heading": "Öppen kallelse till flera",
        "form": form,
        "rows": marked_rows(request, rows, what=lambda row: row.visit_type.name, misfits=misfits, on=today),
        "misfits": misfits,
        "close": reverse("booking-requests"),
    }
    return render(request, "work/invite_many.html", context, status=422 if misfits or form.errors else 200)
