"""Coordinated visits and series: booked in one transaction, what does not fit told before anything is saved; moved and
ended one by one, or the rest together (BO-02, PL-08)."""

from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC

from django.db import transaction

from registration.models import CareCommitment, Encounter, Patient
from scheduling import rules
from scheduling.models import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    CancelledBy,
    PlanKind,
    Resource,
    VisitPlan,
)
from sdv.common.errors import InputError, RuleError
from sdv.common.time import at_local, local, local_date, minute
from sdv.common.versions import refuse_stale

from . import appointments


class Misfits(RuleError):
    """Some of the visits do not fit: nothing has been saved. `misfits` are (number of the visit, refusal). Where all of them
    are warnings, so is this: who asked may insist (PL-06)."""

    def __init__(self, misfits, count, *, nothing="inget är bokat"):
        told = "; ".join(f"besök {number + 1}: {refused.sentence}" for number, refused in misfits[:3])
        more = "; med flera" if len(misfits) > 3 else ""
        reasons = [refused for _, refused in misfits]
        super().__init__(
            "PL-08",
            f"{len(misfits)} av {count} besök passar inte, {nothing}. {told}{more}",
            code="misfits",
            is_warning=all(refused.is_warning for refused in reasons),
            needs_reason=all(refused.is_warning for refused in reasons) and any(each.needs_reason for each in reasons),
        )
        self.misfits = misfits


@transaction.atomic
def book(*, kind, patient_id, visits, by, at, letter=False, letter_choices=None, accept_warnings=(), reason=""):
    """Books the visits of a plan, all or none. Each of `visits` is what `appointments.book` takes of its own: `care_unit`,
    `visit_type`, `contact_reason_id`, `start`, `end`, `resource_ids` and more; each has a vårdhändelse and a fee of its own.
    Raises Misfits with every one that does not fit, and says who was first where they are booked already (PL-27)."""
    if refused := rules.plan_refusal(kind=kind, days=[local_date(visit["start"]) for visit in visits]):
        raise refused
    _lock_everything(patient_id, visits)
    if had := booked_already(kind=kind, patient_id=patient_id, visits=visits):
        refused = RuleError("PL-08", "Besöken är redan bokade som en plan. Läs in sidan igen.", code="already_done")
        raise refused.told(had[0].plan.created_by, had[0].plan.created_at)
    plan = VisitPlan.objects.create(kind=kind, created_by=by, created_at=at)
    same = {"patient_id": patient_id, "by": by, "at": at, "letter": letter, "plan": plan, "reason": reason}
    same["letter_choices"] = letter_choices
    if kind == PlanKind.COORDINATED:
        same["kind"] = AppointmentKind.COORDINATED
    made, misfits = [], []
    for number, visit in enumerate(visits):
        with collected(misfits, number):
            made.append(appointments.book(**visit, **same, accept_warnings=accept_warnings))
    if misfits:
        raise Misfits(misfits, len(visits))
    return plan, made


def booked_already(*, kind, patient_id, visits):
    """The bookings of a plan that has all of these visits, in their order; empty where there is none."""
    rows = Appointment.objects.living().filter(patient=patient_id, plan__kind=kind)
    rows = rows.filter(start__in={minute(visit["start"]) for visit in visits}).order_by("pk")
    by_plan = defaultdict(dict)
    for row in rows.select_related("plan__created_by").prefetch_related("resources"):
        resources = frozenset(str(resource.pk) for resource in row.resources.all())
        by_plan[row.plan_id][row.start, row.care_unit_id, resources] = row
    wanted = [
        (minute(each["start"]), each["care_unit"].pk, frozenset(map(str, each["resource_ids"]))) for each in visits
    ]
    return next(([had[key] for key in wanted] for had in by_plan.values() if had.keys() >= set(wanted)), [])


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
    Resource.objects.filter(pk__in=ids).locked_with_persons()


def rest_of(appointment, *, at):
    """The living bookings of the plan after this one, itself not among them."""
    if appointment.plan_id is None or appointment.status != AppointmentStatus.BOOKED:
        return Appointment.objects.none()
    rows = Appointment.objects.living().filter(plan=appointment.plan_id, start__gte=appointment.start, end__gt=at)
    return rows.exclude(pk=appointment.pk).order_by("start", "pk")


