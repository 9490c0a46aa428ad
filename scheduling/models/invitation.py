"""Öppen kallelse: an invitation without a time, from which the patient books; sent, watched, and never lost (PL-26)."""

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Now

from registration.models import ContactReason, Patient, Referral, VisitType
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Versioned, change_log
from sdv.organisation.models import CareUnit

from .work import BookingRequest


class InvitationStatus(models.TextChoices):
    OPEN = "open", "Väntar på att patienten bokar"
    BOOKED = "booked", "Bokad"
    EXPIRED = "expired", "Sista dagen har passerat"
    ENDED = "ended", "Avslutad"


# What somebody has to follow: the patient may still book, or has not booked in time.
WATCHED = (InvitationStatus.OPEN, InvitationStatus.EXPIRED)


class OpenInvitationQuerySet(LockingQuerySet):
    def open(self):
        """Those from which the patient may still book."""
        return self.filter(status=InvitationStatus.OPEN)

    def watched(self):
        """Neither booked nor ended by a decision."""
        return self.filter(status__in=WATCHED)

    def waiting(self):
        """The list Öppna kallelser: watched, of patients who still wait."""
        return self.watched().of_those_who_wait()

    def of_those_who_wait(self):
        """Whatever their status, of patients whose bokningsbegäran or remiss waits."""
        return self.filter(self._somebody_waits())

    def of_nobody_waiting(self):
        """Watched though the visit has been made, or the wait ended, through another door."""
        return self.watched().filter(~self._somebody_waits())

    def with_letter(self):
        """Each with its last letter to the patient (`letter_id`, `letter_status`), in the rows' own query."""
        # Letters point here, so their table is known by name.
        own = apps.get_model("scheduling", "Letter").objects.filter(open_invitation=OuterRef("pk"), is_copy=False)
        own = own.order_by("-created_at", "-id")
        return self.annotate(letter_id=Subquery(own.values("pk")[:1]), letter_status=Subquery(own.values("status")[:1]))

    @staticmethod
    def _somebody_waits():
        requests = BookingRequest.objects.waiting().filter(pk=OuterRef("booking_request"))
        referrals = Referral.objects.to_book().filter(pk=OuterRef("referral"))
        return Q(Exists(requests)) | Q(Exists(referrals))

    def due(self, today):
        """Open ones whose last day has passed."""
        return self.open().filter(last_day__lt=today)


class OpenInvitation(Versioned):
    """Öppen kallelse to one who waits. The bokningsbegäran or remiss waits on beside it, so the patient is never only
    here (UT-07); the letter is a row of brev that points at this one."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="open_invitations", verbose_name="patient")
    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, related_name="open_invitations", verbose_name="vårdenhet", db_index=False
    )
    booking_request = models.ForeignKey(
        "scheduling.BookingRequest", models.PROTECT, null=True, related_name="open_invitations"
    )
    referral = models.ForeignKey(Referral, models.PROTECT, null=True, related_name="open_invitations")
    visit_type = models.ForeignKey(
        VisitType, models.PROTECT, related_name="+", verbose_name="besökstyp", db_index=False
    )
    contact_reason = models.ForeignKey(
        ContactReason, models.PROTECT, related_name="+", verbose_name="vårdkontaktsorsak", db_index=False
    )
    status = models.CharField("status", max_length=10, choices=InvitationStatus, default=InvitationStatus.OPEN)
    last_day = models.DateField("sista dag att boka")
    invited_on = models.DateField("skickad")
    invited_at = models.DateTimeField("skapad")
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField("bokad eller avslutad", null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    end_reason = models.CharField("varför den avslutades", max_length=200, blank=True, default="", db_default="")
    appointment = models.ForeignKey(
        "scheduling.Appointment", models.PROTECT, null=True, related_name="open_invitations", verbose_name="bokning"
    )
    # Whether the patient booked it alone, in 1177; else somebody booked it with the patient.
    booked_by_patient = models.BooleanField("bokad av patienten själv", default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    objects = OpenInvitationQuerySet.as_manager()

    class Meta:
        verbose_name = "öppen kallelse"
        verbose_name_plural = "öppna kallelser"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["care_unit", "last_day", "id"],
                condition=Q(status__in=["open", "expired"]),
                name="open_invitation_watched",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="open_invitation_status_known", condition=Q(status__in=InvitationStatus.values)
            ),
            models.CheckConstraint(
                name="open_invitation_is_for_one_who_waits",
                condition=Q(booking_request__isnull=False, referral__isnull=True)
                | Q(booking_request__isnull=True, referral__isnull=False),
            ),
            models.CheckConstraint(
                name="open_invitation_leaves_time_to_book",
                condition=Q(last_day__gt=F("invited_on")),
                violation_error_message="Sista dagen att boka ligger efter den dag kallelsen skickas (PL-26).",
            ),
            models.CheckConstraint(
                name="open_invitation_booked_has_a_booking",
                condition=Q(status="booked", appointment__isnull=False)
                | (~Q(status="booked") & Q(appointment__isnull=True, booked_by_patient=False)),
            ),
            models.CheckConstraint(
                name="open_invitation_decided_has_a_time",
                condition=Q(status__in=["open", "expired"], decided_at__isnull=True)
                | Q(status__in=["booked", "ended"], decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="open_invitation_ended_says_why",
                condition=(Q(status="ended") & ~Q(end_reason="")) | (~Q(status="ended") & Q(end_reason="")),
            ),
            models.UniqueConstraint(
                fields=["booking_request"],
                condition=Q(status__in=["open", "expired"]),
                name="one_open_invitation_per_request",
            ),
            models.UniqueConstraint(
                fields=["referral"],
                condition=Q(status__in=["open", "expired"]),
                name="one_open_invitation_per_referral",
            ),
        ]
