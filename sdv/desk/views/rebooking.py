"""Ombokningar: a proposed seat or new time is taken from the row (PL-02, BO-02)."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from registration.presenters import load
from scheduling import rules
from scheduling.actions import rebook, rebooking
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
from sdv.desk.presenters.group_sessions import seat_text
from sdv.desk.presenters.patient import band_of
from sdv.desk.presenters.rows import stamp
from sdv.desk.presenters.work import cause_text
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.desk.return_to_list import BACK, uuid_of

SEAT = "plats"
# Somebody was first, or it is not held any longer: said in the form, with what is still free.
TAKEN = ("slot_taken", "absent", "outside_hours", "not_there", "session_full", "session_cancelled", "in_the_past")


@permitted(Permission.BOOK)
@require_http_methods(["GET", "HEAD", "POST"])
def move(request, pk):
    """The proposals as choices, the first chosen: a seat on another grupptillfälle for whoever had one, else the same
    vårdgivare where there is a time. Enter, Ctrl+Enter moves the booking as the provider's doing."""
    at = now()
    related = (
        "patient",
        "care_unit",
        "appointment__encounter__visit_type",
        "absence__resource",
        "session",
        "appointment__session",
    )
    item = get_object_or_404(request.actor.care_unit.rebookingitems.select_related(*related), pk=pk)
    back = way_back(request, reverse("work-list", args=["rebooking"]))
    form = NewTimeForm(request.POST if request.method == "POST" else None, initial={"version": item.version})
    if form.is_bound and form.is_valid():
        try:
            moved = _move(request, item, form, at)
        except RuleError as refused:
            if repeats.is_own_repeat(request, refused, refused.code == "already_done"):
                return saved(request, back)
            if refused.code not in TAKEN:
                raise
            form.add_error("tid", f"{refused.sentence} Regel {refused.rule}.")
        else:
            if moved:
                where = (
                    f"{moved.session.name} {rules.clock(moved.start)}" if moved.session else rules.clock(moved.start)
                )
                clear_receipt(request)
                leave_receipt(request, at=at, text=f"Ombokad till {where}:", whom=item.patient)
                return saved(request, back)
    log_access(actor=request.actor, patients=[item.patient_id], what="ombokning", at=at, resource_id=item.pk)
    choices = _choices(item, request.actor.user, at) if item.status == "open" else []
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
        "book_url": f"{reverse('appointment-reschedule', args=[booking.pk])}?{urlencode({BACK: back})}",
        "close": back,
    }
    return sheet(request, "work/new_time.html", context, status=422 if form.is_bound else 200)


def _choices(item, user, at):
    seats = rebooking.seats(item, at=at)
    times = rebooking.proposals(item, at=at, by=user)
    alone = "Egen tid, " if item.appointment.kind == AppointmentKind.GROUP else ""
    return [Choice(f"{SEAT}|{row.pk}", _when(row.start), seat_text(row)) for row in seats] + [
        Choice(value_of(slot), _when(slot.start), f"{alone}{who(slot.resource)}") for slot in times
    ]


def _when(moment):
    return f"{long_date(local_date(moment))} {local(moment):%H:%M}"


def _move(request, item, form, at):
    """Moves the booking to the chosen seat or time. Returns it, or None where the choice cannot be read."""
    chosen, _, text = form.cleaned_data["tid"].partition("|")
    told = {"item_id": item.pk, "version": form.cleaned_data["version"], "by": request.actor.user, "at": at}
    start = session = None
    if chosen == SEAT:
        session = request.actor.care_unit.sessions.filter(pk=uuid_of(text)).first()
    elif (resource_id := uuid_of(chosen)) and (start := moment_of(text)):
        told |= {"resource_ids": [resource_id, *rebooking.along(item, resource_id)], "reason": move_reason(item)}
    if session:
        moved = rebook.to_session(session_id=session.pk, **told)
    elif start:
        minutes = item.appointment.encounter.visit_type.default_minutes
        moved = rebook.to_time(start=start, end=start + timedelta(minutes=minutes), **told)
    else:
        form.add_error("tid", "Välj en av tiderna.")
        return None
    log_access(
        actor=request.actor,
        patients=[item.patient_id],
        what="ombokning",
        at=at,
        resource_id=item.appointment_id,
        action=AccessAction.WRITE,
    )
    return moved


def moment_of(text):
    """A start as the choices send it, or None."""
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        return None
    return start.astimezone(UTC) if start.tzinfo else None


def move_reason(item):
    """Why the booking is moved, as its history tells it: never what kind of absence a person has."""
    if item.session_id:
        return "Grupptillfället är inställt"
    if item.contact_id:
        return "Vårdkontakten som konsulten bokades till är flyttad eller avbokad"
    return "Enheten är stängd" if item.absence.resource_id is None else "Vårdgivaren är inte på plats"
