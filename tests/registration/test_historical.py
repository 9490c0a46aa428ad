"""Historisk is brought by a machine migration and changed by nobody (VH-03 i, VH-14, VH-20)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from registration.actions import historical
from registration.lifecycle import Move
from registration.models import Encounter
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from sdv.desk import encounter_actions
from sdv.flows import cancellation, correction
from sdv.outbox.models import OutboxMessage
from tests import factories as make
from tests.clinic import DAY, NOW
from tests.desk.signed_in import signed_in

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
