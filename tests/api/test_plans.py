"""Coordinated visits, series and team visits by REST (BO-02, PL-08)."""

from datetime import UTC, time, timedelta

import pytest

from scheduling.models import Appointment, VisitPlan
from sdv.accounts.models import StaffAssignment
from sdv.common.time import at_local, local_date, now
from sdv.flows import cancellation
from tests import factories

from .conftest import refused

DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def nurse(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")


@pytest.fixture
def doctor(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Läk", name="Anna Holm")


@pytest.fixture
def start():
    return at_local(local_date(now()) + 7 * DAY, time(10)).astimezone(UTC)


def visit(resource, start, **fields):
    return {
        "care_unit": str(resource.care_unit_id),
        "visit_type": "pv-lak-aterbesok" if resource.name == "Anna Holm" else "pv-ssk-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "start": start.isoformat(),
        "end": (start + HALF_HOUR).isoformat(),
        "resources": [str(resource.pk)],
    } | fields


def test_coordinated_visits_are_proposed_and_booked_together(integration, centre, nurse, doctor, start):
    """BO-02: nothing is saved by a proposal."""
    day = local_date(start).isoformat()
    asked = {
        "care_unit": str(centre.pk),
        "visits": [{"visit_type": "pv-ssk-aterbesok"}, {"visit_type": "pv-lak-aterbesok", "resource": str(doctor.pk)}],
        "from": day,
        "to": day,
    }
    answer = integration.post("visit-plans/proposals/", asked)
    assert answer.status_code == 200, answer.content
    slots = [each["slot"] for each in answer.json()["proposals"]]
    assert [slot["resource"]["name"] for slot in slots] == ["Sara Norén", "Anna Holm"]
    assert not VisitPlan.objects.exists()
    body = {"patient": str(factories.patient().pk)}
    body["visits"] = [visit(nurse, start), visit(doctor, start + HALF_HOUR)]
    made = integration.post("visit-plans/", body)
    assert made.status_code == 201, made.content
    plan = made.json()
    assert [row["kind"] for row in plan["appointments"]] == ["coordinated"] * 2
    assert len({row["encounter"]["id"] for row in plan["appointments"]}) == 2
    assert len(integration.get(f"appointments/?plan={plan['id']}").json()["results"]) == 2
    again = body | {"patient": str(factories.patient().pk)}
    problem = refused(integration.post("visit-plans/", again), 409, rule="PL-08", code="misfits")
    assert "2 av 2 besök passar inte" in problem["detail"] and Appointment.objects.count() == 2


def test_a_series_is_proposed_booked_moved_and_cancelled(integration, centre, nurse, start):
    """PL-08"""
    asked = {
        "care_unit": str(centre.pk),
        "visit_type": "pv-ssk-aterbesok",
        "resource": str(nurse.pk),
        "first": start.isoformat(),
        "count": 3,
    }
    proposals = integration.post("series/proposals/", asked).json()["proposals"]
    starts = [start + number * 7 * DAY for number in range(3)]
    assert [each["is_misfit"] for each in proposals] == [False] * 3
    refused(integration.post("series/proposals/", asked | {"count": None}), 400)
    body = {"patient": str(factories.patient().pk)}
    body["visits"] = [visit(nurse, each) for each in starts]
    rows = integration.post("series/", body).json()["appointments"]
    path = f"appointments/{rows[1]['id']}/rest/"
    later = {"start": (starts[1] + DAY).isoformat(), "changed_by": "patient"}
    moved = integration.post(f"{path}reschedule/", later, If_Match='"1"')
    assert (moved.status_code, moved.json()["version"]) == (200, 2), moved.content
    refused(integration.post(f"{path}reschedule/", later, If_Match='"1"'), 412)
    now_at = list(Appointment.objects.order_by("start").values_list("start", flat=True))
    assert now_at == [starts[0], starts[1] + DAY, starts[2] + DAY]
    frisk = {"cancelled_by": "patient", "reason": "Frisk"}
    refused(integration.post(f"{path}cancel/", frisk, If_Match='"1"'), 412)
    gone = integration.post(f"{path}cancel/", frisk, If_Match='"2"')
    assert gone.json()["status"] == "cancelled"
    assert list(Appointment.objects.order_by("start").values_list("status", flat=True)) == [
        "booked",
        "cancelled",
        "cancelled",
    ]
    refused(integration.post(f"{path}cancel/", frisk), 409, rule="PL-08", code="already_done")


def test_a_plan_that_meets_the_patients_own_bookings_is_a_warning_and_a_repeat_is_told(
    integration, nurse, doctor, start
):
    """PL-06, PL-27"""
    starts = [start + number * 7 * DAY for number in range(2)]
    body = {"patient": str(factories.patient().pk)}
    doctors = body | {"visits": [visit(doctor, each) for each in starts]}
    made = integration.post("series/", doctors).json()["appointments"]
    body["visits"] = [visit(nurse, starts[0]), visit(nurse, starts[1] + DAY)]
    warned = refused(integration.post("series/", body), 409, rule="PL-08", code="misfits")
    assert (warned["is_warning"], warned["needs_reason"]) == (True, True)
    insisted = {"accept_warnings": ["PL-06"], "reason": "Samma resa"}
    booked = integration.post("series/", body | insisted).json()["appointments"]
    assert [row["overlap_reason"] for row in booked] == ["Samma resa", ""]
    told = refused(integration.post("series/", body | insisted), 409, rule="PL-08", code="already_done")
    assert told["by"] and Appointment.objects.count() == 4
    path = f"appointments/{made[1]['id']}/rest/reschedule/"
    later = {"start": (starts[1] + DAY).isoformat()}
    warned = refused(integration.post(path, later), 409, rule="PL-08", code="misfits")
    assert (warned["is_warning"], warned["needs_reason"]) == (True, True)
    assert integration.post(path, later | insisted).status_code == 200


def test_a_team_visit_names_its_main_responsible_and_its_parts(integration, nurse, doctor, start):
    """BO-02"""
    body = visit(nurse, start, patient=str(factories.patient().pk), kind="team")
    refused(integration.post("appointments/", body), 400)
    body |= {
        "end": (start + 2 * HALF_HOUR).isoformat(),
        "resources": [str(nurse.pk), str(doctor.pk)],
        "main_responsible": str(doctor.pk),
        "parts": [
            {"resource": str(nurse.pk), "from_minute": 0, "minutes": 30},
            {"resource": str(doctor.pk), "from_minute": 30, "minutes": 30},
        ],
    }
    made = integration.post("appointments/", body)
    assert made.status_code == 201, made.content
    assert made.json()["kind"] == "team"
    row = Appointment.objects.get()
    assert row.encounter.participants.get(is_main_responsible=True).practitioner == doctor.practitioner
    periods = {each.resource_id: each.period.lower for each in row.resource_bookings.all()}
    assert periods == {nurse.pk: start, doctor.pk: start + HALF_HOUR}


def test_a_consult_is_booked_for_a_visit_at_another_unit(integration, centre, nurse, start):
    """VH-10, BO-02: the kind follows from `during`; what it cannot belong to changes nothing."""
    other = factories.booked_visit(
        care_unit=factories.HealthCentreFactory(),
        visit_type=factories.visit_type(),
        start=start,
        patient=factories.patient(),
    )
    body = visit(nurse, start, patient=str(other.patient_id), during=str(other.encounter_id))
    late = body | {"start": (start + DAY).isoformat(), "end": (start + DAY + HALF_HOUR).isoformat()}
    refused(integration.post("appointments/", late), 409, rule="BO-02", code="not_one_day")
    refused(integration.post("appointments/", body | {"kind": "individual"}), 400)
    assert Appointment.objects.count() == 1
    made = integration.post("appointments/", body | {"kind": "consult"})
    assert made.status_code == 201, made.content
    assert (made.json()["kind"], made.json()["encounter"]["during"]) == ("consult", str(other.encounter_id))
    cancellation.cancel(appointment_id=other.pk, cancelled_by="provider", reason="Sjuk", by=other.created_by, at=now())
    item = integration.get("rebooking-items/").json()["results"][0]
    assert (item["appointment"], item["contact"]) == (made.json()["id"], str(other.encounter_id))
    third = visit(nurse, start + 2 * HALF_HOUR, patient=str(other.patient_id), during=str(other.encounter_id))
    refused(integration.post("appointments/", third), 409, rule="VH-10", code="nothing_ongoing")


def test_coordinated_visits_of_two_units_are_proposed(integration, centre, nurse, start):
    """BO-02: a unit where the caller may not read tidböcker is refused."""
    other = factories.HealthCentreFactory()
    factories.ResourceFactory(care_unit=other, profession="Läk", name="Anna Holm")
    day = local_date(start).isoformat()
    visits = [{"visit_type": "pv-ssk-aterbesok"}, {"visit_type": "pv-lak-aterbesok", "care_unit": str(other.pk)}]
    asked = {"care_unit": str(centre.pk), "visits": visits, "from": day, "to": day}
    refused(integration.post("visit-plans/proposals/", asked), 403)
    StaffAssignment.objects.create(user=integration.user, care_unit=other, role="integration", hsa_id="SE-PLAN-2")
    answer = integration.post("visit-plans/proposals/", asked)
    assert [each["slot"]["resource"]["name"] for each in answer.json()["proposals"]] == ["Sara Norén", "Anna Holm"]
    # A series at the other unit, and at both.
    serie = {"care_unit": str(centre.pk), "first": start.isoformat(), "count": 2, "visit_type": "pv-lak-aterbesok"}
    for more in ({"care_unit": str(other.pk)}, {"also_units": [str(other.pk)]}):
        found = integration.post("series/proposals/", serie | more).json()["proposals"]
        assert [each["slot"]["care_unit"]["id"] for each in found] == [str(other.pk)] * 2
    third = factories.HealthCentreFactory()
    refused(integration.post("series/proposals/", serie | {"also_units": [str(third.pk)]}), 403)
