"""Which diagnosis is first, which belong together, and how deep they are coded: R05–R10, R27, R28, R31 (KL-02). Pure."""

import re
from collections import Counter

from .checks import finding
from .completion import requires_main_diagnosis

# R27, R31: additional codes after another diagnosis, and the placeholder.
ONLY_ADDITIONAL = {"U089", "U099", "U129"}
NO_DIAGNOSIS_STATED = "U999"
# R08a: what is certainly marked "Ej huvuddiagnos".
NEVER_MAIN = re.compile(r"[VWXY][0-9]{2}|B9[5-8]|U8[2-5]")
# R05: where a digit in the fifth place tells open from closed and the like.
NUMERIC_FIFTH = re.compile(r"J96|[ST][0-9]{2}")


def main_findings(entries, contact, region):
    """KL-02: one main diagnosis, first, and one that may be it (R07, R08, R10, R27, R28, R31)."""
    main, others = entries.main, entries.diagnoses[1:]
    if main is None:
        if requires_main_diagnosis(contact):
            detail = "Huvuddiagnos saknas. Ange kontaktens huvudsakliga skäl."
            yield finding("R07", "missing_main_diagnosis", detail)
        return
    if not main.may_be_main:
        check = "R08a" if NEVER_MAIN.match(main.code) else "R08"
        detail = f"{main.display} får inte vara huvuddiagnos. Sätt en annan diagnos först."
        yield finding(check, "not_main", detail, main.code)
    if main.code in ONLY_ADDITIONAL:
        detail = f"{main.display} är en tilläggskod. Sätt den efter den diagnos den hör till."
        yield finding("R27", "additional_code_as_main", detail, main.code)
    if main.mark == "*":
        detail = f"{main.display} är en asteriskkod (manifestation). Bedöm om grundsjukdomen (†) ska stå först."
        yield finding("R10", "manifestation_as_main", detail, main.code)
    if main.code == NO_DIAGNOSIS_STATED:
        detail = f"{main.display} betyder att diagnos saknas. Byt ut den när diagnosen är känd."
        yield finding("R31", "diagnosis_not_stated", detail, main.code)
    better = next((entry for entry in others if _preference(entry.code) < _preference(main.code)), None)
    if better is not None and main.code[:1] in "RZ":
        detail = f"En diagnos går före symtom (R) och kontaktorsak (Z): bedöm om {better.display} ska stå först."
        yield finding("R28", "order_of_diagnoses", detail, main.code)


def _preference(code):
    """R28: diagnosis, then symptom, then reason for contact. Additional and external cause codes are not compared."""
    return {"R": 1, "Z": 2}.get(code[:1], 9 if code[:1] in "UVWXY" else 0)


def diagnosis_findings(entries, contact, region):
    """R05, R06, R09: pairs and depth; the same diagnosis twice."""
    for display, code in twice(entries.diagnoses):
        detail = f"{display} står mer än en gång. Ta bort den ena raden."
        yield finding("D01", "duplicate_diagnosis", detail, code)
    if not any(entry.mark != "*" and not entry.is_external_cause for entry in entries.diagnoses):
        for entry in (entry for entry in entries.diagnoses if entry.mark == "*"):
            detail = f"{entry.display} är en asteriskkod (manifestation) och kräver en kod för grundsjukdomen (†)."
            yield finding("R09", "manifestation_alone", detail, entry.code)
    for entry in entries.diagnoses:
        if not (entry.is_known and entry.is_registrable) or entry.is_leaf or entry.is_external_cause:
            continue
        if NUMERIC_FIFTH.match(entry.code):
            detail = f"{entry.display} har en femte position. Ange den om det går."
            yield finding("R05", "more_detail", detail, entry.code)
        else:
            yield finding("R06", "more_detail", f"Under {entry.display} finns mer detaljerade koder.", entry.code)


def twice(entries):
    """Display and code of what stands more than once, in order. The same code on another day is another occasion."""
    counted = Counter((entry.system, entry.code, entry.day) for entry in entries)
    shown = {(entry.system, entry.code, entry.day): entry.display for entry in entries}
    return [(shown[key], key[1]) for key, count in counted.items() if count > 1]
