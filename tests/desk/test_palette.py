"""The palette finds patients, pages and actions, and gives nobody away (ui.md 3.4, SK-05)."""

import pytest
from django.urls import reverse

from sdv.accounts.middleware import ASSIGNMENT_KEY
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from tests.factories import patient, protected_patient, receptionist, staff, unbooked_visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client):
    return at_work(client, receptionist())


def at_work(client, user):
    client.force_login(user)
    session = client.session
    session[ASSIGNMENT_KEY] = str(user.assignments.get().pk)
    session.save()
    client.user = user
    return client


def ask(client, text, **more):
    answer = client.post(reverse("palette"), {"q": text} | more, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    html = answer.content.decode()
    assert "<html" not in html
    return html


@pytest.mark.parametrize("spelling", ["{0}", "{1}-{2}", "{3}-{2}", "{3}{2}", " {1} {2} "])
def test_a_patient_is_found_by_any_spelling_of_the_whole_number(desk, spelling):
    """PA-01."""
    who = patient(given_name="Hodan", surname="Abdi")
    number = who.identities.get().value
    html = ask(desk, spelling.format(number, number[:8], number[8:], number[2:8]))
    assert "Abdi, Hodan" in html and reverse("patient", args=[who.pk]) in html


@pytest.mark.parametrize("typed", ["abdi", "abdi ho", "ho abdi", "ABDI"])
def test_a_patient_is_found_by_the_beginnings_of_names_in_any_order(desk, typed):
    patient(given_name="Hodan", surname="Abdi")
    patient(given_name="Karl", surname="Berg")
    html = ask(desk, typed)
    assert "Abdi, Hodan" in html and "Berg" not in html


def test_marks_over_letters_need_not_be_typed_and_a_slip_is_forgiven(desk):
    patient(given_name="Maria", surname="Öberg")
    assert "Öberg, Maria" in ask(desk, "oberg")
    assert "Öberg, Maria" in ask(desk, "öbreg")


def test_a_protected_person_is_found_by_the_whole_number_alone(desk):
    """SK-05: never by name, and then by the marking's name."""
    who = protected_patient(given_name="Hemliga", surname="Namnet")
    number = who.identities.get().value
    for typed in ("hemliga", "namnet", "hemlga", number[:8], number[8:]):
        html = ask(desk, typed)
        assert "Sekretessmarkering" not in html and "Namnet" not in html
    found = ask(desk, number)
    assert "Sekretessmarkering" in found and "Namnet" not in found and "Skyddad" in found


def test_hits_are_logged_and_at_most_eight(desk):
    people = [patient(surname="Lika", given_name=f"Nr {each}") for each in "abcdefghij"]
    html = ask(desk, "lika")
    assert html.count("Lika, ") == 8
    logged = AccessLogEntry.objects.filter(what="sökning", user=desk.user)
    assert logged.count() == 8 and {entry.patient_id for entry in logged} < {who.pk for who in people}


def test_pages_and_actions_are_found_and_a_greater_than_sign_means_actions_only(desk):
    assert "Dagen" in ask(desk, "dag") and "Patienter" in ask(desk, "pati")
    actions = ask(desk, ">")
    assert "Registrera oplanerat besök" in actions and "Gå till" not in actions and "Byt uppdrag" in actions
    assert "Registrera oplanerat besök" in ask(desk, "oplan")


def test_patient_mode_shows_patients_only(desk):
    patient(given_name="Dag", surname="Dagsson")
    html = ask(desk, "dag", mode="patient")
    assert "Dagsson, Dag" in html and "Gå till" not in html


def test_what_nobody_is_called_says_so(desk):
    assert "Ingen träff." in ask(desk, "qqqqxxzz")


def test_an_empty_field_shows_the_sessions_last_patients_but_no_protected_one(client):
    doctor = at_work(client, staff(Role.CLINICIAN))
    unit = doctor.user.assignments.get().care_unit
    for who in (patient(given_name="Göran", surname="Ek"), protected_patient()):
        visit = unbooked_visit(care_unit=unit, patient=who)
        assert doctor.get(reverse("check-out", args=[visit.pk])).status_code == 200
    html = ask(doctor, "")
    assert "Senaste patienter" in html and "Ek, Göran" in html and "Sekretessmarkering" not in html
    assert "Ek, Göran" not in ask(doctor, ">")


def test_a_role_without_patients_finds_pages_only(client):
    who = patient(given_name="Hodan", surname="Abdi")
    html = ask(at_work(client, staff(Role.CATALOGUE_ADMIN)), "abdi")
    assert "Abdi" not in html and not AccessLogEntry.objects.filter(patient_id=who.pk).exists()


def test_the_search_works_as_a_plain_form_and_nothing_typed_lands_in_an_address(desk):
    who = patient(given_name="Hodan", surname="Abdi")
    html = desk.post(reverse("palette"), {"q": "abdi"}).content.decode()
    assert "<h1>Sök</h1>" in html and reverse("patient", args=[who.pk]) in html
    assert "Abdi" not in desk.get(reverse("palette"), {"q": "abdi"}).content.decode()


def test_the_search_asks_for_login(client):
    assert client.post(reverse("palette"), {"q": "abdi"}).status_code == 302
    scripted = client.post(reverse("palette"), {"q": "abdi"}, headers={"HX-Request": "true"})
    assert scripted.status_code == 401
