"""What every change of a patient's data by hand begins and ends with."""

from registration import patient_rules
from registration.models import Patient, PatientHistory
from sdv.common.versions import refuse_stale


def lock_for_edit(patient_id, *, version=None):
    """The patient, locked, where its data may be written by hand: not of a protected person (SK-02)."""
    patient = Patient.objects.lock_present(patient_id)
    refuse_stale(patient, version)
    if refused := patient_rules.protection_refusal(patient.is_protected):
        raise refused
    return patient


def note_edited(patient, what, *, by, at, fields=()):
    """A new version of the locked patient and a line of its history: what was changed, never to what."""
    patient.version += 1
    patient.save(update_fields=[*fields, "version"])
    PatientHistory.objects.create(patient=patient, event="edited", detail=what[:300], by=by, at=at)
