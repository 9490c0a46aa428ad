"""Dagens besök: the list, what a row shows, and the moves made from it (ui.md 4.2; VH-07, VH-11, PL-03, PL-27)."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from registration import presenters
from scheduling import days, rules
from scheduling.actions import appointments
from scheduling.models import Appointment, AppointmentStatus, CancelledBy
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.accounts.units import actor_at, other_units
from sdv.common.dates import long_date, parse_date
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.presenting import Key, Link
from sdv.common.requests import page_of
from sdv.common.time import local, local_date, now
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.context import address
from sdv.desk.forms.day import IDENTITY_SHOWN, ArrivalForm, CancelForm
from sdv.desk.forms.waiting_room import CallForm, call_initial
from sdv.desk.presenters import day as presenter
from sdv.desk.presenters import group_sessions, plans
from sdv.desk.receipts import clear_receipt, last_receipt, leave_receipt
from sdv.desk.refusals import conflict, is_scripted
from sdv.desk.repeats import is_own_repeat, require_undo
from sdv.flows import cancellation, correction

WHAT = "dagens besök"
# Whom the list has already shown this session, so that a poll logs only who is new in it.
SHOWN_KEY = "day_shown"
# Farther from today there are no visits, and in the end no dates.
YEARS = 100
LEGEND = (
    Key(("↑", "↓"), "byt rad"),
    Key(("0–9",), "sök personnummer"),
    Key(("Enter",), "ankomst"),
    Key(("K",), "ropa in"),
    Key(("U",), "checka ut"),
    Key(("B",), "boka"),
    Key(("O",), "öppna patient"),
    Key(("N",), "oplanerat"),
    Key(("Z",), "ångra"),
)


# --- The list -----------------------------------------------------------------------------------------------------


@never_cache
@require_GET
@permitted(Permission.VIEW_DAY)
def day(request):
    """Who comes, who is here, who waits too long."""
    at = now()
    view = DayView(request.GET, at)
    context = _list_context(request, view, at)
    _log_rows(request, context["all_rows"], view, at, everyone=True)
    chosen = next((row for row in context["rows"] if str(row.pk) == view.chosen_row), None)
    if chosen:
        context |= _detail(request, chosen, at)
    context["sessions"] = group_sessions.on_day(request.actor.care_unit, view.day)
    context["may_close"] = request.actor.may(Permission.REGISTER_ARRIVAL)
    context["unclosed"] = [each for _, each in days.unclosed(at=at, care_unit=request.actor.care_unit)]
    return render(request, "day/page.html", context)


@never_cache
@require_GET
@permitted(Permission.VIEW_DAY)
def day_rows(request):
    """The rows again, for the live list: 204 while nothing has changed. A poll is not activity."""
    at = now()
    view = DayView(request.GET, at)
    version = presenter.version(request.actor.care_unit, day=view.day, at=at, extra=view.words)
    if request.GET.get("version") == version:
        return HttpResponse(status=204)
    if not is_scripted(request):
        return HttpResponseRedirect(view.url())
    context = _list_context(request, view, at, version=version)
    _log_rows(request, context["all_rows"], view, at, everyone=False)
    return render(request, "day/page.html#rows", context)


@never_cache
@require_GET
@permitted(Permission.VIEW_DAY)
def day_row(request, pk):
    """The chosen row beside the list; without script the whole page with it."""
    at = now()
    row = _row(request, pk, at)
    if not is_scripted(request):
        return HttpResponseRedirect(DayView({"dag": local_date(row.start).isoformat()}, at).with_row(pk))
    context = _detail(request, row, at, ask="fraga" in request.GET)
    return render(request, "day/page.html#detail", context)


class DayView:
    """What the address asks to see: day, status, caregiver, chosen row. What cannot be read means today, or all."""

    def __init__(self, query, at):
        self.today = local_date(at)
        try:
            self.day = parse_date(query.get("dag", ""), self.today)
        except ValueError:
            self.day = self.today
        if abs(self.day.year - self.today.year) > YEARS:
            self.day = self.today
        self.status = query.get("visa", "")
        self.caregiver = query.get("vardgivare", "")
        self.chosen_row = query.get("vald", "")

    @property
    def words(self):
        """The filters as one text, part of the list's version."""
        return f"{self.day} {self.status} {self.caregiver}"

    def url(self, name="day", **changes):
        """The address of the same view with something else."""
        words = {
            "dag": "" if self.day == self.today else self.day.isoformat(),
            "visa": self.status,
            "vardgivare": self.caregiver,
        }
        kept = {word: value for word, value in (words | changes).items() if value}
        return address(name) + (f"?{urlencode(kept)}" if kept else "")

    def with_row(self, pk):
        """The address of the view with a row chosen."""
        return self.url(vald=str(pk))

    def on(self, day):
        """The address of another day."""
        return self.url(dag=day.isoformat() if day != self.today else "")


