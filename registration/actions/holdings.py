"""What an encounter holds while it goes on: a place, a ward, permission (VH-09). Inner writes of its actions."""

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from registration.lifecycle import Move
from registration.models import WardStay


def going_on(intervals):
    """The interval that has not ended, or None."""
    return intervals.filter(period__upper_inf=True).first()


def close(interval, *, at):
    """Ends an interval, not before it began."""
    interval.period = DateTimeTZRange(interval.period.lower, max(at, interval.period.lower))
    interval.save(update_fields=["period"])


def release(encounter, *, at):
    """VH-09: discharge releases what is held. Where an end was taken back and comes earlier now (PL-13), so does the end
    of what was left by it."""
    for intervals in (encounter.place_stays, encounter.ward_stays, encounter.leaves):
        for interval in intervals.filter(Q(period__upper_inf=True) | Q(period__endswith__gt=at)):
            close(interval, at=at)


def void(encounter):
    """What never was held nothing (VH-12, PL-13): a place is free all the time for whoever was there. The change log keeps
    what the intervals were."""
    for intervals in (encounter.place_stays, encounter.ward_stays, encounter.leaves):
        for interval in intervals.filter(period__isempty=False):
            interval.period = DateTimeTZRange(empty=True)
            interval.save(update_fields=["period"])


def known_until(*kinds):
    """The latest moment that intervals tell of: the end of those that have ended, the beginning of one that goes on. What
    is registered afterwards (PL-15) comes after it. None where there are none."""
    known = [row.period for intervals in kinds for row in intervals.filter(period__isempty=False)]
    return max((period.upper or period.lower for period in known), default=None)


def happened(encounter):
    """(what, when) of what has happened to the encounter and cannot be after its end: each is (Swedish words, moment)."""
    for what, intervals in (("platstilldelningen", encounter.place_stays), ("flytten", encounter.ward_stays)):
        for interval in intervals.filter(period__isempty=False):
            yield what, interval.period.lower
    # A permission that a discharge ended is no return: that end may be taken back and come earlier.
    ends = set(encounter.history.filter(move=Move.DISCHARGE).values_list("at", flat=True))
    for leave in encounter.leaves.filter(period__isempty=False):
        yield "permissionen", leave.period.lower
        if leave.period.upper and leave.period.upper not in ends:
            yield "återkomsten från permission", leave.period.upper
    if encounter.assessed_at:
        yield "läkarbedömningen", encounter.assessed_at


def at_ward(encounter, ward, *, at):
    """The encounter is at the ward from `at` on; the ward it was at is left in the same minute."""
    present = going_on(encounter.ward_stays)
    if present and present.ward_id == ward.pk:
        return present
    if present:
        close(present, at=at)
    return WardStay.objects.create(encounter=encounter, ward=ward, period=DateTimeTZRange(at, None))


def back_at_ward(encounter, *, left_at):
    """An end taken back (PL-13): the patient is at the ward that was left by it. The place may be somebody else's now
    and is given anew."""
    last = encounter.ward_stays.filter(period__endswith=left_at).order_by("-id").first()
    if last:
        last.period = DateTimeTZRange(last.period.lower, None)
        last.save(update_fields=["period"])
