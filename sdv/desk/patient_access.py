"""The guard of pages about one patient: found, permitted, logged, and for a protected person nobody at the unit meets,
opened only with a stated reason (PL-24, SK-05)."""

from functools import wraps

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import Http404
from django.shortcuts import redirect, render

from registration import presenters
from registration.models import Patient
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.common.time import now

from .recent import remember_patient

OPENED_KEY = "opened_patients"


def patient_page(permission, *, what, asks_for_reason=True, post=AccessAction.WRITE):
    """Decorates a page about one patient. `what` is the access log's word for it; a POST is logged as `post`. A
    merged record leads to the one it became part of. Reviewing the log is itself the reason, so that page asks for none."""

    def decorate(view):
        @wraps(view)
        def opened(request, pk, **kwargs):
            patient = find(pk)
            if patient.pk != pk:
                if request.method == "GET":
                    messages.info(request, "Posten du öppnade är sammanslagen med den här patienten.")
                return redirect(request.resolver_match.url_name, **{**request.resolver_match.kwargs, "pk": patient.pk})
            if asks_for_reason and needs_reason(request, patient):
                return ask_for_reason(request, patient)
            action = post if request.method == "POST" else AccessAction.READ
            log_access(actor=request.actor, patients=[patient.pk], what=what, at=now(), action=action)
            remember_patient(request, patient)
            return view(request, patient, **kwargs)

        return permitted(permission)(opened)

    return decorate


def find(pk):
    """The patient with its identities, or 404."""
    try:
        return presenters.load(pk)
    except Patient.DoesNotExist:
        raise Http404 from None


def needs_reason(request, patient):
    """Whether a reason must be stated first: the person is protected, the unit has nothing to do with the person, and
    nobody in this session has stated one (PL-24)."""
    if not patient.is_protected or _mark(request, patient.pk) in request.session.get(OPENED_KEY, []):
        return False
    return not is_known_at(request.actor.care_unit, patient)


def is_known_at(care_unit, patient):
    """Whether the patient has a contact, a booking, a vårdåtagande, a remiss or a bokningsbegäran at the unit."""
    own = {"patient": OuterRef("pk")}
    ties = (
        care_unit.encounters,
        care_unit.appointments,
        care_unit.commitments,
        care_unit.referrals,
        care_unit.booking_requests,
    )
    known = Q()
    for tie in ties:
        known |= Q(Exists(tie.filter(**own)))
    return Patient.objects.filter(pk=patient.pk).filter(known).exists()


def ask_for_reason(request, patient, form=None, status=403):
    """The page that asks why, with nothing of the patient on it."""
    from .forms.patients import OpenForm

    back = request.get_full_path() if request.method == "GET" else ""
    context = {
        "heading": "Skyddade personuppgifter",
        "form": form or OpenForm(initial={"next": back}),
        "patient_id": patient.pk,
    }
    return render(request, "patients/reason.html", context, status=status)


def remember_opened(request, patient, *, reason, at):
    """Logs the opening with its reason, and lets the rest of the session's pages about the patient pass."""
    log_access(
        actor=request.actor,
        patients=[patient.pk],
        what="skyddad patient öppnad",
        at=at,
        action=AccessAction.EMERGENCY,
        reason=reason,
    )
    request.session[OPENED_KEY] = [*request.session.get(OPENED_KEY, []), _mark(request, patient.pk)]


def _mark(request, patient_id):
    """Bound to the assignment: another role or unit states its own reason."""
    return f"{request.actor.assignment.pk}:{patient_id}"
