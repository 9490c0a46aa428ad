"""What a register's record changes on a patient: a change request, computed from the two alone (PA-04, PA-05). Pure: no
database, no clock.

Only what the register owns is ever in a request. What the register did not tell is left as it is, what users have
entered is never touched, and asking for the same record twice asks for nothing the second time. Of a protected person
only sex and birth date are taken over (SK-02)."""

import re
from dataclasses import dataclass, field, replace
from datetime import date

from registration import identities
from registration.population_register import (
    DECEASED_CODE,
    PersonRecord,
    RegisterAddress,
    RegisterIdentity,
    RegisterRelation,
)

MARKED, PROTECTED_REGISTRATION = "sekretessmarkering", "skyddad_folkbokforing"
RESIDENT, DEREGISTERED, NEVER_RESIDENT = "resident", "deregistered", "never_resident"
DECEASED_CAUSE = "AVLIDEN"
SEXES = ("1", "2", "9")

# Columns of a patient that the register owns, with their Swedish words. Whatever is not here is somebody else's.
OWNED_FIELDS = {
    "given_name": "förnamn",
    "middle_name": "mellannamn",
    "surname": "efternamn",
    "birth_date": "födelsedatum",
    "birth_date_partial": "födelsetid",
    "sex": "kön",
    "registration_kind": "typ av folkbokföring",
    "registered_on": "folkbokföringsdatum",
    "county_code": "län",
    "municipality_code": "kommun",
    "deregistration_code": "avregistreringskod",
    "deregistered_on": "avregistreringsdatum",
}
LONGEST = {
    "given_name": 120,
    "middle_name": 120,
    "surname": 120,
    "county_code": 2,
    "municipality_code": 2,
    "deregistration_code": 10,
}
SAFE_FIELDS = ("birth_date", "birth_date_partial", "sex")
# Adresstyper (PA-07) that the register fills; the first two are locked, of the third only what the register entered.
HOME, SPECIAL, ABROAD = "bostadsadress", "sarskild-postadress", "utlandsadress"
ADDRESS_WORDS = {HOME: "bostadsadress", SPECIAL: "särskild postadress", ABROAD: "utlandsadress"}
LONGEST_LINE = {"care_of": 80, "street": 120, "postal_code": 12, "town": 80, "country": 60}

_PARTIAL = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@dataclass(frozen=True)
class HeldIdentity:
    """An identity as held here."""

    kind: str
    value: str
    is_primary: bool = False
    level: str = ""
    level_on: date | None = None
    register_status: str = ""
    register_status_cause: str = ""


@dataclass(frozen=True)
class Held:
    """What is held of a patient of what the register owns. `addresses`: those that the register has told, by kind."""

    fields: dict
    identities: tuple[HeldIdentity, ...]
    addresses: dict[str, RegisterAddress] = field(default_factory=dict)
    protection: str = ""
    is_protected_by_hand: bool = False
    is_kept_apart: bool = False  # a reserve identity beside a personnummer (RI-03): nothing ties it to another
    died_on: str = ""
    is_minor: bool = False
    version: str = ""

    @property
    def primary(self):
        return next((row for row in self.identities if row.is_primary), None)


@dataclass(frozen=True)
class Request:
    """What is to be changed. `identity_facts` are of the record's identity; `died_on` None says nothing is told anew,
    an empty text that a death is no longer told; `guardians` None leaves them."""

    protection: str | None = None
    fields: dict = field(default_factory=dict)
    addresses: dict[str, RegisterAddress | None] = field(default_factory=dict)
    primary: RegisterIdentity | None = None
    also_known: tuple[RegisterIdentity, ...] = ()
    identity_facts: dict = field(default_factory=dict)
    died_on: str | None = None
    was_found_dead: bool = False
    guardians: tuple[RegisterRelation, ...] | None = None
    is_older: bool = False
    is_of_another: bool = False

    @property
    def is_empty(self):
        """Whether nothing is to be changed. Guardians are compared where they are kept."""
        return not (
            self.protection is not None
            or self.fields
            or self.addresses
            or self.primary
            or self.also_known
            or self.identity_facts
            or self.died_on is not None
        )

    @property
    def words(self):
        """What changes, in Swedish, for the history: never the data itself."""
        words = [OWNED_FIELDS[name] for name in self.fields]
        words += [ADDRESS_WORDS[kind] for kind in self.addresses]
        if self.primary:
            words.append("nytt nummer")
        if self.also_known:
            words.append("länkat nummer")
        if self.identity_facts:
            words.append("uppgifter om numret")
        return words


def request(held: Held, record: PersonRecord, *, today: date) -> Request:
    """The change request of a record. Empty for a record older than the one known, and for one that would tie a record
    that is kept apart to another identity (RI-03)."""
    if record.version and held.version and record.version < held.version:
        return Request(is_older=True)
    if record.identity.kind not in identities.PRIMARY_KINDS:
        return Request(is_of_another=True)
    own = next((row for row in held.identities if _same(row, record.identity)), None)
    if held.is_kept_apart and (own is None or not own.is_primary):
        return Request(is_of_another=True)
    protection = protection_after(held, record)
    is_protected = protection != ""
    told = _fields(held, record)
    if is_protected:
        told = {name: value for name, value in told.items() if name in SAFE_FIELDS}
    return Request(
        protection=protection if protection != held.protection else None,
        fields={name: value for name, value in told.items() if held.fields.get(name) != value},
        addresses={} if is_protected else _addresses(held, record),
        primary=None if own is not None and own.is_primary else record.identity,
        also_known=() if is_protected or held.is_kept_apart else _also_known(held, record),
        identity_facts=_identity_facts(own, record),
        died_on=_news_of_a_death(held, record, today),
        was_found_dead=bool(record.deregistration and record.deregistration.found_dead_on),
        guardians=record.guardians if held.is_minor and not is_protected else None,
    )


