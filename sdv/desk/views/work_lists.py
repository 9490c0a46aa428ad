"""Arbetslistor: the start page with every list and the count of UT-07, each list, and what is done with its items
(UT-04, UT-05, PL-05, VH-11, VH-19)."""

from urllib.parse import urlencode

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from registration.presenters import load
from scheduling.actions import faults as fault_writes
from scheduling.actions import work_items
from scheduling.models import AwaitedResult
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common import keyset
from sdv.common.errors import InputError, RuleError
from sdv.common.presenting import Choice, Link
from sdv.common.time import local_date, now
from sdv.desk import repeats
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.context import address
from sdv.desk.forms.patients import add_errors
from sdv.desk.forms.work import DecisionForm, PostponeForm, RequestForm
from sdv.desk.presenters import contact_attempts as attempts
from sdv.desk.presenters import rows as words
from sdv.desk.presenters import work as presenter
from sdv.desk.presenters.invitations import SUBJECTS as letter_subjects
from sdv.desk.presenters.patient import band_of
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.desk.return_to_list import ReturnToList, came_back

GET_AND_POST = ("GET", "HEAD", "POST")
# Lists of the glossary that have pages of their own.
ELSEWHERE = {"booking-requests": "booking-requests", "referrals": "referrals", "coding": "coding"}


@permitted(Permission.VIEW_WORK_LISTS)
@require_GET
def work_lists(request):
    """Every list with how much there is and how much is late, and whether the unit keeps the promise of UT-07."""
    at = now()
    lists = presenter.overview(request.actor, request.actor.care_unit, at=at)
    broken = next(each for each in lists if each.name == "broken-promises")
    return render(request, "work/lists.html", {"heading": "Arbetslistor", "lists": lists, "broken": broken})


@permitted(Permission.VIEW_WORK_LISTS)
@require_GET
def work_list(request, name):
    """One list, the most urgent first."""
    if name in ELSEWHERE:
        return redirect(address(ELSEWHERE[name]) or "work-lists")
    if name not in presenter.LISTS:
        raise Http404
    at, actor = now(), request.actor
    found = presenter.LISTS[name]
    mine = bool(found.owner) and request.GET.get("visa") == "mina"
    rows = presenter.rows_of(found, actor.care_unit, at=at, owner=actor.user if mine else None)
    shows_all = bool(request.GET.get(attempts.SHOW_ALL)) or name not in attempts.SUBJECTS
    rows, count = attempts.hidden(rows, at=at, shows_all=shows_all)
    page = keyset.page(rows, field=found.field, cursor=request.GET.get("cursor", ""))
    log_access(
        actor=actor, patients=[row.patient_id for row in page.rows], what=f"lista: {found.heading.lower()}"[:60], at=at
    )
    kept = ({"visa": "mina"} if mine else {}) | (
        {attempts.SHOW_ALL: "visa"} if request.GET.get(attempts.SHOW_ALL) else {}
    )
    here = f"?{urlencode(kept | {'cursor': ''})}"
    back = ReturnToList(request, [row.pk for row in page.rows])
    context = {
        "heading": found.heading,
        "list": found,
        "rows": [back.of_row(found.row(row, actor, at)) for row in page.rows],
        "next": f"{here}{page.next}" if page.next else "",
        "previous": f"{here}{page.previous}" if page.previous else "",
        "chips": [Link("Alla på enheten", "?", current=not mine), Link("Mina", "?visa=mina", current=mine)]
        if found.owner
        else [],
        "mine": mine,
        "hidden": attempts.hidden_text(count),
        "show_all": f"?{urlencode(kept | {attempts.SHOW_ALL: 'visa'})}",
        "may_book": actor.may(Permission.BOOK),
        # Whom a letter can be written to (E); Bokningsbegäran has a page of its own.
        "marks": name in letter_subjects and actor.may(Permission.WRITE_LETTERS),
        **came_back(request),
    }
    return render(request, "work/list.html", context)


