"""Invented patients who each show something, to be found by name: docs/ovningspatienter.md tells who shows what. The
register's part is told as the register tells it, the rest is written as users write it."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from registration import identities
from registration.actions import contact, patients, portal, relations
from registration.models import AddressKind, Patient, PatientHistory, ProtectionGround, ReserveDecision
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
from sdv.common.time import local_date
from sdv.flows import merging, protection
from sdv.flows import register as population

from .identities import personnummer
from .region import REGION

# The series 070-174 06 05…99 is reserved for fiction; so are +44 7700 900000…900999.
MOBILE, FOREIGN = "070-174 06 {:02d}", "+44 7700 900123"
COORDINATION, RESERVE = identities.SAMORDNINGSNUMMER, identities.RESERVID
VERSION = "20260102030405"


@dataclass(frozen=True)
class Example:
    """A person, and what the register tells beyond the ordinary (`told`). `number` is empty where it is chosen by age."""

    key: str
    number: str
    given_name: str
    surname: str
    kind: str = identities.PERSONNUMMER
    told: dict = field(default_factory=dict)


def _number(level, status="AKTIVT", cause="", **other):
    """What the register tells of a samordningsnummer."""
    return {"identity_level": level, "identity_status": status, "identity_status_cause": cause, **other}


ABROAD = RegisterAddresses(abroad=RegisterAddress(street="Storgata 1, 0155 OSLO", country="NORGE"))
NOWHERE = {"addresses": RegisterAddresses()}
EARLIER = tuple(
    LinkedIdentity(RegisterIdentity(kind, value))
    for kind, value in ((COORDINATION, "199207642399"), (RESERVE, "22950606FH12"))
)

DORMANT, CLOSED = ("VILANDEFORKLARAT", "TIDSFRIST"), ("VILANDEFORKLARAT_STANGT", "TIDSFRIST")

EXAMPLES = [
    Example("addresses", "198306042386", "Adelina", "Adressberg"),
    Example("phones", "197812162381", "Tilda", "Telefonsson"),
    Example("spoken", "198912132399", "Saman", "Språkstedt"),
    Example("sign", "199506052399", "Teodor", "Teckenlund"),
    Example("housing", "197510179281", "Lovisa", "Läkemark"),
    Example("mother", "198604182389", "Vera", "Barnlund"),
    Example("father", "198504222392", "Vidar", "Barnlund"),
    Example("child", "201703072395", "Bo", "Barnlund"),
    Example("soon_of_age", "", "Alex", "Snartvuxen"),
    Example("linked", "199005192399", "Linus", "Länkvist", told={"linked": EARLIER}),
    Example("moved", "199112022398", "Uno", "Utvandrad", told={"addresses": ABROAD, "deregistration": Deregistration("UV", "2021-06-01")}),
    Example("unknown_code", "198812032392", "Okko", "Okändsson", told={**NOWHERE, "deregistration": Deregistration("XQ", "2023-09")}),
    Example("marked", "197712132385", "Siv", "Skyddsmark", told={"has_protection_mark": True}),
    Example("protected", "197606072382", "Folke", "Skyddsmark", told={"has_protected_registration": True}),
    Example("by_hand", "198006182391", "Handley", "Skyddsmark"),
    Example("like", "198711222383", "Samira", "Haddad"),
    Example("proven", "194811692385", "Styrbjörn", "Samuelsson", COORDINATION, _number("STYRKT")),
    Example("likely", "197301732389", "Sanna", "Samuelsson", COORDINATION, _number("SANNOLIK")),
    Example("uncertain", "200000672386", "Osa", "Samuelsson", COORDINATION, _number("OSAKER", born="2000")),
    Example("dormant", "198306662399", "Vilmer", "Samuelsson", COORDINATION, _number("SANNOLIK", *DORMANT)),
    Example("closed", "199700672380", "Vilda", "Samuelsson", COORDINATION, _number("STYRKT", *CLOSED, born="1997")),
    Example("struck", "201205832387", "Alva", "Samuelsson", COORDINATION, _number("OSAKER", "AVREGISTRERAT", "FELAKTIGT_REGISTERAT")),
    Example("replaced", "197111752387", "Ersa", "Samuelsson", COORDINATION, _number("STYRKT", "EJ_AKTUELLT", "ERSATT")),
    Example("merged", "198412082383", "Mikaela", "Sammanberg"),
    Example("unknown", "22841208DF20", "Okänd", "Kvinna", RESERVE, {"born": "1984-12-08"}),
    Example("double", "22850617DE10", "Samirah", "Hadad", RESERVE, {"born": "1987-11-22"}),
    Example("asylum", "25710930DEK9", "Okänd", "Asylsson", RESERVE, {"born": "1971"}),
    Example("decided", "98190405DE24", "Ronja", "Reservdal", RESERVE, {"born": "2019-04-05"}),
]  # fmt: skip


def chosen(*, at):
    """The examples with their numbers: who will soon be of age depends on the day."""
    eighteen_years_ago = f"{local_date(at).year - 18}{local_date(at):%m%d}"
    soon = min(number for number in personnummer() if number[:8] > eighteen_years_ago)
    return [example if example.number else replace(example, number=soon) for example in EXAMPLES]


def make(examples, *, region, at):
    """Registers them; by key."""
    found = {}
    for example in examples:
        row = patients.register(
            identity=example.number,
            given_name=example.given_name,
            surname=example.surname,
            source="Demo",
            payer=REGION,
            listing_unit=region.units["bryggan"].row.name if example.kind == identities.PERSONNUMMER else "",
            by=region.users["integration"],
            at=at,
        )
        population.take_over(patient_id=row.pk, record=_record(example), at=at)
        found[example.key] = row.pk
    _write(found, {example.key: example for example in examples}, region, at)
    return {key: Patient.objects.get(pk=pk) for key, pk in found.items()}


def _record(example):
    number, told = example.number, {}
    if example.kind == identities.PERSONNUMMER:
        home = RegisterAddress(street="Provgatan 12", postal_code="22100", town="LUND")
        special = (
            RegisterAddress(street="Box 12", postal_code="22105", town="LUND") if example.key == "addresses" else None
        )
        born = f"{number[:4]}-{number[4:6]}-{number[6:8]}"
        told = {
            "born": born,
            "sex": identities.SEX_MAN if int(number[10]) % 2 else identities.SEX_WOMAN,
            "county_code": "12",
            "municipality_code": "81",
            "registered_on": born,
            "addresses": RegisterAddresses(residential=home, special_postal=special),
        }
    return PersonRecord(
        identity=RegisterIdentity(example.kind, number),
        version=VERSION,
        name=RegisterName(example.given_name, "", example.surname),
        **told | example.told,
    )


def _write(found, examples, region, at):
    """What users, 1177 and the register have added since."""
    by, today = region.users["reception"], local_date(at)
    who = {"by": by, "at": at}
    _addresses(found["addresses"], today, who)
    _phones(found["phones"], who)
    patients.edit(patient_id=found["spoken"], interpreter_language="dari", phone=MOBILE.format(31), **who)
    patients.edit(patient_id=found["sign"], interpreter_kind="sign", interpreter_language="taktilt teckenspråk", **who)
    patients.edit(patient_id=found["housing"], special_housing="Ekbackens äldreboende, avdelning 2", minors_at_address=2,
        has_pascal=True, pascal_told_on=today, pascal_told_by="Klara Kliniker", **who)  # fmt: skip
    patients.edit(
        patient_id=found["moved"], drug_benefit_decided_on=today, drug_benefit_decided_by="Klara Kliniker", **who
    )
    _family(found, examples, who)
    patients.link_identity(patient_id=found["linked"], identity="19810829DA1B", kind="lokalt_reservnummer", **who)
    contact.add_search_key(patient_id=found["asylum"], kind="lma", value="50123456", **who)
    contact.add_search_key(patient_id=found["asylum"], kind="passport", value="N1234567", country="Afghanistan", **who)
    patients.edit(patient_id=found["unknown"], phone=MOBILE.format(55), **who)
    for key in ("like", "double"):
        patients.edit(patient_id=found[key], phone=MOBILE.format(77), **who)
    ReserveDecision.objects.create(
        patient_id=found["decided"],
        decided_by="Charlotta Chef",
        decided_on=today,
        reason="Uppgifterna får inte kunna kopplas samman",
        registered_by=by,
        registered_at=at,
    )
    PatientHistory.objects.create(patient_id=found["decided"], event="reserve_decided", **who)
    protection.set_by_hand(patient_id=found["by_hand"], ground=ProtectionGround.THREAT, **who)


def _addresses(patient_id, today, who):
    """The three kinds that are written by hand, beside the register's two (PA-07)."""
    kinds = {row.code: row for row in AddressKind.objects.all()}
    for code, fields in {
        "faktureringsadress": {"care_of": "God man Karin Dahl", "street": "Torget 3", "postal_code": "271 00", "town": "Åsby"},
        "tillfallig-adress": {"street": "Sjövägen 8", "postal_code": "271 91", "town": "Hamnby", "valid_from": today,
            "valid_to": today + timedelta(days=300)},
        "utlandsadress": {"street": "Vestergade 2, 1456 København", "country": "Danmark"},
    }.items():  # fmt: skip
        contact.add_address(patient_id=patient_id, kind=kinds[code], **fields, **who)


