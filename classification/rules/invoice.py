"""What of a coding an invoice between regions may carry: R29 (KL-07). Pure; the invoice itself is not of this system."""

from dataclasses import dataclass, replace

from registration.lifecycle import PRIMARY_CARE

from .checks import Finding, finding
from .entries import Entries

PSYCHIATRY = "9"


@dataclass(frozen=True)
class Invoiced:
    """The codes that go on the invoice, and why it may not be sent, if so."""

    codes: Entries
    refusal: Finding | None = None


def for_invoice(entries, contact, *, mvo, is_part_of_stay=False):
    """`mvo` is the code of the unit's medicinska verksamhetsområde; `is_part_of_stay` an invoice for some of its days."""
    if mvo.startswith(PSYCHIATRY):
        return Invoiced(Entries())
    codes = replace(entries, procedures=()) if contact.encounter_type == PRIMARY_CARE else entries
    if contact.encounter_class == "slutenvard" and not is_part_of_stay and codes.main is None:
        detail = "Fakturan saknar huvuddiagnos. Klassificera vårdtillfället först."
        return Invoiced(codes, finding("R29", "invoice_without_main_diagnosis", detail))
    return Invoiced(codes)