# --- What is done with an item ----------------------------------------------------------------------------------------


def _item(request, name, pk, models):
    """The item of the session's unit, where its list is among those; another unit's is 404."""
    if name not in models:
        raise Http404
    rows = (
        models[name]
        .objects.filter(care_unit=request.actor.care_unit)
        .select_related(
            "patient",
            "encounter__type",
            "encounter__visit_type",
            "encounter__contact_reason",
            "commitment__problem_code",
        )
    )
    return get_object_or_404(rows, pk=pk)


def _log(request, item, at):
    log_access(actor=request.actor, patients=[item.patient_id], what="arbetslista", at=at, resource_id=item.pk)


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def result(request, pk):
    """The answer that was waited for has come: the clinician is asked to decide (UT-04)."""
    at = now()
    item = _item(request, "awaiting-result", pk, presenter.ITEMS)
    work_items.register_result(item_id=item.pk, by=request.actor.user, at=at)
    clear_receipt(request)
    leave_receipt(request, at=at, text="Svaret är registrerat för", whom=item.patient)
    return saved(request, way_back(request, reverse("work-list", args=["awaiting-result"])))


@permitted(Permission.HANDLE_WORK_LISTS)
@require_http_methods(GET_AND_POST)
def postpone(request, name, pk):
    """Moves the day an item is watched until; a week is proposed."""
    at = now()
    item = _item(request, name, pk, presenter.POSTPONED)
    back = way_back(request, reverse("work-list", args=[name]))
    initial = {"watch_until": presenter.postponed(item, local_date(at)), "version": item.version}
    form = PostponeForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method != "POST" or not form.is_valid() or not _postponed(request, name, item, form, at):
        _log(request, item, at)
        context = {
            "heading": "Skjut upp",
            "subtitle": presenter.LISTS[name].heading,
            "form": form,
            "band": band_of(request, load(item.patient_id), at=at),
            "lines": [f"Bevakas i dag senast {item.watch_until.isoformat()}."],
            "close": back,
            "save": "Skjut upp",
        }
        return sheet(request, "work/sheet.html", context, status=422 if form.is_bound else 200)
    text = f"Uppskjuten till {form.cleaned_data['watch_until'].isoformat()}:"
    clear_receipt(request)
    leave_receipt(request, at=at, text=text, whom=item.patient)
    return saved(request, back)


def _postponed(request, name, item, form, at):
    """Whether the day is one that the item can be watched until; the form says why not."""
    given, how = form.cleaned_data, {"by": request.actor.user, "at": at}
    try:
        work_items.postpone(model=presenter.POSTPONED[name], item_id=item.pk, **given, **how)
    except InputError as error:
        add_errors(form, error)
        return False
    return True


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def take_fault(request, pk):
    """A fault of the waiting list becomes one's own (PL-11). One's own repeated click says nothing (PL-27)."""
    at, user = now(), request.actor.user
    fault = get_object_or_404(request.actor.care_unit.list_faults.select_related("patient"), pk=pk)
    _log(request, fault, at)
    taken = fault_writes.assign(fault_id=fault.pk, owner=user, by=user, at=at, version=repeats.version_of(request))
    if taken.version != fault.version:
        clear_receipt(request)
        leave_receipt(request, at=at, text="Du ansvarar för felet som gäller", whom=fault.patient)
    return saved(request, way_back(request, reverse("work-list", args=["list-faults"])))


