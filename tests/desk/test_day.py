"""Dagens besök: what the list shows and to whom, and the moves made from it (ui.md 4.2; VH-07, VH-11, PL-03, PL-27)."""

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registration import lifecycle
from registration.models import Encounter, Patient
from registration.type_choice import CONTACT_WITHOUT_VISIT
from scheduling.actions import appointments
from scheduling.models import Appointment, AppointmentStatus, NoShowItem
from sdv.accounts.middleware import ASSIGNMENT_KEY
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import STOCKHOLM, local, local_date, now
from tests import factories
from tests.factories import (
    EmergencyDepartmentFactory,
    HealthCentreFactory,
    SpecialisedClinicFactory,
    arrived_visit,
    booked_visit,
    cancelled_visit,
    clinician,
    contact_reason,
    coordinator,
    no_show,
    open_commitment,
    patient,
    protected_patient,
    receptionist,
    staff,
    unbooked_visit,
    visit_type,
)

from .signed_in import signed_in

pytestmark = pytest.mark.django_db

TEN = datetime(2026, 11, 24, 10, 0, tzinfo=STOCKHOLM)
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/dagen/"}


@pytest.fixture(autouse=True)
def clock():
    """A Tuesday at ten. The clock runs: keys and history are in the order of time."""
    with time_machine.travel(TEN, tick=True) as traveller:
        yield traveller


@pytest.fixture
def unit():
    return HealthCentreFactory()


@pytest.fixture
def desk(client, unit):
    """A receptionist of the unit at work."""
    return at_work(client, receptionist(unit))


def at_work(client, user):
    client.force_login(user)
    session = client.session
    session[ASSIGNMENT_KEY] = str(user.assignments.get().pk)
    session.save()
    client.user = user
    return client


def row(html, appointment_or_encounter):
    """The row's HTML; None where the list has no such row."""
    pk = getattr(appointment_or_encounter, "encounter_id", None) or appointment_or_encounter.pk
    found = re.search(rf'<tr id="rad-{pk}".*?</tr>', html, re.DOTALL)
    return found[0] if found else None


def page(client, **query):
    answer = client.get(reverse("day"), query)
    assert answer.status_code == 200
    return answer.content.decode()


# --- What the list shows --------------------------------------------------------------------------------------------


def test_the_day_shows_every_visit_of_the_unit_in_its_state(desk, unit):
    early = TEN - timedelta(hours=2)
    visits = {
        "Väntas": booked_visit(care_unit=unit, at=early, start=TEN + timedelta(minutes=30)),
        "Ankommen": arrived_visit(care_unit=unit, at=early, start=TEN, arrived_at=TEN),
        "Utebliven": no_show(care_unit=unit, at=early, start=early),
        "Avbokad": cancelled_visit(care_unit=unit, at=early, start=TEN + timedelta(hours=3)),
        "Pågår": unbooked_visit(care_unit=unit, at=TEN),
    }
    html = page(desk)
    for label, visit in visits.items():
        assert label in row(html, visit), label
    assert "<b>5</b> Alla" in html and "<b>1</b> Väntas" in html and "<b>1</b> Avbokade" in html
    assert 'class="done off"' in row(html, visits["Avbokad"])
    assert 'class="done"' in row(html, visits["Utebliven"])
    assert "Oplanerat" in row(html, visits["Pågår"])


def test_other_days_and_other_units_stay_out(desk, unit):
    here = booked_visit(care_unit=unit, at=TEN)
    tomorrow = booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(days=1))
    elsewhere = booked_visit(at=TEN)
    html = page(desk)
    assert row(html, here) and not row(html, tomorrow) and not row(html, elsewhere)
    assert row(page(desk, dag="2026-11-25"), tomorrow)
    assert desk.get(reverse("day-row", args=[elsewhere.encounter_id])).status_code == 404


def test_a_date_that_cannot_be_read_means_today(desk):
    assert "tisdag 24 november 2026" in page(desk, dag="31/13")
    assert "onsdag 25 november 2026" in page(desk, dag="+1d")


