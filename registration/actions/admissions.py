"""Inskrivning to inpatient care: planned with an expected date, directly, or where an emergency visit, an observation or
a stay at another unit goes on (VH-03 f, g, VH-07). Each lands at a ward and a place where they are chosen."""

from contextlib import contextmanager

from django.db import transaction

from registration import lifecycle, stay_rules, type_choice
from registration.actions import alongside, consults, encounters, holdings, participants, places
from registration.encounter_types import TYPES
from registration.lifecycle import Status
from registration.models import Encounter, Patient
from registration.stay_rules import DischargedTo
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, minute
from sdv.organisation.models import Ward


@transaction.atomic
def plan_admission(*, patient_id, care_unit, expected_start, by, at, admitted_from="", expected_discharge_on=None):
    """Förhandsregistrerad inskrivning for planned inpatient care (VH-03 f): arrival makes it Slutenvård (VH-07)."""
    patient = Patient.objects.lock_present(patient_id)
    encounters.refuse_deceased(patient)
    type_choice.choose(unit_kind=care_unit.kind, situation=type_choice.PLANNED_ADMISSION)
    expected_start = minute(expected_start)
    first_day = local_date(expected_start)
    if refused := stay_rules.expected_refusal(expected_start, at=minute(at)) or stay_rules.expected_discharge_refusal(
        expected_discharge_on, first_day=first_day
    ):
        raise refused
    return encounters.create(
        patient=patient,
        care_unit=care_unit,
        type_id=lifecycle.ADMISSION_BOOKED,
        status=Status.PLANNED,
        planned_start=expected_start,
        start=expected_start,
        admitted_from=admitted_from,
        is_planned=True,
        expected_discharge_on=expected_discharge_on,
        by=by,
        at=minute(at),
    )


def admit(
    *,
    encounter_id,
    by,
    at,
    identity_shown="Legitimation",
    ward_id=None,
    place_id=None,
    admitted_from="",
    version=None,
    accept_warnings=(),
    reason="",
):
    """Inskrivning of a planned admission: the pre-registration becomes Slutenvård (VH-07)."""
    with _one_transaction(place_id):
        patient_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
        patient = Patient.objects.lock_present(patient_id)
        encounter = encounters.lock(encounter_id, version=version)
        if encounter.type_id != lifecycle.ADMISSION_BOOKED:
            refused = RuleError(
                "VH-07",
                "Bara en förhandsregistrerad inskrivning skrivs in. Registrera ankomst på bokningen i stället.",
                code="not_planned" if encounter.type_id != lifecycle.INPATIENT else "wrong_status",
            )
            raise encounters.told_who(refused, encounter)
        alongside.refuse_two_at_once(
            patient,
            encounter.care_unit,
            lifecycle.INPATIENT,
            start=minute(at),
            accept_warnings=accept_warnings,
            reason=reason,
        )
        encounters.arrive(encounter, by=by, at=at, identity_shown=identity_shown, reason=reason)
        if admitted_from:
            encounter.admitted_from = admitted_from
            encounter.save(update_fields=["admitted_from"])
        return land(encounter, ward_id, place_id, by=by, at=minute(at))


def begin(*, by, at, ward_id=None, place_id=None, responsible=None, **contact):
    """A contact that begins without a booking, with its ward, place and main responsible from the first minute: a direct
    admission (VH-03 g), an observation, a visit to a chair. `contact` as `encounters.register_unbooked` takes it."""
    with _one_transaction(place_id):
        encounter = encounters.register_unbooked(by=by, at=at, **contact)
        if responsible is not None:
            participants.begin_with(encounter, responsible)
        return land(encounter, ward_id, place_id, by=by, at=minute(at))


# What a care goes on as, by the situation of typval.csv.
GOES_ON = (type_choice.DIRECT_ADMISSION, type_choice.OBSERVATION_PLACE)


