"""Series and coordinated visits: proposed, what does not fit first, then booked all or none (BO-02, PL-08)."""

from datetime import UTC, datetime, timedelta

from django.shortcuts import redirect, render
from django.urls import reverse

from registration.models import CareCommitment
from scheduling import planning
from scheduling.actions import plans
from scheduling.models import PlanKind, Resource
from sdv.accounts.access import log_access
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.accounts.units import actor_at, care_units_where
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now
from sdv.desk.forms.booking import units_searched
from sdv.desk.forms.letters import LetterChoicesForm, add_ons_to_choose, files_to_choose
from sdv.desk.forms.plans import DaysForm, SeriesForm, WishForm
from sdv.desk.patient_access import patient_page
from sdv.desk.presenters import patient as patient_presenter
from sdv.desk.presenters import plans as presenter
from sdv.desk.presenters.booking import commitment_at, why_not_at
from sdv.desk.receipts import leave_receipt
from sdv.desk.refusals import refusal_context
from sdv.desk.repeats import is_own_repeat
from sdv.desk.return_to_list import uuid_of
from sdv.desk.views.booking_desk import busy_times, insisted

VISITS = range(1, planning.MOST_TOGETHER)
NOWHERE = "Besöket kan inte bokas på någon av enheterna som söks."


@patient_page(Permission.BOOK, what="serie")
def series(request, patient):
    """A series: each visit's own time, or the nearest where it is taken; those stand first. At one's own unit, or where
    else one may book (BO-02, PL-25)."""
    at, unit = now(), request.actor.care_unit
    today = local_date(at)
    given = request.POST if request.method == "POST" else request.GET
    mine = care_units_where(request.actor.user, Permission.BOOK, today)
    elsewhere = [row for row in mine if row != unit]
    commitments = _commitments(patient, units_searched(given.get("enhet"), unit, elsewhere))
    form = SeriesForm(given, care_unit=unit, today=today, commitments=commitments, elsewhere=elsewhere)
    units, left_out = _bookable(form, commitments)
    is_ready = form.is_valid() and form.visit_type and form.contact_reason and units
    if request.method == "POST" and is_ready:
        values = [request.POST.get(f"tid-{number}") for number in range(1, form.cleaned_data["antal"] + 1)]
        visits = [_visit(form, units, value, commitments, form.commitment) for value in values if value]
        if done := _book(request, patient, PlanKind.SERIES, visits, at):
            return done
    found = form.proposals(units=units, at=at, by=request.actor.user) if is_ready else []
    context = {
        "heading": "Boka serie",
        "form": form,
        "kept": form.kept(),
        "has_choice": is_ready,
        "left_out": left_out,
        "missing": ""
        if is_ready
        else NOWHERE
        if not units
        else "Välj besökstyp och vårdkontaktsorsak, så föreslås tider.",
    }
    return _page(request, patient, "booking/series.html", found, context, at)


@patient_page(Permission.BOOK, what="samordnade besök")
def together(request, patient):
    """Coordinated visits: the first day when all fit, one after the other; where none does, the misfits first. At all units
    where the user may book (BO-02)."""
    at, unit = now(), request.actor.care_unit
    today = local_date(at)
    given = request.POST if request.method == "POST" else request.GET
    days = DaysForm(given, today=today)
    units = care_units_where(request.actor.user, Permission.BOOK, today)
    wishes = [WishForm(given, care_unit=unit, today=today, number=number, units=units) for number in VISITS]
    chosen = [form for form in wishes if form.visit_type]
    commitments = _commitments(patient, [row for form in chosen for row in form.units])
    bookable = [_bookable(form, commitments) for form in chosen]
    is_ready = days.is_valid() and len(chosen) > 1 and all(form.contact_reason for form in chosen)
    is_ready = is_ready and all(units for units, _ in bookable)
    if request.method == "POST" and is_ready:
        visits = [
            _visit(form, units, value, commitments)
            for number, (form, (units, _)) in enumerate(zip(chosen, bookable, strict=True), start=1)
            if (value := request.POST.get(f"tid-{number}"))
        ]
        if done := _book(request, patient, PlanKind.COORDINATED, visits, at):
            return done
    found = []
    if is_ready:
        found = planning.together(
            care_unit=unit,
            wishes=[form.wish(units) for form, (units, _) in zip(chosen, bookable, strict=True)],
            from_day=days.cleaned_data["fran"],
            to_day=days.cleaned_data["till"],
            at=at,
            by=request.actor.user,
        )
    kept = {name: value for form in wishes for name, value in form.kept.items() if value} | days.data
    missing = "Välj minst två besökstyper med orsak, så söks en gemensam dag."
    if not all(units for units, _ in bookable):
        missing = NOWHERE
    context = {
        "heading": "Samordna besök",
        "days": days,
        "wishes": wishes,
        "kept": kept,
        "has_choice": is_ready,
        "left_out": list(dict.fromkeys(why for _, left_out in bookable for why in left_out)),
        "missing": "" if is_ready else missing,
    }
    return _page(request, patient, "booking/together.html", found, context, at)


