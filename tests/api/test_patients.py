"""Patients by REST: search in any spelling, registration, what may be edited, deceased and its undo."""

from datetime import date, timedelta

import pytest

from registration.models import CareCommitment, Patient, PortalContact
from scheduling.models import Appointment, BookingRequest
from sdv.common.time import local_date, now
from tests import factories

from .conftest import refused

NUMBER = "191212121212"


@pytest.mark.parametrize(
    "spelling", ["191212121212", "19121212-1212", "121212+1212", "121212-1212", "1212121212", " 19121212 1212 "]
)
def test_a_number_is_found_in_any_spelling(integration, spelling):
    """PA-01."""
    known = factories.patient(identity=NUMBER)
    hits = integration.post("patients/search/", {"identity": spelling}).json()["results"]
    assert [(row["id"], row["identity"]) for row in hits] == [(str(known.pk), "19121212-1212")]


def test_a_number_that_nobody_has_finds_nobody(integration):
    answer = integration.post("patients/search/", {"identity": NUMBER})
    assert (answer.status_code, answer.json()["results"]) == (200, [])


@pytest.mark.parametrize(
    ("typed", "found"), [("åkess", True), ("Akess", True), ("göran åkes", True), ("Ekdahl", False)]
)
def test_a_name_is_found_by_the_beginning_of_its_words_with_or_without_marks(integration, typed, found):
    factories.patient(given_name="Göran", surname="Åkesson")
    assert bool(integration.post("patients/search/", {"name": typed}).json()["results"]) is found


def test_a_misspelt_name_is_found_and_a_birth_date_narrows(integration):
    known = factories.patient(given_name="Göran", surname="Åkesson")
    assert integration.post("patients/search/", {"name": "Åkeson Göran"}).json()["results"][0]["id"] == str(known.pk)
    by_date = {"name": "Åkesson", "birth_date": known.birth_date.isoformat()}
    assert len(integration.post("patients/search/", by_date).json()["results"]) == 1
    assert integration.post("patients/search/", by_date | {"birth_date": "1999-01-01"}).json()["results"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "..."},
        {"name": "a", "identity": NUMBER},
        {"identity": NUMBER, "birth_date": "1912-12-12"},
        {"name": "a", "birth_date": "12/12"},
        {"name": "a" * 201},
        {"nam": "a"},
        {"name": 12},
        {"name": "a\x00"},
    ],
)
def test_a_search_that_cannot_be_read_is_400(integration, body):
    refused(integration.post("patients/search/", body), 400, code="invalid_input")


def test_more_hits_than_are_shown_are_told_of(integration):
    for _ in range(3):
        factories.patient(surname="Många")
    answer = integration.post("patients/search/?page_size=2", {"name": "många"}).json()
    assert (len(answer["results"]), answer["has_more"], answer["next"]) == (2, True, None)
    assert integration.post("patients/search/?page_size=3", {"name": "många"}).json()["has_more"] is False
    refused(integration.post("patients/search/?name=x", {"name": "många"}), 400)


def test_a_patient_is_registered_on_a_number_and_a_known_number_is_409(integration):
    """PA-01, PA-03."""
    body = {"identity": "121212+1212", "given_name": "Tolvan", "surname": "Tolvansson"}
    response = integration.post("patients/", body)
    assert response.status_code == 201
    made = response.json()
    assert (made["identity"], made["name"], made["birth_date"]) == ("19121212-1212", "Tolvansson, Tolvan", "1912-12-12")
    assert response.headers["ETag"] == '"1"'
    refused(integration.post("patients/", body), 409, rule="PA-03", code="already_known")
    assert Patient.objects.count() == 1


@pytest.mark.parametrize("identity", ["191212121213", "19121312-1212", "abc", "", "99" * 19])
def test_a_number_that_is_no_identity_is_400_with_its_sentence(integration, identity):
    """PA-02."""
    body = refused(integration.post("patients/", {"identity": identity, "surname": "X"}), 400, code="invalid_input")
    assert list(body["errors"]) == ["identity"]
    assert not Patient.objects.exists()


def test_what_users_may_edit_is_edited_and_the_version_goes_up(integration):
    """PA-05, PA-06."""
    known = factories.patient()
    response = integration.patch(
        f"patients/{known.pk}/", {"interpreter_language": "somaliska", "phone": "070-123 45 67"}
    )
    assert (response.json()["interpreter_language"], response.headers["ETag"]) == ("somaliska", '"2"')
    (phone,) = integration.get(f"patients/{known.pk}/phones/").json()["results"]
    assert (phone["number"], phone["text"], phone["is_preferred"]) == ("+46701234567", "070-123 45 67", True)


