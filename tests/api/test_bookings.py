"""Free times, holds and bookings by REST (BO-01, BO-03, PL-05…08, VH-05, VH-07, VH-11)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine

from registration.models import Encounter
from scheduling.actions import absences
from scheduling.models import Appointment, NoShowItem, ResourceBooking
from sdv.common.time import at_local, local, local_date, now
from tests import factories

from .conftest import refused


@pytest.fixture
def tomorrow():
    return factories.start_of_day(local_date(now()) + timedelta(days=1)) + timedelta(hours=9)


@pytest.fixture
def body(clinic, tomorrow):
    """A booking at the clinic that can be made."""
    patient = factories.patient()
    commitment = factories.open_commitment(patient=patient, care_unit=clinic)
    return {
        "patient": str(patient.pk),
        "care_unit": str(clinic.pk),
        "visit_type": "sp-lak-aterbesok",
        "contact_reason": "uppfoljning-ospecificerad",
        "start": local(tomorrow).isoformat(),
        "end": local(tomorrow + timedelta(minutes=30)).isoformat(),
        "resources": [str(factories.ResourceFactory(care_unit=clinic).pk)],
        "commitment": str(commitment.pk),
    }


def at(moment):
    return local(moment).isoformat()


def test_a_booking_answers_with_its_encounter(integration, body, tomorrow):
    """BO-01, VH-03a."""
    response = integration.post("appointments/", body | {"wished_date": "2026-12-01", "add_ons": []})
    assert response.status_code == 201, response.content
    booked = response.json()
    assert (booked["status"], booked["kind"], booked["version"]) == ("booked", "individual", 1)
    assert (booked["start"], booked["end"]) == (body["start"], body["end"])
    assert booked["visit_type"] == {"code": "sp-lak-aterbesok", "text": "Sp Läk Återbesök"}
    assert booked["contact_reason"]["text"] == "uppföljning ospecificerad"
    assert [row["id"] for row in booked["resources"]] == body["resources"]
    encounter = booked["encounter"]
    assert (encounter["status"], encounter["encounter_class"]["code"]) == ("planned", "forhandsregistrering")
    assert (encounter["planned_start"], encounter["commitment"]) == (body["start"], body["commitment"])
    assert integration.get(f"appointments/{booked['id']}/").json() == booked


def test_seconds_are_cut_and_any_offset_is_read_as_the_moment_it_is(integration, body, tomorrow):
    start = tomorrow.astimezone(UTC).isoformat().replace(":00+", ":59+", 1)
    booked = integration.post("appointments/", body | {"start": start}).json()
    assert booked["start"] == local(tomorrow).isoformat()


@pytest.mark.parametrize(
    ("change", "status", "rule"),
    [
        ({"contact_reason": None}, 409, "VO-01"),
        ({"contact_reason": "noak"}, 409, "VO-02"),
        ({"contact_reason": "finns-inte"}, 400, None),
        ({"visit_type": "finns-inte"}, 400, None),
        ({"visit_type": "pv-lak-aterbesok"}, 409, "BT-01"),
        ({"patient": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"}, 400, None),
        ({"care_unit": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"}, 400, None),
        ({"commitment": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"}, 409, "VH-08"),
        ({"referral": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a", "commitment": None}, 400, None),
        ({"booking_request": "01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"}, 400, None),
        ({"resources": []}, 400, None),
        ({"resources": ["01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"]}, 400, None),
        ({"resources": "alla"}, 400, None),
        ({"add_ons": ["finns-inte"]}, 400, None),
        ({"kind": "group"}, 400, None),
        ({"start": "2026-11-23T09:00:00"}, 400, None),
        ({"start": "2026-11-23"}, 400, None),
        ({"start": "0001-01-01T00:00:00+23:59"}, 400, None),
        ({"end": "9999-12-31T23:59:59-23:59"}, 400, None),
        ({"start": "2020-01-01T09:00:00+01:00", "end": "2020-01-01T09:30:00+01:00"}, 409, "PL-23"),
        ({"end": "2020-01-01T09:00:00+01:00"}, 409, "BO-01"),
        ({"reason": "\x00"}, 400, None),
        ({"overbook": True}, 403, None),
        ({"unknown": 1}, 400, None),
    ],
)
def test_a_booking_that_cannot_be_made_says_why_and_leaves_nothing(integration, body, change, status, rule):
    refused(integration.post("appointments/", body | change), status, rule=rule)
    assert (Appointment.objects.count(), Encounter.objects.count(), ResourceBooking.objects.count()) == (0, 0, 0)


def test_a_specialised_visit_needs_an_open_commitment(integration, body):
    """VH-08."""
    stranger = factories.patient()
    change = {"patient": str(stranger.pk), "commitment": None}
    refused(integration.post("appointments/", body | change), 409, rule="VH-08", code="missing_commitment")
    assert not Appointment.objects.exists()


def test_a_taken_time_is_409_with_the_next_free_ones(integration, body):
    """BO-01, PL-07."""
    integration.post("appointments/", body)
    other = factories.patient()
    commitment = factories.open_commitment(patient=other, care_unit=Appointment.objects.get().care_unit)
    answer = refused(
        integration.post("appointments/", body | {"patient": str(other.pk), "commitment": str(commitment.pk)}),
        409,
        rule="BO-01",
        code="slot_taken",
    )
    assert len(answer["alternatives"]) == 3
    assert {each["resource"] for each in answer["alternatives"]} == set(body["resources"])
    assert answer["alternatives"][0]["start"] == body["end"]
    assert Appointment.objects.count() == 1


def test_a_patients_own_double_booking_is_a_warning_accepted_with_a_reason(integration, body, clinic):
    """PL-06."""
    integration.post("appointments/", body)
    again = body | {"resources": [str(factories.ResourceFactory(care_unit=clinic).pk)]}
    warned = refused(integration.post("appointments/", again), 409, rule="PL-06")
    assert (warned["is_warning"], warned["needs_reason"]) == (True, True)
    refused(integration.post("appointments/", again | {"accept_warnings": ["PL-06"]}), 409, rule="PL-06")
    accepted = again | {"accept_warnings": ["PL-06"], "reason": "Två besök samtidigt"}
    assert integration.post("appointments/", accepted).json()["overlap_reason"] == "Två besök samtidigt"


def test_overbooking_is_a_permission_and_shown(caller, body, clinic):
    """BO-01, PL-06."""
    clinic.allows_overbooking = True
    clinic.save()
    api = caller("clinician", clinic)
    api.post("appointments/", body)
    other = factories.patient()
    commitment = factories.open_commitment(patient=other, care_unit=clinic)
    over = body | {"patient": str(other.pk), "commitment": str(commitment.pk), "overbook": True}
    assert api.post("appointments/", over).json()["is_overbooked"] is True
    start = datetime.fromisoformat(body["start"])
    closed = {"care_unit": clinic, "kind": "closure", "start": start, "end": start + timedelta(hours=1)}
    absences.register(**closed, by=api.user, at=now())
    third = factories.patient()
    over |= {"patient": str(third.pk), "commitment": str(factories.open_commitment(patient=third, care_unit=clinic).pk)}
    told = refused(api.post("appointments/", over), 409, rule="PL-02", code="absent")
    assert "stängt" in told["detail"] and Appointment.objects.count() == 2


def test_a_booking_from_a_request_and_from_a_referral_stands_on_their_commitment(integration, body, clinic, tomorrow):
    """BO-01, BB-01, VA-03. A remiss is booked once, and its list tells when (PL-27, UT-07)."""
    referral = factories.accepted_referral(care_unit=clinic)
    asked = body | {"patient": str(referral.patient_id), "commitment": None, "referral": str(referral.pk)}
    waits = f"work-lists/to-book/?care_unit={clinic.pk}&patient={referral.patient_id}"
    assert integration.get(waits).json()["results"][0]["booking"] is None
    made = integration.post("appointments/", asked).json()
    assert made["encounter"]["commitment"] == str(referral.commitment_id)
    again = {"start": at(tomorrow + timedelta(hours=1)), "end": at(tomorrow + timedelta(hours=1, minutes=30))}
    told = refused(integration.post("appointments/", asked | again), 409, rule="BO-01", code="already_done")
    assert told["by"] == integration.user.name
    (row,) = integration.get(waits).json()["results"]
    assert row["booking"] == {"id": made["id"], "start": made["start"]}
    waiting = factories.received_referral(care_unit=clinic, patient=referral.patient)
    refused(
        integration.post(
            "appointments/",
            body | {"patient": str(referral.patient_id), "commitment": None, "referral": str(waiting.pk)},
        ),
        409,
        rule="VA-03",
    )
    request = factories.booking_request(
        care_unit=clinic, patient=referral.patient, commitment_id=referral.commitment_id
    )
    later = tomorrow + timedelta(hours=2)
    booked = integration.post(
        "appointments/",
        body
        | {
            "patient": str(referral.patient_id),
            "commitment": None,
            "booking_request": str(request.pk),
            "start": at(later),
            "end": at(later + timedelta(minutes=30)),
        },
    ).json()
    assert (booked["booking_request"], booked["encounter"]["commitment"]) == (
        str(request.pk),
        str(referral.commitment_id),
    )
    request.refresh_from_db()
    assert request.status == "booked"


def test_a_held_time_is_the_holders_until_it_is_let_go(integration, caller, body, clinic):
    """BO-01: another's hold stands in the way, one's own is used up by the booking."""
    time = {"resource": body["resources"][0], "start": body["start"], "end": body["end"]}
    held = caller("receptionist", clinic).post("holds/", time)
    assert held.status_code == 201
    refused(integration.post("appointments/", body), 409, rule="BO-01")
    refused(integration.post("holds/", time), 409, rule="BO-01")
    assert integration.delete(f"holds/{held.json()['id']}/").status_code == 204
    refused(integration.post("appointments/", body), 409, rule="BO-01")
    ResourceBooking.objects.all().delete()
    own = integration.post("holds/", time).json()
    assert integration.post("appointments/", body | {"hold": own["id"]}).status_code == 201
    assert list(ResourceBooking.objects.values_list("state", flat=True)) == ["booked"]
    assert integration.delete(f"holds/{own['id']}/").status_code == 204
    assert ResourceBooking.objects.count() == 1


def test_free_times_leave_out_what_is_taken(integration, body, clinic, tomorrow):
    """BO-01: computed, each with its resource."""
    day = local_date(tomorrow)
    path = (
        f"slots/?care_unit={clinic.pk}&visit_type=sp-lak-aterbesok&from={day}&to={day}&resource={body['resources'][0]}"
    )
    before = [row["start"] for row in integration.get(f"{path}&page_size=200").json()["results"]]
    assert body["start"] in before
    integration.post("appointments/", body)
    after = [row["start"] for row in integration.get(f"{path}&page_size=200").json()["results"]]
    assert body["start"] not in after
    assert len(integration.get(f"{path}&page_size=2").json()["results"]) == 2


@pytest.mark.parametrize(
    "query",
    [
        "",
        "care_unit=&visit_type=",
        "visit_type=x&care_unit={unit}",
        "{good}&from=2030-01-02&to=2030-01-01",
        "{good}&to=2100-01-01",
    ],
)
def test_free_times_that_cannot_be_asked_for_are_400(integration, clinic, query):
    good = f"care_unit={clinic.pk}&visit_type=sp-lak-aterbesok"
    refused(integration.get(f"slots/?{query.format(unit=clinic.pk, good=good)}"), 400)


def test_a_reschedule_moves_booking_and_encounter_and_hides_it_again(integration, clinic, tomorrow):
    """PL-08, VH-05: more than 24 hours ahead it is Dold again."""
    visit = factories.booked_visit(care_unit=clinic)
    path = f"appointments/{visit.pk}/reschedule/"
    start = tomorrow + timedelta(days=3)
    moved = integration.post(
        path, {"start": at(start), "end": at(start + timedelta(minutes=30))}, If_Match='"1"'
    ).json()
    assert (moved["start"], moved["encounter"]["planned_start"], moved["version"]) == (at(start), at(start), 2)
    assert moved["encounter"]["encounter_type"]["code"] == "dold-forhandsregistrerad-oppenvardskontakt"
    refused(integration.post(path, {"start": at(start), "end": at(start + timedelta(minutes=30))}, If_Match='"1"'), 412)
    taken = factories.booked_visit(care_unit=clinic, start=start + timedelta(days=1), resource=visit.resources.get())
    answer = refused(
        integration.post(path, {"start": at(taken.start), "end": at(taken.end)}), 409, rule="BO-01", code="slot_taken"
    )
    assert answer["alternatives"]
    assert integration.get(f"appointments/{visit.pk}/").json()["start"] == at(start)


def test_cancelled_by_the_provider_is_annulled_and_by_the_patient_late_is_a_no_show(integration, clinic):
    """VH-11, PL-09, PL-05."""
    soon, late = (
        factories.booked_visit(care_unit=clinic),
        factories.booked_visit(care_unit=clinic, resource=factories.ResourceFactory(care_unit=clinic)),
    )
    refused(integration.post(f"appointments/{soon.pk}/cancel/", {"reason": "sjuk"}), 400)
    refused(integration.post(f"appointments/{soon.pk}/cancel/", {"cancelled_by": "provider", "reason": " "}), 400)
    gone = integration.post(
        f"appointments/{soon.pk}/cancel/", {"cancelled_by": "provider", "reason": "Läkaren är sjuk"}
    ).json()
    assert (gone["status"], gone["cancelled_by"]) == ("cancelled", "provider")
    assert (gone["encounter"]["encounter_type"]["code"], gone["encounter"]["status"]) == ("annullerad", "ended")
    again = refused(
        integration.post(f"appointments/{soon.pk}/cancel/", {"cancelled_by": "provider", "reason": "igen"}),
        409,
        rule="BO-03",
    )
    assert (again["by"], again["code"]) == ("Kassasystemet", "wrong_status")
    assert again["at"].endswith(("+01:00", "+02:00"))
    missed = integration.post(
        f"appointments/{late.pk}/cancel/", {"cancelled_by": "patient", "reason": "Fick förhinder"}
    ).json()
    assert (missed["status"], missed["encounter"]["encounter_type"]["code"]) == ("no_show", "utebliven-bokad-kontakt")
    assert NoShowItem.objects.open().count() == 1


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 10, 31)], ids=["23 hours", "25 hours"])
def test_the_patient_may_cancel_until_24_elapsed_hours_are_left_also_where_the_clock_is_moved(integration, clinic, day):
    """VH-11: by the clock on the wall the limit of noon's visit is at 11 in spring and at 13 in autumn."""
    noon = at_local(day, time(12, 0)).astimezone(UTC)
    limit = at_local(day - timedelta(days=1), time(11 if day.month == 3 else 13, 0))
    answers = []
    for moment in (limit, limit + timedelta(minutes=1)):
        resource = factories.ResourceFactory(care_unit=clinic)
        visit = factories.booked_visit(care_unit=clinic, start=noon, resource=resource)
        with time_machine.travel(moment.astimezone(UTC), tick=False):
            asked = {"cancelled_by": "patient", "reason": "Fick förhinder"}
            told = integration.post(f"appointments/{visit.pk}/cancel/", asked).json()
        answers.append((told["status"], told["encounter"]["encounter_type"]["code"]))
    assert answers == [("cancelled", "annullerad"), ("no_show", "utebliven-bokad-kontakt")]
    assert NoShowItem.objects.open().count() == 1


