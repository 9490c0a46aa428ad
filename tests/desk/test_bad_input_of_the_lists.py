"""Bad input on every form of the work lists, the page of a vårdhändelse and the coding: a clear answer, the right
status, nothing changed; never a 500."""

import pytest
from django.urls import reverse

from classification.models import EncounterCoding
from registration.models import EncounterHistory
from scheduling.models import AwaitedResult, BookingRequest
from sdv.accounts.permissions import Role

from .. import factories
from ..classification.conftest import _loaded_codes, starter_codes  # noqa: F401
from .signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter_codes")]

BAD = [
    "",
    " ",
    "\x00",
    "'; --",
    "<script>",
    "å" * 5000,
    "9" * 400,
    "-1",
    "0",
    "9999-12-31",
    "+9999å",
    "null",
    "🂡",
    "%s",
    "{}",
]
NOT_A_REASON = ["", " ", "\x00", "å" * 5000]


@pytest.fixture
def clinic(db):
    return factories.SpecialisedClinicFactory()


@pytest.fixture
def client(clinic):
    return signed_in(factories.staff(Role.SUPPORT, clinic))


def posted(client, name, args, fields, bad):
    """The status of the answer to a form whose every field is bad."""
    response = client.post(reverse(name, args=args), dict.fromkeys(fields, bad))
    assert response.status_code in (200, 302, 403, 404, 409, 422), (name, bad[:20])
    return response.status_code


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_the_forms_of_the_lists(client, clinic, bad):
    factories.checked_out_visit(care_unit=clinic, outcome="await_result")
    item = AwaitedResult.objects.get()
    request = factories.booking_request(care_unit=clinic)
    posted(
        client, "work-item-decide", ["awaiting-result", item.pk], ["decision", "reason", "back", "ny-visit_type"], bad
    )
    follow_up = [
        "visit_type",
        "contact_reason",
        "wished_from",
        "wished_to",
        "wished_resource",
        "addressee",
        "description",
    ]
    data = {f"ny-{field}": bad for field in follow_up} | {"decision": "follow_up"}
    assert client.post(reverse("work-item-decide", args=["awaiting-result", item.pk]), data).status_code == 422
    assert posted(client, "booking-request-create", [request.patient_id], [*follow_up, "commitment"], bad) == 422
    posted(
        client,
        "booking-requests",
        [],
        ["person", "plats", "namn", "fran", "till", "besokstyp", "resurs", "tilldelad", "status"],
        bad,
    )
    assert client.get(reverse("booking-requests")).status_code == 200
    names = ("plats", "fran", "till", "besokstyp", "inrattning", "resurs", "tilldelad", "status")
    assert client.get(reverse("booking-requests"), dict.fromkeys(names, bad)).status_code == 200
    posted(client, "booking-request-resource", [request.pk], ["wished_resource", "version"], bad)
    posted(client, "work-item-postpone", ["awaiting-result", item.pk], ["watch_until", "version"], bad)
    assert posted(client, "booking-request", [request.pk], ["wished_from", "wished_to", "version"], bad) == 422
    for name, args in (("work-list", ["awaiting-result"]), ("booking-requests", []), ("coding", [])):
        assert client.get(reverse(name, args=args), {"cursor": bad}).status_code in (200, 422)
    assert client.get(reverse("contact-reason-options"), {"visit_type": bad}).status_code == 200
    item.refresh_from_db()
    assert item.status == "watching"
    assert BookingRequest.objects.count() == 1


@pytest.mark.parametrize("bad", NOT_A_REASON, ids=range(len(NOT_A_REASON)))
def test_acts_that_need_a_reason_do_nothing_without_a_proper_one(client, clinic, bad):
    visit = factories.arrived_visit(care_unit=clinic)
    request = factories.booking_request(care_unit=clinic)
    before = EncounterHistory.objects.count()
    assert posted(client, "encounter-annul", [visit.encounter_id], ["reason"], bad) == 422
    assert posted(client, "encounter-change-type", [visit.encounter_id], ["new_type", "reason"], bad) == 422
    assert posted(client, "encounter-undo", [visit.encounter_id, "undo-arrival"], ["reason"], bad) == 422
    assert posted(client, "booking-request-close", [request.pk], ["reason"], bad) == 422
    assert EncounterHistory.objects.count() == before
    request.refresh_from_db()
    assert request.status == "open"


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_the_form_of_the_codes(client, clinic, bad):
    visit = factories.checked_out_visit(care_unit=clinic)
    for fields in (["kod"], ["kod_text"], ["rad"], ["gor", "rad"], ["version"], ["kod", "rad", "version", "klar"]):
        posted(client, "encounter-coding", [visit.encounter_id], fields, bad)
    address = f"{reverse('code-search')}?vardhandelse={visit.encounter_id}"
    assert client.post(address, {"q": bad}).status_code == 200
    for act in ("upp", "ned", "bort", "bort:d", "bort:d:0:x", "lagg-till"):
        response = client.post(
            reverse("encounter-coding", args=[visit.encounter_id]), {"gor": f"{act}:{bad}", "rad": "d:icd-10-se:F411"}
        )
        assert response.status_code in (200, 409, 422), (act, bad[:20])
    assert not EncounterCoding.objects.exists()
