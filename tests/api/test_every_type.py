"""Each type that lives by REST, from its beginning to its end: discharged by hand, ended by the clock, or without an end
(VH-01…VH-03, VH-16, VH-17). Booked visits are told in test_story, stays and births in test_stays."""

from datetime import time

import pytest
import time_machine

from registration.actions import clock
from registration.models import ContactReason, Encounter, VisitType
from sdv.common.time import ONE_DAY, at_local, end_of_day, local, local_date, now
from sdv.outbox.models import OutboxMessage
from tests import factories
from tests.registers import connected

from .conftest import refused

REASON = {"contact_reason": "bedomning-ospecificerad"}


@pytest.fixture
def begin(caller, catalogues):
    """Begins a contact at a unit of the kind: (api, its address, the answer)."""

    def begun(factory, body, *, commitment=False):
        unit, patient = factory(), factories.patient()
        if commitment:
            factories.open_commitment(patient=patient, care_unit=unit)
        api = caller("integration", unit)
        made = api.post("encounters/", {"patient": str(patient.pk), "care_unit": str(unit.pk)} | body)
        assert made.status_code == 201, made.content
        return api, f"encounters/{made.json()['id']}/", made.json()

    return begun


def midnight_passes(days=0):
    """The clock ends what it ends of the day and the days after it."""
    clock.auto_discharge(at=end_of_day(local_date(now() + days * ONE_DAY)))


@pytest.mark.parametrize(
    ("factory", "body", "code"),
    [
        (factories.HealthCentreFactory, {"visit_type": "pv-ssk-nybesok"} | REASON, "primarvard"),
        (factories.HealthCentreFactory, {"contact_form": "phone", "replaces_visit": True}, "kontakt-utan-besok"),
    ],
)
def test_what_the_clock_ends_ends_at_23_59_of_its_own_day(begin, factory, body, code):
    """VH-15…VH-17: never by hand."""
    api, path, made = begin(factory, body)
    assert (made["encounter_type"]["code"], made["status"]) == (code, "in_progress")
    refused(api.post(f"{path}discharge/"), 409, rule="VH-16")
    midnight_passes()
    ended = api.get(path).json()
    assert ended["status"] == "ended"
    assert ended["end"] == local(at_local(local_date(now()), time(23, 59))).isoformat()


@pytest.mark.parametrize(
    ("factory", "body", "code"),
    [
        (factories.EmergencyDepartmentFactory, {}, "akutsjukvard"),
        (factories.EmergencyDepartmentFactory, {"encounter_type": "observation"}, "observation"),
        (
            factories.DialysisUnitFactory,
            {"encounter_type": "klinisk-lm-pagaende-specialiserad-oppenvard"},
            "klinisk-lm-pagaende-specialiserad-oppenvard",
        ),
    ],
)
def test_what_is_ended_by_hand_is_left_alone_by_the_clock(begin, factory, body, code):
    """VH-16, VH-17"""
    api, path, made = begin(factory, body)
    assert made["encounter_type"]["code"] == code
    _lasts_until_it_is_ended_by_hand(api, path)


def _lasts_until_it_is_ended_by_hand(api, path):
    midnight_passes(days=3)
    assert api.get(path).json()["status"] == "in_progress"
    ended = api.post(f"{path}discharge/", {})
    assert (ended.status_code, ended.json()["status"]) == (200, "ended"), ended.content
    refused(api.post(f"{path}discharge/"), 409, rule="VH-24")
    assert api.get(path).json()["end"] == ended.json()["end"]


def test_a_foetus_becomes_a_newborn_who_is_ended_by_hand(begin, catalogues):
    """VH-03 h, k, VH-13, VH-16, VH-17: both from the mother's vårdhändelse, on any adult neither; a Foster has no end."""
    api, path, mother = begin(factories.MaternityUnitFactory, {"encounter_type": "observation"})
    somebody = {"patient": str(factories.patient().pk), "care_unit": mother["care_unit"]}
    for code in ("foster", "nyfodd"):
        refused(api.post("encounters/", somebody | {"encounter_type": code}), 409, rule="VH-13", code="not_by_hand")
    assert (Encounter.objects.count(), OutboxMessage.objects.count()) == (1, 0)
    with connected():
        prepared = api.post(f"{path}children/", {}).json()["children"]
        born = api.post(f"{path}children/", {"born_at": mother["start"], "sex": "1", "number": 2}).json()["children"]
    foster, newborn = (f"encounters/{each['encounter']}/" for each in (*prepared, *born))
    assert [api.get(each).json()["encounter_type"]["code"] for each in (foster, newborn)] == ["foster", "nyfodd"]
    midnight_passes(days=3)
    refused(api.post(f"{foster}discharge/", {}), 409, rule="VH-16")
    assert api.get(foster).json()["status"] == "in_progress"
    became = api.post(f"{foster}birth/", {"born_at": mother["start"], "sex": "2"}).json()
    assert (became["encounter_type"]["code"], became["start"]) == ("nyfodd", mother["start"])
    for each in (foster, newborn):
        _lasts_until_it_is_ended_by_hand(api, each)
    assert OutboxMessage.objects.filter(topic="child-born").count() == 2


