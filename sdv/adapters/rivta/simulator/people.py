"""Whom the simulator knows: the demo's patients as they are in the database, the persons of the real service's test
environment, and, for any other of Skatteverket's test numbers, a person invented from the number itself."""

import hashlib
from dataclasses import replace

from registration import identities
from registration.models import Patient, Protection
from registration.population_register import (
    GUARDIAN,
    SOURCE,
    Deregistration,
    LinkedIdentity,
    PersonRecord,
    RegisterAddress,
    RegisterAddresses,
    RegisterIdentity,
    RegisterName,
    RegisterRelation,
)
from registration.register_changes import ABROAD, HOME, SPECIAL

# Invented streets in real municipalities (SCB's codes), so that län and kommun agree.
MUNICIPALITIES = (
    ("80", "211", "MALMÖ"),
    ("81", "221", "LUND"),
    ("83", "252", "HELSINGBORG"),
    ("87", "231", "TRELLEBORG"),
    ("90", "291", "KRISTIANSTAD"),
)
COUNTY = "12"
STREETS = ("Provgatan", "Testvägen", "Exempelstigen", "Påhittsgränd", "Övningsallén")
WOMEN = ("Alva", "Britta", "Cecilia", "Disa", "Ebba", "Fatima", "Greta", "Hanna")
MEN = ("Adam", "Björn", "Carl", "Dragan", "Elias", "Folke", "Gösta", "Hassan")
SURNAMES = ("Ekprov", "Fältman", "Grönmark", "Hedtest", "Ivarsberg", "Kvistlund", "Lövström", "Månehall")
ADULT_BEFORE = 2007
VERSION = "20260102030405"
LINES = ("care_of", "street", "postal_code", "town", "country")


def _dice(identity):
    """A number that is the same each time for the same person."""
    return int.from_bytes(hashlib.sha256(identity.value.encode()).digest()[:6])


def residence(identity):
    """Where the person is registered: (municipality code, addresses)."""
    dice = _dice(identity)
    code, post, town = MUNICIPALITIES[dice % len(MUNICIPALITIES)]
    street = f"{STREETS[dice // 7 % len(STREETS)]} {dice // 41 % 90 + 1}"
    if dice % 3 == 0:
        street = f"LGH {1001 + dice // 11 % 500}, {street}"
    care_of = "c/o Prov" if dice % 17 == 0 else ""
    home = RegisterAddress(care_of=care_of, street=street, postal_code=f"{post}{dice // 13 % 90 + 10}", town=town)
    special = RegisterAddress(street="Box 12", postal_code=f"{post}05", town=town) if dice % 29 == 0 else None
    return code, RegisterAddresses(residential=home, special_postal=special)


def resident(identity, *, given_name, surname, sex, born, middle_name=""):
    code, addresses = residence(identity)
    return PersonRecord(
        identity=identity,
        version=VERSION,
        sex=sex,
        born=born,
        name=RegisterName(given_name, middle_name, surname),
        county_code=COUNTY,
        municipality_code=code,
        registered_on=born,
        addresses=addresses,
    )