def test_chips_and_caregiver_filter_the_rows_but_not_the_counts(desk, unit):
    waits = booked_visit(care_unit=unit, at=TEN)
    here = arrived_visit(care_unit=unit, at=TEN, start=TEN + timedelta(hours=2))
    html = page(desk, visa="ankomna")
    assert row(html, here) and not row(html, waits) and "<b>2</b> Alla" in html
    who = here.resources.get().practitioner
    assert row(page(desk, vardgivare=f"A. {who.surname}"), waits)
    empty = page(desk, vardgivare="B. Ingen")
    assert "Inga besök den här dagen med detta filter." in empty and not row(empty, waits)


def test_an_empty_day_offers_an_unplanned_visit(desk):
    html = page(desk)
    assert "Inga besök bokade den här dagen." in html and reverse("drop-in") in html


def test_who_has_waited_more_than_a_quarter_is_marked(desk, unit, clock):
    visit = arrived_visit(care_unit=unit, at=TEN, start=TEN + timedelta(minutes=5), arrived_at=TEN)
    clock.move_to(TEN + timedelta(minutes=20))
    assert "Väntat" not in row(page(desk), visit)
    clock.move_to(TEN + timedelta(minutes=23))
    assert "Väntat 18 min" in row(page(desk), visit)


def test_a_line_stands_at_the_present_moment(desk, unit):
    past = booked_visit(care_unit=unit, at=TEN - timedelta(hours=3), start=TEN - timedelta(hours=1))
    coming = booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(hours=1))
    html = page(desk)
    assert "nowline" in row(html, coming) and "nowline" not in row(html, past)
    assert "nowline" not in page(desk, dag="2026-11-25")


def test_a_protected_person_is_shown_by_the_marking_and_the_number_alone(desk, unit):
    """SK-02, SK-05: nothing else of the person is in the page, hidden or not."""
    who = protected_patient(given_name="Hemliga", surname="Namnet", interpreter_language="ryska")
    visit = booked_visit(care_unit=unit, patient=who, at=TEN)
    number = who.identities.get().value
    html = page(desk, vald=visit.encounter_id)
    shown = row(html, visit)
    assert "Sekretessmarkering" in shown and f"{number[:8]}-{number[8:]}" in shown and "Skyddad" in shown
    assert "Hemliga" not in html and "Namnet" not in html and "ryska" not in html and "Tolk" not in shown


def test_identity_numbers_are_hidden_by_one_press(desk, unit):
    visit = booked_visit(care_unit=unit, at=TEN)
    number = visit.patient.identities.get().value
    shown = f"{number[:8]}-{number[8:]}"
    assert shown in row(page(desk), visit)
    answer = desk.post(reverse("hide-identities"), {"next": "/dagen/?visa=vantas"})
    assert answer.headers["Location"] == "/dagen/?visa=vantas"
    assert shown not in row(page(desk), visit) and "Dolt" in row(page(desk), visit)


def test_the_reason_for_the_visit_is_not_in_the_list(desk, unit):
    """ui.md 4.2: never diagnosis or reason, only the type."""
    visit = booked_visit(care_unit=unit, at=TEN)
    html = page(desk, vald=visit.encounter_id)
    assert contact_reason().name not in html and "Pv Ssk Återbesök" in row(html, visit)


def test_the_chosen_row_is_shown_beside_the_list_with_band_and_arrival(desk, unit):
    visit = booked_visit(care_unit=unit, at=TEN, patient=patient(given_name="Göran", surname="Ek"))
    html = page(desk, vald=visit.encounter_id)
    assert 'aria-label="Vald patient"' in html and "Registrera ankomst" in html and "Ek, Göran" in html
    assert 'aria-current="true"' in row(html, visit)
    fragment = desk.get(reverse("day-row", args=[visit.encounter_id]), headers=HTMX).content.decode()
    assert "Registrera ankomst" in fragment and "<html" not in fragment
    plain = desk.get(reverse("day-row", args=[visit.encounter_id]))
    assert plain.headers["Location"] == f"/dagen/?vald={visit.encounter_id}"


