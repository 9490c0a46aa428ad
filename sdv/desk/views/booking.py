"""Booking and rebooking: what, then a list of free times, a hold of two minutes, and the confirmation (BO-01, PL-08).

Works as plain pages: choices are an address, taking a time and confirming it are posts. htmx redraws the list."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from registration.actions.encounters import arrival_type_code
from registration.encounter_types import TYPES
from registration.lifecycle import ANNULLED
from scheduling import rules, slots
from scheduling.actions import appointments as writes
from scheduling.actions import resource_bookings, work_items, working
from scheduling.models import Appointment, BookingState, Resource, ResourceBooking
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.dates import long_date, parse_date, parse_time
from sdv.common.errors import InputError, RuleError
from sdv.common.time import at_local, local, local_date, now, start_of_day

from ..forms.booking import FURTHEST, HORIZON, BookingForm, RebookForm, return_type_of
from ..patient_access import find, patient_page
from ..presenters import booking as presenter
from ..presenters import patient as patient_presenter
from ..presenters import requests
from ..receipts import leave_receipt
from ..refusals import refusal_context
from .letter_list import told

# Refusals that a person's own repeated click can meet: the time is then had already (PL-27).
MET_BY_REPEAT = {"slot_taken", "patient_overlap", "already_done"}


# --- Booking ----------------------------------------------------------------------------------------------------------


@patient_page(Permission.BOOK, what="bokning")
def book(request, patient):
    """Books a visit for the patient. From a patient seen before, the return visit is already filled in."""
    at = now()
    desk = BookingDesk(request, patient, at)
    if request.method != "POST":
        return desk.page()
    if patient.is_deceased:
        return desk.page(status=409)
    step = request.POST.get("step", "hold")
    return {
        "hold": desk.hold,
        "release": desk.release,
        "book": desk.book,
        "overbook": desk.overbook,
        "request": desk.request_booking,
    }.get(step, desk.hold)()


class Desk:
    """What booking and rebooking share: a form of choices, the free times, the held time."""

    template = ""
    letter_label = "Skriv kallelse"

    def __init__(self, request, patient, at):
        self.request, self.patient, self.at = request, patient, at
        self.care_unit = request.actor.care_unit
        self.user = request.actor.user
        self.today = local_date(at)

    # Subclasses: form, visit_type, address, context, confirm.

    @property
    def given(self):
        return self.request.POST if self.request.method == "POST" else self.request.GET

    def address(self, **more):
        """This page with the choices kept."""
        return f"{self.path}?{urlencode(self.form.kept() | more)}"

    def free(self):
        if not (self.visit_type and self.form.is_valid()):
            return []
        resource = self.form.resource
        found = slots.find(
            care_unit=self.care_unit,
            visit_type=self.visit_type,
            from_day=self.form.cleaned_data["fran"],
            to_day=self.form.cleaned_data["till"],
            at=self.at,
            resource_ids=[resource.pk] if resource else None,
            limit=presenter.SHOWN_TIMES,
            by=self.user,
        )
        self.hidden = presenter.hidden_text(found.hidden)
        return found.slots

    def busy(self):
        """The patient's own bookings ahead, wherever: only their times are told, and only at an overlap (PL-06)."""
        rows = Appointment.objects.living().filter(patient=self.patient, start__gte=start_of_day(self.today))
        return list(rows.values_list("start", "end"))

    def held(self):
        """The time this user holds, or None where it ran out or was never held."""
        hold_id = _uuid(self.given.get("hallen", ""))
        if hold_id is None:
            return None
        return (
            ResourceBooking.objects.filter(pk=hold_id, state=BookingState.HELD, held_by=self.user)
            .select_related("resource__practitioner__profession")
            .first()
        )

    def page(self, *, status=200, **context):
        held = self.held() if "taken" not in context else None
        found = [slot for slot in self.free() if not _is_held(slot, held)]
        wished = self.form.cleaned_data.get("onskat") if self.form.is_valid() else None
        context = {
            "form": self.form,
            "kept": self.form.kept(),
            "path": self.path,
            "band": patient_presenter.band_of(self.request, self.patient, at=self.at),
            "patient_id": self.patient.pk,
            "days": self._days(found, wished),
            "hidden": getattr(self, "hidden", ""),
            "held": self._held(held),
            "ran_out": bool(self.given.get("hallen")) and held is None and self.request.method == "GET",
            "earlier": self._moved(-7),
            "later": self._moved(7),
            "others": self.address(resurs="") if self.form.resource else "",
            "last_day": self.form.cleaned_data.get("till") if self.form.is_valid() else None,
            "further": self._further(),
            "has_choice": self.visit_type is not None,
            "shown_errors": self.form if self.has_errors() else "",
            "letter_default": self.letter_default(),
            "letter_label": "Kallelse genom Skatteverkets förmedling"
            if self.patient.is_protected
            else self.letter_label,
            **self.context(),
            **context,
        }
        wants_focus = bool(self.has_errors() or context.get("refusal") or context.get("overbooking_errors"))
        context["focus_list"] = not (wants_focus or held or "taken" in context)
        if self.request.htmx and self.request.method == "GET":
            return render(self.request, f"{self.template}#workspace", context)
        return render(
            self.request, self.template, context, status=422 if self.has_errors() and status == 200 else status
        )

    def has_errors(self):
        return bool(self.form.errors) and self.request.method == "POST"

    def _days(self, found, wished):
        if not found:
            return []
        return presenter.by_day(
            found, care_unit=self.care_unit, visit_type=self.visit_type, wished=wished, busy=self.busy()
        )

    def _held(self, held):
        if held is None:
            return None
        seconds = (held.expires_at - timezone.now()).total_seconds()
        return {
            "id": held.pk,
            "value": f"{held.resource_id}|{held.period.lower.isoformat()}",
            "day": long_date(local_date(held.period.lower)),
            "start": held.period.lower,
            "end": held.period.upper,
            "who": presenter.who(held.resource),
            "expires_at": held.expires_at,
            "left": presenter.time_left(seconds),
            "seconds": max(int(seconds), 0),
        }

    def _moved(self, days):
        """The same span a week earlier or later; never before today."""
        if not self.form.is_valid():
            return ""
        first, last = self.form.cleaned_data["fran"], self.form.cleaned_data["till"]
        if days < 0 and first <= self.today:
            return ""
        first = max(first + timedelta(days=days), self.today)
        return self.address(fran=first.isoformat(), till=max(last + timedelta(days=days), first).isoformat())

    def _further(self):
        if not self.form.is_valid():
            return ""
        return self.address(till=(self.form.cleaned_data["till"] + HORIZON).isoformat())

    def chosen_time(self):
        """The resource and the times that were chosen; the length is the besökstyp's. Raises InputError."""
        resource_id, _, text = self.request.POST.get("tid", "").partition("|")
        start = self._moment(text)
        resource = Resource.objects.filter(pk=_uuid(resource_id), care_unit=self.care_unit).first()
        if resource is None or start is None:
            raise InputError(tid="Välj en av de lediga tiderna i listan.")
        return resource, start, start + timedelta(minutes=self.visit_type.default_minutes)

    def _moment(self, text):
        """A start as the list's buttons send it, or None."""
        try:
            start = datetime.fromisoformat(text)
        except ValueError:
            return None
        if start.tzinfo is None or not self.today.year <= start.year <= (self.today + FURTHEST).year:
            return None
        return start.astimezone(UTC)

    def hold(self):
        """Holds the chosen time for two minutes, and lets go of what was held before."""
        if not self.is_ready():
            return self.page(status=422)
        resource, start, end = self.chosen_time()
        self._let_go()
        try:
            # To the second, unlike registered times: cut to the minute the hold could be half as long.
            held = resource_bookings.hold(
                resource_id=resource.pk, start=start, end=end, by=self.user, at=timezone.now()
            )
        except RuleError as refused:
            if refused.code != "slot_taken":
                raise
            return self.taken(refused, resource, start)
        return redirect(self.address(hallen=str(held.pk)))

    def release(self):
        """Lets go of the held time and shows the list again."""
        self._let_go()
        return redirect(self.address())

    def _let_go(self):
        if hold_id := _uuid(self.request.POST.get("hallen", "")):
            resource_bookings.release_hold(hold_id=hold_id, by=self.user)

    def is_ready(self):
        return bool(self.visit_type) and self.form.is_valid()

    def letter_default(self):
        """A kallelse goes with the booking; nothing is sent to a protected person unless somebody says so (KA-05)."""
        if self.request.method == "POST" and self.request.POST.get("step") in ("book", "overbook"):
            return self.wants_letter()
        return not self.patient.is_protected

    def wants_letter(self):
        return bool(self.request.POST.get("kallelse"))

    def receipt(self, text, appointment):
        """What was done, and what became of the letter."""
        leave_receipt(
            self.request, at=self.at, text=f"{told(appointment.letters_written)} {text}".strip(), whom=self.patient
        )

    def taken(self, refused, resource, start):
        """Somebody was first (PL-27): everything is kept, and the next three times are offered (PL-07)."""
        following = refused.alternatives or slots.next_free(
            care_unit=self.care_unit,
            visit_type=self.visit_type,
            at=self.at,
            start=start,
            resource_ids=[resource.pk] if self.form.resource else None,
            by=self.user,
        )
        offered = presenter.times(following, care_unit=self.care_unit, visit_type=self.visit_type)
        return self.page(status=409, taken=refused, offered=offered)

    def refused(self, error):
        """Any other refusal, on the page itself: what was filled in is kept, a warning may be overruled (PL-06)."""
        context = refusal_context(self.request, error)
        context.pop("heading")
        return self.page(status=409, refusal=True, **context)

    def insisted(self):
        """The warnings the person overrules, and why."""
        overrules = "overrule" in self.request.POST
        return {
            "accept_warnings": ["PL-06"] if overrules else [],
            "reason": self.request.POST.get("reason", "").replace("\0", "").strip()[:200] if overrules else "",
        }


