"""Input nobody meant, made from the schema: never a 500, and every answer as the schema says (bounded: some ten calls an
address, half of them well-formed). Where an id or a code is asked for, what is really there is put in every other time,
so that the calls come further than to the first check."""

import json
from contextlib import suppress
from datetime import time, timedelta
from itertools import count
from urllib.parse import quote

import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from scheduling.actions import resource_bookings
from scheduling.models import ExtraHours, ListFault
from sdv.accounts.permissions import Role
from sdv.common.time import local, local_date, now
from sdv.desk.api.documentation import openapi
from tests import factories

from .conftest import Caller, compare_with_schema

SCHEMA = schemathesis.openapi.from_dict(json.loads(json.dumps(openapi())))
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
AREAS = sorted({operation.path.split("/")[3] for operation in OPERATIONS})
EXAMPLES = 8
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def world(clinic, codes):
    """One of each thing at a clinic, and an account that may do everything there."""
    user = factories.UserFactory()
    for role in Role:
        factories.StaffAssignmentFactory(user=user, care_unit=clinic, role=role)

    def here():
        return {"care_unit": clinic, "resource": factories.ResourceFactory(care_unit=clinic)}

    booked = factories.booked_visit(**here())
    awaiting = factories.checked_out_visit(**here(), outcome="await_result").encounter
    missing = factories.checked_out_visit(**here(), outcome="no_further_planning").encounter
    missed = factories.no_show(**here())
    day = local_date(now())
    start = factories.in_days(1)
    later = {"start": start + timedelta(hours=2), "end": start + timedelta(hours=2, minutes=30)}
    held = resource_bookings.hold(resource_id=booked.resources.get().pk, **later, by=user, at=now())
    request = factories.booking_request(care_unit=clinic)
    fault = ListFault.objects.create(
        care_unit=clinic, patient=request.patient, kind="passed", booking_request=request, found_on=request.wished_to
    )
    extra = ExtraHours.objects.create(
        resource=booked.resources.get(),
        day=day + timedelta(days=3),
        from_time=time(18),
        to_time=time(19),
        created_by=user,
    )

    def visit(hours):
        begins = local(start + timedelta(hours=hours))
        return {
            "care_unit": str(clinic.pk),
            "visit_type": "sp-lak-aterbesok",
            "contact_reason": "uppfoljning-ospecificerad",
            "start": begins.isoformat(),
            "end": (begins + timedelta(minutes=30)).isoformat(),
            "resources": [str(booked.resources.get().pk)],
            "commitment": str(booked.encounter.commitment_id),
        }

    return {
        "caller": Caller(user),
        "statuses": set(),
        "paths": {
            "patients": booked.patient_id,
            "appointments": booked.pk,
            "encounters": factories.arrived_visit(**here()).encounter_id,
            "referrals": factories.received_referral(care_unit=clinic).pk,
            "commitments": booked.encounter.commitment_id,
            "booking-requests": request.pk,
            "list-faults": fault.pk,
            "holds": held.pk,
            "awaiting-result": awaiting.awaitedresults.get().pk,
            "missing-follow-up": missing.missingfollowups.get().pk,
            "no-shows": missed.encounter.noshowitems.get().pk,
            "places": factories.PlaceFactory(care_unit=clinic).pk,
            "weekly-hours": booked.resources.get().weekly_hours.first().pk,
            "extra-hours": extra.pk,
        },
        "fields": {
            "patient": str(booked.patient_id),
            "care_unit": str(clinic.pk),
            "visit_type": "sp-lak-aterbesok",
            "contact_reason": "uppfoljning-ospecificerad",
            "problem_code": "demo02",
            "resource": str(booked.resources.get().pk),
            "resources": [str(booked.resources.get().pk)],
            "wished_resource": str(booked.resources.get().pk),
            "commitment": str(booked.encounter.commitment_id),
            "booking_request": str(request.pk),
            "start": local(start).isoformat(),
            "end": local(start + timedelta(minutes=30)).isoformat(),
            "at": local(now()).isoformat(),
            "from": day.isoformat(),
            "to": (day + timedelta(days=9)).isoformat(),
            "wished_from": day.isoformat(),
            "wished_to": (day + timedelta(days=9)).isoformat(),
            "arrival_date": day.isoformat(),
            "date": day.isoformat(),
            "outcome": "no_further_planning",
            "code": "I109",
            "system": "icd-10-se",
            "visits": [visit(4), visit(5)],
            "day": day.isoformat(),
            "from_time": "18:00",
            "to_time": "19:00",
            "slot_minutes": 30,
            "valid_from": day.isoformat(),
            "valid_to": (day + timedelta(days=9)).isoformat(),
        },
    }


