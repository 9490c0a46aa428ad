"""The deceased cascade and its exact undo (AV-01…03).

Set by hand: mark and cascade in one transaction. Told by a register: the mark first, then the cascade by the job, which
finds what is pending after any crash. Every list that calls, writes to or plans for patients is a consumer below
(PL-22); each change is recorded as before and after, and undo writes back exactly those nobody has touched since."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from registration import lifecycle
from registration.actions import encounters
from registration.models import (
    CareCommitment,
    CommitmentStatus,
    Encounter,
    Patient,
    PatientHistory,
    Referral,
    ReferralStatus,
)
from scheduling import rules
from scheduling.actions import appointments, resource_bookings
from scheduling.models import (
    Appointment,
    AppointmentStatus,
    AwaitedResult,
    AwaitedStatus,
    BookingRequest,
    BookingRequestStatus,
    CancelledBy,
    ItemStatus,
    MissingFollowUp,
    NoShowItem,
    Resource,
)
from sdv.common.errors import RuleError, StaleVersion
from sdv.common.time import local_date
from sdv.outbox.models import OutboxMessage, Topic

from .models import CascadeChange, DeceasedCascade

REASON = "avliden"
ADMISSION = "admission"


def _set(row, changes):
    """Writes fields, raises the version where there is one, and returns what they were."""
    before = {field: getattr(row, field) for field in changes}
    for field, value in changes.items():
        setattr(row, field, value)
    fields = list(changes)
    if hasattr(row, "version"):
        row.version += 1
        fields.append("version")
    row.save(update_fields=[field.removesuffix("_id") for field in fields])
    return before


class Consumer:
    """One kind of row that ends when the patient dies: which rows, and to what they change."""

    def __init__(self, name, label, model, rows, changes):
        self.name, self.label, self.model, self.rows, self.changes = name, label, model, rows, changes

    def apply(self, cascade, patient, *, by, at):
        for row in self.rows(patient).locked() if hasattr(self.model.objects, "locked") else self.rows(patient):
            changes = self.changes(by, at)
            before = _set(row, changes)
            _record(cascade, self.name, row, before, changes)

    def restore(self, change, *, by, at):
        """Puts the row back; returns a sentence where that cannot be done."""
        rows = self.model.objects.filter(pk=change.row_id)
        row = (rows.locked() if hasattr(self.model.objects, "locked") else rows.select_for_update(no_key=True)).first()
        if row is None or not _is_as_left(row, change.after):
            return f"{self.label} har ändrats efter kaskaden och lämnas som den är."
        if _is_of_an_ended_commitment(row):
            return f"{self.label} hör till ett avslutat vårdåtagande och lämnas som den är."
        _set(row, {field: _typed(self.model, field, value) for field, value in change.before.items()})
        return None


def _is_of_an_ended_commitment(row):
    """UT-03: nothing waits under a vårdåtagande that has been ended meanwhile."""
    commitment = getattr(row, "commitment", None)
    return commitment is not None and commitment.status != CommitmentStatus.OPEN


def _item_rows(model):
    return lambda patient: model.objects.open().filter(patient=patient)


CONSUMERS = [
    Consumer(
        "booking_request",
        "Bokningsbegäran",
        BookingRequest,
        lambda patient: BookingRequest.objects.waiting().filter(patient=patient),
        lambda by, at: {"status": BookingRequestStatus.CLOSED, "closed_at": at, "close_reason": REASON},
    ),
    Consumer(
        "awaited_result",
        "Avvakta-posten",
        AwaitedResult,
        _item_rows(AwaitedResult),
        lambda by, at: {
            "status": AwaitedStatus.DECIDED,
            "decided_at": at,
            "decided_by_id": _pk(by),
            "decision": REASON,
        },
    ),
    Consumer(
        "missing_follow_up",
        "Posten i Saknar återbesök",
        MissingFollowUp,
        _item_rows(MissingFollowUp),
        lambda by, at: {"status": ItemStatus.DONE, "decided_at": at, "decided_by_id": _pk(by), "decision": REASON},
    ),
    Consumer(
        "no_show_item",
        "Uteblivet-posten",
        NoShowItem,
        _item_rows(NoShowItem),
        lambda by, at: {"status": ItemStatus.DONE, "decided_at": at, "decided_by_id": _pk(by), "decision": REASON},
    ),
    Consumer(
        "referral",
        "Remissen",
        Referral,
        lambda patient: Referral.objects.filter(
            patient=patient,
            status__in=[ReferralStatus.RECEIVED, ReferralStatus.RETURNED, ReferralStatus.ACCEPTED],
        ),
        lambda by, at: {"status": ReferralStatus.CLOSED, "decision_reason": REASON},
    ),
    Consumer(
        "outbox_message",
        "Meddelandet",
        OutboxMessage,
        lambda patient: OutboxMessage.objects.filter(
            patient_id=patient.pk, delivered_at=None, stopped_at=None, topic=Topic.APPOINTMENT_CANCELLED
        ),
        lambda by, at: {"stopped_at": at},
    ),
]
_BY_NAME = {consumer.name: consumer for consumer in CONSUMERS}


def _pk(user):
    return user.pk if user else None


@transaction.atomic
def register(*, patient_id, deceased_on, by, at, reason="", version=None):
    """Sets a patient to deceased by hand: only where death is certain and did not occur at a hospital in the region
    (AV-01). Mark and cascade in one transaction (AV-02). Returns the DeceasedCascade."""
    if not (reason or "").strip():
        raise RuleError(
            "AV-01", "Ange hur dödsfallet är känt, till exempel dödsbevis.", code="reason_missing", needs_reason=True
        )
    patient = mark(
        patient_id=patient_id, deceased_on=deceased_on, by=by, at=at, source="manual", reason=reason, version=version
    )
    cascade = DeceasedCascade.objects.locked().get(patient=patient, undone_at__isnull=True)
    _run(cascade, patient, by=by, at=at)
    return cascade


@transaction.atomic
def mark(*, patient_id, deceased_on, by, at, source, reason="", version=None):
    """Marks the patient and leaves the cascade pending: what a register tells (AV-01)."""
    patient = Patient.objects.locked().get(pk=patient_id)
    if version is not None and version != patient.version:
        raise StaleVersion(current=patient.version, given=version)
    if patient.is_deceased:
        raise RuleError(
            "AV-01", f"Patienten är redan registrerad som avliden {patient.deceased_on}.", code="already_deceased"
        )
    if deceased_on > local_date(at):
        raise RuleError("AV-01", "Dödsdatum kan inte ligga i framtiden. Rätta datumet.", code="date_in_future")
    if patient.birth_date and deceased_on < patient.birth_date:
        raise RuleError("AV-01", "Dödsdatum kan inte ligga före födelsedatum. Rätta datumet.", code="date_before_birth")
    _set(patient, {"deceased_on": deceased_on, "deceased_registered_at": at})
    DeceasedCascade.objects.create(
        patient=patient,
        deceased_on=deceased_on,
        source=source,
        reason=reason,
        registered_at=at,
        registered_by=by,
    )
    PatientHistory.objects.create(patient=patient, event="deceased", detail=f"Avliden {deceased_on}", by=by, at=at)
    return patient


def run_pending(*, at, dry_run=False):
    """Runs cascades that wait, each in its own transaction (the job deceased-cascade). Returns how many."""
    pending = DeceasedCascade.objects.filter(run_at__isnull=True, undone_at__isnull=True)
    if dry_run:
        return pending.count()
    done = 0
    for pk, patient_id in pending.order_by("id").values_list("pk", "patient_id"):
        with transaction.atomic():
            patient = Patient.objects.locked().get(pk=patient_id)
            cascade = DeceasedCascade.objects.locked().get(pk=pk)
            if cascade.run_at is None and cascade.undone_at is None:
                _run(cascade, patient, by=cascade.registered_by, at=at)
                done += 1
    return done


def _run(cascade, patient, *, by, at):
    """The cascade for a locked patient. Locks follow the one order: commitments, encounters, resources, appointments."""
    commitments = list(CareCommitment.objects.open().filter(patient=patient).locked())
    _cancel_bookings(cascade, patient, by=by, at=at)
    _cancel_admissions(cascade, patient, by=by, at=at)
    for consumer in CONSUMERS:
        consumer.apply(cascade, patient, by=by, at=at)
    _close_commitments(cascade, commitments, by=by, at=at)
    cascade.run_at = at
    cascade.save(update_fields=["run_at"])


def _cancel_bookings(cascade, patient, *, by, at):
    """All future bookings are cancelled as the provider's doing: never Utebliven, no fee (AV-02)."""
    future = Appointment.objects.future(at).filter(patient=patient)
    encounter_ids = list(future.values_list("encounter_id", flat=True))
    locked = {row.pk: row for row in Encounter.objects.filter(pk__in=encounter_ids).locked()}
    taken = Resource.objects.filter(bookings__appointment__encounter__in=encounter_ids).values("pk")
    list(Resource.objects.filter(pk__in=taken).locked())
    for appointment in Appointment.objects.living().filter(encounter_id__in=encounter_ids).locked():
        encounter = locked[appointment.encounter_id]
        appointment.encounter = encounter
        type_before = encounter.type_id
        if encounters.emptiness_refusal(encounter):
            encounters.cancel_without_annulling(encounter, by=by, at=at, reason=REASON)
        else:
            encounters.annul(encounter, by=by, at=at, reason=REASON, what=lifecycle.Move.CANCEL)
        appointments.save(
            appointment,
            status=AppointmentStatus.CANCELLED,
            cancelled_by=CancelledBy.PROVIDER,
            cancel_reason=REASON,
            cancelled_at=at,
        )
        appointments.note_cancelled(appointment, by=by, at=at, reason=REASON)
        resource_bookings.free(appointment)
        CascadeChange.objects.create(
            cascade=cascade,
            consumer="appointment",
            row_id=appointment.pk,
            before={"status": "booked", "encounter_type": type_before},
            after={"status": "cancelled", "version": appointment.version},
        )


