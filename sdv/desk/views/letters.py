"""One letter: read as it stands on the paper, confirmed as printed, written again, or stopped; the one to relatives of
somebody who has died is written here (KA-01, KA-03, PL-22)."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from registration.presenters import load
from scheduling import letter_pdf
from scheduling.actions import letters
from scheduling.models import Delivery, Letter, LetterDocument, LetterKind, LetterStatus
from scheduling.models.letter import BUILT, ON_PAPER
from scheduling.outgoing import why_not_in_portal
from scheduling.presenters import fallback_words, shown_letter
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError
from sdv.common.time import local_date, now

from ..forms.letters import RelativesForm, RewriteForm, StopForm, add_ons_to_choose, files_to_choose, initial_of
from ..forms.patients import add_errors
from ..patient_access import patient_page
from ..presenters import patient as presenter
from ..receipts import leave_receipt
from .letter_list import told

WHAT = "brev"


@patient_page(Permission.WRITE_LETTERS, what=WHAT)
def create(request, patient):
    """Writes a letter to relatives, with the reason; then it is shown as it will stand on the paper."""
    at = now()
    if refused := letters.relatives_refusal(patient):
        raise refused
    # Nobody near who is protected, or has no name, is written to (KA-05).
    relations = patient.relations.filter(is_protected=False).exclude(name="").order_by("name", "id")
    form = RelativesForm(request.POST or None, relations=relations)
    if request.method == "POST" and form.is_valid():
        words = dict(form.cleaned_data)
        relation = words.pop("relation", None)
        try:
            letter = letters.write_to_relatives(
                patient_id=patient.pk,
                care_unit=request.actor.care_unit,
                by=request.actor.user,
                at=at,
                relation_id=relation.pk if relation else None,
                **words,
            )
        except InputError as error:
            add_errors(form, error)
        else:
            return redirect("letter", pk=letter.pk)
    context = {
        "heading": "Brev till närstående",
        "form": form,
        "hint": "Brevet sparas som det skrivs. Skriv inte patientens personnummer eller diagnos.",
        "button": "Spara och visa brevet",
        "back": reverse("patient-deceased", args=[patient.pk]),
        "patient_id": patient.pk,
        "band": presenter.band_of(request, patient, at=at),
    }
    return render(request, "patients/act_form.html", context, status=422 if form.errors else 200)


def _found(request, pk, action):
    """The unit's own letter with its patient, the reading logged."""
    row = Letter.objects.filter(pk=pk, care_unit=request.actor.care_unit).select_related(
        "decided_by", "created_by", "relation"
    )
    letter = row.first()
    if letter is None:
        raise Http404
    letter.patient = load(letter.patient_id)
    log_access(
        actor=request.actor, patients=[letter.patient.pk], what=WHAT, at=now(), resource_id=letter.pk, action=action
    )
    return letter


@permitted(Permission.WRITE_LETTERS)
def letter(request, pk):
    """The letter as it stands on the paper; nothing else is printed."""
    row = _found(request, pk, AccessAction.READ)
    shown = shown_letter(row)
    about_death = row.kind == LetterKind.TO_RELATIVES
    context = {
        "heading": row.get_kind_display(),
        "letter": row,
        "shown": shown,
        "paper": None if shown.is_hidden else letter_pdf.paper_of(row, level=2),
        "is_unsent": row.status == LetterStatus.UNSENT,
        "not_sent": _why_not(row),
        "is_blocked": row.status == LetterStatus.BLOCKED and not shown.is_hidden,
        "is_mediated": row.delivery == Delivery.MEDIATION,
        "may_rewrite": (row.status in (LetterStatus.UNSENT, LetterStatus.BLOCKED))
        and row.kind in BUILT
        and not row.is_copy
        and not shown.is_hidden,
        "in_swedish": fallback_words(row),
        "enclosed": []
        if shown.is_hidden
        else list(row.enclosures.select_related("attachment").defer("attachment__pdf")),
        "is_both": row.delivery == Delivery.BOTH,
        "not_in_portal": why_not_in_portal(row) if row.delivery == Delivery.BOTH and not shown.is_hidden else "",
        "on_paper": row.delivery in ON_PAPER,
        "about_time": not about_death,
        "has_document": not shown.is_hidden and LetterDocument.objects.filter(letter=row).exists(),
        "large_label": "Vanlig text" if row.is_large_print else "Stor text",
        "large_fields": {"stor": "" if row.is_large_print else "1", "version": row.version},
        "back": reverse("patient-deceased" if about_death else "letters", args=[row.patient.pk] if about_death else []),
        "back_label": "Till Avliden" if about_death else "Till Brev",
        "patient_id": row.patient.pk,
        "band": presenter.band_of(request, row.patient, at=now()),
    }
    return render(request, "patients/letter.html", context)


def _why_not(row):
    """Why an unsent letter is not put on paper any more, or an empty text."""
    if row.status != LetterStatus.UNSENT or row.delivery not in ON_PAPER:
        return ""
    refused = letters.print_refusal(row, row.patient, at=now())
    return refused.sentence if refused else ""