def test_arrival_answers_with_the_encounter_in_its_new_type(integration, clinic):
    """VH-07, PA-09."""
    visit = factories.booked_visit(care_unit=clinic)
    body = {"identity_shown": "Känd", "interpreter_used": True, "at": at(now() - timedelta(minutes=1))}
    response = integration.post(f"appointments/{visit.pk}/arrive/", body, If_Match='"1"')
    arrived = response.json()
    assert (arrived["encounter_type"]["code"], arrived["status"]) == ("specialiserad-oppenvard", "in_progress")
    assert (arrived["identity_shown"], arrived["interpreter_used"], arrived["start"]) == ("Känd", True, body["at"])
    assert arrived["appointment"] == {"id": str(visit.pk), "version": 2, "status": "arrived"}
    assert "ETag" not in response.headers
    again = refused(integration.post(f"appointments/{visit.pk}/arrive/"), 409, rule="VH-24", code="wrong_status")
    assert again["by"] == "Kassasystemet"


def test_an_arrival_in_the_future_or_before_the_day_is_refused(integration, clinic):
    visit = factories.booked_visit(care_unit=clinic, start=factories.in_days(2))
    refused(integration.post(f"appointments/{visit.pk}/arrive/", {"at": at(now() + timedelta(minutes=5))}), 400)
    refused(integration.post(f"appointments/{visit.pk}/arrive/"), 409, rule="VH-07")
    visit.refresh_from_db()
    assert visit.status == "booked"


