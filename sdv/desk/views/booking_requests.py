"""Bokningsbegäran: the list with its filters, one request, and a new one (BB-01, UT-06)."""

from urllib.parse import urlencode

from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from registration.presenters import load
from scheduling.actions import work_items, working
from scheduling.dates import with_dates
from scheduling.models import BookingRequest, BookingRequestStatus, KeptFilters, SavedView, with_attempts
from scheduling.request_filters import NAMES, narrowed
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common import keyset
from sdv.common.errors import RuleError
from sdv.common.presenting import Link
from sdv.common.time import local_date, now
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.context import address
from sdv.desk.forms.work import (
    ChangeRequestForm,
    CloseRequestForm,
    FilterForm,
    ManyForm,
    NewRequestForm,
    ResourceForm,
    offered_reasons,
)
from sdv.desk.patient_access import patient_page
from sdv.desk.presenters import contact_attempts as attempts
from sdv.desk.presenters import requests as presenter
from sdv.desk.presenters.invitations import with_invitation
from sdv.desk.presenters.patient import band_of, frame_of
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.desk.return_to_list import ReturnToList, came_back

FILTER_KEY = "booking_request_filter"
GET_AND_POST = ("GET", "HEAD", "POST")


def of_unit(request, pk):
    """The request of the session's unit; another unit's is 404."""
    rows = with_dates(request.actor.care_unit.booking_requests.with_details())
    return get_object_or_404(with_invitation(rows), pk=pk)


# --- The list -------------------------------------------------------------------------------------------------------


@permitted(Permission.VIEW_WORK_LISTS)
@require_http_methods(GET_AND_POST)
def booking_requests(request):
    """The unit's waiting requests and those of units it shares a list with (PL-25), the most urgent first. A POST sets
    the filters: those that tell nothing about a person stand in the address and are met again in the next session, the
    others are remembered in this one."""
    at = now()
    today, unit = local_date(at), request.actor.care_unit
    if request.method == "POST":
        form = FilterForm(request.POST, care_unit=unit, today=today)
        if "clear" in request.POST:
            _remember(request, {})
            return HttpResponseRedirect(reverse("booking-requests"))
        if form.is_valid():
            return HttpResponseRedirect(_keep(request, form))
        return render(request, "work/booking_requests.html", _context(request, form, {}, at), status=422)
    kept = kept_filters(request)
    chosen = _view_of(request)
    if chosen:
        kept = chosen.filters
    shown = {name: request.GET[name] for name in FilterForm.base_fields if name in request.GET}
    if not shown and "alla" not in request.GET:
        shown = plain(kept)
    hidden = {name: text for name, text in kept.items() if name in FilterForm.HIDDEN}
    given = {name: text for name, text in (shown | hidden).items() if text}
    form = FilterForm(given, care_unit=unit, today=today)
    # A filter that cannot be read is told at its field; the list is then not narrowed by it.
    if form.is_valid():
        _remember(request, given)
    return render(request, "work/booking_requests.html", _context(request, form, given, at))


def _views(request):
    """One's own saved views at the unit, then those that others share, by name."""
    rows = SavedView.objects.seen_by(request.actor.user).filter(care_unit=request.actor.care_unit)
    return list(rows.select_related("user").order_by("name", "id"))


def _view_of(request):
    """The view that is asked for; on the session's first visit the one that is förvald."""
    request.saved_views = _views(request)
    if asked := request.GET.get("vy"):
        return next((view for view in request.saved_views if str(view.pk) == asked), None)
    if request.GET or _of_session(request) is not None:
        return None
    return next((view for view in request.saved_views if view.is_default and view.user == request.actor.user), None)


def _of_session(request):
    """The filters of this session at this unit; None where it has not been here."""
    return request.session.get(FILTER_KEY, {}).get(str(request.actor.care_unit.pk))


