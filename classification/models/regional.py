"""What the region and its people decide about coding: how hard each check is, the spärrlista, and favourites (KL-06)."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from classification.rules.checks import CHECKS, Severity
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, change_log, require_days_in_order
from sdv.organisation.models import CareUnit

from .catalogue import CodeSystem

# What a region may weigh: not what the register would refuse, nor what is no finding.
SWITCHABLE = [each.id for each in CHECKS.values() if not each.is_fixed]
PATTERN = r"^[0-9A-Z]{1,11}[*]?$"
_SHAPE = "En kod utan punkt, eller början av den följd av * (F41*)."


class Weight(models.TextChoices):
    """How much a finding weighs in the region, or that it is not told."""

    ERROR = Severity.ERROR, "fel: spärrar klar"
    WARNING = Severity.WARNING, "varning"
    HINT = Severity.HINT, "tips"
    OFF = "off", "avstängd"


class _DateRange(models.Func):
    function = "daterange"
    output_field = DateRangeField()


def _days():
    return _DateRange("valid_from", "valid_to", RangeBoundary(inclusive_lower=True, inclusive_upper=True))


def _ends_after_it_begins(name):
    return models.CheckConstraint(
        name=name,
        condition=Q(valid_to__isnull=True) | Q(valid_from__isnull=True) | Q(valid_to__gte=models.F("valid_from")),
        violation_error_message="Sista giltighetsdag kan inte ligga före första.",
    )


class RegionalQuerySet(LockingQuerySet):
    def valid_on(self, day):
        """What the region had decided for contacts that ended on the day (KL-05)."""
        return self.filter(Q(valid_from__isnull=True) | Q(valid_from__lte=day)).filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=day)
        )


class CheckSetting(Row):
    """Regional weight of a check, for contacts that end within its days; without one the check weighs as published."""

    check_id = models.CharField("kontroll", max_length=10)
    weight = models.CharField("väger", max_length=10, choices=Weight)
    most = models.PositiveSmallIntegerField(
        "högsta antal", null=True, blank=True, help_text="Bara för R30: högsta antal koder på en kontakt."
    )
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)
    decision = models.CharField("beslut", max_length=200, help_text="Vem som beslutat, och när.")

    objects = RegionalQuerySet.as_manager()

    class Meta:
        verbose_name = "regional inställning av kontroll"
        verbose_name_plural = "regionala inställningar av kontroller"
        ordering = ["check_id", "valid_from"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(name="check_setting_check_known", condition=Q(check_id__in=SWITCHABLE)),
            models.CheckConstraint(name="check_setting_weight_known", condition=Q(weight__in=Weight.values)),
            _ends_after_it_begins("check_setting_ends_after_it_begins"),
            models.CheckConstraint(
                name="check_setting_most_is_of_r30",
                condition=Q(check_id="R30", most__isnull=False, most__gte=1)
                | (~Q(check_id="R30") & Q(most__isnull=True)),
                violation_error_message="Högsta antal anges för R30 och bara för den.",
            ),
            ExclusionConstraint(
                name="one_setting_of_a_check_a_day",
                expressions=[("check_id", RangeOperators.EQUAL), (_days(), RangeOperators.OVERLAPS)],
                violation_error_message="Kontrollen har redan en inställning för de dagarna.",
            ),
        ]

    def __str__(self):
        return f"{CHECKS[self.check_id]}: {self.get_weight_display()}"

    def clean(self):
        require_days_in_order(self)
        if self.check_id not in SWITCHABLE:
            raise ValidationError({"check_id": f"”{self.check_id}” är ingen kontroll som regionen väger."})


class BlockKind(models.TextChoices):
    """What a row of the spärrlista says of a code."""

    NOT_USED = "not_used", "ska inte användas"
    COMBINATION = "combination", "ska inte kombineras med"
    UNUSUAL = "unusual", "ovanlig"


class CodeRole(models.TextChoices):
    """The place a code has in a coding."""

    ANY = "any", "alla"
    MAIN = "main", "huvuddiagnos"
    SECONDARY = "secondary", "bidiagnos"
    EXTERNAL_CAUSE = "external_cause", "yttre orsak"
    PROCEDURE = "procedure", "åtgärd"
    SUBSTANCE = "substance", "läkemedel"


class CareForm(models.TextChoices):
    """Where a row of the spärrlista applies."""

    ANY = "any", "all vård"
    OPEN = "open", "öppen specialiserad vård"
    INPATIENT = "inpatient", "sluten vård"
    PRIMARY = "primary", "primärvård"


class BlockedCode(Row):
    """A row of the region's spärrlista (KL-06): imported as a whole, each with its words and days."""

    pattern = models.CharField("kod", max_length=12, help_text=_SHAPE)
    role = models.CharField("som", max_length=20, choices=CodeRole, default=CodeRole.ANY)
    care_form = models.CharField("i", max_length=10, choices=CareForm, default=CareForm.ANY)
    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="bara vårdenheten"
    )
    kind = models.CharField("slag", max_length=12, choices=BlockKind)
    other_pattern = models.CharField("med koden", max_length=12, blank=True, help_text=_SHAPE)
    severity = models.CharField("väger", max_length=10, choices=[each for each in Weight.choices if each[0] != "off"])
    text = models.CharField("mening till den som kodar", max_length=300)
    source = models.CharField("källa", max_length=200)
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)

    objects = RegionalQuerySet.as_manager()

    class Meta:
        verbose_name = "rad i spärrlistan"
        verbose_name_plural = "spärrlistan"
        ordering = ["pattern", "role", "id"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(
                name="blocked_code_pattern", condition=Q(pattern__regex=PATTERN), violation_error_message=_SHAPE
            ),
            models.CheckConstraint(name="blocked_code_role_known", condition=Q(role__in=CodeRole.values)),
            models.CheckConstraint(name="blocked_code_care_form_known", condition=Q(care_form__in=CareForm.values)),
            models.CheckConstraint(
                name="blocked_code_severity_known", condition=Q(severity__in=[str(each) for each in Severity])
            ),
            models.CheckConstraint(
                name="blocked_code_combination_says_with_what",
                condition=Q(kind=BlockKind.COMBINATION, other_pattern__regex=PATTERN)
                | Q(kind__in=[BlockKind.NOT_USED, BlockKind.UNUSUAL], other_pattern=""),
                violation_error_message="”Ska inte kombineras med” anger den andra koden; andra slag anger ingen.",
            ),
            _ends_after_it_begins("blocked_code_ends_after_it_begins"),
            models.UniqueConstraint(
                fields=["pattern", "role", "care_form", "care_unit", "kind", "other_pattern", "valid_from"],
                name="blocked_code_once",
                nulls_distinct=False,
                violation_error_message="Raden finns redan i spärrlistan.",
            ),
        ]

    def __str__(self):
        return f"{self.pattern} {self.get_kind_display()}"


