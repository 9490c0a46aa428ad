"""The letter to relatives of somebody who has died: with a reason, kept byte for byte, sent when a person says that it
was printed (PL-16, PL-22); never of a protected person (KA-05)."""

import pytest
from django.db import DatabaseError, transaction

from registration.models import Patient, PatientRelation
from scheduling.actions import letters
from scheduling.models import Letter
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.flows import deceased
from tests.clinic import NOW, TODAY, Clinic

TEXT = "Vi beklagar sorgen.\r\n\r\n  Ring oss på 046-17 00 00  \r\nHälsningar Åsa & Örjan <mottagningen>\t"
WORDS = {
    "name": " Karl-Erik  Söderström",
    "address": "c/o Åberg\n Storgatan 1 \n223 50  Lund",
    "heading": "Till dig som är närstående",
    "body": TEXT,
    "reason": "Egna tillhörigheter finns kvar",
}


@pytest.fixture
def clinic(db):
    return Clinic()


@pytest.fixture
def dead(clinic):
    patient = clinic.patient()
    deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=NOW)
    return patient


def write(clinic, patient, **changes):
    fields = {"patient_id": patient.pk, "care_unit": clinic.unit, "by": clinic.nurse, "at": NOW} | WORDS | changes
    return letters.write_to_relatives(**fields)


def test_every_text_is_kept_byte_for_byte(clinic, dead):
    """PL-16"""
    letter = Letter.objects.get(pk=write(clinic, dead).pk)
    assert (letter.body, letter.reason, letter.heading) == (TEXT, WORDS["reason"], WORDS["heading"])
    assert letter.recipient == f"{WORDS['name']}\n{WORDS['address']}"
    assert (letter.status, letter.kind, letter.created_by) == ("unsent", "to_relatives", clinic.nurse)


@pytest.mark.parametrize("field", ["name", "address", "heading", "body", "reason"])
def test_nothing_may_be_missing(clinic, dead, field):
    """PL-22: with a reason."""
    with pytest.raises(InputError) as refused:
        write(clinic, dead, **{field: " \n"})
    assert list(refused.value.errors) == [field]
    assert Letter.objects.count() == 0


def test_it_is_sent_when_a_person_says_that_it_was_printed_and_only_once(clinic, dead):
    """PL-22, PL-27"""
    letter = write(clinic, dead)
    with pytest.raises(StaleVersion):
        letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=NOW, version=9)
    sent = letters.confirm_printed(letter_id=letter.pk, by=clinic.doctor, at=NOW)
    assert (sent.status, sent.decided_by, sent.decided_at) == ("printed", clinic.doctor, NOW)
    for act, fields in ((letters.confirm_printed, {}), (letters.stop, {"reason": "Fel"})):
        with pytest.raises(RuleError) as refused:
            act(letter_id=letter.pk, by=clinic.nurse, at=NOW, **fields)
        assert (refused.value.code, refused.value.by) == ("wrong_status", "Anna Holm")
    assert Letter.objects.get().version == 2


def test_what_was_written_is_never_changed(clinic, dead):
    """PL-16: whatever the door."""
    letter = write(clinic, dead)
    for field in ("recipient", "body", "heading", "sender", "reason"):
        with pytest.raises(DatabaseError), transaction.atomic():
            Letter.objects.filter(pk=letter.pk).update(**{field: "Något annat"})
    assert Letter.objects.get().body == TEXT


def test_a_letter_is_stopped_with_a_reason(clinic, dead):
    """PL-22"""
    letter = write(clinic, dead)
    with pytest.raises(RuleError) as refused:
        letters.stop(letter_id=letter.pk, reason=" ", by=clinic.nurse, at=NOW)
    assert refused.value.code == "reason_missing"
    stopped = letters.stop(letter_id=letter.pk, reason="Fel adress", by=clinic.nurse, at=NOW)
    assert (stopped.status, stopped.stop_reason) == ("stopped", "Fel adress")


def test_no_letter_to_the_relatives_of_the_living_or_of_a_protected_person(clinic, dead):
    """PL-22, KA-05, RI-02"""
    for patient, rule, code in (
        (clinic.patient(), "PL-22", "not_deceased"),
        (clinic.patient(protection="sekretessmarkering"), "KA-05", "protected"),
    ):
        with pytest.raises(RuleError) as refused:
            write(clinic, patient)
        assert (refused.value.rule, refused.value.code) == (rule, code)
    assert Letter.objects.count() == 0


def test_what_came_after_it_was_written_still_stands_in_its_way(clinic, dead):
    """KA-05"""
    letter = write(clinic, dead)
    Patient.objects.filter(pk=dead.pk).update(protection="sekretessmarkering")
    with pytest.raises(RuleError) as refused:
        letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=NOW)
    assert refused.value.rule == "KA-05"
    assert Letter.objects.get().status == "unsent"


def test_the_cascade_stops_letters_to_the_patient_but_not_to_relatives(clinic, dead):
    """AV-02, PL-22, AV-03: and undo makes it the other way round."""
    living = clinic.patient()
    to_patient = Letter.objects.create(
        patient=living,
        care_unit=clinic.unit,
        kind="appointment",
        recipient="X",
        sender="Y",
        heading="Kallelse",
        body="Z",
    )
    deceased.register(patient_id=living.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=NOW)
    to_patient.refresh_from_db()
    assert (to_patient.status, to_patient.stop_reason) == ("stopped", "avliden")
    waiting, printed = write(clinic, living), write(clinic, living)
    letters.confirm_printed(letter_id=printed.pk, by=clinic.nurse, at=NOW)
    left = deceased.undo(patient_id=living.pk, reason="Fel person", by=clinic.doctor, at=NOW)
    for row in (to_patient, waiting, printed):
        row.refresh_from_db()
    assert (to_patient.status, to_patient.stop_reason, to_patient.decided_at) == ("unsent", "", None)
    assert (waiting.status, waiting.stop_reason) == ("stopped", "avliden ångrad")
    assert printed.status == "printed"
    assert [each.sentence for each in left] == [
        "Ett brev till närstående skrevs ut 2026-11-20 kl. 09.00. Kontakta mottagaren."
    ]


def test_a_relation_of_the_patient_is_written_to_but_not_a_protected_one(clinic, dead):
    """PL-22, RE-02, KA-05: the letter stands when the relation has gone."""
    near = PatientRelation.objects.create(patient=dead, kind="contact", name="Kerstin  Dahl", relation="dotter")
    hidden = PatientRelation.objects.create(patient=dead, kind="contact", name="Nils Dahl", is_protected=True)
    other = PatientRelation.objects.create(patient=clinic.patient(), kind="contact", name="Någon Annan")
    letter = write(clinic, dead, name="", relation_id=near.pk)
    assert (letter.relation, letter.recipient) == (near, f"Kerstin  Dahl\n{WORDS['address']}")
    with pytest.raises(RuleError) as refused:
        write(clinic, dead, relation_id=hidden.pk)
    assert (refused.value.rule, refused.value.code) == ("KA-05", "protected")
    with pytest.raises(InputError) as refused:
        write(clinic, dead, relation_id=other.pk)
    assert list(refused.value.errors) == ["relation"]
    near.delete()
    kept = Letter.objects.get()
    assert (kept.relation, kept.recipient) == (None, letter.recipient)
