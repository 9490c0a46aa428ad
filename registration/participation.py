"""Who takes part in a contact (BO-02): several professions may, and one of them is main responsible, whom the contact is
registered on. Pure."""

from sdv.common.errors import RuleError


def refusal(main, others):
    """Why these people cannot be the contact's, or None. `main` is None where nobody is main responsible."""
    if others and main is None:
        return RuleError(
            "BO-02",
            "Ange vem som är huvudansvarig: kontakten registreras på en av dem som medverkar.",
            code="main_responsible_missing",
        )
    if main in others or len(set(others)) != len(others):
        return RuleError("BO-02", "Samma person står två gånger. Ange var och en en gång.", code="duplicate")
    return None


def changes(before, after, *, main_before, main_after):
    """What has changed, in words for the history; empty where nothing has. People in their order."""
    told = {
        "tillkom": [person for person in after if person not in before],
        "togs bort": [person for person in before if person not in after],
        "huvudansvarig": [main_after] if main_after is not None and main_after != main_before else [],
    }
    return "; ".join(f"{word} {', '.join(map(str, people))}" for word, people in told.items() if people)
