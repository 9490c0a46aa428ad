"""Ombokningar: a proposed seat or new time is taken from the row (PL-02, BO-02)."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from registration.presenters import load
from scheduling import rules
from scheduling.actions import letter_preview, letter_writing, rebook, rebooking
from scheduling.models import AppointmentKind, CancelledBy
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
from sdv.desk.forms.letters import LetterChoicesForm, add_ons_to_choose, files_to_choose, initial_of
from sdv.desk.forms.schedules import NewTimeForm
from sdv.desk.presenters.booking import value_text, who
from sdv.desk.presenters.group_sessions import seat_text
from sdv.desk.presenters.patient import band_of
from sdv.desk.presenters.rows import stamp
from sdv.desk.presenters.work import ABSENCE_DETAILS, cause_text
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.desk.return_to_list import BACK, uuid_of
from sdv.desk.views.booking_desk import letter_label, shown_preview
from sdv.desk.views.letter_list import told
from sdv.desk.views.rescheduling import CHANGE_LETTER, proposes_change_letter

SEAT = "plats"
# Somebody was first, or it is not held any longer: said in the form, with what is still free.
TAKEN = ("slot_taken", "absent", "outside_hours", "not_there", "session_full", "session_cancelled", "in_the_past")


@permitted(Permission.BOOK)
@require_http_methods(["GET", "HEAD", "POST"])
def move(request, pk):
    """The proposals as choices, the first chosen: a seat on another grupptillfälle for whoever had one, else the same
    vårdgivare where there is a time. Enter, Ctrl+Enter moves the booking as the provider's doing, with the letter as it is
    chosen where any time is taken (KA-01, PL-09); the letter can be read first."""
    at = now()
    related = (
        "patient",
        "care_unit",
        "appointment__encounter__visit_type",
        *ABSENCE_DETAILS,
        "resource",
        "session",
        "appointment__session",
    )
    item = get_object_or_404(request.actor.care_unit.rebookingitems.select_related(*related), pk=pk)
    back = way_back(request, reverse("work-list", args=["rebooking"]))
    form = NewTimeForm(request.POST if request.method == "POST" else None, initial={"version": item.version})
    letter_form, preview = _letter_form(request, item, at), None
    if form.is_bound and form.is_valid() and _letter_is_readable(request, letter_form):
        try:
            if request.POST.get("step") == "preview":
                preview = _preview(request, item, form, letter_form, at)
                moved = None
            else:
                moved = _move(request, item, form, letter_form, at)
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
                text = f"{told(moved.letters_written)} Ombokad till {where}:".strip()
                clear_receipt(request)
                leave_receipt(request, at=at, text=text, whom=item.patient)
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
        "chosen": form["tid"].value() or (choices[0].value if choices else ""),
        "letter_form": letter_form,
        "letter_default": _wants_letter(request)
        if letter_form.is_bound
        else proposes_change_letter(booking, item.patient),
        "letter_label": letter_label(item.patient, CHANGE_LETTER),
        "preview": preview,
        "facts": [
            ("Bokad tid", stamp(booking.start)),
            ("Vårdgivare", ", ".join(row.name for row in booking.resources.all())),
            ("Varför", cause_text(item)),
        ],
        "book_url": f"{reverse('appointment-reschedule', args=[booking.pk])}?{urlencode({BACK: back})}",
        "close": back,
    }
    return sheet(request, "work/new_time.html", context, status=422 if form.is_bound and preview is None else 200)


def _letter_form(request, item, at):
    """What is chosen of the letter about the new time; filled in as the last one was (KA-03)."""
    data, today = (request.POST if request.method == "POST" else None), local_date(at)
    return LetterChoicesForm.at_places(
        ["ny"],
        data=data,
        offered=files_to_choose(item.care_unit, today),
        add_ons=add_ons_to_choose(today),
        initial=initial_of(letter_writing.last_letter(item.appointment), item.appointment),
    )["ny"]


def _wants_letter(request):
    return bool(request.POST.get("kallelse"))


def _letter_is_readable(request, letter_form):
    return not (letter_form.is_bound and _wants_letter(request)) or letter_form.is_valid()


def _choices(item, user, at):
    seats = rebooking.seats(item, at=at)
    times = rebooking.proposals(item, at=at, by=user)
    alone = "Egen tid, " if item.appointment.kind == AppointmentKind.GROUP else ""
    return [Choice(f"{SEAT}|{row.pk}", _when(row.start), seat_text(row)) for row in seats] + [
        Choice(value_text(slot.resource.pk, slot.start), _when(slot.start), f"{alone}{_with(slot)}") for slot in times
    ]


def _with(slot):
    """Whose time it is, and who and what is had with it."""
    others = ", ".join(row.name for row in slot.others)
    return f"{who(slot.resource)}, med {others}" if others else who(slot.resource)


def _when(moment):
    return f"{long_date(local_date(moment))} {local(moment):%H:%M}"


def _chosen(request, form):
    """The chosen seat or time: (session, resource id, start). None where the choice cannot be read."""
    chosen, _, text = form.cleaned_data["tid"].partition("|")
    if chosen == SEAT:
        if session := request.actor.care_unit.sessions.filter(pk=uuid_of(text)).first():
            return session, None, session.start
    elif (resource_id := uuid_of(chosen)) and (start := moment_of(text)):
        return None, resource_id, start
    form.add_error("tid", "Välj en av tiderna.")
    return None


def _preview(request, item, form, letter_form, at):
    """The letter about the chosen time as it would be written; nothing is saved."""
    if (chosen := _chosen(request, form)) is None:
        return None
    session, resource_id, start = chosen
    leads = session.resources.all() if session else request.actor.care_unit.resources.filter(pk=resource_id)
    leader = leads.filter(practitioner__isnull=False).select_related("practitioner").order_by("id").first()
    letter = letter_preview.of_change(
        item.appointment,
        start=start,
        caregiver=leader.practitioner if leader else None,
        changed_by=CancelledBy.PROVIDER,
        letter_choices=letter_form.wish(_wants_letter(request))["letter_choices"],
        at=at,
    )
    return shown_preview(letter)


def _move(request, item, form, letter_form, at):
    """Moves the booking to the chosen seat or time. Returns it, or None where the choice cannot be read."""
    if (chosen := _chosen(request, form)) is None:
        return None
    session, resource_id, start = chosen
    wish = letter_form.wish(_wants_letter(request)) if letter_form.is_bound else {}
    who_and_when = {"version": form.cleaned_data["version"], "by": request.actor.user, "at": at}
    asked = {"item_id": item.pk, **wish, **who_and_when}
    if session:
        moved = rebook.to_session(session_id=session.pk, **asked)
    else:
        asked |= {"resource_ids": [resource_id, *rebooking.along(item, resource_id)], "reason": move_reason(item)}
        moved = rebook.to_time(start=start, **asked)
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
    if item.resource_id:
        return "Vårdgivarens tider har ändrats"
    return "Enheten är stängd" if item.absence.resource_id is None else "Vårdgivaren är inte på plats"
