"""Att boka as the list shows it: accepted remisser, how long they have waited, and whose they are (VA-04, BO-04, PL-25)."""

from django.urls import reverse

from registration.models import Referral
from registration.waiting import wait_of, with_waits
from scheduling.first_bookings import with_booking
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Tag
from sdv.common.time import local_date
from sdv.desk.context import address
from sdv.desk.presenters.contact_attempts import attempts_text
from sdv.desk.presenters.invitations import invite_button
from sdv.desk.presenters.referral import book_url_of, booked_tag, guarantee_tag, waited
from sdv.desk.presenters.rows import Cell, RowButton, days_tag, row_of


def to_book(care_units):
    """What the list shows: the rows of the units that share it (PL-25), each with its wait and the booking that it has."""
    return with_booking(with_waits(Referral.objects.to_book())).filter(care_unit__in=care_units)


def to_book_row(referral, actor, at):
    """The row of one remiss: booked here, or taken over from the unit where the patient waits. One that has a time says so,
    and is moved instead."""
    today = local_date(at)
    is_own = referral.care_unit_id == actor.care_unit.pk
    book = take = ""
    if actor.may(Permission.BOOK) and is_own:
        book = book_url_of(referral)
    elif not is_own and not referral.booked_id and actor.may(Permission.HANDLE_WORK_LISTS):
        take = reverse("referral-take", args=[referral.pk])
    return row_of(
        referral,
        on=today,
        url=address("patient-appointments", referral.patient_id)
        if referral.booked_id
        else book or address("patient", referral.patient_id),
        cells=[
            Cell(
                referral.medical_target_date.isoformat() if referral.medical_target_date else "Inget satt",
                booked_tag(referral) or days_tag(referral.medical_target_date, today),
                number=True,
            ),
            Cell(referral.problem_code.name if referral.problem_code else "", grow=True),
            Cell(
                referral.get_kind_display(),
                None if is_own else Tag("info", "right", f"Väntar hos {referral.care_unit.short_name}"),
            ),
            Cell(referral.arrival_date.isoformat(), number=True),
            Cell(waited(referral, today), guarantee_tag(wait_of(referral, on=today))),
        ],
        buttons=[
            RowButton("Boka om" if referral.booked_id else "Boka", book, "B"),
            RowButton("Ta över", take, "B", "post", fields={"version": referral.version}),
            attempt_button("to-book", referral, actor) if is_own else None,
            invite_button("to-book", referral, actor) if is_own and not referral.booked_id else None,
        ],
        attempts=attempts_text(referral),
        is_markable=is_own and not referral.booked_id,
    )


def attempt_button(name, row, actor):
    """The button that logs a kontaktförsök (PL-10), for those who handle the list."""
    if not actor.may(Permission.HANDLE_WORK_LISTS):
        return None
    return RowButton("Kontaktförsök", reverse("contact-attempt", args=[name, row.pk]), "K", sheet=True)