def with_what_is_there(value, fields):
    """The body with what really is there in its fields, at every depth."""
    if isinstance(value, dict):
        return {name: fields.get(name) or with_what_is_there(each, fields) for name, each in value.items()}
    return [with_what_is_there(each, fields) for each in value] if isinstance(value, list) else value


def known_path(world, case, path):
    """The address with what is there: the area's row for `id`, and codes of catalogues."""
    template = case.operation.path.split("/")
    area = template[4] if template[3] == "work-lists" else template[3]
    there = {"{id}": world["paths"].get(area), "{system}": "icd-10-se", "{code}": "I109"}
    if not any(there.get(part) for part in template):
        return path
    given = {f"{{{key}}}": value for key, value in (case.path_parameters or {}).items()}
    return "/".join(str(there.get(part) or quote(str(given.get(part, part)), safe="")) for part in template)


def send(world, case, is_known):
    """Sends a made call in a transaction that is taken back, and judges the answer."""
    made = case.as_transport_kwargs(base_url="http://testserver")
    path = made["url"].removeprefix("http://testserver")
    query = dict(made.get("params") or {})
    body = made.get("json")
    if is_known:
        path = known_path(world, case, path)
        query = {name: world["fields"].get(name, value) for name, value in query.items()}
        body = with_what_is_there(body, world["fields"])
    content = made["data"] if "data" in made else (json.dumps(body) if body is not None else b"")
    content = content.encode() if isinstance(content, str) else content
    headers = {
        name: value
        for name, value in made["headers"].items()
        if name in ("If-Match", "Idempotency-Key") and isinstance(value, str) and value.isprintable()
    }
    caller = world["caller"]
    with transaction.atomic():
        response = caller.client.generic(
            made["method"],
            path,
            content if isinstance(content, bytes) else b"",
            content_type="application/json",
            query_params=query or None,
            headers={"Authorization": f"Bearer {caller.token}"} | headers,
        )
        transaction.set_rollback(True)
    world["statuses"].add(response.status_code)
    assert response.status_code < 500, (made["method"], path, query, content, response.content)
    # A made id may hold a slash: then it is another address.
    if response.status_code != 404:
        compare_with_schema(made["method"].lower(), path, response)
    return response


@pytest.mark.parametrize("area", AREAS)
def test_no_input_is_answered_with_a_server_error(area, world):
    """Bad and good input on every address: the right status, a problem in Swedish, never a 500."""
    for operation in OPERATIONS:
        if operation.path.split("/")[3] != area:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try_out(operation, mode, world)
    # Calls that all are refused at the first check would tell nothing of what lies behind it.
    assert world["statuses"] & {200, 201, 204}, world["statuses"]


def try_out(operation, mode, world):
    number = count()

    @given(case=operation.as_strategy(generation_mode=mode))
    @BOUNDED
    def call(case):
        send(world, case, is_known=next(number) % 2 == 0)

    # An address that takes no input gives nothing to do wrong.
    with suppress(Unsatisfiable):
        call()


SPOILT = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"\xff\xfe",
    b'{"a": NaN}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b'{"\\ud800": 1}',
    b'{"reason": {"a": []}, "name": ["a"], "patient": 1e999}',
    b'{"identity": "\\u0000", "patient": "\\ud800", "name": "a\\u0000b"}',
]
ADDRESSES = [
    "patients/search/",
    "patients/",
    "appointments/",
    "encounters/",
    "referrals/",
    "holds/",
    "booking-requests/",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_body_that_is_no_body_is_refused_in_swedish(world, address):
    """What is no JSON object, or not of the fields that the address takes, is 400."""
    caller = world["caller"]
    for body in SPOILT:
        response = caller.client.generic(
            "POST",
            f"/api/v1/{address}",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {caller.token}"},
        )
        assert response.status_code == 400, (body[:40], response.content)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["detail"]


def test_a_body_that_is_not_json_is_415_and_a_very_large_one_413(world, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    caller = world["caller"]
    headers = {"Authorization": f"Bearer {caller.token}"}
    as_form = caller.client.post("/api/v1/patients/search/", {"name": "öberg"}, headers=headers)
    assert (as_form.status_code, as_form.json()["code"]) == (415, "unsupported_media_type")
    large = json.dumps({"name": "a" * 2000})
    for more in ({}, {"Idempotency-Key": "stor"}):
        too_large = caller.client.post(
            "/api/v1/patients/", large, content_type="application/json", headers=headers | more
        )
        assert (too_large.status_code, too_large.json()["code"]) == (413, "too_large")
