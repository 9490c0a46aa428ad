"""Lets a code list take effect (KL-05): all or nothing, repeatable, one import of a system at a time.

The system's row is locked first: two imports of one system wait for each other, and the second compares with what the
first one left. Codes already there keep their keys, so that what is coded points on; titles that contacts were coded
with stand in the codings themselves."""

import gzip
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.db import connection, transaction
from django.db.models import Q

from classification.importing.compare import COMPARED, compare
from classification.importing.errors import CatalogueError
from classification.importing.plain import own_row
from classification.importing.rows import CodeRow, chapters, checked
from classification.importing.synonyms import Term, for_system
from classification.models import (
    Code,
    CodeImport,
    CodeImportComparison,
    CodeRelation,
    CodeRelease,
    CodeSynonym,
    CodeSystem,
    ImportState,
    ReleaseState,
    System,
)
from sdv.common.errors import RuleError
from sdv.common.time import local_date

from .writing import analyse, code_of, write_codes, write_relations, write_synonyms, write_words

__all__ = ["CatalogueError", "Loaded", "ReleaseFacts", "load_release"]

OIDS = {
    System.ICD_10_SE: "1.2.752.116.1.1.1.1.3",
    System.KVA: "1.2.752.116.1.3.2.1.4",
    System.ATC: "1.2.752.129.2.2.3.1.1",
}
FILE_TERMS = {"Innefattar", "Exempel", "Latin"}


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
    ended: int = 0
    synonyms: int = 0
    release: CodeRelease | None = None

    def __str__(self):
        ended = f", {self.ended} avslutade" if self.ended else ""
        return (
            f"{System(self.system).label}: {self.codes} koder ({self.new} nya, {self.changed} ändrade{ended}),"
            f" {self.synonyms} sökord"
        )


@dataclass
class Plan:
    """What a list would do, worked out against the database as it stands; nothing is written by making one."""

    facts: ReleaseFacts
    rows: list
    comparison: object
    terms: list
    remarks: list
    release: CodeRelease | None
    base: CodeRelease | None
    shortened: CodeRelease | None
    synonyms_changed: int

    @property
    def changes_nothing(self):
        """Whether the list says what already stands."""
        found, release = self.comparison, self.release
        if found.added or found.changed or found.ended or self.synonyms_changed or release is None:
            return False
        return release.state == ReleaseState.READY and (
            (release.valid_from, release.valid_to, release.source, release.remark)
            == (self.facts.valid_from, self.facts.valid_to, self.facts.source, "\n".join(self.remarks))
        )

    def report(self):
        """What is kept and shown of it."""
        return self.comparison.report(
            self.remarks,
            codes=len(self.rows),
            synonyms=len(self.terms),
            synonyms_changed=self.synonyms_changed,
            compared_with=self.base.version if self.base else "",
            shortened=[self.shortened.version, (self.facts.valid_from - timedelta(days=1)).isoformat()]
            if self.shortened
            else None,
        )


