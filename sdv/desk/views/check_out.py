"""Utcheckning with one of four outcomes, and its undo (UT-01…06, ui.md 4.7). A dialog by htmx, a page without."""

from urllib.parse import parse_qsl, urlencode

from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from registration import presenters
from registration.actions import encounters
from registration.lifecycle import CheckOut as Kind
from registration.lifecycle import Move, Status, is_reported, refusal
from scheduling.actions import check_out as actions
from scheduling.actions import commitments
from scheduling.models import BookingRequest, Outcome, OutcomeCode
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError, StaleVersion
from sdv.common.presenting import Choice, Key
from sdv.common.requests import page_of
from sdv.common.time import local, local_date, now
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.context import address
from sdv.desk.forms.check_out import CheckOutForm, proposal
from sdv.desk.receipts import clear_receipt, last_receipt, leave_receipt
from sdv.desk.recent import remember_patient
from sdv.desk.refusals import conflict, is_scripted
from sdv.desk.repeats import is_own_repeat, require_undo

WHAT = "utcheckning"
HINTS = {
    OutcomeCode.END_COMMITMENT: "Patientens vård här är helt avslutad",
    OutcomeCode.AWAIT_RESULT: "Ett svar avgör om patienten avslutas eller följs upp",
    OutcomeCode.NO_FURTHER_PLANNING: "Återbesök är redan bokat eller begärt",
    OutcomeCode.FOLLOW_UP: "Begäran till dig själv eller en kollega",
}
KEYS = (Key(("1–4",), "utfall"), Key(("1–9",), "orsak"), Key(("Tab",), "nästa fält"))
NO_COMMITMENT = "Besöket har inget öppet vårdåtagande att avsluta."


@never_cache
@require_http_methods(["GET", "POST"])
@permitted(Permission.CHECK_OUT)
def check_out(request, pk):
    """The four outcomes of a visit; nothing is chosen beforehand (UT-02)."""
    encounter, at = _encounter(request, pk), now()
    if request.method == "GET":
        if refused := refusal(encounter.type, encounter.status, Move.CHECK_OUT):
            raise encounters.told_who(refused, encounter)
        return _show(request, encounter, _form(request, encounter, at), at)
    form = _form(request, encounter, at, data=request.POST)
    if request.POST.get("step") == "reasons":
        return render(request, "check_out/page.html#reasons", {"form": form})
    if not form.is_valid():
        return _show(request, encounter, form, at)
    try:
        _save(request, encounter, form, at)
    except StaleVersion:
        # Both pressed at once: one's own second click is silent, a colleague's first is named (PL-27).
        encounter.refresh_from_db()
        last = encounter.history.select_related("by").order_by("-id").first()
        if encounter.status != Status.CHECKED_OUT or last.by_id != request.actor.user.pk:
            return conflict(request, by=last.by.name if last.by else "", at=last.registered_at)
    except RuleError as refused:
        encounter.refresh_from_db()
        if not is_own_repeat(request, refused, encounter.status == Status.CHECKED_OUT):
            raise
    return _onward(request, encounter, at)


def _encounter(request, pk):
    """A contact at the session's own unit; another unit's is 404."""
    return get_object_or_404(request.actor.care_unit.encounters.with_details(), pk=pk)


def _others(encounter):
    """Other open vårdåtaganden of the patient at the unit, to tick one by one (UT-03)."""
    return (
        encounter.care_unit.commitments.open()
        .filter(patient=encounter.patient_id)
        .exclude(pk=encounter.commitment_id)
        .select_related("problem_code")
        .order_by("opened_on", "pk")
    )


def _form(request, encounter, at, data=None):
    user = request.actor.user
    return CheckOutForm(
        data,
        encounter=encounter,
        others=_others(encounter),
        user=user,
        at=at,
        initial=proposal(encounter, user=user, at=at) if data is None else None,
        auto_id="out_%s",
    )


