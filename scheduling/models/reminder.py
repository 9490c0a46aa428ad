"""Påminnelse: one per contact as it is booked, told by SMS to a number whose owner has allowed it (PL-18)."""

from django.db import models
from django.db.models import Q

from registration.models import SmsWording
from sdv.common.models import Row, append_only, change_log

from .appointment import Appointment


class Reminder(Row):
    """A reminder of a time has been given to the outbox. Number and words are read when it is delivered, and are not kept
    here. A contact is reminded once; one whose time is moved after that is reminded of the time that holds, and that
    reminder says which one it takes the place of."""

    appointment = models.ForeignKey(
        Appointment, models.PROTECT, related_name="reminders", verbose_name="bokning", db_index=False
    )
    start = models.DateTimeField("tid som det påminns om")
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", verbose_name="i stället för", db_index=False
    )
    # What the patient had chosen that it may say.
    wording = models.CharField("får säga", max_length=10, choices=SmsWording)
    created_at = models.DateTimeField("lagd")

    class Meta:
        verbose_name = "påminnelse"
        verbose_name_plural = "påminnelser"
        triggers = [*(trigger for trigger in change_log() if trigger.name == "log_insert"), append_only()]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment", "replaces"],
                name="one_reminder_per_contact",
                nulls_distinct=False,
                violation_error_message="Patienten är redan påmind (PL-18).",
            ),
            models.CheckConstraint(name="reminder_wording_known", condition=Q(wording__in=SmsWording.values)),
        ]
