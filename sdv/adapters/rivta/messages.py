"""The person contracts' messages, version 5.0: requests written, answers read. What is not known is passed over, never
refused; what would be dangerous to guess makes the record unusable."""

import re
from dataclasses import replace
from datetime import date

from lxml import etree

from registration import identities
from registration.population_register import (
    Deregistration,
    LinkedIdentity,
    PersonRecord,
    RegisterAddress,
    RegisterAddresses,
    RegisterIdentity,
    RegisterName,
    RegisterRelation,
)

from .soap import NotUnderstood

DOMAIN = "urn:riv:strategicresourcemanagement:persons:person"
PERSON = f"{DOMAIN}:5"
GET_PERSONS = f"{DOMAIN}:GetPersonsForProfileResponder:5"
UPDATE_PERSON = f"{DOMAIN}:UpdatePersonResponder:5"
GET_PERSONS_ACTION = f"{GET_PERSONS}:GetPersonsForProfile"
UPDATE_PERSON_ACTION = f"{UPDATE_PERSON}:UpdatePerson"

KIND_OF_ROOT = {root: kind for kind, root in identities.OIDS.items()}
ACTOR_ROOT = "1.2.752.29.6.2.1"
CARE_PROVIDER_ROOT = "1.2.752.29.6.10.1"
LONGEST_NAME = 80
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_FORMATS = {4: "YYYY", 7: "YYYY-MM", 10: "YYYY-MM-DD"}


# --- Writing --------------------------------------------------------------------------------------------------------


def element(namespace, name):
    return etree.Element(f"{{{namespace}}}{name}", nsmap={"r": namespace, "p": PERSON})


def add(parent, name, text=None, namespace=PERSON):
    """A child; with its text, where there is one."""
    child = etree.SubElement(parent, f"{{{namespace}}}{name}")
    if text is not None:
        child.text = text
    return child


def add_identity(parent, name, identity, namespace=PERSON):
    child = add(parent, name, namespace=namespace)
    add(child, "root", identity.issuer or identities.OIDS[identity.kind])
    add(child, "extension", identity.value)


def add_date(parent, name, told):
    """A date as far as it is known."""
    child = add(parent, name)
    add(child, "format", _FORMATS[len(told)])
    add(child, "value", told)


def get_persons(asked, *, profile):
    """GetPersonsForProfile: records of the main identity are wanted also for one that leads to it."""
    root = element(GET_PERSONS, "GetPersonsForProfile")
    for identity in asked:
        add_identity(root, "personId", identity, GET_PERSONS)
    add(root, "profile", profile, GET_PERSONS)
    add(root, "ignoreReferredIdentity", "false", GET_PERSONS)
    return root


def update_person(*, birth_date, sex, given_name, surname, actor_hsa_id, provider_hsa_id):
    """UpdatePerson without an identity: a new national reserve identity is wanted. A sex or birth date that is told is
    built into the number."""
    root = element(UPDATE_PERSON, "UpdatePerson")
    actor = add(root, "actor", namespace=UPDATE_PERSON)
    who = add(actor, "id")
    add(who, "root", ACTOR_ROOT)
    add(who, "extension", actor_hsa_id)
    if provider_hsa_id:
        organisation = add(add(actor, "professional"), "organizationId")
        add(organisation, "root", CARE_PROVIDER_ROOT)
        add(organisation, "extension", provider_hsa_id)
    if sex in (identities.SEX_MAN, identities.SEX_WOMAN):
        add(root, "gender", sex, UPDATE_PERSON)
    if given_name or surname:
        name = add(root, "name", namespace=UPDATE_PERSON)
        for part, told in (("givenName", given_name), ("surname", surname)):
            if told:
                add(name, part, told[:LONGEST_NAME])
    if birth_date:
        add_date(add(root, "birth", namespace=UPDATE_PERSON), "dateOfBirth", birth_date.isoformat())
    return root


# --- Reading --------------------------------------------------------------------------------------------------------


