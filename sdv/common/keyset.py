"""Pages of lists that grow: by the last row seen (its values and the id), never by counting rows. Both ways.

The cursor is signed and opaque: it holds times or dates and an id, nothing about a person."""

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
    """One page of a queryset ordered by (field, id). `field` may be several, the first first, and annotations; none may be
    null.

    Raises InputError for a cursor that this system did not make for such a list."""
    field = (field,) if isinstance(field, str) else tuple(field)
    ends, towards = None, "next"
    if cursor:
        towards, ends = _read(cursor, field)
    is_before = towards == "previous"
    backwards = is_before != newest_first
    order = (*field, "pk")
    if ends:
        step = "lt" if backwards else "gt"
        # The first condition is implied by the second; it is what an index can be entered by.
        rows = rows.filter(**{f"{field[0]}__{step}e": ends[0]})
        rows = rows.filter(_beyond(dict(zip(order, ends, strict=True)), step))
    found = list(rows.order_by(*(f"-{name}" if backwards else name for name in order))[: size + 1])
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


def _beyond(ends, step):
    """Rows beyond the last one seen: the first of the columns that differs is beyond."""
    found, same = Q(), {}
    for name, value in ends.items():
        found |= Q(**same, **{f"{name}__{step}": value})
        same[name] = value
    return found


def _write(towards, row, field):
    written = [_written(getattr(row, name)) for name in field]
    return signing.dumps([towards, written, str(row.pk)], salt=_salt(field), compress=False)


def _written(value):
    kind = "t" if isinstance(value, datetime) else "d" if isinstance(value, date) else "u"
    return [kind, str(value) if kind == "u" else value.isoformat()]


def _read(cursor, field):
    try:
        towards, written, key = signing.loads(cursor, salt=_salt(field))
        return towards, (*(_PARSED[kind](value) for kind, value in written), UUID(key))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InputError(cursor="Bläddringen går inte att läsa. Börja om från listans början.") from error


def _salt(field):
    return f"{SALT}.{'.'.join(field)}"
