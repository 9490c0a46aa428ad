"""Brev om en tid: the kallelse with a booking, and what follows when the time is changed or cancelled (KA-01…05, PL-09).

All of it are inner writes in the transaction of the booking, under the patient's lock. What cannot be written for want of
a fact does not stop the booking: it stands in the unit's Brev as work, with what is missing named."""

from dataclasses import replace
from datetime import time

from django.db.models import Case, F, OuterRef, Subquery, Value, When

from scheduling import letter_composition as composition
from scheduling.models import (
    AppointmentHistory,
    AppointmentStatus,
    CancelledBy,
    Delivery,
    Letter,
    LetterEnclosure,
    LetterKind,
    LetterStatus,
)
from scheduling.models.letter import ABOUT_A_TIME, GONE_OUT
from scheduling.outgoing import HAS_BEEN, WHY_NOT_IN_PORTAL, not_in_portal_words
from sdv.common import versions
from sdv.common.time import at_local, local_date
from sdv.outbox import messages
from sdv.outbox.models import OutboxMessage, Topic

from .letter_facts import Acknowledged, Invited, Told, Waits, choices_of

# A kallelse is in 1177 after this time of the day it was written.
PORTAL_CLOCK = time(18, 0)
IN_PORTAL = (Delivery.PORTAL, Delivery.BOTH)
REPLACED = "Ersatt av ett nytt brev"
RESCHEDULED = "Tiden är ombokad"
CANCELLED = "Tiden är avbokad"
OWN_TEXT_GONE = (
    "Brevets egen text togs bort när skyddade personuppgifter kom (SK-02). "
    "Skriv brevet på nytt, med egen text om den behövs."
)


def write(
    appointment, *, kind=LetterKind.APPOINTMENT, by, at, changed_by="", told_time="", choices=None, told_already=()
):
    """Writes the letter about a booking whose patient is locked, and the copies to those near who get them. What waited
    about the same time is replaced. Nobody of `told_already` gets the same copy again. Returns the letter and its copies;
    one that could not be written says why."""
    patient = appointment.patient
    if patient.is_deceased or patient.merged_into_id:
        return []
    stop_waiting(appointment=appointment, reason=REPLACED, by=by, at=at)
    if choices and choices.add_on_ids is not None:
        _choose_add_ons(appointment, choices.add_on_ids, by=by, at=at)
    return _write(Told(appointment, kind, changed_by, told_time, at, choices), told_already, by=by, at=at)


def _choose_add_ons(appointment, add_on_ids, *, by, at):
    """Tillval are of the contact, not of the letter alone: the next letter says them too (KA-02). A change of them is the
    booking's, with its trail."""
    before = dict(appointment.add_ons.values_list("pk", "name"))
    if set(before) == set(add_on_ids):
        return
    appointment.add_ons.set(add_on_ids)
    after = appointment.add_ons.values_list("name", flat=True)
    steps = [", ".join(sorted(names)) or "inga" for names in (before.values(), after)]
    AppointmentHistory.objects.create(
        appointment=appointment, event="add_ons", by=by, at=at, reason=" → ".join(steps)[:200]
    )
    versions.write(appointment)


def write_open(invitation, *, by, at, choices=None, told_already=()):
    """Writes the letter of an öppen kallelse whose patient is locked, and the copies; what waited of it is replaced.
    `told_already`: as of `write`."""
    if invitation.patient.is_deceased or invitation.patient.merged_into_id:
        return []
    stop_waiting(open_invitation=invitation, reason=REPLACED, by=by, at=at)
    return _write(Invited(invitation, at, choices), told_already, by=by, at=at)


def write_of_referral(referral, *, by, at, choices=None):
    """Writes the remissbekräftelse of a remiss whose patient is locked; what waited of it is replaced."""
    stop_waiting(referral=referral, kind=LetterKind.REFERRAL_RECEIPT, reason=REPLACED, by=by, at=at)
    return _write(Acknowledged(referral, at, choices), (), by=by, at=at)


def write_of_wait(row, kind, *, by, at, choices=None):
    """Writes the letter to one who waits, whose patient is locked: `row` is a bokningsbegäran or a remiss. What waited of
    the same kind is replaced."""
    told = Waits(row, kind, at, choices)
    about = {"referral": told.referral} if told.referral else {"booking_request": told.booking_request}
    stop_waiting(**about, kind=kind, reason=REPLACED, by=by, at=at)
    return _write(told, (), by=by, at=at)


def _write(told, told_already, *, by, at):
    letter = _save(told, told.to_patient(), by=by, at=at)
    copies = [copy for copy in told.copies() if _name(copy["recipient"]) not in told_already]
    return [letter, *(_save(told, copy | {"copy_of": letter}, by=by, at=at) for copy in copies)]


def copies_that_left(letter):
    """The names of those to whom copies of the letter have gone on paper."""
    gone = Letter.objects.filter(copy_of=letter, status__in=GONE_OUT)
    return {_name(recipient) for recipient in gone.values_list("recipient", flat=True)}


