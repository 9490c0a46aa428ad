"""Vårdhändelser by REST: begun without booking, next steps, check-out, end, correction, facts told, coding."""

from datetime import timedelta

import pytest

from registration.actions import clock, encounters
from registration.encounter_types import TYPES
from registration.models import CareCommitment, CashTransaction, Encounter, EncounterDocument
from registration.type_choice import ADMINISTRATIVE, CONTACT_WITHOUT_VISIT, ONGOING_TREATMENT
from scheduling.models import AwaitedResult, BookingRequest, CheckOut, OutcomeReason
from sdv.common.time import end_of_day, local, local_date, now
from sdv.desk import encounter_actions
from sdv.desk.api.new_encounters import NOT_BY_HAND, SITUATIONS
from tests import factories

from .conftest import refused


def reason_for(outcome):
    return OutcomeReason.objects.filter(outcome_id=outcome).order_by("position").first().code


def steps(answer):
    return {each["action"]: each for each in answer["actions"]}


# --- Begun without a booking (VH-03) -----------------------------------------------------------------------------------

REASON = {"contact_reason": "bedomning-ospecificerad"}


@pytest.mark.parametrize(
    ("factory", "body", "code"),
    [
        (factories.HealthCentreFactory, {"visit_type": "pv-ssk-nybesok"} | REASON, "primarvard"),
        (
            factories.HealthCentreFactory,
            {"visit_type": "pv-ssk-nybesok", "encounter_type": "primarvard"} | REASON,
            "primarvard",
        ),
        (
            factories.HealthCentreFactory,
            {"encounter_type": "kontakt-utan-besok", "contact_form": "phone", "replaces_visit": True},
            "kontakt-utan-besok",
        ),
        (factories.HealthCentreFactory, {"contact_form": "video", "replaces_visit": False}, "kontakt-utan-besok"),
        (factories.HealthCentreFactory, {"contact_form": "text", "replaces_visit": False}, "kontakt-utan-besok"),
        (factories.HealthCentreFactory, {"contact_form": "staff", "replaces_visit": False}, "kontakt-utan-besok"),
        (factories.SpecialisedClinicFactory, {"visit_type": "sp-lak-nybesok"} | REASON, "specialiserad-oppenvard"),
        (
            factories.SpecialisedClinicFactory,
            {"visit_type": "sp-lak-nybesok", "requires_place": True} | REASON,
            "specialiserad-oppenvard-rum-sang-stol",
        ),
        (factories.EmergencyDepartmentFactory, {}, "akutsjukvard"),
        (factories.EmergencyDepartmentFactory, {"encounter_type": "observation"}, "observation"),
        (factories.InpatientUnitFactory, {}, "slutenvard"),
        (factories.InpatientUnitFactory, {"encounter_type": "slutenvard"}, "slutenvard"),
        (factories.EmergencyDepartmentFactory, {"encounter_type": "admin"}, "admin"),
        (
            factories.DialysisUnitFactory,
            {"encounter_type": "klinisk-lm-pagaende-specialiserad-oppenvard"},
            "klinisk-lm-pagaende-specialiserad-oppenvard",
        ),
    ],
)
def test_the_type_follows_from_unit_and_situation(caller, catalogues, factory, body, code):
    """VH-03, VH-07: typval.csv decides."""
    unit = factory()
    patient = factories.patient(payer="Region Skåne", listing_unit="Vårdcentralen Öster")
    if unit.kind == "specialistmottagning":
        factories.open_commitment(patient=patient, care_unit=unit)
    response = caller("integration", unit).post(
        "encounters/", {"patient": str(patient.pk), "care_unit": str(unit.pk)} | body
    )
    assert response.status_code == 201, response.content
    made = response.json()
    assert (made["encounter_type"]["code"], made["status"]) == (code, "in_progress")
    assert (made["payer"], made["listing_unit"]) == ("Region Skåne", "Vårdcentralen Öster")
    assert made["start"] == local(now()).isoformat() or made["start"] == local(now() - timedelta(minutes=1)).isoformat()


