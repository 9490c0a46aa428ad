"""Who might take a free time: those who wait at the unit and at those it shares a waiting list with, ranked with their
reasons (PL-01, PL-25), and how often they have been called (PL-10)."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, F, OuterRef, Q

from registration.contact_types import NEW, new_or_return_of
from registration.models import Referral, VisitType
from scheduling import first_bookings, ranking, rules
from scheduling.models import (
    BookingRequest,
    BookingRequestStatus,
    BookingState,
    Offer,
    ResourceBooking,
    tried_today,
    with_attempts,
)
from scheduling.timebook import Timebook
from sdv.common.time import local_date

SHOWN = 20


@dataclass(frozen=True)
class Candidates:
    """The most urgent of those whom a time suits, at most twenty, of how many in all; and how many more somebody has
    tried to reach today, where those are left out (PL-10)."""

    rows: list
    total: int
    tried: int


def waiting(subject):
    """Who can be offered a time: bokningsbegäran that nobody has booked or closed; remisser to book on a vårdåtagande that
    has no booking (PL-01)."""
    if subject == "booking_request":
        return BookingRequest.objects.waiting()
    return first_bookings.unbooked(Referral.objects.to_book())


def candidates(*, care_unit, resource, start, at, visit_type=None, shows_tried=True):
    """Those who wait whom the time would suit, the most urgent first. A bokningsbegäran with its besökstyp; a remiss to
    book where the time was a new visit's. Those of a shared list stand among the unit's own; the besökstyp is one that the
    unit has (BT-01)."""
    day, units = local_date(start), care_unit.sharing_ids(local_date(at))
    found = {"booking_request": _requests(care_unit, resource, start, at)}
    if new_or_return_of(visit_type) == NEW:
        found["referral"] = waiting("referral").select_related("patient", "problem_code", "care_unit")
    ranked, total, tried = [], 0, 0
    for subject, rows in found.items():
        unasked = ~Exists(Offer.objects.open().filter(**{subject: OuterRef("pk")}))
        rows = rows.filter(unasked, care_unit__in=units, patient__deceased_on=None)
        if not shows_tried:
            tried += rows.filter(tried_today(at)).count()
            rows = rows.filter(~tried_today(at))
        total += rows.count()
        # In the order of `ranking.rank`: none who is left out would have stood before one who is looked at.
        rows = with_attempts(rows, subject).annotate(is_tried=tried_today(at)).order_by(*_ORDERS[subject])
        ranked += [_waiting(subject, row, care_unit) for row in rows[:SHOWN]]
    named = {"day": day, "resource": str(resource.pk), "resource_name": resource.name}
    return Candidates(ranking.rank(ranked, **named)[:SHOWN], total, tried)


_ORDERS = {
    "booking_request": ("wished_to", F("wished_resource").asc(nulls_last=True), "created_at", "id"),
    "referral": (*Referral.URGENCY, "id"),
}


def _requests(care_unit, resource, start, at):
    """Open bokningsbegäran of the besökstyper that the tidbok has room for at the time."""
    day = local_date(start)
    fits = _Fit(resource, day, start, at)
    types = VisitType.objects.filter(profession=resource.practitioner.profession_id, care_area=care_unit.care_area_id)
    return (
        waiting("booking_request")
        .filter(Q(wished_resource=None) | Q(wished_resource=resource), wished_from__lte=day)
        .filter(status=BookingRequestStatus.OPEN, visit_type__in=[each.pk for each in types if fits(each)])
        .with_details()
    )


def _waiting(subject, row, care_unit):
    is_request = subject == "booking_request"
    return ranking.Waiting(
        row,
        first=row.wished_from if is_request else date.min,
        target=row.wished_to if is_request else row.medical_target_date,
        wished_resource=str(row.wished_resource_id or "") if is_request else "",
        since=local_date(row.created_at) if is_request else row.waiting_since,
        elsewhere="" if row.care_unit_id == care_unit.pk else row.care_unit.short_name,
    )


class _Fit:
    """Whether the tidbok has room for a besökstyp at the time: two questions to the database, whatever the besökstyper."""

    def __init__(self, resource, day, start, at):
        self.resource, self.start, self.at = resource, start, at
        self.book = Timebook([resource], day, day)
        later = ResourceBooking.objects.of([resource]).filter(period__endswith__gt=start)
        standing = later.filter(Q(state=BookingState.BOOKED) | Q(expires_at__gt=at))
        first = standing.order_by("period").values_list("period", flat=True).first()
        self.until = first.lower if first else None

    def __call__(self, visit_type):
        end = self.start + rules.length_of(visit_type)
        if end <= self.at or (self.until is not None and self.until < end):
            return False
        if self.book.absence(self.resource, self.start, end):
            return False
        return self.book.covers(self.resource, visit_type, self.start, end)
