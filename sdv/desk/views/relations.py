"""The tab Relationer: guardians, contact persons and other numbers of a patient (ui.md 4.4, RE-01…03). The same forms
serve the copies on a vårdhändelse."""

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse

from registration import presenters
from registration.actions import relations as writes
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError
from sdv.common.time import local_date, now

from ..forms.patients import add_errors
from ..forms.relations import ContactPersonForm, GuardianForm
from ..patient_access import patient_page
from ..receipts import leave_receipt
from .patient_tabs import page_of_patient

EDITABLE = ("name", "relation", "phone", "interpreter_language", "gets_letter_copy", "valid_from", "valid_to")


@patient_page(Permission.VIEW_PATIENTS, what="relationer")
def relations(request, patient):
    """Who stands by the patient, each with source and dates."""
    at = now()
    rows = presenters.relations_of(patient, on=local_date(at))
    return page_of_patient(
        request,
        patient,
        "patients/relations.html",
        "patient-relations",
        "Relationer",
        at,
        guardians=[row for row in rows if row.is_guardian],
        contacts=[row for row in rows if not row.is_guardian],
    )


@patient_page(Permission.EDIT_PATIENTS, what="relationer")
def add(request, patient):
    """A contact person of the patient; `vardhandelse` in the query means one vårdhändelse alone (RE-03)."""
    return _form_page(request, patient, None, "Lägg till kontaktperson")


@patient_page(Permission.EDIT_PATIENTS, what="relationer")
def edit(request, patient, row):
    """Changes a contact person, or what may be changed on a guardian (RE-01)."""
    return _form_page(request, patient, row, "Ändra relation")


@patient_page(Permission.EDIT_PATIENTS, what="relationer")
def remove(request, patient, row):
    """Removes a contact person (RE-02)."""
    owner = _owner(request, patient)
    at = now()
    found = _find(owner, patient, row, at)
    if request.method == "POST":
        writes.remove(patient_id=patient.pk, relation_id=found.id, by=request.actor.user, at=at, **_encounter_id(owner))
        leave_receipt(request, at=at, text="Kontaktperson borttagen för", whom=patient)
    return redirect(_back(owner, patient))


def _owner(request, patient):
    """The vårdhändelse of the session's unit that the query names, or None for the patient's own relations."""
    wanted = request.GET.get("vardhandelse", "")
    if not wanted:
        return None
    request.actor.require(Permission.REGISTER_ENCOUNTERS)
    rows = request.actor.care_unit.encounters.filter(patient=patient).select_related("patient")
    found = next((row for row in rows if str(row.pk) == wanted), None)
    if found is None:
        raise Http404
    return found


def _encounter_id(owner):
    return {"encounter_id": owner.pk} if owner else {}


def _back(owner, patient):
    return reverse("encounter", args=[owner.pk]) if owner else reverse("patient-relations", args=[patient.pk])


def _find(owner, patient, wanted, at):
    day = local_date(at)
    rows = presenters.encounter_relations(owner, on=day) if owner else presenters.relations_of(patient, on=day)
    found = next((row for row in rows if row.id == wanted), None)
    if found is None:
        raise Http404
    return found


def _form_page(request, patient, wanted, heading):
    at = now()
    owner = _owner(request, patient)
    row = _find(owner, patient, wanted, at) if wanted else None
    kind = GuardianForm if row and row.is_guardian else ContactPersonForm
    initial = {name: getattr(row, name) for name in (*EDITABLE, "version")} if row else {}
    form = kind(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _saved(request, patient, owner, row, form, at):
        return redirect(_back(owner, patient))
    facts = []
    if row and row.is_guardian:
        born = row.birth_date.isoformat() if row.birth_date else ""
        facts = [("Namn", row.name), ("Identitet", row.identity), ("Född", born), ("Källa", row.source)]
    return page_of_patient(
        request,
        patient,
        "patients/relation_form.html",
        "patient-relations",
        heading,
        at,
        status=422 if form.errors else 200,
        form=form,
        locked=facts,
        back=_back(owner, patient),
        remove_url=_remove_url(request, patient, row),
    )


def _remove_url(request, patient, row):
    if row is None or row.is_guardian:
        return ""
    query = f"?vardhandelse={request.GET['vardhandelse']}" if request.GET.get("vardhandelse") else ""
    return reverse("relation-remove", args=[patient.pk, row.id]) + query


def _saved(request, patient, owner, row, form, at):
    """Writes what the form says; whether it went well, else the form says why not."""
    fields = {name: value for name, value in form.cleaned_data.items() if name != "version"}
    who = {"patient_id": patient.pk, "by": request.actor.user, "at": at, **_encounter_id(owner)}
    try:
        if row is None:
            writes.add_contact(**who, **fields)
        else:
            writes.change(**who, relation_id=row.id, version=form.cleaned_data["version"], **fields)
    except InputError as error:
        add_errors(form, error)
        return False
    text = "Relationen ändrad för" if row else "Kontaktperson tillagd för"
    leave_receipt(request, at=at, text=text, whom=patient)
    return True
