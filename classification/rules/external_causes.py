"""External causes and substances where they belong: R11–R14 (KL-03). Pure."""

import re

from .checks import finding

INJURY = re.compile(r"[ST][0-9]{2}")
POISONING = re.compile(r"T3[6-9]|T4[0-9]|T50")
# R13: a poisoning without a stated substance is completed by ATC; X44, X64 and Y14 are the general causes.
UNSPECIFIED_POISONING = "T509"
INTENT = re.compile(r"X4[0-9]|X6[0-9]|X8[5-9]|X90|Y1[0-9]")
# R14: adverse effects in therapeutic use that do not say of what.
UNSPECIFIC_ADVERSE_EFFECTS = {"Y579", "Y599"}


def external_cause_findings(entries, contact, region):
    """An injury calls for its cause, and the cause stands under the diagnosis that it explains."""
    for position, entry in enumerate(entries.diagnoses):
        if entry.is_external_cause and position > 0:
            detail = f"{entry.display} är en yttre orsak. Lägg den under den diagnos som den förklarar."
            yield finding("R12", "external_cause_misplaced", detail, entry.code)
        for cause in entry.external_causes:
            if cause.is_known and not cause.is_external_cause:
                detail = f"{cause.display} är ingen yttre orsak (V01–Y98). Lägg den som diagnos i stället."
                yield finding("R12", "not_an_external_cause", detail, cause.code)
    injury = next((entry for entry in entries.diagnoses if INJURY.match(entry.code)), None)
    elsewhere = any(entry.is_external_cause or entry.external_causes for entry in entries.diagnoses)
    if injury is not None and not elsewhere:
        detail = f"{injury.display} är en skada eller förgiftning. Lägg till yttre orsak (V01–Y98)."
        yield finding("R11", "missing_external_cause", detail, injury.code)


def substance_findings(entries, contact, region):
    """R13, R14: the substance where the code does not say it, and the intent of a poisoning."""
    for entry in entries.diagnoses:
        has_substance = bool(entry.atc or (entry is entries.main and entries.atc))
        if entry.code == UNSPECIFIED_POISONING and not has_substance:
            detail = f"{entry.display} säger inte vilket läkemedel. Lägg till ATC-kod, eller välj kod i T36–T50."
            yield finding("R13", "poisoning_without_substance", detail, entry.code)
        causes = entry.external_causes
        if POISONING.match(entry.code) and causes and not any(INTENT.match(cause.code) for cause in causes):
            detail = (
                f"{entry.display} är en förgiftning, men den yttre orsaken säger inte avsikten."
                " Välj till exempel X44 (olycka), X64 (avsiktlig självdestruktiv handling) eller Y14 (oklar avsikt)."
            )
            yield finding("R13", "poisoning_without_intent", detail, entry.code)
        for cause in causes:
            if cause.code in UNSPECIFIC_ADVERSE_EFFECTS and not has_substance:
                detail = f"{cause.display} säger inte vilket läkemedel. Lägg till ATC-kod under {entry.display}."
                yield finding("R14", "adverse_effect_without_substance", detail, cause.code)