def _save(request, encounter, form, at):
    words, user = form.cleaned_data, request.actor.user
    outcome = words["outcome"]
    reason = {OutcomeCode.END_COMMITMENT: "end_reason", OutcomeCode.AWAIT_RESULT: "await_reason"}.get(outcome)
    actions.check_out(
        encounter_id=encounter.pk,
        outcome=outcome,
        by=user,
        at=form.checked_out_at,
        registered_at=at,
        reason=words[reason].code if reason else None,
        accept_warnings=("UT-05",) if request.POST.get("overrule") else (),
        follow_ups=form.follow_ups(user) if outcome == OutcomeCode.FOLLOW_UP else (),
        waiting_for=words["waiting_for"],
        watch_until=words["watch_until"],
        responsible=words["responsible"],
        also_end=[row.pk for row in words["also_end"]] if outcome == OutcomeCode.END_COMMITMENT else (),
        # Who was first is told by the refusal; a version that only says "changed" would hide it (PL-27).
        version=words["version"] if encounter.status == Status.IN_PROGRESS else None,
    )
    leave_receipt(
        request,
        at=at,
        text="Utcheckning registrerad för",
        whom=encounter.patient,
        undo_url=address("check-out-undo", encounter.pk),
    )


def _onward(request, encounter, at):
    """Back to where the check-out was opened, or on to the next arrived visit of the day."""
    back = _way_back(request, encounter)
    if request.POST.get("book") and (booking := _booking_of_follow_up(encounter)):
        return saved(request, booking)
    if request.POST.get("code"):
        return saved(request, address("encounter-coding", encounter.pk))
    if not request.POST.get("next"):
        return saved(request, back)
    coming = _next_arrived(request, encounter)
    if coming is None:
        return saved(request, back)
    if not is_scripted(request):
        return HttpResponseRedirect(f"{address('check-out', coming.pk)}?{urlencode({'tillbaka': back})}")
    return _show(request, coming, _form(request, coming, at), at, came_from=back, receipt=last_receipt(request))


def _booking_of_follow_up(encounter):
    """Boka tid nu: where the request that the check-out made is booked."""
    made = BookingRequest.objects.waiting().filter(
        check_out__encounter=encounter, check_out__undone_at__isnull=True, care_unit=encounter.care_unit_id
    )
    request = made.order_by("id").first()
    return f"{address('book', encounter.patient_id)}?{urlencode({'begaran': request.pk})}" if request else ""


def _next_arrived(request, encounter):
    """The next visit of that day at the unit whose patient is here: after this one, else from the day's start."""
    waiting = (
        request.actor.care_unit.encounters.with_details()
        .on_day(local_date(encounter.start))
        .filter(status=Status.IN_PROGRESS)
        .exclude(type__check_out=Kind.NOT_APPLICABLE)
        .exclude(pk=encounter.pk)
        .order_by("start", "id")
    )
    return waiting.filter(start__gte=encounter.start).first() or waiting.first()


def _show(request, encounter, form, at, *, came_from="", receipt=None):
    patient = presenters.load(encounter.patient_id)
    log_access(actor=request.actor, patients=[patient.pk], what=WHAT, at=at, resource_id=encounter.pk)
    remember_patient(request, patient)
    own = encounter.commitment if encounter.commitment_id and encounter.commitment.status == "open" else None
    closing = commitments.closing_refusal(own, at=at) if own else None
    planned = _planned(encounter, own, at)
    back = came_from or _way_back(request, encounter)
    context = {
        "heading": "Checka ut besök",
        "subtitle": _subtitle(encounter),
        "band": presenters.band(patient, at=at, facts=()),
        "url": address("check-out", encounter.pk),
        "form": form,
        "error_form": form if form.errors else None,
        "choices": [_choice(outcome, own) for outcome in Outcome.objects.all()],
        "selected": form["outcome"].value() or "",
        "outcome_error": " ".join(form.errors.get("outcome", [])),
        "has_others": own is not None and form.fields["also_end"].queryset.exists(),
        "closing": closing,
        "bookings_url": address("patient-appointments", patient.pk),
        "planned": planned,
        "commitment": own,
        "may_book": request.actor.may(Permission.BOOK) and bool(address("book", patient.pk)),
        "may_code": request.actor.may(Permission.CODE) and is_reported(encounter.type_id, encounter.contact_form),
        "is_automatic": encounter.type.check_out == Kind.AUTOMATIC,
        "facts": _facts(encounter, own),
        "back": back,
        "keys": KEYS,
        "receipt": receipt,
        "encounter": encounter,
    }
    return sheet(request, "check_out/page.html", context, status=422 if form.errors else 200)


