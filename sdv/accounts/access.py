"""The access log's one door: every read of a patient passes here, one statement however many patients a list shows."""

from django.db import connection

from sdv.common.requests import REQUEST_ID
from sdv.common.time import local_date, start_of_day
from sdv.common.uuid7 import lowest_at

from .models import AccessAction, User

# Written as SQL because a list of hundreds is logged at each drawing: its cost is the database's alone.
_INSERT = """
INSERT INTO accounts_accesslogentry
    (id, at, user_id, assignment_id, care_unit_id, patient_id, action, what, resource_id, purpose, request_id)
SELECT uuidv7(), %s, %s, %s, %s, patient_id, %s, %s, %s, %s, %s
FROM unnest(%s::uuid[]) AS patient_id
"""


def log_access(*, actor, patients, what, at, action=AccessAction.READ, resource_id=None, care_unit_id=None, reason=""):
    """Writes that the actor has seen the patients (ids). `what` says what was shown: "dagens besök", "patientsida"."""
    patient_ids = list(dict.fromkeys(patients))
    if not patient_ids:
        return
    assignment = actor.assignment_for(care_unit_id)
    purpose = reason or (assignment.purpose if assignment else "Administration")
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                at,
                actor.user.pk,
                assignment.pk if assignment else None,
                assignment.care_unit_id if assignment else None,
                action,
                what,
                resource_id,
                purpose[:60],
                REQUEST_ID.get(),
                patient_ids,
            ],
        )


# A job that shows patients where nobody is signed in: on files and paper. Once for a patient, unit and day, however many
# times the job runs: found by the patient's own rows of the day.
_INSERT_OF_JOB = """
INSERT INTO accounts_accesslogentry
    (id, at, user_id, care_unit_id, patient_id, action, what, purpose, request_id)
SELECT uuidv7(), %(at)s, %(user)s, shown.unit, shown.patient, %(action)s, %(what)s, %(purpose)s, ''
FROM unnest(%(units)s::uuid[], %(patients)s::uuid[]) AS shown(unit, patient)
WHERE NOT EXISTS (
    SELECT FROM accounts_accesslogentry AS before
    WHERE before.patient_id = shown.patient AND before.id >= %(day_key)s AND before.at >= %(day)s
        AND before.user_id = %(user)s AND before.care_unit_id = shown.unit AND before.what = %(what)s)
"""


def log_job(*, job, name, shown, what, purpose, at):
    """Writes that a job has shown patients: `shown` is (unit's id, patient's id) pairs. The job stands in the log as a
    user that nobody can log in as. Returns how many lines were written."""
    pairs = sorted(set(shown))
    if not pairs:
        return 0
    user = User.objects.filter(username=f"jobb-{job}").first()
    if user is None:
        user = User.objects.create_user(f"jobb-{job}", None, name=name, is_active=False)
    day = start_of_day(local_date(at))
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_OF_JOB,
            {
                "at": at,
                "user": user.pk,
                "action": AccessAction.PRINT,
                "what": what,
                "purpose": purpose,
                "units": [unit for unit, _ in pairs],
                "patients": [patient for _, patient in pairs],
                "day": day,
                "day_key": lowest_at(day),
            },
        )
        return cursor.rowcount
