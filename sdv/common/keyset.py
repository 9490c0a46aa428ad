"""Pages of lists that grow: by the last row seen (a value and the id), never by counting rows. Both ways.

The cursor is signed and opaque: it holds a time or a date and an id, nothing about a person."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core import signing
from django.db.models import Q

from sdv.common.errors import InputError

SALT = "keyset"
PAGE_SIZE = 50


@dataclass(frozen=True)
class Page:
    """The rows of one page, in order, and the cursors of its neighbours (empty at the ends)."""

    rows: list
    next: str = ""
    previous: str = ""


def page(rows, *, field, cursor="", size=PAGE_SIZE):
    """One page of a queryset ordered by (field, id). `field` may be an annotation; it may not be null.

    Raises InputError for a cursor that this system did not make."""
    ends, towards = None, "next"
    if cursor:
        towards, value, key = _read(cursor)
        ends = (value, key)
    backwards = towards == "previous"
    order = (f"-{field}", "-pk") if backwards else (field, "pk")
    if ends:
        step = "lt" if backwards else "gt"
        value, key = ends
        rows = rows.filter(Q(**{f"{field}__{step}": value}) | Q(**{field: value, f"pk__{step}": key}))
    found = list(rows.order_by(*order)[: size + 1])
    has_more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    has_next = bool(found) and (has_more if not backwards else True)
    has_previous = bool(found) and (has_more if backwards else bool(cursor))
    return Page(
        found,
        next=_write("next", found[-1], field) if has_next else "",
        previous=_write("previous", found[0], field) if has_previous else "",
    )


def _write(towards, row, field):
    value = getattr(row, field)
    kind = "t" if isinstance(value, datetime) else "d"
    return signing.dumps([towards, kind, value.isoformat(), str(row.pk)], salt=SALT, compress=False)


def _read(cursor):
    try:
        towards, kind, value, key = signing.loads(cursor, salt=SALT)
        parsed = datetime.fromisoformat(value) if kind == "t" else date.fromisoformat(value)
        return towards, parsed, UUID(key)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InputError(cursor="Bläddringen går inte att läsa. Börja om från listans början.") from error
