"""What may be shown of scheduling's own texts about patients. Of the patient itself, registration.presenters decides."""

from dataclasses import dataclass

from registration.presenters import shown_name
from scheduling.letter_composition import when
from scheduling.letter_words import WORDS
from scheduling.models import Delivery, LetterLanguage, LetterPart, LetterStatus

HIDDEN = "Visas inte: skyddade personuppgifter"


@dataclass(frozen=True)
class ShownLetter:
    """A letter's texts, byte for byte; none of a protected person's but what goes by mediation, that has neither name nor
    address (KA-05, SK-05)."""

    recipient: str
    heading: str
    body: str
    reason: str
    stop_reason: str
    is_hidden: bool


def shown_letter(letter):
    """Load the patient and the relation with it."""
    if is_hidden(letter):
        return ShownLetter("", HIDDEN, "", "", "", is_hidden=True)
    return ShownLetter(
        letter.recipient, letter.heading, letter.body, letter.reason, letter.stop_reason, is_hidden=False
    )


def is_hidden(letter):
    """Whether the letter tells who or where a protected person is: one written before the marking."""
    if letter.delivery == Delivery.MEDIATION:
        return False
    return letter.patient.is_protected or _is_to_protected(letter)


def _is_to_protected(letter):
    """Whether the one it is written to has become protected since."""
    return letter.relation_id is not None and letter.relation.is_protected


def fallback_words(letter):
    """Which texts of the letter stand in Swedish because the catalogue has none in its language; empty where none do."""
    parts = letter.parts.get("fallback", ())
    if not parts:
        return ""
    named = ", ".join(LetterPart(part).label for part in parts)
    return f"Finns inte på {WORDS[letter.language].name} och står på svenska: {named}."


@dataclass(frozen=True)
class LetterRow:
    """A letter as a row of a list."""

    letter: object
    to: str
    patient: str
    time: str
    marks: tuple
    why: str

    @property
    def pk(self):
        return self.letter.pk


def _time(letter):
    if letter.open_invitation_id:
        return f"Boka senast {letter.open_invitation.last_day.isoformat()}"
    if letter.booking_request_id:
        return f"Väntar, begärt senast {letter.booking_request.wished_to.isoformat()}"
    if letter.referral_id:
        return f"Remiss {letter.referral.arrival_date.isoformat()}"
    return when(letter.appointment.start) if letter.appointment_id else ""


def letter_row(letter):
    """Load the patient, the relation, the booking and who decided with it."""
    hidden = letter.patient.is_protected or _is_to_protected(letter)
    marks = []
    if letter.delivery == Delivery.MEDIATION:
        marks.append(("guard", "shield", "Förmedling"))
    elif letter.delivery == Delivery.BOTH:
        marks.append(("info", "info", "Också 1177"))
    elif letter.delivery == Delivery.PORTAL:
        marks.append(("info", "info", "1177"))
    if letter.is_copy:
        marks.append(("plain", "copy", "Kopia"))
    if letter.language != LetterLanguage.SWEDISH and not is_hidden(letter):
        marks.append(("plain", "speech", letter.get_language_display()))
    if getattr(letter, "files", 0):
        marks.append(("plain", "copy", "1 bilaga" if letter.files == 1 else f"{letter.files} bilagor"))
    if letter.is_large_print:
        marks.append(("plain", "info", "Stor text"))
    if letter.status == LetterStatus.UNSENT and letter.patient.is_deceased:
        marks.append(("danger", "warn", "Avliden"))
    name = shown_name(letter.patient)
    return LetterRow(
        letter=letter,
        to=name if hidden else (letter.recipient.partition("\n")[0] or name),
        patient=name,
        time=_time(letter),
        marks=tuple(marks),
        # A letter by mediation is blocked by a sentence of ours.
        why="" if is_hidden(letter) else letter.stop_reason,
    )
