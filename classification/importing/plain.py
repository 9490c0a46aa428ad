"""Comma- and semicolon-separated lists: the repository's own form, and the reference copies of the national lists."""

import csv
from dataclasses import replace

from .atc import row_of as atc_row
from .errors import CatalogueError
from .files import cells_of
from .icd10se import UNKNOWN_NOT_MAIN, is_external, is_registrable, level_by_code
from .kva import HEADINGS, KEPT_TEXTS, KKA, KMA, NO_HEADINGS, SHAPES, _both, heading_key
from .rows import CodeList, CodeRow, clean, clean_title, stored

# --- The repository's own form ----------------------------------------------------------------------------------------

OWN_COLUMNS = (
    "code", "display", "title", "level", "parent", "is_registrable", "is_leaf", "may_be_main", "is_external_cause",
    "mark", "sex",
)  # fmt: skip
OWN_LEVELS = {
    "chapter", "block", "category", "subcategory", "extension", "group", "procedure", "primary_care", "regional",
    "atc_1", "atc_2", "atc_3", "atc_4", "atc_5",
}  # fmt: skip
YES_OR_NO = {"1": True, "0": False}


def read_own(files):
    """The form of `classification/data`: semicolons and a header. Regional codes come so."""
    rows = []
    for file in files:
        for line, cells in cells_of(file, columns=OWN_COLUMNS, delimiter=";"):
            rows.append(own_row(cells, file.at(line)))
    return CodeList("Egen form (semikolon)", rows)


def own_row(cells, where):
    """A row with the columns of the repository's own form."""
    if set(cells) != set(OWN_COLUMNS):
        raise CatalogueError(f"{where}: kolumnerna ska vara {', '.join(OWN_COLUMNS)}.")
    if cells["level"] not in OWN_LEVELS:
        raise CatalogueError(f"{where}: nivån {cells['level']} är okänd.")
    if cells["mark"] not in ("", "†", "*"):
        raise CatalogueError(f"{where}: märket {cells['mark']} är okänt.")
    if cells["sex"] not in ("", "1", "2"):
        raise CatalogueError(f"{where}: kön {cells['sex']} är okänt.")
    answers = {}
    for column in ("is_registrable", "is_leaf", "may_be_main", "is_external_cause"):
        if cells[column] not in YES_OR_NO:
            raise CatalogueError(f"{where}: {column} ska vara 1 eller 0.")
        answers[column] = YES_OR_NO[cells[column]]
    return CodeRow(
        code=clean(cells["code"]),
        display=clean(cells["display"]),
        title=clean(cells["title"]),
        level=cells["level"],
        where=where,
        parent=clean(cells["parent"]),
        mark=cells["mark"],
        sex=cells["sex"],
        **answers,
    )


# --- Reference copies -------------------------------------------------------------------------------------------------

ICD_COLUMNS = (
    "code", "code_dotted", "title", "level", "parent_code", "chapter", "block", "dagger_asterisk_2022",
    "in_2022_release", "first_seen_snapshot", "is_leaf", "not_main_derived",
)  # fmt: skip
KVA_COLUMNS = (
    "code", "system", "chapter_letter", "group_code", "title", "beskrivning", "exempel", "innefattar", "utesluter",
    "kodningsinformation", "anmarkning", "relaterad_icf", "relaterad_icd10se",
)  # fmt: skip
KVA_GROUP_COLUMNS = ("group_code", "system", "parent", "title", "beskrivning", "provenance")
KSH97P_COLUMNS = ("code", "title", "form", "is_icd10se_code_2023_12")
ATC_COLUMNS = ("code", "title", "level", "veterinary")


def read_icd(files):
    """`icd10se.csv`: titles, tree and marks; what it says of Ej huvuddiagnos is only what is certain."""
    if len(files) != 1:
        raise CatalogueError("ICD-10-SE är en fil; ange bara den.")
    rows = []
    for line, cells in cells_of(files[0], columns=ICD_COLUMNS, delimiter=","):
        where, code, level = files[0].at(line), clean(cells["code"]), cells["level"]
        if level != level_by_code(code):
            raise CatalogueError(f"{where}: {code[:30]} har inte formen av nivån {level[:30]}.")
        if cells["is_leaf"] not in YES_OR_NO or cells["not_main_derived"] not in ("", "1"):
            raise CatalogueError(f"{where}: is_leaf ska vara 1 eller 0 och not_main_derived 1 eller tom.")
        if cells["dagger_asterisk_2022"] not in ("", "†", "*"):
            raise CatalogueError(f"{where}: märket {cells['dagger_asterisk_2022'][:20]} är okänt.")
        is_leaf = YES_OR_NO[cells["is_leaf"]]
        rows.append(
            CodeRow(
                code=code,
                display=clean(cells["code_dotted"]),
                title=clean_title(cells["title"]),
                level=level,
                where=where,
                parent=clean(cells["parent_code"]),
                is_registrable=is_registrable(level, code, not is_leaf),
                is_leaf=is_leaf,
                may_be_main=cells["not_main_derived"] != "1",
                is_external_cause=cells["chapter"] == "20" or is_external(code),
                mark=cells["dagger_asterisk_2022"],
            )
        )
    return CodeList("ICD-10-SE, kommaseparerad", rows, [UNKNOWN_NOT_MAIN])


