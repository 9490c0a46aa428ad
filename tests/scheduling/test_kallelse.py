"""The kallelse: built of the catalogue's texts and the booking's facts, kept byte for byte, followed when the time is
changed or cancelled (KA-01…05, PL-09, PL-14, RE-02)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from registration.actions import relations
from registration.models import AddOn, AddressKind, FeeRate, Patient, PatientAddress, PortalContact
from scheduling.actions import appointments, letter_writing, letters
from scheduling.models import Letter, LetterDocument, LetterText
from sdv.common.errors import InputError, RuleError
from sdv.flows import cancellation, deceased, protection
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, NOW, TODAY, Clinic

START = datetime(2026, 12, 1, 8, 45, tzinfo=UTC)  # tisdag, 09.45 in Stockholm


@pytest.fixture
def clinic(db):
    """A vårdcentral with a telephone and an address for its patients' letters."""
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    text(clinic, "phone", "046-17 00 00", care_unit=clinic.unit)
    return clinic


def text(clinic, part, words, **fields):
    return LetterText.objects.create(part=part, text=words, source="Prov", **fields)


def living_at(patient, street="Exempelgatan 1 lgh 1001"):
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street=street, postal_code="123 45", town="Exempelstad")
    return patient


def booked(clinic, patient=None, start=START, **fields):
    patient = patient or living_at(clinic.patient())
    return clinic.book(patient, start, letter=True, **fields)


def only(**fields):
    return Letter.objects.get(**fields)


def test_the_whole_letter_of_a_nurse_s_visit(clinic):
    """KA-01: every byte of it."""
    text(clinic, "wording", "Du har fått en tid för att vi ska ta reda på hur du mår.", contact_reason=clinic.reason)
    text(clinic, "preparation", "Ät som vanligt.", contact_reason=clinic.reason)
    text(clinic, "directions", "Norra vägen 2, plan 3", care_unit=clinic.unit)
    booked(clinic)
    letter = only()
    assert letter.recipient == "Hodan Abdi\nExempelgatan 1 lgh 1001\n123 45 Exempelstad"
    assert letter.sender == "Provregionen"
    assert (letter.kind, letter.status, letter.delivery, letter.heading) == (
        "appointment",
        "unsent",
        "post",
        "Du har fått en tid",
    )
    assert letter.body == (
        "När: tisdag 1 december 2026 kl. 09.45\n"
        "Var: Vårdcentralen Norr\n"
        "Du träffar: Sara Norén, sjuksköterska\n\n"
        "Du har fått en tid för att vi ska ta reda på hur du mår.\n\n"
        "Förbered dig så här\nÄt som vanligt.\n\n"
        "Hitta hit\nNorra vägen 2, plan 3\n\n"
        "Om du inte kan komma\nBoka om eller avboka senast 24 timmar innan. Då betalar du ingenting. Du gör det på 1177.se"
        " eller på telefon 046-17 00 00.\n\n"
        "Vad kostar det?\nBesöket är avgiftsfritt.\n\n"
        "Om du inte kommer\nOm du inte kommer, eller avbokar senare än 24 timmar innan, kostar det 300 kronor. Det gäller"
        " också dig som har frikort.\n\n"
        "Ta med\nTa med legitimation, och frikort om du har."
    )
    assert letter.tells_fee
    assert not Letter.objects.tell_of_the_fee().exists()
    letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=NOW)
    assert Letter.objects.tell_of_the_fee().get() == letter


def test_nothing_of_the_person_or_the_clinic_shows_in_the_window(clinic):
    """ui 4.13: no personnummer, and no kind of clinic outside the envelope."""
    patient = living_at(clinic.patient())
    booked(clinic, patient)
    letter = only()
    number = patient.identities.get().value
    for outside in (letter.sender, letter.recipient):
        assert number[2:8] not in outside
        assert clinic.unit.name not in outside
    assert number[2:] not in letter.body