def _phones(patient_id, who):
    """A foreign mobile preferred and allowed for SMS, others beside it, and what 1177 tells (PA-05, PA-06)."""
    for number, kind, is_preferred in (
        (MOBILE.format(12), "mobile", False),
        (FOREIGN, "mobile", True),
        ("046-10 00 00", "home", False),
    ):
        contact.add_phone(
            patient_id=patient_id, number=number, kind=kind, is_preferred=is_preferred, allows_sms=is_preferred, **who
        )
    portal.told(
        patient_id=patient_id,
        phone=MOBILE.format(13),
        email="tilda@example.se",
        consented_on=local_date(who["at"]),
        **who,
    )


def _family(found, examples, who):
    """Two guardians whom the register names, one of them with what users write; one who is protected; a contact person."""
    told = [
        RegisterRelation(kind=GUARDIAN, identity=RegisterIdentity(examples[key].kind, examples[key].number),
            name=RegisterName(examples[key].given_name, "", examples[key].surname), since="2017-03-07")
        for key in ("mother", "father")
    ]  # fmt: skip
    record = replace(_record(examples["child"]), relations=tuple(told))
    population.take_over(patient_id=found["child"], record=record, at=who["at"])
    mother = Patient.objects.get(pk=found["child"]).relations.guardians().get(identity=examples["mother"].number)
    relations.change(patient_id=found["child"], relation_id=mother.pk, phone=MOBILE.format(41),
        interpreter_language="arabiska", gets_letter_copy=True, **who)  # fmt: skip
    relations.add_contact(
        patient_id=found["child"], name="Gun Barnlund", relation="mormor", phone=MOBILE.format(42), **who
    )
    hidden = relations.ToldGuardian(identity=examples["marked"].number, is_protected=True)
    unnamed = relations.ToldGuardian(name="Mika Snartvuxen", birth_date=date(1980, 5, 17))
    relations.replace_guardians(patient_id=found["soon_of_age"], guardians=[hidden, unnamed], source=SOURCE, **who)


