"""Tidböcker: the unit's resources with their weeks, extra times and absences (BO-01, PL-02)."""

from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from scheduling import away
from scheduling.actions import absences, schedules
from scheduling.models import Absence, ExtraHours, RebookingItem, WeeklyHours
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.accounts.units import care_units_where
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.time import local_date, now
from sdv.desk.answers import saved
from sdv.desk.forms.schedules import AbsenceForm, EndHoursForm, ExtraForm, HoursForm
from sdv.desk.presenters import schedules as presenter
from sdv.desk.presenters.work import absence_text
from sdv.desk.receipts import clear_receipt, leave_receipt

GET_AND_POST = ("GET", "HEAD", "POST")


def _act(request, at):
    """What every change of a tidbok takes: who, when, and that whoever it hits is to be booked anew, once it has been
    told whom (PL-02)."""
    accepted = ("PL-02",) if request.POST.get("overrule") else ()
    return {"by": request.actor.user, "at": at, "accept_warnings": accepted}


def _to_rebook(resource_id):
    """How many bookings the tidbok leaves to be booked anew."""
    return RebookingItem.objects.open().filter(resource=resource_id).count()


def _and_hit(resource_id):
    """The same for the receipt; nothing where it leaves nothing."""
    count = _to_rebook(resource_id)
    return f". {count} {'bokning' if count == 1 else 'bokningar'} att boka om." if count else ""


def _resource(request, pk):
    """The resource of the session's unit; another unit's is 404."""
    rows = request.actor.care_unit.resources.select_related("care_unit", "practitioner__profession")
    return get_object_or_404(rows, pk=pk)


@permitted(Permission.VIEW_SCHEDULES)
@require_GET
def schedule_list(request):
    """Every resource of the unit with its week in words, and who is away."""
    at, unit = now(), request.actor.care_unit
    today = local_date(at)
    rows = unit.resources.there_from(today).prefetch_related("weekly_hours").order_by("kind", "name")
    context = {
        "heading": "Tidböcker",
        "rows": [(row, presenter.week_text(row, today) or "Inga tider") for row in rows],
        "absences": presenter.absences(unit, at, maintained=_maintained(request, at)),
        "holidays": presenter.holidays_ahead(today),
        "may_maintain": request.actor.may(Permission.MAINTAIN_SCHEDULES),
    }
    return render(request, "schedules/list.html", context)


@permitted(Permission.VIEW_SCHEDULES)
@require_http_methods(GET_AND_POST)
def schedule(request, pk):
    """One tidbok: hours of the week with their validity, extra times, absences. A POST adds hours or extra times."""
    at = now()
    today, resource = local_date(at), _resource(request, pk)
    step = request.POST.get("step", "")
    options = {"resource": resource, "today": today}
    hours = HoursForm(request.POST if step == "hours" else None, initial={"valid_from": today}, prefix="v", **options)
    extra = ExtraForm(request.POST if step == "extra" else None, prefix="e", **options)
    if request.method == "POST":
        request.actor.require(Permission.MAINTAIN_SCHEDULES)
        form = extra if step == "extra" else hours
        if form.is_bound and form.is_valid() and _add(request, resource, form, at):
            return saved(request, reverse("schedule", args=[resource.pk]))
    bound = next((form for form in (hours, extra) if form.is_bound), None)
    context = {
        "heading": f"Tidbok: {resource.name}",
        "resource": resource,
        "hours": presenter.hours_rows(resource, today),
        "extras": presenter.extra_rows(resource, today),
        "absences": presenter.absences(resource.care_unit, at, resource),
        "to_rebook": _to_rebook(resource.pk),
        "hours_form": hours,
        "extra_form": extra,
        "form": bound,
        "may_maintain": request.actor.may(Permission.MAINTAIN_SCHEDULES),
    }
    is_wrong = request.method == "POST"
    return render(request, "schedules/schedule.html", context, status=422 if is_wrong else 200)


def _add(request, resource, form, at):
    """Saves the form's times; what the rules refuse is told in the form."""
    words = form.cleaned_data
    act = schedules.add_extra if isinstance(form, ExtraForm) else schedules.add_hours
    try:
        act(resource_id=resource.pk, **_act(request, at), **words)
    except RuleError as refused:
        if refused.is_warning:
            raise
        form.add_error("from_time", f"{refused.sentence} Regel {refused.rule}.")
        return False
    except InputError as wrong:
        for name, texts in wrong.errors.items():
            form.add_error(name if name in form.fields else None, texts)
        return False
    clear_receipt(request)
    leave_receipt(request, at=at, text=f"Tiderna är sparade för {resource.name}{_and_hit(resource.pk)}")
    return True


@permitted(Permission.MAINTAIN_SCHEDULES)
@require_POST
def end_hours(request, pk):
    """Ends hours of the week after a day; who no longer fits is told first, and then stands in Ombokningar (PL-02)."""
    at = now()
    row = get_object_or_404(WeeklyHours.objects.filter(resource__care_unit=request.actor.care_unit), pk=pk)
    form = EndHoursForm(request.POST)
    if not form.is_valid():
        raise InputError(valid_to=form.errors["valid_to"])
    last = form.cleaned_data["valid_to"]
    schedules.end_hours(hours_id=pk, valid_to=last, **_act(request, at))
    clear_receipt(request)
    leave_receipt(request, at=at, text=f"Tiderna upphör efter {last.isoformat()}{_and_hit(row.resource_id)}")
    return saved(request, reverse("schedule", args=[row.resource_id]))


