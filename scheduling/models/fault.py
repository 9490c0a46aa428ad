"""Fel i väntelistan: what the list's own check has found, with an owner, until the row is right (PL-11)."""

from django.db import models
from django.db.models import Q

from registration.models import Patient, Referral
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Versioned, change_log
from sdv.organisation.models import CareUnit

from .work import BookingRequest


class FaultKind(models.TextChoices):
    """What can be wrong with a row that waits."""

    NO_TARGET = "no_target", "Måldatum saknas"
    PASSED = "passed", "Datum har passerat"
    DOUBLE = "double", "Står två gånger"
    DECEASED = "deceased", "Patienten är avliden"
    PROTECTED = "protected", "Skyddad utan förmedling"
    SEEN = "seen", "Redan träffad"


class ListFaultQuerySet(LockingQuerySet):
    def open(self):
        """Those that have not been mended, as far as the check knows."""
        return self.filter(closed_at__isnull=True)


class ListFault(Versioned):
    """One fault of one row, found by the check and closed by mending the row. Nobody closes it by hand."""

    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="list_faults", verbose_name="vårdenhet")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="list_faults", verbose_name="patient")
    kind = models.CharField("fel", max_length=10, choices=FaultKind)
    booking_request = models.ForeignKey(
        BookingRequest, models.PROTECT, null=True, related_name="faults", verbose_name="bokningsbegäran"
    )
    referral = models.ForeignKey(Referral, models.PROTECT, null=True, related_name="faults", verbose_name="remiss")
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="ansvarig")
    # When the owner took it; null where the check said whose it is.
    taken_at = models.DateTimeField("taget", null=True)
    found_on = models.DateField("funnet")
    closed_at = models.DateTimeField("åtgärdat", null=True)

    objects = ListFaultQuerySet.as_manager()

    class Meta:
        verbose_name = "fel i väntelistan"
        verbose_name_plural = "fel i väntelistan"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["care_unit", "found_on", "id"], condition=Q(closed_at__isnull=True), name="list_fault_open"
            )
        ]
        constraints = [
            models.CheckConstraint(name="list_fault_kind_known", condition=Q(kind__in=FaultKind.values)),
            models.CheckConstraint(
                name="list_fault_is_of_one_row",
                condition=Q(booking_request__isnull=True, referral__isnull=False)
                | Q(booking_request__isnull=False, referral__isnull=True),
            ),
            models.CheckConstraint(
                name="list_fault_taken_has_an_owner",
                condition=Q(taken_at__isnull=True) | Q(owner__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["booking_request", "kind"],
                condition=Q(closed_at__isnull=True),
                name="one_open_fault_per_request_and_kind",
            ),
            models.UniqueConstraint(
                fields=["referral", "kind"],
                condition=Q(closed_at__isnull=True),
                name="one_open_fault_per_referral_and_kind",
            ),
        ]
