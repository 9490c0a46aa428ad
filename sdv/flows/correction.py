"""Opening an ended vårdhändelse again: the contact and its coding together (PL-13, VH-21)."""

from django.db import transaction

from classification.actions import coding
from registration.actions import encounters


@transaction.atomic
def reopen(*, encounter_id, reason, by, at, version=None):
    """Opens an ended vårdhändelse for correction. Its codes stay but are no longer klar, so that it comes back to the
    coding list when it ends again. Doors call this, not registration's part of it."""
    encounters.reopen(encounter_id=encounter_id, by=by, at=at, reason=reason, version=version)
    coding.reopen(encounter_id=encounter_id, by=by, at=at)
    return encounters.lock(encounter_id)
