"""Production statistics by REST: the numbers of the page, for the units of the account (ST-01)."""

import pytest

from tests import factories
from tests.classification.worlds import contact, person

from .conftest import refused

OCTOBER = "statistics/production/?from=2026-10-01&to=2026-10-31"


@pytest.fixture
def manager(caller, clinic, centre):
    return caller("manager", clinic, centre)


def test_the_account_s_units_are_counted_together_or_one_by_one(manager, clinic, centre):
    """ST-01: one statement for all; another unit's contacts are nobody's business."""
    for _ in range(6):
        contact(clinic, person(), visit_type="Sp Läk Återbesök")
        contact(centre, person(), "primarvard")
        contact(factories.SpecialisedClinicFactory(), person())
    both = manager.get(OCTOBER).json()
    assert both["total"]["outpatient"] == both["total"]["individuals"] == 12
    assert {row["text"]: row["figures"]["outpatient"] for row in both["care_units"]} == {clinic.name: 6, centre.name: 6}
    one = manager.get(f"{OCTOBER}&care_unit={clinic.pk}").json()
    assert one["total"] == {
        "outpatient": 6,
        "remote": 0,
        "no_shows": 0,
        "observations": 0,
        "inpatient": 0,
        "days": 0,
        "mean_stay": None,
        "individuals": 6,
    }
    assert manager.get(f"{OCTOBER}&visit_type=finns-inte").json()["total"]["outpatient"] == 0


def test_fewer_than_five_have_no_figures(manager, clinic):
    for _ in range(4):
        contact(clinic, person())
    answer = manager.get(OCTOBER).json()
    assert (answer["total"], answer["care_units"], answer["periods"]) == (None, [], [])


def test_what_cannot_be_read_and_what_one_may_not_see_is_refused(manager, clinic):
    assert "to" in refused(manager.get("statistics/production/?from=2026-10-02&to=2026-10-01"), 400)["errors"]
    assert "to" in refused(manager.get("statistics/production/?from=2020-01-01&to=2026-10-01"), 400)["errors"]
    assert "age" in refused(manager.get(f"{OCTOBER}&age=17"), 400)["errors"]
    assert "from" in refused(manager.get("statistics/production/"), 400)["errors"]
    other = factories.SpecialisedClinicFactory()
    refused(manager.get(f"{OCTOBER}&care_unit={other.pk}"), 403)
