"""Writes the coding of a contact (KL-01…KL-06) with its history (VH-21).

Each action locks the encounter, then its coding. `version` is the coding's own: 0 where there is none yet."""

from typing import NamedTuple

from django.db import transaction
from django.db.models import Prefetch

from classification import rules
from classification.judging import body_of, body_of_coding, findings_for
from classification.models import (
    CodedDiagnosis,
    CodedExternalCause,
    CodedProcedure,
    CodedSubstance,
    CodingMove,
    EncounterCoding,
)
from registration.actions import encounters
from registration.encounter_types import TYPES
from registration.lifecycle import Status
from sdv.common.errors import RuleError
from sdv.common.time import minute
from sdv.common.versions import refuse_stale
from sdv.outbox import messages


class SavedCoding(NamedTuple):
    """The coding as it stands after an action, and what there is to say about it."""

    coding: EncounterCoding
    findings: list


def coding_of(encounter):
    """The encounter's coding with all its rows in few queries, or an unsaved empty one (version 0)."""
    coding = (
        EncounterCoding.objects.filter(encounter=encounter)
        .select_related("completed_by")
        .prefetch_related(
            _chosen("diagnoses", CodedDiagnosis),
            _chosen("diagnoses__external_causes", CodedExternalCause),
            _chosen("diagnoses__atc", CodedSubstance),
            _chosen("procedures", CodedProcedure),
            _chosen("procedures__atc", CodedSubstance),
            _chosen("atc", CodedSubstance),
        )
        .first()
    )
    return coding or EncounterCoding(encounter=encounter, version=0)


def _chosen(path, model):
    return Prefetch(path, model.objects.select_related("code"))


def chosen_titles(coding):
    """{key of a code: the title that it was chosen with}. A title that has changed since in its release changes no coded
    fact, also where the coding is saved again (KL-05)."""
    if not coding.version:
        return {}
    rows = [*coding.diagnoses.all(), *coding.procedures.all(), *coding.atc.all()]
    for diagnosis in coding.diagnoses.all():
        rows += [*diagnosis.external_causes.all(), *diagnosis.atc.all()]
    for procedure in coding.procedures.all():
        rows += procedure.atc.all()
    return {row.code_id: row.title for row in rows}


def read(encounter):
    """The encounter's coding and the findings on it as the catalogue says today."""
    coding = coding_of(encounter)
    found, _ = findings_for(encounter, _body(coding))
    return SavedCoding(coding, found)


@transaction.atomic
def save_coding(*, encounter_id, diagnoses, procedures, atc, complete, by, at, version=None):
    """Replaces the coding of a contact by the codes given; `complete` marks it klar (KL-01, KL-06).

    Refuses what VH-20 does not code, codes before check-out, codes that no release holds, and klar before the end or
    with errors. The same codes once more change nothing and say nothing (PL-27)."""
    encounter, coding = _locked(encounter_id, version)
    if refused := rules.refusal(TYPES[encounter.type_id], encounter.status):
        raise refused
    body = body_of(diagnoses, procedures, atc)
    found, codes = findings_for(encounter, body)
    if refused := rules.unknown_refusal(found):
        raise refused
    if complete and (refused := rules.completion_refusal(encounter.status, found)):
        raise refused
    if coding.version and body == _body(coding) and complete == coding.is_complete:
        return SavedCoding(coding, found)
    after = _snapshot_of_body(body, codes, complete, chosen_titles(coding))
    _write(encounter, coding, after, CodingMove.SAVE, by=by, at=at)
    return SavedCoding(coding_of(encounter), found)


@transaction.atomic
def undo(*, encounter_id, by, at, version=None):
    """Takes back the last save: the codes stand as they did before it (PL-13). Who may do it, and how late, is asked at
    the door. An undo is not undone; save again instead."""
    encounter, coding = _locked(encounter_id, version)
    last = coding.history.order_by("-id").first() if coding.version else None
    if last is None or last.move != CodingMove.SAVE:
        raise RuleError("PL-13", "Det finns ingen sparad klassificering att ångra. Ändra koderna och spara i stället.")
    before = dict(last.before)
    # Klar is a judgement on a contact with an end: it is not brought back to one that has been opened since.
    before["complete"] = before["complete"] and rules.completion_refusal(encounter.status, []) is None
    _write(encounter, coding, before, CodingMove.UNDO, by=by, at=at)
    return read(encounter)


@transaction.atomic
def reopen(*, encounter_id, by, at):
    """The contact has been opened again or annulled: its coding is no longer klar, the codes stay. Does nothing where
    it was not klar."""
    encounter, coding = _locked(encounter_id, None)
    if coding.is_complete:
        after = _snapshot(coding) | {"complete": False}
        _write(encounter, coding, after, CodingMove.REOPEN, by=by, at=at)
    return read(encounter)


