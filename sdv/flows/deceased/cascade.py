"""A patient is set to deceased: the mark, the cascade, and its exact undo (AV-01…03).

Set by hand: mark and cascade in one transaction. Told by a register: the mark first, then the cascade by the job, which
finds what is pending after any crash. Locks follow the one order: patient, commitments, encounters, resources,
bookings; what creates something for a patient locks the patient first and refuses the dead, so that nothing can come
between the mark and the cascade."""

from collections import defaultdict

from django.db import transaction

from registration.models import CareCommitment, Patient, PatientHistory
from scheduling import rules
from scheduling.actions import letters, rebooking
from sdv.common.errors import RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale

from ..models import DeceasedCascade
from .bookings import ADMISSIONS, BOOKINGS, lock_what_comes_back, lock_what_ends
from .changes import NotRestored
from .consumers import COMMITMENTS, LISTS

# Commitments first, also when they come back: bookings and requests then find them open again.
CONSUMERS = [COMMITMENTS, BOOKINGS, ADMISSIONS, *LISTS]


@transaction.atomic
def register(*, patient_id, deceased_on, by, at, reason="", version=None):
    """Sets a patient to deceased by hand: only where death is certain and did not occur at a hospital in the region
    (AV-01). Mark and cascade in one transaction (AV-02). Returns the DeceasedCascade."""
    if not (reason or "").strip():
        raise RuleError(
            "AV-01", "Ange hur dödsfallet är känt, till exempel dödsbevis.", code="reason_missing", needs_reason=True
        )
    cascade = mark(
        patient_id=patient_id, deceased_on=deceased_on, by=by, at=at, source="manual", reason=reason, version=version
    )
    run(cascade, by=by, at=at)
    return cascade


@transaction.atomic
def mark(*, patient_id, deceased_on, by, at, source, reason="", version=None, partial="", was_found=False):
    """Marks the patient and leaves the cascade pending. Returns the DeceasedCascade, locked."""
    patient = Patient.objects.lock_present(patient_id)
    refuse_stale(patient, version)
    if patient.is_deceased:
        raise RuleError(
            "AV-01", f"Patienten är redan registrerad som avliden {patient.deceased_on}.", code="already_deceased"
        )
    if refused := date_refusal(deceased_on, birth_date=patient.birth_date, today=local_date(at)):
        raise refused
    set_death(patient, deceased_on=deceased_on, partial=partial, was_found=was_found, at=at)
    cascade = DeceasedCascade.objects.create(
        patient=patient,
        deceased_on=deceased_on,
        source=source,
        reason=reason,
        registered_at=at,
        registered_by=by,
    )
    PatientHistory.objects.create(patient=patient, event="deceased", detail=f"Avliden {deceased_on}", by=by, at=at)
    return cascade


def date_refusal(deceased_on, *, birth_date, today):
    """AV-01: why nobody can have died that day, or None."""
    if deceased_on > today:
        return RuleError("AV-01", "Dödsdatum kan inte ligga i framtiden. Rätta datumet.", code="date_in_future")
    if birth_date and deceased_on < birth_date:
        return RuleError(
            "AV-01", "Dödsdatum kan inte ligga före födelsedatum. Rätta datumet.", code="date_before_birth"
        )
    return None


def set_death(patient, *, deceased_on, at, partial="", was_found=False):
    """Inner write of the mark on a locked patient; nothing of it where `deceased_on` is None."""
    patient.deceased_on, patient.deceased_registered_at = deceased_on, at if deceased_on else None
    patient.deceased_partial, patient.was_found_dead = partial, was_found
    patient.version += 1
    patient.save(
        update_fields=["deceased_on", "deceased_registered_at", "deceased_partial", "was_found_dead", "version"]
    )