def test_the_page_title_never_names_anybody(desk, unit):
    visit = booked_visit(care_unit=unit, at=TEN)
    assert "<title>Dagens besök – SDV Registrering</title>" in page(desk, vald=visit.encounter_id)


# --- Reading is logged, and cheap -----------------------------------------------------------------------------------


def test_every_patient_of_the_list_is_logged_in_one_statement(desk, unit):
    visits = [booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(minutes=30 * each)) for each in range(3)]
    with CaptureQueriesContext(connection) as queries:
        page(desk)
    written = [each for each in queries if "INSERT INTO accounts_accesslogentry" in each["sql"]]
    assert len(written) == 1
    logged = AccessLogEntry.objects.filter(what="dagens besök", user=desk.user)
    assert {entry.patient_id for entry in logged} == {visit.patient_id for visit in visits}


def test_three_hundred_visits_with_history_behind_them_take_few_queries(desk, unit):
    booked_visit(care_unit=unit, at=TEN)
    page(desk)
    with CaptureQueriesContext(connection) as few:
        page(desk)
    template = booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(hours=2))
    many_like(template, 300)
    page(desk)
    with CaptureQueriesContext(connection) as many:
        html = page(desk)
    assert html.count('<tr id="rad-') == 302
    assert len(many) == len(few)
    # Session, user, assignment; version, bookings, unbooked, identities; group sessions; access log; days not closed; what the menu counts.
    assert len(many) <= 10 + 2, "\n".join(each["sql"][:150] for each in many)


def many_like(visit, count):
    """Copies of a booked visit for as many new patients, made in bulk."""
    people, contacts, bookings = [], [], []
    for number in range(count):
        who = Patient(given_name="Per", surname=f"Prov {number}", sex="1")
        contact = Encounter.objects.get(pk=visit.encounter_id)
        booking = Appointment.objects.get(pk=visit.pk)
        contact.pk, booking.pk = Encounter().pk, Appointment().pk
        contact.number = 10_000_000 + number
        contact.patient = booking.patient = who
        booking.encounter = contact
        people.append(who)
        contacts.append(contact)
        bookings.append(booking)
    Patient.objects.bulk_create(people)
    Encounter.objects.bulk_create(contacts)
    Appointment.objects.bulk_create(bookings)


# --- Live -----------------------------------------------------------------------------------------------------------


def poll(client, version, **query):
    return client.get(reverse("day-rows"), {"version": version} | query, headers={"HX-Request": "true", "X-Poll": "1"})


def version_of(html):
    return re.search(r'data-version="(\w+)"', html)[1]


def test_a_poll_answers_204_until_something_changes(desk, unit, clock):
    visit = booked_visit(care_unit=unit, at=TEN)
    version = version_of(page(desk))
    assert poll(desk, version).status_code == 204
    appointments.arrive(appointment_id=visit.pk, by=None, at=now())
    changed = poll(desk, version)
    assert changed.status_code == 200
    html = changed.content.decode()
    assert html.lstrip().startswith("<tbody") and "Ankommen" in row(html, visit) and 'id="chips"' in html
    assert poll(desk, version_of(html)).status_code == 204


def test_a_poll_notices_a_new_visit_a_drop_in_and_a_new_protection(desk, unit):
    visit = booked_visit(care_unit=unit, at=TEN)
    version = version_of(page(desk))

    def moved():
        nonlocal version
        answer = poll(desk, version)
        version = version_of(answer.content.decode()) if answer.status_code == 200 else version
        return answer.status_code == 200

    unbooked_visit(care_unit=unit, at=TEN)
    assert moved() and not moved()
    booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(hours=4))
    assert moved() and not moved()
    Patient.objects.filter(pk=visit.patient_id).update(protection="sekretessmarkering", version=2)
    assert moved() and not moved()


def test_a_poll_notices_that_somebody_has_waited_too_long(desk, unit, clock):
    arrived_visit(care_unit=unit, at=TEN, start=TEN, arrived_at=TEN)
    version = version_of(page(desk))
    clock.move_to(TEN + timedelta(minutes=10))
    assert poll(desk, version).status_code == 204
    clock.move_to(TEN + timedelta(minutes=16))
    assert poll(desk, version).status_code == 200


