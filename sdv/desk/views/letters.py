"""Brev: the one to relatives of somebody who has died is written, read, printed and confirmed, or stopped (PL-22)."""

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from registration.presenters import load
from scheduling.actions import letters
from scheduling.models import Letter, LetterStatus
from scheduling.presenters import shown_letter
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError
from sdv.common.time import now

from ..forms.letters import RelativesForm, StopForm
from ..forms.patients import add_errors
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..receipts import leave_receipt

WHAT = "brev"


@patient_page(Permission.WRITE_LETTERS, what=WHAT)
def create(request, patient):
    """Writes a letter to relatives, with the reason; then it is shown as it will stand on the paper."""
    at = now()
    if refused := letters.relatives_refusal(patient):
        raise refused
    # Nobody near who is protected, or has no name, is written to (KA-05).
    relations = patient.relations.filter(is_protected=False).exclude(name="").order_by("name", "id")
    form = RelativesForm(request.POST or None, relations=relations)
    if request.method == "POST" and form.is_valid():
        words = dict(form.cleaned_data)
        relation = words.pop("relation", None)
        try:
            letter = letters.write_to_relatives(
                patient_id=patient.pk,
                care_unit=request.actor.care_unit,
                by=request.actor.user,
                at=at,
                relation_id=relation.pk if relation else None,
                **words,
            )
        except InputError as error:
            add_errors(form, error)
        else:
            return redirect("letter", pk=letter.pk)
    context = {
        "heading": "Brev till närstående",
        "form": form,
        "hint": "Brevet sparas som det skrivs. Skriv inte patientens personnummer eller diagnos.",
        "button": "Spara och visa brevet",
        "back": reverse("patient-deceased", args=[patient.pk]),
        "patient_id": patient.pk,
        "band": presenter.band_of(request, patient, at=at),
    }
    return render(request, "patients/act_form.html", context, status=422 if form.errors else 200)


def _found(request, pk, action):
    """The unit's own letter with its patient, the reading logged."""
    row = Letter.objects.filter(pk=pk, care_unit=request.actor.care_unit).select_related("decided_by", "created_by")
    letter = row.first()
    if letter is None:
        raise Http404
    letter.patient = load(letter.patient_id)
    log_access(
        actor=request.actor, patients=[letter.patient.pk], what=WHAT, at=now(), resource_id=letter.pk, action=action
    )
    return letter


@permitted(Permission.WRITE_LETTERS)
def letter(request, pk):
    """The letter as it stands on the paper; nothing else is printed."""
    row = _found(request, pk, AccessAction.READ)
    context = {
        "heading": row.get_kind_display(),
        "letter": row,
        "shown": shown_letter(row),
        "is_unsent": row.status == LetterStatus.UNSENT,
        "patient_id": row.patient.pk,
        "band": presenter.band_of(request, row.patient, at=now()),
    }
    return render(request, "patients/letter.html", context)


@permitted(Permission.WRITE_LETTERS)
@require_POST
def printed(request, pk):
    """A person says that the letter is on paper."""
    at, row = now(), _found(request, pk, AccessAction.WRITE)
    letters.confirm_printed(letter_id=row.pk, by=request.actor.user, at=at)
    leave_receipt(request, at=at, text="Brevet är utskrivet:", whom=row.patient)
    return redirect("letter", pk=row.pk)


@permitted(Permission.WRITE_LETTERS)
def stop(request, pk):
    """The letter is not sent."""
    at = now()
    action = AccessAction.WRITE if request.method == "POST" else AccessAction.READ
    row = _found(request, pk, action)
    form = StopForm(request.POST or None, initial={"version": row.version})
    if request.method == "POST" and form.is_valid():
        letters.stop(letter_id=row.pk, by=request.actor.user, at=at, **form.cleaned_data)
        leave_receipt(request, at=at, text="Brevet är stoppat:", whom=row.patient)
        return redirect("letter", pk=row.pk)
    context = {
        "heading": "Stoppa brevet",
        "form": form,
        "hint": f"{shown_letter(row).heading}.",
        "button": "Stoppa brevet",
        "back": reverse("letter", args=[row.pk]),
        "patient_id": row.patient.pk,
        "band": presenter.band_of(request, row.patient, at=at),
    }
    return render(request, "patients/act_form.html", context, status=422 if form.errors else 200)
