"""Registering that a patient has died, what that ended and left to do, the date corrected, and its undo by support with
what could not be restored (AV-01…03)."""

from collections import Counter
from datetime import timedelta
from urllib.parse import urlencode

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse

from registration.presenters import deceased_text
from scheduling.presenters import shown_letter
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, now
from sdv.flows import deceased
from sdv.flows.models import DeceasedCascade

from ..forms.patients import CorrectDeceasedForm, DeceasedForm, UndoDeceasedForm, add_errors
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..receipts import leave_receipt

CONSUMERS = {consumer.name: consumer for consumer in deceased.CONSUMERS}
WRONG_DATE = {"date_in_future", "date_before_birth"}


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
            if refused.code not in WRONG_DATE:
                raise
            form.add_error("deceased_on", refused.sentence)
        else:
            leave_receipt(request, at=at, text="Registrerad som avliden:", whom=patient)
            return redirect("patient-deceased", pk=patient.pk)
    coming = [consumer.numbered(count, is_done=False) for consumer, count in deceased.coming(patient, at=at) if count]
    return _form(request, patient, form, at, "patients/deceased.html", "Registrera avliden", coming=coming)


def _form(request, patient, form, at, template, heading, **context):
    context |= {
        "heading": heading,
        "form": form,
        "band": presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
    }
    return render(request, template, context, status=422 if form.errors else 200)


def _show_done(request, patient, at):
    cascade = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=True).select_related("registered_by")
    cascade = cascade.first()
    left = deceased.left_to_do(cascade) if cascade else []
    own = request.actor.care_unit
    letters = own.letters.filter(patient=patient).select_related("patient", "relation").order_by("-created_at", "-id")
    may_write = request.actor.may(Permission.WRITE_LETTERS)
    context = {
        "heading": "Avliden",
        "band": presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
        "death": deceased_text(patient),
        "cascade": cascade,
        "is_waiting": cascade is not None and cascade.run_at is None,
        "ended": _ended(cascade) if cascade else [],
        "left": [(row, deceased.what_to_do(row)) for row in left if row.care_unit_id == own.pk],
        "left_elsewhere": sorted({row.care_unit.name for row in left if row.care_unit_id != own.pk}),
        "letters": [(row, shown_letter(row)) for row in letters] if may_write else [],
        "may_write": may_write,
        "is_protected": patient.is_protected,
        "may_undo": request.actor.may(Permission.UNDO_DECEASED),
    }
    return render(request, "patients/deceased_done.html", context)


def _ended(cascade, apart_from=()):
    """What the cascade ended, in words with numbers, in the cascade's order."""
    rows = cascade.changes.values_list("consumer", "row_id")
    numbers = Counter(name for name, row_id in rows if (name, str(row_id)) not in apart_from)
    return [each.numbered(numbers[each.name], is_done=True) for each in deceased.CONSUMERS if numbers[each.name]]


@patient_page(Permission.SET_DECEASED, what="avliden")
def correct(request, patient):
    """The date that was registered by hand is corrected, as far as it is known (AV-01, PA-05)."""
    at = now()
    if not patient.is_deceased:
        return redirect("patient-deceased", pk=patient.pk)
    known = patient.deceased_partial or patient.deceased_on.isoformat()
    form = CorrectDeceasedForm(request.POST or None, initial={"died_on": known, "version": patient.version})
    if request.method == "POST" and form.is_valid():
        try:
            deceased.correct_date(patient_id=patient.pk, by=request.actor.user, at=at, **form.cleaned_data)
        except InputError as error:
            add_errors(form, InputError(died_on=error.errors["date"]))
        except RuleError as refused:
            if refused.code not in WRONG_DATE:
                raise
            form.add_error("died_on", refused.sentence)
        else:
            leave_receipt(request, at=at, text="Dödsdatum rättat för", whom=patient)
            return redirect("patient-deceased", pk=patient.pk)
    context = {
        "hint": "Vårdåtaganden som avslutades följer det nya datumet. Är bara månaden känd, skriv ÅÅÅÅ-MM.",
        "button": "Rätta dödsdatum",
        "back": reverse("patient-deceased", args=[patient.pk]),
    }
    return _form(request, patient, form, at, "patients/act_form.html", "Rätta dödsdatum", **context)


@patient_page(Permission.UNDO_DECEASED, what="avliden")
def undo(request, patient):
    """Support takes back a death set by mistake (AV-03); the outcome is then shown."""
    at = now()
    form = UndoDeceasedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        deceased.undo(patient_id=patient.pk, by=request.actor.user, at=at, **form.cleaned_data)
        leave_receipt(request, at=at, text="Avliden ångrad för", whom=patient)
        return redirect("patient-deceased-undone", pk=patient.pk)
    living = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=True).first()
    return _form(request, patient, form, at, "patients/deceased_undo.html", "Ångra avliden", cascade=living)


@patient_page(Permission.UNDO_DECEASED, what="avliden")
def undone(request, patient):
    """What the last undo restored, and what it could not, each with what to do instead (AV-03, PL-07)."""
    at = now()
    cascade = (
        DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=False)
        .select_related("undone_by")
        .order_by("-undone_at")
        .first()
    )
    if cascade is None:
        raise Http404
    left = deceased.proposals(cascade, at=at)
    context = {
        "heading": "Avliden ångrad",
        "band": presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
        "cascade": cascade,
        "restored": _restored(cascade, left),
        "left": [(each, _booking(each, patient, request.actor)) for each in left],
    }
    return render(request, "patients/deceased_undone.html", context)


def _restored(cascade, left):
    """What came back, by kind: one bokning, two remisser."""
    lost = {(each.consumer, each.row_id) for each in left}
    rows = cascade.changes.values_list("consumer", "row_id")
    numbers = Counter(name for name, row_id in rows if (name, str(row_id)) not in lost)
    return [each.counted(numbers[each.name]) for each in deceased.CONSUMERS if numbers[each.name]]


def _booking(each, patient, actor):
    """The address where a new time is booked like the one that was lost; empty at another unit."""
    lost = each.appointment
    if lost is None or lost.care_unit_id != actor.care_unit.pk or not actor.may(Permission.BOOK):
        return ""
    first = local_date(each.times[0].start if each.times else lost.start)
    asked = {
        "besokstyp": lost.encounter.visit_type_id,
        "orsak": lost.encounter.contact_reason_id,
        "fran": first.isoformat(),
        "till": (first + timedelta(days=14)).isoformat(),
    }
    if lost.encounter.commitment_id:
        asked["vardatagande"] = lost.encounter.commitment_id
    return f"{reverse('book', args=[patient.pk])}?{urlencode(asked)}"
