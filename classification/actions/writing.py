"""Writes tens of thousands of codes in seconds: what is new by COPY, what differs by update, nothing else."""

import json

from django.db import connection

from classification import search
from classification.models import Code, CodeRelation, CodeSynonym, CodeWord
from sdv.common.uuid7 import uuid7

COPIED = [
    "id", "release_id", "system_id", "code", "display", "title", "parent_code", "chapter", "level", "is_registrable", "is_leaf",
    "may_be_main", "is_external_cause", "is_derived", "mark", "sex", "valid_from", "valid_to", "texts", "title_text",
    "search_text",
]  # fmt: skip
UPDATED = [name.removesuffix("_id") for name in COPIED if name not in ("id", "release_id", "code")]
AT_A_TIME = 2000


def code_of(release, row, terms, derived, chapter):
    """The code as it is stored."""
    return Code(
        release=release,
        system_id=release.system_id,
        code=row.code,
        display=row.display or row.code,
        title=row.title,
        parent_code=row.parent,
        chapter=chapter,
        level=row.level,
        is_registrable=row.is_registrable,
        is_leaf=row.is_leaf,
        may_be_main=row.may_be_main,
        is_external_cause=row.is_external_cause,
        is_derived=row.code in derived,
        mark=row.mark,
        sex=row.sex or "",
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        texts=row.texts,
        title_text=search.folded_title(row.title)[:600],
        search_text=search.searched_text(row.title, terms, row.texts.get("Beskrivning", ())),
    )


def write_codes(release, rows, made_of, is_new, tell):
    """Makes the codes of the rows (`made_of`) and writes them, some thousand at a time: the whole list is never in memory
    as rows of the database. Codes that say the same are left alone."""
    for start in range(0, len(rows), AT_A_TIME):
        tell("koder", start, len(rows))
        made = [made_of(row) for row in rows[start : start + AT_A_TIME]]
        wanted = [code.code for code in made]
        before = {} if is_new else {code.code: code for code in release.codes.filter(code__in=wanted)}
        new = [code for code in made if code.code not in before]
        changed = [code for code in made if code.code in before and _differs(before[code.code], code)]
        _copy(Code, COPIED, ([_value(code, name) for name in COPIED] for code in new))
        for code in changed:
            code.pk = before[code.code].pk
        Code.objects.bulk_update(changed, UPDATED, batch_size=500)
    tell("koder", len(rows), len(rows))


def write_synonyms(release, terms, keys):
    """Leaves the same synonyms alone, takes the others away and adds the new."""
    before = {
        (code, term, source): pk
        for pk, code, term, source in CodeSynonym.objects.filter(code__release=release).values_list(
            "pk", "code__code", "term", "source"
        )
    }
    wanted = set(terms)
    CodeSynonym.objects.filter(pk__in=[pk for key, pk in before.items() if key not in wanted]).delete()
    _copy(
        CodeSynonym,
        ["id", "code_id", "term", "folded", "source"],
        (
            [uuid7(), keys[code], term, search.folded_title(term)[:240], source]
            for code, term, source in terms
            if (code, term, source) not in before
        ),
    )


def write_relations(release, rows, keys):
    """The same for what codes refer to."""
    before = {
        (code, kind, target): pk
        for pk, code, kind, target in CodeRelation.objects.filter(code__release=release).values_list(
            "pk", "code__code", "kind", "target"
        )
    }
    wanted = {(row.code, kind, target) for row in rows for kind, target in row.relations}
    CodeRelation.objects.filter(pk__in=[pk for key, pk in before.items() if key not in wanted]).delete()
    _copy(
        CodeRelation,
        ["id", "code_id", "kind", "target"],
        ([uuid7(), keys[code], kind, target] for code, kind, target in sorted(wanted - before.keys())),
    )


def write_words(rows, terms):
    """The words that a misspelt one may be corrected to."""
    words = search.words_of(*(row.title for row in rows), *(term for _, term, _ in terms))
    new = words - set(CodeWord.objects.filter(word__in=words).values_list("word", flat=True))
    CodeWord.objects.bulk_create([CodeWord(word=word) for word in sorted(new)], ignore_conflicts=True, batch_size=5000)


def analyse(cursor):
    """So that the planner knows of the new rows at once."""
    names = ", ".join(model._meta.db_table for model in (Code, CodeSynonym, CodeRelation, CodeWord))
    cursor.execute(f"ANALYZE {names}")


def _copy(model, columns, rows):
    table = model._meta.db_table
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _value(code, name):
    if name == "id":
        return code.pk
    value = getattr(code, name)
    return json.dumps(value, ensure_ascii=False) if name == "texts" else value


def _differs(before, after):
    return any(
        getattr(before, name) != getattr(after, name)
        for name in (f"{name}_id" if name == "system" else name for name in UPDATED)
    )
