"""Several units share a waiting list, and the clock follows the patient (PL-25)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registration import waiting
from registration.actions import referrals
from registration.actions import waiting as deviations
from registration.models import CareCommitment, ProblemCode, Referral
from scheduling import freed, promises
from scheduling.actions import appointments, check_out, offers, sharing, work_items
from scheduling.models import BookingRequest, Offer, ResourceBooking
from sdv.common.errors import InputError, RuleError
from sdv.organisation.models import SharedList
from tests.clinic import DAY, NOW, TODAY, Clinic


@pytest.fixture
def other(db):
    return Clinic(name="Ortopedin Norr")


@pytest.fixture
def shared(clinic, other):
    made = SharedList.objects.create(name="Ortopedi")
    for unit in (clinic.unit, other.unit):
        made.units.create(care_unit=unit)
    return made


def refusal(act, **fields):
    with pytest.raises(RuleError) as refused:
        act(**fields)
    assert refused.value.rule == "PL-25"
    return refused.value.code


def request(clinic, patient, commitment):
    made = work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=TODAY - 30 * DAY,
        wished_to=TODAY - 2 * DAY,
        wished_resource=clinic.nurse_resource,
        commitment_id=commitment.pk,
        by=clinic.nurse,
        at=NOW,
    )
    BookingRequest.objects.filter(pk=made.pk).update(created_at=NOW - 40 * DAY)
    return made


def test_units_of_a_list_see_each_other_while_it_is_valid(clinic, other, shared):
    """PL-25"""
    alone = Clinic(name="Ensam")
    assert clinic.unit.sharing_ids(TODAY) == other.unit.sharing_ids(TODAY) == {clinic.unit.pk, other.unit.pk}
    assert alone.unit.sharing_ids(TODAY) == {alone.unit.pk}
    shared.valid_to = TODAY
    shared.save(update_fields=["valid_to"])
    assert clinic.unit.sharing_ids(TODAY + DAY) == {clinic.unit.pk}


def test_a_remiss_taken_over_keeps_its_dates_its_deviations_and_is_booked(clinic, other, shared):
    """PL-25, VA-03, UT-07"""
    patient = clinic.patient()
    came = referrals.register(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        kind="R",
        decision_date=TODAY - 100 * DAY,
        arrival_date=TODAY - 95 * DAY,
        referrer="Vårdcentralen Öster",
        by=clinic.nurse,
        at=NOW,
    )
    deviations.register_deviation(
        referral_id=came.pk, kind="MoV", starts_on=TODAY - 19 * DAY, ends_on=TODAY - 10 * DAY, reason="Infektion",
        by=clinic.doctor, at=NOW,
    )  # fmt: skip
    accepted = referrals.accept(
        referral_id=came.pk, problem_code=clinic.problem, medical_target_date=TODAY, by=clinic.doctor, at=NOW
    )
    before = waiting.wait_of(Referral.objects.get(), on=TODAY, limits=waiting.limits())
    taken = sharing.take_referral(referral_id=accepted.pk, care_unit=other.unit, by=other.nurse, at=NOW)
    row = Referral.objects.get()
    assert (row.care_unit, row.status, row.decision_date, row.arrival_date, row.review_date, row.medical_target_date) == (
        other.unit, "accepted", TODAY - 100 * DAY, TODAY - 95 * DAY, TODAY, TODAY,
    )  # fmt: skip
    assert waiting.wait_of(row, on=TODAY, limits=waiting.limits()) == before
    assert (before.counted, before.is_over_guarantee) == (90, False)
    event = row.events.get(act="forwarded")
    assert (event.to_unit, event.reason, event.by) == (other.unit, "Delad väntelista", other.nurse)
    old, new = CareCommitment.objects.get(care_unit=clinic.unit), CareCommitment.objects.get(care_unit=other.unit)
    assert (old.status, old.close_reason) == ("closed", "Väntan övertagen av Ortopedin Norr")
    assert (new.status, new.problem_code, taken.commitment) == ("open", clinic.problem, new)
    assert promises.broken(at=NOW).count() == 0
    booked = other.book(patient, NOW + 2 * DAY, commitment_id=new.pk)
    appointments.arrive(appointment_id=booked.pk, by=other.nurse, at=booked.start)
    row.refresh_from_db()
    assert (row.status, row.used_by_id) == ("used", booked.encounter_id)


def test_a_request_taken_over_is_the_same_row_with_the_same_dates(clinic, other, shared):
    """PL-25, BB-01: booked at the other unit."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    waits = request(clinic, patient, commitment)
    sharing.take_request(request_id=waits.pk, care_unit=other.unit, by=other.nurse, at=NOW)
    row = BookingRequest.objects.get()
    assert (row.pk, row.care_unit, row.status, row.wished_resource) == (waits.pk, other.unit, "open", None)
    assert (row.wished_from, row.wished_to, row.created_at) == (TODAY - 30 * DAY, TODAY - 2 * DAY, NOW - 40 * DAY)
    assert row.commitment.care_unit == other.unit
    commitment.refresh_from_db()
    # The remiss of the first unit is still to be booked there: what is planned keeps its vårdåtagande.
    assert commitment.status == "open"
    other.book(patient, NOW + 2 * DAY, commitment_id=row.commitment_id, booking_request_id=row.pk)
    row.refresh_from_db()
    assert row.status == "booked"
    assert promises.broken(at=NOW).count() == 0


