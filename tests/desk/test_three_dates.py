"""Wished, offered and booked are three dates, beside each other on the pages and by REST, and none overwrites another
(PL-09)."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scheduling import dates
from scheduling.actions import appointments, offers
from scheduling.models import Appointment
from sdv.accounts.permissions import Role
from sdv.common.answers import moment
from sdv.common.time import local, local_date, minute, now
from sdv.flows import cancellation
from tests import factories
from tests.api.conftest import Caller

from .signed_in import signed_in

DAY, HALF_HOUR = timedelta(days=1), timedelta(minutes=30)


def stamp(at):
    return f"{local(at):%Y-%m-%d %H:%M}"


def test_from_wish_to_offer_to_booking_to_another_time_the_three_stand_beside_each_other(db):
    """PL-09: a no and a yes are both kept; moving the booking changes neither what was wished nor what was offered."""
    centre = factories.HealthCentreFactory()
    nurse = factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")
    clerk = factories.receptionist(centre)
    client, caller = signed_in(clerk), Caller(factories.staff(Role.INTEGRATION, centre))
    today, noon = local_date(now()), minute(now()).replace(hour=10, minute=0)
    refused, accepted, moved = (noon + days * DAY for days in (5, 6, 9))
    request = factories.booking_request(
        care_unit=centre, patient=factories.patient(), visit_type=factories.visit_type(),
        wished_from=today, wished_to=today + 4 * DAY,
    )  # fmt: skip

    def offer(start):
        own = {"subject": "booking_request", "row_id": request.pk, "resource_id": nurse.pk}
        return offers.make(**own, start=start, by=clerk, at=now())

    wished = {"wished_from": today.isoformat(), "wished_to": (today + 4 * DAY).isoformat()}
    shown = caller.get(f"booking-requests/{request.pk}/").json()["dates"]
    assert shown == wished | {"offered": [], "first_booked": None, "booked": None}

    offers.decline(offer_id=offer(refused).pk, by=clerk, at=now())
    text = f"Erbjuden {stamp(refused)}, tackat nej"
    assert text in client.get(reverse("booking-requests"), {"alla": "1"}).content.decode()
    booking = offers.accept(offer_id=offer(accepted).pk, by=clerk, at=now()).appointment
    appointments.reschedule(
        appointment_id=booking.pk, start=moved, end=moved + HALF_HOUR, by=clerk, at=now(), changed_by="patient"
    )
    answered = [(moment(refused), "declined"), (moment(accepted), "accepted")]
    for answer in (
        caller.get(f"appointments/{booking.pk}/").json()["dates"],
        caller.get(f"appointments/?patient={request.patient_id}").json()["results"][0]["dates"],
        caller.get(f"booking-requests/{request.pk}/").json()["dates"],
    ):
        assert {name: answer[name] for name in wished} == wished
        assert [(each["start"], each["status"]) for each in answer["offered"]] == answered
        assert all(each["offered_at"] and each["answered_at"] for each in answer["offered"])
        assert (answer["first_booked"], answer["booked"]) == (moment(accepted), moment(moved))

    in_words = f"{stamp(refused)}, tackat nej; {stamp(accepted)}, tackat ja"
    for page in (
        reverse("encounter", args=[booking.encounter_id]),
        reverse("appointment-reschedule", args=[booking.pk]),
        reverse("patient-appointments", args=[request.patient_id]),
    ):
        text = client.get(page).content.decode()
        for words in (f"{today.isoformat()} till {(today + 4 * DAY).isoformat()}", in_words, stamp(moved)[:10]):
            assert words in text, (page, words)
        assert "Först bokad till" in text and stamp(accepted) in text
    page = client.get(reverse("booking-request", args=[request.pk])).content.decode()
    assert in_words in page and f"Bokad {stamp(moved)}, först bokad till {stamp(accepted)}" in page

    # Cancelled, the patient waits again: the row says what has been.
    cancellation.cancel(appointment_id=booking.pk, cancelled_by="patient", reason="Förhinder", by=clerk, at=now())
    listed = client.get(reverse("booking-requests"), {"alla": "1"}).content.decode()
    assert f"Avbokad {stamp(moved)}, först bokad till {stamp(accepted)}" in listed
    again = caller.get(f"booking-requests/{request.pk}/").json()
    assert again["status"] == "open" and {name: again["dates"][name] for name in wished} == wished


def test_the_day_that_was_asked_for_when_the_time_was_booked_stands_beside_it(db):
    """PL-09: and the dates of many bookings are read in as few statements as those of one."""
    visits = [
        factories.booked_visit(patient=factories.patient(), start=minute(now()) + number * DAY) for number in (3, 4)
    ]
    wished = local_date(now()) + DAY
    Appointment.objects.filter(pk=visits[0].pk).update(wished_date=wished)
    rows = list(Appointment.objects.select_related("encounter").filter(pk__in=[row.pk for row in visits]))
    with CaptureQueriesContext(connection) as few:
        dates.of_bookings(rows[:1])
    with CaptureQueriesContext(connection) as many:
        found = dates.of_bookings(rows)
    assert len(many) == len(few) <= 3
    first, other = found[visits[0].pk], found[visits[1].pk]
    assert (first.wished_first, first.wished_last, first.offered) == (wished, wished, ())
    assert (other.wished_first, other.wished_last) == (None, None)
    assert (first.first_booked, first.booked.start, first.is_moved) == (visits[0].start, visits[0].start, False)
