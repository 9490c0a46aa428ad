"""Lists: pages that stand still while the list grows, filters, and few queries whatever the number of rows."""

from datetime import timedelta
from itertools import chain

import pytest
from django.core import signing

from registration.models import Encounter
from sdv.common.time import local, local_date, now
from tests import factories

from .conftest import refused

# Token with its assignments, the rows, the access log; prefetches and filters by code come on top.
TOKEN, LOG = 1, 1


def visits(clinic, number, **fields):
    """Bookings an hour apart from tomorrow morning on, whatever the hour is now."""
    resource = factories.ResourceFactory(care_unit=clinic)
    start = factories.in_days(1)
    return [
        factories.booked_visit(care_unit=clinic, resource=resource, start=start + timedelta(hours=index), **fields)
        for index in range(number)
    ]


def walk(api, path):
    """Every page forwards: lists of ids; and the last page's answer."""
    pages, address = [], path
    while address:
        answer = api.get(address.removeprefix("http://testserver")).json()
        pages.append([row["id"] for row in answer["results"]])
        last, address = answer, answer["next"]
    return pages, last


def test_pages_go_both_ways_and_hold_every_row_once(integration, clinic):
    expected = [str(visit.pk) for visit in visits(clinic, 7)]
    pages, last = walk(integration, "appointments/?page_size=3")
    assert [len(page) for page in pages] == [3, 3, 1]
    assert list(chain(*pages)) == expected
    middle = integration.get(last["previous"].removeprefix("http://testserver")).json()
    assert [row["id"] for row in middle["results"]] == expected[3:6]
    first = integration.get(middle["previous"].removeprefix("http://testserver")).json()
    assert [row["id"] for row in first["results"]] == expected[:3]
    assert first["previous"] is None
    assert integration.get(first["next"].removeprefix("http://testserver")).json()["results"][0]["id"] == expected[3]


def test_a_page_stands_still_when_rows_come_before_it(integration, clinic):
    rows = visits(clinic, 4)
    first = integration.get("appointments/?page_size=2").json()
    factories.booked_visit(care_unit=clinic, start=rows[0].start - timedelta(hours=2))
    second = integration.get(first["next"].removeprefix("http://testserver")).json()
    assert [row["id"] for row in second["results"]] == [str(row.pk) for row in rows[2:]]


def test_rows_of_the_same_minute_are_neither_lost_nor_doubled(integration, clinic):
    start = factories.in_days(1)
    made = {
        str(
            factories.booked_visit(
                care_unit=clinic, resource=factories.ResourceFactory(care_unit=clinic), start=start
            ).pk
        )
        for _ in range(5)
    }
    pages, _ = walk(integration, "appointments/?page_size=2")
    assert len(list(chain(*pages))) == 5
    assert set(chain(*pages)) == made


def test_encounters_come_newest_first(integration, clinic):
    expected = [str(visit.encounter_id) for visit in visits(clinic, 5)][::-1]
    pages, last = walk(integration, "encounters/?page_size=2")
    assert list(chain(*pages)) == expected
    back = integration.get(last["previous"].removeprefix("http://testserver")).json()
    assert [row["id"] for row in back["results"]] == expected[2:4]


@pytest.mark.parametrize("cursor", ["x", "a:b:c", "\x00", "å" * 50, "signed"])
def test_a_cursor_that_is_not_ours_is_400(integration, cursor):
    if cursor == "signed":
        cursor = signing.dumps(["next", "t", "2026-01-01", "1"])
    response = integration.client.get(
        "/api/v1/appointments/",
        query_params={"cursor": cursor},
        headers={"Authorization": f"Bearer {integration.token}"},
    )
    assert "cursor" in refused(response, 400, code="invalid_input")["errors"]


def test_a_cursor_of_another_list_is_400(integration, clinic):
    visits(clinic, 3)
    cursor = integration.get("appointments/?page_size=1").json()["next"].partition("cursor=")[2]
    refused(integration.get(f"booking-requests/?cursor={cursor}"), 400, code="invalid_input")


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=201",
        "page_size=many",
        "unknown=1",
        "date=2026-13-01",
        "date=20261121",
        "date=0001-01-01",
        "date=9999-12-31",
        "status=gone",
        "patient=1",
        "care_unit=%00",
    ],
)
def test_a_filter_that_cannot_be_read_is_400_on_its_name(integration, query):
    body = refused(integration.get(f"appointments/?{query}"), 400, code="invalid_input")
    assert list(body["errors"]) == [query.partition("=")[0]]


