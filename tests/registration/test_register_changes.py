"""PA-04, PA-05: what a register's record changes on a patient: a table of cases, and as a property that what others own is
never in a request and that twice is once."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registration import identities
from registration.models import Patient
from registration.population_register import (
    Deregistration,
    LinkedIdentity,
    RegisterAddress,
    RegisterAddresses,
    RegisterIdentity,
    RegisterName,
    RegisterRelation,
)
from registration.register_changes import (
    ABROAD,
    HOME,
    OWNED_FIELDS,
    SPECIAL,
    Held,
    HeldIdentity,
    Request,
    applied,
    death,
    protection_after,
    request,
)
from tests.registers import person

TODAY = date(2026, 11, 26)
CIVIC, COORDINATION, RESERVE = identities.PERSONNUMMER, identities.SAMORDNINGSNUMMER, identities.RESERVID
NUMBER = "199002222397"
LUND = RegisterAddress(street="Provgatan 1", postal_code="22100", town="LUND")
OSLO = RegisterAddress(street="Storgatan 1", country="NORGE")
RECORD = person(NUMBER)
SAME = {
    "given_name": "Vera",
    "middle_name": "",
    "surname": "Wahl",
    "birth_date": date(1990, 2, 22),
    "birth_date_partial": "",
    "sex": "2",
    "registration_kind": "resident",
    "registered_on": "",
    "county_code": "12",
    "municipality_code": "81",
    "deregistration_code": "",
    "deregistered_on": "",
}


def held(*, kind=CIVIC, value=NUMBER, fields=None, **more):
    return Held(
        fields=SAME | (fields or {}),
        identities=more.pop("identities", (HeldIdentity(kind, value, is_primary=True),)),
        addresses=more.pop("addresses", {HOME: LUND}),
        **more,
    )


def asked(record, **options):
    return request(held(**options), record, today=TODAY)


# --- The table -------------------------------------------------------------------------------------------------------

FIELD_CASES = {
    "nothing new": ({}, {}),
    "moved to another municipality": ({"municipality_code": "80"}, {"municipality_code": "80"}),
    "a new surname": ({"name": RegisterName("Vera", "", "Ny")}, {"surname": "Ny"}),
    "a middle name": ({"name": RegisterName("Vera", "Prov", "Wahl")}, {"middle_name": "Prov"}),
    "one name only": ({"name": RegisterName("", "", "Wahl")}, {"given_name": ""}),
    "no name told": ({"name": None}, {}),
    "an empty name": ({"name": RegisterName()}, {}),
    "a name too long to be one": ({"name": RegisterName("Vera", "", "W" * 121)}, {}),
    "changed legal sex": ({"sex": "1"}, {"sex": "1"}),
    "sex not told": ({"sex": None}, {}),
    "sex unknown": ({"sex": "0"}, {}),
    "an unknown code of sex": ({"sex": "X"}, {}),
    "a birth date that is not the number's": ({"born": "1990-02-23"}, {"birth_date": date(1990, 2, 23)}),
    "a birth date of which the day is not known": (
        {"born": "1990-02"},
        {"birth_date": None, "birth_date_partial": "1990-02"},
    ),
    "birth date not told": ({"born": None}, {}),
    "place not told": ({"county_code": None, "municipality_code": None}, {}),
    "registered since": ({"registered_on": "2019"}, {"registered_on": "2019"}),
    "emigrated": (
        {"deregistration": Deregistration("UV", "2021-06")},
        {"registration_kind": "deregistered", "deregistration_code": "UV", "deregistered_on": "2021-06"},
    ),
    "deregistered by a code nobody knows": (
        {"deregistration": Deregistration("QZ")},
        {"registration_kind": "deregistered", "deregistration_code": "QZ"},
    ),
    "an empty deregistration": ({"deregistration": Deregistration()}, {}),
}


@pytest.mark.parametrize("case", FIELD_CASES)
def test_a_field_changes_when_the_register_tells_something_new(case):
    told, expected = FIELD_CASES[case]
    wanted = asked(replace(RECORD, **told))
    assert wanted.fields == expected
    assert (wanted.protection, wanted.addresses, wanted.primary, wanted.also_known) == (None, {}, None, ())


def test_somebody_who_has_come_back_is_no_longer_deregistered():
    gone = {"registration_kind": "deregistered", "deregistration_code": "UV", "deregistered_on": "2021"}
    assert asked(RECORD, fields=gone).fields == {
        "registration_kind": "resident",
        "deregistration_code": "",
        "deregistered_on": "",
    }


def test_that_a_deregistration_is_not_told_does_not_undo_it():
    gone = {"registration_kind": "deregistered", "deregistration_code": "UV", "deregistered_on": "2021"}
    silent = replace(RECORD, county_code=None, municipality_code=None)
    assert asked(silent, fields=gone).fields == {}


ADDRESS_CASES = {
    "the same": ({"addresses": RegisterAddresses(residential=LUND)}, {}),
    "no addresses told": ({"addresses": None}, {}),
    "moved": (
        {"addresses": RegisterAddresses(residential=replace(LUND, street="Nygatan 2"))},
        {HOME: replace(LUND, street="Nygatan 2")},
    ),
    "a special postal address too": (
        {"addresses": RegisterAddresses(residential=LUND, special_postal=LUND)},
        {SPECIAL: LUND},
    ),
    "moved abroad": ({"addresses": RegisterAddresses(abroad=OSLO)}, {HOME: None, ABROAD: OSLO}),
    "told to have none": ({"addresses": RegisterAddresses()}, {HOME: None}),
    "a line too long to be one": ({"addresses": RegisterAddresses(residential=replace(LUND, town="L" * 81))}, {}),
}


@pytest.mark.parametrize("case", ADDRESS_CASES)
def test_addresses_are_told_together_or_not_at_all(case):
    """PA-07: what an answer leaves out whole is left as it is."""
    told, expected = ADDRESS_CASES[case]
    assert asked(replace(RECORD, **told)).addresses == expected


DEATH_CASES = {
    "alive": ({}, None),
    "deregistered as dead": ({"deregistration": Deregistration("AV", "2026-10-31")}, "2026-10-31"),
    "found dead": ({"deregistration": Deregistration("", "", "2026-10-30")}, "2026-10-30"),
    "dead on a day nobody knows": ({"deregistration": Deregistration("AV", "2026-10")}, "2026-10"),
    "dead, no date": ({"deregistration": Deregistration("AV")}, "2026"),
    "death of a samordningsnummer": ({"coordination_deceased_on": "2026-09-01"}, "2026-09-01"),
    "status for a death": ({"identity_status_cause": "AVLIDEN", "identity_status_on": "2026-08-01"}, "2026-08-01"),
    "emigrated is not dead": ({"deregistration": Deregistration("UV", "2026-10-31")}, None),
}


@pytest.mark.parametrize("case", DEATH_CASES)
def test_any_of_four_places_may_tell_of_a_death(case):
    """AV-01."""
    told, expected = DEATH_CASES[case]
    record = replace(RECORD, **told)
    assert asked(record).died_on == expected
    assert (death(record) is None) == (expected is None)


def test_a_known_death_is_no_news_and_one_no_longer_told_is():
    """AV-01, AV-03: the register's silence is told on, and undoes nothing by itself."""
    dead = replace(RECORD, deregistration=Deregistration("AV", "2026-10-31"))
    assert asked(dead, died_on="2026-10-31").died_on is None
    assert asked(dead, died_on="2026-10-30").died_on == "2026-10-31"
    assert asked(replace(RECORD, deregistration=Deregistration("AV")), died_on="2026-10-30").died_on is None
    assert asked(RECORD, died_on="2026-10-31").died_on == ""