def lock_rest(appointment_id, *, at, version=None):
    """The named booking, first, and the rest of its plan, all locked in the one order and read while the patient is: what
    somebody else has moved meanwhile is seen where it is now. Raises StaleVersion where the caller saw another version of the
    named booking (PL-27), and RuleError unless it is itself booked, and all of them at its unit."""
    patient_id = Appointment.objects.values_list("patient_id", flat=True).get(pk=appointment_id)
    Patient.objects.lock_present(patient_id)
    named = Appointment.objects.get(pk=appointment_id)
    ids = [named.pk, *rest_of(named, at=at).values_list("pk", flat=True)]
    rows = Appointment.objects.filter(pk__in=ids)
    list(Encounter.objects.filter(pk__in=rows.values("encounter_id")).locked())
    Resource.objects.filter(appointments__in=ids).locked_with_persons()
    locked = {row.pk: row for row in rows.locked()}
    named = locked.pop(named.pk)
    refuse_stale(named, version)
    if named.status != AppointmentStatus.BOOKED:
        raise _not_booked(named)
    rest = sorted((row for row in locked.values() if row.status == AppointmentStatus.BOOKED), key=_in_time)
    if any(row.care_unit_id != named.care_unit_id for row in rest):
        raise rules.several_units()
    return [named, *rest]


def _in_time(row):
    return row.start, row.pk


def _not_booked(appointment):
    """Nothing is done with the rest from a booking that is no longer one: who was first is told (PL-27)."""
    status = appointment.get_status_display().lower()
    refused = RuleError(
        "PL-08",
        f"Bokningen är redan {status}. Läs in sidan igen, och utgå från ett besök som är bokat.",
        code="already_done",
    )
    last = appointment.history.select_related("by").order_by("-id").first()
    return refused.told(last.by, last.at) if last else refused


@transaction.atomic
def move_rest(
    *,
    appointment_id,
    start,
    by,
    at,
    resource_id=None,
    changed_by=CancelledBy.PROVIDER,
    reason="",
    accept_warnings=(),
    letter=None,
    letter_choices=None,
    hold_id=None,
    version=None,
):
    """Moves this booking to the new time and the rest of its plan with it, all or none: a series as many days and to the
    same clock, coordinated visits with their distances kept. Each keeps its own resources; `resource_id` is whose time was
    chosen. Those that would stand in each other's way are moved in the order that lets them pass."""
    rows = lock_rest(appointment_id, at=at, version=version)
    named = rows[0]
    if resource_id and not named.resources.filter(pk=resource_id).exists():
        raise rules.rest_with_another()
    misfits, moved = [], {}
    later = start > named.start
    # Words and files may go with every letter; which tillval are a contact's own is its own matter (KA-02).
    of_the_rest = letter_choices and {**letter_choices, "add_on_ids": None}
    for number, row in sorted(enumerate(rows), key=lambda each: _in_time(each[1]), reverse=later):
        to = _moved_time(row, named, start)
        with collected(misfits, number):
            if row.session_id:
                raise rules.seat_is_moved_alone(row.start)
            moved[number] = appointments.reschedule(
                appointment_id=row.pk,
                start=to,
                end=to + (row.end - row.start),
                changed_by=changed_by,
                reason=reason,
                accept_warnings=accept_warnings,
                letter=letter,
                hold_id=hold_id if row is named else None,
                letter_choices=letter_choices if row is named else of_the_rest,
                by=by,
                at=at,
            )
    if misfits:
        raise Misfits(sorted(misfits, key=lambda each: each[0]), len(rows), nothing="inget är ombokat")
    return [moved[number] for number in sorted(moved)]


def _moved_time(row, named, start):
    """Where the row goes when the named booking goes to `start`, by the clock on the wall."""
    days = local_date(start) - local_date(named.start)
    if named.plan is None or named.plan.kind != PlanKind.COORDINATED:
        return at_local(local_date(row.start) + days, local(start).time()).astimezone(UTC)
    apart = local(row.start).replace(tzinfo=None) - local(named.start).replace(tzinfo=None)
    to = local(start).replace(tzinfo=None) + apart
    return at_local(to.date(), to.time()).astimezone(UTC)
