"""What may become of a delivery (PAR-01). Pure."""

from sdv.common.errors import RuleError

PREPARED, SENT, DISCARDED = "prepared", "sent", "discarded"


def decision_refusal(state, decided, *, is_verified, reason=""):
    """Why the delivery may not be marked so, or None."""
    if state != PREPARED:
        word = "lämnad" if state == SENT else "kasserad"
        return RuleError(
            "PAR-01", f"Leveransen är redan {word}. Gör en ny om något har ändrats.", code="already_decided"
        )
    if decided == SENT and not is_verified:
        return RuleError(
            "PAR-01",
            "Layouten är inte verifierad: filerna får inte lämnas. Ange föreskriftens layout under Kataloger och gör leveransen på nytt.",
            code="layout_not_verified",
        )
    if decided == DISCARDED and not reason.strip():
        return RuleError("PAR-01", "Ange varför leveransen kasseras.", code="reason_missing")
    return None
