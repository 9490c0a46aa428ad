"""Foster and Nyfödd: prepared, born, twins, temporary identity and personnummer, notification (VH-03 h, k, VH-13)."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from classification import production
from registration.actions import admissions, births, encounters, patients
from registration.lifecycle import INPATIENT
from registration.models import Birth, Encounter, Patient
from registration.type_choice import DIRECT_ADMISSION, OBSERVATION_PLACE
from sdv.common.errors import InputError, RuleError
from sdv.common.time import at_local
from sdv.outbox.models import OutboxMessage
from tests import factories as make
from tests.clinic import NOW
from tests.registers import connected

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STAFF = "SE0000000000-U1"


@pytest.fixture
def user(db):
    return make.UserFactory()


@pytest.fixture
def register():
    with connected() as simulator:
        yield simulator


@pytest.fixture
def maternity(db):
    unit = make.MaternityUnitFactory()
    ward = make.WardFactory(care_unit=unit, name="BB")
    for name in ("Säng 1", "Barnsäng 1", "Barnsäng 2"):
        make.PlaceFactory(care_unit=unit, ward=ward, kind="bed", name=name)
    return unit


@pytest.fixture
def mother(maternity, user):
    """A mother's stay at the maternity unit."""
    return admissions.begin(
        patient_id=make.patient(surname="Öberg", payer="Region Skåne").pk,
        care_unit=maternity,
        situation=DIRECT_ADMISSION,
        place_id=maternity.places.get(name="Säng 1").pk,
        admitted_from="home",
        by=user,
        at=NOW,
    )


def refusal(act, **fields):
    with pytest.raises(RuleError) as refused:
        act(**fields)
    return refused.value


def prepared(mother, user, **fields):
    return births.prepare(mother_encounter_id=mother.pk, by=user, at=NOW, actor_hsa_id=STAFF, **fields)


def born(birth, user, maternity=None, **fields):
    act = {"born_at": NOW + HOUR, "sex": "2", "at": NOW + 2 * HOUR} | fields
    return births.born(encounter_id=birth.encounter_id, by=user, **act)


def test_a_foetus_is_prepared_on_a_temporary_identity_linked_to_the_mother(register, mother, user):
    """VH-03 h, VH-13"""
    (birth,) = prepared(mother, user)
    foetus, child = birth.encounter, birth.encounter.patient
    assert (foetus.type_id, foetus.status, birth.number, birth.born_at) == ("foster", "in_progress", 1, None)
    assert (birth.mother, birth.mother_encounter) == (mother.patient, mother)
    assert (child.identities.get().kind, child.surname, child.given_name) == ("reservid", "Öberg", "Barn 1")
    assert (child.birth_date, child.payer) == (None, "Region Skåne")


def test_the_foetus_becomes_a_newborn_with_its_time_of_birth_and_the_birth_is_told(register, mother, user, maternity):
    """VH-13, VH-09: the notification holds ids, never who."""
    (birth,) = prepared(mother, user)
    born(birth, user, place_id=maternity.places.get(name="Barnsäng 1").pk)
    newborn = Encounter.objects.get(pk=birth.encounter_id)
    assert (newborn.type_id, newborn.start, newborn.status) == ("nyfodd", NOW + HOUR, "in_progress")
    assert (newborn.patient.birth_date, newborn.patient.sex) == (date(2026, 11, 20), "2")
    assert newborn.place_stays.get().place.name == "Barnsäng 1"
    assert newborn.ward_stays.get().period.lower == NOW + HOUR
    told = OutboxMessage.objects.get(topic="child-born")
    assert (told.subject_id, set(told.payload)) == (newborn.pk, {"encounter_type", "version"})
    again = refusal(born, birth=birth, user=user)
    assert (again.rule, OutboxMessage.objects.filter(topic="child-born").count()) == ("VH-24", 1)


