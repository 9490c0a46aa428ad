"""Brev of the unit: what waits for paper is printed many at a time and confirmed letter by letter; what could not be written
is somebody's work; a booking gets its kallelse (KA-01…05, PL-22)."""

from uuid import UUID

from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from scheduling import letter_pdf, outgoing
from scheduling.actions import letters as writes
from scheduling.models import Appointment, LetterAttachment, LetterEnclosure, LetterStatus
from scheduling.models.enclosure import IN_ORDER
from scheduling.presenters import letter_row
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.time import now

from ..receipts import leave_receipt

WHAT = "brev"
# One batch: what is laid out while somebody waits for it, and what one pile on the desk is.
MOST = 50
RECENT = 20
MISSING_PDF = (
    "PDF kan inte göras här: WeasyPrint eller Pango saknas. Skriv ut sidan med webbläsarens utskrift (Ctrl+P) i stället."
    " Bilagor skrivs ut för sig, från brevets sida."
)


def _rows(care_unit):
    related = ("patient", "relation", "appointment", "open_invitation", "referral", "booking_request", "decided_by")
    rows = outgoing.with_what_has_become(care_unit.letters.select_related(*related))
    return rows.annotate(files=Count("enclosures"))


@permitted(Permission.WRITE_LETTERS)
def letters(request):
    """What waits for paper at the unit, oldest first, all ticked; what is not sent any more, with why; what lacks
    something; what has been decided."""
    at, care_unit = now(), request.actor.care_unit
    to_print = care_unit.letters.to_print().not_too_late(at)
    waiting = list(_rows(care_unit).to_print().not_too_late(at).order_by("created_at", "id")[: MOST + 1])
    past = list(_rows(care_unit).to_print().too_late(at).order_by("created_at", "id")[:MOST])
    blocked = list(_rows(care_unit).blocked(at).order_by("appointment__start", "id")[:MOST])
    decided = list(
        _rows(care_unit).exclude(decided_at=None).exclude(status=LetterStatus.BLOCKED).order_by("-decided_at")[:RECENT]
    )
    shown = waiting[:MOST]
    late = [(letter_row(row), refused.sentence) for row in (*past, *shown) if (refused := _refusal(row, at))]
    gone = {row.pk for row, _ in late}
    log_access(
        actor=request.actor,
        patients=list({row.patient_id for row in (*past, *shown, *blocked, *decided)}),
        what=WHAT,
        at=at,
    )
    context = {
        "heading": "Brev",
        "waiting": [letter_row(row) for row in shown if row.pk not in gone],
        "late": late,
        "more": to_print.count() - len(shown) if len(waiting) > MOST else 0,
        "blocked": [letter_row(row) for row in blocked],
        "decided": [letter_row(row) for row in decided],
        "files": _files([row for row in shown if row.pk not in gone]),
    }
    return render(request, "letters/list.html", context)


def _refusal(row, at):
    """Why a letter that waits for paper is not sent any more, or None."""
    return writes.print_refusal(row, row.patient, at=at)


def _enclosed(letters):
    """The files of each letter, in their order: the bytes of each are read once, however many letters carry it."""
    rows = list(
        LetterEnclosure.objects.filter(letter__in=letters).order_by(*IN_ORDER).values_list("letter_id", "attachment_id")
    )
    files = LetterAttachment.objects.in_bulk({file for _, file in rows})
    found = {row.pk: [] for row in letters}
    for letter, file in rows:
        found[letter].append(files[file])
    return found


def _files(letters):
    """What is to be enclosed with the pile: (a row that leads to the file, how many letters it goes with)."""
    rows = LetterEnclosure.objects.filter(letter__in=letters).select_related("attachment").defer("attachment__pdf")
    found = {}
    for row in rows.order_by("attachment__name", "attachment_id", "id"):
        found.setdefault(row.attachment_id, []).append(row)
    return [(of_one[0], len(of_one)) for of_one in found.values()]


def _ticked(request):
    """The unit's letters that are ticked, oldest first."""
    ids = []
    for text in request.POST.getlist("brev")[:MOST]:
        try:
            ids.append(UUID(text))
        except ValueError:
            raise Http404 from None
    return list(_rows(request.actor.care_unit).filter(pk__in=ids).order_by("created_at", "id"))


