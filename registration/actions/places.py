"""Places held while a contact goes on (VH-09): one patient at a time, whoever clicks first; and cleaned after each."""

from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from registration import lifecycle, stay_rules
from registration.encounter_types import TYPES
from registration.lifecycle import Move
from registration.models import PlaceCleaning, PlaceStay
from sdv.common.errors import InputError, RuleError
from sdv.common.time import minute
from sdv.organisation.models import Place

from . import holdings
from .encounters import lock, move

CONSTRAINT = "one_patient_per_place"
OWN_CONSTRAINTS = ("one_place_at_a_time", "one_ward_at_a_time")


def assign(*, encounter_id, place_id, by, at, version=None):
    """Gives the encounter a place from `at` on; the place it had is left in the same moment, and the place's ward
    becomes the encounter's. Raises RuleError where somebody lies there."""
    with taken_refused(place_id), transaction.atomic():
        return assign_to(lock(encounter_id, version=version), place_id, by=by, at=minute(at))


@contextmanager
def taken_refused(place_id=None):
    """Around the transaction: what the constraints refuse because two pressed at once, in the rule's words (PL-27)."""
    try:
        yield
    except IntegrityError as error:
        if place_id and CONSTRAINT in str(error):
            raise occupied(Place.objects.get(pk=place_id)) from None
        if any(name in str(error) for name in OWN_CONSTRAINTS):
            raise RuleError(
                "VH-09",
                "Patienten har redan en annan plats eller avdelning då. Läs in sidan igen och ange en senare tid.",
                code="before_what_is_known",
            ) from None
        raise


def assign_to(encounter, place_id, *, by, at):
    """`assign` of a locked encounter, inside the caller's transaction."""
    if refused := lifecycle.place_refusal(TYPES[encounter.type_id], encounter.status):
        raise refused
    place = Place.objects.locked().holdable().filter(pk=place_id, care_unit_id=encounter.care_unit_id).first()
    if place is None:
        raise InputError(place="Välj en säng eller stol på enheten, eller ett rum som inte har någon.")
    present = encounter.place_stays.filter(period__upper_inf=True).select_related("place").first()
    if present and present.place_id == place.pk:
        return present
    known = holdings.known_until(encounter.place_stays, encounter.ward_stays)
    if refused := stay_rules.holding_refusal("Platsen", at, start=encounter.start, known_until=known):
        raise refused
    there = PlaceStay.objects.filter(place=place, period__overlap=DateTimeTZRange(at, None)).first()
    if there is not None:
        raise occupied(place)
    if present:
        holdings.close(present, at=at)
    if place.ward_id and encounter.type_id in lifecycle.AT_A_WARD:
        holdings.at_ward(encounter, place.ward, at=at)
    said = f"{present.place.name} till {place.name}" if present else place.name
    move(encounter, Move.PLACE, by=by, at=at, reason=said)
    return PlaceStay.objects.create(encounter=encounter, place=place, period=DateTimeTZRange(at, None))


def occupied(place):
    """The refusal of a place that is held."""
    return RuleError("VH-09", f"{place.name} har redan en patient. Välj en annan plats.", code="place_taken")


@transaction.atomic
def cleaned(*, place_id, by, at):
    """The place is ready for the next patient. A place that somebody lies in is not cleaned for another."""
    place = Place.objects.locked().get(pk=place_id)
    if PlaceStay.objects.filter(place=place, period__upper_inf=True).exists():
        raise RuleError("VH-09", f"{place.name} har en patient. Städningen registreras när platsen är ledig.")
    return PlaceCleaning.objects.create(place=place, by=by, at=minute(at))
