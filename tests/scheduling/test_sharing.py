"""Several units share a waiting list, and the clock follows the patient (PL-25)."""

import pytest

from registration import waiting
from registration.actions import referrals
from registration.actions import waiting as deviations
from registration.models import CareCommitment, Referral
from scheduling import promises
from scheduling.actions import appointments, sharing, work_items
from scheduling.models import BookingRequest
from sdv.common.errors import RuleError
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
    assert refusal(sharing.take_request, **act, care_unit=centre.unit) == "other_visit_type"
    work_items.close_request(request_id=waits.pk, reason="Avstår", by=clinic.nurse, at=NOW)
    assert refusal(sharing.take_request, **act, care_unit=other.unit) == "gone"
    assert BookingRequest.objects.get().care_unit == clinic.unit
    undecided = referrals.register(
        patient_id=patient.pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
    )
    assert (
        refusal(sharing.take_referral, referral_id=undecided.pk, care_unit=other.unit, by=other.nurse, at=NOW) == "gone"
    )
