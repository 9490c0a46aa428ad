"""Stays, emergency visits and births by REST (VH-01, VH-03, VH-09, VH-13, VH-21, VH-23)."""

from datetime import timedelta

import pytest

from registration.models import Birth, Encounter, PatientIdentity, WardStay
from sdv.common.time import local, now
from sdv.flows import merging
from tests import factories
from tests.registers import connected

from .conftest import refused

HOUR = timedelta(hours=1)


@pytest.fixture
def unit(catalogues):
    unit = factories.InpatientUnitFactory()
    for number in (1, 2):
        ward = factories.WardFactory(care_unit=unit, name=f"Avdelning {number}")
        factories.PlaceFactory(care_unit=unit, ward=ward, kind="bed", name=f"Säng {number}")
    return unit


def ago(hours):
    return local(now() - hours * HOUR).isoformat()


def steps(answer):
    return {each["action"]: each["allowed"] for each in answer["actions"]}


def test_a_stay_from_the_first_bed_to_home(caller, unit):
    """VH-03 g, VH-09, VH-23: place from the first minute, transfer, permission, expected discharge, ways."""
    api = caller("integration", unit)
    one, two = unit.places.order_by("name")
    body = {
        "patient": str(factories.patient().pk),
        "care_unit": str(unit.pk),
        "admitted_from": "home",
        "place": str(one.pk),
        "at": ago(5),
        "expected_discharge_on": "2029-12-31",
    }
    made = api.post("encounters/", body).json()
    assert made["expected_discharge_on"] == "2029-12-31"
    assert (made["place"]["name"], made["ward"]["name"], made["is_planned"]) == ("Säng 1", "Avdelning 1", False)
    path = f"encounters/{made['id']}/"
    refused(api.post(f"{path}transfer/", {}), 400)
    fields = {row["name"]: row for row in api.get(f"{path}realtime/").json()["fields_of_care_form"]}
    assert (fields["Insätt (varifrån)"]["value"], fields["Insätt (varifrån)"]["filled_by"]) == (
        "Ordinärt boende",
        "hand",
    )
    assert fields["Vårdutförande/tjänsteutförande enhet"]["value"] == "Avdelning 1"
    moved = api.post(f"{path}transfer/", {"ward": str(two.ward_id), "at": ago(4)}).json()
    assert (moved["place"], moved["ward"]["name"]) == (None, "Avdelning 2")
    away = api.post(f"{path}leave/", {"at": ago(3), "expected_back": ago(1)}).json()
    assert (away["leave"]["since"], steps(away)["return"]) == (ago(3), True)
    refused(api.post(f"{path}leave/", {}), 409, rule="VH-09", code="on_leave")
    back = api.post(f"{path}leave/return/", {"at": ago(2)}).json()
    assert (back["leave"], steps(back)["leave"]) == (None, True)
    told = api.patch(f"{path}stay/", {"expected_discharge_on": "2030-01-01", "planned": True}).json()
    assert (told["expected_discharge_on"], told["is_planned"]) == ("2030-01-01", True)
    refused(api.post(f"{path}discharge/"), 409, rule="VH-23", code="ways_missing")
    ended = api.post(f"{path}discharge/", {"discharged_to": "home"}).json()
    assert (ended["status"], ended["ward"], ended["discharged_to"]) == ("ended", None, "home")
    corrected = api.patch(f"{path}stay/", {"discharged_to": "hospital"}).json()
    assert corrected["discharged_to"] == "hospital"
    assert WardStay.objects.count() == 2


