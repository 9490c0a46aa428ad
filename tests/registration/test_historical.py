"""Historisk is brought by a machine migration and changed by nobody (VH-03 i, VH-14, VH-20)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from classification.actions import coding
from registration.actions import (
    admissions,
    births,
    encounters,
    facts,
    historical,
    interpreters,
    participants,
    places,
    relations,
    stays,
    waiting_room,
)
from registration.lifecycle import Move
from registration.models import Encounter
from registration.models.relation import EncounterRelation
from registration.type_choice import CONSULT
from scheduling.actions import check_out
from sdv.accounts.permissions import Role
from sdv.common.errors import InputError, RuleError
from sdv.desk import encounter_actions
from sdv.flows import cancellation, correction
from sdv.outbox.models import OutboxMessage
from tests import factories as make
from tests.clinic import DAY, NOW
from tests.desk.signed_in import signed_in
from tests.protection.canaries import stored

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def unit():
    return make.SpecialisedClinicFactory()


def recorded(unit, patient=None, **fields):
    act = {"start": NOW - 900 * DAY, "end": NOW - 900 * DAY + HOUR} | fields
    return historical.record(
        patient_id=(patient or make.patient()).pk, care_unit=unit, by=make.UserFactory(), at=NOW, **act
    )


def test_it_is_born_ended_and_neither_told_nor_to_be_coded(unit):
    """VH-14, VH-20"""
    row = recorded(unit)
    assert (row.type_id, row.status, row.end) == ("historisk", "ended", NOW - 900 * DAY + HOUR)
    assert [move.move for move in row.history.all()] == [Move.CREATE]
    assert not OutboxMessage.objects.exists()
    assert not Encounter.objects.to_code().exists()


def test_an_import_run_twice_makes_it_once(unit):
    """VH-14"""
    patient = make.patient()
    assert recorded(unit, patient) == recorded(unit, patient)
    assert Encounter.objects.count() == 1


@pytest.mark.parametrize("times", [{"end": NOW + HOUR}, {"end": NOW - 901 * DAY}])
def test_what_has_not_ended_is_no_history(unit, times):
    """VH-14"""
    with pytest.raises(RuleError) as refused:
        recorded(unit, **times)
    assert (refused.value.rule, Encounter.objects.count()) == ("VH-14", 0)


# Each act on a vårdhändelse, with what else it asks for, and the rule that refuses: VH-14, or what the act needs first.
ACTS = {
    "note": (facts.report_document, {"kind": "anteckning", "external_id": "J1"}, "VH-14"),
    "note removed": (facts.remove_document, {"external_id": "J1"}, "VH-14"),
    "cash": (facts.report_cash_transaction, {"external_id": "K1", "amount": 100}, "VH-14"),
    "participants": (participants.register, {"main": None}, "VH-14"),
    "interpreter": (interpreters.register, {"used": True}, "VH-14"),
    "relation": (relations.add_contact, {"name": "Någon", "patient_id": ...}, "VH-14"),
    "annul": (cancellation.annul, {"reason": "Fel"}, "VH-14"),
    "reopen": (correction.reopen, {"reason": "Fel"}, "VH-14"),
    "end": (cancellation.end_by_hand, {}, "VH-14"),
    "discharge": (encounters.discharge, {"discharged_to": "home"}, "VH-14"),
    "type": (encounters.change_type, {"new_type_code": "primarvard"}, "VH-14"),
    "undo admission": (correction.undo_admission, {}, "VH-14"),
    "admit": (admissions.admit, {}, "VH-07"),
    "place": (places.assign, {"place_id": ...}, "VH-09"),
    "transfer": (stays.transfer, {"ward_id": None}, "VH-14"),
    "leave": (stays.leave, {}, "VH-14"),
    "return": (stays.come_back, {}, "VH-14"),
    "assess": (stays.assess, {}, "VH-14"),
    "complete": (stays.complete, {"is_planned": True}, "VH-14"),
    "go on": (admissions.continue_at, {"care_unit": ...}, "VH-01"),
    "consult": (encounters.register_unbooked, {"during_id": ..., "situation": CONSULT, "patient_id": ...}, "VH-01"),
    "birth": (births.born, {"born_at": NOW, "sex": "1"}, "VH-14"),
    "birth time": (births.correct_time, {"born_at": NOW}, "VH-14"),
    "personnummer": (births.give_personnummer, {"identity": "201811202397"}, None),
    "child": (births.prepare, {"mother_encounter_id": ..., "actor_hsa_id": "x"}, None),
    "call": (waiting_room.call, {}, "PL-17"),
    "check out": (check_out.check_out, {"outcome": "no_further_planning", "registered_at": NOW}, None),
    "check-out undone": (check_out.undo, {}, "VH-14"),
    "codes": (coding.save_coding, {"diagnoses": [], "procedures": [], "atc": [], "complete": False}, "VH-20"),
    "codes undone": (coding.undo, {}, "PL-13"),
}


@pytest.mark.parametrize("name", ACTS)
def test_every_act_on_it_is_refused_and_nothing_is_changed(unit, name):
    """VH-14: read-only, and nothing hangs on it afterwards that did not before."""
    act, asked, rule = ACTS[name]
    ward = make.InpatientUnitFactory()
    row, by = recorded(unit), make.UserFactory()
    known = {
        "patient_id": row.patient_id,
        "place_id": make.PlaceFactory(care_unit=unit).pk,
        "care_unit": ward,
        "during_id": row.pk,
        "mother_encounter_id": row.pk,
    }
    said = {field: known[field] if value is ... else value for field, value in asked.items()}
    if act is encounters.register_unbooked:
        said["care_unit"] = ward
    elif "mother_encounter_id" not in said:
        said["encounter_id"] = row.pk
    before = stored()
    with pytest.raises((RuleError, InputError)) as refused:
        act(**said, by=by, at=NOW)
    assert rule is None or refused.value.rule == rule
    assert stored() == before


def test_its_relations_are_not_changed_either(unit):
    """VH-14, RE-03"""
    row, by = recorded(unit), make.UserFactory()
    relation = EncounterRelation.objects.create(encounter=row, kind="contact", name="Någon")
    act = {"patient_id": row.patient_id, "encounter_id": row.pk, "relation_id": relation.pk, "by": by, "at": NOW}
    for doing in (lambda: relations.change(**act, name="Annan"), lambda: relations.remove(**act)):
        with pytest.raises(RuleError) as refused:
            doing()
        assert refused.value.rule == "VH-14"
    assert row.relations.get().name == "Någon"


def test_nobody_changes_it_by_any_door(unit):
    """VH-14: the actions refuse, the page offers nothing."""
    row, support = recorded(unit), make.staff(Role.SUPPORT, unit)
    acts = (
        lambda: cancellation.annul(encounter_id=row.pk, reason="Fel", by=support, at=NOW),
        lambda: correction.reopen(encounter_id=row.pk, reason="Fel", by=support, at=NOW),
        lambda: cancellation.end_by_hand(encounter_id=row.pk, by=support, at=NOW),
    )
    for act in acts:
        with pytest.raises(RuleError) as refused:
            act()
        assert refused.value.rule == "VH-14"
    offered = encounter_actions.possible(row, actor=make.actor_of(support), at=NOW)
    assert [each.action for each in offered if each.allowed] == []
    page = signed_in(support).get(reverse("encounter", args=[row.pk])).content.decode()
    assert "Inget kan göras med vårdhändelsen nu." in page
