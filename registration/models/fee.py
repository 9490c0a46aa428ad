"""Avgiftstaxan: what a visit costs and what an utebliven visit costs, as dated rows with their source (PL-14). Which row
means a visit is decided in registration.fees."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

from sdv.common.models import CatalogueQuerySet, Row, change_log, require_days_in_order


class FeePurpose(models.TextChoices):
    """What the amount is for."""

    VISIT = "visit", "Besök"
    NO_SHOW = "no_show", "Uteblivet besök"


class FeeLevel(models.TextChoices):
    """Which care the amount is for. `free` is a visit without a fee, whose absence still costs."""

    PRIMARY = "primary", "Primärvård"
    SPECIALISED = "specialised", "Specialistvård"
    EMERGENCY = "emergency", "Akutmottagning"
    FREE = "free", "Avgiftsfritt besök"


class FeeStaff(models.TextChoices):
    """Whom the visit is to; empty is anyone not named by another row."""

    ANYONE = "", "Alla andra"
    DOCTOR = "doctor", "Läkare"
    NURSE = "nurse", "Sjuksköterska, distriktssköterska, undersköterska, skötare"


class FeeRate(Row):
    """A row of the taxa: an amount, for whom, between which days, and where it was read. Changed by an end date and a
    new row, so that an old letter's amount can be told of."""

    code = models.CharField("kod", max_length=20)
    purpose = models.CharField("avser", max_length=10, choices=FeePurpose)
    level = models.CharField("vård", max_length=12, choices=FeeLevel)
    staff = models.CharField("hos", max_length=10, choices=FeeStaff, blank=True, default="")
    with_referral = models.BooleanField(
        "med remiss", null=True, blank=True, help_text="Tomt där remiss inte spelar roll"
    )
    amount = models.PositiveIntegerField("kronor")
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)
    source = models.CharField("källa", max_length=200)

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        verbose_name = "avgift"
        verbose_name_plural = "avgiftstaxa"
        ordering = ["purpose", "level", "staff", "code", "valid_from"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(name="fee_rate_purpose_known", condition=Q(purpose__in=FeePurpose.values)),
            models.CheckConstraint(name="fee_rate_level_known", condition=Q(level__in=FeeLevel.values)),
            models.CheckConstraint(name="fee_rate_staff_known", condition=Q(staff__in=FeeStaff.values)),
            models.CheckConstraint(
                name="fee_rate_says_its_source",
                condition=~Q(source=""),
                violation_error_message="Ange beslutet eller källan: belopp utan källa används inte.",
            ),
            models.CheckConstraint(
                name="fee_rate_ends_after_it_begins",
                condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                violation_error_message="Sista dagen ska inte ligga före den första.",
            ),
            ExclusionConstraint(
                name="one_fee_rate_a_day",
                expressions=[
                    ("purpose", RangeOperators.EQUAL),
                    ("level", RangeOperators.EQUAL),
                    ("staff", RangeOperators.EQUAL),
                    (
                        Coalesce(Func("with_referral", function="int4", output_field=models.IntegerField()), Value(-1)),
                        RangeOperators.EQUAL,
                    ),
                    (
                        Func(
                            "valid_from", "valid_to", Value("[]"), function="daterange", output_field=DateRangeField()
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="Det finns redan ett belopp för de dagarna. Ge det ett slutdatum först.",
            ),
        ]

    def __str__(self):
        return f"{self.code}: {self.amount} kr"

    def clean(self):
        require_days_in_order(self)
