"""Codes that follow from the registration and are added at reporting, never typed (KL-04, DI-05, DI-08, PS-04). Pure.

XS codes tell the form of the visit and who took part; they are not shown to users. REG's tables are the two files
xs_koder_…; xs_yrkeskategorier.csv is ours: every yrkeskategori with its code, from REG's table where that has it, else
from the national list, and marked so."""

import csv
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from registration.contact_types import DISTANT, ContactType
from registration.lifecycle import INPATIENT, NEWBORN, NOT_REPORTED, OBSERVATION

DATA = Path(__file__).parent / "data"
DOCTOR = "Läkare"
TEAM, GROUP, GROUP_TEAM = "XS902", "XS903", "XS904"
INTERPRETER, TELEMEDICINE, SUPPORT_PROGRAMME = "ZV020", "ZV051", "UW040"
KVA, REGIONAL = "kva", "regional"
# DI-05: in a Stöd- och behandlingsprogram these have UW040 too, also when no visit is replaced.
OF_PROGRAMMES = {
    ContactType.VIDEO_VISIT,
    ContactType.PHONE_VISIT,
    ContactType.PHONE,
    ContactType.TEXT_VISIT,
    ContactType.TEXT,
}
REG, NATIONAL = "REG", "KVÅ 2026"


class Part(StrEnum):
    """What a derived code tells."""

    FORM = "form"
    PROFESSION = "profession"
    ADDITION = "addition"


@dataclass(frozen=True)
class DerivedCode:
    """A code with why it is there. `source` is REG, or the national list where REG's table lacks the profession."""

    code: str
    title: str
    part: Part
    rule: str
    reason: str
    system: str = KVA
    source: str = REG


@dataclass(frozen=True)
class Registration:
    """What the derivation reads of a contact. Professions are names of yrkeskategorier, the main responsible first."""

    encounter_type: str
    contact_type: str | None = None
    channel: str = ""
    professions: tuple = ()
    is_group: bool = False
    interpreter_used: bool = False
    in_programme: bool = False


@dataclass(frozen=True)
class Derived:
    """The codes of a contact in order, and what could not be derived, in sentences for the report before a delivery."""

    contact_type: str | None
    codes: tuple = ()
    missing: tuple = ()

    def of(self, part):
        """The codes that tell one thing."""
        return tuple(code for code in self.codes if code.part == part)


def _rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter=";")


# Kontakttyp to form code, where the row applies: REG's row for KO does not (KL-04).
FORM_CODES = {
    contact_type: row["kva_kod"]
    for row in _rows("xs_koder_kontakttyp.csv")
    if row["galler"] == "ja"
    for contact_type in row["kontakttyper"].split("|")
    if contact_type
}
FORM_TITLES = {row["kva_kod"]: row["text"] for row in _rows("xs_koder_kontakttyp.csv")}
PROFESSION_CODES = {
    row["yrkeskategori"]: DerivedCode(
        row["kva_kod"],
        row["text"],
        Part.PROFESSION,
        "KL-04",
        row["yrkeskategori"],
        source=REG if "REG" in row["kalla"] else NATIONAL,
    )
    for row in _rows("xs_yrkeskategorier.csv")
}
# A contact in writing, by telephone without a visit, and among staff have no code of form in REG's table.
WITHOUT_FORM_CODE = {ContactType.PHONE, ContactType.TEXT}
# XS codes are of visits and contacts in open care.
INPATIENT_CARE = {INPATIENT, OBSERVATION, NEWBORN}


def is_team(registration):
    """BO-02: several professions see one patient at once."""
    return len(set(registration.professions)) > 1


def derive(registration):
    """What reporting adds to the codes of the contact. Nothing for what is not reported (VH-20) and for contact among
    staff, which is no vårdkontakt (DI-07)."""
    contact_type = registration.contact_type
    if registration.encounter_type in NOT_REPORTED or contact_type == ContactType.AMONG_STAFF:
        return Derived(contact_type)
    gathered = _Gathered()
    if registration.encounter_type not in INPATIENT_CARE:
        _form(registration, gathered)
        _professions(registration, gathered)
    _additions(registration, gathered)
    return Derived(contact_type, tuple(gathered.codes), tuple(gathered.missing))


@dataclass
class _Gathered:
    codes: list = field(default_factory=list)
    missing: list = field(default_factory=list)


def _professions(registration, gathered):
    """KL-04: one code for each profession that took part; one that no table has is said to be missing."""
    for profession in dict.fromkeys(registration.professions):
        if profession in PROFESSION_CODES:
            gathered.codes.append(PROFESSION_CODES[profession])
        else:
            gathered.missing.append(f"Yrkeskategorin {profession} har ingen XS-kod.")
    if not registration.professions:
        gathered.missing.append("Kontakten har ingen yrkeskategori: XS-kod för yrke kan inte härledas.")


def _form(registration, gathered):
    """KL-04: team, group and group team by the form of the visit, else by kontakttyp; unknown ones are not guessed."""
    contact_type = registration.contact_type
    if is_team(registration) and registration.is_group:
        code, reason = GROUP_TEAM, "gruppteambesök"
    elif registration.is_group:
        code, reason = GROUP, "gruppbesök"
    elif is_team(registration):
        code, reason = TEAM, "teambesök"
    elif contact_type in WITHOUT_FORM_CODE:
        return
    elif contact_type in FORM_CODES:
        code, reason = FORM_CODES[contact_type], f"kontakttyp {contact_type}"
    else:
        what = f"Kontakttypen {contact_type} har ingen känd XS-kod." if contact_type else "Kontakttypen är inte känd."
        gathered.missing.append(f"{what} XS-kod för kontakten härleds inte.")
        return
    gathered.codes.append(DerivedCode(code, FORM_TITLES[code], Part.FORM, "KL-04", reason))


def _additions(registration, gathered):
    contact_type = registration.contact_type
    if contact_type == ContactType.NEW and registration.channel in DISTANT:
        gathered.codes.append(_addition(TELEMEDICINE, "DI-08", "nybesök på distans"))
    if registration.interpreter_used:
        gathered.codes.append(_addition(INTERPRETER, "PS-04", "tolk användes"))
    if registration.in_programme and contact_type in OF_PROGRAMMES:
        gathered.codes.append(_addition(SUPPORT_PROGRAMME, "DI-05", "stöd- och behandlingsprogram", REGIONAL))


_ADDED = {row["kva_kod"]: row for row in _rows("kva_tillaggskoder.csv")}


def _addition(code, rule, reason, system=KVA):
    row = _ADDED[code]
    return DerivedCode(code, row["benamning"], Part.ADDITION, rule, reason, system, source=row["kalla"])
