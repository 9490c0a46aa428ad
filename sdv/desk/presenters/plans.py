"""What is planned together, as the pages show it (BO-02, PL-08)."""

from dataclasses import dataclass

from scheduling.actions import plans
from scheduling.models import Appointment
from sdv.common.dates import long_date
from sdv.common.presenting import Tag
from sdv.common.time import local, local_date
from sdv.desk.presenters.booking import value_of, who


@dataclass(frozen=True)
class Proposed:
    """A proposed visit: its number, what, and the times it can have, the proposed one first."""

    number: int
    visit: str
    wished: str
    choices: tuple
    is_misfit: bool


def proposed(found):
    """Proposals with the misfits first (PL-08)."""
    rows = [
        Proposed(
            number=number,
            visit=each.wish.visit_type.name,
            wished=_when(each.wished) if each.wished else "",
            choices=tuple((value_of(slot), f"{_when(slot.start)}, {who(slot.resource)}") for slot in _times(each)),
            is_misfit=each.is_misfit,
        )
        for number, each in enumerate(found, start=1)
    ]
    return sorted(rows, key=lambda row: not row.is_misfit)


def _times(proposal):
    first = [proposal.slot] if proposal.slot else []
    return first + [slot for slot in proposal.alternatives if slot is not proposal.slot]


def _when(moment):
    return f"{long_date(local_date(moment))} {local(moment):%H:%M}"


def others(appointment):
    """The other living visits of the plan at the unit, in words: whoever changes one is told of them."""
    if appointment.plan_id is None:
        return []
    rows = Appointment.objects.living().filter(plan=appointment.plan_id, care_unit=appointment.care_unit_id)
    rows = rows.exclude(pk=appointment.pk).select_related("encounter__visit_type").order_by("start")
    return [f"{_when(row.start)} {row.encounter.visit_type.name}" for row in rows]


def rest(appointment, *, at):
    """How many later visits of the plan are left after a booked one."""
    return plans.rest_of(appointment, at=at).count()


def tag_of(appointment):
    """The kind of a booking as a tag, or None: for the ordinary there is nothing to say. Load session and plan."""
    if appointment.session_id:
        return Tag("info", "", f"Grupp: {appointment.session.name}")
    if appointment.plan_id:
        return Tag("info", "", appointment.plan.get_kind_display())
    return Tag("info", "", "Team") if appointment.kind == "team" else None