def test_filters_are_named_as_fields(integration, clinic, centre):
    here, there = visits(clinic, 2)
    elsewhere = factories.booked_visit(care_unit=centre, start=here.start)
    factories.cancellation.cancel(
        appointment_id=there.pk, cancelled_by="provider", reason="sjuk", by=integration.user, at=now()
    )

    def ids(path):
        return {row["id"] for row in integration.get(path).json()["results"]}

    assert ids(f"appointments/?care_unit={centre.pk}") == {str(elsewhere.pk)}
    assert ids(f"appointments/?patient={here.patient_id}") == {str(here.pk)}
    assert ids("appointments/?status=cancelled") == {str(there.pk)}
    assert ids(f"appointments/?resource={elsewhere.resources.get().pk}&status=&date=") == {str(elsewhere.pk)}
    assert ids(f"appointments/?date={local_date(here.start)}") >= {str(here.pk), str(elsewhere.pk)}
    assert ids(f"appointments/?date={local_date(here.start) - timedelta(days=1)}") == set()
    assert ids("encounters/?encounter_type=annullerad") == {str(there.encounter_id)}
    assert ids(f"encounters/?encounter_class=ovriga&patient={there.patient_id}") == {str(there.encounter_id)}
    assert ids(f"encounters/?status=planned&care_unit={clinic.pk}") == {str(here.encounter_id)}


def test_a_day_is_the_day_in_stockholm(integration, clinic):
    """A booking at half past midnight belongs to its own Swedish day, though UTC says the day before."""
    day = local_date(now()) + timedelta(days=2)
    start = factories.start_of_day(day) + timedelta(minutes=30)
    visit = factories.booked_visit(care_unit=clinic, start=start)
    rows = integration.get(f"appointments/?date={day}").json()["results"]
    assert [row["id"] for row in rows] == [str(visit.pk)]
    assert rows[0]["start"] == local(start).isoformat()
    assert integration.get(f"appointments/?date={day - timedelta(days=1)}").json()["results"] == []


# --- Few queries -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("appointments/?care_unit={unit}", TOKEN + LOG + 5),
        ("encounters/?care_unit={unit}", TOKEN + LOG + 1),
        ("commitments/?care_unit={unit}", TOKEN + LOG + 1),
        # The guarantee limits, the deviations, and whose turn it is to review, each once for the list.
        ("referrals/?care_unit={unit}", TOKEN + LOG + 5),
        # Who works with each row, once for the list.
        ("booking-requests/?care_unit={unit}", TOKEN + LOG + 4),
        ("work-lists/to-book/?care_unit={unit}", TOKEN + LOG + 3),
        ("work-lists/awaiting-check-out/?care_unit={unit}", TOKEN + LOG + 1),
        ("work-lists/booking-requests/?care_unit={unit}", TOKEN + LOG + 4),
        ("care-units/", TOKEN + 6),
        ("visit-types/", TOKEN + 2),
    ],
)
def test_a_list_asks_as_many_queries_for_ten_rows_as_for_two(
    integration, clinic, django_assert_num_queries, path, queries
):
    def fill(number):
        for _ in range(number):
            resource = factories.ResourceFactory(care_unit=clinic)
            factories.arrived_visit(care_unit=clinic, resource=resource)
            factories.booked_visit(care_unit=clinic, resource=resource, start=factories.in_days(1))
            factories.booking_request(care_unit=clinic)

    path = path.format(unit=clinic.pk)
    fill(2)
    with django_assert_num_queries(queries):
        few = len(integration.get(path).json()["results"])
    fill(4)
    with django_assert_num_queries(queries):
        many = len(integration.get(path).json()["results"])
    assert many > few or "visit-types" in path or "care-units" in path


def test_one_encounter_with_its_steps_and_log_row_is_three_queries(integration, clinic, django_assert_num_queries):
    """Token with assignments, the encounter with all that its steps rest on, the access log."""
    visit = factories.checked_out_visit(care_unit=clinic)
    with django_assert_num_queries(3):
        integration.get(f"encounters/{visit.encounter_id}/")


def test_a_search_by_number_is_four_queries(integration, django_assert_num_queries):
    """Token with assignments, the patient, its identities, the access log."""
    number = factories.patient().identities.get().value
    with django_assert_num_queries(4):
        assert len(integration.post("patients/search/", {"identity": number}).json()["results"]) == 1


def test_a_booking_is_few_queries(integration, clinic, django_assert_max_num_queries):
    patient = factories.patient()
    commitment = factories.open_commitment(patient=patient, care_unit=clinic)
    resource = factories.ResourceFactory(care_unit=clinic)
    start = factories.in_days(1)
    body = {
        "patient": str(patient.pk),
        "care_unit": str(clinic.pk),
        "visit_type": "sp-lak-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "start": local(start).isoformat(),
        "end": local(start + timedelta(minutes=30)).isoformat(),
        "resources": [str(resource.pk)],
        "commitment": str(commitment.pk),
    }
    # Among them: whether the unit has the besökstyp, what is offered or sent to who is booked now, and what the contact is a
    # consult of (BT-01, PL-01, PL-26, VH-10).
    with django_assert_max_num_queries(34):
        assert integration.post("appointments/", body).status_code == 201
    assert Encounter.objects.filter(patient=patient).count() == 1
