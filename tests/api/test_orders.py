"""Ordinationer by REST (VH-03 j)."""

from datetime import timedelta

import pytest

from registration.models import Encounter
from sdv.common.time import local_date, now
from tests import factories

from .conftest import refused


@pytest.fixture
def order(clinic):
    return {
        "patient": str(factories.patient().pk),
        "care_unit": str(clinic.pk),
        "what": "Blodstatus  och CRP",
        "planned_on": (local_date(now()) + timedelta(days=3)).isoformat(),
    }


def test_an_order_is_placed_listed_and_activated_into_a_diagnostic_encounter(integration, order):
    """VH-03 j, PL-16: what was typed is what is answered."""
    made = integration.post("orders/", order)
    assert (made.status_code, made.json()["what"], made.json()["status"]) == (201, "Blodstatus  och CRP", "planned")
    path = f"orders/{made.json()['id']}/"
    (listed,) = integration.get(f"orders/?patient={order['patient']}&status=planned").json()["results"]
    assert listed == made.json() == integration.get(path).json()
    refused(integration.post(f"{path}activate/", {}, If_Match='"9"'), 412)
    activated = integration.post(f"{path}activate/", {}, If_Match='"1"').json()
    encounter = Encounter.objects.get(pk=activated["encounter"])
    assert (activated["status"], encounter.type_id, encounter.status) == ("activated", "diagnostik", "in_progress")
    refused(integration.post(f"{path}activate/", {}), 409, rule="VH-03", code="wrong_status")
    refused(integration.post(f"{path}cancel/", {"reason": "Sent"}), 409, rule="VH-03", code="wrong_status")
    assert Encounter.objects.count() == 1


def test_an_order_is_cancelled_with_its_reason(integration, order):
    """VH-03 j"""
    path = f"orders/{integration.post('orders/', order).json()['id']}/"
    refused(integration.post(f"{path}cancel/", {"reason": ""}), 409, rule="VH-03", code="reason_missing")
    cancelled = integration.post(f"{path}cancel/", {"reason": "Redan taget"}).json()
    assert (cancelled["status"], cancelled["cancel_reason"], cancelled["encounter"]) == (
        "cancelled",
        "Redan taget",
        None,
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"what": ""}, "what"),
        ({"planned_on": "2020-01-01"}, "planned_on"),
        ({"visit_type": "finns-inte"}, "visit_type"),
    ],
)
def test_what_cannot_be_ordered_is_told_at_its_field(integration, order, change, field):
    answer = integration.post("orders/", order | change)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert integration.get("orders/").json()["results"] == []
