"""How an operation is described in the OpenAPI schema: one decorator, with the errors that every operation has."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from sdv.common.api_fields import Answer
from sdv.common.problems import CONTENT_TYPE, KINDS


class Alternative(Answer):
    resource = serializers.UUIDField()
    name = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class Problem(Answer):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="En mening på svenska som går att handla efter.")
    code = serializers.CharField(help_text="Oföränderlig kod för program.")
    rule = serializers.CharField(required=False, help_text="Regelns id, där en regel hindrade.")
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)
    alternatives = Alternative(many=True, required=False, help_text="Nästa lediga tider (PL-07).")
    by = serializers.CharField(required=False, help_text="Vem som hann först (PL-27).")
    at = serializers.DateTimeField(required=False)
    is_warning = serializers.BooleanField(required=False, help_text="Kan godtas med accept_warnings.")
    needs_reason = serializers.BooleanField(required=False)
    permission = serializers.CharField(required=False)


KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Samma nyckel och innehåll ger samma svar i 24 timmar; anropet utförs en gång.",
)
MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Versionen som lästes (ETag). Är den gammal: 412.",
)


def operation(
    name,
    summary,
    *,
    tag,
    answer=None,
    status=200,
    body=None,
    query=None,
    is_versioned=False,
    is_post=False,
    conflicts=False,
    has_id=True,
    keeps_answers=True,
):
    """Describes a method: `name` is its operationId, `answer` the shape of what it answers with."""
    errors = [401, 403, 429, 503]
    if body is not None or query is not None or is_post:
        errors.append(400)
    if body is not None:
        errors += [413, 415]
    if has_id:
        errors.append(404)
    if conflicts or (is_post and keeps_answers):
        errors.append(409)
    parameters = [query] if query else []
    if is_post and keeps_answers:
        parameters.append(KEY)
    if is_versioned:
        parameters.append(MATCH)
        errors.append(412)
    responses = {status: answer or OpenApiResponse(description="Klart, utan innehåll.")}
    for code in sorted(set(errors)):
        responses[(code, CONTENT_TYPE)] = OpenApiResponse(Problem, description=KINDS[code][1])
    return extend_schema(
        operation_id=name,
        summary=summary,
        tags=[tag],
        request=body,
        parameters=parameters,
        responses=responses,
    )


def closed_bodies(result, generator, request, public):
    """Postprocessing: bodies refuse what they do not name, and say so."""
    schemas = result["components"]["schemas"]
    for name in _bodies(result["paths"], schemas):
        schemas[name]["additionalProperties"] = False
    return result


def only_what_is_meant(result, generator, request, public):
    """Postprocessing: docstrings are for those who read the code, in English; what a field means stands at the field.
    The generator's own marks go too."""
    for shape in result["components"]["schemas"].values():
        shape.pop("description", None)
    for path in result["paths"].values():
        for each in path.values():
            each.pop("description", None)
    return _without(result, "x-spec-enum-id")


def _without(value, name):
    if isinstance(value, dict):
        return {key: _without(each, name) for key, each in value.items() if key != name}
    return [_without(each, name) for each in value] if isinstance(value, list) else value


def _bodies(paths, schemas):
    """The names of the components that requests consist of, with their parts."""
    wanted = [
        _named(content["schema"])
        for path in paths.values()
        for each in path.values()
        for content in each.get("requestBody", {}).get("content", {}).values()
    ]
    found = set()
    while wanted:
        name = wanted.pop()
        if name is None or name in found or schemas[name].get("type") != "object":
            continue
        found.add(name)
        for part in schemas[name].get("properties", {}).values():
            wanted += [_named(part), _named(part.get("items", {})), *(_named(each) for each in part.get("allOf", ()))]
    return found


def _named(schema):
    return schema.get("$ref", "").rpartition("/")[2] or None


def page_of(name, row, *, counted=False):
    """The shape of a list of rows."""
    parts = {
        "results": row(many=True),
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
    }
    if counted:
        parts = {"count": serializers.IntegerField()} | parts
    return type(name, (Answer,), parts | {"__doc__": "En sida av en lista."})


class Coded(Answer):
    """A catalogue value."""

    code = serializers.CharField()
    text = serializers.CharField()
