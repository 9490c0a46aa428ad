"""Historisk: what a machine migration brings from an earlier system (VH-03 i, VH-14). Born ended; nobody changes it, and
it is neither coded, told nor counted (VH-20)."""

from django.db import transaction

from registration import lifecycle
from registration.actions import encounters
from registration.lifecycle import Status
from registration.models import Encounter, Patient
from sdv.common.errors import RuleError
from sdv.common.time import minute


@transaction.atomic
def record(*, patient_id, care_unit, start, end, by, at):
    """One contact of an earlier system. The same contact again is the one there is, so that an import can be run twice.
    Who has died since has a history too."""
    patient = Patient.objects.lock_present(patient_id)
    start, end = minute(start), minute(end)
    if not start <= end <= minute(at):
        raise RuleError("VH-14", "En historisk vårdhändelse börjar före sitt slut och har redan slutat. Rätta raden.")
    told = {"patient": patient, "care_unit": care_unit, "type_id": lifecycle.HISTORICAL, "start": start, "end": end}
    known = Encounter.objects.filter(**told).first()
    if known is not None:
        return known
    return encounters.create(status=Status.ENDED, by=by, at=minute(at), **told)
