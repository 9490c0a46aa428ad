"""The register's word of a death: its date as far as it is known, another date than the one set by hand, a death taken
back, and the same word again after support has undone it (AV-01…03, PA-05)."""

from datetime import date

import pytest

from registration import presenters
from registration.models import CareCommitment, Encounter, Patient
from scheduling.actions import appointments
from scheduling.models import Appointment
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.flows import deceased
from sdv.flows.models import CascadeChange, DeceasedCascade
from tests.clinic import DAY, EVENING, NOW, TODAY
from tests.flows.test_deceased import state


def told(patient, died_on, at=EVENING, **fields):
    return deceased.told_by_register(patient_id=patient.pk, died_on=died_on, at=at, **fields)


def events(patient):
    return list(patient.history.values_list("event", flat=True))


def die(clinic, patient, day=TODAY, **fields):
    fields = {"reason": "Dödsbevis", "by": clinic.doctor, "at": NOW} | fields
    return deceased.register(patient_id=patient.pk, deceased_on=day, **fields)


def undo(clinic, patient):
    return deceased.undo(patient_id=patient.pk, reason="Fel i registret", by=clinic.doctor, at=EVENING)


@pytest.mark.parametrize(
    ("died_on", "last", "text"),
    [
        ("2026-11-18", date(2026, 11, 18), "Avliden 2026-11-18"),
        ("2026-10", date(2026, 10, 31), "Avliden 2026-10"),
        ("2024-02", date(2024, 2, 29), "Avliden 2024-02"),
        ("2026-11", TODAY, "Avliden 2026-11"),
        ("2026", TODAY, "Avliden 2026"),
        ("2025", date(2025, 12, 31), "Avliden 2025"),
    ],
)
def test_a_date_that_is_partly_known_counts_from_its_last_possible_day(clinic, died_on, last, text):
    """AV-01: what is after that day is certainly after the death; shown as far as it is known."""
    patient = clinic.patient()
    cascade = told(patient, died_on)
    patient.refresh_from_db()
    assert (patient.deceased_on, cascade.deceased_on) == (last, last)
    assert presenters.shown(patient, on=TODAY).deceased_text == text
    assert (cascade.source, cascade.register_told, cascade.run_at) == ("pu", died_on, None)


@pytest.mark.parametrize("died_on", ["2026-13", "2026-02-30", "26-10-29", "2026-1", "okänt", "2026-10-", "0000-01-01"])
def test_a_date_that_is_none_is_refused(clinic, died_on):
    """AV-01"""
    patient = clinic.patient()
    with pytest.raises(InputError):
        told(patient, died_on)
    patient.refresh_from_db()
    assert (patient.deceased_on, DeceasedCascade.objects.count()) == (None, 0)


def test_a_date_to_come_is_refused(clinic):
    """AV-01"""
    with pytest.raises(RuleError) as refused:
        told(clinic.patient(), "2026-12")
    assert refused.value.code == "date_in_future"


def test_somebody_found_dead_is_said_to_have_been_found(clinic):
    """AV-01: the person died that day or before."""
    patient = clinic.patient()
    told(patient, "2026-11-18", was_found=True)
    patient.refresh_from_db()
    assert presenters.deceased_text(patient) == "Avliden, anträffad 2026-11-18"
    deceased.run_pending(at=EVENING)
    undo(clinic, patient)
    patient.refresh_from_db()
    assert (patient.deceased_on, patient.was_found_dead) == (None, False)


def test_another_date_than_the_one_set_by_hand_holds_and_moves_what_the_cascade_dated(clinic, patient):
    """AV-02, AV-03: and undo still restores all of it."""
    before = state(patient)
    die(clinic, patient)
    cascade = told(patient, "2026-11-19")
    patient.refresh_from_db()
    assert (patient.deceased_on, patient.deceased_registered_at) == (date(2026, 11, 19), NOW)
    assert (cascade.source, cascade.reason) == ("manual", "Dödsbevis")
    closed = set(CareCommitment.objects.values_list("opened_on", "closed_on"))
    assert closed == {(TODAY, TODAY)}, "never before the day it was opened"
    assert patient.history.last().detail == "Avliden 2026-11-19, tidigare 2026-11-20: enligt registret"
    assert deceased.run_pending(at=EVENING) == 1
    assert undo(clinic, patient) == []
    assert state(patient) == before


def test_an_earlier_date_ends_what_nobody_had_dealt_with_since_and_lists_the_uteblivna(clinic):
    """AV-02"""
    patient = clinic.patient()
    clinic.commitment(patient, at=NOW - 9 * DAY)
    left = clinic.book(patient, NOW - 2 * DAY, at=NOW - 8 * DAY)
    missed = clinic.book(patient, NOW - DAY, at=NOW - 8 * DAY)
    appointments.no_show(appointment_id=missed.pk, by=clinic.nurse, at=NOW)
    before = state(patient)
    cascade = die(clinic, patient)
    assert (Appointment.objects.get(pk=left.pk).status, deceased.left_to_do(cascade)) == ("booked", [])
    cascade = told(patient, "2026-11-17")
    deceased.run_pending(at=EVENING)
    assert Appointment.objects.get(pk=left.pk).status == "cancelled"
    assert [row.pk for row in deceased.left_to_do(cascade)] == [missed.encounter_id]
    assert set(CareCommitment.objects.values_list("closed_on", flat=True)) == {date(2026, 11, 17)}
    assert undo(clinic, patient) == []
    assert state(patient) == before