def test_a_chair_is_had_for_the_day_and_given_back(begin):
    """VH-08, VH-09, VH-15, VH-16: not free for another before it is left."""
    body = {"visit_type": "sp-lak-nybesok", "requires_place": True} | REASON
    api, path, made = begin(factories.SpecialisedClinicFactory, body, commitment=True)
    assert made["encounter_type"]["code"] == "specialiserad-oppenvard-rum-sang-stol"
    chair = factories.PlaceFactory(care_unit_id=made["care_unit"], name="Stol 1")
    placed = api.post(f"{path}place/", {"place": str(chair.pk)})
    assert placed.status_code == 200, placed.content
    midnight_passes()
    assert api.get(path).json()["status"] == "in_progress"
    refused(api.post(f"{path}discharge/", {}), 409, rule="VH-15")
    outcome = {"outcome": "no_further_planning", "accept_warnings": ["UT-05"]}
    assert api.post(f"{path}check-out/", outcome).status_code == 200
    midnight_passes()
    assert api.get(path).json()["status"] == "checked_out"
    ended = api.post(f"{path}discharge/", {}).json()
    assert (ended["status"], ended["place"]) == ("ended", None)


def test_a_consult_and_an_activated_order_are_ended_by_the_clock(begin, catalogues):
    """VH-03 i, j, VH-10, VH-17: what engaged the consult goes on."""
    api, path, engaging = begin(factories.EmergencyDepartmentFactory, {})
    whose = {"patient": engaging["patient"], "care_unit": engaging["care_unit"]}
    consult = api.post("encounters/", whose | {"encounter_type": "oppenvardskonsult", "during": engaging["id"]}).json()
    order = api.post("orders/", whose | {"what": "Blodstatus", "planned_on": local_date(now()).isoformat()}).json()
    diagnostics = api.post(f"orders/{order['id']}/activate/", {}).json()["encounter"]
    midnight_passes()
    ends = [api.get(f"encounters/{each}/").json() for each in (consult["id"], diagnostics)]
    assert [(each["encounter_type"]["code"], each["status"]) for each in ends] == [
        ("oppenvardskonsult", "ended"),
        ("diagnostik", "ended"),
    ]
    assert api.get(path).json()["status"] == "in_progress"


def test_booked_diagnostics_wait_as_a_type_of_their_own_and_become_diagnostik(caller, catalogues):
    """VH-06, VH-07, VH-17: at whatever distance, never hidden; ended by the clock."""
    unit = factories.SpecialisedClinicFactory()
    commitment = factories.open_commitment(care_unit=unit, patient=factories.patient())
    visit_type = VisitType.objects.for_unit(unit, local_date(now())).filter(is_diagnostic=True).first()
    reason = ContactReason.objects.offered_for(visit_type, local_date(now())).first()
    start = factories.in_days(3)
    booked = factories.booked_visit(
        care_unit=unit,
        patient=commitment.patient,
        commitment=commitment,
        visit_type=visit_type,
        contact_reason=reason,
        start=start,
    )
    api = caller("integration", unit)
    path = f"encounters/{booked.encounter_id}/"
    waiting = api.get(path).json()
    assert (waiting["encounter_type"]["code"], waiting["status"]) == (
        "forhandsregistrerad-diagnostisk-kontakt",
        "planned",
    )
    with time_machine.travel(start, tick=True):
        came = api.post(f"appointments/{booked.pk}/arrive/", {"identity_shown": "Känd"}).json()
        assert came["encounter_type"]["code"] == "diagnostik"
        midnight_passes()
    ended = api.get(path).json()
    assert (ended["status"], ended["is_check_out_automatic"]) == ("ended", True)


def test_admin_has_no_end_and_can_only_be_annulled(begin):
    """VH-12, VH-20"""
    api, path, made = begin(factories.HealthCentreFactory, {"encounter_type": "admin"})
    midnight_passes(days=3)
    refused(api.post(f"{path}discharge/"), 409, rule="VH-16")
    assert api.get(path).json()["status"] == "in_progress"
    annulled = api.post(f"{path}annul/", {"reason": "Fel patient"})
    assert (annulled.status_code, annulled.json()["encounter_type"]["code"]) == (200, "annullerad"), annulled.content
    assert made["encounter_type"]["code"] == "admin"