def test_an_unchanged_poll_costs_one_query_beyond_the_session_and_is_no_activity(desk, unit, clock):
    booked_visit(care_unit=unit, at=TEN)
    version = version_of(page(desk))
    seen = desk.session["seen"]
    clock.move_to(TEN + timedelta(minutes=3))
    with CaptureQueriesContext(connection) as queries:
        assert poll(desk, version).status_code == 204
    assert len(queries) <= 4, "\n".join(each["sql"][:120] for each in queries)
    assert desk.session["seen"] == seen


def test_a_poll_logs_only_who_was_not_in_the_list_before(desk, unit):
    booked_visit(care_unit=unit, at=TEN)
    version = version_of(page(desk))
    before = AccessLogEntry.objects.count()
    new = unbooked_visit(care_unit=unit, at=TEN)
    poll(desk, version)
    assert [entry.patient_id for entry in AccessLogEntry.objects.order_by("id")[before:]] == [new.patient_id]


def test_a_poll_after_the_session_ended_gets_401(client, unit):
    answer = client.get(reverse("day-rows"), headers={"HX-Request": "true", "X-Poll": "1"})
    assert answer.status_code == 401 and answer.headers["HX-Redirect"].startswith(reverse("login"))


# --- Arrival --------------------------------------------------------------------------------------------------------


def test_arrival_from_the_list_is_one_post_with_the_usual_identity_preset(desk, unit):
    """PL-03, PA-09, VH-07."""
    visit = booked_visit(care_unit=unit, at=TEN)
    answer = desk.post(reverse("appointment-arrive", args=[visit.pk]))
    assert answer.status_code == 302 and answer.headers["Location"] == f"/dagen/?vald={visit.encounter_id}"
    visit.refresh_from_db()
    encounter = visit.encounter
    assert (visit.status, encounter.status, encounter.type_id) == ("arrived", "in_progress", lifecycle.PRIMARY_CARE)
    assert (encounter.identity_shown, encounter.start) == ("Legitimation", TEN)
    html = page(desk)
    assert "Ankomst registrerad för" in html and reverse("appointment-undo", args=[visit.pk]) in html


def test_arrival_by_htmx_answers_with_the_row_the_receipt_the_counts_and_the_panel(desk, unit):
    visit = booked_visit(care_unit=unit, at=TEN)
    html = desk.post(reverse("appointment-arrive", args=[visit.pk]), headers=HTMX).content.decode()
    assert html.lstrip().startswith("<tr") and "Ankommen" in row(html, visit) and "<html" not in html
    assert 'id="receipt"' in html and "Ankomst registrerad för" in html
    assert 'hx-target="#chips"' in html and "<b>1</b> Ankomna" in html and 'hx-target="#detalj"' in html


def test_the_same_click_twice_says_nothing_a_colleagues_is_named(desk, unit, client):
    """PL-27."""
    visit = booked_visit(care_unit=unit, at=TEN)
    address = reverse("appointment-arrive", args=[visit.pk])
    assert desk.post(address).status_code == 302
    assert desk.post(address).status_code == 302
    assert visit.encounter.history.filter(move="arrive").count() == 1
    first = desk.user.name
    second = at_work(client, receptionist(unit))
    refused = second.post(address)
    assert refused.status_code == 409
    assert "redan registrerad" in refused.content.decode() and first in refused.content.decode()


