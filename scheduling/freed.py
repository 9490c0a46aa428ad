"""Who might take a free time: those who wait at the unit and at those it shares a waiting list with, ranked with their
reasons (PL-01, PL-25)."""

from datetime import date

from django.db.models import Exists, OuterRef, Q

from registration.contact_types import NEW, new_or_return_of
from registration.models import Referral
from scheduling import ranking, rules
from scheduling.models import (
    Appointment,
    AppointmentStatus,
    BookingRequest,
    BookingRequestStatus,
    BookingState,
    Offer,
    ResourceBooking,
)
from scheduling.timebook import Timebook
from sdv.common.time import local_date

SHOWN = 20
# So many of the most urgent are looked at: a list of twenty thousand costs no more than one of fifty.
LOOKED_AT = 60


def candidates(*, care_unit, resource, start, at, visit_type=None):
    """Those who wait whom the time would suit, the most urgent first, at most twenty. A bokningsbegäran with its besökstyp;
    a remiss to book where the time was a new visit's. Those of a shared list stand among the unit's own; the besökstyp is
    one that the unit has (BT-01)."""
    day = local_date(start)
    units = care_unit.sharing_ids(local_date(at))
    unasked = ~Exists(Offer.objects.open().filter(booking_request=OuterRef("pk")))
    requests = (
        BookingRequest.objects.filter(unasked, care_unit__in=units, status=BookingRequestStatus.OPEN)
        .filter(Q(wished_resource=None) | Q(wished_resource=resource), wished_from__lte=day)
        .filter(patient__deceased_on=None, visit_type__profession=resource.practitioner.profession_id)
        .filter(visit_type__care_area=care_unit.care_area_id)
        .with_details()
        .most_urgent_first()[:LOOKED_AT]
    )
    fits = _Fit(resource, day, start, at)
    waiting = [
        ranking.Waiting(
            row,
            first=row.wished_from,
            target=row.wished_to,
            wished_resource=str(row.wished_resource_id or ""),
            since=local_date(row.created_at),
            elsewhere=_elsewhere(row, care_unit),
        )
        for row in requests
        if fits(row.visit_type)
    ]
    if new_or_return_of(visit_type) == NEW:
        waiting += _referrals(care_unit, units)
    return ranking.rank(waiting, day=day, resource=str(resource.pk), resource_name=resource.name)[:SHOWN]


def _referrals(care_unit, units):
    unasked = ~Exists(Offer.objects.open().filter(referral=OuterRef("pk")))
    unbooked = ~Exists(
        Appointment.objects.filter(status=AppointmentStatus.BOOKED, encounter__commitment=OuterRef("commitment"))
    )
    rows = Referral.objects.to_book().filter(unasked, unbooked, care_unit__in=units, patient__deceased_on=None)
    rows = rows.select_related("patient", "problem_code", "care_unit")
    return [
        ranking.Waiting(
            row,
            first=date.min,
            target=row.medical_target_date,
            wished_resource="",
            since=row.waiting_since,
            elsewhere=_elsewhere(row, care_unit),
        )
        for row in rows.most_urgent_first()[:LOOKED_AT]
    ]


def _elsewhere(row, care_unit):
    return "" if row.care_unit_id == care_unit.pk else row.care_unit.short_name


class _Fit:
    """Whether the tidbok has room for a besökstyp at the time: two questions to the database, whatever the besökstyper."""

    def __init__(self, resource, day, start, at):
        self.resource, self.start, self.at = resource, start, at
        self.book = Timebook([resource], day, day)
        later = ResourceBooking.objects.filter(resource=resource, period__endswith__gt=start)
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
