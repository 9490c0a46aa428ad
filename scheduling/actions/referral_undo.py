"""A decision on a remiss is taken back (VA-03, PL-13): here, because it must see what has been built on it: bookings,
offers, öppna kallelser, letters."""

from django.db import transaction
from django.db.models import Exists

from registration import lifecycle
from registration import referral_rules as rules
from registration.actions import referrals as registration_writes
from registration.actions.encounters import refuse_deceased
from registration.models import CareCommitment, Patient, Referral, ReferralStatus
from scheduling import first_bookings
from scheduling.models import AppointmentStatus, BookingRequest, Letter, Offer, OpenInvitation
from sdv.common.errors import RuleError
from sdv.common.versions import refuse_stale

from . import letter_writing

WHAT = "Beslutet om remissen"
STOPPED = "Beslutet om remissen är ångrat"


@transaction.atomic
def undo(*, referral_id, by, at, reason="", may_correct=False, version=None):
    """The last decision — accepted, returned, sent on, rejected — is taken back, by the one who made it within five
    minutes, later or another's by those who correct, with a reason. Everything is as it was before. Raises RuleError where
    something has been built on it; nothing is then changed (PL-13)."""
    known = Referral.objects.values("patient_id", "commitment_id").get(pk=referral_id)
    patient = Patient.objects.lock_present(known["patient_id"])
    refuse_deceased(patient)
    commitment = CareCommitment.objects.locked().filter(pk=known["commitment_id"]).first()
    referral = Referral.objects.select_related("decided_by").locked().get(pk=referral_id)
    refuse_stale(referral, version)
    sent = _sent(referral).locked().first()
    step = referral.events.select_related("by").last()
    if refused := refusal(referral, step, sent):
        raise refused
    facts = {"done_by": referral.decided_by, "done_at": referral.decided_at, "by": by, "at": at}
    if refused := lifecycle.correction_refusal(**facts, may_correct=may_correct, what=WHAT):
        raise refused
    if lifecycle.correction_needs_reason(**facts) and not reason.strip():
        raise RuleError(
            "PL-13",
            "Ange varför du ångrar: beslutet är inte ditt eget från nyss.",
            code="reason_missing",
            is_warning=True,
            needs_reason=True,
        )
    if commitment is not None:
        referral.commitment = commitment
    # What says so and has not left goes nowhere.
    letter_writing.stop_waiting(referral=referral, created_at__gte=step.at, reason=STOPPED, by=by, at=at)
    return registration_writes.undo_decision(referral, step, reason=reason.strip()[:200], by=by, at=at)


def refusal_of(referral):
    """For a page: why the remiss's last decision may not be taken back, or None."""
    return refusal(referral, referral.events.select_related("by").last(), _sent(referral).first())


def _sent(referral):
    """The remiss at the unit that it was sent on to."""
    return referral.forwarded_as.exclude(status=ReferralStatus.CLOSED)


def refusal(referral, step, sent=None):
    """Why the last decision may not be taken back, whoever asks, or None. `step` is the last of the trail, `sent` the
    remiss at the unit it was sent on to."""
    asked = {"status": referral.status, "step": step, "version": referral.version}
    if refused := rules.undo_refusal(**asked):
        return refused
    return rules.undo_refusal(**asked, built_on=_built_on(referral, step, sent))


def _built_on(referral, step, sent):
    """By the names of rules.BUILT_ON, what has come of the decision since."""
    if sent is not None and _has_acted(sent):
        yield "received"
    if letter_writing.has_gone_out(_letters(referral, step)):
        yield "told"
    if referral.status != ReferralStatus.ACCEPTED:
        return
    booked = first_bookings.made().exclude(status=AppointmentStatus.CANCELLED)
    # On a vårdåtagande that was there before, what was booked before stands in nobody's way.
    if Referral.objects.filter(Exists(booked), pk=referral.pk).exists():
        yield "booked"
    if Offer.objects.open().filter(referral=referral).exists():
        yield "offered"
    if OpenInvitation.objects.watched().filter(referral=referral).exists():
        yield "invited"
    if not step.before.get("opened"):
        return
    if BookingRequest.objects.waiting().filter(commitment=referral.commitment_id).exists():
        yield "requested"
    if Referral.objects.filter(commitment=referral.commitment_id).exclude(pk=referral.pk).exists():
        yield "shared"


def _letters(referral, step):
    """Remissbekräftelser that were written since the decision."""
    return Letter.objects.filter(referral=referral, created_at__gte=step.at)


def _has_acted(sent):
    """Whether the receiver has done anything with what was sent on to it."""
    return (
        sent.status != ReferralStatus.RECEIVED
        or sent.version > 1
        or sent.events.count() > 1
        or sent.deviations.filter(created_at__gt=sent.events.earliest("id").registered_at).exists()
    )
