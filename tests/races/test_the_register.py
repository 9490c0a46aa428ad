"""PA-04: many search at once, and two nightly runs meet."""

from datetime import UTC, datetime
from itertools import count

import pytest
from django.db import connection

from registration.models import Patient, PatientHistory
from sdv.flows import register, register_nightly
from tests import factories as make
from tests.races.together import together
from tests.registers import connected, person

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "199002222397"
AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def test_of_many_who_search_at_once_one_asks():
    patient = make.patient(identity=NUMBER, surname="Gammal")
    with connected(person(NUMBER), seconds=5) as simulator:
        answers = together(*[lambda: register.ask_at_search(NUMBER, at=AT)] * 6)
        assert sorted(answer.was_asked for answer in answers) == [False] * 5 + [True]
        assert len(simulator.requests) == 1
    patient.refresh_from_db()
    assert patient.surname == "Wahl"
    assert PatientHistory.objects.filter(patient=patient, event="register_told").count() == 1


def test_somebody_new_whom_several_choose_at_once_is_one_patient():
    with connected(person(NUMBER), seconds=5):
        answers = together(*[lambda: register.choose(identity=NUMBER, by=None, at=AT)] * 4)
    patient = Patient.objects.get()
    assert answers == [patient.pk] * 4
    assert (patient.surname, patient.identities.count(), patient.addresses.count()) == ("Wahl", 1, 1)


def test_a_second_nightly_run_finds_the_first_at_work():
    make.patient(identity=NUMBER)
    # The lock belongs to a connection: this one is somebody else's run.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [register_nightly.LOCK])
    with connected(person(NUMBER)) as simulator:
        (result,) = together(lambda: register_nightly.run(at=AT, clock=count().__next__))
        assert result.state == "busy"
        assert simulator.requests == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [register_nightly.LOCK])
        (result,) = together(lambda: register_nightly.run(at=AT, clock=count().__next__))
        assert result.state == "done"
