"""Akuten: the tracking list and the arrival in three fields, of a known, an unknown or a reserve patient (VH-03 c, RI-01)."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from registration import presenters
from registration.actions import encounters
from registration.actions import reserve as reserve_writes
from registration.doubles import Keys
from registration.type_choice import EMERGENCY_ARRIVAL
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.presenting import Key
from sdv.common.time import local, local_date, now
from sdv.desk.forms.stays import UNKNOWN, EmergencyForm
from sdv.desk.presenters import emergency as presenter
from sdv.desk.receipts import leave_receipt
from sdv.desk.recent import remember_patient
from sdv.desk.refusals import is_scripted
from sdv.desk.repeats import insisted, is_own_arrival_again
from sdv.desk.views.unbooked import named_patient

KEYS = (
    Key(("↑", "↓"), "byt rad"),
    Key(("N",), "ny ankomst"),
    Key(("L",), "läkarbedömd"),
    Key(("A",), "till avdelning"),
    Key(("V",), "observation"),
    Key(("U",), "skriv ut"),
)
# What an unknown patient is called until somebody knows more (RI-01).
UNKNOWN_NAME = "Okänd"


@never_cache
@require_GET
@permitted(Permission.VIEW_ENCOUNTERS)
def tracking(request):
    """Who is here, who waits, how long."""
    at = now()
    context = _list(request, at)
    return render(request, "stays/emergency.html", context)


@never_cache
@require_GET
@permitted(Permission.VIEW_ENCOUNTERS)
def rows(request):
    """The rows again, for the live list: 204 while nothing has changed. A poll is not activity."""
    at = now()
    context = _list(request, at)
    if request.GET.get("version") == context["version"]:
        return HttpResponse(status=204)
    if not is_scripted(request):
        return redirect("emergency")
    return render(request, "stays/emergency.html#rows", context)


def _list(request, at):
    everyone = presenter.encounters(request.actor.care_unit)
    chosen = request.GET.get("visa", "")
    found = [each for each in everyone if not chosen or presenter.state_of(each) == chosen]
    log_access(actor=request.actor, patients=sorted({str(each.patient_id) for each in everyone}), what="akuten", at=at)
    shown = [presenter.row(each, request.actor, at=at) for each in found]
    url = reverse("emergency")
    return {
        "heading": "Akuten",
        "clock": local(at).strftime("%H:%M"),
        "rows": shown,
        "has_others": bool(everyone),
        "version": f"{at:%H%M}-{sum(each.version for each in everyone)}-{len(everyone)}-{chosen}",
        "poll_url": reverse("emergency-rows") + (f"?visa={chosen}" if chosen else ""),
        "chips": presenter.chips(everyone, url=url, chosen=chosen),
        "may_register": request.actor.may(Permission.REGISTER_ENCOUNTERS),
        "keys": KEYS,
    }


@never_cache
@require_http_methods(["GET", "POST"])
@permitted(Permission.REGISTER_ENCOUNTERS)
def arrive(request):
    """Arrival: who, why, how identity was shown. Who is unknown gets a reserve identity at once (RI-01)."""
    at, unit = now(), request.actor.care_unit
    patient, identity_error = named_patient(request, local_date(at))
    is_given = bool(request.POST.get("patient") or request.GET.get("patient"))
    form = EmergencyForm(request.POST or None, day=local_date(at), at=at, has_patient=is_given)
    if request.method == "POST":
        if identity_error and "identity" in form.fields and request.POST.get("identity"):
            form.add_error("identity", identity_error)
        if form.is_valid():
            words = form.cleaned_data
            is_unknown = words["identity_shown"] == UNKNOWN
            try:
                patient = _unknown_patient(request, at) if is_unknown and not is_given else patient
            except RuleError as refused:
                form.add_error("identity_shown", refused.sentence)
            else:
                return _arrived(request, unit, patient, words, is_unknown, at)
    context = {
        "heading": "Akut ankomst",
        "form": form,
        "patient": patient if is_given else None,
        "band": presenters.band(patient, at=at) if patient and is_given else None,
        "back": reverse("emergency"),
        "button": "Registrera ankomst",
    }
    return render(request, "stays/who.html", context, status=422 if form.errors else 200)


def _arrived(request, unit, patient, words, is_unknown, at):
    log_access(actor=request.actor, patients=[patient.pk], what="akut ankomst", at=at, action="write")
    try:
        encounters.register_unbooked(
            patient_id=patient.pk,
            care_unit=unit,
            situation=EMERGENCY_ARRIVAL,
            contact_reason=words["contact_reason"],
            contact_form="physical",
            identity_shown="Inte visad" if is_unknown else words["identity_shown"],
            by=request.actor.user,
            at=words["at"],
            **insisted(request),
        )
    except RuleError as refused:
        if not is_own_arrival_again(request, refused, at=at):
            raise
        return redirect("emergency")
    remember_patient(request, patient)
    leave_receipt(request, at=at, text="Akut ankomst registrerad för", whom=patient)
    return redirect("emergency")


def _unknown_patient(request, at):
    """A patient nobody knows the name of, on a reserve identity of the national service, after the search that comes
    first (RI-01). Later the record is merged into who it was (RI-02)."""
    keys = Keys(given_name=UNKNOWN_NAME, surname=UNKNOWN_NAME)
    kept, _ = reserve_writes.search(keys=keys, by=request.actor.user, at=at)
    return reserve_writes.create(
        search_id=kept.pk,
        keys=keys,
        by=request.actor.user,
        at=at,
        actor_hsa_id=request.actor.assignment.hsa_id,
    )
