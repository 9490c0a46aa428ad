"""Group sessions of the invented region: one that fills, one that is full and overbooked, one that is cancelled (BO-02)."""

from datetime import timedelta

from scheduling.actions import sessions
from sdv.common.errors import RuleError
from sdv.common.time import local_date

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
            if not unit.row.is_primary_care:
                story.commitment(unit, patient, on=local_date(story.at))
            sessions.book(
                session_id=session.pk,
                patient_id=patient.pk,
                overbook=number >= session.seats,
                by=story.reception,
                at=story.at,
            )