def continue_at(
    *,
    encounter_id,
    care_unit,
    by,
    at,
    situation=type_choice.DIRECT_ADMISSION,
    patient_id=None,
    admitted_from="",
    expected_discharge_on=None,
    ward_id=None,
    place_id=None,
    version=None,
    accept_warnings=(),
    reason="",
):
    """The care goes on in a new vårdhändelse, linked to the one that ends in the same minute (VH-01, VH-03): from the
    emergency department or an observation to a ward or an observation place, and [reading] from a ward to another
    vårdenhet, which is a vårdtillfälle of its own there. `patient_id`: who the caller means, where the caller says it;
    another than the care's own is refused."""
    if situation not in GOES_ON:
        raise InputError(situation="Vården fortsätter som slutenvård eller observation.")
    with _one_transaction(place_id):
        of_the_care = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
        patient = Patient.objects.lock_present(of_the_care)
        if patient_id and Patient.objects.present_key(patient_id) != patient.pk:
            raise InputError(
                patient="Vården som ska fortsätta är en annan patients. Ange dess patient, eller rätt vårdhändelse."
            )
        before = encounters.lock(encounter_id, version=version)
        if refused := continuing_refusal(before, care_unit, situation):
            raise encounters.told_who(refused, before)
        was_inpatient = before.type_id == lifecycle.INPATIENT
        encounters.discharge(
            encounter_id=before.pk,
            by=by,
            at=at,
            discharged_to=DischargedTo.HOSPITAL if was_inpatient else "",
            reason=f"Fortsätter på {care_unit.short_name}",
        )
        after = encounters.register_unbooked(
            patient_id=patient.pk,
            care_unit=care_unit,
            situation=situation,
            requires_place=True,
            continues=before,
            admitted_from="hospital" if was_inpatient else admitted_from or before.admitted_from,
            expected_discharge_on=expected_discharge_on,
            identity_shown=before.identity_shown,
            accept_warnings=accept_warnings,
            reason=reason,
            by=by,
            at=at,
        )
        consults.follow(before, after)
        return land(after, ward_id, place_id, by=by, at=minute(at))


def continuing_refusal(before, care_unit, situation):
    """Why the care cannot go on there in a new vårdhändelse, or None."""
    if refused := lifecycle.going_on_refusal(TYPES[before.type_id], before.status):
        return refused
    if before.type_id == lifecycle.NEWBORN and situation != type_choice.DIRECT_ADMISSION:
        return RuleError("VH-13", "Ett nyfött barn som är sjukt skrivs in på en avdelning.")
    if before.type_id == lifecycle.INPATIENT and (
        care_unit.pk == before.care_unit_id or situation != type_choice.DIRECT_ADMISSION
    ):
        return RuleError(
            "VH-01", "Inom vårdenheten är det samma vårdtillfälle. Flytta patienten till avdelning eller plats."
        )
    if before.type_id == lifecycle.OBSERVATION and situation == type_choice.OBSERVATION_PLACE:
        return RuleError("VH-01", "Patienten är redan under observation. Tilldela en annan plats i stället.")
    return None


@contextmanager
def _one_transaction(place_id):
    with places.taken_refused(place_id), transaction.atomic():
        yield


def land(encounter, ward_id=None, place_id=None, *, by, at):
    """The ward and place of a stay that begins; an inner write. A unit with one ward has no choice to make."""
    if place_id is not None:
        places.assign_to(encounter, place_id, by=by, at=at)
        return encounter
    if encounter.type_id not in lifecycle.AT_A_WARD:
        return encounter
    wards = list(Ward.objects.filter(care_unit_id=encounter.care_unit_id)[:2])
    ward = Ward.objects.filter(pk=ward_id).first() if ward_id else (wards[0] if len(wards) == 1 else None)
    if ward_id and ward is None:
        raise InputError(ward="Avdelningen finns inte.")
    if refused := stay_rules.ward_refusal(ward, encounter.care_unit_id):
        raise refused
    if ward is not None:
        holdings.at_ward(encounter, ward, at=at)
    return encounter
