"""Dagens besök as rows: who is expected, who is here, who has waited too long. Words and links, no rows of the database.

A row is an encounter: a booked one with its appointment, or one that began without a booking (VH-03d, VH-03e)."""

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Count, F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Concat, Left

from registration import presenters
from registration.lifecycle import ADMIN, ANNULLED, HISTORICAL, CheckOut, Move, Status, refusal
from registration.models import ContactForm, EncounterParticipant
from scheduling.models import AppointmentKind, AppointmentStatus, Resource, ResourceKind, SessionStatus
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Link, Tag
from sdv.common.time import elapsed, local, local_date
from sdv.desk.context import address

LONG_WAIT = timedelta(minutes=15)
# Identities where the desk has something to ask before the arrival is registered (PA-09).
ASK_FOR_IDENTITY = {"samordningsnummer", "reservid", "lokalt_reservnummer", ""}

# The chips over the list: address word, label, the states they hold.
FILTERS = (
    ("vantas", "Väntas", ("expected",)),
    ("ankomna", "Ankomna", ("arrived",)),
    ("pagar", "Pågår", ("in_progress",)),
    ("utcheckade", "Utcheckade", ("checked_out", "ended")),
    ("uteblivna", "Uteblivna", ("no_show",)),
    ("avbokade", "Avbokade", ("cancelled", "annulled")),
)
DISTANT = {ContactForm.PHONE, ContactForm.VIDEO}
WORDS_OF_KIND = {
    AppointmentKind.TEAM: "Team",
    AppointmentKind.COORDINATED: "Samordnat",
    AppointmentKind.CONSULT: "Konsult",
}
DONE = {"checked_out", "ended", "no_show"}
OFF = {"cancelled", "annulled"}


@dataclass(frozen=True)
class Row:
    """One visit of the day as the list shows it."""

    pk: object
    appointment_id: object
    patient_id: object
    state: str
    start: object
    end: object
    name: str
    identity: str
    digits: str
    visit: str
    caregiver: str
    tags: tuple
    status: str
    is_expected: bool
    can_be_no_show: bool
    may_arrive: bool
    must_ask: bool
    asks_identity: bool
    may_check_out: bool
    urls: dict
    is_done: bool
    is_off: bool
    group: str = ""
    is_distant: bool = False
    is_next: bool = False
    call_label: str = ""

    @property
    def arrive_label(self):
        """The word of the arrival: a contact by phone or video is begun (VH-07)."""
        return "Påbörja" if self.is_distant else "Ankomst"

    @property
    def css(self):
        """The row's classes: done is grey, cancelled is struck, a line stands at the present moment."""
        names = ["done"] if self.is_done or self.is_off else []
        names += ["off"] if self.is_off else []
        names += ["nowline"] if self.is_next else []
        return " ".join(names)


@dataclass(frozen=True)
class Viewer:
    """For whom rows are drawn: the moment, what may be done, and the addresses of the pages."""

    at: object
    may_arrive: bool
    may_check_out: bool
    select: object
    addresses: dict


def booked_on(care_unit, day):
    """The unit's appointments of the day."""
    return care_unit.appointments.on_day(day)


def unbooked_on(care_unit, day):
    """What began on the day at the unit without a booking, except what is not a contact."""
    return care_unit.encounters.on_day(day).filter(planned_start__isnull=True).exclude(type__in=[ADMIN, HISTORICAL])


def version(care_unit, *, day, at, extra=""):
    """A word that changes when anything the list shows changes, from one query: who, which state, who has waited too
    long, where the line of the present stands."""
    booked = booked_on(care_unit, day).values_list(
        "encounter_id",
        "start",
        "version",
        "encounter__version",
        "patient__version",
        "status",
        "encounter__status",
        "encounter__start",
    )
    unbooked = unbooked_on(care_unit, day).values_list(
        "id", "start", Value(0), "version", "patient__version", Value(""), "status", "start"
    )
    lines = sorted(booked.union(unbooked, all=True), key=lambda line: (line[1], line[0]))
    digest = hashlib.blake2b(extra.encode(), digest_size=9)
    expected_later = None
    for pk, start, *versions, appointment_status, encounter_status, begun in lines:
        waited = 0
        if appointment_status == AppointmentStatus.ARRIVED and encounter_status == Status.IN_PROGRESS:
            waited = _minutes_waited(start, begun, at)
        if expected_later is None and start > at:
            expected_later = pk
        digest.update(repr((pk, start, versions, appointment_status, encounter_status, waited)).encode())
    digest.update(repr(expected_later).encode())
    return digest.hexdigest()


