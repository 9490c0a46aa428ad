"""Idempotency-Key: the same call twice is done once and answered the same; also when both come at the same time."""

import threading
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.db import connection, connections, transaction

from registration.models import Patient
from scheduling.models import BookingRequest
from sdv.accounts.api import idempotency
from sdv.accounts.models import AccessLogEntry, IdempotentAnswer
from sdv.common.time import now
from tests import factories

from .conftest import Caller, refused

REQUEST = {
    "visit_type": "pv-ssk-aterbesok",
    "contact_reason": "uppfoljning-ospecificerad",
    "wished_from": "2030-01-01",
    "wished_to": "2030-01-31",
}


def request_body(care_unit, patient=None):
    return REQUEST | {"care_unit": str(care_unit.pk), "patient": str((patient or factories.patient()).pk)}


def test_the_same_call_twice_is_done_once_and_answered_the_same(integration, centre):
    body = request_body(centre)
    first = integration.post("booking-requests/", body, Idempotency_Key="begäran".encode().hex())
    second = integration.post("booking-requests/", body, Idempotency_Key="begäran".encode().hex())
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers["ETag"] == second.headers["ETag"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert BookingRequest.objects.count() == 1
    words = AccessLogEntry.objects.filter(user=integration.user).values_list("what", flat=True)
    assert list(words.order_by("id")) == ["bokningsbegäran gjord", "upprepat svar"]


def test_the_same_key_with_another_body_or_address_is_409_and_does_nothing(integration, centre):
    body = request_body(centre)
    integration.post("booking-requests/", body, Idempotency_Key="k1")
    other = integration.post("booking-requests/", body | {"description": "annat"}, Idempotency_Key="k1")
    refused(other, 409, code="idempotency_key_reused")
    elsewhere = integration.post("commitments/", body, Idempotency_Key="k1")
    refused(elsewhere, 409, code="idempotency_key_reused")
    assert BookingRequest.objects.count() == 1


def test_the_key_is_the_accounts_own(integration, caller, centre):
    body = request_body(centre)
    other = caller("receptionist", centre)
    ids = {api.post("booking-requests/", body, Idempotency_Key="k1").json()["id"] for api in (integration, other)}
    assert len(ids) == 2


def test_a_refusal_is_kept_too_and_nothing_was_changed(integration, clinic):
    """UT-05: the warning is the answer to this call; accepting it is another body, hence another key."""
    visit = factories.arrived_visit(care_unit=clinic)
    path = f"encounters/{visit.encounter_id}/check-out/"
    for _ in range(2):
        refused(integration.post(path, {"outcome": "no_further_planning"}, Idempotency_Key="ut"), 409, rule="UT-05")
    visit.encounter.refresh_from_db()
    assert visit.encounter.status == "in_progress"
    assert IdempotentAnswer.objects.get().status == 409
    accepted = {"outcome": "no_further_planning", "accept_warnings": ["UT-05"]}
    assert integration.post(path, accepted, Idempotency_Key="ut-2").json()["status"] == "checked_out"


def test_what_depends_on_who_asks_is_not_kept(clinic, centre):
    """403 today may be 201 tomorrow, when the account has its assignment."""
    user = factories.receptionist(clinic)
    api, body = Caller(user), request_body(centre)
    refused(api.post("booking-requests/", body, Idempotency_Key="k1"), 403)
    assert not IdempotentAnswer.objects.exists()
    factories.StaffAssignmentFactory(user=user, care_unit=centre)
    assert api.post("booking-requests/", body, Idempotency_Key="k1").status_code == 201


def test_a_fault_of_ours_is_not_kept_and_nothing_is_saved(integration, centre, monkeypatch):
    body = request_body(centre)
    monkeypatch.setattr("scheduling.api.booking_requests.booking_request_answer", None)
    with pytest.raises(TypeError):
        integration.post("booking-requests/", body, Idempotency_Key="k1")
    assert (IdempotentAnswer.objects.count(), BookingRequest.objects.count()) == (0, 0)
    monkeypatch.undo()
    assert integration.post("booking-requests/", body, Idempotency_Key="k1").status_code == 201


def test_after_24_hours_the_key_is_forgotten(integration, centre, as_application):
    body = request_body(centre)
    integration.post("booking-requests/", body, Idempotency_Key="k1")
    with time_machine.travel(now() + timedelta(hours=23, minutes=59), tick=True):
        again = integration.post("booking-requests/", body, Idempotency_Key="k1")
        assert again.headers["Idempotent-Replayed"] == "true"
        assert idempotency.purge(at=now(), dry_run=True) == 0
    with time_machine.travel(now() + timedelta(hours=24, minutes=1), tick=True):
        assert idempotency.purge(at=now(), dry_run=True) == 1
        anew = integration.post("booking-requests/", body, Idempotency_Key="k1")
        assert "Idempotent-Replayed" not in anew.headers
        assert idempotency.purge(at=now()) == 0
    assert BookingRequest.objects.count() == 2


@pytest.mark.parametrize("key", ["", "a" * 201, "med\x7ftecken"])
def test_a_key_that_is_no_key_is_400(integration, centre, key):
    refused(integration.post("booking-requests/", request_body(centre), Idempotency_Key=key), 400, code="invalid_input")


def test_a_search_is_made_anew_each_time_so_that_no_answer_about_people_is_kept(integration):
    body = {"name": "Öberg"}
    assert integration.post("patients/search/", body, Idempotency_Key="s").json()["results"] == []
    factories.patient(surname="Öberg")
    assert len(integration.post("patients/search/", body, Idempotency_Key="s").json()["results"]) == 1
    assert not IdempotentAnswer.objects.exists()


def test_the_answer_knows_its_patient_so_that_protection_can_delete_it(integration, centre):
    patient = factories.patient()
    integration.post("booking-requests/", request_body(centre, patient), Idempotency_Key="k1")
    assert IdempotentAnswer.objects.get().patient_id == patient.pk


# --- At the same time --------------------------------------------------------------------------------------------------


def at_the_same_time(*calls):
    """Runs the calls in threads with connections of their own; their answers in order."""
    answers, ready = [None] * len(calls), threading.Barrier(len(calls))

    def run(index, call):
        ready.wait()
        try:
            answers[index] = call()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_two_identical_calls_at_once_are_done_once_and_both_get_the_answer(catalogues):
    centre = factories.HealthCentreFactory()
    token = Caller(factories.staff("integration", centre)).token
    body = request_body(centre)

    def call():
        return Caller(token=token).post("booking-requests/", body, Idempotency_Key="samtidigt")

    for round_ in range(3):
        BookingRequest.objects.all().delete()
        IdempotentAnswer.objects.all().delete()
        answers = at_the_same_time(*[call] * 6)
        assert {answer.status_code for answer in answers} == {201}, round_
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 5
        assert BookingRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_waits_too_long_is_told_that_the_call_goes_on(catalogues):
    """The first holds its key until it is done; the second gives up at lock_timeout with 409, and nothing is done."""
    centre = factories.HealthCentreFactory()
    caller = Caller(factories.staff("integration", centre))
    body = request_body(centre)

    def second():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        return Caller(token=caller.token).post("booking-requests/", body, Idempotency_Key="pågår".encode().hex())

    with transaction.atomic():
        IdempotentAnswer.objects.create(
            user=caller.user, key="pågår".encode().hex(), fingerprint="f" * 64, created_at=now()
        )
        (answer,) = at_the_same_time(second)
        transaction.set_rollback(True)
    refused(answer, 409, code="call_in_progress")
    assert answer.headers["Retry-After"] == "2"
    assert BookingRequest.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_cashiers_id_told_for_two_visits_at_once_is_one_of_them(catalogues):
    """AG-01: the constraint is the net; the other is refused, never a fault of ours."""
    centre = factories.HealthCentreFactory()
    token = Caller(factories.staff("integration", centre)).token
    visits = [
        factories.unbooked_visit(
            care_unit=centre, situation="obokad kontakt utan fysiskt besök", contact_form="phone", replaces_visit=True
        )
        for _ in range(2)
    ]

    def tell(visit, number):
        path = f"encounters/{visit.pk}/cash-transactions/"
        return Caller(token=token).post(path, {"external_id": f"kassa-{number}", "amount": "250.00"})

    for number in range(4):
        answers = at_the_same_time(*(partial(tell, visit, number) for visit in visits))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        (told,) = (answer for answer in answers if answer.status_code == 409)
        refused(told, 409, rule="AG-01", code="duplicate")


@pytest.mark.django_db(transaction=True)
def test_a_lock_not_got_in_time_is_503_try_again_and_nothing_is_changed(catalogues):
    centre = factories.HealthCentreFactory()
    caller = Caller(factories.staff("integration", centre))
    patient = factories.patient()

    def edit():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        return Caller(token=caller.token).patch(f"patients/{patient.pk}/", {"interpreter_language": "somaliska"})

    with transaction.atomic():
        Patient.objects.filter(pk=patient.pk).locked().get()
        (answer,) = at_the_same_time(edit)
    refused(answer, 503, code="try_again")
    assert answer.headers["Retry-After"] == "1"
    patient.refresh_from_db()
    assert patient.interpreter_language == ""
