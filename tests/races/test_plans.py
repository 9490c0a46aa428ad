"""Plans that want the same resources in opposite orders (BO-02, PL-08): all or none, and nobody locks another out."""

from functools import partial

import pytest

from scheduling.actions import plans
from scheduling.models import Appointment, ResourceBooking
from sdv.flows import invariants
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.races.together import numbers, one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)

START = NOW + 2 * DAY


def test_of_plans_that_cross_one_is_booked_whole_and_the_others_not_at_all():
    """PL-08, PL-06"""
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    pairs = [(clinic.nurse_visit, clinic.nurse_resource), (clinic.doctor_visit, clinic.doctor_resource)]

    def visits(order):
        return [
            {
                "care_unit": clinic.unit,
                "visit_type": visit_type,
                "contact_reason_id": clinic.reason.pk,
                "start": START + number * HALF_HOUR,
                "end": START + (number + 1) * HALF_HOUR,
                "resource_ids": [resource.pk],
            }
            for number, (visit_type, resource) in order
        ]

    orders = [list(enumerate(pairs)), list(reversed(list(enumerate(pairs))))] * 3
    patients = [clinic.patient(identity=number) for number in numbers(len(orders))]
    acts = [
        partial(plans.book, kind="coordinated", patient_id=patient.pk, visits=visits(order), by=clinic.nurse, at=NOW)
        for patient, order in zip(patients, orders, strict=True)
    ]
    (plan, made), refused = one_winner(together(*acts, longest_wait=HALF_HOUR / 180))
    assert {getattr(each, "code", each) for each in refused} == {"misfits"}
    assert (Appointment.objects.count(), ResourceBooking.objects.count()) == (2, 2)
    assert set(plan.appointments.all()) == set(made)
    assert not [row.name for row in invariants.INVARIANTS if row.rows(NOW).exists()]


def test_of_clicks_on_one_plan_at_once_one_books_it_and_the_others_are_told_who_did():
    """PL-27"""
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    patient = clinic.patient(identity=next(iter(numbers(1))))
    visits = [
        {
            "care_unit": clinic.unit,
            "visit_type": clinic.nurse_visit,
            "contact_reason_id": clinic.reason.pk,
            "start": START + week * 7 * DAY,
            "end": START + week * 7 * DAY + HALF_HOUR,
            "resource_ids": [clinic.nurse_resource.pk],
        }
        for week in range(3)
    ]
    insisted = {"accept_warnings": ["PL-06"], "reason": "prov"}
    told = {"kind": "series", "patient_id": patient.pk, "visits": visits, "at": NOW} | insisted
    acts = [partial(plans.book, by=person, **told) for person in (clinic.nurse, clinic.nurse, clinic.doctor)]
    (plan, made), refused = one_winner(together(*acts, longest_wait=HALF_HOUR / 180))
    assert {(each.code, each.by) for each in refused} == {("already_done", plan.created_by.name)}
    assert set(Appointment.objects.all()) == set(made)