def _list_context(request, view, at, *, version=None):
    unit = request.actor.care_unit
    version = version or presenter.version(unit, day=view.day, at=at, extra=view.words)
    everyone = presenter.rows(unit, day=view.day, at=at, actor=request.actor, select=view.with_row)
    found = presenter.filtered(everyone, chosen=view.status, caregiver=view.caregiver)
    found = presenter.with_now_line(found, at=at, day=view.day)
    return {
        "heading": "Dagens besök",
        "view": view,
        "day_text": long_date(view.day),
        "previous_url": view.on(view.day - timedelta(days=1)),
        "next_url": view.on(view.day + timedelta(days=1)),
        "today_url": view.on(view.today),
        "clock": local(at).strftime("%H:%M"),
        "version": version,
        "poll_url": view.url("day-rows"),
        "all_rows": everyone,
        "rows": found,
        "current_pk": _current(found, view.chosen_row),
        "chips": presenter.chips(everyone, url=lambda word: view.url(visa=word), chosen=view.status),
        "caregivers": presenter.caregivers(everyone),
        "everyone_url": view.url(visa="", vardgivare=""),
        "hide_identities": request.session.get("preferences", {}).get("hide_identities", False),
        "here": view.url(),
        "may_register": request.actor.may(Permission.REGISTER_ENCOUNTERS),
        "keys": LEGEND,
    }


def _current(found, chosen):
    """The row the keyboard starts in: the chosen one, else the first who is still expected."""
    if any(str(row.pk) == chosen for row in found):
        return chosen
    expected = next((row for row in found if row.is_expected), None)
    return str(expected.pk) if expected else ""


def _log_rows(request, rows, view, at, *, everyone):
    """One statement for all patients of the list; a poll logs only those who were not in it before."""
    ids = {str(row.patient_id) for row in rows}
    place = f"{request.actor.care_unit.pk} {view.day}"
    kept = request.session.get(SHOWN_KEY, {})
    before = set(kept.get("marks", "").split()) if kept.get("place") == place else set()
    wanted = ids if everyone else {each for each in ids if _mark(each) not in before}
    log_access(actor=request.actor, patients=sorted(wanted), what=WHAT, at=at)
    marks = {_mark(each) for each in ids}
    if marks - before or kept.get("place") != place:
        request.session[SHOWN_KEY] = {"place": place, "marks": " ".join(sorted(before | marks))}


def _mark(patient_id):
    """The random end of an id: enough to know it again in a list, short enough to keep for three hundred."""
    return patient_id[-8:]


# --- A row ----------------------------------------------------------------------------------------------------------


def _row(request, encounter_id, at, *, unit=None, actor=None):
    unit, actor, view = unit or request.actor.care_unit, actor or request.actor, DayView({}, at)
    found = presenter.rows(unit, day=None, at=at, actor=actor, only=encounter_id, select=view.with_row)
    if not found:
        raise Http404
    return found[0]


