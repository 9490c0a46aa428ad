"""Every official format is read as it is documented; what is unknown stops with its line and a sentence (KL-05)."""

import gzip
import hashlib
import zipfile
from datetime import date
from io import BytesIO

import pytest

from classification.importing import files, formats, synonyms
from classification.importing.errors import CatalogueError
from classification.importing.files import SourceFile

from . import official_files as official


def read(system, *given):
    return {row.code: row for row in formats.read(system, list(given)).rows}


def stopped(system, *given):
    with pytest.raises(CatalogueError) as error:
        formats.read(system, list(given))
    return str(error.value)


# --- ICD-10-SE: sixteen columns ---------------------------------------------------------------------------------------


def test_icd_tsv_one_code_may_span_several_lines():
    rows = read("icd-10-se", official.icd())
    assert len(rows) == 16
    row = rows["F438A"]
    assert (row.display, row.title, row.level, row.parent) == ("F43.8A", "Utmattningssyndrom", "extension", "F438")
    assert row.valid_from == date(2005, 1, 1)
    assert row.texts == {
        "Latin": ["Exhaustio"],
        "Innefattar": ["Utmattning", "Utbrändhet UNS"],
        "Exempel": ["Utmattad efter lång stress"],
    }
    assert row.terms == (
        ("Utmattning", "Innefattar"), ("Utbrändhet UNS", "Innefattar"), ("Utmattad efter lång stress", "Exempel"),
        ("Exhaustio", "Latin"),
    )  # fmt: skip


def test_icd_tsv_what_a_code_is_not_is_never_a_word_to_find_it_by():
    row = read("icd-10-se", official.icd())["F43"]
    assert row.texts["Utesluter"] == ["Akut sorg"]
    assert row.terms == ()


def test_icd_tsv_a_mark_on_a_section_or_a_category_holds_for_all_below():
    """KL-06: Ej huvuddiagnos is read from its column."""
    rows = read("icd-10-se", official.icd())
    not_main = {code for code, row in rows.items() if not row.may_be_main}
    assert not_main == {"G09", "G099", "W00-W19", "W01", "W010", "W0101"}


def test_icd_tsv_manifestations_and_their_partners():
    row = read("icd-10-se", official.icd())["G019"]
    assert (row.mark, row.relations) == ("*", (("partner", "A17.0†"),))


def test_icd_tsv_what_can_be_registered():
    rows = read("icd-10-se", official.icd())
    assert {code for code, row in rows.items() if row.is_registrable} == {"F438", "F438A", "G019", "G099", "W0101"}
    assert {code for code, row in rows.items() if row.is_external_cause} == {"20", "W00-W19", "W01", "W010", "W0101"}
    assert {code for code, row in rows.items() if row.is_leaf} == {"F438A", "G019", "G099", "W0101"}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (official.icd_row("F43.9", "Reaktion", "F43", "Femtonställig kod"), "icd-10-se.tsv, rad 19: F43.9 har Kodnivå"),
        (official.icd_row("F439A", "Reaktion", "F43", official.FOUR), "rad 19: F439A har inte formen av Subkategorikod"),
        (official.icd_row("F43.9", "", "F43", official.FOUR), "rad 19: koden F439 saknar titel."),
        (official.icd_row("F43.9", "R", "F44", official.FOUR), "Koden F439 ligger under F44, som inte finns i filen."),
        (official.icd_row("F43.9", "R", "", official.FOUR), "rad 19: F43.9 saknar överordnad kod."),
        (official.icd_row("21", "Kapitel", "05", official.CHAPTER), "rad 19: 21 har överordnad kod fast den är ett kapitel."),
        (official.icd_row("F43", "Ny titel"), "rad 19: F43 har Titel Ny titel, men en tidigare rad säger Anpassnings"),
        (official.icd_row("F43.9", "R", "F43", official.FOUR, begins="i fjol"), "rad 19: Giltig från är i fjol, som inte är"),
        (official.icd_row("F43.9", "R", "F43", official.FOUR, mark="#"), "rad 19: F43.9 har Manifestation(*)/Etiologi(†) #"),
        (official.icd_row("F43.9", "R", "F43", official.FOUR, partners="se ovan"), "rad 19: F43.9 kopplas till se ovan"),
        (official.icd_row("F43.9", "R", "F43", official.FOUR, not_main="Kanske"), "rad 19: F43.9 har Ej huvuddiagnos Kanske"),
        (official.icd_row("", "R", "F43", official.FOUR), "rad 19: raden saknar kod."),
        (official.icd_row("F43.9", "x" * 501, "F43", official.FOUR), "rad 19: titeln på F439 är längre än 500 tecken."),
    ],
)  # fmt: skip
def test_icd_tsv_stops_on_the_unknown(row, sentence):
    assert sentence in stopped("icd-10-se", official.icd([*official.ICD_ROWS, row]))


