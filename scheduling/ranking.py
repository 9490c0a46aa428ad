"""Who a freed time would suit best, and why (PL-01). Pure: what waits in, the order with its reasons out."""

from dataclasses import dataclass
from datetime import date

REASONS_SHOWN = 4


@dataclass(frozen=True)
class Waiting:
    """One who waits. `target` is the medicinskt måldatum or the last day asked for; None where nobody set one. `elsewhere`
    names the other unit of a shared list where the patient waits (PL-25)."""

    row: object
    first: date
    target: date | None
    wished_resource: str
    since: date
    elsewhere: str = ""


@dataclass(frozen=True)
class Ranked:
    """One who waits, with the place in the order and the reasons for it, the weightiest first."""

    row: object
    place: int
    days_over: int | None
    reasons: tuple


def rank(waiting, *, day, resource, resource_name):
    """The order for a time on the day with the resource: furthest over the target first, then nearest to it, those without
    a target last; equals by the wish for this vårdgivare, then by how long they have waited, at whichever unit of a shared
    list (PL-25). One whose interval has not begun, or who wishes somebody else, is not suited."""
    suited = [each for each in waiting if each.first <= day and each.wished_resource in ("", resource)]

    def key(each):
        return (
            each.target is None,
            each.target or date.max,
            each.wished_resource != resource,
            each.since,
        )

    return [
        Ranked(each.row, place, (day - each.target).days if each.target else None, reasons(each, day, resource_name))
        for place, each in enumerate(sorted(suited, key=key), start=1)
    ]


def reasons(each, day, resource_name):
    """In words, the weightiest first."""
    found = []
    if each.target is None:
        found.append("Inget måldatum")
    elif each.target < day:
        found.append(f"{_days((day - each.target).days)} över målet")
    elif each.target == day:
        found.append("Målet är samma dag")
    else:
        found.append(f"{_days((each.target - day).days)} kvar till målet")
    if each.wished_resource:
        found.append(f"Önskar {resource_name}")
    found.append(f"Har väntat {_days(max((day - each.since).days, 0))}")
    if each.elsewhere:
        found.append(f"Väntar på {each.elsewhere}, delad väntelista")
    return tuple(found[:REASONS_SHOWN])


def _days(count):
    return "1 dag" if count == 1 else f"{count} dagar"
