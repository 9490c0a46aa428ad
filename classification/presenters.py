"""Codes, codings and findings in the words of the API and the pages."""

from classification.importing.rows import dotted
from classification.models import System


def code(row):
    """A code: {"code", "text", "system"} as the contract has catalogue values, and how it is written (F41.1)."""
    return {"code": row.code, "display": row.display, "text": row.title, "system": row.system_id}


def search_hit(row):
    """A code in a search result: with what a person must know before choosing it."""
    return code(row) | {
        "level": row.level,
        "is_registrable": row.is_registrable,
        "may_be_main": row.may_be_main,
        "is_external_cause": row.is_external_cause,
        "mark": row.mark,
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "matched_term": getattr(row, "matched_term", ""),
    }


def one_code(row, *, parents, children, relations):
    """A code by itself: where it stands, what the official text says, what it refers to, and its release."""
    return search_hit(row) | {
        "chapter": row.chapter,
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "parents": [code(parent) for parent in parents],
        "children": [code(child) | {"is_registrable": child.is_registrable} for child in children],
        "relations": [{"kind": relation.kind, "target": relation.target} for relation in relations],
        "texts": row.texts,
        "release": release(row.release),
    }


def release(row):
    """A release with its days and what is to be known about it (KL-05)."""
    return {
        "version": row.version,
        "valid_from": row.valid_from.isoformat(),
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "source": row.source,
        "remark": row.remark,
    }


def chosen(row):
    """A chosen code: its title is the one it had when it was chosen."""
    return code(row.code) | {"text": row.title}


def finding(found):
    """A finding as the contract has it, with the code that it concerns."""
    return {
        "severity": str(found.severity),
        "code": found.code,
        "rule": found.rule,
        "detail": found.detail,
        "about": found.about,
        "check": found.check,
        "evidence": str(found.evidence),
        "source": found.source,
    }


def coding(saved):
    """The coding of an encounter, as GET and PUT answer it. The first diagnosis is the main one."""
    row = saved.coding
    empty = not row.version
    return {
        "encounter": str(row.encounter_id),
        "version": row.version,
        "complete": row.is_complete,
        "completed_at": row.completed_at,
        "completed_by": row.completed_by.name if row.completed_by else None,
        "diagnoses": []
        if empty
        else [
            chosen(diagnosis)
            | {
                "external_causes": [chosen(cause) for cause in diagnosis.external_causes.all()],
                "atc": [chosen(substance) for substance in diagnosis.atc.all()],
            }
            for diagnosis in row.diagnoses.all()
        ],
        "procedures": []
        if empty
        else [
            chosen(procedure)
            | {"date": procedure.date, "atc": [chosen(substance) for substance in procedure.atc.all()]}
            for procedure in row.procedures.all()
        ],
        "atc": [] if empty else [chosen(substance) for substance in row.atc.all()],
        "findings": [finding(found) for found in saved.findings],
    }


def history(row):
    """A change of the coding, for the encounter's timeline: who, when, and which codes came and went (VH-21)."""
    before, after = _codes(row.before), _codes(row.after)
    return {
        "move": row.move,
        "text": row.get_move_display(),
        "by": row.by.name,
        "at": row.at,
        "added": [shown for shown in after if shown not in before],
        "removed": [shown for shown in before if shown not in after],
        "complete": row.after["complete"],
        "main": _main_changed(row.before, row.after),
    }


def _main_changed(before, after):
    """Which huvuddiagnos took the place of which, where both stand: an order alone adds and removes nothing."""
    first, then = (kept["diagnoses"][:1] for kept in (before, after))
    if not first or not then or first[0]["code"] == then[0]["code"]:
        return ""
    return f"{_written(first[0])} → {_written(then[0])}"


def _codes(kept):
    shown = []
    for row in (*kept["diagnoses"], *kept["procedures"], *kept["atc"]):
        below = (*row.get("external_causes", ()), *row.get("atc", ()))
        shown += [f"{_written(each)} {each['title']}" for each in (row, *below)]
    return shown


def _written(row):
    """A kept code as it is written: F41.1."""
    return dotted(row["code"]) if row["system"] == System.ICD_10_SE else row["code"]
