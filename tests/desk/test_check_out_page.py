"""Utcheckning at its door: the four outcomes by form, what is proposed, refused and taken back (UT-01…08)."""

from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from scheduling.models import AwaitedResult, BookingRequest, CheckOut, MissingFollowUp, OutcomeReason
from sdv.accounts.middleware import ASSIGNMENT_KEY
from sdv.accounts.models import AccessLogEntry
from sdv.common.time import STOCKHOLM
from tests.factories import (
    SpecialisedClinicFactory,
    arrived_visit,
    booked_visit,
    booking_request,
    clinician,
    contact_reason,
    open_commitment,
    protected_patient,
    receptionist,
    resource_for,
    visit_type,
)
from tests.forms import fields

pytestmark = pytest.mark.django_db

TEN = datetime(2026, 11, 24, 10, 0, tzinfo=STOCKHOLM)
DAY = "http://testserver/dagen/"
HTMX = {"HX-Request": "true", "HX-Current-URL": DAY}


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(TEN, tick=True) as traveller:
        yield traveller


@pytest.fixture
def clinic():
    return SpecialisedClinicFactory()


@pytest.fixture
def doctor(client, clinic):
    """A clinician of the clinic at work."""
    return at_work(client, clinician(clinic))


def at_work(client, user):
    client.force_login(user)
    session = client.session
    session[ASSIGNMENT_KEY] = str(user.assignments.get().pk)
    session.save()
    client.user = user
    return client


@pytest.fixture
def visit(clinic):
    """A visit whose patient came at half past nine."""
    early = TEN - timedelta(hours=1)
    return arrived_visit(care_unit=clinic, at=early, start=early + timedelta(minutes=30), arrived_at=early).encounter


def address(encounter):
    return reverse("check-out", args=[encounter.pk])


def filled(client, encounter, **changes):
    """What the browser posts: the proposal as shown, with the changes."""
    html = client.get(address(encounter), headers=HTMX).content.decode()
    return fields(html) | changes


def reason(outcome, position=1):
    return OutcomeReason.objects.get(outcome=outcome, position=position)


def check_out(client, encounter, headers=None, **changes):
    return client.post(address(encounter), filled(client, encounter, **changes), headers=headers or {})


# --- The page -------------------------------------------------------------------------------------------------------


def test_nothing_is_chosen_beforehand_and_the_four_stand_in_the_instructions_order(doctor, visit):
    """UT-02."""
    html = doctor.get(address(visit)).content.decode()
    names = ["Avsluta vårdåtagande på enhet", "Avvakta", "Ingen ytterligare planering", "Uppföljning"]
    places = [html.index(f"</kbd>{name}") for name in names]
    assert places == sorted(places)
    assert 'name="outcome" value="end_commitment" data-panel="panel-end_commitment">' in html
    assert "<h1" in html and "<title>Checka ut besök – SDV Registrering</title>" in html


def test_the_dialog_is_the_same_form_without_the_page(doctor, visit):
    fragment = doctor.get(address(visit), headers=HTMX).content.decode()
    assert "<html" not in fragment and "<h2" in fragment and 'hx-target="#dialog"' in fragment
    assert 'aria-label="Vald patient"' in fragment


def test_reading_is_logged(doctor, visit):
    doctor.get(address(visit))
    entry = AccessLogEntry.objects.get(what="utcheckning")
    assert (entry.patient_id, entry.resource_id, entry.user) == (visit.patient_id, visit.pk, doctor.user)


def test_a_protected_person_is_named_by_the_marking(doctor, clinic):
    """SK-02."""
    who = protected_patient(given_name="Hemliga", surname="Namnet")
    visit = arrived_visit(care_unit=clinic, patient=who, at=TEN, start=TEN, arrived_at=TEN).encounter
    html = doctor.get(address(visit)).content.decode()
    assert "Sekretessmarkering" in html and "Hemliga" not in html and "Namnet" not in html


def test_another_units_visit_is_not_found_and_a_receptionist_may_not(doctor, visit, client, clinic):
    elsewhere = arrived_visit(care_unit=SpecialisedClinicFactory(), at=TEN, start=TEN, arrived_at=TEN).encounter
    assert doctor.get(address(elsewhere)).status_code == 404
    assert doctor.post(address(elsewhere), {}).status_code == 404
    assert at_work(client, receptionist(clinic)).get(address(visit)).status_code == 403


def test_who_has_not_come_cannot_be_checked_out(doctor, clinic):
    """VH-24: the page says what to do instead."""
    visit = booked_visit(care_unit=clinic, at=TEN).encounter
    answer = doctor.get(address(visit))
    assert answer.status_code == 409 and "Registrera ankomsten först." in answer.content.decode()


