"""KVÅ: the two TSV files (KKÅ and KMÅ), and the workbook that holds both."""

import re
import warnings

from .errors import CatalogueError
from .files import opened_archive, unpacking
from .grouped import CODE, Entry, entries
from .rows import LONGEST_TARGET, CodeList, CodeRow, clean, clean_title, stored

PARENT, TITLE = "Överordnad kod", "Titel"
ICF, ICD = "Relaterad ICF-kod", "Relaterad ICD-10-SE-kod"
KMA_COLUMNS = (
    CODE, PARENT, TITLE, "Beskrivning", "Exempel", "Innefattar", "Utesluter", "Anmärkning", ICF, ICD,
)  # fmt: skip
KKA_COLUMNS = (
    CODE, PARENT, TITLE, "Beskrivning", "Exempel", "Innefattar", "Utesluter", "Anmärkning", "Kodningsinformation",
)  # fmt: skip
KKA_COLUMNS_ALSO = (*KKA_COLUMNS[:7], "Kodningsinformation", "Anmärkning")
SINGLE = {PARENT, TITLE}
KEPT_TEXTS = ("Beskrivning", "Exempel", "Innefattar", "Utesluter", "Kodningsinformation", "Anmärkning")
KKA, KMA = "KKÅ", "KMÅ"
SHAPES = {KKA: re.compile(r"[A-Z]{3}\d{2}"), KMA: re.compile(r"[A-Z]{2}\d{3}")}
HEADINGS = {KKA: re.compile(r"[A-Z]{1,3}"), KMA: re.compile(r"[A-Z]{1,2}\d?|[A-Z]{2}\d{1,2}")}
# A, AA, … mean different things in the two: KMÅ's headings keep their letters, KKÅ's are told apart in what is stored.
KKA_PREFIX = "KKA-"

SHEET = "KVÅ – (KKÅ+KMÅ)"
SHEET_COLUMNS = (
    "Klassifikation", CODE, TITLE, "Beskrivning", "Exempel", "Innefattar", "Utesluter", "Kodningsinformation",
    "Anmärkning", ICF,
)  # fmt: skip
NO_HEADINGS = "Filen har inga rubriker: KVÅ visas i bokstavsordning utan dem."
BOTH_PARTS = "KVÅ består av KKÅ och KMÅ: ange båda, annars skulle den andra delens koder upphöra."


def part_of(code):
    """Which of the two parts a five-position code belongs to: the shape says it, the first letter does not."""
    return next((part for part, shape in SHAPES.items() if shape.fullmatch(code)), None)


def heading_key(part, code):
    """What a heading is stored as."""
    return f"{KKA_PREFIX}{code}" if part == KKA and code else code


def read_tsv(files):
    """Both files, one of each part."""
    rows, parts = [], set()
    for file in files:
        header = header_of(file)
        part = KMA if header == KMA_COLUMNS else KKA
        if part in parts:
            raise CatalogueError(f"{file.name}: {part} är redan med. {BOTH_PARTS}")
        parts.add(part)
        found = entries(file, columns=header, single=SINGLE)
        rows += [_row(entry, part) for entry in found]
    _both(parts)
    return CodeList("KVÅ, TSV (KKÅ och KMÅ)", _with_leaves(rows))


def header_of(file):
    """The header of a KVÅ TSV: one of the known, or the refusal that lists KMÅ's columns."""
    first = file.begins(2000).decode("utf-8-sig", "replace").splitlines()[:1]
    cells = tuple(cell.strip().strip('"') for cell in first[0].split("\t")) if first else ()
    for known in (KMA_COLUMNS, KKA_COLUMNS, KKA_COLUMNS_ALSO):
        if cells == known:
            return known
    return KMA_COLUMNS if ICD in cells or "Kodningsinformation" not in cells else KKA_COLUMNS


def _row(entry, part, *, has_parents=True):
    code = stored(entry.code)
    is_code = bool(SHAPES[part].fullmatch(code))
    if not is_code and not HEADINGS[part].fullmatch(code):
        raise CatalogueError(f"{entry.where}: {entry.code[:30]} har varken formen av en kod eller en rubrik i {part}.")
    parent = stored(entry.single.get(PARENT, "")) if has_parents else ""
    relations = [("icf", text) for text in entry.texts.get(ICF, ())]
    relations += [("icd", text) for text in entry.texts.get(ICD, ())]
    for _, target in relations:
        if len(target) > LONGEST_TARGET:
            raise CatalogueError(f"{entry.where}: {entry.code} har en relaterad kod som är för lång.")
    return CodeRow(
        code=code if is_code else heading_key(part, code),
        display=code,
        title=clean_title(entry.single.get(TITLE)),
        level="procedure" if is_code else "group",
        where=entry.where,
        parent=heading_key(part, parent),
        is_registrable=is_code,
        is_leaf=is_code,
        may_be_main=False,
        texts={name: entry.texts[name] for name in KEPT_TEXTS if name in entry.texts},
        terms=tuple((term, name) for name in ("Innefattar", "Exempel") for term in entry.texts.get(name, ())),
        relations=tuple(dict.fromkeys(relations)),
    )


