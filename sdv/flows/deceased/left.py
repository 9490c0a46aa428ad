"""What the cascade, and its undo, leave to people (AV-02, AV-03, PL-07)."""

from dataclasses import dataclass

from registration import lifecycle
from registration.models import Encounter
from scheduling import slots
from scheduling.models import Appointment

from .bookings import day_after

# So many times are proposed for each booking, and for so many bookings: the rest are booked from the list.
TIMES, BOOKINGS = 3, 20


def left_to_do(cascade):
    """Contacts that go on, ended by hand, and Uteblivna dated after the death, to be corrected (AV-02)."""
    own = Encounter.objects.filter(patient=cascade.patient_id).select_related("type", "care_unit").order_by("start")
    ongoing = own.filter(status=lifecycle.Status.IN_PROGRESS)
    missed = own.filter(type=lifecycle.NO_SHOW_TYPE, start__gte=day_after(cascade))
    return [*ongoing, *missed]


def what_to_do(encounter):
    """What a person does with something that the cascade left (AV-02)."""
    if encounter.type_id == lifecycle.NO_SHOW_TYPE:
        return "Ångra utebliven: patienten var avliden, och besöket avbokas av vårdgivaren."
    return "Skriv ut eller checka ut för hand."


@dataclass(frozen=True)
class Proposal:
    """What could not be restored, and the next free times of the same kind where a new one is to be booked."""

    consumer: str
    row_id: str
    sentence: str
    proposal: str
    appointment: object = None
    times: tuple = ()


def proposals(cascade, *, at):
    """What the undo of the cascade could not restore, each with what to do instead (AV-03, PL-07)."""
    rows = cascade.not_restored
    wanted = [row["row_id"] for row in rows if row["proposal"] == "book"][:BOOKINGS]
    related = ("care_unit", "encounter__visit_type", "encounter__contact_reason")
    lost = Appointment.objects.filter(pk__in=wanted).select_related(*related).prefetch_related("resources")
    lost = {str(row.pk): row for row in lost}
    found = []
    for row in rows:
        appointment = lost.get(row["row_id"])
        times = _times(appointment, at) if appointment else ()
        found.append(Proposal(**row, appointment=appointment, times=tuple(times)))
    return found


def _times(appointment, at):
    return slots.next_free(
        care_unit=appointment.care_unit,
        visit_type=appointment.encounter.visit_type,
        at=at,
        start=max(appointment.start, at),
        resource_ids=[resource.pk for resource in appointment.resources.all()],
        count=TIMES,
    )
