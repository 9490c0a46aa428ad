"""UT-07 as a queryset of what breaks it: open vårdåtaganden where nothing of their own says what comes next."""

from django.db.models import Exists, OuterRef, Q

from registration.lifecycle import ANNULLED, NO_SHOW_TYPE, Status
from registration.models import CareCommitment, Encounter, Referral
from scheduling.models import (
    Absence,
    Appointment,
    AwaitedResult,
    BookingRequest,
    MissingFollowUp,
    NoShowItem,
    RebookingItem,
    SessionStatus,
)
from scheduling.timebook import Timebook
from sdv.common.time import local_date, start_of_day


def broken(*, at):
    """Open vårdåtaganden without an accepted remiss, a booking of today or later, a waiting request, an Avvakta, Saknar
    återbesök, no-show or rebooking item, or a vårdhändelse that goes on. What hangs on another vårdåtagande does not count."""
    own = {"commitment": OuterRef("pk")}
    return CareCommitment.objects.open().filter(
        ~Exists(Referral.objects.to_book().filter(**own)),
        ~Exists(
            Appointment.objects.living().filter(
                encounter__commitment=OuterRef("pk"), start__gte=start_of_day(local_date(at))
            )
        ),
        ~Exists(BookingRequest.objects.waiting().filter(**own)),
        ~Exists(AwaitedResult.objects.open().filter(**own)),
        ~Exists(MissingFollowUp.objects.open().filter(**own)),
        ~Exists(NoShowItem.objects.open().filter(**own)),
        ~Exists(RebookingItem.objects.open().filter(**own)),
        ~Exists(Encounter.objects.filter(status=Status.IN_PROGRESS, **own)),
    )


def _listed():
    return Exists(RebookingItem.objects.open().filter(appointment=OuterRef("pk")))


def unlisted(patient_id, *, at):
    """The patient's bookings that nobody has to book anew though they are not held: as many statements however many."""
    own = Appointment.objects.filter(patient=patient_id)
    found = (in_absence(at=at) | on_cancelled_sessions()).filter(patient=patient_id)
    return own.filter(Q(pk__in=found.values("pk")) | Q(pk__in=outside_the_tidbok(at=at, among=own)))


def on_cancelled_sessions():
    """Bookings on cancelled grupptillfällen that do not stand in Ombokningar, whatever the hour: nobody comes to one, and
    nobody fails to. The dead are booked anew by nobody."""
    rows = Appointment.objects.living().filter(session__status=SessionStatus.CANCELLED)
    return rows.filter(~_listed(), patient__deceased_on__isnull=True)


def in_absence(*, at):
    """Bookings that an absence hits and that do not stand in Ombokningar (PL-02)."""
    hit = Absence.objects.hitting("appointments")
    return Appointment.objects.living().filter(Exists(hit), ~_listed(), end__gt=at)


def outside_the_tidbok(*, at, among=None):
    """Bookings ahead that the tidbok of one of their resources does not have the time of, and that do not stand in
    Ombokningar (PL-02). One made knowingly beside it is none of them, as long as its resources are there. Holidays are
    computed, so this is asked of the Timebook and not of the database: some queries and a loop, for a nightly check."""
    rows = (Appointment.objects.all() if among is None else among).living()
    rows = rows.filter(~_listed(), end__gt=at, patient__deceased_on__isnull=True)
    rows = rows.select_related("encounter__visit_type").prefetch_related("parts", "resources")
    booked = list(rows)
    if not booked:
        return Appointment.objects.none()
    resources = {resource.pk: resource for row in booked for resource in row.resources.all()}
    first, last = min(row.start for row in booked), max(row.end for row in booked)
    book = Timebook(resources.values(), local_date(first), local_date(last))
    lost = [row.pk for row in booked if any(book.missing(resource, row) for resource in row.resources.all())]
    return Appointment.objects.filter(pk__in=lost)


def left_consults(*, at):
    """Consults of contacts that are called off which do not stand in Ombokningar (BO-02)."""
    contact = "encounter__during__"
    off = Q(**{f"{contact}cancelled_at__isnull": False}) | Q(**{f"{contact}type__in": [ANNULLED, NO_SHOW_TYPE]})
    rows = Appointment.objects.living().filter(off, end__gt=at, patient__deceased_on__isnull=True)
    return rows.filter(~_listed())
