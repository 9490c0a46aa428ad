"""Kallelser by REST: with the booking, to a booking, what lacks something, printed and kept (KA-01…05, PL-09, PL-14)."""

import base64
import json
from datetime import timedelta

import pytest

from registration.actions import referrals
from registration.models import AddressKind, PatientAddress
from scheduling.actions import letters
from scheduling.models import Letter, LetterText
from sdv.accounts import tokens
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from tests.clinic import Clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    clinic = Clinic(name="Vårdcentralen", kind="vardcentral", area="Pv")
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    return clinic


@pytest.fixture
def patient(clinic):
    patient = clinic.patient()
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


@pytest.fixture
def call(clinic, client):
    key = tokens.create(user=clinic.staff(Role.INTEGRATION), label="prov")

    def send(method, path, body=None, **headers):
        return client.generic(
            method,
            f"/api/v1/{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}", **headers},
        )

    return send


def start(days=9):
    return now().replace(hour=9, minute=0) + timedelta(days=days)


def book(call, clinic, patient, **more):
    return call(
        "POST",
        "appointments/",
        {
            "patient": str(patient.pk),
            "care_unit": str(clinic.unit.pk),
            "visit_type": clinic.nurse_visit.code,
            "contact_reason": clinic.reason.code,
            "start": start().isoformat(),
            "end": (start() + timedelta(minutes=30)).isoformat(),
            "resources": [str(clinic.nurse_resource.pk)],
            **more,
        },
    )


def of(call, appointment):
    return call("GET", f"letters/?appointment={appointment}").json()["results"]


def test_a_booking_brings_its_kallelse_and_a_change_says_who_made_it(call, clinic, patient):
    """KA-01, PL-09, PL-14"""
    booked = book(call, clinic, patient, letter=True)
    assert booked.status_code == 201
    (told,) = of(call, booked.json()["id"])
    assert (told["kind"], told["status"], told["delivery"], told["is_copy"]) == ("appointment", "unsent", "post", False)
    assert told["parts"]["facts"][0][0] == "När"
    assert told["tells_fee"] is True
    printed = call("POST", f"letters/{told['id']}/printed/", {}, **{"If-Match": '"1"'})
    assert printed.json()["status"] == "printed"
    moved = call(
        "POST",
        f"appointments/{booked.json()['id']}/reschedule/",
        {
            "start": start(10).isoformat(),
            "end": (start(10) + timedelta(minutes=30)).isoformat(),
            "changed_by": "patient",
        },
    )
    assert moved.status_code == 200
    assert [(row["kind"], row["changed_by"]) for row in of(call, booked.json()["id"])] == [
        ("change", "patient"),
        ("appointment", None),
    ]
    cancelled = call(
        "POST", f"appointments/{booked.json()['id']}/cancel/", {"cancelled_by": "provider", "reason": "Stängt"}
    )
    assert cancelled.status_code == 200
    newest = of(call, booked.json()["id"])
    assert [(row["kind"], row["status"]) for row in newest] == [
        ("cancellation", "unsent"),
        ("change", "stopped"),
        ("appointment", "printed"),
    ]
    assert newest[0]["changed_by"] == "provider"


def test_without_being_asked_for_nothing_is_written_and_a_kallelse_is_written_afterwards(call, clinic, patient):
    """KA-01"""
    booked = book(call, clinic, patient).json()
    assert of(call, booked["id"]) == []
    made = call("POST", "letters/", {"kind": "appointment", "appointment": booked["id"]})
    assert (made.status_code, made.json()["appointment"]) == (201, booked["id"])
    assert call("POST", "letters/", {"kind": "appointment"}).status_code == 400
    assert call("POST", "letters/", {"kind": "to_relatives"}).status_code == 400


def test_what_lacks_something_says_what_and_is_written_again(call, clinic):
    """KA-01: the booking stands."""
    patient = clinic.patient()
    booked = book(call, clinic, patient, letter=True)
    assert booked.status_code == 201
    (told,) = of(call, booked.json()["id"])
    assert (told["status"], told["body"]) == ("blocked", "")
    assert "patientens adress saknas" in told["stop_reason"]
    refused = call("POST", f"letters/{told['id']}/printed/", {})
    assert refused.status_code == 409
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    again = call("POST", f"letters/{told['id']}/again/", {})
    assert (again.status_code, again.json()["status"]) == (200, "unsent")
    large = call("POST", f"letters/{again.json()['id']}/large-print/", {"is_large_print": True})
    assert large.json()["is_large_print"] is True


def test_the_letter_as_it_was_put_on_paper_is_given_byte_for_byte(call, clinic, patient):
    """KA-03"""
    booked = book(call, clinic, patient, letter=True).json()
    letter = Letter.objects.get(appointment=booked["id"])
    assert call("GET", f"letters/{letter.pk}/document/").status_code == 404
    kept = letters.make_document(letter_id=letter.pk, render=lambda row: b"%PDF \x00\xff", by=clinic.nurse, at=now())
    told = call("GET", f"letters/{letter.pk}/document/").json()
    assert (base64.b64decode(told["pdf"]), told["sha256"]) == (b"%PDF \x00\xff", kept.sha256)


