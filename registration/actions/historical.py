"""Historisk: what a machine migration brings from an earlier system (VH-03 i, VH-14). Born ended; nobody changes it, and
it is neither coded, told nor counted (VH-20)."""

from collections import defaultdict
from dataclasses import dataclass

from django.db import transaction

from registration import lifecycle
from registration.historical_file import Fault
from registration.lifecycle import Move, Status
from registration.models import Encounter, EncounterHistory, Patient, PatientIdentity
from sdv.common.errors import RuleError
from sdv.common.time import minute
from sdv.organisation.models import CareUnit

BATCH = 2000


@dataclass(frozen=True)
class Brought:
    """What became of a file's lines: new contacts, those that there were, and lines said twice."""

    new: int
    known: int
    doubles: int


class NotUnderstood(Exception):
    """Lines that something is wrong with; nothing was brought."""

    def __init__(self, faults):
        super().__init__("lines that are not understood")
        self.faults = sorted(faults, key=lambda fault: fault.line)


@transaction.atomic
def record(*, patient_id, care_unit, start, end, by, at):
    """One contact of an earlier system. The same contact again is the one there is, so that an import can be run twice.
    Who has died since has a history too."""
    patient = Patient.objects.lock_present(patient_id)
    start, end = minute(start), minute(end)
    if not start <= end <= minute(at):
        raise RuleError("VH-14", "En historisk vårdhändelse börjar före sitt slut och har redan slutat. Rätta raden.")
    told = {"patient": patient, "care_unit": care_unit, "type_id": lifecycle.HISTORICAL, "start": start, "end": end}
    known = Encounter.objects.filter(**told).first()
    return known or _write([told], by=by, at=at)[0]


@transaction.atomic
def bring(contacts, *, by, at, progress=lambda done, total: None):
    """All contacts of a file or none of them (VH-14). Raises NotUnderstood where a patient or a unit is not known here:
    patients are migrated first (MI-18). What has been brought before is left as it is. Patients are locked in key order
    until the end, as every act on one locks it."""
    units = {row.hsa_id: row for row in CareUnit.objects.filter(hsa_id__in={each.unit for each in contacts})}
    owners = _patients(contacts)
    faults = [Fault(each.line, "vardenhet finns inte här") for each in contacts if each.unit not in units]
    faults += [
        Fault(each.line, "personid finns inte på någon patient")
        for each in contacts
        if (each.kind, each.number) not in owners
    ]
    if faults:
        raise NotUnderstood(faults)
    wanted = {}
    for each in contacts:
        key = (owners[each.kind, each.number], units[each.unit].pk, minute(each.start), minute(each.end))
        wanted.setdefault(key, units[each.unit])
    known = _known({key[0] for key in wanted})
    new = [key for key in wanted if key not in known]
    for first in range(0, len(new), BATCH):
        batch = [
            {"patient_id": patient, "care_unit": wanted[patient, unit, start, end], "type_id": lifecycle.HISTORICAL}
            | {"start": start, "end": end}
            for patient, unit, start, end in new[first : first + BATCH]
        ]
        _write(batch, by=by, at=at)
        progress(min(first + BATCH, len(new)), len(new))
    return Brought(new=len(new), known=len(wanted) - len(new), doubles=len(contacts) - len(wanted))


def _patients(contacts):
    """The locked present patient's id by (kind, number), by any number the patient is known by (PA-03)."""
    by_kind = defaultdict(set)
    for each in contacts:
        by_kind[each.kind].add(each.number)
    found = {}
    for kind, numbers in by_kind.items():
        for row in PatientIdentity.objects.filter(kind=kind, value__in=numbers).values_list("kind", "value", "patient"):
            found[row[0], row[1]] = row[2]
    # A merge that has come between moves its numbers: asked again of those that are locked now (RI-02).
    locked = set(Patient.objects.present().filter(pk__in=set(found.values())).locked().values_list("pk", flat=True))
    return {key: pk for key, pk in found.items() if pk in locked}


def _known(patient_ids):
    rows = Encounter.objects.filter(type_id=lifecycle.HISTORICAL, patient__in=patient_ids)
    return set(rows.values_list("patient", "care_unit", "start", "end"))


def _write(rows, *, by, at):
    """Contacts and the first line of each one's history. Today's relations and payer are nothing of the past's, and are
    not copied."""
    written = Encounter.objects.bulk_create(
        [Encounter(status=Status.ENDED, created_by=by, **row) for row in rows], batch_size=BATCH
    )
    EncounterHistory.objects.bulk_create(
        [
            EncounterHistory(
                encounter=row,
                move=Move.CREATE,
                target=Status.ENDED,
                type_after=lifecycle.HISTORICAL,
                by=by,
                at=minute(at),
            )
            for row in written
        ],
        batch_size=BATCH,
    )
    return written