def test_the_true_time_of_an_arrival_is_entered_afterwards(desk, unit):
    """PL-15: noted on paper, entered later; the history says when it was registered. Refusals change nothing."""
    visit = booked_visit(care_unit=unit, at=TEN)
    address = reverse("appointment-arrive", args=[visit.pk])
    for words, sentence in (
        ({"clock": "10:20"}, "Tiden har inte kommit än."),
        ({"clock": "nio"}, "Tiden går inte att läsa."),
        ({"day": "2026-11-24"}, "Skriv också klockslaget."),
    ):
        refused = desk.post(address, words)
        assert refused.status_code == 422 and sentence in refused.content.decode(), words
    early = desk.post(address, {"clock": "09:30", "day": "2026-11-23"})
    assert early.status_code == 409 and "VH-07" in early.content.decode()
    visit.refresh_from_db()
    assert (visit.status, visit.encounter.history.count()) == ("booked", 1)
    assert desk.post(address, {"clock": "0941"}, headers=HTMX).status_code == 200
    visit.encounter.refresh_from_db()
    assert local(visit.encounter.start) == datetime(2026, 11, 24, 9, 41, tzinfo=STOCKHOLM)
    move = visit.encounter.history.get(move="arrive")
    assert (move.at, local_date(move.registered_at)) == (visit.encounter.start, local_date(now()))
    events = desk.get(reverse("encounter", args=[visit.encounter_id])).context["events"]
    (told,) = (event for event in events if event.text == "Ankomstregistrering")
    assert told.detail.rpartition("; ")[2] == "registrerat 2026-11-24 10:00"


def test_yesterday_s_arrival_is_asked_for_its_time(client, unit, clock):
    """PL-15, PL-03: one key never registers today what was yesterday; the visit ends on its own day (VH-17)."""
    visit = booked_visit(care_unit=unit, at=TEN)
    clock.move_to(TEN + timedelta(days=1))
    desk = at_work(client, receptionist(unit))
    address = reverse("appointment-arrive", args=[visit.pk])
    shown = row(page(desk, dag="2026-11-24"), visit)
    assert address not in shown and f"vald={visit.encounter_id}" in shown
    asked = desk.get(reverse("day-row", args=[visit.encounter_id]) + "?fraga", headers=HTMX).content.decode()
    assert '<details class="stack" open>' in asked and re.search(r'<input[^>]*name="clock"[^>]*data-focus', asked)
    refused = desk.post(address)
    assert refused.status_code == 422 and "Besöket var bokat 2026-11-24." in refused.content.decode()
    assert desk.post(address, {"clock": "10:05"}).status_code == 302
    visit.encounter.refresh_from_db()
    assert local(visit.encounter.start) == datetime(2026, 11, 24, 10, 5, tzinfo=STOCKHOLM)


def test_without_a_personal_number_the_list_asks_before_it_registers(desk, unit):
    """PA-09: for a samordningsnummer also that Skatteverket issued it."""
    who = patient(identity="194103692382")
    assert who.identities.get().kind == "samordningsnummer"
    visit = booked_visit(care_unit=unit, patient=who, at=TEN)
    shown = row(page(desk), visit)
    assert reverse("appointment-arrive", args=[visit.pk]) not in shown and f"vald={visit.encounter_id}" in shown
    asked = desk.get(reverse("day-row", args=[visit.encounter_id]) + "?fraga", headers=HTMX).content.decode()
    assert "data-focus" in asked and "bevis från Skatteverket" in asked


def test_the_dead_are_marked_and_no_arrival_is_offered(desk, unit):
    """AV-02."""
    visit = booked_visit(care_unit=unit, at=TEN)
    Patient.objects.filter(pk=visit.patient_id).update(deceased_on=TEN.date(), deceased_registered_at=TEN)
    html = page(desk, vald=visit.encounter_id)
    assert "Avliden" in row(html, visit) and "Registrera ankomst" not in html
    assert desk.post(reverse("appointment-arrive", args=[visit.pk])).status_code == 409


def test_tomorrows_visit_cannot_arrive_today_and_the_list_does_not_offer_it(desk, unit):
    visit = booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(days=1))
    assert "Ankomst" not in row(page(desk, dag="2026-11-25"), visit)
    refused = desk.post(reverse("appointment-arrive", args=[visit.pk]), headers=HTMX)
    assert refused.status_code == 409 and "VH-07" in refused.content.decode()
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED


def test_another_units_booking_is_not_found(desk):
    visit = booked_visit(at=TEN)
    for name in ("appointment-arrive", "appointment-no-show", "appointment-undo", "appointment-cancel"):
        assert desk.post(reverse(name, args=[visit.pk])).status_code == 404
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED


