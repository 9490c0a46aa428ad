"""Booking: what, then a list of free times, a hold of two minutes, and the confirmation (BO-01)."""

from datetime import UTC, timedelta

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property

from registration.lifecycle import ANNULLED
from registration.models import CareCommitment
from scheduling import rules
from scheduling.actions import letter_preview, sharing, work_items, working
from scheduling.models import Appointment, Resource, Session
from sdv.accounts.access import log_access
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.accounts.units import actor_at, other_units
from sdv.common.dates import parse_date, parse_time
from sdv.common.errors import RuleError
from sdv.common.time import at_local, now

from ..forms.booking import FURTHEST, HORIZON, BookingForm, return_type_of, units_searched
from ..patient_access import patient_page
from ..presenters import group_sessions, requests
from ..presenters.booking import commitment_at, needs_commitment, why_not_at
from ..receipts import leave_receipt
from ..return_to_list import uuid_of
from .booking_desk import Desk, day_of

# Refusals that a person's own repeated click can meet: the time is then had already (PL-27).
MET_BY_REPEAT = {"slot_taken", "patient_overlap", "already_done"}


@patient_page(Permission.BOOK, what="bokning")
def book(request, patient):
    """Books a visit for the patient. From a patient seen before, the return visit is already filled in."""
    at = now()
    desk = BookingDesk(request, patient, at)
    if request.method != "POST":
        return desk.page()
    if patient.is_deceased:
        return desk.page(status=409)
    step = "session-over" if "overboka" in request.POST else request.POST.get("step", "hold")
    return {
        "hold": desk.hold,
        "release": desk.release,
        "book": desk.book,
        "preview": desk.preview,
        "overbook": desk.overbook,
        "request": desk.request_booking,
        "session": desk.book_seat,
        "session-over": desk.overbook_seat,
    }.get(step, desk.hold)()


