"""Väntrummet: the number a patient gets at arrival, when and where to the patient was called, and the screens that show it
(PL-17). A unit calls by number where it has a screen; elsewhere nobody gets one."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from sdv.accounts.models import User
from sdv.common.models import Row, change_log
from sdv.organisation.models import CareUnit

from .encounter import Encounter


class WaitingScreenQuerySet(models.QuerySet):
    def living(self):
        return self.filter(revoked_at__isnull=True)


class WaitingScreen(Row):
    """A screen in a waiting room. It is known by a code that is shown once and kept as a checksum, and may read whom its
    unit calls: nothing else, and nobody is logged in on it."""

    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, related_name="waiting_screens", verbose_name="vårdenhet", db_index=False
    )
    name = models.CharField("benämning", max_length=60, help_text="Var skärmen sitter, till exempel Väntrum plan 2")
    room = models.CharField(
        "bara kallelser till", max_length=40, blank=True, help_text="Rummets namn; tomt visar alla enhetens"
    )
    digest = models.CharField("kontrollsumma", max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField("skapad", db_default=Now())
    revoked_at = models.DateTimeField("återkallad", null=True, editable=False)

    objects = WaitingScreenQuerySet.as_manager()

    class Meta:
        verbose_name = "väntrumsskärm"
        verbose_name_plural = "väntrumsskärmar"
        ordering = ["name", "id"]
        triggers = change_log(without_values=("digest",))
        constraints = [
            models.UniqueConstraint(
                fields=["care_unit", "name"],
                condition=Q(revoked_at__isnull=True),
                name="waiting_screen_name_once_per_unit",
                violation_error_message="Enheten har redan en skärm med det namnet.",
            )
        ]

    def __str__(self):
        return self.name


class QueueTicketQuerySet(models.QuerySet):
    def shown_on(self, screen, *, since):
        """Whom the screen shows: called since the moment, still here, the last called first."""
        rows = self.filter(care_unit=screen.care_unit_id, called_at__gt=since, encounter__status="in_progress")
        if screen.room:
            rows = rows.filter(room=screen.room)
        return rows.select_related("encounter__patient").order_by("-called_at", "-id")


class QueueTicket(Row):
    """Könummer: one for each arrival of a unit's day, never given again the same day."""

    encounter = models.OneToOneField(
        Encounter, models.CASCADE, related_name="queue_ticket", verbose_name="vårdhändelse"
    )
    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, related_name="queue_tickets", verbose_name="vårdenhet", db_index=False
    )
    day = models.DateField("dag")
    number = models.PositiveSmallIntegerField("könummer")
    by_name = models.BooleanField("ropas upp med förnamn", default=False, db_default=False)
    room = models.CharField("till", max_length=40, blank=True, default="", db_default="")
    called_at = models.DateTimeField("inropad", null=True)
    called_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    times_called = models.PositiveSmallIntegerField("antal rop", default=0, db_default=0)

    objects = QueueTicketQuerySet.as_manager()

    class Meta:
        verbose_name = "könummer"
        verbose_name_plural = "könummer"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["care_unit", "called_at"], condition=Q(called_at__isnull=False), name="queue_ticket_called"
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["care_unit", "day", "number"], name="queue_number_once_a_day"),
            models.CheckConstraint(name="queue_number_begins_at_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="queue_ticket_called_says_when_and_by_whom",
                condition=Q(called_at__isnull=True, called_by__isnull=True, times_called=0)
                | Q(called_at__isnull=False, called_by__isnull=False, times_called__gte=1),
            ),
        ]
