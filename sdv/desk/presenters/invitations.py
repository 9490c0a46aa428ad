"""Öppna kallelser on the pages: the rows of their list, and what other lists say of them (PL-26)."""

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from scheduling.models import InvitationStatus, LetterStatus, OpenInvitation
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Tag
from sdv.common.time import local_date
from sdv.desk.context import address
from sdv.desk.presenters.rows import Cell, RowButton, days_tag, row_of

# The list that a row waits in → the column by which the öppna kallelsen hangs on it.
SUBJECTS = {"booking-requests": "booking_request", "to-book": "referral"}
NO_LETTER = "Inget brev"


def with_invitation(rows):
    """Each bokningsbegäran with the last day of its öppna kallelse (`invited_until`), in the rows' own query."""
    own = OpenInvitation.objects.watched().filter(booking_request=OuterRef("pk"))
    return rows.annotate(invited_until=Subquery(own.values("last_day")[:1]))


def invited_tag(request, on):
    """Öppen kallelse till 2026-12-18, or that it has ended, where there is one that is still watched."""
    last = getattr(request, "invited_until", None)
    if last is None:
        return None
    if last < on:
        return Tag("warn", "clock", f"Öppen kallelse gick ut {last.isoformat()}")
    return Tag("info", "clock", f"Öppen kallelse till {last.isoformat()}")


def invite_url(name, row, actor):
    """Where an öppen kallelse is sent to who waits in the list, for those who book."""
    return reverse("open-invitation-create", args=[name, row.pk]) if actor.may(Permission.BOOK) else ""


def invite_button(name, row, actor):
    return RowButton("Öppen kallelse", invite_url(name, row, actor), "O", sheet=True)


def list_of(invitation):
    """(name of the list it waits in, the waiting row's id)."""
    if invitation.booking_request_id:
        return "booking-requests", invitation.booking_request_id
    return "to-book", invitation.referral_id


def book_url(invitation):
    """The booking page, with what the öppna kallelsen is for chosen."""
    place = address("book", invitation.patient_id)
    if not place:
        return ""
    if invitation.booking_request_id:
        return f"{place}?begaran={invitation.booking_request_id}"
    return f"{place}?vardatagande={invitation.referral.commitment_id}&remiss={invitation.referral_id}"


def invitation_row(invitation, actor, at):
    """A row: until when, since when, whether the letter has left, and what can be done."""
    today = local_date(at)
    name, row_id = list_of(invitation)
    book = again = attempt = end = letter = None
    if actor.may(Permission.BOOK):
        book = RowButton("Boka", book_url(invitation), "B")
        if invitation.status == InvitationStatus.EXPIRED:
            again = RowButton(
                "Ny öppen kallelse", reverse("open-invitation-create", args=[name, row_id]), "O", sheet=True
            )
    if actor.may(Permission.HANDLE_WORK_LISTS):
        attempt = RowButton("Kontaktförsök", reverse("contact-attempt", args=[name, row_id]), "K", sheet=True)
        end = RowButton("Avsluta", reverse("open-invitation-end", args=[invitation.pk]), "A", sheet=True)
    has_letter = invitation.letter_id and invitation.letter_status != LetterStatus.STOPPED
    if actor.may(Permission.WRITE_LETTERS):
        letter = RowButton("Brevet", reverse("letter", args=[invitation.letter_id]) if has_letter else "", "V")
        if not has_letter and invitation.status != InvitationStatus.OPEN:
            letter = None
        elif not has_letter:
            letter = RowButton("Skriv brevet", reverse("open-invitation-letter", args=[invitation.pk]), "V", "post")
    return row_of(
        invitation,
        on=today,
        url=reverse("booking-request", args=[row_id])
        if name == "booking-requests"
        else address("patient", invitation.patient_id),
        cells=[
            Cell(invitation.last_day.isoformat(), days_tag(invitation.last_day, today), number=True),
            Cell(invitation.invited_on.isoformat(), number=True),
            Cell(*_letter(invitation)),
            Cell(invitation.visit_type.name, grow=True),
            Cell("Bokningsbegäran" if name == "booking-requests" else "Att boka"),
        ],
        buttons=[book, attempt, again, letter, end],
        version=invitation.version,
    )


def _letter(invitation):
    if not invitation.letter_id or invitation.letter_status == LetterStatus.STOPPED:
        return "", Tag("danger", "warn", NO_LETTER)
    label = LetterStatus(invitation.letter_status).label
    is_out = invitation.letter_status in (LetterStatus.PRINTED, LetterStatus.SENT)
    return (label, None) if is_out else ("", Tag("warn", "clock", label))
