"""Ombokningar: a proposed new time is taken from the row (PL-02)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from registration.presenters import load
from scheduling import rules
from scheduling.actions import appointments, rebooking
from scheduling.models import AppointmentKind
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.dates import long_date
from sdv.common.errors import RuleError
from sdv.common.presenting import Choice
from sdv.common.time import local, local_date, now
from sdv.desk import repeats
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.forms.schedules import NewTimeForm
from sdv.desk.presenters.booking import value_of, who
from sdv.desk.presenters.patient import band_of
from sdv.desk.presenters.rows import stamp
from sdv.desk.presenters.work import cause_text
from sdv.desk.receipts import clear_receipt, leave_receipt


@permitted(Permission.BOOK)
@require_http_methods(["GET", "HEAD", "POST"])
def move(request, pk):
    """The proposals as choices, the first chosen: the same vårdgivare where there is a time. Enter, Ctrl+Enter moves the
    booking as the provider's doing."""
    at = now()
    related = ("patient", "care_unit", "appointment__encounter__visit_type", "absence__resource", "session")
    item = get_object_or_404(request.actor.care_unit.rebookingitems.select_related(*related), pk=pk)
    back = way_back(request, reverse("work-list", args=["rebooking"]))
    form = NewTimeForm(request.POST if request.method == "POST" else None, initial={"version": item.version})
    if form.is_bound and form.is_valid():
        try:
            start = _move(request, item, form, at)
        except RuleError as refused:
            if repeats.is_own_repeat(request, refused, refused.code == "already_done"):
                return saved(request, back)
            if refused.code not in ("slot_taken", "absent", "outside_hours"):
                raise
            form.add_error("tid", f"{refused.sentence} Regel {refused.rule}.")
        else:
            if start:
                clear_receipt(request)
                leave_receipt(request, at=at, text=f"Ombokad till {rules.clock(start)}:", whom=item.patient)
                return saved(request, back)
    log_access(actor=request.actor, patients=[item.patient_id], what="ombokning", at=at, resource_id=item.pk)
    proposed = rebooking.proposals(item, at=at, by=request.actor.user) if item.status == "open" else []
    choices = [_choice(slot) for slot in proposed]
    booking = item.appointment
    context = {
        "heading": "Ny tid",
        "subtitle": f"{booking.encounter.visit_type.name} {stamp(booking.start)}",
        "form": form,
        "band": band_of(request, load(item.patient_id), at=at),
        "choices": choices,
        "chosen": choices[0].value if choices else "",
        "facts": [
            ("Bokad tid", stamp(booking.start)),
            ("Vårdgivare", ", ".join(row.name for row in booking.resources.all())),
            ("Varför", cause_text(item)),
        ],
        "book_url": reverse("appointment-reschedule", args=[booking.pk]),
        "close": back,
    }
    return sheet(request, "work/new_time.html", context, status=422 if form.is_bound else 200)


def _choice(slot):
    start = local(slot.start)
    return Choice(value_of(slot), f"{long_date(local_date(slot.start))} {start:%H:%M}", who(slot.resource))


def _move(request, item, form, at):
    """Moves the booking to the chosen time. Returns its start, or None where the choice cannot be read."""
    resource_id, _, text = form.cleaned_data["tid"].partition("|")
    try:
        resource_id, start = UUID(resource_id), datetime.fromisoformat(text)
    except ValueError:
        start = None
    if start is None or start.tzinfo is None:
        form.add_error("tid", "Välj en av tiderna.")
        return None
    start = start.astimezone(UTC)
    rebooking.refuse_done(item.pk, version=form.cleaned_data["version"])
    absent = item.absence.resource_id if item.absence else None
    is_team = item.appointment.kind == AppointmentKind.TEAM
    rows = item.appointment.resources.all()
    kept = [row.pk for row in rows if not row.practitioner_id or (is_team and absent and row.pk != absent)]
    kept = [pk for pk in kept if pk != resource_id]
    appointments.reschedule(
        appointment_id=item.appointment_id,
        start=start,
        end=start + timedelta(minutes=item.appointment.encounter.visit_type.default_minutes),
        resource_ids=[resource_id, *kept],
        reason=move_reason(item),
        by=request.actor.user,
        at=at,
    )
    log_access(
        actor=request.actor,
        patients=[item.patient_id],
        what="ombokning",
        at=at,
        resource_id=item.appointment_id,
        action=AccessAction.WRITE,
    )
    return start


def move_reason(item):
    """Why the booking is moved, as its history tells it: never what kind of absence a person has."""
    if item.session_id:
        return "Grupptillfället är inställt"
    return "Enheten är stängd" if item.absence.resource_id is None else "Vårdgivaren är inte på plats"
