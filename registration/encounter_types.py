"""The twenty types as the instruction's table has them (VH-02): vardhandelsetyper.csv, read once. Pure.

Rules ask these rows; the database's EncounterType is the same table, loaded by load_catalogues for joins and doors."""

import csv
from dataclasses import dataclass
from pathlib import Path

from registration.codes import code_of
from registration.lifecycle import CheckOut, Discharge

TABLE = Path(__file__).parent / "data" / "vardhandelsetyper.csv"

_CHECK_OUT = {"automatisk": CheckOut.AUTOMATIC, "manuell": CheckOut.MANUAL, "ej tillämpbar": CheckOut.NOT_APPLICABLE}
_DISCHARGE = {
    "automatisk": Discharge.AUTOMATIC,
    "manuell": Discharge.MANUAL,
    "omvandlas eller manuell": Discharge.CONVERTED_OR_MANUAL,
    "ej tillämpbar": Discharge.NOT_APPLICABLE,
}
_YES_OR_NO = {"ja": True, "nej": False}


@dataclass(frozen=True)
class TypeRow:
    """A row of the table. Unknown words in the table stop the start with a KeyError."""

    code: str
    name: str
    class_code: str
    class_name: str
    used_by: str
    used_for: str
    requires_commitment: bool
    check_out: str
    discharge: str
    is_pre_registration: bool
    note: str


def _read():
    with TABLE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter=";"):
            yield TypeRow(
                code=code_of(row["typ"]),
                name=row["typ"],
                class_code=code_of(row["klass"]),
                class_name=row["klass"],
                used_by=row["anvands_av"],
                used_for=row["anvands_vid"],
                requires_commitment=_YES_OR_NO[row["krav_pa_vardatagande"]],
                check_out=_CHECK_OUT[row["utcheckning"]],
                discharge=_DISCHARGE[row["utskrivning"]],
                is_pre_registration=_YES_OR_NO[row["forhandsregistrering"]],
                note=row["anmarkning"],
            )


TYPES = {row.code: row for row in _read()}
