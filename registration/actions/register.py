"""Writes of what a population register tells (PA-04): carries out a change request under the patient's lock, with history,
and creates the patient of a person not known here. Protection and death reach further than the patient and are carried
out by sdv.flows.register."""

from datetime import date

from django.db import IntegrityError, transaction

from registration import names
from registration.actions import engagements
from registration.models import (
    AddressKind,
    Patient,
    PatientAddress,
    PatientHistory,
    PatientIdentity,
    Sex,
)
from registration.population_register import SOURCE, RegisterAddress
from registration.register_changes import ABROAD, HOME, OWNED_FIELDS, SPECIAL, Held, HeldIdentity, Request
from sdv.common.errors import RuleError
from sdv.common.time import age, local_date

NAME_FIELDS = ("given_name", "middle_name", "surname")
ADDRESS_FIELDS = ("care_of", "street", "postal_code", "town", "country")
IDENTITY_FIELDS = ("kind", "value", "is_primary", "level", "level_on", "register_status", "register_status_cause")


def with_what_the_register_owns(patients):
    """Patients with all that `held` reads, in two further queries."""
    return patients.with_primary_identity().select_related("reserve_decision").prefetch_related("addresses__kind")


def held(patient, *, today):
    """What is held of the patient of what the register owns."""
    return Held(
        fields={name: getattr(patient, name) for name in OWNED_FIELDS},
        identities=tuple(
            HeldIdentity(**{name: getattr(row, name) for name in IDENTITY_FIELDS}) for row in patient.known_identities
        ),
        addresses={
            row.kind.code: RegisterAddress(**{name: getattr(row, name) for name in ADDRESS_FIELDS})
            for row in patient.addresses.all()
            if _is_of_the_register(row)
        },
        protection=patient.protection,
        is_protected_by_hand=patient.protection_set_by_id is not None,
        is_kept_apart=hasattr(patient, "reserve_decision"),
        died_on=patient.deceased_partial or (patient.deceased_on.isoformat() if patient.deceased_on else ""),
        is_minor=is_minor(patient, today),
        version=patient.register_version,
    )


def is_minor(patient, today):
    """Whether guardians may be told of (RE-01); one whose birth date nobody knows has none."""
    born = patient.birth_date or _latest(patient.birth_date_partial)
    return born is not None and patient.deceased_on is None and age(born, today) < 18


def _latest(partial):
    """The last day that a partly known birth date may mean."""
    if not partial:
        return None
    year, _, month = partial.partition("-")
    return date(int(year), int(month or 12), 28)


def _is_of_the_register(address):
    """A locked kind belongs to the register; of the others only what it has entered (PA-07)."""
    return address.kind.code in (HOME, SPECIAL) or (address.kind.code == ABROAD and address.source == SOURCE)


def carry_out(patient: Patient, wanted: Request, *, record, at):
    """Writes a request on a locked patient, except protection, death and guardians. Returns the Swedish words of what was
    changed, and those of numbers that stand on another patient and were left (a double to merge, RI-02)."""
    kept = {}
    numbers = [*([wanted.primary] if wanted.primary else []), *wanted.also_known]
    for identity in numbers:
        kept[identity] = _add_identity(patient, identity, is_primary=identity == wanted.primary, at=at)
    conflicts = [identity for identity, was_kept in kept.items() if not was_kept]
    if wanted.identity_facts:
        own = patient.identities.filter(kind=record.identity.kind, value=record.identity.value)
        own.update(**wanted.identity_facts)
    for kind, address in wanted.addresses.items():
        _set_address(patient, kind, address)
    for name, value in wanted.fields.items():
        setattr(patient, name, value)
    if set(wanted.fields) & set(NAME_FIELDS):
        patient.search_name = names.search_text(patient.given_name, patient.middle_name, patient.surname)
        patient.sort_key = names.sort_key(patient.surname, patient.given_name)
    words = [word for word in wanted.words if word not in ("nytt nummer", "länkat nummer")]
    if wanted.primary and kept[wanted.primary]:
        words.append("nytt nummer")
        engagements.look_again(patient.pk)
    words += ["länkat nummer"] if any(kept[identity] for identity in wanted.also_known) else []
    if words:
        patient.version += 1
        PatientHistory.objects.create(
            patient=patient, event="register_told", detail=", ".join(words)[:300], by=None, at=at
        )
    _confirm(patient, record, at)
    patient.save(
        update_fields=[
            *wanted.fields,
            "search_name",
            "sort_key",
            "version",
            "source",
            "confirmed_at",
            "register_version",
        ]
    )
    return words, conflicts


def _confirm(patient, record, at):
    patient.source, patient.confirmed_at = SOURCE, at
    patient.register_version = record.version or patient.register_version


def confirm(patient_ids, *, at):
    """Patients of whom the register told nothing new; one statement however many."""
    Patient.objects.filter(pk__in=patient_ids).update(confirmed_at=at, source=SOURCE)


def _add_identity(patient, identity, *, is_primary, at):
    """Whether the number is the patient's now. One that stands on another patient is left there: two records of one
    person are merged by people (RI-02)."""
    held = PatientIdentity.objects.filter(kind=identity.kind, value=identity.value).first()
    if held is not None and held.patient_id != patient.pk:
        return False
    if is_primary:
        patient.identities.filter(is_primary=True).update(is_primary=False, valid_to=local_date(at))
    if held is not None:
        PatientIdentity.objects.filter(pk=held.pk).update(is_primary=is_primary, valid_to=None)
        return True
    try:
        with transaction.atomic():
            PatientIdentity.objects.create(
                patient=patient, kind=identity.kind, value=identity.value, is_primary=is_primary, source=SOURCE
            )
    except IntegrityError:
        # Somebody registered it on another patient just now.
        return False
    return True


def _set_address(patient, kind, address):
    """The register's address of the kind becomes this one, or none."""
    kind = AddressKind.objects.get(code=kind)
    rows = [row for row in patient.addresses.select_related("kind").filter(kind=kind) if _is_of_the_register(row)]
    first, *others = rows or [None]
    PatientAddress.objects.filter(pk__in=[row.pk for row in others]).delete()
    if address is None:
        if first:
            first.delete()
        return
    row = first or PatientAddress(patient=patient, kind=kind)
    for name in ADDRESS_FIELDS:
        setattr(row, name, getattr(address, name))
    row.source = SOURCE
    row.save()


@transaction.atomic
def create(*, record, by, at):
    """The patient of somebody whom the register knows and nobody has registered here, chosen by `by` (PA-04): a number and
    nothing else, for the request that follows to fill. Raises RuleError where the number is known by now."""
    patient = Patient(sex=Sex.UNKNOWN, source=SOURCE)
    try:
        with transaction.atomic():
            patient.save(force_insert=True)
            PatientIdentity.objects.create(
                patient=patient, kind=record.identity.kind, value=record.identity.value, is_primary=True, source=SOURCE
            )
    except IntegrityError:
        raise RuleError(
            "PA-03", "Patienten har redan registrerats. Sök fram patienten.", code="already_known"
        ) from None
    PatientHistory.objects.create(patient=patient, event="registered", detail=SOURCE, by=by, at=at)
    return patient
