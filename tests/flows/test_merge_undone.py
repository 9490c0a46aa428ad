"""A merge is undone: every row as it was, and what was changed or has come since is told, not lost (RI-02, PL-13)."""

import pytest

from registration.actions import contact, patients, referrals, relations
from registration.models import Encounter, Patient, PatientIdentity, PatientPhone, PatientSearchKey, ProblemCode
from scheduling.actions import appointments
from scheduling.models import Appointment, BookingRequest
from sdv.common.errors import RuleError
from sdv.flows import deceased, invariants, protection
from sdv.flows.models import DeceasedCascade, PatientMerge
from tests.clinic import DAY, NOW, TODAY
from tests.flows.everything import differences, every_row
from tests.flows.merges import do, on_reserve_number, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def present(clinic):
    patient = clinic.patient()
    contact.add_phone(patient_id=patient.pk, number="070-174 06 05", by=clinic.nurse, at=NOW)
    return patient


@pytest.fixture
def old(patient, clinic):
    on_reserve_number(patient)
    for number in ("070-174 06 05", "070-174 06 06"):
        contact.add_phone(patient_id=patient.pk, number=number, by=clinic.nurse, at=NOW)
    relations.add_contact(patient_id=patient.pk, name="Berit Lund", by=clinic.nurse, at=NOW)
    PatientSearchKey.objects.create(patient=patient, kind="passport", value="AB1234567")
    return patient


def everything():
    """Every row of every table, with the cascades that a merge moves."""
    return every_row() | {("cascade", row["id"]): row for row in DeceasedCascade.objects.values()}


def told(done):
    return [(each["what"], each["label"], len(each["rows"])) for each in done.to_check]


def test_undo_restores_every_row_as_it_was(old, present, clinic):
    """PL-13"""
    before = everything()
    do(old, present, clinic)
    assert differences(before, everything())
    assert undo(present, clinic).to_check == []
    assert differences(before, everything()) == {}
    assert [row.history.last().event for row in (old, present)] == ["merge_undone"] * 2
    with pytest.raises(RuleError) as error:
        undo(present, clinic)
    assert (error.value.rule, error.value.code) == ("PL-13", "nothing_to_undo")


def test_merged_and_undone_again_and_again_nothing_is_worn(old, present, clinic):
    """PL-13"""
    before = everything()
    for _ in range(3):
        do(old, present, clinic)
        undo(present, clinic)
    assert differences(before, everything()) == {}
    assert PatientMerge.objects.exclude(undone_at=None).count() == 3


def test_undone_of_the_dead_every_row_is_as_it_was(old, present, clinic):
    """PL-13, AV-03"""
    for record in (old, present):
        deceased.register(patient_id=record.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.nurse, at=NOW)
    before = everything()
    do(old, present, clinic)
    undo(present, clinic)
    assert differences(before, everything()) == {}


def test_a_booking_made_since_follows_its_commitment_and_is_told(old, present, clinic):
    """PL-13: nothing is lost"""
    do(old, present, clinic)
    visit = clinic.book(present, NOW + 5 * DAY, commitment_id=present.commitments.first().pk)
    done = undo(present, clinic)
    visit.refresh_from_db()
    assert (visit.patient, visit.encounter.patient) == (old, old)
    assert told(done) == [("follows", "registration.Encounter", 1)]
    assert broken() == set()


def broken():
    return {each.name for each in invariants.INVARIANTS if not each.is_work and each.rows(NOW).exists()}


def test_a_request_that_was_booked_since_takes_its_booking_along(old, present, clinic):
    """PL-13: also where no vårdåtagande ties them together"""
    request = BookingRequest.objects.waiting().filter(patient=old, open_invitations__isnull=False).first()
    BookingRequest.objects.filter(pk=request.pk).update(commitment=None)
    do(old, present, clinic)
    visit = clinic.book(
        present, NOW + 5 * DAY, booking_request_id=request.pk, commitment_id=present.commitments.first().pk
    )
    done = undo(present, clinic)
    visit.refresh_from_db()
    request.refresh_from_db()
    assert {visit.patient, visit.encounter.patient, request.patient} == {old}
    assert ("changed", "scheduling.BookingRequest", 1) in told(done)
    assert broken() == set()


def test_what_came_since_and_hangs_on_nothing_of_the_old_stays_and_is_told(old, present, clinic):
    """PL-13"""
    do(old, present, clinic)
    referrals.register(
        patient_id=present.pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
    )
    relations.add_contact(patient_id=present.pk, name="Karl Lund", by=clinic.nurse, at=NOW)
    done = undo(present, clinic)
    assert told(done) == [("stays", "registration.Referral", 1), ("stays", "registration.PatientRelation", 1)]
    assert present.referrals.count() == present.relations.count() == 1


def test_what_was_changed_since_goes_back_as_it_has_become_and_is_told(old, present, clinic):
    """PL-13"""
    do(old, present, clinic)
    visit = Appointment.objects.filter(status="booked", patient=present).order_by("start").first()
    appointments.reschedule(
        appointment_id=visit.pk,
        start=NOW + 8 * DAY,
        end=NOW + 8 * DAY + (visit.end - visit.start),
        by=clinic.nurse,
        at=NOW,
    )
    done = undo(present, clinic)
    visit.refresh_from_db()
    assert (visit.patient, visit.start) == (old, NOW + 8 * DAY)
    assert told(done) == [("changed", "registration.Encounter", 1)]


