"""What a tidbok may say, and whom a change of it hits (BO-01, PL-02). Pure: facts in, reason or None out."""

from scheduling.rules import clock
from sdv.common.errors import RuleError

# So many bookings that a changed tidbok hits are told by their times.
SHOWN_HIT = 5


def hours_meet(one, other):
    """BO-01: whether two hours, of the week or of days, hold at the same time. Facts of the rows; None is without end."""
    of_week = hasattr(one, "weekday")
    if (one.weekday != other.weekday) if of_week else (one.day != other.day):
        return False
    if of_week:
        is_before = _is_before(one.valid_to, other.valid_from) or _is_before(other.valid_to, one.valid_from)
        if is_before:
            return False
    return one.from_time < other.to_time and other.from_time < one.to_time


def _is_before(last_day, first_day):
    return last_day is not None and first_day is not None and last_day < first_day


def hours_overlap(resource_name, day_text, from_time, to_time):
    """BO-01: a tidbok has a time once."""
    return RuleError(
        "BO-01",
        f"{resource_name} har redan tider {day_text} kl. {from_time:%H.%M}–{to_time:%H.%M} som gäller samtidigt."
        " Avsluta dem först, eller ange en annan tid.",
        code="hours_overlap",
    )


def first_of(starts):
    """The first of some times, as sentences say them."""
    more = " med flera" if len(starts) > SHOWN_HIT else ""
    return ", ".join(clock(start) for start in starts[:SHOWN_HIT]) + more


def bookings_hit(starts):
    """PL-02: a change of the tidbok is told whom it hits before it is saved, and is saved all the same where somebody
    says so."""
    one = len(starts) == 1
    return RuleError(
        "PL-02",
        f"{len(starts)} {'bokning' if one else 'bokningar'} får inte längre plats i tidboken: {first_of(starts)}."
        f" Spara ändå, så hamnar {'den' if one else 'de'} i Ombokningar, eller behåll tiderna.",
        code="bookings_hit",
        is_warning=True,
    )
