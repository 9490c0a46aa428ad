"""Kontaktförsök on the pages: which lists have them, whom a list hides, and what a row says of them (PL-10)."""

from django.urls import reverse

from registration.presenters import contact_details
from scheduling.models import ContactAttempt, tried_today
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Choice
from sdv.common.time import local_date
from sdv.desk.presenters.rows import stamp

# The work list's name → what an attempt made there hangs on.
SUBJECTS = {
    "booking-requests": "booking_request",
    "to-book": "referral",
    "awaiting-result": "awaited_result",
    "missing-follow-up": "missing_follow_up",
    "no-shows": "no_show_item",
    "rebooking": "rebooking_item",
}
SHOW_ALL = "kontaktade"


def hidden(rows, *, at, shows_all):
    """The rows without those whom somebody called today, and how many those are; all of them where asked for."""
    if shows_all:
        return rows, 0
    return rows.filter(~tried_today(at)), rows.filter(tried_today(at)).count()


def hidden_text(count):
    """1 patient har kontaktats i dag och visas inte."""
    if not count:
        return ""
    return f"{count} {'har' if count > 1 else 'rad har'} kontaktats i dag och visas inte."


def attempts_text(row):
    """2 kontaktförsök, senast 2026-11-19."""
    if not getattr(row, "attempts", None):
        return ""
    return f"{row.attempts} kontaktförsök, senast {local_date(row.last_attempt).isoformat()}"


def sheet_address(subject, row, *, unit_id, actor, back):
    """Where an attempt on the row is logged from a page that is not its list; empty where the person may not, or the row is
    another unit's (PL-25)."""
    if row.care_unit_id != unit_id or not actor.may(Permission.HANDLE_WORK_LISTS):
        return ""
    name = next(name for name, about in SUBJECTS.items() if about == subject)
    return f"{reverse('contact-attempt', args=[name, row.pk])}?tillbaka={back}"


def phones(patient):
    """The numbers to call, in the patient's order; none of a protected person's (SK-02)."""
    return [
        (phone.get_kind_display() + (", helst" if phone.is_preferred else ""), phone.shown)
        for phone in contact_details(patient)["phones"]
    ]


def earlier(row, subject):
    """The row's attempts, the latest first: (when and who, how it went)."""
    attempts = ContactAttempt.objects.standing().filter(**{subject: row.pk}).select_related("by").order_by("-at", "-id")
    return [
        (
            f"{stamp(each.at)}, {each.by.name}",
            f"{each.get_method_display()}: {each.get_result_display().lower()}"
            + (f". Nästa {each.next_on.isoformat()}" if each.next_on else ""),
        )
        for each in attempts[:10]
    ]


def choices(results):
    return [Choice(value, label) for value, label in results]
