"""The main job from end to end as an integration does it, with a token: find the patient, book, arrive, check out with
each of the four outcomes, let the clock end the visits, find them on the coding list, code them."""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command

from registration import lifecycle
from sdv.accounts.models import AccessLogEntry
from sdv.common.time import local, local_date, now
from tests import factories

from .conftest import Caller


def new_token(user):
    """As an operator makes one."""
    out = StringIO()
    call_command("create_token", user.username, stdout=out)
    return next(word for word in out.getvalue().split() if word.startswith("sdv_"))


def run_job(name, at):
    out = StringIO()
    call_command("run_job", name, at=at.isoformat(), stdout=out)
    return out.getvalue()


def test_a_visit_at_a_health_centre_from_search_to_coded_by_rest(centre, codes, as_application):
    """PA-01, BO-01, VO-01, VH-05, VH-07, VH-17, VH-18, KL-01."""
    known = factories.patient(given_name="Göran", surname="Åkesson")
    factories.ResourceFactory(care_unit=centre, profession="Ssk")
    user = factories.staff("integration", centre)
    api = Caller(token=new_token(user))

    found = api.post("patients/search/", {"identity": known.identities.get().value[2:]}).json()["results"]
    assert [(row["id"], row["name"]) for row in found] == [(str(known.pk), "Åkesson, Göran")]

    units = api.get("care-units/").json()["results"]
    unit_id = next(unit["id"] for unit in units if unit["hsa_id"] == centre.hsa_id)
    visit_type = next(
        row
        for row in api.get(f"visit-types/?care_unit={unit_id}&page_size=200").json()["results"]
        if row["text"] == "Pv Ssk Återbesök"
    )
    assert visit_type["code"] == "pv-ssk-aterbesok"
    reasons = api.get(f"contact-reasons/?visit_type={visit_type['code']}").json()["results"]
    reason = next(row["code"] for row in reasons if row["text"] == "uppföljning ospecificerad")

    tomorrow = local_date(now()) + timedelta(days=3)
    slot = api.get(
        f"slots/?care_unit={unit_id}&visit_type={visit_type['code']}&from={tomorrow}&to={tomorrow}&page_size=1"
    ).json()["results"][0]
    hold = api.post("holds/", {"resource": slot["resource"]["id"], "start": slot["start"], "end": slot["end"]}).json()
    response = api.post(
        "appointments/",
        {
            "patient": found[0]["id"],
            "care_unit": unit_id,
            "visit_type": visit_type["code"],
            "contact_reason": reason,
            "start": slot["start"],
            "end": slot["end"],
            "resources": [slot["resource"]["id"]],
            "hold": hold["id"],
        },
        Idempotency_Key="bokning-1",
    )
    assert response.status_code == 201, response.content
    booked = response.json()
    assert booked["status"] == "booked"
    assert booked["encounter"]["encounter_type"]["code"] == "dold-forhandsregistrerad-oppenvardskontakt"

    start = now().replace(minute=0) + timedelta(hours=2)
    moved = api.post(
        f"appointments/{booked['id']}/reschedule/",
        {"start": local(start).isoformat(), "end": local(start + timedelta(minutes=30)).isoformat()},
        If_Match=response.headers["ETag"],
    ).json()
    assert moved["encounter"]["encounter_type"]["code"] == lifecycle.VISIBLE

    arrived = api.post(f"appointments/{booked['id']}/arrive/").json()
    assert (arrived["encounter_type"]["text"], arrived["status"]) == ("Primärvård", "in_progress")
    assert arrived["id"] == booked["encounter"]["id"]
    assert "check_out" in {each["action"] for each in arrived["actions"] if each["allowed"]}

    evening = factories.end_of_day(local_date(start))
    assert "avslutade vårdhändelser: 1" in run_job("auto-discharge", evening)
    ended = api.get(f"encounters/{arrived['id']}/").json()
    assert (ended["status"], ended["end"], ended["is_check_out_automatic"]) == ("ended", evening.isoformat(), True)

    listed = api.get("work-lists/coding/").json()["results"]
    assert [(row["id"], row["coder"]) for row in listed] == [(arrived["id"], None)]
    hits = api.get("codes/icd-10-se/?search=essentiell hypertoni").json()["results"]
    code = next(row for row in hits if row["is_registrable"])
    begun = {"diagnoses": [{"code": code["display"]}], "procedures": []}
    assert api.put(f"encounters/{arrived['id']}/coding/", begun, If_Match='"0"').status_code == 200
    assert [row["coder"] for row in api.get("work-lists/coding/").json()["results"]] == [user.name]
    coded = api.put(f"encounters/{arrived['id']}/coding/", begun | {"complete": True}, If_Match='"1"')
    assert coded.status_code == 200, coded.content
    assert coded.json()["complete"] is True
    assert [row["code"] for row in coded.json()["diagnoses"]] == [code["code"]]
    assert api.get("work-lists/coding/").json()["results"] == []

    moves = [row["move"] for row in api.get(f"encounters/{arrived['id']}/history/").json()["results"]]
    assert sorted(moves) == sorted(["create", "reschedule", "arrive", "check_out", "discharge"])
    logged = AccessLogEntry.objects.filter(patient_id=known.pk, user=user)
    assert set(logged.values_list("purpose", flat=True)) == {"Vård och behandling"}
    assert {"sökträff", "bokning skapad", "ankomst registrerad", "vårdhändelse", "lista: coding"} <= set(
        logged.values_list("what", flat=True)
    )


