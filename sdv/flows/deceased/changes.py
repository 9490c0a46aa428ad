"""What the cascade changed, written down so that exactly that can be put back (AV-03)."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from ..models import CascadeChange

REASON = "avliden"


@dataclass(frozen=True)
class NotRestored:
    """Something the undo could not put back: why, in a sentence that says what to do instead, and what may be proposed
    (PL-07): "book" a new time, "admit": plan the inskrivning anew, or nothing."""

    consumer: str
    row_id: UUID
    sentence: str
    proposal: str = ""

    def plain(self):
        """As it is kept with the cascade."""
        return {
            "consumer": self.consumer,
            "row_id": str(self.row_id),
            "sentence": self.sentence,
            "proposal": self.proposal,
        }


def record(cascade, consumer, changes):
    """Writes (row id, before, after) down, in one statement."""
    CascadeChange.objects.bulk_create(
        CascadeChange(cascade=cascade, consumer=consumer, row_id=row_id, before=plain(before), after=plain(after))
        for row_id, before, after in changes
    )


def plain(values):
    """Fields and their values as JSON can hold them."""
    return {field: _plain(value) for field, value in values.items()}


def typed(model, values):
    """The values as the model's fields have them."""
    return {field: _typed(model, field, value) for field, value in values.items()}


def is_as_left(row, after):
    """Whether the row still is as the cascade left it."""
    return all(
        _plain(getattr(row, field)) == value or _is_same_instant(getattr(row, field), value)
        for field, value in after.items()
    )


def _plain(value):
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _typed(model, field, value):
    return value if field.endswith("_id") else model._meta.get_field(field).to_python(value)


def _is_same_instant(value, text):
    return isinstance(value, datetime) and isinstance(text, str) and value == datetime.fromisoformat(text)
