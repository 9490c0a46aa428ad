"""The demonstration's data comes only in the practice environment, and is alive at any hour."""

from datetime import datetime

import pytest
from django.core.management import CommandError, call_command

from registration.models import Patient
from sdv.accounts.models import User
from sdv.common.time import STOCKHOLM
from sdv.organisation.models import CareUnit
from tests import factories
from tests.desk.demo_seeding import assert_alive, seed

pytestmark = pytest.mark.django_db

HOURS = {
    "just after midnight": datetime(2026, 11, 25, 0, 2, tzinfo=STOCKHOLM),
    "just before midnight on a Sunday": datetime(2026, 11, 22, 23, 55, tzinfo=STOCKHOLM),
}


@pytest.fixture
def practice(settings):
    settings.SDV_DEMO = True


def test_nothing_is_seeded_outside_the_practice_environment(settings):
    settings.SDV_DEMO = False
    with pytest.raises(CommandError, match="SDV_DEMO=1"):
        call_command("seed_demo")
    assert not User.objects.exists()
    assert not CareUnit.objects.exists()


@pytest.mark.usefixtures("practice")
def test_nothing_is_seeded_among_a_regions_own_units():
    factories.CareUnitFactory()
    with pytest.raises(CommandError, match="andra enheter"):
        call_command("seed_demo")
    assert not Patient.objects.exists()


@pytest.mark.usefixtures("practice")
@pytest.mark.parametrize("hour", HOURS)
def test_every_state_is_there_today_at_every_unit_whatever_the_hour(hour):
    """A full day around now, and nothing that the rules forbid."""
    seed(HOURS[hour])
    assert_alive(HOURS[hour])
