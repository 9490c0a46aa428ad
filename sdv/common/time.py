"""Time as the instructions mean it: wall clock in Europe/Stockholm at the doors, UTC in the database, whole minutes.

Nothing below the doors reads the clock; `now()` is for doors and job starters only.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

STOCKHOLM = ZoneInfo("Europe/Stockholm")
ONE_DAY = timedelta(hours=24)
ONE_MINUTE = timedelta(minutes=1)


def minute(moment):
    """The moment in UTC with seconds cut away: registered times are whole minutes, so 23:59 is never before an arrival
    at 23:59:20. In UTC because sums and comparisons of two times of one zone go by wall clock in Python. Raises
    ValueError for a naive datetime."""
    if timezone.is_naive(moment):
        raise ValueError("a registered time needs a time zone")
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def now():
    """The present whole minute, UTC. Only doors and job starters call this."""
    return minute(timezone.now())


def local(moment):
    """The moment on Stockholm's clock."""
    return moment.astimezone(STOCKHOLM)


def local_date(moment):
    """The date in Stockholm at the moment."""
    return local(moment).date()


def at_local(day, clock):
    """Wall-clock `clock` on `day` in Stockholm. On the autumn night the first of two equal hours is meant."""
    return datetime.combine(day, clock, tzinfo=STOCKHOLM)


def end_of_day(day):
    """Wall-clock 23:59 on `day` (VH-17)."""
    return at_local(day, time(23, 59))


def start_of_day(day):
    return at_local(day, time(0, 0))


def day_range(day):
    """From midnight to the next midnight in Stockholm: 23, 24 or 25 hours."""
    return start_of_day(day), start_of_day(day + timedelta(days=1))


def elapsed(earlier, later):
    """Elapsed time, also across the clock change ("24 hours" is elapsed time). Python subtracts two datetimes of one
    zone by wall clock, hence the way over UTC."""
    return later.astimezone(UTC) - earlier.astimezone(UTC)


def age(birth, on):
    """Whole years lived on the date `on`; a 29 February birthday is kept on 1 March in other years."""
    if not isinstance(birth, date):
        return None
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
