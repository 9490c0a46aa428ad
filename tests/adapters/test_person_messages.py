"""PA-04: the messages of GetPersonsForProfile 5.0 and UpdatePerson 5.0 on the wire, both ways, held against the
contracts' own schemas."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
from sdv.adapters.rivta import messages, schemas, soap
from sdv.adapters.rivta.simulator import answers
from sdv.adapters.rivta.simulator.people import invented, of_the_test_environment
from sdv.adapters.rivta.simulator.server import reserve_identity
from tests.registers import person

EXAMPLES = Path(__file__).parent / "examples"
CIVIC = identities.PERSONNUMMER


def example(name):
    return soap.parse((EXAMPLES / name).read_bytes())


def read(content, *, with_relations=True, accepts_test_persons=True, asked=None):
    rows = content.findall(f"{{{messages.GET_PERSONS}}}requestedPersonRecord")
    asked = asked or [messages.identity(messages.child(row, "requestedPersonalIdentity")) for row in rows]
    return messages.persons(
        content, asked=asked, with_relations=with_relations, accepts_test_persons=accepts_test_persons
    )


def plain(content):
    """The elements with their texts, without white space between them, comments and prefixes."""
    etree.cleanup_namespaces(content)
    return [(part.tag, (part.text or "").strip()) for part in content.iter() if isinstance(part.tag, str)]


# --- Every example --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*5.0*.xml")), ids=lambda path: path.stem)
def test_every_example_is_valid_by_the_schema(path):
    root = soap.parse(path.read_bytes())
    content = soap.opened(path.read_bytes())[1] if path.name.startswith("SOAP") else root
    assert schemas.is_valid(content)


def test_the_example_request_is_what_we_write():
    asked = [RegisterIdentity(CIVIC, "196101182803"), RegisterIdentity(identities.RESERVID, "98240301AA06")]
    written = messages.get_persons(asked, profile="P2")
    assert schemas.is_valid(written)
    assert plain(written) == plain(example("GetPersonsForProfile_5.0_request.xml"))


def test_the_example_envelope_is_what_we_write():
    content = messages.get_persons([RegisterIdentity(CIVIC, "196101182803")], profile="P2")
    written = soap.parse(soap.envelope(content, logical_address="SE165565594230-1000"))
    assert plain(written) == plain(example("SOAP_envelope_GetPersonsForProfile_5.0.xml"))
    assert soap.opened(etree.tostring(written))[0] == "SE165565594230-1000"


def test_the_example_of_a_new_reserve_identity_is_what_we_write():
    written = messages.update_person(
        birth_date=date(1979, 8, 14),
        sex="1",
        given_name="Okänd",
        surname="Okändsson",
        actor_hsa_id="SE2321000255-T001",
        provider_hsa_id="SE2321000255-VG01",
    )
    assert schemas.is_valid(written)
    assert plain(written) == plain(example("UpdatePerson_5.0_request_new_NRID.xml"))


def test_a_reserve_identity_for_somebody_of_whom_nothing_is_known_asks_for_an_anonymous_number():
    written = messages.update_person(
        birth_date=None, sex="0", given_name="", surname="", actor_hsa_id="SE2321000255-T001", provider_hsa_id=""
    )
    assert schemas.is_valid(written)
    assert {etree.QName(part).localname for part in written} == {"actor"}


def test_the_example_answer_is_read():
    """PA-04, RE-01, SK-02: an ordinary child, somebody protected who has died, somebody unknown."""
    child, protected, unknown = read(example("GetPersonsForProfile_5.0_response.xml")).values()
    assert child.name == RegisterName("Eva Maria", "Prov", "Exempelsson", given_name_in_use="Maria")
    assert (child.born, child.sex, child.version) == ("2015-01-02", "2", "20261105083000")
    assert (child.county_code, child.municipality_code, child.is_protected) == ("12", "81", False)
    assert child.addresses == RegisterAddresses(
        residential=RegisterAddress("c/o Andersson", "LGH 1101, Provgatan 1", "22100", "LUND")
    )
    assert [(row.identity.value, row.since) for row in child.guardians] == [("198501022381", "2015-01-02")]
    assert (protected.has_protection_mark, protected.has_protected_registration) == (True, False)
    assert protected.deregistration == Deregistration("AV", "2026-10-31")
    assert (protected.addresses, protected.relations, protected.born) == (None, None, None)
    assert unknown is None


def test_the_example_of_a_samordningsnummer_is_read():
    """PA-01, PA-02: level and status, a birth date of which the day is not known, a linked reserve identity."""
    (record,) = read(example("GetPersonsForProfile_5.0_response_samordningsnummer.xml")).values()
    assert record.identity == RegisterIdentity(identities.SAMORDNINGSNUMMER, "196109732393")
    assert (record.identity_level, record.identity_level_on) == ("SANNOLIK", "2024-02-01")
    assert (record.identity_status, record.identity_status_on, record.born) == ("AKTIVT", "2024-02-01", "1961-09")
    assert record.linked == (LinkedIdentity(RegisterIdentity(identities.RESERVID, "22790814AA01")),)


def test_the_example_of_an_allocated_reserve_identity_is_read():
    told = messages.allocated(example("UpdatePerson_5.0_response_new_NRID.xml"), accepts_test_persons=True)
    assert told == (RegisterIdentity(identities.RESERVID, "22790814AA19"), False)


def test_an_allocation_written_by_the_simulator_is_valid_and_read_as_the_example_was():
    """RI-01: given, and refused with the service's own words."""
    identity = RegisterIdentity(identities.RESERVID, "22790814AA19")
    told = PersonRecord(identity=identity, sex="1", name=RegisterName(given_name="Okänd", surname="Okändsson"))
    written = answers.updated(told)
    assert schemas.is_valid(written)
    assert messages.allocated(written, accepts_test_persons=True) == messages.allocated(
        example("UpdatePerson_5.0_response_new_NRID.xml"), accepts_test_persons=True
    )
    refused = answers.updated(refusal="Uppgifterna godtas inte")
    assert schemas.is_valid(refused)
    assert messages.allocated(refused, accepts_test_persons=True) == (None, True)


