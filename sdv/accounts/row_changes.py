"""A row of the administration with its inline rows, as it stands at a moment, and what differs between two moments in the
administration's words."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property

from django.db import connection, models
from django.forms.models import _get_foreign_key
from django.utils.text import capfirst
from psycopg import sql

from sdv.common.models import LockingQuerySet
from sdv.common.time import local

EMPTY = "tomt"


@dataclass(frozen=True)
class Line:
    """One thing that changes: its name, how it is, how it becomes."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Picture:
    """The row and the rows of its inlines, by the inline's model and their keys."""

    row: models.Model
    parts: dict

    @classmethod
    def taken(cls, row, inlines, *, is_locked=False):
        """Read anew. Locked, whoever else would change any of it waits."""
        if is_locked:
            _wait_for_files([type(row), *(inline.model for inline in inlines)])
        parts = {}
        own = _rows(type(row), is_locked).get(pk=row.pk)
        for inline in inlines:
            parent = _get_foreign_key(type(row), inline.model, fk_name=inline.fk_name)
            found = _rows(inline.model, is_locked).filter(**{parent.name: row.pk})
            parts[inline.model] = {part.pk: part for part in found}
        return cls(own, parts)

    @cached_property
    def fingerprint(self):
        """The same for the same contents: an inline row is known by what it says, so one not yet saved has it too."""
        parts = [(model._meta.label, sorted(map(_mark, rows.values()))) for model, rows in self.parts.items()]
        return hashlib.sha256(repr((_mark(self.row), parts)).encode()).hexdigest()


def _wait_for_files(tables):
    """A file that is read in has its table to itself: whoever holds a row of it and then writes would wait for the file,
    which waits for the row. So the tables come before the rows."""
    named = [sql.Identifier(model._meta.db_table) for model in tables]
    with connection.cursor() as cursor:
        statement = sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(sql.SQL(", ").join(named))
        cursor.execute(statement.as_string(cursor.connection))


def _rows(model, is_locked):
    together = [field.name for field in model._meta.many_to_many]
    large = [field.name for field in model._meta.concrete_fields if isinstance(field, models.BinaryField)]
    rows = LockingQuerySet(model).defer(*large).prefetch_related(*together)
    return rows.locked() if is_locked else rows.order_by("pk")


def _fields(model):
    """What can differ. A document is put in once and is not read for it."""
    concrete = (field for field in model._meta.concrete_fields if not field.primary_key)
    return [*(field for field in concrete if not isinstance(field, models.BinaryField)), *model._meta.many_to_many]


def _value(row, field):
    if field.many_to_many:
        return sorted(other.pk for other in getattr(row, field.name).all())
    return getattr(row, field.attname)


def _mark(row):
    return repr([_value(row, field) for field in _fields(type(row))])


def differences(before, after):
    """The lines of what differs between two pictures: the row's own fields, then inline rows, gone, changed and new."""
    lines = _changed(before.row, after.row, "")
    for model, old in before.parts.items():
        new, word = after.parts[model], capfirst(model._meta.verbose_name)
        about = [field for field in _fields(model) if getattr(field, "related_model", None) is not type(before.row)]
        lines += [Line(f"{word}, tas bort", _told(old[pk], about), "–") for pk in old if pk not in new]
        for pk in old:
            if pk in new:
                lines += _changed(old[pk], new[pk], f"{word} {_name(old[pk], about)}: ")
        lines += [Line(f"{word}, ny", "–", _told(new[pk], about)) for pk in new if pk not in old]
    return lines


def _changed(old, new, whose):
    lines = []
    for field in _fields(type(old)):
        if _value(old, field) == _value(new, field):
            continue
        word = f"{whose}{field.verbose_name if whose else capfirst(field.verbose_name)}"
        if field.many_to_many:
            was, becomes = ({str(other) for other in getattr(row, field.name).all()} for row in (old, new))
            lines.append(Line(word, _listed("tas bort", was - becomes), _listed("läggs till", becomes - was)))
        else:
            lines.append(Line(word, shown(old, field), shown(new, field)))
    return lines


def _listed(word, names):
    return f"{word}: {', '.join(sorted(names))}" if names else "–"


def _told(row, fields):
    """A row in one cell: what it says, without what is empty."""
    given = [field for field in fields if _value(row, field) not in (None, "", [])]
    return "; ".join(f"{field.verbose_name}: {shown(row, field)}" for field in given)


def _name(row, fields):
    """A row that has no name of its own is known by its first facts."""
    if type(row).__str__ is not models.Model.__str__:
        return str(row)
    return " ".join(shown(row, field) for field in fields[:3])


def shown(row, field):
    """A field's value as people read it."""
    value = _value(row, field)
    if value is None or value in ("", []):
        return EMPTY
    if field.many_to_many:
        return ", ".join(sorted(str(other) for other in getattr(row, field.name).all()))
    if field.is_relation:
        return str(getattr(row, field.name))
    if field.flatchoices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return "ja" if value else "nej"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        return f"{local(value):%Y-%m-%d %H:%M}"
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def of_days(before, after, today):
    """What another first or last day of a row means, as sentences."""
    told = []
    first = getattr(after, "valid_from", None)
    if first != getattr(before, "valid_from", None) and first and first > today:
        told.append(f"Går att välja först från {first}.")
    if (last := new_last_day(before, after)) is not None:
        kept = "Det som redan är registrerat behåller det."
        if last < today:
            told.append(f"Går inte att välja: sista dagen var {last}. {kept}")
        else:
            told.append(f"Går att välja till och med {last}, inte från {last + timedelta(days=1)}. {kept}")
    elif getattr(before, "valid_to", None) and after.valid_to is None:
        told.append("Utan sista dag går det att välja tills vidare.")
    return told


def nothing_follows(before, after, same):
    """What a new last day of a version means where no other version is valid the day after. `same` are the fields that make
    rows versions of each other."""
    if (last := new_last_day(before, after)) is None:
        return []
    versions = type(after).objects.filter(**{name: getattr(after, name) for name in same}).exclude(pk=after.pk)
    day = last + timedelta(days=1)
    return [] if versions.valid_on(day).exists() else [f"Ingen annan rad tar vid {day}."]


def new_last_day(before, after):
    """The last day that the change gives the row, or None where it gives none or another field changes."""
    last = getattr(after, "valid_to", None)
    return last if last != getattr(before, "valid_to", None) else None