# --- Protection ------------------------------------------------------------------------------------------------------

MARK, STRONG = {"has_protection_mark": True}, {"has_protected_registration": True}
BOTH = MARK | STRONG
PROTECTION_CASES = [
    # told, held, by hand, kind, then
    ({}, "", False, CIVIC, ""),
    (MARK, "", False, CIVIC, "sekretessmarkering"),
    (STRONG, "", False, CIVIC, "skyddad_folkbokforing"),
    (BOTH, "", False, CIVIC, "skyddad_folkbokforing"),
    ({}, "sekretessmarkering", False, CIVIC, ""),
    (STRONG, "sekretessmarkering", False, CIVIC, "skyddad_folkbokforing"),
    ({}, "sekretessmarkering", True, CIVIC, "sekretessmarkering"),
    (MARK, "sekretessmarkering", True, CIVIC, "sekretessmarkering"),
    (STRONG, "sekretessmarkering", True, CIVIC, "skyddad_folkbokforing"),
    ({}, "skyddad_folkbokforing", True, CIVIC, "skyddad_folkbokforing"),
    (MARK, "", False, COORDINATION, ""),
    (BOTH, "", False, RESERVE, ""),
    ({}, "sekretessmarkering", True, RESERVE, "sekretessmarkering"),
]


@pytest.mark.parametrize(("told", "before", "by_hand", "kind", "then"), PROTECTION_CASES)
def test_protection_from_the_register(told, before, by_hand, kind, then):
    """SK-03, SK-04: only those with a personnummer get one; set by hand it is never lifted."""
    record = person(NUMBER, kind=kind, **told)
    assert protection_after(held(kind=kind, protection=before, is_protected_by_hand=by_hand), record) == then