def _detail(request, row, at, *, ask=False):
    """The panel beside the list: the band, the visit, what to ask at arrival, the nearest other visits here. With
    `ask` the one question there is gets the focus."""
    unit, actor = request.actor.care_unit, request.actor
    encounter = unit.encounters.select_related("commitment", "type").get(pk=row.pk)
    patient = presenters.load(row.patient_id)
    log_access(actor=actor, patients=[patient.pk], what=WHAT, at=at, resource_id=row.pk, care_unit_id=unit.pk)
    actions = (Link("Boka", row.urls["book"], "F8"),) if row.urls["book"] and actor.may(Permission.BOOK) else ()
    commitment = encounter.commitment
    end = f"–{local(row.end):%H:%M}" if row.end else ""
    form = ArrivalForm(
        initial={"identity_shown": "" if row.asks_identity else IDENTITY_SHOWN[0]},
        auto_id="arrival_%s",
        start=row.start,
        at=at,
    )
    if ask:
        form.fields["identity_shown" if row.asks_identity else "clock"].widget.attrs["data-focus"] = True
    if row.asks_identity:
        form.fields["identity_shown"].choices = [("", "Välj"), *form.fields["identity_shown"].choices]
    return {
        "row": row,
        "band": presenters.band(patient, at=at, url=row.urls["patient"], actions=actions),
        "facts": [
            ("Tid", f"{local(row.start):%H:%M}{end}"),
            ("Besök", row.visit),
            ("Vårdgivare", row.caregiver),
            *([("Grupptillfälle", row.group)] if row.group else []),
            ("Vårdåtagande", f"öppnat {commitment.opened_on}" if commitment else "inget"),
            ("Vårdhändelse", f"{encounter.type.name}, nr {encounter.number}"),
        ],
        "arrival": form if row.may_arrive else None,
        "interpreter": patient.interpreter_language if not patient.is_protected else "",
        "may_cancel": row.is_expected and actor.may(Permission.BOOK),
        "may_no_show": row.can_be_no_show and actor.may(Permission.REGISTER_ARRIVAL),
        "call_url": reverse("encounter-call", args=[row.pk]) if row.call_label else "",
        "call_form": CallForm(initial=call_initial(request, encounter)) if row.call_label else None,
        "may_see_encounter": actor.may(Permission.VIEW_ENCOUNTERS) and bool(row.urls["encounter"]),
        "other_visits": _other_visits(unit, patient, row, at),
    }


def _other_visits(unit, patient, row, at):
    """The patient's next and latest bookings at the unit, as (date, words)."""
    mine = unit.appointments.filter(patient=patient).exclude(encounter=row.pk).select_related("encounter__visit_type")
    coming = list(mine.filter(start__gt=at, status=AppointmentStatus.BOOKED).order_by("start")[:1])
    latest = list(mine.filter(start__lte=at).order_by("-start")[:3])
    return [
        (f"{local(each.start):%Y-%m-%d}", f"{each.encounter.visit_type.name}, {each.get_status_display().lower()}")
        for each in (*coming, *latest)
    ]


# --- Moves ------------------------------------------------------------------------------------------------------------


def _appointment(request, pk):
    """A booking of the session's own unit; another unit's is 404."""
    return get_object_or_404(request.actor.care_unit.appointments.select_related("patient", "encounter"), pk=pk)


@require_POST
@permitted(Permission.REGISTER_ARRIVAL)
def arrive(request, pk):
    """Ankomst: one key from the list when nothing is unclear (PL-03)."""
    appointment = _appointment(request, pk)
    at = now()
    form = ArrivalForm(request.POST, start=appointment.start, at=at)
    if not form.is_valid():
        raise InputError(**form.errors)
    words = form.cleaned_data
    try:
        appointments.arrive(
            appointment_id=pk,
            by=request.actor.user,
            at=words["at"] or at,
            identity_shown=words["identity_shown"],
            interpreter_used=words["interpreter_used"] or None,
        )
    except RuleError as refused:
        if not _is_own_repeat(request, appointment, refused, AppointmentStatus.ARRIVED, "arrived"):
            raise
    else:
        undo = address("appointment-undo", pk)
        _leave(request, appointment, "Ankomst registrerad för", at=at, undo_url=undo)
    return _saved(request, appointment)


