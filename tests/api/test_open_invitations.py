"""Öppna kallelser by REST: sent, read in their list, booked from by 1177, ended; and what is chosen of a letter (PL-26,
KA-03)."""

import base64
import hashlib
from datetime import time, timedelta

import pytest

from registration.models import AddressKind, PatientAddress
from scheduling.actions import work_items
from scheduling.models import Appointment, Letter, LetterAttachment, LetterText, OpenInvitation
from sdv.common.time import at_local, local_date, now
from tests import factories
from tests.api.conftest import refused

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7 karta"


@pytest.fixture
def request_(centre):
    LetterText.objects.create(part="phone", care_unit=centre, text="046-17 00 00", source="Prov")
    request = factories.booking_request(care_unit=centre)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(
        patient=request.patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund"
    )
    return request


def day(days):
    return local_date(now()) + timedelta(days=days)


def invite(integration, request, **more):
    body = {"booking_request": str(request.pk), "last_day": day(14).isoformat()} | more
    return integration.post("open-invitations/", body)


def test_it_is_sent_listed_and_booked_from(integration, centre, request_):
    """PL-26: the patient booked alone, so the kallelse follows and the patient waits no more."""
    made = invite(integration, request_, own_text="Ring på porten.", language="en").json()
    assert (made["status"], made["last_day"], made["letter_status"]) == ("open", day(14).isoformat(), "unsent")
    letter = integration.get(f"letters/{made['letter']}/").json()
    assert (letter["kind"], letter["own_text"], letter["language"]) == ("open_invitation", "Ring på porten.", "en")
    (listed,) = integration.get("work-lists/open-invitations/").json()["results"]
    assert listed["id"] == made["id"]
    start = at_local(day(5), time(10))
    body = {
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
        "resources": [str(factories.resource_for(centre, request_.visit_type).pk)],
        "by_patient": True,
        "letter": True,
    }
    stale = integration.post(f"open-invitations/{made['id']}/book/", body, **{"If-Match": '"7"'})
    assert stale.status_code == 412
    booked = integration.post(f"open-invitations/{made['id']}/book/", body)
    assert booked.status_code == 200, booked.content
    booked = booked.json()
    assert (booked["status"], booked["booked_by_patient"]) == ("booked", True)
    assert booked["appointment"] == str(Appointment.objects.get().pk)
    assert integration.get("work-lists/open-invitations/").json()["results"] == []
    assert integration.get("work-lists/booking-requests/").json()["results"] == []
    again = integration.post(f"open-invitations/{made['id']}/book/", body)
    refused(again, 409, rule="PL-26", code="already_done")
    assert {row.kind for row in Letter.objects.all()} == {"open_invitation", "appointment"}


def test_who_it_is_for_is_told_and_the_day_is_asked(integration, request_):
    """PL-26"""
    refused(integration.post("open-invitations/", {"last_day": day(14).isoformat()}), 400)
    refused(invite(integration, request_, last_day=day(0).isoformat()), 400)
    refused(invite(integration, request_, own_text="x" * 1001), 400)
    assert not OpenInvitation.objects.exists()
    invite(integration, request_)
    refused(invite(integration, request_), 409, rule="PL-26", code="already_invited")


def test_it_is_ended_with_a_reason(integration, request_):
    """PL-26, UT-07"""
    made = invite(integration, request_).json()
    refused(integration.post(f"open-invitations/{made['id']}/end/", {"reason": ""}), 409, rule="PL-26")
    ended = integration.post(f"open-invitations/{made['id']}/end/", {"reason": "Ringde"}).json()
    assert (ended["status"], ended["end_reason"], ended["letter_status"]) == ("ended", "Ringde", "stopped")
    assert len(integration.get("work-lists/booking-requests/").json()["results"]) == 1
    refused(integration.post(f"open-invitations/{made['id']}/letter/", {}), 409, rule="PL-26")


def test_a_letter_is_written_anew_with_a_file_that_is_read_back_byte_for_byte(integration, centre, request_):
    """KA-03"""
    file = LetterAttachment.objects.create(name="Karta", pdf=PDF, sha256=hashlib.sha256(PDF).hexdigest(), source="Prov")
    offered = integration.get(f"letter-attachments/?care_unit={centre.pk}").json()["results"]
    assert offered == [{"id": str(file.pk), "name": "Karta", "sha256": file.sha256}]
    made = invite(integration, request_).json()
    told = {"own_text": "Ring på porten.", "attachments": [str(file.pk)]}
    letter = integration.post(f"letters/{made['letter']}/rewrite/", told).json()
    assert letter["id"] != made["letter"]
    assert (letter["own_text"], letter["attachments"]) == ("Ring på porten.", offered)
    assert Letter.objects.get(pk=made["letter"]).status == "stopped"
    (kept,) = integration.get(f"letters/{letter['id']}/attachments/").json()["results"]
    assert base64.b64decode(kept["pdf"]) == PDF
    refused(integration.post(f"letters/{letter['id']}/rewrite/", {"attachments": [str(centre.pk)]}), 400)


