"""Vårdåtagande: one health problem at one unit (VA-01)."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from sdv.accounts.models import User
from sdv.common.models import (
    CatalogueQuerySet,
    CatalogueRow,
    LockingQuerySet,
    Row,
    Versioned,
    append_only,
    change_log,
)
from sdv.organisation.models import CareUnit

from .patient import Patient


class ProblemCodeQuerySet(CatalogueQuerySet, LockingQuerySet):
    def for_unit(self, care_unit, day):
        """Those that a vårdåtagande of the unit can name on the day: its specialities', and those of none. A unit that
        has named no speciality has all (VA-01)."""
        rows = self.valid_on(day)
        return rows.filter(speciality__in=["", *care_unit.specialities]) if care_unit.specialities else rows


class ProblemCode(CatalogueRow):
    """Regional problemkod of a speciality. No public list exists: the demo's are invented and marked so."""

    speciality = models.CharField("specialitet", max_length=80, blank=True)

    objects = ProblemCodeQuerySet.as_manager()

    class Meta(CatalogueRow.Meta):
        verbose_name = "problemkod"
        verbose_name_plural = "problemkoder"
        triggers = change_log()


class CommitmentStatus(models.TextChoices):
    OPEN = "open", "Öppet"
    CLOSED = "closed", "Avslutat"


class CareCommitmentQuerySet(LockingQuerySet):
    def open(self):
        return self.filter(status=CommitmentStatus.OPEN)


class CareCommitment(Versioned):
    """Vårdåtagande: one per health problem and vårdenhet (VA-01)."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="commitments", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="commitments", verbose_name="vårdenhet")
    problem_code = models.ForeignKey(ProblemCode, models.PROTECT, related_name="commitments", verbose_name="problemkod")
    status = models.CharField("status", max_length=10, choices=CommitmentStatus, default=CommitmentStatus.OPEN)
    opened_on = models.DateField("öppnat")
    closed_on = models.DateField("avslutat", null=True, blank=True)
    close_reason = models.CharField("orsak till avslut", max_length=80, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = CareCommitmentQuerySet.as_manager()

    class Meta:
        verbose_name = "vårdåtagande"
        verbose_name_plural = "vårdåtaganden"
        triggers = change_log()
        indexes = [models.Index(fields=["care_unit", "patient"], name="commitment_by_unit")]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "care_unit", "problem_code"],
                condition=Q(status="open"),
                name="one_open_commitment_per_problem",
                violation_error_message="Det finns redan ett öppet vårdåtagande för problemet på enheten (VA-01).",
            ),
            models.CheckConstraint(name="commitment_status_known", condition=Q(status__in=CommitmentStatus.values)),
            models.CheckConstraint(
                name="commitment_closed_has_date_and_reason",
                condition=Q(status="open", closed_on__isnull=True, close_reason="")
                | (Q(status="closed", closed_on__isnull=False) & ~Q(close_reason="")),
                violation_error_message="Ett avslutat vårdåtagande har datum och orsak (UT-03).",
            ),
            models.CheckConstraint(
                name="commitment_closes_after_it_opens",
                condition=Q(closed_on__isnull=True) | Q(closed_on__gte=F("opened_on")),
                violation_error_message="Ett vårdåtagande kan inte avslutas före dagen det öppnades.",
            ),
        ]


class CommitmentAct(models.TextChoices):
    """What is done with a vårdåtagande itself (VA-01, UT-03)."""

    OPENED = "opened", "Öppnat"
    CLOSED = "closed", "Avslutat"
    REOPENED = "reopened", "Öppnat igen"


class CommitmentEvent(Row):
    """One opening or closing of a vårdåtagande: what, why, when and by whom (UT-03)."""

    commitment = models.ForeignKey(CareCommitment, models.PROTECT, related_name="events", verbose_name="vårdåtagande")
    act = models.CharField("händelse", max_length=10, choices=CommitmentAct)
    reason = models.CharField("skäl", max_length=200, blank=True)
    at = models.DateTimeField("tidpunkt")
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="av", db_index=False)
    registered_at = models.DateTimeField("registrerad", db_default=Now())

    class Meta:
        verbose_name = "händelse på vårdåtagande"
        verbose_name_plural = "händelser på vårdåtaganden"
        triggers = [append_only()]
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="commitment_act_known", condition=Q(act__in=CommitmentAct.values)),
            models.CheckConstraint(
                name="commitment_closed_and_reopened_say_why",
                condition=Q(act="opened") | ~Q(reason=""),
                violation_error_message="Ett avslut och ett återöppnande har ett skäl (UT-03).",
            ),
        ]
