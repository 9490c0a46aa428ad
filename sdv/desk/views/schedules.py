"""Tidböcker: the unit's resources with their weeks, extra times and absences (BO-01, PL-02)."""

from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from scheduling.actions import absences, schedules
from scheduling.models import ExtraHours, RebookingItem, WeeklyHours
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, now
from sdv.desk.answers import saved
from sdv.desk.forms.schedules import AbsenceForm, EndHoursForm, ExtraForm, HoursForm
from sdv.desk.presenters import schedules as presenter
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
    return f". {_hit_text(count)}" if count else ""


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
        "absences": presenter.absences(unit, at),
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
    if form.is_bound and form.is_valid():
        start, end = presenter.bounds(form)
        resource = form.cleaned_data["resource"]
        if "titta" in request.POST:
            rows = absences.hit(unit, start, end, resource_id=resource.pk if resource else None, at=at)
            context = {"heading": "Ny frånvaro", "form": form, "hit_text": presenter.hit_text(rows)}
            return render(request, "schedules/absence.html", context)
        try:
            made = absences.register(
                care_unit=unit,
                resource_id=resource.pk if resource else None,
                kind=form.cleaned_data["kind"],
                start=start,
                end=end,
                by=request.actor.user,
                at=at,
            )
        except RuleError as refused:
            form.add_error(None, f"{refused.sentence} Regel {refused.rule}.")
        else:
            hit = RebookingItem.objects.open().filter(absence=made).count()
            clear_receipt(request)
            leave_receipt(request, at=at, text=f"Frånvaron är sparad. {_hit_text(hit)}")
            return saved(request, reverse("work-list", args=["rebooking"]) if hit else reverse("schedules"))
    context = {"heading": "Ny frånvaro", "form": form}
    return render(request, "schedules/absence.html", context, status=422 if form.is_bound else 200)


def _hit_text(count):
    if not count:
        return "Ingen bokning träffas."
    return f"{count} {'bokning' if count == 1 else 'bokningar'} att boka om."


@permitted(Permission.MAINTAIN_SCHEDULES)
@require_POST
def withdraw(request, pk):
    """Återkalla: the times are free again, and what has not been moved stays where it is booked."""
    at = now()
    row = get_object_or_404(request.actor.care_unit.absences, pk=pk)
    absences.withdraw(absence_id=row.pk, by=request.actor.user, at=at)
    clear_receipt(request)
    leave_receipt(request, at=at, text="Frånvaron är återkallad")
    return HttpResponseRedirect(reverse("schedules"))
