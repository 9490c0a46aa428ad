"""Frigjorda tider and erbjudanden as the pages show them (PL-01)."""

from dataclasses import dataclass

from registration import presenters
from registration.phone_numbers import numbers_of
from scheduling import freed
from scheduling.models import BookingRequest, FreedTime, Offer
from sdv.common.dates import long_date
from sdv.common.presenting import Tag
from sdv.common.time import local, local_date
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
    version: int


def when(row):
    """tisdag 24 november 2026 kl. 09:00–09:30, Sara Norén."""
    return (
        f"{long_date(local_date(row.start))} kl. {local(row.start):%H:%M}–{local(row.end):%H:%M}, {row.resource.name}"
    )


def freed_rows(care_unit, at):
    """The unit's usable freed times, the first to come first, each with whom it is offered to where it is."""
    rows = FreedTime.objects.usable(at).filter(care_unit=care_unit).select_related("resource", "visit_type")
    rows = list(rows.order_by("start", "id")[:200])
    offered = Offer.objects.open().filter(care_unit=care_unit, expires_at__gt=at)
    taken = [(offer.resource_id, offer.period) for offer in offered]
    return [
        (
            row,
            any(pk == row.resource_id and row.start < period.upper and period.lower < row.end for pk, period in taken),
        )
        for row in rows
    ]


def candidate_rows(row, at):
    """Who might take the time, ranked; names and numbers through the patient's presenter (SK-05)."""
    found = freed.candidates(
        care_unit=row.care_unit, resource=row.resource, start=row.start, at=at, visit_type=row.visit_type
    )
    patients = [each.row.patient for each in found]
    presenters.prefetch_identities(patients)
    numbers = numbers_of(patients)
    today = local_date(at)
    return [_candidate(each, row, numbers, today) for each in found]


def _candidate(each, freed_time, numbers, today):
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
        value=f"{'booking_request' if is_request else 'referral'}|{each.row.pk}",
    )


def offer_rows(row, at):
    """The open offers of the time."""
    offers = Offer.objects.open().filter(resource=row.resource, period__overlap=(row.start, row.end), expires_at__gt=at)
    offers = list(offers.select_related("patient", "visit_type", "offered_by"))
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
            version=offer.version,
        )
        for offer in offers
    ]