@pytest.mark.parametrize(
    ("profession", "born", "visit", "no_show"),
    [
        ("doctor", date(1970, 1, 1), 200, 400),
        ("nurse", date(1970, 1, 1), 0, 300),
        ("doctor", date(2006, 12, 2), 0, None),
        ("doctor", date(2006, 12, 1), 200, 400),
        ("doctor", date(1941, 12, 1), 0, 300),
        ("doctor", date(1941, 12, 2), 200, 400),
    ],
)
def test_amounts_come_from_the_dated_taxa_by_the_age_on_the_day_of_the_visit(clinic, profession, born, visit, no_show):
    """PL-14: twenty the day before the visit or on it, eighty-five on it."""
    patient = living_at(clinic.patient(birth_date=born))
    doctor = {"visit_type": clinic.doctor_visit, "resource": clinic.doctor_resource}
    booked(clinic, patient, **(doctor if profession == "doctor" else {}))
    body = only().body
    assert ("Besöket är avgiftsfritt." in body) == (visit == 0)
    assert (f"Besöket kostar {visit} kronor." in body) == (visit > 0)
    assert ("Om du inte kommer" in body) == (no_show is not None)
    assert no_show is None or f"kostar det {no_show} kronor" in body


def test_where_no_amount_is_known_nothing_is_said_of_it(clinic):
    """PL-14: never invented."""
    FeeRate.objects.all().delete()
    doctor = {"visit_type": clinic.doctor_visit, "resource": clinic.doctor_resource}
    booked(clinic, living_at(clinic.patient(birth_date=date(1970, 1, 1))), **doctor)
    body = only().body
    assert "kronor" not in body
    assert "Vad kostar det?" not in body


@pytest.mark.parametrize(("kind", "amount"), [("R", 100), ("E", 300), ("V", None)])
def test_a_specialist_s_visit_costs_by_whether_there_is_a_remiss(db, kind, amount):
    """PL-14"""
    clinic = Clinic()
    text(clinic, "phone", "046-17 00 00", care_unit=clinic.unit)
    patient = living_at(clinic.patient(birth_date=date(1970, 1, 1)))
    commitment = clinic.commitment(patient)
    commitment.referrals.update(kind=kind)
    booked(clinic, patient, visit_type=clinic.doctor_visit, resource=clinic.doctor_resource)
    body = only().body
    assert ("Besöket kostar" in body) == (amount is not None)
    assert amount is None or f"Besöket kostar {amount} kronor." in body
    assert "kostar det 600 kronor" in body


def test_texts_are_those_of_the_day_the_letter_is_written_and_what_was_sent_stays_byte_for_byte(clinic):
    """KA-03: two years of changes in the catalogue."""
    first = text(clinic, "wording", "Första ordalydelsen — åäö <&> {x".replace("{x", "x"), contact_reason=clinic.reason)
    booked(clinic)
    letter = only()
    document = letters.make_document(letter_id=letter.pk, render=as_bytes, by=clinic.nurse, at=NOW)
    letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=NOW)
    before = Letter.objects.filter(pk=letter.pk).values().get(), bytes(document.pdf), document.sha256
    for month in range(24):
        on = TODAY + timedelta(days=30 * month)
        first.valid_to = on
        first.save(update_fields=["valid_to"])
        first = text(clinic, "wording", f"Version {month}", contact_reason=clinic.reason, valid_from=on + DAY)
        LetterText.objects.filter(part="cancel").update(text=f"Ring {{telefon}} version {month}")
        FeeRate.objects.update(amount=1000 + month)
    clinic.unit.name = "Något annat"
    clinic.unit.save()
    after = LetterDocument.objects.get()
    assert (Letter.objects.filter(pk=letter.pk).values().get(), bytes(after.pdf), after.sha256) == before
    later = NOW + timedelta(days=740)
    booked(clinic, living_at(clinic.patient()), start=later + 2 * DAY, at=later)
    newest = Letter.objects.order_by("-created_at").first()
    assert "Version 23" in newest.body
    assert "version 23" in newest.body
    assert "Första" not in newest.body


def as_bytes(letter):
    return f"{letter.recipient}\n{letter.heading}\n{letter.body}".encode()


