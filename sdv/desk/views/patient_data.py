"""The tab Patient: what the register tells is locked, what users keep is edited in place, one block at a time (PA-05…08)."""

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from registration import presenters
from registration.patient_rules import protection_refusal
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, StaleVersion
from sdv.common.time import local_date, now
from sdv.flows import merging

from ..forms.patient_data import BLOCKS
from ..forms.patients import add_errors
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..receipts import leave_receipt
from ..refusals import conflict
from .patient_tabs import page_of_patient


@patient_page(Permission.VIEW_PATIENTS, what="patientsida")
def patient(request, patient):
    """The patient's own data."""
    return _page(request, patient)


@patient_page(Permission.EDIT_PATIENTS, what="patientuppgifter")
def edit(request, patient, name, row=None):
    """One block open for editing; what is wrong is said at its field, and what a colleague has changed is shown."""
    block, kept = _block(patient, name, row)
    if row and block.change is None:
        raise Http404
    # Before anybody types what may not be written down.
    if refused := protection_refusal(patient.is_protected):
        raise refused
    at = now()
    initial = block.initial(patient, kept)
    form = block.form(request.POST or None, initial={**initial, "version": patient.version})
    if kept is not None and name == "adress":
        del form.fields["kind"]
    if request.method == "POST" and form.is_valid():
        try:
            block.save(patient, kept, dict(form.cleaned_data), by=request.actor.user, at=at)
        except InputError as error:
            add_errors(form, error)
        except StaleVersion:
            return _conflict(request, patient, form, initial)
        else:
            leave_receipt(request, at=at, text=block.saved, whom=patient)
            return redirect("patient", pk=patient.pk)
    return _page(request, patient, open_block=name, open_row=row, form=form, status=422 if form.errors else 200)


@require_POST
@patient_page(Permission.EDIT_PATIENTS, what="patientuppgifter")
def remove(request, patient, name, row):
    """Takes away a number or an address that users keep."""
    block, kept = _block(patient, name, row)
    at = now()
    block.remove(kept, patient_id=patient.pk, by=request.actor.user, at=at)
    leave_receipt(request, at=at, text=block.gone, whom=patient)
    return redirect("patient", pk=patient.pk)


def _block(patient, name, row):
    """The block and the row of it that is meant; nothing of a protected person is read (SK-02)."""
    block = BLOCKS.get(name)
    if block is None or (row and (not block.rows or patient.is_protected)):
        raise Http404
    return block, get_object_or_404(getattr(patient, block.rows), pk=row) if row else None


def _conflict(request, patient, form, before):
    """Both values side by side; nothing is written over (PL-27)."""
    last = patient.history.select_related("by").order_by("-id").first()
    changes = [
        (field.label, before.get(field.name) or "", form.cleaned_data[field.name] or "")
        for field in form
        if field.name != "version" and (before.get(field.name) or "") != (form.cleaned_data[field.name] or "")
    ]
    return conflict(request, changes=changes, by=last.by.name if last and last.by else "", at=last.at if last else None)


def _page(request, patient, *, open_block="", open_row=None, form=None, status=200):
    at = now()
    seen = presenters.shown(patient, on=local_date(at))
    contact = presenters.contact_details(patient)
    for address in contact["addresses"]:
        address.use = presenters.address_use(address, on=local_date(at))
    preferred = next((phone for phone in contact["phones"] if phone.is_preferred), None)
    phone_address = [patient.pk, "telefon", *([preferred.pk] if preferred else [])]
    return page_of_patient(
        request,
        patient,
        "patients/patient.html",
        "patient",
        "Patient",
        at,
        status=status,
        form=form,
        open_block=open_block,
        open_row=open_row,
        open_heading=BLOCKS[open_block].heading if open_block else "",
        contact=contact,
        has_own_address=any(not address.kind.is_locked for address in contact["addresses"]),
        phone_url=reverse("patient-edit-row" if preferred else "patient-edit", args=phone_address),
        confirmed=presenters.confirmed_text(patient),
        facts=presenter.register_facts(patient, seen),
        identity_rows=presenter.identity_rows(patient),
        may_merge=request.actor.may(Permission.MERGE_PATIENTS),
        may_undo_merge=request.actor.may(Permission.UNDO_MERGE) and merging.latest(patient) is not None,
    )
