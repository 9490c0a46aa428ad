"""PA-04 by REST: the day's first search asks the population register; somebody it knows is chosen."""

from registration.models import Patient
from tests import factories
from tests.registers import connected, person

from .conftest import refused

NUMBER = "199002222397"


def search(caller):
    return caller.post("patients/search/", {"identity": NUMBER}).json()


def test_the_first_search_of_the_day_asks_the_register(integration):
    factories.patient(identity=NUMBER, surname="Gammal")
    with connected(person(NUMBER)) as simulator:
        (hit,) = search(integration)["results"]
        search(integration)
        assert len(simulator.requests) == 1
    assert (hit["surname"], hit["source"]) == ("Wahl", "Folkbokföringen")
    assert hit["confirmed_at"]


def test_a_register_that_fails_is_told_and_local_data_answered(integration):
    factories.patient(identity=NUMBER, surname="Gammal")
    with connected() as simulator:
        simulator.fail("down")
        answer = search(integration)
    assert answer["register_is_unavailable"] is True
    (hit,) = answer["results"]
    assert (hit["surname"], hit["confirmed_at"]) == ("Gammal", None)


def test_somebody_new_is_shown_and_chosen(integration):
    with connected(person(NUMBER)):
        answer = search(integration)
        assert answer["results"] == []
        assert answer["newcomer"]["name"] == "Wahl, Vera"
        assert not Patient.objects.exists()
        chosen = integration.post("patients/from-register/", {"identity": NUMBER})
    assert chosen.status_code == 201
    assert chosen.json()["id"] == str(Patient.objects.get().pk)


def test_nobody_is_chosen_when_the_register_fails(integration):
    """PA-04."""
    with connected() as simulator:
        simulator.fail("down")
        refused(integration.post("patients/from-register/", {"identity": NUMBER}), 409, rule="PA-04")
    assert not Patient.objects.exists()