def test_exactly_one_version_is_valid_a_day(clinic):
    """KA-03: whatever the door."""
    text(clinic, "wording", "En", contact_reason=clinic.reason, valid_to=TODAY)
    text(clinic, "wording", "Två", contact_reason=clinic.reason, valid_from=TODAY + DAY)
    for fields in ({"valid_from": TODAY}, {"valid_to": TODAY}, {}):
        with pytest.raises(IntegrityError), transaction.atomic():
            text(clinic, "wording", "Tre", contact_reason=clinic.reason, **fields)
    for fields in ({"care_unit": clinic.unit}, {}, {"contact_reason": clinic.reason, "unit_kind": "bvc"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            text(clinic, "wording", "Fel ämne", valid_to=date(2000, 1, 1), **fields)
    assert LetterText.objects.filter(part="wording").count() == 2


def test_units_of_a_kind_may_have_their_own_and_tillval_add_theirs(clinic):
    """KA-02, KA-03"""
    text(clinic, "bring", "Ta med barnets bok.", unit_kind="vardcentral")
    add_on = AddOn.objects.get(code="provtagning")
    text(clinic, "add_on", "Lämna prov en timme innan.", add_on=add_on)
    booked(clinic, add_on_ids=[add_on.pk])
    body = only().body
    assert "Ta med barnets bok." in body
    assert "Ta med legitimation" not in body
    assert "Lämna prov en timme innan." in body


def test_a_field_without_a_value_stops_the_letter_and_is_named_but_not_the_booking(clinic):
    """KA-01: never an empty line, and never lost."""
    LetterText.objects.filter(part="phone").delete()
    appointment = booked(clinic, clinic.patient())
    letter = only()
    assert appointment.status == "booked"
    assert (letter.status, letter.body) == ("blocked", "")
    assert letter.stop_reason == (
        "Brevet kan inte skrivas: patientens adress saknas. Fyll i det, och skriv brevet igen."
    )
    assert list(Letter.objects.blocked(NOW)) == [letter]
    with pytest.raises(RuleError) as refused:
        letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=NOW)
    assert refused.value.code == "wrong_status"
    booked(clinic, start=START + DAY)
    blocked = Letter.objects.order_by("created_at", "id").last()
    assert "enhetens telefon (Kallelsetexter) saknas" in blocked.stop_reason
    text(clinic, "phone", "046-17 00 00", care_unit=clinic.unit)
    again = letters.write_again(letter_id=blocked.pk, by=clinic.nurse, at=NOW)
    blocked.refresh_from_db()
    assert (again.status, blocked.status, blocked.stop_reason) == ("unsent", "stopped", "Ersatt av ett nytt brev")


def test_a_text_that_asks_for_something_no_letter_has_is_named(clinic):
    """KA-01"""
    text(clinic, "wording", "Hej {förnamn},", contact_reason=clinic.reason)
    booked(clinic)
    assert "fältet {förnamn} saknas" in only().stop_reason


def test_the_interpreter_is_stated_and_whom_one_meets_only_in_words_for_everyone(clinic):
    """KA-04"""
    patient = living_at(clinic.patient())
    patient.interpreter_kind, patient.interpreter_language = "spoken", "Somaliska"
    patient.save()
    booked(clinic, patient)
    body = only().body
    assert "\nTolk: Somaliska\n" in body
    assert "Du behöver tolk: Somaliska. Ring 046-17 00 00 om det inte stämmer." in body


def test_the_address_is_where_the_patient_is_on_the_day(clinic):
    """PA-07: temporary before special before home; an invoice address never."""
    patient = living_at(clinic.patient())
    for code, street, first, last in (
        ("faktureringsadress", "Box 1", None, None),
        ("tillfallig-adress", "Sommarvägen 3", TODAY, TODAY),
    ):
        kind = AddressKind.objects.get(code=code)
        PatientAddress.objects.create(
            patient=patient, kind=kind, street=street, town="Ort", valid_from=first, valid_to=last
        )
    booked(clinic, patient)
    assert only().recipient == "Hodan Abdi\nSommarvägen 3\nOrt"
    booked(clinic, patient, start=START + DAY, at=NOW + DAY)
    assert "Exempelgatan" in Letter.objects.order_by("created_at").last().recipient


# --- What follows -------------------------------------------------------------------------------------------------------


def printed(clinic, letter, at=NOW):
    return letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=at)


def move(clinic, appointment, start, **fields):
    return appointments.reschedule(
        appointment_id=appointment.pk, start=start, end=start + timedelta(minutes=30), by=clinic.nurse, at=NOW, **fields
    )


