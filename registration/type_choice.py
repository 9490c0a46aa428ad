"""Which type an encounter gets: typval.csv, asked with unit, situation and need of a place (VH-03, VH-07). Pure."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from registration.codes import code_of
from sdv.common.errors import RuleError
from sdv.organisation.models import CareUnitKind

TABLE = Path(__file__).parent / "data" / "typval.csv"

BOOKED = "bokad besökstyp"
BOOKED_DIAGNOSTICS = "bokad diagnostik (order)"
ACTIVATED_ORDER = "aktiverad order utan bokning"
DROP_IN = "drop-in"
EMERGENCY_ARRIVAL = "ankomst"
OBSERVATION_PLACE = "observationsplats"
PLANNED_ADMISSION = "planerad inskrivning"
DIRECT_ADMISSION = "direktinskrivning"
CONSULT = "konsult av annan specialitet, patienten flyttar dit"
# [reading] VH-07 names Öppenvårdskonsult among what a booking becomes, and BO-02 lets any unit that is involved register a
# consult visit: whatever unit the consult is booked at.
BOOKED_CONSULT = "bokat konsultbesök åt annan vårdenhet"
ONGOING_TREATMENT = "pågående behandling"
CONTACT_WITHOUT_VISIT = "obokad kontakt utan fysiskt besök"
BEFORE_DELIVERY = "före förlossning"
BORN = "född utan Foster"
# [reading] VH-03 k names Admin among what is made by hand, without saying where: any unit.
ADMINISTRATIVE = "administrativ vårdhändelse"

# The table's words for a unit, in terms of what a unit is here.
_PRIMARY = {CareUnitKind.HEALTH_CENTRE, CareUnitKind.CHILD_HEALTH, CareUnitKind.MIDWIFE, CareUnitKind.YOUTH}
_SPECIALISED = {
    CareUnitKind.SPECIALISED,
    CareUnitKind.DIALYSIS,
    CareUnitKind.EMERGENCY,
    CareUnitKind.INPATIENT,
    CareUnitKind.MATERNITY,
}
_UNIT_WORDS = {
    "primärvård": _PRIMARY,
    "primärvård (vårdcentral, BVC, barnmorska, ungdomsmottagning)": _PRIMARY,
    "specialiserad": _SPECIALISED,
    "alla": set(CareUnitKind),
    "akutmottagning": {CareUnitKind.EMERGENCY},
    "akutmottagning, förlossning": {CareUnitKind.EMERGENCY, CareUnitKind.MATERNITY},
    "slutenvård": {CareUnitKind.INPATIENT, CareUnitKind.MATERNITY},
    "akutmottagning, slutenvård": {CareUnitKind.EMERGENCY, CareUnitKind.INPATIENT},
    "dialysmottagning": {CareUnitKind.DIALYSIS},
    "förlossning": {CareUnitKind.MATERNITY},
}
# Situations that may only happen with a place; elsewhere the need of a place decides between two rows.
_PLACE_DECIDES = {BOOKED, DROP_IN}


@dataclass(frozen=True)
class Choice:
    """A row of typval.csv: the type at arrival, and the rules that say so."""

    unit_kinds: frozenset
    situation: str
    requires_place: bool
    type_code: str
    rules: tuple


@cache
def choices():
    """The table, read once; an unknown word in it stops the start."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return tuple(
            Choice(
                unit_kinds=frozenset(_UNIT_WORDS[row["enhet"]]),
                situation=row["besokstyp_eller_handling"],
                requires_place=row["kraver_plats"] == "ja",
                type_code=code_of(row["typ_vid_ankomst"]),
                rules=tuple(rule.strip() for rule in row["kalla"].split(",")),
            )
            for row in csv.DictReader(lines, delimiter=";")
        )


def choose(*, unit_kind, situation, requires_place=False):
    """The code of the type. Raises RuleError where the table has no row: the unit does not do this."""
    for choice in choices():
        if choice.situation != situation or unit_kind not in choice.unit_kinds:
            continue
        if situation in _PLACE_DECIDES and unit_kind in _SPECIALISED and choice.requires_place != requires_place:
            continue
        return choice.type_code
    raise RuleError(
        "VH-03",
        f"{CareUnitKind(unit_kind).label} registrerar inte {situation}. Välj den enhet där kontakten ägde rum.",
        code="unit_does_not_do_this",
    )


def at_arrival(care_unit, visit_type, *, is_consult=False):
    """The code of the type that a booked visit becomes at arrival (VH-07)."""
    situation = BOOKED_DIAGNOSTICS if visit_type.is_diagnostic else BOOKED
    if is_consult:
        situation = BOOKED_CONSULT
    return choose(unit_kind=care_unit.kind, situation=situation, requires_place=visit_type.requires_place)


def registers(unit_kind, situation):
    """Whether the table has a row for it: what a unit is offered (VH-03)."""
    return any(choice.situation == situation and unit_kind in choice.unit_kinds for choice in choices())
