"""The schema of the API, and our own page of it: server-rendered, without script, under the strict CSP."""

from functools import cache
from typing import NamedTuple

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

from sdv.accounts.doors import open_to_all
from sdv.common.problems import CONTENT_TYPE, KINDS, problem_page

CONVENTIONS = (
    (
        "Adresserna börjar med /api/v1/ och svarar med JSON. Tider är ISO 8601 med Stockholms förskjutning och hela minuter,"
        " datum ÅÅÅÅ-MM-DD, id är UUID. Katalogvärden skickas som sin kod och kommer tillbaka som {code, text}."
    ),
    (
        "System anropar med en nyckel: Authorization: Bearer … Nyckeln görs med manage.py create_token och visas en gång."
        " Det som går att se och göra följer kontots uppdrag; andra vårdenheters poster finns inte för den som frågar."
    ),
    (
        "Varje POST tar Idempotency-Key: samma nyckel och innehåll utförs en gång och får samma svar i 24 timmar. Poster har"
        " version, som också är ETag; skicka den som If-Match för att inte skriva över någon annans ändring."
    ),
    (
        "Listor bläddras med adresserna i next och previous. Sökning på människor är POST, så att inga nummer eller namn står"
        " i adresser. Okända fält och filter avvisas."
    ),
)
ABOUT_PROBLEMS = (
    "Fel kommer som application/problem+json (RFC 9457): detail är en mening på svenska som går att handla efter, code en"
    " kod för program, rule regelbokens id. by och at säger vem som hann först, alternatives nästa lediga tider."
)
METHODS = ("get", "post", "put", "patch", "delete")
PLACES = {"path": "i adressen", "query": "i frågan", "header": "huvud"}
KIND_WORDS = {
    400: "Något i anropet går inte att läsa; errors säger fält för fält vad.",
    401: "Nyckel saknas, är okänd, återkallad eller har gått ut.",
    403: "Kontots uppdrag ger inte rätt till detta, här eller vid den vårdenheten.",
    404: "Posten finns inte, eller hör till en annan vårdenhet.",
    405: "Adressen har ingen sådan metod.",
    409: "En regel eller läget hindrar; rule är regelns id. En varning (is_warning) kan godtas med accept_warnings.",
    412: "If-Match anger en äldre version än den som gäller. Läs in på nytt.",
    413: "Anropet är för stort.",
    415: "Innehållet ska vara JSON.",
    429: "För många anrop på kort tid; vänta så länge som Retry-After säger.",
    503: "Någon annan ändrar samma sak just nu, eller så svarar inte databasen. Försök igen.",
}


@cache
def openapi():
    """The schema as the code has it; made once in each process."""
    return SchemaGenerator().get_schema(request=None, public=True)


@open_to_all
@require_safe
def schema(request):
    """GET /api/schema/: OpenAPI 3.1 as YAML, or as JSON where that is asked for."""
    wants_json = request.GET.get("format") == "json" or "json" in request.headers.get("Accept", "")
    renderer = OpenApiJsonRenderer() if wants_json else OpenApiYamlRenderer()
    content = renderer.render(openapi(), renderer_context={})
    return HttpResponse(content, content_type="application/json" if wants_json else "application/yaml; charset=utf-8")


@open_to_all
@require_safe
def docs(request):
    """GET /api/docs/: how the API works, and every address by its area."""
    kinds = [(status, *KINDS[status], words) for status, words in KIND_WORDS.items()]
    context = {"heading": "API-beskrivning", "areas": areas(openapi()), "kinds": kinds}
    context |= {"conventions": CONVENTIONS, "about_problems": ABOUT_PROBLEMS}
    return render(request, "api/docs.html", context)


@open_to_all
@require_safe
def docs_area(request, area):
    """GET /api/docs/<area>/: the addresses of one area, with what each takes and answers."""
    found = next((each for each in areas(openapi()) if each.slug == area), None)
    if found is None:
        raise Http404
    context = {"heading": found.name, "operations": found.operations, "shapes": shapes(openapi(), found.operations)}
    return render(request, "api/area.html", context)


@csrf_exempt
@open_to_all
def no_such_address(request):
    """What lies under /api/ and is no address, as a problem too."""
    return problem_page(
        404, code="not_found", detail="Adressen finns inte. API:ts adresser slutar med snedstreck; se /api/docs/."
    )


# --- The page's words -----------------------------------------------------------------------------------------------


class Area(NamedTuple):
    """A part of the API: what its addresses are about."""

    slug: str
    name: str
    operations: list


def areas(schema):
    """The operations by their tag, in order of the tags."""
    found = {}
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if each := methods.get(method):
                found.setdefault(each["tags"][0], []).append(_operation(path, method, each))
    return [Area(slugify(tag), tag, operations) for tag, operations in sorted(found.items())]


def _operation(path, method, each):
    bodies = each.get("requestBody", {}).get("content", {}).values()
    return {
        "id": each["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": each.get("summary", ""),
        "parameters": [
            (
                row["name"],
                PLACES[row["in"]],
                _kind(row["schema"]),
                row.get("description", ""),
                row.get("required", False),
            )
            for row in each.get("parameters", ())
        ],
        "body": next((_shape(content["schema"]) for content in bodies), ""),
        "answers": [
            (status, answer.get("description", ""), next(_answered(answer), ""))
            for status, answer in each["responses"].items()
        ],
    }


def _answered(answer):
    for media_type, content in answer.get("content", {}).items():
        if media_type != CONTENT_TYPE:
            yield _shape(content["schema"])


def shapes(schema, operations):
    """The objects of the operations' bodies and answers with their parts, as (name, fields)."""
    components = schema["components"]["schemas"]
    wanted = [name for each in operations for name in (each["body"], *(shape for _, _, shape in each["answers"]))]
    found = {}
    while wanted:
        name = wanted.pop()
        if name and name not in found and "properties" in components[name]:
            shape = components[name]
            found[name] = [
                (field, _kind(row), _shape(row), row.get("description", ""), field in shape.get("required", ()))
                for field, row in shape["properties"].items()
            ]
            wanted += [part for _, _, part, _, _ in found[name]]
    return sorted(found.items())


def _shape(schema):
    """The name of the object that a value is or holds, for a link; empty for plain values."""
    for part in (
        schema,
        schema.get("items", {}),
        *schema.get("allOf", ()),
        *schema.get("oneOf", ()),
        *schema.get("anyOf", ()),
    ):
        if "$ref" in part:
            return part["$ref"].rpartition("/")[2]
    return ""


def _kind(schema):
    """What a value is, in a word or two."""
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"] if value is not None)
    if schema.get("type") == "array":
        return "lista"
    words = {"string": "text", "integer": "heltal", "boolean": "true eller false", "object": "objekt", "number": "tal"}
    formats = {
        "uuid": "id (UUID)",
        "date": "datum",
        "date-time": "tid med förskjutning",
        "decimal": "belopp",
        "uri": "adress",
    }
    kind = schema.get("type")
    kind = next((each for each in kind if each != "null"), "") if isinstance(kind, list) else kind
    return formats.get(schema.get("format")) or words.get(kind, "")
