"""Other kinds of visits in the invented region: group sessions that fill, are full and overbooked, and one that is
cancelled; a series, coordinated visits and a team visit (BO-02)."""

from datetime import time, timedelta

from scheduling import planning, slots
from scheduling.actions import appointments, plans, sessions
from sdv.common.errors import RuleError
from sdv.common.time import at_local, local_date

MINUTES = 60
NAMES = {"bryggan": ("Astmaskola", "Rökslutargrupp"), "medicin": ("Hjärtskola", "Diabetesskola")}


def fill(story):
    """Two sessions at each of two units on working days ahead."""
    for key, (first, second) in NAMES.items():
        unit = story.region.units[key]
        session = plan(story, unit, first, seats=6, days=4)
        take_part(story, unit, session, 3)
        extra = 1 if unit.row.allows_overbooking else 0
        session = plan(story, unit, second, seats=2, days=6, extra_seats=extra)
        take_part(story, unit, session, 2 + extra)
    session = plan(story, story.region.units["bryggan"], "Sömnskola", seats=6, days=8)
    take_part(story, story.region.units["bryggan"], session, 2)
    if session:
        sessions.cancel(session_id=session.pk, reason="Ledaren är sjuk", by=story.coordinator, at=story.at)

    unit = story.region.units["bryggan"]
    book_series(story, unit)
    book_together(story, unit)


def pair_of(unit, profession):
    """A return visit of the profession and who gives it."""
    return next(
        (visit_type, resource)
        for visit_type, resource in unit.bookable()
        if visit_type.profession.abbreviation == profession
        and visit_type.name.endswith("Återbesök")
        and visit_type.contact_form == "physical"
        and not visit_type.requires_place
    )


def visit_at(story, unit, slot, visit_type):
    story.taken[slot.resource.pk, local_date(slot.start)].append((slot.start, slot.end))
    return {
        "care_unit": unit.row,
        "visit_type": visit_type,
        "contact_reason_id": story.reason(visit_type).pk,
        "start": slot.start,
        "end": slot.end,
        "resource_ids": [slot.resource.pk],
    }


def book_series(story, unit):
    """Four visits to the physiotherapist, a week apart."""
    day = local_date(story.at) + timedelta(days=9)
    patient = story.patient(unit.key, day)
    visit_type, resource = pair_of(unit, "Fys")
    wish = planning.Wish(visit_type, resource.pk)
    first = at_local(day, time(9))
    found = planning.series(care_unit=unit.row, wish=wish, first=first, count=4, at=story.at)
    visits = [visit_at(story, unit, each.slot, visit_type) for each in found if each.slot]
    book_plan(story, patient, "series", visits)


def book_together(story, unit):
    """Nurse and doctor the same day, one after the other; and a team visit of the two another day."""
    day = local_date(story.at) + timedelta(days=5)
    patient = story.patient(unit.key, day)
    wishes = [planning.Wish(*_ids(pair_of(unit, profession))) for profession in ("Ssk", "Läk")]
    span = {"from_day": day, "to_day": day + timedelta(days=14)}
    found = planning.together(care_unit=unit.row, wishes=wishes, at=story.at, **span)
    visits = [visit_at(story, unit, each.slot, each.wish.visit_type) for each in found if each.slot]
    book_plan(story, patient, "coordinated", visits)
    (visit_type, nurse), (_, doctor) = pair_of(unit, "Ssk"), pair_of(unit, "Läk")
    both = slots.free(
        care_unit=unit.row,
        visit_type=visit_type,
        from_day=day,
        to_day=day + timedelta(days=14),
        at=story.at,
        resource_ids=[nurse.pk],
        together=[[doctor.pk]],
        limit=1,
    )
    patient = story.patient(unit.key, day)
    if both and patient:
        visit = visit_at(story, unit, both[0], visit_type)
        visit["resource_ids"].append(doctor.pk)
        appointments.book(patient_id=patient.pk, main_resource_id=doctor.pk, by=story.reception, at=story.at, **visit)


def _ids(pair):
    return pair[0], pair[1].pk


def book_plan(story, patient, kind, visits):
    if patient is None or len(visits) < 2:
        return
    plans.book(kind=kind, patient_id=patient.pk, visits=visits, by=story.reception, at=story.at)


def plan(story, unit, name, *, seats, days, extra_seats=0):
    """A session led by a nurse, on the first working day so far ahead when she has the time; else none."""
    pairs = [
        (visit_type, resource)
        for visit_type, resource in unit.bookable()
        if visit_type.profession.abbreviation == "Ssk"
        and visit_type.contact_form == "physical"
        and not visit_type.requires_place
        and not visit_type.is_diagnostic
    ]
    for ahead in range(days, days + 20):
        day = local_date(story.at) + timedelta(days=ahead)
        if day.isoweekday() > 5:
            continue
        for visit_type, resource in pairs[:1] + pairs[-1:]:
            start = story.slot(resource, MINUTES, day)
            if start is None:
                continue
            try:
                return sessions.plan(
                    care_unit=unit.row,
                    name=name,
                    visit_type=visit_type,
                    contact_reason_id=story.reason(visit_type).pk,
                    start=start,
                    end=start + timedelta(minutes=MINUTES),
                    seats=seats,
                    extra_seats=extra_seats,
                    resource_ids=[resource.pk],
                    by=story.coordinator,
                    at=story.at,
                )
            except RuleError:
                continue
    return None


def take_part(story, unit, session, how_many):
    """So many patients of the unit on the session, the last of them overbooked where it is full."""
    if session is None:
        return
    for number in range(how_many):
        if patient := story.patient(unit.key, local_date(session.start)):
            ground = None if unit.row.is_primary_care else story.commitment(unit, patient, on=local_date(story.at))
            sessions.book(
                session_id=session.pk,
                patient_id=patient.pk,
                commitment_id=ground.pk if ground else None,
                overbook=number >= session.seats,
                by=story.reception,
                at=story.at,
            )