def test_a_check_out_is_not_undone_while_what_it_planned_waits_where_it_was_taken_over(clinic, other, shared):
    """PL-13, UT-07: nobody at the unit that took it acted; it ends the begäran itself, and then the undo is had."""
    patient = clinic.patient()
    clinic.commitment(patient)
    visit = clinic.arrived(patient).encounter
    follow_up = {"visit_type": clinic.nurse_visit, "contact_reason": clinic.reason, "wished_from": TODAY}
    check_out.check_out(
        encounter_id=visit.pk,
        outcome="follow_up",
        follow_ups=[follow_up | {"wished_to": TODAY + 30 * DAY}],
        by=clinic.doctor,
        at=NOW,
        registered_at=NOW,
    )
    row = BookingRequest.objects.get()
    taken = sharing.take_request(request_id=row.pk, care_unit=other.unit, by=other.doctor, at=NOW)
    undo = {"encounter_id": visit.pk, "by": clinic.doctor, "at": NOW}
    with pytest.raises(RuleError) as refused:
        check_out.undo(**undo)
    told = (refused.value.rule, refused.value.code, refused.value.by, refused.value.at)
    assert told == ("PL-25", "taken_over", "Anna Holm", NOW)
    assert "väntar hos Ortopedin Norr" in refused.value.sentence
    row.refresh_from_db()
    visit.refresh_from_db()
    assert (row.status, row.version, visit.status) == ("open", taken.version, "checked_out")
    work_items.close_request(request_id=row.pk, reason="Tas om hand där", by=other.nurse, at=NOW)
    check_out.undo(**undo)
    visit.refresh_from_db()
    assert visit.status == "in_progress"


def test_what_cannot_be_taken_over_says_why_and_stays(clinic, other):
    """PL-25"""
    patient = clinic.patient()
    waits = request(clinic, patient, clinic.commitment(patient))
    act = {"request_id": waits.pk, "by": other.nurse, "at": NOW}
    assert refusal(sharing.take_request, **act, care_unit=other.unit) == "not_shared"
    centre = Clinic("vardcentral", "Pv", "Vårdcentralen Väster")
    made = SharedList.objects.create(name="Blandad")
    for unit in (clinic.unit, other.unit, centre.unit):
        made.units.create(care_unit=unit)
    assert refusal(sharing.take_request, **act, care_unit=clinic.unit) == "same_unit"
    with pytest.raises(RuleError) as refused:
        sharing.take_request(**act, care_unit=centre.unit)
    assert (refused.value.rule, refused.value.code) == ("BT-01", "visit_type_not_offered")
    work_items.close_request(request_id=waits.pk, reason="Avstår", by=clinic.nurse, at=NOW)
    assert refusal(sharing.take_request, **act, care_unit=other.unit) == "gone"
    assert BookingRequest.objects.get().care_unit == clinic.unit
    undecided = referrals.register(
        patient_id=patient.pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
    )
    assert (
        refusal(sharing.take_referral, referral_id=undecided.pk, care_unit=other.unit, by=other.nurse, at=NOW) == "gone"
    )


# --- A freed time -------------------------------------------------------------------------------------------------------


def freed_at(unit, day=3):
    return {"care_unit": unit.unit, "resource": unit.nurse_resource, "start": NOW + day * DAY, "at": NOW}


def offered(unit, row, subject="booking_request", **fields):
    return offers.make(
        subject=subject,
        row_id=row.pk,
        resource_id=unit.nurse_resource.pk,
        start=NOW + 3 * DAY,
        by=unit.nurse,
        at=NOW,
        **fields,
    )


def waiting_at(unit, patient, *, since, last, **fields):
    """A begäran on a vårdåtagande of its own, asked for so many days ago."""
    made = work_items.request_booking(
        patient_id=patient.pk,
        care_unit=unit.unit,
        visit_type=unit.nurse_visit,
        contact_reason=unit.reason,
        wished_from=TODAY - 30 * DAY,
        wished_to=last,
        commitment_id=unit.commitment(patient).pk,
        by=unit.nurse,
        at=NOW,
        **fields,
    )
    BookingRequest.objects.filter(pk=made.pk).update(created_at=NOW - since * DAY)
    return made