# --- Inside ---------------------------------------------------------------------------------------------------


def _locked(encounter_id, version):
    """The encounter and its coding, both locked in that order; the coding is unsaved where there is none."""
    encounter = encounters.lock(encounter_id)
    list(EncounterCoding.objects.filter(encounter=encounter).locked())
    coding = coding_of(encounter)
    refuse_stale(coding, version)
    return encounter, coding


def _body(coding):
    if not coding.version:
        return {"diagnoses": [], "procedures": [], "atc": []}
    return body_of_coding(coding)


def _snapshot(coding):
    """A coding as history keeps it: every code by its key, with the title it was chosen with."""

    def kept(row):
        return {"id": str(row.code_id), "system": row.code.system_id, "code": row.code.code, "title": row.title}

    if not coding.version:
        return {"diagnoses": [], "procedures": [], "atc": [], "complete": False}
    return {
        "diagnoses": [
            kept(row)
            | {
                "external_causes": [kept(cause) for cause in row.external_causes.all()],
                "atc": [kept(substance) for substance in row.atc.all()],
            }
            for row in coding.diagnoses.all()
        ],
        "procedures": [
            kept(row)
            | {
                "date": row.date.isoformat() if row.date else None,
                "atc": [kept(substance) for substance in row.atc.all()],
            }
            for row in coding.procedures.all()
        ],
        "atc": [kept(substance) for substance in coding.atc.all()],
        "complete": coding.is_complete,
    }


def _snapshot_of_body(body, codes, complete, titles):
    """What is asked for, in the same shape. What stood there before keeps its title."""

    def chosen(system, code):
        row = codes[system, code]
        return {"id": str(row.pk), "system": system, "code": code, "title": titles.get(row.pk, row.title)}

    def substances(values):
        return [chosen(rules.ATC, code) for code in values]

    return {
        "diagnoses": [
            chosen(row["system"], row["code"])
            | {
                "external_causes": [chosen(rules.ICD, code) for code in row["external_causes"]],
                "atc": substances(row["atc"]),
            }
            for row in body["diagnoses"]
        ],
        "procedures": [
            chosen(row["system"], row["code"])
            | {"date": row["date"].isoformat() if row["date"] else None, "atc": substances(row["atc"])}
            for row in body["procedures"]
        ],
        "atc": substances(body["atc"]),
        "complete": complete,
    }


def _write(encounter, coding, after, move, *, by, at):
    before = _snapshot(coding)
    complete = after["complete"]
    if complete and not coding.is_complete:
        coding.completed_at, coding.completed_by = minute(at), by
    elif not complete:
        coding.completed_at, coding.completed_by = None, None
    coding.is_complete = complete
    coding.version += 1
    coding.save()
    _replace_rows(coding, after)
    coding.history.create(move=move, before=before, after=after, by=by, at=at)
    if encounter.is_coded != complete:
        encounter.is_coded = complete
        encounter.version += 1
        encounter.save(update_fields=["is_coded", "version"])
    # VH-21: what was klar before or is now has been or is to be told; a draft has not. Who opens the contact again, or
    # annuls it, takes it back as a whole.
    if encounter.status == Status.ENDED and move != CodingMove.REOPEN and (complete or before["complete"]):
        messages.encounter_changed(encounter)


def _replace_rows(coding, after):
    CodedSubstance.objects.filter(coding=coding).delete()
    CodedDiagnosis.objects.filter(coding=coding).delete()
    CodedProcedure.objects.filter(coding=coding).delete()
    diagnoses = CodedDiagnosis.objects.bulk_create(_rows(CodedDiagnosis, after["diagnoses"], coding=coding))
    procedures = CodedProcedure.objects.bulk_create(_rows(CodedProcedure, after["procedures"], coding=coding))
    causes, substances = [], _rows(CodedSubstance, after["atc"], coding=coding)
    for diagnosis, kept in zip(diagnoses, after["diagnoses"], strict=True):
        causes += _rows(CodedExternalCause, kept["external_causes"], diagnosis=diagnosis)
        substances += _rows(CodedSubstance, kept["atc"], diagnosis=diagnosis)
    for procedure, kept in zip(procedures, after["procedures"], strict=True):
        substances += _rows(CodedSubstance, kept["atc"], procedure=procedure)
    CodedExternalCause.objects.bulk_create(causes)
    CodedSubstance.objects.bulk_create(substances)


def _rows(model, kept, **owner):
    rows = []
    for position, row in enumerate(kept, 1):
        dated = {"date": row["date"]} if "date" in row else {}
        rows.append(model(position=position, code_id=row["id"], title=row["title"], **dated, **owner))
    return rows
