"""Wished, offered and booked date in words, beside each other (PL-09)."""

from scheduling.dates import OFFER_ANSWERS
from sdv.desk.presenters.rows import stamp


def facts(dates):
    """(word, value) of those that are known; the time that is booked now is told by whoever shows the booking."""
    found = [
        ("Önskat datum", wished(dates)),
        ("Erbjudna tider", offered(dates)),
        ("Först bokad till", stamp(dates.first_booked) if dates.is_moved else ""),
    ]
    return [(word, text) for word, text in found if text]


def wished(dates):
    """2026-12-01, or 2026-12-01 till 2026-12-14."""
    if dates.wished_first is None:
        return ""
    first, last = dates.wished_first.isoformat(), dates.wished_last.isoformat()
    return first if first == last else f"{first} till {last}"


def offered(dates):
    """2026-12-03 09:00, tackat nej; 2026-12-05 10:00, tackat ja."""
    return "; ".join(f"{stamp(each.period.lower)}, {OFFER_ANSWERS[each.status]}" for each in dates.offered)


def line(dates):
    """The three as one line of a row that tells the booked time itself."""
    return " · ".join(f"{word} {text}" for word, text in facts(dates))


def line_of_request(dates):
    """What a row with the wished interval in its columns says besides: what was offered, and what was booked and is no
    more."""
    found = [f"Erbjuden {offered(dates)}" if dates.offered else "", booked(dates)]
    return " · ".join(text for text in found if text)


def booked(dates):
    """Bokad 2026-12-05 10:00, först bokad till 2026-12-03 09:00; or what came of the booking."""
    if dates.booked is None:
        return ""
    first = f", först bokad till {stamp(dates.first_booked)}" if dates.is_moved else ""
    return f"{dates.booked.get_status_display()} {stamp(dates.booked.start)}{first}"
