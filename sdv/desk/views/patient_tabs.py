"""The tabs of the patient page: Patient, Vårdhändelser, Vårdåtaganden, Bokningar, Logg (ui.md 4.4, PA-08)."""

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from registration.actions import referrals as referral_writes
from registration.models import CommitmentStatus, Patient, ReferralKind
from scheduling.actions import commitments as commitment_writes
from scheduling.models import AppointmentStatus
from scheduling.presenters import letter_row
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, now

from ..forms.patients import CloseCommitmentForm, NewCommitmentForm, NumberForm, ReferralForm, add_errors
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..receipts import leave_receipt
from ..refusals import refusal_context

PAST_BOOKINGS = 50


def page_of_patient(request, patient, template, tab, heading, at, status=200, **context):
    """A page about the patient with band and tabs, and what the session's assignment may do on it."""
    frame = presenter.frame_of(request, patient, at=at, tab=tab)
    may = {
        "may_edit": request.actor.may(Permission.EDIT_PATIENTS),
        "may_book": request.actor.may(Permission.BOOK),
        "may_decide": request.actor.may(Permission.DECIDE_CARE),
        "may_refer": request.actor.may(Permission.REGISTER_REFERRALS),
        "may_set_deceased": request.actor.may(Permission.SET_DECEASED),
        "may_protect": request.actor.may(Permission.SET_PROTECTION) and not patient.is_protected,
        "may_lift": request.actor.may(Permission.LIFT_PROTECTION) and patient.protection_set_by_id is not None,
    }
    return render(
        request, template, {"heading": heading, "patient_id": patient.pk, **frame, **may, **context}, status=status
    )


# --- Vårdhändelser ----------------------------------------------------------------------------------------------------


@patient_page(Permission.VIEW_ENCOUNTERS, what="vårdhändelser")
def encounters(request, patient):
    """This unit's contacts by date, the chosen one beside (VH-05: hidden pre-registrations stay out)."""
    at = now()
    visits = list(presenter.visits_of(patient, request.actor.care_unit))
    chosen = _chosen(visits, request.GET.get("vald", ""))
    context = {
        "visits": visits,
        "chosen": chosen,
        "facts": presenter.encounter_facts(chosen) if chosen else [],
    }
    if request.htmx and chosen:
        return render(request, "patients/encounters.html#detail", context)
    return page_of_patient(
        request, patient, "patients/encounters.html", "patient-encounters", "Vårdhändelser", at, **context
    )


def _chosen(visits, wanted):
    if not visits:
        return None
    found = next((visit for visit in visits if str(visit.pk) == wanted), None)
    if wanted and found is None:
        raise Http404
    return found or visits[0]


# --- Vårdåtaganden ----------------------------------------------------------------------------------------------------


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
        undecided=list(undecided),
        care_unit=care_unit,
    )


@patient_page(Permission.DECIDE_CARE, what="vårdåtaganden")
def commitment_create(request, patient):
    """Opens a vårdåtagande for somebody already in the unit's care: ground V, to be booked (VA-02, UT-07)."""
    at = now()
    form = NewCommitmentForm(request.POST or None, today=local_date(at))
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
    """Opens a closed vårdåtagande again; it comes in Att boka (UT-07)."""
    row = get_object_or_404(request.actor.care_unit.commitments, pk=commitment, patient=patient)
    if request.method == "POST":
        at = now()
        commitment_writes.reopen(commitment_id=row.pk, by=request.actor.user, at=at)
        leave_receipt(request, at=at, text="Vårdåtagande öppnat igen för", whom=patient)
    return redirect("patient-commitments", pk=patient.pk)


@patient_page(Permission.REGISTER_REFERRALS, what="remiss")
def referral_create(request, patient):
    """Registers a remiss, an egen vårdbegäran or another ground for care that has come to the unit (VA-02)."""
    at = now()
    today = local_date(at)
    initial = {"kind": ReferralKind.REFERRAL, "arrival_date": today}
    form = ReferralForm(request.POST or None, today=today, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            referral = referral_writes.register(
                patient_id=patient.pk,
                care_unit=request.actor.care_unit,
                by=request.actor.user,
                at=at,
                **form.cleaned_data,
            )
        except InputError as error:
            add_errors(form, error)
        except RuleError as refused:
            if refused.rule != "VA-02":
                raise
            form.add_error(None, refused.sentence)
        else:
            leave_receipt(request, at=at, text="Remiss registrerad för", whom=patient)
            return redirect("referral", pk=referral.pk)
    return page_of_patient(
        request,
        patient,
        "patients/commitment_form.html",
        "patient-commitments",
        "Registrera remiss",
        at,
        status=422 if form.errors else 200,
        form=form,
        hint="Remissen hamnar i enhetens remisshantering tills någon beslutar.",
        button="Registrera remiss",
    )


# --- Bokningar ----------------------------------------------------------------------------------------------------------


@patient_page(Permission.VIEW_PATIENTS, what="bokningar")
def appointments(request, patient):
    """Coming bookings, requests that wait, and what has been; this unit's (PA-08)."""
    at = now()
    care_unit = request.actor.care_unit
    rows = care_unit.appointments.filter(patient=patient).with_details()
    coming = list(rows.filter(presenter.is_coming(at)).order_by("start", "id"))
    past = list(rows.exclude(presenter.is_coming(at)).order_by("-start", "-id")[:PAST_BOOKINGS])
    waiting = care_unit.booking_requests.waiting().filter(patient=patient).with_details().order_by("wished_to", "id")
    return page_of_patient(
        request,
        patient,
        "patients/appointments.html",
        "patient-appointments",
        "Bokningar",
        at,
        coming=coming,
        past=past,
        waiting=list(waiting),
        orders=list(care_unit.orders.filter(patient=patient).order_by("-status", "planned_on", "id")[:PAST_BOOKINGS]),
        may_activate=request.actor.may(Permission.REGISTER_ENCOUNTERS),
        letters=[
            letter_row(row)
            for row in care_unit.letters.filter(patient=patient)
            .select_related("patient", "relation", "appointment", "decided_by")
            .order_by("-created_at", "-id")[:PAST_BOOKINGS]
        ],
        may_write=request.actor.may(Permission.WRITE_LETTERS),
        booked=_just_booked(coming, request.GET.get("bokad", "")),
        may_handle=request.actor.may(Permission.VIEW_WORK_LISTS),
    )


def _just_booked(coming, wanted):
    """The booking that was just made, whose receipt offers the way back."""
    return next((row for row in coming if str(row.pk) == wanted and row.status == AppointmentStatus.BOOKED), None)


# --- Logg ---------------------------------------------------------------------------------------------------------------


@permitted(Permission.VIEW_ACCESS_LOG)
def access_log(request):
    """Where those who review logs begin: the whole number of the patient whose log is asked for."""
    form = NumberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found = Patient.objects.with_identity(form.cleaned_data["identity"], today=local_date(now()))
        if patient := found.order_by("id").first():
            return redirect("patient-log", pk=patient.pk)
        form.add_error("identity", "Ingen patient har det numret. Skriv hela numret, ÅÅÅÅMMDD-NNNN.")
    return render(
        request,
        "patients/access_log.html",
        {"heading": "Åtkomstlogg", "form": form},
        status=422 if form.errors else 200,
    )
