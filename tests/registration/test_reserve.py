"""New reserve identities after a proved search, and the likely doubles beside (RI-01, RI-03, PL-21, SK-05)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from registration import doubles, identities, presenters, reserve_rules
from registration.actions import contact, patients, reserve
from registration.models import Patient, PatientIdentity, ReserveDecision, ReserveSearch
from registration.population_register import RegisterIdentity, RegisterUnavailable
from sdv.common.errors import InputError, RuleError
from tests.clinic import NOW, TODAY, Clinic

BORN = date(1989, 1, 18)
KEYS = doubles.Keys(given_name="Amina", surname="Yusuf", birth_date=BORN, sex="2")


def a_reserve_number():
    """A well-formed number as the service gives them: 1989-01-18."""
    body = "22890118AA2"
    return body + identities.reservid_check_digit(body)


class Service:
    """Gives out one number, and remembers what it was asked."""

    asked = []

    def allocate_reserve_identity(self, **asked):
        Service.asked.append(asked)
        return RegisterIdentity("reservid", a_reserve_number())


class SilentService:
    def allocate_reserve_identity(self, **asked):
        raise RegisterUnavailable("timeout")


@pytest.fixture
def clinic(db):
    return Clinic()


@pytest.fixture
def service(settings):
    Service.asked = []
    settings.SDV_POPULATION_REGISTER = f"{__name__}.Service"
    return Service


def sought(clinic, keys=KEYS, at=NOW):
    kept, _ = reserve.search(keys=keys, by=clinic.nurse, at=at)
    return kept


def create(clinic, search, keys=KEYS, **fields):
    fields = {"by": clinic.nurse, "at": NOW, "actor_hsa_id": "SE-1"} | fields
    return reserve.create(search_id=search.pk if search else None, keys=keys, **fields)


def refused(act, rule, code):
    """The act is refused by the rule, and nobody was made."""
    before = Patient.objects.count()
    with pytest.raises(RuleError) as error:
        act()
    assert (error.value.rule, error.value.code, Patient.objects.count()) == (rule, code, before)
    assert error.value.sentence.endswith(".")


def test_a_reserve_identity_is_made_after_a_search_without_certain_match(clinic, service):
    """RI-01"""
    keys = replace(KEYS, identity="810829DA1B", lma="50-123456", passport="P 1234567", phone="070-174 06 05")
    search = sought(clinic, keys)
    assert search.keys == "person- eller reservnummer, LMA-nummer, passnummer, namn och födelsedatum"
    patient = create(clinic, search, keys, passport_country="Somalia")
    seen = presenters.shown(presenters.load(patient.pk), on=TODAY)
    assert (seen.name, seen.identity, seen.identity_kind) == ("Yusuf, Amina", a_reserve_number(), "reservid")
    assert (patient.birth_date, patient.sex) == (BORN, "2")
    assert service.asked == [
        {"birth_date": BORN, "sex": "2", "given_name": "Amina", "surname": "Yusuf", "actor_hsa_id": "SE-1"}
    ]
    for number in ("19810829DA1B", "50123456", "p1234567", a_reserve_number()):
        assert list(Patient.objects.with_identity(number, today=TODAY)) == [patient], number
    assert patient.phones.get().number == "+46701740605"


def test_without_a_search_of_one_s_own_nothing_is_made(clinic, service):
    """RI-01: proved by the server, not by the browser."""
    refused(lambda: create(clinic, None), "RI-01", "search_missing")
    refused(lambda: create(clinic, sought(clinic), by=clinic.doctor), "RI-01", "search_missing")
    assert service.asked == []


def test_a_search_on_something_else_or_too_old_or_used_is_no_proof(clinic, service):
    """RI-01"""
    search = sought(clinic)
    for other in ({"surname": "Yusef"}, {"birth_date": None}, {"lma": "50-123456"}, {"passport": "P1234567"}):
        changed = replace(KEYS, **other)
        refused(lambda changed=changed: create(clinic, search, changed), "RI-01", "search_differs")
    late = NOW + reserve_rules.LASTS + timedelta(minutes=1)
    refused(lambda: create(clinic, search, at=late), "RI-01", "search_old")
    create(clinic, search, at=NOW + reserve_rules.LASTS)
    refused(lambda: create(clinic, search), "RI-01", "already_done")


@pytest.mark.parametrize("keys", [{"identity": "18900118-9811"}, {"identity": "810829DA1B"}, {"lma": "50-123456"}])
def test_a_number_that_somebody_has_is_a_certain_match(clinic, service, keys):
    """RI-01: whichever of the numbers it is."""
    known = clinic.patient(identity="189001189811")
    local = {"identity": "810829DA1B", "kind": "lokalt_reservnummer"}
    patients.link_identity(patient_id=known.pk, **local, by=clinic.nurse, at=NOW)
    contact.add_search_key(patient_id=known.pk, kind="lma", value="50-123456", by=clinic.nurse, at=NOW)
    keys = replace(KEYS, **keys)
    search, found = reserve.search(keys=keys, by=clinic.nurse, at=NOW)
    assert found == [known] and search.has_certain_match
    refused(lambda: create(clinic, search, keys), "RI-01", "certain_match")
    with pytest.raises(IntegrityError), transaction.atomic():
        ReserveSearch.objects.update(patient=known)


def test_what_was_sought_cannot_be_read_out_of_the_search(clinic):
    """SK-05: a fingerprint only."""
    sought(clinic, replace(KEYS, identity="189001189811", passport="P1234567"))
    row = ReserveSearch.objects.values().get()
    assert not [word for word in ("Amina", "Yusuf", "1989", "9811", "1234567") if word in str(row)]


def test_the_service_out_of_reach_is_told_with_what_to_do_and_nothing_is_made(clinic, settings):
    """RI-01, PA-04: care goes on."""
    search = sought(clinic)
    settings.SDV_POPULATION_REGISTER = ""
    refused(lambda: create(clinic, search), "RI-01", "register_not_connected")
    settings.SDV_POPULATION_REGISTER = f"{__name__}.SilentService"
    refused(lambda: create(clinic, search), "RI-01", "register_unavailable")
    assert ReserveSearch.objects.get().patient is None


DECISION = reserve_rules.Decision("Vera Chef", date(2026, 11, 19), "Utredning där identiteten inte får framgå")


def test_somebody_with_a_personnummer_needs_the_verksamhetschef_s_decision(clinic, service):
    """RI-03: and the two are not linked."""
    keys = replace(KEYS, identity="18900118-9811")
    search = sought(clinic, keys)
    refused(lambda: create(clinic, search, keys), "RI-03", "decision_missing")
    refused(lambda: create(clinic, search, keys, has_personnummer=True), "RI-03", "decision_missing")
    patient = create(clinic, search, keys, has_personnummer=True, decision=DECISION)
    kept = ReserveDecision.objects.get(patient=patient)
    assert (kept.decided_by, kept.decided_on, kept.reason) == tuple(DECISION)
    assert [row.value for row in PatientIdentity.objects.all()] == [a_reserve_number()]


@pytest.mark.parametrize("reason", ["Skyddad identitet", "har SEKRETESSMARKERING", "fingerade uppgifter"])
def test_protection_is_never_a_reason_for_a_reserve_number(clinic, service, reason):
    """RI-03"""
    search = sought(clinic)
    decision = DECISION._replace(reason=reason)
    refused(lambda: create(clinic, search, decision=decision), "RI-03", "never_for_protection")
    for wrong in ({"decided_by": " "}, {"decided_on": None}, {"decided_on": date(2026, 11, 21)}, {"reason": ""}):
        with pytest.raises(InputError) as error:
            create(clinic, search, decision=DECISION._replace(**wrong))
        assert list(error.value.errors) == list(wrong)
    assert not Patient.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"given_name": " "}, "surname"),
        ({"birth_date": date(2026, 11, 21)}, "birth_date"),
        ({"lma": "å"}, "lma"),
        ({"passport": "!!"}, "passport"),
        ({"phone": "ring mig"}, "phone"),
    ],
)
def test_what_cannot_be_kept_is_told_before_a_number_is_asked_for(clinic, service, wrong, field):
    """PL-07"""
    with pytest.raises(InputError) as error:
        sought(clinic, replace(KEYS, **wrong))
    assert (list(error.value.errors), service.asked, ReserveSearch.objects.count()) == ([field], [], 0)


# --- Likely doubles -------------------------------------------------------------------------------------------------------


def likely(**keys):
    return doubles.likely(doubles.Keys(**keys), today=TODAY)


def test_the_same_birth_date_and_a_similar_name_is_a_likely_double_with_what_differs(clinic):
    """PL-21"""
    known = clinic.patient(given_name="Aminah", surname="Yousuf", birth_date=BORN, sex="2")
    clinic.patient(given_name="Bo", surname="Ek", birth_date=BORN)
    clinic.patient(given_name="Amina", surname="Yusuf", birth_date=date(1950, 1, 1))
    (double,) = likely(given_name="Amina", surname="Yusuf", birth_date=BORN, sex="1")
    assert (double.patient, double.grounds) == (known, ("samma födelsedatum och liknande namn",))
    assert double.differs == (
        ("Efternamn", "Yousuf", "Yusuf"),
        ("Förnamn", "Aminah", "Amina"),
        ("Kön", "kvinna", "man"),
    )


def test_a_number_with_two_digits_in_each_other_s_place_a_phone_and_a_passport_are_grounds(clinic):
    """PL-21"""
    known = clinic.patient(identity="189001189811")
    patients.edit(patient_id=known.pk, phone="070-174 06 05", by=clinic.nurse, at=NOW)
    contact.add_search_key(patient_id=known.pk, kind="passport", value="P1234567", by=clinic.nurse, at=NOW)
    assert [d.grounds for d in likely(identity="18900118-8911")] == [("numret skiljer på två siffror som bytt plats",)]
    assert [d.patient for d in likely(phone="+46 70 174 06 05")] == [known]
    assert [d.patient for d in likely(passport="p 123 4567")] == [known]
    assert likely(identity="18900118-9811", given_name="Nils", surname="Ny", birth_date=BORN) == []


def test_a_protected_person_is_neither_shown_nor_counted_as_a_double(clinic):
    """SK-05, PL-21"""
    clinic.patient(
        identity="189001189811", given_name="Amina", surname="Yusuf", birth_date=BORN, protection="sekretessmarkering"
    )
    assert likely(given_name="Amina", surname="Yusuf", birth_date=BORN, identity="18900118-8911") == []


def test_doubles_cost_equally_many_queries_however_many_there_are(clinic):
    """PL-21"""

    def queries():
        with CaptureQueriesContext(connection) as made:
            found = likely(
                given_name="Amina",
                surname="Yusuf",
                birth_date=BORN,
                identity="18900118-8911",
                phone="070-174 06 05",
                passport="P1234567",
            )
        return len(found), len(made)

    clinic.patient(given_name="Amina", surname="Yusuf", birth_date=BORN)
    assert queries() == (1, 6)
    for _ in range(12):
        clinic.patient(given_name="Amina", surname="Yusuf", birth_date=BORN)
    assert queries() == (doubles.MOST, 6)
