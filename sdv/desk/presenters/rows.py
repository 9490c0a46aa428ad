"""What the rows of work lists are made of: cells, acts, words for days, and the patient's words (SK-05)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Prefetch

from registration import presenters
from registration.models import PatientIdentity
from sdv.common.presenting import Tag
from sdv.common.time import local


class Cell(NamedTuple):
    """A cell of a row: text, perhaps a tag beside it. `number` sets figures of equal width, `grow` lets text wrap."""

    text: str = ""
    tag: Tag | None = None
    number: bool = False
    grow: bool = False


class RowButton(NamedTuple):
    """An act on a row. `sheet`: the address answers with a form for the dialog. `fields` are posted with it."""

    label: str
    url: str
    key: str = ""
    method: str = "get"
    sheet: bool = False
    fields: dict | None = None


class Row(NamedTuple):
    """A row of a work list: whom it is about, where Enter on the name leads, cells and acts."""

    pk: object
    name: str
    identity: str
    digits: str
    marking: str
    url: str
    cells: tuple
    buttons: tuple
    version: int
    attempts: str = ""
    is_markable: bool = False


@dataclass(frozen=True)
class WorkList:
    """A list: its rows at a unit, which of them are due (`due`, counted in the menu and shown on the start page), and
    how a row reads. `owner` is the field that *Mina* filters on, where a row is somebody's."""

    name: str
    heading: str
    about: str
    empty: str
    field: str | tuple
    columns: tuple
    rows: Callable
    row: Callable
    due: Callable | None = None
    owner: str = ""
    # What the list itself shows where that is more than the unit's own rows, as they are counted: those of a shared list
    # (PL-25), and what is only shown.
    seen: Callable | None = None


# --- Words ----------------------------------------------------------------------------------------------------------


def days_tag(day, today):
    """Days over or left, in words: red and first where the day has passed."""
    if day is None:
        return None
    left = (day - today).days
    if left < 0:
        return Tag("danger", "warn", f"Försenad {days_in_words(-left)}")
    if left == 0:
        return Tag("warn", "clock", "I dag")
    return Tag("warn" if left <= 7 else "", "clock", f"{days_in_words(left)} kvar")


def days_in_words(count):
    return "1 dag" if count == 1 else f"{count} dagar"


def stamp(moment):
    """2026-11-03 09:38 on Stockholm's clock."""
    return local(moment).strftime("%Y-%m-%d %H:%M")


def with_identities():
    """Prefetches the identities of each row's patient, as the patient presenter wants them."""
    known = PatientIdentity.objects.order_by("-is_primary", "id")
    return Prefetch("patient__identities", queryset=known, to_attr="known_identities")


def seen(patient, *, on):
    """The patient's words in a list, from the one presenter (SK-05)."""
    return presenters.shown(patient, on=on)


def row_of(item, *, on, url, cells, buttons, version=0, attempts="", is_markable=False):
    """A row with its patient's words."""
    patient = seen(item.patient, on=on)
    return Row(
        pk=item.pk,
        name=patient.name,
        identity=patient.identity,
        digits="".join(sign for sign in patient.identity_value if sign.isdigit()),
        marking=patient.protection_text,
        url=url,
        cells=tuple(cells),
        buttons=tuple(button for button in buttons if button and button.url),
        version=version,
        attempts=attempts,
        is_markable=is_markable,
    )