class FavouriteCode(Row):
    """Favorit: a code that a person, or a unit for all its people, has chosen to see first. Kept by its code, so that
    it follows from release to release."""

    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="favourite_codes")
    care_unit = models.ForeignKey(
        CareUnit, models.CASCADE, null=True, blank=True, related_name="favourite_codes", verbose_name="vårdenhet"
    )
    system = models.ForeignKey(CodeSystem, models.PROTECT, related_name="+", db_index=False, verbose_name="kodsystem")
    code = models.CharField("kod", max_length=12, help_text="Utan punkt.")
    is_active = models.BooleanField("visas", default=True, db_default=True)

    class Meta:
        verbose_name = "favoritkod"
        verbose_name_plural = "favoritkoder"
        ordering = ["system", "code"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(
                name="favourite_is_a_persons_or_a_units",
                condition=Q(user__isnull=False, care_unit__isnull=True) | Q(user__isnull=True, care_unit__isnull=False),
                violation_error_message="En favorit är en persons eller en enhets.",
            ),
            models.CheckConstraint(name="favourite_without_dot", condition=Q(code__regex=r"^[0-9A-Z][0-9A-Z-]*$")),
            models.UniqueConstraint(
                fields=["user", "care_unit", "system", "code"],
                name="favourite_once",
                nulls_distinct=False,
                violation_error_message="Koden är redan en favorit.",
            ),
        ]

    def __str__(self):
        return self.code