@permitted(Permission.WRITE_LETTERS)
def document(request, pk):
    """The letter as it was put on paper, byte for byte (KA-03)."""
    row = _found(request, pk, AccessAction.PRINT)
    kept = LetterDocument.objects.filter(letter=row).first()
    if kept is None or shown_letter(row).is_hidden:
        raise Http404
    answer = HttpResponse(bytes(kept.pdf), content_type="application/pdf")
    answer["Content-Disposition"] = 'inline; filename="brev.pdf"'
    answer["Cache-Control"] = "private, no-store"
    return answer


@permitted(Permission.WRITE_LETTERS)
def enclosure(request, pk, file):
    """A file that goes with the letter, byte for byte as it went (KA-03)."""
    row = _found(request, pk, AccessAction.PRINT)
    found = row.enclosures.select_related("attachment").filter(pk=file).first()
    if found is None or shown_letter(row).is_hidden:
        raise Http404
    answer = HttpResponse(bytes(found.attachment.pdf), content_type="application/pdf")
    answer["Content-Disposition"] = 'inline; filename="bilaga.pdf"'
    answer["Cache-Control"] = "private, no-store"
    return answer


@permitted(Permission.WRITE_LETTERS)
def rewrite(request, pk):
    """Own words, language and files of a letter that has not left: it is stopped, and another takes its place (KA-03)."""
    at = now()
    row = _found(request, pk, AccessAction.WRITE if request.method == "POST" else AccessAction.READ)
    if shown_letter(row).is_hidden:
        raise Http404
    initial = initial_of(row, row.appointment) | {"version": row.version}
    data = request.POST if request.method == "POST" else None
    today = local_date(at)
    offered = files_to_choose(request.actor.care_unit, today)
    add_ons = add_ons_to_choose(today) if row.appointment_id else ()
    form = RewriteForm(data, offered=offered, add_ons=add_ons, initial=initial)
    if data is not None and form.is_valid():
        try:
            written = letters.rewrite(
                letter_id=row.pk,
                version=form.cleaned_data["version"],
                **form.letter_choices,
                by=request.actor.user,
                at=at,
            )
        except InputError as error:
            add_errors(form, error)
        else:
            leave_receipt(request, at=at, text=f"{told([written])} För", whom=row.patient)
            return redirect("letter", pk=written.pk)
    context = {
        "heading": "Ändra brevet",
        "form": form,
        "hint": "Det som är skrivet ändras aldrig: brevet stoppas och ett nytt tar dess plats.",
        "button": "Skriv om brevet",
        "back": reverse("letter", args=[row.pk]),
        "patient_id": row.patient.pk,
        "band": presenter.band_of(request, row.patient, at=at),
    }
    return render(request, "patients/act_form.html", context, status=422 if form.errors else 200)


@permitted(Permission.WRITE_LETTERS)
@require_POST
def large(request, pk):
    """In large print, or not."""
    row = _found(request, pk, AccessAction.WRITE)
    version = request.POST.get("version", "")
    letters.set_large_print(
        letter_id=row.pk,
        is_large=bool(request.POST.get("stor")),
        by=request.actor.user,
        at=now(),
        version=int(version) if version.isdecimal() and len(version) < 10 else None,
    )
    return redirect("letter", pk=row.pk)


@permitted(Permission.WRITE_LETTERS)
@require_POST
def again(request, pk):
    """One that lacked something is written again; a copy to the address that is given."""
    at, row = now(), _found(request, pk, AccessAction.WRITE)
    address = request.POST.get("address", "").replace("\0", "")[:500]
    written = letters.write_again(letter_id=row.pk, address=address, by=request.actor.user, at=at)
    leave_receipt(request, at=at, text=f"{told([written])} För", whom=row.patient)
    return redirect("letter", pk=written.pk)


@permitted(Permission.WRITE_LETTERS)
@require_POST
def printed(request, pk):
    """A person says that the letter is on paper."""
    at, row = now(), _found(request, pk, AccessAction.WRITE)
    letters.confirm_printed(letter_id=row.pk, by=request.actor.user, at=at)
    leave_receipt(request, at=at, text="Brevet är utskrivet:", whom=row.patient)
    return redirect("letter", pk=row.pk)


@permitted(Permission.WRITE_LETTERS)
def stop(request, pk):
    """The letter is not sent."""
    at = now()
    action = AccessAction.WRITE if request.method == "POST" else AccessAction.READ
    row = _found(request, pk, action)
    form = StopForm(request.POST or None, initial={"version": row.version})
    if request.method == "POST" and form.is_valid():
        letters.stop(letter_id=row.pk, by=request.actor.user, at=at, **form.cleaned_data)
        leave_receipt(request, at=at, text="Brevet är stoppat:", whom=row.patient)
        return redirect("letter", pk=row.pk)
    context = {
        "heading": "Stoppa brevet",
        "form": form,
        "hint": f"{shown_letter(row).heading}.",
        "button": "Stoppa brevet",
        "back": reverse("letter", args=[row.pk]),
        "patient_id": row.patient.pk,
        "band": presenter.band_of(request, row.patient, at=at),
    }
    return render(request, "patients/act_form.html", context, status=422 if form.errors else 200)
