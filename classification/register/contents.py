"""What a delivered contact says, judged before it is delivered and written as rows (PAR-01). Pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from classification.register.selection import INPATIENT_SUBSET
from sdv.common.time import local

INJURY = re.compile(r"[ST][0-9]{2}")
# Åtgärder that are coercion: the form of psychiatric care they are done under is reported apart, and not from here.
COERCION = re.compile(r"XU[0-9]{3}")
MVO, HOSPITALS = "mvo", "sjukhuskod"
IDENTITY_KINDS = {"personnummer", "samordningsnummer", "reservid"}


@dataclass(frozen=True)
class Coded:
    """A code with what hangs under it: order carries meaning, ATC stands directly under what it completes."""

    code: str
    atc: tuple = ()
    external_causes: tuple = ()
    day: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    def was_valid(self, on):
        """Whether the release that the code was taken from held on the day (KL-05)."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True)
class Content:
    """Everything of a contact that a file can hold. `key` is the vårdhändelse's number: the same from month to month,
    and nobody's identity."""

    key: int
    subset: str
    start: datetime
    end: datetime | None
    unit: object
    patient: object
    mvo: str = ""
    hospital: str = ""
    identity: str = ""
    identity_kind: str = ""
    sex: str = ""
    municipality: str = ""
    planned: str = ""
    admitted_from: str = ""
    discharged_to: str = ""
    assessed: datetime | None = None
    emergency: str = "0"
    is_emergency: bool = False
    died: date | None = None
    is_complete: bool = False
    diagnoses: tuple = ()
    procedures: tuple = ()
    substances: tuple = ()
    missing: tuple = ()

    @property
    def started(self):
        return local(self.start).date()

    @property
    def ended(self):
        return local(self.end).date() if self.end else None

    @property
    def coding_day(self):
        """The day whose codes count: the end (KL-05)."""
        return self.ended or self.started


@dataclass(frozen=True)
class Finding:
    """Something to say of a contact: an error holds it back, a warning does not."""

    is_error: bool
    code: str
    detail: str


def findings(content, known):
    """Everything to say of one contact, errors first. Own proposal: the receiver's own list of faults was not found.
    `known` is {code list: codes}: a list that is not there is not known and asked nothing."""
    found = [*_errors(content, known), *_warnings(content)]
    return sorted(found, key=lambda finding: not finding.is_error)


def _errors(content, known):
    def error(code, detail):
        return Finding(True, code, detail)

    if content.identity_kind not in IDENTITY_KINDS:
        yield error("identity_missing", "Patienten saknar personnummer, samordningsnummer och nationellt reservID.")
    if not content.hospital:
        yield error("hospital_missing", "Vårdenheten saknar sjukhuskod. Ange den under Kataloger.")
    elif content.hospital not in known.get(HOSPITALS, (content.hospital,)):
        yield error("hospital_unknown", f"Sjukhuskoden {content.hospital} finns inte i kodlistan.")
    if not content.mvo:
        yield error("mvo_missing", "Vårdenheten saknar MVO. Ange det under Kataloger.")
    elif content.mvo not in known.get(MVO, (content.mvo,)):
        yield error("mvo_unknown", f"MVO {content.mvo} finns inte i kodlistan.")
    if content.died and content.died < content.started:
        yield error("dead_before", "Patienten avled före kontakten. Rätta dödsdagen eller kontakten.")
    if content.end is None:
        return
    if content.subset == INPATIENT_SUBSET and not content.discharged_to:
        yield error("way_out_missing", "Utsätt saknas: vart patienten skrevs ut. Ange det på vårdhändelsen.")
    if not content.diagnoses:
        yield error("main_diagnosis_missing", "Huvuddiagnos saknas. Klassificera kontakten.")
    for row in (*content.diagnoses, *content.procedures):
        if not row.was_valid(content.coding_day):
            yield error("code_not_valid", f"Koden {row.code} gällde inte {content.coding_day.isoformat()}.")
    for row in content.procedures:
        if procedure_day(content, row) is None:
            yield error("procedure_date_missing", f"Åtgärden {row.code} saknar datum; vårdtillfället har flera dagar.")


def _warnings(content):
    def warning(code, detail):
        return Finding(False, code, detail)

    if content.end is None:
        return
    if content.diagnoses and not content.is_complete:
        yield warning("not_complete", "Klassificeringen är inte klar. Den lämnas som den är.")
    for row in content.diagnoses:
        if INJURY.match(row.code) and not row.external_causes:
            yield warning("external_cause_missing", f"{row.code} är en skada eller förgiftning utan yttre orsak.")
    for row in content.procedures:
        if row.day and not content.started <= row.day <= content.ended:
            yield warning(
                "procedure_outside", f"Åtgärden {row.code} har ett datum utanför kontakten: {row.day.isoformat()}."
            )
    if coercion := next((row.code for row in content.procedures if COERCION.match(row.code)), None):
        yield warning(
            "coercion_form",
            f"Tvångsåtgärden {coercion} är kodad. Psykiatrisk vårdform (delmängden TV) registreras inte här: lämna den själv.",
        )
    for sentence in content.missing:
        yield warning("not_derived", sentence)
    if content.is_emergency and not content.emergency:
        yield warning("emergency_unknown", "Akutmottagningens slag (1–5) är inte angivet. Ange det under Kataloger.")


def procedure_day(content, row):
    """The day of a procedure: its own, else the contact's where that has one day only. [reading]"""
    if row.day:
        return row.day
    single = content.subset != INPATIENT_SUBSET or content.started == content.ended
    return content.started if single else None


def rows(content, file):
    """The rows of a contact in one file, as maps of field to value, in the order they must stand."""
    common = _common(content)
    if file == "AD":
        return [common]
    if file == "LT":
        return [common | {"code": code, "code_date": content.started} for code in content.substances]
    if file == "AT":
        return [
            common | {"code": code, "code_date": procedure_day(content, row)}
            for row in content.procedures
            for code in (row.code, *row.atc)
        ]
    if file == "YO":
        return [common | {"code": code} for row in content.diagnoses for code in row.external_causes]
    return [
        common | {"code": code, "diagnosis_kind": "1" if place == 0 else "0"}
        for place, row in enumerate(content.diagnoses)
        for code in (row.code, *row.atc)
    ]


def _common(content):
    emergency = content.is_emergency
    return {
        "contact": str(content.key),
        "hospital": content.hospital,
        "mvo": content.mvo,
        "identity": content.identity,
        "sex": content.sex,
        "municipality": content.municipality,
        "start_date": content.started,
        "end_date": content.ended,
        "planned": content.planned,
        "admitted_from": content.admitted_from,
        "discharged_to": content.discharged_to,
        "emergency": content.emergency,
        "emergency_arrival": content.start if emergency else None,
        "emergency_assessment": content.assessed if emergency else None,
        "emergency_departure": content.end if emergency else None,
    }
