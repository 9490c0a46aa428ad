"""What a coordinator keeps of the planning, by REST: tidböcker, saved views, the same change on many rows (BO-01, BB-01,
PL-27)."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.urls import reverse

from scheduling.actions import work_items, working
from scheduling.models import BookingRequest, ExtraHours, RowLock, SavedView, WeeklyHours
from sdv.common.time import local_date, now
from tests import factories
from tests.api.conftest import refused
from tests.desk.signed_in import signed_in

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def day(days):
    return (local_date(now()) + timedelta(days=days)).isoformat()


@pytest.fixture
def coordinator(caller, clinic):
    return caller("coordinator", clinic)


@pytest.fixture
def resource(clinic):
    row = factories.ResourceFactory(care_unit=clinic)
    row.weekly_hours.all().delete()
    return row


def test_the_weeks_hours_are_added_read_and_ended(coordinator, caller, clinic, resource):
    """BO-01"""
    body = {
        "resource": str(resource.pk), "weekdays": [1, 3], "from_time": "08:00", "to_time": "12:00", "slot_minutes": 30,
        "valid_from": day(1), "visit_types": ["sp-lak-aterbesok"],
    }  # fmt: skip
    made = coordinator.post("weekly-hours/", body)
    assert made.status_code == 201, made.content
    weekly = made.json()["weekly"]
    told = [(row["weekday"], row["from_time"], row["to_time"], row["slot_minutes"]) for row in weekly]
    assert told == [(1, "08:00", "12:00", 30), (3, "08:00", "12:00", 30)]
    assert weekly[0]["visit_types"][0]["code"] == "sp-lak-aterbesok"
    refused(coordinator.post("weekly-hours/", body), 409, rule="BO-01")
    refused(coordinator.post("weekly-hours/", body | {"to_time": "07:00"}), 400)
    refused(coordinator.post("weekly-hours/", body | {"from_time": "åtta"}), 400)
    assert coordinator.get(f"schedules/?resource={resource.pk}").json()["weekly"] == weekly
    ended = coordinator.post(f"weekly-hours/{weekly[0]['id']}/end/", {"valid_to": day(30)}).json()
    assert [row["valid_to"] for row in ended["weekly"]] == [day(30), None]
    refused(caller("receptionist", clinic).post("weekly-hours/", body), 403)
    assert WeeklyHours.objects.filter(resource=resource).count() == 2


def test_a_days_extra_times_are_added_and_taken_away(coordinator, resource):
    """BO-01"""
    body = {
        "resource": str(resource.pk), "day": day(9), "from_time": "17:00", "to_time": "19:00", "slot_minutes": 20,
        "replaces_week": True,
    }  # fmt: skip
    (extra,) = coordinator.post("extra-hours/", body).json()["extra"]
    assert (extra["day"], extra["from_time"], extra["replaces_week"]) == (day(9), "17:00", True)
    refused(coordinator.post("extra-hours/", body | {"day": day(-1)}), 400)
    assert coordinator.delete(f"extra-hours/{extra['id']}/").status_code == 204
    assert not ExtraHours.objects.exists()


def test_a_view_is_saved_shared_and_taken_away_by_its_own(coordinator, caller, clinic):
    """BB-01: what could tell who a person is is no filter of a view."""
    body = {
        "care_unit": str(clinic.pk), "name": "Försenade läkare", "is_shared": True,
        "filters": {"status": "late", "visit_type": "sp-lak-aterbesok", "wished_to": day(30)},
    }  # fmt: skip
    made = coordinator.post("saved-views/", body)
    assert made.status_code == 201, made.content
    assert made.json()["filters"] == body["filters"]
    assert SavedView.objects.get().filters == {
        "status": "late",
        "besokstyp": str(factories.visit_type("Sp Läk Återbesök").pk),
        "till": day(30),
    }
    refused(coordinator.post("saved-views/", body | {"filters": {"name": "Ek"}}), 400)
    other = caller("receptionist", clinic)
    (seen,) = other.get(f"saved-views/?care_unit={clinic.pk}").json()["results"]
    assert (seen["name"], seen["is_own"]) == ("Försenade läkare", False)
    refused(other.delete(f"saved-views/{seen['id']}/"), 409, rule="BB-01")
    coordinator.post("saved-views/", body | {"is_shared": False})
    assert other.get(f"saved-views/?care_unit={clinic.pk}").json()["results"] == []
    assert coordinator.delete(f"saved-views/{seen['id']}/").status_code == 204
    assert not SavedView.objects.exists()


def test_the_list_is_narrowed_by_every_column_and_by_a_saved_view(coordinator, caller, clinic, resource):
    """BB-01: the filters of the page, named as the fields. What could tell who a person is stands in no address, and a
    protected person is not found by name (SK-05)."""

    def waits(surname, *, first=0, last=14, **fields):
        patient = factories.patient(surname=surname)
        when = {"wished_from": local_date(now()) + first * DAY, "wished_to": local_date(now()) + last * DAY}
        return factories.booking_request(care_unit=clinic, patient=patient, **when | fields)

    ek = waits("Ek", first=-20, last=-6, wished_place="Rum 4", description="Vill helst komma på förmiddagen")
    berg = waits("Berg", last=5, wished_resource=resource, visit_type="Sp Läk Nybesök")
    ekdal = waits("Ekdal", first=3, last=40, addressee=factories.UserFactory())
    BookingRequest.objects.filter(pk=berg.pk).update(addressee=coordinator.user)
    names = {ek.pk: "ek", berg.pk: "berg", ekdal.pk: "ekdal"}

    def told(answer):
        assert answer.status_code == 200, answer.content
        return " ".join(names[UUID(row["id"])] for row in answer.json()["results"])

    def listed(query, path="booking-requests/"):
        return told(coordinator.get(f"{path}?{query}"))

    def searched(**body):
        return told(coordinator.post("booking-requests/search/", {"care_unit": str(clinic.pk)} | body))

    for path in ("booking-requests/", "work-lists/booking-requests/"):
        assert listed("", path) == "ek berg ekdal"
        assert listed("wished_place=rum", path) == "ek"
        assert listed(f"wished_from={day(0)}", path) == "berg ekdal"
        assert listed(f"wished_to={day(5)}", path) == "ek berg"
        assert listed("visit_type=sp-lak-nybesok", path) == "berg"
        assert listed(f"facility={clinic.facility.name}&wished_resource=none", path) == "ek ekdal"
        assert listed(f"wished_resource={resource.pk}", path) == "berg"
        assert (listed("status=late", path), listed("status=follow_up", path)) == ("ek", "ekdal")
        assert (listed("addressee=me", path), listed("addressee=none", path)) == ("berg", "ek")
        assert listed(f"addressee={ekdal.addressee.username}", path) == "ekdal"
        refused(coordinator.get(f"{path}?addressee=ingen"), 400)
        refused(coordinator.get(f"{path}?name=Ek"), 400)
        refused(coordinator.get(f"{path}?description=Vill"), 400)
        refused(coordinator.get(f"{path}?wished_resource=ingen"), 400)
    assert (searched(name="ek"), searched(description="förmiddag"), searched(name="ek", status="late")) == (
        "ek ekdal", "ek", "ek",
    )  # fmt: skip
    digits = berg.patient.identities.get().value
    assert searched(identity=f"{digits[:8]}-{digits[8:]}") == "berg"
    refused(coordinator.post("booking-requests/search/", {"identity": "-"}), 400)
    type(ek.patient).objects.filter(pk=ek.patient_id).update(protection="sekretessmarkering")
    assert searched(name="ek") == "ekdal"

    view = {"care_unit": str(clinic.pk), "name": "Utan önskan", "filters": {"wished_resource": "none"}}
    made = coordinator.post("saved-views/", view).json()
    assert made["filters"] == {"wished_resource": "none"}
    mine = coordinator.post("saved-views/", view | {"name": "Mina", "filters": {"addressee": "me"}}).json()
    assert (mine["filters"], listed(f"view={mine['id']}")) == ({"addressee": "me"}, "berg")
    theirs = view | {"name": "Deras", "filters": {"addressee": ekdal.addressee.username}}
    assert coordinator.post("saved-views/", theirs).json()["filters"] == theirs["filters"]
    # On the page days may be counted from today; of a view they still are.
    SavedView.objects.filter(pk=made["id"]).update(filters={"resurs": "ingen", "till": "+20d"})
    work_items.close_request(request_id=ekdal.pk, reason="Dubblett", by=coordinator.user, at=now())
    for path in ("booking-requests/", "work-lists/booking-requests/"):
        assert listed(f"view={made['id']}", path) == "ek"
        assert listed(f"view={made['id']}&wished_resource={resource.pk}", path) == "berg"
    assert searched(view=made["id"], description="helst") == "ek"
    refused(caller("receptionist", clinic).get(f"booking-requests/?view={made['id']}"), 400)


def test_who_works_with_a_row_is_told_taken_over_and_let_go(coordinator, caller, clinic):
    """BB-01, PL-27: the same lock as on the page."""
    row = factories.booking_request(care_unit=clinic)
    path, other = f"booking-requests/{row.pk}/lock/", caller("coordinator", clinic)
    assert coordinator.get(f"booking-requests/{row.pk}/").json()["worked_by"] is None
    mine = coordinator.post(path, {})
    assert (mine.status_code, mine.json()["worked_by"]["by"]) == (200, coordinator.user.name), mine.content
    for address in ("booking-requests/", "work-lists/booking-requests/"):
        (told,) = other.get(address).json()["results"]
        assert told["worked_by"] == mine.json()["worked_by"]
    problem = refused(other.post(path, {}), 409, rule="PL-27", code="worked_with")
    assert (problem["by"], RowLock.objects.get().user) == (coordinator.user.name, coordinator.user)
    assert other.post(path, {"take_over": True}).json()["worked_by"]["by"] == other.user.name
    assert RowLock.objects.get().taken_over_from == coordinator.user
    assert coordinator.delete(path).status_code == 204 and RowLock.objects.count() == 1
    assert other.delete(path).status_code == 204 and not RowLock.objects.exists()
    work_items.close_request(request_id=row.pk, reason="Dubblett", by=other.user, at=now())
    for body in ({}, {"take_over": True}):
        refused(other.post(path, body), 409, rule="BB-01", code="already_done")
    assert not RowLock.objects.exists()


def test_many_rows_are_changed_all_or_none(coordinator, clinic, resource):
    """BB-01, PL-27: one that somebody else works with stops all, and is named."""
    patients = [factories.patient() for _ in range(3)]
    for patient in patients:
        factories.open_commitment(patient=patient, care_unit=clinic)
    rows = [factories.booking_request(care_unit=clinic, patient=patient) for patient in patients]
    body = {"care_unit": str(clinic.pk), "booking_requests": [str(row.pk) for row in rows]}
    done = coordinator.post("booking-requests/change-many/", body | {"wished_resource": str(resource.pk)})
    assert done.status_code == 200, done.content
    assert set(done.json()["changed"]) == {str(row.pk) for row in rows}
    assert BookingRequest.objects.filter(wished_resource=resource).count() == 3
    refused(coordinator.post("booking-requests/change-many/", body), 400)
    both = {"wished_resource": None, "close_reason": "Vill inte"}
    refused(coordinator.post("booking-requests/change-many/", body | both), 400)
    working.at_work(rows[1], by=factories.UserFactory(name="M. Ek"), at=now())
    answer = coordinator.post("booking-requests/change-many/", body | {"close_reason": "Vill inte"})
    refused(answer, 409, rule="PL-27")
    assert answer.json()["by"] == "M. Ek"
    assert BookingRequest.objects.waiting().count() == 3


@pytest.mark.parametrize(
    "wrong",
    [{"wished_resource": "Sara"}, {"wished_resource": "1"}, {"visit_type": "x"}, {"addressee": "x"}, {"status": "x"}],
)
def test_a_view_of_what_cannot_be_is_refused_at_the_door(coordinator, clinic, wrong):
    """BB-01"""
    body = {"care_unit": str(clinic.pk), "name": "Fel", "filters": wrong}
    refused(coordinator.post("saved-views/", body), 400)
    assert not SavedView.objects.exists()


def test_what_an_old_view_keeps_that_cannot_be_read_narrows_nothing(coordinator, clinic):
    """BB-01: the rest of it does; by REST and on the page."""
    late = factories.booking_request(
        care_unit=clinic, wished_from=local_date(now()) - 9 * DAY, wished_to=local_date(now()) - DAY
    )
    factories.booking_request(care_unit=clinic)
    kept = {
        "resurs": "Sara",
        "besokstyp": "sp-lak",
        "tilldelad": "x",
        "fran": "i fjol",
        "status": "late",
    }
    view = SavedView.objects.create(user=coordinator.user, care_unit=clinic, name="Gammal", filters=kept)
    for path in ("booking-requests/", "work-lists/booking-requests/"):
        answer = coordinator.get(f"{path}?view={view.pk}")
        assert answer.status_code == 200, answer.content
        assert [row["id"] for row in answer.json()["results"]] == [str(late.pk)]
    (shown,) = coordinator.get(f"saved-views/?care_unit={clinic.pk}").json()["results"]
    assert shown["filters"] == {"status": "late", "wished_from": "i fjol"}
    page = signed_in(coordinator.user).get(reverse("booking-requests"), {"vy": str(view.pk)})
    assert page.status_code == 200
    view.filters = {"status": "gone"}
    view.save()
    assert len(coordinator.get(f"booking-requests/?view={view.pk}").json()["results"]) == 2
