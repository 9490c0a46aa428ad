"""Remissbekräftelse: that the remiss has come, what was decided, how long the wait is reckoned to be, how to reach the unit;
built of the catalogue's texts and kept as other letters are (VA-03, KA-01…05)."""

import pytest
from django.db import IntegrityError, transaction

from registration import waiting
from registration.actions import referrals
from registration.models import AddressKind, PatientAddress, PatientRelation, PortalContact, Referral
from registration.waiting_times import Wait, expected_by
from scheduling import outgoing
from scheduling.actions import letters
from scheduling.models import Letter, LetterText
from sdv.common.errors import InputError, RuleError
from sdv.flows import deceased, protection
from sdv.outbox.delivery import NotTold
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, NOW, TODAY, Clinic

PHONE = "046-17 00 00"


@pytest.fixture
def clinic(db):
    clinic = Clinic()
    LetterText.objects.create(part="phone", text=PHONE, source="Prov", care_unit=clinic.unit)
    LetterText.objects.create(part="opening", text="Vardagar kl. 8–16.", source="Prov", care_unit=clinic.unit)
    return clinic


def living_at(patient):
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(
        patient=patient, kind=kind, street="Exempelgatan 1", postal_code="123 45", town="Exempelstad"
    )
    return patient


def received(clinic, patient=None, **fields):
    defaults = {"kind": "E", "arrival_date": TODAY - 5 * DAY, "by": clinic.nurse, "at": NOW}
    patient = patient or living_at(clinic.patient())
    made = referrals.register(patient_id=patient.pk, care_unit=clinic.unit, **(defaults | fields))
    return Referral.objects.get(pk=made.pk)


def write(clinic, referral, **fields):
    (letter,) = letters.write_of_referral(referral_id=referral.pk, **({"by": clinic.nurse, "at": NOW} | fields))
    return letter


def accepted(clinic, referral, **fields):
    act = {"problem_code": clinic.problem, "by": clinic.doctor, "at": NOW}
    return referrals.accept(referral_id=referral.pk, **(act | fields))


def refusal(act, **fields):
    count = Letter.objects.count()
    with pytest.raises(RuleError) as refused:
        act(**fields)
    assert Letter.objects.count() == count
    return refused.value


def test_the_whole_letter_of_an_accepted_remiss(clinic):
    """KA-01: every byte of it. The medical target date is what is reckoned with; the reason of a decision is not told."""
    row = received(clinic)
    accepted(clinic, row, days_to_first_contact=30)
    letter = write(clinic, row, own_text="Ta kontakt om du flyttar.")
    assert letter.recipient == "Hodan Abdi\nExempelgatan 1\n123 45 Exempelstad"
    assert (letter.kind, letter.status, letter.delivery, letter.heading, letter.sender) == (
        "referral_receipt",
        "unsent",
        "post",
        "Besked om din remiss",
        "Provregionen",
    )
    assert letter.body == (
        "Remissen kom: söndag 15 november 2026\n"
        "Vi räknar med en tid senast: söndag 20 december 2026\n"
        "Var: Ortopedmottagningen\n\n"
        "Vi har tagit emot och godkänt din remiss eller egna vårdbegäran. Du väntar nu på en tid och får en kallelse när den"
        " är bokad. Står det en dag ovan är den vår bedömning i dag, inte en bokad tid. Har du frågor, eller blir du sämre,"
        f" ring {PHONE}.\n\n"
        "Ta kontakt om du flyttar.\n\n"
        "När du kan ringa\nVardagar kl. 8–16."
    )
    assert (letter.referral, letter.appointment, letter.is_copy, letter.tells_fee) == (row, None, False, False)
    assert clinic.problem.name not in letter.body
    printed = letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=NOW)
    assert (printed.status, printed.decided_at) == ("printed", NOW)


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (None, "har kommit till oss. Nu bedömer vi den."),
        ("return", "Vi behöver veta mer innan vi kan bedöma"),
        ("reject", "kan inte erbjuda dig någon tid hos oss"),
        ("forward", "vidare till Hjärtmottagningen, som nu bedömer den"),
        ("outside", "vidare till Hallands sjukhus, som nu bedömer den"),
    ],
)
def test_each_decision_has_its_own_words(clinic, decision, says):
    """VA-03: why it was decided so is between the units; no day is promised before the remiss is accepted."""
    row = received(clinic)
    act = {"referral_id": row.pk, "reason": "Känsligt skäl", "by": clinic.doctor, "at": NOW}
    if decision == "forward":
        referrals.forward(**act, to_unit=Clinic(name="Hjärtmottagningen").unit)
    elif decision == "outside":
        referrals.forward_outside(**act, receiver="Hallands sjukhus")
    elif decision:
        referrals.decide(**act, decision=decision)
    letter = write(clinic, row)
    assert says in letter.body
    assert "Vi räknar med" not in letter.body
    assert "Känsligt skäl" not in letter.body
    assert PHONE in letter.body


