"""The pages of brev: the unit's pile printed and confirmed, the letter with its booking at no extra key, what lacks something,
the protected, and the patient's letters (KA-01…05, SK-05, PL-27)."""

import hashlib
from datetime import timedelta
from io import BytesIO

import pytest
from django.urls import reverse
from pypdf import PdfReader

from registration.models import AddressKind, PatientAddress
from scheduling import letter_pdf
from scheduling.actions import letters
from scheduling.models import Letter, LetterAttachment, LetterDocument, LetterText
from sdv.accounts.permissions import Role
from sdv.common.time import now
from sdv.flows import cancellation
from tests.clinic import Clinic

from .signed_in import queries_of, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


@pytest.fixture
def clinic():
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    return clinic


@pytest.fixture
def desk(clinic):
    return signed_in(clinic.staff(Role.RECEPTIONIST))


def living(clinic, **fields):
    patient = clinic.patient(**fields)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def leaflet(name, content):
    return LetterAttachment.objects.create(
        name=name, pdf=content, sha256=hashlib.sha256(content).hexdigest(), source="Prov"
    )


def start(hours=0):
    return now().replace(hour=9, minute=0) + timedelta(days=5, hours=hours)


def booked(clinic, patient=None, **fields):
    """An hour after the last one."""
    patient = patient or living(clinic)
    hours = clinic.unit.appointments.count()
    return clinic.book(patient, start(hours), at=now(), letter=True, **fields)


@pytest.fixture
def press(monkeypatch):
    """A press that prints the recipients' names; the real one is tried where WeasyPrint is."""

    class Press:
        def pdf_of(self, letter):
            return f"{letter.recipient}|{letter.body}".encode()

    def batch_of(bundles, press):
        parts = [part for letter, files in bundles for part in (letter, *(bytes(row.pdf) for row in files))]
        return b"\n".join(parts), [row.name for _, files in bundles for row in files if b"trasig" in row.pdf]

    monkeypatch.setattr(letter_pdf, "is_possible", lambda: True)
    monkeypatch.setattr(letter_pdf, "Press", Press)
    monkeypatch.setattr(letter_pdf, "batch_of", batch_of)


def page(client, name="letters", *args):
    answer = client.get(reverse(name, args=args))
    return answer.content.decode()


def post(client, name, ids=(), *args, **data):
    return client.post(reverse(name, args=args), {"brev": [str(pk) for pk in ids], **data})


def test_the_pile_is_printed_as_one_file_and_confirmed_letter_by_letter(clinic, desk, press):
    """KA-03: each kept byte for byte; one that is not ticked waits."""
    rows = [booked(clinic).letters.get() for _ in range(3)]
    told = page(desk)
    assert told.count('name="brev"') == told.count(" checked aria-label") == 3
    answer = post(desk, "letters-print", [row.pk for row in rows[:2]])
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"] == 'inline; filename="brev.pdf"'
    assert answer.content.count(b"Hodan Abdi") == 2
    assert {row.letter_id for row in LetterDocument.objects.all()} == {rows[0].pk, rows[1].pk}
    post(desk, "letters-confirm", [row.pk for row in rows[:2]])
    assert "2 brev bekräftade som utskrivna" in page(desk)
    assert [Letter.objects.get(pk=row.pk).status for row in rows] == ["printed", "printed", "unsent"]
    kept = desk.get(reverse("letter-document", args=[rows[0].pk]))
    assert kept.content == bytes(LetterDocument.objects.get(letter=rows[0]).pdf)


def test_a_time_cancelled_while_the_pile_is_printed_is_told_and_its_letter_not_confirmed(clinic, desk, press):
    """PL-27, KA-01: two clerks, and a booking that goes in between."""
    gone, left = booked(clinic), booked(clinic)
    ids = [gone.letters.get().pk, left.letters.get().pk]
    assert post(desk, "letters-print", ids).status_code == 200
    cancellation.cancel(appointment_id=gone.pk, cancelled_by="provider", reason="Stängt", by=clinic.nurse, at=now())
    letters.confirm_printed(letter_id=ids[1], by=clinic.doctor, at=now())
    post(desk, "letters-confirm", ids)
    told = page(desk)
    assert "0 brev bekräftade som utskrivna. 2 inte: Brevet är redan stoppat." in told
    assert Letter.objects.get(pk=ids[0]).status == "stopped"
    again = post(desk, "letters-print", ids)
    assert again.status_code == 200
    assert b"Hodan" in again.content


def test_the_list_asks_the_same_number_of_questions_however_long_it_is(clinic, desk):
    """PL-27"""
    booked(clinic)
    page(desk)
    few = queries_of(lambda: page(desk))
    for _ in range(6):
        booked(clinic)
    assert queries_of(lambda: page(desk)) == few


def test_without_weasyprint_the_browser_prints_and_a_sentence_says_why(clinic, desk, monkeypatch):
    """KA-03"""
    monkeypatch.setattr(letter_pdf, "is_possible", lambda: False)
    letter = booked(clinic).letters.get()
    told = post(desk, "letters-print", [letter.pk]).content.decode()
    assert "PDF kan inte göras här" in told
    assert "Du har fått en tid" in told
    assert "Storgatan 1" in told


def test_the_letter_is_shown_as_it_stands_on_the_paper(clinic, desk):
    """KA-01, PL-14"""
    letter = booked(clinic).letters.get()
    told = page(desk, "letter", letter.pk)
    assert told.count('class="paper"') == 1
    assert '<p class="to lines">Hodan Abdi\nStorgatan 1\n223 50 Lund</p>' in told
    assert "Säger vad det kostar att utebli." in told
    post(desk, "letter-large", (), letter.pk, stor="1", version=letter.version)
    assert 'class="paper large"' in page(desk, "letter", letter.pk)


