"""What an inpatient stay is made of beside its place: the ward it is at, permission, cleaning of places; and the birth of
a child (VH-09, VH-13, VH-23)."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, Versioned, append_only, change_log
from sdv.organisation.models import Place, Ward

from .encounter import Encounter
from .patient import Patient


def one_at_a_time(name, sentence):
    """An encounter has one such interval at a time."""
    return ExclusionConstraint(
        name=name,
        expressions=[("encounter", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
        violation_error_message=sentence,
    )


class WardStay(Row):
    """A patient's time at a ward of the unit. Open upwards while it goes on; a transfer ends one and begins the next in
    the same minute."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="ward_stays")
    ward = models.ForeignKey(Ward, models.PROTECT, related_name="stays", verbose_name="avdelning", db_index=False)
    period = DateTimeRangeField("tid")

    class Meta:
        verbose_name = "tid på avdelning"
        verbose_name_plural = "tider på avdelning"
        triggers = change_log()
        indexes = [models.Index(fields=["ward"], condition=Q(period__upper_inf=True), name="ward_stay_going_on")]
        constraints = [one_at_a_time("one_ward_at_a_time", "Patienten är redan på en avdelning då (VH-09).")]


class LeaveOfAbsence(Row):
    """Permission: the patient is away and keeps the place. It counts as vårdtid."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="leaves")
    period = DateTimeRangeField("tid")
    expected_back = models.DateTimeField("väntas åter", null=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        verbose_name = "permission"
        verbose_name_plural = "permissioner"
        triggers = change_log()
        constraints = [one_at_a_time("one_leave_at_a_time", "Patienten har redan permission då.")]


class PlaceCleaning(Row):
    """That a place was made ready for the next patient. A place that somebody has left since then is to be cleaned."""

    place = models.ForeignKey(Place, models.PROTECT, related_name="cleanings", verbose_name="plats", db_index=False)
    at = models.DateTimeField("tidpunkt")
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    registered_at = models.DateTimeField("registrerad", db_default=Now())

    class Meta:
        verbose_name = "städning av plats"
        verbose_name_plural = "städningar av platser"
        triggers = [append_only()]
        indexes = [models.Index(fields=["place", "-at"], name="cleaning_by_place")]


class Birth(Versioned):
    """A child's Foster or Nyfödd and its mother (VH-13). `number` is the child's in the order of birth; twins have the
    same mother and two numbers."""

    encounter = models.OneToOneField(Encounter, models.PROTECT, related_name="birth", verbose_name="vårdhändelse")
    mother = models.ForeignKey(Patient, models.PROTECT, related_name="births_given", verbose_name="moder")
    mother_encounter = models.ForeignKey(
        Encounter, models.PROTECT, null=True, related_name="children", verbose_name="moderns vårdhändelse"
    )
    number = models.PositiveSmallIntegerField("barn nummer", default=1)
    born_at = models.DateTimeField("född", null=True)
    registered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "födelse"
        verbose_name_plural = "födelser"
        triggers = change_log(personal=True)
        constraints = [
            models.CheckConstraint(name="birth_number_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="birth_in_whole_minutes",
                condition=Q(born_at__isnull=True)
                | Q(
                    born_at=models.Func(
                        models.Value("minute"),
                        F("born_at"),
                        function="date_trunc",
                        output_field=models.DateTimeField(),
                    )
                ),
                violation_error_message="Registrerade tider är hela minuter.",
            ),
        ]
