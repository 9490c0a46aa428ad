"""ICD-10-SE: the TSV of sixteen columns (since the end of 2023) and the marks that it alone carries."""

import re

from .errors import CatalogueError
from .grouped import entries
from .rows import ICD, LONGEST_TARGET, CodeList, CodeRow, clean_title, day, dotted, stored

PARENT, LEVEL, TITLE, FROM = "Överordnad kod", "Kodnivå - kodspecifikation", "Titel", "Giltig från"
MARK, PARTNERS = "Manifestation(*)/Etiologi(†)", "Koppling Manifestation(*)/Etiologi(†)"
NOT_MAIN = "Ej huvuddiagnos"
COLUMNS = (
    "Kod", FROM, PARENT, TITLE, "Latin", "Beskrivning", "Exempel", "Innefattar", "Utesluter", "Anmärkning",
    "Kodningsinformation", "Innehåll", MARK, PARTNERS, NOT_MAIN, LEVEL,
)  # fmt: skip
SINGLE = {FROM, PARENT, TITLE, MARK, NOT_MAIN, LEVEL}
KEPT_TEXTS = (
    "Latin", "Beskrivning", "Exempel", "Innefattar", "Utesluter", "Anmärkning", "Kodningsinformation",
)  # fmt: skip
NOT_MAIN_TEXTS = {
    "Ska inte användas som huvuddiagnos",
    "Denna kategori ska inte användas för att ange huvuddiagnos",
    "Koder i denna kategori ska inte användas som huvuddiagnos",
    "Koder i detta avsnitt ska inte användas som huvuddiagnos",
}
LEVELS = (
    ("Kapitelkod", "chapter"),
    ("Avsnittskod", "block"),
    ("Kategorikod", "category"),
    ("Subkategorikod", "subcategory"),
    ("Nationell fördjupningskod", "extension"),
    ("Femställig kod", "extension"),
)
CODE_SHAPES = {
    "chapter": re.compile(r"\d{2}"),
    "block": re.compile(r"[A-Z]\d{2}-[A-Z]\d{2}"),
    "category": re.compile(r"[A-Z]\d{2}"),
    "subcategory": re.compile(r"[A-Z]\d{3}"),
    "extension": re.compile(r"[A-Z]\d{3}[0-9A-Z]"),
}
# Without the column the certain ones are chapter 20, B95–B98 and U82–U85 (reference, rule 2).
UNKNOWN_NOT_MAIN = (
    "Filen säger inte vilka koder som inte får vara huvuddiagnos. Säkra är kapitel 20, B95–B98 och U82–U85; den officiella"
    " filens kolumn Ej huvuddiagnos gäller 25 kategorier till, och vilka de är framgår inte här."
)
_PARTNER = re.compile(r"[A-Z]\d{2}(?:\.\d[0-9A-Z]?)?[*†+]?(?:\s*[-–]\s*[A-Z]\d{2}(?:\.\d[0-9A-Z]?)?[*†+]?)?")


def is_external(code):
    """Whether the code stands in chapter 20, Yttre orsaker: V01–Y98."""
    return code == "20" or code[:1] in "VWXY"


def is_registrable(level, code, has_children):
    """Categories never; in chapter 20 only what has nothing under it (place and activity are told)."""
    if level not in ("subcategory", "extension"):
        return False
    return not (is_external(code) and has_children)


def surely_not_main(code):
    """The codes that certainly carry Ej huvuddiagnos, where the list has no column for it."""
    return code[:1] in "VWXY" or "B95" <= code[:3] <= "B98" or "U82" <= code[:3] <= "U85" or code == "20"


def read(files):
    """The rows of the official TSV."""
    if len(files) != 1:
        raise CatalogueError("ICD-10-SE är en fil; ange bara den.")
    found = entries(files[0], columns=COLUMNS, single=SINGLE)
    codes = {entry.code: stored(entry.code) for entry in found}
    parents = {codes[entry.code]: stored(entry.single.get(PARENT, "")) for entry in found}
    with_children = set(parents.values())
    marked = {codes[entry.code] for entry in found if _not_main(entry)}
    rows = [_row(entry, codes[entry.code], parents, with_children, marked) for entry in found]
    return CodeList("ICD-10-SE, TSV med 16 kolumner", rows)


def _not_main(entry):
    said = entry.single.get(NOT_MAIN, "")
    if said and said not in NOT_MAIN_TEXTS:
        raise CatalogueError(f"{entry.where}: {entry.code} har {NOT_MAIN} {said[:80]}, som är okänt.")
    return bool(said)