def test_the_day_that_is_reckoned_with():
    """BO-04: the target date; when there is none or it has passed the guarantee's last day, with what is not counted; when
    that has passed too nothing is promised."""

    def by(**fields):
        return expected_by(Wait(since=TODAY - 10 * DAY, until=TODAY, **fields), today=TODAY)

    assert by(target=TODAY + 3 * DAY, limit=90) == TODAY + 3 * DAY
    assert by(target=TODAY, limit=90) == TODAY
    assert by(target=TODAY - DAY, limit=90) == TODAY + 80 * DAY
    assert by(limit=90, left_out=5) == TODAY + 85 * DAY
    assert by(limit=10) == TODAY
    assert by(limit=9) is None
    assert by() is None


def test_without_a_target_date_the_guarantees_last_day_is_told(clinic):
    """BO-04: ninety days from the day the wait began, in specialist care."""
    row = received(clinic)
    accepted(clinic, row)
    assert waiting.wait_of(row, on=TODAY, limits=waiting.limits()).limit == 90
    assert "Vi räknar med en tid senast: lördag 13 februari 2027\n" in write(clinic, row).body


def test_in_english_where_the_patient_reads_english(clinic):
    """KA-03: what the catalogue lacks stands in Swedish and says so; the next letter follows in the same language."""
    row = received(clinic)
    accepted(clinic, row, days_to_first_contact=30)
    letter = write(clinic, row, language="en")
    assert letter.heading == "About your referral"
    assert letter.body.startswith(
        "Referral received: Sunday 15 November 2026\nWe expect an appointment by: Sunday 20 December 2026\n"
    )
    assert "We have received and approved your referral" in letter.body
    assert letter.parts["fallback"] == ["opening"]
    assert write(clinic, row).language == "en"


def test_the_need_of_an_interpreter_is_stated(clinic):
    """KA-04"""
    patient = living_at(clinic.patient())
    patient.interpreter_kind, patient.interpreter_language = "spoken", "somaliska"
    patient.save()
    letter = write(clinic, received(clinic, patient))
    assert "interpreter" in [section["part"] for section in letter.parts["sections"]]


def test_no_copy_goes_to_those_near(clinic):
    """KA-04: what is registered for them is the kallelse."""
    patient = living_at(clinic.patient())
    PatientRelation.objects.create(patient=patient, kind="contact", name="Nära Person", gets_letter_copy=True)
    write(clinic, received(clinic, patient))
    assert Letter.objects.get().is_copy is False


def test_a_protected_person_gets_it_by_mediation_without_an_address(clinic):
    """KA-05"""
    patient = living_at(clinic.patient())
    row = received(clinic, patient)
    waiting_letter = write(clinic, row)
    protection.set_by_hand(patient_id=patient.pk, ground="threat", by=clinic.nurse, at=NOW)
    assert not Letter.objects.filter(pk=waiting_letter.pk).exists()
    letter = write(clinic, row)
    assert (letter.delivery, letter.recipient) == ("mediation", "")
    assert "Hodan" not in letter.body


def test_nothing_is_written_or_sent_to_the_dead(clinic):
    """PL-22"""
    patient = living_at(clinic.patient())
    row = received(clinic, patient)
    act = {"referral_id": row.pk, "decision": "reject", "reason": "Nej", "by": clinic.doctor, "at": NOW}
    referrals.decide(**act)
    letter = write(clinic, row)
    deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=NOW)
    letter.refresh_from_db()
    assert letter.status == "stopped"
    error = refusal(letters.write_of_referral, referral_id=row.pk, by=clinic.nurse, at=NOW)
    assert (error.rule, error.code) == ("PL-22", "deceased")


