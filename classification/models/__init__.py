from .catalogue import Code, CodeLevel, CodeMark, CodeRelease, CodeSynonym, CodeSystem, CodeWord, ReleaseState, System
from .coding import (
    CodedDiagnosis,
    CodedExternalCause,
    CodedProcedure,
    CodedSubstance,
    CodingHistory,
    CodingMove,
    EncounterCoding,
)

__all__ = [
    "Code",
    "CodeLevel",
    "CodeMark",
    "CodeRelease",
    "CodeSynonym",
    "CodeSystem",
    "CodeWord",
    "CodedDiagnosis",
    "CodedExternalCause",
    "CodedProcedure",
    "CodedSubstance",
    "CodingHistory",
    "CodingMove",
    "EncounterCoding",
    "ReleaseState",
    "System",
]
