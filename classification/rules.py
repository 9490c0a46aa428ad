"""What software can say about the codes of a contact (KL-06), and when a contact may be coded (KL-01, VH-20). Pure: no
database, no request, no clock.

A finding is an error (blocks "klar"), a warning or a hint. Which rules there are, and how hard, follows the evidence
gathered from the published code lists and instructions; what is unverified is not checked. The numbers R01… in comments
are that table's. Marks that a code carries in its release (heading, ej huvuddiagnos, asterisk, sex) are read from the
code, what concerns single codes stands in the tables here."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from registration.lifecycle import (
    CONTACT_WITHOUT_VISIT,
    NOT_REPORTED,
    SPECIALISED,
    SPECIALISED_WITH_PLACE,
    CheckOut,
    Status,
)
from sdv.common.errors import RuleError

ICD, KVA, ATC, KSH97P, REGIONAL = "icd-10-se", "kva", "atc", "ksh97p", "regional"
SYSTEM_NAMES = {ICD: "ICD-10-SE", KVA: "KVÅ", ATC: "ATC", KSH97P: "KSH97-P", REGIONAL: "de regionala koderna"}
DIAGNOSIS_SYSTEMS = (ICD,)
PROCEDURE_SYSTEMS = (KVA, REGIONAL)

# R27, R31: additional codes after another diagnosis, and the placeholder.
ONLY_ADDITIONAL = {"U089", "U099", "U129"}
NO_DIAGNOSIS_STATED = "U999"
# R13: poisoning without a stated substance is completed by ATC.
UNSPECIFIED_POISONING = "T509"
# R19: headings of the official municipal selection; these two are ordinary codes there.
TOO_GENERAL = re.compile(r"[PQ][A-Z]000")
NOT_TOO_GENERAL = {"QC000", "QL000"}
# R20: add-ons outside chapter Z.
ADD_ON_CODES = {"AV032", "GA005", "XS150", "XT002"}
# R22–R25.
PRIMARY_CARE_CODE = "ZV050"
UNPLANNED_ADMISSION = "XS100"
DAY_CARE = "ZV055"
DAY_CARE_TIMES = {f"ZV{number}" for number in (*range(201, 207), *range(211, 220))}
RESTRAINT = {"XU000", "XU003", "XU004", "XU007", "XU008"}
SECLUSION = {"XU010", "XU012", "XU014", "XU015", "XU016", "XU017", "XU018"}
ONLY_FOR_ADULTS = {"XU000", "XU010"}
ONLY_FOR_MINORS = {"XU007", "XU008", "XU017", "XU018"}
# R05: where a digit in the fifth place tells open from closed and the like.
NUMERIC_FIFTH = re.compile(r"J96|[ST][0-9]{2}")
INJURY = re.compile(r"[ST][0-9]{2}")
# PS-04.
INTERPRETER = "ZV020"

ADULT = 18
SEX_WORDS = {"1": "män", "2": "kvinnor"}


class Severity(StrEnum):
    """How much a finding weighs: an error blocks "klar", a warning and a hint do not."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True)
class Finding:
    """Anmärkning på kodning: one Swedish sentence with its reason. `about` is the code it concerns, undotted."""

    severity: Severity
    code: str
    rule: str
    detail: str
    about: str = ""


@dataclass(frozen=True)
class Entry:
    """A code at its place, with what its release says about it. An unknown code has nothing but its text."""

    system: str
    code: str
    display: str
    is_known: bool = True
    is_valid: bool = True
    is_registrable: bool = True
    is_leaf: bool = True
    may_be_main: bool = True
    is_external_cause: bool = False
    is_derived: bool = False
    mark: str = ""
    sex: str = ""
    external_causes: tuple = ()
    atc: tuple = ()


@dataclass(frozen=True)
class Entries:
    """All codes of one contact. The first diagnosis is the main one (KL-02)."""

    diagnoses: tuple = ()
    procedures: tuple = ()
    atc: tuple = ()

    def all(self):
        """Every entry, with those that hang under another."""
        for entry in (*self.diagnoses, *self.procedures):
            yield entry
            yield from entry.external_causes
            yield from entry.atc
        yield from self.atc


@dataclass(frozen=True)
class Contact:
    """What the rules know of the contact. `coding_date` decides the release (KL-05)."""

    encounter_type: str
    encounter_class: str
    coding_date: date
    replaces_visit: bool | None = None
    patient_sex: str = "0"
    patient_age: int | None = None
    interpreter_used: bool = False
    has_note: bool = True


