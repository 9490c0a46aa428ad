"""What may be done with a patient's relations, and when a child's guardians leave (RE-01…03). Pure: no database, no
clock."""

from calendar import monthrange
from datetime import date

from registration.models import RelationKind
from sdv.common.errors import RuleError
from sdv.common.time import age

COMING_OF_AGE = 18
# All that users may change on a guardian; the rest comes from PU (RE-01).
EDITABLE_ON_GUARDIANS = frozenset({"phone", "interpreter_language", "gets_letter_copy"})
EDITABLE_ON_CONTACTS = EDITABLE_ON_GUARDIANS | {"name", "relation", "valid_from", "valid_to"}


def is_of_age(birth_date, birth_date_partial, on):
    """Whether a person has turned 18 on the day. Born 29 February: on 1 March in other years. Where the register does
    not know the day, the last one possible is meant: a guardian too long is mended by PU, a child without one is not."""
    born = birth_date or last_day(birth_date_partial)
    return born is not None and age(born, on) >= COMING_OF_AGE


def last_day(partial):
    """The last day of a year, or of a year and month, as the register writes them; None for nothing."""
    if not partial:
        return None
    year, _, month = partial.partition("-")
    year, month = int(year), int(month or 12)
    return date(year, month, monthrange(year, month)[1])


def change_refusal(kind, fields, *, is_protected=False):
    """Why the fields of a relation may not be changed, or None."""
    if is_protected:
        return RuleError(
            "SK-02",
            "Personen har skyddade personuppgifter: uppgifterna visas inte och kan inte ändras här.",
            code="protected",
        )
    if kind == RelationKind.GUARDIAN and set(fields) - EDITABLE_ON_GUARDIANS:
        return RuleError(
            "RE-01",
            "Vårdnadshavare kommer från folkbokföringen. Här kan bara telefon, tolkbehov och kopia av kallelse ändras.",
            code="locked_field",
        )
    return None


def removal_refusal(kind):
    """Why a relation may not be removed by a user, or None."""
    if kind == RelationKind.GUARDIAN:
        return RuleError(
            "RE-01",
            "Vårdnadshavare kommer från folkbokföringen och kan inte tas bort här."
            " Är uppgiften fel rättas den hos Skatteverket.",
            code="locked_field",
        )
    return None
