"""Registering that a patient has died, what that ended and left to do, and its undo by support (AV-01…03)."""

from collections import Counter

from django.contrib import messages
from django.shortcuts import redirect, render

from registration.presenters import shown_name
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.time import now
from sdv.flows import deceased
from sdv.flows.models import DeceasedCascade

from ..forms.patients import DeceasedForm, UndoDeceasedForm
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..receipts import leave_receipt

WORDS = {consumer.name: consumer for consumer in deceased.CONSUMERS}


@patient_page(Permission.SET_DECEASED, what="avliden")
def register(request, patient):
    """Says what will happen, asks for date and how it is known (AV-01); afterwards lists what was ended and what is
    left to a person (AV-02)."""
    at = now()
    if patient.is_deceased:
        return _show_done(request, patient, at)
    form = DeceasedForm(request.POST or None, initial={"version": patient.version})
    if request.method == "POST" and form.is_valid():
        try:
            deceased.register(patient_id=patient.pk, by=request.actor.user, at=at, **form.cleaned_data)
        except RuleError as refused:
            if refused.code not in {"date_in_future", "date_before_birth"}:
                raise
            form.add_error("deceased_on", refused.sentence)
        else:
            leave_receipt(request, at=at, text="Registrerad som avliden:", whom=shown_name(patient))
            return redirect("patient-deceased", pk=patient.pk)
    context = {
        "heading": "Registrera avliden",
        "form": form,
        "band": presenter.band_of(request, patient, at=at),
        "coming": _coming(patient, at),
        "patient_id": patient.pk,
    }
    return render(request, "patients/deceased.html", context, status=422 if form.errors else 200)


def _coming(patient, at):
    """What will be ended, in words with numbers; at every unit, since the cascade is (AV-02)."""
    return [consumer.numbered(count, is_done=False) for consumer, count in deceased.coming(patient, at=at) if count]


def _show_done(request, patient, at):
    cascade = (
        DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=True).select_related("registered_by").first()
    )
    numbers = Counter(cascade.changes.values_list("consumer", flat=True)) if cascade else {}
    left = deceased.left_to_do(cascade) if cascade else []
    own = request.actor.care_unit.pk
    context = {
        "heading": "Avliden",
        "band": presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
        "cascade": cascade,
        "is_waiting": cascade is not None and cascade.run_at is None,
        "ended": [WORDS[name].numbered(count, is_done=True) for name, count in sorted(numbers.items())],
        "left": [row for row in left if row.care_unit_id == own],
        "left_elsewhere": sorted({row.care_unit.name for row in left if row.care_unit_id != own}),
        "may_undo": request.actor.may(Permission.UNDO_DECEASED),
    }
    return render(request, "patients/deceased_done.html", context)


@patient_page(Permission.UNDO_DECEASED, what="avliden")
def undo(request, patient):
    """Support takes back a death set by mistake (AV-03). What could not be restored is listed, with what to do."""
    at = now()
    form = UndoDeceasedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        left = deceased.undo(patient_id=patient.pk, by=request.actor.user, at=at, **form.cleaned_data)
        for each in left:
            messages.warning(request, each.sentence)
        leave_receipt(request, at=at, text="Avliden ångrad för", whom=shown_name(patient))
        return redirect("patient-appointments", pk=patient.pk)
    context = {
        "heading": "Ångra avliden",
        "form": form,
        "band": presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
    }
    return render(request, "patients/deceased_undo.html", context, status=422 if form.errors else 200)