def test_twins_are_two_records_with_a_number_and_a_time_each(register, mother, user):
    """VH-13"""
    first, second = prepared(mother, user, how_many=2)
    born(second, user, born_at=NOW + HOUR + timedelta(minutes=9))
    born(first, user, born_at=NOW + HOUR)
    rows = Birth.objects.filter(mother_encounter=mother).order_by("number")
    assert [(row.number, row.born_at, row.encounter.type_id) for row in rows] == [
        (1, NOW + HOUR, "nyfodd"),
        (2, NOW + HOUR + timedelta(minutes=9), "nyfodd"),
    ]
    assert len({row.encounter.patient_id for row in rows}) == 2
    assert OutboxMessage.objects.filter(topic="child-born").count() == 2


def test_a_child_nobody_had_prepared_for_is_born_at_once(register, mother, user):
    """VH-03 k"""
    birth = births.born_without_foetus(
        mother_encounter_id=mother.pk, born_at=NOW, sex="1", by=user, at=NOW + HOUR, actor_hsa_id=STAFF
    )
    assert (birth.encounter.type_id, birth.encounter.start, birth.born_at) == ("nyfodd", NOW, NOW)
    assert OutboxMessage.objects.filter(topic="child-born").count() == 1


def test_a_healthy_newborn_ends_without_utsatt_and_is_not_told_as_a_stay_to_count(register, mother, user):
    """VH-13, VH-20: not inskriven."""
    (birth,) = prepared(mother, user)
    born(birth, user)
    ended = encounters.discharge(encounter_id=birth.encounter_id, by=user, at=NOW + 30 * HOUR)
    assert (ended.status, ended.discharged_to, ended.admitted_from, ended.is_planned) == ("ended", "", "", None)
    assert production.kind(ended.type_id, ended.status) is None
    assert list(Encounter.objects.filter(type=INPATIENT)) == [mother]


def test_a_newborn_who_is_ill_is_admitted_in_a_vardhandelse_of_its_own(register, mother, user):
    """VH-13, VH-01"""
    (birth,) = prepared(mother, user)
    born(birth, user)
    ward = make.InpatientUnitFactory()
    stay = admissions.continue_at(
        encounter_id=birth.encounter_id, care_unit=ward, admitted_from="hospital", by=user, at=NOW + 3 * HOUR
    )
    assert (stay.type_id, stay.continues_id) == ("slutenvard", birth.encounter_id)
    watched = refusal(
        admissions.continue_at,
        encounter_id=stay.pk,
        care_unit=make.EmergencyDepartmentFactory(),
        situation=OBSERVATION_PLACE,
        by=user,
        at=NOW + 4 * HOUR,
    )
    assert watched.rule == "VH-01"


def test_the_child_of_a_protected_mother_carries_nothing_of_her_name(register, maternity, user):
    """SK-02, SK-05"""
    stay = admissions.begin(
        patient_id=make.protected_patient(surname="Gömd").pk,
        care_unit=maternity,
        situation=DIRECT_ADMISSION,
        by=user,
        at=NOW,
    )
    (birth,) = prepared(stay, user)
    assert (birth.encounter.patient.surname, birth.encounter.patient.payer) == ("", "")


def test_without_the_service_a_number_taken_elsewhere_is_used_and_none_is_made_up(mother, user, settings):
    """RI-01, VH-13"""
    settings.SDV_POPULATION_REGISTER = None
    before = Patient.objects.count()
    assert refusal(prepared, mother=mother, user=user).rule == "RI-01"
    assert (Patient.objects.count(), Birth.objects.count()) == (before, 0)
    with pytest.raises(InputError):
        prepared(mother, user, how_many=2, identity="x")


@pytest.mark.parametrize("how_many", [0, 7])
def test_so_many_children_are_not_prepared_at_once(register, mother, user, how_many):
    with pytest.raises(InputError):
        prepared(mother, user, how_many=how_many)
    assert not Birth.objects.exists()


def test_a_child_is_prepared_only_from_the_mother_s_ongoing_care_at_a_maternity_unit(register, mother, user):
    """VH-03, VH-13"""
    elsewhere = make.unbooked_visit(care_unit=make.InpatientUnitFactory(), situation=DIRECT_ADMISSION, at=NOW)
    assert refusal(prepared, mother=elsewhere, user=user).rule == "VH-03"
    encounters.discharge(encounter_id=mother.pk, discharged_to="home", by=user, at=NOW + HOUR)
    assert refusal(prepared, mother=mother, user=user).code == "mother_not_here"
    assert not Birth.objects.exists()