@pytest.mark.parametrize(
    ("body", "status", "rule"),
    [
        ({"encounter_type": "historisk"}, 409, "VH-14"),
        ({"encounter_type": "annullerad"}, 409, "VH-12"),
        ({"encounter_type": "utebliven-bokad-kontakt"}, 409, "VH-11"),
        ({"encounter_type": "diagnostik"}, 409, "VH-03"),
        ({"encounter_type": "oppenvardskonsult"}, 409, "VH-03"),
        ({"encounter_type": "foster"}, 409, "VH-13"),
        ({"encounter_type": "nyfodd"}, 409, "VH-13"),
        ({"expected_discharge_on": "2100-01-01", "contact_form": "phone"}, 409, "VH-23"),
        ({"planned": True}, 400, None),
        ({"planned": True, "planned_start": "2100-01-01T08:00:00+01:00"}, 409, "VH-03"),
        ({"encounter_type": "forhandsregistrerad-oppenvardskontakt"}, 409, "VH-03"),
        ({"encounter_type": "specialiserad-oppenvard", "visit_type": "pv-ssk-nybesok"} | REASON, 409, "VH-03"),
        ({"encounter_type": "akutsjukvard"}, 409, "VH-03"),
        ({"encounter_type": "slutenvard"}, 409, "VH-03"),
        ({"encounter_type": "pavlov"}, 400, None),
        ({"visit_type": "pv-ssk-nybesok"}, 409, "VO-01"),
        ({"visit_type": "pv-ssk-nybesok", "contact_reason": "noak"}, 409, "VO-02"),
        ({}, 400, None),
        ({"contact_form": "brev"}, 400, None),
        ({"at": "2100-01-01T00:00:00+01:00", "contact_form": "phone"}, 400, None),
        ({"patient": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a", "contact_form": "phone"}, 400, None),
        ({"commitment": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a", "contact_form": "phone"}, 409, "VH-08"),
    ],
)
def test_a_contact_that_cannot_be_begun_says_why_and_leaves_nothing(integration, centre, body, status, rule):
    """VH-03, VH-24."""
    whole = {"patient": str(factories.patient().pk), "care_unit": str(centre.pk)} | body
    refused(integration.post("encounters/", whole), status, rule=rule)
    assert not Encounter.objects.exists()


def test_a_drop_in_at_a_specialist_needs_a_commitment(integration, clinic):
    """VH-08."""
    body = {
        "patient": str(factories.patient().pk),
        "care_unit": str(clinic.pk),
        "visit_type": "sp-lak-nybesok",
    } | REASON
    refused(integration.post("encounters/", body), 409, rule="VH-08", code="missing_commitment")
    assert not Encounter.objects.exists()


def test_a_consult_points_to_the_ongoing_contact(caller, catalogues):
    """VH-10."""
    unit = factories.EmergencyDepartmentFactory()
    api = caller("integration", unit)
    ongoing = factories.unbooked_visit(care_unit=unit, situation="ankomst")
    body = {
        "patient": str(ongoing.patient_id),
        "care_unit": str(unit.pk),
        "encounter_type": "oppenvardskonsult",
    }
    refused(api.post("encounters/", body), 409, rule="VH-10", code="nothing_ongoing")
    made = api.post("encounters/", body | {"during": str(ongoing.pk)}).json()
    assert made["encounter_type"]["code"] == "oppenvardskonsult"
    assert Encounter.objects.get(pk=made["id"]).during_id == ongoing.pk


@pytest.mark.parametrize(
    ("factory", "situation", "fields", "ended", "rule"),
    [
        (factories.HealthCentreFactory, ADMINISTRATIVE, {}, False, "VH-01"),
        (
            factories.HealthCentreFactory,
            CONTACT_WITHOUT_VISIT,
            {"contact_form": "phone", "replaces_visit": False},
            False,
            "VH-01",
        ),
        (factories.HealthCentreFactory, "drop-in", {}, False, "VH-01"),
        (factories.DialysisUnitFactory, ONGOING_TREATMENT, {}, False, "VH-01"),
        (factories.EmergencyDepartmentFactory, "ankomst", {}, True, "VH-24"),
    ],
)
def test_only_care_that_goes_on_engages_a_consult(caller, catalogues, factory, situation, fields, ended, rule):
    """VH-10: as the unit's own page says; refused where there is nothing to engage it, and nothing is left."""
    unit, ward = factory(), factories.InpatientUnitFactory()
    other = factories.unbooked_visit(care_unit=unit, situation=situation, **fields)
    if ended:
        encounters.discharge(encounter_id=other.pk, by=None, at=now())
    body = {"patient": str(other.patient_id), "care_unit": str(ward.pk), "encounter_type": "oppenvardskonsult"}
    refused(caller("integration", ward).post("encounters/", body | {"during": str(other.pk)}), 409, rule=rule)
    assert Encounter.objects.get() == other


def test_a_planned_admission_is_admitted_given_a_bed_and_discharged(caller, catalogues):
    """VH-03f, VH-07, VH-09, VH-16."""
    ward = factories.InpatientUnitFactory()
    bed = factories.PlaceFactory(care_unit=ward, name="Säng 1", kind="bed")
    api = caller("integration", ward)
    soon = now() + timedelta(minutes=5)
    body = {"patient": str(factories.patient().pk), "care_unit": str(ward.pk), "planned": True}
    planned = api.post("encounters/", body | {"planned_start": local(soon).isoformat()}).json()
    assert (planned["encounter_type"]["code"], planned["status"]) == ("forhandsregistrerad-inskrivning", "planned")
    path = f"encounters/{planned['id']}/"
    refused(api.post(f"{path}place/", {"place": str(bed.pk)}), 409, rule="VH-09")
    admitted = api.post(f"{path}arrive/", {}, If_Match='"1"').json()
    assert (admitted["encounter_type"]["code"], admitted["status"], admitted["place"]) == (
        "slutenvard",
        "in_progress",
        None,
    )
    refused(api.post(f"{path}arrive/"), 409, rule="VH-07")
    placed = api.post(f"{path}place/", {"place": str(bed.pk)}).json()
    assert placed["place"] == {"id": str(bed.pk), "name": "Säng 1"}
    refused(api.post(f"{path}place/", {"place": str(ward.pk)}), 400)
    other = factories.unbooked_visit(care_unit=ward, situation="direktinskrivning")
    refused(api.post(f"encounters/{other.pk}/place/", {"place": str(bed.pk)}), 409, rule="VH-09", code="place_taken")
    refused(api.post(f"{path}discharge/"), 409, rule="VH-23", code="ways_missing")
    ended = api.post(f"{path}discharge/", {"admitted_from": "home", "discharged_to": "special_housing"}).json()
    assert (ended["status"], ended["place"], ended["is_planned"]) == ("ended", None, True)
    assert (ended["admitted_from"], ended["discharged_to"]) == ("home", "special_housing")
    assert api.post(f"encounters/{other.pk}/place/", {"place": str(bed.pk)}).json()["place"]["name"] == "Säng 1"


def test_every_type_that_is_not_a_situation_has_its_refusal():
    assert set(SITUATIONS) | set(NOT_BY_HAND) == set(TYPES)
    assert not set(SITUATIONS) & set(NOT_BY_HAND)


# --- Next steps (VH-24) --------------------------------------------------------------------------------------------------


def test_the_steps_are_those_of_the_page(integration, caller, clinic):
    """One judge for both doors: the API's own reading of the facts says what the page's says."""
    by = factories.coordinator(clinic)
    rows = [
        factories.booked_visit(care_unit=clinic, by=by).encounter,
        factories.arrived_visit(
            care_unit=clinic, by=by, resource=factories.ResourceFactory(care_unit=clinic)
        ).encounter,
        factories.checked_out_visit(
            care_unit=clinic, by=by, resource=factories.ResourceFactory(care_unit=clinic)
        ).encounter,
        factories.no_show(care_unit=clinic, by=by, resource=factories.ResourceFactory(care_unit=clinic)).encounter,
        factories.cancelled_visit(
            care_unit=clinic, by=by, resource=factories.ResourceFactory(care_unit=clinic)
        ).encounter,
        factories.ended_visit(care_unit=clinic, by=by, resource=factories.ResourceFactory(care_unit=clinic)),
    ]
    EncounterDocument.objects.create(encounter=rows[1], kind="anteckning", external_id="1")
    CashTransaction.objects.create(encounter=rows[0], external_id="1", amount=250)
    for api in (integration, caller("coordinator", clinic), caller("coder", clinic)):
        actor = factories.actor_of(api.user)
        for row in rows:
            row = Encounter.objects.get(pk=row.pk)
            answer = api.get(f"encounters/{row.pk}/").json()
            expected = [
                {"action": each.action, "allowed": each.allowed}
                | ({"reason": each.reason} if each.reason else {})
                | ({"rule": each.rule} if each.rule else {})
                for each in encounter_actions.possible(row, actor=actor, at=now())
            ]
            assert answer["actions"] == expected


def test_a_step_that_is_allowed_is_done_and_one_that_is_not_says_why(integration, clinic):
    visit = factories.booked_visit(care_unit=clinic)
    before = steps(integration.get(f"encounters/{visit.encounter_id}/").json())
    assert before["arrive"] == {"action": "arrive", "allowed": True}
    assert (before["check_out"]["allowed"], before["check_out"]["rule"]) == (False, "VH-24")
    assert "Registrera ankomsten först" in before["check_out"]["reason"]
    assert before["reopen"]["allowed"] is False
    after = steps(integration.post(f"appointments/{visit.pk}/arrive/").json())
    assert (after["arrive"]["allowed"], after["check_out"]["allowed"]) == (False, True)


# --- Check-out (UT-01…06) -------------------------------------------------------------------------------------------------


@pytest.fixture
def visit(clinic):
    """An arrived visit at the clinic."""
    return factories.arrived_visit(care_unit=clinic).encounter


@pytest.mark.parametrize(
    ("body", "status", "rule"),
    [
        ({}, 400, None),
        ({"outcome": "finns-inte"}, 409, "UT-02"),
        ({"outcome": "end_commitment"}, 409, "UT-03"),
        ({"outcome": "await_result"}, 409, "UT-04"),
        ({"outcome": "await_result", "reason": "finns-inte"}, 400, None),
        ({"outcome": "no_further_planning"}, 409, "UT-05"),
        ({"outcome": "follow_up"}, 409, "UT-06"),
        ({"outcome": "follow_up", "follow_ups": [{}]}, 400, None),
        ({"outcome": "follow_up", "follow_ups": [{"visit_type": "x"}]}, 400, None),
        ({"outcome": "follow_up", "follow_ups": "alla"}, 400, None),
        ({"outcome": "no_further_planning", "accept_warnings": "UT-05"}, 400, None),
        ({"outcome": "no_further_planning", "accept_warnings": ["UT-05"], "at": "2100-01-01T00:00:00Z"}, 409, "UT-01"),
        ({"outcome": "no_further_planning", "accept_warnings": ["UT-05"], "at": "2020-01-01T00:00:00Z"}, 409, "UT-01"),
        ({"outcome": "no_further_planning", "at": "nu"}, 400, None),
        ({"outcome": 1}, 400, None),
    ],
)
def test_a_check_out_that_cannot_be_made_says_why_and_changes_nothing(integration, visit, body, status, rule):
    refused(integration.post(f"encounters/{visit.pk}/check-out/", body), status, rule=rule)
    visit.refresh_from_db()
    assert (visit.status, CheckOut.objects.count(), BookingRequest.objects.count()) == ("in_progress", 0, 0)


def test_faults_in_a_follow_up_are_told_by_place(integration, visit):
    body = {
        "outcome": "follow_up",
        "follow_ups": [{"visit_type": "finns-inte", "contact_reason": "noak", "from": "x", "to": "2030-01-01"}],
    }
    told = refused(integration.post(f"encounters/{visit.pk}/check-out/", body), 400)
    assert sorted(told["errors"]) == ["follow_ups.0.from", "follow_ups.0.visit_type"]


def test_the_visits_own_and_ticked_commitments_are_closed_together(integration, visit, clinic):
    """UT-03."""
    other = factories.open_commitment(patient=visit.patient, care_unit=clinic, problem="demo02")
    body = {"outcome": "end_commitment", "reason": reason_for("end_commitment"), "also_end": [str(other.pk)]}
    done = integration.post(f"encounters/{visit.pk}/check-out/", body).json()
    assert done["check_out"]["outcome"] == {"code": "end_commitment", "text": "Avsluta vårdåtagande på enhet"}
    assert done["check_out"]["reason"]["code"] == body["reason"]
    assert set(CareCommitment.objects.values_list("status", flat=True)) == {"closed"}


def test_a_commitment_with_a_booking_is_not_closed_and_the_booking_is_named(integration, visit, clinic):
    """UT-03."""
    booked = factories.booked_visit(
        care_unit=clinic, patient=visit.patient, start=factories.in_days(3), commitment=visit.commitment
    )
    body = {"outcome": "end_commitment", "reason": reason_for("end_commitment")}
    told = refused(integration.post(f"encounters/{visit.pk}/check-out/", body), 409, rule="UT-03", code="planning_left")
    assert f"{local(booked.start):%Y-%m-%d kl. %H.%M}" in told["detail"]
    visit.refresh_from_db()
    assert visit.status == "in_progress"


def test_a_follow_up_goes_to_oneself_or_a_colleague(integration, visit, clinic):
    """UT-06: one per addressee; a colleague's is an uppföljningsbegäran until confirmed."""
    colleague = factories.PractitionerFactory(user=factories.clinician(clinic))
    nobody = factories.PractitionerFactory()
    day = local_date(now())
    part = {
        "visit_type": "sp-lak-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "from": day.isoformat(),
        "to": (day + timedelta(days=7)).isoformat(),
    }
    path = f"encounters/{visit.pk}/check-out/"
    refused(
        integration.post(path, {"outcome": "follow_up", "follow_ups": [part | {"to_practitioner": str(nobody.pk)}]}),
        400,
    )
    body = {
        "outcome": "follow_up",
        "follow_ups": [part, part | {"to_practitioner": str(colleague.pk), "note": "Du känner henne"}],
    }
    assert integration.post(path, body).json()["status"] == "checked_out"
    assert sorted(BookingRequest.objects.values_list("status", flat=True)) == ["follow_up", "open"]
    asked = next(row for row in integration.get("booking-requests/?status=follow_up").json()["results"])
    assert (asked["to"], asked["description"]) == (colleague.user.name, "Du känner henne")
    confirmed = integration.patch(f"booking-requests/{asked['id']}/", {"confirm": True}).json()
    assert confirmed["status"] == "open"


def test_of_two_check_outs_the_second_is_told_who_was_first(integration, caller, visit, clinic):
    """PL-27, and by version 412."""
    path, body = f"encounters/{visit.pk}/check-out/", {"outcome": "no_further_planning", "accept_warnings": ["UT-05"]}
    tag = integration.get(f"encounters/{visit.pk}/").headers["ETag"]
    first = integration.post(path, body, If_Match=tag)
    assert first.headers["ETag"] != tag
    other = caller("clinician", clinic)
    refused(other.post(path, body, If_Match=tag), 412)
    told = refused(other.post(path, body), 409, rule="VH-24", code="wrong_status")
    assert told["by"] == "Kassasystemet"
    assert CheckOut.objects.count() == 1


def test_an_undone_check_out_takes_back_what_it_led_to(integration, caller, visit, clinic):
    """PL-13."""
    path = f"encounters/{visit.pk}/check-out/"
    body = {"outcome": "await_result", "reason": reason_for("await_result"), "waiting_for": "Labbsvar"}
    integration.post(path, body)
    refused(caller("clinician", clinic).post(f"{path}undo/", {"reason": "fel"}), 409, rule="PL-13", code="not_own_act")
    assert AwaitedResult.objects.open().count() == 1
    undone = integration.post(f"{path}undo/").json()
    assert (undone["status"], undone["check_out"]) == ("in_progress", None)
    assert AwaitedResult.objects.open().count() == 0
    refused(integration.post(f"{path}undo/"), 409, rule="VH-24")


# --- End and correction ---------------------------------------------------------------------------------------------------


def test_an_emergency_contact_is_discharged_by_hand(caller, catalogues):
    """VH-16."""
    unit = factories.EmergencyDepartmentFactory()
    api = caller("integration", unit)
    begun = factories.unbooked_visit(care_unit=unit, situation="ankomst", at=now() - timedelta(hours=1))
    path = f"encounters/{begun.pk}/discharge/"
    refused(api.post(path, {"at": local(now() - timedelta(days=1)).isoformat()}), 409, rule="VH-16")
    refused(api.post(path, {"at": local(now() + timedelta(hours=1)).isoformat()}), 400)
    at = local(now() - timedelta(minutes=10)).isoformat()
    ended = api.post(path, {"at": at}).json()
    assert (ended["status"], ended["end"]) == ("ended", at)
    refused(api.post(path), 409, rule="VH-24")


def test_what_is_discharged_by_itself_is_not_discharged_by_hand(integration, visit):
    """VH-16, VH-17."""
    refused(integration.post(f"encounters/{visit.pk}/discharge/"), 409, rule="VH-16")
    visit.refresh_from_db()
    assert visit.end is None


def test_documentation_and_cash_stand_in_the_way_of_annulling(integration, visit):
    """VH-12, AG-01, DI-04: until the note is void and the transaction reversed in full."""
    path = f"encounters/{visit.pk}/"
    assert integration.post(f"{path}documentation/", {"kind": "anteckning", "external_id": "j 1/å"}).status_code == 201
    paid = integration.post(f"{path}cash-transactions/", {"external_id": "k1", "amount": "250.00"}).json()
    assert (paid["amount"], paid["reverses"]) == ("250.00", None)
    told = refused(integration.post(f"{path}annul/", {"reason": "fel patient"}), 409, rule="VH-12", code="not_empty")
    assert "journaldokumentation och kassatransaktioner" in told["detail"]
    assert steps(integration.get(path).json())["annul"]["rule"] == "VH-12"

    assert integration.delete(f"{path}documentation/j 1%2Få/").status_code == 204
    told = refused(integration.post(f"{path}annul/", {"reason": "fel patient"}), 409, rule="VH-12")
    assert "kassatransaktioner" in told["detail"]
    refused(
        integration.post(f"{path}cash-transactions/", {"external_id": "k2", "amount": "-100", "reverses": "k1"}),
        409,
        rule="AG-01",
    )
    integration.post(f"{path}cash-transactions/", {"external_id": "k2", "amount": "-250", "reverses": "k1"})
    refused(integration.post(f"{path}annul/", {"reason": " "}), 409, rule="VH-12", code="reason_missing")
    gone = integration.post(f"{path}annul/", {"reason": "fel patient"}).json()
    assert (gone["encounter_type"]["code"], gone["status"], gone["appointment"]["status"]) == (
        "annullerad",
        "ended",
        "cancelled",
    )
    refused(integration.post(f"{path}documentation/", {"kind": "a", "external_id": "2"}), 409, rule="VH-12")


def test_a_note_is_told_once_and_taken_back(integration, visit):
    path = f"encounters/{visit.pk}/documentation/"
    for _ in range(2):
        assert integration.post(path, {"kind": "anteckning", "external_id": "journal-1"}).status_code == 201
    assert EncounterDocument.objects.count() == 1
    assert integration.delete(f"{path}journal-1/").status_code == 204
    assert EncounterDocument.objects.get().removed_at is not None
    refused(integration.delete(f"{path}journal-2/"), 404)
    refused(integration.delete(f"{path}%00/"), 404)


@pytest.mark.parametrize(
    "body",
    [
        {"external_id": "k", "amount": "mycket"},
        {"external_id": "k", "amount": "1.005"},
        {"external_id": "k", "amount": "10000000"},
        {"external_id": "k", "amount": True},
        {"external_id": "k", "amount": "NaN"},
        {"external_id": "", "amount": "1"},
        {"external_id": "k" * 121, "amount": "1"},
        {"amount": "1"},
    ],
)
def test_a_transaction_that_cannot_be_read_is_400(integration, visit, body):
    refused(integration.post(f"encounters/{visit.pk}/cash-transactions/", body), 400)
    assert not CashTransaction.objects.exists()


def test_a_transaction_told_again_is_the_same_and_otherwise_refused(integration, visit):
    """AG-01."""
    path = f"encounters/{visit.pk}/cash-transactions/"
    body = {"external_id": "k1", "amount": "250.00"}
    assert integration.post(path, body).json() == integration.post(path, body).json()
    refused(integration.post(path, body | {"amount": "300"}), 409, rule="AG-01", code="duplicate")
    assert CashTransaction.objects.count() == 1


def test_a_type_is_changed_only_where_the_rules_have_a_change(integration, visit):
    """VH-24."""
    path = f"encounters/{visit.pk}/change-type/"
    for code, rule in (("primarvard", "VH-24"), ("historisk", "VH-14"), ("annullerad", "VH-12")):
        refused(integration.post(path, {"encounter_type": code}), 409, rule=rule)
    refused(integration.post(path, {"encounter_type": "x"}), 400)
    changed = integration.post(
        path, {"encounter_type": "specialiserad-oppenvard-rum-sang-stol"}, If_Match=f'"{visit.version}"'
    )
    assert changed.json()["encounter_type"]["text"] == "Specialiserad öppenvård (rum/säng/stol)"
    refused(integration.post(path, {"encounter_type": "specialiserad-oppenvard"}, If_Match=f'"{visit.version}"'), 412)


def test_an_ended_visit_is_opened_again_by_those_who_correct_and_its_history_tells(caller, clinic):
    """PL-13, VH-21."""
    ended = factories.ended_visit(care_unit=clinic)
    api = caller("support", clinic)
    refused(api.post(f"encounters/{ended.pk}/reopen/", {"reason": ""}), 409, rule="PL-13", code="reason_missing")
    opened = api.post(f"encounters/{ended.pk}/reopen/", {"reason": "Fel utfall"}).json()
    assert (opened["status"], opened["end"], opened["is_reopened"]) == ("checked_out", None, True)
    clock.auto_discharge(at=end_of_day(local_date(now())))
    assert api.get(f"encounters/{ended.pk}/").json()["status"] == "checked_out"
    history = api.get(f"encounters/{ended.pk}/history/").json()["results"]
    told = next(row for row in history if row["move"] == "reopen")
    assert (told["text"], told["by"], told["reason"]) == ("Öppning", api.user.name, "Fel utfall")
    assert (told["source"], told["target"]) == ("ended", "checked_out")


# --- Coding -----------------------------------------------------------------------------------------------------------------


def test_a_coding_is_saved_with_its_findings_and_klar_needs_a_main_diagnosis(integration, centre, codes):
    """KL-01…KL-06."""
    ended = factories.ended_visit(care_unit=centre)
    path = f"encounters/{ended.pk}/coding/"
    empty = integration.get(path)
    assert (empty.headers["ETag"], empty.json()["diagnoses"]) == ('"0"', [])
    refused(integration.put(path, {"complete": True}), 409, rule="KL-06")
    refused(integration.put(path, {"diagnoses": [{"code": "Ö999"}]}), 409, rule="KL-05")
    refused(integration.put(path, {"diagnoses": [{"kod": "I10"}]}), 400)
    refused(integration.put(path, {"diagnoses": [{"code": "I109", "system": "sven"}]}), 400)
    saved = integration.put(path, {"diagnoses": [{"code": "I10.9"}], "complete": True}, If_Match='"0"')
    assert saved.status_code == 200, saved.content
    assert (saved.json()["complete"], saved.json()["completed_by"], saved.headers["ETag"]) == (
        True,
        "Kassasystemet",
        '"1"',
    )
    assert saved.json()["diagnoses"][0]["display"] == "I10.9"
    refused(integration.put(path, {"diagnoses": [{"code": "E119"}]}, If_Match='"0"'), 412)
    assert integration.get(f"encounters/{ended.pk}/").json()["is_coded"] is True


def test_a_planned_visit_is_not_coded(integration, centre, codes):
    """KL-01, VH-20."""
    booked = factories.booked_visit(care_unit=centre)
    path = f"encounters/{booked.encounter_id}/coding/"
    response = integration.put(path, {"diagnoses": [{"code": "I10.9"}]})
    assert (response.status_code, response.json()["rule"]) == (409, "VH-20")
    assert integration.get(path).json()["version"] == 0
