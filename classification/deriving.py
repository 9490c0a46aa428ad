"""Reads what the derived codes follow from (KL-04): for reports, exports and the coding panel."""

from django.db.models import Prefetch

from classification import derived
from registration.contact_types import contact_type, facts_of
from registration.models import EncounterParticipant


def with_derivation(encounters):
    """The queryset of encounters with what `derived_of` reads: two statements, however many rows."""
    participants = EncounterParticipant.objects.select_related("profession").order_by("-is_main_responsible", "id")
    return encounters.select_related("visit_type__visit_kind", "visit_type__profession").prefetch_related(
        Prefetch("participants", queryset=participants, to_attr="by_responsibility")
    )


def registration_of(encounter):
    """The facts as the encounter carries them. Who took part tells the professions; where nobody is named, as at an
    unbooked contact, a läkarbedömning does (VH-10), else the besökstyp."""
    facts = facts_of(encounter)
    people = getattr(encounter, "by_responsibility", None)
    if people is None:
        people = encounter.participants.select_related("profession").order_by("-is_main_responsible", "id")
    professions = tuple(person.profession.name for person in people)
    if not professions and encounter.assessed_at:
        professions = (derived.DOCTOR,)
    elif not professions and encounter.visit_type:
        professions = (encounter.visit_type.profession.name,)
    return derived.Registration(
        encounter_type=encounter.type_id,
        contact_type=contact_type(facts),
        channel=facts.channel,
        professions=professions,
        is_group=encounter.is_group,
        interpreter_used=encounter.interpreter_used,
        in_programme=encounter.in_programme,
    )


def derived_of(encounter):
    """The codes that reporting adds to an encounter, with what could not be derived."""
    return derived.derive(registration_of(encounter))
