"""Places held while a contact goes on (VH-09): one patient at a time, whoever clicks first."""

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from registration import lifecycle
from registration.encounter_types import TYPES
from registration.models import PlaceStay
from sdv.common.errors import InputError, RuleError
from sdv.common.time import minute
from sdv.organisation.models import Place

from .encounters import lock

CONSTRAINT = "one_patient_per_place"


def assign(*, encounter_id, place_id, by, at, version=None):
    """Gives the encounter a place from `at` on; the place it had is left in the same moment. Raises RuleError where
    somebody lies there."""
    try:
        with transaction.atomic():
            return _assign(encounter_id, place_id, minute(at), version)
    except IntegrityError as error:
        if CONSTRAINT not in str(error):
            raise
        raise _occupied(Place.objects.get(pk=place_id)) from None


def _assign(encounter_id, place_id, at, version):
    encounter = lock(encounter_id, version=version)
    if refused := lifecycle.place_refusal(TYPES[encounter.type_id], encounter.status):
        raise refused
    place = Place.objects.locked().holdable().filter(pk=place_id, care_unit_id=encounter.care_unit_id).first()
    if place is None:
        raise InputError(place="Välj en säng eller stol på enheten, eller ett rum som inte har någon.")
    present = encounter.place_stays.filter(period__upper_inf=True).select_related("place").first()
    if present and present.place_id == place.pk:
        return present
    if at < (present.period.lower if present else encounter.start):
        raise RuleError("VH-09", "Platsen kan inte tilldelas före vårdhändelsens eller den förra platsens start.")
    if PlaceStay.objects.filter(place=place, period__overlap=DateTimeTZRange(at, None)).exists():
        raise _occupied(place)
    if present:
        present.period = DateTimeTZRange(present.period.lower, at)
        present.save(update_fields=["period"])
    encounter.version += 1
    encounter.save(update_fields=["version"])
    return PlaceStay.objects.create(encounter=encounter, place=place, period=DateTimeTZRange(at, None))


def _occupied(place):
    return RuleError("VH-09", f"{place.name} har redan en patient. Välj en annan plats.", code="place_taken")
