"""Writes outbox rows: called by actions inside their transaction."""

from .models import OutboxMessage, Topic


def encounter_ended(encounter):
    """VH-20: an ended contact is told to 1177 and NPÖ."""
    _write(Topic.ENCOUNTER_ENDED, encounter)


def encounter_changed(encounter):
    """VH-21: a change after the end is told again."""
    _write(Topic.ENCOUNTER_CHANGED, encounter)


def encounter_withdrawn(encounter):
    """An ended contact that was reopened or annulled is withdrawn."""
    _write(Topic.ENCOUNTER_WITHDRAWN, encounter)


def child_born(encounter):
    """VH-13: the birth notification. Who, when and of whom is read when it is delivered."""
    _write(Topic.CHILD_BORN, encounter)


def appointment_cancelled(appointment):
    """The patient is to be told that the time is gone; nothing is told to the dead (AV-02, PL-22), and
    no message goes to the protected (SK-05, KA-05)."""
    if appointment.patient.is_deceased or appointment.patient.is_protected:
        return
    OutboxMessage.objects.create(
        topic=Topic.APPOINTMENT_CANCELLED,
        subject_id=appointment.pk,
        patient_id=appointment.patient_id,
        payload={"cancelled_by": appointment.cancelled_by},
    )


def letter_to_portal(letter, *, due_at):
    """A letter is put in the patient's 1177 at the time; the adapter reads it then, and not what has been stopped."""
    OutboxMessage.objects.create(
        topic=Topic.LETTER_TO_PORTAL, subject_id=letter.pk, patient_id=letter.patient_id, due_at=due_at
    )


def _write(topic, encounter):
    OutboxMessage.objects.create(
        topic=topic,
        subject_id=encounter.pk,
        patient_id=encounter.patient_id,
        payload={"encounter_type": encounter.type_id, "version": encounter.version},
    )
