"""The waiting list checks itself (PL-11): one test per fault, with a row beside that has none."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from registration.actions import referrals
from registration.models import CareCommitment, Patient, Referral
from scheduling import faults
from scheduling.actions import contact_attempts, plans, work_items
from scheduling.actions import faults as writes
from scheduling.models import BookingRequest, Letter, ListFault
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError, StaleVersion
from sdv.common.time import local_date
from sdv.desk.jobs import JOBS
from sdv.flows import cancellation, protection
from tests.clinic import DAY, NOW, TODAY


def request(clinic, patient=None, *, first=TODAY, last=TODAY + 14 * DAY, **fields):
    patient = patient or clinic.patient()
    return work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        commitment_id=fields.pop("commitment_id", None) or clinic.in_care(patient).pk,
        visit_type=fields.pop("visit_type", clinic.nurse_visit),
        contact_reason=clinic.reason,
        wished_from=first,
        wished_to=last,
        by=clinic.nurse,
        at=NOW,
        **fields,
    )


def referral(clinic, patient=None, **fields):
    defaults = {"kind": "E", "arrival_date": TODAY - DAY, "by": clinic.nurse, "at": NOW}
    made = referrals.register(patient_id=(patient or clinic.patient()).pk, care_unit=clinic.unit, **(defaults | fields))
    return Referral.objects.get(pk=made.pk)


def accepted(clinic, **fields):
    row = referral(clinic)
    return referrals.accept(referral_id=row.pk, problem_code=clinic.problem, by=clinic.doctor, at=NOW, **fields)


def found(at=NOW):
    """What the check makes of the lists: (kind, row) of every open fault that still stands."""
    writes.check(at=at)
    return standing(at)


def standing(at=NOW):
    rows = faults.standing(ListFault.objects.open(), at=at).order_by("id")
    return [(row.kind, row.booking_request or row.referral) for row in rows]


def test_an_accepted_remiss_without_target_date(clinic):
    """PL-11: gone when the date is set, also before the next check, which closes it."""
    wrong = accepted(clinic)
    accepted(clinic, medical_target_date=TODAY + 30 * DAY)
    referral(clinic)
    assert found() == [("no_target", wrong)]
    referrals.review(referral_id=wrong.pk, medical_target_date=TODAY + 30 * DAY, by=clinic.doctor, at=NOW)
    assert standing() == []
    assert ListFault.objects.open().count() == 1
    assert writes.check(at=NOW + DAY) == writes.Checked(found=0, mended=1, open=0)
    assert ListFault.objects.get().closed_at == NOW + DAY


def test_a_date_that_has_passed(clinic):
    """PL-11: a request and a remiss; not one whose day is today, nor one that is booked."""
    late = request(clinic, first=TODAY - 9 * DAY, last=TODAY - DAY)
    request(clinic, first=TODAY - 9 * DAY, last=TODAY)
    overdue = accepted(clinic, medical_target_date=TODAY)
    booked = accepted(clinic, medical_target_date=TODAY)
    tomorrow = NOW + DAY
    clinic.book(booked.patient, NOW + 2 * DAY, commitment_id=booked.commitment_id)
    assert ("passed", overdue) not in found()
    assert set(found(tomorrow)) == {
        ("passed", late),
        ("passed", BookingRequest.objects.exclude(pk=late.pk).get()),
        ("passed", overdue),
    }
    work_items.change_request(request_id=late.pk, wished_to=TODAY + 9 * DAY, by=clinic.nurse, at=tomorrow)
    assert ("passed", late) not in standing(tomorrow)


def test_a_row_that_stands_twice(clinic):
    """PL-11: the one that came first stays; another besökstyp or another problem is no double."""
    patient = clinic.patient()
    request(clinic, patient)
    request(clinic, patient, visit_type=clinic.doctor_visit)
    request(clinic)
    again = request(clinic, patient)
    first = referral(clinic, patient, problem_code=clinic.problem)
    referral(clinic, patient, problem_code=clinic.other_problem)
    referral(clinic, patient)
    twin = referral(clinic, patient, problem_code=clinic.problem)
    assert set(found()) == {("double", again), ("double", twin)}
    work_items.close_request(request_id=again.pk, reason="Dubbel", by=clinic.nurse, at=NOW)
    referrals.decide(referral_id=first.pk, decision="reject", reason="Dubbel", by=clinic.doctor, at=NOW)
    assert standing() == []


def test_visits_of_a_series_to_be_booked_again_are_no_doubles(clinic):
    """PL-11, UT-07, PL-08: each cancelled visit is still to be had, and waits; beside them one begäran more is no double,
    two are. Booked again and cancelled again, the same begäran waits."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    weeks = [NOW + week * 7 * DAY for week in (1, 2, 3)]
    visits = [
        {
            "care_unit": clinic.unit,
            "visit_type": clinic.nurse_visit,
            "contact_reason_id": clinic.reason.pk,
            "start": start,
            "end": start + timedelta(minutes=30),
            "resource_ids": [clinic.nurse_resource.pk],
        }
        for start in weeks
    ]
    clinic.arrived(patient, commitment_id=commitment.pk)
    first = request(clinic, patient, commitment_id=commitment.pk)
    plan, made = plans.book(kind="series", patient_id=patient.pk, visits=visits, by=clinic.nurse, at=NOW)
    cancellation.cancel_rest(appointment_id=made[0].pk, cancelled_by="patient", reason="Resa", by=clinic.nurse, at=NOW)
    again = BookingRequest.objects.waiting().filter(plan=plan).order_by("wished_to")
    assert [row.wished_to for row in again] == [local_date(start) + timedelta(days=14) for start in weeks]
    assert found() == []
    booked = clinic.book(patient, weeks[0], booking_request_id=again[0].pk)
    assert again.all().count() == 2
    cancel(clinic, booked)
    assert again.all().count() == 3
    double = request(clinic, patient, commitment_id=commitment.pk)
    assert found() == [("double", double)]
    assert first.pk < double.pk


