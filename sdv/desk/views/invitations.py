"""Öppna kallelser: sent from the row of one who waits, ended from their list (PL-26)."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from registration.models import Referral
from registration.presenters import load
from scheduling.actions import invitations, letters
from scheduling.models import BookingRequest
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, now
from sdv.desk import repeats
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.forms.invitations import EndForm, InviteForm
from sdv.desk.forms.patients import add_errors
from sdv.desk.presenters.invitations import SUBJECTS
from sdv.desk.presenters.patient import band_of
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.desk.views.letter_list import told

GET_AND_POST = ("GET", "HEAD", "POST")
RELATIONS = {BookingRequest: "booking_requests", Referral: "referrals"}
LISTS = {"booking-requests": "booking-requests", "to-book": "work-list"}


def _log(request, patient_id, at, pk, what="öppen kallelse", action=AccessAction.READ):
    log_access(actor=request.actor, patients=[patient_id], what=what, at=at, resource_id=pk, action=action)


@permitted(Permission.BOOK)
@require_http_methods(GET_AND_POST)
def create(request, name, pk):
    """The last day is proposed; the letter is written with it. Ctrl+Enter sends."""
    if name not in SUBJECTS:
        raise Http404
    at, subject, unit = now(), SUBJECTS[name], request.actor.care_unit
    rows = getattr(unit, RELATIONS[invitations.SUBJECTS[subject]]).select_related("patient")
    row = get_object_or_404(rows, pk=pk)
    default = reverse("booking-requests") if name == "booking-requests" else reverse("work-list", args=[name])
    back = way_back(request, default)
    data = request.POST if request.method == "POST" else None
    form = InviteForm(data, care_unit=unit, today=local_date(at), asks_visit_type=subject == "referral")
    if data is not None and form.is_valid():
        try:
            made = invitations.invite(subject=subject, row_id=row.pk, **form.choices, by=request.actor.user, at=at)
        except InputError as error:
            add_errors(form, error)
        except RuleError as refused:
            if repeats.is_own_repeat(request, refused, refused.code == "already_invited"):
                return saved(request, back)
            form.add_error(None, f"{refused.sentence} Regel {refused.rule}.")
        else:
            _log(request, row.patient_id, at, made.pk, "öppen kallelse skickad", AccessAction.WRITE)
            clear_receipt(request)
            leave_receipt(request, at=at, text=f"{told(made.letters_written)} För", whom=row.patient)
            return saved(request, back)
    _log(request, row.patient_id, at, row.pk)
    context = {
        "heading": "Öppen kallelse",
        "subtitle": row.visit_type.name if subject == "booking_request" else "Remiss",
        "form": form,
        "band": band_of(request, load(row.patient_id), at=at),
        "lines": [
            "Brevet säger till patienten att boka själv, på 1177 eller telefon.",
            "Patienten väntar kvar i listan tills en tid är bokad.",
            "Har patienten inte bokat den sista dagen står raden som försenad under Öppna kallelser.",
        ],
        "close": back,
        "save": "Skriv kallelsen",
    }
    return sheet(request, "work/sheet.html", context, status=422 if form.is_bound else 200)


def _found(request, pk):
    """The öppna kallelse of the session's unit; another unit's is 404."""
    return get_object_or_404(request.actor.care_unit.open_invitations.select_related("patient", "visit_type"), pk=pk)


@permitted(Permission.HANDLE_WORK_LISTS)
@require_http_methods(GET_AND_POST)
def end(request, pk):
    """Nobody follows it any more, and why; the patient waits as before."""
    at, row = now(), _found(request, pk)
    back = way_back(request, reverse("work-list", args=["open-invitations"]))
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            invitations.end(invitation_id=row.pk, reason=form.cleaned_data["reason"], by=request.actor.user, at=at)
        except RuleError as refused:
            if not repeats.is_own_repeat(request, refused, refused.code == "already_done"):
                raise
            return saved(request, back)
        _log(request, row.patient_id, at, row.pk, "öppen kallelse avslutad", AccessAction.WRITE)
        clear_receipt(request)
        leave_receipt(request, at=at, text="Den öppna kallelsen är avslutad för", whom=row.patient)
        return saved(request, back)
    _log(request, row.patient_id, at, row.pk)
    context = {
        "heading": "Avsluta öppen kallelse",
        "subtitle": row.visit_type.name,
        "form": form,
        "band": band_of(request, load(row.patient_id), at=at),
        "lines": [
            "Ingen bevakar kallelsen längre.",
            "Patienten väntar kvar i listan och behöver en tid på annat sätt.",
        ],
        "close": back,
        "save": "Avsluta",
    }
    return sheet(request, "work/sheet.html", context, status=422 if form.is_bound else 200)


@permitted(Permission.WRITE_LETTERS)
@require_POST
def letter(request, pk):
    """The letter is written again, where there is none or it was stopped."""
    at, row = now(), _found(request, pk)
    written = letters.write_open(invitation_id=row.pk, by=request.actor.user, at=at)
    _log(request, row.patient_id, at, row.pk, "brev", AccessAction.WRITE)
    clear_receipt(request)
    leave_receipt(request, at=at, text=f"{told(written)} För", whom=row.patient)
    return saved(request, reverse("letter", args=[written[0].pk]))
