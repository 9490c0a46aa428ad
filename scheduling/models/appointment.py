"""Bokning: a time agreed with a patient, for an encounter that is its pre-registration until arrival (BO-01)."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from registration.models import AddOn, Encounter, Patient
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, Versioned, append_only, change_log
from sdv.common.time import day_range
from sdv.organisation.models import CareUnit


class AppointmentStatus(models.TextChoices):
    BOOKED = "booked", "Bokad"
    ARRIVED = "arrived", "Ankommen"
    NO_SHOW = "no_show", "Utebliven"
    CANCELLED = "cancelled", "Avbokad"


class AppointmentKind(models.TextChoices):
    """Kinds of visits (BO-02). A group team visit is a group one with several professions; a consult visit belongs to
    the contact at another unit that its vårdhändelse points to (VH-10)."""

    INDIVIDUAL = "individual", "Enskilt besök"
    GROUP = "group", "Gruppbesök"
    TEAM = "team", "Teambesök"
    COORDINATED = "coordinated", "Samordnat besök"
    CONSULT = "consult", "Konsultbesök"


class CancelledBy(models.TextChoices):
    """Who cancelled: compulsory and traced (PL-09)."""

    PATIENT = "patient", "Patienten"
    PROVIDER = "provider", "Vårdgivaren"


class AppointmentQuerySet(LockingQuerySet):
    def on_day(self, day):
        start, end = day_range(day)
        return self.filter(start__gte=start, start__lt=end)

    def living(self):
        """Booked and not yet arrived, missed or cancelled."""
        return self.filter(status=AppointmentStatus.BOOKED)

    def future(self, at):
        return self.living().filter(start__gt=at)

    def with_details(self):
        """Everything a row of a list shows, in one query and one further for resources."""
        return self.select_related(
            "patient",
            "encounter__type",
            "encounter__visit_type",
            "encounter__contact_reason",
            "encounter__commitment__problem_code",
            "care_unit",
        ).prefetch_related("resources")


class Appointment(Versioned):
    """Bokning. Points at its encounter, never the reverse; a reschedule writes both. Times in whole minutes, UTC."""

    encounter = models.OneToOneField(Encounter, models.PROTECT, related_name="appointment", verbose_name="vårdhändelse")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="appointments", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="appointments", verbose_name="vårdenhet")
    status = models.CharField("status", max_length=10, choices=AppointmentStatus, default=AppointmentStatus.BOOKED)
    start = models.DateTimeField("start")
    end = models.DateTimeField("slut")
    kind = models.CharField("slag", max_length=20, default=AppointmentKind.INDIVIDUAL, choices=AppointmentKind)
    # Kept after a cancellation, as the resources are; the seat itself is let go.
    session = models.ForeignKey(
        "scheduling.Session", models.PROTECT, null=True, related_name="appointments", verbose_name="grupptillfälle"
    )
    plan = models.ForeignKey(
        "scheduling.VisitPlan", models.PROTECT, null=True, related_name="appointments", verbose_name="besöksplan"
    )
    booking_request = models.ForeignKey(
        "scheduling.BookingRequest",
        models.PROTECT,
        null=True,
        related_name="appointments",
        verbose_name="bokningsbegäran",
    )
    resources = models.ManyToManyField(
        "scheduling.Resource",
        related_name="appointments",
        verbose_name="resurser",
        help_text="Kvar också efter avbokning",
    )
    add_ons = models.ManyToManyField(AddOn, blank=True, related_name="+", verbose_name="tillval")
    wished_date = models.DateField("önskat datum", null=True)
    is_overbooked = models.BooleanField("överbokad", default=False)
    overlap_reason = models.CharField("skäl till dubbelbokning", max_length=200, blank=True)
    cancelled_by = models.CharField("avbokad av", max_length=10, choices=CancelledBy, blank=True)
    cancel_reason = models.CharField("orsak till avbokning", max_length=200, blank=True)
    cancelled_at = models.DateTimeField("avbokad", null=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("bokad", db_default=Now())

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = "bokning"
        verbose_name_plural = "bokningar"
        triggers = change_log()
        indexes = [
            models.Index(fields=["care_unit", "start", "id"], name="appointment_by_unit_and_time"),
            models.Index(fields=["patient", "start", "id"], name="appointment_by_patient"),
            # Days that somebody booked is left of, however long ago (PL-04).
            models.Index(fields=["care_unit", "start"], condition=Q(status="booked"), name="appointment_living"),
        ]
        constraints = [
            models.CheckConstraint(name="appointment_status_known", condition=Q(status__in=AppointmentStatus.values)),
            models.CheckConstraint(name="appointment_kind_known", condition=Q(kind__in=AppointmentKind.values)),
            models.CheckConstraint(
                name="appointment_of_a_group_has_a_session",
                condition=Q(kind="group", session__isnull=False) | (~Q(kind="group") & Q(session__isnull=True)),
                violation_error_message="Ett gruppbesök är en plats på ett grupptillfälle (BO-02).",
            ),
            models.CheckConstraint(
                name="appointment_ends_after_it_starts",
                condition=Q(end__gt=F("start")),
                violation_error_message="Bokningen ska sluta efter att den börjat.",
            ),
            models.CheckConstraint(
                name="appointment_cancelled_says_who_and_when",
                condition=Q(cancelled_at__isnull=True, cancelled_by="")
                | (Q(cancelled_at__isnull=False) & Q(cancelled_by__in=CancelledBy.values)),
                violation_error_message="En avbokning anger vem och när (BO-03).",
            ),
            models.CheckConstraint(
                name="appointment_cancelled_status_has_a_time",
                condition=~Q(status="cancelled") | Q(cancelled_at__isnull=False),
            ),
        ]

    @property
    def is_beside_the_tidbok(self):
        """Made knowingly where the tidbok has no time, or where somebody has it (BO-01). An extra seat on a grupptillfälle is
        not: the group keeps to its leader's hours."""
        return self.is_overbooked and self.session_id is None

    def time_of(self, resource):
        """When the visit needs the resource: all of it, or the resource's part of a team visit (BO-02)."""
        for part in self.parts.all():
            if part.resource_id == resource.pk:
                start = self.start + timedelta(minutes=part.from_minute)
                return start, start + timedelta(minutes=part.minutes)
        return self.start, self.end


class AppointmentHistory(Row):
    """What happened to a booking, who and why (BO-03). Append-only."""

    appointment = models.ForeignKey(Appointment, models.PROTECT, related_name="history")
    event = models.CharField(
        "händelse",
        max_length=20,
        choices=[
            ("booked", "Bokad"),
            ("rescheduled", "Ombokad"),
            ("cancelled", "Avbokad"),
            ("arrived", "Ankommen"),
            ("no_show", "Utebliven"),
            ("undone", "Ångrad"),
            ("restored", "Återställd"),
            ("add_ons", "Tillval ändrade"),
        ],
    )
    start_before = models.DateTimeField("tidigare start", null=True)
    start_after = models.DateTimeField("start", null=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField("tidpunkt")
    reason = models.CharField("skäl", max_length=200, blank=True, default="")
    # Whose doing a move or a cancellation was (BO-03, PL-02); empty where nobody said.
    initiated_by = models.CharField(
        "på vems initiativ", max_length=10, choices=CancelledBy, blank=True, default="", db_default=""
    )

    class Meta:
        ordering = ["id"]
        triggers = [append_only()]
        constraints = [
            models.CheckConstraint(
                name="appointment_history_initiator_known", condition=Q(initiated_by__in=["", *CancelledBy.values])
            )
        ]