@pytest.mark.parametrize("field", ["surname", "birth_date", "sex", "identity", "protection", "listing_unit"])
def test_a_locked_field_is_409_by_its_rule_and_nothing_is_changed(integration, field):
    """PA-05."""
    known = factories.patient()
    value = {"birth_date": "1950-01-01", "sex": "2"}.get(field, "x")
    refused(
        integration.patch(f"patients/{known.pk}/", {field: value, "interpreter_language": "somaliska"}),
        409,
        rule="PA-05",
    )
    known.refresh_from_db()
    assert (known.version, known.interpreter_language) == (1, "")


def test_everything_of_a_protected_person_is_locked(integration):
    """SK-02."""
    hidden = factories.protected_patient()
    refused(integration.patch(f"patients/{hidden.pk}/", {"phone": "070-123 45 67"}), 409, rule="SK-02")
    assert integration.get(f"patients/{hidden.pk}/phones/").json()["results"] == []


def test_an_edit_of_an_older_version_is_412_and_the_newer_is_told(integration):
    """PL-27."""
    known = factories.patient()
    path = f"patients/{known.pk}/"
    tag = integration.get(path).headers["ETag"]
    assert integration.patch(path, {"interpreter_language": "tigrinja"}, If_Match=tag).status_code == 200
    body = refused(integration.patch(path, {"interpreter_language": "dari"}, If_Match=tag), 412, code="stale_version")
    assert "version 2" in body["detail"]
    for strange in ('"x"', "W/abc", '"1", "2"'):
        refused(integration.patch(path, {"interpreter_language": "dari"}, If_Match=strange), 412)
    assert integration.patch(path, {"interpreter_language": "dari"}, If_Match='W/"2"').status_code == 200
    assert integration.patch(path, {"interpreter_language": "arabiska"}, If_Match="*").json()["version"] == 4


def test_an_empty_edit_and_an_unknown_field_are_400(integration):
    known = factories.patient()
    refused(integration.patch(f"patients/{known.pk}/", {}), 400)
    body = refused(integration.patch(f"patients/{known.pk}/", {"hobby": "golf"}), 400)
    assert "hobby" in body["errors"]


def test_identities_are_told_with_the_primary_first(integration):
    """PA-03."""
    known = factories.patient(identity=NUMBER)
    (row,) = integration.get(f"patients/{known.pk}/identities/").json()["results"]
    assert (row["kind"], row["identity"], row["is_primary"]) == ("personnummer", "19121212-1212", True)
    refused(integration.get(f"patients/{factories.UserFactory().pk}/identities/"), 404)


def test_a_death_ends_what_is_planned_and_its_undo_restores_it(integration, caller, clinic):
    """AV-01, AV-02, AV-03."""
    visit = factories.booked_visit(care_unit=clinic, start=factories.in_days(3))
    path = f"patients/{visit.patient_id}/deceased/"
    today = local_date(now())
    refused(integration.post(path, {"date": today.isoformat()}), 409, rule="AV-01")
    tomorrow = (today + timedelta(days=1)).isoformat()
    refused(integration.post(path, {"date": tomorrow, "reason": "dödsbevis"}), 409, rule="AV-01")
    assert Appointment.objects.get().status == "booked"

    dead = integration.post(path, {"date": today.isoformat(), "reason": "dödsbevis"}).json()
    assert (dead["deceased_on"], dead["left_to_do"]) == (today.isoformat(), [])
    assert (Appointment.objects.get().status, CareCommitment.objects.get().status) == ("cancelled", "closed")
    refused(integration.post(path, {"date": today.isoformat(), "reason": "igen"}), 409, rule="AV-01")
    body = {
        "patient": str(visit.patient_id),
        "care_unit": str(clinic.pk),
        "visit_type": "sp-lak-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "wished_from": "2030-01-01",
        "wished_to": "2030-01-31",
    }
    refused(integration.post("booking-requests/", body), 409, rule="AV-02")
    assert not BookingRequest.objects.waiting().exists()

    undone = caller("support", clinic).post(f"{path}undo/", {"reason": "fel person"}).json()
    assert (undone["deceased_on"], undone["not_restored"]) == (None, [])
    assert (Appointment.objects.get().status, CareCommitment.objects.get().status) == ("booked", "open")


def test_a_death_by_an_older_version_is_412(integration):
    known = factories.patient()
    response = integration.post(
        f"patients/{known.pk}/deceased/", {"date": date(2026, 1, 1).isoformat(), "reason": "intyg"}, If_Match='"7"'
    )
    refused(response, 412)
    known.refresh_from_db()
    assert known.deceased_on is None


