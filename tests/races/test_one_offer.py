"""Two press at once on one offer, one freed time, or one öppen kallelse (PL-01, PL-26, PL-27)."""

from functools import partial

import pytest

from scheduling.actions import invitations, offers, work_items, working
from scheduling.models import Appointment, Letter, Offer, OpenInvitation, ResourceBooking
from sdv.common.errors import RuleError
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic
from tests.races.together import numbers, one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)
START = NOW + 3 * DAY


@pytest.fixture
def centre():
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def waiting(centre, count):
    return [
        work_items.request_booking(
            patient_id=centre.patient(identity=number).pk,
            care_unit=centre.unit,
            visit_type=centre.nurse_visit,
            contact_reason=centre.reason,
            wished_from=TODAY,
            wished_to=TODAY + 14 * DAY,
            by=centre.nurse,
            at=NOW,
        )
        for number in numbers(count)
    ]


def make(centre, request, by):
    return offers.make(
        subject="booking_request",
        row_id=request.pk,
        resource_id=centre.nurse_resource.pk,
        start=START,
        by=by,
        at=NOW,
    )


def test_one_time_offered_to_twelve_at_once_is_held_for_one(centre):
    """PL-01"""
    requests = waiting(centre, 12)
    won, lost = one_winner(
        together(
            *[
                partial(make, centre, request, (centre.nurse, centre.doctor)[n % 2])
                for n, request in enumerate(requests)
            ]
        )
    )
    assert {(type(each), each.code) for each in lost} == {(RuleError, "slot_taken")}
    assert (Offer.objects.get(), ResourceBooking.objects.get()) == (won, won.hold)


@pytest.mark.parametrize("round_", range(3))
def test_of_a_yes_a_no_and_the_clock_at_once_one_is_heard(centre, round_):
    """PL-01, PL-27: the time is booked once or free, and the offer says which."""
    (request,) = waiting(centre, 1)
    offer = make(centre, request, centre.nurse)
    at = offer.expires_at if round_ == 2 else NOW
    answers = together(
        partial(offers.accept, offer_id=offer.pk, by=centre.nurse, at=NOW),
        partial(offers.decline, offer_id=offer.pk, by=centre.doctor, at=NOW),
        partial(offers.accept, offer_id=offer.pk, by=centre.doctor, at=NOW),
        partial(offers.expire_due, at=at),
    )
    refused = [answer for answer in answers[:3] if isinstance(answer, Exception)]
    assert {(type(each), each.code) for each in refused} <= {(RuleError, "already_done")}
    offer.refresh_from_db()
    is_booked = offer.status == "accepted"
    assert Appointment.objects.count() == ResourceBooking.objects.filter(state="booked").count() == int(is_booked)
    assert not ResourceBooking.objects.filter(state="held").exists()
    assert len(refused) == (3 if offer.status == "expired" else 2)


@pytest.mark.parametrize("many", [False, True])
def test_a_yes_and_the_end_of_what_is_waited_for_at_once_never_wait_for_each_other(centre, many):
    """PL-01, PL-27, BB-01: booked or closed, whoever came first, and never both in each other's way."""
    requests = waiting(centre, 6)
    made = [
        offers.make(
            subject="booking_request", row_id=row.pk, resource_id=centre.nurse_resource.pk, start=START + n * HALF_HOUR,
            by=centre.nurse, at=NOW,
        )
        for n, row in enumerate(requests)
    ]  # fmt: skip
    told = {"by": centre.doctor, "at": NOW}
    ends = [partial(work_items.close_request, request_id=row.pk, reason="Avstår", **told) for row in requests]
    if many:
        ids = [row.pk for row in requests]
        ends = [partial(working.change_many, request_ids=ids, care_unit=centre.unit, close_reason="Avstår", **told)]
    answers = together(*[partial(offers.accept, offer_id=row.pk, by=centre.nurse, at=NOW) for row in made], *ends)
    lost = [each for each in answers if isinstance(each, Exception)]
    assert {type(each) for each in lost} <= {RuleError}, lost
    for row in requests:
        row.refresh_from_db()
        booked = Appointment.objects.filter(booking_request=row).count()
        assert (row.status, booked) in (("booked", 1), ("closed", 0), *([("open", 0)] if many else []))
    assert not ResourceBooking.objects.filter(state="held").exclude(offer__status="open").exists()


def test_one_who_waits_is_invited_once_by_however_many(centre):
    """PL-26, PL-27: one letter, and the others are told who was first."""
    (request,) = waiting(centre, 1)
    told = {"subject": "booking_request", "row_id": request.pk, "last_day": TODAY + 14 * DAY, "at": NOW}
    by = (centre.nurse, centre.doctor)
    won, lost = one_winner(together(*[partial(invitations.invite, **told, by=by[n % 2]) for n in range(6)]))
    assert {(type(each), each.code) for each in lost} == {(RuleError, "already_invited")}
    assert OpenInvitation.objects.get() == won
    assert Letter.objects.filter(open_invitation=won).count() == 1


@pytest.mark.parametrize("round_", range(3))
def test_the_patient_the_clerk_and_the_clock_at_once_book_one_time(centre, round_):
    """PL-26, BO-01: of the patient in 1177, the clerk at the telephone, one who ends it and the clock, one is heard; there
    is one booking or none."""
    (request,) = waiting(centre, 1)
    last_day = TODAY + 2 * DAY
    invitation = invitations.invite(
        subject="booking_request", row_id=request.pk, last_day=last_day, by=centre.nurse, at=NOW
    )
    told = {"invitation_id": invitation.pk, "resource_ids": [centre.nurse_resource.pk], "at": NOW}
    answers = together(
        partial(invitations.book, **told, start=START, end=START + HALF_HOUR, by=centre.nurse, by_patient=True),
        partial(invitations.book, **told, start=START + DAY, end=START + DAY + HALF_HOUR, by=centre.doctor),
        partial(invitations.end, invitation_id=invitation.pk, reason="Ringde", by=centre.doctor, at=NOW),
        partial(invitations.expire_due, at=NOW if round_ else NOW + 3 * DAY),
    )
    refused = [answer for answer in answers[:3] if isinstance(answer, Exception)]
    assert {(type(each), each.code) for each in refused} <= {
        (RuleError, "already_done"),
        (RuleError, "too_late"),
    }
    invitation.refresh_from_db()
    is_booked = invitation.status == "booked"
    assert invitation.status in ("booked", "ended")
    assert Appointment.objects.count() == ResourceBooking.objects.filter(state="booked").count() == int(is_booked)
    assert len(refused) == 2
