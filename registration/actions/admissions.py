"""Inskrivning to inpatient care: planned with an expected date, and the arrival of who was planned (VH-03 f, VH-07)."""

from django.db import transaction

from registration import lifecycle, type_choice
from registration.actions import encounters
from registration.lifecycle import Status
from registration.models import Encounter, Patient
from sdv.common.errors import RuleError
from sdv.common.time import minute


@transaction.atomic
def plan_admission(*, patient_id, care_unit, expected_start, by, at):
    """Förhandsregistrerad inskrivning for planned inpatient care (VH-03 f): arrival makes it Slutenvård (VH-07)."""
    patient = Patient.objects.locked().get(pk=patient_id)
    encounters.refuse_deceased(patient)
    type_choice.choose(unit_kind=care_unit.kind, situation=type_choice.PLANNED_ADMISSION)
    expected_start = minute(expected_start)
    if expected_start < minute(at):
        raise RuleError(
            "VH-03", "Beräknad inskrivning har passerat. Ange en senare tid, eller skriv in patienten direkt."
        )
    return encounters.create(
        patient=patient,
        care_unit=care_unit,
        type_id=lifecycle.ADMISSION_BOOKED,
        status=Status.PLANNED,
        planned_start=expected_start,
        start=expected_start,
        by=by,
        at=minute(at),
    )


@transaction.atomic
def admit(*, encounter_id, by, at, identity_shown="Legitimation", version=None):
    """Inskrivning of a planned admission: the pre-registration becomes Slutenvård (VH-07)."""
    patient_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
    Patient.objects.locked().get(pk=patient_id)
    encounter = encounters.lock(encounter_id, version=version)
    if encounter.type_id != lifecycle.ADMISSION_BOOKED:
        raise RuleError(
            "VH-07", "Bara en förhandsregistrerad inskrivning skrivs in. Registrera ankomst på bokningen i stället."
        )
    return encounters.arrive(encounter, by=by, at=at, identity_shown=identity_shown)
