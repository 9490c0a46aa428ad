"""Erbjudanden of freed times: made, answered, withdrawn, run out (PL-01, PL-13, PL-27)."""

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from registration.actions.commitments import refuse_problem_code
from registration.actions.encounters import refuse_deceased
from registration.models import ContactReason, Patient, Referral
from scheduling import freed, rules
from scheduling.models import (
    BookingRequest,
    BookingState,
    FreedTime,
    Offer,
    OfferStatus,
    Resource,
    ResourceBooking,
    Session,
)
from scheduling.timebook import Timebook
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, minute
from sdv.common.versions import refuse_stale
from sdv.organisation.models import sharing_ids

from . import choices, resource_bookings

SUBJECTS = {"booking_request": BookingRequest, "referral": Referral}


def note_freed(appointment, start, end, resources, *, cause, by, at):
    """Inner write: the times of persons that a booking has let go of, where they lie ahead. Told once however often."""
    _note([(appointment, start, end, resource) for resource in resources], cause=cause, by=by, at=at)


def note_all_freed(taken, *, cause, by, at):
    """The same for many bookings, in one statement. `taken`: appointment → rows of ResourceBooking."""
    found = [(row, row.start, row.end, each.resource) for row, rows in taken for each in rows if each.seat == 1]
    _note(found, cause=cause, by=by, at=at)


def note_freed_session(session, resources, *, cause, by, at):
    """The same for the time of a grupptillfälle that is cancelled or moved."""
    _note([(session, session.start, session.end, resource) for resource in resources], cause=cause, by=by, at=at)


def _note(found, *, cause, by, at):
    rows = [
        FreedTime(
            care_unit_id=whose.care_unit_id,
            resource=resource,
            visit_type_id=whose.visit_type_id if isinstance(whose, Session) else whose.encounter.visit_type_id,
            start=start,
            end=end,
            cause=cause,
            freed_at=at,
            freed_by=by,
        )
        for whose, start, end, resource in found
        if resource.practitioner_id and end > at
    ]
    FreedTime.objects.bulk_create(
        _in_the_tidbok(rows),
        update_conflicts=True,
        unique_fields=["resource", "start", "end"],
        update_fields=["cause", "freed_at", "freed_by", "visit_type"],
    )


def _in_the_tidbok(rows):
    """Those that the tidbok has, for whatever besökstyp: what lay beside it, or has been taken out of it, is nobody's."""
    if not rows:
        return []
    first, last = min(row.start for row in rows), max(row.end for row in rows)
    book = Timebook({row.resource for row in rows}, local_date(first), local_date(last))
    return [row for row in rows if book.covers(row.resource, None, row.start, row.end)]


@transaction.atomic
def make(*, subject, row_id, resource_id, start, by, at, visit_type=None, contact_reason=None):
    """Offers the time to one who waits, at the unit or at one it shares a waiting list with (PL-25). It is held until the
    answer, or until it runs out; nobody is booked or taken over by it. For a remiss the besökstyp is told, and the orsak is
    the unspecified one where none is."""
    model, start = SUBJECTS[subject], minute(start)
    patient_id = model.objects.values_list("patient_id", flat=True).get(pk=row_id)
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    row = model.objects.locked().get(pk=row_id)
    if not freed.waiting(subject).filter(pk=row_id).exists():
        raise RuleError("PL-01", "Patienten väntar inte längre. Läs in listan igen.", code="already_done")
    if standing := Offer.objects.open().filter(**{subject: row}).select_related("offered_by").first():
        raise rules.already_offered(standing.period.lower).told(standing.offered_by, standing.offered_at)
    visit_type = visit_type if subject == "referral" else row.visit_type
    if visit_type is None:
        raise InputError(visit_type="Ange vilken besökstyp som erbjuds.")
    contact_reason = contact_reason or (row.contact_reason if subject == "booking_request" else None)
    contact_reason = contact_reason or unspecified_reason(visit_type, local_date(at))
    end = start + rules.length_of(visit_type)
    units = sharing_ids([row.care_unit_id], local_date(at))
    resource = Resource.objects.filter(pk=resource_id, care_unit__in=units).select_related("care_unit").first()
    if resource is None:
        raise InputError(resource="Resursen finns inte på vårdenheten. Välj bland enhetens resurser.")
    reason_id = contact_reason.pk if contact_reason else None
    contact_reason = choices.offered_reason(visit_type, reason_id, resource.care_unit, at=at)
    if resource.care_unit_id != row.care_unit_id and (named := _problem_code(row)):
        # A yes takes over: the other unit opens a vårdåtagande for the same problem (VA-01).
        refuse_problem_code(named, resource.care_unit, at=at)
    if found := resource_bookings.outside([resource], visit_type, start, end):
        raise found
    expires = rules.offer_expiry(start=start, end=end, at=at)
    hold = resource_bookings.hold(resource_id=resource.pk, start=start, end=end, by=by, at=at, length=expires - at)
    return Offer.objects.create(
        **{subject: row},
        patient=patient,
        care_unit_id=resource.care_unit_id,
        visit_type=visit_type,
        contact_reason=contact_reason,
        resource=resource,
        period=DateTimeTZRange(start, end),
        hold=hold,
        offered_at=at,
        offered_by=by,
        expires_at=expires,
    )


