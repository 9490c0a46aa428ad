"""Older text lists that are still met: fixed width in ANSI (.ANS), and code TAB mark TAB title (digit3/4/5.txt, block.txt)."""

import re

from .errors import CatalogueError
from .files import lines_of
from .icd10se import level_by_code, rows_of_plain
from .rows import CodeList, CodeRow, clean, clean_title, stored

CODE_WIDTH = 7
# Function codes of rehabilitation in older files: six characters, no diagnoses (reference, pitfall 9).
_FUNCTION_CODE = re.compile(r"U[ABP]\d{1,4}[A-Z0-9]?")
_MARKS = {"": "", "†": "†", "*": "*"}


def fixed_width(file):
    """(code, text, where) of a fixed-width list: the code in columns 1–7 without dot, the text after."""
    for line, text in lines_of(file, "cp1252"):
        text = text.rstrip("\r\n")
        if not text.strip():
            continue
        code, title = text[:CODE_WIDTH].strip(), text[CODE_WIDTH:].strip()
        if not code or " " in code or (len(text) > CODE_WIDTH and text[CODE_WIDTH - 1] != " " and len(code) < 7):
            raise CatalogueError(f"{file.at(line)}: de första sju tecknen är ingen kod.")
        if not title:
            raise CatalogueError(f"{file.at(line)}: koden {code} saknar text.")
        yield stored(code), title, file.at(line)


def read_icd_ans(files):
    """KSH97_KAP, _AVS, _KAT, _KOD and _KXX together."""
    found, skipped = [], 0
    for file in files:
        for code, title, where in fixed_width(file):
            if len(code) == 6 and _FUNCTION_CODE.fullmatch(code):
                skipped += 1
                continue
            found.append((code, title, "", _level(code, where), where))
    return _list("ICD-10-SE, äldre ANSI-filer (KSH97)", found, skipped, has_mark_column=False)


def read_icd_tabbed(files):
    """digit3.txt, digit4.txt, digit5.txt and block.txt together."""
    found, skipped = [], 0
    for file in files:
        for line, text in lines_of(file, "utf-8-sig"):
            cells = text.rstrip("\r\n").split("\t")
            if cells == [""]:
                continue
            if len(cells) != 3:
                raise CatalogueError(f"{file.at(line)}: raden ska ha kod, märke och titel med tabb emellan.")
            code, mark, title = stored(cells[0]), clean(cells[1]), clean_title(cells[2])
            if mark not in _MARKS:
                raise CatalogueError(f"{file.at(line)}: märket {mark[:20]} är okänt.")
            if len(code) == 6 and _FUNCTION_CODE.fullmatch(code):
                skipped += 1
                continue
            found.append((code, title, mark, _level(code, file.at(line)), file.at(line)))
    return _list("ICD-10-SE, äldre textfiler (digit3/4/5, block)", found, skipped, has_mark_column=True)


def _level(code, where):
    level = level_by_code(code)
    if level is None:
        raise CatalogueError(f"{where}: {code[:30]} har inte formen av en kod i ICD-10-SE.")
    return level


def _list(name, found, skipped, *, has_mark_column):
    rows, remarks = rows_of_plain(found, has_mark_column)
    if not any(row.level == "category" for row in rows):
        raise CatalogueError("Filerna saknar kategorier (KAT eller digit3): ange alla filer i listan.")
    if not any(row.level == "subcategory" for row in rows):
        raise CatalogueError("Filerna saknar fyrställiga koder (KOD eller digit4): ange alla filer i listan.")
    if skipped:
        remarks.append(f"{skipped} funktionskoder för rehabilitering (UA, UB, UP) är inga diagnoser och lästes inte.")
    return CodeList(name, rows, remarks)


def read_ksh97p(files):
    """KSH97P_KOD.ANS: primary care's own list. Its codes are written as they are stored (reference, chapter 3)."""
    rows = [
        CodeRow(code=code, display=code, title=clean_title(title), level="primary_care", where=where)
        for file in files
        for code, title, where in fixed_width(file)
    ]
    return CodeList("KSH97-P, ANSI-fil", rows)
