"""`python -m tests.crash.merges prepare|merge|undo`: records on reserve numbers with so many requests that a merge takes a
while, each merged with a patient of the world, and taken apart again. Nothing is printed."""

import sys
from datetime import timedelta

import django

PAIRS, REQUESTS = 8, 2000


def prepare():
    from registration.actions import patients
    from registration.models import ContactReason, VisitType
    from scheduling.models import BookingRequest, Resource
    from sdv.common.time import local_date, now
    from sdv.desk.demo.identities import personnummer
    from tests.flows.merges import on_reserve_number

    resource = Resource.objects.select_related("care_unit", "practitioner__user").first()
    today = local_date(now())
    wish = {
        "care_unit": resource.care_unit,
        "visit_type": VisitType.objects.get(code="pv-ssk-aterbesok"),
        "contact_reason": ContactReason.objects.get(code="bedomning-ospecificerad"),
        "wished_from": today,
        "wished_to": today + timedelta(days=30),
    }
    for index, number in enumerate(personnummer()[100 : 100 + PAIRS]):
        by = resource.practitioner.user
        old = patients.register(identity=number, given_name="Okänd", surname="Person", by=by, at=now())
        on_reserve_number(old, f"SE{index:010d}")
        BookingRequest.objects.bulk_create(BookingRequest(patient=old, **wish) for _ in range(REQUESTS))


def merge():
    from registration.models import Patient
    from sdv.accounts.models import User
    from sdv.common.time import now
    from sdv.flows import merging

    by = User.objects.first()
    old = Patient.objects.present().filter(surname="Person").order_by("id")
    present = Patient.objects.exclude(surname="Person").filter(merged_from=None).order_by("id")
    for source, target in zip(list(old), list(present), strict=False):
        merging.merge(source_id=source.pk, target_id=target.pk, reason="Samma person", by=by, at=now())


def undo():
    from sdv.accounts.models import User
    from sdv.common.time import now
    from sdv.flows import merging
    from sdv.flows.models import PatientMerge

    by = User.objects.first()
    for done in PatientMerge.objects.filter(undone_at=None):
        merging.undo(target_id=done.target_id, reason="Fel person", by=by, at=now())


if __name__ == "__main__":
    django.setup()
    {"prepare": prepare, "merge": merge, "undo": undo}[sys.argv[1]]()