def test_phones_are_added_changed_and_taken_away(integration):
    """PA-06"""
    known = factories.patient()
    added = integration.post(f"patients/{known.pk}/phones/", {"number": "070-174 06 05", "allows_sms": True})
    assert (added.status_code, added.json()["number"], added.json()["allows_sms"]) == (201, "+46701740605", True)
    row = f"patients/{known.pk}/phones/{added.json()['id']}/"
    changed = integration.patch(row, {"number": "+45 32 12 34 56"})
    assert (changed.json()["text"], changed.json()["allows_sms"]) == ("+45 32 12 34 56", False)
    assert integration.delete(row).status_code == 204
    assert integration.get(f"patients/{known.pk}/phones/").json()["results"] == []
    assert integration.patch(row, {"kind": "home"}).status_code == 404


def test_addresses_of_the_register_are_locked_and_others_are_kept(integration):
    """PA-05, PA-07"""
    known = factories.patient()
    path = f"patients/{known.pk}/addresses/"
    refused(integration.post(path, {"kind": "bostadsadress", "street": "Storgatan 1"}), 409, rule="PA-07")
    assert integration.post(path, {"kind": "tillfallig-adress", "street": "Storgatan 1"}).status_code == 400
    added = integration.post(path, {"kind": "faktureringsadress", "street": "Box 1", "town": "Lund"})
    assert (added.status_code, added.json()["kind"]["text"]) == (201, "Faktureringsadress")
    row = f"{path}{added.json()['id']}/"
    assert integration.patch(row, {"street": "Box 2"}).json()["street"] == "Box 2"
    assert integration.delete(row).status_code == 204


def test_all_that_users_keep_is_edited_and_answered(integration):
    """PA-06"""
    known = factories.patient()
    kept = {
        "interpreter_kind": "sign",
        "interpreter_language": "svenskt teckenspråk",
        "special_housing": "Solgården",
        "minors_at_address": 2,
        "has_pascal": True,
        "pascal_told_on": "2026-11-01",
        "pascal_told_by": "Dr Holm",
    }
    answer = integration.patch(f"patients/{known.pk}/", kept).json()
    assert {name: answer[name] for name in kept} == kept
    known.__class__.objects.update(protection="sekretessmarkering")
    answer = integration.get(f"patients/{known.pk}/").json()
    assert {answer[name] for name in kept} == {"", None}


def test_search_keys(integration):
    """RI-01"""
    known = factories.patient()
    path = f"patients/{known.pk}/search-keys/"
    added = integration.post(path, {"kind": "lma", "value": "50-123456"})
    assert (added.status_code, added.json()["value"]) == (201, "50123456")
    assert integration.delete(f"{path}{added.json()['id']}/").status_code == 204


def test_1177_tells_through_the_integration_and_nobody_else_writes_it(integration, caller, clinic):
    """PA-05"""
    pk = factories.patient().pk
    url = f"patients/{pk}/portal-contact/"
    nothing = {"phone": "", "email": "", "prefers_digital": False, "consented_on": None, "told_at": None}
    assert integration.get(url).json() == nothing
    body = {"phone": "070-174 06 21", "email": "vera@example.se", "consented_on": "2026-01-02"}
    refused(caller("receptionist", clinic).put(url, body), 403)
    told = integration.put(url, body).json()
    assert (told["phone"], told["email"], told["consented_on"]) == ("+46701740621", "vera@example.se", "2026-01-02")
    assert caller("receptionist", clinic).get(url).json() == told
    # Letters in the first place digitally: chosen there, kept where nothing is told of it, and read by the kallelse.
    assert not told["prefers_digital"]
    assert integration.put(url, body | {"prefers_digital": True}).json()["prefers_digital"]
    assert integration.put(url, body).json()["prefers_digital"]
    assert PortalContact.objects.get(patient=pk).prefers_digital
    assert not integration.put(url, body | {"prefers_digital": False}).json()["prefers_digital"]
    refused(integration.put(url, {"phone": "x", "consented_on": "2026-01-02"}), 400)
    assert integration.delete(url).status_code == integration.delete(url).status_code == 204
    assert integration.get(url).json() == nothing
    hidden = factories.protected_patient()
    refused(integration.put(f"patients/{hidden.pk}/portal-contact/", body), 409, rule="SK-02")
    assert integration.get(f"patients/{hidden.pk}/portal-contact/").json() == nothing
