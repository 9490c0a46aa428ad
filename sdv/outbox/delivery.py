"""Delivers what the outbox holds: at least once, each message with an id that never changes, and those about the same
thing in the order they were written. What tells of a patient's contacts is about the patient.

Messages are claimed by pushing their time forward (a lease) in a short statement of its own, so that nothing is locked
while another system is spoken to, and what a crashed worker had claimed comes again when its lease has run out. Only
the oldest undelivered message of each subject can be claimed: a later one waits for it, in parallel workers too."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from .models import OF_CONTACTS, OutboxMessage

logger = logging.getLogger(__name__)

BATCH = 200
LEASE = timedelta(minutes=5)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)

# Of a patient's contacts only the oldest message: looked up one by one in their index, for as an anti-join it took forty
# seconds where twenty thousand waited. The topics are written out so that the planner knows the index of them.
_CLAIM = """
WITH due AS (
    SELECT m.id FROM outbox_outboxmessage m
    WHERE m.delivered_at IS NULL AND m.stopped_at IS NULL AND m.due_at <= %(at)s
      AND NOT EXISTS (
        SELECT FROM outbox_outboxmessage earlier
        WHERE earlier.subject_id = m.subject_id AND earlier.id < m.id
          AND earlier.delivered_at IS NULL AND earlier.stopped_at IS NULL)
      AND (m.patient_id IS NULL
        OR m.topic NOT IN ('encounter-ended', 'encounter-changed', 'encounter-withdrawn', 'contacts-changed')
        OR m.id = (
            SELECT first.id FROM outbox_outboxmessage first
            WHERE first.patient_id = m.patient_id
              AND first.topic IN ('encounter-ended', 'encounter-changed', 'encounter-withdrawn', 'contacts-changed')
              AND first.delivered_at IS NULL AND first.stopped_at IS NULL
            ORDER BY first.id LIMIT 1))
    ORDER BY m.id
    LIMIT %(batch)s
    FOR NO KEY UPDATE OF m SKIP LOCKED
)
UPDATE outbox_outboxmessage m SET due_at = %(lease)s, attempts = m.attempts + 1
FROM due WHERE m.id = due.id
RETURNING m.id
"""


@dataclass(frozen=True)
class Message:
    """What a channel is given: ids and codes, never personal data. `id` stays the same at every attempt."""

    id: UUID
    topic: str
    subject_id: UUID
    created_at: datetime
    payload: dict[str, Any]


class NotTold(Exception):
    """What the message would tell is not to be told any more: it stops, neither delivered nor tried again. `reason` is a
    code, never personal data."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Channel(Protocol):
    """Where messages go. Set by SDV_OUTBOX_CHANNEL."""

    def deliver(self, message: Message) -> Iterable[UUID] | None:
        """Hands the message over, or raises: NotTold where it is not to be handed over at all. May be called again with the
        same id, and then does nothing new. Returns the ids of other waiting messages that what was handed over told of
        too, if any: they are delivered with it."""


def channel():
    """The channel that the settings name."""
    return import_string(settings.SDV_OUTBOX_CHANNEL)()


def deliver_due(*, at, to=None):
    """Delivers everything due at `at`. Returns (delivered, failed)."""
    to = to or channel()
    delivered = failed = 0
    while rows := claim(at=at):
        done = []
        for row in rows:
            # A death or a protection may have come since it was claimed: then it goes no further (AV-02, SK-05).
            if not waiting().filter(pk=row.pk).exists():
                continue
            told = _deliver(row, to, at=at)
            if told is None:
                failed += 1
            else:
                done += [row.pk, *told]
        delivered += waiting().filter(pk__in=done).update(delivered_at=at, last_error="")
    return delivered, failed


def count_due(*, at):
    """How many wait at `at`."""
    return waiting().filter(due_at__lte=at).count()


def waiting():
    """Messages neither delivered nor stopped."""
    return OutboxMessage.objects.filter(delivered_at__isnull=True, stopped_at__isnull=True)


def together_with(message):
    """The waiting messages about the same patient's contacts, in their order: one look at the patient tells of them all.
    Asked before the patient is read, so that what is written meanwhile is told by its own message."""
    patient = OutboxMessage.objects.filter(pk=message.id).values("patient_id")
    return list(waiting().filter(patient_id__in=patient, topic__in=OF_CONTACTS).order_by("pk"))


def claim(*, at, batch=BATCH):
    """Takes the next messages for one worker, in key order, skipping what others are taking."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"at": at, "lease": at + LEASE, "batch": batch})
        claimed = [pk for (pk,) in cursor.fetchall()]
    return list(OutboxMessage.objects.filter(pk__in=claimed).order_by("pk"))


def wait_after(attempts):
    """How long after the attempt the next one is made: a minute, doubled each time, at most six hours."""
    return min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)


def _deliver(row, to, *, at):
    """Ids of other messages that were told by the same, or None where it could not be delivered. One that is not to be told
    any more stops, and keeps why."""
    message = Message(row.pk, row.topic, row.subject_id, row.created_at, row.payload)
    try:
        return list(to.deliver(message) or ())
    except NotTold as kept:
        waiting().filter(pk=row.pk).update(stopped_at=at, last_error=kept.reason)
        return []
    except Exception as error:
        # Only what kind of fault it was: another system's words may hold personal data.
        kind = type(error).__name__
        OutboxMessage.objects.filter(pk=row.pk).update(due_at=at + wait_after(row.attempts), last_error=kind[:120])
        logger.warning("outbox delivery failed", extra={"message_id": str(row.pk), "error": kind})
        return None
