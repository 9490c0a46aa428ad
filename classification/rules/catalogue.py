"""That a code exists, was valid, may be registered and stands in the right system: R01–R04, R17, R18, R32 (KL-05). Pure."""

import re

from .checks import finding
from .entries import ATC, DIAGNOSIS_SYSTEMS, ICD, KSH97P, KVA, PROCEDURE_SYSTEMS, SYSTEM_NAMES

# R02, R17: what a code looks like, and the check that says so.
SHAPES = {
    ICD: ("R02", re.compile(r"[A-Z][0-9]{2}([0-9][0-9A-Z]?)?")),
    KVA: ("R17", re.compile(r"[A-Z]{3}[0-9]{2}|[A-Z]{2}[0-9]{3}")),
}
# R04: the blocks of chapter 20 whose codes have place and activity.
WITH_ACTIVITY = re.compile(r"[VWX][0-9]{2}|Y[0-2][0-9]|Y3[0-4]")
COMPLETE_EXTERNAL_CAUSE = 5


def catalogue_findings(entries, contact, region):
    """One finding at most of each entry: the first reason why it cannot stand."""
    for entry in entries.all():
        if said := _of(entry, contact):
            yield said
    yield from _systems(entries)


def _of(entry, contact):
    if not entry.is_known:
        return _unknown(entry)
    if not entry.is_valid:
        day = contact.coding_date.isoformat()
        detail = f"{entry.display} gällde inte {day}. Välj den kod som gällde den dagen."
        return finding("R01", "not_valid_on_date", detail, entry.code)
    if entry.is_derived:
        detail = f"{entry.display} härleds vid rapporteringen och skrivs aldrig in. Ta bort den."
        return finding("H01", "derived_code", detail, entry.code)
    # R04: of an external cause the four characters are a step on the way, also where the list has them.
    if entry.is_external_cause and not entry.is_leaf and _is_cut_short(entry.code):
        detail = f"{entry.display} saknar plats eller aktivitet (fem tecken). Välj dem under yttre orsak."
        return finding("R04", "external_cause_depth", detail, entry.code)
    if not entry.is_registrable:
        detail = f"{entry.display} är en rubrik och kan inte registreras. Välj en kod under den."
        return finding("R18" if entry.system == KVA else "R03", "not_registrable", detail, entry.code)
    return None


def _is_cut_short(code):
    return bool(WITH_ACTIVITY.match(code)) and len(code) < COMPLETE_EXTERNAL_CAUSE


def _unknown(entry):
    name = SYSTEM_NAMES.get(entry.system, entry.system)
    check, shape = SHAPES.get(entry.system, ("", None))
    if shape and not shape.fullmatch(entry.code):
        detail = f"{entry.display} har inte formen av en kod i {name}. Sök fram rätt kod."
        return finding(check, "wrong_shape", detail, entry.code)
    return finding("R01", "unknown_code", f"Koden {entry.display} finns inte i {name}. Sök fram rätt kod.", entry.code)


def _systems(entries):
    for entry in entries.diagnoses:
        if entry.system not in DIAGNOSIS_SYSTEMS:
            detail = f"{entry.display} är ingen kod i ICD-10-SE. Diagnoser kodas i ICD-10-SE."
            check = "R32" if entry.system == KSH97P else "R01"
            yield finding(check, "wrong_system", detail, entry.code, rule="KL-02")
    for entry in entries.procedures:
        if entry.system not in PROCEDURE_SYSTEMS:
            detail = f"{entry.display} är ingen åtgärdskod. Åtgärder kodas i KVÅ."
            yield finding("R01", "wrong_system", detail, entry.code, rule="KL-03")
    # R12: what hangs under a code is of its own system; the shape of the coding holds the rest.
    for entry in (*entries.diagnoses, *entries.procedures):
        for substance in entry.atc:
            if substance.system != ATC:
                detail = f"{substance.display} är ingen ATC-kod. Läkemedel kodas i ATC."
                yield finding("R12", "wrong_system", detail, substance.code)
