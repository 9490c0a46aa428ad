"""What was wrong about a birth is put right: its time, a Nyfödd by mistake, the same child twice (VH-12, VH-13, VH-21,
PL-27)."""

from datetime import date, timedelta

import pytest

from registration.actions import admissions, births, encounters, stays
from registration.models import Birth, Encounter, Patient, PlaceStay
from registration.type_choice import DIRECT_ADMISSION
from sdv.common.errors import InputError, RuleError
from sdv.flows import cancellation, correction
from sdv.outbox.models import OutboxMessage
from tests import factories as make
from tests.clinic import NOW
from tests.registers import connected

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LATER = NOW + 12 * HOUR
BORN = NOW + HOUR


@pytest.fixture
def user(db):
    return make.UserFactory(name="Barn Morska")


@pytest.fixture
def unit(db):
    unit = make.MaternityUnitFactory()
    for name in ("BB 1", "BB 2"):
        ward = make.WardFactory(care_unit=unit, name=name)
        make.PlaceFactory(care_unit=unit, ward=ward, kind="bed", name=f"Säng {name[-1]}")
    return unit


@pytest.fixture
def mother(unit, user):
    with connected():
        yield admissions.begin(
            patient_id=make.patient(surname="Öberg").pk,
            care_unit=unit,
            situation=DIRECT_ADMISSION,
            ward_id=unit.wards.get(name="BB 2").pk,
            admitted_from="home",
            by=user,
            at=NOW,
        )


@pytest.fixture
def prepare(mother, user):
    return lambda **fields: births.prepare(
        **{"mother_encounter_id": mother.pk, "by": user, "at": NOW, "actor_hsa_id": "SE0000000000-U1"} | fields
    )


@pytest.fixture
def newborn(prepare, unit, user):
    """Born at ten, in a bed."""
    (birth,) = prepare()
    bed = unit.places.get(name="Säng 1")
    births.born(encounter_id=birth.encounter_id, born_at=BORN, sex="2", place_id=bed.pk, by=user, at=BORN + HOUR)
    return Encounter.objects.get(pk=birth.encounter_id)


@pytest.fixture
def correct(newborn, user):
    return lambda born_at, **fields: births.correct_time(
        **{"encounter_id": newborn.pk, "born_at": born_at, "by": user, "at": LATER} | fields
    )


def refusal(act, *args, **fields):
    with pytest.raises(RuleError) as refused:
        act(*args, **fields)
    return refused.value


def began(encounter):
    """When the vårdhändelse, its place and its ward began."""
    encounter.refresh_from_db()
    rows = [*encounter.place_stays.all(), *encounter.ward_stays.all()]
    return {encounter.start, encounter.birth.born_at, *(row.period.lower for row in rows)}


# --- The time of birth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-17, 23])
def test_a_time_that_was_wrong_is_put_right_with_all_that_began_then(newborn, correct, user, minutes):
    """VH-13: traced, and told again."""
    right = BORN + minutes * MINUTE
    correct(right, reason="Läst fel på klockan")
    assert began(newborn) == {right}
    last = newborn.history.order_by("-id").first()
    assert (last.move, last.by, last.at, last.target, last.type_after) == (
        "birth_time",
        user,
        LATER,
        "in_progress",
        "nyfodd",
    )
    assert (
        last.reason
        == f"2026-11-20 {'09:43' if minutes < 0 else '10:23'} i stället för 2026-11-20 10:00: Läst fel på klockan"
    )
    assert OutboxMessage.objects.filter(topic="child-born", subject_id=newborn.pk).count() == 2
    version = newborn.version
    correct(right)
    newborn.refresh_from_db()
    assert (newborn.version, OutboxMessage.objects.count()) == (version, 2)


def test_the_day_of_birth_follows_and_the_child_s_history_says_so(newborn, correct, user):
    """PA-02, VH-13: past midnight, and on the way there."""
    correct(NOW - 10 * HOUR, accept_warnings=["VH-13"])
    child = Patient.objects.get(pk=newborn.patient_id)
    assert (child.birth_date, began(newborn)) == (date(2026, 11, 19), {NOW - 10 * HOUR})
    assert child.history.order_by("-id").first().detail == "rättad födelsetid: födelsedatum"


def test_an_ended_newborn_is_put_right_too_and_told_again(newborn, correct, user):
    """VH-21"""
    encounters.discharge(encounter_id=newborn.pk, by=user, at=BORN + 3 * HOUR)
    correct(BORN + 5 * MINUTE)
    assert began(newborn) == {BORN + 5 * MINUTE}
    assert list(OutboxMessage.objects.order_by("id").values_list("topic", flat=True)) == [
        "child-born",
        "encounter-ended",
        "child-born",
        "encounter-changed",
    ]


@pytest.mark.parametrize(
    ("born_at", "rule", "code"),
    [
        (LATER + MINUTE, "VH-13", "refused"),
        (NOW - MINUTE, "VH-13", "born_before_admission"),
        (BORN + 2 * HOUR, "VH-13", "born_too_late"),
        (BORN + 3 * HOUR, "VH-13", "born_too_late"),
    ],
)
def test_a_time_that_the_rest_does_not_allow_is_refused_and_nothing_changes(
    newborn, correct, unit, user, born_at, rule, code
):
    """VH-09, VH-13: not come, before the mother, after the child was moved."""
    stays.transfer(encounter_id=newborn.pk, ward_id=unit.wards.get(name="BB 2").pk, by=user, at=BORN + 2 * HOUR)
    newborn.refresh_from_db()
    before = (newborn.version, list(newborn.place_stays.values("period")), list(newborn.ward_stays.values("period")))
    refused = refusal(correct, born_at)
    assert (refused.rule, refused.code) == (rule, code)
    newborn.refresh_from_db()
    after = (newborn.version, list(newborn.place_stays.values("period")), list(newborn.ward_stays.values("period")))
    assert (after, newborn.start, newborn.birth.born_at) == (before, BORN, BORN)
    correct(BORN + 2 * HOUR - MINUTE)
    assert newborn.place_stays.get().period.lower == BORN + 2 * HOUR - MINUTE


