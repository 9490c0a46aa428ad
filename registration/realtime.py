"""Realtidsregistrering: what is registered of a contact per care form, and whether a person or the system fills it
(VH-23): realtidsregistrering.csv (REG 3.4), read once. Pure."""

import csv
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from registration.lifecycle import ADMISSION_BOOKED, INPATIENT, NEWBORN

TABLE = Path(__file__).parent / "data" / "realtidsregistrering.csv"

OPEN, CLOSED = "oppen_vard", "sluten_vard"


class FilledBy(StrEnum):
    """Who fills a field."""

    SYSTEM = "system"
    HAND = "hand"
    ELSEWHERE = "elsewhere"


WORDS = {FilledBy.SYSTEM: "Systemet", FilledBy.HAND: "För hand", FilledBy.ELSEWHERE: "I kassan"}

_S, _H, _E = FilledBy.SYSTEM, FilledBy.HAND, FilledBy.ELSEWHERE
# Every field of the table. [reading] The instruction says that each is filled by hand or by the system, not which.
FILLED_BY = {
    "Personnummer": _S,
    "Kön": _S,
    "Ålder": _S,
    "Listningsenhet": _S,
    "Vårdnadshavare": _S,
    "Huvudman": _S,
    "Producerande vårdinrättning": _S,
    "Medicinskt ansvarig vårdenhet (ej fysisk plats)": _S,
    "Vårdutförande/tjänsteutförande enhet": _S,
    "Bokat datum och tid": _H,
    "Ankomstdatum och tid": _S,
    "Beräknat inskrivningsdatum": _H,
    "Inskrivningsdatum och tid": _S,
    "Utskrivningsdatum och tid": _S,
    "Vårdområde": _S,
    "Problemkod": _H,
    "Remisskod": _H,
    "Besökstyp": _H,
    "Kontakttyp": _S,
    "Anledning": _H,
    "Yrkeskategori": _S,
    "Insätt (varifrån)": _H,
    "Planerat/Oplanerat": _S,
    "Utsätt (till)": _H,
    "Huvuddiagnos": _H,
    "Bidiagnoser": _H,
    "KVÅ": _H,
    "ATC": _H,
    "Yttre orsakskoder": _H,
    "Patientavgift": _E,
    "Anledning till avgiftsfritt": _E,
    "Betalningssätt": _E,
}


class RealtimeField(NamedTuple):
    """A field of the table for one care form."""

    group: str
    name: str
    filled_by: FilledBy


@cache
def fields(care_form):
    """The fields of the care form in the table's order. An unknown field in the table stops with a KeyError."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return tuple(
            RealtimeField(row["grupp"], name, FILLED_BY[name])
            for row in csv.DictReader(lines, delimiter=";")
            for name in row[care_form].split("|")
        )


def care_form(type_code):
    """Which of the table's two columns holds for the type."""
    return CLOSED if type_code in (INPATIENT, ADMISSION_BOOKED, NEWBORN) else OPEN
