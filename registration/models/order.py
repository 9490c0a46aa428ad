"""Ordination: diagnostics that are to be done, until it is activated into a Diagnostik encounter (VH-03 j)."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Versioned, change_log
from sdv.organisation.models import CareUnit

from .catalogues import VisitType
from .encounter import Encounter
from .patient import Patient


class OrderStatus(models.TextChoices):
    PLANNED = "planned", "Planerad"
    ACTIVATED = "activated", "Aktiverad"
    CANCELLED = "cancelled", "Makulerad"


class OrderQuerySet(LockingQuerySet):
    def planned(self):
        """Neither activated nor cancelled. One whose day has passed still waits to be done."""
        return self.filter(status=OrderStatus.PLANNED)


class Order(Versioned):
    """Ordination: what is ordered for a patient, the unit that does it and the day it is planned for."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="orders", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="orders", verbose_name="utförande vårdenhet")
    what = models.CharField("ordination", max_length=200)
    visit_type = models.ForeignKey(
        VisitType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name="besökstyp",
        db_index=False,
    )
    planned_on = models.DateField("planerad dag")
    status = models.CharField("status", max_length=10, choices=OrderStatus, default=OrderStatus.PLANNED)
    encounter = models.OneToOneField(
        Encounter, models.PROTECT, null=True, blank=True, related_name="order", verbose_name="vårdhändelse"
    )
    decided_at = models.DateTimeField("aktiverad eller makulerad", null=True, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    cancel_reason = models.CharField("orsak till makulering", max_length=200, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("ordinerad", db_default=Now())

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = "ordination"
        verbose_name_plural = "ordinationer"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["care_unit", "planned_on", "id"], condition=Q(status="planned"), name="order_planned_by_unit"
            )
        ]
        constraints = [
            models.CheckConstraint(name="order_status_known", condition=Q(status__in=OrderStatus.values)),
            models.CheckConstraint(
                name="order_says_what",
                condition=~Q(what=""),
                violation_error_message="En ordination säger vad som ska göras.",
            ),
            models.CheckConstraint(
                name="order_activated_has_encounter",
                condition=Q(status="activated", encounter__isnull=False)
                | (~Q(status="activated") & Q(encounter__isnull=True)),
                violation_error_message="En aktiverad ordination har en vårdhändelse, en annan har ingen (VH-03).",
            ),
            models.CheckConstraint(
                name="order_decided_has_a_time",
                condition=Q(status="planned", decided_at__isnull=True)
                | (~Q(status="planned") & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="order_cancelled_has_reason",
                condition=(Q(status="cancelled") & ~Q(cancel_reason=""))
                | (~Q(status="cancelled") & Q(cancel_reason="")),
                violation_error_message="En makulerad ordination har en orsak.",
            ),
        ]

    def __str__(self):
        return self.what