# --- The outcomes ---------------------------------------------------------------------------------------------------


def test_avsluta_needs_a_reason_and_closes_the_commitment(doctor, visit):
    """UT-03."""
    asked = check_out(doctor, visit, outcome="end_commitment")
    assert asked.status_code == 422 and "Välj varför vårdåtagandet avslutas." in asked.content.decode()
    visit.refresh_from_db()
    assert visit.status == "in_progress"
    saved = check_out(doctor, visit, outcome="end_commitment", end_reason=reason("end_commitment", 2).code)
    assert saved.status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.checked_out_at) == ("checked_out", TEN)
    assert (visit.commitment.status, visit.commitment.close_reason) == ("closed", "önskar avsluta")
    assert CheckOut.objects.get(encounter=visit).by == doctor.user


def test_avsluta_lists_other_open_commitments_to_tick_and_closes_only_those_ticked(doctor, visit, clinic):
    """UT-03: its own, and others one by one."""
    ticked = open_commitment(patient=visit.patient, care_unit=clinic, problem="demo02")
    left = open_commitment(patient=visit.patient, care_unit=clinic, problem="demo03")
    html = doctor.get(address(visit)).content.decode()
    assert ticked.problem_code.name in html and left.problem_code.name in html
    chosen = {"end_reason": reason("end_commitment").code, "also_end": [str(ticked.pk)]}
    assert check_out(doctor, visit, outcome="end_commitment", **chosen).status_code == 302
    ticked.refresh_from_db()
    left.refresh_from_db()
    assert (ticked.status, left.status) == ("closed", "open")


def test_avsluta_is_refused_while_something_is_planned_and_told_beforehand(doctor, visit, clinic):
    """UT-03."""
    booked_visit(
        care_unit=clinic, patient=visit.patient, commitment=visit.commitment, at=TEN, start=TEN + timedelta(days=9)
    )
    sentence = "Vårdåtagandet kan inte avslutas: det har bokning 2026-12-03"
    assert sentence in doctor.get(address(visit)).content.decode()
    refused = check_out(doctor, visit, outcome="end_commitment", end_reason=reason("end_commitment").code, headers=HTMX)
    assert refused.status_code == 409 and sentence in refused.content.decode()
    assert refused.headers["HX-Retarget"].startswith("dialog[open] .refusal")
    visit.refresh_from_db()
    assert (visit.status, visit.commitment.status) == ("in_progress", "open")


def test_avvakta_is_watched_by_who_checks_out_three_weeks_unless_changed(doctor, visit):
    """UT-04."""
    saved = check_out(doctor, visit, outcome="await_result", await_reason=reason("await_result").code)
    assert saved.status_code == 302
    item = AwaitedResult.objects.get(encounter=visit)
    assert (item.reason.name, item.responsible, item.watch_until) == ("labsvar", doctor.user, date(2026, 12, 15))


def test_avvakta_takes_a_date_in_shorthand(doctor, visit):
    check_out(doctor, visit, outcome="await_result", await_reason=reason("await_result").code, watch_until="+5v")
    assert AwaitedResult.objects.get(encounter=visit).watch_until == date(2026, 12, 29)


def test_ingen_ytterligare_planering_warns_once_and_then_lands_in_saknar_aterbesok(doctor, visit):
    """UT-05."""
    warned = check_out(doctor, visit, outcome="no_further_planning", headers=HTMX)
    html = warned.content.decode()
    assert warned.status_code == 409 and "UT-05" in html and "Spara ändå" in html
    visit.refresh_from_db()
    assert visit.status == "in_progress" and not MissingFollowUp.objects.exists()
    kept = check_out(doctor, visit, outcome="no_further_planning", overrule="1", headers=HTMX)
    assert kept.status_code == 200 and kept.headers["HX-Redirect"].startswith("/dagen/")
    assert MissingFollowUp.objects.get(encounter=visit).responsible == doctor.user


def test_ingen_ytterligare_planering_is_silent_where_a_return_visit_waits(doctor, visit, clinic):
    """UT-05."""
    booking_request(care_unit=clinic, patient=visit.patient, commitment_id=visit.commitment_id)
    assert "Begärt 2026-11-24" in doctor.get(address(visit)).content.decode()
    assert check_out(doctor, visit, outcome="no_further_planning").status_code == 302
    assert not MissingFollowUp.objects.exists()


