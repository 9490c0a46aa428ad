"""Väntrummet: a number at arrival, called in with one key, shown large; a protected person by number only; a screen that may
read nothing else (PL-17, PL-27, SK-02)."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from registration.actions import encounters, waiting_room
from registration.models import QueueTicket, WaitingScreen
from registration.presenters import called_as
from registration.type_choice import DROP_IN
from scheduling.actions import appointments
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from sdv.flows import correction, protection
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.desk.signed_in import signed_in
from tests.forms import fields

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def centre(db):
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


@pytest.fixture
def screen(centre):
    return waiting_room.add_screen(care_unit=centre.unit, name="Väntrum plan 2")


def arrived(centre, start=NOW, **fields):
    return centre.arrived(centre.patient(**fields), start).encounter


def call(centre, encounter, by=None, at=NOW, **fields):
    return waiting_room.call(encounter_id=encounter.pk, by=by or centre.nurse, at=at, **fields)


def refused(act, *args, **kwargs):
    with pytest.raises(RuleError) as error:
        act(*args, **kwargs)
    return error.value


# --- The number -------------------------------------------------------------------------------------------------------


def test_who_arrives_gets_the_units_next_number_of_the_day(centre, screen):
    """PL-17: booked and unbooked alike; the next day begins at one."""
    first, second = arrived(centre), arrived(centre, NOW + HALF_HOUR)
    third = encounters.register_unbooked(
        patient_id=centre.patient().pk, care_unit=centre.unit, situation=DROP_IN, visit_type=centre.nurse_visit,
        contact_reason=centre.reason, by=centre.nurse, at=NOW,
    )  # fmt: skip
    tomorrow = arrived(centre, NOW + DAY)
    told = [each.queue_ticket.number for each in (first, second, third, tomorrow)]
    assert told == [1, 2, 3, 1]
    with pytest.raises(IntegrityError), transaction.atomic():
        QueueTicket.objects.filter(encounter=first).update(number=2)


def test_without_a_screen_nobody_gets_a_number(centre):
    """PL-17: nor where the only one has been taken away, nor for a contact at a distance."""
    assert not QueueTicket.objects.filter(encounter=arrived(centre)).exists()
    screen, _ = waiting_room.add_screen(care_unit=centre.unit, name="Väntrum")
    WaitingScreen.objects.filter(pk=screen.pk).update(revoked_at=NOW)
    visit = arrived(centre, NOW + HALF_HOUR)
    assert not QueueTicket.objects.exists()
    error = refused(call, centre, visit)
    assert (error.rule, error.code) == ("PL-17", "no_number")


def test_an_arrival_that_is_undone_keeps_its_number_for_the_next(centre, screen):
    """PL-13, PL-17: no number is given twice in a day, and a call that was made is forgotten."""
    booking = centre.arrived(centre.patient())
    call(centre, booking.encounter)
    correction.undo_appointment(appointment_id=booking.pk, by=centre.nurse, at=NOW, reason="Fel patient")
    assert refused(call, centre, booking.encounter, again=True).code == "wrong_status"
    other = arrived(centre, NOW + HALF_HOUR)
    appointments.arrive(appointment_id=booking.pk, by=centre.nurse, at=NOW + MINUTE)
    ticket = QueueTicket.objects.get(encounter=booking.encounter)
    assert (ticket.number, ticket.called_at, other.queue_ticket.number) == (1, None, 2)


def test_who_comes_another_day_after_an_undone_arrival_gets_that_days_number(centre, screen):
    """PL-17: yesterday's number is somebody else's today."""
    booking = centre.arrived(centre.patient())
    correction.undo_appointment(appointment_id=booking.pk, by=centre.nurse, at=NOW, reason="Fel patient")
    appointments.reschedule(
        appointment_id=booking.pk,
        start=NOW + DAY + HALF_HOUR,
        end=NOW + DAY + 2 * HALF_HOUR,
        by=centre.nurse,
        at=NOW,
    )
    others = arrived(centre, NOW + DAY)
    appointments.arrive(appointment_id=booking.pk, by=centre.nurse, at=NOW + DAY + HALF_HOUR)
    ticket = QueueTicket.objects.get(encounter=booking.encounter)
    assert (others.queue_ticket.number, ticket.number, ticket.day) == (1, 2, others.queue_ticket.day)


# --- The call ---------------------------------------------------------------------------------------------------------


def test_one_is_called_by_number_and_once_more(centre, screen):
    """PL-17"""
    encounter = arrived(centre)
    ticket = call(centre, encounter, room=" Rum 3 ")
    assert (called_as(ticket), ticket.room, ticket.called_by, ticket.times_called) == ("Nr 1", "Rum 3", centre.nurse, 1)
    again = call(centre, encounter, by=centre.doctor, at=NOW + MINUTE, again=True)
    assert (again.room, again.called_by, again.times_called) == ("Rum 3", centre.doctor, 2)
    encounter.refresh_from_db()
    assert encounter.version == ticket.encounter.version + 1


def test_the_second_who_calls_is_told_who_was_first(centre, screen):
    """PL-27"""
    encounter = arrived(centre)
    call(centre, encounter, room="Rum 3")
    error = refused(call, centre, encounter, by=centre.doctor, at=NOW + MINUTE)
    assert (error.rule, error.code, error.by) == ("PL-17", "already_done", "Sara Norén")
    assert error.sentence == "Könummer 1 är redan inropat till Rum 3 09.00. Ropa igen om ingen kommer."
    assert QueueTicket.objects.get().times_called == 1


def test_by_first_name_where_the_patient_wants_it(centre, screen):
    """PL-17: one name, never the surname."""
    encounter = arrived(centre, given_name="Eva Maria", surname="Ek")
    assert called_as(call(centre, encounter, by_name=True)) == "Eva"
    assert called_as(call(centre, encounter, again=True)) == "Eva"
    assert called_as(call(centre, encounter, again=True, by_name=False)) == "Nr 1"


def test_a_protected_person_is_called_by_number_only(centre, screen):
    """PL-17, SK-02: also where the choice was made before the marking came."""
    encounter = arrived(centre, given_name="Eva")
    call(centre, encounter, by_name=True)
    protection.set_by_hand(patient_id=encounter.patient_id, ground="threat", by=centre.nurse, at=NOW)
    shown, _ = screen
    (ticket,) = QueueTicket.objects.shown_on(shown, since=NOW - MINUTE)
    assert called_as(ticket) == "Nr 1"
    assert refused(call, centre, encounter, again=True, by_name=True).code == "protected"


def test_who_has_not_come_or_has_been_seen_is_not_called(centre, screen):
    """PL-17"""
    booked = centre.book(centre.patient(), NOW + HALF_HOUR)
    assert refused(call, centre, booked.encounter).code == "wrong_status"
    assert not QueueTicket.objects.exists()


# --- The screen -------------------------------------------------------------------------------------------------------


def test_the_screen_shows_the_last_called_first_of_its_unit_and_room(centre, screen):
    """PL-17"""
    shown, _ = screen
    other, _ = waiting_room.add_screen(care_unit=centre.unit, name="Rum 5", room="Rum 5")
    first, second, third = (arrived(centre, NOW + n * HALF_HOUR) for n in range(3))
    call(centre, first, room="Rum 3")
    call(centre, second, room="Rum 5", at=NOW + MINUTE)
    call(centre, third, at=NOW - 20 * MINUTE)

    def words(of):
        return [called_as(ticket) for ticket in QueueTicket.objects.shown_on(of, since=NOW - 10 * MINUTE)]

    assert words(shown) == ["Nr 2", "Nr 1"]
    assert words(other) == ["Nr 2"]


def test_a_code_is_typed_as_people_type_and_is_kept_as_a_checksum(centre, screen):
    """PL-17"""
    shown, code = screen
    assert waiting_room.find_screen(waiting_room.read_code(f" {code.lower().replace('-', ' ')} ")) == shown
    assert code not in str(WaitingScreen.objects.values())
    assert waiting_room.find_screen("") is None
    assert waiting_room.find_screen("AAAA-AAAA-AAAA-AAAA") is None


def test_the_page_opens_with_the_code_alone_and_says_no_more_than_it_may(centre, screen):
    """PL-17, SK-02: no name, number of a person or code stands in it, its title or its address; nothing else opens."""
    shown, code = screen
    encounter = arrived(centre, given_name="Hodan", surname="Abdi")
    tv = Client()
    board, feed = reverse("waiting-screen"), reverse("waiting-screen-rows")
    with time_machine.travel(NOW, tick=False):
        call(centre, encounter, room="Rum 3")
        assert "Skärmens kod" in tv.get(board).content.decode()
        assert tv.get(feed).url == board
        assert "Koden gäller inte." in tv.post(board, {"code": "fel"}).content.decode()
        answer = tv.post(board, {"code": code.lower()})
        assert (answer.status_code, answer.url) == (302, board)
        cookie = answer.cookies["screen"]
        assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/skarm/", True, "Strict")
        page = tv.get(board).content.decode()
        assert "Nr 1" in page
        assert "Rum 3" in page
        for secret in ("Hodan", "Abdi", "11898", code):
            assert secret not in page
        version = page.partition('data-version="')[2].partition('"')[0]
        assert tv.get(feed, {"version": version}).status_code == 204
        call(centre, encounter, again=True)
        fresh = tv.get(feed, {"version": version}, headers={"HX-Request": "true"})
        assert (fresh.status_code, "Nr 1" in fresh.content.decode()) == (200, True)
        assert tv.get(reverse("day")).status_code == 302
        WaitingScreen.objects.filter(pk=shown.pk).update(revoked_at=NOW)
        assert tv.get(feed).url == board
        assert "Skärmens kod" in tv.get(board).content.decode()


def test_from_dagens_besok_one_key_calls_and_the_list_says_so(centre, screen):
    """PL-17: the room is remembered for the session; a call is logged as a reading of the patient."""
    first, second = arrived(centre), arrived(centre, NOW + HALF_HOUR)
    desk = signed_in(centre.staff(Role.RECEPTIONIST))
    with time_machine.travel(NOW, tick=False):
        page = desk.get(reverse("day")).content.decode()
        assert page.count('data-key="K"') == 2
        desk.post(reverse("encounter-call", args=[first.pk]), {"val": "1", "room": "Rum 3", "by_name": "on"})
        desk.post(reverse("encounter-call", args=[second.pk]))
        page = desk.get(reverse("day")).content.decode()
    told = [(called_as(ticket), ticket.room) for ticket in QueueTicket.objects.order_by("number")]
    assert told == [("Hodan", "Rum 3"), ("Nr 2", "Rum 3")]
    assert "Nr 1 inropad 09:00 Rum 3" in page
    assert "Ropa igen" in page
    assert AccessLogEntry.objects.filter(what="inropad").count() == 2


def test_another_units_patient_is_not_called(centre, screen):
    """PL-17"""
    other = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Söder")
    desk = signed_in(other.staff(Role.RECEPTIONIST, username="soder"))
    assert desk.post(reverse("encounter-call", args=[arrived(centre).pk])).status_code == 404
    assert QueueTicket.objects.get().times_called == 0


def test_the_administration_shows_a_screens_code_once(centre):
    """PL-17"""
    desk = signed_in(centre.staff(Role.CATALOGUE_ADMIN))
    address = reverse("admin:registration_waitingscreen_add")
    page = desk.post(address, {"care_unit": str(centre.unit.pk), "name": "Väntrum", "room": ""}, follow=True)
    code = page.content.decode().partition("Skärmens kod: ")[2][:19]
    assert waiting_room.find_screen(code) == WaitingScreen.objects.get()
    assert code not in desk.get(reverse("admin:registration_waitingscreen_changelist")).content.decode()
    listed = reverse("admin:registration_waitingscreen_changelist")
    asked = desk.post(listed, {"action": "revoke", "_selected_action": [str(WaitingScreen.objects.get().pk)]})
    assert waiting_room.find_screen(code) is not None
    desk.post(listed, fields(asked.content.decode()))
    assert waiting_room.find_screen(code) is None