class BookingDesk(Desk):
    """Booking for a patient."""

    template = "booking/book.html"

    def __init__(self, request, patient, at):
        super().__init__(request, patient, at)
        self.path = reverse("book", args=[patient.pk])
        # Where an assignment of the person's own may book, whichever the session acts as (least right, PL-25).
        self.elsewhere = other_units(self.request.actor, Permission.BOOK, self.today)
        asked = units_searched(self.given.get("enhet"), self.care_unit, self.elsewhere)
        open_ones = CareCommitment.objects.open().filter(patient=patient, care_unit__in=asked)
        self.commitments = list(open_ones.select_related("problem_code", "care_unit").order_by("id"))
        self.waiting = list(
            self.care_unit.booking_requests.waiting().filter(patient=patient).with_details().most_urgent_first()
        )
        data = {key: value for key, value in self.given.items() if key in BookingForm.base_fields}
        self.booking_request = self._request_of(data)
        if request.method != "POST" and "besokstyp" not in data:
            data = self._proposal() | data
        data.setdefault("fran", self.today.isoformat())
        data.setdefault("till", (day_of(data["fran"], self.today) + HORIZON).isoformat())
        self.form = BookingForm(
            data, care_unit=self.care_unit, today=self.today, commitments=self.commitments, elsewhere=self.elsewhere
        )
        self.visit_type = self.form.visit_type
        self.sharing = self.care_unit.sharing_ids(self.today) if self.booking_request and self.elsewhere else ()
        self.units = [unit for unit in asked if self._why_not_at(unit) is None]

    def units_to_book(self):
        """A time is taken by the unit's own rules, and by an assignment there."""
        return [self.care_unit, *self.elsewhere]

    def _why_not_at(self, unit):
        """Why no time of the unit is shown, as (rule, words); None where they are. The vårdåtagande is the unit's own
        (VH-08), but a begäran of a shared list takes its own along (PL-25)."""
        if self.visit_type is None:
            return None
        why = why_not_at(unit, self.visit_type, self.commitments)
        if why and why[0] == "BT-01":
            return why
        if self.booking_request and unit != self.care_unit and not self._moves_to(unit):
            return (
                "PL-25",
                f"Begäran väntar på {self.care_unit.short_name}, som inte delar väntelista med {unit.short_name}.",
            )
        takes_its_own = self.booking_request and self.booking_request.commitment_id and self._moves_to(unit)
        return None if takes_its_own else why

    def _moves_to(self, unit):
        """Whether the begäran that is booked goes along to the unit: it waits on a list that the two share."""
        return self.booking_request is not None and unit != self.care_unit and unit.pk in self.sharing

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
            "left_out": [why for unit in self.form.units if (why := self._why_not_at(unit))],
            "is_own": self.care_unit in self.form.units,
            "sessions": self._sessions(),
            "may_refer": self.request.actor.may(Permission.REGISTER_REFERRALS),
            "may_decide": self.request.actor.may(Permission.DECIDE_CARE),
            "may_overbook": self.care_unit.allows_overbooking and self.request.actor.may(Permission.OVERBOOK),
            "overbooking": {"dag": "", "klockan": ""},
            "overbooking_errors": {},
        }

    def _sessions(self):
        """Grupptillfällen of the besökstyp within the days and at the units that are searched."""
        if not self.form.is_valid():
            return []
        days = {"first": self.form.cleaned_data["fran"], "last": self.form.cleaned_data["till"]}
        return group_sessions.to_book(self.units, self.visit_type, own=self.care_unit, at=self.at, **days)

    def _worked_by(self):
        """Somebody else who works with the begäran that is booked; nobody, and it is now one's own (PL-27)."""
        if self.booking_request is None:
            return ""
        return requests.worked_by(working.at_work(self.booking_request, by=self.user, at=self.at))

    def _no_way(self):
        """The rule by which nothing can be booked whatever the time: the patient is dead, or no searched unit may."""
        if self.patient.is_deceased:
            return "AV-02"
        return "" if self.units else self._why_not_at(self.form.units[0])[0]

    def _needs_commitment(self, unit):
        return needs_commitment(unit, self.visit_type)

    def is_ready(self):
        """What a booking needs besides a time: a besökstyp, an orsak (VO-01), and the vårdåtagande where there are
        several."""
        if self.form.is_valid() and self.visit_type is None:
            self.form.add_error("besokstyp", "Välj besökstyp.")
        if not super().is_ready():
            return False
        if self.form.contact_reason is None:
            self.form.add_error("orsak", "Välj en vårdkontaktsorsak: det ska alltid finnas exakt en.")
        unit = self.letter_unit
        there = [row for row in self.commitments if row.care_unit_id == unit.pk]
        if self._needs_commitment(unit) and len(there) > 1 and self.form.commitment not in there:
            self.form.add_error("vardatagande", "Välj vilket vårdåtagande besöket gäller.")
        return not self.form.errors

    @cached_property
    def letter_unit(self):
        """The unit whose time is chosen or held; the first that is searched where none is."""
        first, *others = self.form.units
        chosen = uuid_of(self.request.POST.get("tid", "").partition("|")[0])
        if not others or not (chosen or self.hold_id):
            return first
        rows = Resource.objects.filter(care_unit__in=[unit.pk for unit in others])
        rows = rows.filter(pk=chosen) if chosen else rows.filter(bookings=self.hold_id)
        found = rows.values_list("care_unit_id", flat=True).first()
        return next((unit for unit in others if unit.pk == found), first)

    def _chosen_at(self, unit):
        return commitment_at(unit, self.form.commitment, self.commitments)

    def _commitment_at(self, unit):
        chosen = self._chosen_at(unit)
        return chosen.pk if chosen else None

    def hold(self):
        """A time nobody can have confirmed is not held either (VH-08)."""
        return self.page(status=409) if self._no_way() else super().hold()

    def book(self, **overbooking):
        """Confirms: slot, booking and pre-registration in one transaction."""
        if not self.is_ready():
            return self.page(status=422)
        self.others = []
        try:
            resource, start, end = overbooking.pop("time", None) or self.chosen_time()
        except RuleError as refused:
            return self.refused(refused)
        unit = resource.care_unit
        self._require_take_over(unit)
        try:
            appointment = sharing.book(
                patient_id=self.patient.pk,
                care_unit=unit,
                visit_type=self.visit_type,
                contact_reason_id=self.form.contact_reason.pk,
                start=start,
                end=end,
                resource_ids=[resource.pk, *self.others],
                main_resource_id=resource.pk if resource.practitioner_id else None,
                parts=self.parts,
                commitment_id=self._commitment_at(unit),
                booking_request_id=self._request_id(),
                referral_id=self._referral_id(),
                wished_date=self.form.cleaned_data.get("onskat"),
                hold_id=uuid_of(self.request.POST.get("hallen", "")),
                by=self.user,
                at=self.at,
                **self.letter_wish(),
                **self.of_kind(),
                **self.insisted(),
                **overbooking,
            )
        except RuleError as refused:
            if had := self._had_already(refused, resource, start):
                return self._done(had)
            if refused.code == "slot_taken":
                return self.taken(refused, resource, start)
            return self.refused(refused)
        where = self._where(unit, appointment)
        self.receipt(f"{self.booked_word()} {rules.clock(start)}{where} för", appointment)
        return self._done(appointment)

    def letter_of(self, start, caregiver, letter_choices):
        """The kallelse as it would be written (KA-01)."""
        return letter_preview.of_booking(
            patient=self.patient,
            care_unit=self.letter_unit,
            visit_type=self.visit_type,
            contact_reason_id=self.form.contact_reason.pk,
            commitment=self._chosen_at(self.letter_unit),
            start=start,
            caregiver=caregiver,
            letter_choices=letter_choices,
            at=self.at,
        )

    def of_kind(self):
        """What a booking of another kind has besides (BO-02)."""
        return {}

    def booked_word(self):
        return "Bokad"

    def _require_take_over(self, unit):
        """A begäran goes along to the unit, by the right to take over there (PL-25)."""
        if self.booking_request and sharing.waits_elsewhere(self.booking_request.pk, unit):
            wanted = Permission.HANDLE_WORK_LISTS
            actor_at(self.user, unit, wanted, self.today).require(wanted, unit.pk)

    def _where(self, unit, appointment):
        """The unit in words where it is another. What is booked there stands in the log under the person's assignment
        there."""
        if unit == self.care_unit:
            return ""
        log_access(
            actor=actor_at(self.user, unit, Permission.BOOK, self.today),
            patients=[self.patient.pk],
            what="bokning",
            at=self.at,
            action=AccessAction.WRITE,
            resource_id=appointment.pk,
            care_unit_id=unit.pk,
        )
        return f" på {unit.short_name}"

    def _request_id(self):
        """The begäran named in the form, whether or not it still waits: the rule says who was first."""
        named = self.request.POST.get("begaran", "")
        return None if named == "ingen" else uuid_of(named)

    def _referral_id(self):
        """The remiss whose time is booked; the rule says whether somebody was first."""
        return uuid_of(self.request.POST.get("remiss", ""))

    def _had_already(self, refused, resource, start):
        """One's own repeated click does nothing and says nothing (PL-27)."""
        if refused.code not in MET_BY_REPEAT:
            return None
        return (
            Appointment.objects.living()
            .filter(patient=self.patient, resources=resource, start=start, created_by=self.user)
            .first()
        )

    def _done(self, appointment):
        return self.leave(appointment)

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
        if resource is None or resource.care_unit_id != self.care_unit.pk:
            errors["resurs"] = "Välj en av din enhets vårdgivare ovan: en överbokning har alltid en ägare."
        if any(errors.values()):
            typed = {"dag": self.request.POST.get("dag", ""), "klockan": self.request.POST.get("klockan", "")}
            return self.page(status=422, overbooking_errors=errors, overbooking=typed)
        start = at_local(day, clock).astimezone(UTC)
        end = start + timedelta(minutes=self.visit_type.default_minutes)
        return self.book(time=(resource, start, end), overbook=True)

    def overbook_seat(self):
        """A seat beyond the ordinary ones: a permission, and as far as the session allows (PL-06)."""
        self.request.actor.require(Permission.OVERBOOK)
        return self.book_seat(overbook=True)

    def book_seat(self, *, overbook=False):
        """A seat on a grupptillfälle in place of a time of one's own (BO-02)."""
        if not self.is_ready():
            return self.page(status=422)
        given = self.request.POST.get("overboka") if overbook else self.request.POST.get("tillfalle")
        units = [self.care_unit] if overbook else self.units_to_book()
        sessions = Session.objects.filter(care_unit__in=units).select_related("care_unit")
        session = sessions.filter(pk=uuid_of(given or "")).first()
        if session is None:
            raise Http404
        unit = session.care_unit
        self._require_take_over(unit)
        try:
            appointment = sharing.book_seat(
                session_id=session.pk,
                care_unit=unit,
                patient_id=self.patient.pk,
                contact_reason_id=self.form.contact_reason.pk,
                commitment_id=self._commitment_at(unit),
                booking_request_id=self._request_id(),
                referral_id=self._referral_id(),
                wished_date=self.form.cleaned_data["onskat"],
                overbook=overbook,
                by=self.user,
                at=self.at,
                **self.letter_wish(),
                **self.insisted(),
            )
        except RuleError as refused:
            rows = Appointment.objects.living().filter(patient=self.patient, session=session, created_by=self.user)
            if refused.code == "already_done" and (had := rows.first()):
                return self._done(had)
            return self.refused(refused)
        self._let_go()
        self.receipt(
            f"Bokad på {session.name} {rules.clock(session.start)}{self._where(unit, appointment)}:", appointment
        )
        return self._done(appointment)

    def request_booking(self):
        """Puts the patient on the waiting list instead: a bokningsbegäran with the same choices (BB-01), at one's own
        unit."""
        if not self.is_ready():
            return self.page(status=422)
        resource = self.form.resource
        try:
            work_items.request_booking(
                patient_id=self.patient.pk,
                care_unit=self.care_unit,
                commitment_id=self._commitment_at(self.care_unit),
                visit_type=self.visit_type,
                contact_reason=self.form.contact_reason,
                wished_from=self.form.cleaned_data["fran"],
                wished_to=self.form.cleaned_data["till"],
                wished_resource=resource if resource and resource.care_unit_id == self.care_unit.pk else None,
                by=self.user,
                at=self.at,
            )
        except RuleError as refused:
            return self.refused(refused)
        leave_receipt(self.request, at=self.at, text="Bokningsbegäran sparad för", whom=self.patient)
        return redirect("patient-appointments", pk=self.patient.pk)
