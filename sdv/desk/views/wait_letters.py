"""Skriv brev (E) from Bokningsbegäran and Att boka: to one who waits, or to all the marked; whom it does not fit is told row
by row before anything is saved (KA-01, PL-10, PL-08)."""

from django.db.models import Prefetch
from django.http import Http404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from registration.presenters import load
from scheduling.actions import letter_preview, wait_letters
from scheduling.actions.misfits import UNKNOWN, Misfits
from scheduling.models import LetterKind, LetterStatus
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, RuleError
from sdv.common.presenting import Choice
from sdv.common.time import local_date, now
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.forms.letters import WaitLetterForm, files_to_choose
from sdv.desk.forms.patients import add_errors
from sdv.desk.presenters.invitations import SUBJECTS
from sdv.desk.presenters.marked import ids_of, left_out_of, marked_rows, patients
from sdv.desk.presenters.patient import band_of
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.desk.views.booking_desk import shown_preview
from sdv.desk.views.letter_list import told

WHAT = "brev"
RELATIONS = {"booking_request": "booking_requests", "referral": "referrals"}
DETAILS = {"booking_request": ("visit_type",), "referral": ("problem_code",)}
HINTS = {
    LetterKind.WAITING: "Patienten står kvar på väntelistan",
    LetterKind.CALL_US: "Vi har inte nått patienten",
    LetterKind.REFERRAL_RECEIPT: "Remissen är accepterad",
}
LINES = [
    "Var och en får ett eget brev, i 1177 eller på papper som hen har valt.",
    "Patienten väntar kvar i listan. Brevet räknas som ett kontaktförsök i dag.",
    "Inget skrivs om någon som inte är utanför inte kan få brevet.",
]


@permitted(Permission.WRITE_LETTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request, name):
    """The letter is chosen and written to all that are marked, or nothing is saved; it can be read first."""
    if name not in SUBJECTS:
        raise Http404
    at, unit, subject = now(), request.actor.care_unit, SUBJECTS[name]
    ids = ids_of(request.POST if request.method == "POST" else request.GET)
    rows = _rows(unit, subject, ids)
    back = way_back(
        request, reverse("booking-requests") if name == "booking-requests" else reverse("work-list", args=[name])
    )
    data = request.POST if request.method == "POST" else None
    form = WaitLetterForm(data, kinds=wait_letters.KINDS[subject], offered=files_to_choose(unit, local_date(at)))
    misfits = preview = None
    if form.is_bound and form.is_valid():
        try:
            if request.POST.get("step") == "preview":
                preview = _preview(subject, rows, form, request, at)
            else:
                written = _written(request, subject, ids, form, at)
                return saved(request, _received(request, rows, written, back, at))
        except Misfits as refused:
            misfits = refused
        except InputError as error:
            if "rad" in error.errors:
                raise
            add_errors(form, error)
    log_access(actor=request.actor, patients=[row.patient_id for row in rows], what=WHAT, at=at)
    is_one = len(rows) == 1
    context = {
        "heading": "Skriv brev",
        "subtitle": "" if is_one else f"Till {len(rows)} som väntar",
        "form": form,
        "band": band_of(request, load(rows[0].patient_id), at=at) if is_one else "",
        "rows": marked_rows(request, rows, what=_what, misfits=misfits, on=local_date(at)),
        "misfits": misfits,
        "choices": [Choice(kind, kind.label, HINTS[kind]) for kind in wait_letters.KINDS[subject]],
        "chosen": form["kind"].value() or "",
        "preview": preview,
        "lines": LINES,
        "close": back,
        "save": "Skriv brevet" if is_one else "Skriv breven",
    }
    return sheet(request, "work/letter.html", context, status=422 if form.is_bound and preview is None else 200)


def _rows(unit, subject, ids):
    """The marked rows of the unit; one that is not there is told."""
    if not ids:
        raise InputError(rad="Markera minst en rad.")
    rows = getattr(unit, RELATIONS[subject]).filter(pk__in=ids).select_related(*DETAILS[subject])
    rows = list(rows.prefetch_related(Prefetch("patient", queryset=patients())).order_by("pk"))
    if len(rows) != len(set(ids)):
        raise InputError(rad=UNKNOWN)
    return rows


def _what(row):
    """What a marked row waits for."""
    if hasattr(row, "visit_type"):
        return row.visit_type.name
    return row.problem_code.name if row.problem_code else "Remiss"


def _written(request, subject, ids, form, at):
    return wait_letters.write_many(
        subject=subject,
        row_ids=ids,
        kind=form.cleaned_data["kind"],
        leave_out=left_out_of(request, ids),
        care_unit=request.actor.care_unit,
        **form.letter_choices,
        by=request.actor.user,
        at=at,
    )


def _received(request, rows, written, back, at):
    """What was written stands in the receipt; the address to go back to."""
    ids = [letter.patient_id for letter in written]
    log_access(actor=request.actor, patients=ids, what="brev skrivet", at=at, action=AccessAction.WRITE)
    clear_receipt(request)
    if len(written) == 1:
        whom = next(row.patient for row in rows if row.patient_id == written[0].patient_id)
        leave_receipt(request, at=at, text=f"{told(written)} För", whom=whom)
        return back
    text = f"{written[0].get_kind_display()} skrivet till {len(written)} patienter"
    lacking = sum(letter.status == LetterStatus.BLOCKED for letter in written)
    leave_receipt(request, at=at, text=f"{text}. {lacking} brev saknar uppgift, se Brev" if lacking else text)
    return back


def _preview(subject, rows, form, request, at):
    """The letter to the first who gets it, as it would be written; nothing is saved. The form says why it cannot be."""
    outside = left_out_of(request, [row.pk for row in rows])
    row = next((row for row in rows if row.pk not in outside), None)
    if row is None:
        form.add_error(None, "Alla rader är utanför: markera minst en som ska få brevet.")
        return None
    asked = {"kind": form.cleaned_data["kind"], "letter_choices": form.letter_choices, "at": at}
    try:
        return shown_preview(letter_preview.of_wait(subject=subject, row_id=row.pk, **asked))
    except RuleError as refused:
        form.add_error(None, f"{refused.sentence} Regel {refused.rule}.")
        return None