def test_those_of_a_shared_list_are_ranked_beside_ones_own_and_the_reason_tells_where_they_wait(clinic, other, shared):
    """PL-01, PL-25: the most urgent first, wherever they wait; a wish for somebody at the other unit is not suited."""
    own = waiting_at(other, clinic.patient(), since=5, last=TODAY + DAY)
    late = waiting_at(clinic, clinic.patient(), since=40, last=TODAY - 2 * DAY)
    later = waiting_at(clinic, clinic.patient(), since=50, last=TODAY + DAY)
    waiting_at(clinic, clinic.patient(), since=60, last=TODAY - 9 * DAY, wished_resource=clinic.nurse_resource)
    waiting_at(Clinic(name="Ensam"), clinic.patient(), since=90, last=TODAY - 20 * DAY)
    found = freed.candidates(**freed_at(other)).rows
    assert [(each.row.pk, each.place, each.days_over) for each in found] == [
        (late.pk, 1, 5), (later.pk, 2, 2), (own.pk, 3, 2),
    ]  # fmt: skip
    where = f"Väntar på {clinic.unit.short_name}, delad väntelista"
    assert found[0].reasons == ("5 dagar över målet", "Har väntat 43 dagar", where)
    assert found[2].reasons == ("2 dagar över målet", "Har väntat 8 dagar")
    shared.valid_to = TODAY - DAY
    shared.save(update_fields=["valid_to"])
    assert [each.row.pk for each in freed.candidates(**freed_at(other)).rows] == [own.pk]


def test_the_candidates_are_asked_for_equally_often_however_many_units_share_the_list(clinic, other, shared):
    waiting_at(clinic, clinic.patient(), since=5, last=TODAY)
    with CaptureQueriesContext(connection) as few:
        freed.candidates(**freed_at(other))
    for number in range(2):
        third = Clinic(name=f"Ortopedin {number}")
        shared.units.create(care_unit=third.unit)
        waiting_at(third, clinic.patient(), since=5, last=TODAY)
    with CaptureQueriesContext(connection) as many:
        assert freed.candidates(**freed_at(other)).total == 3
    assert len(many) == len(few)


def test_an_offer_takes_nobody_over_before_the_patient_has_said_yes(clinic, other, shared):
    """PL-01, PL-25: a no leaves the patient where he waits; a yes takes him over and books, in one transaction."""
    row = waiting_at(clinic, clinic.patient(), since=40, last=TODAY)
    old = row.commitment
    made = offered(other, row)
    row.refresh_from_db()
    assert (made.care_unit, row.care_unit, row.status) == (other.unit, clinic.unit, "open")
    offers.decline(offer_id=made.pk, by=other.nurse, at=NOW)
    row.refresh_from_db()
    assert (row.care_unit, row.status, row.commitment) == (clinic.unit, "open", old)
    made = offered(other, row)
    accepted = offers.accept(offer_id=made.pk, by=other.nurse, at=NOW)
    row.refresh_from_db()
    booked = accepted.appointment
    assert (row.care_unit, row.status, row.commitment.care_unit) == (other.unit, "booked", other.unit)
    assert (booked.care_unit, booked.booking_request, booked.start) == (other.unit, row, NOW + 3 * DAY)
    assert booked.encounter.commitment == row.commitment
    assert promises.broken(at=NOW).count() == 0


def test_a_remiss_of_a_shared_list_is_taken_over_by_a_yes(clinic, other, shared):
    """PL-01, VA-03"""
    patient = clinic.patient()
    clinic.commitment(patient)
    referral = Referral.objects.get(patient=patient)
    visit = clinic.nurse_visit
    made = offered(other, referral, "referral", visit_type=visit)
    accepted = offers.accept(offer_id=made.pk, by=other.nurse, at=NOW)
    referral.refresh_from_db()
    assert (referral.care_unit, referral.commitment.care_unit) == (other.unit, other.unit)
    assert accepted.appointment.encounter.commitment == referral.commitment


def test_a_time_is_not_offered_where_no_list_is_shared(clinic, other):
    """PL-25"""
    row = waiting_at(clinic, clinic.patient(), since=40, last=TODAY)
    with pytest.raises(InputError):
        offered(other, row)
    assert not Offer.objects.exists() and not ResourceBooking.objects.exists()


def test_a_time_is_not_offered_to_who_could_not_be_taken_over(clinic, other, shared):
    """VA-01, PL-07: what a yes would meet is said before the patient is asked."""
    row = waiting_at(clinic, clinic.patient(), since=40, last=TODAY)
    ProblemCode.objects.filter(pk=row.commitment.problem_code_id).update(speciality="Ortopedi")
    other.unit.specialities = ["Ögonsjukvård"]
    other.unit.save(update_fields=["specialities"])
    with pytest.raises(RuleError) as refused:
        offered(other, row)
    assert (refused.value.rule, Offer.objects.count(), ResourceBooking.objects.count()) == ("VA-01", 0, 0)
