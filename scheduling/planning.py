"""What is proposed before anything is saved: the visits of a day, and the visits of a series (BO-02, PL-08)."""

from dataclasses import dataclass, field
from datetime import UTC, timedelta
from itertools import permutations

from scheduling import slots
from sdv.common.time import at_local, local, local_date

# A visit of a series that its own time does not suit is proposed within so many days after it.
NEAR = timedelta(days=6)
MOST_TOGETHER = 4
SHOWN_ALTERNATIVES = 5


@dataclass(frozen=True)
class Wish:
    """One of the visits to plan together: what, with whom where that is wished, at another unit where it is, and at which
    units besides."""

    visit_type: object
    resource_id: object = None
    care_unit: object = None
    also_units: tuple = ()


@dataclass
class Proposal:
    """A visit with the time proposed for it, or why there is none; with other times near it."""

    wish: Wish
    slot: object = None
    wished: object = None
    alternatives: list = field(default_factory=list)

    @property
    def is_misfit(self):
        """Whether nothing is free at the time that was wished."""
        return self.slot is None or (self.wished is not None and self.slot.start != self.wished)


def together(*, care_unit, wishes, from_day, to_day, at, by=None):
    """The first day when the visits fit one after the other, in the order with the least waiting between them; else the
    day when most of them do. A wish that names no unit is for `care_unit`. Returns the proposals in the order of the
    wishes."""
    by_day = [_by_day(care_unit, wish, from_day, to_day, at, by) for wish in wishes]
    best, fewest = None, len(wishes) + 1
    for day in sorted(set().union(*by_day)):
        chosen = _of_day([found.get(day, []) for found in by_day])
        missing = chosen.count(None)
        if missing < fewest:
            best, fewest = chosen, missing
        if not missing:
            break
    return [Proposal(wish, slot) for wish, slot in zip(wishes, best or [None] * len(wishes), strict=True)]


def _by_day(care_unit, wish, from_day, to_day, at, by):
    found = {}
    free = slots.free(
        care_unit=wish.care_unit or care_unit,
        also_units=wish.also_units,
        visit_type=wish.visit_type,
        from_day=from_day,
        to_day=to_day,
        at=at,
        by=by,
        resource_ids=[wish.resource_id] if wish.resource_id else None,
    )
    for slot in free:
        found.setdefault(local_date(slot.start), []).append(slot)
    return found


def _of_day(lists):
    """Times of one day, none at once for the patient: the order that leaves fewest out and ends first."""
    best = None
    for order in permutations(range(len(lists))):
        chosen, ends = [None] * len(lists), None
        for index in order:
            slot = next((slot for slot in lists[index] if ends is None or slot.start >= ends), None)
            if slot:
                chosen[index], ends = slot, slot.end
        starts = [slot.start for slot in chosen if slot]
        rank = (chosen.count(None), ends - min(starts) if starts else timedelta.max)
        if best is None or rank < best[0]:
            best = (rank, chosen)
    return best[1]


def dates(first, *, count, every_weeks=1, weekdays=()):
    """The starts of a series: the same clock on the wall, also over the clock changes. Without weekdays the first's."""
    start = local(first)
    wanted = sorted(weekdays) or [start.isoweekday()]
    monday = start.date() - timedelta(days=start.isoweekday() - 1)
    found, week = [], 0
    while len(found) < count:
        for weekday in wanted:
            day = monday + timedelta(weeks=week, days=weekday - 1)
            if day >= start.date() and len(found) < count:
                found.append(at_local(day, start.time()).astimezone(UTC))
        week += every_weeks
    return found


def series(*, care_unit, wish, first, count, at, every_weeks=1, weekdays=(), by=None):
    """A proposal for each visit of a series: its own time where it is free, else the nearest after it, told as a misfit.
    A wish that names no unit is for `care_unit`. The same number of queries however many visits and units."""
    starts = dates(first, count=count, every_weeks=every_weeks, weekdays=weekdays)
    free = slots.free(
        care_unit=wish.care_unit or care_unit,
        also_units=wish.also_units,
        visit_type=wish.visit_type,
        from_day=local_date(starts[0]),
        to_day=local_date(starts[-1]) + NEAR,
        at=at,
        by=by,
        resource_ids=[wish.resource_id] if wish.resource_id else None,
    )
    found, used = [], set()
    for number, start in enumerate(starts):
        until = min(start + NEAR, starts[number + 1]) if number + 1 < len(starts) else start + NEAR
        near = [
            slot
            for slot in free
            if local_date(start) <= local_date(slot.start) and slot.start < until and slot.start not in used
        ]
        near.sort(key=lambda slot: (abs(slot.start - start), slot.resource.name))
        chosen = near[0] if near else None
        if chosen:
            used.add(chosen.start)
        found.append(Proposal(wish, chosen, start, near[:SHOWN_ALTERNATIVES]))
    return found