def kept_filters(request):
    """The filters of this session at this unit; on its first visit those that the user last had (BB-01)."""
    kept = _of_session(request)
    if kept is None:
        last = KeptFilters.objects.filter(user=request.actor.user, care_unit=request.actor.care_unit).first()
        kept = last.filters if last else {}
    return kept


def plain(filters):
    """Those that tell nothing about a person."""
    return {name: text for name, text in filters.items() if name not in FilterForm.HIDDEN}


def _remember(request, filters):
    """In the session, and without what tells who a person is from one session to the next."""
    if plain(filters) != plain(kept_filters(request)):
        working.keep_filters(care_unit=request.actor.care_unit, filters=plain(filters), by=request.actor.user)
    if filters != _of_session(request):
        request.session[FILTER_KEY] = {str(request.actor.care_unit.pk): filters}


def _keep(request, form):
    given = {name: request.POST.get(name, "").strip() for name in form.fields}
    given = {name: text for name, text in given.items() if text}
    _remember(request, given)
    shown = plain(given)
    url = reverse("booking-requests")
    return f"{url}?{urlencode(shown)}" if shown else f"{url}?alla=1"


def _context(request, form, given, at):
    today = local_date(at)
    seen_from = request.actor.care_unit.sharing_ids(today)
    wanted = {name: form.cleaned_data.get(own) for name, own in NAMES.items()}
    rows = BookingRequest.objects.waiting().filter(care_unit__in=seen_from)
    rows = narrowed(rows, wanted, today=today, user=request.actor.user)
    rows = rows.with_details().prefetch_related(presenter.with_identities())
    rows = with_dates(with_invitation(with_attempts(rows, "booking_request")))
    shows_all = bool(request.GET.get(attempts.SHOW_ALL))
    rows, count = attempts.hidden(rows, at=at, shows_all=shows_all)
    page = keyset.page(rows, field=BookingRequest.URGENCY, cursor=request.GET.get("cursor", ""))
    locks = working.working_with([row.pk for row in page.rows], at=at)
    back = ReturnToList(request, [row.pk for row in page.rows])
    log_access(
        actor=request.actor,
        patients=[row.patient_id for row in page.rows],
        what="lista: bokningsbegäran",
        at=at,
    )
    shown = plain(given)
    everybody = (shown or {"alla": "1"}) | {attempts.SHOW_ALL: "visa"}
    if shows_all:
        shown = everybody
    return {
        "heading": "Bokningsbegäran",
        "filters": form,
        "form": form if form.errors else None,
        "is_filtered": bool(given),
        "rows": [
            back.of_request(presenter.row(row, request.actor, at=at, lock=locks.get(row.pk))) for row in page.rows
        ],
        "next": _page_url(shown, page.next),
        "previous": _page_url(shown, page.previous),
        "columns": presenter.COLUMNS,
        "hidden": attempts.hidden_text(count),
        "show_all": f"?{urlencode(everybody)}",
        "may_book": request.actor.may(Permission.BOOK),
        **came_back(request),
        **_shared_work(request, form, given, today),
    }


def _shared_work(request, form, given, today):
    """Saved views as chips, and what can be done with many rows."""
    views = getattr(request, "saved_views", None) or _views(request)
    shown = plain(given)
    user = request.actor.user
    chips = [Link("Alla", "?alla=1", current=not given)]
    chips += [
        Link(
            view.name if view.user == user else f"{view.name} ({view.user.name})",
            f"?vy={view.pk}",
            key=str(number) if number < 10 else "",
            current=bool(given) and view.filters == shown,
        )
        for number, view in enumerate(views, start=1)
    ]
    current = next((view for view in views if given and view.filters == shown and view.user == user), None)
    may_handle = request.actor.may(Permission.HANDLE_WORK_LISTS)
    return {
        "views": chips if views else [],
        "current_view": current,
        "may_save": bool(shown) and not form.errors,
        "may_write": request.actor.may(Permission.WRITE_LETTERS),
        "many": ManyForm(care_unit=request.actor.care_unit, today=today) if may_handle else None,
    }