@permitted(Permission.WRITE_LETTERS)
@require_POST
def print_letters(request):
    """The ticked letters as one file, each followed by its files. What has been stopped meanwhile is left out and told;
    each is kept byte for byte."""
    at, rows = now(), _ticked(request)
    log_access(
        actor=request.actor,
        patients=list({row.patient_id for row in rows}),
        what=WHAT,
        at=at,
        action=AccessAction.PRINT,
    )
    if not letter_pdf.is_possible():
        return _printed_by_the_browser(request, rows, at)
    enclosed = _enclosed(rows)
    press, bundles, refusals = letter_pdf.Press(), [], []
    for row in rows:
        try:
            kept = writes.make_document(letter_id=row.pk, render=press.pdf_of, by=request.actor.user, at=at)
        except RuleError as refused:
            refusals.append(refused)
        else:
            bundles.append((bytes(kept.pdf), enclosed[row.pk]))
    if not bundles:
        if not rows:
            leave_receipt(request, at=at, text="Kryssa i de brev som ska skrivas ut.")
            return redirect("letters")
        raise refusals[-1]
    batch, faulty = letter_pdf.batch_of(bundles, press)
    told = [f"{len(refusals)} brev skickas inte: {refusals[0].sentence}"] if refusals else []
    told += [f"Kunde inte läsas och skrivs ut för sig: {', '.join(faulty)}."] if faulty else []
    if told:
        leave_receipt(request, at=at, text=" ".join(told))
    answer = HttpResponse(batch, content_type="application/pdf")
    answer["Content-Disposition"] = 'inline; filename="brev.pdf"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _printed_by_the_browser(request, rows, at):
    """The sheets as a page, where no PDF can be made."""
    rows = [row for row in rows if _refusal(row, at) is None]
    papers = [letter_pdf.paper_of(row, level=2) for row in rows]
    return render(request, "letters/browser.html", {"heading": "Brev", "papers": papers, "sentence": MISSING_PDF})


@permitted(Permission.WRITE_LETTERS)
@require_POST
def confirm_letters(request):
    """A person says that the ticked letters are on paper, each for itself: one that has been stopped meanwhile is told."""
    at, done, refused = now(), 0, []
    rows = _ticked(request)
    log_access(
        actor=request.actor,
        patients=list({row.patient_id for row in rows}),
        what="brev utskrivna",
        at=at,
        action=AccessAction.WRITE,
    )
    for row in rows:
        try:
            writes.confirm_printed(letter_id=row.pk, by=request.actor.user, at=at)
            done += 1
        except RuleError as error:
            if error.user_id != request.actor.user.pk or error.code != "wrong_status":
                refused.append(error.sentence)
    text = f"{done} brev bekräftade som utskrivna" if rows else "Kryssa i de brev som är utskrivna"
    if refused:
        text += f". {len(refused)} inte: {refused[0]}"
    leave_receipt(request, at=at, text=text)
    return redirect("letters")


@permitted(Permission.WRITE_LETTERS)
@require_POST
def write(request, pk):
    """A kallelse for a booking of the unit's."""
    at = now()
    appointment = Appointment.objects.filter(pk=pk, care_unit=request.actor.care_unit).select_related("patient").first()
    if appointment is None:
        raise Http404
    log_access(
        actor=request.actor,
        patients=[appointment.patient_id],
        what=WHAT,
        at=at,
        resource_id=appointment.pk,
        action=AccessAction.WRITE,
    )
    written = writes.write_about(appointment_id=pk, by=request.actor.user, at=at)
    leave_receipt(request, at=at, text=f"{told(written)} För", whom=appointment.patient)
    return redirect("letter", pk=written[0].pk)


def told(written):
    """What became of the letters of an act, for its receipt. Empty where none was written."""
    if not written:
        return ""
    letter, *copies = written
    if letter.status == LetterStatus.BLOCKED:
        return letter.stop_reason
    ways = {
        "post": "ska skrivas ut",
        "both": "ska skrivas ut och läggs i 1177",
        "portal": "läggs i 1177",
        "mediation": "ska skrivas ut och går genom Skatteverkets förmedling",
    }
    text = f"{letter.get_kind_display()} {ways[letter.delivery]}."
    if lacking := [copy for copy in copies if copy.status == LetterStatus.BLOCKED]:
        text += f" {len(lacking)} kopia saknar adress, se Brev."
    elif copies:
        text += f" Kopior: {len(copies)}."
    return text