def test_of_a_protected_person_only_what_goes_by_mediation_is_told_and_that_says_nothing(call, clinic, patient):
    """KA-05, SK-05"""
    booked = book(call, clinic, patient, letter=True).json()
    call("POST", f"letters/{of(call, booked['id'])[0]['id']}/printed/", {})
    type(patient).objects.filter(pk=patient.pk).update(protection="sekretessmarkering")
    (told,) = of(call, booked["id"])
    assert (told["recipient"], told["body"], told["parts"]) == ("", "", {"facts": [], "sections": []})
    made = call("POST", "letters/", {"kind": "appointment", "appointment": booked["id"]}).json()
    assert (made["delivery"], made["recipient"]) == ("mediation", "")
    assert "Abdi" not in json.dumps(made)


def test_what_is_chosen_of_the_letter_goes_with_the_booking_and_on_with_the_new_time(call, clinic, patient):
    """KA-01, KA-03, BO-03: and a choice of a letter that is not written is refused, not lost."""
    words = {"own_text": "Ring på porten.", "language": "en"}
    refused = book(call, clinic, patient, letter_choices=words)
    assert (refused.status_code, refused.json()["errors"].keys()) == (400, {"letter_choices"})
    too_long = book(call, clinic, patient, letter=True, letter_choices={"own_text": "x" * 1001})
    assert too_long.status_code == 400
    assert not Letter.objects.exists()
    booked = book(call, clinic, patient, letter=True, letter_choices=words).json()
    letter = Letter.objects.get()
    assert (letter.own_text, letter.language) == ("Ring på porten.", "en")
    letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=now())
    times = {"start": start(10).isoformat(), "end": (start(10) + timedelta(minutes=30)).isoformat()}
    path = f"appointments/{booked['id']}/reschedule/"
    assert call("POST", path, times | {"letter": False, "letter_choices": words}).status_code == 400
    assert call("POST", path, times | {"letter_choices": {"own_text": "Annan port."}}).status_code == 200
    changed = Letter.objects.get(kind="change")
    assert (changed.own_text, changed.language) == ("Annan port.", "en")


def test_the_receipt_of_a_remiss_is_written_read_and_rewritten(call, clinic, patient):
    """VA-03, KA-01: by the same addresses as other letters; of a remiss that is not there nothing is written."""
    made = referrals.register(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        kind="E",
        arrival_date=local_date(now()),
        by=clinic.nurse,
        at=now(),
    )
    answer = call("POST", "letters/", {"kind": "referral_receipt", "referral": str(made.pk)})
    assert answer.status_code == 201, answer.content
    letter = answer.json()
    assert (letter["kind"], letter["referral"], letter["appointment"], letter["status"]) == (
        "referral_receipt",
        str(made.pk),
        None,
        "unsent",
    )
    assert "046-17 00 00" in letter["body"]
    assert [each["part"] for each in letter["parts"]["sections"]] == ["referral_received"]
    (listed,) = call("GET", f"letters/?referral={made.pk}").json()["results"]
    assert listed["id"] == letter["id"]
    new = call("POST", f"letters/{letter['id']}/rewrite/", {"own_text": "Välkommen."}).json()
    assert (new["own_text"], new["referral"]) == ("Välkommen.", str(made.pk))
    referrals.decide(referral_id=made.pk, decision="reject", reason="Hör inte hit", by=clinic.doctor, at=now())
    refused = call("POST", f"letters/{new['id']}/printed/", {})
    assert (refused.status_code, refused.json()["rule"], refused.json()["code"]) == (409, "VA-03", "outdated")
    assert call("POST", "letters/", {"kind": "referral_receipt"}).status_code == 400
    assert Letter.objects.count() == 2


def test_the_kallelse_is_read_before_the_time_is_had_and_nothing_is_saved(call, clinic, patient):
    """KA-01, KA-03: the words that are then written; of a change too, and what is missing is named."""
    asked = {
        "patient": str(patient.pk),
        "care_unit": str(clinic.unit.pk),
        "visit_type": clinic.nurse_visit.code,
        "contact_reason": clinic.reason.code,
        "start": start().isoformat(),
        "resource": str(clinic.nurse_resource.pk),
        "letter_choices": {"own_text": "Ring på porten."},
    }
    answer = call("POST", "letters/preview/", asked)
    assert answer.status_code == 200
    told = answer.json()
    assert not Letter.objects.exists()
    booked = book(call, clinic, patient, letter=True, letter_choices=asked["letter_choices"]).json()
    letter = Letter.objects.get()
    assert (told["kind"], told["delivery"], told["missing"]) == ("appointment", "post", "")
    assert (told["heading"], told["body"], told["recipient"]) == (letter.heading, letter.body, letter.recipient)
    letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=now())
    moved = {"appointment": booked["id"], "start": start(10).isoformat(), "changed_by": "patient"}
    told = call("POST", "letters/preview/", moved).json()
    assert told["kind"] == "change"
    assert "Ring på porten." in told["body"]
    assert Letter.objects.count() == 1
    PatientAddress.objects.all().delete()
    assert "patientens adress saknas" in call("POST", "letters/preview/", asked).json()["missing"]
    assert call("POST", "letters/preview/", {"start": start().isoformat()}).json()["errors"].keys() == {
        "patient",
        "care_unit",
        "visit_type",
        "contact_reason",
    }
