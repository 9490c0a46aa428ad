"""Free times as the booking pages show them: by day, each naming vårdgivare, enhet and form (PL-07)."""

from dataclasses import dataclass
from datetime import timedelta

from registration import type_choice
from registration.encounter_types import TYPES
from registration.models import ContactForm
from sdv.common.dates import WEEKDAYS, long_date
from sdv.common.time import local, local_date

SHOWN_TIMES = 60
SATURDAY = 5


def needs_commitment(unit, visit_type):
    """Whether a visit of the type at the unit hangs on a vårdåtagande of its own there (VH-08)."""
    return TYPES[type_choice.at_arrival(unit, visit_type)].requires_commitment


def why_not_at(unit, visit_type, commitments):
    """Why no time of the unit is shown for the besökstyp, as (rule, words); None where they are. `commitments` are the
    patient's open vårdåtaganden at the units that are searched."""
    if unit.care_area_id != visit_type.care_area_id:
        return "BT-01", f"{unit.short_name} har inte besökstypen."
    if needs_commitment(unit, visit_type) and not any(row.care_unit_id == unit.pk for row in commitments):
        return "VH-08", f"Patienten har inget öppet vårdåtagande på {unit.short_name}."
    return None


def commitment_at(unit, chosen, commitments):
    """The chosen vårdåtagande where it is the unit's, else the only one there; none that primary care has not chosen."""
    there = [row for row in commitments if row.care_unit_id == unit.pk]
    if chosen in there:
        return chosen
    return there[0] if len(there) == 1 and not unit.is_primary_care else None


@dataclass(frozen=True)
class FreeTime:
    """One free time. `value` is what its button sends: whose time, and when."""

    value: str
    row_id: str
    clock: str
    end_clock: str
    digits: str
    who: str
    unit: str
    form: str
    is_best: bool
    note: str
    others: int = 0


@dataclass(frozen=True)
class FreeDay:
    """The free times of a day."""

    heading: str
    times: tuple
    row_id: str = ""
    has_best: bool = False


def value_of(slot):
    """A slot as a form's value: resource and start."""
    return value_text(slot.resource.pk, slot.start, [row.pk for row in slot.others])


def value_text(resource_id, start, others=()):
    """Whose time, when, and what is had with it."""
    more = "|" + ",".join(str(pk) for pk in others) if others else ""
    return f"{resource_id}|{start.isoformat()}{more}"


def by_day(slots, *, wished=None, busy=()):
    """The free times grouped by day, the one that suits best marked: nearest the wished date, else the earliest.
    `busy` are the patient's own bookings as (start, end), told beside a time that overlaps (PL-06)."""
    slots = slots[:SHOWN_TIMES]
    if not slots:
        return []
    best, days = _best(slots, wished), {}
    for slot in slots:
        days.setdefault(local_date(slot.start), []).append(_time(slot, slot is best, overlap(slot, busy)))
    return [FreeDay(long_date(day), tuple(times)) for day, times in days.items()]


def week(slots, *, first, wished=None, busy=()):
    """The same times as a week from Monday `first`: a column a day, and none for a weekend without any. A moment stands
    once, with who has it first, and how many others are free then: they are found by vårdgivare or in the list."""
    best, days = _best(slots, wished), {first + timedelta(days=number): {} for number in range(7)}
    for slot in slots:
        days[local_date(slot.start)].setdefault(slot.start, []).append(slot)
    columns = []
    for day, moments in days.items():
        if not moments and day.weekday() >= SATURDAY:
            continue
        chosen = [(best if best in found else found[0], len(found) - 1) for found in moments.values()]
        times = tuple(_time(slot, slot is best, overlap(slot, busy), others=others) for slot, others in chosen)
        heading = f"{WEEKDAYS[day.weekday()]} {day.day}/{day.month}"
        columns.append(FreeDay(heading, times, f"dag-{day:%Y%m%d}", any(time.is_best for time in times)))
    return columns


def week_name(first):
    """Vecka 49, 30/11–6/12 2026."""
    last = first + timedelta(days=6)
    return f"Vecka {first.isocalendar().week}, {first.day}/{first.month}–{last.day}/{last.month} {last.year}"


def _best(slots, wished):
    if not slots:
        return None
    return min(slots, key=lambda slot: abs(local_date(slot.start) - wished)) if wished else slots[0]


def times(slots):
    """Free times as a plain row, for a refusal that offers the next ones (PL-07)."""
    return [_time(slot, False, local(slot.start).date().isoformat()) for slot in slots]


def _time(slot, is_best, note, *, others=0):
    start = local(slot.start)
    return FreeTime(
        value=value_of(slot),
        row_id=f"tid-{slot.resource.pk}-{start:%Y%m%d%H%M}",
        clock=f"{start:%H:%M}",
        end_clock=f"{local(slot.end):%H:%M}",
        digits=f"{start:%H%M}",
        who=", ".join([who(slot.resource), *(_who_of(row, slot) for row in slot.others)]),
        unit=slot.resource.care_unit.short_name,
        form=ContactForm(slot.contact_form).label.lower(),
        is_best=is_best,
        note=note,
        others=others,
    )


def _who_of(resource, slot):
    """What else is had, and from when where it is not all of the time (BO-02)."""
    return f"{who(resource)} från {local(slot.then_from):%H:%M}" if resource == slot.then else who(resource)


def hidden_text(hidden):
    """12 tider dolda: annan yrkeskategori (9), för kort (3): the rules that hid times of the tidböcker."""
    if not hidden:
        return ""
    parts = ", ".join(f"{rule} ({count})" for rule, count in hidden.most_common())
    total = sum(hidden.values())
    return f"{total} {'tid dold' if total == 1 else 'tider dolda'}: {parts}."


def who(resource):
    """The owner of a time, with the profession."""
    if not resource.practitioner_id:
        return resource.name
    return f"{resource.practitioner}, {resource.practitioner.profession.name.lower()}"


def overlap(slot, busy):
    """What is told beside a time when the patient is booked already (PL-06)."""
    return "Patienten har redan en tid då" if any(slot.start < end and start < slot.end for start, end in busy) else ""


def time_left(seconds):
    """What is left of a hold, in words, as the page first shows it; static/js/hold.js goes on."""
    if seconds <= 0:
        return "Tiden hålls inte längre. Den kan fortfarande vara ledig."
    minutes, rest = divmod(int(seconds), 60)
    parts = []
    if minutes:
        parts.append("1 minut" if minutes == 1 else f"{minutes} minuter")
    if rest:
        parts.append("1 sekund" if rest == 1 else f"{rest} sekunder")
    return f"Tiden hålls för dig i {' och '.join(parts)}."


def later(day):
    """The first day of the next week's times."""
    return day + timedelta(days=7)
