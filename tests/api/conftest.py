"""Who calls the API in tests. Every answer is compared with the schema: an endpoint that says one thing and does another
fails in whichever test meets it."""

import json
import re
from functools import cache

import jsonschema
import pytest
from django.test import Client

from classification import starter
from classification.models import Code
from sdv.accounts import tokens
from sdv.desk.api.documentation import openapi
from tests import factories


@cache
def addresses():
    """(pattern, operations) of every address in the schema, the longest first."""
    paths = openapi()["paths"]
    found = [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), methods) for path, methods in paths.items()]
    return sorted(found, key=lambda each: -len(each[0].pattern))


@cache
def validator(operation_id, status, media_type):
    schema = openapi()
    for _, methods in addresses():
        for each in methods.values():
            if isinstance(each, dict) and each.get("operationId") == operation_id:
                answer = each["responses"].get(str(status))
                if answer is None:
                    return None
                content = answer.get("content", {}).get(media_type)
                if content is None:
                    return None
                return jsonschema.Draft202012Validator(
                    {**content["schema"], "components": schema["components"]},
                    format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
                )
    return None


def compare_with_schema(method, path, response):
    """The status and the body are among those that the schema tells of."""
    methods = next((methods for pattern, methods in addresses() if pattern.fullmatch(path)), None)
    if methods is None:
        return
    operation = methods.get(method)
    if operation is None:
        assert response.status_code == 405
        return
    media_type = response.headers.get("Content-Type", "").split(";")[0]
    assert str(response.status_code) in operation["responses"], (method, path, response.status_code, response.content)
    if response.status_code == 204:
        return
    checks = validator(operation["operationId"], response.status_code, media_type)
    assert checks is not None, (path, response.status_code, media_type)
    checks.validate(response.json())


class Caller:
    """An account that calls the API with its token."""

    def __init__(self, user=None, *, token=None):
        self.user = user
        self.token = token or (tokens.create(user=user) if user else None)
        self.client = Client()

    def call(self, method, path, body=None, **headers):
        path = path if path.startswith("/") else f"/api/v1/{path}"
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self.client.generic(
            method.upper(), path, content, content_type="application/json" if body is not None else "", headers=given
        )
        compare_with_schema(method, path.split("?")[0], response)
        return response

    def get(self, path, **headers):
        return self.call("get", path, **headers)

    def post(self, path, body=None, **headers):
        return self.call("post", path, {} if body is None else body, **headers)

    def patch(self, path, body, **headers):
        return self.call("patch", path, body, **headers)

    def put(self, path, body, **headers):
        return self.call("put", path, body, **headers)

    def delete(self, path, body=None, **headers):
        return self.call("delete", path, body, **headers)


@pytest.fixture
def clinic(catalogues):
    """A specialist clinic."""
    return factories.SpecialisedClinicFactory()


@pytest.fixture
def centre(catalogues):
    """A vårdcentral."""
    return factories.HealthCentreFactory()


@pytest.fixture
def integration(clinic, centre):
    """An integration with a token, at the clinic and at the vårdcentral."""
    return Caller(factories.staff("integration", clinic, centre, name="Kassasystemet"))


@pytest.fixture
def caller(catalogues):
    """Makes an account with a token: caller("clinician", unit)."""
    return lambda role, *units: Caller(factories.staff(role, *units))


@pytest.fixture(scope="session")
def _loaded_codes(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        if not Code.objects.exists():
            starter.load()


@pytest.fixture
def codes(_loaded_codes, db):
    """The starter set of code systems."""
    if not Code.objects.exists():
        starter.load()


def refused(response, status, *, rule=None, code=None):
    """The problem of an answer that refused, as expected."""
    assert response.status_code == status, response.content.decode()
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body.get("rule") == rule, body
    if code:
        assert body["code"] == code, body
    return body
