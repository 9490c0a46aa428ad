"""Frånvaro and closures: always saved, also where people are booked (PL-02)."""

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from scheduling import rules
from scheduling.models import Absence, AbsenceKind, Appointment, RebookingItem, Resource
from sdv.common.errors import InputError, RuleError
from sdv.common.time import minute
from sdv.common.versions import refuse_stale

from . import rebooking


@transaction.atomic
def register(*, care_unit, kind, start, end, by, at, resource_id=None):
    """Saves an absence of the resource, or closes the whole unit where none is given. What is booked stays booked, and
    stands on the rebooking list until it is moved or ended. Resources are locked first, as a taker does: a booking made
    at the same moment is either hit or refused. Returns the absence; `rebooking_items` are what it hit."""
    start, end = minute(start), minute(end)
    if (resource_id is None) != (kind == AbsenceKind.CLOSURE):
        raise InputError(resource="Stängt gäller hela enheten. Annan frånvaro gäller en resurs: välj den.")
    if refused := rules.absence_refusal(start=start, end=end, at=at):
        raise refused
    rows = Resource.objects.filter(care_unit=care_unit)
    resources = list((rows if resource_id is None else rows.filter(pk=resource_id)).locked())
    if resource_id is not None and not resources:
        raise InputError(resource="Resursen finns inte på vårdenheten. Välj bland enhetens resurser.")
    told = {"care_unit": care_unit, "resource_id": resource_id, "kind": kind, "period": DateTimeTZRange(start, end)}
    # One's own repeated click does nothing and says nothing (PL-27).
    if had := Absence.objects.standing().filter(**told, created_by=by, created_at__gte=at - rules.UNDO_TIME).first():
        return had
    absence = Absence.objects.create(**told, created_by=by, created_at=at)
    for appointment in hit(care_unit, start, end, resource_id=resource_id, at=at).locked():
        rebooking.put(appointment, absence, at=at)
    return absence


def hit(care_unit, start, end, *, resource_id=None, at):
    """The living bookings that an absence in the period hits, also before there is one. Those already over are not moved."""
    rows = Appointment.objects.living().filter(care_unit=care_unit, start__lt=end, end__gt=max(start, at))
    if resource_id is not None:
        rows = rows.filter(pk__in=rows.filter(resources=resource_id).values("pk"))
    return rows.select_related("encounter__commitment").order_by("start", "pk")


@transaction.atomic
def withdraw(*, absence_id, by, at, version=None):
    """Återkallar an absence: its times are free again, and what still waits to be moved stays where it is booked. What
    another absence hits as well goes on waiting."""
    known = Absence.objects.values("care_unit_id", "resource_id").get(pk=absence_id)
    rows = Resource.objects.filter(care_unit=known["care_unit_id"])
    list((rows.filter(pk=known["resource_id"]) if known["resource_id"] else rows).locked())
    absence = Absence.objects.locked().get(pk=absence_id)
    if absence.withdrawn_at:
        refused = RuleError("PL-02", "Frånvaron är redan återkallad. Läs in sidan igen.", code="already_done")
        raise refused.told(absence.withdrawn_by, absence.withdrawn_at)
    refuse_stale(absence, version)
    absence.withdrawn_at, absence.withdrawn_by = at, by
    absence.version += 1
    absence.save(update_fields=["withdrawn_at", "withdrawn_by", "version"])
    open_items = RebookingItem.objects.open().filter(absence=absence)
    for item in open_items.select_related("appointment__encounter__commitment").locked():
        rebooking.end(item, rebooking.WITHDRAWN, by=by, at=at)
        resources = list(item.appointment.resources.select_related("practitioner"))
        rebooking.watch(item.appointment, resources, at=at)
    return absence
