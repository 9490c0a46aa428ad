"""Bookings and a merge at once: each booking lands on the present record, nobody waits for ever (RI-02)."""

from functools import partial

import pytest

from registration.models import Encounter, Patient, PatientIdentity
from scheduling.models import Appointment
from sdv.flows import merging
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.races.together import numbers, together

pytestmark = pytest.mark.django_db(transaction=True)


def test_bookings_made_during_a_merge_land_on_the_present_record():
    """RI-02"""
    people = numbers(6)
    for round_ in range(3):
        clinic = Clinic(name=f"Vårdcentralen {round_}", kind="vardcentral", area="Pv")
        old, present = (clinic.patient(identity=people[2 * round_ + which]) for which in (0, 1))
        PatientIdentity.objects.filter(patient=old).update(kind="reservid", value=f"SE12345678{round_}")
        clinic.book(old)
        bookings = [partial(clinic.book, old, NOW + (3 + n) * DAY + n * HALF_HOUR) for n in range(4)]
        merge = partial(
            merging.merge, source_id=old.pk, target_id=present.pk, reason="Samma person", by=clinic.nurse, at=NOW
        )
        answers = together(bookings[0], bookings[1], merge, bookings[2], bookings[3])
        assert not [answer for answer in answers if isinstance(answer, Exception)], answers
        assert Patient.objects.get(pk=old.pk).merged_into_id == present.pk
        assert not Encounter.objects.filter(patient=old).exists()
        assert not Appointment.objects.filter(patient=old).exists()
        assert present.appointments.count() == 5
