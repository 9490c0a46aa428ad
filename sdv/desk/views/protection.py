"""Sekretessmarkering set by hand and lifted by support, and the way to reach a protected person (SK-02, SK-04, SK-05)."""

from django.shortcuts import redirect, render

from sdv.accounts.access import log_access
from sdv.accounts.permissions import Permission
from sdv.common.time import now
from sdv.flows import protection

from ..forms.patients import ContactWayForm, LiftForm, ProtectForm
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..receipts import leave_receipt


@patient_page(Permission.SET_PROTECTION, what="skyddade personuppgifter")
def protect(request, patient):
    """Says what is deleted and that it does not come back, and asks why (SK-04)."""
    at = now()
    if patient.is_protected:
        return redirect("patient", pk=patient.pk)
    form = ProtectForm(request.POST or None, initial={"version": patient.version})
    if request.method == "POST" and form.is_valid():
        protection.set_by_hand(patient_id=patient.pk, by=request.actor.user, at=at, **form.cleaned_data)
        leave_receipt(request, at=at, text="Skyddade personuppgifter satta:", whom=patient)
        return redirect("patient", pk=patient.pk)
    held = [f"{count} {one if count == 1 else many}" for count, one, many in protection.held(patient)]
    return _form(request, patient, form, at, "patients/protection.html", "Sätt sekretessmarkering", held=held)


@patient_page(Permission.LIFT_PROTECTION, what="skyddade personuppgifter")
def lift(request, patient):
    """Support lifts a marking set by hand (SK-04)."""
    at = now()
    if refused := protection.lift_refusal(patient):
        raise refused
    form = LiftForm(request.POST or None, initial={"version": patient.version})
    if request.method == "POST" and form.is_valid():
        protection.lift(patient_id=patient.pk, by=request.actor.user, at=at, **form.cleaned_data)
        leave_receipt(request, at=at, text="Skyddade personuppgifter hävda")
        return redirect("patient", pk=patient.pk)
    return _form(request, patient, form, at, "patients/protection_lift.html", "Häv skyddet")


@patient_page(Permission.VIEW_PATIENTS, what="kontaktväg")
def contact_way(request, patient):
    """The fixed words on Skatteverkets förmedling, after a reason that is logged. Nothing of the patient is there to show
    (SK-02)."""
    at = now()
    if not patient.is_protected:
        return redirect("patient", pk=patient.pk)
    form = ContactWayForm(request.POST or None)
    is_shown = request.method == "POST" and form.is_valid()
    if is_shown:
        reason = form.cleaned_data["reason"]
        log_access(actor=request.actor, patients=[patient.pk], what="kontaktväg visad", at=at, reason=reason)
    return _form(request, patient, form, at, "patients/contact_way.html", "Kontaktväg", is_shown=is_shown)


def _form(request, patient, form, at, template, heading, **context):
    context |= {
        "heading": heading,
        "form": form,
        "band": presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
    }
    return render(request, template, context, status=422 if form.errors else 200)