def plan(story, shown):
    """The child is booked, with the relations copied to the vårdhändelse and one of them changed there alone (RE-03). The
    unknown is booked on her reserve number, and then it is known who she is (RI-02)."""
    booked = _booked(story, shown["child"])
    _booked(story, shown["unknown"])
    merging.merge(
        source_id=shown["unknown"].pk,
        target_id=shown["merged"].pk,
        reason="Legitimation visad vid nästa kontakt",
        by=story.region.users["koordinator"],
        at=story.at,
    )
    copy = booked.encounter.relations.contacts().get()
    relations.change(
        patient_id=shown["child"].pk,
        encounter_id=booked.encounter_id,
        relation_id=copy.pk,
        phone=MOBILE.format(43),
        by=story.reception,
        at=story.at,
    )


def _booked(story, patient):
    """The first free time of the health centre from tomorrow on."""
    unit, day = story.region.units["bryggan"], story.today + timedelta(days=1)
    visit_type, resource = unit.bookable()[0]
    for ahead in range(1, 15):
        day = story.today + timedelta(days=ahead)
        if day.isoweekday() <= 5 and (start := story.slot(resource, visit_type.default_minutes, day)):
            break
    story.seen[day].add(patient.pk)
    return story.book(unit, visit_type, resource, patient, start, booked_at=story.at - timedelta(days=3))
