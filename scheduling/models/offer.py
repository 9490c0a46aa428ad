"""Frigjord tid och erbjudande: a time that came free, and who has been asked to take it (PL-01)."""

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from registration.models import ContactReason, Patient, Referral, VisitType
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, Versioned, change_log
from sdv.organisation.models import CareUnit

from .contact import attempts_of
from .resource import BookingState, Resource, ResourceBooking, TstzRange
from .schedule import Absence


class FreedBy(models.TextChoices):
    CANCELLED = "cancelled", "Avbokad"
    RESCHEDULED = "rescheduled", "Ombokad"
    NO_SHOW = "no_show", "Sent återbud"


class FreedTimeQuerySet(models.QuerySet):
    def usable(self, at):
        """Not over, booked by nobody since, at this unit or another of the person's, and in no absence. One that is offered
        is still here until it is taken."""
        period = TstzRange(OuterRef("start"), OuterRef("end"))
        booked = ResourceBooking.objects.filter(
            Q(resource=OuterRef("resource")) | Q(practitioner=OuterRef("resource__practitioner")),
            state=BookingState.BOOKED,
            period__overlap=period,
        )
        away = Absence.objects.hitting("freed_times")
        return self.filter(~Exists(booked), ~Exists(away), end__gt=at)


class FreedTime(Row):
    """A time of a vårdgivare that was booked and is free again. It says nothing of whose it was. A seat that is let go of
    on a grupptillfälle is none: PL-01 is read as a resource's time."""

    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, related_name="freed_times", verbose_name="vårdenhet", db_index=False
    )
    resource = models.ForeignKey(
        Resource, models.PROTECT, related_name="freed_times", verbose_name="resurs", db_index=False
    )
    visit_type = models.ForeignKey(
        VisitType, models.PROTECT, null=True, related_name="+", verbose_name="var bokad som", db_index=False
    )
    start = models.DateTimeField("start")
    end = models.DateTimeField("slut")
    cause = models.CharField("varför", max_length=12, choices=FreedBy)
    freed_at = models.DateTimeField("frigjord")
    freed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = FreedTimeQuerySet.as_manager()

    class Meta:
        verbose_name = "frigjord tid"
        verbose_name_plural = "frigjorda tider"
        triggers = change_log()
        indexes = [models.Index(fields=["care_unit", "start", "id"], name="freed_time_by_unit")]
        constraints = [
            models.UniqueConstraint(fields=["resource", "start", "end"], name="freed_time_once"),
            models.CheckConstraint(name="freed_time_in_order", condition=Q(end__gt=F("start"))),
            models.CheckConstraint(name="freed_time_cause_known", condition=Q(cause__in=FreedBy.values)),
        ]


class OfferStatus(models.TextChoices):
    OPEN = "open", "Erbjuden"
    ACCEPTED = "accepted", "Tackat ja"
    DECLINED = "declined", "Tackat nej"
    EXPIRED = "expired", "Gått ut"
    WITHDRAWN = "withdrawn", "Tillbakadragen"


class OfferQuerySet(LockingQuerySet):
    def open(self):
        return self.filter(status=OfferStatus.OPEN)

    def with_attempts(self):
        """Each with how often somebody has tried to reach the one it is made to, and when last (PL-10)."""
        return attempts_of(self, Q(booking_request=OuterRef("booking_request")) | Q(referral=OuterRef("referral")))

    def due(self, at):
        """Open ones that nobody answered in time."""
        return self.open().filter(expires_at__lte=at)


class Offer(Versioned):
    """Erbjudande: a waiting patient is asked to take a time, which is held until the answer or until it runs out."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="offers", verbose_name="patient")
    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, related_name="offers", verbose_name="vårdenhet", db_index=False
    )
    booking_request = models.ForeignKey("scheduling.BookingRequest", models.PROTECT, null=True, related_name="offers")
    referral = models.ForeignKey(Referral, models.PROTECT, null=True, related_name="offers")
    visit_type = models.ForeignKey(
        VisitType, models.PROTECT, related_name="+", verbose_name="besökstyp", db_index=False
    )
    contact_reason = models.ForeignKey(
        ContactReason, models.PROTECT, related_name="+", verbose_name="vårdkontaktsorsak", db_index=False
    )
    resource = models.ForeignKey(Resource, models.PROTECT, related_name="offers", verbose_name="resurs")
    period = DateTimeRangeField("tid", default_bounds="[)")
    hold = models.OneToOneField(ResourceBooking, models.SET_NULL, null=True, related_name="offer")
    status = models.CharField("status", max_length=10, choices=OfferStatus, default=OfferStatus.OPEN)
    offered_at = models.DateTimeField("erbjuden")
    offered_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    expires_at = models.DateTimeField("gäller till")
    answered_at = models.DateTimeField("besvarad", null=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    appointment = models.ForeignKey("scheduling.Appointment", models.PROTECT, null=True, related_name="offers")
    created_at = models.DateTimeField(db_default=Now())

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = "erbjudande"
        verbose_name_plural = "erbjudanden"
        triggers = change_log()
        indexes = [
            models.Index(fields=["care_unit", "offered_at", "id"], name="offer_by_unit"),
            models.Index(fields=["expires_at"], condition=Q(status="open"), name="offer_open"),
        ]
        constraints = [
            models.CheckConstraint(name="offer_status_known", condition=Q(status__in=OfferStatus.values)),
            models.CheckConstraint(
                name="offer_is_for_one_who_waits",
                condition=Q(booking_request__isnull=False, referral__isnull=True)
                | Q(booking_request__isnull=True, referral__isnull=False),
            ),
            models.CheckConstraint(
                name="offer_answered_has_a_time",
                condition=Q(status="open", answered_at__isnull=True)
                | (~Q(status="open") & Q(answered_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="only_an_accepted_offer_has_a_booking",
                condition=Q(appointment__isnull=True) | Q(status="accepted"),
            ),
            models.UniqueConstraint(
                fields=["booking_request"], condition=Q(status="open"), name="one_open_offer_per_request"
            ),
            models.UniqueConstraint(
                fields=["referral"], condition=Q(status="open"), name="one_open_offer_per_referral"
            ),
        ]