def _name(recipient):
    return recipient.partition("\n")[0]


def write_copy(letter, *, address, by, at):
    """A copy that lacked its address is written to the one a person gives; the patient is locked."""
    appointment, choices = letter.appointment, choices_of(letter)
    if appointment is None:
        told = Invited(letter.open_invitation, at, choices)
    else:
        told = Told(appointment, letter.kind, letter.changed_by, last_told(appointment), at, choices)
    fields = told.copy(
        _name(letter.recipient), [line for line in address.splitlines() if line.strip()], letter.relation
    )
    return _save(told, fields | {"copy_of": letter.copy_of}, by=by, at=at)


def follow_change(appointment, *, changed_by, by, at, wanted=None, choices=None):
    """The time is another (BO-03). What has not left is replaced; to who has been told, a letter that says who changed it.
    `wanted`: True also where no letter was written before, False for none. `choices` None: as the last letter's."""
    about = Letter.objects.filter(appointment=appointment, is_copy=False, kind__in=ABOUT_A_TIME)
    has_been_told = has_been_told_of(appointment)
    was_written = about.exclude(status=LetterStatus.STOPPED).exists()
    told, choices = last_told(appointment), choices or last_choices(appointment)
    stop_waiting(appointment=appointment, reason=RESCHEDULED, by=by, at=at)
    if wanted is False or not (was_written or wanted):
        return []
    if not has_been_told:
        return write(appointment, by=by, at=at, choices=choices)
    return write(
        appointment,
        kind=LetterKind.CHANGE,
        changed_by=changed_by or CancelledBy.PROVIDER,
        told_time=told,
        by=by,
        at=at,
        choices=choices,
    )


def follow_cancellation(appointment, *, by, at):
    """The time is gone. What has not left is stopped; who has been told of the time is told that it is gone, and by
    whom (PL-09). Nothing is written of a time that has been, or of a no-show."""
    has_been_told = has_been_told_of(appointment)
    stop_waiting(appointment=appointment, reason=CANCELLED, by=by, at=at)
    if not has_been_told or appointment.status != AppointmentStatus.CANCELLED or appointment.start <= at:
        return []
    return write(appointment, kind=LetterKind.CANCELLATION, changed_by=appointment.cancelled_by, by=by, at=at)


def stop_waiting(*, reason, by, at, **subject):
    """Stops what waits about the booking, the öppen kallelse or who waits, on paper and on its way to 1177; also where the paper has
    left before."""
    waiting = Letter.objects.filter(**subject, status__in=[LetterStatus.UNSENT, LetterStatus.BLOCKED])
    ids = []
    for letter in waiting.locked():
        letter.status, letter.stop_reason = LetterStatus.STOPPED, reason
        letter.decided_at, letter.decided_by, letter.version = at, by, letter.version + 1
        letter.save(update_fields=["status", "stop_reason", "decided_at", "decided_by", "version"])
        ids.append(letter.pk)
    on_paper = Letter.objects.filter(**subject, status=LetterStatus.PRINTED, delivery__in=IN_PORTAL)
    stop_messages([*ids, *on_paper.values_list("pk", flat=True)], at=at)


def stop_messages(letter_ids, *, at):
    """What is on its way to 1177 does not go."""
    OutboxMessage.objects.filter(
        topic=Topic.LETTER_TO_PORTAL, subject_id__in=letter_ids, delivered_at=None, stopped_at=None
    ).update(stopped_at=at)


def purge(patient_ids, *, by, at):
    """Letters of patients who have become protected: what has left stays as it was sent (KA-03), the rest that can hold an
    address is deleted. Who was to be told of a time ahead is told by mediation instead, in a letter written anew, or it is
    work in the unit's Brev (KA-05). Returns how many were deleted."""
    rows = Letter.objects.filter(patient__in=patient_ids)
    delivered = OutboxMessage.objects.filter(topic=Topic.LETTER_TO_PORTAL, delivered_at__isnull=False)
    rows.unsent().filter(pk__in=delivered.values("subject_id")).update(
        status=LetterStatus.SENT, decided_at=at, version=F("version") + 1
    )
    gone = rows.purged_by_a_marking()
    # Read while the letters are there: what was chosen of them goes on.
    untold = [_anew(letter, at=at) for letter in gone.about_a_coming_time(at)]
    count = gone.count()
    gone.delete()
    for told, had_own_text in untold:
        if had_own_text:
            _save(told, told.to_patient() | {"body": "", "parts": {}, "missing": OWN_TEXT_GONE}, by=by, at=at)
        else:
            _write(told, (), by=by, at=at)
    return count


def _anew(letter, *, at):
    """What the letter told, for the one that is written when it has been deleted, and whether somebody's own words go with
    it: an address can stand in them, so they are not kept, and somebody is asked. A time that has gone is told without them."""
    appointment, choices = letter.appointment, replace(choices_of(letter), own_text="")
    told = Told(appointment, letter.kind, letter.changed_by, last_told(appointment), at, choices)
    told.is_large_print = letter.is_large_print
    return told, bool(letter.own_text) and letter.kind != LetterKind.CANCELLATION


