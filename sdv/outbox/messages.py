"""Writes outbox rows: called by actions inside their transaction."""

from django.db.models import OuterRef, Subquery

from .models import OF_AN_ENCOUNTER, OutboxMessage, Topic


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


def child_not_born(encounter, *, at):
    """VH-12, VH-13: the Nyfödd was registered by mistake. A notification that waits goes no further; one that has gone is
    withdrawn."""
    told = OutboxMessage.objects.filter(topic=Topic.CHILD_BORN, subject_id=encounter.pk)
    told.filter(delivered_at=None, stopped_at=None).update(stopped_at=at)
    if told.filter(delivered_at__isnull=False).exists():
        _write(Topic.CHILD_BORN_WITHDRAWN, encounter)


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


def contacts_changed(*patient_ids):
    """VH-20, SK-05, RI-02: which of the patient's ended contacts are shown, or by which identity, is another than it was.
    What is true is read when it goes. Returns how many."""
    rows = [
        OutboxMessage(topic=Topic.CONTACTS_CHANGED, subject_id=patient_id, patient_id=patient_id)
        for patient_id in patient_ids
    ]
    return len(OutboxMessage.objects.bulk_create(rows, batch_size=5000))


def encounters_changed(encounters):
    """Those of the vårdhändelser that others have been told of are told again, however many: they are another record's
    now (RI-02). What waits to go out is read anew when it goes."""
    last = OutboxMessage.objects.filter(subject_id=OuterRef("pk"), topic__in=OF_AN_ENCOUNTER).order_by("-id")
    told = encounters.annotate(
        last_topic=Subquery(last.values("topic")[:1]), last_delivered_at=Subquery(last.values("delivered_at")[:1])
    )
    told = told.filter(last_delivered_at__isnull=False).exclude(last_topic=Topic.ENCOUNTER_WITHDRAWN).order_by("pk")
    OutboxMessage.objects.bulk_create(_message(Topic.ENCOUNTER_CHANGED, encounter) for encounter in told)


def _write(topic, encounter):
    _message(topic, encounter).save(force_insert=True)


def _message(topic, encounter):
    return OutboxMessage(
        topic=topic,
        subject_id=encounter.pk,
        patient_id=encounter.patient_id,
        payload={"encounter_type": encounter.type_id, "version": encounter.version},
    )
