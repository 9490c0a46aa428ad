"""An interpreter that was used, put right whenever it is found out (KL-04, VH-21, PS-04)."""

from datetime import timedelta

import pytest

from classification.deriving import derived_of
from registration.actions import interpreters
from registration.lifecycle import Move
from registration.models import Encounter
from registration.type_choice import DIRECT_ADMISSION, EMERGENCY_ARRIVAL
from sdv.common.errors import RuleError, StaleVersion
from sdv.outbox.models import OutboxMessage, Topic
from tests import factories as make
from tests.clinic import NOW, Clinic

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def clinic():
    return Clinic()


def codes(visit):
    return [each.code for each in derived_of(Encounter.objects.get(pk=visit.pk)).codes]


def told(visit):
    return OutboxMessage.objects.filter(topic=Topic.ENCOUNTER_CHANGED, subject_id=visit.pk).count()


@pytest.mark.parametrize(
    ("unit", "situation"),
    [(make.EmergencyDepartmentFactory, EMERGENCY_ARRIVAL), (make.InpatientUnitFactory, DIRECT_ADMISSION)],
)
def test_an_interpreter_at_the_emergency_department_or_the_ward_gives_its_code(clinic, unit, situation):
    """KL-04: those doors do not ask at the arrival; the act is there as long as the contact is."""
    visit = make.unbooked_visit(care_unit=unit(), situation=situation, by=clinic.nurse, at=NOW)
    assert "ZV020" not in codes(visit)
    interpreters.register(encounter_id=visit.pk, used=True, by=clinic.nurse, at=NOW)
    assert codes(visit)[-1] == "ZV020"
    last = visit.history.last()
    assert (last.move, last.reason, last.by) == (Move.INTERPRETER, "tolk användes", clinic.nurse)
    interpreters.register(encounter_id=visit.pk, used=False, by=clinic.doctor, at=NOW)
    assert "ZV020" not in codes(visit)
    assert visit.history.last().reason == "ingen tolk användes"


def test_after_the_end_it_is_told_again_and_only_where_something_changed(clinic):
    """VH-21"""
    visit = make.ended_visit(at=NOW)
    for _ in range(2):
        interpreters.register(encounter_id=visit.pk, used=True, by=clinic.nurse, at=NOW + DAY)
    assert visit.history.filter(move=Move.INTERPRETER).count() == 1
    assert told(visit) == 1
    assert "ZV020" in codes(visit)


def test_where_nobody_is_met_nothing_is_interpreted(clinic):
    """KL-04, VH-24, VH-12: before the patient has come, and where it never was a contact."""
    booked = make.booked_visit(at=NOW).encounter
    missed = make.no_show(at=NOW).encounter
    annulled = make.cancelled_visit(at=NOW, start=NOW + 2 * DAY).encounter
    for visit, rule in ((booked, "VH-24"), (missed, "VH-24"), (annulled, "VH-12")):
        before = Encounter.objects.values().get(pk=visit.pk)
        with pytest.raises(RuleError) as refused:
            interpreters.register(encounter_id=visit.pk, used=True, by=clinic.nurse, at=NOW)
        assert refused.value.rule == rule
        assert Encounter.objects.values().get(pk=visit.pk) == before


def test_what_was_read_at_another_version_is_refused(clinic):
    """PL-27"""
    visit = make.unbooked_visit(at=NOW)
    with pytest.raises(StaleVersion):
        interpreters.register(encounter_id=visit.pk, used=True, by=clinic.nurse, at=NOW, version=visit.version + 1)
    assert not Encounter.objects.get(pk=visit.pk).interpreter_used