def test_a_protected_person_s_letter_says_mediation_and_shows_nothing(clinic, desk, press):
    """KA-05, SK-05"""
    patient = clinic.patient(protection="sekretessmarkering", given_name="Hemlig", surname="Person")
    letter = booked(clinic, patient).letters.get()
    for told in (page(desk), page(desk, "letter", letter.pk)):
        assert "Hemlig" not in told
        assert "Person," not in told
    told = page(desk, "letter", letter.pk)
    assert "går genom Skatteverkets förmedling av post" in told
    assert "Box 2820" in told
    answer = post(desk, "letters-print", [letter.pk])
    assert b"Hemlig" not in answer.content


def test_what_lacks_something_is_work_and_is_written_when_it_is_there(clinic, desk):
    """KA-01"""
    patient = clinic.patient()
    letter = booked(clinic, patient).letters.get()
    assert "patientens adress saknas" in page(desk)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    post(desk, "letter-again", (), letter.pk)
    told = page(desk)
    assert "patientens adress saknas" not in told.partition("Senast skickade")[0]
    assert "Kallelse ska skrivas ut." in told


def test_a_booking_without_a_kallelse_gets_one_from_the_patient_s_page(clinic, desk):
    """KA-01"""
    appointment = clinic.book(living(clinic), start(), at=now())
    assert "Brev</h2>" not in page(desk, "patient-appointments", appointment.patient_id)
    post(desk, "appointment-letter", (), appointment.pk)
    assert appointment.letters.get().status == "unsent"
    assert "Brev</h2>" in page(desk, "patient-appointments", appointment.patient_id)


def test_another_unit_s_letters_are_not_printed_or_confirmed(clinic, desk, press):
    """PA-08"""
    other = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Söder")
    LetterText.objects.create(part="phone", care_unit=other.unit, text="046", source="Prov")
    letter = booked(other, living(other, identity="191003189808")).letters.get()
    post(desk, "letters-confirm", [letter.pk])
    assert Letter.objects.get(pk=letter.pk).status == "unsent"
    assert post(desk, "letters-print", [letter.pk]).status_code == 302


def test_the_paper_is_tagged_pdf_in_swedish_with_its_own_page_numbers(clinic):
    """KA-03: PDF/UA, by the real press."""
    pytest.importorskip("weasyprint", reason="WeasyPrint is not installed", exc_type=ImportError)
    letter = booked(clinic).letters.get()
    mediated = booked(clinic, clinic.patient(protection="sekretessmarkering")).letters.get()
    press = letter_pdf.Press()
    made = [PdfReader(BytesIO(press.pdf_of(row))) for row in (letter, mediated)]
    assert [len(each.pages) for each in made] == [1, 2]
    root = made[0].trailer["/Root"]
    assert ("/StructTreeRoot" in root, root["/Lang"], root["/MarkInfo"]["/Marked"]) == (True, "sv", True)
    assert b'pdfuaid:part="1"' in made[0].xmp_metadata.stream.get_data()
    batch, faulty = letter_pdf.batch_of([(press.pdf_of(letter), []), (press.pdf_of(mediated), [])], press)
    told = [page.extract_text().strip().splitlines()[-1] for page in PdfReader(BytesIO(batch)).pages]
    assert (told, faulty) == (["Sida 1 av 1", "Sida 1 av 2", "Sida 2 av 2"], [])


def test_the_pile_has_the_files_of_each_letter_after_it_and_what_cannot_be_read_is_told(clinic, desk, press):
    """KA-03: asked equally often however many letters carry them."""
    files = [leaflet("Karta", b"%PDF-karta"), leaflet("Blankett", b"%PDF-trasig")]
    wish = {"letter_choices": {"attachment_ids": [row.pk for row in files]}}
    rows = [booked(clinic, **wish).letters.get(), booked(clinic).letters.get(), booked(clinic, **wish).letters.get()]
    assert "Bilagorna skrivs ut efter sina brev" in page(desk)
    content = post(desk, "letters-print", [row.pk for row in rows]).content
    marks = [mark for mark in (b"Hodan", b"%PDF-trasig", b"%PDF-karta") for _ in range(content.count(mark))]
    assert sorted(marks) == sorted([b"Hodan"] * 3 + [b"%PDF-trasig", b"%PDF-karta"] * 2)
    order = sorted((content.find(mark), mark) for mark in (b"Hodan", b"%PDF-trasig", b"%PDF-karta"))
    assert [mark for _, mark in order] == [b"Hodan", b"%PDF-trasig", b"%PDF-karta"]
    assert "Kunde inte läsas och skrivs ut för sig: Blankett" in page(desk)


def test_a_text_fetches_nothing(clinic):
    """PL-16: what looks like markup is words, and the press reads its own files alone."""
    pytest.importorskip("weasyprint", reason="WeasyPrint is not installed", exc_type=ImportError)
    LetterText.objects.filter(part="bring").update(text='<img src="file:///etc/passwd"> & <b>fet</b>')
    letter = booked(clinic).letters.get()
    assert "&lt;img src=" in letter_pdf.html_of([letter])
    fetcher = letter_pdf._own_files()
    for address in ("file:///etc/passwd", "https://example.se/x.css", "data:text/css,x"):
        with pytest.raises(ValueError):
            fetcher.fetch(address)
