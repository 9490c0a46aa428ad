"""Foster and Nyfödd: prepared before the delivery, born, given a personnummer (VH-03 h, k, VH-13)."""

from django.db import IntegrityError, transaction

from registration import identities, lifecycle, names, stay_rules, type_choice
from registration.actions import admissions, encounters, engagements, patients
from registration.encounter_types import TYPES
from registration.lifecycle import Move
from registration.models import Birth, Encounter, Patient, PatientHistory, PatientIdentity
from registration.population_register import SOURCE, new_reserve_identity
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, minute
from sdv.outbox import messages


@transaction.atomic
def prepare(*, mother_encounter_id, by, at, actor_hsa_id, how_many=1, identity=""):
    """Foster before the delivery: a record for each expected child, on a temporary identity, linked to the mother
    (VH-13). `identity`: a reserve number already taken in the service's own page, for one child. Returns the births."""
    mother, during = _mother(mother_encounter_id, type_choice.BEFORE_DELIVERY)
    if refused := stay_rules.number_of_children_refusal(how_many, has_identity=bool(identity.strip())):
        raise refused
    first = Birth.objects.filter(mother_encounter=during).count()
    found = []
    for number in range(first + 1, first + 1 + how_many):
        child = _child(mother, number, identity, sex="0", birth_date=None, actor_hsa_id=actor_hsa_id, by=by, at=at)
        foetus = encounters.register_unbooked(
            patient_id=child.pk, care_unit=during.care_unit, situation=type_choice.BEFORE_DELIVERY, by=by, at=at
        )
        found.append(_birth(foetus, mother, during, number, by))
    return found


@transaction.atomic
def born_without_foetus(
    *,
    mother_encounter_id,
    born_at,
    sex,
    by,
    at,
    actor_hsa_id,
    identity="",
    place_id=None,
    ward_id=None,
    accept_warnings=(),
):
    """Nyfödd where no Foster was prepared (VH-03 k)."""
    mother, during = _mother(mother_encounter_id, type_choice.BORN)
    born_at = _time_of_birth(born_at, at, during, accept_warnings)
    number = Birth.objects.filter(mother_encounter=during).count() + 1
    child = _child(
        mother, number, identity, sex=sex, birth_date=local_date(born_at), actor_hsa_id=actor_hsa_id, by=by, at=at
    )
    encounter = encounters.register_unbooked(
        patient_id=child.pk, care_unit=during.care_unit, situation=type_choice.BORN, by=by, at=born_at
    )
    birth = _birth(encounter, mother, during, number, by, born_at=born_at)
    _name(child, birth, born_at=born_at, sex=sex, by=by, at=at)
    admissions.land(encounter, ward_id, place_id, by=by, at=born_at)
    messages.child_born(encounter)
    return birth


@transaction.atomic
def born(*, encounter_id, born_at, sex, by, at, place_id=None, ward_id=None, version=None, accept_warnings=()):
    """The Foster becomes Nyfödd with its time of birth (VH-13); the birth notification is told. A healthy newborn is not
    inskriven: it has the record for the notification and the bed."""
    child_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
    child = Patient.objects.lock_present(child_id)
    encounter = encounters.lock(encounter_id, version=version)
    row = TYPES[encounter.type_id]
    if refused := lifecycle.refusal(row, encounter.status, Move.CHANGE_TYPE):
        raise encounters.told_who(refused, encounter)
    if refused := lifecycle.type_change_refusal(row, TYPES[lifecycle.NEWBORN]):
        raise refused
    birth = Birth.objects.locked().filter(encounter=encounter).first()
    if birth is None:
        raise RuleError("VH-13", "Fostret har ingen moder angiven. Förbered det från moderns vårdhändelse.")
    born_at = _time_of_birth(born_at, at, birth.mother_encounter, accept_warnings)
    birth.born_at, birth.version = born_at, birth.version + 1
    birth.save(update_fields=["born_at", "version"])
    encounters.move(
        encounter,
        Move.CHANGE_TYPE,
        by=by,
        at=minute(at),
        reason="Född",
        new_type=lifecycle.NEWBORN,
        start=born_at,
        payer=child.payer,
        listing_unit=child.listing_unit,
    )
    _name(child, birth, born_at=born_at, sex=sex, by=by, at=at)
    admissions.land(encounter, ward_id, place_id, by=by, at=born_at)
    messages.child_born(encounter)
    return birth


