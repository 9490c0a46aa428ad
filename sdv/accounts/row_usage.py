"""How much refers to a row of the administration, from the model's own relations: told before the row is changed."""

from dataclasses import dataclass

from django.db import connection, models
from psycopg import sql

# Counted to here: beyond it, it is many, and how many is nobody's question.
MOST = 1000
# What has no index to be found by is looked for among the newest of its table, so that the look costs the same after ten years.
NEWEST = 10_000

BY_INDEX = sql.SQL(
    "SELECT {number}, count(*), 0 FROM (SELECT 1 FROM {table} WHERE {column} = %(pk)s LIMIT %(most)s) counted"
)
AMONG_THE_NEWEST = sql.SQL(
    "SELECT {number}, count(*) FILTER (WHERE {column} = %(pk)s), count(*)"
    " FROM (SELECT {column} FROM {table} ORDER BY {key} DESC LIMIT %(newest)s) counted"
)


@dataclass(frozen=True)
class Reference:
    """A column that points at the model: of which model's rows, in which field of them."""

    model: type
    field: models.Field
    table: str
    column: str
    is_indexed: bool


def references(model, apart_from=()):
    """Every column that points at the model, whatever it is called from here. `apart_from` are models left out."""
    found = []
    for relation in model._meta.get_fields(include_hidden=True):
        if not relation.auto_created or relation.concrete:
            continue
        field, other = relation.field, relation.related_model
        if other in apart_from or other._meta.auto_created or other._meta.proxy or not other._meta.managed:
            continue
        if not field.many_to_many:
            found.append(Reference(other, field, other._meta.db_table, field.column, is_indexed(field)))
        elif field.remote_field.through._meta.auto_created:
            table = field.remote_field.through._meta.db_table
            found.append(Reference(other, field, table, field.m2m_reverse_name(), True))
    return found


def is_indexed(field):
    """Whether a row's referrers are found by an index: the field's own, or one that begins with it and holds every row."""
    meta = field.model._meta
    leading = [names[0] for names in meta.unique_together]
    for found in (*meta.indexes, *meta.constraints):
        if getattr(found, "fields", None) and getattr(found, "condition", None) is None:
            leading.append(found.fields[0].lstrip("-"))
    return field.db_index or field.unique or field.name in leading


def counted(row, apart_from=()):
    """(reference, how many, of how many looked at or 0) for each column that points at the row. One statement."""
    asked = references(type(row), apart_from)
    if not asked:
        return []
    parts = [
        (BY_INDEX if each.is_indexed else AMONG_THE_NEWEST).format(
            number=sql.Literal(number),
            table=sql.Identifier(each.table),
            column=sql.Identifier(each.column),
            key=sql.Identifier(each.model._meta.pk.column),
        )
        for number, each in enumerate(asked)
    ]
    with connection.cursor() as cursor:
        statement = sql.SQL(" UNION ALL ").join(parts).as_string(cursor.connection)
        cursor.execute(statement, {"pk": row.pk, "most": MOST + 1, "newest": NEWEST})
        return [(asked[number], count, of) for number, count, of in sorted(cursor.fetchall())]


def used_by(row, apart_from=()):
    """What refers to the row, as in "12 bokningar", the most first. None where nothing can point at it: what is used by its
    contents is found by no reference."""
    if not references(type(row), apart_from):
        return None
    found = [(each, count, of) for each, count, of in counted(row, apart_from) if count or of == NEWEST]
    found.sort(key=lambda use: -use[1])
    kinds = [each.model for each, _, _ in found]
    told, unnamed = [], 0
    for each, count, of in found:
        meta = each.model._meta
        if "verbose_name_plural" not in meta.original_attrs:
            # A part of something else, for which people have no word.
            unnamed += count
            continue
        which = f" ({each.field.verbose_name})" if kinds.count(each.model) > 1 else ""
        told.append(
            f"{_number(count, of)} {meta.verbose_name if count == 1 and of < NEWEST else meta.verbose_name_plural}{which}"
        )
    return [*told, f"{_number(unnamed)} andra uppgifter"] if unnamed else told


def told_with(sentence, rows):
    """The sentence with how many the rows are, as in "Planerade besök: 12.", or nothing where there are none."""
    count = rows.order_by()[: MOST + 1].count()
    return [f"{sentence}: {_number(count)}."] if count else []


def _number(count, of=0):
    if of == NEWEST:
        return f"{count} av de {NEWEST // 1000} 000 senaste"
    return f"fler än {MOST // 1000} 000" if count > MOST else str(count)
