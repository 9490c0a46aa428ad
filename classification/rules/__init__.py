"""What software can say about the codes of a contact (KL-06), and when a contact may be coded (KL-01, VH-20). Pure: no
database, no request, no clock.

A finding is an error (blocks "klar"), a warning or a hint. Which checks there are, how hard, and on what ground, stands
in coding_rules.csv; what is unverified never blocks as published. Marks that a code carries in its release (heading, ej
huvuddiagnos, asterisk, sex) are read from the code; what concerns single codes stands in the modules here, by noun."""

from .block_list import block_list_findings
from .catalogue import COMPLETE_EXTERNAL_CAUSE, catalogue_findings
from .checks import CHECKS, Check, Evidence, Finding, Severity, weighed
from .completion import completion_refusal, refusal, requires_main_diagnosis, unknown_refusal
from .diagnoses import diagnosis_findings, main_findings
from .entries import (
    AS_PUBLISHED,
    ATC,
    DIAGNOSIS_SYSTEMS,
    ICD,
    KSH97P,
    KVA,
    PROCEDURE_SYSTEMS,
    REGIONAL,
    SYSTEM_NAMES,
    Blocked,
    Contact,
    Entries,
    Entry,
    Region,
)
from .external_causes import INJURY, external_cause_findings, substance_findings
from .plausibility import plausibility_findings, record_findings
from .procedures import TREATMENTS, procedure_findings

__all__ = [
    "AS_PUBLISHED",
    "ATC",
    "CHECKS",
    "COMPLETE_EXTERNAL_CAUSE",
    "DIAGNOSIS_SYSTEMS",
    "ICD",
    "INJURY",
    "KSH97P",
    "KVA",
    "PROCEDURE_SYSTEMS",
    "REGIONAL",
    "SYSTEM_NAMES",
    "TREATMENTS",
    "Blocked",
    "Check",
    "Contact",
    "Entries",
    "Entry",
    "Evidence",
    "Finding",
    "Region",
    "Severity",
    "completion_refusal",
    "findings",
    "refusal",
    "requires_main_diagnosis",
    "unknown_refusal",
]

_PARTS = (
    catalogue_findings,
    main_findings,
    diagnosis_findings,
    external_cause_findings,
    substance_findings,
    plausibility_findings,
    procedure_findings,
    record_findings,
    block_list_findings,
)


def findings(entries, contact, region=AS_PUBLISHED):
    """Everything there is to say about the codes as the region weighs it, errors first, in a fixed order."""
    found = [said for part in _PARTS for said in part(entries, contact, region)]
    return sorted(weighed(found, region.weights), key=lambda said: list(Severity).index(said.severity))
