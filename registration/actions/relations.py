"""Writes to relations: guardians as PU tells them, contact persons as users keep them, and the copies that a vårdhändelse
gets when it is created (RE-01…03)."""

from dataclasses import dataclass, replace
from datetime import date

from django.db import connection, transaction
from django.db.models import F

from registration import lifecycle, phones, relations
from registration.models import (
    Encounter,
    EncounterRelation,
    Patient,
    PatientHistory,
    PatientIdentity,
    PatientRelation,
    Protection,
    RelationKind,
)
from registration.models.relation import COPIED_FIELDS
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale

BY_HAND = "Registrerad för hand"
FROM_PU = "PU-tjänsten"
BATCH = 5000


# --- What PU tells ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ToldGuardian:
    """A guardian as PU tells of one. Identity and birth date may both be missing; of a protected one nothing but the
    identity is kept."""

    name: str = ""
    identity: str = ""
    birth_date: date | None = None
    relation: str = "vårdnadshavare"
    valid_from: date | None = None
    valid_to: date | None = None
    is_protected: bool = False

    def fields(self):
        """The columns that PU owns."""
        hidden = self.is_protected
        return {
            "name": "" if hidden else self.name,
            "relation": self.relation,
            "identity": self.identity,
            "birth_date": None if hidden else self.birth_date,
            "is_protected": hidden,
            "valid_from": self.valid_from,
            "valid_to": self.valid_to,
        }

    @property
    def key(self):
        return self.identity or (self.name, self.birth_date)


@transaction.atomic
def replace_guardians(*, patient_id, guardians, by, at, source=FROM_PU):
    """The patient's guardians are those PU tells of now (RE-01); what users have written on one that stays is kept. Copies
    on vårdhändelser are their own (RE-03) and stay. Returns whether anything changed; telling it twice changes nothing."""
    patient = Patient.objects.lock_present(patient_id)
    if patient.is_protected or relations.is_of_age(patient.birth_date, patient.birth_date_partial, local_date(at)):
        guardians = []
    hidden = _protected_among({guardian.identity for guardian in guardians if guardian.identity})
    guardians = [replace(each, is_protected=True) if each.identity in hidden else each for each in guardians]
    told = {guardian.key: guardian for guardian in guardians}
    changed = False
    for row in patient.relations.guardians().locked():
        guardian = told.pop(row.identity or (row.name, row.birth_date), None)
        if guardian is None:
            row.delete()
            changed = True
        elif wanted := _differing(row, guardian.fields()):
            if guardian.is_protected:
                wanted |= {"phone": "", "interpreter_language": "", "gets_letter_copy": False}
            _write(row, wanted)
            changed = True
    new = [
        PatientRelation(patient=patient, kind=RelationKind.GUARDIAN, source=source, **guardian.fields())
        for guardian in told.values()
    ]
    PatientRelation.objects.bulk_create(new)
    changed = changed or bool(new)
    if changed:
        _note(patient.pk, "guardians_told", "", by=by, at=at)
    return changed


def _protected_among(numbers):
    """Those of the numbers that are a protected patient's here: such a guardian is not named, whatever is told (SK-05)."""
    rows = PatientIdentity.objects.filter(value__in=numbers).exclude(patient__protection=Protection.NONE)
    return set(rows.values_list("value", flat=True))


def _differing(row, fields):
    return {name: value for name, value in fields.items() if getattr(row, name) != value}


# --- What users write ---------------------------------------------------------------------------------------------------


@transaction.atomic
def add_contact(*, patient_id, by, at, encounter_id=None, **fields):
    """A contact person of the patient, or of one vårdhändelse alone (RE-02, RE-03)."""
    patient, encounter = _lock_owner(patient_id, encounter_id)
    if unknown := set(fields) - relations.EDITABLE_ON_CONTACTS:
        raise InputError(**dict.fromkeys(unknown, "Uppgiften finns inte på en kontaktperson."))
    row = (
        EncounterRelation(encounter=encounter, kind=RelationKind.CONTACT, source=BY_HAND)
        if encounter
        else PatientRelation(patient=patient, kind=RelationKind.CONTACT, source=BY_HAND)
    )
    for name, value in _read({"name": ""} | fields).items():
        setattr(row, name, value)
    _check_dates(row)
    row.save(force_insert=True)
    _note(patient.pk, "contact_added", _where(encounter), by=by, at=at)
    return row


