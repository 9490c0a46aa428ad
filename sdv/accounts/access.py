"""The access log's one door: every read of a patient passes here, one statement however many patients a list shows."""

from django.db import connection

from sdv.common.requests import REQUEST_ID

from .models import AccessAction

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
