"""Bokningsbegäran, remisser, vårdåtaganden and work items by REST (BB-01, VA-01…03, UT-03…05, PL-05)."""

from datetime import timedelta

import pytest

from registration.actions import referrals
from registration.models import CareCommitment, Patient, ProblemCode, Referral
from scheduling.actions import absences, faults
from scheduling.models import BookingRequest, ListFault, OutcomeReason
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now
from sdv.organisation.models import SharedList
from tests import factories

from .conftest import Caller, refused


@pytest.fixture
def today():
    return local_date(now())


# --- Bokningsbegäran --------------------------------------------------------------------------------------------------


@pytest.fixture
def wish(centre, today):
    return {
        "patient": str(factories.patient().pk),
        "care_unit": str(centre.pk),
        "visit_type": "pv-ssk-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "wished_from": today.isoformat(),
        "wished_to": (today + timedelta(days=14)).isoformat(),
    }


def test_a_request_has_the_instructions_columns(integration, centre, wish):
    """BB-01."""
    resource = factories.ResourceFactory(care_unit=centre, profession="Ssk")
    body = wish | {"wished_resource": str(resource.pk), "wished_place": "Filialen", "description": " Helst tidigt\n"}
    made = integration.post("booking-requests/", body)
    assert made.status_code == 201, made.content
    row = made.json()
    assert row["patient_summary"]["name"] == "Öberg, Maria"
    assert (row["wished_place"], row["wished_from"], row["wished_to"]) == (
        "Filialen",
        body["wished_from"],
        body["wished_to"],
    )
    assert (row["visit_type"]["text"], row["facility"]) == ("Pv Ssk Återbesök", centre.facility.name)
    assert (row["description"], row["wished_resource"]["name"]) == (" Helst tidigt\n", resource.name)
    assert integration.get(f"booking-requests/{row['id']}/").json() == row
    assert integration.get(f"booking-requests/?wished_resource={resource.pk}").json()["results"] == [row]
    assert integration.get("booking-requests/?visit_type=pv-lak-aterbesok").json()["results"] == []