@pytest.mark.parametrize("how", [{"protection": "sekretessmarkering", "is_protected_by_hand": True}, {}])
def test_of_a_protected_person_only_sex_and_birth_date_are_taken_over(how):
    """SK-02, also where the record tells more than it should."""
    record = replace(
        RECORD,
        has_protection_mark=not how,
        name=RegisterName("Ny", "", "Namn"),
        sex="1",
        municipality_code="80",
        addresses=RegisterAddresses(residential=OSLO),
        linked=(LinkedIdentity(RegisterIdentity(RESERVE, "22790814AA19")),),
        relations=(RegisterRelation("V"),),
    )
    wanted = asked(record, is_minor=True, **how)
    assert wanted.fields == {"sex": "1"}
    assert (wanted.addresses, wanted.also_known, wanted.guardians) == ({}, (), None)


def test_when_protection_is_lifted_everything_is_told_anew():
    """SK-04."""
    empty = dict.fromkeys(SAME, "") | {"birth_date": date(1990, 2, 22), "sex": "2"}
    wanted = asked(RECORD, fields=empty, addresses={}, protection="sekretessmarkering")
    assert wanted.protection == ""
    assert wanted.fields["surname"] == "Wahl"
    assert wanted.addresses == {HOME: LUND}


# --- Numbers ---------------------------------------------------------------------------------------------------------


def test_a_new_number_becomes_the_primary_one():
    """PA-03: the old one stays, and leads here."""
    new = replace(RECORD, identity=RegisterIdentity(CIVIC, "196101182803"))
    wanted = asked(new)
    assert wanted.primary == new.identity
    after = applied(held(), wanted, new)
    assert [(row.value, row.is_primary) for row in after.identities] == [("196101182803", True), (NUMBER, False)]


def test_a_linked_reserve_identity_is_linked_here():
    linked = RegisterIdentity(RESERVE, "22790814AA19")
    record = replace(RECORD, linked=(LinkedIdentity(linked), LinkedIdentity(RegisterIdentity("", "7", "1.2.3"))))
    assert asked(record).also_known == (linked,)


def test_a_record_that_is_kept_apart_is_never_tied_to_another_number():
    """RI-03: a reserve identity beside a personnummer."""
    elsewhere = asked(RECORD, kind=RESERVE, value="22790814AA19", is_kept_apart=True)
    assert elsewhere == Request(is_of_another=True)
    own = person("22790814AA19", kind=RESERVE, linked=(LinkedIdentity(RECORD.identity),))
    assert asked(own, kind=RESERVE, value="22790814AA19", is_kept_apart=True).also_known == ()


def test_level_and_status_of_a_samordningsnummer_are_kept_as_told():
    """PA-02, also a code nobody knows."""
    record = person(
        "196109732393",
        kind=COORDINATION,
        identity_level="SANNOLIK",
        identity_level_on="2024-02-01",
        identity_status="NYTT_LÄGE",
    )
    wanted = asked(record, kind=COORDINATION, value="196109732393")
    assert wanted.identity_facts == {
        "level": "SANNOLIK",
        "level_on": date(2024, 2, 1),
        "register_status": "NYTT_LÄGE",
    }
    assert wanted.fields["registration_kind"] == "never_resident"