def planned_admissions(patient):
    """Inskrivningar planned for the patient: bookings without a time of any resource (VH-03 f)."""
    return Encounter.objects.filter(patient=patient, type=lifecycle.ADMISSION_BOOKED, status=lifecycle.Status.PLANNED)


def _cancel_admissions(cascade, patient, *, by, at):
    """Planned admissions are cancelled as bookings are (AV-02)."""
    for encounter in planned_admissions(patient).filter(cancelled_at=None).locked():
        if encounters.emptiness_refusal(encounter):
            encounters.cancel_without_annulling(encounter, by=by, at=at, reason=REASON)
        else:
            encounters.annul(encounter, by=by, at=at, reason=REASON, what=lifecycle.Move.CANCEL)
        CascadeChange.objects.create(
            cascade=cascade,
            consumer=ADMISSION,
            row_id=encounter.pk,
            before={"encounter_type": lifecycle.ADMISSION_BOOKED},
            after={"version": encounter.version},
        )


def _close_commitments(cascade, commitments, *, by, at):
    """Open vårdåtaganden end with reason avliden; one with an ongoing stay is listed, not closed (AV-02)."""
    for commitment in commitments:
        if commitment.encounters.filter(status=lifecycle.Status.IN_PROGRESS).exists():
            continue
        changes = {
            "status": CommitmentStatus.CLOSED,
            "closed_on": max(cascade.deceased_on, commitment.opened_on),
            "close_reason": REASON,
            "closed_by_id": _pk(by),
        }
        before = _set(commitment, changes)
        _record(cascade, "commitment", commitment, before, changes)