def test_each_of_the_four_outcomes_lands_where_it_should_by_rest(clinic, as_application):
    """UT-02…06, UT-07, VH-19."""
    api = Caller(token=new_token(factories.staff("integration", clinic)))
    outcomes = {row["code"]: row for row in api.get("outcomes/").json()["results"]}

    def visit():
        """An arrived visit, by an accepted remiss."""
        patient = factories.patient()
        today = local_date(now()).isoformat()
        referral = api.post(
            "referrals/",
            {
                "patient": str(patient.pk),
                "care_unit": str(clinic.pk),
                "kind": "R",
                "arrival_date": today,
                "referrer": "Vårdcentralen Öster",
            },
        ).json()
        assert referral["id"] in ids("referrals")
        accepted = api.post(f"referrals/{referral['id']}/accept/", {"problem_code": "demo01"}).json()
        assert accepted["status"] == "accepted"
        assert referral["id"] in ids("to-book")
        resource = factories.ResourceFactory(care_unit=clinic)
        start = now() + timedelta(hours=1)
        booked = api.post(
            "appointments/",
            {
                "patient": str(patient.pk),
                "care_unit": str(clinic.pk),
                "visit_type": "sp-lak-aterbesok",
                "contact_reason": "uppfoljning-ospecificerad",
                "start": local(start).isoformat(),
                "end": local(start + timedelta(minutes=30)).isoformat(),
                "resources": [str(resource.pk)],
                "referral": referral["id"],
            },
        ).json()
        encounter = api.post(f"appointments/{booked['id']}/arrive/").json()
        assert encounter["id"] in ids("awaiting-check-out")
        assert api.get(f"referrals/{referral['id']}/").json()["status"] == "used"
        return encounter

    def ids(name):
        return {row["id"] for row in api.get(f"work-lists/{name}/").json()["results"]}

    def encounters_in(name):
        return {row["encounter"] for row in api.get(f"work-lists/{name}/").json()["results"]}

    ending = visit()
    reason = outcomes["end_commitment"]["reasons"][0]["code"]
    done = api.post(f"encounters/{ending['id']}/check-out/", {"outcome": "end_commitment", "reason": reason}).json()
    assert (done["status"], done["check_out"]["outcome"]["code"]) == ("checked_out", "end_commitment")
    assert api.get(f"commitments/{done['commitment']}/").json()["status"] == "closed"

    awaiting = visit()
    reason = outcomes["await_result"]["reasons"][0]["code"]
    api.post(
        f"encounters/{awaiting['id']}/check-out/",
        {"outcome": "await_result", "reason": reason, "waiting_for": "Labbsvar"},
    )
    assert awaiting["id"] in encounters_in("awaiting-result")

    kept = visit()
    warned = api.post(f"encounters/{kept['id']}/check-out/", {"outcome": "no_further_planning"})
    assert (warned.status_code, warned.json()["rule"], warned.json()["is_warning"]) == (409, "UT-05", True)
    assert api.get(f"encounters/{kept['id']}/").json()["status"] == "in_progress"
    api.post(f"encounters/{kept['id']}/check-out/", {"outcome": "no_further_planning", "accept_warnings": ["UT-05"]})
    assert kept["id"] in encounters_in("missing-follow-up")

    following = visit()
    day = local_date(now())
    api.post(
        f"encounters/{following['id']}/check-out/",
        {
            "outcome": "follow_up",
            "follow_ups": [
                {
                    "visit_type": "sp-lak-aterbesok",
                    "contact_reason": "uppfoljning-ospecificerad",
                    "from": (day + timedelta(days=14)).isoformat(),
                    "to": (day + timedelta(days=28)).isoformat(),
                    "note": "Helst på förmiddagen",
                }
            ],
        },
    )
    (request,) = api.get("work-lists/booking-requests/").json()["results"]
    assert (request["commitment"], request["description"]) == (following["commitment"], "Helst på förmiddagen")

    assert api.get("work-lists/broken-promises/").json()["results"] == []
    assert ids("awaiting-check-out") == set()
    assert "avslutade vårdhändelser: 4" in run_job("auto-discharge", factories.end_of_day(day))
    assert ids("coding") == {visit["id"] for visit in (ending, awaiting, kept, following)}
