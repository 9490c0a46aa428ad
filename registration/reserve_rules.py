"""When a new reserve identity may be made, and why not (RI-01, RI-03). Pure: no database, no request, no clock."""

from datetime import timedelta
from typing import NamedTuple

from registration.identities import PERSONNUMMER, SAMORDNINGSNUMMER
from registration.names import fold
from sdv.common.errors import InputError, RuleError
from sdv.common.time import elapsed

# A search older than this says too little of what is known now.
LASTS = timedelta(minutes=30)
SEARCH_AGAIN = "Sök på personnummer eller reservnummer, för- och efternamn med födelsedatum, LMA- och passnummer"
NEVER_REASONS = ("skydd", "sekretess", "fingera")


class Decision(NamedTuple):
    """The verksamhetschef's decision that a person with a personnummer gets a reserve number (RI-03)."""

    decided_by: str
    decided_on: object
    reason: str


def search_refusal(search, *, fingerprint, by_id, at):
    """Why the search does not let a reserve identity be made, or None (RI-01)."""
    if search is None or search.by_id != by_id:
        return RuleError(
            "RI-01", f"En ny reservidentitet skapas efter en egen sökning. {SEARCH_AGAIN}.", code="search_missing"
        )
    if search.patient_id is not None:
        return RuleError("RI-01", "Reservidentiteten är redan skapad efter sökningen.", code="already_done")
    if elapsed(search.at, at) > LASTS:
        return RuleError("RI-01", "Sökningen är äldre än en halvtimme. Sök igen före du skapar.", code="search_old")
    if search.fingerprint != fingerprint:
        return RuleError(
            "RI-01", "Uppgifterna är ändrade sedan sökningen. Sök igen med det som står nu.", code="search_differs"
        )
    if search.has_certain_match:
        return RuleError(
            "RI-01",
            "Sökningen gav en säker träff: någon har redan numret. Öppna den patienten i stället.",
            code="certain_match",
        )
    return None


def person_refusal(*, identity_kind, has_personnummer, decision):
    """Why the person may not get a reserve number, or None (RI-03). `identity_kind` is that of a typed whole number."""
    needs_decision = has_personnummer or identity_kind in (PERSONNUMMER, SAMORDNINGSNUMMER)
    if not needs_decision:
        return None
    if decision is None:
        return RuleError(
            "RI-03",
            "Den som har personnummer eller samordningsnummer registreras på det. Ett reservnummer kräver beslut av"
            " verksamhetschefen: vem, när och varför.",
            code="decision_missing",
        )
    return None


def decision_refusal(decision, *, today):
    """What is wrong with a decision, or None (RI-03). Protection is never a reason."""
    wrong = {}
    if not decision.decided_by.strip():
        wrong["decided_by"] = "Ange verksamhetschefen som beslutat."
    if decision.decided_on is None:
        wrong["decided_on"] = "Ange datum för beslutet."
    elif decision.decided_on > today:
        wrong["decided_on"] = "Datumet kan inte ligga i framtiden."
    if not decision.reason.strip():
        wrong["reason"] = "Ange skälet till beslutet."
    if wrong:
        return InputError(**wrong)
    if any(word in fold(decision.reason) for word in NEVER_REASONS):
        return RuleError(
            "RI-03",
            "Skyddade personuppgifter är aldrig skäl till reservnummer: skyddet följer personnumret. Registrera"
            " patienten på personnumret.",
            code="never_for_protection",
        )
    return None
