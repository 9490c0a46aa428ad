"""What may be shown of scheduling's own texts about patients. Of the patient itself, registration.presenters decides."""

from dataclasses import dataclass

HIDDEN = "Visas inte: skyddade personuppgifter"


@dataclass(frozen=True)
class ShownLetter:
    """A letter's texts, byte for byte; none of a protected person's (KA-05, SK-05)."""

    recipient: str
    heading: str
    body: str
    reason: str
    is_hidden: bool


def shown_letter(letter):
    """Load the patient with it."""
    if letter.patient.is_protected:
        return ShownLetter("", HIDDEN, "", "", is_hidden=True)
    return ShownLetter(letter.recipient, letter.heading, letter.body, letter.reason, is_hidden=False)