def _page(request, patient, template, found, context, at):
    is_post = request.method == "POST"
    chosen = {number: request.POST.get(f"tid-{number}") for number in range(1, len(found) + 1)} if is_post else {}
    rows = presenter.proposed(found, busy=busy_times(patient, local_date(at)), chosen=chosen)
    letter_form = letter_form_of(request, at)
    refusal = getattr(request, "plan_refusal", None)
    context |= {
        "band": patient_presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
        "path": request.path,
        "rows": rows,
        "misfits": sum(row.is_misfit for row in rows),
        # On a page of its own the keyboard starts in the first time to choose: what does not fit, where something does not.
        "focused": None if request.htmx or refusal else next((row.number for row in rows if row.choices), None),
        "is_dead": patient.is_deceased,
        "letter_default": "kallelse" in request.POST if letter_form.is_bound else not patient.is_protected,
        "letter_forms": {"plan": letter_form},
        "letter_errors": letter_form if letter_form.errors else "",
        "letter_label": "Skriv kallelser",
    }
    status = 200
    if refusal:
        more = refusal_context(request, refusal)
        more.pop("heading")
        context |= {"refusal": True, **more}
        status = 409
    if request.htmx and request.method == "GET":
        return render(request, f"{template}#workspace", context)
    return render(request, template, context, status=status)


def _commitments(patient, units):
    """The patient's open vårdåtaganden at the units that are searched."""
    rows = CareCommitment.objects.open().filter(patient=patient, care_unit__in=units)
    return list(rows.select_related("problem_code", "care_unit").order_by("id"))


def _bookable(form, commitments):
    """(the form's units where the visit can be booked, why not at the others as (rule, words)): as for a single visit."""
    if form.visit_type is None:
        return form.units, []
    whys = {unit: why_not_at(unit, form.visit_type, commitments) for unit in form.units}
    return [unit for unit, why in whys.items() if why is None], [why for why in whys.values() if why]


def _visit(form, units, value, commitments, chosen=None):
    """A visit as `plans.book` takes it, of the value that a choice sends; one that cannot be read has no resources and
    is refused with the others. On the `chosen` vårdåtagande, where it is of the unit of the time."""
    resource_id, _, text = value.partition("|")
    try:
        start = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        start = now()
    rows = Resource.objects.filter(pk=uuid_of(resource_id), care_unit__in=units)
    resource = rows.select_related("care_unit").first()
    unit = resource.care_unit if resource else units[0]
    commitment = commitment_at(unit, chosen, commitments)
    return {
        "care_unit": unit,
        "visit_type": form.visit_type,
        "contact_reason_id": form.contact_reason.pk,
        "start": start,
        "end": start + timedelta(minutes=form.visit_type.default_minutes),
        "resource_ids": [resource.pk] if resource else [],
        "commitment_id": commitment.pk if commitment else None,
    }


def letter_form_of(request, at):
    """What is chosen of the letters of a plan: the same for each."""
    data = request.POST if request.method == "POST" else None
    offered, add_ons = files_to_choose(request.actor.care_unit, local_date(at)), add_ons_to_choose(local_date(at))
    return LetterChoicesForm.at_places(["plan"], data=data, offered=offered, add_ons=add_ons)["plan"]


def _book(request, patient, kind, visits, at):
    """Books them all and goes on, or keeps the refusal for the page. One's own repeated click goes on too (PL-27)."""
    letter_form, letter = letter_form_of(request, at), "kallelse" in request.POST
    if letter and letter_form.is_bound and not letter_form.is_valid():
        return None
    wanted = {"kind": kind, "patient_id": patient.pk, "visits": visits}
    try:
        _, made = plans.book(
            **wanted,
            **insisted(request),
            **letter_form.wish(letter),
            by=request.actor.user,
            at=at,
        )
    except RuleError as refused:
        if is_own_repeat(request, refused, refused.code == "already_done"):
            return _done(patient, plans.booked_already(**wanted))
        request.plan_refusal = refused
        return None
    _log_elsewhere(request, patient, made, at)
    text = f"{presenter.letters_told(made)}{len(made)} besök bokade för"
    leave_receipt(request, at=at, text=text, whom=patient)
    return _done(patient, made)


def _done(patient, made):
    marked = f"?bokad={made[0].pk}" if made else ""
    return redirect(reverse("patient-appointments", args=[patient.pk]) + marked)


def _log_elsewhere(request, patient, made, at):
    """What is booked at another unit is logged under the user's own assignment there."""
    for unit in {row.care_unit_id: row.care_unit for row in made}.values():
        if unit.pk != request.actor.care_unit.pk:
            log_access(
                actor=actor_at(request.actor.user, unit, Permission.BOOK, local_date(at)),
                patients=[patient.pk],
                what="besöksplan bokad",
                at=at,
                action=AccessAction.WRITE,
                care_unit_id=unit.pk,
            )
