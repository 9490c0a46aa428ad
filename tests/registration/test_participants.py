"""Who takes part in a contact, and who is main responsible (BO-02, KL-04, VH-21)."""

import pytest

from classification.deriving import derived_of
from registration.actions import admissions, encounters, participants
from registration.lifecycle import Move
from registration.models import Encounter
from registration.type_choice import ADMINISTRATIVE, DROP_IN
from sdv.accounts.models import Practitioner
from sdv.common.errors import RuleError, StaleVersion
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, NOW, Clinic

pytestmark = pytest.mark.django_db
DOCTOR, NURSE = "XS915", "XS919"


@pytest.fixture
def clinic(catalogues):
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Öster")


@pytest.fixture
def people(clinic):
    return {row.surname: row for row in Practitioner.objects.all()}


def dropped_in(clinic, **fields):
    return admissions.begin(
        patient_id=clinic.patient().pk,
        care_unit=clinic.unit,
        situation=DROP_IN,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        by=clinic.nurse,
        at=NOW,
        **fields,
    )


def state(encounter):
    rows = encounter.participants.order_by("-is_main_responsible", "practitioner__surname")
    return [(row.practitioner.surname, row.profession.abbreviation, row.is_main_responsible) for row in rows]


def codes(encounter):
    return [code.code for code in derived_of(Encounter.objects.get(pk=encounter.pk)).codes]


def test_an_unbooked_visit_is_registered_on_somebody_from_the_start(clinic, people):
    """BO-02, KL-04: the derived code is of who saw the patient, not of the besökstyp."""
    visit = dropped_in(clinic, responsible=people["Holm"])
    assert state(visit) == [("Holm", "Läk", True)]
    named, unnamed = codes(visit), codes(dropped_in(clinic))
    assert (named[0], named[1:], unnamed[1:]) == (unnamed[0], [DOCTOR], [NURSE])


def test_several_take_part_and_one_is_main_responsible(clinic, people):
    """BO-02, KL-04: two professions make it a team visit; the main responsible's profession comes first."""
    visit = dropped_in(clinic, responsible=people["Norén"])
    participants.register(encounter_id=visit.pk, main=people["Holm"], others=[people["Norén"]], by=clinic.nurse, at=NOW)
    assert state(visit) == [("Holm", "Läk", True), ("Norén", "Ssk", False)]
    last = visit.history.last()
    assert (last.move, last.reason, last.by) == (
        Move.PARTICIPANTS,
        "tillkom Anna Holm; huvudansvarig Anna Holm",
        clinic.nurse,
    )
    assert codes(visit)[0] == "XS902"
    participants.register(encounter_id=visit.pk, main=people["Norén"], by=clinic.nurse, at=NOW)
    assert state(visit) == [("Norén", "Ssk", True)]
    assert visit.history.last().reason == "togs bort Anna Holm; huvudansvarig Sara Norén"
    assert codes(visit)[0] != "XS902"


def test_the_same_people_said_again_change_nothing(clinic, people):
    visit = dropped_in(clinic, responsible=people["Holm"])
    version = visit.version
    again = participants.register(encounter_id=visit.pk, main=people["Holm"], by=clinic.nurse, at=NOW)
    assert (again.version, visit.history.count()) == (version, 1)


def test_others_without_a_main_responsible_and_doubles_are_refused(clinic, people):
    """BO-02"""
    visit = dropped_in(clinic, responsible=people["Holm"])
    nurse = people["Norén"]
    for main, others, code in (
        (None, [nurse], "main_responsible_missing"),
        (nurse, [nurse], "duplicate"),
        (people["Holm"], [nurse, nurse], "duplicate"),
    ):
        with pytest.raises(RuleError) as refused:
            participants.register(encounter_id=visit.pk, main=main, others=others, by=clinic.nurse, at=NOW)
        assert (refused.value.rule, refused.value.code) == ("BO-02", code)
    assert (state(visit), visit.history.count()) == ([("Holm", "Läk", True)], 1)


def test_who_was_read_at_another_version_is_refused(clinic, people):
    """PL-27"""
    visit = dropped_in(clinic)
    with pytest.raises(StaleVersion):
        participants.register(
            encounter_id=visit.pk, main=people["Holm"], by=clinic.nurse, at=NOW, version=visit.version + 1
        )
    assert state(visit) == []


def test_a_booking_s_people_are_those_booked_until_it_begins(clinic, people):
    """BO-02, BO-03"""
    booked = clinic.book(clinic.patient()).encounter
    with pytest.raises(RuleError) as refused:
        participants.register(encounter_id=booked.pk, main=people["Holm"], by=clinic.nurse, at=NOW)
    assert refused.value.rule == "VH-24"
    assert refused.value.sentence.endswith("Till dess är det de bokade som medverkar: omboka i stället.")
    assert state(booked) == [("Norén", "Ssk", True)]
    begun = clinic.arrived(clinic.patient()).encounter
    participants.register(encounter_id=begun.pk, main=people["Norén"], others=[people["Holm"]], by=clinic.nurse, at=NOW)
    assert state(begun) == [("Norén", "Ssk", True), ("Holm", "Läk", False)]


def test_who_took_part_is_corrected_after_the_end_and_told_again(clinic, people):
    """VH-21: an ended contact that others have been told of is told again; nobody takes part in what is no contact."""
    visit = dropped_in(clinic, responsible=people["Norén"])
    Encounter.objects.filter(pk=visit.pk).update(status="ended", end=NOW + DAY)
    participants.register(encounter_id=visit.pk, main=people["Holm"], by=clinic.doctor, at=NOW + 2 * DAY)
    assert list(OutboxMessage.objects.filter(subject_id=visit.pk).values_list("topic", flat=True)) == [
        "encounter-changed"
    ]
    annulled = dropped_in(clinic)
    encounters.annul(annulled, by=clinic.nurse, at=NOW, reason="fel patient")
    with pytest.raises(RuleError) as refused:
        participants.register(encounter_id=annulled.pk, main=people["Holm"], by=clinic.nurse, at=NOW)
    assert (refused.value.rule, state(annulled)) == ("VH-12", [])


def test_nobody_takes_part_where_nobody_is_met(clinic, people):
    """BO-02, VH-20: Admin is no contact; nothing is kept of it."""
    with pytest.raises(RuleError) as refused:
        admissions.begin(
            patient_id=clinic.patient().pk,
            care_unit=clinic.unit,
            situation=ADMINISTRATIVE,
            responsible=people["Holm"],
            by=clinic.nurse,
            at=NOW,
        )
    assert (refused.value.rule, Encounter.objects.count()) == ("BO-02", 0)
