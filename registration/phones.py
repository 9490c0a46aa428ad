"""Phone numbers: read in any usual spelling, Swedish or foreign, kept as E.164 and shown as people write them (PA-06).
Pure."""

import phonenumbers

HOME = "SE"
UNREADABLE = "Skriv numret med siffror, till exempel 070-123 45 67 eller +45 12 34 56 78."


def normalised(text):
    """The number as E.164, "" for none, or None where it is no phone number. Without + it is read as Swedish."""
    text = " ".join((text or "").split())
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException:
        return None
    # Possible, not valid: new series and numbers reserved for fiction are no faults of the person who types.
    if not phonenumbers.is_possible_number(number) or not set(text) <= set("+0123456789 -()./"):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def display(number):
    """A kept number as it is read: national for Swedish ones, international for others."""
    if not number.startswith("+"):
        return number
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    is_home = phonenumbers.region_code_for_country_code(parsed.country_code) == HOME
    form = phonenumbers.PhoneNumberFormat.NATIONAL if is_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, form)
