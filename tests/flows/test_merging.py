"""A record on a reserve number is merged into the present one (RI-02, RI-03, SK-02). Its undo: test_merge_undone.py."""

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from registration import presenters
from registration.actions import clock, contact, encounters, relations
from registration.models import (
    Birth,
    Encounter,
    Patient,
    PatientIdentity,
    PatientPhone,
    PatientSearchKey,
    ReserveDecision,
)
from registration.population_register import LinkedIdentity, RegisterIdentity
from scheduling.actions import check_out
from sdv.common.errors import RuleError
from sdv.flows import consumers, deceased, invariants, merging, protection
from sdv.flows.merging import tables
from sdv.flows.models import MergeChange, PatientMerge
from sdv.outbox.models import OutboxMessage
from tests import registers
from tests.clinic import DAY, NOW, TODAY
from tests.flows.everything import every_row
from tests.flows.merges import do, on_reserve_number, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def present(clinic):
    patient = clinic.patient()
    contact.add_phone(patient_id=patient.pk, number="070-174 06 05", by=clinic.nurse, at=NOW)
    return patient


@pytest.fixture
def old(patient, clinic):
    """The one with one of everything (conftest.py), on a reserve number, with phones, a contact person and a passport."""
    on_reserve_number(patient)
    for number in ("070-174 06 05", "070-174 06 06"):
        contact.add_phone(patient_id=patient.pk, number=number, by=clinic.nurse, at=NOW)
    relations.add_contact(patient_id=patient.pk, name="Berit Lund", by=clinic.nurse, at=NOW)
    PatientSearchKey.objects.create(patient=patient, kind="passport", value="AB1234567")
    return patient


def refused(old, present, clinic, **fields):
    """Rule and code of the refusal, and that nothing at all was changed."""
    before = every_row()
    with pytest.raises(RuleError) as error:
        do(old, present, clinic, **fields)
    assert every_row() == before
    assert not PatientMerge.objects.exists()
    return error.value.rule, error.value.code


# --- What there is of a patient ----------------------------------------------------------------------------------------


def test_every_table_with_something_of_a_patient_is_decided_upon():
    """RI-02: a new one fails here until somebody has thought about it."""
    assert merging.undecided() == []
    held = {(model._meta.label, column) for model, column in consumers.columns()}
    stays = {(label, column) for label, column in held if label in tables.STAYS}
    assert tables.moved_columns() | stays == held, "a table that no longer is there"
    assert {label for label, _ in stays} == set(tables.STAYS)
    assert not set(tables.MOVED) & set(tables.STAYS)
    assert all(tables.STAYS.values())