def settle_portal(*, at, dry_run=False):
    """Letters by 1177 alone have been sent when their message has been delivered. Returns how many."""
    delivered = OutboxMessage.objects.filter(topic=Topic.LETTER_TO_PORTAL, delivered_at__isnull=False)
    rows = Letter.objects.unsent().filter(delivery=Delivery.PORTAL, pk__in=delivered.values("subject_id"))
    if dry_run:
        return rows.count()
    return rows.update(status=LetterStatus.SENT, decided_at=at, version=F("version") + 1)


def come_back_from_portal(*, at, dry_run=False):
    """Letters by 1177 alone that did not go there say so, and why. They are somebody's work, as what could not be written
    is; one of a visit that has been is stopped. Returns how many."""
    stopped = OutboxMessage.objects.filter(
        topic=Topic.LETTER_TO_PORTAL,
        subject_id=OuterRef("pk"),
        stopped_at__isnull=False,
        last_error__in=WHY_NOT_IN_PORTAL,
    ).order_by("-id")
    rows = Letter.objects.unsent().filter(delivery=Delivery.PORTAL)
    rows = rows.annotate(
        why=Subquery(stopped.values("last_error")[:1]), tries=Subquery(stopped.values("attempts")[:1])
    ).filter(why__isnull=False)
    if dry_run:
        return rows.count()
    words = []
    for code in WHY_NOT_IN_PORTAL:
        # At a second try the answer to the first may have been lost on the way back.
        again = f"{not_in_portal_words(code)} Ett tidigare försök kan ha nått fram."
        words += [
            When(why=code, tries__gt=1, then=Value(again)),
            When(why=code, then=Value(not_in_portal_words(code))),
        ]
    return rows.update(
        status=Case(When(why=HAS_BEEN, then=Value(LetterStatus.STOPPED)), default=Value(LetterStatus.BLOCKED)),
        stop_reason=Case(*words),
        decided_at=at,
        version=F("version") + 1,
    )


def has_been_told_of(appointment):
    """Whether any letter about the booking has left: printed, or read in 1177 while the paper waits."""
    letters = Letter.objects.filter(appointment=appointment, is_copy=False, kind__in=ABOUT_A_TIME)
    return has_gone_out(letters)


def has_gone_out(letters):
    """Whether any of the letters has left: printed, or read in 1177 while the paper waits."""
    if letters.filter(status__in=GONE_OUT).exists():
        return True
    return OutboxMessage.objects.filter(
        topic=Topic.LETTER_TO_PORTAL, subject_id__in=letters.values("pk"), delivered_at__isnull=False
    ).exists()


def last_told(appointment):
    """The time that the patient was last told of the booking, in that letter's words."""
    about = Letter.objects.filter(appointment=appointment, is_copy=False, kind__in=ABOUT_A_TIME).order_by(
        "-created_at", "-id"
    )
    delivered = OutboxMessage.objects.filter(topic=Topic.LETTER_TO_PORTAL, delivered_at__isnull=False)
    sent = set(delivered.filter(subject_id__in=about.values("pk")).values_list("subject_id", flat=True))
    for letter in about:
        if letter.status in GONE_OUT or letter.pk in sent:
            return composition.told_time(letter.parts)
    return ""


def last_letter(appointment):
    """The last letter about the booking, or None."""
    about = Letter.objects.filter(appointment=appointment, is_copy=False, kind__in=ABOUT_A_TIME)
    return about.order_by("-created_at", "-id").first()


def last_choices(appointment):
    """What was chosen of the last letter about the booking, or None: the clerk's words and files go on with the next."""
    last = last_letter(appointment)
    return choices_of(last) if last else None


def _save(told, fields, *, by, at):
    missing = fields.pop("missing", None)
    letter = Letter.objects.create(
        patient=told.patient,
        appointment=told.appointment,
        open_invitation=told.invitation,
        referral=told.referral,
        booking_request=told.booking_request,
        care_unit=told.unit,
        kind=told.kind,
        language=told.language,
        own_text=told.own_text,
        changed_by=told.changed_by,
        sender=told.sender,
        created_by=by,
        created_at=at,
        is_large_print=told.is_large_print,
        **fields,
        **(
            {"status": LetterStatus.BLOCKED, "stop_reason": missing[:200], "decided_at": at, "decided_by": by}
            if missing
            else {}
        ),
    )
    LetterEnclosure.objects.bulk_create(
        LetterEnclosure(letter=letter, attachment=attachment) for attachment in told.attachments
    )
    if not missing and letter.delivery in IN_PORTAL:
        due_at = max(at, at_local(local_date(at), PORTAL_CLOCK))
        # Of a visit before that, at once: then it would come too late.
        is_late = told.start is not None and told.start <= due_at
        messages.letter_to_portal(letter, due_at=at if is_late else due_at)
    return letter