def test_a_manager_sees_the_day_but_registers_nothing(client, unit):
    manager = at_work(client, staff(Role.MANAGER, unit))
    visit = booked_visit(care_unit=unit, at=TEN)
    assert "Ankomst<" not in row(page(manager), visit)
    assert manager.post(reverse("appointment-arrive", args=[visit.pk])).status_code == 403
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED


# --- Undo -----------------------------------------------------------------------------------------------------------


def test_an_arrival_is_taken_back_within_five_minutes_by_whoever_registered_it(desk, unit, clock):
    """PL-13."""
    visit = booked_visit(care_unit=unit, at=TEN)
    desk.post(reverse("appointment-arrive", args=[visit.pk]))
    clock.move_to(TEN + timedelta(minutes=4))
    assert desk.post(reverse("appointment-undo", args=[visit.pk])).status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.encounter.status) == ("booked", "planned")
    html = page(desk)
    assert "Ankomsten ångrad för" in html and "Ångra<" not in html


def test_later_it_is_for_those_who_correct_and_they_say_why(desk, unit, clock, client):
    """PL-13."""
    visit = booked_visit(care_unit=unit, at=TEN)
    address = reverse("appointment-undo", args=[visit.pk])
    desk.post(reverse("appointment-arrive", args=[visit.pk]))
    clock.move_to(TEN + timedelta(minutes=7))
    refused = desk.post(address)
    assert refused.status_code == 409 and "mer än fem minuter" in refused.content.decode()
    corrector = at_work(client, coordinator(unit))
    asked = corrector.post(address)
    assert asked.status_code == 409 and "Ange varför du ångrar" in asked.content.decode()
    assert corrector.post(address, {"reason": "Fel patient", "overrule": "1"}).status_code == 302
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED
    assert visit.encounter.history.order_by("-id").first().reason == "Fel patient"


# --- No-show and cancellation ---------------------------------------------------------------------------------------


def test_a_no_show_can_be_registered_once_the_time_has_passed_and_undone(desk, unit, clock):
    """VH-11, PL-05."""
    visit = booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(minutes=30))
    address = reverse("appointment-no-show", args=[visit.pk])
    assert address not in page(desk, vald=visit.encounter_id)
    assert desk.post(address).status_code == 409
    clock.move_to(TEN + timedelta(minutes=29))
    desk.get(reverse("day"))
    clock.move_to(TEN + timedelta(minutes=45))
    assert address in page(desk, vald=visit.encounter_id)
    assert desk.post(address).status_code == 302
    assert desk.post(address).status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.encounter.type_id) == ("no_show", lifecycle.NO_SHOW_TYPE)
    assert NoShowItem.objects.open().filter(encounter=visit.encounter_id).count() == 1
    assert desk.post(reverse("appointment-undo", args=[visit.pk])).status_code == 302
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED
    assert not NoShowItem.objects.open().filter(encounter=visit.encounter_id).exists()


def test_a_colleagues_no_show_is_told_with_the_colleagues_name(desk, unit, clock, client):
    """PL-27."""
    visit = booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(minutes=5))
    clock.move_to(TEN + timedelta(minutes=45))
    address = reverse("appointment-no-show", args=[visit.pk])
    desk.post(address)
    first = desk.user.name
    refused = at_work(client, receptionist(unit)).post(address)
    assert refused.status_code == 409 and first in refused.content.decode()


def test_the_cancel_dialog_tells_beforehand_what_becomes_utebliven(desk, unit):
    """VH-11: told before anything is saved."""
    soon = booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(hours=23))
    later = booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(hours=24))
    told = "mindre än 24 timmar kvar"
    assert told in desk.get(reverse("appointment-cancel", args=[soon.pk])).content.decode()
    assert told not in desk.get(reverse("appointment-cancel", args=[later.pk])).content.decode()
    fragment = desk.get(reverse("appointment-cancel", args=[soon.pk]), headers=HTMX).content.decode()
    assert "<html" not in fragment and "kan inte ångras" in fragment


