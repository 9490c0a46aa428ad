"""Writes to patients: registration with identities, and the fields that users may edit (PA-05, PA-06)."""

from django.db import IntegrityError, transaction

from registration import identities, names
from registration.models import (
    IdentityKind,
    InterpreterKind,
    Patient,
    PatientHistory,
    PatientIdentity,
    PatientPhone,
    Sex,
)
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.time import local_date

# What a user may edit; everything else is locked and comes from the register (PA-05).
EDITABLE = {"interpreter_language", "phone"}
PRIMARY_KINDS = {IdentityKind.PERSONNUMMER, IdentityKind.SAMORDNINGSNUMMER, IdentityKind.RESERVID}


@transaction.atomic
def register(
    *,
    identity,
    given_name,
    surname,
    by,
    at,
    middle_name="",
    birth_date=None,
    sex=None,
    source="Registrerad för hand",
    listing_unit="",
    payer="",
    interpreter_language="",
    protection="",
):
    """A patient that is not known yet, with a primary identity (PA-01, PA-02). Birth date and sex are taken from the
    number only where nothing else tells them. Raises RuleError where the identity is known."""
    try:
        parsed = identities.parse(identity, today=local_date(at))
    except identities.IdentityError as error:
        raise InputError(identity=str(error)) from None
    if parsed.kind not in PRIMARY_KINDS:
        raise InputError(
            identity="Ett lokalt reservnummer kan inte vara primär identitet. Sök på det i stället (PA-01)."
        )
    if not surname.strip() and not given_name.strip():
        raise InputError(surname="Ange patientens namn.")
    patient = Patient(
        given_name=given_name,
        middle_name=middle_name,
        surname=surname,
        search_name=names.search_text(given_name, middle_name, surname),
        sort_key=names.sort_key(surname, given_name),
        birth_date=birth_date or parsed.birth_date,
        sex=sex or parsed.sex or Sex.UNKNOWN,
        source=source,
        listing_unit=listing_unit,
        payer=payer,
        interpreter_kind=InterpreterKind.SPOKEN if interpreter_language else InterpreterKind.NONE,
        interpreter_language=interpreter_language,
        protection=protection,
        protection_set_at=at if protection else None,
    )
    try:
        with transaction.atomic():
            patient.save(force_insert=True)
            PatientIdentity.objects.create(
                patient=patient, kind=parsed.kind, value=parsed.value, is_primary=True, source=source
            )
    except IntegrityError:
        raise RuleError(
            "PA-03", "Det finns redan en patient med numret. Sök fram patienten i stället.", code="already_known"
        ) from None
    PatientHistory.objects.create(patient=patient, event="registered", by=by, at=at)
    return patient


@transaction.atomic
def link_identity(*, patient_id, identity, kind, by, at, source="Registrerad för hand"):
    """A further identity of the patient: an earlier number or a local one, so that it is found (PA-01, PA-03)."""
    patient = Patient.objects.locked().get(pk=patient_id)
    try:
        parsed = identities.parse(identity, today=local_date(at), kind=kind)
    except identities.IdentityError as error:
        raise InputError(identity=str(error)) from None
    try:
        with transaction.atomic():
            return PatientIdentity.objects.create(
                patient=patient, kind=parsed.kind, value=parsed.value, is_primary=False, source=source
            )
    except IntegrityError:
        raise RuleError(
            "PA-03", "Numret finns redan på en patient. Sök fram patienten.", code="already_known"
        ) from None


@transaction.atomic
def edit(*, patient_id, by, at, version=None, **changes):
    """Changes editable fields: `interpreter_language` and `phone` (the preferred number). A locked field is refused
    (PA-05), and every field of a protected person (SK-02)."""
    patient = Patient.objects.locked().get(pk=patient_id)
    if version is not None and version != patient.version:
        raise StaleVersion(current=patient.version, given=version)
    if patient.is_protected:
        raise RuleError(
            "SK-02", "Patienten har skyddade personuppgifter: alla personuppgifter är låsta.", code="protected"
        )
    if locked := sorted(set(changes) - EDITABLE):
        raise RuleError(
            "PA-05",
            f"Uppgiften kommer från folkbokföringen och kan inte ändras här: {', '.join(locked)}.",
            code="locked_field",
        )
    if "phone" in changes:
        _set_phone(patient, changes["phone"])
    if "interpreter_language" in changes:
        _set_interpreter(patient, changes["interpreter_language"])
    patient.version += 1
    patient.save(update_fields=["interpreter_kind", "interpreter_language", "version"])
    PatientHistory.objects.create(patient=patient, event="edited", detail=", ".join(sorted(changes)), by=by, at=at)
    return patient


def _set_interpreter(patient, language):
    """The language; an empty text means no need. Whether it is signed stays as it was told (PA-06)."""
    patient.interpreter_language = language
    if not language:
        patient.interpreter_kind = InterpreterKind.NONE
    elif not patient.interpreter_kind:
        patient.interpreter_kind = InterpreterKind.SPOKEN


def _set_phone(patient, number):
    """The preferred number; an empty text removes it."""
    patient.phones.filter(is_preferred=True).update(is_preferred=False)
    number = " ".join(number.split())
    if not number:
        return
    if sum(sign.isdigit() for sign in number) < 6 or not set(number) <= set("+0123456789 -()"):
        raise InputError(phone="Skriv numret med siffror, till exempel 070-123 45 67 eller +45 12 34 56 78.")
    PatientPhone.objects.update_or_create(patient=patient, number=number, defaults={"is_preferred": True})
