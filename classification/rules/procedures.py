"""What the official texts of KVÅ say of single codes: R19–R26 (KL-03, KL-06), and PS-04. Pure."""

import csv
import re
from dataclasses import replace

from registration.lifecycle import SPECIALISED, SPECIALISED_WITH_PLACE

from .checks import TABLE, Severity, finding
from .diagnoses import twice

# R19: headings of the official municipal selection; these two are ordinary codes there.
TOO_GENERAL = re.compile(r"[PQ][A-Z]000")
NOT_TOO_GENERAL = {"QC000", "QL000"}
# R20: add-ons outside chapter Z.
ADD_ON_CODES = {"AV032", "GA005", "XS150", "XT002"}
# R22–R25.
INPATIENT = "slutenvard"
PRIMARY_CARE_CODE = "ZV050"
UNPLANNED_ADMISSION = "XS100"
DAY_CARE = "ZV055"
DAY_CARE_TIMES = {f"ZV{number}" for number in (*range(201, 207), *range(211, 220))}
RESTRAINT = {"XU000", "XU003", "XU004", "XU007", "XU008"}
SECLUSION = {"XU010", "XU012", "XU014", "XU015", "XU016", "XU017", "XU018"}
# Done while somebody is strapped down: KVÅ's own remark says that the strapping is coded apart.
DURING_RESTRAINT = {"XU033", "XU034", "XU035", "XU036", "XU037"}
COERCION = "XU"
ONLY_FOR_ADULTS = {"XU000", "XU010"}
ONLY_FOR_MINORS = {"XU007", "XU008", "XU017", "XU018"}
ADULT = 18
# R26: codes of form and profession, where an older coding has them.
FORMS = ("XS900", "XS902", "XS903", "XS904")
TEAMS = {"XS902", "XS904"}
PROFESSION = re.compile(r"XS9[123][0-9]")
INTERPRETER = "ZV020"


def _treatments():
    with (TABLE.parent / "psykoterapi_behandlingsformer.csv").open(encoding="utf-8", newline="") as lines:
        return {row["behandlingsform"]: row["kva_kod"] for row in csv.DictReader(lines, delimiter=";")}


# PS-04: the form of treatment to its code.
TREATMENTS = _treatments()


def procedure_findings(entries, contact, region):
    """R19–R26, PS-04."""
    codes = {entry.code: entry.display for entry in entries.procedures}
    procedures = _dated(entries.procedures, contact)
    for display, code in twice(procedures):
        detail = f"{display} står mer än en gång. Skriv den en gång, med tilläggskod för antal (ZX102–ZX130)."
        yield finding("R21", "duplicate_procedure", detail, code)
    yield from _other_days(procedures)
    yield from _outside(entries.procedures, contact)
    for code, display in codes.items():
        if TOO_GENERAL.fullmatch(code) and code not in NOT_TOO_GENERAL:
            detail = f"{display} är översiktlig. Välj en mer detaljerad åtgärd."
            yield finding("R19", "too_general", detail, code)
    if codes and all(code[0] == "Z" or code in ADD_ON_CODES for code in codes):
        first = next(iter(codes))
        detail = f"{codes[first]} är en tilläggskod. Lägg till den åtgärd som den hör till, om någon gjordes."
        yield finding("R20", "only_add_ons", detail, first)
    if PRIMARY_CARE_CODE in codes and contact.encounter_type in (SPECIALISED, SPECIALISED_WITH_PLACE):
        detail = f"{PRIMARY_CARE_CODE} Primärvård används inte i specialiserad vård. Ta bort den."
        yield finding("R22", "primary_care_code", detail, PRIMARY_CARE_CODE)
    if UNPLANNED_ADMISSION in codes and contact.encounter_class == INPATIENT:
        detail = f"{UNPLANNED_ADMISSION} hör till det öppenvårdsbesök som ledde till inskrivningen. Ta bort den här."
        yield finding("R23", "admission_code", detail, UNPLANNED_ADMISSION)
    if DAY_CARE in codes and not DAY_CARE_TIMES & codes.keys():
        detail = f"{DAY_CARE} Dagsjukvård ska ha en tidskod. Lägg till ZV201–ZV219."
        yield finding("R25", "day_care_without_time", detail, DAY_CARE)
    yield from _coercion(codes, contact)
    yield from _forms(codes)
    yield from _psychotherapy(codes, contact)


