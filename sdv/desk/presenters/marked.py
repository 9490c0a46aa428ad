"""Marked rows of a list, of which the same act is asked: those whom it does not fit first, each with why (PL-08)."""

from typing import NamedTuple
from uuid import UUID

from registration.models import Patient
from registration.presenters import shown
from scheduling.actions.misfits import UNKNOWN
from sdv.common.errors import InputError

LEFT_OUT = "utanfor"


class MarkedRow(NamedTuple):
    """A marked row: whom it is about, what for, why the act does not fit, and whether it is left out."""

    pk: str
    patient: object
    what: str
    why: str
    is_outside: bool


def ids_of(given):
    """The rows that are marked in a form or an address."""
    try:
        return [UUID(text) for text in given.getlist("rad")]
    except ValueError:
        raise InputError(rad=UNKNOWN) from None


def left_out_of(request, ids):
    """Those of the marked that the person leaves out."""
    return [pk for pk in ids if str(pk) in request.POST.getlist(LEFT_OUT)]


def marked_rows(request, rows, *, what, misfits, on):
    """`what` says of a row what it is for. Whoever it does not fit is proposed to be left out."""
    why = {str(pk): texts[0] for pk, texts in misfits.errors.items()} if misfits else {}
    outside = set(request.POST.getlist(LEFT_OUT)) | set(why)
    found = [
        MarkedRow(str(row.pk), shown(row.patient, on=on), what(row), why.get(str(row.pk), ""), str(row.pk) in outside)
        for row in rows
    ]
    return sorted(found, key=lambda line: not line.why)


def patients():
    """The patients of marked rows, as a row shows them."""
    return Patient.objects.with_primary_identity()