def test_a_birth_that_has_not_come_is_refused_and_nothing_changes(register, mother, user):
    """VH-13, VH-24"""
    (birth,) = prepared(mother, user)
    assert refusal(born, birth=birth, user=user, born_at=NOW + 3 * HOUR).rule == "VH-13"
    assert Encounter.objects.get(pk=birth.encounter_id).type_id == "foster"


def test_a_birth_before_the_mother_came_is_asked_about_and_kept_by_a_person(register, mother, user):
    """VH-13: on the way there, or a time that is wrong."""
    first, second = prepared(mother, user, how_many=2)
    early = {"born_at": NOW - 5 * MINUTE}
    warned = refusal(born, birth=first, user=user, **early)
    assert (warned.rule, warned.code, warned.is_warning) == ("VH-13", "born_before_admission", True)
    assert "2026-11-20 08:55 ligger före moderns inskrivning 2026-11-20 09:00" in warned.sentence
    assert set(Encounter.objects.filter(birth__isnull=False).values_list("type", flat=True)) == {"foster"}
    assert (OutboxMessage.objects.count(), Birth.objects.filter(born_at=None).count()) == (0, 2)
    born(first, user, **early, accept_warnings=["VH-13"])
    born(second, user, born_at=NOW)
    assert list(Birth.objects.order_by("number").values_list("born_at", flat=True)) == [NOW - 5 * MINUTE, NOW]
    act = {"mother_encounter_id": mother.pk, "sex": "1", "by": user, "at": NOW + HOUR, "actor_hsa_id": STAFF}
    assert refusal(births.born_without_foetus, born_at=NOW - 5 * MINUTE, **act).is_warning
    assert Birth.objects.count() == 2


def test_the_personnummer_takes_the_place_of_the_temporary_identity(register, mother, user):
    """VH-13, PA-03: the old number still finds the child."""
    number = make.test_number()
    day = date(int(number[:4]), int(number[4:6]), int(number[6:8]))
    noon = at_local(day, NOW.time())
    (birth,) = prepared(mother, user)
    child = birth.encounter.patient
    before = child.identities.get().value
    act = {"encounter_id": birth.encounter_id, "identity": number, "by": user, "at": NOW}
    assert refusal(births.give_personnummer, **act).rule == "VH-13"
    births.born(encounter_id=birth.encounter_id, born_at=noon, sex="1", by=user, at=NOW, accept_warnings=["VH-13"])
    births.give_personnummer(**act)
    known = [(row.kind, row.value, row.is_primary) for row in child.identities.order_by("-is_primary")]
    assert known == [("personnummer", number, True), ("reservid", before, False)]
    assert refusal(births.give_personnummer, **act).code == "already_known"


def test_a_personnummer_of_another_day_or_person_is_refused(register, mother, user):
    """PA-02, RI-02"""
    number = make.test_number()
    day = date(int(number[:4]), int(number[4:6]), int(number[6:8]))
    (birth,) = prepared(mother, user)
    births.born(encounter_id=birth.encounter_id, born_at=NOW, sex="1", by=user, at=NOW)
    act = {"encounter_id": birth.encounter_id, "identity": number, "by": user, "at": NOW}
    assert refusal(births.give_personnummer, **act).code == "other_birth_date"
    patients.register(identity=number, given_name="Bo", surname="Ek", by=user, at=NOW)
    (twin,) = prepared(mother, user, number=2)
    on_that_day = {"born_at": at_local(day, NOW.time()), "accept_warnings": ["VH-13"]}
    births.born(encounter_id=twin.encounter_id, sex="1", by=user, at=NOW, **on_that_day)
    known = refusal(births.give_personnummer, encounter_id=twin.encounter_id, identity=number, by=user, at=NOW)
    assert (known.rule, twin.encounter.patient.identities.get().kind) == ("RI-02", "reservid")


def test_a_birth_has_whole_minutes_and_numbers_from_one(register, mother, user):
    (birth,) = prepared(mother, user)
    for changes in ({"number": 0}, {"born_at": NOW + timedelta(seconds=5)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Birth.objects.filter(pk=birth.pk).update(**changes)
