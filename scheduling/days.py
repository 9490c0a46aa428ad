"""The end of a unit's day as querysets: what is left of it, and days that nobody has closed (PL-04)."""

from datetime import timedelta

from django.db.models import DateField, Exists, OuterRef
from django.db.models.functions import TruncDate

from registration.lifecycle import NOT_REPORTED, Status
from registration.models import CashTransaction, Encounter
from scheduling.models import Appointment, CheckOut, DayClose
from sdv.common.time import STOCKHOLM, day_range, local_date, start_of_day

# So far back an unclosed day is reminded of.
REMINDED = timedelta(days=14)
# What may be left when the day is closed: it stands in lists of its own.
LEFT = ("not_checked_out", "no_outcome", "no_cash", "not_coded")


def not_arrived(care_unit, day):
    """Booked, and neither arrived, missed nor cancelled: a person says what became of them before the day is closed."""
    return Appointment.objects.living().on_day(day).filter(care_unit=care_unit)


def left_of(care_unit, day):
    """Name → the vårdhändelser of the day that something is left of."""
    start, end = day_range(day)
    contacts = Encounter.objects.filter(care_unit=care_unit, start__gte=start, start__lt=end)
    begun = contacts.exclude(status=Status.PLANNED).exclude(type__in=NOT_REPORTED)
    decided = CheckOut.objects.filter(encounter=OuterRef("pk"), undone_at__isnull=True)
    paid = CashTransaction.objects.filter(encounter=OuterRef("pk"))
    return {
        "not_checked_out": contacts.awaiting_check_out(),
        "no_outcome": begun.filter(~Exists(decided), type__check_out="automatic"),
        "no_cash": begun.filter(~Exists(paid), visit_type__isnull=False),
        "not_coded": begun.filter(is_coded=False).exclude(status=Status.IN_PROGRESS).reported(),
    }


def closing(care_unit, day):
    """The close of the day that stands, or None: a day with somebody left of it again is open, whoever closed it before
    (an undone arrival or Utebliven, a time booked later the same day)."""
    closed = DayClose.objects.filter(care_unit=care_unit, day=day).select_related("closed_by")
    return closed.filter(~Exists(not_arrived(care_unit, day))).first()


def reopened(care_unit, day):
    """The close that no longer stands, for somebody is left of the day again; or None."""
    return DayClose.objects.filter(Exists(not_arrived(care_unit, day)), care_unit=care_unit, day=day).first()


def unclosed(*, at, care_unit=None, care_units=None):
    """(unit id, day) of the days before today when somebody was booked or came without a booking, and that nobody has
    closed; and of those, however long ago, when somebody booked has still neither come, been missed nor been cancelled."""
    today = local_date(at)
    units, past = {}, {"start__lt": start_of_day(today)}
    if care_unit is not None:
        units["care_unit"] = care_unit
    if care_units is not None:
        units["care_unit__in"] = care_units
    span = past | {"start__gte": start_of_day(today - REMINDED)}
    booked = Appointment.objects.filter(**units, **span).exclude(status="cancelled")
    # A visit: what is checked out, by hand or by itself. A ward's stays and an emergency unit's go on over the days.
    came = Encounter.objects.filter(**units, **span).reported().exclude(type__check_out="not_applicable")
    remaining = Appointment.objects.living().filter(**units, **past)
    return sorted(_not_closed(booked).union(_not_closed(came), _days(remaining)))


def _not_closed(rows):
    closed = DayClose.objects.filter(care_unit=OuterRef("care_unit"), day=OuterRef("day"))
    return _days(rows).filter(~Exists(closed))


def _days(rows):
    rows = rows.annotate(day=TruncDate("start", tzinfo=STOCKHOLM, output_field=DateField()))
    return rows.order_by().values_list("care_unit", "day").distinct()
