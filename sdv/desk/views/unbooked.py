"""Contacts that begin without a booking (VH-03d, VH-03e), and the guide to which registration a contact gets (DI-09)."""

from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from registration import distance_contacts, presenters
from registration.models import CareCommitment, Patient
from scheduling.actions import first_contacts
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.time import local_date, now
from sdv.desk.context import address
from sdv.desk.forms.day import IDENTITY_SHOWN
from sdv.desk.forms.unbooked import SITUATIONS, GuideForm, UnbookedForm
from sdv.desk.receipts import leave_receipt
from sdv.desk.recent import remember_patient
from sdv.desk.refusals import is_scripted
from sdv.desk.views.day import DayView


@never_cache
@require_http_methods(["GET", "POST"])
@permitted(Permission.REGISTER_ENCOUNTERS)
def drop_in(request):
    """Oplanerat besök och kontakt utan besök (VH-03d, VH-03e): patient, besökstyp, orsak."""
    at = now()
    unit, today = request.actor.care_unit, local_date(at)
    is_saving = request.method == "POST" and request.POST.get("step") != "fill"
    patient, identity_error = named_patient(request, today)
    commitments = CareCommitment.objects.none()
    if patient:
        commitments = unit.commitments.open().filter(patient=patient).select_related("problem_code").order_by("pk")
        log_access(actor=request.actor, patients=[patient.pk], what="oplanerad kontakt", at=at)
    given = request.POST.dict() if request.method == "POST" else _from_the_guide(request.GET)
    form = UnbookedForm(
        request.POST if is_saving else None,
        initial=given,
        care_unit=unit,
        day=today,
        user=request.actor.user,
        patient=patient,
        commitments=commitments,
    )
    if is_saving and identity_error and "identity" in form.fields and request.POST.get("identity"):
        form.add_error("identity", identity_error)
    if is_saving and patient and form.is_valid():
        return _register_unbooked(request, patient, form.cleaned_data, at)
    context = {
        "heading": "Oplanerat besök",
        "form": form,
        "patient": patient,
        "band": presenters.band(patient, at=at) if patient else None,
        "has_visit_types": "visit_type" in form.fields,
        "has_commitments": bool(patient) and commitments.exists(),
        "identity_error": identity_error if not is_saving and given.get("identity") else "",
        "search_url": address("patients"),
    }
    template = "day/unbooked.html#fields" if is_scripted(request) and not is_saving else "day/unbooked.html"
    return render(request, template, context, status=422 if form.errors else 200)


# What the guide hands on: answers about a contact, nothing about anybody.
OF_THE_GUIDE = {"situation", "contact_form", "replaces_visit", "in_programme"}


def _from_the_guide(given):
    return {name: value for name, value in given.items() if name in OF_THE_GUIDE}


def named_patient(request, today):
    """The patient named by id or by number, and what to say where there is none."""
    known = request.POST.get("patient") or request.GET.get("patient")
    if known:
        try:
            return presenters.load(known), ""
        except (Patient.DoesNotExist, ValidationError):
            raise Http404 from None
    number = request.POST.get("identity", "")
    if not number.strip():
        return None, ""
    found = list(Patient.objects.with_identity(number, today=today).with_primary_identity()[:2])
    if len(found) == 1:
        return found[0], ""
    if found:
        return None, "Numret kan vara flera patienter. Skriv hela numret med århundrade."
    return None, "Ingen patient har det numret. Kontrollera det, eller lägg upp patienten under Patienter."


def _register_unbooked(request, patient, words, at):
    situation = SITUATIONS[words["situation"]]
    without_visit = words["situation"] == "utan-besok"
    encounter = first_contacts.begin(
        patient_id=patient.pk,
        care_unit=request.actor.care_unit,
        situation=situation,
        by=request.actor.user,
        at=words["at"] or at,
        responsible=words["responsible"],
        visit_type=words.get("visit_type"),
        contact_reason=words["contact_reason"],
        commitment_id=words["commitment"].pk if words.get("commitment") else None,
        contact_form=words["contact_form"] if without_visit else "",
        replaces_visit=words["replaces_visit"] == "ja" if without_visit else None,
        in_programme=without_visit and words["in_programme"],
        accept_warnings=("DI-06",) if request.POST.get("overrule") else (),
        identity_shown="" if without_visit else words["identity_shown"] or IDENTITY_SHOWN[0],
        interpreter_used=words["interpreter_used"],
    )
    remember_patient(request, patient)
    what = "Kontakt utan besök registrerad för" if without_visit else "Oplanerat besök registrerat för"
    leave_receipt(request, at=at, text=what, whom=patient)
    return redirect(DayView({}, at).with_row(encounter.pk))


# --- The guide ------------------------------------------------------------------------------------------------------


@require_GET
@permitted(Permission.REGISTER_ENCOUNTERS)
def contact_guide(request):
    """Led by questions to the right registration (DI-09). The address holds answers about a contact, nothing about
    anybody; the next question comes when the one before is answered."""
    form = GuideForm(request.GET)
    advice = distance_contacts.advise(form.answers)
    context = {
        "heading": "Vilken kontakt ska registreras?",
        "form": form,
        "advice": advice,
        "register_url": f"{address('drop-in')}?{urlencode(_handed_on(advice))}" if advice else "",
        "is_first": not request.GET,
    }
    template = "contact_guide/page.html#guide" if is_scripted(request) else "contact_guide/page.html"
    return render(request, template, context)


def _handed_on(advice):
    handed = {"situation": "utan-besok", "contact_form": advice.contact_form}
    handed["replaces_visit"] = "ja" if advice.replaces_visit else "nej"
    return handed | ({"in_programme": "on"} if advice.in_programme else {})