def test_the_database_knows_of_no_column_that_means_a_patient_and_is_forgotten():
    """RI-02: also tables without a model, and ids kept as plain UUIDs under whatever name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c"
            " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)"
            " WHERE c.contype = 'f' AND c.confrelid = 'registration_patient'::regclass"
            " UNION SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name ~ 'patient' AND data_type IN ('uuid', 'ARRAY')"
        )
        found = set(cursor.fetchall())
    known = {(model._meta.db_table, column) for model, column in consumers.columns()}
    # A partition of a table is that table.
    assert {row for row in found if not row[0].startswith(("accounts_accesslogentry_",))} == known


@isolate_apps("registration")
def test_a_table_that_forgets_the_merge_is_found():
    """RI-02"""

    class Reminder(models.Model):
        patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")

        class Meta:
            app_label = "registration"

    class Call(models.Model):
        patient_id = models.UUIDField()

        class Meta:
            app_label = "registration"

    assert merging.undecided([Reminder, Call, Encounter]) == [
        ("registration.Call", "patient_id"),
        ("registration.Reminder", "patient_id"),
    ]


def test_every_rule_that_a_patient_has_only_one_of_something_is_decided_upon():
    """RI-02: what the present record already has stays, gives up its flag, or is told before."""
    for _, model in tables.models():
        label, flag = model._meta.label, tables.FLAGS.get(model._meta.label)
        for constraint in model._meta.constraints:
            if not isinstance(constraint, models.UniqueConstraint) or "patient" not in constraint.fields:
                continue
            is_flag = flag and constraint.condition == models.Q(**{flag: True})
            assert is_flag or constraint.name in tables.REFUSED or label in tables.DOUBLES, constraint.name
        one_to_one = [field for field in model._meta.fields if field.one_to_one and field.related_model is Patient]
        assert not one_to_one or label in tables.DOUBLES


# --- The merge ----------------------------------------------------------------------------------------------------------


def test_everything_moves_and_the_old_number_leads_to_the_present_record(old, present, clinic):
    """RI-02"""
    number = old.identities.get().value
    counted = {label: tables.rows_of(label, model, old.pk).count() for label, model in tables.models()}
    assert {label for label, count in counted.items() if not count} == {
        "registration.Birth",
        "scheduling.ContactAttempt",
        "scheduling.Offer",
        "flows.DeceasedCascade",
        "registration.PatientAddress",
        "registration.PortalContact",
    }
    do(old, present, clinic)
    left = {label: tables.rows_of(label, model, old.pk).count() for label, model in tables.models()}
    assert {label: count for label, count in left.items() if count} == {"registration.PatientPhone": 1}
    assert list(Patient.objects.with_identity(number, today=TODAY)) == [present]
    assert list(Patient.objects.with_identity("AB1234567", today=TODAY)) == [present]
    assert presenters.load(old.pk) == present
    assert present.identities.filter(is_primary=True).count() == 1
    # A number that both had stays on the old record; the present one's first choice stays.
    assert sorted(present.phones.values_list("number", "is_preferred")) == [
        ("+46701740605", True),
        ("+46701740606", False),
    ]
    assert PatientPhone.objects.filter(patient=old).count() == 1
    assert [old.history.last().event, present.history.last().event] == ["merged_away", "merged_here"]
    assert MergeChange.objects.count() == sum(counted.values()) - 1
    present.refresh_from_db()
    assert present.version > 1, "who has the page open meets the merge (PL-27)"


def test_what_is_done_with_the_old_id_lands_on_the_present_record(old, present, clinic):
    """RI-02"""
    do(old, present, clinic)
    visit = clinic.book(old, NOW + 5 * DAY, commitment_id=present.commitments.first().pk)
    assert (visit.patient, visit.encounter.patient) == (present, present)
    assert not old.appointments.exists()


def test_a_message_that_has_gone_out_was_told_of_the_old_record(old, present, clinic):
    """RI-02: history stays; what has not gone out goes out about the present record."""
    message = OutboxMessage.objects.filter(patient_id=old.pk, topic="appointment-cancelled").get()
    OutboxMessage.objects.filter(pk=message.pk).update(delivered_at=NOW)
    do(old, present, clinic)
    message.refresh_from_db()
    assert message.patient_id == old.pk


def test_a_mother_is_still_her_child_s(old, present, clinic):
    """VH-13: whoever the mother is, by whatever column."""
    birth = Birth.objects.create(encounter=old.encounters.first(), mother=old, number=1)
    do(old, present, clinic)
    birth.refresh_from_db()
    assert birth.mother == present


@pytest.mark.usefixtures("at_the_real_hour")
def test_what_others_have_been_told_is_told_again_and_what_waits_is_not(clinic, present):
    """RI-02, VH-21: 1177 and NPÖ have it under the old number."""
    old = on_reserve_number(clinic.patient())
    clinic.commitment(old)
    visits = [clinic.arrived(old, NOW - days * DAY).encounter for days in (9, 7, 5)]
    for visit in visits:
        at = visit.start
        check_out.check_out(
            encounter_id=visit.pk,
            outcome="no_further_planning",
            accept_warnings=["UT-05"],
            by=clinic.doctor,
            at=at,
            registered_at=at,
        )
    clock.auto_discharge(at=NOW)
    OutboxMessage.objects.exclude(subject_id=visits[0].pk).update(delivered_at=NOW)
    encounters.reopen(encounter_id=visits[2].pk, by=clinic.doctor, at=NOW, reason="Fel")
    OutboxMessage.objects.filter(topic="encounter-withdrawn").update(delivered_at=NOW)
    do(old, present, clinic)
    again = OutboxMessage.objects.get(topic="encounter-changed")
    assert (again.subject_id, again.patient_id, again.delivered_at) == (visits[1].pk, present.pk, None)
    undo(present, clinic)
    assert OutboxMessage.objects.get(topic="encounter-changed").patient_id == old.pk
    do(old, present, clinic)
    OutboxMessage.objects.update(delivered_at=NOW)
    undo(present, clinic)
    assert set(OutboxMessage.objects.filter(delivered_at=None).values_list("topic", "subject_id", "patient_id")) == {
        ("encounter-changed", visit.pk, old.pk) for visit in visits[:2]
    }


def test_care_left_on_a_merged_record_is_a_broken_invariant(old, present, clinic):
    """RI-02"""
    do(old, present, clinic)
    assert list(invariants.care_of_merged_records(NOW)) == []
    Encounter.objects.filter(pk=present.encounters.first().pk).update(patient=old)
    assert list(invariants.care_of_merged_records(NOW)) == [old]


def test_a_chain_of_merges_is_followed(old, present, clinic):
    """RI-02"""
    last = clinic.patient()
    do(old, present, clinic)
    PatientIdentity.objects.filter(patient=present, is_primary=True).update(kind="samordningsnummer")
    do(present, last, clinic, is_told_by_register=True)
    assert presenters.load(old.pk) == last
    visit = clinic.book(old, NOW + 5 * DAY, commitment_id=last.commitments.first().pk)
    assert visit.patient == last


def test_thousands_of_rows_move_in_a_fixed_number_of_statements(old, present, clinic, django_assert_max_num_queries):
    """RI-02: a statement a table, whatever the number"""
    relations.PatientRelation.objects.bulk_create(
        relations.PatientRelation(patient=old, kind="contact", name=f"Nummer {number}") for number in range(3000)
    )
    with django_assert_max_num_queries(60):
        do(old, present, clinic)
    assert MergeChange.objects.filter(table="registration.PatientRelation").count() == 3001


# --- Why not ------------------------------------------------------------------------------------------------------------


def test_two_personnummer_are_never_merged(present, clinic):
    """RI-02, SK-01: whose old and new number nobody may link looks like any person."""
    other = clinic.patient()
    assert refused(other, present, clinic) == ("RI-02", "personnummer")
    assert refused(other, present, clinic, is_told_by_register=True) == ("RI-02", "personnummer")


def test_a_samordningsnummer_is_merged_only_where_the_register_tells_of_it(present, clinic):
    """RI-02"""
    other = clinic.patient()
    PatientIdentity.objects.filter(patient=other).update(kind="samordningsnummer")
    assert refused(other, present, clinic) == ("RI-02", "not_told_by_register")
    do(other, present, clinic, is_told_by_register=True)
    assert PatientMerge.objects.get().is_told_by_register


def test_the_register_s_word_is_asked_for_and_nothing_else_is_taken_for_it(present, clinic):
    """RI-02, PA-04: slow, silent or without a link, it tells nothing."""
    other = clinic.patient()
    number, old = present.identities.get().value, other.identities.get().value
    PatientIdentity.objects.filter(patient=other).update(kind="samordningsnummer")
    assert not merging.told_as_one(other, present)
    link = LinkedIdentity(RegisterIdentity("samordningsnummer", old))
    with registers.connected(registers.person(number, referred=(link,))) as simulator:
        assert merging.told_as_one(other, present)
        asked = len(simulator.requests)
        assert not merging.told_as_one(on_reserve_number(clinic.patient()), present)
        assert len(simulator.requests) == asked, "of a reserve number the register is not asked"
    with registers.connected(registers.person(number)):
        assert not merging.told_as_one(other, present)


def test_the_direction_is_from_the_reserve_number(old, present, clinic):
    """RI-02"""
    assert refused(present, old, clinic) == ("RI-02", "target_without_number")


def test_a_record_is_not_merged_with_itself(present, clinic):
    """RI-02"""
    assert refused(present, present, clinic) == ("RI-02", "same_record")


def test_a_merged_record_is_not_merged_again(old, present, clinic):
    """RI-02"""
    third = clinic.patient()
    do(old, present, clinic)
    with pytest.raises(RuleError) as error:
        do(old, third, clinic)
    assert (error.value.rule, error.value.code) == ("RI-02", "merged")


def test_a_reserve_number_by_the_head_s_decision_is_never_linked(old, present, clinic):
    """RI-03"""
    ReserveDecision.objects.create(
        patient=old,
        decided_by="Eva Lind",
        decided_on=TODAY,
        reason="Hotbild",
        registered_by=clinic.nurse,
        registered_at=NOW,
    )
    assert refused(old, present, clinic) == ("RI-03", "never_linked")


def test_a_dead_and_a_living_are_not_merged(old, present, clinic):
    """RI-02"""
    deceased.register(patient_id=old.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.nurse, at=NOW)
    assert refused(old, present, clinic) == ("RI-02", "one_is_deceased")


def test_two_records_of_a_dead_person_are_merged_and_their_deaths_undone_apart(old, present, clinic):
    """AV-03: each cascade is undone on its own record."""
    for record in (old, present):
        deceased.register(patient_id=record.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.nurse, at=NOW)
    do(old, present, clinic)
    assert present.deceased_cascades.count() == old.deceased_cascades.count() == 1
    with pytest.raises(RuleError) as error:
        deceased.undo(patient_id=present.pk, reason="Fel person", by=clinic.nurse, at=NOW)
    assert (error.value.rule, error.value.code) == ("RI-02", "merged_when_deceased")
    undo(present, clinic)
    assert deceased.undo(patient_id=old.pk, reason="Fel person", by=clinic.nurse, at=NOW) == []
    assert old.appointments.filter(status="booked").count() == 2


def test_a_protected_and_an_open_record_are_not_merged(old, present, clinic):
    """SK-02, SK-04"""
    protection.set_by_hand(patient_id=present.pk, ground="application", by=clinic.nurse, at=NOW)
    assert refused(old, present, clinic) == ("SK-02", "protection_differs")


def test_an_old_record_of_somebody_with_skyddad_folkbokforing_is_merged(old, present, clinic):
    """RI-02, SK-03: the reserve number is marked by hand first, and what was held of it is purged; the kinds may differ."""
    protection.arrives_from_register(Patient.objects.get(pk=present.pk), protection="skyddad_folkbokforing", at=NOW)
    protection.set_by_hand(patient_id=old.pk, ground="application", by=clinic.nurse, at=NOW)
    do(old, present, clinic)
    present.refresh_from_db()
    assert present.protection == "skyddad_folkbokforing"
    assert present.appointments.filter(status="booked").count() == 2
    assert not present.phones.exists()
    assert not present.relations.exists()


def test_two_open_commitments_for_the_same_problem_are_told_first(old, present, clinic):
    """VA-01"""
    clinic.commitment(present)
    assert refused(old, present, clinic) == ("VA-01", "two_commitments")


def test_a_merge_needs_a_reason(old, present, clinic):
    """RI-02"""
    assert refused(old, present, clinic, reason=" ") == ("RI-02", "reason_missing")