def test_icd_tsv_with_another_header_stops():
    file = official.tsv("icd-10-se.tsv", ("Kod", "Titel", "Nivå", "Annat"), [])
    assert stopped("icd-10-se", file).startswith("icd-10-se.tsv, rad 1: kolumnerna ska vara Kod, Giltig från, ")


def test_a_file_that_has_lost_its_letters_or_its_quotes_stops():
    whole = official.icd().content
    assert "tecknen är inte UTF-8" in stopped(
        "icd-10-se", SourceFile("a.tsv", whole.decode("utf-8-sig").encode("cp1252"))
    )
    assert "går inte att läsa som tabell" in stopped("icd-10-se", SourceFile("a.tsv", whole[:-3] + b"\r\n"))
    assert "som inte hör hemma i en textfil" in stopped("icd-10-se", SourceFile("a.tsv", whole + b"\x00"))
    short = whole + b'"F43.9"\t"bara"\r\n'
    assert (
        stopped("icd-10-se", SourceFile("a.tsv", short)) == "a.tsv, rad 19: raden har 2 kolumner; rubrikraden har 16."
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.tsv är tom."),
        (b"hej", "a.tsv känns inte igen som en fil för ICD-10-SE."),
        (b"\x89PNG\r\n", "a.tsv känns inte igen"),
        (b"x" * (files.MOST_BYTES + 1), "a.tsv är större än 40 MB och läses inte."),
    ],
    ids=["empty", "text", "picture", "too large"],
)
def test_what_is_no_list_stops(content, sentence):
    assert stopped("icd-10-se", SourceFile("a.tsv", content)).startswith(sentence)


# --- ICD-10-SE: older lists -------------------------------------------------------------------------------------------


def test_icd_ansi_files_make_one_list():
    listed = formats.read("icd-10-se", official.ansi_icd())
    rows = {row.code: row for row in listed.rows}
    assert rows["F43"].title == "Anpassningsstörningar"
    assert {code: row.parent for code, row in rows.items()} == {
        "05": "", "20": "", "F40-F48": "", "F43": "F40-F48", "F438": "F43", "F438A": "F438", "W01": "", "W0101": "W01",
    }  # fmt: skip
    assert rows["F438A"].display == "F43.8A"
    assert not rows["W0101"].may_be_main and rows["F438A"].may_be_main
    assert "1 funktionskoder för rehabilitering" in listed.remarks[-1]
    assert listed.remarks[0].startswith("Filen säger inte vilka koder som inte får vara huvuddiagnos.")


def test_icd_ansi_files_stop_on_the_unknown():
    kat, kod = official.ansi_icd()[2], official.ansi_icd()[3]
    assert stopped("icd-10-se", kat).startswith("Filerna saknar fyrställiga koder")
    assert stopped("icd-10-se", kod).startswith("Filerna saknar kategorier")
    assert "KSH97_KOD.ANS, rad 1: koden F439 saknar text." in stopped(
        "icd-10-se", kat, official.ans("KSH97_KOD.ANS", [("F439", "")])
    )
    assert "har inte formen av en kod i ICD-10-SE" in stopped("icd-10-se", kat, official.ans("X.ANS", [("F4", "Kort")]))
    assert "tecknen är inte ANSI" in stopped("icd-10-se", kat, SourceFile("X.ANS", b"F439   \x81\r\n"))


def test_icd_tabbed_files_have_marks():
    rows = read("icd-10-se", *official.tabbed_icd())
    assert (rows["G01"].title, rows["G01"].mark, rows["G01"].parent) == ("Meningit", "*", "G00-G09")
    assert rows["G019"].parent == "G01"
    broken = SourceFile("digit3.txt", b"G01\t+\tMeningit\n")
    assert stopped("icd-10-se", broken) == "digit3.txt, rad 1: märket + är okänt."
    broken = SourceFile("digit3.txt", b"G01\t\tMeningit\nG02\tMeningit\n")
    assert "digit3.txt, rad 2: raden ska ha kod, märke och titel" in stopped("icd-10-se", broken)


