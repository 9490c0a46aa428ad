"""What is planned together for one patient: coordinated visits of a day, and series (BO-02, PL-08)."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from sdv.accounts.models import User
from sdv.common.models import Row, change_log


class PlanKind(models.TextChoices):
    COORDINATED = "coordinated", "Samordnade besök"
    SERIES = "series", "Serie"


class VisitPlan(Row):
    """Besöksplan: bookings made together in one transaction, each its own vårdhändelse and fee, changed one by one."""

    kind = models.CharField("slag", max_length=12, choices=PlanKind)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("planerad", db_default=Now())

    class Meta:
        verbose_name = "besöksplan"
        verbose_name_plural = "besöksplaner"
        triggers = change_log()
        constraints = [models.CheckConstraint(name="visit_plan_kind_known", condition=Q(kind__in=PlanKind.values))]


class AppointmentPart(Row):
    """When within a team visit a resource is needed, where not all of it: professions one after the other (BO-02). Kept
    from the visit's start, so that it goes along when the visit is moved."""

    appointment = models.ForeignKey("scheduling.Appointment", models.CASCADE, related_name="parts")
    resource = models.ForeignKey("scheduling.Resource", models.PROTECT, related_name="+", db_index=False)
    from_minute = models.PositiveSmallIntegerField("från minut")
    minutes = models.PositiveSmallIntegerField("minuter")

    class Meta:
        verbose_name = "del av teambesök"
        verbose_name_plural = "delar av teambesök"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(fields=["appointment", "resource"], name="appointment_part_once"),
            models.CheckConstraint(name="appointment_part_has_a_length", condition=Q(minutes__gte=1)),
        ]
