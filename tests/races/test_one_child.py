"""Two midwives prepare for the same child at the same moment (PL-27, VH-13)."""

import pytest

from registration.actions import births
from registration.models import Birth, Patient
from registration.type_choice import OBSERVATION_PLACE
from tests import factories
from tests.clinic import NOW
from tests.races.together import LONGEST_WAIT, one_winner, together
from tests.registers import connected

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


def test_one_child_is_made_and_the_second_is_told_who_was_first():
    """Twins are two numbers: they are prepared beside each other."""
    unit, people = factories.MaternityUnitFactory(), [factories.UserFactory() for _ in range(2)]
    mother = factories.unbooked_visit(care_unit=unit, situation=OBSERVATION_PLACE, at=NOW)
    act = {"mother_encounter_id": mother.pk, "at": NOW, "actor_hsa_id": "SE0000000000-U1"}
    before = Patient.objects.count()
    with connected(seconds=5):
        for number in (1, 2):
            (birth,), (refused,) = one_winner(
                together(
                    *[lambda user=user, n=number: births.prepare(by=user, number=n, **act) for user in people],
                    longest_wait=10 * LONGEST_WAIT,
                )
            )
            assert (refused.rule, refused.code, refused.by) == ("PL-27", "already_done", birth.registered_by.name)
    assert list(Birth.objects.order_by("number").values_list("number", flat=True)) == [1, 2]
    assert Patient.objects.count() == before + 2