@pytest.mark.parametrize(
    "name", ["GetPersonsForProfile_5.0_response.xml", "GetPersonsForProfile_5.0_response_samordningsnummer.xml"]
)
def test_an_answer_written_by_the_simulator_is_valid_and_read_as_the_example_was(name):
    told = read(example(name))
    written = answers.persons(list(told.items()), profile="P4")
    assert schemas.is_valid(written)
    assert read(written) == {of: record and answers.with_profile(record, "P4") for of, record in told.items()}


def test_a_message_of_an_older_version_is_not_understood():
    with pytest.raises(soap.NotUnderstood):
        read(example("GetPersonsForProfile_3.1_response.xml"), asked=[RegisterIdentity(CIVIC, "196101182803")])


# --- Tolerance and safety ------------------------------------------------------------------------------------------


def test_unknown_elements_and_codes_are_passed_over():
    """What a later version adds never stops care."""
    gone = person("199002222397", deregistration=Deregistration("UV", "2021"))
    plainly = answers.persons([(gone.identity, gone)], profile="P2")
    strangely = answers.persons([(gone.identity, gone)], profile="P2", is_strange=True)
    (record,) = read(strangely, with_relations=False).values()
    assert record.deregistration == Deregistration("ZZ", "2021")
    (expected,) = read(plainly, with_relations=False).values()
    assert record.addresses == expected.addresses
    assert record.name == expected.name


def test_test_persons_are_thrown_away_where_people_are_real():
    told = read(example("GetPersonsForProfile_5.0_response.xml"), accepts_test_persons=False)
    assert list(told.values()) == [None]  # only the one that nobody knows


@pytest.mark.parametrize("name", ["protectedPersonIndicator", "protectedPopulationRecord"])
def test_a_protection_that_cannot_be_read_is_never_guessed(name):
    """SK-05: the record is unusable, and what is known here stays."""
    content = example("GetPersonsForProfile_5.0_response.xml")
    for flag in content.iter(f"{{{messages.PERSON}}}{name}"):
        flag.text = "kanske"
    assert [record for record in read(content).values() if record] == []


def test_a_record_of_somebody_else_is_not_taken_for_the_asked_person_s():
    asked, other = RegisterIdentity(CIVIC, "196101182803"), person("199002222397")
    assert read(answers.persons([(asked, other)], profile="P2")) == {}


def test_a_record_under_a_new_number_is_the_asked_person_s_when_it_says_so():
    """PA-03: what was asked for matches, what is told is kept."""
    old = RegisterIdentity(CIVIC, "196101182803")
    new = person("199002222397", referred=(LinkedIdentity(old, status="AS"),))
    told = read(answers.persons([(old, new)], profile="P2"))
    assert told[old].identity.value == "199002222397"


def test_two_records_of_one_asked_person_are_none():
    one, two = person("199002222397"), person("199002222397", surname="Annan")
    assert read(answers.persons([(one.identity, one), (one.identity, two)], profile="P2")) == {}


def test_what_nobody_asked_about_is_passed_over():
    one, two = person("199002222397"), person("196101182803")
    told = read(answers.persons([(one.identity, one), (two.identity, two)], profile="P2"), asked=[two.identity])
    assert list(told) == [two.identity]


