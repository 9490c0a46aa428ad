"""An öppen kallelse to each of several who wait, in one act (PL-26, BB-01). Whom it does not fit is told row by row before
anything is saved; the person then leaves them out, or does something else about them (PL-08)."""

from django.db import transaction

from registration.models import Patient
from scheduling import rules
from scheduling.models import BookingRequest, LetterStatus
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date

from . import invitations, letter_facts, working

# Each writes a letter: what somebody waits for, and what one pile on the desk is.
MOST = 50


class Misfits(RuleError):
    """Some of the rows cannot be invited: nothing has been saved. `rows` are (the request's id, refusal)."""

    def __init__(self, rows, count):
        self.rows = rows
        told = "1 av raderna" if len(rows) == 1 else f"{len(rows)} av raderna"
        super().__init__(
            "PL-26",
            f"{told} kan inte få en öppen kallelse, och inget är skickat. Lämna dem utanför för att skicka till de andra"
            f" {count - len(rows)}.",
            code="misfits",
        )
        self.errors = {str(pk): [f"{refused.sentence} Regel {refused.rule}."] for pk, refused in rows}


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
    ids = list(dict.fromkeys(request_ids))
    if not ids:
        raise InputError(rad="Markera minst en rad.")
    if len(ids) > MOST:
        raise InputError(rad=f"Markera högst {MOST} rader åt gången för öppna kallelser.")
    found = dict(BookingRequest.objects.filter(pk__in=ids, care_unit=care_unit).values_list("pk", "patient_id"))
    if len(found) != len(ids):
        raise InputError(rad="Någon av raderna finns inte på enheten. Läs in listan igen.")
    # Every patient before any row, in the one order of locks.
    list(Patient.objects.filter(pk__in=found.values()).locked())
    asked = {"own_text": own_text, "language": language, "attachment_ids": attachment_ids}
    today = local_date(at)
    if fault := rules.last_day_fault(last_day=last_day, today=today):
        raise InputError(last_day=fault)
    letter_facts.chosen(**asked, care_unit=care_unit, day=today)
    locks = working.working_with(ids, at=at)
    made, misfits = [], []
    for pk in sorted(set(ids) - set(leave_out), key=lambda each: (str(found[each]), str(each))):
        try:
            with transaction.atomic():
                lock = locks.get(pk)
                if lock and lock.user_id != by.pk:
                    raise rules.worked_with(lock.user.name, lock.taken_at)
                made.append(
                    invitations.invite(subject="booking_request", row_id=pk, last_day=last_day, **asked, by=by, at=at)
                )
        except RuleError as refused:
            misfits.append((pk, refused))
    if misfits:
        raise Misfits(misfits, len(made) + len(misfits))
    if not made:
        raise InputError(rad="Alla rader är utanför: markera minst en som ska få en öppen kallelse.")
    return made


def lacking(made):
    """How many of the letters could not be written: they stand among the unit's brev as work (KA-01)."""
    return sum(letter.status == LetterStatus.BLOCKED for row in made for letter in row.letters_written)
