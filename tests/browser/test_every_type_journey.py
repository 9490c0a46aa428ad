"""The types that are not a booked visit, each from its creation to its end in the browser, with keys only: observation,
öppenvårdskonsult, dialysis, a chair for the day, planned admission, the unknown at the emergency door, diagnostics from an
order, Admin (VH-02, VH-03, VH-09, VH-10, VH-16, VH-17)."""

import os
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.actions import clock
from registration.lifecycle import CONSULT, EMERGENCY, ONGOING_TREATMENT, SPECIALISED_WITH_PLACE
from registration.models import Encounter
from registration.type_choice import DIRECT_ADMISSION
from sdv.accounts.permissions import Role
from sdv.common.time import end_of_day, local, local_date, now

from .. import factories
from ..registers import connected
from .conftest import assert_accessible, assert_accessible_also_narrow


@pytest.fixture
def at_work(as_user):
    """`at_work(unit)`: a clinician's page there."""
    return lambda unit: as_user(factories.staff(Role.CLINICIAN, unit))


@pytest.fixture
def patient(transactional_db):
    return factories.patient()


def picture(page, name):
    if folder := os.environ.get("SDV_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def press(page, role, name, key="Enter", **options):
    """The link, button or radio of that name, by key."""
    page.get_by_role(role, name=name, **options).first.focus()
    page.keyboard.press(key)


def opened(page, words):
    """The dialog that says so, accessible."""
    expect(page.locator("dialog[open]")).to_contain_text(words)
    assert_accessible(page)
    return page.locator("dialog[open]")


def saved(page, words):
    """Ctrl+Enter, and the receipt."""
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_contain_text(words)
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.wait_for_load_state("networkidle")


def afterwards(form, minutes):
    """The true time of what was that many minutes ago (PL-15)."""
    was = local(now() - timedelta(minutes=minutes))
    form.locator("#id_clock").fill(f"{was:%H:%M}")
    form.locator("#id_day").fill(f"{was:%Y-%m-%d}")


def only(**known):
    return Encounter.objects.get(**known)


def without_booking(page, patient, situation):
    """The patient by number and what is registered, on the page of what begins without a booking."""
    page.locator("#id_identity").focus()
    page.keyboard.type(patient.identities.get().value)
    page.keyboard.press("Tab")
    expect(page.locator("input[name=patient]")).to_have_value(str(patient.pk))
    press(page, "radio", situation, "Space")
    assert_accessible_also_narrow(page)


def test_somebody_unknown_comes_is_observed_and_goes_home(at_work, visit, transactional_db):
    """VH-03 c, k, VH-09, VH-16, RI-01: a reserve identity at once; an observation place; discharged by hand."""
    unit = factories.EmergencyDepartmentFactory()
    spot = factories.PlaceFactory(care_unit=unit, kind="bed", name="Obs 1")
    page = at_work(unit)
    visit(reverse("emergency"))
    with connected():
        press(page, "link", "Ny ankomst")
        page.wait_for_url(f"**{reverse('emergency-arrival')}")
        page.locator("#id_contact_reason").focus()
        page.keyboard.type("bed")
        page.locator("#id_identity_shown").focus()
        page.keyboard.type("Okänd")
        page.keyboard.press("Control+Enter")
        page.wait_for_url(f"**{reverse('emergency')}")
    expect(page.locator("#akuten tbody tr")).to_contain_text("Okänd")
    page.locator("#akuten a.who").focus()
    page.keyboard.press("v")
    opened(page, "Till observation")
    page.get_by_label("Plats", exact=True).select_option(label="Obs 1")
    saved(page, "Observation påbörjad för")
    row = page.locator("#akuten tbody tr")
    expect(row).to_contain_text("Obs 1")
    assert_accessible_also_narrow(page)
    picture(page, "observation")
    row.locator("a.who").focus()
    page.keyboard.press("u")
    opened(page, "Skriv ut")
    saved(page, "Vårdhändelsen är avslutad för")
    expect(page.get_by_text("Ingen patient på akuten just nu.")).to_be_visible()
    observed = only(type="observation")
    assert (observed.status, observed.continues.type_id, observed.continues.status) == ("ended", EMERGENCY, "ended")
    assert (observed.patient.identities.get().kind, observed.identity_shown) == ("reservid", "Inte visad")
    assert observed.place_stays.get().place == spot and not observed.place_stays.filter(period__upper_inf=True).exists()


def test_a_consult_points_to_the_stay_that_engages_it_and_ends_by_itself(at_work, visit, patient):
    """VH-10, VH-15…18, BO-02: registered from the stay, on a doctor of another speciality; the clock ends it."""
    unit, elsewhere = factories.InpatientUnitFactory(), factories.PractitionerFactory(surname="Konsult")
    stay = factories.unbooked_visit(
        care_unit=unit, patient=patient, situation=DIRECT_ADMISSION, at=now() - timedelta(minutes=2)
    )
    own = factories.ResourceFactory(care_unit=unit, profession="Ssk").practitioner
    page = at_work(unit)
    visit(reverse("encounter", args=[stay.pk]))
    press(page, "link", "Öppenvårdskonsult")
    opened(page, "Vårdkontaktsorsak").get_by_label("Vårdkontaktsorsak", exact=True).select_option(index=1)
    saved(page, "Öppenvårdskonsult påbörjad för")
    press(page, "link", "Öppenvårdskonsult, ")
    expect(page.get_by_text("Konsult åt", exact=True)).to_be_visible()
    page.wait_for_load_state("load")
    press(page, "link", "Ange medverkande")
    opened(page, "Huvudansvarig").get_by_label("Huvudansvarig").select_option(label=f"{own}, sjuksköterska")
    page.locator("dialog #id_elsewhere").fill(elsewhere.hsa_id)
    assert_accessible_also_narrow(page)
    picture(page, "medverkande")
    saved(page, "Medverkande är angivna för")
    expect(page.get_by_text(f"{own}, Sjuksköterska (huvudansvarig), {elsewhere}, Läkare")).to_be_visible()
    clock.auto_discharge(at=end_of_day(local_date(now())))
    page.reload()
    assert_accessible_also_narrow(page)
    consult = only(type=CONSULT)
    assert (consult.status, consult.during, consult.is_check_out_automatic) == ("ended", stay, True)
    assert local(consult.end).strftime("%H:%M") == "23:59" and only(pk=stay.pk).status == "in_progress"


def test_dialysis_is_one_long_contact_that_is_discharged_by_hand(at_work, visit, patient):
    """VH-02, VH-03 k, VH-16: the clock leaves it alone."""
    page = at_work(factories.DialysisUnitFactory())
    visit(reverse("drop-in"))
    without_booking(page, patient, "Pågående behandling")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{reverse('day')}?**")
    ongoing = only(type=ONGOING_TREATMENT)
    clock.auto_discharge(at=end_of_day(local_date(now()) + timedelta(days=40)))
    visit(reverse("encounter", args=[ongoing.pk]))
    assert_accessible_also_narrow(page)
    picture(page, "dialys")
    press(page, "link", "Skriv ut")
    opened(page, "Skriv ut")
    saved(page, "Vårdhändelsen är avslutad för")
    assert only(pk=ongoing.pk).status == "ended"


def test_a_chair_for_the_day_is_held_until_discharge(at_work, visit, patient):
    """VH-08, VH-09, VH-15, VH-16: begun at the desk, given a chair on the board, checked out, discharged, cleaned."""
    clinic = factories.SpecialisedClinicFactory()
    factories.open_commitment(patient=patient, care_unit=clinic)
    factories.PlaceFactory(care_unit=clinic, name="Stol 1")
    page = at_work(clinic)
    visit(reverse("drop-in"))
    without_booking(page, patient, "Oplanerat besök")
    with page.expect_response(lambda answer: reverse("drop-in") in answer.url):
        page.locator("#id_visit_type").select_option(label="Sp Usk Återbesök")
    page.wait_for_load_state("networkidle")
    page.locator("#id_contact_reason").select_option(index=1)
    page.locator("summary", has_text="Registreras i efterhand").focus()
    page.keyboard.press("Enter")
    afterwards(page, 4)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{reverse('day')}?**")
    visit(reverse("ward"))
    page.locator("#utan-plats a.who").focus()
    page.keyboard.press("p")
    dialog = opened(page, "Plats")
    dialog.get_by_label("Plats", exact=True).select_option(label="Stol 1")
    afterwards(dialog, 3)
    saved(page, "Plats tilldelad för")
    chair = page.locator("#platser tbody tr", has_text="Stol 1")
    expect(chair).to_contain_text("Upptagen")
    expect(page.get_by_role("link", name="Skriv in")).to_have_count(0)  # Nobody is admitted at a clinic (VH-03).
    assert_accessible_also_narrow(page)
    picture(page, "stol")
    here = only(type=SPECIALISED_WITH_PLACE)
    visit(reverse("encounter", args=[here.pk]))
    page.keyboard.press("F9")
    expect(page.get_by_role("dialog").get_by_role("heading", name="Checka ut besök")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("1")
    saved(page, "Utcheckning registrerad för")
    press(page, "link", "Skriv ut")
    opened(page, "Skriv ut")
    saved(page, "Vårdhändelsen är avslutad för")
    visit(reverse("ward"))
    chair.locator("a.who").focus()
    expect(chair).to_contain_text("Ska städas")
    page.keyboard.press("s")
    expect(chair).to_contain_text("Ledig")
    assert (only(pk=here.pk).status, here.place_stays.filter(period__upper_inf=True).count()) == ("ended", 0)


def test_a_planned_admission_is_awaited_admitted_and_discharged(at_work, visit, patient):
    """VH-03 f, VH-07, VH-23: pre-registered with an expected day, admitted to a bed, home."""
    unit = factories.InpatientUnitFactory()
    ward = factories.WardFactory(care_unit=unit)
    factories.PlaceFactory(care_unit=unit, ward=ward, kind="bed", name="Säng 1")
    page = at_work(unit)
    visit(reverse("ward"))
    page.keyboard.press("n")
    page.wait_for_url(f"**{reverse('admission')}?plats=*")
    page.locator("#id_identity").focus()
    page.keyboard.type(patient.identities.get().value)
    page.locator("#id_expected_on").fill(local_date(now()).isoformat())
    page.locator("#id_expected_clock").fill("23:59")
    page.get_by_label("Insätt (varifrån)").select_option(label="Ordinärt boende")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{reverse('ward')}")
    expect(page.locator("#receipt")).to_contain_text("Inskrivning planerad för")
    assert_accessible_also_narrow(page)
    picture(page, "vantad")
    page.locator("#vantade a.who").focus()
    page.keyboard.press("i")
    opened(page, "Skriv in").get_by_label("Plats").select_option(label="Säng 1")
    saved(page, "Inskriven:")
    page.locator("#platser tbody tr", has_text="Säng 1").locator("a.who").focus()
    page.keyboard.press("u")
    opened(page, "Utsätt (till)").get_by_label("Utsätt (till)").select_option(label="Särskilt boende")
    saved(page, "Vårdhändelsen är avslutad för")
    stay = only(type="slutenvard")
    assert (stay.status, stay.is_planned, stay.admitted_from, stay.discharged_to) == (
        "ended",
        True,
        "home",
        "special_housing",
    )


def test_diagnostics_begin_by_an_order_and_end_by_themselves(at_work, visit, patient):
    """VH-03 j, VH-15…18: ordered on the patient's page, activated, ended by the clock."""
    page = at_work(factories.HealthCentreFactory())
    visit(reverse("patient-appointments", args=[patient.pk]))
    press(page, "link", "Ny ordination")
    page.wait_for_url(f"**{reverse('order-create', args=[patient.pk])}")
    assert_accessible_also_narrow(page)
    page.get_by_label("Ordination").focus()
    page.keyboard.type("Blodstatus")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#receipt")).to_contain_text("Ordination lagd för")
    picture(page, "ordination")
    press(page, "button", "Aktivera")
    expect(page.locator("#receipt")).to_contain_text("Ordination aktiverad för")
    assert_accessible_also_narrow(page)
    clock.auto_discharge(at=end_of_day(local_date(now())))
    page.reload()
    expect(page.get_by_role("link", name="Klassificera")).to_be_visible()
    done = only(type="diagnostik")
    assert (done.status, done.is_check_out_automatic) == ("ended", True)


def test_admin_has_no_end_and_is_annulled_when_it_was_a_mistake(at_work, visit, patient):
    """VH-12, VH-20: neither checked out, discharged nor coded."""
    page = at_work(factories.HealthCentreFactory())
    visit(reverse("drop-in"))
    without_booking(page, patient, "Admin")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{reverse('day')}?**")
    made = only(type="admin")
    clock.auto_discharge(at=end_of_day(local_date(now()) + timedelta(days=1)))
    visit(reverse("encounter", args=[made.pk]))
    assert only(pk=made.pk).status == "in_progress"
    expect(page.get_by_text("Admin skrivs inte ut: typen har inget slut.")).to_be_attached()
    expect(page.get_by_role("link", name="Checka ut")).to_have_count(0)
    press(page, "link", "Annullera")
    opened(page, "Skäl").get_by_label("Skäl").fill("Fel patient")
    saved(page, "Vårdhändelsen är annullerad för")
    assert_accessible_also_narrow(page)
    assert (only(pk=made.pk).type_id, only(pk=made.pk).status) == ("annullerad", "ended")