def test_an_emergency_visit_goes_on_at_a_ward(caller, unit):
    """VH-01, VH-03: the emergency department's own right is enough; the ward need not be one's own."""
    emergency = factories.EmergencyDepartmentFactory()
    api = caller("integration", emergency)
    visit = factories.unbooked_visit(care_unit=emergency, situation="ankomst", at=now() - 2 * HOUR)
    seen = api.post(f"encounters/{visit.pk}/assessment/", {"at": ago(1)}).json()
    assert (seen["assessed_at"], steps(seen)["continue"], steps(seen)["observe"]) == (ago(1), True, True)
    body = {
        "patient": str(visit.patient_id),
        "care_unit": str(unit.pk),
        "continues": str(visit.pk),
        "admitted_from": "home",
        "place": str(unit.places.first().pk),
        "expected_discharge_on": "2029-12-31",
    }
    stay = api.post("encounters/", body).json()
    assert (stay["encounter_type"]["code"], stay["continues"], stay["place"]["name"]) == (
        "slutenvard",
        str(visit.pk),
        "Säng 1",
    )
    assert stay["expected_discharge_on"] == "2029-12-31"
    visit.refresh_from_db()
    assert visit.status == "ended"
    refused(api.post("encounters/", body), 409, rule="VH-24")
    refused(api.post("encounters/", body | {"continues": str(unit.pk)}), 400)
    assert Encounter.objects.count() == 2


def test_the_care_that_goes_on_is_that_of_the_patient_who_is_named(caller, unit):
    """VH-03, RI-02: another patient is refused and nobody is admitted; who is merged into the patient is the patient."""
    emergency, user = factories.EmergencyDepartmentFactory(), factories.UserFactory()
    api = caller("integration", emergency)
    visit = factories.unbooked_visit(care_unit=emergency, situation="ankomst", at=now() - HOUR)
    other, old = factories.patient(), factories.patient()
    PatientIdentity.objects.filter(patient=old).update(kind="reservid", value="SE1234567890")
    body = {"care_unit": str(unit.pk), "continues": str(visit.pk), "admitted_from": "home"}
    wrong = refused(api.post("encounters/", body | {"patient": str(other.pk)}), 400)
    assert list(wrong["errors"]) == ["patient"]
    unknown = "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"
    assert list(refused(api.post("encounters/", body | {"patient": unknown}), 400)["errors"]) == ["patient"]
    visit.refresh_from_db()
    assert (Encounter.objects.get(), visit.status) == (visit, "in_progress")
    merging.merge(source_id=old.pk, target_id=visit.patient_id, reason="Legitimation visad", by=user, at=now())
    stay = api.post("encounters/", body | {"patient": str(old.pk)}).json()
    assert (stay["patient"], stay["continues"]) == (str(visit.patient_id), str(visit.pk))


def test_who_left_before_being_seen(caller, catalogues):
    """VH-23"""
    emergency = factories.EmergencyDepartmentFactory()
    visit = factories.unbooked_visit(care_unit=emergency, situation="ankomst", at=now() - HOUR)
    api = caller("integration", emergency)
    path = f"encounters/{visit.pk}/discharge/"
    refused(api.post(path, {"broken_off": "after_assessment"}), 409, rule="VH-23")
    assert api.post(path, {"broken_off": "before_assessment"}).json()["broken_off"] == "before_assessment"


def test_a_place_is_cleaned_where_nobody_lies(caller, unit):
    """VH-09"""
    api, place = caller("integration", unit), unit.places.first()
    assert api.post(f"places/{place.pk}/cleaned/").json()["place"] == str(place.pk)
    refused(api.post(f"places/{place.pk}/cleaned/", {"at": ago(-2)}), 400)
    stay = factories.unbooked_visit(care_unit=unit, situation="direktinskrivning", at=now() - HOUR)
    api.post(f"encounters/{stay.pk}/place/", {"place": str(place.pk)})
    refused(api.post(f"places/{place.pk}/cleaned/"), 409, rule="VH-09")


