"""The patient in the browser, with keys only: relations and their copies, a new reserve identity beside likely doubles, and
the log with its extract (RE-01…03, RI-01, PL-21, PDL)."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.actions import relations
from registration.actions.relations import ToldGuardian
from registration.models import Patient
from sdv.accounts.permissions import Role
from sdv.common.time import now
from sdv.desk.demo.identities import personnummer

from .. import factories
from ..registers import connected
from .conftest import assert_accessible_also_narrow
from .keys import Keys

CHILD = next(number for number in personnummer() if number.startswith("2015"))


@pytest.fixture
def unit(transactional_db):
    return factories.CareUnitFactory()


def tab_to(page, keys, name):
    """Tabs on until the link, button or field with the name has the focus."""
    wanted = page.locator(":is(a, button, input, select, textarea):focus")
    for _ in range(60):
        if name in (wanted.evaluate("e => e.labels?.[0]?.innerText || e.innerText || ''") if wanted.count() else ""):
            return
        keys.press("Tab")
    raise AssertionError(f"no {name} within sixty tabs")


def test_guardians_contact_persons_and_the_copy_on_a_contact(as_user, visit, unit):
    """RE-01, RE-02, RE-03"""
    child = factories.patient(identity=CHILD)
    mother = ToldGuardian(name="Amina Abdi", identity=personnummer()[1500])
    relations.replace_guardians(patient_id=child.pk, guardians=[mother], by=None, at=now())
    page = as_user(factories.receptionist(unit))
    keys = Keys(page)
    visit(reverse("patient-relations", args=[child.pk]))
    assert_accessible_also_narrow(page)
    tab_to(page, keys, "Ändra")
    keys.press("Enter")
    page.wait_for_url("**/relationer/*-*/")
    expect(page.get_by_text("kommer från folkbokföringen och är låsta")).to_be_visible()
    assert page.locator("form[data-guard] input:not([type=hidden])").count() == 3
    assert_accessible_also_narrow(page)
    tab_to(page, keys, "Telefon")
    keys.type("070-174 06 41")
    keys.press("Control+Enter")
    expect(page.get_by_role("status").first).to_contain_text("Relationen ändrad för")
    tab_to(page, keys, "Lägg till kontaktperson")
    keys.press("Enter")
    tab_to(page, keys, "Namn")
    keys.type("Gun Abdi")
    keys.press("Control+Enter")
    expect(page.get_by_role("region", name="Kontaktpersoner", exact=True)).to_contain_text("Gun Abdi")
    booked = factories.arrived_visit(patient=child, care_unit=unit)
    copy = booked.encounter.relations.contacts().get()
    visit(f"{reverse('relation-edit', args=[child.pk, copy.pk])}?vardhandelse={booked.encounter_id}")
    tab_to(page, keys, "Telefon")
    keys.type("070-174 06 42")
    keys.press("Control+Enter")
    page.wait_for_url(f"**{reverse('encounter', args=[booked.encounter_id])}")
    expect(page.get_by_text("070-174 06 42")).to_be_visible()
    assert child.relations.contacts().get().phone == ""
    assert child.relations.guardians().get().phone == "+46701740641"


def test_a_reserve_identity_is_taken_out_after_the_search_beside_likely_doubles(as_user, visit, unit):
    """RI-01, PL-21: the double warns and blocks nothing; the next search finds the card."""
    factories.patient(identity=CHILD, given_name="Samira", surname="Haddad")
    page = as_user(factories.receptionist(unit))
    keys = Keys(page)
    with connected(seconds=5):
        visit(reverse("patient-reserve"))
        tab_to(page, keys, "Förnamn")
        keys.type("Samirah")
        tab_to(page, keys, "Efternamn")
        keys.type("Hadad")
        tab_to(page, keys, "Födelsedatum")
        keys.type(f"{CHILD[:4]}-{CHILD[4:6]}-{CHILD[6:8]}")
        expect(page.locator("#dubbletter")).to_contain_text("Haddad, Samira")
        assert_accessible_also_narrow(page)
        tab_to(page, keys, "LMA")
        keys.type("50-123456")
        keys.press("Control+Enter")
        expect(page.get_by_text("Ingen säker träff")).to_be_visible()
        keys.press("Control+Enter")
        page.wait_for_url("**/patienter/*-*/")
        expect(page.locator("#receipt")).to_contain_text("Ny reservidentitet för")
        expect(page.get_by_text("identitet ej fastställd").first).to_be_visible()
        made = Patient.objects.get(surname="Hadad")
        visit(reverse("patients"))
        keys.type("50123456")
        keys.press("Enter")
        page.wait_for_url(f"**{reverse('patient', args=[made.pk])}**")
        expect(page.get_by_text("Hittad på LMA-nummer")).to_be_visible()
        assert_accessible_also_narrow(page)


def test_who_has_read_is_filtered_and_printed_for_the_patient(as_user, visit, unit):
    """PDL: on paper the extract alone."""
    patient = factories.patient()
    reader = as_user(factories.receptionist(unit, name="Maria Ek"))
    visit(reverse("patient", args=[patient.pk]))
    assert reader.get_by_role("link", name="Logg", exact=True).count() == 0
    page = as_user(factories.staff(Role.AUDITOR, unit, name="Lo Granskare"))
    keys = Keys(page)
    visit(reverse("patient-log", args=[patient.pk]))
    tab_to(page, keys, "Vem")
    keys.type("Maria")
    keys.press("Control+Enter")
    page.wait_for_url("**/logg/?user=*-*")
    rows = page.get_by_role("region", name="Åtkomst", exact=True).locator("tbody tr")
    expect(rows).to_have_count(1)
    assert_accessible_also_narrow(page)
    tab_to(page, keys, "Utdrag till patienten")
    keys.press("Enter")
    page.wait_for_url("**/logg/utdrag/")
    extract = page.get_by_role("article", name="Utdraget")
    expect(extract).to_contain_text("Läste dina personuppgifter")
    assert_accessible_also_narrow(page)
    page.emulate_media(media="print")
    expect(extract.get_by_text("Maria Ek")).to_be_visible()
    expect(page.locator(".appbar")).to_be_hidden()