# --- Whether the contact may be coded -------------------------------------------------------------------------


def refusal(encounter_type, status):
    """Why the contact may not be coded now, or None. `encounter_type` is a row of vardhandelsetyper.csv."""
    if encounter_type.code in NOT_REPORTED:
        return RuleError("VH-20", f"{encounter_type.name} klassificeras inte. Klassificera den kontakt som ägde rum.")
    if Status(status) in (Status.CHECKED_OUT, Status.ENDED):
        return None
    instead = (
        "Skriv ut patienten först."
        if encounter_type.check_out == CheckOut.NOT_APPLICABLE
        else "Checka ut besöket först."
    )
    return RuleError(
        "KL-01", f"Koder skrivs in från utcheckningen; kontakten är {Status(status).label.lower()}. {instead}"
    )


def completion_refusal(status, found):
    """Why the coding may not be marked klar, or None (KL-01, KL-06)."""
    if Status(status) != Status.ENDED:
        return RuleError(
            "KL-01",
            "Klassificeringen kan göras klar när vårdhändelsen har ett slut. Spara koderna och gör klart efteråt.",
            code="not_ended",
        )
    errors = [finding for finding in found if finding.severity == Severity.ERROR]
    if errors:
        return RuleError(
            "KL-06",
            f"Klassificeringen kan inte göras klar: {errors[0].detail}" + _and_more(errors),
            code="coding_errors",
        )
    return None


def _and_more(errors):
    return f" ({len(errors)} fel ska rättas.)" if len(errors) > 1 else ""


def unknown_refusal(found):
    """A code that no release holds cannot be saved; here is the refusal, or None (KL-05)."""
    unknown = next((finding for finding in found if finding.code == "unknown_code"), None)
    return RuleError("KL-05", unknown.detail, code="unknown_code") if unknown else None


def requires_main_diagnosis(contact):
    """KL-01: contacts that are a visit or replace one are coded by all; letters, certificates and the like need not."""
    return contact.encounter_type != CONTACT_WITHOUT_VISIT or bool(contact.replaces_visit)


# --- Findings --------------------------------------------------------------------------------------------------


def findings(entries, contact):
    """Everything there is to say about the codes, errors first, in a fixed order."""
    found = [
        finding
        for part in (_catalogue, _main, _diagnoses, _external_causes, _plausibility, _procedures, _record)
        for finding in part(entries, contact)
    ]
    return sorted(found, key=lambda finding: list(Severity).index(finding.severity))


def _error(code, rule, detail, about=""):
    return Finding(Severity.ERROR, code, rule, detail, about)


def _warning(code, rule, detail, about=""):
    return Finding(Severity.WARNING, code, rule, detail, about)


def _hint(code, rule, detail, about=""):
    return Finding(Severity.HINT, code, rule, detail, about)


def _catalogue(entries, contact):
    """R01, R03, R04, R18, R32, KL-04: the code exists, was valid, is no heading, stands in the right system."""
    for entry in entries.all():
        if not entry.is_known:
            yield _error(
                "unknown_code",
                "KL-05",
                f"Koden {entry.display} finns inte i {SYSTEM_NAMES.get(entry.system, entry.system)}. Sök fram rätt kod.",
                entry.code,
            )
        elif not entry.is_valid:
            yield _error(
                "not_valid_on_date",
                "KL-05",
                f"{entry.display} gällde inte {contact.coding_date.isoformat()}. Välj den kod som gällde den dagen.",
                entry.code,
            )
        elif entry.is_derived:
            yield _error(
                "derived_code",
                "KL-04",
                f"{entry.display} härleds vid rapporteringen och skrivs aldrig in. Ta bort den.",
                entry.code,
            )
        elif not entry.is_registrable:
            yield _error(
                "not_registrable",
                "KL-06",
                f"{entry.display} är en rubrik och kan inte registreras. Välj en kod under den.",
                entry.code,
            )
    for entry in entries.diagnoses:
        if entry.system not in DIAGNOSIS_SYSTEMS:
            yield _error(
                "wrong_system",
                "KL-02",
                f"{entry.display} är ingen kod i ICD-10-SE. Diagnoser kodas i ICD-10-SE.",
                entry.code,
            )
    for entry in entries.procedures:
        if entry.system not in PROCEDURE_SYSTEMS:
            yield _error(
                "wrong_system", "KL-03", f"{entry.display} är ingen åtgärdskod. Åtgärder kodas i KVÅ.", entry.code
            )


