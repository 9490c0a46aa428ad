"""Fel i väntelistan as the list shows them (PL-11)."""

from django.urls import reverse

from scheduling.faults import REMEDIES
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Tag
from sdv.common.time import local_date
from sdv.desk.presenters.rows import Cell, RowButton, days_in_words, row_of


def fault_row(fault, actor, at):
    """The row of one fault: what is wrong, what is done about it, on which row, and whose it is."""
    is_request = fault.booking_request_id is not None
    name, subject = ("booking-request", fault.booking_request) if is_request else ("referral", fault.referral)
    url = reverse(name, args=[subject.pk])
    mend = take = None
    if actor.may(Permission.HANDLE_WORK_LISTS):
        mend = RowButton("Åtgärda", url, "Enter")
        if fault.owner_id != actor.user.pk:
            address = reverse("list-fault-take", args=[fault.pk])
            take = RowButton("Ta den", address, "T", "post", fields={"version": fault.version})
    last = subject.wished_to if is_request else subject.medical_target_date
    what = subject.visit_type.name if is_request else f"{subject.get_kind_display()} {subject.referrer}".strip()
    return row_of(
        fault,
        on=local_date(at),
        url=url,
        cells=[
            Cell(fault.get_kind_display(), Tag("danger", "warn", days_text(fault.found_on, local_date(at)))),
            Cell(REMEDIES[fault.kind], grow=True),
            Cell("Bokningsbegäran" if is_request else "Remiss"),
            Cell(what, grow=True),
            Cell(last.isoformat() if last else "", number=True),
            Cell(fault.owner.name if fault.owner else "Ingen"),
        ],
        buttons=[mend, take],
    )


def days_text(found_on, today):
    """How long a fault has stood."""
    days = (today - found_on).days
    return "Nytt i dag" if days <= 0 else f"I {days_in_words(days)}"
