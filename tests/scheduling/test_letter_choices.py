"""What the clerk chooses of a letter: words of the clerk's own, the language, files that go with it. Kept as they went,
whatever becomes of the catalogue (KA-03, PL-16)."""

import hashlib
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from registration.models import AddressKind, FeeRate, PatientAddress
from scheduling import letter_pdf
from scheduling.actions import appointments, letters
from scheduling.models import Letter, LetterAttachment, LetterText
from scheduling.presenters import fallback_words
from sdv.common.errors import InputError, RuleError
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY

OWN = "  Ta med röntgenbilderna.\n\nRing på porten.\t"


@pytest.fixture
def centre(health_centre):
    unit = health_centre.unit
    LetterText.objects.create(part="phone", care_unit=unit, text="046-17 00 00", source="Prov")
    LetterText.objects.create(part="directions", care_unit=unit, text="Norra vägen 2", source="Prov")
    return health_centre


@pytest.fixture
def booking(centre):
    patient = centre.patient()
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return centre.book(patient)


def leaflet(name="Karta", content=b"%PDF-1.7 karta", **fields):
    return LetterAttachment.objects.create(
        name=name, pdf=content, sha256=hashlib.sha256(content).hexdigest(), source="Prov", **fields
    )


def write(centre, booking, **fields):
    return letters.write_about(appointment_id=booking.pk, by=centre.nurse, at=NOW, **fields)[0]


def sections(letter):
    return {section["part"]: section for section in letter.parts["sections"]}


# --- Own words --------------------------------------------------------------------------------------------------------


def test_the_clerks_words_stand_in_the_letter_byte_for_byte(centre, booking):
    """PL-16, KA-03"""
    letter = write(centre, booking, own_text=OWN)
    assert letter.own_text == OWN
    assert sections(letter)["own_text"] == {"part": "own_text", "heading": "", "text": OWN}
    assert OWN in letter.body
    assert "Ta med röntgenbilderna." in letter_pdf.html_of([letter])
    with pytest.raises(DatabaseError), transaction.atomic():
        Letter.objects.update(own_text="Annat")


def test_they_are_bounded_and_blanks_are_no_words(centre, booking):
    """KA-01"""
    with pytest.raises(InputError) as error:
        write(centre, booking, own_text="x" * 1001)
    assert error.value.errors.keys() == {"own_text"}
    assert not Letter.objects.exists()
    assert write(centre, booking, own_text="x" * 1000).own_text == "x" * 1000
    assert "own_text" not in sections(write(centre, booking, own_text=" \n "))


def test_a_letter_that_has_not_left_is_written_anew_and_the_old_one_stands_as_it_was(centre, booking):
    """KA-03"""
    old = write(centre, booking)
    body = old.body
    new = letters.rewrite(letter_id=old.pk, own_text=OWN, language="en", by=centre.nurse, at=NOW, version=old.version)
    old.refresh_from_db()
    assert (old.status, old.stop_reason, old.body) == ("stopped", "Ersatt av ett nytt brev", body)
    assert (new.status, new.own_text, new.language, new.heading) == ("unsent", OWN, "en", "You have an appointment")
    letters.confirm_printed(letter_id=new.pk, by=centre.nurse, at=NOW)
    with pytest.raises(RuleError) as error:
        letters.rewrite(letter_id=new.pk, own_text="Annat", by=centre.nurse, at=NOW)
    assert (error.value.code, Letter.objects.count()) == ("wrong_status", 2)


def test_when_the_time_is_moved_they_go_on_with_the_next_letter(centre, booking):
    """KA-03, BO-03"""
    karta = leaflet()
    first = write(centre, booking, own_text=OWN, language="en", attachment_ids=[karta.pk])
    letters.confirm_printed(letter_id=first.pk, by=centre.nurse, at=NOW)
    start = booking.start + DAY
    moved = appointments.reschedule(
        appointment_id=booking.pk, start=start, end=start + HALF_HOUR, by=centre.nurse, at=NOW
    )
    (letter,) = moved.letters_written
    assert (letter.kind, letter.own_text, letter.language) == ("change", OWN, "en")
    assert [each.attachment for each in letter.enclosures.all()] == [karta]
    assert letter.parts["facts"][:2] == [
        ["New time", "Monday 23 November 2026 at 09.00"],
        ["Earlier time", "Sunday 22 November 2026 at 09.00"],
    ]


# --- Language ---------------------------------------------------------------------------------------------------------


def test_in_english_what_the_catalogue_lacks_stands_in_swedish_and_says_so(centre, booking):
    """KA-03: the letter, the page and the API say which parts."""
    letter = write(centre, booking, language="en")
    told = sections(letter)
    assert letter.parts["facts"][0] == ["When", "Sunday 22 November 2026 at 09.00"]
    assert letter.parts["facts"][2] == ["You will meet", "Sara Norén"]
    assert told["cancel"]["heading"] == "If you cannot come"
    assert told["cancel"]["text"].endswith("or call 046-17 00 00.")
    assert told["directions"] == {
        "part": "directions",
        "heading": "How to find us – in Swedish only",
        "text": "Norra vägen 2",
        "language": "sv",
    }
    assert letter.parts["fallback"] == ["directions"]
    assert fallback_words(letter) == "Finns inte på engelska och står på svenska: Besöksadress och vägbeskrivning."
    html = letter_pdf.html_of([letter])
    assert '<html lang="en">' in html
    assert '<p class="lines" lang="sv">Norra vägen 2</p>' in html


