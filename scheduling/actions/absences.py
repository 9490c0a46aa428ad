"""Frånvaro and closures: always saved, also where people are booked (PL-02)."""

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Exists, OuterRef

from scheduling import rules
from scheduling.models import Absence, AbsenceKind, Appointment, AppointmentPart, RebookingItem, Resource
from sdv.common.errors import InputError, RuleError
from sdv.common.time import minute
from sdv.common.versions import refuse_stale, write

from . import rebooking


@transaction.atomic
def register(*, care_unit, kind, start, end, by, at, resource_id=None):
    """Saves an absence of the resource, or closes the whole unit where none is given. A person is away at every unit. What
    is booked stays booked, and stands on the rebooking list of its unit until it is moved or ended. Resources are locked
    first, as a taker does: a booking made at the same moment is either hit or refused. Returns the absence;
    `rebooking_items` are what it hit."""
    start, end = minute(start), minute(end)
    _refuse(care_unit, kind, start, end, resource_id, at=at)
    _lock_resources(care_unit.pk, resource_id)
    told = {"care_unit": care_unit, "resource_id": resource_id, "kind": kind, "period": DateTimeTZRange(start, end)}
    # One's own repeated click does nothing and says nothing (PL-27).
    if had := Absence.objects.standing().filter(**told, created_by=by, created_at__gte=at - rules.UNDO_TIME).first():
        return had
    absence = Absence.objects.create(**told, created_by=by, created_at=at)
    _list(absence, at=at)
    return absence


def would_hit(*, care_unit, kind, start, end, at, resource_id=None):
    """The bookings that `register` would put on the rebooking lists, or its refusal. Nothing is saved."""
    _refuse(care_unit, kind, start, end, resource_id, at=at)
    return hit(care_unit.pk, start, end, resource_id=resource_id, at=at)


def _refuse(care_unit, kind, start, end, resource_id, *, at):
    if (resource_id is None) != (kind == AbsenceKind.CLOSURE):
        raise InputError(resource="Stängt gäller hela enheten. Annan frånvaro gäller en resurs: välj den.")
    if refused := rules.absence_refusal(start=start, end=end, at=at):
        raise refused
    if resource_id is not None and not Resource.objects.filter(care_unit=care_unit, pk=resource_id).exists():
        raise InputError(resource="Resursen finns inte på vårdenheten. Välj bland enhetens resurser.")


def _lock_resources(care_unit_id, resource_id):
    """The resource with all that are the same person, or the unit's every one: takers wait for them, at whatever unit."""
    if resource_id is None:
        list(Resource.objects.filter(care_unit=care_unit_id).locked())
    else:
        Resource.objects.filter(pk=resource_id).locked_with_persons()


def _list(absence, *, at):
    """Puts on the rebooking lists what the absence hits and does not stand there already."""
    times = {"start": absence.period.lower, "end": absence.period.upper}
    for appointment in hit(absence.care_unit_id, **times, resource_id=absence.resource_id, at=at).locked():
        rebooking.put(appointment, absence, at=at)


def hit(care_unit_id, start, end, *, resource_id=None, at):
    """The living bookings that an absence in the period hits, at every unit where the person is booked, also before there
    is one. Those already over are not moved."""
    rows = _meeting(care_unit_id, start, end, resource_id).living().filter(end__gt=at)
    return rows.select_related("encounter__commitment").order_by("start", "pk")


def _meeting(care_unit_id, start, end, resource_id):
    """The bookings of the unit, or that need the resource's person, in the period: all the visit, or their part (BO-02)."""
    rows = Appointment.objects.filter(start__lt=end, end__gt=start)
    if resource_id is None:
        return rows.filter(care_unit=care_unit_id)
    away = Resource.objects.filter(pk=resource_id).with_persons()
    its_part = {"appointment": OuterRef("appointment"), "resource": OuterRef("resource")}
    parts = AppointmentPart.objects.filter(**its_part).apart_from(DateTimeTZRange(start, end))
    needed = Appointment.resources.through.objects.filter(~Exists(parts), resource__in=away.values("pk"))
    return rows.filter(pk__in=needed.values("appointment"))


@transaction.atomic
def change(*, absence_id, by, at, start=None, end=None, kind=None, version=None):
    """Shortens, lengthens or moves an absence, or says of what kind it is; what is None stays. What it hits now stands on
    the rebooking lists, and what it no longer hits stays where it is booked, unless another absence hits it."""
    absence = _lock(absence_id, version)
    start, end = minute(start or absence.period.lower), minute(end or absence.period.upper)
    kind = kind or absence.kind
    if (absence.resource_id is None) != (kind == AbsenceKind.CLOSURE):
        raise InputError(
            kind="Stängt gäller hela enheten, annan frånvaro en resurs: återkalla den och registrera en ny."
        )
    period = DateTimeTZRange(start, end)
    if (kind, period) == (absence.kind, absence.period):
        return absence
    if refused := rules.absence_refusal(start=start, end=end, at=at, until=absence.period.upper):
        raise refused
    write(absence, kind=kind, period=period, changed_by=by, changed_at=at)
    # Bookings are locked before what is to be done of them, as by whoever moves or ends them.
    _list(absence, at=at)
    _take_off(let_go(absence, start, end), by=by, at=at)
    return absence


def let_go(absence, start, end):
    """What the absence has put on the rebooking lists and would not hit in the period."""
    still_hit = _meeting(absence.care_unit_id, start, end, absence.resource_id)
    return _listed(absence).exclude(appointment__in=still_hit)


def _listed(absence):
    return RebookingItem.objects.open().filter(absence=absence)


@transaction.atomic
def withdraw(*, absence_id, by, at, version=None):
    """Återkallar an absence: its times are free again, and what still waits to be moved stays where it is booked. What
    another absence hits as well goes on waiting."""
    absence = _lock(absence_id, version)
    write(absence, withdrawn_at=at, withdrawn_by=by)
    _take_off(_listed(absence), by=by, at=at)
    return absence


def _lock(absence_id, version):
    """The standing absence, locked after whose it is. Nothing moves it to another resource."""
    known = Absence.objects.values("care_unit_id", "resource_id").get(pk=absence_id)
    _lock_resources(known["care_unit_id"], known["resource_id"])
    absence = Absence.objects.locked().get(pk=absence_id)
    if absence.withdrawn_at:
        refused = RuleError("PL-02", "Frånvaron är redan återkallad. Läs in sidan igen.", code="already_done")
        raise refused.told(absence.withdrawn_by, absence.withdrawn_at)
    refuse_stale(absence, version, by="changed_by", at="changed_at")
    return absence


def _take_off(items, *, by, at):
    """Withdraws the items; what something else hits as well goes on waiting."""
    for item in items.select_related("appointment__encounter__commitment", "appointment__session").locked():
        rebooking.end(item, rebooking.WITHDRAWN, by=by, at=at)
        resources = list(item.appointment.resources.select_related("practitioner"))
        rebooking.watch(item.appointment, resources, at=at)