@transaction.atomic
def change(*, patient_id, relation_id, by, at, encounter_id=None, version=None, **changes):
    """Changes a contact person, or the three editable fields of a guardian (RE-01, RE-02); on a vårdhändelse without
    changing the patient (RE-03). Raises RelatedObject.DoesNotExist where it is not there."""
    patient, encounter = _lock_owner(patient_id, encounter_id)
    row = _lock_relation(patient, encounter, relation_id, version)
    differing = _differing(row, _read(changes))
    if refused := relations.change_refusal(row.kind, set(changes), is_protected=row.is_protected):
        raise refused
    if unknown := set(changes) - relations.EDITABLE_ON_CONTACTS:
        raise InputError(**dict.fromkeys(unknown, "Uppgiften kan inte ändras här."))
    if not differing:
        return row
    for name, value in differing.items():
        setattr(row, name, value)
    _check_dates(row)
    _write(row, differing)
    event = "guardian_edited" if row.kind == RelationKind.GUARDIAN else "contact_edited"
    _note(patient.pk, event, ", ".join([*_where_list(encounter), *sorted(differing)]), by=by, at=at)
    return row


@transaction.atomic
def remove(*, patient_id, relation_id, by, at, encounter_id=None, version=None):
    """Removes a contact person (RE-02). Guardians leave by PU or by age (RE-01)."""
    patient, encounter = _lock_owner(patient_id, encounter_id)
    row = _lock_relation(patient, encounter, relation_id, version)
    if refused := relations.removal_refusal(row.kind):
        raise refused
    row.delete()
    _note(patient.pk, "contact_removed", _where(encounter), by=by, at=at)


def _lock_owner(patient_id, encounter_id):
    """The patient, locked, and the vårdhändelse where one is meant. Refuses for protected persons (SK-02)."""
    patient = Patient.objects.lock_present(patient_id)
    if patient.is_protected:
        raise RuleError(
            "SK-02",
            "Patienten har skyddade personuppgifter: närstående visas inte och kan inte ändras.",
            code="protected",
        )
    if patient.merged_into_id:
        raise RuleError("RI-02", "Posten är sammanslagen med en annan. Sök fram patienten igen.", code="merged")
    if encounter_id is None:
        return patient, None
    encounter = Encounter.objects.locked().get(pk=encounter_id, patient=patient)
    if refused := lifecycle.read_only_refusal(encounter.type_id):
        raise refused
    return patient, encounter


def _lock_relation(patient, encounter, relation_id, version):
    row = (encounter or patient).relations.locked().get(pk=relation_id)
    refuse_stale(row, version)
    return row


def _read(fields):
    """The fields as they are kept: a phone number as E.164, texts without loose spaces at the ends."""
    read = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    if "name" in read and not read["name"]:
        raise InputError(name="Ange kontaktpersonens namn.")
    if "phone" in read:
        read["phone"] = phones.normalised(read["phone"])
        if read["phone"] is None:
            raise InputError(phone=phones.UNREADABLE)
    return read


def _check_dates(row):
    if row.valid_from and row.valid_to and row.valid_to < row.valid_from:
        raise InputError(valid_to="Relationen kan inte sluta innan den börjar. Rätta datumen.")


def _write(row, fields):
    for name, value in fields.items():
        setattr(row, name, value)
    row.version += 1
    row.save(update_fields=[*fields, "version"])


def _where_list(encounter):
    return [f"vårdhändelse {encounter.number}"] if encounter else []


def _where(encounter):
    return "".join(_where_list(encounter))


def _note(patient_id, event, detail, *, by, at):
    """The patient's history says that and where, never what: relations are personal data (SK-02)."""
    PatientHistory.objects.create(patient_id=patient_id, event=event, detail=detail[:300], by=by, at=at)


# --- The copy on a vårdhändelse, and the 18th birthday --------------------------------------------------------------------

# A partial birth date means its last day, as registration.relations.last_day does.
_BORN = """COALESCE(p.birth_date, (to_date(
    CASE length(p.birth_date_partial) WHEN 4 THEN p.birth_date_partial || '-12' ELSE NULLIF(p.birth_date_partial, '') END,
    'YYYY-MM') + interval '1 month - 1 day')::date)"""
_IS_OF_AGE = f"{_BORN} <= (%(day)s::date - interval '18 years')::date"
_COLUMNS = ", ".join(COPIED_FIELDS)

