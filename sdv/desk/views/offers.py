"""Frigjorda tider: whom a time that came free would suit, and the offer that holds it until it is answered (PL-01)."""

from uuid import UUID

from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from scheduling import rules
from scheduling.actions import offers
from scheduling.models import FreedTime
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common import keyset
from sdv.common.errors import InputError, RuleError
from sdv.common.time import now
from sdv.desk.answers import saved
from sdv.desk.presenters import offers as presenter
from sdv.desk.presenters.contact_attempts import SHOW_ALL
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.desk.repeats import is_own_repeat


@permitted(Permission.BOOK)
@require_GET
def freed_times(request):
    """The unit's freed times that can still be used, the next first."""
    at = now()
    unit = request.actor.care_unit
    page = keyset.page(presenter.freed_times(unit, at), field="start", cursor=request.GET.get("cursor", ""))
    context = {
        "heading": "Frigjorda tider",
        "rows": presenter.freed_rows(page.rows, unit, at),
        "next": f"?cursor={page.next}" if page.next else "",
        "previous": f"?cursor={page.previous}" if page.previous else "",
    }
    return render(request, "offers/list.html", context)


@permitted(Permission.BOOK)
@require_http_methods(["GET", "HEAD", "POST"])
def freed_time(request, pk):
    """Who waits and would be suited, ranked with the reasons. Enter offers the time to the chosen one; nobody is booked
    by it."""
    at = now()
    related = ("resource__practitioner", "care_unit", "visit_type__visit_kind")
    row = get_object_or_404(FreedTime.objects.filter(care_unit=request.actor.care_unit).select_related(*related), pk=pk)
    if request.method == "POST":
        subject, row_id = _chosen(request.POST.get("vem", ""))
        # A yes may take a patient of a shared list over (PL-25).
        request.actor.require(Permission.HANDLE_WORK_LISTS)
        made = offers.make(
            subject=subject,
            row_id=row_id,
            resource_id=row.resource_id,
            start=row.start,
            visit_type=row.visit_type if subject == "referral" else None,
            by=request.actor.user,
            at=at,
        )
        _log(request, [made.patient_id], at, made.pk)
        clear_receipt(request)
        leave_receipt(
            request,
            at=at,
            text=f"Tiden hålls till {rules.clock(made.expires_at)} för",
            whom=made.patient,
            undo_url=reverse("offer-answer", args=[made.pk, "dra-tillbaka"]),
        )
        return HttpResponseRedirect(reverse("freed-time", args=[row.pk]))
    shows_tried = bool(request.GET.get(SHOW_ALL))
    candidates = presenter.candidate_rows(row, at, request.actor, shows_tried=shows_tried)
    open_offers = presenter.offer_rows(row, at, request.actor)
    seen = [each.patient_id for each in (*candidates.rows, *open_offers)]
    log_access(actor=request.actor, patients=seen, what="väntande för en ledig tid", at=at)
    is_usable = FreedTime.objects.usable(at).filter(pk=row.pk).exists()
    context = {
        "heading": "Vem passar tiden?",
        "row": row,
        "when": presenter.when(row),
        "is_usable": is_usable,
        "candidates": candidates.rows if is_usable else [],
        "more": candidates.more,
        "hidden": candidates.tried,
        "show_all": f"?{SHOW_ALL}=visa",
        "offers": open_offers,
        # Whom the time has been offered to is first answered for.
        "focus_waiting": not open_offers,
    }
    return render(request, "offers/freed_time.html", context)


def _chosen(text):
    subject, _, row_id = text.partition("|")
    try:
        if subject in offers.SUBJECTS:
            return subject, UUID(row_id)
    except ValueError:
        pass
    raise InputError(vem="Välj en av patienterna i listan.")


def _log(request, patients, at, offer_id):
    log_access(
        actor=request.actor,
        patients=[*patients],
        what="erbjudande",
        at=at,
        resource_id=offer_id,
        action=AccessAction.WRITE,
    )


ANSWERS = {
    "ja": (offers.accept, "accepted", "Bokad:"),
    "nej": (offers.decline, "declined", "Tackade nej:"),
    "dra-tillbaka": (offers.withdraw, "withdrawn", "Erbjudandet är tillbakadraget för"),
}


@permitted(Permission.BOOK)
@require_POST
def answer(request, pk, action):
    """Tackar ja books the held time; tackar nej and dra tillbaka let it go."""
    if action not in ANSWERS:
        raise Http404
    at = now()
    offer = get_object_or_404(request.actor.care_unit.offers.select_related("patient"), pk=pk)
    act, status, text = ANSWERS[action]
    options = {}
    if action == "ja" and "overrule" in request.POST:
        options = {
            "accept_warnings": ["PL-06"],
            "reason": request.POST.get("reason", "").replace("\0", "").strip()[:200],
        }
    try:
        act(offer_id=pk, by=request.actor.user, at=at, **options)
    except RuleError as refused:
        offer.refresh_from_db()
        if not is_own_repeat(request, refused, offer.status == status):
            raise
    else:
        _log(request, [offer.patient_id], at, offer.pk)
        clear_receipt(request)
        leave_receipt(request, at=at, text=text, whom=offer.patient)
    freed = FreedTime.objects.filter(resource=offer.resource_id, start=offer.period.lower).first()
    if freed is None or action == "ja":
        return saved(request, reverse("freed-times"))
    return saved(request, reverse("freed-time", args=[freed.pk]))