@pytest.mark.parametrize(
    ("indicator", "in_use"),
    [("10", "Eva"), ("20", "Maria"), ("12", "Eva Maria"), ("30", ""), ("", ""), ("1", ""), ("x0", "")],
)
def test_the_name_in_use_is_pointed_at_by_two_digits(indicator, in_use):
    assert messages._in_use("Eva Maria", indicator) == in_use


@pytest.mark.parametrize("told", ["2026-13", "2026-02-30", "26", "2026-1-1", "igår", ""])
def test_a_date_that_does_not_exist_is_not_told(told):
    content = example("GetPersonsForProfile_5.0_response.xml")
    next(content.iter(f"{{{messages.PERSON}}}dateOfBirth"))[1].text = told
    assert next(iter(read(content).values())).born is None


def test_entities_and_document_types_are_refused():
    bomb = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'
    with pytest.raises(soap.NotUnderstood):
        soap.parse(bomb)


# --- The simulator ---------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(whitelist_categories=["Lu", "Ll"]), min_size=1, max_size=30)
DATES = st.dates(date(1900, 1, 1), date(2026, 11, 1)).map(date.isoformat)
PARTIAL = st.one_of(DATES, DATES.map(lambda day: day[:7]), DATES.map(lambda day: day[:4]))
ADDRESSES = st.builds(
    RegisterAddress,
    care_of=st.just("") | WORDS,
    street=WORDS,
    postal_code=st.integers(10000, 99999).map(str),
    town=WORDS,
)
RECORDS = st.builds(
    person,
    st.just("199002222397"),
    sex=st.sampled_from(["0", "1", "2", "9"]),
    born=st.none() | PARTIAL,
    name=st.none() | st.builds(RegisterName, WORDS, st.just("") | WORDS, WORDS),
    registered_on=st.none() | PARTIAL,
    addresses=st.none() | st.builds(RegisterAddresses, st.none() | ADDRESSES, st.none() | ADDRESSES),
    deregistration=st.none() | st.builds(Deregistration, st.sampled_from(["AV", "UV", "QQ"]), st.just("") | PARTIAL),
    has_protection_mark=st.booleans(),
    has_protected_registration=st.booleans(),
    relations=st.none()
    | st.builds(lambda born, since: (RegisterRelation("V", None, born, since=since),), PARTIAL, PARTIAL),
)


@settings(max_examples=150, deadline=None)
@given(record=RECORDS, profile=st.sampled_from(["P1", "P2", "P4"]))
def test_whatever_the_simulator_tells_is_valid_and_read_as_it_was_told(record, profile):
    written = answers.persons([(record.identity, record)], profile=profile)
    assert schemas.is_valid(written)
    told = read(soap.opened(soap.envelope(written))[1], with_relations=profile == "P4")
    assert told == {record.identity: answers.with_profile(record, profile)}


def test_the_persons_of_the_test_environment_are_known_to_the_simulator():
    """SK-01, PA-01: both markings, somebody who has left the country, the three kinds of identity."""
    people = {record.identity.value: record for record in of_the_test_environment()}
    written = answers.persons([(row.identity, row) for row in people.values()], profile="P2")
    assert schemas.is_valid(written)
    assert people["200001252386"].has_protection_mark
    assert people["189602029812"].has_protected_registration
    assert people["199002222397"].deregistration.code == "UV"
    assert people["196109732393"].identity_level == "SANNOLIK"
    assert people["98240301AA06"].identity.kind == identities.RESERVID


def test_a_person_is_invented_from_a_test_number_and_from_no_other():
    known = RegisterIdentity(CIVIC, "201501022386")
    assert invented(known) == invented(known)
    assert invented(known).sex == "2"
    assert invented(RegisterIdentity(CIVIC, "191212121212")) is None
    assert invented(RegisterIdentity(identities.RESERVID, "98240301AA06")) is None


@settings(max_examples=200, deadline=None)
@given(
    born=st.none() | st.dates(date(1900, 1, 1), date(2026, 11, 1)).map(date.isoformat),
    sex=st.sampled_from(["0", "1", "2"]),
    serial=st.integers(0, 9000),
)
def test_an_allocated_reserve_identity_is_one(born, sex, serial):
    """PA-01: by the national format, telling birth date and sex where they are known."""
    parsed = identities.parse(reserve_identity(born, sex, serial), today=date(2026, 11, 26))
    assert parsed.kind == identities.RESERVID
    assert parsed.birth_date == (date.fromisoformat(born) if born else None)
    assert parsed.sex == sex