def _page_url(shown, cursor):
    return f"?{urlencode(shown | {'cursor': cursor})}" if cursor else ""


@permitted(Permission.HANDLE_WORK_LISTS)
@require_http_methods(GET_AND_POST)
def wished_resource(request, pk):
    """Önskad resurs in its place in the list: htmx swaps the cell; without scripts the request's own page has it."""
    at = now()
    row = of_unit(request, pk)
    options = {"care_unit": request.actor.care_unit, "today": local_date(at), "auto_id": f"resurs-{row.pk}-%s"}
    if request.method != "POST":
        log_access(actor=request.actor, patients=[row.patient_id], what="bokningsbegäran", at=at, resource_id=row.pk)
        if not request.htmx:
            return HttpResponseRedirect(reverse("booking-request", args=[row.pk]))
        initial = {"wished_resource": row.wished_resource, "version": row.version}
        context = {"row": presenter.row(row, request.actor, at=at), "form": ResourceForm(initial=initial, **options)}
        return render(request, "work/booking_requests.html#resource_form", context)
    form = ResourceForm(request.POST, **options)
    if not form.is_valid():
        context = {"row": presenter.row(row, request.actor, at=at), "form": form}
        return render(request, "work/booking_requests.html#resource_form", context, status=422)
    work_items.change_request(
        request_id=row.pk,
        by=request.actor.user,
        at=at,
        version=form.cleaned_data["version"],
        wished_resource=form.cleaned_data["wished_resource"],
    )
    leave_receipt(request, at=at, text="Önskad resurs är ändrad för", whom=row.patient)
    if not request.htmx:
        return HttpResponseRedirect(reverse("booking-requests"))
    changed = presenter.row(of_unit(request, pk), request.actor, at=at)
    return render(request, "work/booking_requests.html#resource_saved", {"row": changed})


# --- One request ----------------------------------------------------------------------------------------------------


@permitted(Permission.VIEW_WORK_LISTS)
@require_http_methods(GET_AND_POST)
def booking_request(request, pk):
    """One request with what is wished; changed by those who handle the list."""
    at = now()
    row = of_unit(request, pk)
    is_waiting = row.status in (BookingRequestStatus.OPEN, BookingRequestStatus.FOLLOW_UP)
    form = None
    if is_waiting and request.actor.may(Permission.HANDLE_WORK_LISTS):
        initial = {name: getattr(row, name) for name in ChangeRequestForm.base_fields}
        data = request.POST if request.method == "POST" else None
        form = ChangeRequestForm(data, care_unit=request.actor.care_unit, today=local_date(at), initial=initial)
    if request.method == "POST":
        request.actor.require(Permission.HANDLE_WORK_LISTS)
        if form is None:
            form = ChangeRequestForm(request.POST, care_unit=request.actor.care_unit, today=local_date(at))
        if form.is_valid():
            changes = dict(form.cleaned_data)
            version = changes.pop("version")
            work_items.change_request(request_id=row.pk, by=request.actor.user, at=at, version=version, **changes)
            leave_receipt(request, at=at, text="Bokningsbegäran är ändrad för", whom=row.patient)
            return saved(request, reverse("booking-request", args=[row.pk]))
    log_access(actor=request.actor, patients=[row.patient_id], what="bokningsbegäran", at=at, resource_id=row.pk)
    may_handle = is_waiting and request.actor.may(Permission.HANDLE_WORK_LISTS)
    lock = working.at_work(row, by=request.actor.user, at=at) if may_handle else None
    band = band_of(request, load(row.patient_id), at=at)
    context = presenter.page(row, request.actor, at=at) | {
        "heading": "Bokningsbegäran",
        "band": presenter.band_that_books(band, row) if is_waiting else band,
        "form": form,
        "worked_by": presenter.worked_by(lock),
    }
    return render(request, "work/booking_request.html", context, status=422 if form and form.errors else 200)


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def confirm(request, pk):
    """An uppföljningsbegäran is confirmed and becomes a bokningsbegäran (UT-06)."""
    at = now()
    row = of_unit(request, pk)
    work_items.change_request(request_id=row.pk, by=request.actor.user, at=at, confirm=True)
    clear_receipt(request)
    leave_receipt(request, at=at, text="Uppföljningsbegäran är bekräftad för", whom=row.patient)
    return saved(request, way_back(request, reverse("booking-requests")))


