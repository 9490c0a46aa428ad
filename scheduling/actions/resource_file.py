"""The resources themselves as a file (BO-01): the whole list of the units it names, known by unit and name. One that is gone
from it gets a last day; whoever is booked with it from then on is told of before anything is saved, and stands in Ombokningar
(PL-02)."""

from dataclasses import dataclass

from django.db import transaction

from scheduling.models import Resource
from sdv.accounts.catalogue_file import CatalogueFile
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.time import local_date

from . import schedules
from .hours_file import told_of, waiting_of


@dataclass(frozen=True)
class ResourceFile(CatalogueFile):
    """Each row that is there is changed through the one action for a tidbok."""

    @property
    def about(self):
        return (
            f"{super().about} En resurs känns igen på vårdenhet och namn: ett annat namn är en annan resurs. Bokade besök som"
            " inte längre ryms hamnar i Ombokningar."
        )

    @transaction.atomic
    def compared(self, text, *, on):
        self._lock_rows(text, on)
        return super().compared(text, on=on)

    @transaction.atomic
    def take_effect(self, *, text, fingerprint, by, at):
        self._lock_rows(text, local_date(at))
        return super().take_effect(text=text, fingerprint=fingerprint, by=by, at=at)

    def _lock_rows(self, text, on):
        """Rows before the table: whoever changes a resource has locked it when it is written."""
        list(Resource.objects.filter(pk__in=_touched(self._compare(text, on))).locked())

    def _write(self, found, *, by, at):
        before = waiting_of(_touched(found))
        super()._write(found, by=by, at=at)
        return told_of(waiting_of(_touched(found)) - before)

    def _save(self, change, *, by, at):
        if change.row._state.adding:
            return super()._save(change, by=by, at=at)
        try:
            with schedules.changing(change.row.pk, by=by, at=at, accept_warnings=("PL-02",)):
                return super()._save(change, by=by, at=at)
        except RuleError as refused:
            raise CatalogueError(refused.sentence) from None


def _touched(found):
    """The resources that are there and that the file changes."""
    return [change.row.pk for change in (*found.ended, *(change for _, change in found.changed))]