def _dated(procedures, contact):
    """The procedures with their days: without one of its own a procedure has the contact's, where that is one day."""
    if contact.encounter_class == INPATIENT:
        return procedures
    return tuple(replace(entry, day=entry.day or contact.coding_date) for entry in procedures)


def _other_days(procedures):
    """R21: on days of their own they may stand apart; KVÅ has a code for the number of minor ones within a contact, not
    for coercion. Which are minor is not said, so it is a hint."""
    days = {}
    for entry in procedures:
        days.setdefault((entry.system, entry.code), (entry.display, set()))[1].add(entry.day)
    for (_, code), (display, found) in days.items():
        if len(found) > 1 and not code.startswith(COERCION):
            detail = (
                f"{display} står på flera dagar. En mindre åtgärd, utan generell anestesi, kan skrivas en gång med "
                "tilläggskod för antal (ZX602–ZX630)."
            )
            yield finding("R21", "procedure_on_several_days", detail, code, severity=Severity.HINT)


def _outside(procedures, contact):
    """D02: what was done within the contact has a day within it."""
    first, last = contact.first_day or contact.coding_date, contact.coding_date
    for entry in procedures:
        if entry.day and not first <= entry.day <= last:
            when = first.isoformat() if first == last else f"{first.isoformat()}–{last.isoformat()}"
            detail = f"{entry.display} har datum {entry.day.isoformat()}; kontakten är {when}. Rätta datumet."
            yield finding("D02", "procedure_outside_contact", detail, entry.code)


def _coercion(codes, contact):
    """R24: one code of each kind at an occasion, and the right one for the age."""
    for kind, word in ((RESTRAINT, "fastspänning"), (SECLUSION, "avskiljande")):
        used = [code for code in codes if code in kind]
        if len(used) > 1:
            detail = f"Bara en kod för {word} används per tillfälle: {', '.join(used)}. Behåll den rätta."
            yield finding("R24", "coercion_twice", detail, used[1])
    during = next((code for code in codes if code in DURING_RESTRAINT), None)
    if during and not RESTRAINT & codes.keys():
        detail = f"{during} görs under fastspänning, som kodas för sig. Lägg till XU000–XU008."
        yield finding("R24", "restraint_not_coded", detail, during, severity=Severity.WARNING)
    if contact.patient_age is None:
        return
    adult = contact.patient_age >= ADULT
    for code in codes:
        if code in (ONLY_FOR_MINORS if adult else ONLY_FOR_ADULTS):
            whom = "minderåriga" if adult else "vuxna"
            detail = f"{code} används bara för {whom}. Välj koden för patientens ålder."
            yield finding("R24", "coercion_age", detail, code)


def _forms(codes):
    """R26: one form of visit; a team has at least two professions."""
    forms = [code for code in FORMS if code in codes]
    professions = [code for code in codes if PROFESSION.fullmatch(code)]
    if len(forms) > 1:
        detail = f"En kontakt har en form: {', '.join(forms)} kan inte stå tillsammans. Behåll den rätta."
        yield finding("R26", "several_forms", detail, forms[1])
    elif forms and forms[0] in TEAMS and len(professions) == 1:
        detail = f"{forms[0]} är ett teambesök, men bara ett yrke är kodat ({professions[0]})."
        yield finding("R26", "team_of_one", detail, forms[0])


def _psychotherapy(codes, contact):
    """PS-04: every visit has the code of its form of treatment; an interpreter is registered, not coded."""
    wanted = TREATMENTS.get(contact.treatment_form)
    if wanted and wanted not in codes:
        detail = f"Vårdåtagandet gäller {contact.treatment_form}. Lägg till {wanted}."
        yield finding("P01", "treatment_form", detail)
    if INTERPRETER in codes and not contact.interpreter_used:
        detail = (
            f"{INTERPRETER} är inskriven, men vårdhändelsen säger ingen tolk. Ange tolk på den, eller ta bort koden."
        )
        yield finding("P02", "interpreter_not_registered", detail, INTERPRETER)
