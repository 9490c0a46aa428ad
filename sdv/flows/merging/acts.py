"""The merge and its undo: one transaction each, a statement a table, every moved row recorded (RI-02, PL-13).

Patients are locked from the present record to the old one, as the marking of a protected person locks them; what is
done with an old id locks the present record alone (PatientQuerySet.lock_present)."""

from django.apps import apps
from django.db import connection, transaction

from registration.actions import engagements
from registration.models import CareCommitment, Encounter, Patient, PatientHistory
from scheduling.models import Appointment
from sdv.common.errors import RuleError
from sdv.outbox import messages

from ..models import MergeChange, PatientMerge
from . import rules
from .since import give_back, walk
from .tables import DOUBLES, FLAGS, MOVED, ONLY, carried, column_of, models

# The present record's own rows are read once: they are few, however many are moved. Of the checksum only the beginning is
# kept: it tells that a row was changed, and nobody can guess from it what the row was (SK-02).
_MOVE = """
WITH own AS MATERIALIZED (
    SELECT * FROM {table} WHERE {column} = %(target)s
), moved AS (
    UPDATE {table} o SET {column} = %(target)s {set_flag}
    WHERE o.{column} = %(source)s {condition}
    RETURNING o.id, jsonb_build_object('{column}', old.{column} {was_flag}) AS before,
        left(md5(to_jsonb(new)::text), 4) AS checksum
)
INSERT INTO flows_mergechange (id, merge_id, "table", row_id, before, checksum)
SELECT uuidv7(), %(merge)s, %(label)s, id, before, checksum FROM moved
"""
_BACK = """
UPDATE {table} n SET {column} = %(source)s {set_flag}
FROM flows_mergechange c
WHERE c.merge_id = %(merge)s AND c."table" = %(label)s AND c.row_id = n.id AND n.{column} = %(target)s {condition}
"""


@transaction.atomic
def merge(*, source_id, target_id, reason, by, at, is_told_by_register=False):
    """Moves all of the old record to the present one. Raises RuleError where that may not be; nothing has moved then."""
    if not reason.strip():
        raise RuleError(
            "RI-02", "Ange varför posterna hör till samma person.", code="reason_missing", needs_reason=True
        )
    # Before the locks: of two merges in opposite directions one is never allowed, so that they do not wait for each other.
    _refuse(Patient.objects.get(pk=source_id), Patient.objects.get(pk=target_id), is_told_by_register)
    target, source = _locked(target_id, source_id)
    _refuse(source, target, is_told_by_register)
    done = PatientMerge.objects.create(
        source=source,
        target=target,
        reason=reason[:200],
        is_told_by_register=is_told_by_register,
        merged_at=at,
        merged_by=by,
    )
    _lock_rows(source)
    for label in MOVED:
        _move(done, label)
    _tell_again(done, target, target.pk)
    Patient.objects.filter(pk=source.pk).update(merged_into=target, version=source.version + 1)
    Patient.objects.filter(pk=target.pk).update(version=target.version + 1, **_carry(done, source, target))
    for row, event in ((source, "merged_away"), (target, "merged_here")):
        PatientHistory.objects.create(patient=row, event=event, detail=reason[:300], by=by, at=at)
    return done


def _refuse(source, target, is_told_by_register):
    if refused := rules.refusal(source, target, is_told_by_register=is_told_by_register):
        raise refused


def _locked(target_id, source_id):
    return Patient.objects.locked().get(pk=target_id), Patient.objects.locked().get(pk=source_id)


def _lock_rows(patient):
    """In the one order, before anything is changed: who holds one of them finishes first."""
    for model in (CareCommitment, Encounter, Appointment):
        list(model.objects.filter(patient=patient).locked().values_list("pk"))


def _move(done, label):
    flag = FLAGS.get(label)
    condition = f"AND NOT EXISTS (SELECT FROM own n WHERE {DOUBLES[label]})" if label in DOUBLES else ""
    if label in ONLY:
        condition += f" AND {ONLY[label]}"
    set_flag = f", {flag} = o.{flag} AND NOT EXISTS (SELECT FROM own n WHERE n.{flag})" if flag else ""
    was_flag = f", '{flag}', old.{flag}" if flag else ""
    names = {"table": apps.get_model(label)._meta.db_table, "column": column_of(label)}
    _run(_MOVE.format(**names, set_flag=set_flag, condition=condition, was_flag=was_flag), done, label)


@transaction.atomic
def undo(*, target_id, reason, by, at):
    """Takes back the patient's latest merge (PL-13): each moved row goes back as it was. Returns the PatientMerge, that
    keeps what was changed or has come since (`to_check`): it is nowhere lost, but somebody has to look at it."""
    if not reason.strip():
        raise RuleError("PL-13", "Ange varför sammanslagningen är fel.", code="reason_missing", needs_reason=True)
    known = rules.latest(target_id)
    if known is None:
        raise RuleError("PL-13", "Det finns ingen sammanslagning att ångra på patienten.", code="nothing_to_undo")
    target, source = _locked(known.target_id, known.source_id)
    done = PatientMerge.objects.select_related("undone_by").locked().get(pk=known.pk)
    done.source = source
    if refused := rules.undo_refusal(done, target):
        raise refused
    _lock_rows(target)
    found = walk(done)
    if refused := found.refusal():
        raise refused
    done.to_check = [each.plain() for each in found.told()]
    for label, model in models():
        _move_back(done, label)
        model.objects.filter(pk__in=found.following.intersection(found.rows[label])).update(
            **{column_of(label): source.pk}
        )
    _tell_again(done, source, target.pk, source.pk)
    Patient.objects.filter(pk=source.pk).update(merged_into=None, version=source.version + 1)
    Patient.objects.filter(pk=target.pk).update(version=target.version + 1, **give_back(done, source, target))
    done.undone_at, done.undone_by, done.undo_reason = at, by, reason[:200]
    done.save(update_fields=["undone_at", "undone_by", "undo_reason", "to_check"])
    for row in (source, target):
        PatientHistory.objects.create(patient=row, event="merge_undone", detail=reason[:300], by=by, at=at)
    return done


def _carry(done, source, target):
    """What the present record takes over of the old one's own facts, recorded as it was: empty."""
    fields = carried(source, target)
    if fields:
        before = {name: getattr(target, name) for name in fields}
        MergeChange.objects.create(merge=done, table=Patient._meta.label, row_id=target.pk, before=before, checksum="")
    return {name: getattr(source, name) for name in fields}


def _tell_again(done, patient, *patients):
    """The moved contacts are `patient`'s now; `patients` are those whose numbers others may know them by."""
    moved = MergeChange.objects.filter(merge=done, table=Encounter._meta.label).values("row_id")
    messages.encounters_changed(Encounter.objects.filter(patient=patient, pk__in=moved))
    engagements.look_again(*patients, only_known=True)


def _move_back(done, label):
    table, flag = apps.get_model(label)._meta.db_table, FLAGS.get(label)
    condition = ""
    if label in DOUBLES:
        held = f"SELECT FROM {table} o WHERE o.patient_id = %(source)s AND ({DOUBLES[label]})"
        condition = f"AND NOT EXISTS ({held})"
    set_flag = f", {flag} = (c.before->>'{flag}')::boolean" if flag else ""
    _run(_BACK.format(table=table, column=column_of(label), set_flag=set_flag, condition=condition), done, label)


def _run(statement, done, label):
    with connection.cursor() as cursor:
        asked = {"merge": done.pk, "source": done.source_id, "target": done.target_id, "label": label}
        cursor.execute(statement, asked)
