"""Kallelsetexter as a catalogue: versions with days, written out and read in with a look at what changes, never rewritten
once they have begun (KA-03, PL-16)."""

from datetime import date

import pytest
from django.urls import reverse

from scheduling.actions import letter_texts
from scheduling.letter_composition import FIELD, FIELDS, example_of
from scheduling.models import LetterText
from sdv.accounts.permissions import Role
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from tests.clinic import DAY, NOW, TODAY, Clinic
from tests.desk.signed_in import signed_in

HEAD = "del;amne;slag_av_enhet;text;giltig_fran;giltig_till;kalla\n"
NEW_YEAR = date(2027, 1, 1)


@pytest.fixture
def clinic(db):
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def read(clinic, text):
    found = letter_texts.compared(text, on=TODAY)
    return letter_texts.import_letter_texts(text=text, fingerprint=found.fingerprint, by=clinic.nurse, at=NOW)


def test_the_catalogue_is_written_out_and_read_back_byte_for_byte(clinic):
    """KA-03, PL-16"""
    words = '  Ett; "två"\n\ntre – åäö <b>{telefon}</b>  '
    LetterText.objects.create(part="wording", contact_reason=clinic.reason, text=words, source='Prov; "x"')
    found = letter_texts.compared(letter_texts.written().replace("\r\n", "\n"), on=TODAY)
    assert (found.added, found.changed, found.ended) == ((), (), ())
    assert found.same == LetterText.objects.count()


def test_a_new_version_ends_the_one_in_force_the_day_before(clinic):
    """KA-03"""
    old = LetterText.objects.get(part="bring", language="sv")
    found = read(clinic, HEAD + "bring;;;Ta med legitimation.;2027-01-01;;Beslut 2026-12-01\n")
    old.refresh_from_db()
    assert ([row for row, _ in found.ended], old.valid_to) == ([old], NEW_YEAR - DAY)
    assert LetterText.objects.valid_on(NEW_YEAR).get(part="bring", language="sv").text == "Ta med legitimation."
    assert LetterText.objects.valid_on(TODAY).get(part="bring", language="sv") == old


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("bring;;;Nytt;;;Beslut", "har redan börjat gälla"),
        ("bring;;;Nytt {namn};2027-01-01;;Beslut", "Fältet {namn} finns inte"),
        ("bring;;; ;2027-01-01;;Beslut", "inte tom"),
        ("bring;x;;Nytt;2027-01-01;;Beslut", "har inget ämne"),
        ("wording;finns-inte;;Nytt;;;Beslut", "känt ämne"),
        ("okänd;;;Nytt;;;Beslut", "okänd del"),
        ("bring;;;Nytt;2027-01-01;2026-01-01;Beslut", "ligger före"),
        ("bring;;;Nytt;2027-13-01;;Beslut", "inget datum"),
        ("bring;;;Nytt;2027-01-01;;", "kalla"),
        ("bring;;Nytt", "3 värden"),
        ("bring;;;Nytt;2027-01-01;;Beslut;de", "8 värden"),
        ("return_address;SE-Vårdcentralen Norr;;Vårdcentralen Norr, Box 1;;;Beslut", "får inte röja"),
    ],
)
def test_a_file_that_is_wrong_is_refused_whole_with_its_line(clinic, row, reason):
    """KA-03: nothing has been read in."""
    before = list(LetterText.objects.values())
    with pytest.raises(CatalogueError) as refused:
        read(clinic, f"{HEAD}cancel;;bvc;Ring oss.;;;Beslut\n{row}\n")
    assert str(refused.value).startswith("Rad 3: ")
    assert reason in str(refused.value)
    assert list(LetterText.objects.values()) == before


def test_what_was_seen_takes_effect_or_nothing(clinic):
    """KA-03: the catalogue was changed in between."""
    text = HEAD + "bring;;bvc;Ta med boken.;;;Beslut\n"
    found = letter_texts.compared(text, on=TODAY)
    LetterText.objects.filter(part="free").update(text="Annat")
    with pytest.raises(RuleError) as refused:
        letter_texts.import_letter_texts(text=text, fingerprint=found.fingerprint, by=clinic.nurse, at=NOW)
    assert (refused.value.rule, refused.value.code) == ("KA-03", "another_list")
    assert not LetterText.objects.filter(unit_kind="bvc").exists()


