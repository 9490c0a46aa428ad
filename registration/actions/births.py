"""Foster and Nyfödd: prepared before the delivery, born, given a personnummer (VH-03 h, k, VH-13)."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from registration import identities, lifecycle, names, stay_rules, type_choice
from registration.actions import admissions, alongside, encounters, engagements, patients, places
from registration.encounter_types import TYPES
from registration.lifecycle import Move, Status
from registration.models import Birth, Encounter, Patient, PatientHistory, PatientIdentity, PlaceStay
from registration.population_register import SOURCE, new_reserve_identity
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local, local_date, minute
from sdv.outbox import messages

ONE_MINUTE = timedelta(minutes=1)
LONGEST_REASON = 300


@transaction.atomic
def prepare(*, mother_encounter_id, by, at, actor_hsa_id, number=1, how_many=1, identity=""):
    """Foster before the delivery: a record for each expected child, on a temporary identity, linked to the mother
    (VH-13). `number`: the first one's in the order of birth, so that two who prepare for the same child make one (PL-27).
    `identity`: a reserve number already taken in the service's own page, for one child. Returns the births."""
    mother, during = _mother(mother_encounter_id, type_choice.BEFORE_DELIVERY)
    if refused := stay_rules.number_of_children_refusal(how_many, has_identity=bool(identity.strip())):
        raise refused
    _refuse_numbers(during, number, how_many)
    found = []
    for each in range(number, number + how_many):
        child = _child(mother, each, identity, sex="0", birth_date=None, actor_hsa_id=actor_hsa_id, by=by, at=at)
        foetus = encounters.register_unbooked(
            patient_id=child.pk, care_unit=during.care_unit, situation=type_choice.BEFORE_DELIVERY, by=by, at=at
        )
        found.append(_birth(foetus, mother, during, each, by))
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
    number=1,
    identity="",
    place_id=None,
    ward_id=None,
    accept_warnings=(),
):
    """Nyfödd where no Foster was prepared (VH-03 k). `number` as of `prepare`."""
    mother, during = _mother(mother_encounter_id, type_choice.BORN)
    born_at = _time_of_birth(born_at, at, during, accept_warnings)
    _refuse_numbers(during, number, 1)
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
    alongside.refuse_two_at_once(child, encounter.care_unit, lifecycle.NEWBORN)
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
def correct_time(*, encounter_id, born_at, by, at, reason="", version=None, accept_warnings=()):
    """A time of birth that was registered wrong is put right, also after the end (VH-13, VH-21): the vårdhändelse begins
    then, and so do the ward and the place that the child had from its birth; the day of birth follows. Told again."""
    child_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
    child = Patient.objects.lock_present(child_id)
    encounter = encounters.lock(encounter_id, version=version)
    if refused := lifecycle.refusal(TYPES[encounter.type_id], encounter.status, Move.BIRTH_TIME):
        raise encounters.told_who(refused, encounter)
    birth = Birth.objects.locked().filter(encounter=encounter).first()
    if birth is None:
        raise RuleError("VH-13", "Barnet har ingen moder angiven, så ingen födelse finns att rätta.")
    born_at = _time_of_birth(born_at, at, birth.mother_encounter, accept_warnings)
    before = birth.born_at
    if born_at == before:
        return birth
    moved, latest = _stays_from(encounter, before)
    number = child.identities.filter(kind=identities.PERSONNUMMER).exists()
    if refused := stay_rules.birth_correction_refusal(
        born_at, latest=latest, says_birth_date=child.birth_date if number else None
    ):
        raise refused
    birth.born_at, birth.version = born_at, birth.version + 1
    birth.save(update_fields=["born_at", "version"])
    _begin_stays(moved, born_at, before)
    said = f"{local(born_at):%Y-%m-%d %H:%M} i stället för {local(before):%Y-%m-%d %H:%M}"
    said = f"{said}: {reason.strip()}" if reason.strip() else said
    encounters.move(encounter, Move.BIRTH_TIME, by=by, at=minute(at), reason=said[:LONGEST_REASON], start=born_at)
    if child.birth_date != local_date(born_at):
        child.birth_date, child.version = local_date(born_at), child.version + 1
        child.save(update_fields=["birth_date", "version"])
        PatientHistory.objects.create(
            patient=child, event="edited", detail="rättad födelsetid: födelsedatum", by=by, at=at
        )
    messages.child_born(encounter)
    if encounter.status == Status.ENDED and lifecycle.is_reported(encounter.type_id, encounter.contact_form):
        messages.encounter_changed(encounter)
    return birth


def _stays_from(encounter, born_at):
    """The ward and place that the child had from its birth, and the latest time of birth that the rest of what it did
    allows, or None."""
    held = (encounter.place_stays.select_related("place"), encounter.ward_stays)
    rows = [row for intervals in held for row in intervals.filter(period__isempty=False)]
    moved = [row for row in rows if row.period.lower == born_at]
    limits = [row.period.upper - ONE_MINUTE for row in moved if row.period.upper]
    limits += [row.period.lower for row in rows if row not in moved]
    limits += [encounter.end] if encounter.end else []
    return moved, min(limits, default=None)


def _begin_stays(moved, born_at, before):
    for row in moved:
        if isinstance(row, PlaceStay) and born_at < before:
            others = PlaceStay.objects.filter(place=row.place, period__overlap=DateTimeTZRange(born_at, before))
            if others.exclude(pk=row.pk).exists():
                raise places.occupied(row.place)
        row.period = DateTimeTZRange(born_at, row.period.upper)
        row.save(update_fields=["period"])


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


def _refuse_numbers(during, number, how_many):
    """Raises where a child of the mother's has one of the numbers already, and says who registered it (PL-27)."""
    known = {birth.number: birth for birth in living(during).select_related("encounter", "registered_by")}
    refused = stay_rules.child_numbers_refusal(number, how_many, taken=known.keys())
    if refused is None:
        return
    first = next((known[each] for each in range(number, number + how_many) if each in known), None)
    if first is not None:
        refused.told(first.registered_by, first.encounter.history.order_by("id").first().registered_at)
    raise refused


def living(during):
    """Children of the mother's vårdhändelse that are not registered by mistake."""
    return Birth.objects.filter(mother_encounter=during).exclude(encounter__type=lifecycle.ANNULLED)


def next_number(during):
    """The number that the mother's next child has."""
    return stay_rules.next_child(set(living(during).values_list("number", flat=True)))


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