@permitted(Permission.DECIDE_CARE)
@require_http_methods(GET_AND_POST)
def decide(request, name, pk):
    """The decision that takes an item off its list: follow up, end the vårdåtagande, or nothing more (UT-04, UT-05,
    PL-05). What the rules refuse is said in the form."""
    at = now()
    item = _item(request, name, pk, presenter.ITEMS)
    back = way_back(request, reverse("work-list", args=[name]))
    data = request.POST if request.method == "POST" else None
    form = DecisionForm(data, today=local_date(at))
    follow_up = _follow_up_form(request, item, data, at)
    if request.method == "POST" and form.is_valid() and follow_up.is_valid():
        try:
            _decide(request, name, item, form, follow_up, at)
        except RuleError as refused:
            if not repeats.is_own_repeat(request, refused, refused.code == "already_done"):
                raise
        else:
            clear_receipt(request)
            text = _DONE[form.cleaned_data["decision"]]
            leave_receipt(request, at=at, text=text, whom=item.patient)
        return saved(request, back)
    _log(request, item, at)
    chosen = request.POST.get("decision", "")
    context = {
        "heading": "Besluta",
        "subtitle": f"{presenter.LISTS[name].heading}: {presenter.visit_of(item.encounter)}",
        "form": form,
        "follow_up": follow_up,
        "errors": _errors(form, follow_up),
        "band": band_of(request, load(item.patient_id), at=at),
        "choices": _choices(item),
        "chosen": chosen,
        "facts": _facts(item),
        "close": back,
    }
    return sheet(request, "work/decide.html", context, status=422 if form.is_bound else 200)


def _follow_up_form(request, item, data, at):
    """The fields of an uppföljningsbegäran, filled in with the visit's own; required only where it is chosen."""
    visit = item.encounter
    return RequestForm(
        data,
        care_unit=request.actor.care_unit,
        user=request.actor.user,
        today=local_date(at),
        is_required=data is None or data.get("decision") == work_items.FOLLOW_UP,
        prefix="ny",
        initial={"visit_type": visit.visit_type_id, "contact_reason": visit.contact_reason_id},
    )


def _decide(request, name, item, form, follow_up, at):
    decision, reason = form.cleaned_data["decision"], form.cleaned_data["reason"]
    work_items.decide(
        model=presenter.ITEMS[name],
        item_id=item.pk,
        decision=decision,
        by=request.actor.user,
        at=at,
        follow_up=follow_up.follow_up if decision == work_items.FOLLOW_UP else None,
        reason=reason.name if reason else None,
    )


def _choices(item):
    is_open = item.commitment is not None and item.commitment.status == "open"
    refused = "" if is_open else "Besöket har inget öppet vårdåtagande att avsluta (UT-03)."
    return [
        Choice(work_items.FOLLOW_UP, "Uppföljning", "Blir en bokningsbegäran", panel="panel-follow-up"),
        Choice(
            work_items.END_COMMITMENT,
            "Avsluta vårdåtagande på enhet",
            item.commitment.problem_code.name if is_open else "",
            panel="panel-end",
            refused=refused,
        ),
        Choice(work_items.NOTHING_MORE, "Ingen ytterligare planering", "Något annat är redan planerat"),
    ]


def _facts(item):
    facts = [
        ("Besök", presenter.visit_of(item.encounter)),
        ("Vårdåtagande", item.commitment.problem_code.name if item.commitment else "Inget"),
        ("Bevakas senast", item.watch_until.isoformat()),
    ]
    if isinstance(item, AwaitedResult):
        facts.insert(1, ("Väntar på", item.waiting_for or item.reason.name))
        facts.append(("Svar kom", words.stamp(item.result_at) if item.result_at else "Inte än"))
    return facts


def _errors(form, follow_up):
    """The error summary over both forms: (id of the field, label, sentence)."""
    found = []
    for each in (form, follow_up):
        if not each.is_bound:
            continue
        found += [("", "", text) for text in each.non_field_errors()]
        for bound in each:
            target = "decision_0" if bound.name == "decision" else bound.id_for_label
            found += [(target, bound.label if bound.name != "decision" else "Beslut", text) for text in bound.errors]
    return found


_DONE = {
    work_items.FOLLOW_UP: "Uppföljning är begärd för",
    work_items.END_COMMITMENT: "Vårdåtagandet är avslutat för",
    work_items.NOTHING_MORE: "Beslut: ingen ytterligare planering för",
}
