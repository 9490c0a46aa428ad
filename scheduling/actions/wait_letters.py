"""Brev to those who wait and have no time: that they are on the list, or that nobody has reached them and they are to call;
to one, or to several in one act (KA-01, PL-10, BB-01)."""

from django.db import transaction

from registration.actions.encounters import refuse_deceased
from registration.models import Referral
from scheduling import outgoing, rules
from scheduling.models import BookingRequest, ContactMethod, ContactResult, Letter, LetterKind, LetterStatus
from scheduling.models.letter import ABOUT_A_WAIT
from sdv.common.errors import InputError
from sdv.common.time import local_date, start_of_day

from . import contact_attempts, letter_facts, letter_writing, letters
from .misfits import Misfits, each, marked

# What waits → the letters that are written to its patient.
SUBJECTS = {"booking_request": BookingRequest, "referral": Referral}
KINDS = {"booking_request": ABOUT_A_WAIT, "referral": (*ABOUT_A_WAIT, LetterKind.REFERRAL_RECEIPT)}


@transaction.atomic
def write(*, subject, row_id, kind, by, at, own_text="", language=None, attachment_ids=()):
    """The letter to the patient of a waiting row, and the kontaktförsök that it is (PL-10). The same letter again the same
    day is one's own repeated click and is answered with the first; somebody else's is refused (PL-27). Returns the letter,
    which says what it lacks where it could not be written."""
    if kind not in KINDS[subject]:
        raise InputError(kind="Brevet skrivs inte från den här listan.")
    asked = {"own_text": own_text, "language": language, "attachment_ids": attachment_ids}
    row = letters.lock_who_waits(SUBJECTS[subject], row_id)
    choices = letter_facts.chosen(**asked, care_unit=row.care_unit, day=local_date(at))
    refuse_deceased(row.patient)
    if refused := outgoing.no_longer_waits(row):
        raise refused
    earlier = _written_today(subject, row, kind, at)
    if earlier and earlier.created_by_id != by.pk:
        who, label = earlier.created_by, LetterKind(kind).label
        raise rules.written_today(label, who.name if who else "systemet", earlier.created_at).told(
            who, earlier.created_at
        )
    if earlier and _says_the_same(earlier, choices):
        return earlier
    if kind == LetterKind.REFERRAL_RECEIPT:
        return letter_writing.write_of_referral(row, choices=choices, by=by, at=at)[0]
    letter = letter_writing.write_of_wait(row, kind, choices=choices, by=by, at=at)[0]
    if letter.status != LetterStatus.BLOCKED:
        # Nobody answers a letter while it is written.
        contact_attempts.record(
            subject=subject,
            row_id=row_id,
            method=ContactMethod.LETTER,
            result=ContactResult.LEFT_MESSAGE,
            by=by,
            at=at,
        )
    return letter


@transaction.atomic
def write_many(
    *, subject, row_ids, kind, care_unit, by, at, leave_out=(), own_text="", language=None, attachment_ids=()
):
    """The same letter to the patients of several of the unit's waiting rows; those in `leave_out` get none. Raises Misfits,
    with why for each, where any of the others cannot get it: nothing is then saved. Returns the letters."""
    found = marked(SUBJECTS[subject], row_ids, care_unit, what="brev")
    asked = {"own_text": own_text, "language": language, "attachment_ids": attachment_ids}
    letter_facts.chosen(**asked, care_unit=care_unit, day=local_date(at))

    def act(pk):
        return write(subject=subject, row_id=pk, kind=kind, **asked, by=by, at=at)

    written, refusals = each(found, act, leave_out=leave_out, by=by, at=at)
    if refusals:
        told = {"cannot": "brevet, och inget är skrivet", "instead": "skriva"}
        raise Misfits("PL-08", refusals, len(written) + len(refusals), **told)
    if not written:
        raise InputError(rad="Alla rader är utanför: markera minst en som ska få brevet.")
    return written


def _written_today(subject, row, kind, at):
    """The last letter of the kind to the row's patient that somebody has written today and that goes, or None; of what lacks
    something only this minute's, for it is written again when that is known."""
    today = Letter.objects.filter(**{subject: row}, kind=kind, created_at__gte=start_of_day(local_date(at)))
    last = (
        today.exclude(status=LetterStatus.STOPPED).select_related("created_by").order_by("-created_at", "-id").first()
    )
    return None if last and last.status == LetterStatus.BLOCKED and last.created_at < at else last


def _says_the_same(letter, choices):
    """Whether the letter is what was chosen now; a language that is not said is the letter's."""
    was = letter_facts.choices_of(letter)
    return (was.own_text, set(was.attachment_ids), choices.language or was.language) == (
        choices.own_text,
        set(choices.attachment_ids),
        was.language,
    )
