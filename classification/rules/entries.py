"""What the checks read: the codes at their places, the contact, and what the region has decided. Pure."""

from dataclasses import dataclass, field
from datetime import date

ICD, KVA, ATC, KSH97P, REGIONAL = "icd-10-se", "kva", "atc", "ksh97p", "regional"
SYSTEM_NAMES = {ICD: "ICD-10-SE", KVA: "KVÅ", ATC: "ATC", KSH97P: "KSH97-P", REGIONAL: "de regionala koderna"}
DIAGNOSIS_SYSTEMS = (ICD,)
PROCEDURE_SYSTEMS = (KVA, REGIONAL)


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
    day: date | None = None
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

    @property
    def main(self):
        """Huvuddiagnos, or None."""
        return self.diagnoses[0] if self.diagnoses else None


@dataclass(frozen=True)
class Contact:
    """What the rules know of the contact. `coding_date`, its last day, decides the release (KL-05); `treatment_form` is the form of
    psychotherapy that its vårdåtagande is for (PS-01), if any."""

    encounter_type: str
    encounter_class: str
    coding_date: date
    replaces_visit: bool | None = None
    patient_sex: str = "0"
    patient_age: int | None = None
    interpreter_used: bool = False
    has_note: bool = True
    care_unit: str = ""
    treatment_form: str = ""
    first_day: date | None = None


@dataclass(frozen=True)
class Blocked:
    """A row of the spärrlista: patterns are a code, or its beginning followed by *."""

    pattern: str
    kind: str
    severity: str
    text: str
    source: str
    role: str = "any"
    care_form: str = "any"
    care_unit: str = ""
    other_pattern: str = ""


@dataclass(frozen=True)
class Region:
    """What the region has decided for the contact's day: weights by check (None: off), the spärrlista, the most codes."""

    weights: dict = field(default_factory=dict)
    blocked: tuple = ()
    most_codes: int | None = None


AS_PUBLISHED = Region()