def test_a_register_that_knows_less_and_agrees_changes_nothing(clinic):
    """AV-01: the month alone does not wipe out the day."""
    patient = clinic.patient()
    die(clinic, patient)
    cascade = told(patient, "2026-11")
    patient.refresh_from_db()
    assert (patient.deceased_on, patient.deceased_partial, cascade.register_told) == (TODAY, "", "2026-11")
    told(patient, "2026-11-20")
    assert events(patient) == ["registered", "deceased"]


def test_the_same_word_night_after_night_changes_nothing(clinic):
    """AV-01"""
    patient = clinic.patient()
    told(patient, "2026-11-18")
    deceased.run_pending(at=EVENING)
    before = (list(DeceasedCascade.objects.values()), Patient.objects.values().get(pk=patient.pk), events(patient))
    told(patient, "2026-11-18", at=EVENING + DAY)
    after = (list(DeceasedCascade.objects.values()), Patient.objects.values().get(pk=patient.pk), events(patient))
    assert after == before


def test_a_death_taken_back_by_the_register_waits_for_support(clinic, patient):
    """AV-03: nothing is undone by itself; the word is kept for those who decide."""
    told(patient, "2026-11-18")
    deceased.run_pending(at=EVENING)
    after_death = state(patient)
    cascade = told(patient, "", at=EVENING + DAY)
    assert cascade.register_withdrew_at == EVENING + DAY
    assert told(patient, "", at=EVENING + 2 * DAY).register_withdrew_at == EVENING + DAY
    assert state(patient) == after_death
    assert events(patient)[-1] == "deceased_withdrawn"
    assert told(patient, "2026-11-18", at=EVENING + 3 * DAY).register_withdrew_at is None
    undo(clinic, patient)
    patient.refresh_from_db()
    assert patient.deceased_on is None


def test_what_support_has_undone_is_not_marked_again_by_the_same_word(clinic):
    """AV-03"""
    patient = clinic.patient()
    told(patient, "2026-11-18")
    deceased.run_pending(at=EVENING)
    undo(clinic, patient)
    assert told(patient, "2026-11-18", at=EVENING + DAY) is None
    assert told(patient, "", at=EVENING + DAY) is None
    patient.refresh_from_db()
    assert patient.deceased_on is None
    assert told(patient, "2026-11-19", at=EVENING + DAY).deceased_on == date(2026, 11, 19)


def test_a_register_that_is_late_takes_nothing_back(clinic):
    """AV-01: set by hand today, not yet known to the register."""
    patient = clinic.patient()
    die(clinic, patient)
    assert told(patient, "").register_withdrew_at is None


def test_a_date_set_by_hand_is_corrected_with_a_reason(clinic, patient):
    """AV-01, AV-02"""
    die(clinic, patient)
    seen = Patient.objects.get(pk=patient.pk).version
    fields = {"patient_id": patient.pk, "by": clinic.doctor, "at": EVENING}
    before = state(patient)
    for changes, error in (
        ({"died_on": "2026-11-18", "reason": " "}, RuleError),
        ({"died_on": "2026-12-24", "reason": "Fel"}, RuleError),
        ({"died_on": "i går", "reason": "Fel"}, InputError),
        ({"died_on": "2026-11-18", "reason": "Fel", "version": seen - 1}, StaleVersion),
    ):
        with pytest.raises(error):
            deceased.correct_date(**fields | changes)
    assert state(patient) == before
    deceased.correct_date(**fields, died_on="2026-11-18", reason="Enligt dödsbeviset", version=seen)
    patient.refresh_from_db()
    assert patient.deceased_on == date(2026, 11, 18)
    assert patient.history.last().detail == "Avliden 2026-11-18, tidigare 2026-11-20: Enligt dödsbeviset"


def test_the_register_s_whole_date_is_locked(clinic):
    """PA-05"""
    patient = clinic.patient()
    fields = {"patient_id": patient.pk, "died_on": "2026-11-17", "reason": "Fel", "by": clinic.doctor, "at": EVENING}
    with pytest.raises(RuleError) as refused:
        deceased.correct_date(**fields)
    assert refused.value.code == "not_deceased"
    told(patient, "2026-11")
    deceased.correct_date(**fields)
    told(patient, "2026-11-18")
    with pytest.raises(RuleError) as refused:
        deceased.correct_date(**fields)
    assert (refused.value.rule, refused.value.code) == ("PA-05", "locked_field")
    patient.refresh_from_db()
    assert patient.deceased_on == date(2026, 11, 18)
    assert CascadeChange.objects.count() == 0
    assert Encounter.objects.count() == 0