# --- KVÅ --------------------------------------------------------------------------------------------------------------


def test_kva_tsv_the_two_parts_meet_in_headings_only():
    rows = read("kva", official.kma(), official.kka())
    assert (rows["A"].title, rows["KKA-A"].title) == ("Utredning, anatomiskt perspektiv", "Nervsystemet och skallen")
    assert (rows["KKA-A"].display, rows["KKA-AAD"].parent, rows["AAD30"].parent) == ("A", "KKA-A", "KKA-AAD")
    assert rows["AV144"].title == "Provtagning"
    assert rows["AV144"].relations == (("icd", "C15-C16"),)
    assert rows["AA001"].relations == (("icf", "b280"),)
    assert rows["AA001"].texts["Innefattar"] == ["Provokation"]
    assert {code for code, row in rows.items() if row.is_registrable} == {"AA001", "AV144", "AAD30"}


def test_kva_tsv_with_one_part_stops_before_the_other_is_ended():
    only = "KVÅ består av KKÅ och KMÅ: ange båda, annars skulle den andra delens koder upphöra."
    assert stopped("kva", official.kma()) == f"Här finns bara KMÅ. {only}"
    assert stopped("kva", official.kka(), official.kka()).startswith(
        "kva-kirurgiska-atgarder-kka.tsv: KKÅ är redan med."
    )


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"Kod": "AA0012", "Titel": "x"}, "rad 7: AA0012 har varken formen av en kod eller en rubrik i KMÅ."),
        ({"Kod": "AAD31", "Titel": "x"}, "rad 7: AAD31 har varken formen av en kod eller en rubrik i KMÅ."),
        (
            {"Kod": "AA002", "Överordnad kod": "AB", "Titel": "x"},
            "Koden AA002 ligger under AB, som inte finns i filen.",
        ),
        ({"Kod": "AA002", "Överordnad kod": "AA"}, "rad 7: koden AA002 saknar titel."),
    ],
)
def test_kva_tsv_stops_on_the_unknown(row, sentence):
    assert sentence in stopped("kva", official.kma([*official.KMA_ROWS, row]), official.kka())


def test_kva_workbook():
    listed = formats.read("kva", [official.workbook()])
    rows = {row.code: row for row in listed.rows}
    assert rows["AAD30"].texts == {"Innefattar": ["Främmande kropp"], "Kodningsinformation": ["Även ZXA"]}
    assert (rows["KKA-EMA"].is_registrable, rows["KKA-EMA"].display) == (False, "EMA")
    assert rows["VB001"].relations == (("icd", "C15-C16"),)
    assert listed.remarks == ["Filen har inga rubriker: KVÅ visas i bokstavsordning utan dem."]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sheet": "Annat blad"}, "saknar bladet KVÅ – (KKÅ+KMÅ)."),
        ({"header": ("Klassifikation", "Kod")}, "rad 1: bladets kolumner ska vara Klassifikation, Kod, Titel"),
        ({"rows": [["KSÅ", "AA001", "Test"]]}, "rad 2: klassifikationen KSÅ är okänd."),
        ({"rows": [["KMÅ", None, "Test"]]}, "rad 2: raden saknar kod."),
        ({"rows": [["KMÅ", "AA001", "Test", *[None] * 8, "mer"]]}, "rad 2: det finns text utanför bladets kolumner."),
        ({"rows": [["KMÅ", "AA001", "Test"]]}, "Här finns bara KMÅ."),
        ({"rows": [*official.BOOK_ROWS, official.BOOK_ROWS[0]]}, "rad 6: koden AAD30 står två gånger."),
    ],
)
def test_kva_workbook_stops_on_the_unknown(given, sentence):
    assert sentence in stopped("kva", official.workbook(**given))


def test_a_workbook_that_is_none_or_would_burst_or_declares_entities_stops(monkeypatch):
    assert "går inte att öppna" in stopped("kva", SourceFile("kva.xlsx", b"PK\x03\x04 trasig"))
    book = official.workbook().content

    def with_member(name, content):
        stream = BytesIO(book)
        with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return SourceFile("kva.xlsx", stream.getvalue())

    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    assert "är ingen vanlig arbetsbok" in stopped("kva", with_member("xl/other.xml", entity))
    monkeypatch.setattr(files, "MOST_UNPACKED", 1024 * 1024)
    assert "packas upp till mer än 1 MB" in stopped("kva", with_member("xl/big.bin", b"0" * 2 * 1024 * 1024))


