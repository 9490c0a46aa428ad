"""What is planned together, as the pages show it (BO-02, PL-08)."""

from dataclasses import dataclass

from scheduling.actions import plans
from scheduling.models import Appointment, LetterStatus
from sdv.common.dates import long_date
from sdv.common.presenting import Tag
from sdv.common.time import local, local_date
from sdv.desk.presenters.booking import overlap, value_of, who
from sdv.desk.presenters.day import WORDS_OF_KIND


@dataclass(frozen=True)
class Proposed:
    """A proposed visit: its number, what, and the times it can have, the proposed one first; `chosen` is what was sent, and
    `overlap` that the patient is booked already at the proposed time."""

    number: int
    visit: str
    wished: str
    choices: tuple
    is_misfit: bool
    overlap: str
    chosen: str | None


def proposed(found, *, busy=(), chosen=None):
    """Proposals with the misfits first, then those at a time when the patient is `busy`: told, and can be booked with a
    reason (PL-06, PL-08). `chosen` are the choices already made, by number."""
    rows = [
        Proposed(
            number=number,
            visit=_visit(each.wish),
            wished=_when(each.wished) if each.wished else "",
            choices=tuple((value_of(slot), _words(slot, busy, each.wish)) for slot in _times(each)),
            is_misfit=each.is_misfit,
            overlap=overlap(each.slot, busy) if each.slot else "",
            chosen=(chosen or {}).get(number),
        )
        for number, each in enumerate(found, start=1)
    ]
    return sorted(rows, key=lambda row: (not row.is_misfit, not row.overlap))


def _visit(wish):
    """What, and at which unit where the wish names one."""
    is_at_one = wish.care_unit and not wish.also_units
    return f"{wish.visit_type.name}, {wish.care_unit.short_name}" if is_at_one else wish.visit_type.name


def _words(slot, busy, wish):
    """When and with whom; at which unit where several are searched (PL-07)."""
    told = overlap(slot, busy)
    where = f", {slot.resource.care_unit.short_name}" if wish.also_units else ""
    return f"{_when(slot.start)}, {who(slot.resource)}{where}" + (f" ({told.lower()})" if told else "")


def _times(proposal):
    first = [proposal.slot] if proposal.slot else []
    return first + [slot for slot in proposal.alternatives if slot is not proposal.slot]


def _when(moment):
    return f"{long_date(local_date(moment))} {local(moment):%H:%M}"


def others(appointment):
    """The other living visits of the plan, in words, with their unit where it is another: whoever changes one is told."""
    if appointment.plan_id is None:
        return []
    rows = Appointment.objects.living().filter(plan=appointment.plan_id).exclude(pk=appointment.pk)
    rows = rows.select_related("encounter__visit_type", "care_unit").order_by("start")
    return [
        f"{_when(row.start)} {row.encounter.visit_type.name}"
        + ("" if row.care_unit_id == appointment.care_unit_id else f", {row.care_unit.short_name}")
        for row in rows
    ]


def rest(appointment, *, at):
    """How many later visits of the plan are left after a booked one."""
    return plans.rest_of(appointment, at=at).count()


def letters_told(rows):
    """What became of the letters of several bookings, for the receipt. Empty where none was written."""
    letters = [letter for row in rows for letter in row.letters_written]
    lacking = sum(letter.status == LetterStatus.BLOCKED for letter in letters)
    told = [f"{len(letters) - lacking} brev skrivna. "] if len(letters) > lacking else []
    return "".join([*told, *([f"{lacking} brev saknar uppgift, se Brev. "] if lacking else [])])


def tag_of(appointment):
    """The kind of a booking as a tag, or None: for the ordinary there is nothing to say. Load session and plan."""
    if appointment.session_id:
        return Tag("info", "", f"Grupp: {appointment.session.name}")
    if appointment.plan_id:
        return Tag("info", "", appointment.plan.get_kind_display())
    word = WORDS_OF_KIND.get(appointment.kind)
    return Tag("info", "", word) if word else None
