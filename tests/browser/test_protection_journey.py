"""Sekretessmarkering set, the way to reach the person, and lifted again: with keys only, accessible in every state, and with
nothing of the person on any page after the marking (SK-02, SK-04, SK-05, KA-05)."""

import os
import re

from django.urls import reverse
from playwright.sync_api import expect

from registration.models import Patient, PatientPhone
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from tests import factories as make

from .conftest import assert_accessible_also_narrow
from .keys import Keys
from .test_patient_journeys import tab_to

# Where pictures are kept for people to look at; nothing compares them.
PICTURES = os.environ.get("SDV_PICTURES", "")


def test_a_marking_is_set_looked_at_and_lifted_with_keys_only(as_user, visit, transactional_db):
    clinic = make.SpecialisedClinicFactory(name="Kirurgen")
    patient = make.patient(given_name="Hodan", surname="Gömdsson")
    PatientPhone.objects.create(patient=patient, number="+46701740605")
    make.booked_visit(care_unit=clinic, patient=patient)
    page = as_user(make.staff(Role.SUPPORT, clinic, name="Siv Ek"))
    keys = Keys(page)

    def judged(name, *, is_hidden=True):
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
        assert_accessible_also_narrow(page)
        if is_hidden:
            digits = re.sub(r"\W", "", page.content().replace("&nbsp;", ""))
            assert [told for told in ("Gömdsson", "Hodan", "1740605") if told in digits] == []

    visit(reverse("patient", args=[patient.pk]))
    tab_to(page, keys, "Sätt sekretessmarkering")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Sätt sekretessmarkering")).to_be_visible()
    expect(page.get_by_text("1 telefonnummer raderas.")).to_be_visible()
    judged("skydd-satt", is_hidden=False)
    # The field has the focus; saved without a ground, it says so.
    keys.press("Control+Enter")
    expect(page.get_by_text("Välj varför skyddet sätts").first).to_be_visible()
    judged("skydd-utan-skal", is_hidden=False)
    for _ in range(60):
        if page.evaluate("document.activeElement.id") == "id_ground":
            break
        keys.press("Tab")
    keys.type("Akut")
    keys.press("Control+Enter")
    expect(page.get_by_role("status").first).to_contain_text("Skyddade personuppgifter satta: Sekretessmarkering")
    assert page.title() == "Patient – SDV Registrering"
    judged("skydd-patient")

    tab_to(page, keys, "Visa kontaktväg")
    keys.press("Enter")
    expect(page.get_by_label("Varför behöver du kontaktvägen?")).to_be_focused()
    judged("skydd-kontaktvag-skal")
    keys.type("Kallelse")
    keys.press("Control+Enter")
    expect(page.get_by_text("Box 2820")).to_be_visible()
    judged("skydd-kontaktvag")
    assert AccessLogEntry.objects.filter(what="kontaktväg visad", purpose="Kallelse").count() == 1

    for tab in ("patient-relations", "patient-encounters", "patient-appointments"):
        visit(reverse(tab, args=[patient.pk]))
        judged(tab)

    # The day as a list: with the number on the screen, and without it on paper, that a third person may see.
    visit(reverse("day"))
    number = page.locator("tbody .idno").first
    expect(number).to_be_visible()
    page.emulate_media(media="print")
    expect(number).to_be_hidden()
    page.emulate_media(media="screen")

    visit(reverse("patient", args=[patient.pk]))
    tab_to(page, keys, "Häv skyddet")
    keys.press("Enter")
    expect(page.get_by_label("Varför hävs skyddet?")).to_be_focused()
    judged("skydd-havs")
    keys.type("Hotet är över")
    keys.press("Control+Enter")
    expect(page.get_by_text("Namn saknas").first).to_be_visible()
    judged("skydd-havt")
    assert not Patient.objects.get(pk=patient.pk).is_protected
