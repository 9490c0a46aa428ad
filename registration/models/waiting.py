"""Waiting times: the guarantee's limits as dated data, and time that is not counted, with its reason (BO-04)."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

from sdv.accounts.models import User
from sdv.common.models import CatalogueQuerySet, CatalogueRow, LockingQuerySet, Versioned, change_log

from .referral import Referral


def _days(first, last):
    """The days from one to the other, both with, as a range."""
    return Func(first, last, Value("[]"), function="daterange", output_field=DateRangeField())


class GuaranteePurpose(models.TextChoices):
    """What a limit of vårdgarantin is for, of what a remiss waits for."""

    ASSESSMENT = "assessment", "Medicinsk bedömning i primärvård"
    FIRST_VISIT = "first_visit", "Första besök i specialistvård"


class GuaranteeLimit(CatalogueRow):
    """Vårdgarantins gräns: so many days, from a day on. A new limit is a new row (BO-04)."""

    purpose = models.CharField("avser", max_length=20, choices=GuaranteePurpose)
    days = models.PositiveSmallIntegerField("dagar")

    objects = CatalogueQuerySet.as_manager()

    class Meta(CatalogueRow.Meta):
        verbose_name = "gräns i vårdgarantin"
        verbose_name_plural = "gränser i vårdgarantin"
        ordering = ["purpose", "valid_from"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(name="guarantee_purpose_known", condition=Q(purpose__in=GuaranteePurpose.values)),
            models.CheckConstraint(
                name="guarantee_ends_after_it_begins",
                condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                violation_error_message="Sista dagen ska inte ligga före den första.",
            ),
            ExclusionConstraint(
                name="one_guarantee_limit_a_day",
                expressions=[
                    ("purpose", RangeOperators.EQUAL),
                    (_days("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="Det finns redan en gräns för de dagarna. Ge den ett slutdatum först.",
            ),
        ]


class DeviationKind(models.TextChoices):
    """Why time is not counted (regional-rules 3.3)."""

    PATIENT = "PvV", "Patientvald väntan"
    MEDICAL = "MoV", "Medicinskt orsakad väntan"


class DeviationQuerySet(LockingQuerySet):
    def standing(self):
        """Those that nobody has withdrawn."""
        return self.filter(withdrawn_at__isnull=True)


class WaitDeviation(Versioned):
    """Avvikelse: days of waiting that are not counted, with why, and for the patient's choice what was offered (BO-04)."""

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="deviations", verbose_name="remiss")
    kind = models.CharField("slag", max_length=3, choices=DeviationKind)
    starts_on = models.DateField("från och med")
    ends_on = models.DateField("till och med", null=True, blank=True)
    reason = models.CharField("skäl", max_length=200)
    # The three conditions of the patient's choice: informed, offered care within the limit, has declined.
    is_informed = models.BooleanField("informerad om vårdgarantin", default=False, db_default=False)
    offered_at = models.DateTimeField("erbjuden tid", null=True, blank=True)
    has_declined = models.BooleanField("har avstått", default=False, db_default=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("registrerad", db_default=Now())
    withdrawn_at = models.DateTimeField("återkallad", null=True, blank=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    withdraw_reason = models.CharField("varför den återkallades", max_length=200, blank=True)

    objects = DeviationQuerySet.as_manager()

    class Meta:
        verbose_name = "avvikelse i väntetid"
        verbose_name_plural = "avvikelser i väntetid"
        ordering = ["starts_on", "id"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(name="deviation_kind_known", condition=Q(kind__in=DeviationKind.values)),
            models.CheckConstraint(
                name="deviation_says_why",
                condition=~Q(reason=""),
                violation_error_message="En avvikelse har ett skäl (BO-04).",
            ),
            models.CheckConstraint(
                name="deviation_ends_after_it_begins",
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
                violation_error_message="Sista dagen ska inte ligga före den första.",
            ),
            models.CheckConstraint(
                name="patients_choice_has_its_three_conditions",
                condition=~Q(kind="PvV") | Q(is_informed=True, offered_at__isnull=False, has_declined=True),
                violation_error_message="Patientvald väntan kräver information, erbjuden tid och att patienten avstått (BO-04).",
            ),
            models.CheckConstraint(
                name="deviation_withdrawn_says_why",
                condition=Q(withdrawn_at__isnull=True, withdraw_reason="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdraw_reason="")),
            ),
            ExclusionConstraint(
                name="no_day_is_taken_off_twice",
                expressions=[
                    ("referral", RangeOperators.EQUAL),
                    (_days("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
                condition=Q(withdrawn_at__isnull=True),
                violation_error_message="Det finns redan en avvikelse för de dagarna (BO-04).",
            ),
        ]