@pytest.mark.parametrize(
    ("change", "status", "rule"),
    [
        ({"wished_to": "2020-01-01"}, 400, None),
        ({"contact_reason": "noak"}, 409, "VO-02"),
        ({"visit_type": "sp-ssk-aterbesok"}, 409, "BT-01"),
        ({"contact_reason": None}, 400, None),
        ({"patient": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"}, 400, None),
        ({"commitment": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"}, 409, "VH-08"),
        ({"wished_from": "0000-01-01"}, 400, None),
        ({"description": "x" * 501}, 400, None),
    ],
)
def test_a_request_that_cannot_be_made_says_why(integration, wish, change, status, rule):
    refused(integration.post("booking-requests/", wish | change), status, rule=rule)
    assert not BookingRequest.objects.exists()


def test_a_request_for_a_specialised_visit_stands_on_a_commitment(integration, clinic, wish):
    """VA-01, VH-08: as the booking it asks for. The only one is taken, of several one is named."""
    body = wish | {"care_unit": str(clinic.pk), "visit_type": "sp-lak-aterbesok"}
    told = refused(integration.post("booking-requests/", body), 409, rule="VH-08", code="missing_commitment")
    assert "ta emot en remiss eller egen vårdbegäran först" in told["detail"]
    patient = Patient.objects.get(pk=wish["patient"])
    first = factories.open_commitment(patient=patient, care_unit=clinic)
    assert integration.post("booking-requests/", body).json()["commitment"] == str(first.pk)
    second = factories.open_commitment(patient=patient, care_unit=clinic, problem="demo02")
    refused(integration.post("booking-requests/", body), 409, rule="VH-08", code="missing_commitment")
    named = integration.post("booking-requests/", body | {"commitment": str(second.pk)})
    assert named.json()["commitment"] == str(second.pk)
    assert BookingRequest.objects.count() == 2


def test_a_request_is_changed_by_version_and_closed_with_a_reason(integration, wish, centre, clinic):
    """BB-01, PL-27."""
    path = f"booking-requests/{integration.post('booking-requests/', wish).json()['id']}/"
    resource = factories.ResourceFactory(care_unit=centre, profession="Ssk")
    changed = integration.patch(path, {"wished_resource": str(resource.pk)}, If_Match='"1"').json()
    assert (changed["wished_resource"]["id"], changed["version"]) == (str(resource.pk), 2)
    refused(integration.patch(path, {"wished_resource": None}, If_Match='"1"'), 412)
    refused(integration.patch(path, {}), 400)
    refused(integration.patch(path, {"status": "closed"}), 400)
    elsewhere = factories.ResourceFactory(care_unit=clinic)
    refused(integration.patch(path, {"wished_resource": str(elsewhere.pk)}), 400)
    assert integration.patch(path, {"wished_resource": None}).json()["wished_resource"] is None
    refused(integration.post(f"{path}close/", {"reason": " "}), 409, rule="BB-01", code="reason_missing")
    closed = integration.post(f"{path}close/", {"reason": "Patienten avstår"}).json()
    assert (closed["status"], closed["close_reason"]) == ("closed", "Patienten avstår")
    refused(integration.post(f"{path}close/", {"reason": "igen"}), 409, rule="BB-01", code="already_done")


# --- Remisser -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def referral(clinic, today):
    return {
        "patient": str(factories.patient().pk),
        "care_unit": str(clinic.pk),
        "kind": "R",
        "referrer": "Vårdcentralen Öster",
        "decision_date": (today - timedelta(days=3)).isoformat(),
        "arrival_date": (today - timedelta(days=1)).isoformat(),
    }


def test_a_referral_is_reviewed_accepted_and_opens_the_commitment(integration, referral, today):
    """VA-01, VA-02, VA-03."""
    made = integration.post("referrals/", referral)
    assert (made.status_code, made.json()["status"]) == (201, "received")
    path = f"referrals/{made.json()['id']}/"
    target = (today + timedelta(days=30)).isoformat()
    reviewed = integration.post(
        f"{path}review/", {"medical_target_date": target, "days_to_first_contact": 30}, If_Match='"1"'
    ).json()
    assert (reviewed["review_date"], reviewed["medical_target_date"]) == (today.isoformat(), target)
    refused(integration.post(f"{path}accept/", {"problem_code": "demo01"}, If_Match='"1"'), 412)
    refused(integration.post(f"{path}accept/", {"problem_code": "finns-inte"}), 400)
    accepted = integration.post(f"{path}accept/", {"problem_code": "demo01"}).json()
    assert (accepted["status"], accepted["problem_code"]["code"]) == ("accepted", "demo01")
    (commitment,) = integration.get(f"commitments/?patient={referral['patient']}").json()["results"]
    assert (commitment["id"], commitment["status"]) == (accepted["commitment"], "open")
    told = refused(
        integration.post(f"{path}accept/", {"problem_code": "demo01"}), 409, rule="VA-03", code="wrong_status"
    )
    assert told["by"] == "Kassasystemet"
    assert CareCommitment.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "status", "rule"),
    [
        ({"arrival_date": "2100-01-01"}, 409, "VA-02"),
        ({"decision_date": "2100-01-01"}, 409, "VA-02"),
        ({"arrival_date": "2020-01-01"}, 409, "VA-02"),
        ({"referrer": ""}, 400, None),
        ({"kind": "Q"}, 400, None),
        ({"patient": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"}, 400, None),
        ({"arrival_date": None}, 400, None),
    ],
)
def test_a_referral_that_cannot_be_registered_says_why(integration, referral, change, status, rule):
    refused(integration.post("referrals/", referral | change), status, rule=rule)
    assert not Referral.objects.exists()


@pytest.mark.parametrize(("decision", "status"), [("return", "returned"), ("reject", "rejected")])
def test_a_referral_is_decided_with_a_reason_once(integration, clinic, decision, status):
    """VA-03."""
    path = f"referrals/{factories.received_referral(care_unit=clinic).pk}/"
    refused(integration.post(f"{path}{decision}/", {"reason": ""}), 409, rule="VA-03", code="reason_missing")
    refused(integration.post(f"{path}{decision}/", {}), 400)
    assert integration.get(path).json()["status"] == "received"
    decided = integration.post(f"{path}{decision}/", {"reason": "Uppgifter saknas"}).json()
    assert (decided["status"], decided["decision_reason"]) == (status, "Uppgifter saknas")
    assert decided["decided_at"]
    refused(integration.post(f"{path}{decision}/", {"reason": "igen"}), 409, rule="VA-03")


def test_a_returned_referral_is_completed_and_its_trail_is_read(integration, clinic):
    """VA-03."""
    path = f"referrals/{factories.received_referral(care_unit=clinic).pk}/"
    refused(integration.post(f"{path}complete/", {"text": "Provsvar"}), 409, rule="VA-03", code="wrong_status")
    integration.post(f"{path}return/", {"reason": "Provsvar saknas"})
    back = integration.post(f"{path}complete/", {"text": "Provsvar finns"}).json()
    assert (back["status"], back["decision_reason"]) == ("received", "")
    events = integration.get(f"{path}events/").json()["results"]
    assert [(each["act"], each["reason"]) for each in events] == [
        ("registered", ""),
        ("returned", "Provsvar saknas"),
        ("completed", "Provsvar finns"),
    ]


def test_a_sent_referral_is_followed_by_its_sender_through_receipt_and_forwarding(
    integration, centre, clinic, referral
):
    """VA-03, PL-25: the sender asks for the right at its own unit, and the day the wait began is kept."""
    made = integration.post("referrals/", referral | {"sender_unit": str(centre.pk), "referrer": ""}).json()
    assert (made["referrer"], made["receipt"], made["waiting_since"]) == (centre.name, None, referral["decision_date"])
    path = f"referrals/{made['id']}/"
    received = integration.post(f"{path}receipt/", {}).json()
    assert received["receipt"]["by"] == "Kassasystemet"
    assert integration.get("sent-referrals/").json()["results"] == [received]
    refused(integration.post(f"{path}forward/", {"reason": "Hör dit"}), 400)
    refused(integration.post(f"{path}forward/", {"care_unit": str(clinic.pk), "reason": "Hör dit"}), 409, rule="VA-03")
    there = factories.SpecialisedClinicFactory()
    body = {"care_unit": str(there.pk), "reason": "Hör dit"}
    sent = integration.post(f"{path}forward/", body)
    assert sent.status_code == 200, sent.content
    assert (sent.json()["care_unit"], sent.json()["forwarded_from"], sent.json()["waiting_since"]) == (
        str(there.pk),
        made["id"],
        referral["decision_date"],
    )
    assert integration.get(path).json()["status"] == "forwarded"


def test_a_mistyped_referral_is_corrected(integration, centre, clinic, referral, today):
    """VA-02, PL-13, PL-27: what is told is changed, the wait follows, the trail says what; a stale version is 412."""
    made = integration.post("referrals/", referral).json()
    path, day = f"referrals/{made['id']}/", (today - timedelta(days=8)).isoformat()
    body = {"decision_date": day, "referrer": "Vårdcentralen Norr", "reason": "Fel avläst"}
    refused(integration.patch(path, body, If_Match='"7"'), 412)
    refused(integration.patch(path, {"decision_date": day}), 400)
    refused(integration.patch(path, body | {"arrival_date": None}), 400)
    refused(integration.patch(path, body | {"decision_date": "2100-01-01"}), 409, rule="VA-02", code="date_in_future")
    refused(integration.patch(path, {"kind": "R", "reason": "Fel"}), 409, rule="PL-13", code="nothing_to_correct")
    assert integration.get(path).json() == made | {"reviewer": None}
    corrected = integration.patch(path, body, If_Match='"1"').json()
    told = ("decision_date", "referrer", "waiting_since", "version", "kind")
    assert [corrected[name] for name in told] == [day, "Vårdcentralen Norr", day, 2, "R"]
    assert (corrected["wait"]["days"], integration.get(path).json()) == (8, corrected)
    first, step = integration.get(f"{path}events/").json()["results"]
    assert (first["changes"], step["act"], step["reason"]) == ([], "corrected", "Fel avläst")
    assert step["changes"] == [
        {"field": "decision_date", "before": referral["decision_date"], "after": day},
        {"field": "referrer", "before": "Vårdcentralen Öster", "after": "Vårdcentralen Norr"},
    ]
    theirs = integration.post("referrals/", referral | {"sender_unit": str(centre.pk)}).json()
    desk = Caller(factories.staff("receptionist", clinic))
    refused(desk.patch(f"referrals/{theirs['id']}/", body), 409, rule="PL-13", code="not_yours")


def test_a_remiss_leaves_the_region_and_a_decision_is_taken_back(integration, centre, clinic, referral, today):
    """VA-03, PL-13: by the same address as to a unit; the sender reads where it went; the version is asked for."""
    made = integration.post("referrals/", referral | {"sender_unit": str(clinic.pk), "referrer": ""}).json()
    path = f"referrals/{made['id']}/"
    away = {"receiver": "Hjärtkliniken, Region Halland", "reason": "Bor där", "sent_on": today.isoformat()}
    refused(integration.post(f"{path}forward/", away | {"care_unit": str(clinic.pk)}), 400)
    refused(integration.post(f"{path}forward/", away | {"receiver": " "}), 400)
    refused(integration.post(f"{path}undo/", {}), 409, rule="PL-13", code="nothing_to_undo")
    sent = integration.post(f"{path}forward/", away).json()
    assert (sent["status"], sent["forwarded_outside"], sent["forwarded_on"], sent["receipt"]["by"]) == (
        "forwarded",
        "Hjärtkliniken, Region Halland",
        today.isoformat(),
        "Kassasystemet",
    )
    assert integration.get("sent-referrals/").json()["results"] == [sent]
    assert integration.get(f"{path}events/").json()["results"][-1]["receiver"] == "Hjärtkliniken, Region Halland"
    refused(integration.post(f"{path}outside-receipt/", {"received_on": "2020-01-01"}), 409, rule="VA-02")
    back = integration.post(f"{path}undo/", {}).json()
    assert back | {"version": 1} == made
    assert [each["act"] for each in integration.get(f"{path}events/").json()["results"]] == [
        "registered",
        "forwarded",
        "undone",
    ]
    refused(integration.post(f"{path}outside-receipt/", {}), 409, rule="VA-03", code="wrong_status")
    integration.post(f"{path}forward/", away)
    assert integration.post(f"{path}outside-receipt/", {}).json()["outside_receipt_on"] == today.isoformat()


def test_an_undo_says_what_has_been_built(integration, clinic):
    """PL-13: a booking on the vårdåtagande."""
    row = factories.received_referral(care_unit=clinic)
    path = f"referrals/{row.pk}/"
    accepted = integration.post(f"{path}accept/", {"problem_code": factories.problem_code().code}).json()
    factories.booked_visit(care_unit=clinic, patient=row.patient, start=factories.in_days(3))
    problem = refused(integration.post(f"{path}undo/", {}), 409, rule="VA-03", code="undo_booked")
    assert "Avboka den först" in problem["detail"]
    assert integration.get(path).json() == accepted | {"reviewer": None}


def test_a_wait_is_told_with_its_deviations(integration, clinic, referral, today):
    """BO-04: three conditions for the patient's choice; subtracted; ended, withdrawn."""
    fields = {"decision_date": (today - timedelta(days=95)).isoformat(), "arrival_date": today.isoformat()}
    made = integration.post("referrals/", referral | fields).json()
    assert made["wait"] == {
        "days": 95,
        "days_left_out": 0,
        "guarantee_days": 90,
        "guarantee_left": -5,
        "is_over_guarantee": True,
        "target_left": None,
        "is_target_passed": False,
    }
    path = f"referrals/{made['id']}/deviations/"
    choice = {"kind": "PvV", "starts_on": (today - timedelta(days=9)).isoformat(), "reason": "Semester"}
    refused(integration.post(path, choice), 409, rule="BO-04", code="conditions_missing")
    offered = f"{(today - timedelta(days=9)).isoformat()}T09:00:00+01:00"
    body = choice | {"is_informed": True, "has_declined": True, "offered_at": offered}
    answer = integration.post(path, body)
    assert answer.status_code == 201, answer.content
    wait = integration.get(f"referrals/{made['id']}/").json()["wait"]
    assert (wait["days_left_out"], wait["guarantee_left"]) == (10, 5)
    one = f"{path}{answer.json()['id']}/"
    ended = integration.post(f"{one}end/", {"ends_on": (today - timedelta(days=5)).isoformat()}, If_Match='"1"').json()
    assert ended["version"] == 2
    refused(integration.post(f"{one}end/", {"ends_on": "2020-01-01"}), 400)
    refused(integration.post(f"{one}withdraw/", {"reason": ""}), 409, rule="BO-04", code="reason_missing")
    assert integration.post(f"{one}withdraw/", {"reason": "Fel"}).json()["withdrawn_at"]
    assert integration.get(path).json()["results"][0]["withdraw_reason"] == "Fel"
    refused(integration.post(f"{one}end/", {"ends_on": today.isoformat()}), 409, rule="BO-04")
    elsewhere = factories.received_referral(care_unit=clinic)
    refused(
        integration.post(f"referrals/{elsewhere.pk}/deviations/{answer.json()['id']}/end/", {"ends_on": "2026-01-01"}),
        404,
    )


def test_waiting_times_are_told_per_unit(clinic, today):
    """BO-04."""
    referral = factories.received_referral(care_unit=clinic)
    Referral.objects.filter(pk=referral.pk).update(arrival_date=today - timedelta(days=40))
    told = Caller(factories.staff("manager", clinic)).get("waiting-times/").json()
    (unit,) = told["units"]
    assert (told["date"], unit["name"], unit["number"]) == (today.isoformat(), clinic.name, 1)
    assert unit["spread"][1] == {"days": "31–60", "number": 1}
    assert (unit["within_guarantee"], unit["with_guarantee"], unit["median_days"], unit["longest_days"]) == (
        1,
        1,
        40,
        40,
    )
    assert [(each["list"], each["number"], each["longest_days"]) for each in unit["lists"]] == [
        ("referrals", 1, 40), ("to-book", 0, None),
    ]  # fmt: skip
    row = factories.booking_request(care_unit=clinic, wished_from=today - timedelta(days=40), wished_to=today)
    BookingRequest.objects.filter(pk=row.pk).update(created_at=now() - timedelta(days=50))
    asked = Caller(factories.staff("manager", clinic)).get(f"waiting-times/booking-requests/?care_unit={clinic.pk}")
    (unit,) = asked.json()["units"]
    assert (unit["number"], unit["longest_days"], unit["within_target"], unit["with_target"]) == (1, 40, 1, 1)
    assert (unit["with_guarantee"], unit["within_guarantee"]) == (0, 0)


def test_a_shared_list_is_read_and_taken_from(clinic, today):
    """PL-25, PL-11: faults are read and taken too."""
    other = factories.SpecialisedClinicFactory()
    caller = Caller(factories.staff("integration", clinic))
    waits = factories.booking_request(care_unit=other)
    accepted = factories.accepted_referral(care_unit=other)
    refused(caller.post(f"booking-requests/{waits.pk}/take-over/", {"care_unit": str(clinic.pk)}), 404)
    shared = SharedList.objects.create(name="Prov")
    for unit in (clinic, other):
        shared.units.create(care_unit=unit)
    assert caller.get("work-lists/booking-requests/").json()["results"] == []
    (row,) = caller.get("work-lists/booking-requests/?shared=true").json()["results"]
    assert row["care_unit"] == str(other.pk)
    refused(caller.post(f"booking-requests/{waits.pk}/take-over/", {"care_unit": str(other.pk)}), 403)
    refused(caller.post(f"booking-requests/{waits.pk}/take-over/", {"care_unit": str(clinic.pk)}, If_Match='"9"'), 412)
    third = factories.SpecialisedClinicFactory()
    shared.units.create(care_unit=third)
    late = Caller(factories.staff("integration", third))
    for path, was in (
        (f"booking-requests/{waits.pk}/take-over/", waits),
        (f"referrals/{accepted.pk}/take-over/", accepted),
    ):
        read = {"If_Match": f'"{was.version}"'}
        taken = caller.post(path, {"care_unit": str(clinic.pk)}, **read).json()
        assert (taken["id"], taken["care_unit"], taken["version"]) == (str(was.pk), str(clinic.pk), was.version + 1)
        # PL-27: whoever has read the same is told who took it.
        stale = late.post(path, {"care_unit": str(third.pk)}, **read)
        refused(stale, 412)
        again = caller.post(path, {"care_unit": str(clinic.pk)}, **read)
        refused(again, 409, rule="PL-25", code="same_unit")
        assert stale.json()["by"] == again.json()["by"] == caller.user.name
        was.refresh_from_db()
        assert (was.care_unit, was.status) == (clinic, taken["status"])
    again = caller.get(f"booking-requests/{waits.pk}/").json()
    assert (again["taken_over"]["by"], again["wished_to"]) == (caller.user.name, row["wished_to"])
    faults.check(at=now())
    (fault,) = caller.get("work-lists/list-faults/").json()["results"]
    assert (fault["kind"], fault["referral"], fault["found_on"]) == ("no_target", str(accepted.pk), today.isoformat())
    path = f"list-faults/{fault['id']}/take/"
    had = caller.post(path, If_Match=f'"{fault["version"]}"').json()
    assert (had["owner"], had["version"], had["taken_at"] is None) == (caller.user.name, 2, False)
    second = Caller(factories.staff(Role.COORDINATOR, clinic))
    refused(second.post(path), 409, rule="PL-11", code="taken")
    stale = second.post(path, If_Match='"1"')
    refused(stale, 412)
    assert stale.json()["by"] == caller.user.name == ListFault.objects.get().owner.name
    ListFault.objects.update(closed_at=now())
    refused(caller.post(f"list-faults/{fault['id']}/take/"), 409, rule="PL-11", code="already_done")


# --- Vårdåtaganden --------------------------------------------------------------------------------------------------------


def test_a_commitment_is_opened_once_per_problem_closed_with_a_reason_and_reopened(integration, clinic):
    """VA-01, UT-03, UT-07."""
    body = {"patient": str(factories.patient().pk), "care_unit": str(clinic.pk), "problem_code": "demo01"}
    first, second = (integration.post("commitments/", body).json() for _ in range(2))
    assert first["id"] == second["id"]
    assert integration.get("work-lists/broken-promises/").json()["results"] == []
    path = f"commitments/{first['id']}/"
    refused(integration.post(f"{path}close/", {"reason": ""}), 409, rule="UT-03")
    refused(integration.post(f"{path}reopen/"), 409, rule="VA-01")
    reason = OutcomeReason.objects.filter(outcome_id="end_commitment").first()
    refused(integration.post(f"{path}close/", {"reason": reason.code}, If_Match='"9"'), 412)
    closed = integration.post(f"{path}close/", {"reason": reason.code}).json()
    assert (closed["status"], closed["close_reason"]) == ("closed", reason.name)
    told = refused(integration.post(f"{path}close/", {"reason": reason.code}), 409, rule="UT-03", code="wrong_status")
    assert told["by"] == "Kassasystemet"
    assert integration.get(f"commitments/?patient={body['patient']}&status=open").json()["results"] == []
    refused(integration.post(f"{path}reopen/"), 409, rule="UT-03", code="reason_missing")
    assert integration.post(f"{path}reopen/", {"reason": "Nya besvär"}).json()["status"] == "open"
    assert integration.get("work-lists/broken-promises/").json()["results"] == []


def test_a_problem_code_of_another_speciality_is_refused_in_every_door_and_nothing_changes(
    integration, clinic, referral
):
    """VA-01: judged by the act, so also by REST, and for what has ended; what already is open is joined."""
    row = factories.received_referral(care_unit=clinic)
    joined = factories.open_commitment(patient=row.patient, care_unit=clinic)
    clinic.specialities = ["Ortopedi"]
    clinic.save(update_fields=["specialities"])
    own, ended = (ProblemCode.objects.create(code=code, name=code, speciality="Ortopedi") for code in ("hoft", "knal"))
    before = (
        Referral.objects.count(),
        list(CareCommitment.objects.values("pk", "version", "status")),
        row.events.count(),
    )
    opened = {"patient": referral["patient"], "care_unit": str(clinic.pk)}
    told = {"rule": "VA-01", "code": "problem_code_not_offered"}
    refused(integration.post(f"referrals/{row.pk}/accept/", {"problem_code": "demo02"}, If_Match='"1"'), 409, **told)
    refused(integration.post("referrals/", referral | {"problem_code": "demo02"}), 409, **told)
    refused(integration.post("commitments/", opened | {"problem_code": "demo02"}), 409, **told)
    ProblemCode.objects.filter(pk=ended.pk).update(valid_to=local_date(now()) - timedelta(days=1))
    with pytest.raises(RuleError):
        referrals.accept(referral_id=row.pk, problem_code=ended, by=None, at=now())
    row.refresh_from_db()
    after = (
        Referral.objects.count(),
        list(CareCommitment.objects.values("pk", "version", "status")),
        row.events.count(),
    )
    assert (after, row.status, row.version) == (before, "received", 1)
    listed = integration.get(f"problem-codes/?care_unit={clinic.pk}").json()["results"]
    assert [each["code"] for each in listed] == [own.code]
    accepted = integration.post(f"referrals/{row.pk}/accept/", {"problem_code": "demo01"}).json()
    assert accepted["commitment"] == str(joined.pk)
    assert integration.post("commitments/", opened | {"problem_code": "hoft"}).status_code == 201


@pytest.mark.parametrize(
    ("change", "rule", "said"),
    [
        ({"arrival_date": 1}, "VA-02", "Ankomst kan inte ligga i framtiden."),
        ({"decision_date": 1}, "VA-02", "Remissbeslut kan inte ligga i framtiden."),
        ({"decision_date": 0}, "VA-02", "Remissbeslut ska inte ligga efter ankomst."),
        ({"addressed_to": "elsewhere"}, None, "Personen arbetar inte på enheten."),
        ({"referrer": " "}, None, "Ange vem som har skrivit remissen."),
    ],
)
def test_what_a_remiss_cannot_be_is_said_and_nothing_is_registered(
    integration, centre, referral, today, change, rule, said
):
    """VA-02: the dates apart, each with a sentence of its own; by REST as on the page."""
    ((field, value),) = change.items()
    if field == "addressed_to":
        value = str(factories.ResourceFactory(care_unit=centre, profession="Läk").practitioner_id)
    elif field != "referrer":
        value = (today + timedelta(days=value)).isoformat()
    answer = integration.post("referrals/", referral | {field: value})
    assert said in refused(answer, 409 if rule else 400, rule=rule)["detail"]
    assert not Referral.objects.exists()
    for kind in "EFV":
        assert integration.post("referrals/", referral | {"kind": kind, "referrer": ""}).status_code == 201


def test_a_review_with_dates_that_cannot_be_changes_nothing(integration, clinic, today):
    """VA-02, VA-03: no review before the arrival or ahead, no target before the review or beyond ten years."""
    row = factories.received_referral(care_unit=clinic)
    path = f"referrals/{row.pk}/"
    before = integration.get(path).json()
    tomorrow, yesterday = ((today + timedelta(days=n)).isoformat() for n in (1, -1))
    for change, said in (
        ({"review_date": tomorrow}, "Granskning kan inte ligga i framtiden."),
        ({"review_date": yesterday}, "Ankomst ska inte ligga efter granskning."),
        ({"medical_target_date": yesterday, "days_to_first_contact": 0}, "ska inte ligga före granskningen"),
        ({"medical_target_date": "2200-12-30"}, "mer än tio år efter granskningen"),
        ({"days_to_first_contact": 5}, "stämmer inte med varandra"),
    ):
        body = {"medical_target_date": tomorrow, "days_to_first_contact": 1} | change
        assert said in refused(integration.post(f"{path}review/", body), 409, rule="VA-02")["detail"]
        accept = body | {"problem_code": "demo01"}
        assert said in refused(integration.post(f"{path}accept/", accept), 409, rule="VA-02")["detail"]
    accept = {"problem_code": "demo01", "medical_target_date": "2200-12-30"}
    refused(integration.post(f"{path}accept/", accept), 409, rule="VA-02", code="date_too_far")
    assert (integration.get(path).json(), CareCommitment.objects.exists()) == (before, False)


def test_a_commitment_with_something_waiting_is_not_closed(integration, clinic, today):
    """UT-03: what waits is listed."""
    patient = factories.patient()
    commitment = factories.open_commitment(patient=patient, care_unit=clinic)
    factories.booking_request(care_unit=clinic, patient=patient, commitment_id=commitment.pk)
    told = refused(
        integration.post(f"commitments/{commitment.pk}/close/", {"reason": "färdig"}),
        409,
        rule="UT-03",
        code="planning_left",
    )
    assert today.isoformat() in told["detail"]
    commitment.refresh_from_db()
    assert commitment.status == "open"


# --- Work items -------------------------------------------------------------------------------------------------------------


def test_an_answer_that_came_asks_for_a_decision_and_the_decision_ends_it(integration, clinic, today):
    """UT-04."""
    visit = factories.checked_out_visit(care_unit=clinic, outcome="await_result")
    (item,) = integration.get("work-lists/awaiting-result/").json()["results"]
    assert (item["encounter"], item["status"]) == (str(visit.encounter_id), "watching")
    path = f"work-lists/awaiting-result/{item['id']}/"
    refused(integration.post(f"{path}result/", If_Match='"9"'), 412)
    came = integration.post(f"{path}result/").json()
    assert (came["status"], bool(came["result_at"])) == ("arrived", True)
    refused(integration.post(f"{path}decide/", {"decision": "kanske"}), 400)
    refused(integration.post(f"{path}decide/", {"decision": "follow_up"}), 409, rule="UT-06")
    refused(integration.post(f"{path}decide/", {"decision": "end_commitment"}), 409, rule="UT-03")
    refused(integration.post(f"{path}decide/", {"decision": "nothing_more"}), 409, rule="UT-07")
    follow_up = {
        "visit_type": "sp-lak-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "from": today.isoformat(),
        "to": (today + timedelta(days=14)).isoformat(),
    }
    decided = integration.post(f"{path}decide/", {"decision": "follow_up", "follow_up": follow_up}).json()
    assert (decided["status"], decided["decision"]) == ("decided", "follow_up")
    assert BookingRequest.objects.waiting().get().commitment_id == visit.encounter.commitment_id
    assert integration.get("work-lists/awaiting-result/").json()["results"] == []
    told = refused(
        integration.post(f"{path}decide/", {"decision": "nothing_more"}), 409, rule="UT-04", code="already_done"
    )
    assert told["by"] == "Kassasystemet"


def test_a_missing_follow_up_and_a_no_show_end_by_closing_the_commitment(integration, clinic):
    """UT-05, PL-05."""
    factories.checked_out_visit(care_unit=clinic, outcome="no_further_planning")
    factories.no_show(care_unit=clinic, resource=factories.ResourceFactory(care_unit=clinic))
    reason = OutcomeReason.objects.filter(outcome_id="end_commitment").first().code
    for name, address in (("missing-follow-up", "work-lists/missing-follow-up"), ("no-shows", "no-show-items")):
        (item,) = integration.get(f"work-lists/{name}/").json()["results"]
        path = f"{address}/{item['id']}/decide/"
        done = integration.post(path, {"decision": "end_commitment", "reason": reason}).json()
        assert (done["status"], done["decision"]) == ("done", "end_commitment")
        assert integration.get(f"work-lists/{name}/").json()["results"] == []
    assert not CareCommitment.objects.open().exists()


def test_an_items_decision_at_another_unit_is_404(caller, clinic, centre):
    factories.checked_out_visit(care_unit=clinic, outcome="no_further_planning")
    (item,) = caller("clinician", clinic).get("work-lists/missing-follow-up/").json()["results"]
    path = f"work-lists/missing-follow-up/{item['id']}/decide/"
    refused(caller("clinician", centre).post(path, {"decision": "nothing_more"}), 404)
    refused(caller("clinician", clinic).post(f"no-show-items/{item['id']}/decide/", {"decision": "nothing_more"}), 404)
    refused(caller("clinician", clinic).get("work-lists/finns-inte/"), 404)


def test_a_remiss_tells_whose_turn_it_is_to_review(integration, caller, clinic, centre):
    """VA-03: the one it is addressed to, or while that one is away whoever stands in; the list can be asked for one's own.
    The unit that sent it is not told."""
    nurse, doctor = (factories.ResourceFactory(care_unit=clinic, profession=each) for each in ("Ssk", "Läk"))
    for position, each in enumerate((nurse, doctor)):
        clinic.reviewers.create(practitioner=each.practitioner, position=position)
    to_nurse = factories.received_referral(care_unit=clinic, addressed_to=nurse.practitioner, sender_unit=centre)
    done = factories.accepted_referral(care_unit=clinic, addressed_to=nurse.practitioner)
    start = now() - timedelta(minutes=5)
    absences.register(
        care_unit=clinic, resource_id=nurse.pk, kind="leave", start=start, end=start + timedelta(hours=2), at=start,
        by=factories.UserFactory(),
    )  # fmt: skip
    stand_in = {"id": str(doctor.practitioner_id), "name": str(doctor.practitioner), "is_stand_in": True}
    both = integration.get(f"referrals/?care_unit={clinic.pk}").json()["results"]
    assert {row["id"]: row["reviewer"] for row in both} == {str(to_nurse.pk): stand_in, str(done.pk): None}
    assert caller("clinician", clinic).get(f"referrals/{to_nurse.pk}/").json()["reviewer"] == stand_in
    assert caller("clinician", centre).get(f"referrals/{to_nurse.pk}/").json()["reviewer"] is None
    for person, number in ((doctor, 1), (nurse, 0)):
        rows = integration.get(f"work-lists/referrals/?reviewer={person.practitioner_id}").json()["results"]
        assert [row["reviewer"] for row in rows] == [stand_in] * number


def test_items_are_postponed_as_on_the_page(caller, clinic, centre):
    """UT-04, UT-05, PL-05, PL-02: not to a day that has passed, nor for ever; a booking to move not beyond its own day."""
    coordinator, today = caller("coordinator", clinic), local_date(now())
    for outcome in ("await_result", "no_further_planning"):
        factories.checked_out_visit(
            care_unit=clinic, outcome=outcome, resource=factories.ResourceFactory(care_unit=clinic)
        )
    factories.no_show(care_unit=clinic, resource=factories.ResourceFactory(care_unit=clinic))
    doctor = factories.ResourceFactory(care_unit=clinic)
    booked = factories.booked_visit(care_unit=clinic, resource=doctor, start=factories.in_days(5))
    absences.register(
        care_unit=clinic, resource_id=doctor.pk, kind="leave", start=booked.start, end=booked.end, by=booked.created_by,
        at=now(),
    )  # fmt: skip
    lists = {
        "awaiting-result": "work-lists/awaiting-result",
        "missing-follow-up": "work-lists/missing-follow-up",
        "no-shows": "no-show-items",
        "rebooking": "rebooking-items",
    }
    for name, address in lists.items():
        (item,) = coordinator.get(f"work-lists/{name}/").json()["results"]
        path = f"{address}/{item['id']}/postpone/"
        for wrong in (-1, 733, *([6] if name == "rebooking" else [])):
            body = {"watch_until": (today + timedelta(days=wrong)).isoformat()}
            assert "watch_until" in refused(coordinator.post(path, body), 400)["errors"]
        later = (today + timedelta(days=5)).isoformat()
        answer = coordinator.post(path, {"watch_until": later}, If_Match='"1"')
        assert (answer.status_code, answer.json()["watch_until"]) == (200, later), answer.content
        refused(coordinator.post(path, {"watch_until": later}, If_Match='"1"'), 412)
        refused(caller("coordinator", centre).post(path, {"watch_until": later}), 404)
    refused(coordinator.post(f"no-show-items/{item['id']}/postpone/", {"watch_until": later}), 404)


def test_a_list_can_be_asked_for_one_patient(integration, clinic):
    first, second = factories.booking_request(care_unit=clinic), factories.booking_request(care_unit=clinic)
    rows = integration.get(f"work-lists/booking-requests/?patient={second.patient_id}").json()["results"]
    assert [row["id"] for row in rows] == [str(second.pk)]
    assert len(integration.get(f"work-lists/booking-requests/?care_unit={clinic.pk}").json()["results"]) == 2
    assert first.pk != second.pk
