"""Files that go with letters: judged before they are taken in, printed after their letters and sent with them to 1177, byte
for byte; one that cannot be read stops nothing (KA-03, KA-05, PL-16)."""

import hashlib
from base64 import b64decode
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pypdf import PdfReader, PdfWriter

from registration.models import AddressKind, PatientAddress, PortalContact
from scheduling import letter_delivery, letter_pdf, pdf_files
from scheduling.actions import letters
from scheduling.attachment_admin import LetterAttachmentForm
from scheduling.models import Letter, LetterAttachment, LetterText
from scheduling.models.enclosure import MOST_BYTES_OF_A_LETTER
from sdv.adapters.patients.simulator import LARGEST_FILES, Simulator
from sdv.common.errors import InputError
from sdv.desk.demo.planning import pdf_of
from sdv.outbox import delivery
from tests.clinic import DAY, NOW, TODAY


@pytest.fixture
def centre(health_centre):
    LetterText.objects.create(part="phone", care_unit=health_centre.unit, text="046-17 00 00", source="Prov")
    return health_centre


def living(centre, **fields):
    patient = centre.patient(**fields)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def leaflet(name="Karta", content=None, **fields):
    content = content or pdf_of([name])
    return LetterAttachment.objects.create(
        name=name, pdf=content, sha256=hashlib.sha256(content).hexdigest(), source="Prov", **fields
    )


def write(centre, booking, *files, **fields):
    ids = [row.pk for row in files]
    return letters.write_about(appointment_id=booking.pk, attachment_ids=ids, by=centre.nurse, at=NOW, **fields)[0]


def pages_of(pdf):
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def changed(content, change):
    """The file written anew with a change."""
    writer, out = PdfWriter(clone_from=BytesIO(content)), BytesIO()
    change(writer)
    writer.write(out)
    return out.getvalue()


# --- What is taken in ---------------------------------------------------------------------------------------------------

