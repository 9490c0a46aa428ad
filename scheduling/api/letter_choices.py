"""What is chosen of a letter that is built of the catalogue's texts, in every body that may write one (KA-01)."""

from registration.api.coded import AddOnCode
from scheduling.models import LetterLanguage
from scheduling.models.letter import OWN_TEXT_LENGTH
from sdv.common.api_fields import Choice, Fields, Id, Listed, Text
from sdv.common.errors import InputError


class LetterChoicesBody(Fields):
    """What the letter is to say beside the catalogue's texts, and what goes with it."""

    own_text = Text(max_length=OWN_TEXT_LENGTH, allow_blank=True, required=False)
    language = Choice(
        choices=LetterLanguage.values, required=False, help_text="Utan fältet: som patientens senaste brev."
    )
    attachments = Listed(Id(), max_length=10, required=False, help_text="Ur letter-attachments/.")
    add_ons = Listed(
        AddOnCode(), max_length=20, required=False, help_text="Kontaktens tillval (KA-02). Utan fältet: som de är."
    )


def choices_of(asked):
    """The choices as the actions take them."""
    found = {name: asked[name] for name in ("own_text", "language") if name in asked}
    if "add_ons" in asked:
        found["add_on_ids"] = [row.pk for row in asked["add_ons"]]
    return found | {"attachment_ids": asked.get("attachments", ())}


def letter_wish(asked, *, otherwise=False):
    """Whether the letter is asked for, and what is chosen of it. Choices of a letter that is not written are refused: what
    was meant would be lost."""
    wanted = asked.get("letter", otherwise)
    chosen = asked.get("letter_choices")
    if chosen is not None and wanted is False:
        raise InputError(letter_choices="Inget brev skrivs. Skicka letter: true, eller utelämna valen.")
    return {"letter": wanted, "letter_choices": None if chosen is None else choices_of(chosen)}
