"""Konsultbesök: a visit at another unit for the care or the visit that a patient has (VH-10, BO-02). As any booking, but
for what it belongs to and where it is."""

from django.urls import reverse

from sdv.accounts.access import log_access
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.accounts.units import actor_at, care_units_where
from sdv.common.time import local_date, now

from ..forms.booking import HORIZON
from ..forms.consults import ConsultForm
from ..patient_access import patient_page
from ..presenters import consults as presenter
from .booking import BookingDesk, Desk
from .booking_desk import day_of


@patient_page(Permission.BOOK, what="konsultbesök")
def book_consult(request, patient):
    """Books a consult visit: the contact, the unit, then a free time that is held and confirmed."""
    desk = ConsultDesk(request, patient, now())
    if request.method != "POST":
        return desk.page()
    if patient.is_deceased or not desk.has_unit:
        return desk.page(status=409)
    steps = {"release": desk.release, "book": desk.book, "preview": desk.preview}
    return steps.get(request.POST.get("step"), desk.hold)()


class ConsultDesk(BookingDesk):
    """Booking of a consult."""

    template = "booking/consult.html"

    def __init__(self, request, patient, at):
        Desk.__init__(self, request, patient, at)
        self.path = reverse("book-consult", args=[patient.pk])
        self.booking_request, self.commitments, self.waiting = None, [], []
        data = {key: value for key, value in self.given.items() if key in ConsultForm.base_fields}
        contacts = {str(row.pk): row for row in patient.encounters.engaging_consults()}
        if not data.get("konsult_at") and len(contacts) == 1:
            data["konsult_at"] = next(iter(contacts))
        self.contact = contacts.get(data.get("konsult_at", ""))
        units = self._units()
        self.has_unit = bool(units)
        own = units.get(data.get("enhet", "")) or units.get(str(self.care_unit.pk))
        self.care_unit = own or next(iter(units.values()), self.care_unit)
        self.units, self.elsewhere = [self.care_unit], []
        data["enhet"] = str(self.care_unit.pk)
        self._set_days(data)
        self.form = ConsultForm(
            data,
            contacts={key: presenter.contact_text(row) for key, row in contacts.items()},
            units={key: row.name for key, row in units.items()},
            care_unit=self.care_unit,
            today=self.today,
        )
        self.visit_type = self.form.visit_type if self.contact and self.has_unit else None

    def _units(self):
        """Where the user may book, apart from the unit where the patient is."""
        rows = care_units_where(self.user, Permission.BOOK, self.today)
        return {str(row.pk): row for row in rows if not (self.contact and row.pk == self.contact.care_unit_id)}

    def _set_days(self, data):
        """A team visit is of one day; care that goes on can be met any day."""
        if self.contact and presenter.is_of_one_day(self.contact):
            data["fran"] = data["till"] = max(local_date(self.contact.start), self.today).isoformat()
        data.setdefault("fran", self.today.isoformat())
        data.setdefault("till", (day_of(data["fran"], self.today) + HORIZON).isoformat())

    def context(self):
        return {
            "heading": "Boka konsultbesök",
            "confirm": "Boka",
            "no_way": self._no_way(),
            "has_contacts": bool(self.form.fields["konsult_at"].choices[1:]),
            "has_units": self.has_unit,
        }

    def busy(self):
        """The visit that the consult belongs to stands in no way."""
        own = (self.contact.planned_start, self.contact.planned_end) if self.contact else None
        return [times for times in super().busy() if times != own]

    def _needs_commitment(self, unit):
        return False

    def _request_id(self):
        return None

    def is_ready(self):
        if self.contact is None:
            self.form.add_error("konsult_at", "Välj vilken vård eller vilket besök konsulten hör till.")
        return super().is_ready()

    def proposes_letter(self):
        """Who is cared for is told at the ward, not by letter."""
        return bool(self.contact and presenter.is_of_one_day(self.contact)) and super().proposes_letter()

    @property
    def held_for(self):
        """A time at one unit is not held for another, or for other care."""
        return f"{super().held_for}|{self.form.data['enhet']}|{self.form.data.get('konsult_at', '')}"

    def of_kind(self):
        """What makes the booking a consult; logged under the user's own assignment at the unit."""
        log_access(
            actor=actor_at(self.user, self.care_unit, Permission.BOOK, self.today),
            patients=[self.patient.pk],
            what="konsultbesök",
            at=self.at,
            action=AccessAction.WRITE,
            care_unit_id=self.care_unit.pk,
        )
        return {"during_id": self.contact.pk}

    def booked_word(self):
        return f"Konsultbesök bokat på {self.care_unit.short_name}"