def run_pending(*, at, dry_run=False):
    """Runs cascades that wait, each in its own transaction (the job deceased-cascade). Returns how many."""
    pending = DeceasedCascade.objects.filter(run_at__isnull=True, undone_at__isnull=True)
    if dry_run:
        return pending.count()
    done = 0
    for pk, patient_id in pending.order_by("id").values_list("pk", "patient_id"):
        with transaction.atomic():
            Patient.objects.lock_present(patient_id)
            cascade = DeceasedCascade.objects.locked().get(pk=pk)
            if cascade.run_at is None and cascade.undone_at is None:
                run(cascade, by=cascade.registered_by, at=at)
                done += 1
    return done


def run(cascade, *, by, at):
    """The cascade for a locked patient, each consumer in its order (AV-02)."""
    list(CareCommitment.objects.open().filter(patient=cascade.patient_id).locked())
    lock_what_ends(cascade)
    for consumer in CONSUMERS:
        consumer.end(cascade, by=by, at=at)
    cascade.run_at = cascade.run_at or at
    cascade.save(update_fields=["run_at"])


def again(patient, *, by, at):
    """What an act on the dead has given back or left without an ongoing contact ends too, and comes back with the undo.
    The patient is locked by the caller; nothing happens to the living, or before the job has run the cascade."""
    if patient.is_deceased:
        own = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=True, run_at__isnull=False)
        for cascade in own.locked():
            run(cascade, by=by, at=at)


def coming(patient, *, at):
    """What would be ended if the patient were registered as dead today, as (consumer, number)."""
    asked = DeceasedCascade(patient=patient, deceased_on=local_date(at), registered_at=at)
    return [(consumer, consumer.open(asked).count()) for consumer in CONSUMERS]


@transaction.atomic
def undo(*, patient_id, reason, by, at):
    """Set by mistake (AV-03): restores exactly what the cascade changed. Returns a list of NotRestored, kept with the
    cascade too."""
    if not (reason or "").strip():
        raise RuleError(
            "AV-03", "Ange varför uppgiften om dödsfallet är fel.", code="reason_missing", needs_reason=True
        )
    patient = Patient.objects.lock_present(patient_id)
    cascade = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=True).locked().first()
    if cascade is None or not patient.is_deceased:
        raise RuleError("AV-03", "Patienten är inte registrerad som avliden.", code="not_deceased")
    if patient.merged_from.filter(deceased_on__isnull=False).exists():
        raise RuleError(
            "RI-02",
            "Patienten är sammanslagen med en post som också är registrerad som avliden. Ångra sammanslagningen först,"
            " och sedan avliden på båda.",
            code="merged_when_deceased",
        )
    set_death(patient, deceased_on=None, at=at)
    changes = defaultdict(list)
    for change in cascade.changes.all():
        changes[change.consumer].append(change)
    list(CareCommitment.objects.filter(pk__in=[change.row_id for change in changes[COMMITMENTS.name]]).locked())
    lock_what_comes_back(cascade)
    left = []
    for consumer in CONSUMERS:
        if changes[consumer.name]:
            left += consumer.restore(cascade, changes[consumer.name], by=by, at=at)
    rebooking.watch_unlisted(patient_id=patient_id, at=at)
    left += _withdraw_letters(cascade, by=by, at=at)
    cascade.undone_at, cascade.undone_by, cascade.undo_reason = at, by, reason
    cascade.not_restored = [each.plain() for each in left]
    cascade.save(update_fields=["undone_at", "undone_by", "undo_reason", "not_restored"])
    PatientHistory.objects.create(patient=patient, event="deceased_undone", detail=reason[:300], by=by, at=at)
    return left


def _withdraw_letters(cascade, *, by, at):
    """No letter about a death that was none; one that has gone out is told to the reader of the outcome."""
    fields = {"since": cascade.registered_at, "reason": "avliden ångrad", "by": by, "at": at}
    sent = letters.withdraw_to_relatives(patient_id=cascade.patient_id, **fields)
    return [
        NotRestored(
            "letter",
            letter.pk,
            f"Ett brev till närstående skrevs ut {rules.clock(letter.decided_at)}. Kontakta mottagaren.",
        )
        for letter in sent
    ]
