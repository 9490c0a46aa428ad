"""Leveranser till patientregistret: what is due, what it would hold, what was made, and the files (PAR-01).

A delivery is the whole care provider's, not one unit's. The pages tell contacts by number; who has read the files, and
with them everybody in them, stands in the access log."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from classification import exports
from classification.actions import deliveries as actions
from classification.models import RegisterDelivery, RegisterLayout, RegisterReporter
from classification.register.gathering import prepare
from classification.register.selection import period_due
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError
from sdv.common.time import local_date, now
from sdv.desk import downloads
from sdv.desk.answers import saved, sheet
from sdv.desk.forms.deliveries import PeriodChoiceForm
from sdv.desk.forms.encounter import ReasonForm
from sdv.desk.forms.statistics import PeriodForm
from sdv.desk.presenters import deliveries as presenter
from sdv.desk.receipts import clear_receipt, leave_receipt

SHOWN = 24


def _reporter(request):
    """Who reports for the provider of the session's unit; None where nobody has been named."""
    provider = request.actor.care_unit.facility.care_provider_id
    return RegisterReporter.objects.select_related("care_provider").filter(care_provider=provider).first()


def _delivery(request, pk):
    """A delivery of the session's own care provider; another's is 404."""
    provider = request.actor.care_unit.facility.care_provider_id
    rows = RegisterDelivery.objects.select_related("reporter__care_provider", "layout", "made_by", "decided_by")
    return get_object_or_404(rows, pk=pk, reporter__care_provider=provider)


@permitted(Permission.DELIVER_REGISTERS)
@require_GET
def deliveries(request):
    """What is due and what has been made, the latest first."""
    today, reporter = local_date(now()), _reporter(request)
    rows = reporter.deliveries.select_related("made_by").defer("reason")[:SHOWN] if reporter else []
    due = period_due(today)
    context = {
        "heading": "Leveranser till patientregistret",
        "reporter": reporter,
        "rows": rows,
        "due": due,
        "is_made": reporter is not None and reporter.deliveries.filter(first_day=due.first).exists(),
        "layout": RegisterLayout.objects.for_day(due.last),
        "form": PeriodChoiceForm(None, today=today),
    }
    return render(request, "deliveries/list.html", context)


@permitted(Permission.DELIVER_REGISTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request):
    """The report before: what would go, what is held back and why, what is not asked for. Posted, it is made."""
    at, reporter = now(), _reporter(request)
    if reporter is None:
        raise Http404
    form = PeriodChoiceForm(request.POST or request.GET, today=local_date(at))
    if not form.is_valid():
        context = {"heading": "Förhandsgranskning", "form": form}
        return render(request, "deliveries/preview.html", context, status=422)
    if request.method == "POST":
        made = actions.deliver(reporter_id=reporter.pk, period=form.period, by=request.actor.user, at=at)
        clear_receipt(request)
        is_new = made.made_at == at and made.made_by_id == request.actor.user.pk
        text = "Leveransen är framställd:" if is_new else "Ingenting har ändrats sedan"
        leave_receipt(request, at=at, text=f"{text} {made}")
        return saved(request, reverse("delivery", args=[made.pk]))
    unit = None if form.is_whole else request.actor.care_unit
    prepared = prepare(reporter, form.period, care_unit=unit)
    left_out, left_out_count = presenter.own_left_out(prepared, request.actor.care_unit)
    context = {
        "heading": "Förhandsgranskning",
        "form": form,
        "reporter": reporter,
        "prepared": prepared,
        "is_whole": form.is_whole,
        "refused": presenter.refused_rows(prepared),
        "left_out": left_out,
        "left_out_count": left_out_count,
        "summary": presenter.summary(presenter.prepared_findings(prepared), request.actor.care_unit),
        "review": presenter.review_of(prepared.review, request.actor.care_unit),
    }
    return render(request, "deliveries/preview.html", context)