def test_uppfoljning_is_proposed_whole_a_return_visit_in_four_weeks_with_the_same_caregiver(doctor, visit, clinic):
    """UT-06: nothing needs to be filled in."""
    assert check_out(doctor, visit, outcome="follow_up").status_code == 302
    request = BookingRequest.objects.get(check_out__encounter=visit)
    assert (request.visit_type, request.contact_reason) == (visit.visit_type, visit.contact_reason)
    assert (request.wished_from, request.wished_to) == (date(2026, 12, 22), date(2027, 1, 5))
    assert request.wished_resource == resource_for(clinic, visit.visit_type)
    assert (request.addressee, request.status, request.commitment) == (doctor.user, "open", visit.commitment)


def test_after_a_first_visit_the_return_visit_of_its_area_and_profession_is_proposed(doctor, clinic):
    first = arrived_visit(care_unit=clinic, visit_type="Sp Läk Nybesök", at=TEN, start=TEN, arrived_at=TEN).encounter
    assert filled(doctor, first)["visit_type"] == str(visit_type("Sp Läk Återbesök").pk)


def test_uppfoljning_makes_one_request_per_addressee(doctor, visit, clinic):
    """UT-06: to a colleague it is an uppföljningsbegäran until confirmed."""
    colleague = clinician(clinic)
    data = filled(doctor, visit, outcome="follow_up", colleagues=[str(colleague.pk)])
    assert doctor.post(address(visit), data).status_code == 302
    found = {request.addressee: request.status for request in BookingRequest.objects.filter(patient=visit.patient)}
    assert found == {doctor.user: "open", colleague: "follow_up"}


def test_boka_tid_nu_leads_to_the_booking_of_the_request_just_made(doctor, visit):
    saved = check_out(doctor, visit, outcome="follow_up", book="1")
    made = BookingRequest.objects.get(check_out__encounter=visit)
    assert saved.headers["Location"] == f"{reverse('book', args=[visit.patient_id])}?begaran={made.pk}"


def test_checka_ut_och_klassificera_leads_to_the_codes_of_the_visit(doctor, visit):
    """KL-01: codes may be entered from check-out on."""
    saved = check_out(doctor, visit, outcome="follow_up", code="1")
    assert saved.headers["Location"] == reverse("encounter-coding", args=[visit.pk])
    assert doctor.get(saved.headers["Location"]).status_code == 200


def test_uppfoljning_to_nobody_is_asked_again(doctor, visit):
    data = filled(doctor, visit, outcome="follow_up")
    del data["to_self"]
    answer = doctor.post(address(visit), data)
    assert answer.status_code == 422 and "Ange till vem" in answer.content.decode()
    assert not BookingRequest.objects.exists()


def test_uppfoljning_backwards_in_time_is_refused(doctor, visit):
    answer = check_out(doctor, visit, outcome="follow_up", wished_from="2027-01-05", wished_to="2026-12-22")
    assert answer.status_code == 422 and "Senaste datum ligger före tidigaste" in answer.content.decode()
    visit.refresh_from_db()
    assert visit.status == "in_progress"


def test_another_visit_type_shows_its_reasons(doctor, visit):
    data = filled(doctor, visit, step="reasons", visit_type=visit_type("Sp Läk Nybesök").pk)
    html = doctor.post(address(visit), data, headers=HTMX).content.decode()
    assert contact_reason("bedömning ospecificerad").name in html and "<form" not in html
    visit.refresh_from_db()
    assert visit.status == "in_progress"


