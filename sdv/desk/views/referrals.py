"""Remisshantering: the unit's inbox and the decisions on each remiss (VA-02…04)."""

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from registration.actions import referrals as writes
from registration.models import Patient, ReferralStatus
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.presenting import Link
from sdv.common.time import local_date, now

from ..forms.patients import AcceptForm, DecideForm, ReviewForm
from ..patient_access import find
from ..presenters import patient as presenter
from ..presenters.referral import referral_facts, referral_row
from ..receipts import leave_receipt

PAGE = 100
DONE = {"return": "Remiss returnerad för", "forward": "Remiss vidaresänd för", "reject": "Remiss avvisad för"}


@permitted(Permission.VIEW_REFERRALS)
def referrals(request):
    """What waits for a decision, and what is accepted and to be booked; the longest wait first (UT-07, BO-04)."""
    at = now()
    care_unit = request.actor.care_unit
    to_book = request.GET.get("visa") == "boka"
    chosen = care_unit.referrals.to_book() if to_book else care_unit.referrals.undecided()
    rows = list(
        chosen.select_related("problem_code", "commitment__problem_code")
        .prefetch_related(Prefetch("patient", queryset=Patient.objects.with_primary_identity()))
        .order_by("arrival_date", "id")[:PAGE]
    )
    log_access(actor=request.actor, patients=[row.patient_id for row in rows], what="remisser", at=at)
    address = reverse("referrals")
    context = {
        "heading": "Remisser",
        "chips": [
            Link("Att besluta", address, count=care_unit.referrals.undecided().count(), current=not to_book),
            Link("Att boka", f"{address}?visa=boka", count=care_unit.referrals.to_book().count(), current=to_book),
        ],
        "rows": [referral_row(row, on=local_date(at)) for row in rows],
        "to_book": to_book,
        "may_book": request.actor.may(Permission.BOOK),
    }
    return render(request, "referrals/list.html", context)


@permitted(Permission.VIEW_REFERRALS)
def referral(request, pk):
    """One remiss: reviewed, accepted with a problem, returned, forwarded or rejected (VA-03)."""
    at = now()
    row = get_object_or_404(
        request.actor.care_unit.referrals.select_related("problem_code", "commitment__problem_code", "decided_by"),
        pk=pk,
    )
    patient = find(row.patient_id)
    action = AccessAction.WRITE if request.method == "POST" else AccessAction.READ
    log_access(actor=request.actor, patients=[patient.pk], what="remiss", at=at, resource_id=row.pk, action=action)
    step = request.POST.get("step", "")
    if request.method == "POST":
        request.actor.require(Permission.REVIEW_REFERRALS)
    forms = _forms(row, request.POST if request.method == "POST" else None, step, local_date(at))
    if (chosen := forms.get(step)) and chosen.is_valid() and (done := _written(request, row, step, chosen, at)):
        leave_receipt(request, at=at, text=done, whom=patient)
        return redirect("referral", pk=row.pk)
    has_errors = any(form.errors for form in forms.values())
    context = {
        "heading": "Remiss",
        "form": next((form for form in forms.values() if form.errors), None),
        "row": row,
        "forms": forms,
        "facts": referral_facts(row, on=local_date(at)),
        "band": presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
        "is_undecided": row.status in (ReferralStatus.RECEIVED, ReferralStatus.RETURNED),
        "is_to_book": row.status == ReferralStatus.ACCEPTED,
        "may_review": request.actor.may(Permission.REVIEW_REFERRALS),
        "may_book": request.actor.may(Permission.BOOK),
    }
    return render(request, "referrals/referral.html", context, status=422 if has_errors else 200)


def _forms(row, data, step, today):
    """The page's three forms; only the one that was sent is bound."""

    def sent(name):
        return data if step == name else None

    version = {"version": row.version}
    review = {
        "review_date": row.review_date or today,
        "medical_target_date": row.medical_target_date,
        "days_to_first_contact": row.days_to_first_contact,
    }
    return {
        "review": ReviewForm(sent("review"), initial=review | version, auto_id="review_%s"),
        "accept": AcceptForm(
            sent("accept"), today=today, initial=version | {"problem_code": row.problem_code_id}, auto_id="accept_%s"
        ),
        "decide": DecideForm(sent("decide"), initial=version, auto_id="decide_%s"),
    }


def _written(request, row, step, form, at):
    """Makes the decision; the receipt's words, or None where the form says why not."""
    common = {"referral_id": row.pk, "by": request.actor.user, "at": at}
    try:
        if step == "review":
            writes.review(**form.cleaned_data, **common)
            return "Granskning sparad för"
        if step == "accept":
            writes.accept(**form.cleaned_data, **common)
            return "Remiss accepterad för"
        writes.decide(**form.cleaned_data, **common)
        return DONE[form.cleaned_data["decision"]]
    except RuleError as refused:
        if refused.rule != "VA-02":
            raise
        form.add_error(None, refused.sentence)
        return None
