"""Who calls, and what it may at which unit: tokens, sessions, roles, other units' rows, the access log."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sdv.accounts import tokens
from sdv.accounts.api import throttling
from sdv.accounts.models import AccessLogEntry, ApiToken
from sdv.common.models import ChangeLogEntry
from sdv.common.time import local, local_date, now
from sdv.desk.api.documentation import openapi
from sdv.desk.urls import api as api_urls
from sdv.flows import protection
from tests import factories

from .conftest import Caller, refused


def test_without_a_token_the_answer_is_401_with_its_challenge(catalogues):
    response = Caller().get("care-units/")
    refused(response, 401, code="not_authenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="sdv"'


@pytest.mark.parametrize("spoil", ["unknown", "revoked", "expired", "inactive"])
def test_a_token_that_does_not_live_is_refused(clinic, spoil):
    user = factories.staff("integration", clinic)
    caller = Caller(user)
    row = ApiToken.objects.filter(user=user)
    if spoil == "unknown":
        caller.token += "x"
    elif spoil == "revoked":
        row.update(revoked_at=timezone.now())
    elif spoil == "expired":
        row.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        user.is_active = False
        user.save()
    refused(caller.get("care-units/"), 401, code="authentication_failed")


def test_a_token_is_stored_hashed_and_one_that_expires_later_is_good(clinic):
    user = factories.staff("integration", clinic)
    token = tokens.create(user=user, expires_at=timezone.now() + timedelta(hours=1))
    assert token not in str(ApiToken.objects.values_list())
    assert Caller(token=token).get("care-units/").status_code == 200


def test_an_account_without_a_valid_assignment_may_nothing(clinic):
    user = factories.staff("integration", clinic)
    user.assignments.update(valid_to=local(now()).date() - timedelta(days=1))
    body = refused(Caller(user).get("care-units/"), 403, code="not_permitted")
    assert "uppdrag" in body["detail"]


def test_what_a_role_lacks_is_403_whatever_the_address_holds(caller, clinic):
    """A coder books nothing, a receptionist does not check out, nobody but the auditor reads the access log."""
    visit = factories.arrived_visit(care_unit=clinic)
    refused(caller("coder", clinic).post("appointments/", {}), 403, code="not_permitted")
    refused(caller("receptionist", clinic).post(f"encounters/{visit.encounter_id}/check-out/", {}), 403)
    refused(caller("clinician", clinic).get(f"patients/{visit.patient_id}/access-log/"), 403)
    refused(caller("clinician", clinic).post(f"encounters/{visit.encounter_id}/documentation/", {}), 403)
    refused(caller("receptionist", clinic).post(f"patients/{visit.patient_id}/deceased/", {}), 403)
    refused(caller("integration", clinic).post(f"patients/{visit.patient_id}/deceased/undo/", {}), 403)
    refused(caller("integration", clinic).post(f"encounters/{visit.encounter_id}/reopen/", {"reason": "fel"}), 403)
    visit.encounter.refresh_from_db()
    assert visit.encounter.status == "in_progress"


def test_another_units_rows_are_404_and_are_in_no_list(caller, clinic, centre):
    visit = factories.arrived_visit(care_unit=clinic)
    referral = factories.received_referral(care_unit=clinic)
    request = factories.booking_request(care_unit=clinic)
    commitment = visit.encounter.commitment_id
    api = caller("integration", centre)
    for path in (
        f"appointments/{visit.pk}/",
        f"encounters/{visit.encounter_id}/",
        f"encounters/{visit.encounter_id}/history/",
        f"encounters/{visit.encounter_id}/coding/",
        f"referrals/{referral.pk}/",
        f"booking-requests/{request.pk}/",
        f"commitments/{commitment}/",
    ):
        refused(api.get(path), 404, code="not_found")
    for path in (
        f"appointments/{visit.pk}/undo/",
        f"appointments/{visit.pk}/cancel/",
        f"encounters/{visit.encounter_id}/annul/",
        f"encounters/{visit.encounter_id}/check-out/",
        f"encounters/{visit.encounter_id}/documentation/",
        f"referrals/{referral.pk}/reject/",
        f"commitments/{commitment}/close/",
        f"booking-requests/{request.pk}/close/",
    ):
        refused(api.post(path, {"reason": "fel"}), 404, code="not_found")
    for path in ("appointments/", "encounters/", "referrals/", "booking-requests/", "commitments/"):
        assert api.get(path).json()["results"] == []
        refused(api.get(f"{path}?care_unit={clinic.pk}"), 403, code="not_permitted")
    assert not AccessLogEntry.objects.filter(user=api.user).exists()


def test_a_unit_in_the_body_needs_the_permission_at_that_unit(clinic, centre):
    """A clinician at one unit and coder at the other books at the first only."""
    user = factories.clinician(clinic)
    factories.StaffAssignmentFactory(user=user, care_unit=centre, role="coder")
    patient = factories.patient()
    factories.open_commitment(patient=patient, care_unit=clinic)
    body = {
        "patient": str(patient.pk),
        "visit_type": "sp-ssk-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "wished_from": "2030-01-01",
        "wished_to": "2030-01-31",
    }
    api = Caller(user)
    refused(api.post("booking-requests/", body | {"care_unit": str(centre.pk)}), 403, code="not_permitted")
    assert api.post("booking-requests/", body | {"care_unit": str(clinic.pk)}).status_code == 201


def test_patients_are_shared_by_all_units(caller, clinic, centre):
    """PA-08."""
    visit = factories.arrived_visit(care_unit=clinic)
    assert caller("receptionist", centre).get(f"patients/{visit.patient_id}/").status_code == 200


def test_a_browser_session_acts_as_its_chosen_assignment_and_writes_with_csrf_only(clinic, centre):
    user = factories.clinician(clinic, centre)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = browser.session
    session["assignment"] = str(user.assignments.get(care_unit=clinic).pk)
    session.save()
    here, there = factories.arrived_visit(care_unit=clinic), factories.arrived_visit(care_unit=centre)
    assert browser.get(f"/api/v1/encounters/{here.encounter_id}/").status_code == 200
    assert browser.get(f"/api/v1/encounters/{there.encounter_id}/").status_code == 404

    undo = f"/api/v1/appointments/{here.pk}/undo/"
    without = browser.post(undo, "{}", content_type="application/json")
    refused(without, 403, code="csrf_failed")
    factories.appointments.undo(appointment_id=here.pk, by=user, at=now())
    token = "a" * 32
    browser.cookies["sdv_csrf"] = token
    arrive = f"/api/v1/appointments/{here.pk}/arrive/"
    done = browser.post(arrive, "{}", content_type="application/json", headers={"X-CSRFToken": token})
    assert done.status_code == 200, done.content


def test_a_session_without_assignment_may_nothing(clinic):
    browser = Client()
    browser.force_login(factories.clinician(clinic), backend="django.contrib.auth.backends.ModelBackend")
    refused(browser.get("/api/v1/care-units/"), 403, code="not_permitted")


def test_each_read_of_a_patient_is_logged_with_assignment_purpose_and_thing(caller, clinic):
    visit = factories.arrived_visit(care_unit=clinic)
    api = caller("clinician", clinic)
    api.get(f"encounters/{visit.encounter_id}/", X_Request_Id="anrop-12345")
    entry = AccessLogEntry.objects.get(user=api.user)
    assert (entry.patient_id, entry.resource_id, entry.what) == (visit.patient_id, visit.encounter_id, "vårdhändelse")
    assert (entry.action, entry.purpose, entry.request_id) == ("read", "Vård och behandling", "anrop-12345")
    assert entry.assignment == api.user.assignments.get()
    assert entry.care_unit == clinic


def test_a_list_is_logged_for_every_patient_in_it(caller, clinic):
    visits = [
        factories.booked_visit(care_unit=clinic, resource=factories.ResourceFactory(care_unit=clinic)) for _ in range(3)
    ]
    api = caller("clinician", clinic)
    api.get("appointments/")
    logged = AccessLogEntry.objects.filter(user=api.user)
    assert sorted(logged.values_list("patient_id", flat=True)) == sorted(visit.patient_id for visit in visits)


def test_the_auditor_reads_who_has_read_and_that_is_logged_too(caller, clinic):
    visit = factories.arrived_visit(care_unit=clinic)
    reader = caller("clinician", clinic)
    reader.get(f"patients/{visit.patient_id}/")
    auditor = caller("auditor", clinic)
    first = auditor.get(f"patients/{visit.patient_id}/access-log/").json()["results"]
    assert [(row["by"], row["what"], row["role"]) for row in first] == [(reader.user.name, "patient", "clinician")]
    second = auditor.get(f"patients/{visit.patient_id}/access-log/").json()["results"]
    assert [row["what"] for row in second] == ["åtkomstlogg", "patient"]


def test_the_access_log_is_filtered_and_misspelt_filters_are_refused(caller, clinic):
    """PDL: who, at which unit, what, which days in Stockholm."""
    visit = factories.arrived_visit(care_unit=clinic)
    reader = caller("clinician", clinic)
    reader.get(f"patients/{visit.patient_id}/")
    elsewhere = caller("receptionist", factories.CareUnitFactory())
    elsewhere.get(f"patients/{visit.patient_id}/")
    auditor = caller("auditor", clinic)

    def read(**asked):
        return auditor.get(f"patients/{visit.patient_id}/access-log/?{urlencode(asked)}")

    def who(**asked):
        answer = read(**asked)
        return {row["user"] for row in answer.json()["results"]} - {str(auditor.user.pk)}

    both = {str(reader.user.pk), str(elsewhere.user.pk)}
    today = local_date(now())
    yesterday = today - timedelta(days=1)
    assert who() == who(**{"from": today, "to": today}) == who(what="patient") == both
    assert who(user=reader.user.pk) == who(care_unit=clinic.pk) == {str(reader.user.pk)}
    assert who(to=yesterday) == who(what="brev") == set()
    for asked in ({"users": 1}, {"user": "x"}, {"from": "i dag"}, {"from": today, "to": yesterday}):
        refused(read(**asked), 400)


def test_the_access_log_costs_equally_many_queries_however_long_it_is(caller, clinic):
    visit = factories.arrived_visit(care_unit=clinic)
    auditor = caller("auditor", clinic)

    def cost():
        with CaptureQueriesContext(connection) as asked:
            auditor.get(f"patients/{visit.patient_id}/access-log/?page_size=3")
        return len(asked)

    cost()
    first = cost()
    for _ in range(3):
        caller("clinician", clinic).get(f"patients/{visit.patient_id}/")
    assert cost() == first


def test_a_change_is_in_the_change_log_with_who_did_it(caller, clinic):
    visit = factories.booked_visit(care_unit=clinic)
    api = caller("clinician", clinic)
    api.post(f"appointments/{visit.pk}/arrive/", {}, X_Request_Id="anrop-67890")
    entry = ChangeLogEntry.objects.filter(
        table_name="registration_encounter", row_id=str(visit.encounter_id), operation="update"
    ).latest("id")
    assert (entry.actor_id, entry.request_id) == (api.user.pk, "anrop-67890")


def test_nothing_of_a_protected_person_is_answered_but_what_is_safe(caller, clinic):
    """SK-02, SK-05: in every answer about the patient; and never found by name."""
    hidden = factories.patient(
        given_name="Hemlina", surname="Dolda", listing_unit="Vårdcentralen Gömman", payer="Dolda regionen"
    )
    hidden.phones.create(number="070-999 88 77", is_preferred=True)
    visit = factories.arrived_visit(care_unit=clinic, patient=hidden)
    protection.set_by_hand(patient_id=hidden.pk, ground="threat", by=factories.UserFactory(), at=now())
    api = caller("support", clinic)
    paths = [
        f"patients/{hidden.pk}/",
        f"patients/{hidden.pk}/identities/",
        f"patients/{hidden.pk}/phones/",
        f"patients/{hidden.pk}/addresses/",
        f"encounters/{visit.encounter_id}/",
        "encounters/",
        f"appointments/{visit.pk}/",
        "appointments/",
        f"commitments/?patient={hidden.pk}",
        "referrals/",
        "work-lists/awaiting-check-out/",
    ]
    answers = [api.get(path).content.decode() for path in paths]
    answers.append(api.post("patients/search/", {"identity": hidden.identities.get().value}).content.decode())
    for path, answer in zip([*paths, "search"], answers, strict=True):
        for word in ("Hemlina", "Dolda", "Gömman", "999 88"):
            assert word not in answer, path
    assert "Sekretessmarkering" in answers[0]
    assert api.post("patients/search/", {"name": "Dolda"}).json()["results"] == []


def test_answers_are_kept_by_no_cache_and_methods_that_are_not_there_are_405(integration):
    response = integration.get("care-units/")
    assert response.headers["Cache-Control"] == "private, no-store"
    for method in ("post", "put", "delete", "options"):
        refused(integration.call(method, "care-units/", {}), 405, code="method_not_allowed")
    refused(integration.get("nothing-here/"), 404, code="not_found")
    refused(integration.get("patients"), 404, code="not_found")
    refused(integration.get("patients/not-an-id/"), 404, code="not_found")


def test_a_fault_of_ours_is_a_problem_too_with_its_reference_and_no_trace(integration, monkeypatch):
    monkeypatch.setattr("registration.api.catalogues._unit", None)
    browser = Client(raise_request_exception=False)
    factories.CareUnitFactory()
    response = browser.get(
        "/api/v1/care-units/", headers={"Authorization": f"Bearer {integration.token}", "X-Request-Id": "anrop-99999"}
    )
    body = refused(response, 500, code="server_error")
    assert "anrop-99999" in body["detail"]
    assert "TypeError" not in response.content.decode()


def test_a_runaway_loop_meets_429_with_when_to_come_back(integration, settings, monkeypatch):
    settings.SDV_API_CALLS_PER_MINUTE = 2
    assert [integration.get("care-units/").status_code for _ in range(2)] == [200, 200]
    response = integration.get("care-units/")
    refused(response, 429, code="throttled")
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_with_the_broker_gone_nobody_is_refused(integration, settings, monkeypatch):
    settings.SDV_API_CALLS_PER_MINUTE = 0
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    throttling._client.cache_clear()
    monkeypatch.setattr(throttling.AccountThrottle, "asked_again_at", 0.0)
    try:
        assert integration.get("care-units/").status_code == 200
        assert throttling.AccountThrottle.asked_again_at > 0
    finally:
        throttling._client.cache_clear()


def test_every_method_of_every_address_names_its_permission():
    """Least right by default: nothing is open because somebody forgot."""
    endpoints = [pattern.callback for pattern in api_urls.urlpatterns[0].url_patterns]
    assert len(endpoints) == len(openapi()["paths"])
    for view in endpoints:
        handled = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view.cls, name)}
        assert handled == set(view.required_permissions), view.cls