@transaction.atomic
def give_personnummer(*, encounter_id, identity, by, at):
    """The newborn's personnummer takes the place of the temporary identity, which stays linked and finds the child
    (PA-03, VH-13)."""
    child_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
    child = Patient.objects.lock_present(child_id)
    try:
        parsed = identities.parse(identity, today=local_date(at))
    except identities.IdentityError as error:
        raise InputError(identity=str(error)) from None
    birth = Birth.objects.filter(encounter_id=encounter_id).first()
    if refused := stay_rules.personnummer_refusal(
        parsed, birth_date=child.birth_date, is_born=bool(birth and birth.born_at)
    ):
        raise refused
    if child.identities.filter(kind=identities.PERSONNUMMER).exists():
        raise RuleError("PA-03", "Barnet har redan ett personnummer.", code="already_known")
    child.identities.filter(is_primary=True).update(is_primary=False)
    try:
        with transaction.atomic():
            PatientIdentity.objects.create(
                patient=child, kind=parsed.kind, value=parsed.value, is_primary=True, source="Registrerad för hand"
            )
    except IntegrityError:
        raise RuleError(
            "RI-02",
            "Det finns redan en patient med numret, kanske hämtad ur folkbokföringen. Slå samman posterna i stället.",
            code="already_known",
        ) from None
    child.version += 1
    child.save(update_fields=["version"])
    engagements.look_again(child.pk)
    PatientHistory.objects.create(
        patient=child, event="edited", detail="personnummer i stället för reservID", by=by, at=at
    )
    return child


def forget_the_mother_in_children(mother_ids, *, by, at):
    """Inner write of a marking: the mother is protected now, so a child that has no name of its own yet carries nothing of
    hers, as if it had been prepared afterwards (SK-02). Records merged into the child's too. Returns the keys of the
    children."""
    found, newest = [], Patient.objects.filter(encounters__birth__mother__in=mother_ids)
    while newest := list(newest.distinct().values_list("pk", flat=True)):
        found += newest
        newest = Patient.objects.filter(merged_into__in=newest)
    unnamed = Patient.objects.filter(pk__in=found, given_name__regex=stay_rules.UNNAMED_CHILD)
    children = list(Patient.objects.filter(pk__in=unnamed.values("pk")).order_by("pk").locked())
    for child in children:
        child.surname, child.payer, child.version = "", "", child.version + 1
        child.search_name = names.search_text(child.given_name, child.middle_name)
        child.sort_key = names.sort_key("", child.given_name)
        child.save(update_fields=["surname", "payer", "search_name", "sort_key", "version"])
        PatientHistory.objects.create(
            patient=child, event="edited", detail="efternamn och huvudman efter modern borttagna (SK-02)", by=by, at=at
        )
    return [child.pk for child in children]


def _mother(encounter_id, situation):
    mother_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
    mother = Patient.objects.lock_present(mother_id)
    during = Encounter.objects.select_related("care_unit").get(pk=encounter_id)
    type_choice.choose(unit_kind=during.care_unit.kind, situation=situation)
    if refused := stay_rules.mother_refusal(during.type_id, during.status):
        raise refused
    return mother, during


def _time_of_birth(born_at, at, mother_encounter, accept_warnings):
    born_at = minute(born_at)
    if born_at > minute(at):
        raise RuleError("VH-13", "Födelsetiden har inte kommit än. Ange en tid till och med nu.")
    admitted_at = mother_encounter.start if mother_encounter else None
    if "VH-13" not in accept_warnings and (warning := stay_rules.birth_time_warning(born_at, admitted_at=admitted_at)):
        raise warning
    return born_at


def _child(mother, number, identity, *, sex, birth_date, actor_hsa_id, by, at):
    """The child's record on a temporary identity; called after the mother, but never after a protected one (SK-02)."""
    surname, given_name = stay_rules.name_of_child(mother, number)
    value = identity.strip() or new_reserve_identity(
        birth_date=birth_date, sex=sex, given_name=given_name, surname=surname or given_name, actor_hsa_id=actor_hsa_id
    )
    return patients.register(
        identity=value,
        given_name=given_name,
        surname=surname,
        birth_date=birth_date,
        sex=sex,
        payer="" if mother.is_protected else mother.payer,
        source="Registrerad för hand" if identity.strip() else SOURCE,
        by=by,
        at=at,
    )


def _birth(encounter, mother, during, number, by, born_at=None):
    return Birth.objects.create(
        encounter=encounter, mother=mother, mother_encounter=during, number=number, born_at=born_at, registered_by=by
    )


def _name(child, birth, *, born_at, sex, by, at):
    """What the birth tells of the child."""
    child.birth_date, child.sex = local_date(born_at), sex
    child.search_name = names.search_text(child.given_name, child.middle_name, child.surname)
    child.version += 1
    child.save(update_fields=["birth_date", "sex", "search_name", "version"])
    PatientHistory.objects.create(patient=child, event="edited", detail="född: födelsedatum och kön", by=by, at=at)
