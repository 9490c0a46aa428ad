"""A row of any code list, in one shape, and what must hold of all the rows of a list."""

import re
from dataclasses import dataclass, field
from datetime import date

from .errors import CatalogueError

ICD, KVA, ATC, KSH97P, REGIONAL = "icd-10-se", "kva", "atc", "ksh97p", "regional"
NAMES = {ICD: "ICD-10-SE", KVA: "KVÅ", ATC: "ATC", KSH97P: "KSH97-P", REGIONAL: "Regional kod"}

# The shape of what can be registered, per system: a misprint in a file stops the load.
SHAPES = {
    ICD: re.compile(r"[A-Z]\d{2}(\d[0-9A-Z]?)?"),
    KVA: re.compile(r"[A-Z]{3}\d{2}|[A-Z]{2}\d{3}"),
    ATC: re.compile(r"[A-Z](\d{2}([A-Z]([A-Z](\d{2})?)?)?)?"),
    KSH97P: re.compile(r"[A-Z]\d{2}-?\d?P?|F438A"),
    REGIONAL: re.compile(r"[A-Z]{2}\d{3}|[A-Z]{3}\d{2}"),
}
STORED = re.compile(r"[0-9A-Z][0-9A-Z-]*")
LONGEST_CODE, LONGEST_TITLE, LONGEST_TERM, LONGEST_TARGET = 12, 500, 200, 200
# Spaces of every kind at the ends, also those without width (pitfall 2 of the reference).
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff]")
_INFORMATION_MARK = re.compile(r"\s*\(i\)$")


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code as a list has it. `where` says which line it stood on, for sentences."""

    code: str
    title: str
    level: str
    where: str
    display: str = ""
    parent: str = ""
    is_registrable: bool = True
    is_leaf: bool = True
    may_be_main: bool = True
    is_external_cause: bool = False
    mark: str = ""
    # None: the list says nothing about it, and what is known from before stands.
    sex: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    texts: dict = field(default_factory=dict)
    terms: tuple = ()
    relations: tuple = ()


@dataclass
class CodeList:
    """What a reader has read: the rows, and remarks on what the files did not say."""

    format: str
    rows: list
    remarks: list = field(default_factory=list)


def clean(text):
    """A cell's text, without invisible characters and without space at the ends or doubled inside."""
    return " ".join(_INVISIBLE.sub("", text or "").split())


def clean_title(text):
    """A title; "(i)" in older lists only says that there is an explanation."""
    return _INFORMATION_MARK.sub("", clean(text))


def stored(code):
    """A code without dot and space, in upper case."""
    return clean(code).replace(".", "").replace(" ", "").upper()


def dotted(code):
    """How an ICD code is written: F43.8A."""
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 and "-" not in code else code


def day(text, where, what):
    """A date of a list: ISO, or None where nothing is said."""
    text = clean(text)
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise CatalogueError(f"{where}: {what} är {text[:30]}, som inte är ett datum (åååå-mm-dd).") from error


def checked(system, rows):
    """The rows, when they hold together: shapes, titles, no code twice, every parent there."""
    if not rows:
        raise CatalogueError("Filen har inga koder.")
    seen = {}
    for row in rows:
        if not row.title:
            raise CatalogueError(f"{row.where}: koden {row.code} saknar titel.")
        if len(row.title) > LONGEST_TITLE:
            raise CatalogueError(f"{row.where}: titeln på {row.code} är längre än {LONGEST_TITLE} tecken.")
        if len(row.code) > LONGEST_CODE or not STORED.fullmatch(row.code):
            raise CatalogueError(f"{row.where}: {row.code[:30]} är ingen kod.")
        if row.is_registrable and not SHAPES[system].fullmatch(row.code):
            raise CatalogueError(f"{row.where}: {row.code} har inte formen av en kod i {NAMES[system]}.")
        if row.valid_from and row.valid_to and row.valid_to < row.valid_from:
            raise CatalogueError(f"{row.where}: {row.code} slutar gälla innan den börjar.")
        if row.code in seen:
            raise CatalogueError(f"{row.where}: koden {row.code} står två gånger.")
        seen[row.code] = row
    for row in rows:
        if row.parent and row.parent not in seen:
            raise CatalogueError(f"Koden {row.code} ligger under {row.parent}, som inte finns i filen.")
        _no_circle(row, seen)
    return rows


def chapters(rows):
    """{code: the topmost heading above it}. A list without headings is kept together by its codes' first letters."""
    above = {row.code: row for row in rows}
    found = {}
    for row in rows:
        top = row
        while top.parent:
            top = above[top.parent]
        found[row.code] = top.code if not top.is_registrable else _by_letters(top)
    return found


def _by_letters(row):
    is_surgical = row.level == "procedure" and row.code[:3].isalpha()
    return f"{'KKA-' if is_surgical else ''}{row.code[:1]}"


def _no_circle(row, seen):
    steps, above = 0, row
    while above.parent:
        above = seen.get(above.parent)
        steps += 1
        if above is None:
            return
        if steps > 12:
            raise CatalogueError(f"Koden {row.code} ligger under sig själv.")
