"""Registering that a patient has died, what that ended and left to do, and its undo by support (AV-01…03)."""

from collections import Counter

from django.contrib import messages
from django.shortcuts import redirect, render

from registration.models import CareCommitment
from registration.presenters import shown_name
from scheduling.models import Appointment
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.time import now
from sdv.flows import deceased
from sdv.flows.models import DeceasedCascade

from ..forms.patients import DeceasedForm, UndoDeceasedForm
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..receipts import leave_receipt

# What the cascade's kinds of rows are called, one and many.
WORDS = {
    "appointment": ("bokning avbokas", "bokningar avbokas", "bokning avbokad", "bokningar avbokade"),
    deceased.ADMISSION: (
        "planerad inskrivning avbokas",
        "planerade inskrivningar avbokas",
        "planerad inskrivning avbokad",
        "planerade inskrivningar avbokade",
    ),
    "booking_request": (
        "bokningsbegäran avslutas",
        "bokningsbegäran avslutas",
        "bokningsbegäran avslutad",
        "bokningsbegäran avslutade",
    ),
    "awaited_result": (
        "post i Avvakta avslutas",
        "poster i Avvakta avslutas",
        "post i Avvakta avslutad",
        "poster i Avvakta avslutade",
    ),
    "missing_follow_up": (
        "post i Saknar återbesök avslutas",
        "poster i Saknar återbesök avslutas",
        "post i Saknar återbesök avslutad",
        "poster i Saknar återbesök avslutade",
    ),
    "no_show_item": (
        "uteblivet besök följs inte upp",
        "uteblivna besök följs inte upp",
        "uteblivet besök följs inte upp",
        "uteblivna besök följs inte upp",
    ),
    "referral": ("remiss stängs", "remisser stängs", "remiss stängd", "remisser stängda"),
    "outbox_message": (
        "meddelande stoppas",
        "meddelanden stoppas",
        "meddelande stoppat",
        "meddelanden stoppade",
    ),
    "commitment": (
        "vårdåtagande avslutas",
        "vårdåtaganden avslutas",
        "vårdåtagande avslutat",
        "vårdåtaganden avslutade",
    ),
}


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
    numbers = {
        "appointment": Appointment.objects.future(at).filter(patient=patient).count(),
        deceased.ADMISSION: deceased.planned_admissions(patient).count(),
        "commitment": CareCommitment.objects.open().filter(patient=patient).count(),
        **{consumer.name: consumer.rows(patient).count() for consumer in deceased.CONSUMERS},
    }
    return [_numbered(name, count, done=False) for name, count in numbers.items() if count]


def _numbered(name, count, *, done):
    return f"{count} {WORDS[name][(2 if done else 0) + (count != 1)]}"


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
        "ended": [_numbered(name, count, done=True) for name, count in sorted(numbers.items())],
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
        for sentence in left:
            messages.warning(request, sentence)
        leave_receipt(request, at=at, text="Avliden ångrad för", whom=shown_name(patient))
        return redirect("patient-appointments", pk=patient.pk)
    context = {
        "heading": "Ångra avliden",
        "form": form,
        "band": presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
    }
    return render(request, "patients/deceased_undo.html", context, status=422 if form.errors else 200)