class BookingDesk(Desk):
    """Booking for a patient."""

    template = "booking/book.html"

    def __init__(self, request, patient, at):
        super().__init__(request, patient, at)
        self.path = reverse("book", args=[patient.pk])
        self.commitments = list(
            self.care_unit.commitments.open().filter(patient=patient).select_related("problem_code").order_by("id")
        )
        self.waiting = list(
            self.care_unit.booking_requests.waiting().filter(patient=patient).with_details().order_by("wished_to", "id")
        )
        data = {key: value for key, value in self.given.items() if key in BookingForm.base_fields}
        self.booking_request = self._request_of(data)
        if request.method != "POST" and "besokstyp" not in data:
            data = self._proposal() | data
        data.setdefault("fran", self.today.isoformat())
        data.setdefault("till", (_day(data["fran"], self.today) + HORIZON).isoformat())
        self.form = BookingForm(data, care_unit=self.care_unit, today=self.today, commitments=self.commitments)
        self.visit_type = self.form.visit_type

    def _request_of(self, data):
        """The bokningsbegäran that is booked: the one named, else the only one that waits; `ingen` is none."""
        named = data.get("begaran", "")
        if named == "ingen":
            return None
        if named:
            found = next((row for row in self.waiting if str(row.pk) == named), None)
            if found is None and self.request.method != "POST":
                raise Http404
            return found
        if self.request.method != "POST" and len(self.waiting) == 1 and "besokstyp" not in data:
            data["begaran"] = str(self.waiting[0].pk)
            return self.waiting[0]
        return None

    def _proposal(self):
        """What the person most likely books (VH-04): the begäran, else a return after the last visit here."""
        if row := self.booking_request:
            first = max(row.wished_from, self.today)
            return {
                "besokstyp": str(row.visit_type_id),
                "orsak": str(row.contact_reason_id),
                "resurs": str(row.wished_resource_id or ""),
                "vardatagande": str(row.commitment_id or ""),
                "fran": first.isoformat(),
                "till": max(row.wished_to, first).isoformat(),
            }
        last = (
            self.care_unit.encounters.filter(patient=self.patient, visit_type__isnull=False, start__lte=self.at)
            .exclude(type=ANNULLED)
            .select_related("visit_type__visit_kind")
            .prefetch_related("participants")
            .order_by("-start", "-id")
            .first()
        )
        if last is None:
            return {}
        offered = BookingForm({}, care_unit=self.care_unit, today=self.today).visit_types
        visit_type = return_type_of(last.visit_type, list(offered.values()))
        if visit_type is None:
            return {}
        met = [part.practitioner_id for part in last.participants.all() if part.is_main_responsible]
        caregiver = Resource.objects.valid_on(self.today).filter(care_unit=self.care_unit, practitioner__in=met).first()
        return {
            "besokstyp": str(visit_type.pk),
            "orsak": str(last.contact_reason_id or ""),
            "resurs": str(caregiver.pk) if caregiver else "",
            "vardatagande": str(last.commitment_id or ""),
        }

    def context(self):
        refusal = self._no_way()
        return {
            "heading": "Boka tid",
            "confirm": "Boka",
            "booking_request": self.booking_request,
            "waiting": [] if self.booking_request else self.waiting,
            "worked_by": self._worked_by(),
            "without_request": self.address(begaran="ingen") if self.booking_request else "",
            "no_way": refusal,
            "may_refer": self.request.actor.may(Permission.REGISTER_REFERRALS),
            "may_decide": self.request.actor.may(Permission.DECIDE_CARE),
            "may_overbook": self.care_unit.allows_overbooking and self.request.actor.may(Permission.OVERBOOK),
            "overbooking": {"dag": "", "klockan": ""},
            "overbooking_errors": {},
        }

    def _worked_by(self):
        """Somebody else who works with the begäran that is booked; nobody, and it is now one's own (PL-27)."""
        if self.booking_request is None:
            return ""
        return requests.worked_by(working.at_work(self.booking_request, by=self.user, at=self.at))

    def _no_way(self):
        """Why nothing can be booked whatever the time: the patient is dead, or VH-08 misses a vårdåtagande."""
        if self.patient.is_deceased:
            return "AV-02"
        if self.visit_type and self._needs_commitment() and not self.commitments:
            return "VH-08"
        return ""

    def _needs_commitment(self):
        return TYPES[arrival_type_code(self.care_unit, self.visit_type)].requires_commitment

    def is_ready(self):
        """What a booking needs besides a time: a besökstyp, an orsak (VO-01), and the vårdåtagande where there are
        several."""
        if self.form.is_valid() and self.visit_type is None:
            self.form.add_error("besokstyp", "Välj besökstyp.")
        if not super().is_ready():
            return False
        if self.form.contact_reason is None:
            self.form.add_error("orsak", "Välj en vårdkontaktsorsak: det ska alltid finnas exakt en.")
        if self._needs_commitment() and len(self.commitments) > 1 and self.form.commitment is None:
            self.form.add_error("vardatagande", "Välj vilket vårdåtagande besöket gäller.")
        return not self.form.errors

    def hold(self):
        """A time nobody can have confirmed is not held either (VH-08)."""
        return self.page(status=409) if self._no_way() else super().hold()

    def book(self, **overbooking):
        """Confirms: slot, booking and pre-registration in one transaction."""
        if not self.is_ready():
            return self.page(status=422)
        resource, start, end = overbooking.pop("time", None) or self.chosen_time()
        try:
            appointment = writes.book(
                patient_id=self.patient.pk,
                care_unit=self.care_unit,
                visit_type=self.visit_type,
                contact_reason_id=self.form.contact_reason.pk,
                start=start,
                end=end,
                resource_ids=[resource.pk],
                commitment_id=self.form.commitment.pk if self.form.commitment else None,
                booking_request_id=self._request_id(),
                wished_date=self.form.cleaned_data["onskat"],
                hold_id=_uuid(self.request.POST.get("hallen", "")),
                by=self.user,
                at=self.at,
                letter=self.wants_letter(),
                **self.insisted(),
                **overbooking,
            )
        except RuleError as refused:
            if had := self._had_already(refused, resource, start):
                return self._done(had)
            if refused.code == "slot_taken":
                return self.taken(refused, resource, start)
            return self.refused(refused)
        self.receipt(f"Bokad {rules.clock(start)} för", appointment)
        return self._done(appointment)

    def _request_id(self):
        """The begäran named in the form, whether or not it still waits: the rule says who was first."""
        named = self.request.POST.get("begaran", "")
        return None if named == "ingen" else _uuid(named)

    def _had_already(self, refused, resource, start):
        """One's own repeated click does nothing and says nothing (PL-27)."""
        if refused.code not in MET_BY_REPEAT:
            return None
        return (
            Appointment.objects.living()
            .filter(
                patient=self.patient, care_unit=self.care_unit, resources=resource, start=start, created_by=self.user
            )
            .first()
        )

    def _done(self, appointment):
        address = reverse("patient-appointments", args=[self.patient.pk])
        return redirect(f"{address}?bokad={appointment.pk}")

    def overbook(self):
        """A time beside the tidbok, chosen by hand: explicit, and a permission (PL-06, BO-01)."""
        self.request.actor.require(Permission.OVERBOOK)
        if not self.is_ready():
            return self.page(status=422)
        errors, day, clock = {"dag": "", "klockan": "", "resurs": ""}, None, None
        try:
            day = parse_date(self.request.POST.get("dag", ""), self.today)
            if not self.today <= day <= self.today + FURTHEST:
                raise ValueError("Ange en dag från och med i dag och inom ett och ett halvt år.")
        except ValueError as error:
            errors["dag"] = str(error)
        try:
            clock = parse_time(self.request.POST.get("klockan", ""))
        except ValueError as error:
            errors["klockan"] = str(error)
        resource = self.form.resource
        if resource is None:
            errors["resurs"] = "Välj vårdgivare ovan: en överbokning har alltid en ägare."
        if any(errors.values()):
            typed = {"dag": self.request.POST.get("dag", ""), "klockan": self.request.POST.get("klockan", "")}
            return self.page(status=422, overbooking_errors=errors, overbooking=typed)
        start = at_local(day, clock).astimezone(UTC)
        end = start + timedelta(minutes=self.visit_type.default_minutes)
        return self.book(time=(resource, start, end), overbook=True)

    def request_booking(self):
        """Puts the patient on the waiting list instead: a bokningsbegäran with the same choices (BB-01)."""
        if not self.is_ready():
            return self.page(status=422)
        try:
            work_items.request_booking(
                patient_id=self.patient.pk,
                care_unit=self.care_unit,
                commitment_id=self.form.commitment.pk if self.form.commitment else None,
                visit_type=self.visit_type,
                contact_reason=self.form.contact_reason,
                wished_from=self.form.cleaned_data["fran"],
                wished_to=self.form.cleaned_data["till"],
                wished_resource=self.form.resource,
                by=self.user,
                at=self.at,
            )
        except RuleError as refused:
            return self.refused(refused)
        leave_receipt(self.request, at=self.at, text="Bokningsbegäran sparad för", whom=self.patient)
        return redirect("patient-appointments", pk=self.patient.pk)