def text(parent, *path):
    """The trimmed text at a path of person elements; None where there is no such element."""
    for name in path:
        if parent is None:
            return None
        parent = child(parent, name)
    return None if parent is None else (parent.text or "").strip()


def child(parent, name):
    return parent.find(f"{{{PERSON}}}{name}")


def children(parent, name):
    return parent.findall(f"{{{PERSON}}}{name}")


def truth(parent, name):
    """True, False, or None where the element is missing or says something else."""
    return {"true": True, "1": True, "false": False, "0": False}.get(text(parent, name))


def partial_date(parent, name):
    """A date as far as it is known, or None where none, or no date that exists, is told."""
    told = text(parent, name, "value")
    found = _DATE.fullmatch(told or "")
    if found is None:
        return None
    year, month, day = (int(part) if part else 1 for part in found.groups())
    try:
        date(year, month, day)
    except ValueError:
        return None
    return told


def identity(parent):
    """An identity (root and extension), or None."""
    root, value = text(parent, "root"), text(parent, "extension")
    if not root or not value:
        return None
    value = value.replace("-", "").replace(" ", "").upper()
    kind = KIND_OF_ROOT.get(root, "")
    return RegisterIdentity(kind, value, "" if kind else root)


def persons(content, *, asked, with_relations, accepts_test_persons):
    """Record by asked identity of a GetPersonsForProfile answer: None for one that the register does not know; one
    without a usable record is left out. Raises NotUnderstood where the answer is another message."""
    if content.tag != f"{{{GET_PERSONS}}}GetPersonsForProfileResponse":
        raise NotUnderstood("another message")
    wanted, found, twice = set(asked), {}, set()
    for row in content.findall(f"{{{GET_PERSONS}}}requestedPersonRecord"):
        requested = child(row, "requestedPersonalIdentity")
        of = None if requested is None else identity(requested)
        if of not in wanted:
            continue
        if of in found:
            twice.add(of)
        told = child(row, "personRecord")
        if told is None:
            found[of] = None
            continue
        record = person(told, accepts_test_persons=accepts_test_persons)
        if record is not None and _is_of(record, of):
            # No relation in an answer without relations says nothing.
            found[of] = record if with_relations else replace(record, relations=None)
    return {of: record for of, record in found.items() if of not in twice}


def _is_of(record, asked):
    """Whether the record is the asked person's: the same number, or one that the record itself ties to it. The data of
    somebody else must never be written on a patient."""
    others = [row.identity for row in (*record.linked, *record.referred)]
    return asked == record.identity or asked in others


def allocated(content, *, accepts_test_persons):
    """(identity or None, whether the register refused) of an UpdatePerson answer."""
    if content.tag != f"{{{UPDATE_PERSON}}}UpdatePersonResponse":
        raise NotUnderstood("another message")
    result = content.find(f"{{{UPDATE_PERSON}}}updatePersonResult")
    code = None if result is None else text(result, "result", "resultCode")
    if code == "ERROR":
        return None, True
    told = None if result is None else child(result, "personRecord")
    record = None if told is None else person(told, accepts_test_persons=accepts_test_persons)
    if code != "OK" or record is None:
        raise NotUnderstood("no identity in the answer")
    return record.identity, False


