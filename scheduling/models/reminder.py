"""Påminnelse: one per contact, told by SMS to a number whose owner has allowed it (PL-18)."""

from django.db import models
from django.db.models import Q

from registration.models import SmsWording
from sdv.common.models import Row, append_only, change_log

from .appointment import Appointment


class Reminder(Row):
    """A reminder has been given to the outbox. Number and words are read when it is delivered, and are not kept here."""

    appointment = models.OneToOneField(
        Appointment, models.PROTECT, related_name="reminder", verbose_name="bokning", primary_key=False
    )
    # What the patient had chosen that it may say.
    wording = models.CharField("får säga", max_length=10, choices=SmsWording)
    created_at = models.DateTimeField("lagd")

    class Meta:
        verbose_name = "påminnelse"
        verbose_name_plural = "påminnelser"
        triggers = [*(trigger for trigger in change_log() if trigger.name == "log_insert"), append_only()]
        constraints = [
            models.CheckConstraint(name="reminder_wording_known", condition=Q(wording__in=SmsWording.values)),
        ]
