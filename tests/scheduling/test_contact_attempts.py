"""Kontaktförsök: who, when, how, with what result, and when next; whom a list hides (PL-10, PL-13, PL-27, AV-02)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from registration.actions import contact
from scheduling.actions import contact_attempts, work_items
from scheduling.models import BookingRequest, ContactAttempt
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now
from sdv.flows import deceased
from tests import factories
from tests.api.conftest import Caller
from tests.clinic import DAY, NOW, TODAY
from tests.desk.signed_in import queries_of, signed_in

MINUTE = timedelta(minutes=1)


@pytest.fixture
def request_(clinic):
    patient = clinic.patient()
    return work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        commitment_id=clinic.in_care(patient).pk,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=TODAY,
        wished_to=TODAY + 14 * DAY,
        by=clinic.nurse,
        at=NOW,
    )


def tried(clinic, request, *, by=None, at=NOW, result="no_answer", **fields):
    return contact_attempts.record(
        subject="booking_request",
        row_id=request.pk,
        method="phone",
        result=result,
        by=by or clinic.nurse,
        at=at,
        **fields,
    )


def test_an_attempt_says_who_when_how_with_what_result_and_when_next(clinic, request_):
    """PL-10"""
    made = tried(clinic, request_, next_on=TODAY + DAY)
    assert (made.patient, made.care_unit, made.booking_request) == (request_.patient, clinic.unit, request_)
    assert (made.method, made.result, made.by, made.at) == ("phone", "no_answer", clinic.nurse, NOW)
    assert made.next_on == TODAY + DAY


def test_ones_own_repeated_click_is_one_attempt_and_anothers_call_in_the_same_minute_is_another(clinic, request_):
    """PL-27"""
    first = tried(clinic, request_)
    assert tried(clinic, request_) == first
    tried(clinic, request_, by=clinic.doctor)
    tried(clinic, request_, at=NOW + MINUTE)
    assert ContactAttempt.objects.count() == 3


def test_nobody_calls_for_what_no_longer_waits_nor_the_dead(clinic, request_):
    """PL-10, AV-02"""
    with pytest.raises(RuleError) as refused:
        tried(clinic, request_, next_on=TODAY - DAY)
    assert (refused.value.rule, refused.value.code) == ("PL-10", "invalid_date")
    work_items.close_request(request_id=request_.pk, reason="Flyttat", by=clinic.nurse, at=NOW)
    with pytest.raises(RuleError) as refused:
        tried(clinic, request_)
    assert (refused.value.rule, refused.value.code) == ("PL-10", "already_done")
    deceased.register(patient_id=request_.patient_id, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=NOW)
    with pytest.raises(RuleError) as refused:
        tried(clinic, request_)
    assert refused.value.rule == "AV-02"
    assert not ContactAttempt.objects.exists()


def test_an_attempt_is_taken_back_by_its_maker_for_five_minutes_and_stays_as_trace(clinic, request_):
    """PL-13"""
    made = tried(clinic, request_)
    for by, at in ((clinic.doctor, NOW), (clinic.nurse, NOW + 6 * MINUTE)):
        with pytest.raises(RuleError) as refused:
            contact_attempts.undo(attempt_id=made.pk, by=by, at=at)
        assert (refused.value.rule, refused.value.code) == ("PL-13", "too_late")
    undone = contact_attempts.undo(attempt_id=made.pk, by=clinic.nurse, at=NOW + 5 * MINUTE)
    assert (undone.undone_at, undone.undone_by) == (NOW + 5 * MINUTE, clinic.nurse)
    assert not ContactAttempt.objects.standing().exists() and ContactAttempt.objects.count() == 1
    with pytest.raises(RuleError) as refused:
        contact_attempts.undo(attempt_id=made.pk, by=clinic.nurse, at=NOW, may_correct=True)
    assert refused.value.code == "already_done"


def test_the_database_lets_no_attempt_hang_on_nothing_or_on_two_things(clinic, request_):
    """PL-10"""
    fields = {"patient": request_.patient, "care_unit": clinic.unit, "by": clinic.nurse, "at": NOW}
    fields |= {"method": "phone", "result": "reached"}
    commitment = clinic.commitment(request_.patient)
    both = {"booking_request": request_, "referral": commitment.referrals.get()}
    for subject in ({}, both):
        with pytest.raises(IntegrityError), transaction.atomic():
            ContactAttempt.objects.create(**fields, **subject)


# --- The lists ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def unit(db):
    return factories.SpecialisedClinicFactory()


def waiting(unit, surname, **fields):
    return factories.booking_request(care_unit=unit, patient=factories.patient(surname=surname), **fields)


def test_the_list_hides_whom_somebody_called_today_says_so_and_can_show_them(unit):
    """PL-10: for the day, at the unit where the call was made, whatever list it was made from."""
    client = signed_in(factories.coordinator(unit))
    called = waiting(unit, "Uppringd")
    waiting(unit, "Annan")
    address = reverse("contact-attempt", args=["booking-requests", called.pk])
    assert "Inga tidigare försök" in client.get(address).content.decode()
    saved = client.post(address, {"result": "left_message", "method": "phone", "next_on": "+3d"}, follow=True)
    text = saved.content.decode()
    assert "Kontaktförsök (lämnade meddelande) sparat för" in text
    assert "Annan, Maria" in text
    assert f'id="rad-{called.pk}"' not in text
    assert "1 rad har kontaktats i dag och visas inte." in text
    shown = client.get(reverse("booking-requests"), {"kontaktade": "visa"}).content.decode()
    assert f'id="rad-{called.pk}"' in shown
    assert f"1 kontaktförsök, senast {local_date(now()).isoformat()}" in shown
    ContactAttempt.objects.update(at=now() - timedelta(days=1))
    assert f'id="rad-{called.pk}"' in client.get(reverse("booking-requests")).content.decode()
    assert AccessLogEntry.objects.filter(patient_id=called.patient_id, action="write", what="kontaktförsök").exists()


def test_the_sheet_shows_the_numbers_to_call_but_none_of_a_protected_person(unit):
    """PL-10, SK-02"""
    client = signed_in(factories.coordinator(unit))
    row = waiting(unit, "Ring")
    contact.add_phone(patient_id=row.patient_id, number="070-174 06 05", by=factories.UserFactory(), at=now())
    address = reverse("contact-attempt", args=["booking-requests", row.pk])
    assert "070-174 06 05" in client.get(address).content.decode()
    hidden = factories.booking_request(care_unit=unit, patient=factories.protected_patient())
    text = client.get(reverse("contact-attempt", args=["booking-requests", hidden.pk])).content.decode()
    assert "Nummer visas inte: skyddade personuppgifter." in text


def test_the_receipt_takes_it_back_and_the_list_shows_the_patient_again(unit):
    """PL-13"""
    client = signed_in(factories.coordinator(unit))
    row = waiting(unit, "Ångrad")
    client.post(reverse("contact-attempt", args=["booking-requests", row.pk]), {"result": "reached", "method": "phone"})
    (made,) = ContactAttempt.objects.all()
    text = client.post(reverse("contact-attempt-undo", args=[made.pk]), follow=True).content.decode()
    assert "Kontaktförsöket är ångrat för" in text
    assert f'id="rad-{row.pk}"' in client.get(reverse("booking-requests")).content.decode()


def test_every_list_of_waiting_patients_has_them_and_none_costs_more_queries_for_more_rows(unit):
    """PL-10"""
    client = signed_in(factories.coordinator(unit))
    factories.accepted_referral(care_unit=unit, patient=factories.patient(surname="Remitterad"))
    factories.no_show(care_unit=unit, resource=factories.ResourceFactory(care_unit=unit))
    for name in ("to-book", "no-shows"):
        text = client.get(reverse("work-list", args=[name])).content.decode()
        assert f"/arbetslistor/{name}/" in text and "Kontaktförsök" in text
    waiting(unit, "Första")
    # The first visit of a session also asks for the view and the filters that were kept.
    client.get(reverse("booking-requests"))
    few = queries_of(lambda: client.get(reverse("booking-requests")))
    for number in range(5):
        waiting(unit, f"Rad{number}")
    assert queries_of(lambda: client.get(reverse("booking-requests"))) == few


# --- REST ---------------------------------------------------------------------------------------------------------------


def test_attempts_by_rest(unit):
    """PL-10"""
    row = waiting(unit, "Anrop")
    caller = Caller(factories.staff(Role.INTEGRATION, unit))
    body = {"booking_request": str(row.pk), "method": "portal", "result": "calls_back", "next_on": None}
    made = caller.post("contact-attempts/", body)
    assert made.status_code == 201, made.content
    assert made.json()["subject"] == "booking_request" and made.json()["subject_id"] == str(row.pk)
    listed = caller.get(f"contact-attempts/?booking_request={row.pk}").json()["results"]
    assert listed == [made.json()]
    undone = caller.post(f"contact-attempts/{made.json()['id']}/undo/")
    assert undone.status_code == 200 and undone.json()["undone_at"]
    for wrong in ({"method": "phone", "result": "reached"}, body | {"referral": str(row.pk)}, body | {"method": "fax"}):
        assert caller.post("contact-attempts/", wrong).status_code == 400
    elsewhere = factories.booking_request(care_unit=factories.SpecialisedClinicFactory())
    assert caller.post("contact-attempts/", body | {"booking_request": str(elsewhere.pk)}).status_code == 403
    assert ContactAttempt.objects.count() == 1
    assert BookingRequest.objects.get(pk=row.pk).status == "open"
