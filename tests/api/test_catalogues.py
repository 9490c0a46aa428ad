"""Catalogues, organisation and codes by REST, and the schema with its page."""

import re

import pytest
import yaml
from django.conf import settings
from django.test import Client

from classification.models import Code
from registration.models import ContactReason, VisitType
from sdv.desk.api.documentation import openapi
from tests import factories

from .conftest import refused


def test_units_come_with_their_parts_and_places(integration, clinic):
    factories.ReceptionFactory(care_unit=clinic, name="Ortopedmottagningen")
    factories.WardFactory(care_unit=clinic, name="Avdelning 2")
    factories.PlaceFactory(care_unit=clinic, name="Stol 9")
    unit = next(row for row in integration.get("care-units/").json()["results"] if row["id"] == str(clinic.pk))
    assert (unit["hsa_id"], unit["is_primary_care"]) == (clinic.hsa_id, False)
    assert ([row["name"] for row in unit["receptions"]], [row["name"] for row in unit["wards"]]) == (
        ["Ortopedmottagningen"],
        ["Avdelning 2"],
    )
    assert [(row["name"], row["kind"]) for row in unit["places"]] == [("Stol 9", "chair")]


def test_catalogues_go_by_page_and_count(integration):
    total = VisitType.objects.count()
    first = integration.get("visit-types/?page_size=10").json()
    assert (first["count"], len(first["results"]), first["previous"]) == (total, 10, None)
    last = integration.get(f"visit-types/?page_size=10&page={-(-total // 10)}").json()
    assert (last["next"], len(last["results"])) == (None, total % 10 or 10)
    assert integration.get("visit-types/?page=99999").json()["results"] == []
    refused(integration.get("visit-types/?page=0"), 400)
    refused(integration.get("visit-types/?page=9999999999"), 400)


def test_reasons_are_those_that_can_be_chosen_for_the_visit_type(integration):
    """VO-02."""
    visit_type = factories.visit_type("Pv Ssk Återbesök")
    offered = {
        row["code"]
        for row in integration.get("contact-reasons/?visit_type=pv-ssk-aterbesok&page_size=200").json()["results"]
    }
    today = factories.local_date(factories.now())
    assert offered == set(ContactReason.objects.offered_for(visit_type, today).values_list("code", flat=True))
    refused(integration.get("contact-reasons/?visit_type=finns-inte"), 400)


def test_visit_types_of_a_unit_are_those_of_its_care_area(integration, centre):
    """BT-01, BT-02."""
    rows = integration.get(f"visit-types/?care_unit={centre.pk}&page_size=200&search=återbesök").json()["results"]
    assert rows
    assert {row["care_area"]["code"] for row in rows} == {"pv"}
    assert all("återbesök" in row["text"].lower() for row in rows)
    refused(integration.get("visit-types/?care_unit=01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"), 400)


def test_outcomes_come_with_their_reasons(integration):
    """UT-02…UT-04."""
    rows = integration.get("outcomes/").json()["results"]
    assert [row["code"] for row in rows] == ["end_commitment", "await_result", "no_further_planning", "follow_up"]
    assert [bool(row["reasons"]) for row in rows] == [True, True, False, False]


def test_what_ended_yesterday_is_neither_listed_nor_chosen(integration, centre):
    yesterday = factories.local_date(factories.now()) - factories.timedelta(days=1)
    VisitType.objects.filter(code="pv-ssk-aterbesok").update(valid_to=yesterday)
    codes = {row["code"] for row in integration.get("visit-types/?page_size=200").json()["results"]}
    assert "pv-ssk-aterbesok" not in codes
    then = {row["code"] for row in integration.get(f"visit-types/?page_size=200&date={yesterday}").json()["results"]}
    assert "pv-ssk-aterbesok" in then
    refused(integration.get(f"slots/?care_unit={centre.pk}&visit_type=pv-ssk-aterbesok"), 400)