def test_not_into_a_bed_that_another_had_then(newborn, correct, unit, user):
    """VH-09"""
    bed = unit.places.get(name="Säng 1")
    PlaceStay.objects.filter(encounter=newborn).delete()
    other = make.unbooked_visit(care_unit=unit, situation=DIRECT_ADMISSION, at=NOW)
    PlaceStay.objects.create(encounter=other, place=bed, period=(NOW, BORN))
    PlaceStay.objects.create(encounter=newborn, place=bed, period=(BORN, None))
    assert refusal(correct, BORN - 5 * MINUTE).code == "place_taken"
    assert Birth.objects.get(encounter=newborn).born_at == BORN


def test_the_personnummer_s_day_stands(newborn, correct, user):
    """PA-02"""
    newborn.patient.identities.update(is_primary=False)
    newborn.patient.identities.create(kind="personnummer", value="202611202389", is_primary=True)
    assert refusal(correct, NOW - 10 * HOUR, accept_warnings=["VH-13"]).rule == "PA-02"
    correct(BORN + MINUTE)
    assert began(newborn) == {BORN + MINUTE}


def test_only_of_a_newborn(prepare, mother, user):
    """VH-13"""
    (foetus,) = prepare()
    for encounter_id in (foetus.encounter_id, mother.pk):
        act = {"encounter_id": encounter_id, "born_at": NOW, "by": user, "at": LATER}
        assert refusal(births.correct_time, **act).rule == "VH-13"


# --- Registered by mistake ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_delivered", [False, True])
def test_a_nyfodd_annulled_takes_its_notification_back(newborn, user, is_delivered):
    """VH-12, VH-13: what waits goes no further, what has gone is withdrawn."""
    told = OutboxMessage.objects.filter(topic="child-born")
    if is_delivered:
        told.update(delivered_at=LATER)
    cancellation.annul(encounter_id=newborn.pk, reason="Fel moder", by=user, at=LATER)
    assert (told.get().stopped_at is None) == is_delivered
    withdrawn = OutboxMessage.objects.filter(topic="child-born-withdrawn", subject_id=newborn.pk)
    assert withdrawn.count() == int(is_delivered)


def test_a_foetus_annulled_has_nothing_to_take_back(prepare, user):
    (birth,) = prepare()
    cancellation.annul(encounter_id=birth.encounter_id, reason="Fel moder", by=user, at=LATER)
    assert not OutboxMessage.objects.exists()


def test_the_mother_s_stay_is_not_annulled_while_a_child_hangs_on_it(prepare, mother, user):
    """VH-12, VH-13: nor is her admission undone; the refusal says what to do, and then it goes."""
    (birth,) = prepare()
    act = {"by": user, "at": LATER}
    refused = refusal(cancellation.annul, encounter_id=mother.pk, reason="Fel", **act)
    assert (refused.rule, refused.code) == ("VH-13", "has_children")
    assert "Annullera barnets vårdhändelse först" in refused.sentence
    mother.planned_start = NOW
    mother.save(update_fields=["planned_start"])
    assert refusal(correction.undo_admission, encounter_id=mother.pk, **act).code == "has_children"
    mother.refresh_from_db()
    assert (mother.type_id, mother.status) == ("slutenvard", "in_progress")
    cancellation.annul(encounter_id=birth.encounter_id, reason="Fel", **act)
    cancellation.annul(encounter_id=mother.pk, reason="Fel", **act)
    mother.refresh_from_db()
    assert mother.type_id == "annullerad"


# --- The same child twice -----------------------------------------------------------------------------------------------


def test_the_second_who_prepares_for_the_same_child_is_told_who_was_first(prepare, mother, user):
    """PL-27, VH-13: the number decides; twins are two numbers."""
    prepare()
    people = Patient.objects.count()
    again = refusal(prepare, by=make.UserFactory())
    assert (again.rule, again.code, again.by) == ("PL-27", "already_done", "Barn Morska")
    assert "Barn 1 är redan registrerat" in again.sentence and "barn 2" in again.sentence
    born = {"born_at": NOW, "sex": "1", "mother_encounter_id": mother.pk, "by": user, "at": NOW, "actor_hsa_id": "x"}
    assert refusal(births.born_without_foetus, **born).rule == "PL-27"
    with pytest.raises(InputError):
        prepare(number=3)
    assert (Birth.objects.count(), Patient.objects.count()) == (1, people)
    prepare(number=2, how_many=2)
    assert refusal(prepare, number=3).rule == "PL-27"
    assert list(Birth.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
    assert births.next_number(mother) == 4


def test_a_child_by_mistake_gives_its_number_back(prepare, mother, user):
    """VH-12"""
    (birth,) = prepare()
    cancellation.annul(encounter_id=birth.encounter_id, reason="Fel", by=user, at=LATER)
    assert births.next_number(mother) == 1
    assert prepare()[0].number == 1
