"""Finding, registering and opening patients (PA-01, PA-03, RI-01, SK-05). Nothing typed lands in an address."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from registration import identities, presenters
from registration.actions import patients as writes
from registration.doubles import Keys
from registration.models import Patient
from registration.presenters import found_by
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, now
from sdv.flows import register

from ..forms.patients import OpenForm, RegisterForm, SearchForm, add_errors
from ..patient_access import ask_for_reason, find, needs_reason, remember_opened
from ..presenters import doubles
from ..presenters import patient as presenter
from ..receipts import leave_receipt

MOST_HITS = 50


@permitted(Permission.VIEW_PATIENTS)
def patients(request):
    """The page to search from."""
    return _search_page(request, SearchForm(), focus_field=True)


def _search_page(request, form, *, status=200, **context):
    may_edit = request.actor.may(Permission.EDIT_PATIENTS)
    context = {"heading": "Patienter", "form": form, "may_edit": may_edit, "focus_field": False, **context}
    return render(request, "patients/search.html", context, status=status)


@permitted(Permission.VIEW_PATIENTS)
def search(request):
    """The answer to a search. Exactly one hit on a number opens the patient at once."""
    if request.method != "POST":
        return redirect("patients")
    at = now()
    form = SearchForm(request.POST)
    if not form.is_valid():
        return _search_page(request, form, status=422)
    text = form.cleaned_data["q"]
    asked = register.Asked()
    if form.is_number:
        asked = register.ask_at_search(text, at=at)
        found, about = list(_by_number(text, at)[: MOST_HITS + 1]), False
        if len(found) == 1:
            if asked.is_unavailable:
                leave_receipt(request, at=at, text=presenters.unconfirmed_text(found[0]))
            if kind := found_by(found[0], text, today=local_date(at)):
                messages.info(request, f"Hittad på {kind}. Patienten visas med sin nuvarande identitet.")
            return redirect("patient", pk=found[0].pk)
        if not found and (wrong := _why_not_a_number(text, at)):
            form.add_error("q", wrong)
            return _search_page(request, form, status=422)
    else:
        found, about = _by_name(text, form.cleaned_data["birth_date"])
    has_more, found = len(found) > MOST_HITS, found[:MOST_HITS]
    log_access(actor=request.actor, patients=[row.pk for row in found], what="sökträff", at=at)
    return _search_page(
        request,
        form,
        searched=True,
        about=about,
        has_more=has_more,
        hits=presenter.hits(found, text=text, care_unit=request.actor.care_unit, at=at),
        number=text if form.is_number else "",
        newcomer=asked.newcomer and presenters.newcomer(asked.newcomer),
        is_unavailable=asked.is_unavailable,
    )


@permitted(Permission.EDIT_PATIENTS)
def choose(request):
    """Makes a patient of somebody whom the population register knows, chosen in the result list (PA-04)."""
    if request.method != "POST":
        return redirect("patients")
    at, number = now(), request.POST.get("identity", "")[:40]
    try:
        pk = register.choose(identity=number, by=request.actor.user, at=at)
    except RuleError as refused:
        form = SearchForm({"q": number})
        form.is_valid()
        form.add_error("q", refused.sentence)
        return _search_page(request, form, status=409)
    patient = presenters.load(pk)
    leave_receipt(request, at=at, text="Hämtad ur folkbokföringen:", whom=patient)
    return redirect("patient", pk=patient.pk)


def _by_number(text, at):
    rows = Patient.objects.with_identity(text, today=local_date(at)).with_primary_identity()
    return rows.order_by("sort_key", "id")


def _why_not_a_number(text, at):
    """What is wrong with a number that nobody has, or an empty text where it is a number one may search by."""
    if identities.may_be_search_key(text):
        return ""
    try:
        identities.parse(text, today=local_date(at))
    except identities.IdentityError as error:
        return error.sentence
    return ""


def _by_name(text, birth_date):
    """Hits by the beginnings of names; where there are none, by likeness. Protected persons are in neither (SK-05)."""
    rows = Patient.objects.named(text, birth_date=birth_date).with_primary_identity()[: MOST_HITS + 1]
    if found := list(rows):
        return found, False
    rows = Patient.objects.named_about(text, birth_date=birth_date).with_primary_identity()[: MOST_HITS + 1]
    return list(rows), True


@permitted(Permission.EDIT_PATIENTS)
def create(request):
    """Registers a patient nobody has registered before. A number that is known leads to the known patient (PA-03)."""
    context = {"heading": "Registrera ny patient"}
    if request.method != "POST":
        return render(request, "patients/create.html", context | {"form": RegisterForm()})
    if "prefill" in request.POST:
        form = RegisterForm(initial={"identity": request.POST.get("identity", "")[:40]})
        return render(request, "patients/create.html", context | {"form": form})
    at = now()
    form = RegisterForm(request.POST)
    known = None
    if form.is_valid():
        if unseen := _unseen_doubles(request, form, at):
            return render(request, "patients/create.html", context | {"form": form, "doubles": unseen})
        try:
            patient = writes.register(**form.cleaned_data, by=request.actor.user, at=at)
        except InputError as error:
            add_errors(form, error)
        except RuleError as refused:
            if refused.code != "already_known":
                raise
            known = _by_number(form.cleaned_data["identity"], at).first()
            form.add_error("identity", refused.sentence)
        else:
            leave_receipt(request, at=at, text="Ny patient registrerad:", whom=patient)
            return redirect("patient", pk=patient.pk)
    context |= {"form": form, "known_url": reverse("patient", args=[known.pk]) if known else ""}
    return render(request, "patients/create.html", context, status=422)


def _unseen_doubles(request, form, at):
    """Likely doubles that the person has not been shown while typing: without script they are shown once at the first
    press, and the second registers (PL-21: it warns and never blocks)."""
    if "doubles_seen" in request.POST:
        return []
    keys = Keys(**{name: form.cleaned_data[name] for name in ("identity", "given_name", "surname")})
    at_once = Patient.objects.with_identity(keys.identity, today=local_date(at))
    rows, ids = doubles.shown(keys, at=at, apart_from=at_once)
    log_access(actor=request.actor, patients=ids, what="trolig dubblett", at=at)
    return rows


@permitted(Permission.VIEW_PATIENTS)
def open_protected(request, pk):
    """States why a protected person unknown at the unit is opened; the answer is in the access log (PL-24)."""
    patient = find(pk)
    if request.method != "POST" or not needs_reason(request, patient):
        return redirect("patient", pk=patient.pk)
    form = OpenForm(request.POST)
    if not form.is_valid():
        return ask_for_reason(request, patient, form, status=422)
    remember_opened(request, patient, reason=form.cleaned_data["reason"], at=now())
    back = form.cleaned_data["next"]
    if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return redirect(back)
    return redirect("patient", pk=patient.pk)