def _minutes_waited(planned, arrived, at):
    """Minutes since the patient was both here and due, where they are too many; else 0."""
    waited = elapsed(max(planned, arrived), at)
    return int(waited.total_seconds() // 60) if waited > LONG_WAIT else 0


def rows(care_unit, *, day, at, actor, only=None, among=None, select=str):
    """The day's rows in the order of time, in three queries whatever the day holds. `only` is one encounter's id, `among`
    those of bookings; `select` makes the address of the list with a row chosen."""
    appointments = _appointments(care_unit, day if only is None else None)
    encounters = _encounters(care_unit, day if only is None else None)
    if only is not None:
        appointments, encounters = appointments.filter(encounter=only), encounters.filter(pk=only)
    if among is not None:
        appointments, encounters = appointments.filter(encounter__in=among), encounters.none()
    booked = list(appointments)
    unbooked = [] if only is not None and booked else list(encounters)
    patients = [each.patient for each in (*booked, *unbooked)]
    presenters.prefetch_identities(patients)
    viewer = Viewer(
        at=at,
        may_arrive=actor.may(Permission.REGISTER_ARRIVAL),
        may_check_out=actor.may(Permission.CHECK_OUT),
        select=select,
        addresses=_addresses(),
    )
    found = [_booked_row(each, viewer) for each in booked] + [_unbooked_row(each, viewer) for each in unbooked]
    found.sort(key=lambda row: (row.start, row.pk))
    return found


SHORT_NAME = Concat(Left("practitioner__given_name", 1), Value(". "), F("practitioner__surname"))


def _booked_with():
    """Who or what the time is booked with, as one text: persons by their short name, else the room or equipment."""
    of_appointment = Resource.objects.filter(appointments=OuterRef("pk")).order_by().values("appointments")
    people = of_appointment.filter(kind=ResourceKind.PERSON).annotate(names=StringAgg(SHORT_NAME, ", "))
    things = of_appointment.annotate(names=StringAgg("name", ", "))
    return Coalesce(Subquery(people.values("names")[:1]), Subquery(things.values("names")[:1]))


def _appointments(care_unit, day):
    chosen = care_unit.appointments.all() if day is None else booked_on(care_unit, day)
    return chosen.select_related(
        "patient", "session", "encounter__visit_type", "encounter__type", "encounter__queue_ticket"
    ).annotate(caregiver=_booked_with())


def _encounters(care_unit, day):
    chosen = care_unit.encounters.all() if day is None else unbooked_on(care_unit, day)
    who = EncounterParticipant.objects.filter(encounter=OuterRef("pk"), is_main_responsible=True)
    return chosen.select_related("patient", "visit_type", "type", "queue_ticket").annotate(
        caregiver=Subquery(who.annotate(short_name=SHORT_NAME).values("short_name")[:1])
    )


def _booked_state(appointment):
    encounter = appointment.encounter
    if appointment.status == AppointmentStatus.CANCELLED:
        return "cancelled"
    if appointment.status == AppointmentStatus.NO_SHOW:
        return "no_show"
    if appointment.status == AppointmentStatus.BOOKED:
        return "expected"
    return {Status.CHECKED_OUT: "checked_out", Status.ENDED: "ended"}.get(encounter.status, "arrived")


def _unbooked_state(encounter):
    if encounter.type_id == ANNULLED:
        return "annulled"
    return {Status.CHECKED_OUT: "checked_out", Status.ENDED: "ended"}.get(encounter.status, "in_progress")


def _booked_row(appointment, viewer):
    encounter, state = appointment.encounter, _booked_state(appointment)
    waited = _minutes_waited(appointment.start, encounter.start, viewer.at) if state == "arrived" else 0
    return _row(
        encounter,
        appointment.patient,
        viewer,
        appointment=appointment,
        state=state,
        start=appointment.start,
        end=appointment.end,
        waited=waited,
        caregiver=appointment.caregiver,
    )


def _unbooked_row(encounter, viewer):
    return _row(
        encounter,
        encounter.patient,
        viewer,
        appointment=None,
        state=_unbooked_state(encounter),
        start=encounter.start,
        end=None,
        waited=0,
        caregiver=encounter.caregiver,
    )


def _row(encounter, patient, viewer, *, appointment, state, start, end, waited, caregiver):
    at = viewer.at
    seen = presenters.shown(patient, on=local_date(at))
    is_expected = state == "expected"
    checks_out = encounter.type.check_out != CheckOut.NOT_APPLICABLE and not refusal(
        encounter.type, encounter.status, Move.CHECK_OUT
    )
    return Row(
        pk=encounter.pk,
        appointment_id=appointment.pk if appointment else None,
        patient_id=patient.pk,
        state=f"{encounter.version}-{appointment.version if appointment else 0}-{patient.version}-{waited}",
        start=start,
        end=end,
        name=seen.name,
        identity=seen.identity,
        digits="".join(character for character in seen.identity if character.isdigit()),
        visit=_visit(encounter, appointment),
        caregiver=caregiver or "",
        tags=tuple(_tags(encounter, appointment, seen, waited)),
        status=state,
        is_expected=is_expected,
        can_be_no_show=is_expected and start < at,
        may_arrive=is_expected and viewer.may_arrive and local_date(start) <= local_date(at) and not seen.is_deceased,
        # Nothing is registered by one key where something is unclear: who it is, or when somebody came (PL-03, PL-15).
        must_ask=seen.identity_kind in ASK_FOR_IDENTITY or local_date(start) < local_date(at),
        asks_identity=seen.identity_kind in ASK_FOR_IDENTITY,
        may_check_out=checks_out and viewer.may_check_out,
        urls=_urls(viewer, encounter, appointment, patient),
        is_done=state in DONE,
        is_off=state in OFF,
        group=appointment.session.name if appointment and appointment.session else "",
        is_distant=encounter.contact_form in DISTANT,
        call_label=_call_label(encounter, viewer),
    )


def _call_label(encounter, viewer):
    """Ropa in, or once more, where the patient has a number and waits (PL-17)."""
    ticket = getattr(encounter, "queue_ticket", None)
    if ticket is None or encounter.status != Status.IN_PROGRESS or not viewer.may_arrive:
        return ""
    return "Ropa igen" if ticket.called_at else "Ropa in"


def _queue_tag(encounter):
    ticket = getattr(encounter, "queue_ticket", None)
    if ticket is None or encounter.status != Status.IN_PROGRESS:
        return None
    if not ticket.called_at:
        return Tag("", "list", f"Nr {ticket.number}")
    return Tag("info", "arrive", f"Nr {ticket.number} inropad {local(ticket.called_at):%H:%M} {ticket.room}".strip())


def _visit(encounter, appointment):
    """The visit's type in words; never a reason or a diagnosis (ui.md 4.2)."""
    if encounter.visit_type:
        return encounter.visit_type.name
    return encounter.type.name


def _tags(encounter, appointment, seen, waited):
    if waited:
        yield Tag("warn", "clock", f"Väntat {waited} min")
    if queue := _queue_tag(encounter):
        yield queue
    if seen.is_deceased:
        yield Tag("danger", "cross", "Avliden")
    if seen.is_protected:
        yield Tag("guard", "shield", "Skyddad")
    if seen.interpreter_language:
        yield Tag("warn", "speech", "Tolk")
    if seen.is_under_18:
        yield Tag("info", "", "Under 18")
    if encounter.contact_form in DISTANT:
        yield Tag("info", "", ContactForm(encounter.contact_form).label)
    if appointment is None:
        yield Tag("", "", "Oplanerat")
    else:
        if appointment.session:
            cancelled = appointment.session.status == SessionStatus.CANCELLED
            yield Tag("danger", "cross", "Inställt") if cancelled else Tag("info", "", appointment.session.name)
        elif appointment.kind in WORDS_OF_KIND:
            yield Tag("info", "", WORDS_OF_KIND[appointment.kind])
        if appointment.is_overbooked:
            yield Tag("warn", "", "Överbokad")


ANY_ID = UUID(int=0)
OF_ENCOUNTER = {"row": "day-row", "call": "encounter-call", "check_out": "check-out", "encounter": "encounter"}
OF_PATIENT = {"patient": "patient", "book": "book"}
OF_APPOINTMENT = {
    "arrive": "appointment-arrive",
    "no_show": "appointment-no-show",
    "cancel": "appointment-cancel",
    "reschedule": "appointment-reschedule",
}


def _addresses():
    """The pages of a row with a place for the id: worked out once for a list, not once for each row."""
    return {
        word: address(name, ANY_ID).split(str(ANY_ID))
        for word, name in (OF_ENCOUNTER | OF_PATIENT | OF_APPOINTMENT).items()
    }


def _urls(viewer, encounter, appointment, patient):
    addresses = viewer.addresses
    found = {"select": viewer.select(encounter.pk)}
    found |= {word: str(encounter.pk).join(addresses[word]) for word in OF_ENCOUNTER}
    found |= {word: str(patient.pk).join(addresses[word]) for word in OF_PATIENT}
    if appointment:
        if appointment.session_id:
            found["group"] = address("group-session", appointment.session_id)
        found |= {word: str(appointment.pk).join(addresses[word]) for word in OF_APPOINTMENT}
    return found


def with_now_line(found, *, at, day):
    """Marks the first row still to come, today only: the line of the present stands above it."""
    if local_date(at) != day:
        return found
    coming = next((row for row in found if row.start > at), None)
    if coming is None or coming is found[0]:
        return found
    return [replace(row, is_next=True) if row is coming else row for row in found]


def chips(found, *, url, chosen):
    """The row of filters with their counts. `url` makes the address of a filter's word."""
    links = [Link("Alla", url(""), count=len(found), current=not chosen)]
    for word, label, states in FILTERS:
        count = sum(row.status in states for row in found)
        links.append(Link(label, url(word), count=count, current=chosen == word))
    return links


def filtered(found, *, chosen, caregiver):
    """The rows of the chosen status and caregiver."""
    states = next((states for word, _, states in FILTERS if word == chosen), None)
    return [
        row
        for row in found
        if (states is None or row.status in states) and (not caregiver or caregiver in row.caregiver.split(", "))
    ]


def caregivers(found):
    """Everyone who meets somebody that day."""
    return sorted({name for row in found for name in row.caregiver.split(", ") if name})


def summary(care_unit, *, day):
    """The day in figures, for the start page: one query."""
    counted = dict(booked_on(care_unit, day).values_list("status").annotate(number=Count("id")).order_by())
    return [(label, str(counted.get(value, 0))) for value, label in AppointmentStatus.choices]
