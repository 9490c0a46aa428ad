"""The tab Patient: locked and editable blocks, edited in place one at a time (PA-05…08, ui.md 4.4)."""

import pytest
from django.urls import reverse

from registration.actions import contact
from registration.actions import patients as writes
from registration.models import AddressKind, PatientHistory, PortalContact
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import now
from tests import factories as make

from .signed_in import queries_of, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


@pytest.fixture
def desk():
    return signed_in(make.receptionist(make.CareUnitFactory()))


def address(patient, name, row=None):
    return reverse("patient-edit-row" if row else "patient-edit", args=[patient.pk, name, *([row] if row else [])])


def text(response):
    return response.content.decode()


@pytest.mark.parametrize(
    ("block", "sent", "shown"),
    [
        ("telefon", {"number": "070-174 06 05", "kind": "mobile", "allows_sms": "on"}, "Tillåtelse SMS"),
        (
            "tolk",
            {"interpreter_kind": "sign", "interpreter_language": "svenskt teckenspråk"},
            "Teckenspråkstolk: svenskt",
        ),
        ("boende", {"special_housing": "Solgården", "minors_at_address": "2"}, "Solgården"),
        (
            "lakemedel",
            {"has_pascal": "on", "pascal_told_by": "Dr Holm", "pascal_told_on": "2026-11-01"},
            "Ja, uppgift av Dr Holm 2026-11-01",
        ),
        ("soknyckel", {"kind": "lma", "value": "50-123456"}, "50123456"),
    ],
)
def test_a_block_is_saved_and_shown_with_a_receipt(desk, block, sent, shown):
    """PA-05, PA-06"""
    patient = make.patient()
    assert desk.get(address(patient, block)).status_code == 200
    response = desk.post(address(patient, block), sent | {"version": "1"}, follow=True)
    assert response.redirect_chain == [(reverse("patient", args=[patient.pk]), 302)]
    assert shown in text(response) and "sparat för" in text(response).replace("sparade för", "sparat för")
    assert PatientHistory.objects.filter(patient=patient, event="edited").count() == 1
    assert AccessLogEntry.objects.filter(patient_id=patient.pk, action="write").count() == 1


def test_an_address_kept_here_is_saved_with_its_dates_and_those_of_the_register_are_no_choice(desk):
    """PA-07"""
    patient = make.patient()
    page = text(desk.get(address(patient, "adress")))
    assert "Tillfällig adress" in page and "Bostadsadress</option>" not in page
    kind = AddressKind.objects.get(name="Tillfällig adress")
    sent = {"kind": kind.pk, "street": "Strandvägen 2", "version": "1"}
    refused = desk.post(address(patient, "adress"), sent)
    assert refused.status_code == 422 and "kräver från- och tilldatum" in text(refused)
    desk.post(address(patient, "adress"), sent | {"valid_from": "2026-12-01", "valid_to": "2026-12-31"})
    row = patient.addresses.get()
    changed = {"street": "Strandvägen 3", "valid_from": "2026-12-01", "valid_to": "2026-12-31", "version": "2"}
    desk.post(address(patient, "adress", row.pk), changed)
    row.refresh_from_db()
    assert (row.street, row.kind) == ("Strandvägen 3", kind)


def test_what_cannot_be_read_is_told_at_the_field_and_nothing_is_saved(desk):
    patient = make.patient()
    response = desk.post(address(patient, "telefon"), {"number": "ring efter tre", "kind": "mobile", "version": "1"})
    assert response.status_code == 422
    assert "Skriv numret med siffror" in text(response) and "ring efter tre" in text(response)
    assert patient.phones.count() == 0


def test_a_colleagues_change_is_shown_beside_ones_own_and_not_written_over(desk):
    """PL-27"""
    patient = make.patient()
    colleague = make.UserFactory(name="Karin Ek")
    writes.edit(patient_id=patient.pk, by=colleague, at=now(), interpreter_language="persiska")
    sent = {"interpreter_kind": "spoken", "interpreter_language": "somaliska", "version": "1"}
    response = desk.post(address(patient, "tolk"), sent)
    patient.refresh_from_db()
    assert (response.status_code, patient.interpreter_language) == (409, "persiska")
    assert all(word in text(response) for word in ("persiska", "somaliska", "Karin Ek"))


def test_a_number_is_taken_away(desk):
    patient = make.patient()
    phone = contact.add_phone(patient_id=patient.pk, number="070-174 06 05", by=make.UserFactory(), at=now())
    response = desk.post(reverse("patient-remove-row", args=[patient.pk, "telefon", phone.pk]), follow=True)
    assert "Telefonnumret borttaget för" in text(response)
    assert patient.phones.count() == 0


def test_another_patients_number_is_not_there(desk):
    patient, other = make.patient(), make.patient()
    phone = contact.add_phone(patient_id=other.pk, number="070-174 06 05", by=make.UserFactory(), at=now())
    sent = {"number": "070-174 06 06", "kind": "mobile", "version": "1"}
    assert desk.post(address(patient, "telefon", phone.pk), sent).status_code == 404
    assert desk.post(reverse("patient-remove-row", args=[patient.pk, "telefon", phone.pk])).status_code == 404
    assert desk.get(address(patient, "okant")).status_code == 404
    assert other.phones.get().number == "+46701740605"


def test_who_may_not_edit_sees_the_data_and_no_form():
    client = signed_in(make.staff(Role.CODER, make.CareUnitFactory()))
    patient = make.patient()
    assert "/uppgifter/" not in text(client.get(reverse("patient", args=[patient.pk])))
    assert client.post(address(patient, "telefon"), {"number": "070-174 06 05", "version": "1"}).status_code == 403
    assert patient.phones.count() == 0


def test_1177_is_shown_as_the_patients_own_and_cannot_be_edited(desk):
    """PA-05"""
    patient = make.patient()
    PortalContact.objects.create(
        patient=patient, phone="070-174 06 09", email="a@example.se", consented_on=now().date(), told_at=now()
    )
    page = text(desk.get(reverse("patient", args=[patient.pk])))
    assert "070-174 06 09" in page and "används inte för SMS" in page
    assert patient.phones.count() == 0


def test_the_page_costs_the_same_with_many_numbers(desk):
    patient = make.patient()
    url = reverse("patient", args=[patient.pk])
    desk.get(url)
    few = queries_of(lambda: desk.get(url))
    for last in range(10, 30):
        contact.add_phone(
            patient_id=patient.pk, number=f"070-174 06 {last}", by=make.UserFactory(), at=now(), allows_sms=True
        )
    assert queries_of(lambda: desk.get(url)) == few