def test_an_own_arrival_is_undone_at_once_anothers_only_by_those_who_correct(integration, caller, clinic):
    """PL-13."""
    visit = factories.booked_visit(care_unit=clinic)
    path = f"appointments/{visit.pk}/undo/"
    refused(integration.post(path), 409, rule="PL-13", code="nothing_to_undo")
    integration.post(f"appointments/{visit.pk}/arrive/")
    told = refused(caller("receptionist", clinic).post(path, {"reason": "fel"}), 409, rule="PL-13", code="not_own_act")
    assert told["by"] == "Kassasystemet"
    undone = integration.post(path).json()
    assert (undone["status"], undone["encounter"]["status"]) == ("booked", "planned")
    integration.post(f"appointments/{visit.pk}/arrive/")
    coordinator = caller("coordinator", clinic)
    refused(coordinator.post(path), 409, rule="PL-13", code="reason_missing")
    assert coordinator.post(path, {"reason": "fel patient"}).json()["status"] == "booked"


def test_a_no_show_is_somebodys_work_and_its_undo_takes_it_away(integration, clinic):
    """VH-11, PL-05, PL-13."""
    visit = factories.booked_visit(care_unit=clinic)
    refused(integration.post(f"appointments/{visit.pk}/no-show/"), 409, rule="VH-11")
    due = factories.booked_visit(care_unit=clinic, start=now(), resource=factories.ResourceFactory(care_unit=clinic))
    assert integration.post(f"appointments/{due.pk}/no-show/").json()["status"] == "no_show"
    (item,) = integration.get("work-lists/no-shows/").json()["results"]
    assert item["encounter"] == str(due.encounter_id)
    assert integration.get("no-show-items/?status=open").json()["results"] == [item]
    assert integration.post(f"appointments/{due.pk}/undo/").json()["status"] == "booked"
    assert integration.get("work-lists/no-shows/").json()["results"] == []
    (done,) = integration.get(f"no-show-items/?care_unit={clinic.pk}").json()["results"]
    assert (done["status"], done["decision"]) == ("done", "undone")
    assert integration.get(f"no-show-items/{item['id']}/").json() == done
