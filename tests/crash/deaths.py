"""`python -m tests.crash.deaths`: the register tells that every patient of the world has died. Each has a booking, and so
many requests that a cascade takes a while. Nothing is printed."""

from datetime import time, timedelta

import django

REQUESTS = 300


def make():
    from registration.models import ContactReason, Patient, VisitType
    from scheduling.actions import appointments
    from scheduling.models import BookingRequest, Resource
    from sdv.common.time import at_local, local_date, now
    from sdv.flows import deceased

    resource = Resource.objects.select_related("care_unit", "practitioner__user").first()
    unit, by, today = resource.care_unit, resource.practitioner.user, local_date(now())
    kind = VisitType.objects.filter(code="pv-ssk-aterbesok").get()
    reason = ContactReason.objects.get(code="bedomning-ospecificerad")
    first = at_local(today + timedelta(days=2), time(1, 0))
    for number, patient in enumerate(Patient.objects.order_by("id")):
        start = first + number * timedelta(minutes=30)
        appointments.book(
            patient_id=patient.pk,
            care_unit=unit,
            visit_type=kind,
            contact_reason_id=reason.pk,
            start=start,
            end=start + timedelta(minutes=30),
            resource_ids=[resource.pk],
            by=by,
            at=now(),
        )
        BookingRequest.objects.bulk_create(
            BookingRequest(
                patient=patient,
                care_unit=unit,
                visit_type=kind,
                contact_reason=reason,
                wished_from=today,
                wished_to=today + timedelta(days=30),
            )
            for _ in range(REQUESTS)
        )
        deceased.told_by_register(patient_id=patient.pk, died_on=today.isoformat(), at=now())


if __name__ == "__main__":
    django.setup()
    make()