_COPY = f"""
INSERT INTO registration_encounterrelation (id, encounter_id, {_COLUMNS})
SELECT uuidv7(), %(encounter)s, {", ".join(f"r.{name}" for name in COPIED_FIELDS)}
FROM registration_patientrelation r JOIN registration_patient p ON p.id = r.patient_id
WHERE r.patient_id = %(patient)s AND p.protection = ''
    AND (r.valid_from IS NULL OR r.valid_from <= %(day)s) AND (r.valid_to IS NULL OR r.valid_to >= %(day)s)
    AND (r.kind <> 'guardian' OR ({_IS_OF_AGE}) IS NOT TRUE)
ORDER BY r.id
"""


def copy_to(encounter, *, at):
    """RE-03: the new vårdhändelse gets the patient's relations as they are now, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_COPY, {"encounter": encounter.pk, "patient": encounter.patient_id, "day": local_date(at)})


# Ended vårdhändelser keep their guardians, and so does one that is opened again for correction: the clock leaves it alone.
_OF_AGE = f"""
WITH with_guardians AS (
    SELECT patient_id AS id FROM registration_patientrelation WHERE kind = 'guardian'
    UNION
    SELECT e.patient_id FROM registration_encounter e JOIN registration_encounterrelation r ON r.encounter_id = e.id
    WHERE e.status <> 'ended' AND NOT e.is_reopened AND r.kind = 'guardian'
), due AS (
    SELECT p.id FROM registration_patient p
    WHERE p.id IN (SELECT id FROM with_guardians) AND p.deceased_on IS NULL AND {_IS_OF_AGE}
    ORDER BY p.id
    LIMIT %(batch)s
    FOR NO KEY UPDATE OF p SKIP LOCKED
), left_patient AS (
    DELETE FROM registration_patientrelation r USING due WHERE r.patient_id = due.id AND r.kind = 'guardian'
    RETURNING r.patient_id
), left_encounters AS (
    DELETE FROM registration_encounterrelation r USING registration_encounter e, due
    WHERE r.encounter_id = e.id AND e.patient_id = due.id AND e.status <> 'ended' AND NOT e.is_reopened
        AND r.kind = 'guardian'
    RETURNING e.patient_id
), noted AS (
    INSERT INTO registration_patienthistory (id, patient_id, event, detail, by_id, at)
    SELECT uuidv7(), patient_id, 'guardians_of_age', '', NULL, %(at)s
    FROM (SELECT patient_id FROM left_patient UNION SELECT patient_id FROM left_encounters) AS gone
    ORDER BY patient_id
)
SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM left_patient), (SELECT count(*) FROM left_encounters)
"""
_OF_AGE_WAITING = f"""
SELECT count(*) FROM registration_patient p
WHERE p.deceased_on IS NULL AND {_IS_OF_AGE} AND (
    EXISTS (SELECT FROM registration_patientrelation r WHERE r.patient_id = p.id AND r.kind = 'guardian')
    OR EXISTS (SELECT FROM registration_encounter e JOIN registration_encounterrelation r ON r.encounter_id = e.id
        WHERE e.patient_id = p.id AND e.status <> 'ended' AND NOT e.is_reopened AND r.kind = 'guardian'))
"""


def guardians_of_age(*, at, dry_run=False):
    """RE-01, RE-03: guardians leave the patient, and vårdhändelser that have not ended, on the 18th birthday (the job
    guardians-of-age). A statement a batch; what another worker holds is found the next time. Returns how many patients."""
    parameters = {"day": local_date(at), "at": at, "batch": BATCH}
    if dry_run:
        return _one(_OF_AGE_WAITING, parameters)[0]
    patients = 0
    while True:
        due, _, _ = _one(_OF_AGE, parameters)
        patients += due
        if due < BATCH:
            return patients


def _one(statement, parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def purge(*, patient_id):
    """SK-02: nothing of a protected patient's relations is kept, on no vårdhändelse either. Inside the caller's
    transaction; returns how many rows are gone."""
    gone, _ = PatientRelation.objects.filter(patient_id=patient_id).delete()
    copies, _ = EncounterRelation.objects.filter(encounter__patient_id=patient_id).delete()
    return gone + copies


def hide_guardian(*, numbers):
    """SK-05: somebody who is a guardian of others got protected personal data: there they are named no longer, on no
    vårdhändelse either. A contact person has no number, so nobody can tell who it is. Returns how many rows."""
    hidden = {"name": "", "birth_date": None, "phone": "", "interpreter_language": "", "gets_letter_copy": False}
    return sum(
        model.objects.guardians()
        .filter(identity__in=numbers, is_protected=False)
        .update(**hidden, is_protected=True, version=F("version") + 1)
        for model in (PatientRelation, EncounterRelation)
    )