def _main(entries, contact):
    """KL-02: one main diagnosis, first, and one that may be it (R07, R08, R10, R27, R28, R31)."""
    if not entries.diagnoses:
        if requires_main_diagnosis(contact):
            yield _error("missing_main_diagnosis", "KL-02", "Huvuddiagnos saknas. Ange kontaktens huvudsakliga skäl.")
        return
    main, others = entries.diagnoses[0], entries.diagnoses[1:]
    if not main.may_be_main:
        yield _error(
            "not_main",
            "KL-06",
            f"{main.display} får inte vara huvuddiagnos. Sätt en annan diagnos först.",
            main.code,
        )
    if main.code in ONLY_ADDITIONAL:
        yield _warning(
            "additional_code_as_main",
            "KL-06",
            f"{main.display} är en tilläggskod. Sätt den efter den diagnos den hör till.",
            main.code,
        )
    if main.mark == "*":
        yield _hint(
            "manifestation_as_main",
            "KL-06",
            f"{main.display} är en asteriskkod (manifestation). Bedöm om grundsjukdomen (†) ska stå först.",
            main.code,
        )
    if main.code == NO_DIAGNOSIS_STATED:
        yield _warning(
            "diagnosis_not_stated",
            "KL-06",
            f"{main.display} betyder att diagnos saknas. Byt ut den när diagnosen är känd.",
            main.code,
        )
    better = next((entry for entry in others if _preference(entry.code) < _preference(main.code)), None)
    if better is not None and main.code[:1] in "RZ":
        yield _hint(
            "order_of_diagnoses",
            "KL-02",
            f"En diagnos går före symtom (R) och kontaktorsak (Z): bedöm om {better.display} ska stå först.",
            main.code,
        )


def _preference(code):
    """R28: diagnosis, then symptom, then reason for contact. Additional and external cause codes are not compared."""
    return {"R": 1, "Z": 2}.get(code[:1], 9 if code[:1] in "UVWXY" else 0)


def _diagnoses(entries, contact):
    """R05, R06, R09, R13: pairs and depth; the same diagnosis twice."""
    for display, code in _twice(entries.diagnoses):
        yield _warning("duplicate_diagnosis", "KL-06", f"{display} står mer än en gång. Ta bort den ena raden.", code)
    if not any(entry.mark != "*" and not entry.is_external_cause for entry in entries.diagnoses):
        for entry in (entry for entry in entries.diagnoses if entry.mark == "*"):
            yield _error(
                "manifestation_alone",
                "KL-06",
                f"{entry.display} är en asteriskkod (manifestation) och kräver en kod för grundsjukdomen (†).",
                entry.code,
            )
    for entry in entries.diagnoses:
        if entry.is_known and entry.is_registrable and not entry.is_leaf:
            if NUMERIC_FIFTH.match(entry.code):
                yield _warning(
                    "more_detail", "KL-06", f"{entry.display} har en femte position. Ange den om det går.", entry.code
                )
            else:
                yield _hint("more_detail", "KL-06", f"Under {entry.display} finns mer detaljerade koder.", entry.code)
    main = entries.diagnoses[0] if entries.diagnoses else None
    if main is not None and main.code == UNSPECIFIED_POISONING and not (main.atc or entries.atc):
        yield _warning(
            "poisoning_without_substance",
            "KL-03",
            f"{main.display} säger inte vilket läkemedel. Lägg till ATC-kod, eller välj kod i T36–T50.",
            main.code,
        )


def _external_causes(entries, contact):
    """R11, R12: an injury calls for its cause, and the cause stands under the diagnosis it explains."""
    for position, entry in enumerate(entries.diagnoses):
        if entry.is_external_cause and position > 0:
            yield _warning(
                "external_cause_misplaced",
                "KL-03",
                f"{entry.display} är en yttre orsak. Lägg den under den diagnos som den förklarar.",
                entry.code,
            )
        for cause in entry.external_causes:
            if cause.is_known and not cause.is_external_cause:
                yield _error(
                    "not_an_external_cause",
                    "KL-03",
                    f"{cause.display} är ingen yttre orsak (V01–Y98). Lägg den som diagnos i stället.",
                    cause.code,
                )
    main = entries.diagnoses[0] if entries.diagnoses else None
    if main is None or not INJURY.match(main.code):
        return
    elsewhere = any(entry.is_external_cause or entry.external_causes for entry in entries.diagnoses)
    if not elsewhere:
        yield _warning(
            "missing_external_cause",
            "KL-03",
            f"{main.display} är en skada eller förgiftning. Lägg till yttre orsak (V01–Y98).",
            main.code,
        )