def _choice(outcome, own):
    refused = NO_COMMITMENT if outcome.code == OutcomeCode.END_COMMITMENT and own is None else ""
    return Choice(outcome.code, outcome.name, HINTS[outcome.code], panel=f"panel-{outcome.code}", refused=refused)


def _subtitle(encounter):
    clock = local(encounter.planned_start or encounter.start).strftime("%H:%M")
    return f"{encounter.visit_type.name if encounter.visit_type else encounter.type.name} {clock}"


def _facts(encounter, own):
    responsible = encounter.participants.select_related("practitioner").filter(is_main_responsible=True).first()
    planned = encounter.planned_start
    return [
        ("Bokad", f"{local(planned):%H:%M}" if planned else "inte bokad"),
        ("Ankom", f"{local(encounter.start):%Y-%m-%d %H:%M}"),
        ("Vårdgivare", str(responsible.practitioner) if responsible else ""),
        ("Vårdåtagande", f"{own.problem_code.name}, öppnat {own.opened_on}" if own else "inget öppet"),
    ]


def _planned(encounter, own, at):
    """What is booked or requested already: of the visit's vårdåtagande, or at the unit where it has none (UT-05)."""
    unit, patient = encounter.care_unit, encounter.patient_id
    bookings = unit.appointments.future(at).filter(patient=patient)
    requests = unit.booking_requests.waiting().filter(patient=patient)
    if own:
        bookings, requests = bookings.filter(encounter__commitment=own), requests.filter(commitment=own)
    found = [
        f"Bokat {local(each.start):%Y-%m-%d %H:%M}, {each.encounter.visit_type.name}"
        for each in bookings.select_related("encounter__visit_type").order_by("start")[:3]
    ]
    found += [
        f"Begärt {each.wished_from}–{each.wished_to}, {each.visit_type.name}"
        for each in requests.select_related("visit_type").order_by("wished_from")[:3]
    ]
    return found


def _way_back(request, encounter):
    """The list or page the check-out was opened from; the day of the visit where none is known."""
    default = f"{address('day')}?{urlencode({'dag': local_date(encounter.start).isoformat(), 'vald': encounter.pk})}"
    given = way_back(request, "")
    if given:
        return given
    page = page_of(request)
    if page.path in ("", request.path):
        return default
    query = dict(parse_qsl(page.query))
    if page.path == address("day"):
        query["vald"] = str(encounter.pk)
    return f"{page.path}?{urlencode(query)}" if query else page.path


@require_POST
@permitted(Permission.CHECK_OUT)
def undo(request, pk):
    """Takes a check-out back with all it led to (PL-13)."""
    encounter, at = _encounter(request, pk), now()
    last = encounter.history.order_by("-id").first()
    if not (last and last.move == Move.UNDO_CHECK_OUT and last.by_id == request.actor.user.pk):
        if refused := refusal(encounter.type, encounter.status, Move.UNDO_CHECK_OUT):
            raise encounters.told_who(refused, encounter)
        reason = require_undo(request, encounter, what="Utcheckningen", at=at)
        actions.undo(encounter_id=pk, by=request.actor.user, at=at, reason=reason)
        whom = encounter.patient
        clear_receipt(request)
        leave_receipt(request, at=at, text="Utcheckningen ångrad för", whom=whom)
    return saved(request, _way_back(request, encounter))