def test_without_an_outcome_the_form_says_so_and_keeps_what_was_typed(doctor, visit):
    """UT-02."""
    answer = check_out(doctor, visit, waiting_for="svar från Lund", headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 422 and "<html" not in html
    assert "Välj ett av de fyra utfallen." in html and "svar från Lund" in html


def test_without_an_open_commitment_avsluta_is_not_offered(doctor, visit):
    """UT-03."""
    visit.commitment.__class__.objects.filter(pk=visit.commitment_id).update(
        status="closed", closed_on=TEN.date(), close_reason="färdigbehandlad"
    )
    html = doctor.get(address(visit)).content.decode()
    assert "Besöket har inget öppet vårdåtagande att avsluta." in html
    refused = check_out(doctor, visit, outcome="end_commitment", end_reason=reason("end_commitment").code)
    assert refused.status_code == 409 and "UT-03" in refused.content.decode()


# --- Time, repeats, undo --------------------------------------------------------------------------------------------


def test_the_check_out_time_can_be_set_back_but_not_before_arrival_nor_ahead(doctor, visit):
    """UT-01."""
    for clock, words in (("0859", "före ankomsten"), ("1001", "i framtiden")):
        refused = check_out(doctor, visit, outcome="follow_up", clock=clock)
        assert refused.status_code == 409 and words in refused.content.decode()
    check_out(doctor, visit, outcome="follow_up", clock="9.50")
    visit.refresh_from_db()
    assert visit.checked_out_at == TEN - timedelta(minutes=10)


def test_yesterdays_visit_is_proposed_its_own_day(doctor, visit, clock):
    """VH-19: checked out later, it still ended then."""
    clock.move_to(TEN + timedelta(days=1))
    at_work(doctor, doctor.user)
    proposed = filled(doctor, visit)
    assert (proposed["day"], proposed["clock"]) == ("2026-11-24", f"{visit.planned_end.astimezone(STOCKHOLM):%H:%M}")
    assert check_out(doctor, visit, outcome="follow_up").status_code == 302


def test_the_same_click_twice_is_silent_a_colleagues_is_named(doctor, visit, clinic, client):
    """PL-27."""
    data = filled(doctor, visit, outcome="follow_up")
    assert doctor.post(address(visit), data).status_code == 302
    assert doctor.post(address(visit), data).status_code == 302
    assert CheckOut.objects.filter(encounter=visit).count() == 1
    first = doctor.user.name
    refused = at_work(client, clinician(clinic)).post(address(visit), data)
    assert refused.status_code == 409 and first in refused.content.decode() and "redan utcheckat" not in first


def test_what_somebody_changed_meanwhile_is_a_conflict(doctor, visit):
    data = filled(doctor, visit, outcome="follow_up")
    type(visit).objects.filter(pk=visit.pk).update(version=visit.version + 1)
    assert doctor.post(address(visit), data).status_code == 409
    visit.refresh_from_db()
    assert visit.status == "in_progress"


def test_a_check_out_is_taken_back_with_all_it_led_to(doctor, visit):
    """PL-13."""
    check_out(doctor, visit, outcome="end_commitment", end_reason=reason("end_commitment").code)
    html = doctor.get(reverse("day")).content.decode()
    undo = reverse("check-out-undo", args=[visit.pk])
    assert "Utcheckning registrerad för" in html and undo in html
    assert doctor.post(undo).status_code == 302
    assert doctor.post(undo).status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.commitment.status) == ("in_progress", "open")
    assert visit.history.filter(move="undo_check_out").count() == 1


def test_a_colleague_cannot_take_it_back(doctor, visit, client, clinic):
    """PL-13."""
    check_out(doctor, visit, outcome="follow_up")
    refused = at_work(client, clinician(clinic)).post(reverse("check-out-undo", args=[visit.pk]))
    assert refused.status_code == 409 and "koordinator eller support" in refused.content.decode()
    visit.refresh_from_db()
    assert visit.status == "checked_out"


# --- Way back and next ----------------------------------------------------------------------------------------------


def test_after_saving_one_is_back_in_the_list_as_it_was_filtered_with_the_row_chosen(doctor, visit):
    answer = doctor.get(address(visit), headers=HTMX | {"HX-Current-URL": f"{DAY}?visa=ankomna"})
    back = fields(answer.content.decode())["back"]
    assert back == f"/dagen/?visa=ankomna&vald={visit.pk}"
    saved = check_out(doctor, visit, outcome="follow_up", back=back, headers=HTMX)
    assert saved.headers["HX-Redirect"] == back


def test_the_way_back_never_leads_to_another_site(doctor, visit):
    saved = check_out(doctor, visit, outcome="follow_up", back="https://example.se/")
    assert saved.headers["Location"].startswith("/dagen/")


def test_spara_och_nasta_opens_the_next_arrived_visit_in_the_dialog(doctor, visit, clinic):
    later = arrived_visit(care_unit=clinic, at=TEN, start=TEN + timedelta(minutes=30), arrived_at=TEN).encounter
    answer = check_out(doctor, visit, outcome="follow_up", next="1", headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 200 and address(later) in html and "Nästa patient:" in html
    visit.refresh_from_db()
    assert visit.status == "checked_out"
    last = check_out(doctor, later, outcome="follow_up", next="1")
    assert last.status_code == 302 and last.headers["Location"].startswith("/dagen/")


def test_spara_och_nasta_without_script_leads_to_the_next_page(doctor, visit, clinic):
    later = arrived_visit(care_unit=clinic, at=TEN, start=TEN + timedelta(minutes=30), arrived_at=TEN).encounter
    answer = check_out(doctor, visit, outcome="follow_up", next="1")
    assert answer.headers["Location"].startswith(f"{address(later)}?tillbaka=")