@permitted(Permission.HANDLE_WORK_LISTS)
@require_http_methods(GET_AND_POST)
def close(request, pk):
    """Ends a request that will not be booked, with its reason."""
    at = now()
    row = of_unit(request, pk)
    form = CloseRequestForm(request.POST if request.method == "POST" else None)
    back = way_back(request, reverse("booking-requests"))
    if request.method != "POST" or not form.is_valid():
        log_access(actor=request.actor, patients=[row.patient_id], what="bokningsbegäran", at=at, resource_id=row.pk)
        context = {
            "heading": "Avsluta bokningsbegäran",
            "subtitle": row.visit_type.name,
            "form": form,
            "band": band_of(request, load(row.patient_id), at=at),
            "lines": ["Patienten får ingen tid på den här begäran.", *presenter.consequences(row, at=at)],
            "close": back,
            "save": "Avsluta",
        }
        return sheet(request, "work/sheet.html", context, status=422 if form.is_bound else 200)
    work_items.close_request(
        request_id=row.pk,
        reason=form.cleaned_data["reason"],
        by=request.actor.user,
        at=at,
    )
    clear_receipt(request)
    leave_receipt(request, at=at, text="Bokningsbegäran är avslutad för", whom=row.patient)
    return saved(request, reverse("booking-requests"))


# --- A new one --------------------------------------------------------------------------------------------------------


@patient_page(Permission.HANDLE_WORK_LISTS, what="ny bokningsbegäran")
def create(request, patient):
    """A bokningsbegäran made from the patient's page (BB-01)."""
    at = now()
    unit, user = request.actor.care_unit, request.actor.user
    initial = {"commitment": request.GET.get("vardatagande")} if request.GET.get("vardatagande") else {}
    form = NewRequestForm(
        request.POST if request.method == "POST" else None,
        patient=patient,
        care_unit=unit,
        user=user,
        today=local_date(at),
        initial=initial,
    )
    if request.method == "POST" and form.is_valid():
        commitment = form.cleaned_data["commitment"]
        try:
            work_items.request_booking(
                patient_id=patient.pk,
                care_unit=unit,
                by=user,
                at=at,
                commitment_id=commitment.pk if commitment else None,
                **form.follow_up,
            )
        except RuleError as refused:
            if refused.code != "missing_commitment":
                raise
            form.add_error("commitment", f"{refused.sentence} Regel {refused.rule}.")
        else:
            leave_receipt(request, at=at, text="Bokningsbegäran är sparad för", whom=patient)
            return saved(request, address("patient-appointments", patient.pk) or reverse("booking-requests"))
    context = frame_of(request, patient, at=at, tab="patient-appointments")
    context |= {"heading": "Ny bokningsbegäran", "form": form}
    return render(request, "work/new_request.html", context, status=422 if form.is_bound else 200)


@permitted(Permission.HANDLE_WORK_LISTS)
@require_GET
def reason_options(request):
    """The vårdkontaktsorsaker of a besökstyp (VO-02), as the options of a list, for forms that htmx improves."""
    at = now()
    today, unit = local_date(at), request.actor.care_unit
    given = next((text for name, text in request.GET.items() if name.endswith("visit_type")), "")
    form = FilterForm({"besokstyp": given}, care_unit=unit, today=today)
    form.is_valid()
    reasons = offered_reasons(unit, form.cleaned_data.get("besokstyp"), today)
    return render(request, "work/reason_options.html", {"reasons": reasons})
