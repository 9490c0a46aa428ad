"""Writes to how a patient is reached: phones with consent to SMS, addresses, numbers that are search keys (PA-05…07)."""

import re

from django.db import IntegrityError, transaction

from registration import patient_rules, phones
from registration.actions.editing import lock_for_edit, note_edited
from registration.models import PatientAddress, PatientPhone, PatientSearchKey, PhoneKind, SearchKeyKind, SmsWording
from sdv.common.errors import InputError

BY_HAND = "Registrerad för hand"


# --- Phones -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def add_phone(
    *,
    patient_id,
    number,
    by,
    at,
    kind=PhoneKind.MOBILE,
    is_preferred=False,
    allows_sms=False,
    sms_wording="",
    version=None,
):
    """A phone number; the first one is preferred by itself. Raises InputError for what is no number. `sms_wording` is how
    much an SMS to it may say, the least where nothing is said (PL-18)."""
    patient = lock_for_edit(patient_id, version=version)
    number = _read(number)
    is_preferred = is_preferred or not patient.phones.exists()
    if is_preferred:
        patient.phones.filter(is_preferred=True).update(is_preferred=False)
    phone = PatientPhone(patient=patient, number=number, kind=kind, is_preferred=is_preferred)
    phone.sms_wording = sms_wording or SmsWording.TIME
    _consent(phone, allows_sms, by=by, at=at)
    _save(phone, "number", "Numret finns redan på patienten.")
    note_edited(patient, "telefon tillagd", by=by, at=at)
    return phone


@transaction.atomic
def change_phone(*, patient_id, phone_id, by, at, version=None, **changes):
    """Changes a number's `number`, `kind`, `is_preferred`, `allows_sms` or `sms_wording`. Consent is bound to the number: another
    number has none until the patient gives it (PA-06, PL-18)."""
    patient = lock_for_edit(patient_id, version=version)
    phone = patient.phones.get(pk=phone_id)
    allows_sms = changes.get("allows_sms", phone.sms_consent_at is not None)
    if "number" in changes and (number := _read(changes["number"])) != phone.number:
        phone.number = number
        allows_sms = changes.get("allows_sms", False)
        phone.sms_consent_at = phone.sms_consent_by = None
        # What an SMS may say was said of the number that was there.
        phone.sms_wording = SmsWording.TIME
    phone.sms_wording = changes.get("sms_wording") or phone.sms_wording
    if (kind := changes.get("kind", phone.kind)) != phone.kind:
        phone.kind = kind
        allows_sms = changes.get("allows_sms", allows_sms and kind == PhoneKind.MOBILE)
    if changes.get("is_preferred") and not phone.is_preferred:
        patient.phones.filter(is_preferred=True).update(is_preferred=False)
        phone.is_preferred = True
    _consent(phone, allows_sms, by=by, at=at)
    _save(phone, "number", "Numret finns redan på patienten.")
    note_edited(patient, "telefon ändrad", by=by, at=at)
    return phone


@transaction.atomic
def remove_phone(*, patient_id, phone_id, by, at, version=None):
    """Takes a number away; the oldest that is left is preferred."""
    patient = lock_for_edit(patient_id, version=version)
    phone = patient.phones.get(pk=phone_id)
    phone.delete()
    if phone.is_preferred and (left := patient.phones.order_by("id").first()):
        left.is_preferred = True
        left.save(update_fields=["is_preferred"])
    note_edited(patient, "telefon borttagen", by=by, at=at)


def set_preferred_number(patient, text):
    """The number in first hand of a locked patient; one that was before is kept beside. An empty text removes it."""
    present = patient.phones.filter(is_preferred=True).first()
    if not (text or "").strip():
        if present:
            present.delete()
        return
    number = _read(text, field="phone")
    if present:
        present.is_preferred = False
        present.save(update_fields=["is_preferred"])
    PatientPhone.objects.update_or_create(patient=patient, number=number, defaults={"is_preferred": True})


def _read(text, *, field="number"):
    number = phones.normalised(text)
    if not number:
        raise InputError(**{field: patient_rules.UNREADABLE_PHONE})
    return number


def _consent(phone, allows_sms, *, by, at):
    if not allows_sms:
        phone.sms_consent_at = phone.sms_consent_by = None
    elif phone.sms_consent_at is None:
        if refused := patient_rules.consent_refusal(phone.kind, phone.number):
            raise refused
        phone.sms_consent_at, phone.sms_consent_by = at, by


def _save(row, field, sentence):
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise InputError(**{field: sentence}) from None


# --- Addresses --------------------------------------------------------------------------------------------------------

ADDRESS_FIELDS = ("care_of", "street", "postal_code", "town", "country", "valid_from", "valid_to")


@transaction.atomic
def add_address(*, patient_id, kind, by, at, version=None, **fields):
    """An address of a kind that is written by hand (PA-07). Text is kept as it is typed (PL-16)."""
    patient = lock_for_edit(patient_id, version=version)
    address = PatientAddress(patient=patient, kind=kind, source=BY_HAND)
    return _write_address(patient, address, fields, "adress tillagd", by=by, at=at)


@transaction.atomic
def change_address(*, patient_id, address_id, by, at, version=None, **fields):
    """Changes an address written by hand."""
    patient = lock_for_edit(patient_id, version=version)
    address = patient.addresses.select_related("kind").get(pk=address_id)
    return _write_address(patient, address, fields, "adress ändrad", by=by, at=at)


@transaction.atomic
def remove_address(*, patient_id, address_id, by, at, version=None):
    """Takes away an address written by hand."""
    patient = lock_for_edit(patient_id, version=version)
    address = patient.addresses.select_related("kind").get(pk=address_id)
    if address.kind.is_locked:
        raise patient_rules.address_refusal(address.kind, valid_from=None, valid_to=None)
    address.delete()
    note_edited(patient, "adress borttagen", by=by, at=at)


def _write_address(patient, address, fields, what, *, by, at):
    for name, value in fields.items():
        setattr(address, name, value)
    if refused := patient_rules.address_refusal(address.kind, valid_from=address.valid_from, valid_to=address.valid_to):
        raise refused
    if not address.street.strip():
        raise InputError(street="Skriv gatuadress, box eller motsvarande.")
    address.save()
    note_edited(patient, what, by=by, at=at)
    return address


# --- Search keys --------------------------------------------------------------------------------------------------------


def search_key_value(text):
    """A card's or passport's number as it is kept: upper case, without spaces and hyphens."""
    return re.sub(r"[\s‐-―-]", "", text or "").upper()


@transaction.atomic
def add_search_key(*, patient_id, kind, value, by, at, country="", version=None):
    """An LMA number or a passport number that the patient can be found by (RI-01)."""
    patient = lock_for_edit(patient_id, version=version)
    value = search_key_value(value)
    if not re.fullmatch(r"[0-9A-Z/]{4,30}", value):
        raise InputError(value="Skriv numret som det står på kortet eller passet: bokstäver A–Z och siffror.")
    key = PatientSearchKey(patient=patient, kind=SearchKeyKind(kind), value=value, country=country)
    _save(key, "value", "Numret finns redan på patienten.")
    note_edited(patient, f"{key.get_kind_display()} tillagt", by=by, at=at)
    return key


@transaction.atomic
def remove_search_key(*, patient_id, key_id, by, at, version=None):
    """Takes away a number that was wrong."""
    patient = lock_for_edit(patient_id, version=version)
    key = patient.search_keys.get(pk=key_id)
    key.delete()
    note_edited(patient, f"{key.get_kind_display()} borttaget", by=by, at=at)