def left_to_do(cascade):
    """What the cascade leaves to a person (AV-02): ongoing contacts, and no-shows dated after the death."""
    patient = cascade.patient
    ongoing = Encounter.objects.filter(patient=patient, status=lifecycle.Status.IN_PROGRESS).select_related(
        "type", "care_unit"
    )
    missed = Encounter.objects.filter(
        patient=patient, type=lifecycle.NO_SHOW_TYPE, start__date__gt=cascade.deceased_on
    ).select_related("type", "care_unit")
    return [*ongoing, *missed]


@transaction.atomic
def undo(*, patient_id, reason, by, at):
    """Set by mistake (AV-03): restores exactly what the cascade changed. Returns sentences on what could not be
    restored."""
    if not (reason or "").strip():
        raise RuleError(
            "AV-03", "Ange varför uppgiften om dödsfallet är fel.", code="reason_missing", needs_reason=True
        )
    patient = Patient.objects.locked().get(pk=patient_id)
    cascade = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=True).locked().first()
    if cascade is None or not patient.is_deceased:
        raise RuleError("AV-03", "Patienten är inte registrerad som avliden.", code="not_deceased")
    _set(patient, {"deceased_on": None, "deceased_registered_at": None})
    _lock_what_comes_back(cascade)
    left = []
    # Commitments first, so that bookings and requests find them open again.
    for change in sorted(cascade.changes.all(), key=lambda change: (change.consumer != "commitment", change.pk)):
        if change.consumer == "commitment":
            problem = _restore_commitment(change)
        elif change.consumer == "appointment":
            problem = _restore_booking(change, by=by, at=at)
        elif change.consumer == ADMISSION:
            problem = _restore_admission(change, by=by, at=at)
        else:
            problem = _BY_NAME[change.consumer].restore(change, by=by, at=at)
        if problem:
            left.append(problem)
    cascade.undone_at, cascade.undone_by, cascade.undo_reason = at, by, reason
    cascade.save(update_fields=["undone_at", "undone_by", "undo_reason"])
    PatientHistory.objects.create(patient=patient, event="deceased_undone", detail=reason[:300], by=by, at=at)
    return left


