"""Bokningsbegäran worked by many: taking a row over, the same change on many rows, saved views (BB-01, PL-27)."""

from urllib.parse import urlencode

from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from registration.presenters import load
from scheduling.actions import work_items, working
from scheduling.models import SavedView
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError
from sdv.common.time import local_date, now
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.forms.patients import add_errors
from sdv.desk.forms.work import AssignForm, AwaitForm, ManyForm
from sdv.desk.presenters.marked import ids_of
from sdv.desk.presenters.patient import band_of
from sdv.desk.receipts import clear_receipt, leave_receipt

from . import many_invitations
from .booking_requests import kept_filters, of_unit, plain


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def take_over(request, pk):
    """Ta över: the row is one's own, and the change log tells from whom."""
    at = now()
    row = of_unit(request, pk)
    working.take_over(request_id=row.pk, by=request.actor.user, at=at)
    clear_receipt(request)
    leave_receipt(request, at=at, text="Du arbetar nu med begäran för", whom=row.patient)
    return saved(request, way_back(request, reverse("booking-request", args=[row.pk])))


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def change_many(request):
    """Tilldela, önska resurs or avsluta: all the marked rows, or none."""
    at, unit = now(), request.actor.care_unit
    form = ManyForm(request.POST, care_unit=unit, today=local_date(at))
    if not form.is_valid():
        raise InputError(**{name: list(texts) for name, texts in form.errors.items()})
    if form.cleaned_data["act"] == "invite":
        # It is asked for until when, and with which words.
        return many_invitations.page(request, ids_of(request.POST))
    if form.cleaned_data["act"] == "letter":
        marked = urlencode({"rad": ids_of(request.POST)}, doseq=True)
        return HttpResponseRedirect(f"{reverse('wait-letter', args=['booking-requests'])}?{marked}")
    return _changed(request, form.changes, at)


def _changed(request, changes, at):
    rows = working.change_many(
        request_ids=ids_of(request.POST),
        care_unit=request.actor.care_unit,
        by=request.actor.user,
        at=at,
        **changes,
    )
    log_access(
        actor=request.actor,
        patients=[row.patient_id for row in rows],
        what="bokningsbegäran, flera",
        at=at,
        action=AccessAction.WRITE,
    )
    clear_receipt(request)
    leave_receipt(request, at=at, text=f"{len(rows)} {'begäran är ändrad' if len(rows) == 1 else 'begäran är ändrade'}")
    return saved(request, way_back(request, reverse("booking-requests")))


@permitted(Permission.HANDLE_WORK_LISTS)
@require_http_methods(["GET", "HEAD", "POST"])
def assign(request):
    """Tilldela (T): the marked rows to one person, asked for in the dialog."""
    at, unit = now(), request.actor.care_unit
    data = request.POST if request.method == "POST" else None
    form = AssignForm(data, care_unit=unit, today=local_date(at), initial={"rad": request.GET.getlist("rad")})
    if form.is_bound and form.is_valid():
        return _changed(request, {"addressee": form.cleaned_data["addressee"]}, at)
    count = len(form["rad"].value() or ())
    context = {
        "heading": "Tilldela",
        "subtitle": "Bokningsbegäran",
        "band": "",
        "form": form,
        "lines": ["1 begäran får en ny mottagare." if count == 1 else f"{count} begäran får en ny mottagare."],
        "close": way_back(request, reverse("booking-requests")),
        "save": "Tilldela",
    }
    return sheet(request, "work/sheet.html", context, status=422 if form.is_bound else 200)


@permitted(Permission.DECIDE_CARE)
@require_http_methods(["GET", "HEAD", "POST"])
def await_answer(request, pk):
    """Avvakta (A): the patient is not booked until an answer has come, which is watched (UT-04)."""
    at = now()
    row = of_unit(request, pk)
    back = way_back(request, reverse("booking-requests"))
    data = request.POST if request.method == "POST" else None
    form = AwaitForm(data, today=local_date(at), version=row.version)
    if form.is_bound and form.is_valid() and _awaited(request, row, form, at):
        clear_receipt(request)
        leave_receipt(request, at=at, text="Avvaktar svar för", whom=row.patient)
        return saved(request, back)
    log_access(actor=request.actor, patients=[row.patient_id], what="bokningsbegäran", at=at, resource_id=row.pk)
    context = {
        "heading": "Avvakta",
        "subtitle": row.visit_type.name,
        "form": form,
        "band": band_of(request, load(row.patient_id), at=at),
        "lines": [
            "Begäran avslutas, och svaret bevakas i Avvakta.",
            "När svaret har kommit beslutar du vad som händer.",
        ],
        "close": back,
        "save": "Avvakta",
    }
    return sheet(request, "work/sheet.html", context, status=422 if form.is_bound else 200)


def _awaited(request, row, form, at):
    """Whether the answer is watched from now on; the form says why not."""
    try:
        work_items.await_answer(request_id=row.pk, by=request.actor.user, at=at, **form.words)
    except InputError as error:
        add_errors(form, error)
        return False
    return True


@permitted(Permission.VIEW_WORK_LISTS)
@require_POST
def save_view(request):
    """Saves the filters of the list as they are; what could tell who a person is is left out."""
    at, unit = now(), request.actor.care_unit
    filters = plain(kept_filters(request))
    view = working.save_view(
        care_unit=unit,
        name=request.POST.get("namn", "").replace("\0", "")[:40],
        filters=filters,
        is_shared="delad" in request.POST,
        is_default="forvald" in request.POST,
        by=request.actor.user,
        at=at,
    )
    clear_receipt(request)
    leave_receipt(request, at=at, text=f"Vyn {view.name} är sparad")
    return HttpResponseRedirect(f"{reverse('booking-requests')}?vy={view.pk}")


@permitted(Permission.VIEW_WORK_LISTS)
@require_POST
def remove_view(request, pk):
    """Takes away one's own view."""
    at = now()
    view = get_object_or_404(SavedView.objects.filter(care_unit=request.actor.care_unit), pk=pk)
    working.remove_view(view_id=view.pk, by=request.actor.user, at=at)
    clear_receipt(request)
    leave_receipt(request, at=at, text=f"Vyn {view.name} är borttagen")
    return HttpResponseRedirect(f"{reverse('booking-requests')}?alla=1")
