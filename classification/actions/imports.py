"""Imports of code lists (KL-05): read and compared first, let into effect by somebody who has seen what changes.

The same acts serve the administration and the command."""

from django.db import connection, transaction

from classification import starter
from classification.importing import formats, synonyms
from classification.importing.errors import CatalogueError
from classification.importing.files import SourceFile
from classification.models import OPEN_STATES, CodeImport, CodeImportFile, ImportState, System
from sdv.common.errors import RuleError

from . import progress
from .releases import ReleaseFacts, lock_system, planned, record, take_effect


@transaction.atomic
def preview(*, facts, files, synonym_files=(), by, at):
    """Reads and compares, keeps the files and what was found. No code changes."""
    lock_system(facts.system)
    plan, listed = _plan(facts, files, synonym_files)
    found = record(plan, format=listed.format, by=by, at=at)
    for file, is_synonyms in [*((file, False) for file in files), *((file, True) for file in synonym_files)]:
        sha256, content = file.packed()
        CodeImportFile.objects.create(
            code_import=found,
            name=file.name[:200],
            is_synonyms=is_synonyms,
            sha256=sha256,
            size=file.size,
            content=content,
        )
    return found


@transaction.atomic
def order(*, import_id, by, at):
    """Yes to what was seen: the clock's job carries it out. A whole list takes longer than a page should."""
    found = _locked(import_id)
    if found.state != ImportState.PREVIEWED:
        raise _decided(found)
    _change(found, state=ImportState.QUEUED, decided_by=by, decided_at=at)
    return found


@transaction.atomic
def carry_out(*, import_id, at):
    """Lets an import that somebody has said yes to take effect, when what it changes is still what was seen: all or
    nothing. How far it has come is told while it goes on (`progress`). One that is no longer in the queue is left: None."""
    with connection.cursor() as cursor:
        # The clock strikes again while a long list goes on.
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"code import {import_id}"])
        if not cursor.fetchone()[0]:
            return None
    progress.tell(import_id, progress.WAITS, 0, 0)
    found = _locked(import_id)
    if found.state != ImportState.QUEUED:
        return None
    progress.tell(import_id, progress.READS, 0, 0)
    files = {True: [], False: []}
    for kept in found.files.all():
        files[kept.is_synonyms].append(SourceFile.compressed(kept.name, bytes(kept.content), kept.size))
    facts = ReleaseFacts(found.system_id, found.version, found.valid_from, found.source, found.valid_to)
    plan, _ = _plan(facts, files[False], files[True])
    if plan.comparison.fingerprint != found.fingerprint:
        raise RuleError(
            "KL-05",
            "Kodsystemet har ändrats sedan förhandsgranskningen, så det du såg gäller inte längre. Läs in filen igen.",
            code="preview_out_of_date",
        )
    loaded = take_effect(plan, at=at, derived=starter.derived(), progress=lambda *step: progress.tell(import_id, *step))
    _settle(found, ImportState.IN_EFFECT, release=loaded.release)
    return loaded


def carry_out_queued(*, at):
    """What the clock's job does: every import in the queue, the oldest first. Returns (import, what was loaded or the
    sentence that stopped it) of each. A worker that dies leaves its import in the queue."""
    done = []
    for found in CodeImport.objects.filter(state=ImportState.QUEUED).select_related("system").order_by("id"):
        try:
            loaded = carry_out(import_id=found.pk, at=at)
        except (RuleError, CatalogueError) as stopped:
            sentence = getattr(stopped, "sentence", str(stopped))
            _stop(found.pk, sentence)
            done.append((found, sentence))
        else:
            if loaded is not None:
                done.append((found, loaded))
    return done


@transaction.atomic
def _stop(import_id, sentence):
    found = _locked(import_id)
    _settle(found, ImportState.STOPPED, report=found.report | {"stopped": sentence})


@transaction.atomic
def discard(*, import_id, by, at):
    """Lets go of an import that has not taken effect. No code has changed."""
    found = _locked(import_id)
    if found.state not in OPEN_STATES:
        raise _decided(found)
    _settle(found, ImportState.DISCARDED, decided_by=by, decided_at=at)
    return found


@transaction.atomic
def import_now(*, facts, files, synonym_files=(), by, at, progress=None):
    """Reads, compares and lets into effect in one transaction: what the command does. Returns what was done and the
    comparison. The same files once more change nothing and leave no record."""
    lock_system(facts.system)
    plan, listed = _plan(facts, files, synonym_files)
    is_nothing = plan.changes_nothing
    report = plan.report()
    loaded = take_effect(plan, at=at, derived=starter.derived(), progress=progress)
    if not is_nothing:
        record(plan, format=listed.format, by=by, at=at, release=loaded.release)
    return loaded, report


def compared(*, facts, files, synonym_files=()):
    """What the files would change, and nothing kept of it: the command's preview."""
    plan, listed = _plan(facts, files, synonym_files)
    return plan.report() | {"format": listed.format}


# --- Inside -----------------------------------------------------------------------------------------------------------


def _plan(facts, files, synonym_files):
    if facts.valid_to and facts.valid_to < facts.valid_from:
        raise CatalogueError("Sista giltighetsdag kan inte ligga före första.")
    listed = formats.read(facts.system, files)
    terms = [*starter.terms(), *(term for file in synonym_files for term in synonyms.read(file))]
    known_sex = starter.known_sex() if facts.system == System.ICD_10_SE else None
    plan = planned(facts, listed.rows, terms=terms, known_sex=known_sex, remarks=listed.remarks)
    return plan, listed


def _locked(import_id):
    """The import, after its system."""
    system = CodeImport.objects.values_list("system_id", flat=True).get(pk=import_id)
    lock_system(system)
    return CodeImport.objects.filter(pk=import_id).locked().get()


def _decided(found):
    return RuleError(
        "KL-05",
        f"Inläsningen av {found.system.name} {found.version} är redan avgjord: {found.get_state_display()}.",
        code="import_decided",
    ).told(found.decided_by, found.decided_at)


def _settle(found, state, **facts):
    _change(found, state=state, **facts)
    # The files have done their work; their names and checksums stay.
    found.files.update(content=None)


def _change(found, **facts):
    for name, value in facts.items():
        setattr(found, name, value)
    found.save(update_fields=list(facts))
