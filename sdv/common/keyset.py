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
# A list may also go by the id alone, which is time-ordered itself.
_PARSED = {"t": datetime.fromisoformat, "d": date.fromisoformat, "u": UUID}


@dataclass(frozen=True)
class Page:
    """The rows of one page, in order, and the cursors of its neighbours (empty at the ends)."""

    rows: list
    next: str = ""
    previous: str = ""


def page(rows, *, field, cursor="", size=PAGE_SIZE, newest_first=False):
    """One page of a queryset ordered by (field, id). `field` may be an annotation; it may not be null.

    Raises InputError for a cursor that this system did not make for such a list."""
    ends, towards = None, "next"
    if cursor:
        towards, value, key = _read(cursor, field)
        ends = (value, key)
    is_before = towards == "previous"
    backwards = is_before != newest_first
    order = (f"-{field}", "-pk") if backwards else (field, "pk")
    if ends:
        step = "lt" if backwards else "gt"
        value, key = ends
        # The first condition is implied by the second; it is what an index can be entered by.
        rows = rows.filter(Q(**{f"{field}__{step}e": value}))
        rows = rows.filter(Q(**{f"{field}__{step}": value}) | Q(**{field: value, f"pk__{step}": key}))
    found = list(rows.order_by(*order)[: size + 1])
    has_more = len(found) > size
    found = found[:size]
    if is_before:
        found.reverse()
    has_next = bool(found) and (has_more if not is_before else True)
    has_previous = bool(found) and (has_more if is_before else bool(cursor))
    return Page(
        found,
        next=_write("next", found[-1], field) if has_next else "",
        previous=_write("previous", found[0], field) if has_previous else "",
    )


def _write(towards, row, field):
    value = getattr(row, field)
    kind = "t" if isinstance(value, datetime) else "d" if isinstance(value, date) else "u"
    written = str(value) if kind == "u" else value.isoformat()
    return signing.dumps([towards, kind, written, str(row.pk)], salt=f"{SALT}.{field}", compress=False)


def _read(cursor, field):
    try:
        towards, kind, value, key = signing.loads(cursor, salt=f"{SALT}.{field}")
        return towards, _PARSED[kind](value), UUID(key)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InputError(cursor="Bläddringen går inte att läsa. Börja om från listans början.") from error
