"""Tidböcker: the week's hours with their validity, and the extra times of a day (BO-01). Whatever changes a tidbok goes
through `changing`: who no longer fits is told beforehand, and stands on the rebooking list afterwards (PL-02)."""

from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction

from scheduling import rules, schedule_rules
from scheduling.models import Appointment, ExtraHours, RebookingItem, Resource, WeeklyHours
from scheduling.timebook import NOTHING, Timebook
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date

from . import rebooking

WEEKDAYS = ("måndagar", "tisdagar", "onsdagar", "torsdagar", "fredagar", "lördagar", "söndagar")


@contextmanager
def changing(resource_id, *, by, at, accept_warnings=()):
    """The one way to change a tidbok, whatever the door: its hours, a day's own, or the resource's first and last day are
    written inside. The resource is locked first, as a taker does, so a booking made at the same moment is either hit or
    refused. Bookings whose time the change takes away are a warning; accepted, they stand on the rebooking list as an
    absence's do, and leave it when a change gives their time back. What did not fit before either, because it was booked
    knowingly beside the tidbok, is left alone (PL-02)."""
    with transaction.atomic():
        resource = Resource.objects.locked().get(pk=resource_id)
        hours, before = _hours(resource), _lacks(resource, at)
        yield resource
        resource.refresh_from_db()
        _refuse_overlap(resource, hours)
        after = _lacks(resource, at)
        _list(resource, before, after, at=at, accept_warnings=accept_warnings)
        _take_off(resource, after, by=by, at=at)


def _hours(resource):
    """What hours mean, by the id of the row: an unchanged one is not judged again."""
    weekly = WeeklyHours.objects.filter(resource=resource)
    found = {row.pk: (row.weekday, row.from_time, row.to_time, row.valid_from, row.valid_to) for row in weekly}
    extra = ExtraHours.objects.filter(resource=resource)
    return found | {row.pk: (row.day, row.from_time, row.to_time) for row in extra}


def _refuse_overlap(resource, before):
    """BO-01: a tidbok has a time once."""
    after = _hours(resource)
    changed = [pk for pk, meant in after.items() if before.get(pk) != meant]
    if not changed:
        return
    for model in (WeeklyHours, ExtraHours):
        rows = list(model.objects.filter(resource=resource).order_by("from_time", "pk"))
        if refused := overlap(resource.name, [row for row in rows if row.pk in changed], rows):
            raise refused


def overlap(resource_name, changed, rows):
    """The refusal where some of the changed hours hold at the same time as another of the rows, or None."""
    for row in changed:
        for other in rows:
            if other is not row and schedule_rules.hours_meet(row, other):
                return schedule_rules.hours_overlap(resource_name, day_text(other), other.from_time, other.to_time)
    return None


def day_text(row):
    """When hours are, as a sentence says it."""
    return WEEKDAYS[row.weekday - 1] if isinstance(row, WeeklyHours) else row.day.isoformat()


def _lacks(resource, at):
    """The living bookings of the resource that are not over: id → (booking, what it lacks in the tidbok)."""
    rows = Appointment.objects.living().filter(resources=resource, end__gt=at).order_by("start", "pk")
    rows = list(rows.select_related("encounter__visit_type").prefetch_related("parts"))
    if not rows:
        return {}
    book = Timebook([resource], local_date(rows[0].start), local_date(max(row.end for row in rows)))
    return {row.pk: (row, book.lack(resource, row)) for row in rows}


def _list(resource, before, after, *, at, accept_warnings):
    """Puts on the rebooking list what the change hits and does not stand there already."""
    worse = [row for pk, (row, lack) in after.items() if lack > _of(before, pk)]
    if not worse:
        return
    listed = set(RebookingItem.objects.open().filter(appointment__in=worse).values_list("appointment_id", flat=True))
    hit = [row for row in worse if row.pk not in listed]
    if hit and "PL-02" not in accept_warnings:
        refused = schedule_rules.bookings_hit([row.start for row in hit])
        refused.errors = {str(row.pk): [rules.outside_hours(resource.name, row.start).sentence] for row in hit}
        raise refused
    rows = Appointment.objects.living().filter(pk__in=[row.pk for row in hit])
    for appointment in rows.select_related("encounter__commitment").locked():
        rebooking.put(appointment, resource=resource, lack=_of(after, appointment.pk), at=at)