def test_one_that_says_what_is_no_longer_so_goes_nowhere(clinic):
    """VA-03: neither on paper nor in 1177; a new one takes its place."""
    patient = living_at(clinic.patient())
    PortalContact.objects.create(patient=patient, consented_on=TODAY, told_at=NOW)
    row = received(clinic, patient)
    letter = write(clinic, row)
    assert letter.delivery == "both"
    assert OutboxMessage.objects.filter(topic="letter-to-portal", subject_id=letter.pk).count() == 1
    assert outgoing.portal_letter(letter.pk, at=NOW).heading == "Besked om din remiss"
    accepted(clinic, row)
    with pytest.raises(NotTold, match="outdated"):
        outgoing.portal_letter(letter.pk, at=NOW)
    error = refusal(letters.confirm_printed, letter_id=letter.pk, by=clinic.nurse, at=NOW)
    assert (error.rule, error.code) == ("VA-03", "outdated")
    assert "Remissen är nu accepterad" in error.sentence
    new = write(clinic, row)
    letter.refresh_from_db()
    assert (letter.status, letter.stop_reason, new.status) == ("stopped", "Ersatt av ett nytt brev", "unsent")


def test_of_a_used_remiss_nothing_is_told(clinic):
    """VA-04"""
    patient = living_at(clinic.patient())
    row = received(clinic, patient)
    commitment = accepted(clinic, row).commitment
    clinic.arrived(patient, commitment_id=commitment.pk)
    error = refusal(letters.write_of_referral, referral_id=row.pk, by=clinic.nurse, at=NOW)
    assert (error.rule, error.code) == ("VA-03", "wrong_status")


def test_what_is_missing_is_named_and_written_again(clinic):
    """KA-01: the letter stands as work among the unit's brev; the decision is made all the same."""
    patient = clinic.patient()
    row = received(clinic, patient)
    letter = write(clinic, row)
    assert (letter.status, letter.stop_reason) == (
        "blocked",
        "Brevet kan inte skrivas: patientens adress saknas. Fyll i det, och skriv brevet igen.",
    )
    assert list(Letter.objects.blocked(NOW)) == [letter]
    living_at(patient)
    new = letters.write_again(letter_id=letter.pk, by=clinic.nurse, at=NOW)
    assert (new.status, new.referral) == ("unsent", row)
    other = letters.rewrite(letter_id=new.pk, own_text="Hej", by=clinic.nurse, at=NOW)
    assert (other.own_text, other.referral, list(Letter.objects.to_print())) == ("Hej", row, [other])


def test_a_catalogue_without_the_text_names_it(clinic):
    """KA-03: dated; and a letter that was written stays as it is."""
    row = received(clinic)
    letter = write(clinic, row)
    before = letter.body
    LetterText.objects.filter(part="referral_received").update(valid_to=TODAY - DAY)
    blocked = write(clinic, row)
    assert "texten Remissbekräftelse: har kommit (Kallelsetexter)" in blocked.stop_reason
    LetterText.objects.create(part="referral_received", text="Ny text.", source="Prov", valid_from=TODAY)
    assert "Ny text." in write(clinic, row).body
    letter.refresh_from_db()
    assert letter.body == before


def test_own_words_have_a_bound(clinic):
    """PL-16"""
    row = received(clinic)
    with pytest.raises(InputError):
        write(clinic, row, own_text="x" * 1001)
    assert not Letter.objects.exists()


def test_the_database_keeps_letter_and_remiss_together(clinic):
    """VA-03: a remissbekräftelse points at its remiss, and no other letter does."""
    row = received(clinic)
    fields = {"patient": row.patient, "care_unit": row.care_unit, "recipient": "A", "sender": "B", "heading": "C"}
    for wrong in ({"kind": "referral_receipt"}, {"kind": "appointment", "referral": row}):
        with pytest.raises(IntegrityError, match="letter_of_a_remiss"), transaction.atomic():
            Letter.objects.create(**fields, **wrong)
