"""Deaths of the invented region: known by hand and told by the register, one with the month alone, one taken back, one
undone, and letters to relatives (AV-01…03, PL-22)."""

from datetime import timedelta

from registration.actions import orders
from registration.models import Encounter
from scheduling.actions import letters
from sdv.flows import deceased

from . import people

LETTER = """Vi beklagar sorgen.

Hos oss finns egna saker som tillhörde er anhörige. Ring mottagningen, så kommer vi överens om hur ni får dem.

Med vänlig hälsning
Personalen"""


def fill(story):
    """So many by hand, and five more that show what else can be. Nobody dies who has something going on."""
    support, unit = story.region.users["support"], story.region.units["medicin"].row
    old = people.of_age(story.everyone, 60, 110, at=story.at)
    going_on = set(Encounter.objects.in_progress().values_list("patient_id", flat=True))
    chosen = [patient for patient in old if patient.pk not in going_on and patient.pk not in story.seen[story.today]]
    chosen = story.rng.sample(chosen, min(len(chosen), story.some(24) + 5))
    *by_hand, known, month, taken_back, undone, written = chosen if len(chosen) > 5 else [*chosen, *[None] * 5]
    if written:
        _ordered(story, written, unit)
    for patient in (*by_hand, undone, written):
        if patient:
            _by_hand(story, patient, support)
    day = (story.today - timedelta(days=2)).isoformat()
    for patient, died_on in ((known, day), (month, day[:7]), (taken_back, day)):
        if patient:
            deceased.told_by_register(patient_id=patient.pk, died_on=died_on, at=story.at)
    deceased.run_pending(at=story.at)
    if taken_back:
        deceased.told_by_register(patient_id=taken_back.pk, died_on="", at=story.at)
    if undone:
        deceased.undo(patient_id=undone.pk, reason="Fel patient valdes", by=support, at=story.at)
    if written:
        _letters(story, written, unit)


def _by_hand(story, patient, support):
    deceased.register(patient_id=patient.pk, deceased_on=story.today, by=support, at=story.at, reason="Dödsbevis")


def _ordered(story, patient, unit):
    """An ordination to come, which the death cancels (AV-02)."""
    orders.place(
        patient_id=patient.pk,
        care_unit=unit,
        what="Blodstatus",
        planned_on=story.today + timedelta(days=7),
        by=story.region.users["kliniker"],
        at=story.at - timedelta(days=1),
    )


def _letters(story, patient, unit):
    by = story.region.users["koordinator"]
    words = {"name": "Kerstin Dahl", "address": "Ågatan 4\n271 00 Åsby", "heading": "Till dig som är närstående"}
    for body in (LETTER, f"{LETTER}\n\nPS. Vi har öppet 8–16."):
        letter = letters.write_to_relatives(
            patient_id=patient.pk,
            care_unit=unit,
            **words,
            body=body,
            reason="Tillhörigheter finns kvar",
            by=by,
            at=story.at,
        )
    letters.confirm_printed(letter_id=letter.pk, by=by, at=story.at)
