"""Frigjorda tider and erbjudanden as the pages show them (PL-01)."""

from dataclasses import dataclass

from django.urls import reverse

from registration import presenters
from registration.phone_numbers import numbers_of
from scheduling import freed
from scheduling.models import BookingRequest, FreedTime, Offer
from sdv.common.dates import long_date
from sdv.common.presenting import Tag
from sdv.common.time import local, local_date
from sdv.desk.presenters import contact_attempts
from sdv.desk.presenters.rows import stamp


@dataclass(frozen=True)
class CandidateRow:
    """One who waits: place, words of the patient, numbers, reasons, and what the offer's form sends."""

    place: int
    pk: object
    patient_id: object
    name: str
    identity: str
    digits: str
    is_protected: bool
    numbers: str
    visit: str
    reasons: tuple
    over: Tag | None
    value: str
    attempts: str
    attempt_url: str


@dataclass(frozen=True)
class OfferRow:
    """An open offer, and until when it holds."""

    pk: object
    patient_id: object
    name: str
    is_protected: bool
    numbers: str
    visit: str
    until: str
    by: str
    attempts: str
    attempt_url: str


def when(row):
    """tisdag 24 november 2026 kl. 09:00–09:30, Sara Norén."""
    return (
        f"{long_date(local_date(row.start))} kl. {local(row.start):%H:%M}–{local(row.end):%H:%M}, {row.resource.name}"
    )


def freed_times(care_unit, at):
    """The unit's usable freed times."""
    return FreedTime.objects.usable(at).filter(care_unit=care_unit).select_related("resource", "visit_type")


def freed_rows(rows, care_unit, at):
    """The rows of a page, each with whether it is offered to somebody."""
    offered = Offer.objects.open().filter(care_unit=care_unit, expires_at__gt=at)
    taken = [(offer.resource_id, offer.period) for offer in offered]
    return [
        (
            row,
            any(pk == row.resource_id and row.start < period.upper and period.lower < row.end for pk, period in taken),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class CandidateRows:
    """Who might take a time: the rows that are shown, how many there are in all where that is more, and whom somebody has
    called today (PL-10), in words."""

    rows: list
    more: str
    tried: str


def candidate_rows(row, at, actor, *, shows_tried):
    """Who might take the time, ranked; names and numbers through the patient's presenter (SK-05)."""
    asked = {"care_unit": row.care_unit, "resource": row.resource, "start": row.start, "visit_type": row.visit_type}
    found = freed.candidates(**asked, at=at, shows_tried=shows_tried)
    patients = [each.row.patient for each in found.rows]
    presenters.prefetch_identities(patients)
    numbers = numbers_of(patients)
    today = local_date(at)
    return CandidateRows(
        rows=[_candidate(each, row, numbers, today, actor) for each in found.rows],
        more=f"De {len(found.rows)} främsta av {found.total} visas." if found.total > len(found.rows) else "",
        tried=contact_attempts.hidden_text(found.tried),
    )


def _candidate(each, freed_time, numbers, today, actor):
    patient = presenters.shown(each.row.patient, on=today)
    is_request = isinstance(each.row, BookingRequest)
    over = each.days_over
    return CandidateRow(
        place=each.place,
        pk=each.row.pk,
        patient_id=each.row.patient_id,
        name=patient.name,
        identity=patient.identity,
        digits="".join(sign for sign in patient.identity_value if sign.isdigit()),
        is_protected=patient.is_protected,
        numbers=", ".join(numbers.get(each.row.patient_id, ())),
        visit=each.row.visit_type.name if is_request else f"Remiss, {freed_time.visit_type.name}",
        reasons=each.reasons[1:],
        over=Tag("danger" if (over or 0) > 0 else "", "warn" if (over or 0) > 0 else "clock", each.reasons[0]),
        value=f"{_subject(each.row)}|{each.row.pk}",
        attempts=contact_attempts.attempts_text(each.row),
        attempt_url=_attempt_address(each.row, freed_time, actor),
    )


def _subject(row):
    return "booking_request" if isinstance(row, BookingRequest) else "referral"


def _attempt_address(row, freed_time, actor):
    back = reverse("freed-time", args=[freed_time.pk])
    unit_id = freed_time.care_unit_id
    return contact_attempts.sheet_address(_subject(row), row, unit_id=unit_id, actor=actor, back=back)


def offer_rows(row, at, actor):
    """The open offers of the time."""
    offers = Offer.objects.open().filter(resource=row.resource, period__overlap=(row.start, row.end), expires_at__gt=at)
    related = ("patient", "visit_type", "offered_by", "booking_request", "referral")
    offers = list(offers.with_attempts().select_related(*related))
    numbers = numbers_of([offer.patient for offer in offers])
    return [
        OfferRow(
            pk=offer.pk,
            patient_id=offer.patient_id,
            name=presenters.shown_name(offer.patient),
            is_protected=offer.patient.is_protected,
            numbers=", ".join(numbers.get(offer.patient_id, ())),
            visit=offer.visit_type.name,
            until=stamp(offer.expires_at),
            by=offer.offered_by.name,
            attempts=contact_attempts.attempts_text(offer),
            attempt_url=_attempt_address(offer.booking_request or offer.referral, row, actor),
        )
        for offer in offers
    ]
