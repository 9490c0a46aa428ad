"""Resources, their weekly hours, and what is taken of them. Free time is computed from live rows, never stored."""

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, OuterRef, Q

from registration.models import VisitType
from sdv.accounts.models import Practitioner, User
from sdv.common.models import CatalogueQuerySet, LockingQuerySet, Row, change_log, require_days_in_order
from sdv.organisation.models import CareUnit, Place


class ResourceKind(models.TextChoices):
    PERSON = "person", "Person"
    ROOM = "room", "Rum"
    EQUIPMENT = "equipment", "Utrustning"


class Resource(Row):
    """Resurs that can be booked: a practitioner, a room or a piece of equipment of a care unit."""

    class ResourceQuerySet(CatalogueQuerySet, LockingQuerySet):
        def there_from(self, day):
            """Those that have not left by the day: who begins later can be planned for, and has no times before."""
            return self.exclude(valid_to__lt=day)

        def there_within(self, first, last):
            """Those that are there on some day from the first to the last."""
            return self.there_from(first).exclude(valid_from__gt=last)

        def with_persons(self):
            """These and every other resource of the same persons, at whatever unit: a person is one (PL-06). Each knows
            whether it `is_asked` for itself."""
            asked = self.order_by()
            persons = asked.filter(kind=ResourceKind.PERSON).values("practitioner")
            return self.model.objects.annotate(is_asked=Q(pk__in=asked.values("pk"))).filter(
                Q(is_asked=True) | Q(kind=ResourceKind.PERSON, practitioner__in=persons)
            )

        def locked_with_persons(self):
            """These, with their practitioners, locked in the same statement as every other resource of the same persons.
            Whoever takes their time waits in this one queue."""
            rows = self.with_persons().select_related("practitioner")
            return [row for row in rows.locked() if row.is_asked]

        def same_as(self, resource):
            """Those that are the resource that an outer row names in its field `resource`, or the same person at another
            unit."""
            is_person = Q(kind=ResourceKind.PERSON) & Q(kind=OuterRef(f"{resource}__kind"))
            same_person = is_person & Q(practitioner=OuterRef(f"{resource}__practitioner"))
            return self.filter(Q(pk=OuterRef(resource)) | same_person)

    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="resources", verbose_name="vårdenhet")
    kind = models.CharField("slag", max_length=10, choices=ResourceKind)
    name = models.CharField("namn", max_length=120)
    practitioner = models.ForeignKey(
        Practitioner, models.PROTECT, null=True, blank=True, related_name="resources", verbose_name="medarbetare"
    )
    place = models.ForeignKey(
        Place, models.PROTECT, null=True, blank=True, related_name="resources", verbose_name="plats"
    )
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)

    objects = ResourceQuerySet.as_manager()

    class Meta:
        verbose_name = "resurs"
        verbose_name_plural = "resurser"
        ordering = ["name"]
        triggers = [
            *change_log(),
            # What is taken of it is then taken of the other person, or refused.
            pgtrigger.Trigger(
                name="bookings_follow_person",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("practitioner", "kind"),
                func="""
                    UPDATE scheduling_resourcebooking SET resource_id = resource_id WHERE resource_id = NEW.id;
                    RETURN NULL;
                """,
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["care_unit", "name"],
                name="resource_name_once_per_unit",
                violation_error_message="Resursens namn finns redan på vårdenheten.",
            ),
            models.CheckConstraint(name="resource_kind_known", condition=Q(kind__in=ResourceKind.values)),
            models.CheckConstraint(
                name="person_resource_has_a_practitioner",
                condition=~Q(kind="person") | Q(practitioner__isnull=False),
                violation_error_message="En personresurs hör till en medarbetare.",
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def taken_as(self):
        """The key of what is taken with it: the person, who may be a resource of several units, else the thing itself."""
        return self.practitioner_id if self.kind == ResourceKind.PERSON else self.pk

    def clean(self):
        require_days_in_order(self)


class WeeklyHours(Row):
    """Tidbok: when a resource sees patients on a weekday, in slots of a length, for some visit types or all of the
    unit's. Wall-clock times in Stockholm."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="weekly_hours", verbose_name="resurs")
    weekday = models.PositiveSmallIntegerField(
        "veckodag",
        choices=[
            (1, "måndag"),
            (2, "tisdag"),
            (3, "onsdag"),
            (4, "torsdag"),
            (5, "fredag"),
            (6, "lördag"),
            (7, "söndag"),
        ],
    )
    from_time = models.TimeField("från")
    to_time = models.TimeField("till")
    slot_minutes = models.PositiveSmallIntegerField("tidslängd i minuter", default=30)
    visit_types = models.ManyToManyField(VisitType, blank=True, related_name="weekly_hours", verbose_name="besökstyper")
    on_holidays = models.BooleanField("gäller också helgdagar", default=False, db_default=False)
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        verbose_name = "veckotid"
        verbose_name_plural = "veckotider"
        ordering = ["weekday", "from_time"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(name="weekday_known", condition=Q(weekday__gte=1, weekday__lte=7)),
            models.CheckConstraint(
                name="weekly_hours_in_order",
                condition=Q(to_time__gt=F("from_time")),
                violation_error_message="Tiden ska sluta efter att den börjat.",
            ),
            models.CheckConstraint(
                name="slot_length_sensible",
                condition=Q(slot_minutes__gte=5, slot_minutes__lte=600),
                violation_error_message="En tid är mellan 5 och 600 minuter.",
            ),
        ]

    def clean(self):
        require_days_in_order(self)


class BookingState(models.TextChoices):
    HELD = "held", "Hållen"
    BOOKED = "booked", "Bokad"


# The names that the database refuses by, whatever the door (PL-06).
RESOURCE_TAKEN, PERSON_TAKEN = "resource_never_double_booked", "person_never_double_booked"


class ResourceBookingQuerySet(LockingQuerySet):
    def of(self, resources):
        """What is taken of the resources, at this unit or another: of a person all that the person is booked for."""
        keys = {resource.taken_as for resource in resources}
        things = {resource.pk for resource in resources if resource.taken_as == resource.pk}
        return self.filter(Q(practitioner__in=keys - things) | Q(resource__in=things))


class ResourceBooking(Row):
    """One row per taken thing: bookings, holds and offers alike (BO-01). Overbooking is another seat number."""

    resource = models.ForeignKey(Resource, models.PROTECT, related_name="bookings", db_index=False)
    # Whose time it is, where the resource is a person: set by the database, whatever the door.
    practitioner = models.ForeignKey(
        Practitioner, models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    seat = models.PositiveSmallIntegerField("plats", default=1, db_default=1)
    period = DateTimeRangeField("tid", default_bounds="[)")
    state = models.CharField("läge", max_length=6, choices=BookingState)
    appointment = models.ForeignKey(
        "scheduling.Appointment", models.CASCADE, null=True, related_name="resource_bookings"
    )
    session = models.ForeignKey("scheduling.Session", models.CASCADE, null=True, related_name="resource_bookings")
    held_by = models.ForeignKey(User, models.CASCADE, null=True, related_name="+", db_index=False)
    expires_at = models.DateTimeField("går ut", null=True)

    objects = ResourceBookingQuerySet.as_manager()

    class Meta:
        verbose_name = "resursbokning"
        verbose_name_plural = "resursbokningar"
        triggers = [
            *change_log(),
            pgtrigger.Trigger(
                name="person_of_the_resource",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("resource_id", "practitioner_id"),
                func="""
                    NEW.practitioner_id = (SELECT practitioner_id FROM scheduling_resource
                                           WHERE id = NEW.resource_id AND kind = 'person');
                    RETURN NEW;
                """,
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(state="held"), name="hold_by_expiry")]
        constraints = [
            ExclusionConstraint(
                name=RESOURCE_TAKEN,
                expressions=[
                    ("resource", RangeOperators.EQUAL),
                    ("seat", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                violation_error_message="Tiden är redan tagen (BO-01).",
            ),
            # The same of the person, who may be a resource of several units.
            ExclusionConstraint(
                name=PERSON_TAKEN,
                expressions=[
                    ("practitioner", RangeOperators.EQUAL),
                    ("seat", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(practitioner__isnull=False),
                violation_error_message="Personen är redan bokad då, här eller på en annan enhet (PL-06).",
            ),
            models.CheckConstraint(
                name="held_expires_booked_has_appointment",
                condition=Q(
                    state="held",
                    expires_at__isnull=False,
                    held_by__isnull=False,
                    appointment__isnull=True,
                    session__isnull=True,
                )
                | Q(state="booked", expires_at__isnull=True, appointment__isnull=False, session__isnull=True)
                | Q(state="booked", expires_at__isnull=True, appointment__isnull=True, session__isnull=False),
            ),
        ]

    @property
    def taken_as(self):
        """The same key as its resource's."""
        return self.practitioner_id or self.resource_id


class TstzRange(Func):
    """tstzrange(start, end, '[)') in SQL."""

    function = "tstzrange"
    output_field = DateTimeRangeField()

    def __init__(self, start, end, **extra):
        super().__init__(start, end, RangeBoundary(), **extra)
