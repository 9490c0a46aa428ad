"""What is planned together for one patient: coordinated visits of a day, and series (BO-02, PL-08)."""

from datetime import timedelta

from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Value
from django.db.models.functions import Now

from sdv.accounts.models import User
from sdv.common.models import Row, change_log

from .resource import TstzRange


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


class AppointmentPartQuerySet(models.QuerySet):
    def apart_from(self, period):
        """Those of which nothing lies in the period, a range or what names one."""
        start, first, last = F("appointment__start"), F("from_minute"), F("from_minute") + F("minutes")
        times = TstzRange(start + _minutes(first), start + _minutes(last))
        return self.annotate(times=times).exclude(times__overlap=period)


def _minutes(number):
    return ExpressionWrapper(number * Value(timedelta(minutes=1)), models.DurationField())


class AppointmentPart(Row):
    """When within a team visit a resource is needed, where not all of it: professions one after the other (BO-02). Kept
    from the visit's start, so that it goes along when the visit is moved."""

    appointment = models.ForeignKey("scheduling.Appointment", models.CASCADE, related_name="parts")
    resource = models.ForeignKey("scheduling.Resource", models.PROTECT, related_name="+", db_index=False)
    from_minute = models.PositiveSmallIntegerField("från minut")
    minutes = models.PositiveSmallIntegerField("minuter")

    objects = AppointmentPartQuerySet.as_manager()

    class Meta:
        verbose_name = "del av teambesök"
        verbose_name_plural = "delar av teambesök"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(fields=["appointment", "resource"], name="appointment_part_once"),
            models.CheckConstraint(name="appointment_part_has_a_length", condition=Q(minutes__gte=1)),
        ]
