"""`python -m tests.crash.world`: a health centre with patients and an API token, in the database of the environment.
Prints, as JSON, what a client needs to know to book there."""

import json
import sys
from datetime import timedelta

import django

PATIENTS = 40


def make():
    from sdv.accounts import tokens
    from sdv.accounts.permissions import Role
    from sdv.common.time import now
    from sdv.desk.demo.identities import personnummer
    from tests.clinic import Clinic

    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    user = clinic.staff(Role.INTEGRATION, username="tidbokning")
    patients = [clinic.patient(identity=number, at=now()) for number in personnummer()[:PATIENTS]]
    return {
        "token": tokens.create(user=user, label="prov", expires_at=now() + timedelta(days=1)),
        "care_unit": str(clinic.unit.pk),
        "visit_type": clinic.nurse_visit.code,
        "contact_reason": clinic.reason.code,
        "resource": str(clinic.nurse_resource.pk),
        "patients": [str(patient.pk) for patient in patients],
    }


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(make()))
