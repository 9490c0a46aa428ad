"""What is to be told to the outside world, written in the same transaction as the fact."""

from django.db import models
from django.db.models import Q

from sdv.common.models import Row


class Topic(models.TextChoices):
    """What a message tells."""

    ENCOUNTER_ENDED = "encounter-ended", "Vårdhändelse avslutad"
    ENCOUNTER_CHANGED = "encounter-changed", "Avslutad vårdhändelse ändrad"
    ENCOUNTER_WITHDRAWN = "encounter-withdrawn", "Vårdhändelse återtagen"
    CONTACTS_CHANGED = "contacts-changed", "Patientens avslutade vårdhändelser visas på nytt sätt"
    CHILD_BORN = "child-born", "Födelseanmälan"
    CHILD_BORN_WITHDRAWN = "child-born-withdrawn", "Födelseanmälan återtagen"
    APPOINTMENT_CANCELLED = "appointment-cancelled", "Bokning avbokad"
    APPOINTMENT_REMINDER = "appointment-reminder", "Påminnelse om besök"
    LETTER_TO_PORTAL = "letter-to-portal", "Brev till 1177"


# What tells of a vårdhändelse as such, and what tells that all of a patient's are to be looked at anew: by another
# identity now, or shown no longer. The receiver is told of the patient as a whole, so these keep one order per patient.
OF_AN_ENCOUNTER = (Topic.ENCOUNTER_ENDED, Topic.ENCOUNTER_CHANGED, Topic.ENCOUNTER_WITHDRAWN)
OF_CONTACTS = (*OF_AN_ENCOUNTER, Topic.CONTACTS_CHANGED)


class OutboxMessage(Row):
    """A message and how far its delivery has come. The payload holds ids and codes, never personal data: the adapter
    reads the fact anew when it delivers, so a later change or protection is heeded."""

    topic = models.CharField("ämne", max_length=40, choices=Topic)
    subject_id = models.UUIDField("avser")
    patient_id = models.UUIDField("patient", null=True)
    payload = models.JSONField("innehåll", default=dict)
    created_at = models.DateTimeField("skapad", db_default=models.functions.Now())
    due_at = models.DateTimeField("tidigast", db_default=models.functions.Now())
    attempts = models.PositiveSmallIntegerField("försök", default=0, db_default=0)
    delivered_at = models.DateTimeField("levererad", null=True)
    stopped_at = models.DateTimeField("stoppad", null=True)
    last_error = models.CharField("senaste fel", max_length=120, blank=True, default="", db_default="")

    class Meta:
        verbose_name = "meddelande"
        verbose_name_plural = "meddelanden"
        indexes = [
            models.Index(
                fields=["due_at", "id"], condition=Q(delivered_at=None, stopped_at=None), name="outbox_undelivered"
            ),
            models.Index(fields=["subject_id"], name="outbox_by_subject"),
            models.Index(
                fields=["patient_id", "id"],
                condition=Q(delivered_at=None, stopped_at=None, topic__in=OF_CONTACTS),
                name="outbox_contacts_by_patient",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="outbox_delivered_or_stopped",
                condition=Q(delivered_at__isnull=True) | Q(stopped_at__isnull=True),
                violation_error_message="Ett meddelande är antingen levererat eller stoppat.",
            )
        ]
