"""A record as the contract writes it, profile by profile. Of a protected person no more than P1, whatever was asked."""

from dataclasses import replace

from lxml import etree

from ..messages import GET_PERSONS, UPDATE_PERSON, add, add_date, add_identity, element

PROFILES = ("P1", "P2", "P3", "P4", "P5")
UNKNOWN = "urn:example:framtiden"


def persons(rows, *, profile, is_strange=False):
    """GetPersonsForProfileResponse: a row is (asked identity, PersonRecord or None)."""
    root = element(GET_PERSONS, "GetPersonsForProfileResponse")
    for asked, record in rows:
        row = add(root, "requestedPersonRecord", namespace=GET_PERSONS)
        add_identity(row, "requestedPersonalIdentity", asked)
        if record is not None:
            person(row, record, profile=profile, is_strange=is_strange)
        if is_strange:
            _strange(row)
    return root


def updated(record=None, *, refusal=""):
    """UpdatePersonResponse: the new record, or ERROR."""
    root = element(UPDATE_PERSON, "UpdatePersonResponse")
    outcome = add(root, "updatePersonResult", namespace=UPDATE_PERSON)
    result = add(outcome, "result")
    add(result, "resultCode", "ERROR" if refusal else "OK")
    if refusal:
        add(result, "resultText", refusal)
    else:
        person(outcome, record, profile="P2")
    return root


def person(parent, record, *, profile, is_strange=False):
    """PersonRecordType, in the schema's order."""
    if record.is_protected:
        profile = "P1"
    level = PROFILES.index(profile) + 1
    told = add(parent, "personRecord")
    add_identity(told, "personalIdentity", record.identity)
    if record.identity_level:
        add(told, "identityLevel", record.identity_level)
    if record.identity_level_on:
        add_date(told, "identityLevelDate", record.identity_level_on)
    if record.sex:
        add(told, "gender", record.sex)
    add(told, "protectedPersonIndicator", _word(record.has_protection_mark))
    # Whoever takes this for the real register throws every record away.
    add(told, "testIndicator", "true")
    add(told, "primaryIdentity", "true")
    if record.version:
        add(told, "version", record.version)
    _name(told, record.name)
    for row in record.linked:
        linked = add(told, "linkedIdentity")
        add_identity(linked, "referredPersonalIdentity", row.identity)
        add(linked, "assuranceLevel", "3")
        add(linked, "primaryIdentity", _word(row.is_primary))
    for row in record.referred:
        referred = add(told, "referredPersonalIdentities")
        add_identity(referred, "referredPersonalIdentity", row.identity)
        if row.status:
            add(referred, "referredPersonalIdentityStatus", row.status)
    if record.born:
        add_date(add(told, "birth"), "dateOfBirth", record.born)
    _place(told, record, level)
    if level >= 2 and record.addresses is not None:
        _addresses(told, record.addresses)
    _deregistration(told, record.deregistration, is_strange)
    if level >= 4:
        for relation in record.relations or ():
            _relation(told, relation)
    if record.coordination_deceased_on:
        add_date(add(told, "coOrdinationNumberData"), "deceasedDate", record.coordination_deceased_on)
    _status(told, record)
    add(told, "protectedPopulationRecord", _word(record.has_protected_registration))
    if is_strange:
        _strange(told)
    return told


def with_profile(record, profile):
    """What a reader of the answer can know of the record: for tests that compare."""
    if record.is_protected:
        profile = "P1"
    if profile == "P1":
        record = replace(record, addresses=None, municipality_code=None, registered_on=None)
    relations = record.relations or () if profile == "P4" else None
    return replace(record, relations=None if record.is_protected else relations)


def _word(value):
    return "true" if value else "false"


def _name(told, name):
    if name is None:
        return
    row = add(told, "name")
    words = name.given_name.split()
    if name.given_name_in_use in words:
        add(row, "givenNameIndicator", f"{words.index(name.given_name_in_use) + 1}0")
    for part in ("givenName", "middleName", "surname"):
        value = {"givenName": name.given_name, "middleName": name.middle_name, "surname": name.surname}[part]
        if value:
            add(row, part, value)


def _place(told, record, level):
    if record.county_code is None and record.registered_on is None:
        return
    place = add(told, "populationRegistrationLocality")
    if level >= 2 and record.registered_on:
        add_date(place, "populationRegistrationDate", record.registered_on)
    if record.county_code is not None:
        add(place, "countyCode", record.county_code)
    if level >= 2 and record.municipality_code is not None:
        add(place, "municipalityCode", record.municipality_code)


def _addresses(told, addresses):
    group = add(told, "addressInformation")
    for name, address in (
        ("residentialAddress", addresses.residential),
        ("specialPostalAddress", addresses.special_postal),
    ):
        if address is None:
            continue
        row = add(group, name)
        if address.care_of:
            add(row, "careOf", address.care_of)
        for number, line in enumerate(address.street.split(", ")[:2], start=1):
            if line:
                add(row, f"postalAddress{number}", line)
        if address.postal_code:
            add(row, "postalCode", str(int(address.postal_code)))
        if address.town:
            add(row, "city", address.town)
    if addresses.abroad is not None:
        row = add(group, "addressAbroad")
        for number, line in enumerate(addresses.abroad.street.split(", ")[:3], start=1):
            if line:
                add(row, f"postalAddress{number}", line)
        if addresses.abroad.country:
            add(row, "countryCode", addresses.abroad.country)


def _deregistration(told, deregistration, is_strange):
    if deregistration is None:
        return
    row = add(told, "deregistration")
    if deregistration.code:
        add(row, "deregistrationReasonCode", "ZZ" if is_strange else deregistration.code)
    if deregistration.on:
        add_date(row, "deregistrationDate", deregistration.on)
    if deregistration.found_dead_on:
        add_date(row, "foundDeadAtDate", deregistration.found_dead_on)


def _relation(told, relation):
    row = add(told, "relationship")
    who = add(row, "relationshipId")
    if relation.identity is not None:
        add_identity(who, "personalIdentity", relation.identity)
    elif relation.born:
        add_date(who, "dateOfBirth", relation.born)
    add(row, "relationshipType", relation.kind)
    if relation.since:
        add_date(row, "relationshipFromDate", relation.since)
    if relation.until:
        add_date(row, "relationshipToDate", relation.until)
    _name(row, relation.name)
    if relation.status:
        add(row, "status", relation.status)


def _status(told, record):
    if record.identity_status is None:
        return
    row = add(told, "personalIdentityStatus")
    add(row, "identityStatus", record.identity_status)
    if record.identity_status_on:
        add_date(row, "identityStatusDate", record.identity_status_on)
    if record.identity_status_cause:
        add(row, "identityStatusCause", record.identity_status_cause)


def _strange(parent):
    """What a later version of the contract might add."""
    etree.SubElement(parent, f"{{{UNKNOWN}}}nytt", kod="ZZ").text = "okänt"