@require_POST
@permitted(Permission.REGISTER_ARRIVAL)
def no_show(request, pk):
    """Utebliven: the time has passed and the patient did not come (VH-11). Somebody gets the work (PL-05)."""
    appointment, at = _appointment(request, pk), now()
    try:
        appointments.no_show(appointment_id=pk, by=request.actor.user, at=at)
    except RuleError as refused:
        if not _is_own_repeat(request, appointment, refused, AppointmentStatus.NO_SHOW, "no_show"):
            raise
    else:
        undo = address("appointment-undo", pk)
        _leave(request, appointment, "Utebliven registrerad för", at=at, undo_url=undo)
    return _saved(request, appointment)


def _is_own_repeat(request, appointment, refused, status, event):
    """Also tells the refusal who was first, where the rule that refused did not know (PL-27)."""
    appointment.refresh_from_db()
    last = appointment.history.select_related("by").order_by("-id").first()
    if appointment.status == status and last and last.event == event and last.by:
        refused.told(last.by, refused.at or last.at)
    return is_own_repeat(request, refused, appointment.status == status)


@require_POST
@permitted(Permission.REGISTER_ARRIVAL)
def undo(request, pk):
    """Ångra ankomst eller utebliven: whoever did it within five minutes, later those who correct (PL-13)."""
    appointment, at = _appointment(request, pk), now()
    last = appointment.history.order_by("-id").first()
    if last and last.event == "undone" and last.by_id == request.actor.user.pk:
        clear_receipt(request)
        return _saved(request, appointment)
    is_arrival = appointment.status == AppointmentStatus.ARRIVED
    what = "Ankomsten" if is_arrival else "Uteblivandet"
    reason = require_undo(request, appointment.encounter, what=what, at=at)
    correction.undo_appointment(appointment_id=pk, by=request.actor.user, at=at, reason=reason)
    _leave(request, appointment, "Ankomsten ångrad för" if is_arrival else "Uteblivandet ångrat för", at=at)
    return _saved(request, appointment)


def _own_booking(request, pk, at):
    """A booking of the session's own unit; or one that the person has made at another unit, where an assignment of the
    own books: as whom it is then called off (PL-25). Any other is 404."""
    parts = ("patient", "encounter", "care_unit")
    if own := request.actor.care_unit.appointments.select_related(*parts).filter(pk=pk).first():
        return own, request.actor
    there = other_units(request.actor, Permission.BOOK, local_date(at))
    rows = Appointment.objects.filter(care_unit__in=there, created_by=request.actor.user)
    made = get_object_or_404(rows.select_related(*parts), pk=pk)
    return made, actor_at(request.actor.user, made.care_unit, Permission.BOOK, local_date(at))


