"""A new reserve identity after a proved search (RI-01, RI-03), and likely doubles beside whoever is registered (PL-21)."""

from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from registration.actions import reserve as writes
from registration.doubles import Keys
from registration.reserve_rules import Decision
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.dates import parse_date
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, now

from ..forms.patients import DecisionForm, ReserveForm, add_errors
from ..presenters import doubles as presenter
from ..receipts import leave_receipt
from ..refusals import refusal_context

KEYS = ("given_name", "surname", "birth_date", "sex", "identity", "lma", "passport", "phone")
DECISION = ("decided_by", "decided_on", "reason")


@permitted(Permission.EDIT_PATIENTS)
def create(request):
    """One form: *Sök* searches and remembers the search; *Ta ut reservID* names it. What is changed in between is
    sought again."""
    if request.method != "POST":
        return _page(request, ReserveForm(), DecisionForm())
    if "prefill" in request.POST:
        return _page(request, ReserveForm(initial=_prefilled(request.POST)), DecisionForm())
    at = now()
    form, decision = ReserveForm(request.POST), DecisionForm(request.POST)
    if not (form.is_valid() and decision.is_valid()):
        return _page(request, form, decision, status=422)
    keys = Keys(**{name: form.cleaned_data[name] for name in KEYS})
    try:
        if "create" in request.POST:
            return _created(request, form, decision, keys, at)
        kept, found = writes.search(keys=keys, by=request.actor.user, at=at)
    except InputError as error:
        for name in [name for name in error.errors if name in decision.fields]:
            decision.add_error(name, error.errors.pop(name))
        add_errors(form, error)
        return _page(request, form, decision, status=422)
    except RuleError as refused:
        refusal = refusal_context(request, refused)
        refusal.pop("heading")
        return _page(request, form, decision, status=409, **_likely(request, keys, at), **refusal)
    log_access(actor=request.actor, patients=[row.pk for row in found], what="sökträff", at=at)
    form.data = form.data.copy()
    form.data["search"] = "" if found else str(kept.pk)
    return _page(
        request,
        form,
        decision,
        searched=True,
        certain=presenter.certain(found, at=at),
        may_create=not found,
        **_likely(request, keys, at, apart_from=found),
    )


def _created(request, form, decision, keys, at):
    told = decision.cleaned_data
    patient = writes.create(
        search_id=form.cleaned_data["search"],
        keys=keys,
        passport_country=form.cleaned_data["passport_country"],
        has_personnummer=told["has_personnummer"],
        decision=Decision(*(told[name] for name in DECISION)) if told["has_personnummer"] else None,
        by=request.actor.user,
        at=at,
        actor_hsa_id=request.actor.assignment.hsa_id,
    )
    log_access(actor=request.actor, patients=[patient.pk], what="reservidentitet skapad", at=at, action="write")
    leave_receipt(request, at=at, text="Ny reservidentitet för", whom=patient)
    return redirect("patient", pk=patient.pk)


def _prefilled(sent):
    """What was typed where somebody was sought in vain."""
    return {"identity": sent.get("identity", "")[:40]}


def _page(request, form, decision, *, status=200, **context):
    context = {"heading": "Ny reservidentitet", "form": form, "decision": decision, **context}
    return render(request, "patients/reserve.html", context, status=status)


@require_POST
@permitted(Permission.EDIT_PATIENTS)
def likely_doubles(request):
    """The likely doubles of what stands in the form so far, whatever form it is. What cannot be read yet is left out."""
    at = now()
    keys = Keys(**{name: request.POST.get(name, "").replace("\0", "")[:120] for name in KEYS if name != "birth_date"})
    keys = Keys(**{**vars(keys), "birth_date": _date(request.POST.get("birth_date", ""), at)})
    return render(request, "patients/parts/doubles.html", _likely(request, keys, at))


def _likely(request, keys, at, apart_from=()):
    rows, ids = presenter.shown(keys, at=at, apart_from=apart_from)
    log_access(actor=request.actor, patients=ids, what="trolig dubblett", at=at)
    return {"doubles": rows}


def _date(text, at):
    try:
        return parse_date(text[:40], local_date(at)) if text.strip() else None
    except ValueError:
        return None
