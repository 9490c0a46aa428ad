"""Loads a release of a code system: repeatable, atomic, stops on anything unknown (KL-05)."""

import re
from dataclasses import dataclass, field
from datetime import date

from django.db import connection, transaction
from django.utils.text import Truncator

from classification import search
from classification.models import (
    Code,
    CodeLevel,
    CodeMark,
    CodeRelease,
    CodeSynonym,
    CodeSystem,
    CodeWord,
    ReleaseState,
    System,
)

OIDS = {
    System.ICD_10_SE: "1.2.752.116.1.1.1.1.3",
    System.KVA: "1.2.752.116.1.3.2.1.4",
    System.ATC: "1.2.752.129.2.2.3.1.1",
}
COLUMNS = (
    "code", "display", "title", "level", "parent", "is_registrable", "is_leaf", "may_be_main", "is_external_cause",
    "mark", "sex",
)  # fmt: skip
YES_OR_NO = {"1": True, "0": False}

# The shape of what can be registered, per system: a misprint in a file stops the load.
SHAPES = {
    System.ICD_10_SE: re.compile(r"[A-Z]\d{2}(\d[0-9A-Z]?)?"),
    System.KVA: re.compile(r"[A-Z]{3}\d{2}|[A-Z]{2}\d{3}"),
    System.ATC: re.compile(r"[A-Z](\d{2}([A-Z]([A-Z](\d{2})?)?)?)?"),
    System.KSH97P: re.compile(r"[A-Z]\d{2}-?\d?P?|F438A"),
    System.REGIONAL: re.compile(r"[A-Z]{2}\d{3}|[A-Z]{3}\d{2}"),
}
UPDATED = [
    "system", "display", "title", "parent_code", "level", "is_registrable", "is_leaf", "may_be_main",
    "is_external_cause", "is_derived", "mark", "sex", "title_text", "search_text",
]  # fmt: skip


class CatalogueError(Exception):
    """A row that cannot be understood: a Swedish sentence that says which and why. Nothing has been loaded."""


@dataclass(frozen=True)
class ReleaseFacts:
    """What a release is, apart from its codes."""

    system: str
    version: str
    valid_from: date
    source: str
    valid_to: date | None = None


@dataclass
class Loaded:
    """What a load did: counted, for the line that the command prints."""

    system: str
    codes: int = 0
    new: int = 0
    changed: int = 0
    synonyms: int = 0
    left: int = field(default=0)

    def __str__(self):
        left = f", {self.left} kvar utan rad i filen" if self.left else ""
        return (
            f"{System(self.system).label}: {self.codes} koder ({self.new} nya, {self.changed} ändrade),"
            f" {self.synonyms} sökord{left}"
        )


@transaction.atomic
def load_release(facts, rows, *, synonyms=(), derived=frozenset()):
    """Loads the release from rows with the columns of the starter files. Codes already there keep their keys, so that
    what is coded points on; a code that the file has no more stays and is counted."""
    CodeSystem.objects.update_or_create(
        code=facts.system, defaults={"name": System(facts.system).label, "oid": OIDS.get(facts.system, "")}
    )
    release, _ = CodeRelease.objects.update_or_create(
        system_id=facts.system,
        version=facts.version,
        defaults={"valid_from": facts.valid_from, "valid_to": facts.valid_to, "source": facts.source},
    )
    terms = _terms(facts.system, synonyms)
    codes = _codes(release, rows, terms, derived)
    before = {row.code: row for row in release.codes.all()}
    new = [row for row in codes if row.code not in before]
    changed = [row for row in codes if row.code in before and _differs(before[row.code], row)]
    Code.objects.bulk_create(
        new + changed,
        update_conflicts=True,
        unique_fields=["release", "code"],
        update_fields=UPDATED,
        batch_size=2000,
    )
    CodeSynonym.objects.filter(code__release=release).delete()
    keys = dict(release.codes.values_list("code", "pk"))
    made = [
        CodeSynonym(code_id=keys[code], term=term, folded=search.folded_title(term), source=source)
        for code, found in terms.items()
        for term, source in found.items()
    ]
    CodeSynonym.objects.bulk_create(made, batch_size=2000)
    words = search.words_of(*(row.title for row in codes), *(synonym.term for synonym in made))
    CodeWord.objects.bulk_create(
        [CodeWord(word=word) for word in sorted(words)], ignore_conflicts=True, batch_size=5000
    )
    if new or changed:
        # Searches are planned by what the tables hold: tens of thousands of rows more than a minute ago.
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in (Code, CodeSynonym, CodeWord))}")
    if release.state != ReleaseState.READY:
        release.state = ReleaseState.READY
        release.save(update_fields=["state"])
    return Loaded(
        system=facts.system,
        codes=len(codes),
        new=len(new),
        changed=len(changed),
        synonyms=len(made),
        left=len(before.keys() - {row.code for row in codes}),
    )


