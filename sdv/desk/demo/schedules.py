"""What waits for the coordinator in the practice region: absences with people booked, calls made (PL-02, PL-10)."""

from datetime import timedelta

from scheduling.actions import absences, contact_attempts
from scheduling.models import Appointment, BookingRequest, ContactResult, Resource
from sdv.common.time import local_date, start_of_day

AWAY_DAYS = 14


def fill(story):
    """One vårdgivare of each unit with bookings is away on the day ahead when most are booked; some who wait have been
    called."""
    for unit in story.region.units.values():
        be_away(story, unit)
        call(story, unit)


def be_away(story, unit):
    """The first vårdgivare with somebody booked later than tomorrow is away that day."""
    first = start_of_day(local_date(story.at) + timedelta(days=2))
    coming = Appointment.objects.living().filter(
        care_unit=unit.row, start__gte=first, start__lt=first + timedelta(days=AWAY_DAYS)
    )
    booked = coming.order_by("start", "id").first()
    resource = Resource.objects.filter(appointments=booked, kind="person").first() if booked else None
    if resource is None:
        return
    day = local_date(booked.start)
    absences.register(
        care_unit=unit.row,
        resource_id=resource.pk,
        kind="leave",
        start=start_of_day(day),
        end=start_of_day(day + timedelta(days=1)),
        by=story.clinician(unit),
        at=story.at,
    )


def call(story, unit):
    """Of those who wait longest some were called yesterday, one today."""
    waiting = BookingRequest.objects.waiting().filter(care_unit=unit.row).order_by("wished_to", "id")[:6]
    results = [ContactResult.NO_ANSWER, ContactResult.LEFT_MESSAGE, ContactResult.CALLS_BACK]
    for number, request in enumerate(waiting[::2]):
        contact_attempts.record(
            subject="booking_request",
            row_id=request.pk,
            method="phone",
            result=results[number % len(results)],
            next_on=local_date(story.at) + timedelta(days=number),
            by=story.reception,
            at=story.at - timedelta(days=0 if number == 2 else 1),
        )
