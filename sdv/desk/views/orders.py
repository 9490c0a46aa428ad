"""Ordinationer on the patient's page: order, activate, cancel (VH-03 j)."""

from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from registration.actions import orders
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, now

from ..forms.orders import CancelOrderForm, OrderForm
from ..forms.patients import add_errors
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..receipts import leave_receipt

TAB = "patient-appointments"


def _page(request, patient, form, at, *, heading, hint, button):
    context = {
        "heading": heading,
        "patient_id": patient.pk,
        "form": form,
        "hint": hint,
        "button": button,
        "back": reverse(TAB, args=[patient.pk]),
        **presenter.frame_of(request, patient, at=at, tab=TAB),
    }
    return render(request, "patients/act_form.html", context, status=422 if form.errors else 200)


@patient_page(Permission.DECIDE_CARE, what="ordination")
def create(request, patient):
    """Orders diagnostics at the own unit for a day."""
    at = now()
    care_unit, today = request.actor.care_unit, local_date(at)
    form = OrderForm(request.POST or None, care_unit=care_unit, today=today, initial={"planned_on": today})
    if request.method == "POST" and form.is_valid():
        try:
            orders.place(patient_id=patient.pk, care_unit=care_unit, by=request.actor.user, at=at, **form.cleaned_data)
        except InputError as error:
            add_errors(form, error)
        else:
            leave_receipt(request, at=at, text="Ordination lagd för", whom=patient)
            return redirect(TAB, pk=patient.pk)
    return _page(
        request,
        patient,
        form,
        at,
        heading="Ny ordination",
        hint="Ordinationen väntar på din enhet tills den aktiveras. Då börjar en vårdhändelse av typen Diagnostik.",
        button="Lägg ordination",
    )


@patient_page(Permission.REGISTER_ENCOUNTERS, what="ordination")
def activate(request, patient, order):
    """The order is done now: a Diagnostik vårdhändelse begins, and is shown."""
    row = get_object_or_404(request.actor.care_unit.orders, pk=order, patient=patient)
    if request.method != "POST":
        return redirect(TAB, pk=patient.pk)
    at = now()
    row = orders.activate(order_id=row.pk, by=request.actor.user, at=at)
    leave_receipt(request, at=at, text="Ordination aktiverad för", whom=patient)
    return redirect("encounter", pk=row.encounter_id)


@patient_page(Permission.DECIDE_CARE, what="ordination")
def cancel(request, patient, order):
    """The order will not be done."""
    at = now()
    row = get_object_or_404(request.actor.care_unit.orders, pk=order, patient=patient)
    form = CancelOrderForm(request.POST or None, initial={"version": row.version})
    if request.method == "POST" and form.is_valid():
        try:
            orders.cancel(order_id=row.pk, by=request.actor.user, at=at, **form.cleaned_data)
        except RuleError as refused:
            if not refused.needs_reason:
                raise
            form.add_error("reason", refused.sentence)
        else:
            leave_receipt(request, at=at, text="Ordination makulerad för", whom=patient)
            return redirect(TAB, pk=patient.pk)
    hint = f"{row.what}, planerad {row.planned_on.isoformat()}."
    return _page(request, patient, form, at, heading="Makulera ordination", hint=hint, button="Makulera ordination")
