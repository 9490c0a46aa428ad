"""The main job from end to end, by keyboard, each person in a login of their own: a patient is found, booked, seen,
checked out, ended by the clock and coded (issue: "the main job runs, end to end")."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from classification import starter
from registration.models import Encounter
from scheduling import promises
from scheduling.models import Appointment, AwaitedResult, BookingRequest, MissingFollowUp
from sdv.accounts.permissions import Role
from sdv.common.time import end_of_day, local_date, now
from tests import factories as make

from .keys import Keys

FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
def person(browser, browser_context_args, live_server):
    """`person(user)` logs somebody in, in a browser of their own, and answers with the page at their first page."""
    contexts = []

    def log_in(user):
        context = browser.new_context(**browser_context_args)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{live_server.url}/logga-in/")
        page.keyboard.type(user.username)
        page.keyboard.press("Tab")
        page.keyboard.type(make.PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/(dagen|klassificering|arbetslistor|)(/|\?|$)"))
        page.wait_for_load_state("networkidle")
        return page

    yield log_in
    for context in contexts:
        context.close()


def choose(page, label, text):
    """Chooses in a list with the arrow keys; the page follows when one has stopped."""
    field = page.get_by_label(label, exact=True)
    field.focus()
    present, wanted = field.evaluate(
        "(list, text) => [list.selectedIndex, [...list.options].findIndex(each => each.text.trim() === text)]", text
    )
    if wanted != present:
        with page.expect_event("requestfinished"):
            for _ in range(abs(wanted - present)):
                page.keyboard.press("ArrowDown" if wanted > present else "ArrowUp")
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    expect(field.locator("option:checked")).to_have_text(text)


def run_job(name, at):
    call_command("run_job", name, at=at.isoformat(), verbosity=0)


def test_from_booking_to_coded_at_a_health_centre(transactional_db, person):
    """VH-03, VH-05, VO-01, VH-07, VH-17, VH-18, KL-01"""
    starter.load()
    centre = make.HealthCentreFactory(name="Vårdcentralen Ekbacken")
    nurse = make.resource_for(centre, make.visit_type("Pv Ssk Återbesök"))
    number = make.test_number()
    patient = make.patient(identity=number, given_name="Hodan", surname="Abdi")

    page = person(make.receptionist(centre))
    page.keyboard.press("F2")
    page.keyboard.type(f"{number[:8]}-{number[8:]}")
    page.locator("#palette-options [role=option][aria-selected=true]").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/patienter/{patient.pk}/")
    expect(page.get_by_label("Vald patient")).to_contain_text("Abdi, Hodan")

    page.keyboard.press("F8")
    page.wait_for_url(f"**/patienter/{patient.pk}/boka/**")
    choose(page, "Besökstyp", "Pv Ssk Återbesök")
    choose(page, "Vårdkontaktsorsak", "uppföljning ospecificerad")
    page.locator("#tider button.who").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Boka Ctrl Enter")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Tiden är bokad:")).to_be_visible()
    booked = Appointment.objects.get()
    assert booked.encounter.visit_type.name == "Pv Ssk Återbesök"
    assert booked.encounter.type_id == "forhandsregistrerad-oppenvardskontakt"
    assert list(booked.resources.all()) == [nurse]

    page.goto(page.url.split("/patienter/")[0] + "/dagen/")
    page.wait_for_load_state("networkidle")
    keys = Keys(page)
    expect(page.locator("a.who:focus")).to_contain_text("Abdi, Hodan")
    keys.press("Enter")
    expect(page.locator(".receipt")).to_contain_text("Ankomst registrerad")
    assert keys.count == 1
    visit = Encounter.objects.get()
    assert (visit.type_id, visit.status) == ("primarvard", "in_progress")

    run_job("auto-discharge", end_of_day(local_date(visit.start)))
    visit.refresh_from_db()
    assert (visit.status, visit.end) == ("ended", end_of_day(local_date(visit.start)))

    page = person(make.staff(Role.CODER, centre))
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + "/klassificering/")
    page.wait_for_load_state("networkidle")
    expect(page.locator("a.who:focus")).to_contain_text("Abdi, Hodan")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/vardhandelser/{visit.pk}/klassificering/**")
    page.wait_for_load_state("networkidle")
    page.keyboard.type("I10")
    page.locator("#kod-options [role=option][aria-selected=true]").wait_for()
    page.keyboard.press("Enter")
    expect(page.locator(".codes .code")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"^https?://[^/]+/klassificering/"))
    expect(page.locator("#receipt")).to_contain_text("Klassificeringen är klar")
    expect(page.locator("tbody .who")).to_have_count(0)
    visit.refresh_from_db()
    assert visit.is_coded


def test_four_specialist_visits_with_four_outcomes_land_where_they_should(transactional_db, person):
    """UT-02…UT-07: each of the four, by keys, and the lists they feed."""
    clinic = make.SpecialisedClinicFactory(name="Medicinmottagningen")
    user = make.clinician(clinic)
    doctor = make.ResourceFactory(care_unit=clinic)
    start = min(now(), end_of_day(local_date(now())) - timedelta(hours=3))
    visits = {}
    for position, (surname, outcome) in enumerate(
        [("Ek", "end_commitment"), ("Holm", "await_result"), ("Lind", "no_further_planning"), ("Öst", "follow_up")]
    ):
        visits[outcome] = make.arrived_visit(
            care_unit=clinic,
            patient=make.patient(surname=surname),
            resource=doctor,
            start=start + position * timedelta(minutes=31),
            at=start,
        ).encounter

    page = person(user)
    keystrokes = {
        "end_commitment": ("1", "1", "Control+Enter"),
        "await_result": ("2", "1", "Control+Enter"),
        "no_further_planning": ("3", "Control+Enter", "Control+Enter"),
        "follow_up": ("4", "Control+Enter"),
    }
    for outcome, pressed in keystrokes.items():
        page.goto(f"{page.url.split('/dagen')[0]}/dagen/?vald={visits[outcome].pk}")
        page.wait_for_load_state("networkidle")
        page.keyboard.press("u")
        dialog = page.locator("dialog[open]")
        expect(dialog.get_by_role("group", name="Vad händer efter besöket?")).to_be_visible()
        for index, key in enumerate(pressed):
            page.keyboard.press(key)
            if outcome == "no_further_planning" and index == 1:
                expect(dialog.get_by_role("alert")).to_be_focused()
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(page.locator(".receipt")).to_contain_text("Utcheckning registrerad")

    for encounter in visits.values():
        encounter.refresh_from_db()
    assert {encounter.status for encounter in visits.values()} == {"checked_out"}
    assert visits["end_commitment"].commitment.status == "closed"
    assert AwaitedResult.objects.open().get().encounter == visits["await_result"]
    assert MissingFollowUp.objects.open().get().encounter == visits["no_further_planning"]
    assert BookingRequest.objects.waiting().get().patient == visits["follow_up"].patient
    assert promises.broken(at=now()).count() == 0

    host = page.url.split("/dagen")[0]
    for address, surname in (
        ("/arbetslistor/awaiting-result/", "Holm"),
        ("/arbetslistor/missing-follow-up/", "Lind"),
        ("/bokningsbegaran/", "Öst"),
    ):
        page.goto(host + address)
        expect(page.get_by_role("table")).to_contain_text(surname)

    run_job("auto-discharge", end_of_day(local_date(now())))
    assert Encounter.objects.filter(status="ended").count() == 4