def _row(entry, code, parents, with_children, marked):
    level = _level(entry, code)
    parent = parents[code]
    if bool(parent) == (level == "chapter"):
        wrong = "har överordnad kod fast den är ett kapitel" if parent else "saknar överordnad kod"
        raise CatalogueError(f"{entry.where}: {entry.code} {wrong}.")
    return CodeRow(
        code=code,
        display=entry.code.strip(),
        title=clean_title(entry.single.get(TITLE)),
        level=level,
        where=entry.where,
        parent=parent,
        is_registrable=is_registrable(level, code, code in with_children),
        is_leaf=code not in with_children,
        may_be_main=not _marked_above(code, parents, marked),
        is_external_cause=is_external(code) or _under_chapter_20(code, parents),
        mark=_mark(entry),
        valid_from=day(entry.single.get(FROM), entry.where, FROM),
        texts={name: entry.texts[name] for name in KEPT_TEXTS if name in entry.texts},
        terms=_terms(entry),
        relations=tuple(
            ("partner", partner)
            for partner in dict.fromkeys(
                found for text in entry.texts.get(PARTNERS, ()) for found in _partners(entry, text)
            )
        ),
    )


def _level(entry, code):
    said = entry.single.get(LEVEL, "")
    level = next((level for begins, level in LEVELS if said.startswith(begins)), None)
    if level is None:
        raise CatalogueError(f"{entry.where}: {entry.code} har {LEVEL} {said[:60] or 'tom'}, som är okänd.")
    if not CODE_SHAPES[level].fullmatch(code):
        raise CatalogueError(f"{entry.where}: {entry.code} har inte formen av {said[:60]}.")
    return level


def _marked_above(code, parents, marked):
    """A mark on a section or a category holds for all below it."""
    for _ in range(12):
        if code in marked:
            return True
        code = parents.get(code, "")
        if not code:
            return False
    return False


def _under_chapter_20(code, parents):
    for _ in range(12):
        if code == "20":
            return True
        code = parents.get(code, "")
    return False


def _mark(entry):
    said = entry.single.get(MARK, "")
    if not said:
        return ""
    if "Manifestationskod" in said:
        return "*"
    if "Etiologisk kod" in said:
        return "†"
    raise CatalogueError(f"{entry.where}: {entry.code} har {MARK} {said[:60]}, som är okänt.")


def _partners(entry, text):
    found = [match.group().strip() for match in _PARTNER.finditer(text)]
    if not found:
        raise CatalogueError(f"{entry.where}: {entry.code} kopplas till {text[:60]}, som inte är någon kod.")
    return [partner[:LONGEST_TARGET] for partner in found]


def _terms(entry):
    """Words that the code is found by: never Utesluter, which names what the code is not."""
    return tuple((term, name) for name in ("Innefattar", "Exempel", "Latin") for term in entry.texts.get(name, ()))


def rows_of_plain(found, has_mark_column):
    """Rows of the older lists and of comma-separated ones, which have no column for the parent: (code, title, mark,
    level, where). Parents by the codes themselves."""
    levels = {code: level for code, _, _, level, _ in found}
    blocks = sorted(
        ((code[:3], code[4:7], code) for code, level in levels.items() if level == "block"),
        key=lambda row: (row[0], row[1]),
    )
    parents = {code: _parent_by_code(code, level, levels, blocks) for code, level in levels.items()}
    with_children = set(parents.values())
    rows = [
        CodeRow(
            code=code,
            display=dotted(code),
            title=clean_title(title),
            level=level,
            where=where,
            parent=parents[code],
            is_registrable=is_registrable(level, code, code in with_children),
            is_leaf=code not in with_children,
            may_be_main=not surely_not_main(code),
            is_external_cause=is_external(code),
            mark=mark,
        )
        for code, title, mark, level, where in found
    ]
    remarks = [UNKNOWN_NOT_MAIN]
    if not has_mark_column:
        remarks.append("Filen har inga märken för etiologi (†) och manifestation (*).")
    return rows, remarks


def _parent_by_code(code, level, levels, blocks):
    if level in ("extension", "subcategory"):
        return next((code[:length] for length in (4, 3) if length < len(code) and code[:length] in levels), "")
    if level == "chapter":
        return ""
    first, last = (code[:3], code[4:7]) if level == "block" else (code, code)
    around = [row for row in blocks if row[0] <= first and last <= row[1] and row[2] != code]
    return min(around, key=lambda row: (-_place(row[0]), _place(row[1])))[2] if around else ""


def _place(code):
    return ord(code[0]) * 100 + int(code[1:3])


def level_by_code(code):
    """The level that a code's shape says, or None."""
    return next((level for level, shape in CODE_SHAPES.items() if shape.fullmatch(code)), None)


SYSTEM = ICD
