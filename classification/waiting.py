"""The contacts that wait to be coded, and who has them: per unit, by age, by person (KL-01)."""

from django.db.models import Exists, OuterRef, Q, Subquery

from classification.models import CodingHistory, CodingMove
from registration.models import EncounterParticipant


def with_coder(rows):
    """Encounters with `coder_name` and `coder_key`: who saved codes last. None where nobody has begun; an undo or an
    opening is no coding of its own."""
    saves = CodingHistory.objects.filter(coding__encounter=OuterRef("pk"), move=CodingMove.SAVE).order_by("-id")
    return rows.annotate(
        coder_key=Subquery(saves.values("by")[:1]),
        coder_name=Subquery(saves.values("by__name")[:1]),
    )


def mine(rows, user):
    """Of encounters with their coder, those that the user has begun, and those that the user took part in: all who
    took part may code (KL-01, BO-02)."""
    took_part = EncounterParticipant.objects.filter(encounter=OuterRef("pk"), practitioner__user=user)
    return rows.filter(Q(coder_key=user.pk) | Exists(took_part))
