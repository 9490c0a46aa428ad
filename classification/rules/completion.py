"""When a contact may be coded and its coding be klar (KL-01, KL-06, VH-20). Pure."""

from registration.lifecycle import CONTACT_WITHOUT_VISIT, NOT_REPORTED, CheckOut, Status
from sdv.common.errors import RuleError

from .checks import Severity

# A code that no release holds cannot be saved, whatever else there is to say.
_UNSAVEABLE = {"unknown_code", "wrong_shape"}


def refusal(encounter_type, status):
    """Why the contact may not be coded now, or None. `encounter_type` is a row of vardhandelsetyper.csv."""
    if encounter_type.code in NOT_REPORTED:
        return RuleError("VH-20", f"{encounter_type.name} klassificeras inte. Klassificera den kontakt som ägde rum.")
    if Status(status) in (Status.CHECKED_OUT, Status.ENDED):
        return None
    instead = (
        "Skriv ut patienten först."
        if encounter_type.check_out == CheckOut.NOT_APPLICABLE
        else "Checka ut besöket först."
    )
    return RuleError(
        "KL-01", f"Koder skrivs in från utcheckningen; kontakten är {Status(status).label.lower()}. {instead}"
    )


def completion_refusal(status, found):
    """Why the coding may not be marked klar, or None (KL-01, KL-06)."""
    if Status(status) != Status.ENDED:
        return RuleError(
            "KL-01",
            "Klassificeringen kan göras klar när vårdhändelsen har ett slut. Spara koderna och gör klart efteråt.",
            code="not_ended",
        )
    errors = [finding for finding in found if finding.severity == Severity.ERROR]
    if errors:
        return RuleError(
            "KL-06",
            f"Klassificeringen kan inte göras klar: {errors[0].detail}" + _and_more(errors),
            code="coding_errors",
        )
    return None


def _and_more(errors):
    return f" ({len(errors)} fel ska rättas.)" if len(errors) > 1 else ""


def unknown_refusal(found):
    """A code that no release holds cannot be saved; here is the refusal, or None (KL-05)."""
    unknown = next((finding for finding in found if finding.code in _UNSAVEABLE), None)
    return RuleError("KL-05", unknown.detail, code="unknown_code") if unknown else None


def requires_main_diagnosis(contact):
    """KL-01: contacts that are a visit or replace one are coded by all; letters, certificates and the like need not."""
    return contact.encounter_type != CONTACT_WITHOUT_VISIT or bool(contact.replaces_visit)