def protection_after(held, record):
    """The protection once the record is taken over: only those with a personnummer get one from the register (SK-03),
    one set by hand is never lifted (SK-04), though it may become the stronger kind."""
    if record.identity.kind != identities.PERSONNUMMER:
        return held.protection
    told = ""
    if record.has_protected_registration:
        told = PROTECTED_REGISTRATION
    elif record.has_protection_mark:
        told = MARKED
    if held.is_protected_by_hand and held.protection and told != PROTECTED_REGISTRATION:
        return held.protection
    return told


def death(record):
    """When the person died, as far as it is told; an empty text where only the death is, None where it is not. Any of
    four places may tell of it."""
    left = record.deregistration
    if left and left.code == DECEASED_CODE:
        return left.on or left.found_dead_on or record.coordination_deceased_on or ""
    if left and left.found_dead_on:
        return left.found_dead_on
    if record.coordination_deceased_on:
        return record.coordination_deceased_on
    if record.identity_status_cause == DECEASED_CAUSE:
        return record.identity_status_on or ""
    return None


def _news_of_a_death(held, record, today):
    """The date to take over, an empty text for a death that is no longer told, None where there is no news."""
    told = death(record)
    if told is None:
        return "" if held.died_on else None
    if told == "":
        # Dead, and nobody says when: this year at the latest.
        return None if held.died_on else str(today.year)
    return None if told == held.died_on else told


def applied(held: Held, wanted: Request, record: PersonRecord) -> Held:
    """What is held once the request has been carried out, as the action does it: for rules that speak of the result."""
    addresses = {**held.addresses, **wanted.addresses}
    rows = list(held.identities)
    if wanted.primary:
        rows = [replace(row, is_primary=False) for row in rows if not _same(row, wanted.primary)]
        rows.insert(0, HeldIdentity(wanted.primary.kind, wanted.primary.value, is_primary=True))
    rows += [HeldIdentity(row.kind, row.value) for row in wanted.also_known]
    rows = [replace(row, **wanted.identity_facts) if _same(row, record.identity) else row for row in rows]
    is_older = wanted.is_older or wanted.is_of_another
    return replace(
        held,
        fields=held.fields | wanted.fields,
        identities=tuple(rows),
        addresses={kind: row for kind, row in addresses.items() if row is not None},
        protection=held.protection if wanted.protection is None else wanted.protection,
        died_on=wanted.died_on or held.died_on,
        version=held.version if is_older else record.version or held.version,
    )


def _same(row, identity):
    return (row.kind, row.value) == (identity.kind, identity.value)


def _fields(held, record):
    """Every owned field that the record tells, with its value."""
    told = {}
    if record.name and (record.name.surname or record.name.given_name):
        parts = {name: getattr(record.name, name) for name in ("given_name", "middle_name", "surname")}
        told |= {name: value for name, value in parts.items() if len(value) <= LONGEST[name]}
    if record.sex in SEXES:
        told["sex"] = record.sex
    if record.born and _PARTIAL.fullmatch(record.born):
        is_whole = len(record.born) == len("2026-11-26")
        told["birth_date"] = date.fromisoformat(record.born) if is_whole else None
        told["birth_date_partial"] = "" if is_whole else record.born
    for name in ("county_code", "municipality_code"):
        value = getattr(record, name)
        if value and len(value) <= LONGEST[name]:
            told[name] = value
    if record.registered_on:
        told["registered_on"] = record.registered_on
    return told | _registration(record)


def _registration(record):
    """Resident, deregistered, or never resident; nothing where the record tells none of them. An unknown code is kept
    as it was told."""
    left = record.deregistration
    if left and (left.code or left.on or left.found_dead_on):
        return {
            "registration_kind": DEREGISTERED,
            "deregistration_code": left.code[: LONGEST["deregistration_code"]],
            "deregistered_on": left.on or left.found_dead_on,
        }
    if record.identity.kind != identities.PERSONNUMMER:
        return {"registration_kind": NEVER_RESIDENT}
    if record.county_code or record.municipality_code:
        return {"registration_kind": RESIDENT, "deregistration_code": "", "deregistered_on": ""}
    return {}


def _addresses(held, record):
    """The kinds that change. An answer without addresses at all tells nothing; one with some tells of each kind."""
    if record.addresses is None:
        return {}
    told = {
        HOME: record.addresses.residential,
        SPECIAL: record.addresses.special_postal,
        ABROAD: record.addresses.abroad,
    }
    return {kind: row for kind, row in told.items() if row != held.addresses.get(kind) and _fits(row)}


def _fits(address):
    return address is None or all(len(getattr(address, name)) <= longest for name, longest in LONGEST_LINE.items())


def _also_known(held, record):
    others = [row.identity for row in (*record.linked, *record.referred)]
    known = {(row.kind, row.value) for row in held.identities} | {(record.identity.kind, record.identity.value)}
    new = [row for row in others if row.kind in identities.PRIMARY_KINDS and (row.kind, row.value) not in known]
    return tuple(dict.fromkeys(new))


def _identity_facts(own, record):
    """Level and status of a samordningsnummer, told as they are (PA-02)."""
    told = {}
    if record.identity_level is not None:
        told["level"] = record.identity_level[:40]
    if record.identity_level_on and len(record.identity_level_on) == len("2026-11-26"):
        told["level_on"] = date.fromisoformat(record.identity_level_on)
    if record.identity_status is not None:
        told["register_status"] = record.identity_status[:40]
        told["register_status_cause"] = (record.identity_status_cause or "")[:40]
    held = own or HeldIdentity("", "")
    return {name: value for name, value in told.items() if getattr(held, name) != value}
