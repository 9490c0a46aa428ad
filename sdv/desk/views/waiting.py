"""Väntetider: what is not counted of one wait, and how the waits of a unit spread, as a page and a workbook (BO-04)."""

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from registration import waiting
from registration.actions import waiting as writes
from registration.models import WaitDeviation
from scheduling.waiting import requests_on
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local, local_date, now
from sdv.desk import downloads
from sdv.desk.forms.patients import add_errors
from sdv.desk.forms.waiting import DeviationForm, EndDeviationForm, WaitingForm, WithdrawDeviationForm
from sdv.desk.patient_access import find
from sdv.desk.presenters import patient as presenter
from sdv.desk.presenters import statistics as pages
from sdv.desk.presenters import waiting as words
from sdv.desk.presenters.referral import wait_facts
from sdv.desk.receipts import leave_receipt
from sdv.organisation.models import CareUnit

DONE = {
    "register": "Avvikelse registrerad för",
    "end": "Avvikelse avslutad för",
    "withdraw": "Avvikelse återkallad för",
}


# --- One wait -----------------------------------------------------------------------------------------------------------


@permitted(Permission.VIEW_REFERRALS)
@require_http_methods(["GET", "HEAD", "POST"])
def referral_wait(request, pk):
    """The wait of one remiss: what is counted and what is not, with why; deviations are registered, ended, withdrawn."""
    at = now()
    known = WaitDeviation.objects.select_related("created_by", "withdrawn_by")
    row = get_object_or_404(
        request.actor.care_unit.referrals.select_related("care_unit", "used_by").prefetch_related(
            Prefetch("deviations", queryset=known)
        ),
        pk=pk,
    )
    patient = find(row.patient_id)
    action = AccessAction.WRITE if request.method == "POST" else AccessAction.READ
    log_access(actor=request.actor, patients=[patient.pk], what="väntetid", at=at, resource_id=row.pk, action=action)
    step = request.POST.get("step", "")
    if request.method == "POST":
        request.actor.require(Permission.REVIEW_REFERRALS)
    forms = {
        name: form(request.POST if step == name else None, auto_id=f"{name}_%s")
        for name, form in (("register", DeviationForm), ("end", EndDeviationForm), ("withdraw", WithdrawDeviationForm))
    }
    if (chosen := forms.get(step)) and chosen.is_valid() and _written(request, row, step, chosen, at):
        leave_receipt(request, at=at, text=DONE[step], whom=patient)
        return redirect("referral-wait", pk=row.pk)
    wait = waiting.wait_of(row, on=local_date(at), limits=waiting.limits())
    faulty = next((form for form in forms.values() if form.errors), None)
    context = {
        "heading": "Väntetid",
        "row": row,
        "facts": wait_facts(wait),
        "deviations": [words.deviation(each) for each in row.deviations.all()],
        "form": faulty,
        "forms": forms,
        "chosen": request.POST.get("deviation", ""),
        "band": presenter.band_of(request, patient, at=at),
        "may_review": request.actor.may(Permission.REVIEW_REFERRALS),
        "is_waiting": row.status in writes.WAITING,
    }
    return render(request, "referrals/wait.html", context, status=422 if faulty else 200)


def _written(request, row, step, form, at):
    """Whether it was saved; where not, the form says why."""
    common = {"by": request.actor.user, "at": at}
    try:
        if step == "register":
            writes.register_deviation(referral_id=row.pk, **form.cleaned_data, **common)
        else:
            deviation = next(
                (each for each in row.deviations.all() if str(each.pk) == request.POST.get("deviation")), None
            )
            if deviation is None:
                raise InputError(deviation="Välj en avvikelse.")
            act = writes.end_deviation if step == "end" else writes.withdraw_deviation
            act(deviation_id=deviation.pk, **form.cleaned_data, **common)
    except InputError as error:
        add_errors(form, error)
        return False
    except RuleError as refused:
        form.add_error(None, f"{refused.sentence} Regel {refused.rule}.")
        return False
    return True


# --- Units ----------------------------------------------------------------------------------------------------------------


def units_of(actor, at):
    """The units whose statistics the person may see, whichever of them the session is at."""
    mine = actor.user.assignments.valid_on(local_date(at))
    ids = {each.care_unit_id for each in mine if each.may(Permission.VIEW_STATISTICS)} | {actor.care_unit.pk}
    return list(CareUnit.objects.filter(pk__in=ids).order_by("name", "id"))


def _asked(request, at):
    """The filled form, and what was found of the units that the person may see: (id, heading, sheet, a row a unit)."""
    form = WaitingForm(request.GET, today=local_date(at))
    if not form.is_valid():
        return form, []
    first, last = form.cleaned_data["fran"], form.cleaned_data["till"]
    units = units_of(request.actor, at)
    day = last.isoformat()
    by_list = waiting.waiting_by_list(units, on=last)
    seen = waiting.seen_between(units, first=first, last=last)
    return form, [
        ("vantande", f"Väntande {day}", "Väntande", by_list[""]),
        ("remisshantering", f"Därav i Remisshantering {day}", "Remisshantering", by_list[waiting.UNDECIDED]),
        ("att-boka", f"Därav i Att boka {day}", "Att boka", by_list[waiting.TO_BOOK]),
        ("bokningsbegaran", f"Bokningsbegäran {day}", "Bokningsbegäran", requests_on(units, on=last)),
        ("sedda", "Första kontakter i perioden", "Första kontakter", seen),
    ]


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def waiting_times(request):
    """Who waits at the units where one reads statistics, per list, and first contacts of the period: by days waited, within
    vårdgaranti and måldatum. Nothing of a single patient is shown, so no reading of one is logged."""
    at = now()
    form, found = _asked(request, at)
    context = {
        "heading": "Statistik: väntetider",
        "form": form,
        "pages": pages.pages("waiting-times", request.actor),
        "page": "waiting-times",
        "workbook": "waiting-times-workbook",
        "query": request.GET.urlencode(),
        "at": at,
        "definitions": words.DEFINITIONS,
        "columns": words.COLUMNS,
        "is_read": form.is_valid(),
    }
    if form.is_valid():
        context |= {"sections": [words.section(name, heading, rows) for name, heading, _, rows in found]}
    return render(request, "statistics/units.html", context, status=200 if form.is_valid() else 422)


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def waiting_times_workbook(request):
    """The page's numbers in a workbook, with what they mean on a sheet of their own."""
    at = now()
    form, found = _asked(request, at)
    if not form.is_valid():
        raise InputError(**{name: " ".join(said) for name, said in form.errors.items()})
    first, last = form.cleaned_data["fran"], form.cleaned_data["till"]
    sheets = [
        *((sheet, words.rows(rows)) for _, _, sheet, rows in found),
        ("Så räknas det", words.notes(first, last, f"{local(at):%Y-%m-%d %H.%M}")),
    ]
    return downloads.workbook(f"vantetider-{first.isoformat()}--{last.isoformat()}", sheets)
