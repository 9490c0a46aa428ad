"""A person's favourites among the codes: kept by code, so that they follow from release to release."""

from django.db import transaction

from classification.judging import resolved
from classification.models import FavouriteCode
from sdv.common.errors import RuleError
from sdv.common.time import local_date


@transaction.atomic
def add_favourite(*, system, code, by, at):
    """Makes the code one of the person's favourites; once more changes nothing."""
    if (system, code) not in resolved([(system, code)], local_date(at)):
        raise RuleError("KL-05", f"Koden {code} finns inte. Sök fram rätt kod.", code="unknown_code")
    FavouriteCode.objects.get_or_create(user=by, care_unit=None, system_id=system, code=code)


@transaction.atomic
def remove_favourite(*, system, code, by, at):
    """Takes the code away from the person's favourites; one that is none changes nothing."""
    FavouriteCode.objects.filter(user=by, system_id=system, code=code).delete()