def lock_system(system):
    """The system's row, made where it is missing and locked: imports of one system follow each other. A whole list takes
    longer than anybody otherwise waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '60s'")
    CodeSystem.objects.get_or_create(code=system, defaults={"name": System(system).label, "oid": OIDS.get(system, "")})
    return CodeSystem.objects.filter(code=system).locked().get()


def planned(facts, rows, *, terms=(), known_sex=None, remarks=()):
    """The plan of a checked list. Refuses a release whose days belong to another (KL-05)."""
    release = CodeRelease.objects.filter(system_id=facts.system, version=facts.version).first()
    if facts.valid_to is None and release and _has_follower(release):
        # Read once more after its follower has come: it still ends where that one began.
        facts = replace(facts, valid_to=release.valid_to)
    shortened = _shortened(facts, release)
    base = (
        release
        or shortened
        or CodeRelease.objects.filter(system_id=facts.system, state=ReleaseState.READY, valid_from__lt=facts.valid_from)
        .order_by("-valid_from")
        .first()
    )
    before = before_of(base)
    rows = [_with_sex(row, known_sex, before) for row in rows]
    titles = {row.code: row.title for row in rows}
    found_terms, missing = _terms(facts.system, rows, terms, base, titles)
    remarks = list(remarks)
    if missing:
        remarks.append(f"{missing} sökord hör till koder som utgåvan inte har och används inte.")
    in_release = _synonyms_of(release) if release else set()
    return Plan(
        facts=facts,
        rows=rows,
        comparison=compare(rows, before),
        terms=found_terms,
        remarks=remarks,
        release=release,
        base=base,
        shortened=shortened,
        synonyms_changed=len(in_release ^ set(found_terms)) if release else 0,
    )


@transaction.atomic
def take_effect(plan, *, at=None, derived=frozenset(), progress=None):
    """Writes what the plan says. Called with the system locked, in the transaction that made the plan. A code of the
    release that the list has no more is ended the day before `at`: contacts that ended earlier may still be coded so."""
    facts, tell = plan.facts, progress or (lambda *_: None)
    if plan.changes_nothing:
        return _loaded(plan, plan.release)
    if plan.shortened:
        plan.shortened.valid_to = facts.valid_from - timedelta(days=1)
        plan.shortened.save(update_fields=["valid_to"])
    release, is_new = plan.release, plan.release is None
    release = release or CodeRelease(system_id=facts.system, version=facts.version)
    release.valid_from, release.valid_to, release.source = facts.valid_from, facts.valid_to, facts.source
    release.remark = "\n".join(plan.remarks)
    release.state = ReleaseState.IMPORTING
    release.save()
    terms_of = {}
    for code, term, _ in plan.terms:
        terms_of.setdefault(code, []).append(term)
    chapter_of = chapters(plan.rows)

    def made_of(row):
        return code_of(release, row, terms_of.get(row.code, ()), derived, chapter_of[row.code])

    write_codes(release, plan.rows, made_of, is_new, tell)
    if not is_new:
        _end_missing(release, plan, at)
    keys = dict(release.codes.values_list("code", "pk"))
    tell("sökord", 0, len(plan.terms))
    write_synonyms(release, plan.terms, keys)
    write_relations(release, plan.rows, keys)
    write_words(plan.rows, plan.terms)
    release.state = ReleaseState.READY
    release.save(update_fields=["state"])
    # Searches are planned by what the tables hold: tens of thousands of rows more than a minute ago.
    tell("räknar om sökningens underlag", 0, 0)
    with connection.cursor() as cursor:
        analyse(cursor)
    return _loaded(plan, release)


@transaction.atomic
def load_release(facts, rows, *, synonyms=(), derived=frozenset(), at=None):
    """Loads the release from rows with the columns of the repository's own form, without a preview: the starter set."""
    rows = checked(facts.system, [own_row(row, f"Rad {line}") for line, row in enumerate(rows, 2)])
    terms = [Term(row["system"], row["code"], row["term"].strip(), row["source"], "") for row in synonyms]
    for term in terms:
        if term.system not in System.values:
            raise CatalogueError(f"Kodsystemet {term.system} i sökorden är okänt.")
    codes = {row.code for row in rows}
    if unknown := {term.code for term in terms if term.system == facts.system} - codes:
        raise CatalogueError(f"Sökord finns för koder som filen saknar: {', '.join(sorted(unknown)[:5])}.")
    lock_system(facts.system)
    plan = planned(facts, rows, terms=terms)
    loaded = take_effect(plan, at=at, derived=derived)
    if at is not None and not plan.changes_nothing:
        record(plan, format="Startuppsättning", by=None, at=at, release=loaded.release)
    return loaded


def record(plan, *, format, by, at, release=None):
    """The row that tells of an import: previewed, or at once in effect where a release is given."""
    made = CodeImport.objects.create(
        system_id=plan.facts.system,
        version=plan.facts.version,
        valid_from=plan.facts.valid_from,
        valid_to=plan.facts.valid_to,
        source=plan.facts.source,
        format=format,
        report=plan.report(),
        fingerprint=plan.comparison.fingerprint,
        by=by,
        at=at,
        release=release,
        state=ImportState.IN_EFFECT if release else ImportState.PREVIEWED,
        decided_by=by if release else None,
        decided_at=at if release else None,
    )
    CodeImportComparison.objects.create(code_import=made, content=gzip.compress(plan.comparison.written(), 6))
    return made


