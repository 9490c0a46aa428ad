"""Whatever is sent to the pages of session, day, check-out and palette: a Swedish answer, never an error of ours, and
nothing changed (issue: bad input on every form)."""

import pytest
from django.urls import reverse

from registration.models import Encounter
from scheduling.models import Appointment
from tests.factories import ResourceFactory, SpecialisedClinicFactory, arrived_visit, booked_visit, clinician

from .signed_in import signed_in

pytestmark = pytest.mark.django_db

NASTY = {
    "nothing": "",
    "nul": "\0",
    "long": "å" * 700,
    "negative": "-1",
    "huge": "99999999999999999999",
    "first-day": "0001-01-01",
    "last-day": "9999-12-31",
    "markup": "<script>",
    "word": "abc",
    "quote": "' OR 1=1",
}
FIELDS = [
    *("q", "mode", "dag", "visa", "vardgivare", "vald", "version", "identity_shown", "reason", "cancelled_by", "next"),
    *(
        "identity",
        "patient",
        "situation",
        "visit_type",
        "contact_reason",
        "contact_form",
        "replaces_visit",
        "commitment",
    ),
    *("outcome", "end_reason", "await_reason", "also_end", "waiting_for", "watch_until", "responsible", "wished_from"),
    *("wished_to", "resource", "to_self", "colleagues", "description", "clock", "day", "back", "assignment", "density"),
    *("username", "password", "step", "overrule"),
]
OUTCOMES = ["", "end_commitment", "await_result", "no_further_planning", "follow_up", "annat"]


@pytest.fixture
def clinic():
    return SpecialisedClinicFactory()


@pytest.fixture
def desk(clinic):
    client = signed_in(clinician(clinic))
    client.raise_request_exception = True
    return client


def states():
    return (
        sorted(Encounter.objects.values_list("pk", "status", "type", "version")),
        sorted(Appointment.objects.values_list("pk", "status", "version")),
    )


@pytest.mark.parametrize("value", NASTY.values(), ids=NASTY)
def test_reading_pages_answer_whatever_the_address_says(desk, clinic, value):
    visit = booked_visit(care_unit=clinic)
    query = dict.fromkeys(FIELDS, value)
    for address in (
        reverse("day"),
        reverse("day-rows"),
        reverse("start"),
        reverse("palette"),
        reverse("choose-assignment"),
        reverse("preferences"),
        reverse("day-row", args=[visit.encounter_id]),
        reverse("appointment-cancel", args=[visit.pk]),
        reverse("login"),
    ):
        assert desk.get(address, query).status_code in (200, 204, 302), address
    assert desk.get(reverse("drop-in"), query).status_code in (200, 404)


@pytest.mark.parametrize("value", NASTY.values(), ids=NASTY)
def test_forms_answer_whatever_is_posted_and_nothing_changes(desk, clinic, value):
    booked, here = (
        booked_visit(care_unit=clinic),
        arrived_visit(care_unit=clinic, resource=ResourceFactory(care_unit=clinic)),
    )
    before = states()
    data = dict.fromkeys(FIELDS, value)
    for address in (
        reverse("palette"),
        reverse("drop-in"),
        reverse("choose-assignment"),
        reverse("preferences"),
        reverse("appointment-cancel", args=[booked.pk]),
        reverse("appointment-undo", args=[booked.pk]),
    ):
        assert desk.post(address, data).status_code in (200, 302, 404, 409, 422), address
    for outcome in OUTCOMES:
        answer = desk.post(reverse("check-out", args=[here.encounter_id]), data | {"outcome": outcome})
        assert answer.status_code in (200, 409, 422), outcome
    assert states() == before
    assert desk.post(reverse("login"), data).status_code in (422, 429)


@pytest.mark.parametrize("where", ["http://[", "javascript:x", "//example.se/", "\x7f"])
def test_a_browser_that_tells_nonsense_of_where_it_is_comes_back_to_the_day(desk, clinic, where):
    visit = arrived_visit(care_unit=clinic)
    headers = {"HX-Request": "true", "HX-Current-URL": where, "Referer": where}
    answer = desk.get(reverse("check-out", args=[visit.encounter_id]), headers=headers)
    assert answer.status_code == 200 and 'name="back" value="/dagen/?' in answer.content.decode()
    undone = desk.post(reverse("appointment-undo", args=[visit.pk]), headers=headers)
    assert undone.status_code in (200, 409)