def _terms(system, synonyms):
    """Code: {term: source} for the system."""
    terms = {}
    for row in synonyms:
        if row["system"] not in System.values:
            raise CatalogueError(f"Kodsystemet {row['system']} i sökorden är okänt.")
        if row["system"] == system:
            terms.setdefault(row["code"], {})[row["term"].strip()] = row["source"]
    return terms


def _codes(release, rows, terms, derived):
    made = {}
    for line, row in enumerate(rows, 2):
        code = _code(release, row, line, terms, derived)
        if code.code in made:
            raise CatalogueError(f"Rad {line}: koden {code.code} står två gånger.")
        made[code.code] = code
    for code in made.values():
        if code.parent_code and code.parent_code not in made:
            raise CatalogueError(f"Koden {code.code} ligger under {code.parent_code}, som inte finns i filen.")
    if unknown := terms.keys() - made.keys():
        raise CatalogueError(f"Sökord finns för koder som filen saknar: {', '.join(sorted(unknown)[:5])}.")
    return list(made.values())


def _code(release, row, line, terms, derived):
    if set(row) != set(COLUMNS):
        raise CatalogueError(f"Rad {line}: kolumnerna ska vara {', '.join(COLUMNS)}.")
    code, title = row["code"].strip(), row["title"].strip()
    if not title:
        raise CatalogueError(f"Rad {line}: koden {code} saknar titel.")
    if row["level"] not in CodeLevel.values:
        raise CatalogueError(f"Rad {line}: nivån {row['level']} är okänd.")
    if row["mark"] not in ("", *CodeMark.values):
        raise CatalogueError(f"Rad {line}: märket {row['mark']} är okänt.")
    if row["sex"] not in ("", "1", "2"):
        raise CatalogueError(f"Rad {line}: kön {row['sex']} är okänt.")
    answers = {}
    for column in ("is_registrable", "is_leaf", "may_be_main", "is_external_cause"):
        if row[column] not in YES_OR_NO:
            raise CatalogueError(f"Rad {line}: {column} ska vara 1 eller 0.")
        answers[column] = YES_OR_NO[row[column]]
    if answers["is_registrable"] and not SHAPES[release.system_id].fullmatch(code):
        raise CatalogueError(f"Rad {line}: {code} har inte formen av en kod i {System(release.system_id).label}.")
    return Code(
        release=release,
        system_id=release.system_id,
        code=code,
        display=row["display"].strip(),
        title=title,
        parent_code=row["parent"].strip(),
        level=row["level"],
        mark=row["mark"],
        sex=row["sex"],
        is_derived=code in derived,
        title_text=Truncator(search.folded_title(title)).chars(600, truncate=""),
        search_text=search.searched_text(title, terms.get(code, ())),
        **answers,
    )


def _differs(before, after):
    names = [f"{name}_id" if name == "system" else name for name in UPDATED]
    return any(getattr(before, name) != getattr(after, name) for name in names)