# --- As properties --------------------------------------------------------------------------------------------------


def test_an_older_answer_never_overwrites_a_newer_one():
    older = replace(RECORD, version="20260101000000", name=RegisterName("Gammal", "", "Uppgift"))
    assert asked(older, version="20260102000000") == Request(is_older=True)
    assert asked(older, version="20260101000000").fields["surname"] == "Uppgift"


def test_every_owned_field_is_a_column_and_none_is_a_user_s():
    """PA-05, PA-06: what users enter is not among them."""
    assert set(OWNED_FIELDS) <= {column.name for column in Patient._meta.get_fields()}
    by_hand = {"interpreter_kind", "interpreter_language", "special_housing", "has_pascal", "drug_benefit_decided_on"}
    assert not set(OWNED_FIELDS) & (by_hand | {"payer", "listing_unit", "deceased_on", "protection"})


TEXTS = st.text("abcåäö", max_size=6)
PARTIAL = st.sampled_from(["1990", "1990-02", "1990-02-22", "2001-12-31"])
ADDRESSES = st.builds(RegisterAddress, street=TEXTS, town=TEXTS)
MAYBE_ADDRESS = st.none() | ADDRESSES
RECORDS = st.builds(
    replace,
    st.sampled_from([RECORD, person("196109732393", kind=COORDINATION), person("22790814AA19", kind=RESERVE)]),
    version=st.sampled_from(["", "20260101000000", "20260601000000"]),
    name=st.none() | st.builds(RegisterName, TEXTS, TEXTS, TEXTS),
    sex=st.sampled_from([None, "0", "1", "2", "9", "Q"]),
    born=st.none() | PARTIAL,
    county_code=st.sampled_from([None, "", "12"]),
    municipality_code=st.sampled_from([None, "", "80"]),
    registered_on=st.none() | PARTIAL,
    addresses=st.none() | st.builds(RegisterAddresses, MAYBE_ADDRESS, MAYBE_ADDRESS, MAYBE_ADDRESS),
    deregistration=st.none()
    | st.builds(Deregistration, st.sampled_from(["", "AV", "UV", "ZZ"]), st.just("") | PARTIAL, st.just("") | PARTIAL),
    has_protection_mark=st.booleans(),
    has_protected_registration=st.booleans(),
    linked=st.sampled_from([(), (LinkedIdentity(RegisterIdentity(RESERVE, "98240301AA06")),)]),
    identity_level=st.sampled_from([None, "STYRKT", "OSAKER"]),
    identity_status_cause=st.sampled_from([None, "AVLIDEN", "TIDSFRIST"]),
)
HELD = st.builds(
    held,
    kind=st.sampled_from([CIVIC, COORDINATION, RESERVE]),
    addresses=st.dictionaries(st.sampled_from([HOME, SPECIAL, ABROAD]), ADDRESSES),
    protection=st.sampled_from(["", "sekretessmarkering", "skyddad_folkbokforing"]),
    is_protected_by_hand=st.booleans(),
    is_kept_apart=st.booleans(),
    died_on=st.sampled_from(["", "2026-10-31"]),
    version=st.sampled_from(["", "20260301000000"]),
)


@settings(max_examples=400, deadline=None)
@given(before=HELD, record=RECORDS)
def test_the_same_record_twice_asks_for_nothing_the_second_time(before, record):
    wanted = request(before, record, today=TODAY)
    after = applied(before, wanted, record)
    again = request(after, record, today=TODAY)
    # A death no longer told is told on each time, and taken over once (sdv.flows.deceased).
    assert replace(again, died_on=None).is_empty
    assert again.died_on in (None, "")


@settings(max_examples=400, deadline=None)
@given(before=HELD, record=RECORDS)
def test_only_what_the_register_owns_is_ever_asked_for(before, record):
    wanted = request(before, record, today=TODAY)
    assert set(wanted.fields) <= set(OWNED_FIELDS)
    assert set(wanted.addresses) <= {HOME, SPECIAL, ABROAD}
    if before.protection and before.is_protected_by_hand:
        assert applied(before, wanted, record).protection
    if before.protection == "" and record.identity.kind != CIVIC:
        assert wanted.protection is None
