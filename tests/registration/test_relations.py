"""Guardians and contact persons (RE-01…03)."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from registration import presenters, relations
from registration.actions import admissions, clock, encounters
from registration.actions import relations as writes
from registration.actions.relations import ToldGuardian
from registration.models import EncounterRelation, Patient, PatientHistory, PatientRelation
from registration.phones import display, normalised
from registration.type_choice import DROP_IN
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.time import age, end_of_day, start_of_day
from sdv.desk.demo.identities import personnummer
from sdv.flows import protection
from tests.clinic import DAY, NOW, Clinic

pytestmark = pytest.mark.django_db

CHILD = next(number for number in personnummer() if number.startswith("2015"))
TODAY = NOW.date()
MOTHER = ToldGuardian(name="Abdi, Amina", identity="198001012399", birth_date=date(1980, 1, 1))
FATHER = ToldGuardian(name="Abdi, Yusuf", birth_date=date(1979, 5, 5))


@pytest.fixture
def clinic():
    return Clinic(name="Vårdcentralen", kind="vardcentral", area="Pv")


@pytest.fixture
def child(clinic):
    patient = clinic.patient(identity=CHILD)
    writes.replace_guardians(patient_id=patient.pk, guardians=[MOTHER, FATHER], by=None, at=NOW)
    return patient


def guardian(patient, name="Abdi, Amina"):
    return patient.relations.get(name=name)


def shown(patient, on=TODAY):
    return [row.name for row in presenters.relations_of(patient, on=on)]


def born_on(patient, day):
    Patient.objects.filter(pk=patient.pk).update(birth_date=day)
    patient.refresh_from_db()


# --- Guardians (RE-01) --------------------------------------------------------------------------------------------------


def test_guardians_are_those_pu_tells_of_and_telling_it_twice_changes_nothing(child):
    """RE-01"""
    assert shown(child) == ["Abdi, Amina", "Abdi, Yusuf"]
    before = list(PatientRelation.objects.order_by("pk").values())
    assert not writes.replace_guardians(patient_id=child.pk, guardians=[FATHER, MOTHER], by=None, at=NOW)
    assert list(PatientRelation.objects.order_by("pk").values()) == before
    assert child.history.filter(event="guardians_told").count() == 1


def test_what_users_wrote_on_a_guardian_stays_when_pu_tells_a_new_name(child, clinic):
    """RE-01"""
    writes.change(patient_id=child.pk, relation_id=guardian(child).pk, phone="070-174 06 05", by=clinic.nurse, at=NOW)
    renamed = ToldGuardian(name="Warsame, Amina", identity=MOTHER.identity, birth_date=MOTHER.birth_date)
    assert writes.replace_guardians(patient_id=child.pk, guardians=[renamed], by=None, at=NOW)
    (row,) = child.relations.all()
    assert (row.name, row.phone, row.version) == ("Warsame, Amina", "+46701740605", 3)


@pytest.mark.parametrize("field", ["name", "relation", "valid_to"])
def test_the_rest_of_a_guardian_is_locked_and_nothing_changes(child, clinic, field):
    """RE-01"""
    before = PatientRelation.objects.filter(pk=guardian(child).pk).values().get()
    with pytest.raises(RuleError) as refused:
        writes.change(
            patient_id=child.pk,
            relation_id=before["id"],
            phone="070-174 06 05",
            by=clinic.nurse,
            at=NOW,
            **{field: TODAY if field == "valid_to" else "Annan"},
        )
    assert (refused.value.rule, refused.value.code) == ("RE-01", "locked_field")
    assert PatientRelation.objects.filter(pk=before["id"]).values().get() == before


def test_phone_interpreter_need_and_copy_of_kallelse_are_edited_and_traced(child, clinic):
    """RE-01"""
    row = writes.change(
        patient_id=child.pk,
        relation_id=guardian(child).pk,
        phone="+45 32 12 34 56",
        interpreter_language="somaliska",
        gets_letter_copy=True,
        version=1,
        by=clinic.nurse,
        at=NOW,
    )
    row.refresh_from_db()
    assert (row.phone, row.interpreter_language, row.gets_letter_copy) == ("+4532123456", "somaliska", True)
    note = child.history.get(event="guardian_edited")
    assert (note.detail, note.by) == ("gets_letter_copy, interpreter_language, phone", clinic.nurse)


def test_a_guardian_is_not_removed_by_a_user(child, clinic):
    """RE-01"""
    with pytest.raises(RuleError) as refused:
        writes.remove(patient_id=child.pk, relation_id=guardian(child).pk, by=clinic.nurse, at=NOW)
    assert refused.value.rule == "RE-01"
    assert child.relations.count() == 2


def test_of_a_protected_guardian_nothing_is_kept_but_that_there_is_one(child, clinic):
    """SK-02: told by PU"""
    writes.change(patient_id=child.pk, relation_id=guardian(child).pk, phone="070-174 06 05", by=None, at=NOW)
    hidden = ToldGuardian(name="Abdi, Amina", identity=MOTHER.identity, is_protected=True)
    writes.replace_guardians(patient_id=child.pk, guardians=[hidden], by=None, at=NOW)
    row = child.relations.get()
    assert (row.name, row.birth_date, row.phone) == ("", None, "")
    (seen,) = presenters.relations_of(child, on=TODAY)
    assert (seen.name, seen.identity, seen.phone) == ("Skyddade personuppgifter", "", "")
    with pytest.raises(RuleError) as refused:
        writes.change(patient_id=child.pk, relation_id=row.pk, phone="070-174 06 06", by=clinic.nurse, at=NOW)
    assert refused.value.rule == "SK-02"


def test_a_guardian_who_is_a_protected_patient_here_is_not_shown_either(child, clinic):
    """SK-05"""
    number = clinic.patient(identity=personnummer()[0], protection="sekretessmarkering").identities.get().value
    row = guardian(child)
    row.identity, row.phone = number, "+46701740605"
    row.save()
    hidden = next(row for row in presenters.relations_of(child, on=TODAY) if row.is_protected)
    assert (hidden.name, hidden.identity, hidden.birth_date, hidden.phone) == ("Skyddade personuppgifter", "", None, "")


def test_a_guardian_who_gets_a_marking_is_named_no_longer_on_the_children_nor_on_their_contacts(child, clinic):
    """SK-02, SK-05: what was cached of the person goes, whether the register tells the name again or not."""
    mother = clinic.patient(identity=personnummer()[0])
    told = [ToldGuardian(name="Abdi, Amina", identity=personnummer()[0], birth_date=date(1980, 1, 1)), FATHER]
    writes.replace_guardians(patient_id=child.pk, guardians=told, by=None, at=NOW)
    writes.change(patient_id=child.pk, relation_id=guardian(child).pk, phone="070-174 06 05", by=None, at=NOW)
    visit = clinic.arrived(child).encounter
    protection.set_by_hand(patient_id=mother.pk, ground="threat", by=clinic.nurse, at=NOW)
    for rows in (child.relations, visit.relations):
        kept = rows.get(identity=personnummer()[0])
        assert (kept.name, kept.birth_date, kept.phone, kept.is_protected) == ("", None, "", True)
        assert rows.filter(name="Abdi, Yusuf", is_protected=False).count() == 1
    assert not writes.replace_guardians(patient_id=child.pk, guardians=told, by=None, at=NOW)
    assert not child.relations.filter(name="Abdi, Amina").exists()


# --- Contact persons (RE-02) ----------------------------------------------------------------------------------------------


def contact(patient, **fields):
    defaults = {"name": "Berit Lund", "relation": "granne", "phone": "040-12 34 56"}
    return writes.add_contact(patient_id=patient.pk, by=None, at=NOW, **(defaults | fields))


def test_a_contact_person_is_added_changed_and_removed(clinic):
    """RE-02"""
    patient = clinic.patient()
    row = contact(patient)
    assert (row.kind, row.phone, row.source) == ("contact", "+4640123456", "Registrerad för hand")
    writes.change(patient_id=patient.pk, relation_id=row.pk, name="Berit Ek", version=1, by=clinic.nurse, at=NOW)
    assert shown(patient) == ["Berit Ek"]
    with pytest.raises(StaleVersion):
        writes.remove(patient_id=patient.pk, relation_id=row.pk, version=1, by=clinic.nurse, at=NOW)
    writes.remove(patient_id=patient.pk, relation_id=row.pk, version=2, by=clinic.nurse, at=NOW)
    assert shown(patient) == []
    events = list(patient.history.exclude(event="registered").values_list("event", "detail"))
    assert events == [("contact_added", ""), ("contact_edited", "name"), ("contact_removed", "")]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "  "}, "name"),
        ({"phone": "ring mig"}, "phone"),
        ({"valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 1)}, "valid_to"),
    ],
)
def test_a_contact_person_that_cannot_be_read_is_refused_at_its_field(clinic, fields, wrong):
    """RE-02"""
    patient = clinic.patient()
    with pytest.raises(InputError) as refused:
        contact(patient, **fields)
    assert list(refused.value.errors) == [wrong]
    assert not PatientRelation.objects.exists()
    assert patient.history.count() == 1


def test_a_protected_patient_has_no_relations_shown_or_written_and_they_can_be_purged(child, clinic):
    """SK-02"""
    visit = clinic.book(child)
    Patient.objects.filter(pk=child.pk).update(protection="sekretessmarkering", protection_set_at=NOW)
    child.refresh_from_db()
    assert shown(child) == []
    with pytest.raises(RuleError) as refused:
        contact(child)
    assert refused.value.rule == "SK-02"
    assert writes.purge(patient_id=child.pk) == 4
    assert not PatientRelation.objects.exists()
    assert not visit.encounter.relations.exists()


def test_nothing_is_kept_where_the_history_cannot_be_written(clinic, monkeypatch):
    """RE-02"""
    patient = clinic.patient()

    def fails(**fields):
        raise OSError

    monkeypatch.setattr(PatientHistory.objects, "create", fails)
    with pytest.raises(OSError):
        contact(patient)
    assert not PatientRelation.objects.exists()


# --- The copy on a vårdhändelse (RE-03) -----------------------------------------------------------------------------------


def copied(encounter):
    return sorted(encounter.relations.values_list("name", "phone"))


def test_a_booked_a_dropped_in_and_a_planned_contact_get_their_copies(child, clinic):
    """RE-03"""
    contact(child)
    wanted = [("Abdi, Amina", ""), ("Abdi, Yusuf", ""), ("Berit Lund", "+4640123456")]
    booked = clinic.book(child).encounter
    dropped_in = encounters.register_unbooked(
        patient_id=child.pk,
        care_unit=clinic.unit,
        situation=DROP_IN,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        by=clinic.nurse,
        at=NOW,
    )
    ward = Clinic(name="Avdelning 1", kind="slutenvard", area="Sp").unit
    planned = admissions.plan_admission(
        patient_id=child.pk, care_unit=ward, expected_start=NOW + DAY, by=clinic.nurse, at=NOW
    )
    assert copied(booked) == copied(dropped_in) == copied(planned) == wanted


def test_the_copy_is_one_statement_whatever_the_number_of_relations(child, clinic):
    """RE-03"""
    encounter = clinic.book(child).encounter
    for number in range(10):
        contact(child, name=f"Nummer {number}")
    with CaptureQueriesContext(connection) as queries:
        writes.copy_to(encounter, at=NOW)
    assert len(queries) == 1
    assert encounter.relations.count() == 14


def test_the_copy_is_its_own_the_patient_is_unchanged_and_so_the_other_way(child, clinic):
    """RE-03"""
    encounter = clinic.book(child).encounter
    row = encounter.relations.get(name="Abdi, Amina")
    writes.change(
        patient_id=child.pk,
        encounter_id=encounter.pk,
        relation_id=row.pk,
        phone="070-174 06 05",
        by=clinic.nurse,
        at=NOW,
    )
    assert guardian(child).phone == ""
    contact(child)
    assert copied(encounter) == [("Abdi, Amina", "+46701740605"), ("Abdi, Yusuf", "")]
    own = contact(child, name="Följer med", encounter_id=encounter.pk)
    assert shown(child) == ["Abdi, Amina", "Abdi, Yusuf", "Berit Lund"]
    writes.remove(patient_id=child.pk, encounter_id=encounter.pk, relation_id=own.pk, by=clinic.nurse, at=NOW)
    assert encounter.relations.count() == 2
    edited = child.history.get(event="guardian_edited")
    assert edited.detail == f"vårdhändelse {encounter.number}, phone"


def test_a_relation_is_not_reached_by_another_patients_address(child, clinic):
    """RE-03"""
    other = clinic.patient(identity=personnummer()[0])
    encounter = clinic.book(child).encounter
    with pytest.raises(encounter.relations.model.DoesNotExist):
        writes.change(
            patient_id=child.pk, encounter_id=encounter.pk, relation_id=guardian(child).pk, phone="", by=None, at=NOW
        )
    with pytest.raises(PatientRelation.DoesNotExist):
        writes.change(patient_id=other.pk, relation_id=guardian(child).pk, phone="", by=None, at=NOW)


def test_ended_relations_and_guardians_of_adults_are_not_copied(child, clinic):
    """RE-01, RE-03"""
    contact(child, valid_to=TODAY - DAY)
    born_on(child, TODAY.replace(year=TODAY.year - 18))
    assert copied(clinic.book(child).encounter) == []


# --- The 18th birthday (RE-01, RE-03) -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "first_day"),
    [
        (date(2008, 11, 27), date(2026, 11, 27)),
        (date(2008, 2, 29), date(2026, 3, 1)),
        (date(2008, 3, 29), date(2026, 3, 29)),
        (date(2008, 10, 25), date(2026, 10, 25)),
        (date(2008, 12, 31), date(2026, 12, 31)),
    ],
    ids=["an ordinary day", "29 February", "the spring clock change", "the autumn clock change", "new year's eve"],
)
def test_guardians_leave_at_midnight_of_the_18th_birthday_and_not_a_minute_before(child, clinic, born, first_day):
    """RE-01"""
    born_on(child, born)
    encounter = clinic.book(child, NOW + DAY, at=NOW - 600 * DAY).encounter if first_day > TODAY else None
    PatientRelation.objects.filter(patient=child).update(gets_letter_copy=True)
    evening = end_of_day(date.fromordinal(first_day.toordinal() - 1))
    assert writes.guardians_of_age(at=evening) == 0
    assert child.relations.count() == 2
    midnight = start_of_day(first_day)
    assert writes.guardians_of_age(at=midnight, dry_run=True) == 1
    assert writes.guardians_of_age(at=midnight) == 1
    assert not child.relations.exists()
    assert encounter is None or not encounter.relations.exists()
    assert writes.guardians_of_age(at=midnight) == 0
    assert child.history.filter(event="guardians_of_age").count() == 1


def test_vardhandelser_that_have_not_ended_lose_them_and_ended_ones_keep_them(child, clinic):
    """RE-03: late by two days"""
    contact(child)
    ended = clinic.arrived(child, NOW - 3 * DAY).encounter
    waiting = clinic.book(child, NOW + 5 * DAY).encounter
    clock.auto_discharge(at=NOW)
    born_on(child, TODAY.replace(year=TODAY.year - 18))
    assert writes.guardians_of_age(at=NOW + 2 * DAY) == 1
    assert [name for name, _ in copied(ended)] == ["Abdi, Amina", "Abdi, Yusuf", "Berit Lund"]
    assert [name for name, _ in copied(waiting)] == ["Berit Lund"]
    assert shown(child) == ["Berit Lund"]


def test_before_the_job_has_been_there_guardians_of_an_adult_are_not_shown(child, clinic):
    """RE-01: at midnight, whatever the job does"""
    encounter = clinic.book(child).encounter
    born_on(child, TODAY.replace(year=TODAY.year - 18))
    encounter.patient.refresh_from_db()
    assert shown(child) == []
    assert presenters.encounter_relations(encounter, on=TODAY) == []
    assert EncounterRelation.objects.count() == 2


def test_the_dead_and_those_whose_age_is_not_known_keep_theirs(child, clinic):
    """RE-01: who died as a child never turned 18"""
    born_on(child, TODAY.replace(year=TODAY.year - 18))
    Patient.objects.filter(pk=child.pk).update(deceased_on=date(2020, 1, 1), deceased_registered_at=NOW)
    assert writes.guardians_of_age(at=NOW) == 0
    Patient.objects.filter(pk=child.pk).update(deceased_on=None, deceased_registered_at=None, birth_date=None)
    assert writes.guardians_of_age(at=NOW) == 0
    assert child.relations.count() == 2


@pytest.mark.parametrize(("partial", "first_day"), [("2008", date(2026, 12, 31)), ("2008-02", date(2026, 3, 1))])
def test_where_the_day_of_birth_is_not_known_the_last_possible_one_counts(child, partial, first_day):
    """RE-01"""
    Patient.objects.filter(pk=child.pk).update(birth_date=None, birth_date_partial=partial)
    assert writes.guardians_of_age(at=start_of_day(date.fromordinal(first_day.toordinal() - 1))) == 0
    assert writes.guardians_of_age(at=start_of_day(first_day)) == 1


@given(born=st.dates(date(1990, 1, 1), date(2030, 12, 31)), on=st.dates(date(2008, 1, 1), date(2048, 12, 31)))
def test_the_statement_and_the_rule_mean_the_same_day(born, on):
    """RE-01"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::date <= (%s::date - interval '18 years')::date", [born, on])
        (by_sql,) = cursor.fetchone()
    assert by_sql == relations.is_of_age(born, "", on) == (age(born, on) >= 18)


# --- Phone numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept", "read"),
    [
        ("070-174 06 05", "+46701740605", "070-174 06 05"),
        ("0046701740605", "+46701740605", "070-174 06 05"),
        ("+45 32 12 34 56", "+4532123456", "+45 32 12 34 56"),
        ("040-12 34 56", "+4640123456", "040-12 34 56"),
        ("", "", ""),
    ],
)
def test_a_number_is_kept_as_e164_and_shown_as_people_write_it(typed, kept, read):
    """PA-06"""
    assert normalised(typed) == kept
    assert display(kept) == read


@pytest.mark.parametrize("typed", ["12", "abc", "070-FLOWERS", "+46"])
def test_what_is_no_number_is_told(typed):
    """PA-06"""
    assert normalised(typed) is None
