"""An öppen kallelse to each of several who wait, in one act (PL-26, BB-01). Whom it does not fit is told row by row before
anything is saved; the person then leaves them out, or does something else about them (PL-08)."""

from django.db import transaction

from scheduling import rules
from scheduling.models import BookingRequest, LetterStatus
from sdv.common.errors import InputError
from sdv.common.time import local_date

from . import invitations, letter_facts
from .misfits import Misfits, each, marked


@transaction.atomic
def invite(
    *,
    request_ids,
    care_unit,
    last_day,
    by,
    at,
    leave_out=(),
    own_text="",
    language=None,
    attachment_ids=(),
):
    """Sends the same öppen kallelse to every one of the unit's waiting requests, each with a letter of its own; those in
    `leave_out` get none. Raises Misfits, with why for each, where any of the others cannot: nothing is then saved. Returns
    the invitations."""
    found = marked(BookingRequest, request_ids, care_unit, what="öppna kallelser")
    asked = {"own_text": own_text, "language": language, "attachment_ids": attachment_ids}
    today = local_date(at)
    if fault := rules.last_day_fault(last_day=last_day, today=today):
        raise InputError(last_day=fault)
    letter_facts.chosen(**asked, care_unit=care_unit, day=today)

    def act(pk):
        return invitations.invite(subject="booking_request", row_id=pk, last_day=last_day, **asked, by=by, at=at)

    made, refusals = each(found, act, leave_out=leave_out, by=by, at=at)
    if refusals:
        told = {"cannot": "en öppen kallelse, och inget är skickat", "instead": "skicka"}
        raise Misfits("PL-26", refusals, len(made) + len(refusals), **told)
    if not made:
        raise InputError(rad="Alla rader är utanför: markera minst en som ska få en öppen kallelse.")
    return made


def lacking(made):
    """How many of the letters could not be written: they stand among the unit's brev as work (KA-01)."""
    return sum(letter.status == LetterStatus.BLOCKED for row in made for letter in row.letters_written)
