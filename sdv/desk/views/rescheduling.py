"""Rebooking: the new time is had before the old is let go (PL-08)."""

from django.http import Http404
from django.urls import reverse

from scheduling import dates, rules, slots
from scheduling.actions import appointments as writes
from scheduling.actions import letter_preview, letter_writing, team
from scheduling.actions import plans as plan_writes
from scheduling.actions import sessions as session_writes
from scheduling.models import AppointmentKind
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError, StaleVersion
from sdv.common.time import local, local_date, now

from ..forms.booking import HORIZON, RebookForm
from ..forms.letters import initial_of
from ..patient_access import find
from ..presenters import dates as dates_words
from ..presenters import group_sessions, plans
from ..receipts import leave_receipt
from ..refusals import conflict
from ..return_to_list import uuid_of
from .booking_desk import Desk, day_of

CHANGE_LETTER = "Skriv brev om den nya tiden"


def proposes_change_letter(appointment, patient):
    """A letter goes with the new time; to a protected person where somebody has said before that one goes (KA-05)."""
    return not patient.is_protected or letter_writing.last_letter(appointment) is not None


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
    return {
        "hold": desk.hold,
        "release": desk.release,
        "book": desk.move,
        "seat": desk.take_seat,
        "preview": desk.preview,
    }.get(request.POST.get("step", "hold"), desk.hold)()


class RebookingDesk(Desk):
    """Rebooking of one booking."""

    template = "booking/reschedule.html"
    letter_label = CHANGE_LETTER

    def __init__(self, request, patient, at, appointment):
        super().__init__(request, patient, at)
        self.path = reverse("appointment-reschedule", args=[appointment.pk])
        self.appointment = appointment
        self.visit_type = appointment.encounter.visit_type
        self.sought = team.sought(appointment, appointment.resources.all())
        resources = slots.resources_for(self.care_unit, self.visit_type, self.today).select_related(
            "practitioner__profession"
        )
        data = {key: value for key, value in self.given.items() if key in RebookForm.base_fields}
        if request.method != "POST" and "fran" not in data:
            first = max(self.today, local_date(appointment.start))
            proposed = {
                "resurs": str(self.sought.first.pk) if self.sought.first else "",
                "fran": first.isoformat(),
                "till": (first + HORIZON).isoformat(),
            }
            data = proposed | data
        data.setdefault("fran", self.today.isoformat())
        data.setdefault("till", (day_of(data["fran"], self.today) + HORIZON).isoformat())
        self.form = RebookForm(data, resources=resources, today=self.today)

    def together(self):
        """The others of a team, rooms and equipment are had with the new time too."""
        return self.sought.together

    def then(self):
        """A team one after the other stays so (BO-02)."""
        return self.sought.then

    def minutes(self):
        """As long as it was."""
        return self.sought.minutes

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
                *dates_words.facts(dates.of_bookings([self.appointment])[self.appointment.pk]),
                ("Vårdgivare", ", ".join(row.name for row in self.appointment.resources.all())),
                ("Status", self.appointment.get_status_display()),
                *([("Planerad med", "; ".join(others))] if (others := plans.others(self.appointment)) else []),
            ],
            "seats": self._seats(),
            "rest": plans.rest(self.appointment, at=self.at),
            "wants_rest": "resten" in self.given,
            "no_way": "" if self.appointment.status == "booked" else "BO-03",
            "version": self.given.get("version") or self.appointment.version,
        }

    def _seats(self):
        """Other grupptillfällen of the besökstyp within the days that are searched, for whoever has a seat on one (BO-02)."""
        if self.appointment.kind != AppointmentKind.GROUP or not self.form.is_valid():
            return []
        days = {"first": self.form.cleaned_data["fran"], "last": self.form.cleaned_data["till"]}
        found = group_sessions.to_book([self.care_unit], self.visit_type, own=self.care_unit, at=self.at, **days)
        return [row for row in found if row.pk != self.appointment.session_id and not row.is_full]

    def take_seat(self):
        """A seat on another grupptillfälle: had before the old one is let go (PL-08). The letter is chosen as of a
        time."""
        if not self.is_ready():
            return self.page(status=422)
        session = self.care_unit.sessions.filter(pk=uuid_of(self.request.POST.get("tillfalle", ""))).first()
        if session is None:
            raise Http404
        try:
            moved = session_writes.change_session(
                appointment_id=self.appointment.pk,
                session_id=session.pk,
                version=self._version(),
                changed_by=self.form.cleaned_data["andrad_av"],
                by=self.user,
                at=self.at,
                **self.letter_wish(),
                **self.insisted(),
            )
        except StaleVersion:
            return self.stale(session.start)
        except RuleError as refused:
            return self.refused(refused)
        self._let_go()
        self.receipt(f"Ombokad till {session.name} {rules.clock(session.start)} för", moved)
        return self.done()

    def proposes_letter(self):
        return proposes_change_letter(self.appointment, self.patient)

    def letter_initial(self):
        """What was chosen of the last letter goes on with the next (KA-03)."""
        return initial_of(letter_writing.last_letter(self.appointment), self.appointment)

    def letter_of(self, start, caregiver, letter_choices):
        """The letter about the new time as it would be written (PL-09)."""
        return letter_preview.of_change(
            self.appointment,
            start=start,
            caregiver=caregiver,
            changed_by=self.form.cleaned_data["andrad_av"],
            letter_choices=letter_choices,
            at=self.at,
        )

    def move(self):
        """Confirms the new time."""
        if not self.is_ready():
            return self.page(status=422)
        resource, start, end = self.chosen_time()
        insisted = self.insisted()
        told = {
            "appointment_id": self.appointment.pk,
            "start": start,
            "reason": insisted["reason"] or self.form.cleaned_data["skal"],
            "accept_warnings": insisted["accept_warnings"],
            "hold_id": uuid_of(self.request.POST.get("hallen", "")),
            "version": self._version(),
            "changed_by": self.form.cleaned_data["andrad_av"],
            **self.letter_wish(),
            "by": self.user,
            "at": self.at,
        }
        try:
            if "resten" in self.request.POST:
                moved = plan_writes.move_rest(resource_id=resource.pk, **told)
                text = f"{plans.letters_told(moved)}{len(moved)} besök ombokade för"
                leave_receipt(self.request, at=self.at, text=text, whom=self.patient)
            else:
                moved = writes.reschedule(end=end, resource_ids=[resource.pk, *self.sought.along], **told)
                self.receipt(f"Ombokad till {rules.clock(start)} för", moved)
        except StaleVersion:
            return self.stale(start)
        except RuleError as refused:
            if refused.code == "slot_taken":
                return self.taken(refused, resource, start)
            return self.refused(refused)
        return self.done()

    def done(self):
        """Back, with the moved one marked."""
        return self.leave(self.appointment)

    def stale(self, start):
        """Somebody changed the booking meanwhile, and is named; one's own repeated click says nothing (PL-27)."""
        last = self.appointment.history.select_related("by").order_by("-id").first()
        if last and last.by_id == self.user.pk and (last.event, last.start_after) == ("rescheduled", start):
            return self.done()
        return conflict(self.request, by=last.by.name if last and last.by else "", at=last.at if last else None)

    def _version(self):
        given = self.request.POST.get("version", "")
        return int(given) if given.isdecimal() and len(given) < 10 else None
