"""What an encounter holds while it goes on: a place, a ward, permission (VH-09). Inner writes of its actions."""

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from registration.models import WardStay


def going_on(intervals):
    """The interval that has not ended, or None."""
    return intervals.filter(period__upper_inf=True).first()


def close(interval, *, at):
    """Ends an interval, not before it began."""
    interval.period = DateTimeTZRange(interval.period.lower, max(at, interval.period.lower))
    interval.save(update_fields=["period"])


def release(encounter, *, at):
    """VH-09: discharge releases what is held."""
    for intervals in (encounter.place_stays, encounter.ward_stays, encounter.leaves):
        for interval in intervals.filter(period__upper_inf=True):
            close(interval, at=at)


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
