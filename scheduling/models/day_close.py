"""Stängd dag: a person has gone through the unit's day and closed it (PL-04)."""

from django.db import models
from django.db.models.functions import Now

from sdv.accounts.models import User
from sdv.common.models import Row, change_log
from sdv.organisation.models import CareUnit


class DayClose(Row):
    """The day of a unit is closed. What was left is counted as it stood, and stays in its own lists."""

    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="day_closes", verbose_name="vårdenhet")
    day = models.DateField("dag")
    closed_at = models.DateTimeField("stängd")
    closed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="av", db_index=False)
    left = models.JSONField("kvar när dagen stängdes", default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "stängd dag"
        verbose_name_plural = "stängda dagar"
        triggers = change_log()
        constraints = [models.UniqueConstraint(fields=["care_unit", "day"], name="day_closed_once")]