# --- Inside -----------------------------------------------------------------------------------------------------------


def _has_follower(release):
    return (
        release.valid_to is not None
        and CodeRelease.objects.filter(
            system_id=release.system_id, state=ReleaseState.READY, valid_from=release.valid_to + timedelta(days=1)
        ).exists()
    )


def _shortened(facts, release):
    """The release that the new one takes over from: it ends the day before. One whose days the new one would only
    cut into is not touched."""
    overlapping = CodeRelease.objects.filter(system_id=facts.system, state=ReleaseState.READY).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=facts.valid_from)
    )
    if facts.valid_to:
        overlapping = overlapping.filter(valid_from__lte=facts.valid_to)
    others = list(overlapping.exclude(pk=release.pk if release else None).order_by("valid_from"))
    if not others:
        return None
    first = others[0]
    lasts_longer = facts.valid_to and (first.valid_to is None or first.valid_to > facts.valid_to)
    if len(others) > 1 or first.valid_from >= facts.valid_from or lasts_longer:
        ends = first.valid_to.isoformat() if first.valid_to else "tills vidare"
        raise RuleError(
            "KL-05",
            f"Utgåvan {first.version} gäller redan från {first.valid_from.isoformat()} till {ends}. Välj en första dag"
            " efter den utgåvans första, utan sista dag, eller en sista dag före den.",
            code="release_days_taken",
        )
    return first


def before_of(release):
    """{code: CodeRow} of a release, in the shape that lists have."""
    if release is None:
        return {}
    relations = {}
    for code, kind, target in CodeRelation.objects.filter(code__release=release).values_list(
        "code__code", "kind", "target"
    ):
        relations.setdefault(code, []).append((kind, target))
    names = [name for name in COMPARED if name not in ("parent", "relations")]
    return {
        values[0]: CodeRow(
            code=values[0],
            where="",
            parent=values[1],
            relations=tuple(sorted(relations.get(values[0], ()))),
            **dict(zip(names, values[2:], strict=True)),
        )
        for values in release.codes.values_list("code", "parent_code", *names)
    }


def _with_sex(row, known_sex, before):
    if row.sex is not None:
        return row
    known = before.get(row.code)
    return replace(row, sex=(known_sex or {}).get(row.code) or (known.sex if known else "") or "")


def _terms(system, rows, given, base, titles):
    """(code, term, source) once each: the list's own, the given, and those of the release before from other sources."""
    found = {}
    given, missing = for_system(system, given, titles)
    replaced = FILE_TERMS | {source for _, _, source in given}
    for row in rows:
        for term, source in row.terms:
            found.setdefault((row.code, term[:200].strip()), source)
    for code, term, source in given:
        found.setdefault((code, term), source)
    if base:
        for code, term, source in _synonyms_of(base):
            if source not in replaced and code in titles:
                found.setdefault((code, term), source)
    return sorted((code, term, source) for (code, term), source in found.items()), missing


def _synonyms_of(release):
    return set(CodeSynonym.objects.filter(code__release=release).values_list("code__code", "term", "source"))


def _end_missing(release, plan, at):
    gone = set(release.codes.values_list("code", flat=True)) - {row.code for row in plan.rows}
    today = local_date(at) if at else release.valid_from
    last = max(release.valid_from, today) - timedelta(days=1)
    Code.objects.filter(release=release, code__in=gone, valid_to__isnull=True).update(valid_to=last)


def _loaded(plan, release):
    found = plan.comparison
    return Loaded(
        system=plan.facts.system,
        codes=len(plan.rows),
        new=len(found.added) if plan.base == plan.release else len(plan.rows),
        changed=len(found.changed) if plan.base == plan.release else 0,
        ended=len(found.ended) if plan.base == plan.release else 0,
        synonyms=len(plan.terms),
        release=release,
    )