def test_twins_by_rest(caller, catalogues):
    """VH-13"""
    maternity = factories.MaternityUnitFactory()
    mother = factories.unbooked_visit(care_unit=maternity, situation="direktinskrivning", at=now() - 3 * HOUR)
    api = caller("integration", maternity)
    with connected():
        made = api.post(f"encounters/{mother.pk}/children/", {"how_many": 2}).json()
        assert [child["number"] for child in made["children"]] == [1, 2]
        again = refused(api.post(f"encounters/{mother.pk}/children/", {}), 409, rule="PL-27", code="already_done")
        assert (again["by"], Birth.objects.count()) == (api.user.name, 2)
    path = f"encounters/{made['children'][0]['encounter']}/"
    refused(api.post(f"{path}personnummer/", {"identity": factories.test_number()}), 409, rule="VH-13")
    early = {"born_at": ago(4), "sex": "1"}
    warned = refused(api.post(f"{path}birth/", early), 409, rule="VH-13", code="born_before_admission")
    assert warned["is_warning"]
    other = f"encounters/{made['children'][1]['encounter']}/birth/"
    assert api.post(other, early | {"accept_warnings": ["VH-13"]}).json()["start"] == ago(4)
    born = api.post(f"{path}birth/", {"born_at": ago(1), "sex": "1"}).json()
    assert (born["encounter_type"]["code"], born["start"]) == ("nyfodd", ago(1))
    refused(api.post(f"{path}change-type/", {"encounter_type": "foster"}), 409, rule="VH-24")
    refused(api.patch(f"{path}birth/", {"born_at": ago(4)}), 409, rule="VH-13", code="born_before_admission")
    refused(api.patch(f"{path}birth/", {}), 400)
    right = api.patch(f"{path}birth/", {"born_at": ago(2), "reason": "Fel klocka"}, If_Match=f'"{born["version"]}"')
    assert (right.status_code, right.json()["start"]) == (200, ago(2)), right.content
    assert steps(right.json())["birth_time"]
    refused(api.post(f"encounters/{mother.pk}/annul/", {"reason": "Fel"}), 409, rule="VH-13", code="has_children")
    refused(api.post(f"encounters/{mother.pk}/children/", {"born_at": ago(1)}), 400)
    assert Birth.objects.filter(born_at__isnull=False).count() == 2


def test_who_takes_part(caller, catalogues):
    """BO-02: by id or HSA-id, one main responsible; refusals change nothing."""
    unit = factories.EmergencyDepartmentFactory()
    visit = factories.unbooked_visit(care_unit=unit, situation="ankomst", at=now() - HOUR)
    doctor, nurse = factories.PractitionerFactory(abbreviation="Läk"), factories.PractitionerFactory(abbreviation="Ssk")
    api, path = caller("integration", unit), f"encounters/{visit.pk}/participants/"
    assert api.get(path).json() == {"participants": []}
    body = {"participants": [{"hsa_id": nurse.hsa_id}, {"practitioner": str(doctor.pk), "main_responsible": True}]}
    answer = api.put(path, body)
    assert [
        (each["hsa_id"], each["profession"]["code"], each["main_responsible"]) for each in answer.json()["participants"]
    ] == [
        (doctor.hsa_id, "lak", True),
        (nurse.hsa_id, "ssk", False),
    ]
    assert (answer.headers["ETag"], api.get(path).json()) == ('"2"', answer.json())
    moves = api.get(f"encounters/{visit.pk}/history/").json()["results"]
    assert [each["move"] for each in moves].count("participants") == 1
    refused(
        api.put(path, {"participants": [{"hsa_id": nurse.hsa_id}]}), 409, rule="BO-02", code="main_responsible_missing"
    )
    for wrong in (
        [{"hsa_id": "SE-okänd"}],
        [{"hsa_id": "SE\0"}],
        [{"hsa_id": "S" * 40}],
        [{}],
        [{"hsa_id": nurse.hsa_id, "practitioner": str(nurse.pk)}],
    ):
        refused(api.put(path, {"participants": wrong}), 400)
    both = [{"hsa_id": each.hsa_id, "main_responsible": True} for each in (doctor, nurse)]
    refused(api.put(path, {"participants": both}), 400)
    assert api.put(path, body, If_Match='"1"').status_code == 412
    assert len(api.get(path).json()["participants"]) == 2
    assert api.put(path, {"participants": []}).json() == {"participants": []}


def test_a_contact_is_registered_on_somebody(caller, catalogues):
    """BO-02, VH-03"""
    unit, doctor = factories.EmergencyDepartmentFactory(), factories.PractitionerFactory(abbreviation="Läk")
    body = {"patient": str(factories.patient().pk), "care_unit": str(unit.pk), "main_responsible": str(doctor.pk)}
    api = caller("integration", unit)
    made = api.post("encounters/", body).json()
    (named,) = api.get(f"encounters/{made['id']}/participants/").json()["participants"]
    assert (named["name"], named["main_responsible"]) == (str(doctor), True)
    refused(api.post("encounters/", body | {"main_responsible": str(unit.pk)}), 400)


