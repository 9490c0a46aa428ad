"""Production statistics by REST: the numbers of the page, for the units of the account (ST-01)."""

from datetime import date

import pytest

from classification.actions import deliveries
from classification.models import RegisterReporter
from classification.register.selection import period_due
from tests import factories
from tests.classification.worlds import contact, moment, person

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


# --- Deliveries to registers (PAR-01) -----------------------------------------------------------------------------------


def test_deliveries_are_told_with_their_checksums_and_another_provider_s_are_not_there(caller, clinic):
    """PAR-01: the files themselves are fetched by a person."""
    provider = factories.CareProviderFactory(hsa_id="SE2321000131-P000077", name="Annan vårdgivare")
    mine, other = (
        RegisterReporter.objects.create(care_provider=each, file_code=code)
        for each, code in ((clinic.facility.care_provider, "12"), (provider, "30"))
    )
    period = period_due(date(2026, 11, 20))
    made, theirs = (
        deliveries.deliver(reporter_id=each.pk, period=period, by=None, at=moment("2026-11-20 02:30"))
        for each in (mine, other)
    )
    coder = caller("coder", clinic)
    assert [row["id"] for row in coder.get("register-deliveries/").json()["results"]] == [str(made.pk)]
    whole = coder.get(f"register-deliveries/{made.pk}/").json()
    assert (whole["first_day"], whole["last_day"], whole["is_verified"]) == ("2026-08-01", "2026-10-31", False)
    assert len(whole["files"]) == 10
    assert {file["rows"] for file in whole["files"]} == {0}
    refused(coder.get(f"register-deliveries/{theirs.pk}/"), 404)
    refused(caller("manager", clinic).get("register-deliveries/"), 403)
