"""Frånvaro of a person over units, and changed, as pages and by REST (PL-02)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from scheduling.actions import absences
from scheduling.models import Absence, RebookingItem
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, minute, now, start_of_day
from tests import factories
from tests.api.conftest import Caller
from tests.forms import fields as fields_of

from .signed_in import queries_of, signed_in

DAY = timedelta(days=1)


@pytest.fixture
def north(db):
    return factories.HealthCentreFactory(name="Vårdcentralen Norr")


@pytest.fixture
def south(db):
    return factories.HealthCentreFactory(name="Vårdcentralen Söder")


@pytest.fixture
def sara(north, south):
    """One nurse with a tidbok at both units."""
    nurse = factories.PractitionerFactory(abbreviation="Ssk", given_name="Sara", surname="Norén")
    return [factories.ResourceFactory(care_unit=unit, practitioner=nurse, name="Sara Norén") for unit in (north, south)]


@pytest.fixture
def client(north):
    return signed_in(factories.coordinator(north))


@pytest.fixture
def other(south):
    return signed_in(factories.coordinator(south))


def booked(resource, days=7):
    # At ten in the morning, whatever the hour of the test.
    start = minute(now()).replace(hour=10, minute=0) + days * DAY
    visit_type = factories.visit_type("Pv Ssk Återbesök")
    told = {"care_unit": resource.care_unit, "resource": resource, "visit_type": visit_type, "start": start}
    return factories.booked_visit(**told, patient=factories.patient())


def leave_of(resource, day, **fields):
    return {"resource": str(resource.pk), "kind": "training", "first_day": day.isoformat()} | fields


def registered(client, resource, day, **fields):
    client.post(reverse("absence-create"), leave_of(resource, day, **fields))
    return Absence.objects.order_by("-id").first()


def text_of(answer):
    return answer.content.decode()


def test_whom_a_leave_hits_is_told_per_unit_and_each_unit_sees_its_own(client, other, sara):
    """PL-02: others' patients by number and the unit's name; at the other unit the leave is seen, but not why."""
    own, there = booked(sara[0]), booked(sara[1], days=8)
    day = local_date(own.start)
    leave = leave_of(sara[0], day, last_day=(day + DAY).isoformat())
    seen = text_of(client.post(reverse("absence-create"), leave | {"titta": "1"}))
    assert "1 bokning träffas: " in seen and "1 bokning träffas på Vårdcentralen Söder, som bokar om dem." in seen
    assert not Absence.objects.exists()
    text = text_of(client.post(reverse("absence-create"), leave, follow=True))
    assert "Frånvaron är sparad. 1 bokning att boka om. 1 bokning att boka om på Vårdcentralen Söder." in text
    assert f"rad-{RebookingItem.objects.get(appointment=own).pk}" in text
    assert f"rad-{RebookingItem.objects.get(appointment=there).pk}" not in text
    text = text_of(client.get(reverse("schedules")))
    assert "Utbildning, Sara Norén" in text and "Att boka om: 1 på Vårdcentralen Söder" in text
    absence = Absence.objects.get()
    addresses = [reverse(name, args=[absence.pk]) for name in ("absence-change", "absence-withdraw")]
    assert [address in text for address in addresses] == [True, True]
    for page in (reverse("schedules"), reverse("schedule", args=[sara[1].pk])):
        text = text_of(other.get(page))
        assert "Frånvaro, Sara Norén" in text and "registrerad av Vårdcentralen Norr" in text
        assert "Utbildning" not in text and "på Vårdcentralen Norr" not in text
        assert [address in text for address in addresses] == [False, False]
    text = text_of(other.get(reverse("work-list", args=["rebooking"])))
    assert "Frånvaro, Sara Norén" in text and "registrerad av Vårdcentralen Norr" in text and "Utbildning" not in text
    sheet = text_of(other.get(reverse("rebooking-move", args=[RebookingItem.objects.get(appointment=there).pk])))
    assert "registrerad av Vårdcentralen Norr" in sheet and "Utbildning" not in sheet
    assert [other.get(addresses[0]).status_code, other.post(addresses[1]).status_code] == [404, 404]
    absence.refresh_from_db()
    assert absence.withdrawn_at is None


def test_a_leave_that_hits_only_another_units_patients_leads_back_to_the_tidbocker(client, sara):
    """PL-02"""
    there = booked(sara[1])
    text = text_of(client.post(reverse("absence-create"), leave_of(sara[0], local_date(there.start)), follow=True))
    assert "Frånvaron är sparad. 1 bokning att boka om på Vårdcentralen Söder." in text and "<h1>Tidböcker</h1>" in text
    # Ångra on the receipt takes it back whole (PL-13).
    undo = reverse("absence-withdraw", args=[Absence.objects.get().pk])
    assert f'action="{undo}"' in text.split('id="receipt"')[1].split("</div>")[0]
    assert "Frånvaron är återkallad" in text_of(client.post(undo, follow=True))
    assert RebookingItem.objects.get().decision == "withdrawn"


def test_who_maintains_both_units_changes_and_withdraws_it_from_either(client, north, south, sara):
    """PL-02: by the assignment where it was registered; with a lesser one there it is only seen."""
    absence = registered(client, sara[0], local_date(now()) + 7 * DAY)
    both = factories.coordinator(south, north)
    at_south = signed_in(both, both.assignments.get(care_unit=south))
    less = factories.coordinator(south)
    factories.StaffAssignmentFactory(user=less, care_unit=north, role=Role.CLINICIAN)
    lesser = signed_in(less, less.assignments.get(care_unit=south))
    change, withdraw = (reverse(name, args=[absence.pk]) for name in ("absence-change", "absence-withdraw"))
    assert change in text_of(at_south.get(reverse("schedules")))
    assert change not in text_of(lesser.get(reverse("schedules")))
    assert (lesser.get(change).status_code, lesser.post(withdraw).status_code) == (404, 404)
    assert at_south.get(change).status_code == 200 and at_south.post(withdraw).status_code == 302
    absence.refresh_from_db()
    assert absence.withdrawn_by == both


def test_who_has_left_the_unit_is_of_no_concern_to_it(client, other, sara):
    """PL-02: what a unit need not know it is not told."""
    registered(client, sara[0], local_date(now()) + 7 * DAY)
    sara[1].valid_to = local_date(now()) - DAY
    sara[1].save()
    assert "Ingen frånvaro framåt." in text_of(other.get(reverse("schedules")))


def test_an_absence_is_lengthened_and_shortened_on_its_page(client, sara):
    """PL-02: filled in as it is; whom it hits and whom no longer is told before, and the receipt says what it was."""
    first, second = booked(sara[0]), booked(sara[1], days=8)
    day = local_date(first.start)
    absence = registered(client, sara[0], day)
    address = reverse("absence-change", args=[absence.pk])
    page = text_of(client.get(address))
    form = fields_of(page)
    assert (form["kind"], form["first_day"], form["last_day"], form["first_time"], form["last_time"]) == (
        "training", day.isoformat(), day.isoformat(), "", "",
    )  # fmt: skip
    assert "Utbildning, Sara Norén" in page and "Hela enheten" not in page and "Stängt</option>" not in page
    longer = form | {"last_day": (day + DAY).isoformat()}
    seen = text_of(client.post(address, longer | {"titta": "1"}))
    assert "1 bokning träffas på Vårdcentralen Söder" in seen and RebookingItem.objects.count() == 1
    text = text_of(client.post(address, longer, follow=True))
    was = f"Utbildning, Sara Norén, {day} 00:00–{day + DAY} 00:00"
    assert f"Frånvaron är ändrad, den var {was}. 1 bokning att boka om." in text
    assert RebookingItem.objects.open().get(appointment=second).care_unit == sara[1].care_unit
    # One's own repeated click does nothing and says nothing (PL-27).
    assert client.post(address, longer).status_code == 302
    absence.refresh_from_db()
    assert (absence.version, absence.period.upper) == (2, start_of_day(day + 2 * DAY))
    shorter = fields_of(text_of(client.get(address))) | {"first_day": (day + DAY).isoformat()}
    seen = text_of(client.post(address, shorter | {"titta": "1"}))
    assert "1 bokning träffas på Vårdcentralen Söder" in seen and "1 bokning träffas inte längre." in seen
    text = text_of(client.post(address, shorter, follow=True))
    assert "1 bokning att boka om på Vårdcentralen Söder." in text
    assert RebookingItem.objects.get(appointment=first).decision == "withdrawn"


def test_a_change_that_cannot_be_is_told_at_its_field_and_the_second_who_changes_is_told_who_was_first(
    client, north, sara
):
    """PL-02, PL-27"""
    day = local_date(now()) + 7 * DAY
    absence = registered(client, sara[0], day, first_time="10", last_time="15")
    address = reverse("absence-change", args=[absence.pk])
    form = fields_of(text_of(client.get(address)))
    assert (form["first_time"], form["last_time"], form["version"]) == ("10:00", "15:00", "1")
    for fields, told in (
        ({"kind": "closure"}, "Välj ett giltigt alternativ"),
        ({"last_day": (day - DAY).isoformat()}, "Sista dagen ska inte ligga före den första."),
        ({"last_time": "9"}, "Frånvaron ska sluta efter att den börjat."),
        ({"first_day": "1999-01-01"}, "Ange ett datum från och med i dag"),
        ({"first_day": ""}, "Ange första dagen."),
    ):
        answer = client.post(address, form | fields)
        assert answer.status_code == 422 and told in text_of(answer), told
    assert Absence.objects.get().version == 1
    first = factories.coordinator(north, name="Kim Ek")
    assert signed_in(first).post(address, form | {"last_time": "16"}).status_code == 302
    second = client.post(address, form | {"last_time": "17"})
    assert second.status_code == 409 and "Kim Ek" in text_of(second)
    closed = client.post(reverse("absence-withdraw", args=[absence.pk]))
    assert closed.status_code == 302 and client.get(address).status_code == 404


def test_an_absence_that_goes_on_since_long_can_be_ended_or_lengthened(client, sara):
    """PL-02: its first day may have passed; who came back before now has been back since."""
    today = local_date(now())
    absence = registered(client, sara[0], today - DAY, last_day=(today + 7 * DAY).isoformat())
    Absence.objects.filter(pk=absence.pk).update(period=(start_of_day(today - 30 * DAY), start_of_day(today + 7 * DAY)))
    address = reverse("absence-change", args=[absence.pk])
    form = fields_of(text_of(client.get(address)))
    assert form["first_day"] == (today - 30 * DAY).isoformat()
    assert client.post(address, form | {"last_day": (today - 2 * DAY).isoformat()}).status_code == 302
    absence.refresh_from_db()
    assert absence.period.upper == start_of_day(today - DAY)


def test_an_hour_that_is_twice_in_the_night_stays_the_one_it_was_where_only_something_else_is_changed(client, sara):
    """PL-02: the second half past two of the night in autumn reads as the first, and is not made it."""
    start, end = datetime(2027, 10, 30, 22, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    told = {"care_unit": sara[0].care_unit, "resource_id": sara[0].pk, "kind": "leave"}
    absence = absences.register(**told, start=start, end=end, by=factories.UserFactory(), at=now())
    address = reverse("absence-change", args=[absence.pk])
    form = fields_of(text_of(client.get(address)))
    assert (form["first_time"], form["last_day"], form["last_time"]) == ("", "2027-10-31", "02:30")
    client.post(address, form | {"kind": "training", "first_time": "1"})
    absence.refresh_from_db()
    assert (absence.kind, absence.period.lower, absence.period.upper) == ("training", start + DAY / 24, end)


def test_the_tidbocker_ask_as_many_questions_however_many_absences_there_are(client, other, sara):
    """PL-02: one for the absences, and one each for what is to be moved, its units and whose they are here."""
    day = local_date(booked(sara[1]).start)
    registered(client, sara[0], day)
    for each in (client, other):
        each.get(reverse("schedules"))
    few = [queries_of(lambda each=each: each.get(reverse("schedules"))) for each in (client, other)]
    for number in range(1, 6):
        booked(sara[1], days=7 + number)
        registered(client, sara[0], day + number * DAY)
    assert [queries_of(lambda each=each: each.get(reverse("schedules"))) for each in (client, other)] == few
    assert few[1] - few[0] == 1


# --- REST ---------------------------------------------------------------------------------------------------------------


def test_an_absence_is_told_per_unit_and_changed_by_rest(north, south, sara):
    """PL-02, PL-27"""
    own, there = booked(sara[0]), booked(sara[1], days=8)
    day = start_of_day(local_date(own.start))
    here, away = Caller(factories.coordinator(north)), Caller(factories.coordinator(south))
    counts = [{"care_unit": str(unit.pk), "name": unit.name, "to_rebook": 1} for unit in (north, south)]
    body = {"care_unit": str(north.pk), "resource": str(sara[0].pk), "kind": "training"}
    body |= {"start": day.isoformat(), "end": (day + 2 * DAY).isoformat()}
    asked = here.post("absences/preview/", body)
    assert (asked.status_code, asked.json()) == (200, {"to_rebook": 2, "to_rebook_at": counts})
    assert not Absence.objects.exists()
    assert here.post("absences/preview/", body | {"end": body["start"]}).status_code == 409
    for act in ("absences/preview/", "absences/"):
        assert away.post(act, body).status_code == 403
        assert away.post(act, body | {"care_unit": str(south.pk)}).json()["errors"] == {
            "resource": ["Resursen finns inte på vårdenheten. Välj bland enhetens resurser."]
        }
    made = here.post("absences/", body).json()
    assert (made["to_rebook"], made["to_rebook_at"], made["kind"]) == (2, counts, "training")
    path = f"absences/{made['id']}/"
    seen = away.get(path).json()
    assert seen == made | {
        "kind": "absence",
        "resource": {"id": str(sara[1].pk), "name": "Sara Norén"},
        "to_rebook": 1,
        "to_rebook_at": counts[1:],
    }
    assert (seen["care_unit"], seen["care_unit_name"]) == (str(north.pk), "Vårdcentralen Norr")
    for query in ("", f"?resource={sara[1].pk}", f"?care_unit={south.pk}"):
        assert away.get(f"absences/{query}").json()["results"] == [seen]
    assert here.get(f"absences/?resource={sara[1].pk}").json()["results"] == [made]
    both = Caller(factories.coordinator(north, south))
    assert both.get("absences/").json()["results"] == [made]
    assert both.get(f"absences/?care_unit={south.pk}").json()["results"] == [seen]
    stranger = Caller(factories.coordinator(factories.HealthCentreFactory()))
    assert stranger.get(path).status_code == 404 and stranger.get("absences/").json()["results"] == []
    (item,) = away.get("rebooking-items/").json()["results"]
    assert (item["appointment"], item["absence"]) == (str(there.pk), made["id"])
    # Changed where it was registered, by whoever has read what it is.
    shorter = {"end": (day + DAY).isoformat()}
    assert away.patch(path, shorter).status_code == 404
    assert here.patch(path, {}).status_code == 400
    changed = here.patch(path, shorter, If_Match='"1"')
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    assert changed.json()["to_rebook_at"] == counts[:1] and changed.json()["changed_at"] is not None
    assert away.get("rebooking-items/?status=open").json()["results"] == []
    stale = here.patch(path, {"kind": "leave"}, If_Match='"1"')
    assert stale.status_code == 412 and stale.json()["by"] == here.user.name
    assert here.patch(path, {"kind": "closure"}).status_code == 400
    assert here.patch(path, {"end": body["start"]}).json()["rule"] == "PL-02"
    clinician = Caller(factories.staff(Role.CLINICIAN, north))
    assert clinician.patch(path, shorter).status_code == 403
    assert away.post(f"{path}withdraw/").status_code == 404
    assert here.post(f"{path}withdraw/", If_Match='"2"').status_code == 200