# --- ATC --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [official.atc(), official.zipped()], ids=["xml", "zip"])
def test_atc_xml(given):
    listed = formats.read("atc", [given])
    rows = {row.code: row for row in listed.rows}
    assert list(rows) == ["N", "N02", "N02B", "N02BE", "N02BE01", "N02BE02"]
    assert (rows["N02BE01"].title, rows["N02BE01"].parent, rows["N02BE01"].level) == ("Paracetamol", "N02BE", "atc_5")
    assert (rows["N02BE02"].valid_to, rows["N02BE02"].title) == (date(2019, 12, 31), "phenacetin")
    assert [code for code, row in rows.items() if row.is_registrable] == ["N02BE01", "N02BE02"]
    assert listed.remarks == ["1 koder för djur (Q…) lästes inte.", "1 koder har bara engelsk benämning."]


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (official.ATC_XML.replace("N02BE01", "N02BE1"), "N02BE1 har inte formen av en kod i ATC."),
        (official.ATC_XML.replace('code="N02BE01"', 'kod="N02BE01"'), "ett begrepp saknar kod."),
        (official.ATC_XML.replace("2019-12-31", "31/12"), "throughDate är 31/12, som inte är ett datum"),
        (official.ATC_XML.replace(">Anilider<", "><"), "koden N02BE saknar titel."),
        (official.ATC_XML.replace("</codeSystem>", ""), "filen är ingen giltig XML."),
        (official.ATC_XML.replace('code="N02B"', 'code="N03B"'), "ligger under"),
        ("<codeSystem/>", "har inga begrepp (concept)."),
    ],
)
def test_atc_xml_stops_on_the_unknown(xml, sentence):
    assert sentence in stopped("atc", official.atc(xml))


def test_atc_xml_expands_no_entity_and_fetches_nothing(tmp_path):
    (tmp_path / "secret").write_text("hemligt")
    for declared in (
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{tmp_path}/secret">]>',
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    ):
        xml = official.ATC_XML.replace("<codeSystem", f"{declared}<codeSystem").replace("Anilider", "&a;")
        sentence = stopped("atc", official.atc(xml))
        assert "dokumenttyp" in sentence and "hemligt" not in sentence


def test_a_zip_without_the_list_stops():
    assert stopped("atc", official.zipped(member="annat.xml")) == "sensl-v2.0.zip saknar codesystems/atc-code.xml."


# --- KSH97-P, regional codes, words -----------------------------------------------------------------------------------


def test_ksh97p_ansi_keeps_its_own_way_of_writing():
    rows = read("ksh97p", official.ans("KSH97P_KOD.ANS", [("A00-", "Kolera"), ("F419P", "Annat"), ("F438A", "Utm")]))
    assert [(row.code, row.display, row.level) for row in rows.values()] == [
        ("A00-", "A00-", "primary_care"), ("F419P", "F419P", "primary_care"), ("F438A", "F438A", "primary_care"),
    ]  # fmt: skip
    assert "har inte formen av en kod i KSH97-P" in stopped("ksh97p", official.ans("K.ANS", [("A0", "Kort")]))


def test_regional_codes_come_in_our_own_form():
    header = "code;display;title;level;parent;is_registrable;is_leaf;may_be_main;is_external_cause;mark;sex\n"
    good = SourceFile("r.csv", (header + "UW040;UW040;Stöd;regional;;1;1;0;0;;\n").encode())
    assert list(read("regional", good)) == ["UW040"]
    assert stopped("regional", SourceFile("r.csv", b"kod;text\n")).startswith("r.csv känns inte igen")
    broken = SourceFile("r.csv", (header + "UW040;UW040;Stöd;okänd;;1;1;0;0;;\n").encode())
    assert stopped("regional", broken) == "r.csv, rad 2: nivån okänd är okänd."