def person(told, *, accepts_test_persons):
    """A PersonRecord, or None for a test person where those are thrown away, and for a record whose identity or
    protection cannot be read: that is never guessed."""
    own = child(told, "personalIdentity")
    of = None if own is None else identity(own)
    is_marked = truth(told, "protectedPersonIndicator")
    if of is None or is_marked is None or (truth(told, "testIndicator") is not False and not accepts_test_persons):
        return None
    has_protected_registration = truth(told, "protectedPopulationRecord")
    if has_protected_registration is None and child(told, "protectedPopulationRecord") is not None:
        return None
    is_protected = is_marked or bool(has_protected_registration)
    place = child(told, "populationRegistrationLocality")
    status = child(told, "personalIdentityStatus")
    coordination = child(told, "coOrdinationNumberData")
    return PersonRecord(
        identity=of,
        has_protection_mark=is_marked,
        has_protected_registration=bool(has_protected_registration),
        version=text(told, "version") or "",
        sex=text(told, "gender") or None,
        born=None if child(told, "birth") is None else partial_date(child(told, "birth"), "dateOfBirth"),
        name=_name(child(told, "name")),
        county_code=text(place, "countyCode"),
        municipality_code=text(place, "municipalityCode"),
        registered_on=None if place is None else partial_date(place, "populationRegistrationDate"),
        # What should not have been told of a protected person is not even read (SK-02).
        addresses=None if is_protected else _addresses(child(told, "addressInformation")),
        deregistration=_deregistration(child(told, "deregistration")),
        identity_level=text(told, "identityLevel"),
        identity_level_on=partial_date(told, "identityLevelDate"),
        identity_status=text(status, "identityStatus"),
        identity_status_on=None if status is None else partial_date(status, "identityStatusDate"),
        identity_status_cause=text(status, "identityStatusCause"),
        coordination_deceased_on=None if coordination is None else partial_date(coordination, "deceasedDate"),
        linked=_others(told, "linkedIdentity"),
        referred=_others(told, "referredPersonalIdentities"),
        relations=None if is_protected else _relations(told),
    )


def _name(told):
    if told is None:
        return None
    given = text(told, "givenName") or ""
    return RegisterName(
        given_name=given,
        middle_name=text(told, "middleName") or "",
        surname=text(told, "surname") or "",
        given_name_in_use=_in_use(given, text(told, "givenNameIndicator") or ""),
    )


def _in_use(given, indicator):
    """The given names that the two digits point at (20: the second; 12: the first and the second)."""
    words = given.split()
    places = [int(digit) for digit in indicator if digit.isdigit() and digit != "0"] if len(indicator) == 2 else []
    return " ".join(words[place - 1] for place in places if place <= len(words))


def _addresses(told):
    if told is None:
        return None
    abroad = child(told, "addressAbroad")
    return RegisterAddresses(
        residential=_address(child(told, "residentialAddress")),
        special_postal=_address(child(told, "specialPostalAddress")),
        abroad=None
        if abroad is None
        else RegisterAddress(
            street=_lines(abroad, "postalAddress1", "postalAddress2", "postalAddress3"),
            country=text(abroad, "countryCode") or "",
        ),
    )


def _address(told):
    if told is None:
        return None
    code = text(told, "postalCode") or ""
    return RegisterAddress(
        care_of=text(told, "careOf") or "",
        street=_lines(told, "postalAddress1", "postalAddress2"),
        # A number in the contract: a code that begins with 0 has lost it.
        postal_code=code.zfill(5) if code.isdigit() else code,
        town=text(told, "city") or "",
    )


def _lines(told, *names):
    return ", ".join(line for name in names if (line := text(told, name)))


def _deregistration(told):
    if told is None:
        return None
    return Deregistration(
        code=text(told, "deregistrationReasonCode") or "",
        on=partial_date(told, "deregistrationDate") or "",
        found_dead_on=partial_date(told, "foundDeadAtDate") or "",
    )


def _others(told, name):
    rows = []
    for row in children(told, name):
        inner = child(row, "referredPersonalIdentity")
        if inner is not None and (of := identity(inner)):
            is_primary = truth(row, "primaryIdentity") is True
            rows.append(LinkedIdentity(of, is_primary, text(row, "referredPersonalIdentityStatus") or ""))
    return tuple(rows)


def _relations(told):
    rows = []
    for row in children(told, "relationship"):
        who = child(row, "relationshipId")
        number = None if who is None else child(who, "personalIdentity")
        rows.append(
            RegisterRelation(
                kind=text(row, "relationshipType") or "",
                identity=None if number is None else identity(number),
                born="" if who is None else partial_date(who, "dateOfBirth") or "",
                name=_name(child(row, "name")),
                since=partial_date(row, "relationshipFromDate") or "",
                until=partial_date(row, "relationshipToDate") or "",
                status=text(row, "status") or "",
            )
        )
    return tuple(rows)
