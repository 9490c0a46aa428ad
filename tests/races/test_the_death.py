"""The death arrives while people plan for the patient: whatever was first, nothing planned is left (AV-01, AV-02)."""

from functools import partial

import pytest

from registration.actions import orders
from registration.models import Order, Patient
from scheduling.actions import work_items
from scheduling.models import Appointment, BookingRequest, ResourceBooking
from sdv.common.errors import RuleError
from sdv.flows import deceased, invariants
from sdv.flows.models import DeceasedCascade
from tests.clinic import DAY, NOW, TODAY, Clinic
from tests.races.together import numbers, together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 5


def test_what_is_planned_while_the_register_tells_of_the_death_does_not_survive_it():
    """AV-02: before the mark it ends with the cascade, after the mark it is refused; two workers run it once."""
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    by = {"by": clinic.nurse, "at": NOW}
    for number in numbers(ROUNDS):
        patient = clinic.patient(identity=number)
        here = {"patient_id": patient.pk, "care_unit": clinic.unit, **by}
        wish = {
            "visit_type": clinic.nurse_visit,
            "contact_reason": clinic.reason,
            "wished_from": TODAY,
            "wished_to": TODAY,
        }
        *planned, told = together(
            partial(clinic.book, patient),
            partial(work_items.request_booking, **here, **wish),
            partial(orders.place, **here, what="Blodstatus", planned_on=TODAY + DAY),
            partial(deceased.told_by_register, patient_id=patient.pk, died_on=TODAY.isoformat(), at=NOW),
        )
        assert isinstance(told, DeceasedCascade), told
        refused = [each for each in planned if isinstance(each, Exception)]
        assert all(isinstance(each, RuleError) and each.rule == "AV-02" for each in refused), refused
        ran = together(*[partial(deceased.run_pending, at=NOW)] * 2)
        assert sorted(ran) == [0, 1], ran
        assert told.changes.count() == len(planned) - len(refused)
        assert ResourceBooking.objects.count() == Appointment.objects.living().count() == 0
        assert BookingRequest.objects.waiting().count() == Order.objects.planned().count() == 0
        assert {each.name for each in invariants.INVARIANTS if each.rows(NOW).exists()} == set()


def test_a_death_by_hand_and_one_told_at_once_are_one():
    """AV-01, PL-27"""
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    for number in numbers(ROUNDS):
        patient = clinic.patient(identity=number)
        clinic.book(patient)
        by_hand = {"deceased_on": TODAY, "reason": "Dödsbevis", "by": clinic.doctor, "at": NOW}
        answers = together(
            partial(deceased.register, patient_id=patient.pk, **by_hand),
            partial(deceased.told_by_register, patient_id=patient.pk, died_on=TODAY.isoformat(), at=NOW),
        )
        assert all(isinstance(each, DeceasedCascade | RuleError) for each in answers), answers
        deceased.run_pending(at=NOW)
        cascade = DeceasedCascade.objects.get(patient=patient)
        assert (cascade.register_told, cascade.changes.count()) == (TODAY.isoformat(), 1)
        assert Patient.objects.get(pk=patient.pk).deceased_on == TODAY