# --- Rebooking --------------------------------------------------------------------------------------------------------


@permitted(Permission.BOOK)
def reschedule(request, pk):
    """Moves a booking: the new time is had before the old is let go (PL-08). Four keys from the list."""
    at = now()
    appointment = request.actor.care_unit.appointments.with_details().filter(pk=pk).first()
    if appointment is None:
        raise Http404
    patient = find(appointment.patient_id)
    action = AccessAction.WRITE if request.method == "POST" else AccessAction.READ
    log_access(
        actor=request.actor, patients=[patient.pk], what="ombokning", at=at, resource_id=appointment.pk, action=action
    )
    desk = RebookingDesk(request, patient, at, appointment)
    if request.method != "POST":
        return desk.page()
    return {"hold": desk.hold, "release": desk.release, "book": desk.move}.get(
        request.POST.get("step", "hold"), desk.hold
    )()


class RebookingDesk(Desk):
    """Rebooking of one booking."""

    template = "booking/reschedule.html"
    letter_label = "Skriv brev om den nya tiden"

    def __init__(self, request, patient, at, appointment):
        super().__init__(request, patient, at)
        self.path = reverse("appointment-reschedule", args=[appointment.pk])
        self.appointment = appointment
        self.visit_type = appointment.encounter.visit_type
        self.own = [row for row in appointment.resources.all() if row.practitioner_id]
        resources = slots.resources_for(self.care_unit, self.visit_type, self.today).select_related(
            "practitioner__profession"
        )
        data = {key: value for key, value in self.given.items() if key in RebookForm.base_fields}
        if request.method != "POST" and "fran" not in data:
            first = max(self.today, local_date(appointment.start))
            proposed = {
                "resurs": str(self.own[0].pk) if self.own else "",
                "fran": first.isoformat(),
                "till": (first + HORIZON).isoformat(),
            }
            data = proposed | data
        data.setdefault("fran", self.today.isoformat())
        data.setdefault("till", (_day(data["fran"], self.today) + HORIZON).isoformat())
        self.form = RebookForm(data, resources=resources, today=self.today)

    def busy(self):
        """The patient's other bookings; the one that is moved gives way."""
        own = (self.appointment.start, self.appointment.end)
        return [times for times in super().busy() if times != own]

    def context(self):
        encounter = self.appointment.encounter
        return {
            "heading": "Boka om",
            "confirm": "Boka om",
            "appointment": self.appointment,
            "facts": [
                ("Besökstyp", encounter.visit_type.name),
                ("Orsak", encounter.contact_reason.name if encounter.contact_reason else ""),
                ("Bokad tid", f"{local(self.appointment.start):%Y-%m-%d %H:%M}–{local(self.appointment.end):%H:%M}"),
                ("Vårdgivare", ", ".join(row.name for row in self.appointment.resources.all())),
                ("Status", self.appointment.get_status_display()),
            ],
            "no_way": "" if self.appointment.status == "booked" else "BO-03",
            "version": self.given.get("version") or self.appointment.version,
        }

    def move(self):
        """Confirms the new time."""
        if not self.is_ready():
            return self.page(status=422)
        resource, start, end = self.chosen_time()
        kept = [row.pk for row in self.appointment.resources.all() if not row.practitioner_id]
        insisted = self.insisted()
        try:
            moved = writes.reschedule(
                appointment_id=self.appointment.pk,
                start=start,
                end=end,
                resource_ids=[resource.pk, *kept],
                reason=insisted["reason"] or self.form.cleaned_data["skal"],
                accept_warnings=insisted["accept_warnings"],
                hold_id=_uuid(self.request.POST.get("hallen", "")),
                version=self._version(),
                changed_by=self.form.cleaned_data["andrad_av"],
                letter=self.wants_letter(),
                by=self.user,
                at=self.at,
            )
        except RuleError as refused:
            if refused.code == "slot_taken":
                return self.taken(refused, resource, start)
            return self.refused(refused)
        self.receipt(f"Ombokad till {rules.clock(start)} för", moved)
        address = reverse("patient-appointments", args=[self.patient.pk])
        return redirect(f"{address}?bokad={self.appointment.pk}")

    def _version(self):
        given = self.request.POST.get("version", "")
        return int(given) if given.isdecimal() and len(given) < 10 else None


def _is_held(slot, held):
    """The held time stands above the list and not in it."""
    return held is not None and (slot.resource.pk, slot.start) == (held.resource_id, held.period.lower)


def _uuid(text):
    try:
        return UUID(str(text))
    except ValueError:
        return None


def _day(text, today):
    """The day a choice means, or today where it cannot be read: the form then says so."""
    if isinstance(text, date):
        return text
    try:
        day = parse_date(text, today)
    except ValueError:
        return today
    return min(max(day, today), today + FURTHEST)
