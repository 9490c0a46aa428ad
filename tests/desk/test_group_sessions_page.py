"""Grupptillfällen as pages and by REST (BO-02, PL-02, PL-06)."""

from datetime import UTC, time, timedelta

import pytest
from django.urls import reverse

from registration.models import ContactReason
from scheduling.actions import appointments, sessions
from scheduling.models import Appointment, RebookingItem, Session
from sdv.accounts.permissions import Role
from sdv.common.time import at_local, local_date, now
from tests import factories
from tests.api.conftest import Caller, refused

from .signed_in import queries_of, signed_in

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def centre(db):
    return factories.HealthCentreFactory(allows_overbooking=True)


@pytest.fixture
def nurse(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")


@pytest.fixture
def client(centre):
    return signed_in(factories.coordinator(centre))


def at_ten(days=7):
    return at_local(local_date(now()) + days * DAY, time(10)).astimezone(UTC)


def planned(nurse, *, start=None, **fields):
    start = start or at_ten()
    wanted = {
        "name": "Astmaskola",
        "visit_type": factories.visit_type("Pv Ssk Återbesök"),
        "contact_reason_id": factories.contact_reason().pk,
        "end": start + HOUR,
        "seats": 2,
        "resource_ids": [nurse.pk],
        "by": factories.UserFactory(),
        "at": now(),
    }
    return sessions.plan(care_unit=nurse.care_unit, start=start, **(wanted | fields))


def booked(session, *, at=None, **fields):
    by = factories.UserFactory()
    patient = factories.patient(**fields)
    return sessions.book(session_id=session.pk, patient_id=patient.pk, by=by, at=at or now())


def words_of(nurse, **changes):
    reason = factories.contact_reason()
    words = {
        "name": "Hjärtskola",
        "visit_type": str(factories.visit_type("Pv Ssk Återbesök").pk),
        "contact_reason": str(reason.pk),
        "day": at_ten().date().isoformat(),
        "from_time": "13",
        "to_time": "14.30",
        "resources": [str(nurse.pk)],
        "seats": "8",
        "extra_seats": "1",
    }
    return words | changes


def test_a_session_is_planned_on_the_page_and_what_is_wrong_is_told(client, nurse):
    """BO-02, BO-01, VO-02"""
    address = reverse("group-session-plan")
    wrong = client.post(address, words_of(nurse, to_time="12", seats="0", name=""))
    assert wrong.status_code == 422
    text = wrong.content.decode()
    for told in ("Tiden ska sluta efter att den börjat.", "Minst 1 plats.", "Ange vad gruppen heter."):
        assert told in text
    other = ContactReason.objects.get(code="blodtransfusion")
    text = client.post(address, words_of(nurse, contact_reason=str(other.pk))).content.decode()
    assert "Regel VO-02" in text and not Session.objects.exists()
    page = client.post(address, words_of(nurse), follow=True)
    assert page.status_code == 200 and "är planerat" in page.content.decode()
    session = Session.objects.get()
    assert (session.seats, session.extra_seats, session.end - session.start) == (8, 1, 1.5 * HOUR)
    assert "Ingen är bokad än." in page.content.decode()
    text = client.post(address, words_of(nurse)).content.decode()
    assert "är redan bokad" in text and Session.objects.count() == 1


def test_the_list_and_the_page_cost_the_same_however_many(client, nurse):
    """BO-02"""
    session = planned(nurse, seats=20)
    booked(session)
    addresses = [reverse("group-sessions"), reverse("group-session", args=[session.pk])]
    client.get(addresses[0])
    few = [queries_of(lambda url=url: client.get(url)) for url in addresses]
    planned(nurse, start=at_ten(8))
    for _ in range(5):
        booked(session)
    assert [queries_of(lambda url=url: client.get(url)) for url in addresses] == few
    text = client.get(addresses[0]).content.decode()
    assert "Astmaskola" in text and "6 av 20 platser tagna" in text


def test_a_patient_is_booked_on_a_session_from_the_booking_page_and_a_full_one_is_overbooked_by_who_may(client, nurse):
    """BO-02, PL-06"""
    session = planned(nurse, seats=1, extra_seats=1)
    patient = factories.patient()
    choices = {
        "besokstyp": str(session.visit_type_id),
        "orsak": str(session.contact_reason_id),
        "fran": local_date(now()).isoformat(),
        "till": at_ten(20).date().isoformat(),
    }
    page = client.get(reverse("book", args=[patient.pk]), choices).content.decode()
    assert "Astmaskola" in page and "0 av 1 platser tagna" in page and "Boka plats" in page
    seat = choices | {"step": "session", "tillfalle": str(session.pk)}
    text = client.post(reverse("book", args=[patient.pk]), seat, follow=True).content.decode()
    assert "Bokad på Astmaskola" in text
    client.post(reverse("book", args=[patient.pk]), seat)
    assert Appointment.objects.get().session == session

    late = factories.patient()
    address = reverse("book", args=[late.pk])
    assert "Överboka" in client.get(address, choices).content.decode()
    refusal = client.post(address, seat)
    assert refusal.status_code == 409 and "1 av 1 platser är tagna" in refusal.content.decode()
    desk = signed_in(factories.receptionist(nurse.care_unit))
    assert "Fullt" in desk.get(address, choices).content.decode()
    assert desk.post(address, choices | {"overboka": str(session.pk)}).status_code == 403
    client.post(address, choices | {"overboka": str(session.pk)})
    assert late.appointments.get().is_overbooked
    assert "1 av 1 platser tagna, 1 överbokad" in client.get(reverse("group-sessions")).content.decode()


def test_the_day_shows_the_session_with_its_participants_and_all_arrive_with_one_act(nurse, centre, monkeypatch):
    """BO-02, PL-03"""
    start = at_ten(0)
    monkeypatch.setattr("sdv.desk.views.group_sessions.now", lambda: start)
    session = planned(nurse, start=start, at=start - DAY)
    rows = [booked(session, at=start - DAY, given_name=name) for name in ("Alva", "Bo")]
    client = signed_in(factories.receptionist(centre))
    day = client.get(reverse("day")).content.decode()
    assert "10:00 Astmaskola, 2 av 2 platser tagna" in day and day.count("Astmaskola") >= 3
    page = client.get(reverse("group-session", args=[session.pk])).content.decode()
    assert "Alla har kommit" in page and "Alva" in page and "Bo" in page
    text = client.post(reverse("group-session-arrive", args=[session.pk]), follow=True).content.decode()
    assert "Ankomst registrerad för 2 deltagare" in text and "Alla har kommit" not in text
    assert {Appointment.objects.get(pk=row.pk).status for row in rows} == {"arrived"}


def test_seats_are_changed_the_session_is_moved_and_cancelled_on_its_page(client, nurse):
    """BO-02, PL-02, PL-08"""
    session = planned(nurse)
    booked(session), booked(session)
    address = reverse("group-session", args=[session.pk])
    few = {"step": "seats", "seats-name": "Astmaskola", "seats-seats": "1", "seats-extra_seats": "0"}
    answer = client.post(address, few)
    assert answer.status_code == 422 and "2 platser är redan tagna" in answer.content.decode()
    move = {
        "step": "move",
        "move-day": at_ten(9).date().isoformat(),
        "move-from_time": "9",
        "move-to_time": "10",
        "move-resources": [str(nurse.pk)],
    }
    text = client.post(address, move, follow=True).content.decode()
    assert "med alla deltagare" in text
    assert {row.start for row in Appointment.objects.all()} == {at_ten(9) - HOUR}
    assert client.post(address, {"step": "cancel", "cancel-reason": ""}).status_code == 422
    reception = signed_in(factories.receptionist(nurse.care_unit))
    assert reception.post(address, {"step": "cancel", "cancel-reason": "Sjuk"}).status_code == 403
    text = client.post(address, {"step": "cancel", "cancel-reason": "Ledaren är sjuk"}, follow=True).content.decode()
    assert "Inställt" in text and "2 deltagare att boka om" in text
    text = client.get(reverse("work-list", args=["rebooking"])).content.decode()
    assert text.count("Inställt: Astmaskola") == 2
    item = RebookingItem.objects.open().first()
    assert "Inställt: Astmaskola" in client.get(reverse("rebooking-move", args=[item.pk])).content.decode()


def move_to(nurse, day, version, clock="9"):
    return {
        "step": "move",
        "move-day": day.date().isoformat(),
        "move-from_time": clock,
        "move-to_time": str(int(clock) + 1),
        "move-resources": [str(nurse.pk)],
        "move-version": str(version),
    }


def test_the_second_who_changes_a_session_on_its_page_is_told_who_was_first(client, centre, nurse):
    """PL-27: nothing is overwritten. One's own repeated click does nothing and says nothing."""
    session = planned(nurse)
    row = booked(session)
    address = reverse("group-session", args=[session.pk])
    page = client.get(address).content.decode()
    for name in ("seats", "move", "cancel"):
        assert f'type="hidden" name="{name}-version" value="1"' in page
    first = move_to(nurse, at_ten(9), 1)
    client.post(address, first)
    again = client.post(address, first)
    assert (again.status_code, again.url) == (302, address)
    assert row.history.filter(event="rescheduled").count() == 1
    changer = session.__class__.objects.get(pk=session.pk).changed_by.name
    colleague = signed_in(factories.coordinator(centre))
    seats = {"step": "seats", "seats-name": "Ny", "seats-seats": "9", "seats-extra_seats": "0", "seats-version": "1"}
    cancel = {"step": "cancel", "cancel-reason": "Sjuk", "cancel-version": "1"}
    for late in (move_to(nurse, at_ten(10), 1), first, seats, cancel):
        answer = colleague.post(address, late)
        assert answer.status_code == 409 and f"Ändrad av {changer}" in answer.content.decode()
    session.refresh_from_db()
    assert (session.start, session.name, session.seats, session.status, session.version) == (
        at_ten(9) - HOUR, "Astmaskola", 2, "planned", 2,
    )  # fmt: skip
    assert colleague.post(address, seats | {"seats-version": "2"}).status_code == 302


def test_a_session_that_somebody_came_to_is_not_offered_to_be_moved(client, nurse, monkeypatch):
    """BO-02"""
    start = at_ten(0)
    monkeypatch.setattr("sdv.desk.views.group_sessions.now", lambda: start)
    session = planned(nurse, start=start, at=start - DAY)
    row = booked(session, at=start - DAY)
    address = reverse("group-session", args=[session.pk])
    assert "Flytta tillfället" in client.get(address).content.decode()
    appointments.arrive(appointment_id=row.pk, by=factories.UserFactory(), at=start)
    assert "Flytta tillfället" not in client.get(address).content.decode()
    answer = client.post(address, move_to(nurse, at_ten(9), 1))
    assert answer.status_code == 422 and "Någon har redan kommit" in answer.content.decode()
    session.refresh_from_db()
    assert session.start == start


def cancelled(session):
    sessions.cancel(session_id=session.pk, reason="Ledaren är sjuk", by=factories.UserFactory(), at=now())
    return RebookingItem.objects.open().get(session=session)


def test_whoever_lost_a_seat_is_offered_one_first_and_takes_it_with_one_choice(client, nurse):
    """PL-02, PL-08, BO-02: the same group is chosen beforehand; a time of one's own stands below. The second is told who
    was first (PL-27)."""
    session = planned(nurse)
    row = booked(session)
    other = planned(nurse, start=at_ten(8), name="Hjärtskola")
    same = planned(nurse, start=at_ten(9))
    item = cancelled(session)
    address = reverse("rebooking-move", args=[item.pk])
    page = client.get(address)
    values = [choice.value for choice in page.context["choices"]]
    assert values[:2] == [f"plats|{same.pk}", f"plats|{other.pk}"] and len(values) == 5
    assert page.context["chosen"] == values[0]
    hints = [choice.hint for choice in page.context["choices"]]
    assert hints[0] == "Astmaskola, 2 platser kvar, Sara Norén"
    assert {hint.partition(", ")[0] for hint in hints[2:]} == {"Egen tid"}
    seat = {"tid": values[0], "version": str(item.version)}
    text = client.post(address, seat, follow=True).content.decode()
    assert "Ombokad till Astmaskola" in text
    row.refresh_from_db()
    assert (row.session, row.start, row.seat.session) == (same, same.start, same)
    item.refresh_from_db()
    assert (item.decision, row.history.get(event="rescheduled").initiated_by) == ("rebooked", "provider")
    # One's own second click says nothing; a colleague's is told who was first, and moves nobody.
    assert client.post(address, seat).status_code == 302
    colleague = signed_in(factories.coordinator(nurse.care_unit))
    for late in (values[1], values[4]):
        told = colleague.post(address, {"tid": late, "version": str(item.version)})
        assert told.status_code == 409 and item.decided_by.name in told.content.decode()
    assert Appointment.objects.get(pk=row.pk).session == same


def test_whoever_has_a_seat_may_have_another_on_the_page_where_a_booking_is_moved(client, nurse):
    """PL-02, PL-08, BO-02: also after the session itself was moved. Full ones are not offered; one's own repeated click
    says nothing, and who has read an older version is told who was first (PL-27)."""
    session, full = planned(nurse), planned(nurse, start=at_ten(8), seats=1)
    row = booked(session)
    booked(full)
    other = planned(nurse, start=at_ten(10))
    by = {"by": factories.UserFactory(), "at": now()}
    sessions.move(session_id=session.pk, start=at_ten(9), end=at_ten(9) + HOUR, **by)
    address = reverse("appointment-reschedule", args=[row.pk])
    page = client.get(address)
    assert [each.pk for each in page.context["seats"]] == [other.pk]
    assert "Ta platsen" in page.content.decode() and 'id="kallelse-grupp"' in page.content.decode()
    seat = page.context["kept"] | {"step": "seat", "andrad_av": "patient", "version": str(page.context["version"])}
    assert client.post(address, seat | {"tillfalle": str(row.pk)}).status_code == 404
    refusal = client.post(address, seat | {"tillfalle": str(full.pk)})
    assert refusal.status_code == 409 and "är fullt" in refusal.content.decode()
    text = client.post(address, seat | {"tillfalle": str(other.pk)}, follow=True).content.decode()
    assert "Ombokad till Astmaskola" in text
    assert client.post(address, seat | {"tillfalle": str(other.pk)}).status_code == 302
    row.refresh_from_db()
    assert (row.session, row.start, row.seat.session) == (other, other.start, other)
    assert row.history.filter(event="rescheduled").last().initiated_by == "patient"
    colleague = signed_in(factories.coordinator(nurse.care_unit))
    last = row.history.select_related("by").last()
    told = colleague.post(address, seat | {"tillfalle": str(session.pk)})
    assert told.status_code == 409 and last.by.name in told.content.decode()
    assert Appointment.objects.get(pk=row.pk).session == other


def test_a_seat_that_somebody_took_is_told_with_what_is_still_free(client, nurse):
    """PL-07, PL-27, PL-08: the old seat is kept until another is had. Nothing is chosen that cannot be read."""
    session = planned(nurse)
    row = booked(session)
    full = planned(nurse, start=at_ten(8), seats=1)
    item = cancelled(session)
    address = reverse("rebooking-move", args=[item.pk])
    booked(full)
    answer = client.post(address, {"tid": f"plats|{full.pk}"})
    assert answer.status_code == 422 and "är fullt" in answer.content.decode()
    assert all(not choice.value.startswith("plats") for choice in answer.context["choices"])
    for unreadable in ("plats|", "plats|x", f"plats|{item.pk}", "|", "x|y", f"{nurse.pk}|2026-13-01"):
        assert client.post(address, {"tid": unreadable}).status_code == 422
    row.refresh_from_db()
    assert (row.session, row.seat.session) == (session, session)
    own = answer.context["choices"][0].value
    assert client.post(address, {"tid": own}).status_code == 302
    row.refresh_from_db()
    assert (row.kind, row.session) == ("individual", None)
    assert list(row.resources.all()) == [nurse]


def test_a_seat_is_taken_from_the_rebooking_list_by_rest(centre, nurse):
    """PL-02, PL-08, PL-27, BO-02"""
    caller = Caller(factories.staff(Role.COORDINATOR, centre))
    session, same = planned(nurse), planned(nurse, start=at_ten(9))
    elsewhere = planned(factories.ResourceFactory(care_unit=factories.HealthCentreFactory(), profession="Ssk"))
    row, item = booked(session), cancelled(session)
    path = f"rebooking-items/{item.pk}/"
    read = caller.get(path).json()
    assert [(seat["id"], seat["taken"]) for seat in read["seats"]] == [(str(same.pk), 0)]
    assert len(read["proposals"]) == 3
    for wrong in ({}, {"end": at_ten(3).isoformat()}, {"session": str(elsewhere.pk)}):
        refused(caller.post(f"{path}rebook/", wrong), 400)
    both = {"session": str(same.pk), "start": at_ten(3).isoformat(), "end": at_ten(3).isoformat()}
    refused(caller.post(f"{path}rebook/", both), 400)
    seat = {"session": str(same.pk)}
    refused(caller.post(f"{path}rebook/", seat, If_Match='"7"'), 412)
    done = caller.post(f"{path}rebook/", seat, If_Match=f'"{read["version"]}"').json()
    assert (done["status"], done["decision"], done["seats"]) == ("done", "rebooked", [])
    row.refresh_from_db()
    assert (row.session, row.seat.session, row.start) == (same, same, same.start)
    second = Caller(factories.staff(Role.COORDINATOR, centre))
    told = second.post(f"{path}rebook/", seat)
    refused(told, 409, rule="PL-02", code="already_done")
    assert told.json()["by"] == caller.user.name


def test_another_unit_s_session_is_not_here(client, nurse):
    other = factories.ResourceFactory(care_unit=factories.HealthCentreFactory(), profession="Ssk")
    session = planned(other)
    assert client.get(reverse("group-session", args=[session.pk])).status_code == 404
    assert client.post(reverse("group-session-arrive", args=[session.pk])).status_code == 404


def test_sessions_by_rest(centre, nurse):
    """BO-02, PL-06, PL-27"""
    caller = Caller(factories.staff(Role.COORDINATOR, centre))
    start = at_ten()
    body = {
        "care_unit": str(centre.pk),
        "name": "Astmaskola",
        "visit_type": "pv-ssk-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "start": start.isoformat(),
        "end": (start + HOUR).isoformat(),
        "seats": 1,
        "resources": [str(nurse.pk)],
    }
    made = caller.post("sessions/", body)
    assert made.status_code == 201, made.content
    session = made.json()
    assert (session["taken"], session["seats"], session["status"]) == (0, 1, "planned")
    refused(caller.post("sessions/", body), 409, rule="BO-01", code="slot_taken")
    path = f"sessions/{session['id']}/"
    first = caller.post(f"{path}participants/", {"patient": str(factories.patient().pk)})
    assert first.status_code == 201, first.content
    booking = first.json()
    assert (booking["kind"], booking["session"]) == ("group", session["id"])
    other = {"patient": str(factories.patient().pk)}
    refused(caller.post(f"{path}participants/", other), 409, rule="BO-02", code="session_full")
    refused(caller.post(f"{path}participants/", {}), 400)
    assert caller.patch(path, {"extra_seats": 1}, If_Match='"1"').json()["extra_seats"] == 1
    told = caller.patch(path, {"seats": 5}, If_Match='"1"')
    refused(told, 412)
    assert told.json()["by"] == caller.user.name
    extra = caller.post(f"{path}participants/", other | {"overbook": True}).json()
    assert extra["is_overbooked"] is True
    found = caller.get(f"appointments/?session={session['id']}").json()["results"]
    assert {row["id"] for row in found} == {booking["id"], extra["id"]}

    later = body | {"start": (start + DAY).isoformat(), "end": (start + DAY + HOUR).isoformat()}
    second = caller.post("sessions/", later).json()
    to_second = f"sessions/{second['id']}/participants/", {"appointment": extra["id"]}
    refused(caller.post(*to_second, If_Match='"9"'), 412)
    refused(caller.patch(path, {"seats": 1, "extra_seats": 0}), 409, rule="BO-02", code="seats_taken")
    moved = caller.post(*to_second, If_Match=f'"{extra["version"]}"').json()
    assert (moved["session"], moved["is_overbooked"]) == (second["id"], False)
    when = {"start": (start + HOUR).isoformat(), "end": (start + 2 * HOUR).isoformat()}
    assert caller.post(f"{path}move/", when, If_Match='"2"').json()["taken"] == 1
    assert caller.post(f"{path}cancel/", {"reason": "Ledaren är sjuk"}, If_Match='"3"').json()["status"] == "cancelled"
    items = caller.get("rebooking-items/").json()["results"]
    assert [(row["session"], row["absence"]) for row in items] == [(session["id"], None)]
    assert caller.get("sessions/?status=planned").json()["results"][0]["id"] == second["id"]
    assert caller.get(path).json()["cancel_reason"] == "Ledaren är sjuk"


def test_all_arrive_by_rest_and_who_cannot_is_told(centre, nurse):
    """BO-02"""
    start = at_ten(0)
    session = planned(nurse, start=start, at=start - DAY)
    row = booked(session, at=start - DAY)
    type(session).objects.filter(pk=session.pk).update(version=2)
    caller = Caller(factories.staff(Role.RECEPTIONIST, centre))
    answer = caller.post(f"sessions/{session.pk}/arrive/")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"arrived": [str(row.pk)], "refused": []}
