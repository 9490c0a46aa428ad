"""Bookings and planned admissions of the dead: cancelled as the provider's doing, never Utebliven, no fee (AV-02)."""

from django.db.models import Q

from registration import lifecycle
from registration.actions import many as encounters
from registration.models import CommitmentStatus, Encounter
from scheduling import rules
from scheduling.actions import many as appointments
from scheduling.models import Appointment, AppointmentStatus, Resource
from sdv.common.time import ONE_DAY, start_of_day

from .changes import REASON, NotRestored, is_as_left, record
from .consumers import Consumer

UNDONE = "Ångrad kaskad"


def day_after(cascade):
    """The first moment that is certainly after the death: midnight after the last day on which it can have occurred."""
    return start_of_day(cascade.deceased_on + ONE_DAY)


class Bookings(Consumer):
    """Bookings to come when the death was registered, and those after the day of the death that nobody has dealt with."""

    name, model = "appointment", Appointment
    words = ("bokning avbokas", "bokningar avbokas", "bokning avbokad", "bokningar avbokade")

    def open(self, cascade):
        after = Q(start__gt=cascade.registered_at) | Q(start__gte=day_after(cascade))
        return Appointment.objects.living().filter(after, patient=cascade.patient_id)

    def end(self, cascade, *, by, at):
        rows = list(self.open(cascade).select_related("encounter").locked())
        types = {row.pk: row.encounter.type_id for row in rows}
        encounters.cancel_all([row.encounter for row in rows], by=by, at=at, reason=REASON)
        taken = appointments.cancel_all(rows, by=by, at=at, reason=REASON)
        record(cascade, self.name, [_change(row, types[row.pk], taken[row.pk]) for row in rows])

    def restore(self, cascade, changes, *, by, at):
        """The booking is had again where its time is still free; otherwise it is listed with what to do (AV-03)."""
        known = {change.row_id: change for change in changes}
        rows = (
            Appointment.objects.filter(pk__in=known).select_related("encounter__commitment").prefetch_related("parts")
        )
        left, wanted = [], {}
        for row in rows.order_by("pk"):
            if refused := _why_not(row, known[row.pk], cascade, at):
                left.append(refused)
            else:
                wanted[row] = appointments.as_recorded(row, known[row.pk].before["taken"])
        free = appointments.still_free(wanted, at=at)
        for row in wanted.keys() - set(free):
            sentence = f"Tiden {rules.clock(row.start)} är tagen av någon annan. Boka en ny tid."
            left.append(NotRestored(self.name, row.pk, sentence, "book"))
        types = {row.encounter: known[row.pk].before["encounter_type"] for row in free}
        encounters.undo_cancel_all(types, by=by, at=at, reason=UNDONE)
        appointments.restore_all({row: wanted[row] for row in free}, by=by, at=at, reason=UNDONE)
        return left


def _change(row, type_before, taken):
    before = {"status": AppointmentStatus.BOOKED, "encounter_type": type_before, "taken": appointments.plain(taken)}
    after = {"status": row.status, "cancelled_at": row.cancelled_at, "encounter_status": row.encounter.status}
    return row.pk, before, after


def _why_not(row, change, cascade, at):
    when, name = rules.clock(row.start), Bookings.name
    after = {field: change.after[field] for field in ("status", "cancelled_at")}
    if not is_as_left(row, after) or row.encounter.status != change.after["encounter_status"]:
        return NotRestored(name, row.pk, f"Bokningen {when} har ändrats efter kaskaden och lämnas som den är.")
    # One that had passed already when the death was registered is put back as it was.
    if cascade.registered_at < row.start <= at:
        return NotRestored(name, row.pk, f"Bokningen {when} har passerat. Boka en ny tid.", "book")
    commitment = row.encounter.commitment
    if commitment is not None and commitment.status == CommitmentStatus.CLOSED:
        sentence = f"Bokningen {when} hör till ett avslutat vårdåtagande och lämnas som den är."
        return NotRestored(name, row.pk, sentence)
    return None


class Admissions(Consumer):
    """Inskrivningar planned for the patient: bookings without a time of any resource (VH-03 f)."""

    name, model = "admission", Encounter
    words = (
        "planerad inskrivning avbokas",
        "planerade inskrivningar avbokas",
        "planerad inskrivning avbokad",
        "planerade inskrivningar avbokade",
    )

    def open(self, cascade):
        planned = {"type": lifecycle.ADMISSION_BOOKED, "status": lifecycle.Status.PLANNED, "cancelled_at": None}
        return Encounter.objects.filter(patient=cascade.patient_id, **planned)

    def end(self, cascade, *, by, at):
        rows = list(self.open(cascade).locked())
        encounters.cancel_all(rows, by=by, at=at, reason=REASON)
        before = {"encounter_type": lifecycle.ADMISSION_BOOKED}
        record(
            cascade,
            self.name,
            [(row.pk, before, {"status": row.status, "cancelled_at": row.cancelled_at}) for row in rows],
        )

    def restore(self, cascade, changes, *, by, at):
        known = {change.row_id: change for change in changes}
        left, types = [], {}
        for row in Encounter.objects.filter(pk__in=known).locked():
            when = rules.clock(row.planned_start)
            if not is_as_left(row, known[row.pk].after):
                sentence = f"Den planerade inskrivningen {when} har ändrats efter kaskaden och lämnas som den är."
                left.append(NotRestored(self.name, row.pk, sentence))
            elif cascade.registered_at < row.planned_start <= at:
                sentence = f"Den planerade inskrivningen {when} har passerat. Planera en ny."
                left.append(NotRestored(self.name, row.pk, sentence, "admit"))
            else:
                types[row] = known[row.pk].before["encounter_type"]
        encounters.undo_cancel_all(types, by=by, at=at, reason=UNDONE)
        return left


BOOKINGS, ADMISSIONS = Bookings(), Admissions()


def lock_what_ends(cascade):
    """Encounters, then resources, then bookings, each in key order: whoever changes a booking takes them so."""
    booked = BOOKINGS.open(cascade).values("encounter_id")
    admissions = ADMISSIONS.open(cascade).values("pk")
    list(Encounter.objects.filter(Q(pk__in=booked) | Q(pk__in=admissions)).locked())
    _lock_resources(Appointment.objects.filter(pk__in=BOOKINGS.open(cascade).values("pk")))


def lock_what_comes_back(cascade):
    """All of it before anything is changed. Taken booking by booking, the resources would be taken in the bookings'
    order, and two could lock each other out."""
    changed = {kind: cascade.changes.filter(consumer=kind).values("row_id") for kind in ("appointment", "admission")}
    booked = Appointment.objects.filter(pk__in=changed["appointment"])
    ours = Q(pk__in=booked.values("encounter_id")) | Q(pk__in=changed["admission"])
    list(Encounter.objects.filter(ours).locked())
    _lock_resources(booked)


def _lock_resources(booked):
    taken = Resource.objects.filter(appointments__in=booked.values("pk")).values_list("pk", flat=True)
    Resource.objects.filter(pk__in=set(taken)).locked_with_persons()
    list(booked.locked())
