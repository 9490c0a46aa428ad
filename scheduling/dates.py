"""Wished, offered and booked: three dates that are kept apart (PL-09). What was wished is the day that was asked for when
the time was booked, or the interval of the bokningsbegäran; what was offered are the erbjudanden that were made, each with
its answer; what is booked is the first time that was agreed, and the one that stands. None overwrites another."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch, Q

from scheduling.models import Appointment, AppointmentHistory, AppointmentStatus, BookingRequest, Offer, OfferStatus

# What came of an erbjudande, after the time that it was of.
OFFER_ANSWERS = {
    OfferStatus.OPEN: "väntar på svar",
    OfferStatus.ACCEPTED: "tackat ja",
    OfferStatus.DECLINED: "tackat nej",
    OfferStatus.EXPIRED: "gick ut",
    OfferStatus.WITHDRAWN: "drogs tillbaka",
}


@dataclass(frozen=True)
class Dates:
    """The three of one visit. `wished_first` and `wished_last` are the same day where one was asked for; `offered` are
    rows of Offer, the first made first; `booked` is the booking, whose time may be another than `first_booked`."""

    wished_first: date | None = None
    wished_last: date | None = None
    offered: tuple = ()
    first_booked: datetime | None = None
    booked: Appointment | None = None

    @property
    def is_moved(self):
        return self.booked is not None and self.first_booked not in (None, self.booked.start)


def of_bookings(rows):
    """{key: Dates} of bookings loaded with their vårdhändelse, in three statements whatever their number."""
    requests = BookingRequest.objects.in_bulk({row.booking_request_id for row in rows if row.booking_request_id})
    first = _first_booked(rows)
    offers = _offers(
        Q(appointment__in=[row.pk for row in rows])
        | Q(booking_request__in=list(requests))
        | Q(referral__commitment__in={row.encounter.commitment_id for row in rows})
    )
    found = {}
    for row in rows:
        request = requests.get(row.booking_request_id)
        found[row.pk] = Dates(
            wished_first=row.wished_date or (request.wished_from if request else None),
            wished_last=row.wished_date or (request.wished_to if request else None),
            offered=tuple(offer for offer in offers if _led_to(offer, row)),
            first_booked=first.get(row.pk),
            booked=row,
        )
    return found


def with_dates(requests):
    """Bokningsbegäran with what `of_request` reads, in three statements more whatever their number."""
    booked = Prefetch("history", AppointmentHistory.objects.filter(event="booked"), to_attr="first_booked")
    bookings = Appointment.objects.order_by("created_at", "id").prefetch_related(booked)
    return requests.prefetch_related(
        Prefetch("offers", Offer.objects.order_by("offered_at", "id"), to_attr="offers_made"),
        Prefetch("appointments", bookings, to_attr="bookings_made"),
    )


def of_request(row):
    """Of a bokningsbegäran read `with_dates`: the booking is the last that was made of it, also where that was cancelled and
    the patient waits again."""
    booked = row.bookings_made[-1] if row.bookings_made else None
    return Dates(
        wished_first=row.wished_from,
        wished_last=row.wished_to,
        offered=tuple(row.offers_made),
        first_booked=next((event.start_after for event in booked.first_booked), None) if booked else None,
        booked=booked,
    )


def _first_booked(rows):
    """{booking: the time that it was first booked to}."""
    booked = AppointmentHistory.objects.filter(appointment__in=[row.pk for row in rows], event="booked")
    return dict(booked.values_list("appointment_id", "start_after"))


def _offers(which):
    return list(Offer.objects.filter(which).select_related("referral").order_by("offered_at", "id"))


def _led_to(offer, booking):
    """Whether the erbjudande was made on the way to the booking. One of a remiss belongs to the visit that uses the remiss;
    while none has, to what was booked after it."""
    if offer.appointment_id:
        return offer.appointment_id == booking.pk
    if offer.booking_request_id:
        return offer.booking_request_id == booking.booking_request_id
    if offer.referral.commitment_id != booking.encounter.commitment_id or offer.offered_at > booking.created_at:
        return False
    used_by = offer.referral.used_by_id
    return used_by == booking.encounter_id or (used_by is None and booking.status == AppointmentStatus.BOOKED)
