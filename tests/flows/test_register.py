"""PA-04: the register and the patients: what is taken over, once a day at the first search, somebody new chosen, and care
that goes on whatever the register does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from registration import identities
from registration.actions import patients
from registration.models import (
    AddressKind,
    Patient,
    PatientAddress,
    PatientHistory,
    PatientIdentity,
    PatientPhone,
)
from registration.population_register import (
    Deregistration,
    LinkedIdentity,
    RegisterAddress,
    RegisterAddresses,
    RegisterIdentity,
    RegisterName,
    RegisterRelation,
    new_reserve_identity,
)
from sdv.adapters.rivta.simulator import FAILURES
from sdv.common.errors import RuleError
from sdv.common.models import ChangeLogEntry
from sdv.flows import register
from sdv.flows.models import DeceasedCascade
from tests import factories as make
from tests.registers import connected, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]

NUMBER, OTHER = "199002222397", "196101182803"
AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
TOMORROW = AT + timedelta(days=1)
CIVIC = identities.PERSONNUMMER


@pytest.fixture
def vera():
    return make.patient(identity=NUMBER, given_name="Vera", surname="Gammal", at=AT - timedelta(days=30))


@pytest.fixture
def simulator():
    with connected(person(NUMBER)) as running:
        yield running


@pytest.fixture
def me():
    return make.receptionist(make.CareUnitFactory())


def events(patient):
    rows = PatientHistory.objects.filter(patient=patient).exclude(event="registered")
    return list(rows.values_list("event", "detail", "by"))


def take_over(patient, record, at=AT):
    return register.take_over(patient_id=patient.pk, record=record, at=at)


# --- Taken over --------------------------------------------------------------------------------------------------


def test_what_the_register_tells_is_written_with_history_and_searchable(vera):
    """PA-04, PA-05: names, place and address; nothing of it in the history but the fields' names."""
    outcome = take_over(vera, person(NUMBER, given_name="Vera", surname="Öberg"))
    vera.refresh_from_db()
    assert (vera.surname, vera.county_code, vera.municipality_code) == ("Öberg", "12", "81")
    assert (vera.registration_kind, vera.source) == ("resident", "Folkbokföringen")
    assert (vera.confirmed_at, vera.register_version) == (AT, "20260101000000")
    address = vera.addresses.get()
    assert (address.kind.code, address.street, address.postal_code, address.town) == (
        "bostadsadress",
        "Provgatan 1",
        "22100",
        "LUND",
    )
    assert list(Patient.objects.named("oberg")) == [vera]
    assert outcome.is_changed
    ((event, detail, by),) = events(vera)
    assert (event, by) == ("register_told", None)
    assert "efternamn" in detail
    assert "Öberg" not in detail
    assert "Provgatan" not in detail


def test_the_same_record_again_changes_nothing(vera):
    take_over(vera, person(NUMBER))
    vera.refresh_from_db()
    version, history = vera.version, len(events(vera))
    outcome = take_over(vera, person(NUMBER), at=TOMORROW)
    vera.refresh_from_db()
    assert not outcome.is_changed
    assert (vera.version, len(events(vera)), vera.confirmed_at) == (version, history, TOMORROW)


def test_a_confirmation_alone_is_no_change_in_the_change_log(vera):
    take_over(vera, person(NUMBER))
    before = ChangeLogEntry.objects.count()
    take_over(vera, person(NUMBER, version="20260501000000"), at=TOMORROW)
    assert ChangeLogEntry.objects.count() == before


def test_what_users_have_entered_is_not_touched(vera, me):
    """PA-05, PA-07: phone, interpreter, and addresses by hand, one of them of a kind that the register may also tell."""
    patients.edit(patient_id=vera.pk, phone="070-174 06 05", interpreter_language="finska", by=me, at=AT)
    for code in ("faktureringsadress", "utlandsadress"):
        kind = AddressKind.objects.get(code=code)
        PatientAddress.objects.create(patient=vera, kind=kind, street=f"För hand {code}", source="Registrerad för hand")
    kept = list(PatientPhone.objects.filter(patient=vera).values())
    away = RegisterAddresses(abroad=RegisterAddress(street="Storgatan 1", country="NORGE"))
    take_over(vera, person(NUMBER, addresses=away))
    take_over(vera, person(NUMBER, addresses=RegisterAddresses()), at=TOMORROW)
    vera.refresh_from_db()
    assert vera.interpreter_language == "finska"
    assert list(PatientPhone.objects.filter(patient=vera).values()) == kept
    assert sorted(vera.addresses.values_list("street", flat=True)) == [
        "För hand faktureringsadress",
        "För hand utlandsadress",
    ]