def _lock_what_comes_back(cascade):
    """All of it before anything is changed, in the one order: commitments, encounters, resources in key order. Taken
    booking by booking, the resources would be taken in the bookings' order, and two could lock each other out."""
    kinds = ("commitment", "appointment", ADMISSION)
    changed = {kind: cascade.changes.filter(consumer=kind).values("row_id") for kind in kinds}
    list(CareCommitment.objects.filter(pk__in=changed["commitment"]).locked())
    is_booked = Q(pk__in=Appointment.objects.filter(pk__in=changed["appointment"]).values("encounter_id"))
    list(Encounter.objects.filter(is_booked | Q(pk__in=changed[ADMISSION])).locked())
    taken = Resource.objects.filter(appointments__in=changed["appointment"]).values("pk")
    list(Resource.objects.filter(pk__in=taken).locked())


def _restore_commitment(change):
    commitment = CareCommitment.objects.locked().get(pk=change.row_id)
    if not _is_as_left(commitment, change.after):
        return "Ett vårdåtagande har ändrats efter kaskaden och lämnas som det är."
    _set(commitment, {field: _typed(CareCommitment, field, value) for field, value in change.before.items()})
    return None


def _restore_admission(change, *, by, at):
    """The inskrivning is planned again, unless somebody has done something to it since (AV-03)."""
    encounter = encounters.lock(change.row_id)
    when = rules.clock(encounter.planned_start)
    if encounter.version != change.after["version"]:
        return f"Den planerade inskrivningen {when} har ändrats efter kaskaden och lämnas som den är."
    if encounter.planned_start <= at:
        return f"Den planerade inskrivningen {when} har passerat. Planera en ny."
    encounters.undo_cancel(encounter, type_code=change.before["encounter_type"], by=by, at=at, reason="Ångrad kaskad")
    return None


def _restore_booking(change, *, by, at):
    """The booking is had again where its time is still free; otherwise it is listed with what to do (AV-03)."""
    appointment, resources = appointments.lock(change.row_id, with_resources=True)
    when = rules.clock(appointment.start)
    if appointment.status != AppointmentStatus.CANCELLED or appointment.version != change.after["version"]:
        return f"Bokningen {when} har ändrats efter kaskaden och lämnas som den är."
    if appointment.start <= at:
        return f"Bokningen {when} har passerat. Boka en ny tid."
    if _is_of_an_ended_commitment(appointment.encounter):
        return f"Bokningen {when} hör till ett avslutat vårdåtagande och lämnas som den är."
    try:
        with transaction.atomic():
            resource_bookings.retake(appointment, resources, at=at)
    except RuleError:
        return f"Tiden {when} är tagen av någon annan. Boka en ny tid."
    encounters.undo_cancel(
        appointment.encounter, type_code=change.before["encounter_type"], by=by, at=at, reason="Ångrad kaskad"
    )
    appointments.save(
        appointment, status=AppointmentStatus.BOOKED, cancelled_at=None, cancelled_by="", cancel_reason=""
    )
    appointments.note_restored(appointment, by=by, at=at)
    return None


def _record(cascade, consumer, row, before, after):
    CascadeChange.objects.create(
        cascade=cascade,
        consumer=consumer,
        row_id=row.pk,
        before={field: _plain(value) for field, value in before.items()},
        after={field: _plain(value) for field, value in after.items()},
    )


def _plain(value):
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _typed(model, field, value):
    return model._meta.get_field(field.removesuffix("_id")).to_python(value) if not field.endswith("_id") else value


def _is_as_left(row, after):
    """Whether the row still is as the cascade left it."""
    return all(
        _plain(getattr(row, field)) == value or _same_instant(getattr(row, field), value)
        for field, value in after.items()
    )


def _same_instant(value, text):
    return isinstance(value, datetime) and isinstance(text, str) and value == datetime.fromisoformat(text)