def _take_off(resource, after, *, by, at):
    """Withdraws what waits because of this tidbok and fits again; what lay knowingly beside it only needs to have back what
    it lost. What something else hits as well goes on waiting."""
    related = ("appointment__session", "appointment__encounter__commitment", "appointment__encounter__visit_type")
    for item in RebookingItem.objects.open().filter(resource=resource).select_related(*related).locked():
        pk, booking = item.appointment_id, item.appointment
        is_better = booking.is_beside_the_tidbok and _of(after, pk) < item.lack
        if pk in after and (is_better or _of(after, pk) == NOTHING):
            rebooking.end(item, rebooking.WITHDRAWN, by=by, at=at)
            rebooking.watch(booking, list(booking.resources.select_related("practitioner")), at=at)


def _of(lacks, pk):
    return lacks[pk][1] if pk in lacks else NOTHING


def add_hours(
    *, resource_id, weekdays, from_time, to_time, slot_minutes, valid_from, by, at, valid_to=None, visit_types=(),
    on_holidays=False, accept_warnings=(),
):  # fmt: skip
    """Adds hours of the week on the weekdays, from a day on. Those that overlap others at the same time are refused."""
    _refuse_backwards(from_time, to_time, slot_minutes)
    if valid_to is not None and valid_to < valid_from:
        raise InputError(valid_to="Sista dagen ska inte ligga före den första.")
    with changing(resource_id, by=by, at=at, accept_warnings=accept_warnings) as resource:
        made = []
        for weekday in weekdays:
            row = WeeklyHours.objects.create(
                resource=resource,
                weekday=weekday,
                from_time=from_time,
                to_time=to_time,
                slot_minutes=slot_minutes,
                valid_from=valid_from,
                valid_to=valid_to,
                on_holidays=on_holidays,
            )
            row.visit_types.set(visit_types)
            made.append(row)
    return made


def end_hours(*, hours_id, valid_to, by, at, accept_warnings=()):
    """Ends hours of the week after a day, or lets them go on to a later one. Hours that had not begun go."""
    resource_id = WeeklyHours.objects.values_list("resource_id", flat=True).get(pk=hours_id)
    with changing(resource_id, by=by, at=at, accept_warnings=accept_warnings):
        row = WeeklyHours.objects.get(pk=hours_id)
        yesterday = local_date(at) - timedelta(days=1)
        if valid_to < yesterday:
            raise InputError(valid_to="Dagen har passerat. Ange i går eller en senare dag.")
        if row.valid_to is not None and row.valid_to < yesterday:
            raise RuleError("BO-01", "Tiderna har redan upphört. Läs in sidan igen.", code="already_done")
        if row.valid_from is not None and valid_to < row.valid_from:
            row.delete()
            return None
        row.valid_to = valid_to
        row.save(update_fields=["valid_to"])
    return row


def add_extra(
    *, resource_id, day, from_time, to_time, slot_minutes, by, at, visit_types=(), replaces_week=False,
    accept_warnings=(),
):  # fmt: skip
    """Adds the extra times of a day, beside the week's or in their place."""
    _refuse_backwards(from_time, to_time, slot_minutes)
    if day < local_date(at):
        raise InputError(day="Dagen har passerat. Ange i dag eller en senare dag.")
    with changing(resource_id, by=by, at=at, accept_warnings=accept_warnings) as resource:
        row = ExtraHours.objects.create(
            resource=resource,
            day=day,
            from_time=from_time,
            to_time=to_time,
            slot_minutes=slot_minutes,
            replaces_week=replaces_week,
            created_by=by,
        )
        row.visit_types.set(visit_types)
    return row


def remove_extra(*, extra_id, by, at, accept_warnings=()):
    """Takes the extra times of a day away; where they stood in the week's place, the week's are back."""
    resource_id = ExtraHours.objects.values_list("resource_id", flat=True).get(pk=extra_id)
    with changing(resource_id, by=by, at=at, accept_warnings=accept_warnings):
        ExtraHours.objects.filter(pk=extra_id).delete()


def _refuse_backwards(from_time, to_time, slot_minutes):
    if to_time <= from_time:
        raise InputError(to_time="Tiden ska sluta efter att den börjat.")
    if not 5 <= slot_minutes <= 600:
        raise InputError(slot_minutes="En tid är mellan 5 och 600 minuter.")
