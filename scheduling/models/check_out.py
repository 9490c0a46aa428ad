"""Utcheckning with one of four outcomes, and what it led to, so that it can be undone exactly (UT-01…06)."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from registration.models import CareCommitment, Encounter
from sdv.accounts.models import User
from sdv.common.models import CatalogueRow, LockingQuerySet, Row, change_log


class OutcomeCode(models.TextChoices):
    """The four outcomes, in the instruction's order (UT-02)."""

    END_COMMITMENT = "end_commitment", "Avsluta vårdåtagande på enhet"
    AWAIT_RESULT = "await_result", "Avvakta"
    NO_FURTHER_PLANNING = "no_further_planning", "Ingen ytterligare planering"
    FOLLOW_UP = "follow_up", "Uppföljning"


class Outcome(models.Model):
    """Utfall av besök: a row of utfall_av_besok.csv."""

    code = models.CharField("kod", max_length=30, primary_key=True, choices=OutcomeCode)
    name = models.CharField("benämning", max_length=80)
    position = models.PositiveSmallIntegerField("ordning", unique=True)
    requires_reason = models.BooleanField("kräver orsak")
    creates = models.CharField("skapar", max_length=200, blank=True)
    description = models.CharField("beskrivning", max_length=300, blank=True)

    class Meta:
        verbose_name = "utfall av besök"
        verbose_name_plural = "utfall av besök"
        ordering = ["position"]

    def __str__(self):
        return self.name


class OutcomeReason(CatalogueRow):
    """A reason for an outcome that requires one (UT-03, UT-04); `position` is its digit on the keyboard."""

    outcome = models.ForeignKey(Outcome, models.PROTECT, related_name="reasons", verbose_name="utfall")
    position = models.PositiveSmallIntegerField("siffra")

    class Meta(CatalogueRow.Meta):
        verbose_name = "orsak till utfall"
        verbose_name_plural = "orsaker till utfall"
        ordering = ["outcome", "position"]
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["outcome", "position"],
                condition=Q(valid_to__isnull=True),
                name="outcome_reason_digit_once",
                violation_error_message="Siffran används redan för utfallet.",
            )
        ]


class CheckOut(Row):
    """A check-out by a person: the outcome and its reason. Undone ones stay as trace (PL-13)."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="check_outs")
    outcome = models.ForeignKey(Outcome, models.PROTECT, related_name="+", db_index=False)
    reason = models.ForeignKey(OutcomeReason, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField("utcheckad")
    by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    registered_at = models.DateTimeField("registrerad", db_default=Now())
    undone_at = models.DateTimeField("ångrad", null=True)
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "utcheckning"
        verbose_name_plural = "utcheckningar"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["encounter"], condition=Q(undone_at__isnull=True), name="one_check_out_per_encounter"
            ),
            models.CheckConstraint(
                name="check_out_undone_says_who",
                condition=Q(undone_at__isnull=True, undone_by__isnull=True)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
        ]


class CheckOutClosure(Row):
    """A vårdåtagande that a check-out closed (UT-03): the visit's own, or another ticked one."""

    check_out = models.ForeignKey(CheckOut, models.PROTECT, related_name="closures")
    commitment = models.ForeignKey(CareCommitment, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["check_out", "commitment"], name="closure_once")]
