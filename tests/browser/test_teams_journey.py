"""A team visit one after the other, and a consult visit across units, with the keyboard: booked, arrived, checked out,
coded by each of the team (BO-02, VH-10; ui.md 4.5)."""

import os
from datetime import UTC, time, timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from classification import starter
from registration.actions import clock
from registration.models import Encounter
from registration.type_choice import DIRECT_ADMISSION
from scheduling.actions import appointments
from scheduling.models import Appointment
from sdv.common.time import at_local, end_of_day, local_date, now

from .. import factories
from .conftest import assert_accessible_also_narrow
from .keys import Keys

DAY = timedelta(days=1)
# Where pictures are kept for people to look at; nothing compares them.
PICTURES = os.environ.get("SDV_PICTURES", "")


@pytest.fixture
def page(page):
    page.set_default_timeout(20000)
    return page


def judged(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
    assert_accessible_also_narrow(page)


def receipt(page, text):
    expect(page.locator("#receipt", has_text=text)).to_be_visible()


def choose(page, name, label):
    """A choice that redraws the page; one that has not loaded yet would not hear of it."""
    page.wait_for_load_state()
    field = page.locator(f"[id='{name}']")
    expect(field.locator("option", has_text=label)).to_have_count(1)
    field.focus()
    field.select_option(label=label)


def take_first_time(page, keys, name):
    """The first free time is in focus in the list: Enter holds it, Ctrl+Enter confirms."""
    first = page.locator("#tider button.who").first
    expect(first).to_be_visible()
    first.focus()
    keys.press("Enter")
    expect(page.get_by_role("button", name="Boka Ctrl Enter")).to_be_focused()
    judged(page, f"{name}-hallen")
    keys.press("Control+Enter")


@pytest.fixture
def clinic(transactional_db):
    starter.load()
    return factories.SpecialisedClinicFactory(name="Smärtmottagningen Lunden", short_name="Smärtmottagningen")


def ten_today():
    """Ten o'clock today, whatever the hour is."""
    return at_local(local_date(now()), time(10)).astimezone(UTC)


def book_today(clinic, patient, visit_type, resources, **fields):
    """As booked yesterday for today at ten."""
    start, kind = ten_today(), factories.visit_type(visit_type)
    return appointments.book(
        patient_id=patient.pk,
        care_unit=clinic,
        visit_type=kind,
        contact_reason_id=factories.contact_reason().pk,
        start=start,
        end=start + timedelta(minutes=fields.pop("minutes", kind.default_minutes)),
        resource_ids=[row.pk for row in resources],
        by=resources[0].practitioner.user,
        at=start - DAY,
        **fields,
    )


def arrive(visit, page, keys, row):
    visit(f"{reverse('day')}?vald={row.encounter_id}")
    expect(page.locator(f"#vem-{row.encounter_id}")).to_be_focused()
    keys.press("Enter")
    receipt(page, "Ankomst registrerad")


def person(clinic, profession, name):
    """A resource whose practitioner is a user with an assignment of its own."""
    given, surname = name.split()
    who = factories.PractitionerFactory(
        abbreviation=profession, given_name=given, surname=surname, user=factories.clinician(clinic, name=name)
    )
    return factories.ResourceFactory(care_unit=clinic, practitioner=who, name=name)


def test_a_team_one_after_the_other_is_booked_arrives_is_checked_out_and_coded_by_each(as_user, visit, page, clinic):
    """BO-02: two parts next to each other, one contact, registered on one; each of the team may code."""
    nurse, doctor = person(clinic, "Ssk", "Sara Norén"), person(clinic, "Läk", "Anna Holm")
    patient, keys = factories.patient(given_name="Alva"), Keys(page)
    factories.open_commitment(patient=patient, care_unit=clinic, at=ten_today() - 3 * DAY)
    as_user(nurse.practitioner.user)
    visit(reverse("book", args=[patient.pk]))
    choose(page, "besokstyp", "Sp Ssk Återbesök")
    choose(page, "orsak", factories.contact_reason().name)
    choose(page, "resurs", "Sara Norén")
    choose(page, "med", "Anna Holm")
    after = page.get_by_label("Därefter, minuter")
    expect(after).to_be_visible()
    after.fill("20")
    after.press("Tab")
    expect(page.locator("#tider tbody tr", has_text="läkare från").first).to_be_visible()
    judged(page, "team-tider")
    take_first_time(page, keys, "team")
    receipt(page, "Bokad")
    row = Appointment.objects.get(patient=patient)
    parts = {each.resource_id: (each.period.lower, each.period.upper) for each in row.resource_bookings.all()}
    assert (row.kind, parts[nurse.pk][1]) == ("team", parts[doctor.pk][0])
    assert (parts[nurse.pk][0], parts[doctor.pk][1]) == (row.start, row.end)

    bo = factories.patient(given_name="Bo", surname="Ek")
    factories.open_commitment(patient=bo, care_unit=clinic, at=ten_today() - 3 * DAY)
    row = book_today(
        clinic, bo, "Sp Ssk Återbesök", [nurse, doctor], minutes=50,
        main_resource_id=nurse.pk, parts={nurse.pk: (0, 30), doctor.pk: (30, 20)},
    )  # fmt: skip
    arrive(visit, page, keys, row)
    keys.press("u")
    expect(page.get_by_role("dialog").get_by_role("heading", name="Checka ut besök")).to_be_visible()
    keys.press("1", "1", "Control+Enter")
    receipt(page, "Utcheckning registrerad för Ek, Bo")
    clock.auto_discharge(at=end_of_day(local_date(now())))
    for who, text, codes in ((nurse, "f41.1", ["F41.1"]), (doctor, "i10.9", ["F41.1", "I10.9"])):
        as_user(who.practitioner.user)
        visit(reverse("encounter-coding", args=[row.encounter_id]))
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        expect(page.locator(".codes .code")).to_have_text(codes)
        page.get_by_role("button", name="Spara", exact=False).first.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#receipt")).to_be_visible()
    judged(page, "team-kodad")


def test_a_consult_is_booked_for_the_ward_and_comes_and_ends_by_itself(as_user, visit, page, clinic):
    """VH-10: from the patient's bookings, to the free times of one's own unit; arrived with one key on its day."""
    doctor = person(clinic, "Läk", "Anna Holm")
    ward = factories.InpatientUnitFactory(name="Avdelning Tolv", short_name="Avdelning 12")
    patient = factories.patient(given_name="Bo", surname="Ek")
    stay = factories.unbooked_visit(
        care_unit=ward,
        situation=DIRECT_ADMISSION,
        admitted_from="home",
        patient=patient,
        at=ten_today() - 2 * DAY,
    )
    as_user(factories.receptionist(clinic))
    keys = Keys(page)
    visit(reverse("patient-appointments", args=[patient.pk]))
    page.get_by_role("link", name="Boka konsult").focus()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Boka konsultbesök", exact=True)).to_be_visible()
    expect(page.get_by_label("Konsult åt").locator("option:checked")).to_contain_text("Avdelning 12: Slutenvård sedan")
    choose(page, "besokstyp", "Sp Läk Återbesök")
    choose(page, "orsak", factories.contact_reason().name)
    expect(page.locator("#tider button.who").first).to_be_visible()
    judged(page, "konsult-tider")
    take_first_time(page, keys, "konsult")
    receipt(page, "Konsultbesök bokat på Smärtmottagningen")
    booked = Appointment.objects.get(care_unit=clinic)
    assert (booked.kind, booked.encounter.during, booked.resources.get()) == ("consult", stay, doctor)
    judged(page, "konsult-bokad")

    row = book_today(clinic, patient, "Sp Läk Återbesök", [doctor], during_id=stay.pk)
    arrive(visit, page, keys, row)
    assert Encounter.objects.get(pk=row.encounter_id).type_id == "oppenvardskonsult"
    visit(reverse("encounter", args=[row.encounter_id]))
    expect(page.locator("main")).to_contain_text("Konsult åt")
    judged(page, "konsult-vardhandelse")
    clock.auto_discharge(at=end_of_day(local_date(now())))
    ended = Encounter.objects.get(pk=row.encounter_id)
    assert (ended.status, Encounter.objects.get(pk=stay.pk).status) == ("ended", "in_progress")