def test_a_marking_from_the_register_arrives_and_is_lifted_by_it(vera):
    """SK-02, SK-03, SK-04."""
    take_over(vera, person(NUMBER, has_protection_mark=True))
    vera.refresh_from_db()
    assert vera.protection == "sekretessmarkering"
    assert list(Patient.objects.named("Gammal")) == []
    take_over(vera, person(NUMBER, surname="Fri"), at=TOMORROW)
    vera.refresh_from_db()
    assert (vera.protection, vera.surname) == ("", "Fri")


def test_a_marking_set_by_hand_is_not_lifted(vera, me):
    """SK-04."""
    Patient.objects.filter(pk=vera.pk).update(
        protection="sekretessmarkering", protection_set_at=AT, protection_set_by=me, protection_ground="threat"
    )
    take_over(vera, person(NUMBER, surname="Läcka"))
    vera.refresh_from_db()
    assert vera.protection == "sekretessmarkering"
    assert vera.surname != "Läcka"
    assert not vera.addresses.exists()


def test_a_death_is_marked_and_left_to_the_job(vera):
    """AV-01, AV-02."""
    take_over(vera, person(NUMBER, deregistration=Deregistration("AV", "2026-11-20")))
    vera.refresh_from_db()
    assert vera.deceased_on.isoformat() == "2026-11-20"
    cascade = DeceasedCascade.objects.get(patient=vera)
    assert (cascade.source, cascade.run_at) == ("pu", None)


def test_a_death_that_cannot_be_is_left_to_people(vera):
    outcome = take_over(vera, person(NUMBER, deregistration=Deregistration("AV", "1950-01-01")))
    vera.refresh_from_db()
    assert vera.deceased_on is None
    assert "avliden" not in outcome.words


def test_a_new_number_leads_from_the_old(vera):
    """PA-03."""
    old = RegisterIdentity(CIVIC, NUMBER)
    take_over(vera, person(OTHER, referred=(LinkedIdentity(old),)))
    numbers = vera.identities.order_by("-is_primary").values_list("value", "is_primary", "valid_to")
    assert list(numbers) == [(OTHER, True, None), (NUMBER, False, AT.date())]
    for number in (NUMBER, OTHER):
        assert list(Patient.objects.with_identity(number, today=AT.date())) == [vera]


def test_a_number_that_stands_on_another_patient_is_left_for_a_merge(vera):
    """RI-02: two records of one person are merged by people, never by the register."""
    double = make.patient(identity=OTHER)
    outcome = take_over(
        vera, person(OTHER, surname="Wahl", referred=(LinkedIdentity(RegisterIdentity(CIVIC, NUMBER)),))
    )
    assert [row.value for row in outcome.conflicts] == [OTHER]
    assert PatientIdentity.objects.get(value=OTHER).patient == double
    assert vera.identities.get().value == NUMBER


def test_level_and_status_are_kept_on_the_number():
    """PA-02."""
    tom = make.patient(identity="196109732393")
    record = person(
        "196109732393", kind=identities.SAMORDNINGSNUMMER, identity_level="SANNOLIK", identity_status="AKTIVT"
    )
    take_over(tom, replace(record, born="1961-09"))
    tom.refresh_from_db()
    assert (tom.birth_date, tom.birth_date_partial, tom.registration_kind) == (None, "1961-09", "never_resident")
    number = tom.identities.get()
    assert (number.level, number.register_status) == ("SANNOLIK", "AKTIVT")


# --- The day's first search ------------------------------------------------------------------------------------------


