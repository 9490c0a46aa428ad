"""`python -m tests.crash.markings prepare|mark`: every patient of the world has so many relations and phones that a marking
takes a while; then each patient without one is marked. Nothing is printed."""

import sys

import django

HELD = 400


def prepare():
    from registration.models import Patient, PatientPhone, PatientRelation

    for patient in Patient.objects.order_by("id"):
        PatientPhone.objects.bulk_create(PatientPhone(patient=patient, number=f"+46701{n:06}") for n in range(HELD))
        PatientRelation.objects.bulk_create(
            PatientRelation(patient=patient, kind="contact", name="Någon") for _ in range(HELD)
        )


def mark():
    from registration.models import Patient
    from sdv.accounts.models import User
    from sdv.common.time import now
    from sdv.flows import protection

    by = User.objects.first()
    for patient in Patient.objects.filter(protection="").order_by("id"):
        protection.set_by_hand(patient_id=patient.pk, ground="threat", by=by, at=now())


if __name__ == "__main__":
    django.setup()
    {"prepare": prepare, "mark": mark}[sys.argv[1]]()
