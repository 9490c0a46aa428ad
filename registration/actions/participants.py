"""Who takes part in a contact that has begun (BO-02): the main responsible, and others who assess or treat on their own.
Who is booked takes part in a booking, until the visit begins."""

from django.db import transaction

from registration import lifecycle, participation
from registration.encounter_types import TYPES
from registration.lifecycle import Move, Status
from registration.models import EncounterParticipant
from sdv.common.time import minute
from sdv.outbox import messages

from .encounters import lock, move, told_who

LONGEST_REASON = 300


@transaction.atomic
def register(*, encounter_id, main, by, at, others=(), version=None):
    """The people of the contact are these: `main` is responsible for it, or None where nobody is named any more. Each is
    noted with the profession of today. Also after the end (VH-21): what was told to others is told again."""
    encounter = lock(encounter_id, version=version)
    if refused := lifecycle.refusal(TYPES[encounter.type_id], encounter.status, Move.PARTICIPANTS):
        raise told_who(refused, encounter)
    if said := write(encounter, main, others):
        move(encounter, Move.PARTICIPANTS, by=by, at=minute(at), reason=said[:LONGEST_REASON])
        if encounter.status == Status.ENDED and lifecycle.is_reported(encounter.type_id, encounter.contact_form):
            messages.encounter_changed(encounter)
    return encounter


def begin_with(encounter, main):
    """Inner write: who the contact that begins is registered on, where anybody is met."""
    if refused := lifecycle.refusal(TYPES[encounter.type_id], encounter.status, Move.PARTICIPANTS):
        raise refused
    write(encounter, main)


def write(encounter, main, others=()):
    """Inner write on a locked encounter: the rows become these people, and what changed is answered in words."""
    others = list(others)
    if refused := participation.refusal(main, others):
        raise refused
    rows = list(encounter.participants.select_related("practitioner").order_by("-is_main_responsible", "id"))
    people = [main, *others] if main is not None else []
    kept = {row.practitioner: row for row in rows}
    main_before = next((row.practitioner for row in rows if row.is_main_responsible), None)
    said = participation.changes(list(kept), people, main_before=main_before, main_after=main)
    if not said:
        return said
    encounter.participants.exclude(practitioner__in=people).delete()
    if main_before != main:
        encounter.participants.filter(is_main_responsible=True).update(is_main_responsible=False)
    for person in people:
        if person not in kept:
            EncounterParticipant.objects.create(
                encounter=encounter,
                practitioner=person,
                profession_id=person.profession_id,
                is_main_responsible=person == main,
            )
    if main in kept:
        encounter.participants.filter(practitioner=main).update(is_main_responsible=True)
    return said
