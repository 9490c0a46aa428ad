"""The tabs of the patient page: Patient, Vårdhändelser, Vårdåtaganden, Bokningar, Logg (ui.md 4.4, PA-08)."""

from django.http import Http404
from django.shortcuts import redirect, render

from registration.models import Patient
from scheduling import dates
from scheduling.models import Appointment, AppointmentStatus
from scheduling.presenters import letter_row
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.accounts.units import actor_at, other_units
from sdv.common.time import local_date, now

from ..forms.patients import NumberForm
from ..patient_access import patient_page
from ..presenters import dates as dates_words
from ..presenters import patient as presenter
from ..presenters import plans

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


# --- Bokningar ----------------------------------------------------------------------------------------------------------


@patient_page(Permission.VIEW_PATIENTS, what="bokningar")
def appointments(request, patient):
    """Coming bookings, requests that wait, and what has been; this unit's (PA-08), and what the person has booked at
    others."""
    at = now()
    care_unit = request.actor.care_unit
    rows = care_unit.appointments.filter(patient=patient).with_details()
    coming = list(rows.filter(presenter.is_coming(at)).select_related("session", "plan").order_by("start", "id"))
    three_dates = dates.of_bookings(coming)
    for row in coming:
        row.kind_tag = plans.tag_of(row)
        row.dates = dates_words.line(three_dates[row.pk])
    past = list(rows.exclude(presenter.is_coming(at)).order_by("-start", "-id")[:PAST_BOOKINGS])
    waiting = care_unit.booking_requests.waiting().filter(patient=patient).with_details().most_urgent_first()
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
        elsewhere=(elsewhere := _made_elsewhere(request, patient, at)),
        booked_elsewhere=_just_booked(elsewhere, request.GET.get("bokad", "")),
        may_handle=request.actor.may(Permission.VIEW_WORK_LISTS),
    )


def _just_booked(coming, wanted):
    """The booking that was just made, whose receipt offers the way back."""
    return next((row for row in coming if str(row.pk) == wanted and row.status == AppointmentStatus.BOOKED), None)


def _made_elsewhere(request, patient, at):
    """Coming bookings that the person has made at other units, where an assignment of the own books (PL-25, PA-08): each
    read is logged under that assignment."""
    user, today = request.actor.user, local_date(at)
    there = other_units(request.actor, Permission.BOOK, today) if request.actor.may(Permission.BOOK) else []
    if not there:
        return []
    rows = Appointment.objects.filter(presenter.is_coming(at), patient=patient, created_by=user, care_unit__in=there)
    found = list(rows.with_details().select_related("care_unit").order_by("start", "id"))
    for unit in {row.care_unit for row in found}:
        actor = actor_at(user, unit, Permission.BOOK, today)
        log_access(actor=actor, patients=[patient.pk], what="bokningar", at=at, care_unit_id=unit.pk)
    return found


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
