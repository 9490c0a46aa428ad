"""What may be written about a patient, and why not (PA-05…07, SK-02). Pure: no database, no request, no clock."""

import phonenumbers

from registration import phones
from sdv.common.errors import InputError, RuleError

# What comes from the population register or another system, and what it is called in a refusal (PA-05).
LOCKED = {
    "given_name": "förnamn",
    "middle_name": "mellannamn",
    "surname": "efternamn",
    "birth_date": "födelsedatum",
    "sex": "kön",
    "identity": "identitet",
    "protection": "skydd",
    "deceased_on": "avliden",
    "listing_unit": "hälsoval",
    "payer": "huvudman",
    "registration_kind": "typ av folkbokföring",
    "registered_on": "folkbokförd",
    "deregistration_code": "avregistreringskod",
}
# The fields of the patient's own row that users keep (PA-06), and their words.
EDITABLE = {
    "interpreter_kind": "tolkbehov",
    "interpreter_language": "tolkspråk",
    "special_housing": "särskilt boende",
    "minors_at_address": "minderåriga på samma adress",
    "drug_benefit_decided_on": "läkemedelsförmån",
    "drug_benefit_decided_by": "läkemedelsförmån",
    "has_pascal": "Pascal",
    "pascal_told_on": "Pascal",
    "pascal_told_by": "Pascal",
}
MOST_MINORS = 30
UNREADABLE_PHONE = phones.UNREADABLE
DIALLED = {
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.VOIP,
    phonenumbers.PhoneNumberType.PAGER,
}


def protection_refusal(is_protected):
    """SK-02: every demographic field of a protected person is locked."""
    if not is_protected:
        return None
    return RuleError(
        "SK-02",
        "Patienten har skyddade personuppgifter: alla personuppgifter är låsta. Det vården behöver veta för att nå"
        " patienten förvaras avskilt på enheten.",
        code="protected",
    )


def locked_refusal(fields):
    """PA-05: fields that are not for users to change, or None."""
    if not (locked := sorted({LOCKED.get(name, name) for name in fields if name not in EDITABLE})):
        return None
    return RuleError(
        "PA-05",
        f"Uppgiften kommer från folkbokföringen och kan inte ändras här: {', '.join(locked)}.",
        code="locked_field",
    )


def field_refusal(patient, changed, *, today):
    """What is wrong with the editable fields as they would become, as an InputError, or None (PA-06). `patient` has the
    new values; `changed` names what was changed."""
    wrong = {}
    if bool(patient.interpreter_kind) != bool(patient.interpreter_language):
        if patient.interpreter_kind:
            wrong["interpreter_language"] = "Ange språk, eller vilken variant av teckenspråk."
        else:
            wrong["interpreter_kind"] = "Ange om det är språktolk eller teckenspråkstolk."
    if patient.minors_at_address is not None and patient.minors_at_address > MOST_MINORS:
        wrong["minors_at_address"] = (
            f"Ange hur många barn under 18 som är folkbokförda på adressen, högst {MOST_MINORS}."
        )
    if (patient.drug_benefit_decided_on is None) == bool(patient.drug_benefit_decided_by):
        where = "drug_benefit_decided_on" if patient.drug_benefit_decided_by else "drug_benefit_decided_by"
        wrong[where] = "Läkemedelsförmån efter beslut anges med läkare och datum."
    if "has_pascal" in changed and not (patient.pascal_told_by and patient.pascal_told_on):
        wrong["pascal_told_by"] = "Uppgiften om Pascal ändras bara efter uppgift från läkare: ange vem och när."
    for name in ("drug_benefit_decided_on", "pascal_told_on"):
        day = getattr(patient, name)
        if day is not None and day > today:
            wrong.setdefault(name, "Datumet kan inte ligga i framtiden.")
    return InputError(**wrong) if wrong else None


def consent_refusal(kind, number):
    """PA-06: why SMS may not be allowed to a number, or None."""
    if kind != "mobile":
        return RuleError(
            "PA-06",
            "Tillåtelse för SMS hör till ett mobilnummer. Ändra numrets slag till mobil först.",
            code="no_mobile",
        )
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or phonenumbers.number_type(parsed) in DIALLED:
        return RuleError("PA-06", "Numret kan inte ta emot SMS. Registrera patientens mobilnummer.", code="no_mobile")
    return None


def address_refusal(kind, *, valid_from, valid_to):
    """PA-07: why an address of the kind may not be written by hand, or None. `kind` is a row of adresstyper.csv."""
    if kind.is_locked:
        return RuleError(
            "PA-07",
            f"{kind.name} kommer från folkbokföringen och kan inte ändras här. Patienten ändrar den hos Skatteverket."
            " Registrera en tillfällig adress om patienten bor på annan plats.",
            code="locked_field",
        )
    if kind.requires_dates and (valid_from is None or valid_to is None):
        missing = "valid_from" if valid_from is None else "valid_to"
        return InputError(**{missing: f"{kind.name} kräver från- och tilldatum (PA-07)."})
    if valid_from and valid_to and valid_to < valid_from:
        return InputError(valid_to="Slutdatumet kan inte ligga före startdatumet.")
    return None