def test_a_letter_that_has_not_left_is_replaced_when_the_time_is_changed(clinic):
    """BO-03: the patient gets one letter, with the time there is."""
    appointment = booked(clinic)
    first = only()
    move(clinic, appointment, START + DAY, changed_by="patient")
    first.refresh_from_db()
    assert (first.status, first.stop_reason) == ("stopped", "Tiden är ombokad")
    new = only(status="unsent")
    assert (new.kind, new.heading) == ("appointment", "Du har fått en tid")
    assert "onsdag 2 december 2026 kl. 09.45" in new.body
    assert "tisdag 1 december" not in new.body


@pytest.mark.parametrize(
    ("changed_by", "words"),
    [
        ("patient", "Du har bett om en ny tid."),
        ("provider", "Vi har behövt ändra din tid."),
        ("", "Vi har behövt ändra din tid."),
    ],
)
def test_whoever_has_been_told_gets_a_letter_that_says_who_changed_the_time(clinic, changed_by, words):
    """PL-09: nobody is said to have asked for it who is not known to have."""
    appointment = booked(clinic)
    printed(clinic, only())
    move(clinic, appointment, START + DAY, changed_by=changed_by)
    move(clinic, appointment, START + 2 * DAY, changed_by=changed_by)
    letter = only(status="unsent")
    assert (letter.kind, letter.heading, letter.changed_by) == ("change", "Din tid är ändrad", changed_by or "provider")
    assert letter.body.startswith(
        "Ny tid: torsdag 3 december 2026 kl. 09.45\nTidigare tid: tisdag 1 december 2026 kl. 09.45\n"
    )
    assert words in letter.body
    assert Letter.objects.filter(status="stopped").count() == 1


def test_no_letter_follows_a_booking_that_had_none_unless_it_is_asked_for(clinic):
    """KA-01"""
    appointment = clinic.book(living_at(clinic.patient()), START)
    move(clinic, appointment, START + DAY)
    assert not Letter.objects.exists()
    move(clinic, appointment, START + 2 * DAY, letter=True)
    assert only().kind == "appointment"


@pytest.mark.parametrize(
    ("by", "words"), [("patient", "Du har avbokat din tid"), ("provider", "Vi har behövt avboka din tid")]
)
def test_a_cancelled_time_is_told_to_who_was_told_of_it_and_by_whom(clinic, by, words):
    """PL-09"""
    appointment = booked(clinic)
    printed(clinic, only())
    cancellation.cancel(appointment_id=appointment.pk, cancelled_by=by, reason="Förhinder", by=clinic.nurse, at=NOW)
    letter = only(status="unsent")
    assert (letter.kind, letter.heading, letter.changed_by) == ("cancellation", "Din tid är avbokad", by)
    assert f"{words} tisdag 1 december 2026 kl. 09.45." in letter.body


def test_a_cancelled_time_that_nobody_was_told_of_only_stops_its_letter(clinic):
    """KA-01"""
    appointment = booked(clinic)
    cancellation.cancel(
        appointment_id=appointment.pk, cancelled_by="provider", reason="Stängt", by=clinic.nurse, at=NOW
    )
    assert (only().status, only().stop_reason) == ("stopped", "Tiden är avbokad")


def test_cancelled_too_late_is_a_no_show_and_no_letter_says_otherwise(clinic):
    """VH-11: to the minute."""
    appointment = booked(clinic)
    printed(clinic, only())
    late = START - DAY + timedelta(minutes=1)
    cancellation.cancel(appointment_id=appointment.pk, cancelled_by="patient", reason="Sjuk", by=clinic.nurse, at=late)
    appointment.refresh_from_db()
    assert appointment.status == "no_show"
    assert not Letter.objects.filter(kind="cancellation").exists()


def test_copies_go_to_those_near_who_get_them(clinic):
    """KA-04, RE-02, RE-03: never one to a protected person; one without address is named as work."""
    patient = living_at(clinic.patient())
    add = {"patient_id": patient.pk, "by": clinic.nurse, "at": NOW}
    for name, gets in (("Kerstin Dahl", True), ("Nils Dahl", False)):
        relations.add_contact(name=name, relation="dotter", gets_letter_copy=gets, **add)
    booked(clinic, patient)
    letter, copy = only(is_copy=False), only(is_copy=True)
    assert (copy.status, copy.recipient, copy.copy_of) == ("blocked", "Kerstin Dahl", letter)
    assert "mottagarens adress saknas" in copy.stop_reason
    with pytest.raises(InputError):
        letters.write_again(letter_id=copy.pk, address=" ", by=clinic.nurse, at=NOW)
    again = letters.write_again(letter_id=copy.pk, address="Storgatan 1\n223 50 Lund", by=clinic.nurse, at=NOW)
    assert (again.status, again.recipient) == ("unsent", "Kerstin Dahl\nStorgatan 1\n223 50 Lund")
    assert again.body.split("\n\n")[1] == "Det här är en kopia till dig som är närstående. Tiden gäller Hodan Abdi."
    assert letter.body.split("\n\n")[0] == again.body.split("\n\n")[0]


