"""A record on a reserve number becomes one with the person's own, a visit is booked, and the merge is taken back: with
keys only, accessible in every state (RI-02, PL-13)."""

import os

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.models import Patient, PatientIdentity
from sdv.accounts.permissions import Role
from tests import factories as make

from .conftest import assert_accessible_also_narrow
from .test_death_journey import fill, follow, save

PICTURES = os.environ.get("SDV_PICTURES", "")


@pytest.fixture
def clinic():
    return make.SpecialisedClinicFactory(name="Kirurgen")


@pytest.fixture
def desk(as_user, clinic):
    return as_user(make.staff(Role.SUPPORT, clinic, name="Siv Ek"))


@pytest.fixture
def judged(desk):
    def judge(name):
        if PICTURES:
            desk.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
        assert_accessible_also_narrow(desk)

    return judge


def test_merged_booked_and_taken_back(desk, visit, judged, clinic):
    """RI-02, PL-13"""
    old = make.booked_visit(
        care_unit=clinic, patient=make.patient(given_name="Okänd", surname="Man"), start=make.in_days(2)
    ).patient
    PatientIdentity.objects.filter(patient=old).update(kind="reservid", value="SE1234567890")
    present = make.patient(given_name="Hodan", surname="Abdi")
    number = present.identities.get().value

    visit(reverse("patient", args=[old.pk]))
    follow(desk, "Koppla till personnummer")
    judged("sla-samman-sok")
    desk.keyboard.insert_text(number)
    save(desk)
    expect(desk.get_by_role("button", name="Abdi, Hodan")).to_be_focused()
    assert number not in desk.url
    with desk.expect_navigation():
        desk.keyboard.press("Enter")
    expect(desk.get_by_role("row", name="Namn")).to_contain_text("Skiljer")
    expect(desk.get_by_text("1 bokning", exact=True)).to_be_visible()
    judged("sla-samman-jamfor")
    save(desk)
    expect(desk.get_by_text("Ange varför posterna hör till samma person.").first).to_be_visible()
    judged("sla-samman-fel")
    fill(desk, "Varför hör posterna", "Legitimation visad")
    save(desk)
    expect(desk.get_by_role("status").filter(has_text="Posterna är sammanslagna:")).to_contain_text("Abdi, Hodan")
    judged("sammanslagen")
    assert Patient.objects.get(pk=old.pk).merged_into == present

    visit(reverse("patient", args=[old.pk]))
    expect(desk.get_by_text("Posten du öppnade är sammanslagen")).to_be_visible()
    make.booked_visit(care_unit=clinic, patient=present, start=make.in_days(3))
    follow(desk, "Ångra sammanslagning")
    expect(desk.get_by_text("följer med. Kontrollera på reservnumret.").first).to_be_visible()
    judged("angra-sammanslagning")
    fill(desk, "Varför är sammanslagningen fel?", "Fel person")
    save(desk)
    expect(desk.get_by_role("heading", name="Sammanslagning ångrad")).to_be_visible()
    judged("sammanslagning-angrad")
    follow(desk, "Till den andra posten")
    expect(desk.get_by_role("region", name="Vald patient")).to_contain_text("SE1234567890")
    assert old.appointments.count() == 2