def invented(identity):
    """A person behind any of Skatteverket's test numbers (birth number 238, 239 or 98x), or None: one in ten is unknown
    to the register."""
    is_test_number = identity.value[8:11] in ("238", "239") or identity.value[8:10] == "98"
    if identity.kind != identities.PERSONNUMMER or not is_test_number:
        return None
    dice = _dice(identity)
    if dice % 10 == 0:
        return None
    is_man = int(identity.value[10]) % 2 == 1
    names = MEN if is_man else WOMEN
    return resident(
        identity,
        given_name=names[dice % len(names)],
        surname=SURNAMES[dice // 8 % len(SURNAMES)],
        sex=identities.SEX_MAN if is_man else identities.SEX_WOMAN,
        born=f"{identity.value[:4]}-{identity.value[4:6]}-{identity.value[6:8]}",
    )


def of_the_test_environment():
    """The persons that integrators know from the real service's test environment, with invented names."""

    def known(kind, value, given_name, surname, sex, born, **told):
        record = resident(RegisterIdentity(kind, value), given_name=given_name, surname=surname, sex=sex, born=born)
        return replace(record, **told)

    civic, man, woman = identities.PERSONNUMMER, identities.SEX_MAN, identities.SEX_WOMAN
    nowhere = {"county_code": None, "municipality_code": None, "registered_on": None, "addresses": None}
    return [
        known(civic, "200001252386", "Vilma", "Dold", woman, "2000-01-25", has_protection_mark=True),
        known(civic, "189602029812", "Sture", "Gömd", man, "1896-02-02", has_protected_registration=True),
        known(
            civic,
            "199002222397",
            "Emil",
            "Utvandrad",
            man,
            "1990-02-22",
            addresses=RegisterAddresses(abroad=RegisterAddress(street="Storgatan 1, 0155 OSLO", country="NORGE")),
            deregistration=Deregistration(code="UV", on="2021-06-01"),
        ),
        known(civic, "196101182803", "Maria", "Ordinär", woman, "1961-01-18"),
        known(
            identities.SAMORDNINGSNUMMER,
            "196109732393",
            "Tom",
            "Smith",
            man,
            "1961-09",
            identity_level="SANNOLIK",
            identity_level_on="2024-02-01",
            identity_status="AKTIVT",
            identity_status_on="2024-02-01",
            **nowhere,
        ),
        known(identities.RESERVID, "98240301AA06", "Reserv", "Identitet", man, "2024-03-01", **nowhere),
    ]


def of_the_demo():
    """The patients in the database, as the register would tell of them: what it has told once it tells again."""
    patients = Patient.objects.present().with_primary_identity().order_by("pk")
    patients = patients.prefetch_related("addresses__kind", "relations")
    known = [(patient, record) for patient in patients.iterator(chunk_size=1000) if (record := _of(patient))]
    adults = [record for _, record in known if not record.is_protected and (record.born or "9")[:4] < str(ADULT_BEFORE)]
    return [_with_guardians(record, adults) if record.relations is None else record for _, record in known]


def _of(patient):
    primary = next((row for row in patient.known_identities if row.is_primary), None)
    if primary is None:
        return None
    identity = RegisterIdentity(primary.kind, primary.value)
    record = resident(
        identity,
        given_name=patient.given_name,
        middle_name=patient.middle_name,
        surname=patient.surname,
        sex=patient.sex,
        born=patient.birth_date.isoformat() if patient.birth_date else patient.birth_date_partial or None,
    )
    others = [row for row in patient.known_identities if not row.is_primary and row.kind in identities.PRIMARY_KINDS]
    record = replace(
        record,
        linked=tuple(LinkedIdentity(RegisterIdentity(row.kind, row.value)) for row in others),
        relations=_guardians_of(patient),
        deregistration=_deregistration(patient),
    )
    if primary.kind != identities.PERSONNUMMER:
        is_coordination = primary.kind == identities.SAMORDNINGSNUMMER
        return replace(
            record,
            county_code=None,
            municipality_code=None,
            registered_on=None,
            addresses=None,
            identity_level=(primary.level or "STYRKT") if is_coordination else None,
            identity_status=(primary.register_status or "AKTIVT") if is_coordination else None,
            identity_status_cause=primary.register_status_cause or None,
        )
    told = {}
    if patient.registration_kind and not patient.is_protected:
        told = {
            "county_code": patient.county_code or None,
            "municipality_code": patient.municipality_code or None,
            "registered_on": patient.registered_on or None,
            "addresses": _addresses_of(patient),
        }
    return replace(
        record,
        has_protection_mark=patient.protection == Protection.MARKED and patient.protection_set_by_id is None,
        has_protected_registration=patient.protection == Protection.POPULATION_REGISTER,
        **told,
    )


def _deregistration(patient):
    if patient.deceased_on:
        return Deregistration(code="AV", on=patient.deceased_partial or patient.deceased_on.isoformat())
    if patient.deregistration_code:
        return Deregistration(code=patient.deregistration_code, on=patient.deregistered_on)
    return None


def _addresses_of(patient):
    """Those that the register has told of, by kind."""
    told = {
        row.kind.code: RegisterAddress(**{name: getattr(row, name) for name in LINES})
        for row in patient.addresses.all()
        if row.source == SOURCE
    }
    return RegisterAddresses(residential=told.get(HOME), special_postal=told.get(SPECIAL), abroad=told.get(ABROAD))


def _guardians_of(patient):
    """None where the register has told of none; of a protected one it tells the number alone."""
    rows = [row for row in patient.relations.all() if row.kind == "guardian" and row.source == SOURCE]
    if not rows:
        return None
    return tuple(
        RegisterRelation(
            kind=GUARDIAN,
            identity=RegisterIdentity(identities.PERSONNUMMER, row.identity) if row.identity else None,
            born=row.birth_date.isoformat() if row.birth_date else "",
            name=RegisterName(*_parts(row.name)) if row.name else None,
            since=row.valid_from.isoformat() if row.valid_from else "",
        )
        for row in rows
    )


def _parts(name):
    given_name, _, surname = name.rpartition(" ")
    return given_name, "", surname


def _with_guardians(record, adults):
    is_resident = record.identity.kind == identities.PERSONNUMMER
    if not is_resident or record.born is None or record.born[:4] < str(ADULT_BEFORE) or len(adults) < 2:
        return record
    dice = _dice(record.identity)
    chosen = {adults[dice % len(adults)].identity: adults[dice % len(adults)]}
    second = adults[(dice // 97) % len(adults)]
    chosen.setdefault(second.identity, second)
    relations = tuple(
        RegisterRelation(kind=GUARDIAN, identity=adult.identity, name=adult.name, since=record.born)
        for adult in chosen.values()
    )
    return replace(record, relations=relations)
