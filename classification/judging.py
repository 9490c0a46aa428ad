"""Reads what the rules need to judge a coding: the codes as their releases have them, and the contact's facts."""

import re
from dataclasses import replace

from django.db.models import Case, Q, Value, When

from classification import rules
from classification.models import BlockedCode, CheckSetting, Code, CodeRelease, ReleaseState, Weight
from registration.encounter_types import TYPES
from sdv.common.time import age, local_date

# What a person may type between the characters of a code, and what no database text may hold.
_NOT_IN_CODES = re.compile(r"[\s.\x00]+")


def normalise(code):
    """A code as it is stored: without dot and space, in upper case."""
    return _NOT_IN_CODES.sub("", str(code)).upper()


def coding_date(encounter):
    """The day whose releases count (KL-05): the contact's end, before it has one its start."""
    return local_date(encounter.end or encounter.start)


def contact_of(encounter):
    """The facts about the contact that the rules ask for. The encounter's patient is read."""
    on = coding_date(encounter)
    born = encounter.patient.birth_date
    return rules.Contact(
        encounter_type=encounter.type_id,
        encounter_class=TYPES[encounter.type_id].class_code,
        coding_date=on,
        replaces_visit=encounter.replaces_visit,
        patient_sex=encounter.patient.sex,
        patient_age=age(born, on) if born else None,
        interpreter_used=encounter.interpreter_used,
        has_note=_has_note(encounter),
        care_unit=str(encounter.care_unit_id),
        treatment_form=_treatment_form(encounter),
        first_day=local_date(encounter.start),
    )


def _has_note(encounter):
    """Asked for each contact, unless many were read at once with the answer."""
    known = getattr(encounter, "has_note", None)
    return encounter.documents.filter(removed_at__isnull=True).exists() if known is None else known


def _treatment_form(encounter):
    """PS-01: the problem of a vårdåtagande in psychotherapy is the form of treatment."""
    if encounter.commitment_id is None:
        return ""
    problem = encounter.commitment.problem_code.name
    return problem if problem in rules.TREATMENTS else ""


def region_on(day):
    """What the region had decided for contacts that ended on the day (KL-06)."""
    settings = list(CheckSetting.objects.valid_on(day))
    return rules.Region(
        weights={
            each.check_id: None if each.weight == Weight.OFF else rules.Severity(each.weight) for each in settings
        },
        most_codes=next((each.most for each in settings if each.check_id == "R30" and each.weight != Weight.OFF), None),
        blocked=tuple(
            rules.Blocked(
                pattern=row.pattern,
                kind=row.kind,
                severity=row.severity,
                text=row.text,
                source=row.source,
                role=row.role,
                care_form=row.care_form,
                care_unit=str(row.care_unit_id or ""),
                other_pattern=row.other_pattern,
            )
            for row in BlockedCode.objects.valid_on(day)
        ),
    )


def resolved(wanted, on):
    """The code of each (system, code) in `wanted`, as the release valid on the day has it. One that only other
    releases hold is taken from the latest of them and has `is_valid` False; one that none holds is missing."""
    if not wanted:
        return {}
    asked = Q()
    for system, code in sorted(set(wanted)):
        asked |= Q(system=system, code=code)
    valid = Q(release__in=CodeRelease.objects.ready_on(on).values("pk"))
    valid &= Q(valid_from__isnull=True) | Q(valid_from__lte=on)
    valid &= Q(valid_to__isnull=True) | Q(valid_to__gte=on)
    found = {}
    for code in (
        Code.objects.filter(asked, release__state=ReleaseState.READY)
        .annotate(is_valid=Case(When(valid, then=Value(True)), default=Value(False)))
        .order_by("is_valid", "release__valid_from")
    ):
        found[code.system_id, code.code] = code
    return found


def entry_of(system, code, found, *, external_causes=(), atc=()):
    """The rules' view of one chosen code."""
    known = found.get((system, code))
    if known is None:
        return rules.Entry(system, code, code, is_known=False, external_causes=external_causes, atc=atc)
    return rules.Entry(
        system=system,
        code=code,
        display=known.display,
        is_valid=known.is_valid,
        is_registrable=known.is_registrable,
        is_leaf=known.is_leaf,
        may_be_main=known.may_be_main,
        is_external_cause=known.is_external_cause,
        is_derived=known.is_derived,
        mark=known.mark,
        sex=known.sex,
        external_causes=external_causes,
        atc=atc,
    )


def entries_of(body, found):
    """The rules' view of a whole coding. `body` is the API's PUT with normalised codes."""

    def plain(system, codes):
        return tuple(entry_of(system, code, found) for code in codes)

    return rules.Entries(
        diagnoses=tuple(
            entry_of(
                row["system"],
                row["code"],
                found,
                external_causes=plain(rules.ICD, row["external_causes"]),
                atc=plain(rules.ATC, row["atc"]),
            )
            for row in body["diagnoses"]
        ),
        procedures=tuple(
            replace(entry_of(row["system"], row["code"], found), day=row["date"], atc=plain(rules.ATC, row["atc"]))
            for row in body["procedures"]
        ),
        atc=plain(rules.ATC, body["atc"]),
    )


def wanted_codes(body):
    """Every (system, code) in a coding."""
    for row in body["diagnoses"]:
        yield row["system"], row["code"]
        yield from ((rules.ICD, code) for code in row["external_causes"])
        yield from ((rules.ATC, code) for code in row["atc"])
    for row in body["procedures"]:
        yield row["system"], row["code"]
        yield from ((rules.ATC, code) for code in row["atc"])
    yield from ((rules.ATC, code) for code in body["atc"])


def body_of(diagnoses, procedures, atc):
    """The API's body in one shape: systems filled in, codes normalised, absent parts empty."""

    def codes(values):
        return [normalise(value) for value in values or ()]

    return {
        "diagnoses": [
            {
                "system": row.get("system") or rules.ICD,
                "code": normalise(row["code"]),
                "external_causes": codes(row.get("external_causes")),
                "atc": codes(row.get("atc")),
            }
            for row in diagnoses
        ],
        "procedures": [
            {
                "system": row.get("system") or rules.KVA,
                "code": normalise(row["code"]),
                "date": row.get("date"),
                "atc": codes(row.get("atc")),
            }
            for row in procedures
        ],
        "atc": codes(atc),
    }


def body_of_coding(coding):
    """The stored coding in the same shape."""
    return {
        "diagnoses": [
            {
                "system": row.code.system_id,
                "code": row.code.code,
                "external_causes": [cause.code.code for cause in row.external_causes.all()],
                "atc": [substance.code.code for substance in row.atc.all()],
            }
            for row in coding.diagnoses.all()
        ],
        "procedures": [
            {
                "system": row.code.system_id,
                "code": row.code.code,
                "date": row.date,
                "atc": [substance.code.code for substance in row.atc.all()],
            }
            for row in coding.procedures.all()
        ],
        "atc": [substance.code.code for substance in coding.atc.all()],
    }


def findings_for(encounter, body):
    """The findings on a coding of the encounter, saved or not (KL-06), and the codes found."""
    contact = contact_of(encounter)
    found = resolved(wanted_codes(body), contact.coding_date)
    return rules.findings(entries_of(body, found), contact, region_on(contact.coding_date)), found