# --- Protected and dead --------------------------------------------------------------------------------------------------


def test_a_protected_person_s_letter_goes_by_mediation_and_has_no_address_name_or_copy(clinic):
    """KA-05, SK-02"""
    patient = clinic.patient(protection="sekretessmarkering")
    booked(clinic, patient)
    letter = only()
    assert (letter.delivery, letter.recipient, letter.status) == ("mediation", "", "unsent")
    for hidden in ("Hodan", "Abdi"):
        assert hidden not in letter.body + letter.sender + str(letter.parts)
    with pytest.raises(IntegrityError), transaction.atomic():
        Letter.objects.create(
            patient=patient, care_unit=clinic.unit, kind="appointment", delivery="mediation", recipient="X", sender="Y",
            heading="H", body="B",
        )  # fmt: skip
    assert not OutboxMessage.objects.exists()
    assert printed(clinic, letter).status == "printed"


def test_the_marking_deletes_what_has_not_left_and_keeps_what_has(clinic):
    """SK-02, KA-03, KA-05: of a time ahead that nobody has been told, by mediation instead."""
    patient = living_at(clinic.patient())
    booked(clinic, patient)
    sent = only()
    letters.make_document(letter_id=sent.pk, render=as_bytes, by=clinic.nurse, at=NOW)
    printed(clinic, sent)
    booked(clinic, patient, start=START + DAY)
    waiting = only(status="unsent")
    letters.make_document(letter_id=waiting.pk, render=as_bytes, by=clinic.nurse, at=NOW)
    protection.set_by_hand(patient_id=patient.pk, ground="threat", by=clinic.nurse, at=NOW)
    anew = only(delivery="mediation")
    assert set(Letter.objects.values_list("pk", flat=True)) == {sent.pk, anew.pk}
    assert anew.appointment_id == waiting.appointment_id
    assert [row.letter_id for row in LetterDocument.objects.all()] == [sent.pk]


def test_who_becomes_protected_is_told_of_the_time_ahead_by_mediation_once(clinic):
    """KA-05, SK-02, KA-03: unsent or blocked, a new time or one that has gone; language, files and large print follow. Marked
    more strongly, lifted and marked again: still one."""
    patient = living_at(clinic.patient(), street="Röjdvägen 1")
    first, other, gone = (booked(clinic, patient, start=START + day * DAY) for day in range(3))
    printed(clinic, only(appointment=other))
    move(clinic, other, START + timedelta(days=1, hours=1), changed_by="patient")
    printed(clinic, only(appointment=gone))
    cancellation.cancel(appointment_id=gone.pk, cancelled_by="provider", reason="Sjuk", by=clinic.nurse, at=NOW)
    letters.set_large_print(letter_id=only(appointment=first).pk, is_large=True, by=clinic.nurse, at=NOW)
    nowhere = booked(clinic, clinic.patient(), start=START + 3 * DAY)
    assert only(appointment=nowhere).status == "blocked"
    for each in (patient, nowhere.patient):
        protection.set_by_hand(patient_id=each.pk, ground="threat", by=clinic.nurse, at=NOW)
    waiting = Letter.objects.filter(status="unsent").order_by("appointment_id")
    told = [(row.appointment_id, row.kind, row.changed_by, row.is_large_print) for row in waiting]
    assert told == [
        (first.pk, "appointment", "", True),
        (other.pk, "change", "patient", False),
        (gone.pk, "cancellation", "provider", False),
        (nowhere.pk, "appointment", "", False),
    ]
    assert {(row.delivery, row.recipient, row.is_copy) for row in waiting} == {("mediation", "", False)}
    for hidden in ("Hodan", "Abdi", "Röjd"):
        assert not any(hidden in row.body + str(row.parts) for row in waiting)
    assert "onsdag 2 december 2026 kl. 09.45" in waiting[1].body  # what the patient was told before
    assert not OutboxMessage.objects.filter(topic="letter-to-portal").exists()
    kept = list(waiting.values_list("pk", flat=True))
    with transaction.atomic():
        locked = Patient.objects.locked().get(pk=patient.pk)
        assert protection.arrives_from_register(locked, protection="skyddad_folkbokforing", at=NOW)
        locked = Patient.objects.locked().get(pk=nowhere.patient_id)
        protection.lift(patient_id=locked.pk, reason="Hotet är över", by=clinic.nurse, at=NOW)
        protection.set_by_hand(patient_id=locked.pk, ground="threat", by=clinic.nurse, at=NOW)
    assert list(waiting.values_list("pk", flat=True)) == kept


