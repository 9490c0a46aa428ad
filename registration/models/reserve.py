"""For those without a personnummer: numbers that one may be searched by, and the decision behind a reserve number."""

from django.db import models
from django.db.models import Q

from registration.protected import locked_when_protected
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, append_only, change_log

from .patient import Patient


class SearchKeyKind(models.TextChoices):
    """Numbers one may be searched by that are no identities (PA-06, RI-01)."""

    LMA = "lma", "LMA-nummer"
    PASSPORT = "passport", "Passnummer"


class PatientSearchKey(Row):
    """An asylum seeker's card or a passport: searched for before a new reserve identity is made (RI-01). `value` is the
    number without spaces and hyphens, in upper case."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="search_keys", verbose_name="patient")
    kind = models.CharField("slag", max_length=10, choices=SearchKeyKind)
    value = models.CharField("nummer", max_length=30)
    country = models.CharField("land", max_length=60, blank=True, default="", db_default="")

    class Meta:
        verbose_name = "söknyckel"
        verbose_name_plural = "söknycklar"
        triggers = [*change_log(personal=True), locked_when_protected()]
        indexes = [models.Index(fields=["value"], name="search_key_by_value")]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "kind", "value"],
                name="search_key_once",
                violation_error_message="Numret finns redan på patienten.",
            ),
            models.CheckConstraint(name="search_key_kind_known", condition=Q(kind__in=SearchKeyKind.values)),
            models.CheckConstraint(name="search_key_normalised", condition=Q(value__regex=r"^[0-9A-Z/]+$")),
        ]


class ReserveDecision(Row):
    """The verksamhetschef's decision that a person who has a personnummer gets a reserve number (RI-03): who, when, why.
    What the personnummer is, is not kept: nothing links the two."""

    patient = models.OneToOneField(Patient, models.PROTECT, related_name="reserve_decision")
    decided_by = models.CharField("beslutad av verksamhetschef", max_length=120)
    decided_on = models.DateField("beslutsdatum")
    reason = models.CharField("skäl", max_length=300)
    registered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    registered_at = models.DateTimeField("registrerad")

    class Meta:
        verbose_name = "beslut om reservnummer"
        verbose_name_plural = "beslut om reservnummer"
        triggers = [append_only()]


class ReserveSearch(Row):
    """A search on the keys of RI-01, kept so that a new reserve identity can name the search it was made after. What was
    sought is kept as a fingerprint only: nobody can be read out of it."""

    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="sökt av")
    at = models.DateTimeField("tidpunkt")
    keys = models.CharField("sökt på", max_length=120)
    fingerprint = models.CharField("avtryck", max_length=64)
    has_certain_match = models.BooleanField("säker träff")
    patient = models.OneToOneField(
        Patient, models.PROTECT, null=True, blank=True, related_name="reserve_search", verbose_name="ledde till"
    )

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "sökning före reservidentitet"
        verbose_name_plural = "sökningar före reservidentitet"
        triggers = change_log(personal=True)
        constraints = [
            models.CheckConstraint(
                name="reserve_identity_after_no_certain_match",
                condition=Q(has_certain_match=False) | Q(patient__isnull=True),
                violation_error_message="En reservidentitet skapas bara efter en sökning utan säker träff (RI-01).",
            )
        ]