@permitted(Permission.DELIVER_REGISTERS)
@require_GET
def delivery(request, pk):
    """One delivery as it was made: its files, its findings, what may be done with it."""
    found = _delivery(request, pk)
    context = {
        "heading": f"Leverans {found}",
        "delivery": found,
        "files": found.files.defer("content"),
        "summary": presenter.summary(presenter.kept_findings(found), request.actor.care_unit),
        "review": presenter.review_of(found.review, request.actor.care_unit),
        "facts": [
            ("Uppgiftslämnare", f"{found.reporter.care_provider}, filkod {found.reporter.file_code}"),
            ("Period", f"{found.first_day.isoformat()} – {found.last_day.isoformat()}"),
            ("Innehåll", f"{found.inpatient} vårdtillfällen, {found.outpatient} öppenvårdskontakter"),
            ("Hölls inne", str(found.held_back)),
            ("Layout", f"{found.layout.version} ({found.layout.regulation})"),
            ("Framställd", f"{found.made_by or 'av klockan'}"),
            ("Kontrollsumma", " ".join(found.checksum[at : at + 16] for at in range(0, 64, 16))),
            *([("Skäl", found.reason)] if found.reason else []),
        ],
    }
    return render(request, "deliveries/delivery.html", context)


@permitted(Permission.DELIVER_REGISTERS)
@require_GET
def download(request, pk, file):
    """A file as it was made. Everybody in the delivery has then been read."""
    found = _delivery(request, pk)
    wanted = get_object_or_404(found.files, pk=file)
    log_access(
        actor=request.actor,
        patients=list(found.contacts.values_list("encounter__patient_id", flat=True).distinct()),
        what="leverans till patientregistret",
        at=now(),
        action=AccessAction.READ,
        resource_id=found.pk,
    )
    response = HttpResponse(bytes(wanted.content), content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, wanted.name)
    response["Cache-Control"] = "private, no-store"
    return response


@permitted(Permission.DELIVER_REGISTERS)
@require_POST
def send(request, pk):
    """Lämnad: the files have been handed over through the receiver's own portal, by a person."""
    at, found = now(), _delivery(request, pk)
    actions.mark_sent(delivery_id=found.pk, by=request.actor.user, at=at)
    clear_receipt(request)
    leave_receipt(request, at=at, text=f"Leveransen är markerad som lämnad: {found}")
    return saved(request, reverse("delivery", args=[found.pk]))


@permitted(Permission.DELIVER_REGISTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request, pk):
    """Kasserad, with a reason."""
    at, found = now(), _delivery(request, pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.discard(delivery_id=found.pk, reason=form.cleaned_data["reason"], by=request.actor.user, at=at)
        clear_receipt(request)
        leave_receipt(request, at=at, text=f"Leveransen är kasserad: {found}")
        return saved(request, reverse("delivery", args=[found.pk]))
    context = {
        "heading": "Kassera leveransen",
        "subtitle": str(found),
        "band": None,
        "form": form,
        "close": reverse("delivery", args=[found.pk]),
        "consequences": [
            "Filerna ligger kvar men räknas inte som lämnade.",
            "En ny leverans kan göras av samma period.",
        ],
    }
    return sheet(request, "encounter/act.html", context, status=422 if form.errors else 200)


# --- Grouping in DRG and ACG --------------------------------------------------------------------------------------------


@permitted(Permission.EXPORT_CODED)
@require_GET
def grouping(request):
    """What the file for grouping holds, and for which period it is fetched (KL-07)."""
    form = PeriodForm(request.GET, today=local_date(now()))
    context = {"heading": "Underlag för gruppering i DRG och ACG", "form": form, "columns": exports.COLUMNS}
    if form.is_valid():
        period = form.cleaned_data["fran"], form.cleaned_data["till"]
        found = exports.counted([request.actor.care_unit.pk], *period)
        context |= {"count": found.count(), "coded": found.filter(is_coded=True).count(), "period": period}
    return render(request, "deliveries/grouping.html", context, status=422 if form.errors else 200)


@permitted(Permission.EXPORT_CODED)
@require_GET
def grouping_csv(request):
    """The file. Everybody in it has been read, which is written before the first row is sent."""
    at = now()
    form = PeriodForm(request.GET, today=local_date(at))
    if not form.is_valid():
        raise InputError(**{name: " ".join(words) for name, words in form.errors.items()})
    units, first, last = [request.actor.care_unit.pk], form.cleaned_data["fran"], form.cleaned_data["till"]
    who = exports.counted(units, first, last).order_by().values_list("patient_id", flat=True).distinct()
    log_access(actor=request.actor, patients=list(who), what="underlag för gruppering (DRG, ACG)", at=at)
    return downloads.csv_file(f"gruppering-{first.isoformat()}--{last.isoformat()}", exports.rows(units, first, last))
