"""What of a coding an invoice between regions may carry: R29 (KL-07). Pure; the invoice itself is not of this system, and
the export for grouping tells the one who makes it."""

from enum import StrEnum

from registration.lifecycle import INPATIENT, PRIMARY_CARE

from .checks import finding

PSYCHIATRY = "9"


class Carried(StrEnum):
    """Which of the contact's codes go on the invoice."""

    ALL = "alla"
    DIAGNOSES = "diagnoser"
    NOTHING = "inga"


def carried(*, encounter_type, mvo):
    """No codes where the MVO of the unit is psychiatry, no åtgärder from primary care."""
    if mvo.startswith(PSYCHIATRY):
        return Carried.NOTHING
    return Carried.DIAGNOSES if encounter_type == PRIMARY_CARE else Carried.ALL


def invoice_refusal(*, encounter_type, mvo, has_main_diagnosis, is_part_of_stay=False):
    """Why the invoice may not be sent, or None: one of a whole stay has a main diagnosis."""
    if encounter_type != INPATIENT or is_part_of_stay or has_main_diagnosis:
        return None
    if carried(encounter_type=encounter_type, mvo=mvo) == Carried.NOTHING:
        return None
    return finding(
        "R29",
        "invoice_without_main_diagnosis",
        "Fakturan saknar huvuddiagnos. Klassificera vårdtillfället först.",
    )
