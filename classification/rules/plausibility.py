"""What is unlikely but possible, and what the record should hold: R15, R16, R30, J01 (KL-06). Pure."""

import re

from .checks import finding

SEX_WORDS = {"1": "män", "2": "kvinnor"}
# R16, the limits are ours: around birth, and when somebody may be with child.
AROUND_BIRTH = re.compile(r"P[0-9]{2}|Z38")
WITH_CHILD = re.compile(r"O[0-9]{2}")
LAST_AGE_AROUND_BIRTH = 0
AGES_WITH_CHILD = range(10, 61)


def plausibility_findings(entries, contact, region):
    """R15, R16: never blocks as published; legal sex may differ from anatomy."""
    for entry in entries.diagnoses:
        if entry.sex and contact.patient_sex in SEX_WORDS and entry.sex != contact.patient_sex:
            detail = f"{entry.display} används för {SEX_WORDS[entry.sex]}. Kontrollera koden mot patienten."
            yield finding("R15", "sex", detail, entry.code)
        if contact.patient_age is not None and (when := _unlikely_at(entry.code, contact.patient_age)):
            detail = f"{entry.display} används {when}; patienten är {contact.patient_age} år. Kontrollera koden."
            yield finding("R16", "age", detail, entry.code)


def _unlikely_at(code, years):
    if AROUND_BIRTH.match(code) and years > LAST_AGE_AROUND_BIRTH:
        return "för nyfödda"
    if WITH_CHILD.match(code) and years not in AGES_WITH_CHILD:
        return "vid graviditet"
    return ""


def record_findings(entries, contact, region):
    """A code without a note in the record behind it (J01); more codes than the region's limit (R30)."""
    if not contact.has_note and (entries.diagnoses or entries.procedures):
        detail = "Ingen journalanteckning är känd för kontakten. Kontrollera att den är dokumenterad."
        yield finding("J01", "no_note", detail)
    count = sum(1 for _ in entries.all())
    if region.most_codes is not None and count > region.most_codes:
        detail = f"Kontakten har {count} koder; regionen tar emot {region.most_codes}. Ta bort dem som betyder minst."
        yield finding("R30", "too_many_codes", detail)