def test_the_administration_shows_what_changes_before_it_does(clinic):
    """KA-03: and how a text reads."""
    desk = signed_in(clinic.staff(Role.CATALOGUE_ADMIN))
    address = reverse("admin:scheduling_lettertext_import")
    text = HEAD + 'bring;;bvc;"Ta med boken.\nOch barnet.";;;Beslut\n'
    from django.core.files.uploadedfile import SimpleUploadedFile

    told = desk.post(address, {"file": SimpleUploadedFile("t.csv", text.encode())}).content.decode()
    assert "1 nya, 0 ändrade, 0 upphör, 0 lika." in told
    assert not LetterText.objects.filter(unit_kind="bvc").exists()
    mark = told.partition('name="fingerprint" value="')[2].partition('"')[0]
    # As a browser sends it.
    sent = text.replace("\n", "\r\n")
    assert desk.post(address, {"rows": sent, "fingerprint": mark}).status_code == 302
    row = LetterText.objects.get(unit_kind="bvc")
    assert row.text == "Ta med boken.\nOch barnet."
    exported = desk.get(reverse("admin:scheduling_lettertext_export"))
    assert exported.content.decode() == letter_texts.written()
    cancel = LetterText.objects.get(part="cancel", language="sv")
    shown = desk.get(reverse("admin:scheduling_lettertext_change", args=[cancel.pk])).content.decode()
    assert "på telefon 010-000 00 00." in shown


def test_a_text_is_added_by_hand_with_its_faults_told(clinic):
    """KA-01, KA-03"""
    desk = signed_in(clinic.staff(Role.CATALOGUE_ADMIN))
    address = reverse("admin:scheduling_lettertext_add")
    fields = {"part": "wording", "contact_reason": str(clinic.reason.pk), "source": "Beslut", "unit_kind": ""}
    fields["language"] = "sv"
    told = desk.post(address, fields | {"text": "Hej {namn},"}).content.decode()
    assert "Fältet {namn} finns inte i något brev." in told
    assert desk.post(address, fields | {"text": "Du får en tid."}).status_code == 302
    told = desk.post(address, fields | {"text": "En till."}).content.decode()
    assert "Det finns redan en version för de dagarna." in told
    assert desk.post(address, fields | {"part": "phone", "text": "046"}).status_code == 200
    assert LetterText.objects.filter(contact_reason=clinic.reason).count() == 1


def test_every_field_that_a_text_may_ask_for_has_an_example(clinic):
    """KA-03: the administration shows no field unread, in the region's own texts either."""
    assert [name for name, field in FIELDS.items() if not (field.called and field.example)] == []
    shown = [example_of(row.text) for row in LetterText.objects.all()]
    assert len(shown) > 20 and not [text for text in shown if FIELD.search(text)]
    assert example_of("{remiss_kom} {mottagare} {okänt}") == "måndag 16 november 2026 Hjärtmottagningen Exempel {okänt}"


def test_a_file_with_a_language_is_read_beside_the_swedish_one(clinic):
    """KA-03: what a file says of no language is Swedish; an unknown language stops it."""
    head = HEAD.removesuffix("\n") + ";sprak\n"
    read(
        clinic,
        head + "bring;;bvc;Bring the book.;2027-01-01;;Beslut;en\nbring;;bvc;Ta med boken.;2027-01-01;;Beslut;\n",
    )
    rows = LetterText.objects.filter(part="bring", unit_kind="bvc").order_by("language")
    assert [(row.language, row.text) for row in rows] == [("en", "Bring the book."), ("sv", "Ta med boken.")]
    with pytest.raises(CatalogueError) as refused:
        read(clinic, head + "bring;;bvc;Buch.;2028-01-01;;Beslut;de\n")
    assert "okänt språk: ”de”" in str(refused.value)