def test_codes_are_searched_and_read_with_or_without_dot(integration, codes):
    """KL-02, KL-05."""
    hits = integration.get("codes/icd-10-se/?search=hypertoni&page_size=5").json()["results"]
    assert 0 < len(hits) <= 5
    for spelling in ("I10.9", "i109", "I109"):
        assert integration.get(f"codes/icd-10-se/{spelling}/").json()["display"] == "I10.9"
    refused(integration.get("codes/icd-10-se/Q00000/"), 404)
    refused(integration.get("codes/icd-9/I109/"), 404)
    refused(integration.get("codes/icd-9/?search=a"), 404)
    refused(integration.get("codes/icd-10-se/I109/?date=1990-01-01"), 404)
    assert integration.get("codes/icd-10-se/?search=hypertoni&date=1990-01-01").json()["results"] == []
    assert integration.get("codes/kva/?date=1990-01-01").json()["results"] == []
    assert Code.objects.exists()


def test_one_code_tells_its_place_its_text_and_its_release(integration, codes):
    """KL-05."""
    code = integration.get("codes/icd-10-se/F43.8/").json()
    assert [parent["code"] for parent in code["parents"]] == ["05", "F40-F48", "F43"]
    assert [child["display"] for child in code["children"]] == ["F43.8A", "F43.8W"]
    assert code["chapter"] == "05"
    assert code["release"] == {
        "version": "startuppsättning", "valid_from": "2020-01-01", "valid_to": None,
        "source": "Urval ur ICD-10-SE, publicerad 2023-12-01", "remark": "",
    }  # fmt: skip
    assert (code["texts"], code["relations"], code["is_registrable"]) == ({}, [], True)


def test_a_system_is_walked_from_its_top(integration, codes):
    top = integration.get("codes/icd-10-se/").json()["results"]
    assert "05" in [row["code"] for row in top] and {row["level"] for row in top} == {"chapter"}
    under = integration.get("codes/icd-10-se/?parent=F43").json()["results"]
    assert [row["display"] for row in under] == ["F43.0", "F43.1", "F43.2", "F43.8", "F43.9"]
    assert integration.get("codes/icd-10-se/?parent=Z999").json()["results"] == []
    held = integration.get("codes/icd-10-se/?search=akut&chapter=10").json()["results"]
    assert held and all(row["code"].startswith("J") for row in held)


# --- The schema ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_committed_schema_is_the_codes_own():
    """make openapi writes it; make check compares too."""
    answered = yaml.safe_load(Client().get("/api/schema/").content)
    committed = yaml.safe_load((settings.BASE_DIR / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
    assert answered == committed, "Kör make openapi och granska skillnaden."
    assert answered["openapi"] == "3.1.0"
    assert Client().get("/api/schema/?format=json").json() == answered


def test_the_schema_has_swedish_words_only_and_closed_bodies():
    schema = openapi()
    for path, methods in schema["paths"].items():
        for each in methods.values():
            if isinstance(each, dict):
                assert each["summary"], path
                assert "description" not in each
    for name, shape in schema["components"]["schemas"].items():
        assert "description" not in shape, name
    assert schema["components"]["schemas"]["BookingBodyRequest"]["additionalProperties"] is False
    assert schema["components"]["schemas"]["FollowUpBodyRequest"]["additionalProperties"] is False


@pytest.mark.django_db
def test_the_page_of_the_schema_holds_every_address_without_script_or_style_of_its_own():
    response = Client().get("/api/docs/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", page)
    for path in openapi()["paths"]:
        assert path in page
    assert 'id="hinder"' in page
    assert "API-beskrivning" in page


@pytest.mark.django_db
def test_the_page_of_an_area_tells_what_each_address_takes_and_answers():
    bookings = Client().get("/api/docs/bokningar/").content.decode()
    for text in ("appointments_create", "BookingBodyRequest", "wished_date", "Idempotency-Key", "AppointmentAnswer"):
        assert text in bookings
    assert "ReferralAnswer" not in bookings
    assert Client().get("/api/docs/finns-inte/").status_code == 404


@pytest.mark.django_db
def test_each_kind_of_problem_has_its_place_on_the_page(integration):
    """RFC 9457: `type` is an address that tells more."""
    body = refused(integration.get("encounters/?status=x"), 400)
    path, _, anchor = body["type"].partition("#")
    assert f'id="{anchor}"' in Client().get(path).content.decode()
