"""Coordinated visits and series: booked in one transaction, what does not fit told before anything is saved; moved and
ended one by one, or the rest together (BO-02, PL-08)."""

from contextlib import contextmanager
from datetime import UTC, timedelta

from django.db import transaction

from registration.models import CareCommitment, Encounter, Patient
from scheduling import rules
from scheduling.models import Appointment, AppointmentKind, CancelledBy, PlanKind, Resource, VisitPlan
from sdv.common.errors import InputError, RuleError
from sdv.common.time import at_local, local, local_date

from . import appointments


class Misfits(RuleError):
    """Some of the visits do not fit: nothing has been saved. `misfits` are (number of the visit, refusal)."""

    def __init__(self, misfits, count):
        told = "; ".join(f"besök {number + 1}: {refused.sentence}" for number, refused in misfits[:3])
        more = "; med flera" if len(misfits) > 3 else ""
        super().__init__(
            "PL-08", f"{len(misfits)} av {count} besök passar inte, inget är bokat. {told}{more}", code="misfits"
        )
        self.misfits = misfits


@transaction.atomic
def book(*, kind, patient_id, visits, by, at, letter=False, accept_warnings=(), reason=""):
    """Books the visits of a plan, all or none. Each of `visits` is what `appointments.book` takes of its own: `care_unit`,
    `visit_type`, `contact_reason_id`, `start`, `end`, `resource_ids` and more; each has a vårdhändelse and a fee of its own.
    Raises Misfits with every one that does not fit."""
    if refused := rules.plan_refusal(kind=kind, days=[local_date(visit["start"]) for visit in visits]):
        raise refused
    _lock_everything(patient_id, visits)
    plan = VisitPlan.objects.create(kind=kind, created_by=by, created_at=at)
    same = {"patient_id": patient_id, "by": by, "at": at, "letter": letter, "plan": plan, "reason": reason}
    if kind == PlanKind.COORDINATED:
        same["kind"] = AppointmentKind.COORDINATED
    made, misfits = [], []
    for number, visit in enumerate(visits):
        with collected(misfits, number):
            made.append(appointments.book(**visit, **same, accept_warnings=accept_warnings))
    if misfits:
        raise Misfits(misfits, len(visits))
    return plan, made


@contextmanager
def collected(misfits, number):
    """Tries one visit: its refusal is kept, and what it wrote undone."""
    try:
        with transaction.atomic():
            yield
    except RuleError as refused:
        misfits.append((number, refused))
    except InputError as wrong:
        told = " ".join(text for texts in wrong.errors.values() for text in texts)
        misfits.append((number, RuleError("BO-01", told, code="invalid")))


def _lock_everything(patient_id, visits):
    """All of it in the one order before the first is booked: taken visit by visit, two plans could lock each other out."""
    patient = Patient.objects.lock_present(patient_id)
    units = [visit["care_unit"] for visit in visits]
    list(CareCommitment.objects.open().filter(patient=patient, care_unit__in=units).locked())
    ids = {pk for visit in visits for pk in visit["resource_ids"]}
    list(Resource.objects.filter(pk__in=ids).locked())


def rest_of(appointment, *, at):
    """The plan's living bookings from this one on."""
    if appointment.plan_id is None:
        return Appointment.objects.none()
    rows = Appointment.objects.living().filter(plan=appointment.plan_id, start__gte=appointment.start, end__gt=at)
    return rows.order_by("start", "pk")


def lock_rest(appointment_id, *, at):
    """The rest of a plan, everything of it locked in the one order."""
    appointment = Appointment.objects.get(pk=appointment_id)
    Patient.objects.lock_present(appointment.patient_id)
    ids = list(rest_of(appointment, at=at).values_list("pk", flat=True))
    rows = Appointment.objects.filter(pk__in=ids)
    list(Encounter.objects.filter(pk__in=rows.values("encounter_id")).locked())
    list(Resource.objects.filter(pk__in=Resource.objects.filter(appointments__in=ids).values("pk")).locked())
    list(rows.locked())
    return list(Appointment.objects.living().filter(pk__in=ids).order_by("start", "pk"))


@transaction.atomic
def move_rest(*, appointment_id, start, by, at, changed_by=CancelledBy.PROVIDER, reason="", letter=None):
    """Moves this booking to the new time and the rest of its plan as many days and to the same clock, all or none. Those
    that would stand in each other's way are moved in the order that lets them pass."""
    rows = lock_rest(appointment_id, at=at)
    if not rows:
        raise RuleError("PL-08", "Inget är kvar av planen att flytta. Läs in sidan igen.", code="already_done")
    first = rows[0]
    units = {row.care_unit_id for row in rows}
    if len(units) > 1:
        raise RuleError("BO-02", "Planen har besök på flera enheter. Boka om dem ett i taget.", code="several_units")
    days, clock = local_date(start) - local_date(first.start), local(start).time()
    misfits, moved = [], {}
    later = days > timedelta(0) or (days == timedelta(0) and start > first.start)
    for number, row in sorted(enumerate(rows), reverse=later):
        to = at_local(local_date(row.start) + days, clock).astimezone(UTC)
        with collected(misfits, number):
            moved[number] = appointments.reschedule(
                appointment_id=row.pk,
                start=to,
                end=to + (row.end - row.start),
                changed_by=changed_by,
                reason=reason,
                letter=letter,
                by=by,
                at=at,
            )
    if misfits:
        raise Misfits(sorted(misfits, key=lambda each: each[0]), len(rows))
    return [moved[number] for number in sorted(moved)]