@never_cache
@require_http_methods(["GET", "POST"])
@permitted(Permission.BOOK)
def cancel(request, pk):
    """Avboka: who and why, told beforehand whether it becomes Utebliven (VH-11). Cannot be undone."""
    at = now()
    appointment, actor = _own_booking(request, pk, at)
    encounter_id = appointment.encounter_id
    rest = plans.rest(appointment, at=at)
    form = CancelForm(request.POST or None, initial={"version": appointment.version}, rest=rest)
    if request.method == "POST" and form.is_valid():
        words = form.cleaned_data
        told = {
            "appointment_id": pk,
            "cancelled_by": words["cancelled_by"],
            "reason": words["reason"],
            "version": None if appointment.status != AppointmentStatus.BOOKED else words["version"],
            "by": request.actor.user,
            "at": at,
        }
        try:
            done = cancellation.cancel_rest(**told) if words.get("rest") else [cancellation.cancel(**told)]
        except RuleError as refused:
            appointment.refresh_from_db()
            if not is_own_repeat(request, refused, appointment.status != AppointmentStatus.BOOKED):
                raise
        except StaleVersion:
            appointment.refresh_from_db()
            last = appointment.history.select_related("by").order_by("-id").first()
            if appointment.status == AppointmentStatus.BOOKED or last.by_id != request.actor.user.pk:
                return conflict(request, by=last.by.name if last and last.by else "", at=last.at if last else None)
        else:
            _leave(request, appointment, _cancelled_words(done), at=at)
        return saved(request, _cancelled_from(request, appointment))
    row = _row(request, encounter_id, at, unit=appointment.care_unit, actor=actor)
    log_access(
        actor=actor,
        patients=[row.patient_id],
        what="avbokning",
        at=at,
        resource_id=pk,
        care_unit_id=appointment.care_unit_id,
    )
    is_late = rules.cancellation_is_no_show(cancelled_by_patient=True, start=appointment.start, at=at)
    context = {
        "heading": "Avboka",
        "subtitle": f"{row.visit} {local(row.start):%Y-%m-%d %H:%M}",
        "band": presenters.band(presenters.load(row.patient_id), at=at),
        "form": form,
        "row": row,
        "is_late": is_late,
        "others": plans.others(appointment),
        "by_patient": CancelledBy.PATIENT,
        "back": _cancelled_from(request, appointment),
        "came_from": way_back(request, ""),
    }
    return sheet(request, "day/cancel.html", context, status=422 if form.errors else 200)


def _cancelled_words(done):
    """What became of the cancelled bookings: those too late are Utebliven (VH-11)."""
    missed = sum(row.status == AppointmentStatus.NO_SHOW for row in done)
    if len(done) == 1:
        return "Utebliven registrerad för" if missed else "Bokningen avbokad för"
    late = f", varav {missed} utebliven," if missed else ""
    return f"{len(done)} bokningar avbokade{late} för"


def _leave(request, appointment, text, *, at, undo_url=""):
    whom = appointment.patient
    leave_receipt(request, at=at, text=text, whom=whom, undo_url=undo_url)


def _saved(request, appointment):
    """The row as it is now with the receipt, for htmx; else back to the list with the row chosen."""
    at = now()
    where = page_of(request)
    if appointment.session_id and where.path == _group(appointment):
        return saved(request, where.path)
    if not is_scripted(request) or where.path != address("day"):
        return saved(request, _day_with(request, appointment.start, appointment.encounter_id))
    view = DayView(dict(parse_qsl(where.query)), at)
    context = _list_context(request, view, at)
    row = next((each for each in context["rows"] if each.pk == appointment.encounter_id), None)
    row = row or _row(request, appointment.encounter_id, at)
    context |= _detail(request, row, at)
    context |= {"current_pk": str(row.pk), "receipt": last_receipt(request)}
    return render(request, "day/page.html#saved", context)


def _cancelled_from(request, appointment):
    """Where the dialog was opened: a work list, the patient's bookings, the group's page, else the day with the row
    chosen."""
    if came_from := way_back(request, ""):
        return came_from
    bookings = reverse("patient-appointments", args=[appointment.patient_id])
    if page_of(request).path in {bookings, _group(appointment)} - {""}:
        return page_of(request).path
    if appointment.care_unit != request.actor.care_unit:
        return bookings
    return _day_with(request, appointment.start, appointment.encounter_id)


def _group(appointment):
    """The page of the booking's grupptillfälle, if it is on one (BO-02)."""
    return address("group-session", appointment.session_id) if appointment.session_id else ""


def _day_with(request, start, encounter_id):
    """The day of a visit with its row chosen, filtered as the list was where the person came from."""
    at = now()
    came_from = page_of(request)
    query = dict(parse_qsl(came_from.query)) if came_from.path == address("day") else {}
    view = DayView(query | {"dag": local_date(start).isoformat()}, at)
    return view.with_row(encounter_id)
