"""Writes to patients: registration with identities, and the fields that users may edit (PA-05, PA-06)."""

from django.db import IntegrityError, transaction

from registration import identities, names, patient_rules
from registration.actions.contact import set_preferred_number
from registration.actions.editing import lock_for_edit, note_edited
from registration.models import (
    IdentityKind,
    InterpreterKind,
    Patient,
    PatientHistory,
    PatientIdentity,
    Sex,
)
from registration.protected import cleared_fields, empty_value
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date

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
    if protection:
        for field in cleared_fields(Patient):
            setattr(patient, field.attname, empty_value(field))
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
    patient = Patient.objects.lock_present(patient_id)
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
    """Changes editable fields (PA-06) and `phone`, the number in first hand. A locked field is refused (PA-05), and every
    field of a protected person (SK-02); a language without a kind is a spoken one."""
    patient = lock_for_edit(patient_id, version=version)
    has_phone = "phone" in changes
    phone = changes.pop("phone", "")
    if refused := patient_rules.locked_refusal(changes):
        raise refused
    if "interpreter_language" in changes and "interpreter_kind" not in changes:
        needs = patient.interpreter_kind or InterpreterKind.SPOKEN
        changes["interpreter_kind"] = needs if changes["interpreter_language"] else InterpreterKind.NONE
    changed = {name: value for name, value in changes.items() if getattr(patient, name) != value}
    for name, value in changed.items():
        setattr(patient, name, value)
    if refused := patient_rules.field_refusal(patient, changed, today=local_date(at)):
        raise refused
    if has_phone:
        set_preferred_number(patient, phone)
    words = dict.fromkeys(patient_rules.EDITABLE[name] for name in patient_rules.EDITABLE if name in changes)
    note_edited(patient, ", ".join([*(["telefon"] if has_phone else []), *words]), by=by, at=at, fields=changed)
    return patient
