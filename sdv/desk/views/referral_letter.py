"""Remissbekräftelse: written from the page of a remiss, with words of the clerk's own (VA-03, KA-01)."""

from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from registration.presenters import load
from scheduling import rules
from scheduling.actions import letters
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError
from sdv.common.time import local_date, now

from ..forms.letters import LetterChoicesForm, files_to_choose
from ..forms.patients import add_errors
from ..presenters.patient import band_of
from ..receipts import leave_receipt
from .letter_list import told


@permitted(Permission.WRITE_LETTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request, pk):
    """Written now, shown as it will stand on the paper; what waited of the same remiss is replaced."""
    at, unit = now(), request.actor.care_unit
    row = get_object_or_404(unit.referrals, pk=pk)
    if refused := rules.referral_letter_refusal(status=row.status, label=row.get_status_display()):
        raise refused
    data = request.POST if request.method == "POST" else None
    action = AccessAction.READ if data is None else AccessAction.WRITE
    log_access(actor=request.actor, patients=[row.patient_id], what="brev", at=at, resource_id=pk, action=action)
    form = LetterChoicesForm(data, offered=files_to_choose(unit, local_date(at)))
    if data is not None and form.is_valid():
        try:
            written = letters.write_of_referral(referral_id=pk, **form.letter_choices, by=request.actor.user, at=at)
        except InputError as error:
            add_errors(form, error)
        else:
            leave_receipt(request, at=at, text=f"{told(written)} För", whom=load(row.patient_id))
            return redirect("letter", pk=written[0].pk)
    context = {
        "heading": "Remissbekräftelse",
        "form": form,
        "hint": f"Brevet säger att remissen är {row.get_status_display().lower()}, hur länge väntan beräknas bli där det är"
        " känt, och hur patienten når enheten. Skälet till beslutet står inte i brevet.",
        "button": "Skriv brevet",
        "back": reverse("referral", args=[pk]),
        "patient_id": row.patient_id,
        "band": band_of(request, load(row.patient_id), at=at),
    }
    return render(request, "patients/act_form.html", context, status=422 if form.errors else 200)
