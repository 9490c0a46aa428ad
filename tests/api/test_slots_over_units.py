"""Free times at several units, in combination with rooms and equipment, by REST (BO-01, PL-07, PL-25)."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest

from scheduling.actions import absences
from scheduling.models import Appointment, BookingRequest, Resource, ResourceBooking
from sdv.common.time import at_local, local, local_date, now
from sdv.organisation.models import SharedList
from tests import factories
from tests.desk.signed_in import queries_of

from .conftest import refused

HALF = timedelta(minutes=30)


@pytest.fixture
def north(catalogues):
    return factories.SpecialisedClinicFactory(name="Ortopedin Norr")


@pytest.fixture
def doctors(clinic, north):
    return {unit: factories.ResourceFactory(care_unit=unit) for unit in (clinic, north)}


@pytest.fixture
def both(caller, clinic, north, doctors):
    return caller("coordinator", clinic, north)


def path(clinic, **query):
    day = local_date(factories.in_days(2))
    given = {"care_unit": clinic.pk, "visit_type": "sp-lak-aterbesok", "from": day, "to": day, "page_size": 200} | query
    return "slots/?" + "&".join(f"{name}={value}" for name, value in given.items())


def units_of(answer):
    return {row["care_unit"]["name"] for row in answer.json()["results"]}


def test_each_time_tells_owner_unit_and_form(both, clinic, north, doctors):
    """PL-07: the own unit where nothing else is asked."""
    assert units_of(both.get(path(clinic))) == {clinic.name}
    answer = both.get(path(clinic, also_units=north.pk))
    assert units_of(answer) == {clinic.name, "Ortopedin Norr"}
    row = next(row for row in answer.json()["results"] if row["care_unit"]["id"] == str(north.pk))
    assert row["resource"] == {"id": str(doctors[north].pk), "name": doctors[north].name}
    assert (row["contact_form"], row["together"]) == ("physical", [])
    only = both.get(
        path(clinic, also_units=north.pk, resource=f"{doctors[north].pk},{doctors[clinic].pk}", page_size=3)
    )
    assert len(only.json()["results"]) == 3


def test_a_unit_where_the_caller_may_not_book_is_refused(caller, clinic, north, doctors):
    """PL-25: least right; a manager sees the own unit's times and no other's."""
    stranger = caller("coordinator", clinic)
    SharedList.objects.create(name="Ortopedi").units.create(care_unit=north)
    refused(stranger.get(path(clinic, also_units=north.pk)), 403)
    manager = caller("manager", clinic, north)
    assert units_of(manager.get(path(clinic))) == {clinic.name}
    refused(manager.get(path(clinic, also_units=north.pk)), 403)
    hold = {"resource": str(doctors[north].pk), "start": at(2), "end": at(2, HALF)}
    refused(stranger.post("holds/", hold), 403)
    assert not ResourceBooking.objects.exists()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"also_units": "x"}, "also_units"),
        ({"also_units": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"}, "also_units"),
        ({"also_units": ",".join(["01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"] * 21)}, "also_units"),
        ({"contact_form": "phone"}, "contact_form"),
        ({"contact_form": "text"}, "contact_form"),
        ({"together": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"}, "together"),
        ({"any_room": "kanske"}, "any_room"),
    ],
)
def test_what_cannot_be_asked_for_says_which_field(both, clinic, query, field):
    assert list(refused(both.get(path(clinic, **query)), 400)["errors"]) == [field]


def test_a_combination_is_found_and_held_whole_at_one_unit(both, clinic, north, doctors):
    """BO-01, PL-07: the room is at the unit of the person."""
    rooms = {unit: Resource.objects.create(care_unit=unit, kind="room", name="Rum 1") for unit in (clinic, north)}
    machine = Resource.objects.create(care_unit=north, kind="equipment", name="Ultraljud")
    answer = both.get(path(clinic, also_units=north.pk, any_room="true", contact_form="physical"))
    assert {(row["care_unit"]["id"], row["together"][0]["id"]) for row in answer.json()["results"]} == {
        (str(unit.pk), str(room.pk)) for unit, room in rooms.items()
    }
    asked = path(clinic, also_units=north.pk, any_room="true", together=machine.pk)
    found = both.get(asked).json()["results"]
    assert {row["care_unit"]["name"] for row in found} == {"Ortopedin Norr"}
    chosen = next(row for row in found if row["start"] == at(2))
    assert [each["name"] for each in chosen["together"]] == ["Ultraljud", "Rum 1"]
    body = {"resource": chosen["resource"]["id"], "start": chosen["start"], "end": chosen["end"]}
    wrong = body | {"together": [str(rooms[clinic].pk)]}
    assert "together" in refused(both.post("holds/", wrong), 400)["errors"]
    assert not ResourceBooking.objects.exists()
    held = both.post("holds/", body | {"together": [each["id"] for each in chosen["together"]]})
    assert held.status_code == 201
    assert [each["name"] for each in held.json()["together"]] == ["Rum 1", "Ultraljud"]
    assert ResourceBooking.objects.filter(state="held").count() == 3
    assert at(2) not in {row["start"] for row in both.get(asked).json()["results"]}


def test_one_after_the_other_is_found_held_and_booked_and_what_hid_times_is_told(both, clinic, doctors):
    """BO-02, PL-07: the doctor's half hour, then the nurse's twenty minutes, as on the page; the rules are told with codes."""
    nurse = factories.ResourceFactory(care_unit=clinic, profession="Ssk", name="Sara Norén")
    patient = factories.patient()
    factories.open_commitment(patient=patient, care_unit=clinic)
    day = local_date(factories.in_days(2))
    busy = at_local(day, time(9, 30)).astimezone(UTC)
    absences.register(
        care_unit=clinic,
        resource_id=nurse.pk,
        kind="training",
        start=busy,
        end=busy + timedelta(hours=1),
        by=None,
        at=now(),
    )
    asked = path(clinic, minutes=30, then=nurse.pk, then_minutes=20)
    answer = both.get(asked).json()
    times = {datetime.fromisoformat(row["start"]): row for row in answer["results"]}
    assert busy not in times and busy - timedelta(minutes=30) not in times
    row = times[busy - timedelta(hours=1)]
    assert (row["then"]["id"], datetime.fromisoformat(row["then_start"])) == (
        str(nurse.pk),
        busy - timedelta(minutes=30),
    )
    assert datetime.fromisoformat(row["end"]) == busy - timedelta(minutes=10)
    assert {each["code"]: (each["text"], each["count"]) for each in answer["hidden"]}["next_not_free"] == (
        "den andra i teamet inte ledig efteråt",
        6,  # Five that meet the absence, and the last of the day.
    )
    doctor = str(doctors[clinic].pk)
    parts = [{"resource": doctor, "from_minute": 0, "minutes": 30}]
    parts += [{"resource": str(nurse.pk), "from_minute": 30, "minutes": 20}]
    taken = {"start": row["start"], "end": row["end"], "parts": parts}
    held = both.post("holds/", taken | {"resource": doctor, "together": [str(nurse.pk)]})
    assert held.status_code == 201, held.content
    assert both.post("holds/", taken | {"resource": doctor, "parts": [parts[1]]}).status_code == 400
    booked = both.post(
        "appointments/",
        taken
        | {
            "patient": str(patient.pk),
            "care_unit": str(clinic.pk),
            "visit_type": "sp-lak-aterbesok",
            "contact_reason": "uppfoljning-ospecificerad",
            "resources": [doctor, str(nurse.pk)],
            "hold": held.json()["id"],
        },
    )
    assert (booked.status_code, booked.json()["kind"]) == (201, "team")
    lower, upper = (ResourceBooking.objects.get(resource=each).period for each in (doctor, nurse))
    assert (lower.upper, upper.lower) == (busy - timedelta(minutes=30), busy - timedelta(minutes=30))
    for wrong in ({"then": nurse.pk}, {"then": uuid4(), "then_minutes": 20}, {"then_minutes": 20}):
        assert both.get(path(clinic, **wrong)).status_code == 400


def test_the_same_number_of_queries_however_many_units(caller, clinic, north, doctors):
    units = [clinic, north, *(factories.SpecialisedClinicFactory() for _ in range(3))]
    for unit in units[2:]:
        factories.ResourceFactory(care_unit=unit)
    api = caller("coordinator", *units)
    api.get(path(clinic))
    few = queries_of(lambda: api.get(path(clinic, also_units=north.pk)))
    every = ",".join(str(unit.pk) for unit in units[1:])
    assert queries_of(lambda: api.get(path(clinic, also_units=every))) == few


def test_a_begaran_of_a_shared_list_is_booked_at_the_unit_that_has_the_time(both, clinic, north, doctors):
    """PL-25, VH-08: taken over and booked in one transaction; without a shared list it is refused and stays."""
    patient = factories.patient()
    commitment = factories.open_commitment(patient=patient, care_unit=clinic)
    row = factories.booking_request(
        care_unit=clinic, patient=patient, visit_type="Sp Läk Återbesök", commitment_id=commitment.pk
    )
    body = {
        "patient": str(patient.pk),
        "care_unit": str(north.pk),
        "visit_type": "sp-lak-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "start": at(2),
        "end": at(2, HALF),
        "resources": [str(doctors[north].pk)],
        "booking_request": str(row.pk),
    }
    refused(both.post("appointments/", body), 409, rule="PL-25", code="not_shared")
    row.refresh_from_db()
    assert (row.care_unit, row.status, Appointment.objects.count()) == (clinic, "open", 0)
    shared = SharedList.objects.create(name="Ortopedi")
    for unit in (clinic, north):
        shared.units.create(care_unit=unit)
    booked = both.post("appointments/", body)
    assert booked.status_code == 201, booked.content
    row = BookingRequest.objects.get(pk=row.pk)
    assert (row.care_unit, row.status, booked.json()["care_unit"]) == (north, "booked", str(north.pk))
    assert booked.json()["encounter"]["commitment"] == str(row.commitment_id) != str(commitment.pk)


def at(days, later=timedelta()):
    return local(factories.in_days(days) + later).isoformat()
