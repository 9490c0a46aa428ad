"""Imports of code lists (KL-05): read and compared first, let into effect by somebody who has seen what changes.

The same acts serve the administration and the command."""

import gzip
import hashlib

from django.db import transaction

from classification import starter
from classification.importing import formats, synonyms
from classification.importing.errors import CatalogueError
from classification.importing.files import SourceFile
from classification.models import CodeImport, CodeImportFile, ImportState, System
from sdv.common.errors import RuleError

from .releases import ReleaseFacts, lock_system, planned, record, take_effect


@transaction.atomic
def preview(*, facts, files, synonym_files=(), by, at):
    """Reads and compares, keeps the files and what was found. No code changes."""
    lock_system(facts.system)
    plan, listed = _plan(facts, files, synonym_files)
    found = record(plan, format=listed.format, by=by, at=at)
    for file, is_synonyms in [*((file, False) for file in files), *((file, True) for file in synonym_files)]:
        CodeImportFile.objects.create(
            code_import=found,
            name=file.name[:200],
            is_synonyms=is_synonyms,
            sha256=hashlib.sha256(file.content).hexdigest(),
            size=len(file.content),
            content=gzip.compress(file.content, 6),
        )
    return found


@transaction.atomic
def confirm(*, import_id, by, at, progress=None):
    """Lets a previewed import take effect, when what it changes is still what was seen."""
    found = _locked(import_id)
    if found.state != ImportState.PREVIEWED:
        raise _decided(found)
    files = {True: [], False: []}
    for kept in found.files.all():
        files[kept.is_synonyms].append(SourceFile(kept.name, gzip.decompress(bytes(kept.content))))
    facts = ReleaseFacts(found.system_id, found.version, found.valid_from, found.source, found.valid_to)
    plan, _ = _plan(facts, files[False], files[True])
    if plan.comparison.fingerprint != found.fingerprint:
        raise RuleError(
            "KL-05",
            "Kodsystemet har ändrats sedan förhandsgranskningen, så det du såg gäller inte längre. Förkasta inläsningen"
            " och läs in filen igen.",
            code="preview_out_of_date",
        )
    loaded = take_effect(plan, at=at, derived=starter.derived(), progress=progress)
    _decide(found, ImportState.IN_EFFECT, by, at, loaded.release)
    return loaded


@transaction.atomic
def discard(*, import_id, by, at):
    """Lets go of a previewed import. No code has changed."""
    found = _locked(import_id)
    if found.state != ImportState.PREVIEWED:
        raise _decided(found)
    _decide(found, ImportState.DISCARDED, by, at, None)
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


def _decide(found, state, by, at, release):
    found.state, found.decided_by, found.decided_at, found.release = state, by, at, release
    found.save(update_fields=["state", "decided_by", "decided_at", "release"])
    # The files have done their work; their names and checksums stay.
    found.files.update(content=None)