LEAFLET = pdf_of(["Så hittar du hit"])
FAULTY = {
    "no PDF": (b"<html>", pdf_files.NOT_PDF),
    "nothing but the first bytes": (b"%PDF-1.7 karta", pdf_files.BROKEN),
    "cut in the middle": (LEAFLET[: len(LEAFLET) // 2], pdf_files.BROKEN),
    "without an end": (LEAFLET[:-40], pdf_files.BROKEN),
    "no pages": (LEAFLET.replace(b"/Kids [3 0 R] /Count 1", b"/Kids [     ] /Count 0"), pdf_files.BROKEN),
    "a page that is not there": (LEAFLET.replace(b"/Kids [3 0 R]", b"/Kids [9 0 R]"), pdf_files.BROKEN),
    "locked with a password": (
        changed(LEAFLET, lambda writer: writer.encrypt("hemligt", algorithm="RC4-128")),
        pdf_files.LOCKED,
    ),
    "locked though it opens": (
        changed(LEAFLET, lambda writer: writer.encrypt("", "hemligt", algorithm="RC4-128")),
        pdf_files.LOCKED,
    ),
    "a script when it opens": (
        LEAFLET.replace(b"/Lang (sv)", b"/OpenAction << /S /JavaScript /JS (app.alert) >>"),
        pdf_files.ACTIVE,
    ),
    "files in the file": (changed(LEAFLET, lambda writer: writer.add_attachment("x.exe", b"MZ")), pdf_files.ACTIVE),
    "a book": (
        changed(LEAFLET, lambda writer: [writer.add_blank_page() for _ in range(pdf_files.MOST_PAGES)]),
        pdf_files.TOO_LONG,
    ),
}


@pytest.mark.parametrize("content, told", FAULTY.values(), ids=FAULTY)
def test_what_could_not_be_printed_is_not_taken_in_and_the_reason_is_told(db, content, told):
    """KA-03: in the admin, before any letter carries it."""
    assert pdf_files.fault(content) == told
    form = LetterAttachmentForm(
        {"name": "Karta", "source": "Prov"}, {"file": SimpleUploadedFile("karta.pdf", content, "application/pdf")}
    )
    assert form.errors == {"file": [told]}


def test_what_can_be_printed_is_taken_in_as_it_is(db):
    """PL-16: byte for byte; the longest that is taken, and one that jumps to a page when it opens, too."""
    form = LetterAttachmentForm(
        {"name": "Karta", "source": "Prov"}, {"file": SimpleUploadedFile("karta.pdf", LEAFLET, "application/pdf")}
    )
    row = form.save()
    row.refresh_from_db()
    assert (bytes(row.pdf), row.sha256) == (LEAFLET, hashlib.sha256(LEAFLET).hexdigest())
    longest = changed(LEAFLET, lambda writer: [writer.add_blank_page() for _ in range(pdf_files.MOST_PAGES - 1)])
    assert pdf_files.fault(longest) == ""
    assert pdf_files.fault(LEAFLET.replace(b"/Lang (sv)", b"/OpenAction << /S /GoTo /D [3 0 R /Fit] >>")) == ""


# --- How much one letter carries --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sizes, told",
    [
        ([], None),
        ([MOST_BYTES_OF_A_LETTER], None),
        (
            [MOST_BYTES_OF_A_LETTER, 1024 * 1024],
            "Bilagorna är tillsammans 6,0 MB. Ett brev bär högst 5,0 MB, också i 1177. Välj färre eller mindre.",
        ),
        ([1] * 10, None),
        ([1] * 11, "Högst 10 bilagor går med ett brev, och 11 är valda. Välj färre."),
    ],
)
def test_a_letter_carries_so_much_and_no_more(sizes, told):
    """KA-03"""
    assert letter_delivery.enclosures_fault(sizes) == told


def test_the_inbox_takes_what_a_letter_may_carry():
    """One limit on both sides: nothing is written that cannot go."""
    assert MOST_BYTES_OF_A_LETTER == LARGEST_FILES


def test_too_much_is_told_at_the_field_and_nothing_is_written(centre):
    """KA-03: the files are weighed in the database, and not read."""
    heavy = [leaflet(f"Häfte {number}", LEAFLET + b"\n%" + b"x" * 1_990_000) for number in range(3)]
    booking = centre.book(living(centre))
    with pytest.raises(InputError) as error:
        write(centre, booking, *heavy)
    assert error.value.errors == {
        "attachments": [
            "Bilagorna är tillsammans 5,7 MB. Ett brev bär högst 5,0 MB, också i 1177. Välj färre eller mindre."
        ]
    }
    assert not Letter.objects.exists()
    assert write(centre, booking, *heavy[:2]).enclosures.count() == 2


# --- On paper ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def press():
    pytest.importorskip("weasyprint", reason="WeasyPrint is not installed", exc_type=ImportError)
    return letter_pdf.Press()


def kept(letter, press):
    return bytes(letters.make_document(letter_id=letter.pk, render=press.pdf_of, by=None, at=NOW).pdf)


def test_each_letter_is_followed_by_its_files_in_the_order_it_names_them(centre, press):
    """KA-03: and by no other's."""
    way, form = leaflet("Karta"), leaflet("Blankett")
    first = write(centre, centre.book(living(centre)), way, form)
    second = write(centre, centre.book(living(centre), NOW + 3 * DAY))
    third = write(centre, centre.book(living(centre), NOW + 4 * DAY), way, language="en")
    bundles = [(kept(first, press), [form, way]), (kept(second, press), []), (kept(third, press), [way])]
    batch, faulty = letter_pdf.batch_of(bundles, press)
    told = pages_of(batch)
    assert faulty == []
    assert [each.strip() for each in told if len(each) < 20] == ["Blankett", "Karta", "Karta"]
    assert ["Du har fått en tid" in each or "You have an appointment" in each for each in told] == [
        True,
        False,
        False,
        True,
        True,
        False,
    ]
    assert "Bilagor" in told[0]
    assert "Blankett, Karta" in told[0]


def test_the_print_is_tagged_and_each_page_keeps_its_place_in_the_structure(centre, press):
    """KA-03: letters in their languages; PDF/UA is promised where nothing made by others is in it."""
    way = leaflet()
    first = write(centre, centre.book(living(centre)), way)
    other = write(centre, centre.book(living(centre), NOW + 3 * DAY), language="en")
    alone, _ = letter_pdf.batch_of([(kept(first, press), []), (kept(other, press), [])], press)
    mixed, _ = letter_pdf.batch_of([(kept(first, press), [way]), (kept(other, press), [])], press)
    for batch, pages, promised in ((alone, 2, True), (mixed, 3, False)):
        reader = PdfReader(BytesIO(batch))
        root = reader.trailer["/Root"]
        assert len(reader.pages) == pages
        assert (root["/MarkInfo"]["/Marked"], root["/Lang"]) == (True, "sv")
        assert (reader.xmp_metadata is not None) is promised
        kids = [kid.get_object() for kid in root["/StructTreeRoot"]["/K"]]
        assert [kid["/Lang"] for kid in kids] == ["sv", "en"]
        numbers = root["/StructTreeRoot"]["/ParentTree"]["/Nums"]
        of_key = dict(zip(numbers[::2], numbers[1::2], strict=True))
        tagged = [page for page in reader.pages if "/StructParents" in page]
        assert len(tagged) == 2
        for page in tagged:
            for element in of_key[page["/StructParents"]].get_object():
                assert element.get_object()["/Pg"].indirect_reference == page.indirect_reference


@pytest.mark.parametrize("content", [FAULTY["cut in the middle"][0], FAULTY["locked with a password"][0]])
def test_a_file_that_cannot_be_read_stops_no_print_and_a_sheet_says_so_in_its_place(centre, press, content):
    """KA-03: one taken in before files were judged."""
    way, broken = leaflet(), leaflet("Trasig", content)
    letter = write(centre, centre.book(living(centre)), broken, way)
    batch, faulty = letter_pdf.batch_of([(kept(letter, press), [way, broken])], press)
    told = pages_of(batch)
    assert faulty == ["Trasig"]
    assert [len(told), told[1].strip()] == [3, "Karta"]
    assert "Bilagan Trasig kunde inte läsas" in told[2].replace("\n", " ")


def test_the_protected_letter_has_its_cover_first_then_the_letter_then_the_files(centre, press):
    """KA-05: no address, and the cover says that the files go in the inner envelope too."""
    way = leaflet()
    patient = centre.patient(protection="sekretessmarkering", given_name="Hemlig", surname="Persson")
    letter = write(centre, centre.book(patient), way)
    batch, _ = letter_pdf.batch_of([(kept(letter, press), [way])], press)
    told = [each.replace("\n", " ") for each in pages_of(batch)]
    assert "Förmedlingsuppdrag" in told[0]
    assert "Lägg brevet, nästa sida, och bilagorna efter det, i ett innerkuvert." in told[0]
    assert "Du har fått en tid" in told[1]
    assert told[2].strip() == "Karta"
    assert not any("Persson" in each for each in told)
    plain = write(centre, letter.appointment)
    assert "nästa sida, i ett innerkuvert" in letter_pdf.html_of([plain])


def test_large_print_and_the_interpreter_stand_in_the_letter_that_carries_files(centre, press):
    """KA-04: the files are as they are; the letter is large, and says who interprets."""
    patient = living(centre, interpreter_language="ara")
    letter = write(centre, centre.book(patient), leaflet())
    letters.set_large_print(letter_id=letter.pk, is_large=True, by=centre.nurse, at=NOW)
    letter.refresh_from_db()
    assert 'class="paper large"' in letter_pdf.html_of([letter])
    told = " ".join(pages_of(kept(letter, press))).replace("\n", " ")
    facts = dict(letter.parts["facts"])
    assert facts["Tolk"]
    assert f"Tolk {facts['Tolk']}" in " ".join(told.split())


# --- In 1177 ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def inbox(settings, monkeypatch):
    monkeypatch.setattr("sdv.adapters.patients.channel.now", lambda: NOW + timedelta(hours=9))
    with Simulator() as simulator:
        settings.SDV_PORTAL_ADDRESS = simulator.address_of("/1177")
        yield simulator


def in_portal(centre):
    patient = living(centre, birth_date=TODAY.replace(year=1970))
    PortalContact.objects.create(patient=patient, consented_on=TODAY, told_at=NOW, prefers_digital=True)
    return patient


def test_the_files_go_to_1177_byte_for_byte_in_their_order(centre, inbox):
    """KA-03, PL-16"""
    way, form = leaflet("Karta"), leaflet("Blankett")
    letter = write(centre, centre.book(in_portal(centre)), way, form)
    assert delivery.deliver_due(at=NOW + timedelta(hours=9)) == (1, 0)
    (told,) = inbox.received["/1177"].values()
    assert told["body"] == letter.body
    assert [(file["name"], b64decode(file["pdf"]), file["sha256"]) for file in told["files"]] == [
        ("Blankett", bytes(form.pdf), form.sha256),
        ("Karta", bytes(way.pdf), way.sha256),
    ]


def test_the_largest_letter_is_taken_and_one_that_is_larger_is_refused_whole(centre, inbox, monkeypatch):
    """The simulator's own limit: what is refused waits in the outbox and is nobody's receipt."""
    heavy = [leaflet(f"Häfte {number}", LEAFLET + b"\n%" + b"x" * 1_990_000) for number in range(2)]
    write(centre, centre.book(in_portal(centre)), *heavy)
    with monkeypatch.context() as less:
        less.setattr("sdv.adapters.patients.simulator.LARGEST_FILES", 3_000_000)
        assert delivery.deliver_due(at=NOW + timedelta(hours=9)) == (0, 1)
    assert inbox.received["/1177"] == {}
    assert delivery.deliver_due(at=NOW + timedelta(hours=10)) == (1, 0)
    assert len(inbox.received["/1177"]) == 1


def test_the_simulator_takes_no_file_that_is_not_what_it_says(inbox):
    """The contract: a checksum, a name, base64."""
    told = {"id": "1", "to": "x", "heading": "x", "body": "x", "date": "2026-11-20"}
    good = {"name": "Karta", "pdf": "JVBERg==", "sha256": hashlib.sha256(b"%PDF").hexdigest()}
    for wrong in ({"sha256": "0" * 64}, {"name": ""}, {"pdf": "inte base64"}):
        assert inbox.take("/1177", "1", told | {"files": [good | wrong]}) == 400
    assert inbox.take("/1177", "1", told | {"files": [good]}) == 202
    assert inbox.take("/1177", "2", told | {"id": "2", "files": []}) == 202
    assert inbox.take("/1177", "3", told | {"id": "3"}) == 400


# --- Two years later --------------------------------------------------------------------------------------------------


def test_after_two_years_the_print_is_the_same_letter_and_the_same_files(centre, press):
    """KA-03, PL-16: the file has been replaced, the texts too; what is printed again is what was sent."""
    way = leaflet()
    letter = write(centre, centre.book(living(centre)), way)
    before, _ = letter_pdf.batch_of([(kept(letter, press), [way])], press)
    letters.confirm_printed(letter_id=letter.pk, by=centre.nurse, at=NOW)
    LetterText.objects.filter(part="phone").update(text="000")
    LetterAttachment.objects.update(valid_to=TODAY + 100 * DAY)
    leaflet(content=pdf_of(["Ny karta"]), valid_from=TODAY + 101 * DAY)
    files = [row.attachment for row in letter.enclosures.all()]
    again, _ = letter_pdf.batch_of([(kept(letter, press), files)], press)
    assert pages_of(again) == pages_of(before)
    assert bytes(files[0].pdf) == pdf_of(["Karta"])