def test_words_of_primary_care_are_used_for_icd_too_and_no_code_is_converted():
    terms = synonyms.read(
        official.ans("KSH97P_SFAMALT.ANS", [("J03-", "Halsfluss"), ("F419P", "Ångest"), ("Z99-", "x")])
    )
    titles = {"J030": "Streptokocktonsillit", "J039": "Akut tonsillit, ospecificerad", "F419": "Ångesttillstånd"}
    assert synonyms.for_system("icd-10-se", terms, titles) == (
        [("J039", "Halsfluss", "SFAM"), ("F419", "Ångest", "SFAM")], 1,
    )  # fmt: skip
    assert synonyms.for_system("kva", terms, {}) == ([], 0)
    with pytest.raises(CatalogueError, match="kodsystemet icd-11 i sökorden är okänt"):
        synonyms.read(SourceFile("s.csv", b"system;code;term;source\nicd-11;X;y;z\n"))


# --- Files that lie elsewhere than in memory ---------------------------------------------------------------------------


class Counted(BytesIO):
    """A stream that tells how much was asked for at a time."""

    most = 0

    def read(self, size=-1):
        return self._told(super().read(size))

    def read1(self, size=-1):
        return self._told(super().read1(size))

    def readinto(self, buffer):
        Counted.most = max(Counted.most, len(buffer))
        return super().readinto(buffer)

    def _told(self, piece):
        Counted.most = max(Counted.most, len(piece))
        return piece


def large(count=20_000):
    """A list of several megabytes: the example's rows and then categories of its block, with long descriptions."""
    words = "Beskrivning " * 15
    rows = [
        official.icd_row(
            f"F{number // 10 % 10}{number % 10}.{letter}", "Påhittad", "", official.FOUR, Beskrivning=words
        )
        for number in range(count // 10)
        for letter in range(10)
    ]
    return official.tsv("icd-10-se.tsv", official.ICD_HEADER, rows).content


def test_a_large_file_goes_through_memory_a_piece_at_a_time(monkeypatch):
    """KL-05: what is asked for at a time has a bound, whatever the size of the file."""
    content = large()
    assert len(content) > 4 * files.MEBIBYTE
    monkeypatch.setattr(Counted, "most", 0)
    given = SourceFile("icd-10-se.tsv", opener=lambda: Counted(content), length=len(content))
    assert sum(1 for _ in files.cells_of(given, columns=official.ICD_HEADER, delimiter="\t")) == 20_000
    digest, packed = given.packed()
    assert Counted.most <= files.MEBIBYTE
    assert digest == hashlib.sha256(content).hexdigest() and gzip.decompress(packed) == content


@pytest.mark.parametrize(
    ("system", "given"),
    [
        ("icd-10-se", [official.icd()]),
        ("icd-10-se", official.ansi_icd()),
        ("icd-10-se", official.tabbed_icd()),
        ("kva", [official.kma(), official.kka()]),
        ("kva", [official.workbook()]),
        ("atc", [official.atc()]),
        ("atc", [official.zipped()]),
    ],
)
def test_every_format_reads_the_same_from_disk_and_from_what_is_kept_compressed(system, given, tmp_path):
    """KL-05: what the administration keeps until somebody says yes is read as what was sent."""
    wanted = formats.read(system, given)
    for file in given:
        (tmp_path / file.name).write_bytes(file.content)
    from_disk = [SourceFile.at_path(tmp_path / file.name) for file in given]
    kept = [SourceFile.compressed(file.name, file.packed()[1], file.size) for file in from_disk]
    for others in (from_disk, kept):
        found = formats.read(system, others)
        assert (found.format, found.rows, found.remarks) == (wanted.format, wanted.rows, wanted.remarks)


def test_the_workbook_of_history_is_named_and_the_way_on_told():
    said = stopped("icd-10-se", SourceFile("historik-icd-10-se.xlsx", official.workbook().content))
    assert "Hämta utgåvans TSV" in said and "koder som en ny utgåva saknar upphör med den gamla" in said


@pytest.mark.parametrize(("system", "given"), [("atc", official.zipped()), ("kva", official.workbook())])
def test_a_damaged_archive_is_said_to_be_so_wherever_it_is_damaged(system, given):
    """Never another fault than the sentence: at its directory, at a member's head, in the middle of what is compressed."""
    sound = given.content
    for place in range(0, len(sound), 7):
        damaged = sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :]
        try:
            formats.read(system, [SourceFile(given.name, damaged)])
        except CatalogueError as error:
            assert str(error).endswith(".")
    for count in (5, len(sound) // 2, len(sound) - 3):
        assert given.name in stopped(system, SourceFile(given.name, sound[:count]))
