"""Reserve identities and likely doubles by REST (RI-01, RI-03, PL-21), and what a search says of numbers (PA-03)."""

import pytest

from registration.models import Patient
from sdv.common.time import now
from tests import factories
from tests.registration.test_reserve import BORN, Service, a_reserve_number

from .conftest import refused

KEYS = {"given_name": "Amina", "surname": "Yusuf", "birth_date": BORN.isoformat(), "sex": "2", "lma": "50-123456"}


@pytest.fixture
def service(settings):
    Service.asked = []
    settings.SDV_POPULATION_REGISTER = "tests.registration.test_reserve.Service"
    return Service


def search(integration, **keys):
    answer = integration.post("patients/reserve-searches/", KEYS | keys)
    assert answer.status_code == 201
    return answer.json()


def test_a_reserve_identity_is_created_by_the_search_that_it_names(integration, service):
    """RI-01"""
    found = search(integration)
    assert (found["certain_matches"], found["may_create"]) == ([], True)
    made = integration.post("patients/", KEYS | {"reserve_search": found["id"], "phone": "070-174 06 05"})
    assert made.status_code == 201
    assert (made.json()["identity"], made.json()["name"]) == (a_reserve_number(), "Yusuf, Amina")
    again = integration.post("patients/search/", {"identity": "50123456"}).json()["results"]
    assert [(row["id"], row["found_by"]) for row in again] == [(made.json()["id"], "LMA-nummer")]
    refused(integration.post("patients/", KEYS | {"reserve_search": found["id"]}), 409, rule="RI-01")


def test_without_the_search_or_with_other_keys_it_is_409_and_a_certain_match_is_told(integration, service):
    """RI-01, RI-03"""
    found = search(integration)
    unknown = str(factories.patient().pk)
    body = KEYS | {"reserve_search": unknown}
    refused(integration.post("patients/", body), 409, rule="RI-01", code="search_missing")
    body = KEYS | {"reserve_search": found["id"], "surname": "Annan"}
    refused(integration.post("patients/", body), 409, rule="RI-01", code="search_differs")
    body = KEYS | {"reserve_search": found["id"], "has_personnummer": True}
    refused(integration.post("patients/", body), 409, rule="RI-03", code="decision_missing")
    decision = {"decided_by": "Vera Chef", "decided_on": now().date().isoformat(), "reason": "Skyddad"}
    refused(integration.post("patients/", body | {"decision": decision}), 409, rule="RI-03")
    known = factories.patient(identity=(number := factories.test_number()))
    answer = search(integration, identity=number)
    assert ([row["id"] for row in answer["certain_matches"]], answer["may_create"]) == ([str(known.pk)], False)
    assert (Patient.objects.count(), service.asked) == (2, [])


def test_likely_doubles_tell_who_why_and_what_differs(integration):
    """PL-21, SK-05"""
    known = factories.patient(given_name="Aminah", surname="Yusuf", birth_date=BORN)
    factories.protected_patient(given_name="Amina", surname="Yusuf", birth_date=BORN)
    body = {"given_name": "Amina", "surname": "Yusuf", "birth_date": BORN.isoformat()}
    (double,) = integration.post("patients/likely-doubles/", body).json()["results"]
    assert double["patient"]["id"] == str(known.pk)
    assert double["grounds"] == ["samma födelsedatum och liknande namn"]
    assert double["differs"] == [{"what": "Förnamn", "theirs": "Aminah", "yours": "Amina"}]
    refused(integration.post("patients/likely-doubles/", {}), 400, code="invalid_input")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"surname": "X"}, "identity"),
        ({"identity": "191212121212", "surname": "X", "lma": "50-123456"}, "lma"),
        ({"reserve_search": "x"}, "reserve_search"),
        ({"reserve_search": "01a217f1-246b-7a6b-8097-bbc034f11e62", "middle_name": "Y"}, "middle_name"),
    ],
)
def test_a_body_that_mixes_the_two_ways_is_400(integration, body, field):
    body = refused(integration.post("patients/", body), 400, code="invalid_input")
    assert list(body["errors"]) == [field]


@pytest.mark.parametrize("typed", ["191212121213", "19121312-1212", "1212", "20000101T220"])
def test_a_search_on_a_number_that_cannot_be_answers_a_sentence(integration, typed):
    """PA-02, PL-07: an empty list would say that nobody has it."""
    body = refused(integration.post("patients/search/", {"identity": typed}), 400, code="invalid_input")
    assert body["errors"]["identity"][0].endswith((".", "ÅÅÅÅMMDD-NNNN."))


@pytest.mark.parametrize("typed", ["50-123456", "P1234567", "191212121212"])
def test_a_number_that_may_be_somebody_s_finds_nobody_here(integration, typed):
    """RI-01"""
    answer = integration.post("patients/search/", {"identity": typed})
    assert (answer.status_code, answer.json()["results"]) == (200, [])
