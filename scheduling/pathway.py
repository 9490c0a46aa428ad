"""A vårdåtagande as a line: what has happened on it, in order, and the gaps where nothing did (PL-11). The line is pure; the
points are read with one statement a kind, whatever the number of vårdåtaganden."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from registration.lifecycle import ANNULLED, NO_SHOW_TYPE, PRE_REGISTRATIONS, Status
from registration.models import CommitmentAct, CommitmentEvent, Encounter, Referral
from scheduling.dates import OFFER_ANSWERS
from scheduling.models import (
    UNDONE,
    Appointment,
    AppointmentHistory,
    AwaitedResult,
    BookingRequest,
    CancelledBy,
    MissingFollowUp,
    Offer,
)
from sdv.common.time import local_date, start_of_day

# So many days without anything is an idle gap.
IDLE_DAYS = 30


@dataclass(frozen=True)
class Point:
    """Something on the line: the day, what it was; `is_ahead` where it is planned."""

    day: date
    what: str
    is_ahead: bool = False


@dataclass(frozen=True)
class Gap:
    """Days between two points, or from the last one until today, in which nothing happened."""

    first: date
    last: date

    @property
    def days(self):
        return (self.last - self.first).days


def line_of(points, *, today, is_open):
    """The points in order of day, with each idle gap among them in its place. What goes on is idle until today where
    nothing has happened since; the wait for what is planned is a gap too."""
    line, last = [], None
    ordered = sorted(points, key=lambda point: (point.day, point.is_ahead))
    for point in ordered:
        if last is not None and (point.day - last).days > IDLE_DAYS:
            line.append(Gap(last, point.day))
        line.append(point)
        last = point.day
    is_waiting = is_open and last is not None and not any(point.is_ahead for point in ordered)
    if is_waiting and (today - last).days > IDLE_DAYS:
        line.append(Gap(last, today))
    return line


def lines(commitments, *, at):
    """The line of each vårdåtagande, by its key."""
    ids = [row.pk for row in commitments]
    today = local_date(at)
    points = {pk: [] for pk in ids}

    def add(commitment_id, day, what, *, is_ahead=False):
        points[commitment_id].append(Point(day, what, is_ahead))

    for row in Referral.objects.filter(commitment__in=ids):
        add(row.commitment_id, row.arrival_date, f"{row.get_kind_display()} kom")
        if row.review_date and row.review_date != row.arrival_date:
            add(row.commitment_id, row.review_date, "Remissen granskades")
    # A no-show stands as planned until its day is over.
    been = Q(status__in=[Status.IN_PROGRESS, Status.CHECKED_OUT, Status.ENDED]) | Q(type=NO_SHOW_TYPE)
    seen = Encounter.objects.filter(been, commitment__in=ids, start__isnull=False)
    seen = seen.exclude(type__in=[*PRE_REGISTRATIONS, ANNULLED])
    for row in seen.select_related("type", "visit_type"):
        name = row.visit_type.name if row.visit_type else row.type.name
        words = f"Utebliven: {name}" if row.type_id == NO_SHOW_TYPE else name
        add(row.commitment_id, local_date(row.start), words)
    booked = Appointment.objects.living().filter(
        encounter__commitment__in=ids, encounter__status=Status.PLANNED, start__gte=start_of_day(today)
    )
    for row in booked.select_related("encounter__visit_type").exclude(encounter__type=NO_SHOW_TYPE):
        what = row.encounter.visit_type.name if row.encounter.visit_type else "Besök"
        add(row.encounter.commitment_id, local_date(row.start), f"Bokad: {what}", is_ahead=True)
    for row in BookingRequest.objects.waiting().filter(commitment__in=ids).select_related("visit_type"):
        add(row.commitment_id, local_date(row.created_at), f"Begäran om {row.visit_type.name}, väntar på tid")
    changed = AppointmentHistory.objects.filter(
        event__in=["rescheduled", "cancelled"], appointment__encounter__commitment__in=ids
    )
    for row in changed.select_related("appointment__encounter"):
        add(row.appointment.encounter.commitment_id, local_date(row.at), _change(row))
    own = Q(booking_request__commitment__in=ids) | Q(referral__commitment__in=ids)
    for row in Offer.objects.filter(own).select_related("booking_request", "referral"):
        add((row.booking_request or row.referral).commitment_id, local_date(row.offered_at), _offer(row))
    for row in AwaitedResult.objects.filter(commitment__in=ids).exclude(decision=UNDONE):
        add(row.commitment_id, local_date(row.created_at), "Avvaktade svar" if row.decided_at else "Avvaktar svar")
    for row in MissingFollowUp.objects.filter(commitment__in=ids).exclude(decision=UNDONE):
        words = "Saknade återbesök" if row.decided_at else "Saknar återbesök, väntar på beslut"
        add(row.commitment_id, local_date(row.created_at), words)
    told = {}
    for event in CommitmentEvent.objects.filter(commitment__in=ids):
        told.setdefault(event.commitment_id, set()).add(event.act)
        words = event.get_act_display() + (f": {event.reason}" if event.reason else "")
        add(event.commitment_id, local_date(event.at), words)
    for row in commitments:
        # Opened before steps were kept, or closed with many others at once.
        if CommitmentAct.OPENED not in told.get(row.pk, ()):
            add(row.pk, row.opened_on, "Öppnat")
        if row.closed_on and CommitmentAct.CLOSED not in told.get(row.pk, ()):
            add(row.pk, row.closed_on, f"Avslutat: {row.close_reason}")
    return {row.pk: line_of(points[row.pk], today=today, is_open=row.closed_on is None) for row in commitments}


_WHOSE = {CancelledBy.PATIENT: ", på patientens initiativ", CancelledBy.PROVIDER: ", av vårdgivaren"}


def _change(row):
    """A move or a cancellation of a booking: from when, to when, and whose doing it was (PL-09)."""
    whose = _WHOSE.get(row.initiated_by, "")
    if row.event == "cancelled":
        return f"Avbokad {local_date(row.start_before).isoformat()}{whose}"
    return (
        f"Ombokad från {local_date(row.start_before).isoformat()} till {local_date(row.start_after).isoformat()}{whose}"
    )


def _offer(row):
    return f"Erbjuden {local_date(row.period.lower).isoformat()}, {OFFER_ANSWERS[row.status]}"
