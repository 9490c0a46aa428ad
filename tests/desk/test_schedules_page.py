"""Tidböcker and Ombokningar as pages and by REST (BO-01, PL-02)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from scheduling.models import Absence, Appointment, AppointmentHistory, ExtraHours, RebookingItem, WeeklyHours
from sdv.accounts.permissions import Role
from sdv.common.time import local, local_date, minute, now
from tests import factories
from tests.api.conftest import Caller
from tests.forms import fields as fields_of

from .signed_in import queries_of, signed_in

DAY = timedelta(days=1)


@pytest.fixture
def centre(db):
    return factories.HealthCentreFactory()


@pytest.fixture
def nurse(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")


@pytest.fixture
def client(centre):
    return signed_in(factories.coordinator(centre))


def booked(nurse, days=7, **fields):
    # At ten in the morning, whatever the hour of the test.
    start = minute(now()).replace(hour=10, minute=0) + days * DAY
    visit_type = factories.visit_type("Pv Ssk Återbesök")
    return factories.booked_visit(
        care_unit=nurse.care_unit,
        resource=nurse,
        visit_type=visit_type,
        start=start,
        patient=factories.patient(),
        **fields,
    )


def absence_of(nurse, day, **fields):
    return {"resource": str(nurse.pk), "kind": "leave", "first_day": day.isoformat()} | fields


def test_the_list_tells_each_week_in_words_who_is_away_and_the_holidays(client, centre, nurse):
    """BO-01, PL-02"""
    nurse.weekly_hours.all().delete()
    for weekday in range(1, 6):
        factories.WeeklyHoursFactory(resource=nurse, weekday=weekday, from_time="08:00", to_time="16:30")
    text = client.get(reverse("schedules")).content.decode()
    assert "Sara Norén" in text and "mån–fre 08:00–16:30" in text and "Ingen frånvaro framåt." in text
    # Who begins later can be planned for; who has left is not there.
    for name, days in (
        ("Eva Ek", {"valid_from": local_date(now()) + DAY}),
        ("Ola Ask", {"valid_to": local_date(now()) - DAY}),
    ):
        factories.ResourceFactory(care_unit=centre, profession="Ssk", name=name, **days)
    text = client.get(reverse("schedules")).content.decode()
    chosen = client.get(reverse("absence-create")).content.decode()
    assert ("Eva Ek" in text, "Ola Ask" in text, "Eva Ek" in chosen, "Ola Ask" in chosen) == (True, False, True, False)
    few = queries_of(lambda: client.get(reverse("schedules")))
    for _ in range(3):
        factories.ResourceFactory(care_unit=centre)
    assert queries_of(lambda: client.get(reverse("schedules"))) == few


def test_hours_are_added_refused_where_they_overlap_and_ended(client, nurse):
    """BO-01"""
    nurse.weekly_hours.all().delete()
    address = reverse("schedule", args=[nurse.pk])
    today = local_date(now())
    hours = {"step": "hours", "v-weekdays": ["1", "3"], "v-from_time": "8", "v-to_time": "12", "v-slot_minutes": "20"}
    hours |= {"v-valid_from": today.isoformat()}
    text = client.post(address, hours, follow=True).content.decode()
    assert "Tiderna är sparade för Sara Norén" in text
    rows = WeeklyHours.objects.filter(resource=nurse).order_by("weekday")
    assert [(row.weekday, row.slot_minutes, row.on_holidays) for row in rows] == [(1, 20, False), (3, 20, False)]
    again = client.post(address, hours)
    assert again.status_code == 422 and "har redan tider måndagar" in again.content.decode()
    wrong = client.post(address, hours | {"v-to_time": "7"})
    assert wrong.status_code == 422 and "Tiden ska sluta efter att den börjat." in wrong.content.decode()
    client.post(reverse("hours-end", args=[rows[0].pk]), {"valid_to": (today + DAY).isoformat()})
    assert rows.all()[0].valid_to == today + DAY
    extra = {"step": "extra", "e-day": "+7d", "e-from_time": "17", "e-to_time": "18", "e-slot_minutes": "30"}
    assert client.post(address, extra).status_code == 302
    made = ExtraHours.objects.get()
    assert made.day == today + 7 * DAY and made.created_by is not None
    client.post(reverse("extra-hours-remove", args=[made.pk]))
    assert not ExtraHours.objects.exists()


def test_an_absence_leads_to_the_bookings_it_hits_and_a_proposal_is_taken_in_two_keys(client, nurse):
    """PL-02: Enter opens the proposals with the first chosen, Ctrl+Enter takes it; the receipt names the patient."""
    visit = booked(nurse)
    day = local_date(visit.start)
    seen = client.post(reverse("absence-create"), absence_of(nurse, day) | {"titta": "1"})
    assert f"1 bokning träffas: {local(visit.start):%Y-%m-%d kl. %H.%M}." in seen.content.decode()
    seen = client.post(reverse("absence-create"), absence_of(nurse, day + DAY) | {"titta": "1"})
    assert "Ingen bokning träffas." in seen.content.decode() and not Absence.objects.exists()
    saved = client.post(reverse("absence-create"), absence_of(nurse, day, last_day=day.isoformat()), follow=True)
    text = saved.content.decode()
    assert "Frånvaron är sparad. 1 bokning att boka om." in text and "<h1>Ombokningar</h1>" in text
    item = RebookingItem.objects.get()
    assert f'id="rad-{item.pk}"' in text and "Ledighet, Sara Norén" in text
    sheet = client.get(reverse("rebooking-move", args=[item.pk]), headers={"HX-Request": "true"}).content.decode()
    chosen = sheet.split(" checked")[0].rsplit('value="', 1)[1].split('"')[0]
    resource_id, start = chosen.split("|")
    assert resource_id == str(nurse.pk)
    done = client.post(reverse("rebooking-move", args=[item.pk]), {"tid": chosen, "version": item.version}, follow=True)
    assert "Ombokad till" in done.content.decode() and "Inga bokningar att boka om." in done.content.decode()
    visit.refresh_from_db()
    assert visit.start.isoformat() == start and local_date(visit.start) == day + DAY
    moved = AppointmentHistory.objects.get(event="rescheduled")
    assert (moved.initiated_by, moved.reason) == ("provider", "Vårdgivaren är inte på plats")
    # One's own repeated click does nothing and says nothing (PL-27).
    again = client.post(reverse("rebooking-move", args=[item.pk]), {"tid": chosen, "version": 1})
    assert again.status_code == 302
    assert AppointmentHistory.objects.filter(event="rescheduled").count() == 1


def test_a_proposal_that_somebody_took_meanwhile_is_told_and_new_ones_are_offered(client, nurse):
    """PL-07, PL-27"""
    visit = booked(nurse)
    day = local_date(visit.start)
    client.post(reverse("absence-create"), absence_of(nurse, day))
    item = RebookingItem.objects.get()
    sheet = client.get(reverse("rebooking-move", args=[item.pk])).content.decode()
    chosen = sheet.split(" checked")[0].rsplit('value="', 1)[1].split('"')[0]
    start = Appointment.objects.get().start.fromisoformat(chosen.split("|")[1])
    factories.booked_visit(
        care_unit=nurse.care_unit,
        resource=nurse,
        visit_type=visit.encounter.visit_type,
        start=start,
        patient=factories.patient(),
    )
    refused = client.post(reverse("rebooking-move", args=[item.pk]), {"tid": chosen, "version": item.version})
    text = refused.content.decode()
    assert refused.status_code == 422 and "är redan bokad" in text and chosen not in text
    assert RebookingItem.objects.open().count() == 1


def test_hours_that_end_tell_whom_they_hit_on_the_page_and_lead_to_ombokningar(client, nurse):
    """PL-02, BO-01: told first with nothing changed; saved all the same the bookings stand on the list, and the hours added
    again take them off."""
    visit = booked(nurse)
    day = local_date(visit.start)
    hours = nurse.weekly_hours.get(weekday=day.isoweekday())
    ended = {"valid_to": (day - DAY).isoformat()}
    told = client.post(reverse("hours-end", args=[hours.pk]), ended)
    text = told.content.decode()
    assert told.status_code == 409 and "Vill du spara ändå?" in text and "Regel PL-02" in text
    assert f"1 bokning får inte längre plats i tidboken: {local(visit.start):%Y-%m-%d kl. %H.%M}." in text
    hours.refresh_from_db()
    assert (hours.valid_to, RebookingItem.objects.exists()) == (None, False)
    text = client.post(reverse("hours-end", args=[hours.pk]), ended | {"overrule": "1"}, follow=True).content.decode()
    assert f"Tiderna upphör efter {ended['valid_to']}. 1 bokning att boka om." in text
    item = RebookingItem.objects.get()
    assert (
        "Tidboken: Sara Norén har inte längre tiden"
        in client.get(reverse("work-list", args=["rebooking"])).content.decode()
    )
    sheet = client.get(reverse("rebooking-move", args=[item.pk])).content.decode()
    assert "Tidboken: Sara Norén har inte längre tiden" in sheet and f'value="{nurse.pk}|' in sheet
    address = reverse("schedule", args=[nurse.pk])
    assert "1 att boka om" in client.get(address).content.decode()
    again = {"step": "hours", "v-weekdays": [str(day.isoweekday())], "v-from_time": "8", "v-to_time": "16"}
    again |= {"v-slot_minutes": "30", "v-valid_from": day.isoformat()}
    text = client.post(address, again, follow=True).content.decode()
    assert "Tiderna är sparade för Sara Norén" in text and "att boka om" not in text
    item.refresh_from_db()
    assert item.decision == "withdrawn"
    # A day's own hours in the week's place, and what was typed goes along when it is saved all the same.
    extra = {"step": "extra", "e-day": day.isoformat(), "e-from_time": "19", "e-to_time": "20", "e-slot_minutes": "30"}
    told = client.post(address, extra | {"e-replaces_week": "on"})
    assert told.status_code == 409
    text = client.post(
        reverse("schedule", args=[nurse.pk]), fields_of(told.content.decode()) | {"overrule": "1"}, follow=True
    )
    assert "Tiderna är sparade för Sara Norén. 1 bokning att boka om." in text.content.decode()
    gone = client.post(reverse("extra-hours-remove", args=[ExtraHours.objects.get().pk]), follow=True)
    assert "är borttagna" in gone.content.decode() and not RebookingItem.objects.open().exists()


def test_an_absence_that_cannot_be_read_is_told_at_its_field(client, nurse):
    """PL-02"""
    day = local_date(now()) + 7 * DAY
    for fields, told in (
        (absence_of(nurse, day, kind="closure"), "Stängt gäller hela enheten."),
        (absence_of(nurse, day, resource=""), "Välj vem eller vad som är borta"),
        (absence_of(nurse, day, last_day=(day - DAY).isoformat()), "Sista dagen ska inte ligga före den första."),
        (absence_of(nurse, day, first_time="10", last_time="9"), "Frånvaron ska sluta efter att den börjat."),
        (absence_of(nurse, day, first_day="1999-01-01"), "Ange ett datum från och med i dag"),
    ):
        answer = client.post(reverse("absence-create"), fields)
        assert answer.status_code == 422 and told in answer.content.decode(), told
    assert not Absence.objects.exists()


def test_another_units_tidbok_and_items_are_not_there(client):
    """Unit scoping."""
    elsewhere = factories.ResourceFactory(care_unit=factories.HealthCentreFactory(), profession="Ssk")
    booked(elsewhere)
    other = signed_in(factories.coordinator(elsewhere.care_unit))
    other.post(reverse("absence-create"), absence_of(elsewhere, local_date(Appointment.objects.get().start)))
    item, absence = RebookingItem.objects.get(), Absence.objects.get()
    hours = elsewhere.weekly_hours.first()
    assert client.get(reverse("schedule", args=[elsewhere.pk])).status_code == 404
    assert client.get(reverse("rebooking-move", args=[item.pk])).status_code == 404
    assert client.post(reverse("absence-withdraw", args=[absence.pk])).status_code == 404
    assert client.post(reverse("hours-end", args=[hours.pk]), {"valid_to": "+1d"}).status_code == 404


# --- REST ---------------------------------------------------------------------------------------------------------------


def test_absence_and_rebooking_by_rest(centre, nurse):
    """PL-02"""
    visit = booked(nurse)
    planner, booker = Caller(factories.coordinator(centre)), Caller(factories.staff(Role.INTEGRATION, centre))
    day = local(visit.start).replace(hour=0, minute=0)
    body = {"care_unit": str(centre.pk), "resource": str(nurse.pk), "kind": "training"}
    body |= {"start": day.isoformat(), "end": (day + DAY).isoformat()}
    assert booker.post("absences/", body).status_code == 403
    made = planner.post("absences/", body)
    assert made.status_code == 201 and made.json()["to_rebook"] == 1, made.content
    assert planner.get("absences/").json()["results"] == [made.json()]
    (row,) = booker.get("work-lists/rebooking/").json()["results"]
    assert row["patient_summary"]["name"] == "Öberg, Maria" and row["absence"] == made.json()["id"]
    assert booker.get("rebooking-items/?status=open").json()["results"] == [row]
    item = booker.get(f"rebooking-items/{row['id']}/").json()
    first = item["proposals"][0]
    assert first["resource"]["name"] == "Sara Norén"
    path = f"rebooking-items/{row['id']}/rebook/"
    inside = {"start": visit.start.isoformat(), "end": visit.end.isoformat()}
    refused = booker.post(path, inside)
    assert (refused.status_code, refused.json()["rule"]) == (409, "PL-02")
    done = booker.post(path, {"start": first["start"], "end": first["end"]})
    assert (done.status_code, done.json()["decision"], done.json()["proposals"]) == (200, "rebooked", [])
    again = booker.post(path, {"start": first["start"], "end": first["end"]})
    assert (again.status_code, again.json()["code"]) == (409, "already_done")
    withdrawn = planner.post(f"absences/{made.json()['id']}/withdraw/")
    assert withdrawn.status_code == 200 and withdrawn.json()["withdrawn_at"]
    assert planner.get("absences/").json()["results"] == []
    closed = planner.post("absences/", body | {"kind": "closure"})
    assert closed.status_code == 400


def test_a_change_of_the_tidbok_by_rest_says_whom_it_hits_and_saves_what_is_accepted(centre, nurse):
    """PL-02, BO-01"""
    visit = booked(nurse)
    day = local_date(visit.start)
    planner = Caller(factories.coordinator(centre))
    hours = nurse.weekly_hours.get(weekday=day.isoweekday())
    path, ended = f"weekly-hours/{hours.pk}/end/", {"valid_to": (day - DAY).isoformat()}
    told = planner.post(path, ended)
    assert (told.status_code, told.json()["rule"], told.json()["code"]) == (409, "PL-02", "bookings_hit")
    assert told.json()["is_warning"] is True and list(told.json()["errors"]) == [str(visit.pk)]
    assert planner.post(path, ended | {"accept_warnings": ["PL-02"]}).status_code == 200
    (row,) = planner.get("rebooking-items/?status=open").json()["results"]
    assert (row["appointment"], row["resource"], row["absence"]) == (str(visit.pk), str(nurse.pk), None)
    extra = {"resource": str(nurse.pk), "day": day.isoformat(), "from_time": "08:00", "to_time": "16:00"}
    made = planner.post("extra-hours/", extra | {"slot_minutes": 30}).json()["extra"][0]
    assert planner.get("rebooking-items/?status=open").json()["results"] == []
    address = f"extra-hours/{made['id']}/"
    assert planner.delete(address).status_code == 409 and ExtraHours.objects.exists()
    assert planner.delete(f"{address}?accept_warnings=PL-02").status_code == 204
    assert len(planner.get("rebooking-items/?status=open").json()["results"]) == 1
