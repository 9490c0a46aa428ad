"""The day is closed: proposed no-shows are confirmed by a person, many at once, and the day is closed (PL-04)."""

from django.db import IntegrityError, transaction

from scheduling import days, rules
from scheduling.models import DayClose
from sdv.common.errors import RuleError
from sdv.common.time import local_date

from . import appointments


def confirm_no_shows(*, care_unit, day, appointment_ids, by, at):
    """Registers those as Utebliven whom a person has confirmed, each in a transaction of its own: (how many, the refusals).
    Each becomes somebody's work (PL-05)."""
    rows = days.not_arrived(care_unit, day).filter(pk__in=appointment_ids).order_by("patient_id", "pk")
    done, refused = 0, []
    for pk in list(rows.values_list("pk", flat=True)):
        try:
            appointments.no_show(appointment_id=pk, by=by, at=at)
            done += 1
        except RuleError as error:
            refused.append(error)
    return done, refused


def confirm_and_close(*, care_unit, day, appointment_ids, by, at):
    """Confirms those who did not come, and closes the day unless one of them is refused: (how many, the refusals)."""
    before = days.reopened(care_unit, day)
    done, refused = confirm_no_shows(care_unit=care_unit, day=day, appointment_ids=appointment_ids, by=by, at=at)
    if not refused:
        close(care_unit=care_unit, day=day, by=by, at=at, before=before)
    return done, refused


def close(*, care_unit, day, by, at, before=None):
    """Closes the unit's day. Refused while somebody booked has neither come, been missed nor been cancelled. `before` is the
    close that no longer stood: the day is closed anew, by the first who does it (PL-27)."""
    waiting = days.not_arrived(care_unit, day).count()
    if refused := rules.day_close_refusal(day=day, today=local_date(at), waiting=waiting):
        raise refused
    left = {name: rows.count() for name, rows in days.left_of(care_unit, day).items()}
    told = {"closed_at": at, "closed_by": by, "left": left}
    if before:
        seen = {"pk": before.pk, "closed_at": before.closed_at, "closed_by": before.closed_by_id}
        if DayClose.objects.filter(**seen).update(**told):
            return DayClose.objects.get(pk=before.pk)
    try:
        with transaction.atomic():
            return DayClose.objects.create(care_unit=care_unit, day=day, **told)
    except IntegrityError:
        had = DayClose.objects.select_related("closed_by").get(care_unit=care_unit, day=day)
        raise rules.day_closed_already(had.day).told(had.closed_by, had.closed_at) from None
