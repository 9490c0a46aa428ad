"""The population register and the patients held here (PA-04): asked at the day's first search, chosen from when a person
is not known yet, and taken over as change requests under the patient's lock.

A register that does not answer never stops anybody: what is held is shown, with its age."""

import logging
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from registration import identities
from registration.actions import register as writes
from registration.actions import relations
from registration.models import Patient
from registration.population_register import (
    SOURCE,
    PersonRecord,
    RegisterIdentity,
    RegisterUnavailable,
    population_register,
)
from registration.register_changes import request
from sdv.common.errors import RuleError
from sdv.common.time import local_date
from sdv.flows import deceased, protection

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a record changed on a patient. `conflicts`: numbers of the person that stand on another patient (RI-02)."""

    words: tuple = ()
    conflicts: tuple = ()
    protection: str | None = None
    is_older: bool = False
    is_of_another: bool = False

    @property
    def is_changed(self):
        return bool(self.words) or self.protection is not None


@dataclass(frozen=True)
class Asked:
    """What came of asking at a search. `newcomer`: somebody whom the register knows and who is no patient here."""

    was_asked: bool = False
    is_unavailable: bool = False
    newcomer: PersonRecord | None = None


# --- One patient -----------------------------------------------------------------------------------------------------


@transaction.atomic
def take_over(*, patient_id, record, at):
    """Carries out what the record changes on the patient (PA-04, PA-05). Twice is once."""
    today = local_date(at)
    patient = _locked(patient_id)
    if patient.merged_into_id:
        # Merged since it was asked about: the present record is asked about by its own number.
        return Outcome()
    wanted = request(writes.held(patient, today=today), record, today=today)
    if wanted.is_older or wanted.is_of_another:
        return Outcome(is_older=wanted.is_older, is_of_another=wanted.is_of_another)
    if wanted.protection is not None:
        protection.arrives_from_register(patient, protection=wanted.protection, at=at)
        patient = _locked(patient_id)
    words, conflicts = writes.carry_out(patient, wanted, record=record, at=at)
    words += _guardians(patient, wanted.guardians, at=at)
    if wanted.died_on is not None and _tell_of_death(patient, wanted, at=at):
        words.append("avliden")
    return Outcome(tuple(words), tuple(conflicts), wanted.protection)


def _locked(patient_id):
    patients = writes.with_what_the_register_owns(Patient.objects.all())
    return patients.locked().get(pk=patient_id)


def _tell_of_death(patient, wanted, *, at):
    """Whether the register's word of a death, or that it no longer tells of one, was news (AV-01). A date that cannot be
    (before birth, to come) is left for people to find out."""
    before = (patient.deceased_on, patient.deceased_partial)
    try:
        deceased.told_by_register(
            patient_id=patient.pk,
            died_on=wanted.died_on,
            was_found=wanted.was_found_dead and bool(wanted.died_on),
            at=at,
        )
    except RuleError as refused:
        logger.warning("a death told by the register was not taken over: %s", refused.code)
        return False
    patient.refresh_from_db(fields=["deceased_on", "deceased_partial"])
    return before != (patient.deceased_on, patient.deceased_partial)


def _guardians(patient, told, *, at):
    """Replaces the guardians by those told of (RE-01); the words of what changed. What users wrote on one that stays is
    kept by the action."""
    if told is None:
        return []
    guardians = [guardian for relation in told if (guardian := _guardian(relation, local_date(at)))]
    is_changed = relations.replace_guardians(patient_id=patient.pk, guardians=guardians, by=None, at=at, source=SOURCE)
    return ["vårdnadshavare"] if is_changed else []


def _guardian(relation, today):
    """None for one whose guardianship has ended."""
    until = _whole(relation.until)
    if relation.until and relation.until < today.isoformat():
        return None
    name = relation.name
    words = [name.given_name, name.middle_name, name.surname] if name else []
    return relations.ToldGuardian(
        name=" ".join(word for word in words if word)[:200],
        identity=relation.identity.value if relation.identity else "",
        birth_date=_whole(relation.born),
        valid_from=_whole(relation.since),
        valid_to=until,
    )


def _whole(told):
    return date.fromisoformat(told) if len(told) == len("2026-11-26") else None


# --- Search ------------------------------------------------------------------------------------------------------------


def ask_at_search(text, *, at, strangers=True):
    """Asks about the one person a typed number means: a patient only at the first search of the calendar day, whoever
    searches (PA-04). Whoever comes second meanwhile sees what is held, and waits for nobody. Without `strangers` only
    patients are asked about."""
    register = population_register()
    today = local_date(at)
    try:
        parsed = identities.parse(text, today=today)
    except identities.IdentityError:
        return Asked()
    if register is None:
        return Asked()
    rows = Patient.objects.with_identity(text, today=today)
    known = list(writes.with_what_the_register_owns(rows)[:2])
    if len(known) > 1:
        return Asked()
    if known:
        return _ask_about_patient(register, known[0], at=at)
    if parsed.kind not in identities.PRIMARY_KINDS or not strangers:
        return Asked()
    return _ask_about_stranger(register, RegisterIdentity(parsed.kind, parsed.value), at=at)


def _ask_about_patient(register, patient, *, at):
    asked = primary_of(patient)
    if asked is None:
        return Asked()
    today, before = local_date(at), patient.register_asked_on
    # One statement decides who asks: of two searches at once the second finds the day taken.
    mine = Patient.objects.filter(pk=patient.pk).exclude(register_asked_on=today)
    if not mine.update(register_asked_on=today):
        return Asked()
    try:
        told = register.fetch([asked], with_relations=writes.is_minor(patient, today))
        if record := told.get(asked):
            take_over(patient_id=patient.pk, record=record, at=at)
    except RegisterUnavailable:
        # The next search may have more luck.
        Patient.objects.filter(pk=patient.pk, register_asked_on=today).update(register_asked_on=before)
        return Asked(was_asked=True, is_unavailable=True)
    return Asked(was_asked=True, is_unavailable=asked not in told)


def _ask_about_stranger(register, asked, *, at):
    try:
        told = register.fetch([asked])
    except RegisterUnavailable:
        return Asked(was_asked=True, is_unavailable=True)
    record = told.get(asked)
    if record is None:
        return Asked(was_asked=True, is_unavailable=asked not in told)
    if known := _held_as(record.identity):
        # Asked by an old number: the person is here under the new one, which now leads from the old (PA-03).
        take_over(patient_id=known, record=record, at=at)
        return Asked(was_asked=True)
    return Asked(was_asked=True, newcomer=record)


def primary_of(patient):
    """What the register is asked by; None for a patient without a number that it knows."""
    row = next((row for row in patient.known_identities if row.is_primary), None)
    return RegisterIdentity(row.kind, row.value) if row and row.kind in identities.PRIMARY_KINDS else None


def _held_as(identity):
    rows = Patient.objects.present().filter(identities__kind=identity.kind, identities__value=identity.value)
    return rows.values_list("pk", flat=True).first()


# --- Choosing somebody new -----------------------------------------------------------------------------------------


def choose(*, identity, by, at):
    """Makes a patient of somebody whom the register knows, chosen in the result list (PA-04). The register is asked anew:
    what a page showed is not what is written. Returns the patient's id; one that somebody registered meanwhile is it."""
    today = local_date(at)
    try:
        parsed = identities.parse(identity, today=today)
    except identities.IdentityError as error:
        raise RuleError("PA-02", error.sentence, code="not_an_identity") from None
    asked = RegisterIdentity(parsed.kind, parsed.value)
    if known := _held_as(asked):
        return known
    record = _chosen(asked, today)
    if known := _held_as(record.identity):
        take_over(patient_id=known, record=record, at=at)
        return known
    try:
        with transaction.atomic():
            patient = writes.create(record=record, by=by, at=at)
            take_over(patient_id=patient.pk, record=record, at=at)
            Patient.objects.filter(pk=patient.pk).update(register_asked_on=today)
    except RuleError as refused:
        if refused.code == "already_known" and (known := _held_as(record.identity)):
            return known
        raise
    return patient.pk


def _chosen(asked, today):
    register = population_register()
    try:
        if register is None:
            raise RegisterUnavailable("not connected")
        told = register.fetch([asked])
        if asked not in told:
            raise RegisterUnavailable("no usable record")
        record = told[asked]
        if record is not None and _is_child(record, today):
            record = register.fetch([asked], with_relations=True).get(asked) or record
    except RegisterUnavailable:
        raise RuleError(
            "PA-04",
            "Personuppgiftstjänsten svarar inte just nu. Försök igen om en stund, eller registrera patienten för hand.",
            code="register_unavailable",
        ) from None
    if record is None:
        raise RuleError(
            "PA-04",
            "Numret finns inte i folkbokföringen. Kontrollera det, eller registrera patienten för hand.",
            code="not_in_register",
        )
    return record


def _is_child(record, today):
    return bool(record.born) and today.year - int(record.born[:4]) <= 18