def test_the_register_is_asked_once_a_day_whoever_searches(vera, simulator):
    """PA-04."""
    first = register.ask_at_search(NUMBER, at=AT)
    again = register.ask_at_search("900222-2397", at=AT + timedelta(hours=8))
    assert (first.was_asked, again.was_asked) == (True, False)
    assert len(simulator.requests) == 1
    register.ask_at_search(NUMBER, at=TOMORROW)
    assert len(simulator.requests) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Midnight in Stockholm, in winter and in summer.
        ("2026-11-26T22:59+00:00", "2026-11-26T23:00+00:00"),
        ("2026-07-01T21:59+00:00", "2026-07-01T22:00+00:00"),
        # Into and out of the nights when the clock is changed.
        ("2026-10-24T21:59+00:00", "2026-10-24T22:00+00:00"),
        ("2026-10-25T22:59+00:00", "2026-10-25T23:00+00:00"),
        ("2026-03-28T22:59+00:00", "2026-03-28T23:00+00:00"),
        ("2026-03-29T21:59+00:00", "2026-03-29T22:00+00:00"),
    ],
)
def test_the_day_is_stockholm_s(vera, simulator, before, after):
    asked = [register.ask_at_search(NUMBER, at=datetime.fromisoformat(at)).was_asked for at in (before, before, after)]
    assert asked == [True, False, True]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("2026-10-25T00:30+00:00", "2026-10-25T01:30+00:00"), ("2026-03-29T00:30+00:00", "2026-03-29T01:30+00:00")],
)
def test_the_hour_that_comes_twice_or_never_is_of_the_same_day(vera, simulator, earlier, later):
    assert register.ask_at_search(NUMBER, at=datetime.fromisoformat(earlier)).was_asked
    assert not register.ask_at_search(NUMBER, at=datetime.fromisoformat(later)).was_asked


@pytest.mark.parametrize("failure", sorted(set(FAILURES) - {"strange", "missing", "other-person"}))
def test_when_the_register_fails_the_patient_is_as_before_and_the_next_search_tries_again(vera, simulator, failure):
    before = Patient.objects.filter(pk=vera.pk).values().get()
    simulator.fail(failure)
    assert register.ask_at_search(NUMBER, at=AT).is_unavailable
    assert Patient.objects.filter(pk=vera.pk).values().get() == before


@pytest.mark.parametrize("failure", ["missing", "other-person"])
def test_an_answer_without_a_usable_record_changes_nothing(vera, failure):
    with connected(person(OTHER, surname="Främmande"), person(NUMBER)) as simulator:
        simulator.fail(failure)
        assert register.ask_at_search(NUMBER, at=AT).is_unavailable
    vera.refresh_from_db()
    assert (vera.surname, vera.confirmed_at) == ("Gammal", None)


def test_nobody_is_asked_without_a_register_or_about_a_number_that_is_none(vera, simulator):
    assert register.ask_at_search("900222-2398", at=AT) == register.Asked()
    assert register.ask_at_search("Gammal", at=AT) == register.Asked()
    assert simulator.requests == []


def test_guardians_are_asked_for_only_of_children(simulator):
    """RE-01: no more is asked for than is needed."""
    child = make.patient(identity="201501022386")
    simulator.tell(person("201501022386"))
    profiles = []
    answered = simulator._persons

    def noted(content):
        profiles.append(content.findtext("{*}profile"))
        return answered(content)

    simulator._persons = noted
    register.ask_at_search("201501022386", at=AT)
    make.patient(identity=NUMBER)
    register.ask_at_search(NUMBER, at=AT)
    assert profiles == ["P4", "P2"]
    assert child.identities.count() == 1


def test_a_child_s_guardians_are_those_told_of_and_what_users_wrote_on_them_stays():
    """RE-01."""
    child = make.patient(identity="201501022386")
    mother = RegisterRelation("V", RegisterIdentity(CIVIC, OTHER), name=RegisterName("Anna", "", "Wahl"))
    father = RegisterRelation("V", born="1985-01-02", name=RegisterName("Olof", "", "Wahl"))
    gone = RegisterRelation("V", name=RegisterName("Före", "", "Detta"), until="2025-01-01")
    others = RegisterRelation("MO", RegisterIdentity(CIVIC, OTHER))
    record = person("201501022386", relations=(mother, father, gone, others))
    assert "vårdnadshavare" in take_over(child, record).words
    assert sorted(child.relations.values_list("kind", "name", "identity")) == [
        ("guardian", "Anna Wahl", OTHER),
        ("guardian", "Olof Wahl", ""),
    ]
    child.relations.filter(identity=OTHER).update(gets_letter_copy=True)
    assert not take_over(child, record, at=TOMORROW).is_changed
    take_over(child, replace(record, relations=(mother,)), at=TOMORROW)
    assert list(child.relations.values_list("name", "gets_letter_copy")) == [("Anna Wahl", True)]
    # An answer without relations says nothing of them; an adult's are never asked for.
    take_over(child, replace(record, relations=None), at=TOMORROW)
    assert child.relations.count() == 1
    adult = make.patient(identity=NUMBER)
    take_over(adult, person(NUMBER, relations=(mother,)))
    assert adult.relations.count() == 0