@pytest.mark.parametrize(
    ("who", "hours", "status"),
    [("patient", 23, "no_show"), ("provider", 23, "cancelled"), ("patient", 24, "cancelled")],
)
def test_a_cancellation_says_who_and_why_and_follows_the_24_hour_rule(desk, unit, who, hours, status):
    """VH-11, BO-03, PL-09."""
    visit = booked_visit(care_unit=unit, at=TEN, start=TEN + timedelta(hours=hours))
    answer = desk.post(
        reverse("appointment-cancel", args=[visit.pk]),
        {"cancelled_by": who, "reason": "Sjuk", "version": visit.version},
    )
    assert answer.status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.cancelled_by, visit.cancel_reason) == (status, who, "Sjuk")
    assert "Ångra<" not in desk.get(answer.headers["Location"]).content.decode()


def test_a_cancellation_without_who_or_why_is_asked_again_and_changes_nothing(desk, unit):
    visit = booked_visit(care_unit=unit, at=TEN)
    answer = desk.post(reverse("appointment-cancel", args=[visit.pk]), {"version": visit.version}, headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 422 and "<html" not in html
    assert "Ange vem som avbokar" in html and "Ange orsaken till avbokningen." in html
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED


def test_a_cancellation_of_what_somebody_changed_is_a_conflict(desk, unit):
    visit = booked_visit(care_unit=unit, at=TEN)
    data = {"cancelled_by": "provider", "reason": "Sjuk", "version": visit.version + 1}
    assert desk.post(reverse("appointment-cancel", args=[visit.pk]), data).status_code == 409
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED


# --- Contacts without a booking -------------------------------------------------------------------------------------


def drop_in(client, **data):
    given = {
        "situation": "drop-in",
        "visit_type": visit_type().pk,
        "contact_reason": contact_reason().pk,
        "identity_shown": "Legitimation",
    }
    return client.post(reverse("drop-in"), given | data)


def test_a_drop_in_is_registered_by_number_type_and_reason(desk, unit):
    """VH-03e, VO-01."""
    who = patient()
    number = who.identities.get().value
    answer = drop_in(desk, identity=f"{number[2:8]}-{number[8:]}")
    contact = Encounter.objects.get(patient=who)
    assert answer.headers["Location"] == f"/dagen/?vald={contact.pk}"
    assert (contact.type_id, contact.status, contact.start) == (lifecycle.PRIMARY_CARE, "in_progress", TEN)
    assert (contact.visit_type, contact.contact_reason) == (visit_type(), contact_reason())
    assert "Oplanerat besök registrerat för" in page(desk)


def test_a_drop_in_is_registered_on_a_caregiver_and_a_clinician_is_preset(unit):
    """BO-02, VH-04"""
    nurse = factories.ResourceFactory(care_unit=unit, profession="Ssk").practitioner
    clinician = factories.staff(Role.CLINICIAN, unit)
    own = factories.PractitionerFactory(user=clinician)
    desk = signed_in(clinician)
    assert desk.get(reverse("drop-in")).context["form"]["responsible"].value() == own.pk
    drop_in(desk, patient=factories.patient().pk, responsible=nurse.pk)
    (part,) = unit.encounters.get().participants.all()
    assert (part.practitioner, part.is_main_responsible) == (nurse, True)
    elsewhere = factories.PractitionerFactory()
    assert drop_in(desk, patient=factories.patient().pk, responsible=elsewhere.pk).status_code == 422
    assert unit.encounters.count() == 1


def test_a_contact_without_visit_says_its_form_and_whether_it_replaces_one(desk, unit):
    """VH-03d, DI-01, DI-02."""
    who = patient()
    number = who.identities.get().value
    asked = drop_in(desk, identity=number, situation="utan-besok")
    assert asked.status_code == 422 and "DI-01" in asked.content.decode()
    assert not Encounter.objects.filter(patient=who).exists()
    drop_in(desk, identity=number, situation="utan-besok", contact_form="phone", replaces_visit="ja")
    contact = Encounter.objects.get(patient=who)
    assert (contact.type_id, contact.contact_form, contact.replaces_visit) == (
        lifecycle.CONTACT_WITHOUT_VISIT,
        "phone",
        True,
    )
    assert CONTACT_WITHOUT_VISIT and local_date(contact.start) == TEN.date()


def test_a_number_nobody_has_is_told_and_nothing_is_registered(desk, unit):
    answer = drop_in(desk, identity="19121212-1212")
    assert answer.status_code == 422 and "Ingen patient har det numret" in answer.content.decode()
    assert not Encounter.objects.exists()


def test_a_reason_that_is_not_linked_to_the_visit_type_is_refused(desk, unit):
    """VO-02."""
    unlinked = visit_type("Pv Ssk Återbesök").reason_links.values("contact_reason")
    other = type(contact_reason()).objects.exclude(pk__in=unlinked).exclude(is_for_all_visit_types=True).first()
    who = patient()
    answer = drop_in(desk, identity=who.identities.get().value, contact_reason=other.pk)
    assert answer.status_code == 422 and "Orsaken kan inte väljas" in answer.content.decode()
    assert not Encounter.objects.filter(patient=who).exists()


def test_choosing_a_visit_type_shows_its_reasons_and_saves_nothing(desk, unit):
    answer = desk.post(
        reverse("drop-in"), {"step": "fill", "visit_type": visit_type().pk, "identity": ""}, headers=HTMX
    )
    html = answer.content.decode()
    assert answer.status_code == 200 and contact_reason().name in html and "<html" not in html
    assert "Skriv patientens personnummer." not in html


def test_at_a_specialist_clinic_a_drop_in_needs_a_commitment(client):
    """VH-08."""
    clinic = SpecialisedClinicFactory()
    desk, who = at_work(client, receptionist(clinic)), patient()
    given = {"identity": who.identities.get().value, "visit_type": visit_type("Sp Läk Återbesök").pk}
    refused = drop_in(desk, **given)
    assert refused.status_code == 409 and "VH-08" in refused.content.decode()
    assert not Encounter.objects.filter(patient=who).exists()
    commitment = open_commitment(patient=who, care_unit=clinic)
    assert drop_in(desk, **given).status_code == 302
    assert Encounter.objects.get(patient=who).commitment == commitment


def test_an_emergency_department_registers_an_arrival_with_an_unspecified_reason(client):
    """VH-03c, VO-03: it books nothing and has no besökstyper."""
    desk, who = at_work(client, receptionist(EmergencyDepartmentFactory())), patient()
    html = desk.get(reverse("drop-in")).content.decode()
    assert "Akut ankomst" in html and "Besökstyp<" not in html and "Visa valbara orsaker" not in html
    given = {"identity": who.identities.get().value, "situation": "akut", "visit_type": ""}
    assert drop_in(desk, **given).status_code == 302
    contact = Encounter.objects.get(patient=who)
    assert (contact.type_id, contact.visit_type, contact.contact_reason) == (
        lifecycle.EMERGENCY,
        None,
        contact_reason(),
    )


def test_a_contact_by_phone_is_begun_rather_than_arrived(desk, unit):
    """VH-07."""
    visit = booked_visit(care_unit=unit, at=TEN, visit_type="Pv Ssk Telefon Återbesök")
    html = page(desk, vald=visit.encounter_id)
    assert "Påbörja<" in row(html, visit) and "Påbörja kontakten" in html and "Telefon" in row(html, visit)


def test_a_clinician_is_offered_check_out_of_who_is_here(client):
    clinic = SpecialisedClinicFactory()
    doctor = at_work(client, clinician(clinic))
    visit = arrived_visit(care_unit=clinic, at=TEN, start=TEN, arrived_at=TEN)
    assert reverse("check-out", args=[visit.encounter_id]) in row(page(doctor), visit)
    desk = at_work(client, receptionist(clinic))
    assert reverse("check-out", args=[visit.encounter_id]) not in row(page(desk), visit)