def read_kva(files):
    """`kva_2026.csv`, with the headings of `kva_groups_2026.csv` where they are given too."""
    rows, parts, with_headings = [], set(), False
    for file in files:
        if _begins(file, KVA_GROUP_COLUMNS):
            with_headings = True
            rows += [_kva_heading(file, line, cells) for line, cells in _cells(file, KVA_GROUP_COLUMNS)]
            continue
        for line, cells in _cells(file, KVA_COLUMNS):
            rows.append(_kva_code(file, line, cells))
            parts.add(cells["system"])
    _both(parts)
    headings = {row.code for row in rows if row.level == "group"}
    # The reference copy names groups that only the official TSV has headings for.
    for place, row in enumerate(rows):
        if row.parent and row.parent not in headings:
            rows[place] = replace(row, parent="")
    return CodeList("KVÅ, kommaseparerad", rows, [] if with_headings else [NO_HEADINGS])


def _cells(file, columns):
    return cells_of(file, columns=columns, delimiter=",")


def _begins(file, columns):
    first = file.begins(400).decode("utf-8-sig", "replace").splitlines()[:1]
    return bool(first) and next(csv.reader(first)) == list(columns)


def _part(file, line, cells):
    if cells["system"] not in SHAPES:
        raise CatalogueError(f"{file.at(line)}: delen {cells['system'][:20]} är okänd.")
    return cells["system"]


def _kva_heading(file, line, cells):
    part, code = _part(file, line, cells), stored(cells["group_code"])
    if not HEADINGS[part].fullmatch(code):
        raise CatalogueError(f"{file.at(line)}: {code[:30]} har inte formen av en rubrik i {part}.")
    return CodeRow(
        code=heading_key(part, code),
        display=code,
        title=clean_title(cells["title"]),
        level="group",
        where=file.at(line),
        parent=heading_key(part, stored(cells["parent"])),
        is_registrable=False,
        is_leaf=False,
        may_be_main=False,
        texts={"Beskrivning": [clean(cells["beskrivning"])]} if clean(cells["beskrivning"]) else {},
    )


def _kva_code(file, line, cells):
    part, code = _part(file, line, cells), stored(cells["code"])
    if not SHAPES[part].fullmatch(code):
        raise CatalogueError(f"{file.at(line)}: {code[:30]} har inte formen av en kod i {part}.")
    columns = {"Anmärkning": "anmarkning"}
    texts = {name: clean(cells[columns.get(name, name.lower())]) for name in KEPT_TEXTS}
    relations = [("icf", clean(cells["relaterad_icf"])), ("icd", clean(cells["relaterad_icd10se"]))]
    return CodeRow(
        code=code,
        display=code,
        title=clean_title(cells["title"]),
        level="procedure",
        where=file.at(line),
        parent=heading_key(part, stored(cells["group_code"])),
        may_be_main=False,
        texts={name: [text] for name, text in texts.items() if text},
        terms=tuple((texts[name], name) for name in ("Innefattar", "Exempel") if texts[name]),
        relations=tuple(relation for relation in relations if relation[1]),
    )


def read_ksh97p(files):
    """`ksh97p.csv`."""
    rows = [
        CodeRow(
            code=clean(cells["code"]),
            display=clean(cells["code"]),
            title=clean_title(cells["title"]),
            level="primary_care",
            where=file.at(line),
        )
        for file in files
        for line, cells in _cells(file, KSH97P_COLUMNS)
    ]
    return CodeList("KSH97-P, kommaseparerad", rows)


def read_atc(files):
    """`atc_2020.csv`: the human codes."""
    rows, veterinary = [], 0
    for file in files:
        for line, cells in _cells(file, ATC_COLUMNS):
            if cells["veterinary"] not in YES_OR_NO:
                raise CatalogueError(f"{file.at(line)}: veterinary ska vara 1 eller 0.")
            if YES_OR_NO[cells["veterinary"]]:
                veterinary += 1
                continue
            rows.append(atc_row(clean(cells["code"]).upper(), cells["title"], file.at(line)))
    remarks = [f"{veterinary} koder för djur (Q…) lästes inte."] if veterinary else []
    return CodeList("ATC, kommaseparerad", rows, remarks)


__all__ = ["KKA", "KMA", "own_row", "read_atc", "read_icd", "read_ksh97p", "read_kva", "read_own"]
