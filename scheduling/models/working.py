"""How people share a list: who works with a row, and views that are saved (BB-01, PL-27)."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, change_log
from sdv.organisation.models import CareUnit


class RowLockQuerySet(LockingQuerySet):
    def living(self, since):
        """Those taken later than `since`: an older one is forgotten."""
        return self.filter(taken_at__gt=since)


class RowLock(Row):
    """Radlås: who works with a bokningsbegäran. Soft: it tells the others and stops nobody; whoever takes it over is
    named in the change log."""

    booking_request = models.OneToOneField(
        "scheduling.BookingRequest", models.CASCADE, related_name="row_lock", verbose_name="bokningsbegäran"
    )
    user = models.ForeignKey(User, models.CASCADE, related_name="row_locks", verbose_name="arbetar med den")
    taken_at = models.DateTimeField("sedan")
    taken_over_from = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", verbose_name="övertagen från", db_index=False
    )

    objects = RowLockQuerySet.as_manager()

    class Meta:
        verbose_name = "radlås"
        verbose_name_plural = "radlås"
        triggers = change_log()


class SavedViewQuerySet(LockingQuerySet):
    def seen_by(self, user):
        """One's own, and those that others share."""
        return self.filter(Q(user=user) | Q(is_shared=True))


class SavedView(Row):
    """Sparad vy: filters of Bokningsbegäran under a name, one's own or shared with the unit. What could tell who a person
    is is never saved."""

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views", verbose_name="användare")
    care_unit = models.ForeignKey(CareUnit, models.CASCADE, related_name="saved_views", verbose_name="vårdenhet")
    name = models.CharField("namn", max_length=40)
    filters = models.JSONField("filter", default=dict)
    is_shared = models.BooleanField("delad med enheten", default=False)
    is_default = models.BooleanField("förvald", default=False)
    created_at = models.DateTimeField("sparad", db_default=Now())

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = "sparad vy"
        verbose_name_plural = "sparade vyer"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["user", "care_unit", "name"],
                name="saved_view_name_once",
                violation_error_message="Du har redan en vy med det namnet.",
            ),
            models.UniqueConstraint(
                fields=["user", "care_unit"], condition=Q(is_default=True), name="one_default_view_per_user_and_unit"
            ),
            models.CheckConstraint(name="saved_view_has_a_name", condition=~Q(name="")),
        ]


class KeptFilters(Row):
    """The filters of Bokningsbegäran as the user last had them at the unit, from one session to the next (BB-01). What could
    tell who a person is is never kept."""

    user = models.ForeignKey(
        User, models.CASCADE, related_name="kept_filters", verbose_name="användare", db_index=False
    )
    care_unit = models.ForeignKey(
        CareUnit, models.CASCADE, related_name="kept_filters", verbose_name="vårdenhet", db_index=False
    )
    filters = models.JSONField("filter", default=dict)

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "senaste filter"
        verbose_name_plural = "senaste filter"
        triggers = change_log()
        constraints = [models.UniqueConstraint(fields=["user", "care_unit"], name="filters_kept_once")]
