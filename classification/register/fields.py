"""The words of a register's layout: which sub-sets and files there are, what a field can hold and how it is written.
Pure. The names of the files are the register's own; that they are part of prescribed file names is not known."""

import string

SUBSETS = {"SV": "Slutenvård", "OV": "Öppenvård"}
FILES = {
    "AD": "Administrativa uppgifter",
    "DI": "Diagnoser",
    "YO": "Yttre orsak",
    "AT": "Åtgärder",
    "LT": "Läkemedelstillförsel utan åtgärdskod",
}
FORMATS = {"text": "text", "date": "ÅÅÅÅMMDD", "moment": "ÅÅÅÅMMDDTTMM"}

# What a field can hold. Those of NOT_REGISTERED are known to exist in the register and are not registered here yet, or
# have values that are not known: they are written empty and the report says so.
FIELDS = {
    "contact": "kontaktens löpnummer",
    "hospital": "sjukhuskod",
    "mvo": "MVO",
    "identity": "personidentitet",
    "sex": "juridiskt kön",
    "municipality": "folkbokföring län och kommun",
    "start_date": "besöks- eller inskrivningsdatum",
    "end_date": "utskrivningsdatum",
    "admitted_from": "inskrivningssätt",
    "discharged_to": "utskrivningssätt",
    "planned": "planerad",
    "contact_form": "form av vårdkontakt",
    "doctor": "läkarkontakt",
    "profession": "yrkeskategori",
    "emergency": "akutverksamhet",
    "emergency_arrival": "ankomst akut",
    "emergency_assessment": "läkarbedömning akut",
    "emergency_departure": "avslut akut",
    "emergency_broken_off": "avbruten vård akut",
    "code": "kod",
    "diagnosis_kind": "typ av diagnos",
    "code_date": "kodens datum",
}
NOT_REGISTERED = {
    "contact_form": "Registrets koder för form av vårdkontakt är inte kända.",
    "doctor": "Registrets koder för läkarkontakt är inte kända.",
    "profession": "Registrets koder för yrkeskategori är inte kända.",
    "emergency_broken_off": "Koderna för avbruten vård från 2025-04-01 är inte kända.",
}
# What is written by codes that nobody has verified; the report says that too.
DOUBTFUL = {
    "sex": "1 man och 2 kvinna är inte verifierat.",
    "discharged_to": "1–3 som inskrivningssätt och 4 för avliden är inte verifierat.",
    "planned": "2 för oplanerad har en andrahandskälla; 1 för planerad är inte verifierat.",
}
NAME_PARTS = {"filkod", "delmangd", "fil", "fran", "till"}
UNVERIFIED = "EJ_VERIFIERAD_"


def name_refusal(pattern):
    """Why the pattern of file names cannot be used, or None: known parts only, sub-set and file told apart, no path."""
    try:
        parts = {name for _, name, form, conversion in string.Formatter().parse(pattern) if name is not None}
        plain = "".join(text for text, *_ in string.Formatter().parse(pattern))
    except ValueError:
        return "Klamrarna i filnamnet går inte ihop."
    if unknown := parts - NAME_PARTS:
        return f"Okänd del: {', '.join(sorted(unknown))}. Kända: {', '.join(sorted(NAME_PARTS))}."
    if not {"delmangd", "fil"} <= parts:
        return "Filnamnet ska ha {delmangd} och {fil}, annars får flera filer samma namn."
    if not all(character.isascii() and (character.isalnum() or character in "_-.") for character in plain):
        return "Filnamnet får ha bokstäver A–Z, siffror, punkt, bindestreck och understreck."
    return None


def file_name(pattern, *, is_verified, file_code, subset, file, first, last):
    """The name of a file. One that follows no verified layout says so first of all."""
    name = pattern.format(filkod=file_code, delmangd=subset, fil=file, fran=f"{first:%Y%m}", till=f"{last:%Y%m}")
    return name if is_verified else f"{UNVERIFIED}{name}"
