"""Brev to those who wait: that they are on the list, or that nobody has reached them; to one or to several in one act, and
kept as other letters are (KA-01…05, PL-08, PL-10, PL-27)."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, transaction

from registration.actions import referrals
from registration.models import AddressKind, PatientAddress, PatientRelation, PortalContact, Referral
from scheduling import outgoing
from scheduling.actions import contact_attempts, letter_preview, letters, wait_letters, work_items, working
from scheduling.actions.misfits import Misfits
from scheduling.models import BookingRequest, ContactAttempt, Letter, LetterText, tried_today
from sdv.common.errors import InputError, RuleError
from sdv.flows import deceased, protection
from sdv.outbox.delivery import NotTold
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, NOW, TODAY, Clinic

PHONE = "046-17 00 00"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def centre(health_centre):
    LetterText.objects.create(part="phone", care_unit=health_centre.unit, text=PHONE, source="Prov")
    return health_centre


def patient_at_home(clinic):
    patient = clinic.patient()
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def waits(clinic, patient=None, **fields):
    told = {"visit_type": clinic.nurse_visit, "contact_reason": clinic.reason, "wished_to": TODAY + 30 * DAY}
    return work_items.request_booking(
        patient_id=(patient or patient_at_home(clinic)).pk,
        care_unit=clinic.unit,
        wished_from=TODAY,
        **(told | fields),
        by=clinic.nurse,
        at=NOW,
    )


def remiss(clinic, **fields):
    made = referrals.register(
        patient_id=patient_at_home(clinic).pk,
        care_unit=clinic.unit,
        kind="E",
        arrival_date=TODAY - 5 * DAY,
        by=clinic.nurse,
        at=NOW,
    )
    referrals.accept(referral_id=made.pk, problem_code=clinic.problem, by=clinic.doctor, at=NOW, **fields)
    return Referral.objects.get(pk=made.pk)


def write(clinic, row, kind="waiting", **fields):
    subject = "booking_request" if isinstance(row, BookingRequest) else "referral"
    told = {"by": clinic.nurse, "at": NOW}
    return wait_letters.write(subject=subject, row_id=row.pk, kind=kind, **(told | fields))


def write_many(clinic, rows, **fields):
    subject = "booking_request" if isinstance(rows[0], BookingRequest) else "referral"
    told = {"kind": "waiting", "care_unit": clinic.unit, "by": clinic.nurse, "at": NOW}
    return wait_letters.write_many(subject=subject, row_ids=[row.pk for row in rows], **(told | fields))


def refusal(act, *args, **fields):
    count = Letter.objects.count()
    with pytest.raises(RuleError) as refused:
        act(*args, **fields)
    assert Letter.objects.count() == count
    return refused.value


def test_the_whole_letter_to_one_whose_bokningsbegaran_waits(centre):
    """KA-01: every byte of it; nothing of what the visit is for."""
    row = waits(centre)
    letter = write(centre, row, own_text="Vi har öppet i mellandagarna.")
    assert (letter.kind, letter.status, letter.delivery, letter.heading) == (
        "waiting",
        "unsent",
        "post",
        "Du väntar på en tid hos oss",
    )
    assert (letter.booking_request, letter.referral, letter.appointment, letter.is_copy) == (row, None, None, False)
    assert letter.recipient.endswith("\nStorgatan 1\n223 50 Lund")
    assert letter.body == (
        "Vi räknar med en tid senast: söndag 20 december 2026\n"
        f"Var: {centre.unit.name}\n\n"
        "Du väntar på en tid hos oss. Vi har dig på vår väntelista, och du får en kallelse när tiden är bokad. Står det en dag"
        " ovan är den vår bedömning i dag, inte en bokad tid. Behöver du ingen tid längre, har du flyttat eller blir du sämre,"
        f" ring {PHONE}.\n\n"
        "Vi har öppet i mellandagarna."
    )
    assert centre.nurse_visit.name not in letter.body
    assert BookingRequest.objects.waiting().get() == row
    printed = letters.confirm_printed(letter_id=letter.pk, by=centre.nurse, at=NOW)
    assert (printed.status, printed.decided_at) == ("printed", NOW)


def test_a_day_that_has_passed_is_not_promised_and_where_a_call_is_asked_for_no_day_is_told(centre):
    """KA-01"""
    row = waits(centre)
    assert "Vi räknar med" not in write(centre, row, at=NOW + 40 * DAY).body
    called = write(centre, row, "call_us")
    assert "Vi räknar med" not in called.body
    assert f"Ring {PHONE} så hjälper vi dig." in called.body
    assert called.heading == "Ring oss för att få en tid"


def test_a_remiss_in_att_boka_is_told_when_it_came_and_the_day_reckoned_with(centre):
    """KA-01, BO-04"""
    row = remiss(centre, days_to_first_contact=30)
    letter = write(centre, row)
    assert letter.body.startswith(
        "Remissen kom: söndag 15 november 2026\nVi räknar med en tid senast: söndag 20 december 2026\nVar: "
    )
    assert (letter.referral, letter.booking_request) == (row, None)
    receipt = write(centre, row, "referral_receipt")
    letter.refresh_from_db()
    assert (receipt.kind, receipt.status, letter.status) == ("referral_receipt", "unsent", "unsent")


def test_the_letter_is_a_kontaktforsok_and_the_list_hides_the_patient_today(centre):
    """PL-10"""
    row = waits(centre)
    write(centre, row)
    attempt = ContactAttempt.objects.get()
    assert (attempt.booking_request, attempt.method, attempt.result, attempt.by, attempt.at) == (
        row,
        "letter",
        "left_message",
        centre.nurse,
        NOW,
    )
    assert not BookingRequest.objects.filter(~tried_today(NOW)).exists()
    assert BookingRequest.objects.filter(~tried_today(NOW + DAY)).get() == row


def test_one_that_lacks_something_is_no_kontaktforsok_and_stands_as_work_while_the_patient_waits(centre):
    """KA-01, PL-10"""
    row = waits(centre, centre.patient())
    letter = write(centre, row)
    assert (letter.status, "patientens adress saknas" in letter.stop_reason) == ("blocked", True)
    assert not ContactAttempt.objects.exists()
    assert list(Letter.objects.blocked(NOW)) == [letter]
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=row.patient, kind=kind, street="S 1", postal_code="223 50", town="Lund")
    new = letters.write_again(letter_id=letter.pk, by=centre.nurse, at=NOW)
    assert (new.status, new.kind, new.booking_request) == ("unsent", "waiting", row)
    work_items.close_request(request_id=row.pk, reason="Vill inte", by=centre.nurse, at=NOW)
    Letter.objects.filter(pk=new.pk).update(status="blocked", stop_reason="x", decided_at=NOW)
    assert list(Letter.objects.blocked(NOW)) == []


def test_ones_own_repeated_click_does_nothing_and_another_is_told_who_wrote_when(centre):
    """PL-27"""
    row = waits(centre)
    first = write(centre, row)
    assert write(centre, row, at=NOW + MINUTE) == first
    assert (Letter.objects.count(), ContactAttempt.objects.count()) == (1, 1)
    error = refusal(write, centre, row, by=centre.doctor, at=NOW + MINUTE)
    assert (error.rule, error.code, error.user_id, error.at) == ("PL-27", "already_written", centre.nurse.pk, NOW)
    assert f"av {centre.nurse.name}" in error.sentence
    assert write(centre, row, by=centre.doctor, at=NOW + DAY).created_by == centre.doctor


def test_other_words_the_same_day_take_the_place_of_what_waited(centre):
    """KA-03"""
    row = waits(centre)
    first = write(centre, row)
    second = write(centre, row, own_text="Ring före nio.")
    first.refresh_from_db()
    assert (first.status, first.stop_reason, second.status) == ("stopped", "Ersatt av ett nytt brev", "unsent")
    third = letters.rewrite(letter_id=second.pk, own_text="Ring före tio.", by=centre.nurse, at=NOW)
    assert (third.own_text, third.kind, third.booking_request) == ("Ring före tio.", "waiting", row)
    assert list(Letter.objects.to_print()) == [third]


def test_to_who_no_longer_waits_nothing_is_written_or_goes_out(centre):
    """KA-01: on paper and in 1177 alike."""
    patient = patient_at_home(centre)
    PortalContact.objects.create(patient=patient, consented_on=TODAY, told_at=NOW)
    row = waits(centre, patient)
    letter = write(centre, row)
    assert letter.delivery == "both"
    assert OutboxMessage.objects.get(topic="letter-to-portal").subject_id == letter.pk
    assert outgoing.portal_letter(letter.pk, at=NOW).heading == "Du väntar på en tid hos oss"
    work_items.close_request(request_id=row.pk, reason="Vill inte", by=centre.nurse, at=NOW)
    with pytest.raises(NotTold, match="outdated"):
        outgoing.portal_letter(letter.pk, at=NOW)
    for act in (
        lambda: letters.confirm_printed(letter_id=letter.pk, by=centre.nurse, at=NOW),
        lambda: write(centre, row, "call_us"),
        lambda: letters.rewrite(letter_id=letter.pk, own_text="Hej", by=centre.nurse, at=NOW),
        lambda: letter_preview.of_wait(subject="booking_request", row_id=row.pk, kind="waiting", at=NOW),
    ):
        error = refusal(act)
        assert (error.rule, error.code) == ("KA-01", "outdated")
        assert "väntar inte längre på en tid här (avslutad)" in error.sentence


def test_a_remiss_that_has_a_time_waits_for_none(centre):
    """BO-01"""
    row = remiss(centre)
    letter = write(centre, row)
    centre.book(row.patient, NOW + 2 * DAY, commitment_id=row.commitment_id)
    error = refusal(write, centre, row, "call_us")
    assert (error.code, "(bokad)" in error.sentence) == ("outdated", True)
    assert outgoing.outdated_refusal(Letter.objects.get(pk=letter.pk)).code == "outdated"
    annotated = outgoing.with_what_has_become(Letter.objects.select_related("referral")).get(pk=letter.pk)
    assert outgoing.outdated_refusal(annotated).code == "outdated"


def test_one_that_another_unit_has_taken_over_waits_there(centre):
    """PL-25: the letter says whom to call, and it is another unit now."""
    row = waits(centre)
    letter = write(centre, row)
    other = Clinic(kind="vardcentral", area="Pv", name="Söder")
    BookingRequest.objects.filter(pk=row.pk).update(care_unit=other.unit)
    for act in (
        lambda: letters.confirm_printed(letter_id=letter.pk, by=centre.nurse, at=NOW),
        lambda: letters.rewrite(letter_id=letter.pk, own_text="Hej", by=centre.nurse, at=NOW),
    ):
        assert "(övertagen av en annan enhet)" in refusal(act).sentence


def test_the_protected_get_it_by_mediation_and_the_dead_not_at_all(centre):
    """KA-05, PL-22, AV-02"""
    hidden, dead = waits(centre), waits(centre)
    protection.set_by_hand(patient_id=hidden.patient_id, ground="threat", by=centre.nurse, at=NOW)
    letter = write(centre, hidden)
    assert (letter.delivery, letter.recipient) == ("mediation", "")
    unsent = write(centre, dead)
    deceased.register(patient_id=dead.patient_id, deceased_on=TODAY, reason="Dödsbevis", by=centre.doctor, at=NOW)
    unsent.refresh_from_db()
    assert unsent.status == "stopped"
    error = refusal(write, centre, dead, "call_us")
    assert (error.rule, error.code) == ("AV-02", "deceased")


def test_the_interpreter_is_stated_the_language_followed_and_no_copy_goes_to_those_near(centre):
    """KA-03, KA-04: what is registered for those near is the kallelse."""
    patient = patient_at_home(centre)
    patient.interpreter_kind, patient.interpreter_language = "spoken", "somaliska"
    patient.save()
    PatientRelation.objects.create(patient=patient, kind="contact", name="Nära Person", gets_letter_copy=True)
    letter = write(centre, waits(centre, patient), language="en")
    assert [section["part"] for section in letter.parts["sections"]] == ["waiting", "interpreter"]
    assert (letter.heading, Letter.objects.count()) == ("You are waiting for an appointment", 1)
    assert "We expect an appointment by: Sunday 20 December 2026" in letter.body


def test_the_preview_is_the_letter_and_saves_nothing(centre):
    """KA-01"""
    row = waits(centre)
    shown = letter_preview.of_wait(subject="booking_request", row_id=row.pk, kind="call_us", at=NOW)
    assert (Letter.objects.count(), ContactAttempt.objects.count()) == (0, 0)
    assert shown.body == write(centre, row, "call_us").body


def test_several_get_the_same_letter_each_their_own(centre):
    """BB-01"""
    rows = [waits(centre) for _ in range(3)]
    written = write_many(centre, rows, own_text="Hej")
    assert {letter.booking_request_id for letter in written} == {row.pk for row in rows}
    assert (Letter.objects.count(), ContactAttempt.objects.count()) == (3, 3)
    assert write_many(centre, rows, own_text="Hej") == written
    assert (Letter.objects.count(), ContactAttempt.objects.count()) == (3, 3)


def test_whom_it_does_not_fit_is_told_one_by_one_and_nothing_is_saved(centre):
    """PL-08, PL-22, PL-27: then they are left out, and the others get theirs."""
    fits, closed, dead, worked, written = (waits(centre) for _ in range(5))
    work_items.close_request(request_id=closed.pk, reason="Vill inte", by=centre.nurse, at=NOW)
    deceased.register(patient_id=dead.patient_id, deceased_on=TODAY, reason="Dödsbevis", by=centre.doctor, at=NOW)
    assert working.at_work(worked, by=centre.doctor, at=NOW) is None
    write(centre, written, by=centre.doctor)
    rows = [fits, closed, dead, worked, written]
    with pytest.raises(Misfits) as error:
        write_many(centre, rows)
    refused = error.value
    assert (refused.rule, refused.code) == ("PL-08", "misfits")
    assert refused.sentence == (
        "4 av raderna kan inte få brevet, och inget är skrivet. Lämna dem utanför för att skriva till de andra 1."
    )
    assert {pk: each.code for pk, each in refused.rows} == {
        closed.pk: "outdated",
        dead.pk: "deceased",
        worked.pk: "worked_with",
        written.pk: "already_written",
    }
    assert (Letter.objects.count(), ContactAttempt.objects.count()) == (1, 1)
    made = write_many(centre, rows, leave_out=[pk for pk, _ in refused.rows])
    assert [letter.booking_request_id for letter in made] == [fits.pk]


@pytest.mark.parametrize("case", ["none", "elsewhere", "kind", "words", "all_out", "too_many"])
def test_what_cannot_be_understood_changes_nothing(centre, case):
    """BB-01"""
    row = waits(centre)
    asked = {"row_ids": [row.pk], "kind": "waiting", "care_unit": centre.unit}
    asked |= {
        "none": {"row_ids": []},
        "elsewhere": {"care_unit": Clinic(kind="vardcentral", area="Pv", name="Söder").unit},
        "kind": {"kind": "referral_receipt"},
        "words": {"own_text": "x" * 1001},
        "all_out": {"leave_out": [row.pk]},
        "too_many": {"row_ids": range(51)},
    }[case]
    with pytest.raises(InputError) as error:
        wait_letters.write_many(subject="booking_request", **asked, by=centre.nurse, at=NOW)
    assert error.value.errors.keys() == {{"kind": "kind", "words": "own_text"}.get(case, "rad")}
    assert (Letter.objects.count(), ContactAttempt.objects.count()) == (0, 0)


def test_a_fault_on_the_way_saves_nothing(centre, monkeypatch):
    """PL-10: letter and kontaktförsök are one."""
    row = waits(centre)

    def fails(**fields):
        raise RuntimeError

    monkeypatch.setattr(contact_attempts, "record", fails)
    with pytest.raises(RuntimeError):
        write(centre, row)
    assert not Letter.objects.exists()


def test_the_database_keeps_letter_and_who_waits_together(centre):
    """KA-01: a letter of a wait points at one who waits, and no other letter does."""
    row = waits(centre)
    fields = {"patient": row.patient, "care_unit": row.care_unit, "recipient": "A", "sender": "B", "heading": "C"}
    for wrong in ({"kind": "waiting"}, {"kind": "appointment", "booking_request": row}):
        with pytest.raises(IntegrityError, match="letter_of_a_wait"), transaction.atomic():
            Letter.objects.create(**fields, **wrong)


@pytest.mark.django_db(transaction=True)
def test_two_who_write_at_once_write_one(transactional_db, catalogues):
    """PL-27: the second is told."""
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text=PHONE, source="Prov")
    row, start, answers = waits(clinic), Barrier(2), []

    def press(who):
        start.wait()
        try:
            answers.append(write(clinic, row, by=who).status)
        except RuleError as refused:
            answers.append(refused.code)
        finally:
            connection.close()

    threads = [Thread(target=press, args=(who,)) for who in (clinic.nurse, clinic.doctor)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["already_written", "unsent"]
    assert (Letter.objects.count(), ContactAttempt.objects.count()) == (1, 1)