def test_what_the_catalogue_has_in_the_language_is_used_and_nothing_is_said(centre, booking):
    """KA-03: a version in each language, each with its own days."""
    LetterText.objects.create(
        part="directions", care_unit=centre.unit, language="en", text="2 North Road", source="Prov"
    )
    letter = write(centre, booking, language="en")
    assert sections(letter)["directions"]["text"] == "2 North Road"
    assert "fallback" not in letter.parts
    assert fallback_words(letter) == ""
    assert sections(write(centre, booking, language="sv"))["directions"]["text"] == "Norra vägen 2"


def test_the_language_follows_to_the_patients_next_letter_as_large_print_does(centre, booking):
    """KA-03"""
    write(centre, booking, language="en")
    later = centre.book(booking.patient, NOW + 9 * DAY)
    assert write(centre, later).language == "en"
    assert write(centre, later, language="sv").language == "sv"


def test_a_swedish_letter_is_as_it_was(centre, booking):
    """KA-03: no mark of a language, no fallback."""
    letter = write(centre, booking)
    assert letter.parts.keys() == {"facts", "sections"}
    assert all("language" not in section for section in letter.parts["sections"])


# --- Files ------------------------------------------------------------------------------------------------------------


def test_files_of_the_catalogue_go_with_the_letter_and_are_named_in_it(centre, booking):
    """KA-03"""
    one, two = leaflet(), leaflet("Blankett", b"%PDF-1.7 blankett", care_unit=centre.unit)
    letter = write(centre, booking, attachment_ids=[one.pk, two.pk])
    assert letter.parts["facts"][-1] == ["Bilagor", "Blankett, Karta"]
    assert {each.attachment for each in letter.enclosures.all()} == {one, two}


def test_only_what_the_unit_has_that_day_is_offered(centre, clinic, booking):
    """KA-03"""
    elsewhere = leaflet(care_unit=clinic.unit)
    gone, coming = leaflet(valid_to=TODAY - DAY), leaflet(valid_from=TODAY + DAY)
    kept = leaflet()
    assert list(LetterAttachment.objects.offered(centre.unit, TODAY)) == [kept]
    for row in (elsewhere, gone, coming):
        with pytest.raises(InputError) as error:
            write(centre, booking, attachment_ids=[row.pk])
        assert error.value.errors.keys() == {"attachments"}
    assert not Letter.objects.exists()


@pytest.mark.parametrize("change", [{"pdf": b"%PDF-annat"}, {"name": "Annat"}, {"sha256": "1" * 64}])
def test_a_file_that_is_in_the_catalogue_is_never_changed(centre, change):
    """KA-03, PL-16: whatever the door."""
    row = leaflet()
    with pytest.raises(DatabaseError), transaction.atomic():
        LetterAttachment.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()
    row.refresh_from_db()
    assert (bytes(row.pdf), row.name) == (b"%PDF-1.7 karta", "Karta")


# --- Two years later --------------------------------------------------------------------------------------------------


def test_after_two_years_of_changes_the_letter_is_the_same_byte_for_byte(centre, booking):
    """KA-03, PL-14, PL-16: every text ended and written anew, the fees raised, the unit renamed, the file replaced, the
    patient moved; and the decision on the fee reads the letter that went, not the catalogue of the day."""
    karta = leaflet()
    letter = write(centre, booking, own_text=OWN, attachment_ids=[karta.pk])
    letters.make_document(letter_id=letter.pk, render=lambda row: letter_pdf.html_of([row]).encode(), by=None, at=NOW)
    letters.confirm_printed(letter_id=letter.pk, by=centre.nurse, at=NOW)

    def everything():
        row = Letter.objects.select_related("document").get(pk=letter.pk)
        files = [bytes(each.attachment.pdf) for each in row.enclosures.select_related("attachment")]
        drawn = letter_pdf.html_of([row]).encode()
        kept = (row.sender, row.recipient, row.heading, row.body, row.parts, row.own_text, row.language)
        return kept, drawn, bytes(row.document.pdf), row.document.sha256, files, row.tells_fee

    before = everything()
    assert before[1] == before[2]
    assert "300 kronor" in sections(letter)["no_show"]["text"]
    for months in range(1, 25):
        day = TODAY + timedelta(days=30 * months)
        for row in LetterText.objects.filter(valid_to=None):
            LetterText.objects.filter(pk=row.pk).update(valid_to=day - DAY)
            LetterText.objects.create(
                part=row.part,
                contact_reason=row.contact_reason,
                add_on=row.add_on,
                care_unit=row.care_unit,
                unit_kind=row.unit_kind,
                language=row.language,
                text=f"Omgång {months}",
                source="Prov",
                valid_from=day,
            )
    FeeRate.objects.update(amount=999)
    LetterAttachment.objects.update(valid_to=TODAY + 100 * DAY)
    leaflet(content=b"%PDF-1.7 ny karta", valid_from=TODAY + 101 * DAY)
    type(centre.unit).objects.filter(pk=centre.unit.pk).update(name="Vårdcentralen Ny")
    PatientAddress.objects.update(street="Annan gata 9")
    booking.patient.surname = "Nytt"
    booking.patient.save()
    assert everything() == before
    assert list(Letter.objects.tell_of_the_fee()) == [letter]
