"""Everybody does everything at once, for a few seconds, on few patients and few times: nobody is locked out, every
refusal is a rule's, and the agreements between tables hold at the end (BO-01, UT-07, PL-27)."""

import random
import threading
import time
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from registration.actions import clock, encounters, referrals
from registration.models import CareCommitment, Encounter, Referral
from scheduling.actions import appointments, check_out, commitments, resource_bookings, work_items
from scheduling.models import Appointment, AwaitedResult, BookingRequest, MissingFollowUp, NoShowItem
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.flows import cancellation, deceased, invariants
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic
from tests.races.together import numbers, together

PEOPLE = 8
SECONDS = 6
PATIENTS = 6


class Morning:
    """The clinic and what can be done in it, each act on something at random."""

    def __init__(self, clinic):
        self.clinic = clinic
        self.patients = [clinic.patient(identity=number) for number in numbers(PATIENTS)]
        for patient in self.patients:
            clinic.commitment(patient)
        self.done = Counter()
        self.counting = threading.Lock()

    def acts(self):
        return [name.removeprefix("do_") for name in dir(self) if name.startswith("do_")]

    def work(self, seed):
        """One person's morning. Returns what was not a rule's refusal."""
        chance = random.Random(seed)
        by = chance.choice([self.clinic.nurse, self.clinic.doctor])
        until = time.monotonic() + SECONDS
        faults = []
        while time.monotonic() < until:
            act = chance.choice(self.acts())
            try:
                done = getattr(self, f"do_{act}")(chance, by)
            except (RuleError, InputError, StaleVersion):
                done = None
            except Exception as error:
                faults.append((act, error))
                continue
            if done:
                with self.counting:
                    self.done[act] += 1
        return faults

    def do_book(self, chance, by):
        start = NOW + chance.randrange(6) * HALF_HOUR
        resources = [self.clinic.nurse_resource.pk, self.clinic.doctor_resource.pk]
        chance.shuffle(resources)
        return self.clinic.book(
            chance.choice(self.patients),
            start,
            resource_ids=resources[: chance.choice([1, 1, 2])],
            accept_warnings=["PL-06"],
            reason="Samma dag",
            by=by,
        )

    def do_hold(self, chance, by):
        start = NOW + chance.randrange(6) * HALF_HOUR
        fields = {"start": start, "end": start + HALF_HOUR, "by": by, "at": NOW - timedelta(minutes=2)}
        return resource_bookings.hold(resource_id=self.clinic.nurse_resource.pk, **fields)

    def do_reschedule(self, chance, by):
        start = NOW + chance.randrange(6) * HALF_HOUR
        visit = some(chance, Appointment.objects.filter(status="booked"))
        return visit and appointments.reschedule(
            appointment_id=visit.pk,
            start=start,
            end=start + HALF_HOUR,
            resource_ids=[chance.choice([self.clinic.nurse_resource.pk, self.clinic.doctor_resource.pk])],
            accept_warnings=["PL-06"],
            reason="Önskemål",
            by=by,
            at=NOW,
        )

    def do_arrive(self, chance, by):
        visit = some(chance, Appointment.objects.all())
        return visit and appointments.arrive(appointment_id=visit.pk, by=by, at=NOW)

    def do_miss(self, chance, by):
        visit = some(chance, Appointment.objects.all())
        return visit and appointments.no_show(appointment_id=visit.pk, by=by, at=NOW + 4 * HALF_HOUR)

    def do_undo(self, chance, by):
        visit = some(chance, Appointment.objects.all())
        return visit and appointments.undo(appointment_id=visit.pk, by=by, at=NOW)

    def do_cancel(self, chance, by):
        visit = some(chance, Appointment.objects.all())
        by_whom = chance.choice(["patient", "provider"])
        return visit and cancellation.cancel(
            appointment_id=visit.pk, cancelled_by=by_whom, reason="Förhinder", by=by, at=NOW
        )

    def do_annul(self, chance, by):
        row = some(chance, Encounter.objects.all())
        return row and cancellation.annul(encounter_id=row.pk, reason="Fel patient", by=by, at=NOW)

    def do_check_out(self, chance, by):
        row = some(chance, Encounter.objects.filter(status="in_progress"))
        outcome = chance.choice(["end_commitment", "await_result", "no_further_planning"])
        reason = None if outcome == "no_further_planning" else self.clinic.outcome_reason(outcome)
        return row and check_out.check_out(
            encounter_id=row.pk,
            outcome=outcome,
            reason=reason,
            accept_warnings=["UT-05"],
            by=by,
            at=row.start,
            registered_at=NOW,
        )

    def do_undo_check_out(self, chance, by):
        row = some(chance, Encounter.objects.filter(status="checked_out"))
        return row and check_out.undo(encounter_id=row.pk, by=by, at=NOW)

    def do_reopen(self, chance, by):
        row = some(chance, Encounter.objects.filter(status="ended"))
        return row and encounters.reopen(encounter_id=row.pk, by=by, at=NOW, reason="Rättning")

    def do_close_commitment(self, chance, by):
        row = some(chance, CareCommitment.objects.all())
        return row and commitments.close_by_id(commitment_id=row.pk, reason="Färdig", by=by, at=NOW)

    def do_reopen_commitment(self, chance, by):
        row = some(chance, CareCommitment.objects.filter(status="closed"))
        return row and commitments.reopen(commitment_id=row.pk, reason="Prov", by=by, at=NOW)

    def do_refer(self, chance, by):
        referral = referrals.register(
            patient_id=chance.choice(self.patients).pk,
            care_unit=self.clinic.unit,
            kind="R",
            arrival_date=TODAY,
            referrer="Vårdcentralen Öster",
            by=by,
            at=NOW,
        )
        problem = chance.choice([self.clinic.problem, self.clinic.other_problem])
        return referrals.accept(referral_id=referral.pk, problem_code=problem, by=by, at=NOW)

    def do_request(self, chance, by):
        commitment = some(chance, CareCommitment.objects.open())
        return commitment and work_items.request_booking(
            patient_id=commitment.patient_id,
            care_unit=self.clinic.unit,
            commitment_id=commitment.pk,
            visit_type=self.clinic.nurse_visit,
            contact_reason=self.clinic.reason,
            wished_from=TODAY,
            wished_to=TODAY + 14 * DAY,
            by=by,
            at=NOW,
        )

    def do_book_request(self, chance, by):
        request = some(chance, BookingRequest.objects.waiting())
        if request:
            patient = next(patient for patient in self.patients if patient.pk == request.patient_id)
            start = NOW + chance.randrange(6) * HALF_HOUR
            fields = {"booking_request_id": request.pk, "accept_warnings": ["PL-06"], "reason": "Samma dag", "by": by}
            return self.clinic.book(patient, start, **fields)
        return None

    def do_decide(self, chance, by):
        model = chance.choice([AwaitedResult, MissingFollowUp, NoShowItem])
        item = some(chance, model.objects.open())
        decision = chance.choice([work_items.NOTHING_MORE, work_items.END_COMMITMENT])
        return item and work_items.decide(
            model=model, item_id=item.pk, decision=decision, reason="Färdig", by=by, at=NOW
        )

    def do_die(self, chance, by):
        patient = chance.choice(self.patients)
        if chance.random() < 0.7:
            return None
        return deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Dödsbevis", by=by, at=NOW)

    def do_live(self, chance, by):
        return deceased.undo(patient_id=chance.choice(self.patients).pk, reason="Fel person", by=by, at=NOW)

    def do_clock(self, chance, by):
        ended, _ = clock.auto_discharge(at=NOW + DAY)
        return ended + clock.reveal(at=NOW)


def some(chance, rows):
    """A row at random, or None."""
    found = list(rows.order_by("pk"))
    return chance.choice(found) if found else None


@pytest.mark.django_db(transaction=True)
def test_when_everybody_does_everything_at_once_nobody_is_locked_out_and_all_agrees():
    """BO-01, UT-07, PL-27: no deadlock, no wait over a few seconds, no error but a rule's."""
    morning = Morning(Clinic())
    work = [partial(morning.work, seed) for seed in range(PEOPLE)]
    faults = together(*work, longest_wait=timedelta(seconds=5))
    assert [fault for each in faults for fault in (each if isinstance(each, list) else [each])] == []
    # A day later, when whatever the clock owes has been done, everything agrees.
    clock.auto_discharge(at=NOW + DAY)
    broken = {invariant.name: list(invariant.rows(NOW + DAY)) for invariant in invariants.INVARIANTS}
    assert {name: rows for name, rows in broken.items() if rows} == {}
    # Most acts did something: a test in which everything is refused tells nothing.
    assert len(morning.done) > len(morning.acts()) * 2 / 3, morning.done
    assert Referral.objects.exists()
