"""What waits for somebody: booking requests, awaited results, missing follow-ups, no-shows (UT-04…06, BB-01, PL-05)."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from registration.models import CareCommitment, ContactReason, Encounter, Patient, VisitType
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Versioned, change_log
from sdv.organisation.models import CareUnit

from .resource import Resource


class BookingRequestStatus(models.TextChoices):
    FOLLOW_UP = "follow_up", "Uppföljningsbegäran"
    OPEN = "open", "Öppen"
    BOOKED = "booked", "Bokad"
    CLOSED = "closed", "Avslutad"


WAITING_REQUESTS = (BookingRequestStatus.FOLLOW_UP, BookingRequestStatus.OPEN)


class BookingRequestQuerySet(LockingQuerySet):
    def waiting(self):
        """Uppföljnings- and bokningsbegäran that nobody has booked or closed."""
        return self.filter(status__in=WAITING_REQUESTS)

    def most_urgent_first(self):
        return self.order_by(*BookingRequest.URGENCY, "pk")

    def with_details(self):
        return self.select_related(
            "patient",
            "visit_type",
            "contact_reason",
            "care_unit__facility",
            "wished_resource",
            "addressee",
            "taken_over_by",
            "commitment__problem_code",
        )


class BookingRequest(Versioned):
    """Bokningsbegäran with the instruction's columns (BB-01); born as an uppföljningsbegäran at check-out (UT-06)."""

    # The order of the list, whichever the door: by days over the last day asked for; keys are in the order of coming.
    URGENCY = ("wished_to",)

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="booking_requests", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="booking_requests", verbose_name="vårdenhet")
    commitment = models.ForeignKey(
        CareCommitment, models.PROTECT, null=True, related_name="booking_requests", verbose_name="vårdåtagande"
    )
    status = models.CharField("status", max_length=10, choices=BookingRequestStatus, default=BookingRequestStatus.OPEN)
    visit_type = models.ForeignKey(
        VisitType, models.PROTECT, related_name="booking_requests", verbose_name="besökstyp", db_index=False
    )
    contact_reason = models.ForeignKey(
        ContactReason, models.PROTECT, related_name="+", verbose_name="vårdkontaktsorsak", db_index=False
    )
    wished_from = models.DateField("begärt startdatum")
    wished_to = models.DateField("begärt slutdatum")
    wished_place = models.CharField("begärd plats", max_length=120, blank=True)
    wished_resource = models.ForeignKey(
        Resource, models.PROTECT, null=True, related_name="wished_in", verbose_name="önskad resurs"
    )
    description = models.CharField("beskrivning", max_length=500, blank=True)
    addressee = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="till")
    check_out = models.ForeignKey("scheduling.CheckOut", models.PROTECT, null=True, related_name="booking_requests")
    # One of several visits planned together that was cancelled: each is still to be had, so they are no doubles (PL-11).
    plan = models.ForeignKey(
        "scheduling.VisitPlan", models.PROTECT, null=True, related_name="+", verbose_name="besöksplan", db_index=False
    )
    closed_at = models.DateTimeField("avslutad", null=True)
    close_reason = models.CharField("orsak till avslut", max_length=200, blank=True)
    # Of a shared list: who took it over last from another unit, so that whoever comes second is told (PL-25, PL-27).
    taken_over_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name="övertagen av", db_index=False
    )
    taken_over_at = models.DateTimeField("övertagen", null=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("inkom", db_default=Now())

    objects = BookingRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "bokningsbegäran"
        verbose_name_plural = "bokningsbegäran"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["care_unit", "wished_to", "id"],
                condition=Q(status__in=["follow_up", "open"]),
                name="booking_request_waiting",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="booking_request_status_known", condition=Q(status__in=BookingRequestStatus.values)
            ),
            models.CheckConstraint(
                name="booking_request_interval_in_order",
                condition=Q(wished_to__gte=F("wished_from")),
                violation_error_message="Begärt slutdatum ska inte ligga före begärt startdatum.",
            ),
            models.CheckConstraint(
                name="booking_request_closed_has_reason",
                condition=Q(status="closed", closed_at__isnull=False) & ~Q(close_reason="")
                | (~Q(status="closed") & Q(closed_at__isnull=True, close_reason="")),
                violation_error_message="En avslutad bokningsbegäran har tidpunkt och orsak.",
            ),
            models.CheckConstraint(
                name="booking_request_taken_over_says_who_and_when",
                condition=Q(taken_over_by__isnull=True, taken_over_at__isnull=True)
                | Q(taken_over_by__isnull=False, taken_over_at__isnull=False),
            ),
        ]


