"""Two records of one person become one, and are taken apart again (RI-02, PL-13): the other record is sought, both are
seen side by side, and what was changed since is told before the undo and kept after it."""

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse

from registration.models import Patient
from sdv.accounts.access import log_access
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now
from sdv.flows import merging
from sdv.flows.models import PatientMerge

from ..forms.merging import MergeForm, OtherForm, UndoMergeForm
from ..patient_access import find, needs_reason, patient_page
from ..presenters import merging as presenter
from ..presenters import patient as patients
from ..receipts import leave_receipt
from ..refusals import refusal_context

MOST_HITS = 20


@patient_page(Permission.MERGE_PATIENTS, what="sammanslagning")
def merge(request, patient):
    """Seeks the other record, shows both side by side, and merges. Which of them is the old one follows from their
    numbers, not from where one began."""
    at = now()
    if request.method != "POST":
        return _search_page(request, patient, OtherForm(), at)
    if "other" not in request.POST:
        return _search(request, patient, at)
    form = MergeForm(request.POST if "merge" in request.POST else None, initial={"other": request.POST["other"]})
    other = _other(request, patient)
    if needs_reason(request, other):
        return _closed(request, patient, other, at)
    log_access(actor=request.actor, patients=[other.pk], what="sammanslagning", at=at)
    source, target = merging.direction(other, patient)
    told = merging.told_as_one(source, target)
    refused = merging.refusal(source, target, is_told_by_register=told)
    if form.is_valid() and refused is None:
        try:
            merging.merge(
                source_id=source.pk,
                target_id=target.pk,
                reason=form.cleaned_data["reason"],
                by=request.actor.user,
                at=at,
                is_told_by_register=told,
            )
        except RuleError as error:
            refused = error
        else:
            return _merged(request, target, at)
    if refused is not None and merging.is_own_repeat(source, target, by=request.actor.user):
        return redirect("patient", pk=target.pk)
    return _compare(request, patient, source, target, form, refused, at)


def _other(request, patient):
    """The record that was chosen; one that has been merged meanwhile is told of by the refusal."""
    form = MergeForm({"other": request.POST["other"], "reason": "x"})
    if not form.is_valid():
        raise Http404
    found = Patient.objects.with_primary_identity().filter(pk=form.cleaned_data["other"]).first()
    if found is None:
        raise Http404
    return found


def _search(request, patient, at):
    form = OtherForm(request.POST)
    if not form.is_valid():
        return _search_page(request, patient, form, at, status=422)
    text = form.cleaned_data["q"]
    if form.is_number:
        rows = Patient.objects.with_identity(text, today=local_date(at))
    else:
        rows = Patient.objects.named(text, birth_date=form.cleaned_data["birth_date"])
    rows = rows.exclude(pk=patient.pk).with_primary_identity().order_by("sort_key", "id")
    found = list(rows[:MOST_HITS])
    log_access(actor=request.actor, patients=[row.pk for row in found], what="sökträff", at=at)
    hits = patients.hits(found, text=text, care_unit=request.actor.care_unit, at=at)
    return _search_page(request, patient, form, at, searched=True, hits=hits)


def _search_page(request, patient, form, at, status=200, **context):
    return _page(
        request, patient, "patients/merge_search.html", "Slå samman med en annan post", form, at, status, **context
    )


def _closed(request, patient, other, at):
    """A protected person whom the unit does not know is opened with a reason first (PL-24)."""
    error = RuleError(
        "PL-24",
        "Den andra posten har skyddade personuppgifter och är inte känd på enheten. Öppna den först och ange varför.",
        alternatives=[("Öppna posten", reverse("patient", args=[other.pk]))],
    )
    return _search_page(request, patient, OtherForm(), at, status=409, **_refusal(request, error))


def _compare(request, patient, source, target, form, refused, at):
    status = 409 if refused else 422 if form.errors else 200
    context = {
        "rows": presenter.comparison(source, target, at=at),
        "coming": presenter.coming(source),
        "overlaps": presenter.overlaps(source, target),
        "is_other_old": source.pk != patient.pk,
        "other_url": reverse("patient", args=[source.pk if source.pk != patient.pk else target.pk]),
        **(_refusal(request, refused) if refused else {}),
    }
    return _page(request, patient, "patients/merge.html", "Slå samman poster", form, at, status, **context)


def _merged(request, target, at):
    undo = reverse("patient-merge-undo", args=[target.pk]) if request.actor.may(Permission.UNDO_MERGE) else ""
    leave_receipt(request, at=at, text="Posterna är sammanslagna:", whom=target, undo_url=undo)
    return redirect("patient", pk=target.pk)


def _refusal(request, error):
    context = refusal_context(request, error)
    context.pop("heading")
    return context


def _page(request, patient, template, heading, form, at, status=200, **context):
    context = {
        "heading": heading,
        "form": form,
        "band": patients.band_of(request, patient, at=at),
        "patient_id": patient.pk,
        **context,
    }
    return render(request, template, context, status=status)


# --- Undo ---------------------------------------------------------------------------------------------------------------


@patient_page(Permission.UNDO_MERGE, what="sammanslagning")
def undo(request, patient):
    """Support takes back the latest merge with a reason; what has happened since is told first. The receipt's Ångra
    leads here without one."""
    at = now()
    done = merging.latest(patient)
    if done is None:
        return redirect("patient", pk=patient.pk)
    form = UndoMergeForm(request.POST if "reason" in request.POST else None)
    refused = merging.undo_refusal(done, patient)
    if form.is_valid() and refused is None:
        try:
            merging.undo(target_id=patient.pk, by=request.actor.user, at=at, **form.cleaned_data)
        except RuleError as error:
            refused = error
        else:
            leave_receipt(request, at=at, text="Sammanslagning ångrad för", whom=patient)
            return redirect("patient-merge-undone", pk=patient.pk)
    context = {
        "merged_at": done.merged_at,
        "facts": presenter.facts(done, target=patient),
        "since": merging.since(done),
        **(_refusal(request, refused) if refused else {}),
    }
    status = 409 if refused else 422 if form.errors else 200
    return _page(request, patient, "patients/merge_undo.html", "Ångra sammanslagning", form, at, status, **context)


@patient_page(Permission.UNDO_MERGE, what="sammanslagning")
def undone(request, patient):
    """What the last undo left for a person to look at, with what to do about it."""
    rows = PatientMerge.objects.filter(target=patient, undone_at__isnull=False).select_related("undone_by")
    done = rows.order_by("-undone_at", "-id").first()
    if done is None:
        raise Http404
    context = {
        "done": done,
        "to_check": [merging.kept(each) for each in done.to_check],
        "other": find(done.source_id),
    }
    return _page(request, patient, "patients/merge_undone.html", "Sammanslagning ångrad", None, now(), **context)
