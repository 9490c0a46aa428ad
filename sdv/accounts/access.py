"""The access log's one door: every read of a patient passes here, one statement however many patients a list shows."""

from sdv.common.requests import REQUEST_ID

from .models import AccessAction, AccessLogEntry


def log_access(*, actor, patients, what, at, action=AccessAction.READ, resource_id=None, care_unit_id=None, reason=""):
    """Writes that the actor has seen the patients (ids). `what` says what was shown: "dagens besök", "patientsida"."""
    patient_ids = list(dict.fromkeys(patients))
    if not patient_ids:
        return
    assignment = actor.assignment_for(care_unit_id)
    purpose = reason or (assignment.purpose if assignment else "Administration")
    entries = [
        AccessLogEntry(
            at=at,
            user=actor.user,
            assignment=assignment,
            care_unit_id=assignment.care_unit_id if assignment else None,
            patient_id=patient_id,
            action=action,
            what=what,
            resource_id=resource_id,
            purpose=purpose[:60],
            request_id=REQUEST_ID.get(),
        )
        for patient_id in patient_ids
    ]
    if len(entries) == 1:
        # One row needs no transaction around it: the commonest read costs one round trip.
        entries[0].save(force_insert=True)
    else:
        AccessLogEntry.objects.bulk_create(entries)