def _problem_code(row):
    """The problemkod of what is waited for, or None."""
    return row.commitment.problem_code if row.commitment else getattr(row, "problem_code", None)


def unspecified_reason(visit_type, day):
    """VO-03: there is always one."""
    offered = ContactReason.objects.offered_for(visit_type, day)
    return offered.filter(code="bedomning-ospecificerad").first() or offered.order_by("name").first()


@transaction.atomic
def accept(*, offer_id, by, at, accept_warnings=(), reason="", version=None):
    """Tackat ja: the held time is booked in the same transaction (PL-01). A person has decided it; the patient has. Who
    waits at another unit of a shared list is taken over first, so that the clock follows (PL-25)."""
    from . import appointments, sharing

    offer = _lock(offer_id, version)
    if refused := rules.offer_refusal(status=offer.get_status_display(), is_open=_is_open(offer, at)):
        raise refused.told(offer.answered_by, offer.answered_at)
    # The hold is the unit's: whoever takes the call has it.
    ResourceBooking.objects.filter(pk=offer.hold_id, state=BookingState.HELD).update(held_by=by)
    hold_id = offer.hold_id
    _answer(offer, OfferStatus.ACCEPTED, by=by, at=at)
    taken = sharing.take_offered(offer, by=by, at=at)
    commitment_id = taken.commitment_id if offer.referral_id else None
    booked = appointments.book(
        patient_id=offer.patient_id,
        care_unit=offer.care_unit,
        visit_type=offer.visit_type,
        contact_reason_id=offer.contact_reason_id,
        start=offer.period.lower,
        end=offer.period.upper,
        resource_ids=[offer.resource_id],
        commitment_id=commitment_id,
        booking_request_id=offer.booking_request_id,
        hold_id=hold_id,
        accept_warnings=accept_warnings,
        reason=reason,
        by=by,
        at=at,
    )
    offer.appointment = booked
    offer.save(update_fields=["appointment"])
    return offer


@transaction.atomic
def decline(*, offer_id, by, at, version=None):
    """Tackat nej: the time is free again, and the patient waits as before."""
    return _end(offer_id, OfferStatus.DECLINED, by=by, at=at, version=version)


@transaction.atomic
def withdraw(*, offer_id, by, at, version=None):
    """Tillbakadragen by the unit."""
    return _end(offer_id, OfferStatus.WITHDRAWN, by=by, at=at, version=version)


def _end(offer_id, status, *, by, at, version):
    offer = _lock(offer_id, version)
    if offer.status != OfferStatus.OPEN:
        refused = rules.offer_refusal(status=offer.get_status_display(), is_open=False)
        raise refused.told(offer.answered_by, offer.answered_at)
    _let_go(offer)
    return _answer(offer, status, by=by, at=at)


def withdraw_of(*, by, at, **subject):
    """Inner write: who waits has been booked or ended in another way, so nothing is offered any more."""
    for offer in Offer.objects.open().filter(**subject).locked():
        _let_go(offer)
        _answer(offer, OfferStatus.WITHDRAWN, by=by, at=at)


def expire_due(*, at, dry_run=False):
    """Offers that nobody answered in time, and their times with them (job release-holds). Returns how many."""
    if dry_run:
        return Offer.objects.due(at).count()
    with transaction.atomic():
        due = list(Offer.objects.due(at).order_by("pk").select_for_update(skip_locked=True, of=("self",), no_key=True))
        for offer in due:
            _let_go(offer)
            _answer(offer, OfferStatus.EXPIRED, by=None, at=at)
    return len(due)


def _is_open(offer, at):
    return offer.status == OfferStatus.OPEN and offer.expires_at > at


def _let_go(offer):
    ResourceBooking.objects.filter(pk=offer.hold_id, state=BookingState.HELD).delete()
    offer.hold = None


def _answer(offer, status, *, by, at):
    offer.status, offer.answered_at, offer.answered_by = status, at, by
    offer.version += 1
    offer.save(update_fields=["status", "answered_at", "answered_by", "hold", "version"])
    return offer


def _lock(offer_id, version):
    """Patient, then the offer."""
    patient_id = Offer.objects.values_list("patient_id", flat=True).get(pk=offer_id)
    patient = Patient.objects.lock_present(patient_id)
    related = ("care_unit", "visit_type__care_area", "referral", "booking_request", "answered_by")
    offer = Offer.objects.select_related(*related).locked().get(pk=offer_id)
    offer.patient = patient
    refuse_stale(offer, version)
    return offer
