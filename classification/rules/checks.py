"""The checks of a coding, as data: coding_rules.csv says of each its rule, weight, evidence and source (KL-06). Pure.

R01…R32 are the project's table of what software can check; D01, D02, H01, J01, P01, P02 and S01 come from the rulebook. What the
register would refuse cannot be softened by a region (`is_fixed`)."""

import csv
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

TABLE = Path(__file__).parents[1] / "data" / "coding_rules.csv"


class Severity(StrEnum):
    """How much a finding weighs: an error blocks "klar", a warning and a hint do not."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class Evidence(StrEnum):
    """How well a check is founded."""

    VERIFIED = "verified"
    SECONDARY = "secondary"
    DERIVED = "derived"
    UNVERIFIED = "unverified"

    @property
    def label(self):
        """As users read it."""
        return _EVIDENCE[self]


_EVIDENCE = {
    Evidence.VERIFIED: "belagd",
    Evidence.SECONDARY: "andrahandskälla",
    Evidence.DERIVED: "härledd",
    Evidence.UNVERIFIED: "obekräftad",
}


@dataclass(frozen=True)
class Check:
    """A row of the table. `kind` is anmärkning (a finding), struktur, export or inställning."""

    id: str
    kind: str
    rule: str
    name: str
    severity: Severity
    evidence: Evidence
    is_fixed: bool
    source: str

    def __str__(self):
        return f"{self.id} {self.name}"


def _read():
    with TABLE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter=";"):
            yield Check(
                id=row["id"],
                kind=row["slag"],
                rule=row["regel"],
                name=row["kontroll"],
                severity=Severity(row["allvar"]),
                evidence=Evidence(row["belagg"]),
                is_fixed={"ja": False, "nej": True}[row["kan_andras"]],
                source=row["kalla"],
            )


CHECKS = {check.id: check for check in _read()}


@dataclass(frozen=True)
class Finding:
    """Anmärkning på kodning: one Swedish sentence with its reason. `about` is the code it concerns, undotted; `check`
    the row of the table that says so."""

    severity: Severity
    code: str
    rule: str
    detail: str
    about: str = ""
    check: str = ""
    source: str = ""

    @property
    def evidence(self):
        """How well the check is founded."""
        return CHECKS[self.check].evidence


def finding(check_id, code, detail, about="", *, rule="", severity=None, source=""):
    """A finding as the table weighs it. A row of the spärrlista has its own weight and source."""
    check = CHECKS[check_id]
    return Finding(
        severity or check.severity, code, rule or check.rule, detail, about, check_id, source or check.source
    )


def weighed(found, weights):
    """The findings as the region weighs them: `weights` is check id to severity, or to None where it is off."""
    for each in found:
        weight = weights.get(each.check, each.severity)
        if CHECKS[each.check].is_fixed or weight == each.severity:
            yield each
        elif weight is not None:
            yield replace(each, severity=weight)
