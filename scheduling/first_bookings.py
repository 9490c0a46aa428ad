"""The time that a remiss in Att boka already has. The remiss stands in the list until the patient has come (UT-07, VA-04),
so whoever books, calls or takes over asks here whether somebody has booked it: the first of the living bookings on its
vårdåtagande that were made since it came there. What was booked before, on a vårdåtagande that it joined, is for what was
known then (VA-01, VA-03)."""

from django.db.models import Exists, Max, OuterRef, Subquery
from django.db.models.functions import Greatest

from registration.models import Referral, ReferralAct, ReferralEvent
from scheduling import rules
from scheduling.models import Appointment


def made():
    """In a query of remisser: the bookings of each, whatever has become of them."""
    return Appointment.objects.filter(
        encounter__commitment=OuterRef("commitment"), history__event="booked", history__at__gte=_came_there()
    )


def living():
    """In a query of remisser: the bookings of each that the patient has yet to come to."""
    return made().living()


def of(referral_id):
    """The booking, with who made it; None where there is none."""
    booked = with_booking(Referral.objects.filter(pk=referral_id)).values("booked_id")
    return Appointment.objects.select_related("created_by").filter(pk__in=booked).first()


def unbooked(referrals):
    """The remisser that nobody has booked."""
    return referrals.filter(~Exists(living()))


def is_booked(referral):
    """Whether the remiss of a query's row has a time, in that query."""
    return Exists(Referral.objects.filter(Exists(living()), pk=referral))


def with_booking(referrals):
    """Each remiss with its booking's key (`booked_id`) and time (`booked_start`), in the remisser's own query."""
    first = living().order_by("start", "pk")
    return referrals.annotate(
        booked_id=Subquery(first.values("pk")[:1]), booked_start=Subquery(first.values("start")[:1])
    )


def refusal(referral_id, rule, instead, **how):
    """Why the remiss is not dealt with as one that nobody has booked, with who booked and when (PL-27); or None. The
    patient is locked, so that two do not both find it unbooked."""
    booking = of(referral_id)
    if booking is None:
        return None
    return rules.remiss_is_booked(rule, booking.start, instead, **how).told(booking.created_by, booking.created_at)


def _came_there():
    """When the remiss came to its vårdåtagande: it was accepted, or since then taken over by the unit (PL-25)."""
    taken_over = ReferralEvent.objects.filter(
        referral=OuterRef(OuterRef("pk")), act=ReferralAct.FORWARDED, to_unit=OuterRef(OuterRef("care_unit"))
    )
    last = taken_over.order_by().values("referral").annotate(last=Max("at")).values("last")
    return Greatest(OuterRef("decided_at"), Subquery(last))