def test_what_was_removed_since_is_told(old, present, clinic):
    """PL-13"""
    do(old, present, clinic)
    PatientPhone.objects.get(patient=present, number="+46701740606").delete()
    assert told(undo(present, clinic)) == [("removed", "registration.PatientPhone", 1)]


def test_a_number_that_the_old_record_has_by_now_stays(old, present, clinic):
    """PL-13: nobody has the same number twice"""
    do(old, present, clinic)
    PatientPhone.objects.filter(patient=present, number="+46701740605").delete()
    PatientPhone.objects.filter(patient=present, number="+46701740606").update(number="+46701740605")
    done = undo(present, clinic)
    assert told(done) == [("held", "registration.PatientPhone", 1)]
    assert present.phones.get().number == old.phones.get().number == "+46701740605"


def test_what_users_have_written_of_the_patient_goes_along_where_the_present_record_is_silent(old, present, clinic):
    """RI-02, PA-06: nobody is without an interpreter because of a merge; and it goes back as it was (PL-13)."""
    patients.edit(patient_id=old.pk, interpreter_language="somaliska", special_housing="Eken", by=clinic.nurse, at=NOW)
    patients.edit(patient_id=present.pk, special_housing="Boken", by=clinic.nurse, at=NOW)
    before = everything()
    do(old, present, clinic)
    present.refresh_from_db()
    assert (present.interpreter_kind, present.interpreter_language) == ("spoken", "somaliska")
    assert present.special_housing == "Boken"
    undo(present, clinic)
    assert differences(before, everything()) == {}
    do(old, present, clinic)
    patients.edit(patient_id=present.pk, interpreter_language="engelska", by=clinic.nurse, at=NOW)
    assert told(undo(present, clinic)) == [("kept", "registration.Patient", 1)]
    present.refresh_from_db()
    assert present.interpreter_language == "engelska"


def test_what_would_be_torn_apart_is_told_first(old, present, clinic):
    """PL-13"""
    own = clinic.commitment(present, ProblemCode.objects.order_by("code")[2])
    visit = clinic.book(present, NOW + 9 * DAY, commitment_id=own.pk)
    do(old, present, clinic)
    moved = present.commitments.exclude(pk=own.pk).first()
    Encounter.objects.filter(pk=visit.encounter_id).update(commitment=moved)
    before = everything()
    with pytest.raises(RuleError) as error:
        undo(present, clinic)
    assert (error.value.rule, error.value.code) == ("PL-13", "torn")
    assert differences(before, everything()) == {}


def test_merges_are_undone_from_the_latest(old, present, clinic):
    """PL-13: what the later one left behind was compared with what the earlier one had brought."""
    second = on_reserve_number(clinic.patient(), "SE1234567891")
    do(old, present, clinic)
    latest = do(second, present, clinic)
    assert undo(present, clinic) == latest
    assert undo(present, clinic).source == old


def test_a_chain_is_undone_from_its_end(old, present, clinic):
    """PL-13"""
    last = clinic.patient()
    before = everything()
    do(old, present, clinic)
    PatientIdentity.objects.filter(patient=present, is_primary=True).update(kind="samordningsnummer")
    do(present, last, clinic, is_told_by_register=True)
    with pytest.raises(RuleError) as error:
        undo(present, clinic)
    assert (error.value.rule, error.value.code) == ("PL-13", "merged_since")
    undo(last, clinic)
    undo(present, clinic)
    PatientIdentity.objects.filter(patient=present, is_primary=True).update(kind="personnummer")
    assert differences(before, everything()) == {}


def test_who_has_died_since_is_not_taken_apart(old, present, clinic):
    """AV-03: the death is undone first, then nothing that it ended is lost."""
    before = everything()
    do(old, present, clinic)
    deceased.register(patient_id=present.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.nurse, at=NOW)
    with pytest.raises(RuleError) as error:
        undo(present, clinic)
    assert (error.value.rule, error.value.code) == ("AV-03", "deceased_since")
    deceased.undo(patient_id=present.pk, reason="Fel person", by=clinic.nurse, at=NOW)
    undo(present, clinic)
    now = everything()
    assert {key: row for key, row in differences(before, now).items() if key[0] != "cascade"} == {}
    assert old.appointments.filter(status="booked").exists()


def test_a_marking_set_since_stands_on_both_and_what_it_purged_does_not_come_back(old, present, clinic):
    """SK-02, SK-04"""
    booked = old.appointments.filter(status="booked").count()
    do(old, present, clinic)
    protection.set_by_hand(patient_id=present.pk, ground="threat", by=clinic.nurse, at=NOW)
    done = undo(present, clinic)
    assert set(Patient.objects.values_list("protection", flat=True)) == {"sekretessmarkering"}
    assert told(done) == [
        ("removed", "scheduling.Letter", 1),
        ("removed", "registration.PatientPhone", 1),
        ("removed", "registration.PatientSearchKey", 1),
        ("removed", "registration.PatientRelation", 1),
    ]
    assert not PatientPhone.objects.exists()
    assert old.appointments.filter(status="booked").count() == booked


def test_an_undo_needs_a_reason(old, present, clinic):
    """PL-13"""
    do(old, present, clinic)
    with pytest.raises(RuleError) as error:
        undo(present, clinic, reason=" ")
    assert error.value.code == "reason_missing"
    assert PatientMerge.objects.get().undone_at is None
