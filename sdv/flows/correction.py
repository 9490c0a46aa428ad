"""Corrections that touch more than one app: an ended vårdhändelse opened again with its coding (VH-21), an arrival or a
no-show taken back also of the dead (PL-13, AV-02)."""

from django.db import transaction

from classification.actions import coding
from registration.actions import encounters
from registration.models import Encounter, Patient
from scheduling.actions import appointments

from . import deceased


@transaction.atomic
def reopen(*, encounter_id, reason, by, at, version=None):
    """Opens an ended vårdhändelse for correction. Its codes stay but are no longer klar, so that it comes back to the
    coding list when it ends again. Doors call this, not registration's part of it."""
    encounters.reopen(encounter_id=encounter_id, by=by, at=at, reason=reason, version=version)
    coding.reopen(encounter_id=encounter_id, by=by, at=at)
    return encounters.lock(encounter_id)


@transaction.atomic
def undo_appointment(*, appointment_id, by, at, reason="", version=None):
    """Takes back the last arrival or no-show (PL-13). A booking after the day of a death does not stand again: an
    Utebliven becomes the provider's cancellation in the same act (AV-02). Doors call this, not scheduling's part of it."""
    appointment = appointments.undo(appointment_id=appointment_id, by=by, at=at, reason=reason, version=version)
    deceased.again(appointment.patient, by=by, at=at)
    return appointment


@transaction.atomic
def undo_admission(*, encounter_id, by, at, reason="", version=None):
    """Takes back the inskrivning of who was planned (PL-13): expected again, and the place and ward are left. Of one who
    died meanwhile it ends in the same act (AV-02)."""
    patient_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
    patient = Patient.objects.lock_present(patient_id)
    encounter = encounters.lock(encounter_id, version=version)
    encounters.undo_arrival(encounter, by=by, at=at, reason=reason)
    deceased.again(patient, by=by, at=at)
    return encounters.lock(encounter_id)
