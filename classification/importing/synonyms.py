"""Words that codes are found by: KSH97-P's alternative terms (SFAM), used for ICD-10-SE too, and the repository's own."""

from dataclasses import dataclass

from .errors import CatalogueError
from .files import cells_of
from .older import fixed_width
from .rows import ICD, KSH97P, LONGEST_TERM, NAMES, clean

OWN_COLUMNS = ("system", "code", "term", "source")
SFAM = "SFAM"


@dataclass(frozen=True, slots=True)
class Term:
    """A word for a code of a system."""

    system: str
    code: str
    term: str
    source: str
    where: str


def read(file):
    """The file's terms: the repository's own form, KSH97P_SFAMALT.ANS or its comma-separated copy."""
    first = (file.begins(200).decode("utf-8-sig", "replace").splitlines() or [""])[0].strip()
    if first == ";".join(OWN_COLUMNS):
        return [
            _term(cells["system"], cells["code"], cells["term"], cells["source"], file.at(line))
            for line, cells in cells_of(file, columns=OWN_COLUMNS, delimiter=";")
        ]
    if first == "code,term":
        return [
            _term(KSH97P, cells["code"], cells["term"], SFAM, file.at(line))
            for line, cells in cells_of(file, columns=("code", "term"), delimiter=",")
        ]
    return [_term(KSH97P, code, text, SFAM, where) for code, text, where in fixed_width(file)]


def _term(system, code, text, source, where):
    text = clean(text)
    if system not in NAMES:
        raise CatalogueError(f"{where}: kodsystemet {system[:30]} i sökorden är okänt.")
    if not text:
        raise CatalogueError(f"{where}: sökordet för {code} är tomt.")
    if len(text) > LONGEST_TERM:
        raise CatalogueError(f"{where}: sökordet för {code} är längre än {LONGEST_TERM} tecken.")
    return Term(system, clean(code), text, source, where)


def in_icd(code, titles):
    """The ICD-10-SE code that a KSH97-P code's words are used for, or None: a choice of search words, no conversion.

    What has the form of an ICD code is that code. A truncated code (A00-) stands for the whole category and a residual
    one (A02-P, F419P) for what is left of it: the words go to the code of the category that is called unspecified, else
    to .9, .8 or the first."""
    root = code.rstrip("P").rstrip("-")
    if len(root) > 3:
        return root if root in titles else None
    candidates = [root + digit for digit in "9801234567" if root + digit in titles]
    unspecified = [candidate for candidate in candidates if "ospecificera" in titles[candidate]]
    return next(iter([*unspecified, *candidates]), None)


def for_system(system, terms, titles):
    """(code, term, source) of the terms that belong to the system, in codes that it has; and how many did not.
    `titles` is {code: title}."""
    found, missing = [], 0
    for term in terms:
        code = term.code if term.system == system else None
        if term.system == KSH97P and system == ICD:
            code = in_icd(term.code, titles)
        elif code is None:
            continue
        if code in titles:
            found.append((code, term.term, term.source))
        elif term.where:
            # The repository's own words come along with every list, whatever codes it has.
            missing += 1
    return found, missing