def _plausibility(entries, contact):
    """R15: never blocks; legal sex may differ from anatomy."""
    for entry in entries.diagnoses:
        if entry.sex and contact.patient_sex in SEX_WORDS and entry.sex != contact.patient_sex:
            yield _warning(
                "sex",
                "KL-06",
                f"{entry.display} används för {SEX_WORDS[entry.sex]}. Kontrollera koden mot patienten.",
                entry.code,
            )


def _procedures(entries, contact):
    """R19–R25: what the official texts of KVÅ say of single codes."""
    codes = {entry.code: entry.display for entry in entries.procedures}
    for display, code in _twice(entries.procedures):
        yield _warning(
            "duplicate_procedure",
            "KL-06",
            f"{display} står mer än en gång. Skriv den en gång, med tilläggskod för antal (ZX102–ZX130).",
            code,
        )
    for code, display in codes.items():
        if TOO_GENERAL.fullmatch(code) and code not in NOT_TOO_GENERAL:
            yield _warning("too_general", "KL-06", f"{display} är översiktlig. Välj en mer detaljerad åtgärd.", code)
    if codes and all(code[0] == "Z" or code in ADD_ON_CODES for code in codes):
        first = next(iter(codes))
        yield _warning(
            "only_add_ons",
            "KL-06",
            f"{codes[first]} är en tilläggskod. Lägg till den åtgärd som den hör till, om någon gjordes.",
            first,
        )
    if PRIMARY_CARE_CODE in codes and contact.encounter_type in (SPECIALISED, SPECIALISED_WITH_PLACE):
        yield _error(
            "primary_care_code",
            "KL-06",
            f"{PRIMARY_CARE_CODE} Primärvård används inte i specialiserad vård. Ta bort den.",
            PRIMARY_CARE_CODE,
        )
    if UNPLANNED_ADMISSION in codes and contact.encounter_class == "slutenvard":
        yield _error(
            "admission_code",
            "KL-06",
            f"{UNPLANNED_ADMISSION} hör till det öppenvårdsbesök som ledde till inskrivningen. Ta bort den här.",
            UNPLANNED_ADMISSION,
        )
    if DAY_CARE in codes and not DAY_CARE_TIMES & codes.keys():
        yield _warning(
            "day_care_without_time",
            "KL-06",
            f"{DAY_CARE} Dagsjukvård ska ha en tidskod. Lägg till ZV201–ZV219.",
            DAY_CARE,
        )
    yield from _coercion(codes, contact)
    if contact.interpreter_used and INTERPRETER not in codes:
        yield _hint(
            "interpreter",
            "PS-04",
            f"Tolk användes. Lägg till {INTERPRETER} Användande av professionell tolk.",
            INTERPRETER,
        )


def _coercion(codes, contact):
    """R24: one code of each kind at an occasion, and the right one for the age."""
    for kind, word in ((RESTRAINT, "fastspänning"), (SECLUSION, "avskiljande")):
        used = [code for code in codes if code in kind]
        if len(used) > 1:
            yield _error(
                "coercion_twice",
                "KL-06",
                f"Bara en kod för {word} används per tillfälle: {', '.join(used)}. Behåll den rätta.",
                used[1],
            )
    if contact.patient_age is None:
        return
    adult = contact.patient_age >= ADULT
    for code in codes:
        if code in (ONLY_FOR_MINORS if adult else ONLY_FOR_ADULTS):
            whom = "minderåriga" if adult else "vuxna"
            yield _error(
                "coercion_age", "KL-06", f"{code} används bara för {whom}. Välj koden för patientens ålder.", code
            )


def _record(entries, contact):
    """KL-06: a code without a note in the record behind it."""
    if not contact.has_note and (entries.diagnoses or entries.procedures):
        yield _warning(
            "no_note", "KL-06", "Ingen journalanteckning är känd för kontakten. Kontrollera att den är dokumenterad."
        )


def _twice(entries):
    """Display and code of what stands more than once, in order."""
    counted = Counter((entry.system, entry.code) for entry in entries)
    shown = {(entry.system, entry.code): entry.display for entry in entries}
    return [(shown[key], key[1]) for key, count in counted.items() if count > 1]
