"""Whether an interpreter was used at a contact: it gives the derived code ZV020 (KL-04), so it can be put right."""

from django.db import transaction

from registration import lifecycle
from registration.encounter_types import TYPES
from registration.lifecycle import Move, Status
from sdv.common.time import minute
from sdv.outbox import messages

from .encounters import lock, move, told_who


@transaction.atomic
def register(*, encounter_id, used, by, at, version=None):
    """An interpreter was used at the contact, or was not, whatever was said when it began. Also after the end (VH-21):
    what was told to others is told again. Raises RuleError (KL-04, VH-24), StaleVersion."""
    encounter = lock(encounter_id, version=version)
    if refused := lifecycle.refusal(TYPES[encounter.type_id], encounter.status, Move.INTERPRETER):
        raise told_who(refused, encounter)
    if encounter.interpreter_used == used:
        return encounter
    encounter.interpreter_used = used
    encounter.save(update_fields=["interpreter_used"])
    move(encounter, Move.INTERPRETER, by=by, at=minute(at), reason="tolk användes" if used else "ingen tolk användes")
    if encounter.status == Status.ENDED and lifecycle.is_reported(encounter.type_id, encounter.contact_form):
        messages.encounter_changed(encounter)
    return encounter
