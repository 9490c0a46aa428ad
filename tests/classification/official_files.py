"""Small files made by hand in exactly the official formats (reference: classification.md, chapter 2)."""

import io
import zipfile

from openpyxl import Workbook

from classification.importing import icd10se, kva
from classification.importing.files import SourceFile

ICD_HEADER = icd10se.COLUMNS


def tsv(name, header, rows):
    """UTF-8 with BOM, tabs, every cell in double quotes. Rows are {column: text}."""
    lines = [header, *([row.get(column, "") for column in header] for row in rows)]
    text = "\r\n".join("\t".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    return SourceFile(name, b"\xef\xbb\xbf" + f"{text}\r\n".encode())


def icd_row(code, title="", parent="", level="", **more):
    names = {"begins": icd10se.FROM, "mark": icd10se.MARK, "partners": icd10se.PARTNERS, "not_main": icd10se.NOT_MAIN}
    row = {"Kod": code, icd10se.TITLE: title, icd10se.PARENT: parent, icd10se.LEVEL: level}
    return row | {names.get(name, name): text for name, text in more.items()}


CHAPTER, BLOCK = "Kapitelkod", "Avsnittskod, kodintervall"
CATEGORY, FOUR = "Kategorikod, treställig", "Subkategorikod, fyrställig (fem tecken med punkt)"
FIVE = "Nationell fördjupningskod, femställig (sex tecken med punkt)"
OUTER_CATEGORY = "Kategorikod, yttre orsakskod, treställig"
OUTER_FOUR = "Subkategorikod, yttre orsakskod, fyrställig (fem tecken med punkt)"
OUTER_FIVE = "Femställig kod för att ange plats och aktivitet"

ICD_ROWS = [
    icd_row("05", "Psykiska sjukdomar (F00-F99)", level=CHAPTER, begins="1997-01-01", Innehåll="<div>F40-F48</div>"),
    icd_row("F40-F48", "Neurotiska syndrom", "05", BLOCK, begins="1997-01-01"),
    icd_row("F43", "Anpassningsstörningar", "F40-F48", CATEGORY, begins="1997-01-01", Utesluter="Akut sorg"),
    icd_row("F43.8", "Andra reaktioner på svår stress", "F43", FOUR, begins="1997-01-01"),
    icd_row("F43.8A", "Utmattningssyndrom", "F43.8", FIVE, begins="2005-01-01", Innefattar="Utmattning", Latin="Exhaustio"),
    icd_row("F43.8A", Innefattar="Utbrändhet UNS", Exempel="Utmattad efter lång stress"),
    icd_row("06", "Nervsystemets sjukdomar (G00-G99)", level=CHAPTER, begins="1997-01-01"),
    icd_row("G00-G09", "Inflammatoriska sjukdomar", "06", BLOCK),
    icd_row("G01", "Meningit vid bakteriesjukdomar", "G00-G09", CATEGORY, mark="Manifestationskod (*)"),
    icd_row("G01.9", "Meningit vid bakteriesjukdomar", "G01", FOUR, mark="Manifestationskod (*)", partners="A17.0†"),
    icd_row("G09", "Sena effekter", "G00-G09", CATEGORY, not_main="Koder i denna kategori ska inte användas som huvuddiagnos"),
    icd_row("G09.9", "Sena effekter", "G09", FOUR),
    icd_row("20", "Yttre orsaker (V01-Y98)", level=CHAPTER),
    icd_row("W00-W19", "Fallolyckor", "20", BLOCK, not_main="Koder i detta avsnitt ska inte användas som huvuddiagnos"),
    icd_row("W01", "Fall i samma plan", "W00-W19", OUTER_CATEGORY),
    icd_row("W01.0", "Fall i samma plan - bostad", "W01", OUTER_FOUR),
    icd_row("W01.01", "Fall i samma plan - bostad - lek", "W01.0", OUTER_FIVE),
]  # fmt: skip


def icd(rows=ICD_ROWS):
    return tsv("icd-10-se.tsv", ICD_HEADER, rows)


KMA_ROWS = [
    {"Kod": "A", "Titel": "Utredning, anatomiskt perspektiv"},
    {"Kod": "AA", "Överordnad kod": "A", "Titel": "Nervsystemet"},
    {"Kod": "AA001", "Överordnad kod": "AA", "Titel": "Adenosintest", "Beskrivning": "Test med adenosin intravenöst"},
    {"Kod": "AA001", "Innefattar": "Provokation", "Relaterad ICF-kod": "b280"},
    {"Kod": "AV144 ", "Överordnad kod": "AA", "Titel": "Provtagning \u200b", "Relaterad ICD-10-SE-kod": "C15-C16"},
]
KKA_ROWS = [
    {"Kod": "A", "Titel": "Nervsystemet och skallen"},
    {"Kod": "AAD", "Överordnad kod": "A", "Titel": "Operationer på skallen"},
    {"Kod": "AAD30", "Överordnad kod": "AAD", "Titel": "Revision av skallskada", "Kodningsinformation": "Även ZXA"},
    {"Kod": "AAD30", "Innefattar": "Avlägsnande av främmande kropp"},
]


def kma(rows=KMA_ROWS):
    return tsv("kva-medicinska-atgarder-kma.tsv", kva.KMA_COLUMNS, rows)


def kka(rows=KKA_ROWS):
    return tsv("kva-kirurgiska-atgarder-kka.tsv", kva.KKA_COLUMNS, rows)


BOOK_ROWS = [
    ["KKÅ", "AAD30", "Revision av skallskada", None, None, "Främmande kropp", None, "Även ZXA", None, None, None],
    ["KKÅ", "EMA", "Incisioner i tonsiller", None, None, None, None, None, None, None, None],
    ["KMÅ", "AA001", "Adenosintest", "Test med adenosin", None, None, None, None, None, "b280", None],
    ["KMÅ", "VB001", "SVF start", None, None, None, None, None, None, None, "C15-C16"],
]


def workbook(rows=BOOK_ROWS, header=(*kva.SHEET_COLUMNS, None), sheet=kva.SHEET):
    book = Workbook()
    book.active.title = "Läs mig"
    page = book.create_sheet(sheet)
    for row in (header, *rows):
        page.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return SourceFile("kva-inkl-beskrivningstexter-2026.xlsx", stream.getvalue())


ATC_XML = """<?xml version="1.0" encoding="UTF-8"?>
<codeSystem xmlns="urn:example">
 <concept code="N"><designation language="sv">Nervsystemet</designation></concept>
 <concept code="N02"><designation language="sv">Analgetika</designation></concept>
 <concept code="N02B"><designation language="sv">Övriga analgetika</designation></concept>
 <concept code="N02BE"><designation language="sv">Anilider</designation></concept>
 <concept code="N02BE01"><designation language="en">paracetamol</designation>
  <designation language="sv">Paracetamol</designation></concept>
 <concept code="N02BE02" throughDate="2019-12-31"><designation language="en">phenacetin</designation></concept>
 <concept code="QN02"><designation language="sv">Analgetika för djur</designation></concept>
</codeSystem>
"""


def atc(xml=ATC_XML):
    return SourceFile("atc-code.xml", xml.encode())


def zipped(xml=ATC_XML, member="sensl-v2.0\\codesystems\\atc-code.xml"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("readme.txt"), "…")
        info = zipfile.ZipInfo("x")
        info.filename = member
        archive.writestr(info, xml)
    return SourceFile("sensl-v2.0.zip", stream.getvalue())


def ans(name, lines):
    """Windows-1252, CRLF, the code in the first seven columns."""
    return SourceFile(name, "".join(f"{code:<7}{title}\r\n" for code, title in lines).encode("cp1252"))


def ansi_icd():
    return [
        ans("KSH97_KAP.ANS", [("05", "Psykiska sjukdomar"), ("20", "Yttre orsaker")]),
        ans("KSH97_AVS.ANS", [("F40-F48", "Neurotiska syndrom")]),
        ans("KSH97_KAT.ANS", [("F43", "Anpassningsstörningar")]),
        ans("KSH97_KOD.ANS", [("F438", "Andra reaktioner"), ("F438A", "Utmattningssyndrom"), ("UA1001", "Funktion")]),
        ans("KSH97_KXX.ANS", [("W01", "Fall i samma plan"), ("W0101", "Fall - bostad - lek")]),
    ]


def tabbed_icd():
    def made(name, lines):
        return SourceFile(name, b"\xef\xbb\xbf" + "".join("\t".join(line) + "\n" for line in lines).encode())

    return [
        made("digit3.txt", [("G01", "*", "Meningit (i)")]),
        made("digit4.txt", [("G019", "*", "Meningit vid bakteriesjukdom")]),
        made("digit5.txt", [("F438A", "", "Utmattningssyndrom")]),
        made("block.txt", [("G00-G09", "", "Inflammatoriska sjukdomar")]),
    ]