@permitted(Permission.MAINTAIN_SCHEDULES)
@require_POST
def remove_extra(request, pk):
    """Takes the extra times of a day away; who no longer fits is told first, and then stands in Ombokningar (PL-02)."""
    at = now()
    row = get_object_or_404(ExtraHours.objects.filter(resource__care_unit=request.actor.care_unit), pk=pk)
    schedules.remove_extra(extra_id=pk, **_act(request, at))
    clear_receipt(request)
    text = f"De extra tiderna {row.day.isoformat()} är borttagna{_and_hit(row.resource_id)}"
    leave_receipt(request, at=at, text=text)
    return saved(request, reverse("schedule", args=[row.resource_id]))


@permitted(Permission.MAINTAIN_SCHEDULES)
@require_http_methods(GET_AND_POST)
def absence(request):
    """Frånvaro is always saved. Whoever is booked stands in Ombokningar afterwards, and can be seen before (PL-02)."""
    at, unit = now(), request.actor.care_unit
    initial = {"resource": request.GET.get("resurs"), "kind": "leave" if request.GET.get("resurs") else "closure"}
    data = request.POST if request.method == "POST" else None
    form = AbsenceForm(data, care_unit=unit, today=local_date(at), initial=initial)
    context = {"heading": "Ny frånvaro", "form": form}
    if form.is_bound and form.is_valid():
        start, end = presenter.bounds(form)
        resource = form.cleaned_data["resource"]
        told = {"resource_id": resource.pk if resource else None, "kind": form.cleaned_data["kind"]}
        told |= {"care_unit": unit, "start": start, "end": end, "at": at}
        try:
            if "titta" in request.POST:
                return _look(request, context, presenter.hit_text(absences.would_hit(**told), unit))
            made = absences.register(**told, by=request.actor.user)
        except RuleError as refused:
            form.add_error(None, f"{refused.sentence} Regel {refused.rule}.")
        else:
            return _saved(
                request, made, "Frånvaron är sparad.", at, undo_url=reverse("absence-withdraw", args=[made.pk])
            )
    return render(request, "schedules/absence.html", context, status=422 if form.is_bound else 200)


def _look(request, context, hit_text):
    """Whom it hits, before anything is saved."""
    return render(request, "schedules/absence.html", context | {"hit_text": hit_text})


def _saved(request, made, text, at, undo_url=""):
    """On to what is to be moved at the session's unit, else to the tidböcker."""
    unit = request.actor.care_unit
    counts = away.seen([made], {made.care_unit_id})[0].to_rebook
    clear_receipt(request)
    text = f"{text} {presenter.to_rebook_text(counts, unit)}"
    leave_receipt(request, at=at, text=text, undo_url=undo_url)
    is_hit = any(each == unit for each, _ in counts)
    return saved(request, reverse("work-list", args=["rebooking"]) if is_hit else reverse("schedules"))


@permitted(Permission.MAINTAIN_SCHEDULES)
@require_http_methods(GET_AND_POST)
def change_absence(request, pk):
    """Ändra: shortened, lengthened or moved. Whom it hits then, and whom no longer, can be seen before (PL-02)."""
    at = now()
    row = _standing(request, pk, at)
    initial = presenter.words_of(row)
    data = request.POST if request.method == "POST" else None
    form = AbsenceForm(data, today=local_date(at), absence=row, initial=initial)
    unit, before = row.care_unit, absence_text(row, row.care_unit_id)
    context = {"heading": "Ändra frånvaro", "form": form, "absence_text": before}
    if form.is_bound and form.is_valid():
        start, end = presenter.bounds(form)
        if "titta" in request.POST:
            times = start or row.period.lower, end or row.period.upper
            rows = absences.hit(unit.pk, *times, resource_id=row.resource_id, at=at)
            return _look(request, context, presenter.hit_text(rows, unit, absences.let_go(row, *times).count()))
        told = {"kind": form.cleaned_data["kind"], "start": start, "end": end}
        try:
            made = absences.change(
                absence_id=pk, version=form.cleaned_data["version"], **told, by=request.actor.user, at=at
            )
        except RuleError as refused:
            form.add_error(None, f"{refused.sentence} Regel {refused.rule}.")
        except StaleVersion as stale:
            # One's own repeated click does nothing and says nothing (PL-27).
            if stale.user_id != request.actor.user.pk or not _is_so(row, **told):
                raise
            return saved(request, reverse("schedules"))
        else:
            return _saved(request, made, f"Frånvaron är ändrad, den var {before}.", at)
    return render(request, "schedules/absence.html", context, status=422 if form.is_bound else 200)


def _is_so(row, *, kind, start, end):
    """Whether the absence is what was asked for."""
    return (kind, start or row.period.lower, end or row.period.upper) == (row.kind, row.period.lower, row.period.upper)


def _maintained(request, at):
    """The units (ids) whose tidböcker the user may change, by whichever assignment."""
    return {unit.pk for unit in care_units_where(request.actor.user, Permission.MAINTAIN_SCHEDULES, local_date(at))}


def _standing(request, pk, at):
    """An absence that the user may change: where it was registered, whichever unit the session acts as. Others' are 404."""
    rows = Absence.objects.standing().filter(care_unit__in=_maintained(request, at))
    return get_object_or_404(rows.select_related("resource__practitioner", "care_unit"), pk=pk)


@permitted(Permission.MAINTAIN_SCHEDULES)
@require_POST
def withdraw(request, pk):
    """Återkalla: the times are free again, and what has not been moved stays where it is booked."""
    at = now()
    row = get_object_or_404(Absence.objects.filter(care_unit__in=_maintained(request, at)), pk=pk)
    absences.withdraw(absence_id=row.pk, by=request.actor.user, at=at)
    clear_receipt(request)
    leave_receipt(request, at=at, text="Frånvaron är återkallad")
    return HttpResponseRedirect(reverse("schedules"))
