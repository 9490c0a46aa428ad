"""The time that a remiss in Att boka already has. The remiss stands in the list until the patient has come (UT-07, VA-04),
so whoever books, calls or takes over asks here whether somebody has booked it: the first of the living bookings on its
vårdåtagande."""

from django.db.models import Exists, OuterRef, Subquery

from scheduling import rules
from scheduling.models import Appointment


def of(commitment_id):
    """The booking, with who made it; None where there is none."""
    return _on(commitment_id).select_related("created_by").first()


def unbooked(referrals):
    """The remisser that nobody has booked."""
    return referrals.filter(~Exists(_on(OuterRef("commitment"))))


def is_booked(commitment):
    """Whether a remiss on the vårdåtagande of a query's row has a time, in that query."""
    return Exists(_on(commitment))


def with_booking(referrals):
    """Each remiss with its booking's key (`booked_id`) and time (`booked_start`), in the remisser's own query."""
    first = _on(OuterRef("commitment"))
    return referrals.annotate(
        booked_id=Subquery(first.values("pk")[:1]), booked_start=Subquery(first.values("start")[:1])
    )


def refusal(commitment_id, rule, instead, **how):
    """Why the remiss on the vårdåtagande is not dealt with as one that nobody has booked, with who booked and when
    (PL-27); or None. The patient is locked, so that two do not both find it unbooked."""
    booking = of(commitment_id)
    if booking is None:
        return None
    return rules.remiss_is_booked(rule, booking.start, instead, **how).told(booking.created_by, booking.created_at)


def _on(commitment):
    return Appointment.objects.living().filter(encounter__commitment=commitment).order_by("start", "pk")