class AwaitedStatus(models.TextChoices):
    WATCHING = "watching", "Bevakas"
    ARRIVED = "arrived", "Svar har kommit"
    DECIDED = "decided", "Beslutad"


# The decision of an item that was withdrawn with what had led to it.
UNDONE = "undone"


class WorkItem(Versioned):
    """An item of a work list: a patient, where it came from, who has it, and how it ended."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="%(class)ss", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="%(class)ss", verbose_name="vårdenhet")
    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="%(class)ss", verbose_name="vårdhändelse")
    commitment = models.ForeignKey(
        CareCommitment, models.PROTECT, null=True, related_name="%(class)ss", verbose_name="vårdåtagande"
    )
    check_out = models.ForeignKey("scheduling.CheckOut", models.PROTECT, null=True, related_name="%(class)ss")
    responsible = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="ansvarig")
    watch_until = models.DateField("bevakas senast")
    decided_at = models.DateTimeField("beslutad", null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    decision = models.CharField("beslut", max_length=40, blank=True)
    created_at = models.DateTimeField("skapad", db_default=Now())

    objects = LockingQuerySet.as_manager()

    class Meta:
        abstract = True


class ItemStatus(models.TextChoices):
    OPEN = "open", "Öppen"
    DONE = "done", "Klar"


class AwaitedResultQuerySet(LockingQuerySet):
    def open(self):
        # In the words of the partial index, which NOT decided would not be seen to mean.
        return self.filter(status__in=[AwaitedStatus.WATCHING, AwaitedStatus.ARRIVED])


class AwaitedResult(WorkItem):
    """Avvakta: an answer decides whether to follow up or close (UT-04)."""

    status = models.CharField("status", max_length=10, choices=AwaitedStatus, default=AwaitedStatus.WATCHING)
    reason = models.ForeignKey(
        "scheduling.OutcomeReason", models.PROTECT, related_name="+", verbose_name="orsak", db_index=False
    )
    waiting_for = models.CharField("väntar på", max_length=120, blank=True)
    result_at = models.DateTimeField("svar kom", null=True)

    objects = AwaitedResultQuerySet.as_manager()

    class Meta:
        verbose_name = "avvaktan"
        verbose_name_plural = "avvakta"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["care_unit", "watch_until", "id"],
                condition=Q(status__in=["watching", "arrived"]),
                name="awaited_result_open",
            )
        ]
        constraints = [
            models.CheckConstraint(name="awaited_result_status_known", condition=Q(status__in=AwaitedStatus.values)),
            models.CheckConstraint(
                name="awaited_result_decided_has_a_time",
                condition=Q(status="decided", decided_at__isnull=False)
                | (~Q(status="decided") & Q(decided_at__isnull=True)),
            ),
        ]


class OpenItemQuerySet(LockingQuerySet):
    def open(self):
        return self.filter(status=ItemStatus.OPEN)


class MissingFollowUp(WorkItem):
    """Saknar återbesök: no further planning was chosen though nothing is planned (UT-05)."""

    status = models.CharField("status", max_length=10, choices=ItemStatus, default=ItemStatus.OPEN)

    objects = OpenItemQuerySet.as_manager()

    class Meta:
        verbose_name = "saknat återbesök"
        verbose_name_plural = "saknar återbesök"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["care_unit", "watch_until", "id"], condition=Q(status="open"), name="missing_follow_up_open"
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="missing_follow_up_done_has_a_time",
                condition=Q(status="open", decided_at__isnull=True) | Q(status="done", decided_at__isnull=False),
            )
        ]


class NoShowItem(WorkItem):
    """A no-show is somebody's work: call, new time or end (PL-05). Closed only by a decision."""

    status = models.CharField("status", max_length=10, choices=ItemStatus, default=ItemStatus.OPEN)

    objects = OpenItemQuerySet.as_manager()

    class Meta:
        verbose_name = "uteblivet besök att följa upp"
        verbose_name_plural = "uteblivna att följa upp"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["care_unit", "watch_until", "id"], condition=Q(status="open"), name="no_show_item_open"
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="no_show_item_done_has_a_time",
                condition=Q(status="open", decided_at__isnull=True) | Q(status="done", decided_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["encounter"], condition=Q(status="open"), name="one_open_no_show_item_per_encounter"
            ),
        ]