def _with_leaves(rows):
    above = {row.parent for row in rows}
    for row in rows:
        if row.level == "procedure" and row.code in above:
            raise CatalogueError(f"{row.where}: {row.code} är en åtgärd men har koder under sig.")
    return rows


def _both(parts):
    if parts != {KKA, KMA}:
        only = f"Här finns bara {next(iter(parts))}. " if parts else ""
        raise CatalogueError(f"{only}{BOTH_PARTS}")


# --- The workbook -----------------------------------------------------------------------------------------------------


def read_workbook(files):
    """The sheet with both parts. It has neither headings nor dates; two headings stand among KKÅ's codes (EMA, FAA)."""
    if len(files) != 1:
        raise CatalogueError("Arbetsboken innehåller både KKÅ och KMÅ; ange bara den.")
    file = files[0]
    _no_declarations(file)
    rows, parts = [], set()
    for entry, part in _sheet_entries(file):
        parts.add(part)
        rows.append(_row(entry, part, has_parents=False))
    _both(parts)
    return CodeList("KVÅ, arbetsbok", rows, [NO_HEADINGS])


def _no_declarations(file):
    """Document types and entities have no place in a workbook, nor characters that would hide them."""
    for member in (archive := opened_archive(file)).infolist():
        if member.filename.lower().endswith((".xml", ".rels", ".vml")):
            with unpacking(file), archive.open(member) as opened:
                begins = opened.read(4096)
            if b"<!DOCTYPE" in begins or b"<!ENTITY" in begins or begins[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise CatalogueError(f"{file.name} är ingen vanlig arbetsbok och läses inte.")


def _sheet_entries(file):
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(file.seekable(), read_only=True, data_only=True, keep_links=False)
        except Exception as error:  # whatever a broken workbook makes of the library
            raise CatalogueError(f"{file.name} går inte att öppna som arbetsbok. Hämta filen igen.") from error
        try:
            if SHEET not in book.sheetnames:
                raise CatalogueError(f"{file.name} saknar bladet {SHEET}.")
            yield from _sheet_rows(file, _lines(file, book[SHEET]))
        finally:
            book.close()


def _lines(file, sheet):
    """The rows of the sheet, read as they are asked for. Where the book is damaged further in, it is told so."""
    lines = sheet.iter_rows(values_only=True)
    while True:
        try:
            line = next(lines, None)
        except Exception as error:  # whatever a broken workbook makes of the library
            raise CatalogueError(f"{file.name} går inte att läsa som arbetsbok. Hämta filen igen.") from error
        if line is None:
            return
        yield line


def _sheet_rows(file, lines):
    header = [clean(str(cell)) if cell is not None else "" for cell in next(lines, ())]
    while header and not header[-1]:
        header.pop()
    if tuple(header) != SHEET_COLUMNS:
        raise CatalogueError(f"{file.at(1)}: bladets kolumner ska vara {', '.join(SHEET_COLUMNS)}.")
    # The last column has no name: it holds the related ICD interval of some codes.
    columns = (*SHEET_COLUMNS, ICD)
    for number, cells in enumerate(lines, 2):
        values = [str(cell) if cell is not None else "" for cell in cells]
        if not any(value.strip() for value in values):
            continue
        if any(clean(value) for value in values[len(columns) :]):
            raise CatalogueError(f"{file.at(number)}: det finns text utanför bladets kolumner.")
        row = dict(zip(columns, values + [""] * (len(columns) - len(values)), strict=False))
        part, code = clean(row["Klassifikation"]), clean(row[CODE])
        if part not in SHAPES:
            raise CatalogueError(f"{file.at(number)}: klassifikationen {part[:30] or 'saknas'} är okänd.")
        if not code:
            raise CatalogueError(f"{file.at(number)}: raden saknar kod.")
        entry = Entry(code, file.at(number))
        entry.single[TITLE] = clean(row[TITLE])
        entry.texts = {name: [clean(row[name])] for name in (*KEPT_TEXTS, ICF, ICD) if clean(row[name])}
        yield entry, part
