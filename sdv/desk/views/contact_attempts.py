"""Kontaktförsök: logged in two keys from the row of a work list, and taken back (PL-10, PL-13)."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from registration.models import Referral
from registration.presenters import load
from scheduling.actions import contact_attempts
from scheduling.models import AwaitedResult, BookingRequest, ContactResult, MissingFollowUp, NoShowItem, RebookingItem
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.time import local_date, now
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.forms.work import AttemptForm
from sdv.desk.presenters import contact_attempts as presenter
from sdv.desk.presenters.patient import band_of
from sdv.desk.receipts import clear_receipt, leave_receipt

RELATIONS = {
    BookingRequest: "booking_requests",
    Referral: "referrals",
    AwaitedResult: "awaitedresults",
    MissingFollowUp: "missingfollowups",
    NoShowItem: "noshowitems",
    RebookingItem: "rebookingitems",
}


def _list_of(name):
    return reverse("booking-requests") if name == "booking-requests" else reverse("work-list", args=[name])


@permitted(Permission.HANDLE_WORK_LISTS)
@require_http_methods(["GET", "HEAD", "POST"])
def record(request, name, pk):
    """The sheet says which numbers there are and what was tried before; ”Svarade inte” by telephone is chosen."""
    if name not in presenter.SUBJECTS:
        raise Http404
    at, subject = now(), presenter.SUBJECTS[name]
    relation = RELATIONS[contact_attempts.MODELS[subject][0]]
    row = get_object_or_404(getattr(request.actor.care_unit, relation).select_related("patient"), pk=pk)
    back = way_back(request, _list_of(name))
    form = AttemptForm(request.POST if request.method == "POST" else None, today=local_date(at))
    if request.method == "POST" and form.is_valid():
        made = contact_attempts.record(
            subject=subject, row_id=row.pk, **form.cleaned_data, by=request.actor.user, at=at
        )
        log_access(
            actor=request.actor,
            patients=[row.patient_id],
            what="kontaktförsök",
            at=at,
            resource_id=made.pk,
            action=AccessAction.WRITE,
        )
        clear_receipt(request)
        leave_receipt(
            request,
            at=at,
            text=f"Kontaktförsök ({made.get_result_display().lower()}) sparat för",
            whom=row.patient,
            undo_url=reverse("contact-attempt-undo", args=[made.pk]),
        )
        return saved(request, back)
    log_access(actor=request.actor, patients=[row.patient_id], what="kontaktförsök", at=at, resource_id=row.pk)
    patient = load(row.patient_id)
    context = {
        "heading": "Kontaktförsök",
        "form": form,
        "band": band_of(request, patient, at=at),
        "choices": presenter.choices(ContactResult.choices),
        "chosen": form["result"].value() or ContactResult.NO_ANSWER,
        "phones": presenter.phones(patient),
        "is_protected": patient.is_protected,
        "earlier": presenter.earlier(row, subject),
        "close": back,
    }
    return sheet(request, "work/contact_attempt.html", context, status=422 if form.is_bound else 200)


@permitted(Permission.HANDLE_WORK_LISTS)
@require_POST
def undo(request, pk):
    """Ångra: the list shows the patient again."""
    at = now()
    attempt = get_object_or_404(request.actor.care_unit.contact_attempts.select_related("patient"), pk=pk)
    may_correct = request.actor.may(Permission.CORRECT)
    contact_attempts.undo(attempt_id=pk, by=request.actor.user, at=at, may_correct=may_correct)
    clear_receipt(request)
    leave_receipt(request, at=at, text="Kontaktförsöket är ångrat för", whom=attempt.patient)
    return saved(request, way_back(request, reverse("work-lists")))