def test_a_letter_with_somebody_s_own_words_is_work_when_the_marking_comes(clinic):
    """SK-02, KA-05: an address can stand in them. They go, and the unit's Brev says so until the letter is written."""
    patient = living_at(clinic.patient())
    booked(clinic, patient)
    letters.rewrite(letter_id=only().pk, own_text="Vi ringer Röjdvägen 1", language="en", by=clinic.nurse, at=NOW)
    protection.set_by_hand(patient_id=patient.pk, ground="threat", by=clinic.nurse, at=NOW)
    row = Letter.objects.blocked(NOW).get()
    assert (row.delivery, row.recipient, row.body, row.own_text) == ("mediation", "", "", "")
    assert row.stop_reason == (
        "Brevets egen text togs bort när skyddade personuppgifter kom (SK-02). "
        "Skriv brevet på nytt, med egen text om den behövs."
    )
    again = letters.write_again(letter_id=row.pk, by=clinic.nurse, at=NOW)
    assert (again.status, again.delivery, again.language, again.heading) == (
        "unsent", "mediation", "en", "You have an appointment",
    )  # fmt: skip


def test_no_letter_is_written_anew_of_a_time_that_has_been_or_that_nobody_was_to_be_told(clinic):
    """KA-05: the marking comes late, or no letter was wanted."""
    patient = living_at(clinic.patient())
    booked(clinic, patient)
    clinic.book(patient, START + 2 * DAY)
    protection.set_by_hand(patient_id=patient.pk, ground="threat", by=clinic.nurse, at=START)
    assert not Letter.objects.exists()


def test_a_death_stops_what_has_not_left(clinic):
    """AV-02, PL-22"""
    patient = living_at(clinic.patient())
    appointment = booked(clinic, patient)
    printed(clinic, only())
    booked(clinic, patient, start=START + DAY)
    deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=NOW)
    assert sorted(Letter.objects.values_list("status", flat=True)) == ["printed", "stopped"]
    assert not Letter.objects.filter(kind="cancellation").exists()
    with pytest.raises(RuleError) as refused:
        letters.write_about(appointment_id=appointment.pk, by=clinic.nurse, at=NOW)
    assert refused.value.rule == "PL-22"


# --- On paper and in 1177 --------------------------------------------------------------------------------------------------


def test_a_letter_of_a_visit_that_has_been_is_not_put_on_paper_as_it_does_not_go_to_1177(clinic):
    """PL-18, PL-14: what was printed before may be said to be so afterwards, and be printed again; nothing else counts as
    sent, so that no fee for not coming stands on it."""
    booked(clinic)
    letter = only()
    assert letters.print_refusal(letter, letter.patient, at=START - timedelta(minutes=1)) is None
    for act in (
        lambda: letters.make_document(letter_id=letter.pk, render=as_bytes, by=clinic.nurse, at=START),
        lambda: letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=START),
    ):
        with pytest.raises(RuleError) as refused:
            act()
        assert (refused.value.rule, refused.value.code) == ("KA-01", "visit_has_been")
        assert refused.value.sentence == ("Besöket som brevet gäller har redan varit: brevet skickas inte. Stoppa det.")
    letter.refresh_from_db()
    assert (letter.status, LetterDocument.objects.count()) == ("unsent", 0)
    assert (list(Letter.objects.too_late(START)), list(Letter.objects.not_too_late(START))) == ([letter], [])
    letters.make_document(letter_id=letter.pk, render=as_bytes, by=clinic.nurse, at=START - timedelta(minutes=1))
    letters.confirm_printed(letter_id=letter.pk, by=clinic.nurse, at=START + DAY)
    again = letters.make_document(letter_id=letter.pk, render=as_bytes, by=clinic.nurse, at=START + DAY)
    assert bytes(again.pdf) == as_bytes(letter)


