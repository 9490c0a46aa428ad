"""The patient's vårdåtaganden at the unit: each with what comes next; opened, closed with a reason, opened again (VA-01,
UT-03, UT-07)."""

from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from registration.models import CommitmentStatus
from scheduling import pathway
from scheduling.actions import commitments as commitment_writes
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now

from ..forms.referrals import CloseCommitmentForm, ProblemForm, ReopenCommitmentForm
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..presenters.pathway import steps_of
from ..receipts import leave_receipt
from ..refusals import refusal_context
from ..repeats import is_own_repeat
from .patient_tabs import page_of_patient


@patient_page(Permission.VIEW_PATIENTS, what="vårdåtaganden")
def commitments(request, patient):
    """The unit's vårdåtaganden, open first, each with what comes next; one without is marked (UT-07)."""
    at = now()
    care_unit = request.actor.care_unit
    rows = list(
        care_unit.commitments.filter(patient=patient)
        .select_related("problem_code", "closed_by")
        .order_by("-status", "-opened_on", "-id")
    )
    open_rows = [row for row in rows if row.status == CommitmentStatus.OPEN]
    steps = presenter.next_steps(open_rows, at=at)
    lines = pathway.lines(rows, at=at)
    undecided = care_unit.referrals.undecided().filter(patient=patient).order_by("arrival_date", "id")
    return page_of_patient(
        request,
        patient,
        "patients/commitments.html",
        "patient-commitments",
        "Vårdåtaganden",
        at,
        open_rows=[(row, steps.get(row.pk, "")) for row in open_rows],
        closed_rows=[row for row in rows if row.status == CommitmentStatus.CLOSED],
        lines=[(row, steps_of(lines[row.pk])) for row in rows],
        undecided=list(undecided),
        care_unit=care_unit,
    )


@patient_page(Permission.DECIDE_CARE, what="vårdåtaganden")
def commitment_create(request, patient):
    """Opens a vårdåtagande for somebody already in the unit's care: ground V, to be booked (VA-02, UT-07)."""
    at = now()
    form = ProblemForm(request.POST or None, today=local_date(at), care_unit=request.actor.care_unit)
    if request.method == "POST" and form.is_valid():
        commitment_writes.open_for(
            patient_id=patient.pk,
            care_unit=request.actor.care_unit,
            problem_code=form.cleaned_data["problem_code"],
            by=request.actor.user,
            at=at,
        )
        leave_receipt(request, at=at, text="Vårdåtagande öppnat för", whom=patient)
        return redirect("patient-commitments", pk=patient.pk)
    return page_of_patient(
        request,
        patient,
        "patients/commitment_form.html",
        "patient-commitments",
        "Öppna vårdåtagande",
        at,
        status=422 if form.errors else 200,
        form=form,
        hint="Grund V: redan i enhetens vård. Vårdåtagandet kommer i listan Att boka.",
        button="Öppna vårdåtagande",
    )


@patient_page(Permission.DECIDE_CARE, what="vårdåtaganden")
def commitment_close(request, patient, commitment):
    """Closes a vårdåtagande with its reason; what is booked or waits stands in the way and is listed (UT-03)."""
    at = now()
    row = get_object_or_404(
        request.actor.care_unit.commitments.select_related("problem_code"), pk=commitment, patient=patient
    )
    form = CloseCommitmentForm(request.POST or None, today=local_date(at), initial={"version": row.version})
    refusal, status = {}, 200
    if request.method == "POST" and form.is_valid():
        try:
            commitment_writes.close_by_id(
                commitment_id=row.pk,
                reason=form.cleaned_data["reason"],
                by=request.actor.user,
                at=at,
                version=form.cleaned_data["version"],
            )
        except RuleError as refused:
            refused.alternatives = [("Visa bokningar och begäran", reverse("patient-appointments", args=[patient.pk]))]
            refusal, status = refusal_context(request, refused), 409
            refusal.pop("heading")
        else:
            leave_receipt(request, at=at, text="Vårdåtagande avslutat för", whom=patient)
            return redirect("patient-commitments", pk=patient.pk)
    return page_of_patient(
        request,
        patient,
        "patients/commitment_form.html",
        "patient-commitments",
        "Avsluta vårdåtagande",
        at,
        status=422 if form.errors else status,
        form=form,
        hint=f"{row.problem_code.name}, öppnat {row.opened_on.isoformat()}.",
        button="Avsluta vårdåtagande",
        **refusal,
    )


@patient_page(Permission.DECIDE_CARE, what="vårdåtaganden")
def commitment_reopen(request, patient, commitment):
    """Opens a closed vårdåtagande again, with why; it comes in Att boka (UT-07)."""
    at = now()
    row = get_object_or_404(
        request.actor.care_unit.commitments.select_related("problem_code"), pk=commitment, patient=patient
    )
    form = ReopenCommitmentForm(request.POST or None, initial={"version": row.version})
    if request.method == "POST" and form.is_valid():
        try:
            commitment_writes.reopen(commitment_id=row.pk, **form.cleaned_data, by=request.actor.user, at=at)
        except RuleError as refused:
            if not is_own_repeat(request, refused, refused.code == "wrong_status"):
                raise
        else:
            leave_receipt(request, at=at, text="Vårdåtagande öppnat igen för", whom=patient)
        return redirect("patient-commitments", pk=patient.pk)
    return page_of_patient(
        request,
        patient,
        "patients/commitment_form.html",
        "patient-commitments",
        "Öppna vårdåtagandet igen",
        at,
        status=422 if form.errors else 200,
        form=form,
        hint=f"{row.problem_code.name}: {row.close_reason}. Vårdåtagandet kommer i Att boka.",
        button="Öppna igen",
    )