def test_an_interpreter_is_put_right_after_the_end(caller):
    """KL-04, VH-21, PL-27."""
    unit = factories.HealthCentreFactory()
    visit = factories.ended_visit(care_unit=unit)
    api, path = caller("receptionist", unit), f"encounters/{visit.pk}/interpreter/"
    refused(api.put(path, {"used": "kanske"}), 400)
    refused(api.put(path, {}), 400)
    answer = api.put(path, {"used": True})
    assert answer.status_code == 200 and answer.json()["interpreter_used"] is True
    refused(api.put(path, {"used": False}, If_Match='"1"'), 412)
    assert api.get(f"encounters/{visit.pk}/").json()["interpreter_used"] is True


def test_what_is_registered_afterwards_into_what_is_known_is_refused_and_what_never_was_holds_no_bed(caller, unit):
    """VH-09, VH-12, VH-16, PL-15: a 409 with the way on, never a 500."""
    api = caller("integration", unit)
    one, two = unit.places.order_by("name")
    body = {"care_unit": str(unit.pk), "admitted_from": "home", "place": str(one.pk), "at": ago(5)}
    made = api.post("encounters/", body | {"patient": str(factories.patient().pk)}).json()
    path = f"encounters/{made['id']}/"
    api.post(f"{path}transfer/", {"ward": str(two.ward_id), "at": ago(2)})
    late = {"rule": "VH-09", "code": "before_what_is_known"}
    for place in (one, two):
        refused(api.post(f"{path}place/", {"place": str(place.pk), "at": ago(4)}), 409, **late)
    refused(
        api.post(f"{path}discharge/", {"discharged_to": "home", "at": ago(4)}),
        409,
        rule="VH-16",
        code="before_what_happened",
    )
    annulled = api.post(f"{path}annul/", {"reason": "Fel patient"})
    assert annulled.json()["status"] == "ended"
    right = api.post("encounters/", body | {"patient": str(factories.patient().pk)}).json()
    assert right["place"]["name"] == "Säng 1"


def test_two_beds_and_impossible_times_are_refused_and_an_emergency_visit_elsewhere_asks_why(caller, unit):
    """VH-09, PL-06, PL-27, VH-23"""
    other, emergency = factories.InpatientUnitFactory(), factories.EmergencyDepartmentFactory()
    api, patient = caller("integration", unit, other, emergency), factories.patient()
    body = {"patient": str(patient.pk), "care_unit": str(unit.pk), "admitted_from": "home"}
    refused(api.post("encounters/", body | {"at": "1899-01-01T00:00:00+01:00"}), 409, rule="VH-23", code="before_birth")
    early = {"expected_discharge_on": "2001-01-01"}
    refused(api.post("encounters/", body | early), 409, rule="VH-23", code="before_admission")
    here = api.post("encounters/", {"patient": str(patient.pk), "care_unit": str(emergency.pk)})
    assert here.status_code == 201
    again = api.post("encounters/", {"patient": str(patient.pk), "care_unit": str(emergency.pk)})
    refused(again, 409, rule="VH-09", code="already_here")
    assert again.json()["by"] and again.json()["at"]
    warned = api.post("encounters/", body)
    refused(warned, 409, rule="PL-06")
    assert warned.json()["is_warning"] and warned.json()["needs_reason"]
    planned = body | {"planned": True, "planned_start": local(now() + HOUR).isoformat()}
    expected = api.post("encounters/", planned).json()
    path, kept = f"encounters/{expected['id']}/", {"accept_warnings": ["PL-06"], "reason": "Gick från akuten"}
    if local(now()).date() == local(now() + HOUR).date():
        refused(api.post(f"{path}arrive/", {}), 409, rule="PL-06")
    stay = api.post("encounters/", body | kept)
    assert stay.status_code == 201
    assert Encounter.objects.get(pk=stay.json()["id"]).history.get().reason == "Gick från akuten"
    refused(
        api.post("encounters/", body | kept | {"care_unit": str(other.pk)}), 409, rule="VH-09", code="lies_elsewhere"
    )
    refused(api.post("encounters/", body | kept), 409, rule="VH-09", code="already_here")
    assert patient.encounters.in_progress().count() == 2
