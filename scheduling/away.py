"""An absence as units see it: the one that registered it all of it, another unit of the person that he or she is away, and
each how many of its own bookings are to be moved (PL-02). No unit is told more of another's patients than their number."""

from dataclasses import dataclass

from django.db.models import Count

from scheduling.models import Absence, RebookingItem, Resource, ResourceKind
from sdv.organisation.models import CareUnit


@dataclass(frozen=True)
class Seen:
    """An absence to those at some units: who or what is away there (None where the unit is closed), its kind as they are
    told it, and how many are to be moved, as (unit, number) by the unit's name."""

    absence: Absence
    resource: Resource | None
    kind: str
    is_own: bool
    to_rebook: list


def seen(absences, care_units):
    """Each absence, loaded with its resource and unit, as those at the units (ids) see it: two statements, and one more
    where some are another unit's."""
    waiting = RebookingItem.objects.open().filter(absence__in=[row.pk for row in absences])
    counts = {}
    for pk, unit, number in waiting.values_list("absence", "care_unit").annotate(Count("pk")):
        counts.setdefault(pk, {})[unit] = number
    units = _named({unit for each in counts.values() for unit in each})
    here = _persons([row for row in absences if row.care_unit_id not in care_units], care_units)
    found = []
    for row in absences:
        is_own, told = row.care_unit_id in care_units, counts.get(row.pk, {})
        resource = row.resource if is_own else here[row.resource.practitioner_id]
        to_rebook = [(unit, told[unit.pk]) for unit in units if unit.pk in told and (is_own or unit.pk in care_units)]
        found.append(Seen(row, resource, row.kind_at(*care_units), is_own, to_rebook))
    return found


def _persons(elsewhere, care_units):
    """The units' own resources of those who are away by what another unit has registered, by practitioner."""
    if not elsewhere:
        return {}
    rows = Resource.objects.filter(
        kind=ResourceKind.PERSON,
        care_unit__in=care_units,
        practitioner__in={row.resource.practitioner_id for row in elsewhere},
    )
    # Of several the first by name.
    return {row.practitioner_id: row for row in rows.order_by("-name", "-pk")}


def per_unit(bookings):
    """How many of the bookings are whose, as (unit, number) by the unit's name."""
    counts = dict(bookings.order_by().values_list("care_unit").annotate(Count("pk")))
    return [(unit, counts[unit.pk]) for unit in _named(counts)]


def _named(care_units):
    return list(CareUnit.objects.filter(pk__in=care_units).order_by("name", "pk"))
