"""Shorthand for tests of merges."""

from registration.models import PatientIdentity
from sdv.flows import merging
from tests.clinic import NOW


def on_reserve_number(patient, value="SE1234567890"):
    """The patient's number becomes a national reserve identity."""
    PatientIdentity.objects.filter(patient=patient, is_primary=True).update(kind="reservid", value=value)
    return patient


def do(old, present, clinic, **fields):
    given = {"reason": "Legitimation visad", "by": clinic.nurse, "at": NOW} | fields
    return merging.merge(source_id=old.pk, target_id=present.pk, **given)


def undo(present, clinic, **fields):
    given = {"reason": "Fel person", "by": clinic.nurse, "at": NOW} | fields
    return merging.undo(target_id=present.pk, **given)
