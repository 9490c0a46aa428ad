"""The one door to what 1177 journal and NPÖ are told of a patient's contacts (VH-20): those that answer them, and those
that tell the engagement index what there is, take it from here.

Told is what has ended and is reported: not what is planned, goes on or has been opened again, not Annullerad, Utebliven,
Admin, Foster, Historisk, and not a contact between staff (DI-07). Of a protected person nothing is told (SK-05)."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from django.db.models import Prefetch

from registration.lifecycle import INPATIENT, NEWBORN, OBSERVATION, ONGOING_TREATMENT, Status
from registration.models import (
    ContactForm,
    Encounter,
    EncounterParticipant,
    EngagementEntry,
    Patient,
    PatientIdentity,
    Protection,
)
from sdv.common.time import local_date
from sdv.organisation.models import CareProvider

# What lasts from its start to its end; any other contact is told by its start alone.
LASTS = (INPATIENT, OBSERVATION, NEWBORN, ONGOING_TREATMENT)
# Numbers that the index has entries for: the national ones, in the spelling it takes. The local ones are nobody's but ours.
INDEXED = re.compile(r"[0-9]{8}[0-9A-Z]{4}")


class Kind(StrEnum):
    """What a contact is, as far as others are told."""

    VISIT = "visit"
    PHONE = "phone"
    VIDEO = "video"
    TEXT = "text"
    STAY = "stay"
    OBSERVATION = "observation"
    NEWBORN = "newborn"
    TREATMENT = "treatment"


@dataclass(frozen=True)
class Part:
    """A part of the organisation: its HSA-id and name."""

    hsa_id: str
    name: str


@dataclass(frozen=True)
class ToldContact:
    """An ended contact as told to others. Neither codes, reason nor who booked it: the contract has no place for them, or
    means the patient's own words."""

    id: UUID
    registered_at: datetime
    kind: Kind
    start: datetime
    end: datetime
    is_broken_off: bool
    place: Part
    care_unit: Part
    care_provider: Part
    practitioner: Part | None
    profession: str

    def is_within(self, first, last):
        """Whether registration, start and end, taken as one interval of dates, overlap the asked dates."""
        days = [local_date(moment) for moment in (self.registered_at, self.start, self.end)]
        return min(days) <= last and max(days) >= first


@dataclass(frozen=True)
class AboutPatient:
    """What only a number without a register behind it needs: the birth date and the sex as known here."""

    birth_date: date | None
    sex: str


def told():
    """The vårdhändelser that are told of."""
    shown = {"patient__protection": Protection.NONE, "patient__merged_into__isnull": True}
    return Encounter.objects.filter(status=Status.ENDED, **shown).reported()


def patient_known_as(*, kind, value, issuer=""):
    """The patient with the number, present or earlier, or None; of a merged record the present one (PA-03, RI-02)."""
    found = PatientIdentity.objects.filter(kind=kind, value=value)
    row = (found.filter(issuer=issuer) if issuer else found).select_related("patient").first()
    if row is None:
        return None
    patient = row.patient
    while patient.merged_into_id:
        patient = patient.merged_into
    return patient


def contacts_of(patient, *, care_units=(), care_providers=(), ids=None):
    """The patient's contacts that are told of, the latest first; of the units, vårdgivare and ids asked for, where any
    are (HSA-ids)."""
    rows = told().filter(patient=patient)
    if care_units:
        rows = rows.filter(care_unit__hsa_id__in=care_units)
    if care_providers:
        rows = rows.filter(care_unit__facility__care_provider__hsa_id__in=care_providers)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    main = EncounterParticipant.objects.filter(is_main_responsible=True).select_related("practitioner", "profession")
    rows = rows.select_related("care_unit__facility__care_provider", "reception").prefetch_related(
        Prefetch("participants", queryset=main, to_attr="main_responsible")
    )
    return [_told(row) for row in rows.order_by("-start", "-pk")]


def about(patient):
    """Who the patient is, to somebody who cannot ask the register; nothing of the protected (SK-02)."""
    return None if patient.is_protected else AboutPatient(patient.birth_date, patient.sex)


def _told(row):
    unit = row.care_unit
    provider = unit.facility.care_provider
    responsible = row.main_responsible[0] if row.main_responsible else None
    return ToldContact(
        id=row.pk,
        registered_at=row.created_at,
        kind=_kind(row),
        start=row.start,
        end=row.end if row.type_id in LASTS else row.start,
        is_broken_off=bool(row.broken_off),
        place=_part(row.reception or unit),
        care_unit=_part(unit),
        care_provider=_part(provider),
        practitioner=Part(responsible.practitioner.hsa_id, str(responsible.practitioner)) if responsible else None,
        profession=responsible.profession.name if responsible else "",
    )


def _part(row):
    return Part(row.hsa_id, row.name)


def _kind(row):
    stays = {
        INPATIENT: Kind.STAY,
        OBSERVATION: Kind.OBSERVATION,
        NEWBORN: Kind.NEWBORN,
        ONGOING_TREATMENT: Kind.TREATMENT,
    }
    at_a_distance = {
        ContactForm.PHONE: Kind.PHONE,
        ContactForm.VIDEO: Kind.VIDEO,
        ContactForm.TEXT: Kind.TEXT,
    }
    return stays.get(row.type_id) or at_a_distance.get(row.contact_form) or Kind.VISIT


# --- The engagement index -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Engagement:
    """An entry that the index holds, or is to hold."""

    identity: PatientIdentity
    care_provider: CareProvider


@dataclass(frozen=True)
class IndexState:
    """What the index should hold of a patient, and what it has been told to hold with the time of the last event."""

    wanted: frozenset
    held: dict


def index_state(patient_id):
    """Wanted: an entry for the primary number and each vårdgivare with something to tell. Held: whatever was told of any
    of the patient's numbers."""
    patient = _present(patient_id)
    numbers = {row.pk: row for row in patient.identities.all()}
    entries = EngagementEntry.objects.filter(identity__in=numbers).select_related("care_provider")
    held = {Engagement(numbers[row.identity_id], row.care_provider): row.most_recent_content for row in entries}
    primary = next((row for row in numbers.values() if row.is_primary and INDEXED.fullmatch(row.value)), None)
    with_contacts = told().filter(patient=patient).values("care_unit__facility__care_provider")
    providers = CareProvider.objects.filter(pk__in=with_contacts) if primary else ()
    return IndexState(frozenset(Engagement(primary, provider) for provider in providers), held)


def providers_of(encounter_ids):
    """The vårdgivare of the vårdhändelser."""
    at = Encounter.objects.filter(pk__in=encounter_ids).values("care_unit__facility__care_provider")
    return set(CareProvider.objects.filter(pk__in=at))


def patient_of(encounter_id):
    """Whose the vårdhändelse is."""
    return Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)


def _present(patient_id):
    patient = Patient.objects.get(pk=patient_id)
    while patient.merged_into_id:
        patient = patient.merged_into
    return patient
