"""Visits by several professions and units in the invented region: a team one after the other, a team visit across units
with its consult, a consult for care that goes on at the ward, and coordinated visits at two units (BO-02, VH-10)."""

from datetime import timedelta

from registration.lifecycle import INPATIENT
from scheduling import planning, slots
from scheduling.actions import appointments
from sdv.common.time import local_date

from .kinds import book_plan, pair_of, visit_at

DAYS = 14
MINUTES_AFTER = 20


def fill(story):
    """One of each, on coming days with room."""
    bryggan, medicine = story.region.units["bryggan"], story.region.units["medicin"]
    one_after_the_other(story, bryggan)
    across_units(story, bryggan, medicine)
    for_the_ward(story, medicine)
    together_at_two(story, bryggan, medicine)


def _free(story, unit, pair, *, ahead, days=DAYS, **wanted):
    """The first free time of the pair from so many days ahead, or None."""
    visit_type, resource = pair
    first = local_date(story.at) + timedelta(days=ahead)
    found = slots.free(
        care_unit=unit.row,
        visit_type=visit_type,
        from_day=first,
        to_day=first + timedelta(days=days),
        at=story.at,
        resource_ids=[resource.pk],
        limit=1,
        **wanted,
    )
    return found[0] if found else None


def one_after_the_other(story, unit):
    """The nurse first, then the doctor: one visit, registered on the nurse."""
    nurse, doctor = pair_of(unit, "Ssk"), pair_of(unit, "Läk")[1]
    slot = _free(story, unit, nurse, ahead=6, then=(doctor.pk, MINUTES_AFTER))
    patient = story.patient(unit.key, local_date(slot.start)) if slot else None
    if patient is None:
        return
    visit = visit_at(story, unit, slot, nurse[0])
    visit["resource_ids"] = slot.resource_ids
    minutes = (slot.then_from - slot.start) // timedelta(minutes=1)
    parts = {slot.resource.pk: (0, minutes), doctor.pk: (minutes, MINUTES_AFTER)}
    appointments.book(patient_id=patient.pk, parts=parts, by=story.reception, at=story.at, **visit)


def across_units(story, unit, other):
    """A visit to the nurse; a doctor of the other unit meets the patient the same day, as a consult."""
    nurse = pair_of(unit, "Ssk")
    slot = _free(story, unit, nurse, ahead=7)
    patient = story.patient(unit.key, local_date(slot.start)) if slot else None
    if patient is None:
        return
    visit = visit_at(story, unit, slot, nurse[0])
    main = appointments.book(patient_id=patient.pk, by=story.reception, at=story.at, **visit)
    ahead = (local_date(slot.start) - local_date(story.at)).days
    _consult(story, other, main.encounter, ahead=ahead, days=0)


def for_the_ward(story, other):
    """Who is in the ward goes to a consult tomorrow or as soon as there is time."""
    ward = story.region.units["avdelning"].row
    if stay := ward.encounters.in_progress().filter(type=INPATIENT).order_by("-start", "id").first():
        _consult(story, other, stay, ahead=1)


def _consult(story, unit, contact, *, ahead, days=DAYS):
    doctor = pair_of(unit, "Läk")
    if slot := _free(story, unit, doctor, ahead=ahead, days=days):
        visit = visit_at(story, unit, slot, doctor[0])
        who = {"patient_id": contact.patient_id, "during_id": contact.pk}
        appointments.book(**who, by=story.reception, at=story.at, **visit)


def together_at_two(story, unit, other):
    """The nurse at one unit and the doctor at the other, the same day."""
    day = local_date(story.at) + timedelta(days=8)
    patient = story.patient(unit.key, day)
    if patient is None:
        return
    # Named: the patient may have others open there (VA-01).
    commitment = story.commitment(other, patient, on=local_date(story.at))
    (nurses_visit, nurse), (doctors_visit, doctor) = pair_of(unit, "Ssk"), pair_of(other, "Läk")
    wishes = [
        planning.Wish(nurses_visit, nurse.pk, unit.row),
        planning.Wish(doctors_visit, doctor.pk, other.row),
    ]
    span = {"from_day": day, "to_day": day + timedelta(days=DAYS)}
    found = planning.together(care_unit=unit.row, wishes=wishes, at=story.at, **span)
    visits = [
        visit_at(story, where, each.slot, each.wish.visit_type)
        for where, each in zip((unit, other), found, strict=True)
        if each.slot
    ]
    visits = [each | {"commitment_id": commitment.pk} if each["care_unit"] == other.row else each for each in visits]
    book_plan(story, patient, "coordinated", visits)
