"""Stäng dagen: who did not arrive, what is left, and the close itself (PL-04)."""

from uuid import UUID

from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from registration import presenters
from scheduling import days
from scheduling.actions import day_close
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.dates import parse_date
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now
from sdv.desk.presenters.rows import seen, stamp, with_identities
from sdv.desk.receipts import clear_receipt, leave_receipt

HEADINGS = {
    "not_checked_out": "Ej utcheckade",
    "no_outcome": "Utan utfall",
    "no_cash": "Utan kassahändelse",
    "not_coded": "Inte klassificerade",
}
SHOWN = 100


@permitted(Permission.REGISTER_ARRIVAL)
@require_http_methods(["GET", "HEAD", "POST"])
def close_day(request):
    """Those who were booked and did not come are proposed as Uteblivna, marked beforehand; Ctrl+Enter confirms the marked
    ones and closes the day."""
    at, unit = now(), request.actor.care_unit
    day, refusals = _day(request, at), []
    if request.method == "POST":
        who = {"care_unit": unit, "day": day, "by": request.actor.user, "at": at}
        try:
            done, refusals = day_close.confirm_and_close(appointment_ids=_ids(request), **who)
        except RuleError as refused:
            # One's own repeated click does nothing and says nothing (PL-27).
            done, refusals = 0, [] if refused.user_id == request.actor.user.pk else [refused]
        if not refusals:
            clear_receipt(request)
            also = f", {done} uteblivna registrerade" if done else ""
            leave_receipt(request, at=at, text=f"Dagen {day.isoformat()} är stängd{also}")
            return HttpResponseRedirect(f"{reverse('day')}?dag={day.isoformat()}")
    context = _context(request, unit, day, at) | {"refusals": refusals}
    return render(request, "day/close.html", context, status=409 if refusals else 200)


def _day(request, at):
    """The day asked for, else the oldest one that is not closed, else today."""
    today = local_date(at)
    given = request.POST.get("dag") or request.GET.get("dag")
    if given:
        try:
            return min(parse_date(given, today), today)
        except ValueError:
            return today
    waiting = days.unclosed(at=at, care_unit=request.actor.care_unit)
    return waiting[0][1] if waiting else today


def _ids(request):
    found = []
    for text in request.POST.getlist("utebliven"):
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _context(request, unit, day, at):
    rows = days.not_arrived(unit, day).select_related("patient", "encounter__visit_type")
    rows = list(rows.prefetch_related(with_identities()).order_by("start", "id")[:SHOWN])
    today = local_date(at)
    left, patients = [], [row.patient_id for row in rows]
    for name, found in days.left_of(unit, day).items():
        count = found.count()
        some = list(found.select_related("patient", "type", "visit_type").order_by("start", "id")[:SHOWN])
        patients += [each.patient_id for each in some]
        lines = [(each.pk, stamp(each.start), presenters.shown_name(each.patient), _kind(each)) for each in some]
        left.append((HEADINGS[name], count, lines))
    log_access(actor=request.actor, patients=patients, what="dagens avslut", at=at)
    return {
        "heading": f"Stäng dagen {day.isoformat()}",
        "day": day,
        "rows": [(row, seen(row.patient, on=today), row.start <= at) for row in rows],
        "left": left,
        "closed": days.closing(unit, day),
        "unclosed": [each for _, each in days.unclosed(at=at, care_unit=unit) if each != day],
    }


def _kind(encounter):
    return encounter.visit_type.name if encounter.visit_type else encounter.type.name
