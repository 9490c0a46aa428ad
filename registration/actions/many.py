"""The same move of many planned encounters at once, for acts that end or restore everything of a patient: a few
statements whatever the number. Each encounter gets what the act on one would have given it
(`registration.actions.encounters`: `annul`, `cancel_without_annulling`, `undo_cancel`); the rules asked are the same."""

from collections import defaultdict

from django.db.models import F

from registration import lifecycle
from registration.encounter_types import TYPES
from registration.lifecycle import ANNULLED, Move, Status
from registration.models import CashTransaction, Encounter, EncounterDocument, EncounterHistory
from sdv.common.time import minute


def cancel_all(encounters, *, by, at, reason):
    """Cancels locked pre-registrations: Annullerad in one step with the end, or, where VH-12 forbids that, kept and
    ended by hand (VH-11). A pre-registration has used no remiss and holds no place. Returns what each was."""
    at = minute(at)
    _refuse(encounters, Move.CANCEL)
    kept = not_empty(encounters)
    before = {row.pk: (row.status, row.type_id) for row in encounters}
    annulled = [row for row in encounters if row.pk not in kept]
    _update(annulled, type_id=ANNULLED, status=Status.ENDED, end=at, cancelled_at=at)
    _update([row for row in encounters if row.pk in kept], cancelled_at=at)
    _write_history(encounters, before, Move.CANCEL, by=by, at=at, reason=reason)
    return before


def undo_cancel_all(types, *, by, at, reason):
    """Restores cancelled pre-registrations (AV-03). `types`: locked encounter → the type it had."""
    encounters = list(types)
    before = {row.pk: (row.status, row.type_id) for row in encounters}
    _refuse(encounters, Move.UNDO_CANCEL)
    by_type = defaultdict(list)
    for row, type_code in types.items():
        by_type[type_code].append(row)
    for type_code, rows in by_type.items():
        _update(rows, type_id=type_code, status=Status.PLANNED, end=None, cancelled_at=None)
    _write_history(encounters, before, Move.UNDO_CANCEL, by=by, at=at, reason=reason)


def not_empty(encounters):
    """The keys of those with journal documentation or a cashier transaction that has not been reversed (VH-12)."""
    ids = [row.pk for row in encounters]
    noted = EncounterDocument.objects.filter(encounter__in=ids, removed_at__isnull=True)
    paid = CashTransaction.objects.filter(encounter__in=ids, reverses__isnull=True, reversed_by__isnull=True)
    return set(noted.values_list("encounter_id", flat=True)) | set(paid.values_list("encounter_id", flat=True))


def _refuse(encounters, what):
    for row in encounters:
        if refused := lifecycle.refusal(TYPES[row.type_id], row.status, what, is_reopened=row.is_reopened):
            raise refused


def _update(encounters, **changes):
    if not encounters:
        return
    Encounter.objects.filter(pk__in=[row.pk for row in encounters]).update(**changes, version=F("version") + 1)
    for row in encounters:
        row.version += 1
        for field, value in changes.items():
            setattr(row, field, value)


def _write_history(encounters, before, what, *, by, at, reason):
    EncounterHistory.objects.bulk_create(
        EncounterHistory(
            encounter_id=row.pk,
            move=what,
            source=before[row.pk][0],
            target=row.status,
            type_before=before[row.pk][1],
            type_after=row.type_id,
            by=by,
            at=at,
            reason=reason,
        )
        for row in encounters
    )