def test_a_cancellation_makes_no_double_of_what_waits_already(clinic):
    """PL-11, UT-07: of the same vårdåtagande and besökstyp; of another, or of none, the patient waits with one more."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    other = clinic.commitment(patient, clinic.other_problem)
    clinic.arrived(patient, commitment_id=commitment.pk)
    clinic.arrived(patient, NOW + DAY, commitment_id=other.pk)
    waits = request(clinic, patient, commitment_id=commitment.pk)
    cancel(clinic, clinic.book(patient, NOW + 3 * DAY, commitment_id=commitment.pk))
    assert list(BookingRequest.objects.waiting()) == [waits]
    cancel(clinic, clinic.book(patient, NOW + 4 * DAY, commitment_id=other.pk))
    made = BookingRequest.objects.exclude(pk=waits.pk).get()
    assert (made.commitment, made.plan, made.status) == (other, None, "open")
    work_items.close_request(request_id=waits.pk, reason="Klart", by=clinic.nurse, at=NOW)
    cancel(clinic, clinic.book(patient, NOW + 3 * DAY, commitment_id=commitment.pk))
    assert set(BookingRequest.objects.waiting().values_list("commitment", flat=True)) == {commitment.pk, other.pk}
    assert found() == []


def cancel(clinic, appointment):
    cancellation.cancel(appointment_id=appointment.pk, cancelled_by="provider", reason="Sjuk", by=clinic.nurse, at=NOW)


def test_somebody_dead_on_the_list(clinic):
    """PL-11, AV-02: what the cascade has not ended yet."""
    row, other = request(clinic), request(clinic)
    Patient.objects.filter(pk=row.patient_id).update(deceased_on=TODAY, deceased_registered_at=NOW)
    assert found() == [("deceased", row)]
    Patient.objects.filter(pk=row.patient_id).update(deceased_on=None, deceased_registered_at=None)
    assert standing() == []
    assert other.status == "open"


def test_somebody_protected_whom_no_mediated_letter_has_reached(clinic):
    """PL-11, KA-05: mended when the letter by mediation is noted as a kontaktförsök."""
    row = request(clinic)
    request(clinic)
    protection.set_by_hand(patient_id=row.patient_id, ground="application", by=clinic.nurse, at=NOW)
    # A letter of long before the row reached nobody about it.
    Letter.objects.create(
        patient=row.patient, care_unit=clinic.unit, kind="appointment", delivery="mediation", status="printed",
        recipient="", sender="B", heading="C", body="D", created_at=row.created_at - DAY, decided_at=NOW,
    )  # fmt: skip
    assert found() == [("protected", row)]
    contact_attempts.record(
        subject="booking_request", row_id=row.pk, method="letter", result="left_message", by=clinic.nurse, at=NOW
    )
    assert standing() == []


def test_somebody_who_has_been_here_since(clinic):
    """PL-11: a visit of the same kind and problem after the row came; not one before it, nor of another problem."""
    patient = clinic.patient()
    commitment = clinic.commitment(patient)
    other = clinic.commitment(patient, clinic.other_problem)
    waiting = request(clinic, patient, commitment_id=commitment.pk)
    elsewhere = request(clinic, patient, commitment_id=other.pk)
    BookingRequest.objects.update(created_at=NOW - DAY)
    clinic.arrived(patient, NOW - 2 * DAY, commitment_id=commitment.pk)
    assert [each for each in found() if each[0] == "seen"] == []
    clinic.arrived(patient, commitment_id=commitment.pk)
    assert [each for each in found() if each[0] == "seen"] == [("seen", waiting)]
    late = referral(clinic, patient, problem_code=clinic.problem)
    assert {each for each in found() if each[0] == "seen"} == {("seen", waiting), ("seen", late)}
    assert elsewhere.status == "open"


def test_a_fault_belongs_to_whoever_has_the_row_and_else_to_the_units_coordinator(clinic):
    """PL-11: each fault has an owner."""
    coordinator = clinic.staff(Role.COORDINATOR, name="Kaj Koordinator")
    clinic.staff(Role.CLINICIAN, username="aron", name="Aron Alm")
    mine, nobodys = accepted(clinic), accepted(clinic)
    Referral.objects.filter(pk=mine.pk).update(decided_by=coordinator)
    clinic.unit.assignments.create(user=clinic.doctor, role=Role.CLINICIAN, hsa_id="SE-x", valid_to=TODAY - DAY)
    writes.check(at=NOW)
    assert ListFault.objects.get(referral=mine).owner == coordinator
    assert ListFault.objects.get(referral=nobodys).owner == coordinator
    taken = writes.assign(fault_id=ListFault.objects.get(referral=mine).pk, owner=clinic.nurse, by=clinic.nurse, at=NOW)
    writes.check(at=NOW + DAY)
    taken.refresh_from_db()
    assert (taken.owner, taken.closed_at) == (clinic.nurse, None)


def test_a_fault_that_somebody_has_taken_is_taken_by_whoever_has_seen_that(clinic):
    """PL-11, PL-27: the second of two is told who was first, and nothing is changed."""
    accepted(clinic)
    writes.check(at=NOW)
    fault = ListFault.objects.get()
    assert (fault.version, fault.taken_at) == (1, None)
    other = clinic.staff(Role.COORDINATOR, name="Kaj Koordinator")
    act = {"fault_id": fault.pk, "owner": clinic.nurse, "by": clinic.nurse, "at": NOW}
    late = {"fault_id": fault.pk, "owner": other, "by": other, "at": NOW + DAY}
    writes.assign(**act, version=1)
    writes.assign(**act, version=1)
    with pytest.raises(StaleVersion) as stale:
        writes.assign(**late, version=1)
    assert (stale.value.by, stale.value.at) == (clinic.nurse.name, NOW)
    with pytest.raises(RuleError) as refused:
        writes.assign(**late)
    assert (refused.value.rule, refused.value.code, refused.value.by) == ("PL-11", "taken", clinic.nurse.name)
    fault.refresh_from_db()
    assert (fault.owner, fault.taken_at, fault.version) == (clinic.nurse, NOW, 2)
    assert writes.assign(**late, version=2).owner == other


def test_the_check_may_run_late_and_twice_and_a_rehearsal_writes_nothing(clinic):
    """PL-11"""
    accepted(clinic)
    lines = ["nya fel i väntelistor: 1", "åtgärdade: 0", "öppna: 1"]
    assert JOBS["waiting-list-check"](at=NOW, dry_run=True) == lines
    assert ListFault.objects.count() == 0
    assert JOBS["waiting-list-check"](at=NOW + 3 * DAY) == lines
    assert JOBS["waiting-list-check"](at=NOW + 3 * DAY) == ["nya fel i väntelistor: 0", "åtgärdade: 0", "öppna: 1"]
    assert ListFault.objects.get().found_on == TODAY + 3 * DAY


def test_the_database_keeps_one_open_fault_of_a_kind(clinic):
    """PL-11"""
    accepted(clinic)
    writes.check(at=NOW)
    fault = ListFault.objects.get()
    with pytest.raises(IntegrityError, match="one_open_fault_per_referral_and_kind"), transaction.atomic():
        ListFault.objects.create(
            care_unit=fault.care_unit,
            patient=fault.patient,
            kind=fault.kind,
            referral=fault.referral,
            found_on=TODAY,
        )


def test_a_fault_that_comes_back_is_a_new_one(clinic):
    """PL-11"""
    row = request(clinic, first=TODAY - 9 * DAY, last=TODAY - DAY)
    writes.check(at=NOW)
    work_items.change_request(request_id=row.pk, wished_to=TODAY, by=clinic.nurse, at=NOW)
    writes.check(at=NOW)
    assert writes.check(at=NOW + DAY) == writes.Checked(found=1, mended=0, open=1)
    assert list(ListFault.objects.order_by("id").values_list("found_on", flat=True)) == [TODAY, TODAY + DAY]
    assert CareCommitment.objects.get() == row.commitment


def test_the_number_of_questions_does_not_grow_with_the_list(clinic, django_assert_num_queries):
    """PL-11: two questions and at most two writes a kind."""
    for _ in range(3):
        accepted(clinic)
    with django_assert_num_queries(28):
        writes.check(at=NOW)
