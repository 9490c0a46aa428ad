"""The contact that a booked consult points to (VH-10, BO-02); one that begins without a booking: see alongside."""

from django.db.models import F

from registration import consults
from registration.lifecycle import Status
from registration.models import Encounter


def engaged_by(patient, during_id, *, care_unit_id, visit_type, start):
    """The patient's contact at another unit that a consult visit is booked for, or the refusal. Not locked:
    one that ends in the same moment leaves a consult of ended care, which arrival judges (registration.consults)."""
    if refused := consults.visit_refusal(visit_type):
        raise refused
    found = Encounter.objects.filter(pk=during_id, patient=patient).first()
    if found is None:
        raise consults.nothing_ongoing()
    if refused := consults.refusal(found, care_unit_id=care_unit_id, start=start):
        raise refused
    return found


def follow(before, after):
    """The care goes on in a new vårdhändelse (VH-01): what is booked for it goes along."""
    Encounter.objects.filter(during=before, status=Status.PLANNED).update(during=after, version=F("version") + 1)