# --- Somebody new ------------------------------------------------------------------------------------------------------


def test_somebody_not_known_here_is_shown_and_made_a_patient_when_chosen(simulator, me):
    """PA-04."""
    found = register.ask_at_search(NUMBER, at=AT).newcomer
    assert found.name == RegisterName("Vera", "", "Wahl")
    assert not Patient.objects.exists()
    patient = Patient.objects.get(pk=register.choose(identity=NUMBER, by=me, at=AT))
    assert (patient.surname, patient.birth_date.isoformat(), patient.sex) == ("Wahl", "1990-02-22", "2")
    assert patient.identities.get().value == NUMBER
    assert patient.addresses.get().town == "LUND"
    assert (patient.confirmed_at, patient.register_asked_on) == (AT, AT.date())
    assert PatientHistory.objects.get(patient=patient, event="registered").by == me
    assert not register.ask_at_search(NUMBER, at=AT).was_asked


def test_somebody_protected_is_made_a_protected_patient_without_address(simulator, me):
    """SK-02."""
    simulator.change(CIVIC, NUMBER, has_protection_mark=True)
    patient = Patient.objects.get(pk=register.choose(identity=NUMBER, by=me, at=AT))
    assert patient.protection == "sekretessmarkering"
    assert (patient.surname, patient.given_name) == ("", "")
    assert not patient.addresses.exists()


def test_whoever_is_chosen_twice_is_one_patient(simulator, me):
    assert register.choose(identity=NUMBER, by=me, at=AT) == register.choose(identity=NUMBER, by=me, at=AT)
    assert Patient.objects.count() == 1


def test_an_old_number_of_somebody_known_leads_to_the_patient(vera, simulator):
    """PA-03."""
    simulator.tell(person(NUMBER, referred=(LinkedIdentity(RegisterIdentity(CIVIC, OTHER)),)))
    assert register.ask_at_search(OTHER, at=AT).newcomer is None
    assert list(Patient.objects.with_identity(OTHER, today=AT.date())) == [vera]


@pytest.mark.parametrize("failure", sorted(set(FAILURES) - {"strange"}))
def test_nobody_is_made_a_patient_of_a_failure(simulator, me, failure):
    simulator.tell(person(OTHER))
    simulator.fail(failure)
    with pytest.raises(RuleError, match="svarar inte") as refused:
        register.choose(identity=NUMBER, by=me, at=AT)
    assert (refused.value.rule, refused.value.code) == ("PA-04", "register_unavailable")
    assert not Patient.objects.exists()


def test_somebody_whom_nobody_knows_is_not_chosen(simulator, me):
    with pytest.raises(RuleError, match="finns inte i folkbokföringen"):
        register.choose(identity=OTHER, by=me, at=AT)
    assert not Patient.objects.exists()


# --- A new reserve identity ----------------------------------------------------------------------------------------


NOBODY = {"birth_date": None, "sex": "0", "given_name": "", "surname": "", "actor_hsa_id": "SE2321000255-T001"}


def test_a_reserve_identity_is_the_register_s_and_registers_a_patient(simulator, me):
    """RI-01, PA-01."""
    number = new_reserve_identity(**NOBODY)
    patient = patients.register(identity=number, given_name="Okänd", surname="Okändsson", by=me, at=AT)
    assert patient.identities.get().kind == identities.RESERVID


@pytest.mark.parametrize(("failure", "code"), [("down", "register_unavailable"), ("error-result", "register_refused")])
def test_without_the_register_no_reserve_identity_is_made_up(simulator, failure, code):
    """RI-01: refused, with what to do instead."""
    simulator.fail(failure)
    with pytest.raises(RuleError) as refused:
        new_reserve_identity(**NOBODY)
    assert (refused.value.rule, refused.value.code) == ("RI-01", code)


def test_without_a_connection_the_way_on_is_told():
    with pytest.raises(RuleError, match="tjänstens egen webbsida"):
        new_reserve_identity(**NOBODY)
