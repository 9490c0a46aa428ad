"""Brev: what is written to a patient or about one, kept byte for byte as it was sent (KA-03, PL-16, PL-22)."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from registration.models import Patient, PatientRelation
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Versioned, change_log
from sdv.organisation.models import CareUnit


class LetterKind(models.TextChoices):
    """What a letter is for. Each kind says how it treats the dead and the protected (sdv.flows.consumers)."""

    APPOINTMENT = "appointment", "Kallelse"
    CANCELLATION = "cancellation", "Avbokning"
    REFERRAL_RECEIPT = "referral_receipt", "Remissbekräftelse"
    TO_RELATIVES = "to_relatives", "Brev till närstående"


class LetterStatus(models.TextChoices):
    UNSENT = "unsent", "Inte skickat"
    PRINTED = "printed", "Utskrivet"
    STOPPED = "stopped", "Stoppat"


# What was written is never changed: another letter is written instead.
CONTENT = ["kind", "recipient", "sender", "heading", "body", "reason", "created_at"]


class LetterQuerySet(LockingQuerySet):
    def unsent(self):
        return self.filter(status=LetterStatus.UNSENT)


class Letter(Versioned):
    """A letter as it stands on the paper. It counts as sent when a person says that it was printed."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="letters", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="letters", verbose_name="vårdenhet")
    kind = models.CharField("slag", max_length=20, choices=LetterKind)
    # To whom, where the person is known as a relation; the relation may go, the letter stands as it was written.
    relation = models.ForeignKey(
        PatientRelation, models.SET_NULL, null=True, related_name="letters", verbose_name="närstående"
    )
    recipient = models.TextField("mottagare", help_text="Namn och adress, rad för rad som på kuvertet")
    sender = models.TextField("avsändare")
    heading = models.CharField("rubrik", max_length=120)
    body = models.TextField("text")
    reason = models.CharField("skäl", max_length=200, blank=True)
    status = models.CharField("status", max_length=10, choices=LetterStatus, default=LetterStatus.UNSENT)
    decided_at = models.DateTimeField("utskrivet eller stoppat", null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    stop_reason = models.CharField("varför det stoppades", max_length=200, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("skrivet", db_default=Now())

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = "brev"
        verbose_name_plural = "brev"
        triggers = [*change_log(personal=True), pgtrigger.ReadOnly(name="kept_as_written", fields=CONTENT)]
        indexes = [
            models.Index(fields=["care_unit", "created_at", "id"], name="letter_by_unit"),
            models.Index(fields=["patient"], condition=Q(status="unsent"), name="letter_unsent"),
        ]
        constraints = [
            models.CheckConstraint(name="letter_kind_known", condition=Q(kind__in=LetterKind.values)),
            models.CheckConstraint(name="letter_status_known", condition=Q(status__in=LetterStatus.values)),
            models.CheckConstraint(
                name="letter_to_relatives_has_reason",
                condition=~Q(kind="to_relatives") | ~Q(reason=""),
                violation_error_message="Ett brev till närstående har ett skäl (PL-22).",
            ),
            models.CheckConstraint(
                name="letter_decided_has_a_time",
                condition=Q(status="unsent", decided_at__isnull=True)
                | (~Q(status="unsent") & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="letter_stopped_says_why",
                condition=(Q(status="stopped") & ~Q(stop_reason="")) | (~Q(status="stopped") & Q(stop_reason="")),
            ),
        ]

    def __str__(self):
        return self.heading