def test_several_are_invited_in_one_act_and_each_misfit_is_told(integration, centre, request_):
    """PL-26, BB-01: nothing is saved until the misfits are left out; the caller's right is asked at the unit."""
    another = factories.booking_request(care_unit=centre)
    invite(integration, request_)
    body = {
        "care_unit": str(centre.pk),
        "booking_requests": [str(request_.pk), str(another.pk)],
        "last_day": day(21).isoformat(),
    }
    problem = refused(integration.post("booking-requests/invite-many/", body), 409, rule="PL-26", code="misfits")
    assert list(problem["errors"]) == [str(request_.pk)]
    assert "har redan en öppen kallelse" in problem["errors"][str(request_.pk)][0]
    assert OpenInvitation.objects.count() == 1
    made = integration.post("booking-requests/invite-many/", body | {"leave_out": [str(request_.pk)]})
    assert made.status_code == 201, made.content
    new = OpenInvitation.objects.get(booking_request=another)
    assert made.json() == {"open_invitations": [str(new.pk)], "blocked_letters": 1}
    refused(integration.post("booking-requests/invite-many/", body | {"booking_requests": []}), 400)
    refused(integration.post("booking-requests/invite-many/", body | {"last_day": day(0).isoformat()}), 400)


def test_who_waits_is_written_to_one_or_several_and_each_misfit_is_told(integration, centre, request_):
    """KA-01, PL-08, PL-10: by the doors of other letters; the preview saves nothing."""
    another = factories.booking_request(care_unit=centre)
    asked = {"kind": "waiting", "booking_request": str(request_.pk)}
    shown = integration.post("letters/preview/", asked | {"letter_choices": {"own_text": "Hej"}}).json()
    assert (shown["kind"], shown["missing"], Letter.objects.count()) == ("waiting", "", 0)
    letter = integration.post("letters/", asked | {"own_text": "Hej"}).json()
    assert (letter["kind"], letter["booking_request"], letter["referral"]) == ("waiting", str(request_.pk), None)
    assert letter["body"] == shown["body"]
    (listed,) = integration.get(f"letters/?booking_request={request_.pk}").json()["results"]
    assert listed["id"] == letter["id"]
    attempt = integration.get(f"contact-attempts/?booking_request={request_.pk}").json()["results"][0]
    assert (attempt["method"], attempt["result"]) == ("letter", "left_message")
    closed = factories.booking_request(care_unit=centre)
    work_items.close_request(request_id=closed.pk, reason="Vill inte", by=factories.clinician(centre), at=now())
    body = {
        "care_unit": str(centre.pk),
        "kind": "call_us",
        "booking_requests": [str(request_.pk), str(another.pk), str(closed.pk)],
    }
    problem = refused(integration.post("letters/write-many/", body), 409, rule="PL-08", code="misfits")
    assert list(problem["errors"]) == [str(closed.pk)]
    assert Letter.objects.count() == 1
    made = integration.post("letters/write-many/", body | {"leave_out": [str(closed.pk)]})
    assert made.status_code == 201, made.content
    assert (len(made.json()["letters"]), made.json()["blocked_letters"]) == (2, 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("letters/", {"kind": "waiting"}),
        ("letters/", {"kind": "waiting", "booking_request": "{row}", "referral": "{row}"}),
        ("letters/", {"kind": "waiting", "referral": "{row}"}),
        ("letters/preview/", {"kind": "referral_receipt", "booking_request": "{row}"}),
        ("letters/preview/", {}),
        ("letters/write-many/", {"kind": "waiting", "care_unit": "{unit}"}),
        ("letters/write-many/", {"kind": "waiting", "care_unit": "{unit}", "booking_requests": []}),
        ("letters/write-many/", {"kind": "waiting", "care_unit": "{unit}", "referrals": ["{row}"]}),
        ("letters/write-many/", {"kind": "referral_receipt", "care_unit": "{unit}", "booking_requests": ["{row}"]}),
    ],
)
def test_what_cannot_be_understood_of_such_a_letter_is_told_and_nothing_is_written(
    integration, centre, request_, path, body
):
    """BB-01"""
    known = {"{row}": str(request_.pk), "{unit}": str(centre.pk)}

    def filled(value):
        return [filled(each) for each in value] if isinstance(value, list) else known.get(value, value)

    refused(integration.post(path, {name: filled(value) for name, value in body.items()}), 400)
    assert Letter.objects.count() == 0