def test_what_was_printed_is_never_changed_or_deleted(clinic):
    """KA-03: in the database itself."""
    booked(clinic)
    letter = only()
    first = letters.make_document(letter_id=letter.pk, render=as_bytes, by=clinic.nurse, at=NOW)
    again = letters.make_document(letter_id=letter.pk, render=lambda row: b"another", by=clinic.nurse, at=NOW)
    assert again.pk == first.pk
    printed(clinic, letter)
    with pytest.raises(DatabaseError), transaction.atomic():
        LetterDocument.objects.update(pdf=b"x")
    with pytest.raises(DatabaseError), transaction.atomic():
        LetterDocument.objects.all().delete()
    for field in ("parts", "delivery", "changed_by", "body"):
        with pytest.raises(DatabaseError), transaction.atomic():
            Letter.objects.filter(pk=letter.pk).update(**{field: {} if field == "parts" else "patient"})
    assert bytes(LetterDocument.objects.get().pdf) == as_bytes(letter)


def test_large_print_is_chosen_for_one_letter_and_follows_the_patient(clinic):
    """KA-01: what was made for the paper is made anew."""
    patient = living_at(clinic.patient())
    booked(clinic, patient)
    letter = only()
    letters.make_document(letter_id=letter.pk, render=as_bytes, by=clinic.nurse, at=NOW)
    letters.set_large_print(letter_id=letter.pk, is_large=True, by=clinic.nurse, at=NOW)
    assert not LetterDocument.objects.exists()
    booked(clinic, patient, start=START + DAY)
    assert Letter.objects.filter(is_large_print=True).count() == 2


def digital(patient, *, first=False):
    PortalContact.objects.create(patient=patient, consented_on=TODAY, told_at=NOW, prefers_digital=first)
    return patient


def test_a_grown_up_in_1177_gets_it_there_after_six_in_the_evening_and_on_paper_too(clinic):
    """regional-rules 6.2"""
    booked(clinic, digital(living_at(clinic.patient(birth_date=date(1970, 1, 1)))))
    letter, message = only(), OutboxMessage.objects.get()
    assert (letter.delivery, message.topic, message.subject_id) == ("both", "letter-to-portal", letter.pk)
    assert message.payload == {}
    assert message.due_at == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    letters.stop(letter_id=letter.pk, reason="Fel", by=clinic.nurse, at=NOW)
    message.refresh_from_db()
    assert message.stopped_at == NOW


def test_who_has_chosen_1177_first_gets_no_paper_and_it_counts_as_sent_when_delivered(clinic):
    """regional-rules 6.2"""
    appointment = booked(clinic, digital(clinic.patient(birth_date=date(1970, 1, 1)), first=True))
    letter = only()
    assert (letter.delivery, letter.recipient) == ("portal", "Hodan Abdi")
    assert not Letter.objects.to_print().exists()
    assert letter_writing.settle_portal(at=NOW) == 0
    OutboxMessage.objects.update(delivered_at=NOW + timedelta(hours=9))
    for expected in (1, 0):
        assert letter_writing.settle_portal(at=NOW + timedelta(hours=9)) == expected
    letter.refresh_from_db()
    assert (letter.status, letter.version) == ("sent", 2)
    move(clinic, appointment, START + DAY)
    assert only(status="unsent").kind == "change"


@pytest.mark.parametrize("why", ["child", "interpreter"])
def test_a_child_and_who_needs_an_interpreter_get_paper(clinic, why):
    """regional-rules 6.2"""
    patient = digital(living_at(clinic.patient(birth_date=date(2010 if why == "child" else 1970, 1, 1))), first=True)
    if why == "interpreter":
        patient.interpreter_kind, patient.interpreter_language = "sign", "Svenskt teckenspråk"
        patient.save()
    booked(clinic, patient)
    assert only().delivery == {"child": "post", "interpreter": "both"}[why]
