"""Tidböcker: the week's hours with their validity, and the extra times of a day (BO-01)."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from scheduling import rules
from scheduling.models import ExtraHours, Resource, WeeklyHours
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date

WEEKDAYS = ("måndagar", "tisdagar", "onsdagar", "torsdagar", "fredagar", "lördagar", "söndagar")


@transaction.atomic
def add_hours(
    *, resource_id, weekdays, from_time, to_time, slot_minutes, valid_from, by, at, valid_to=None, visit_types=(),
    on_holidays=False,
):  # fmt: skip
    """Adds hours of the week on the weekdays, from a day on. Those that overlap others at the same time are refused."""
    _refuse_backwards(from_time, to_time, slot_minutes)
    if valid_to is not None and valid_to < valid_from:
        raise InputError(valid_to="Sista dagen ska inte ligga före den första.")
    resource = Resource.objects.locked().get(pk=resource_id)
    made = []
    for weekday in weekdays:
        rows = WeeklyHours.objects.filter(
            resource=resource, weekday=weekday, from_time__lt=to_time, to_time__gt=from_time
        ).filter(Q(valid_to__isnull=True) | Q(valid_to__gte=valid_from))
        if valid_to is not None:
            rows = rows.filter(Q(valid_from__isnull=True) | Q(valid_from__lte=valid_to))
        if other := rows.first():
            raise rules.hours_overlap(resource.name, WEEKDAYS[weekday - 1], other.from_time, other.to_time)
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


@transaction.atomic
def end_hours(*, hours_id, valid_to, by, at):
    """Ends hours of the week after a day. What is booked stays booked."""
    resource_id = WeeklyHours.objects.values_list("resource_id", flat=True).get(pk=hours_id)
    Resource.objects.locked().get(pk=resource_id)
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


@transaction.atomic
def add_extra(
    *, resource_id, day, from_time, to_time, slot_minutes, by, at, visit_types=(), replaces_week=False
):  # fmt: skip
    """Adds the extra times of a day, beside the week's or in their place."""
    _refuse_backwards(from_time, to_time, slot_minutes)
    if day < local_date(at):
        raise InputError(day="Dagen har passerat. Ange i dag eller en senare dag.")
    resource = Resource.objects.locked().get(pk=resource_id)
    other = ExtraHours.objects.filter(resource=resource, day=day, from_time__lt=to_time, to_time__gt=from_time).first()
    if other:
        raise rules.hours_overlap(resource.name, day.isoformat(), other.from_time, other.to_time)
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


@transaction.atomic
def remove_extra(*, extra_id, by, at):
    """Takes the extra times of a day away. What is booked in them stays booked."""
    resource_id = ExtraHours.objects.values_list("resource_id", flat=True).get(pk=extra_id)
    Resource.objects.locked().get(pk=resource_id)
    ExtraHours.objects.filter(pk=extra_id).delete()


def _refuse_backwards(from_time, to_time, slot_minutes):
    if to_time <= from_time:
        raise InputError(to_time="Tiden ska sluta efter att den börjat.")
    if not 5 <= slot_minutes <= 600:
        raise InputError(slot_minutes="En tid är mellan 5 och 600 minuter.")
