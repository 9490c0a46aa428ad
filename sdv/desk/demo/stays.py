"""The ward, the emergency department, the maternity ward and the dialysis of the invented region, as they are now:
places given, to be cleaned, permission, expected admissions, who has been seen, a birth prepared and one told
(VH-03, VH-09, VH-13)."""

from datetime import timedelta

from registration.actions import admissions, births, encounters, places, stays
from registration.lifecycle import EMERGENCY, INPATIENT
from registration.models import ContactReason
from registration.type_choice import ADMINISTRATIVE, DIRECT_ADMISSION, OBSERVATION_PLACE, ONGOING_TREATMENT
from sdv.common.errors import RuleError
from sdv.common.time import local_date, minute

MINUTE = timedelta(minutes=1)


def fill(story):
    """Everything at its own time, up to now."""
    _ward(story)
    _emergency(story)
    _maternity(story)
    _dialysis(story)


def _by(story, unit):
    return story.rng.choice(unit.clinicians)


def _ward(story):
    unit, at = story.region.units["avdelning"], minute(story.at)
    by = _by(story, unit)
    beds = list(unit.row.places.holdable().order_by("name"))
    here = list(unit.row.encounters.in_progress().filter(type=INPATIENT).order_by("start", "id"))
    # One has just gone home where there are enough left: the place is to be cleaned.
    gone, here = (here[:1], here[1:]) if len(here) > 2 else ([], here)
    for stay, bed in zip([*gone, *here], beds, strict=False):
        places.assign(encounter_id=stay.pk, place_id=bed.pk, by=by, at=min(at, stay.start + 5 * MINUTE))
        expected = local_date(at) + timedelta(days=story.rng.randint(-1, 5))
        known = {"expected_discharge_on": max(expected, local_date(stay.start))}
        if not stay.admitted_from:
            known["admitted_from"] = "home"
        stays.complete(encounter_id=stay.pk, by=by, at=at, **known)
    for stay in gone:
        encounters.discharge(encounter_id=stay.pk, discharged_to="home", by=by, at=at)
    if here and here[-1].start < at:
        stays.leave(encounter_id=here[-1].pk, expected_back=at + timedelta(hours=20), by=by, at=at)
    for days in (0, 1, 3):
        if patient := story.patient("avdelning", story.today + timedelta(days=days)):
            admissions.plan_admission(
                patient_id=patient.pk,
                care_unit=unit.row,
                expected_start=at + timedelta(days=days, hours=1),
                admitted_from="home",
                by=by,
                at=at,
            )


def _emergency(story):
    unit, at = story.region.units["akut"], minute(story.at)
    by, here = _by(story, unit), unit.row.encounters.in_progress().filter(type=EMERGENCY).order_by("start", "id")
    reasons = list(ContactReason.objects.valid_on(story.today).filter(is_unspecified=True, is_psychiatry_only=False))
    found = list(here)
    for number, visit in enumerate(found):
        visit.contact_reason = story.rng.choice(reasons)
        visit.save(update_fields=["contact_reason"])
        if number % 3:
            stays.assess(encounter_id=visit.pk, by=by, at=min(at, visit.start + story.rng.randint(5, 90) * MINUTE))
    spots = list(unit.row.places.holdable().order_by("name"))
    for visit, spot in zip(found[:2], spots, strict=False):
        admissions.continue_at(
            encounter_id=visit.pk,
            care_unit=unit.row,
            situation=OBSERVATION_PLACE,
            place_id=spot.pk,
            by=by,
            at=at,
        )
    if found[2:]:
        encounters.register_unbooked(
            patient_id=found[2].patient_id, care_unit=unit.row, situation=ADMINISTRATIVE, by=by, at=at
        )


def _maternity(story):
    unit, at = story.region.units["forlossning"], minute(story.at)
    by, bed = _by(story, unit), unit.row.places.holdable().order_by("-name").first()
    mother = next(
        (
            row
            for row in (story.patient("ungdom", story.today) for _ in range(20))
            if row and row.sex == "2" and not story.is_lying(row, at)
        ),
        None,
    )
    if mother is None:
        return
    stay = admissions.begin(
        patient_id=mother.pk,
        care_unit=unit.row,
        situation=DIRECT_ADMISSION,
        admitted_from="home",
        place_id=bed.pk,
        by=by,
        at=at,
    )
    try:
        births.prepare(mother_encounter_id=stay.pk, by=by, at=at, actor_hsa_id=unit.row.hsa_id)
    except RuleError:
        return  # No register is connected: the demo makes no number up (RI-01).


def _dialysis(story):
    unit, at = story.region.units["dialys"], minute(story.at)
    by = _by(story, unit)
    for days in (40, 200):
        if patient := story.patient("medicin", story.today - timedelta(days=days)):
            encounters.register_unbooked(
                patient_id=patient.pk,
                care_unit=unit.row,
                situation=ONGOING_TREATMENT,
                by=by,
                at=at - timedelta(days=days),
            )
