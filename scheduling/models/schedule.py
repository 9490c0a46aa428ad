"""Exceptions from the week: extra times of a day, absence and closure, and what they leave to be booked anew (PL-02)."""

from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.db.models.functions import Now
from django.db.models.lookups import Exact

from registration.models import VisitType
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, Versioned, change_log
from sdv.organisation.models import CareUnit

from .plan import AppointmentPart
from .resource import Resource, ResourceKind, TstzRange
from .work import ItemStatus, OpenItemQuerySet, WorkItem


class ExtraHours(Row):
    """Extra tider: hours of one day beside the week's, or in their place."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="extra_hours", verbose_name="resurs")
    day = models.DateField("dag")
    from_time = models.TimeField("från")
    to_time = models.TimeField("till")
    slot_minutes = models.PositiveSmallIntegerField("tidslängd i minuter", default=30)
    visit_types = models.ManyToManyField(VisitType, blank=True, related_name="extra_hours", verbose_name="besökstyper")
    replaces_week = models.BooleanField("i stället för veckans tider", default=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "extra tider"
        verbose_name_plural = "extra tider"
        ordering = ["day", "from_time"]
        triggers = change_log()
        indexes = [models.Index(fields=["resource", "day"], name="extra_hours_by_day")]
        constraints = [
            models.CheckConstraint(
                name="extra_hours_in_order",
                condition=Q(to_time__gt=F("from_time")),
                violation_error_message="Tiden ska sluta efter att den börjat.",
            ),
            models.CheckConstraint(
                name="extra_slot_length_sensible",
                condition=Q(slot_minutes__gte=5, slot_minutes__lte=600),
                violation_error_message="En tid är mellan 5 och 600 minuter.",
            ),
        ]


class AbsenceKind(models.TextChoices):
    LEAVE = "leave", "Ledighet"
    ABSENCE = "absence", "Frånvaro"
    TRAINING = "training", "Utbildning"
    CLOSURE = "closure", "Stängt"


class AbsenceQuerySet(LockingQuerySet):
    def standing(self):
        """Those that nobody has withdrawn."""
        return self.filter(withdrawn_at__isnull=True)

    def of(self, resources, **closed):
        """Those that hit some of the `resources`, a queryset: their own, a person's at whatever unit it was registered, and
        the closures of the units `closed` says."""
        return self.filter(Exists(resources.order_by().same_as("resource")) | Q(resource__isnull=True, **closed))

    def of_resource(self, resource_id):
        """The resource's own, or the person's: no closures."""
        return self.filter(Exists(Resource.objects.filter(pk=resource_id).order_by().same_as("resource")))

    def hitting(self, resource):
        """Those that hit the row with `start` and `end` that it is asked of. `resource` is the resource's lookup to what
        has it: appointments, sessions or freed times. Who is needed for a part of a visit is hit in that part (BO-02)."""
        its_own = Resource.objects.filter(**{resource: OuterRef(OuterRef("pk"))})
        if resource == "appointments":
            its_part = {"appointment": OuterRef(OuterRef(OuterRef("pk"))), "resource": OuterRef("pk")}
            parts = AppointmentPart.objects.filter(**its_part)
            its_own = its_own.filter(~Exists(parts.apart_from(OuterRef(OuterRef("period")))))
        times = TstzRange(OuterRef("start"), OuterRef("end"))
        return self.standing().of(its_own, care_unit=OuterRef("care_unit")).filter(period__overlap=times)

    def known_at(self, care_units, day):
        """Those that the units' tidböcker show: their own, and those of their persons that another unit has registered,
        as long as the person has not left."""
        persons = Resource.objects.filter(kind=ResourceKind.PERSON, care_unit__in=care_units).there_from(day)
        return self.filter(Q(care_unit__in=care_units) | Exists(persons.same_as("resource")))

    def over(self, start, end):
        return self.standing().filter(period__overlap=(start, end))


class Absence(Versioned):
    """Frånvaro of a resource, or the closure of a whole unit: always saved, whoever is booked (PL-02). A person who is away
    is so at every unit where he or she is a resource, also one that comes later: that follows from whose it is and is
    copied nowhere. It is the registering unit's to change, and each unit books its own patients anew. A room, a piece of
    equipment and a closure are of their own unit alone."""

    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="absences", verbose_name="vårdenhet")
    resource = models.ForeignKey(
        Resource,
        models.PROTECT,
        null=True,
        related_name="absences",
        verbose_name="resurs",
        help_text="Tom: hela enheten",
    )
    kind = models.CharField("slag", max_length=10, choices=AbsenceKind)
    period = DateTimeRangeField("tid", default_bounds="[)")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("registrerad", db_default=Now())
    # Who changed it last: the second of two is told (PL-27).
    changed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    changed_at = models.DateTimeField("ändrad", null=True)
    withdrawn_at = models.DateTimeField("återkallad", null=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        verbose_name = "frånvaro"
        verbose_name_plural = "frånvaro"
        triggers = change_log()
        indexes = [
            models.Index(fields=["care_unit", "created_at", "id"], name="absence_by_unit"),
            GistIndex(fields=["period"], condition=Q(withdrawn_at__isnull=True), name="absence_by_time"),
        ]
        constraints = [
            models.CheckConstraint(name="absence_kind_known", condition=Q(kind__in=AbsenceKind.values)),
            models.CheckConstraint(
                name="absence_has_a_beginning_and_an_end",
                condition=Q(period__isempty=False, period__startswith__isnull=False, period__endswith__isnull=False),
                violation_error_message="En frånvaro har början och slut.",
            ),
            models.CheckConstraint(
                name="closure_is_of_the_whole_unit",
                condition=Q(kind="closure", resource__isnull=True) | (~Q(kind="closure") & Q(resource__isnull=False)),
                violation_error_message="Stängt gäller hela enheten, annan frånvaro en resurs.",
            ),
            models.CheckConstraint(
                name="absence_change_says_who_and_when",
                condition=Q(changed_by__isnull=True, changed_at__isnull=True)
                | Q(changed_by__isnull=False, changed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="absence_withdrawn_says_who",
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
        ]

    def kind_at(self, *care_units):
        """Its kind as those at the units (ids) are told it: why somebody is away is for the registering unit to know."""
        return AbsenceKind(self.kind) if self.care_unit_id in care_units else AbsenceKind.ABSENCE


class Lack(models.IntegerChoices):
    """What a booked time lacks of its resource, the more the higher: open hours for the besökstyp, or the resource itself."""

    HOURS = 1, "Tider"
    RESOURCE = 2, "Resursen"


# Why a booking is to be moved: one of them.
CAUSES = ("absence", "resource", "session", "contact")


class RebookingItem(WorkItem):
    """Ombokningspost: a booking that an absence hits, that its resource's tidbok no longer has the time of, whose
    grupptillfälle is cancelled, or a consult whose contact at the other unit was called off or moved (BO-02). It stays until
    the booking is moved or ended (PL-02)."""

    status = models.CharField("status", max_length=10, choices=ItemStatus, default=ItemStatus.OPEN)
    appointment = models.ForeignKey(
        "scheduling.Appointment", models.PROTECT, related_name="rebooking_items", verbose_name="bokning"
    )
    absence = models.ForeignKey(
        Absence, models.PROTECT, null=True, related_name="rebooking_items", verbose_name="frånvaro"
    )
    resource = models.ForeignKey(
        Resource, models.PROTECT, null=True, related_name="rebooking_items", verbose_name="resurs utan tiden i tidboken"
    )
    lack = models.PositiveSmallIntegerField("vad tidboken saknar", choices=Lack, null=True)
    session = models.ForeignKey(
        "scheduling.Session",
        models.PROTECT,
        null=True,
        related_name="rebooking_items",
        verbose_name="inställt tillfälle",
    )
    contact = models.ForeignKey(
        "registration.Encounter",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="ändrad vårdhändelse på annan enhet",
    )

    objects = OpenItemQuerySet.as_manager()

    class Meta:
        verbose_name = "ombokning"
        verbose_name_plural = "ombokningar"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["care_unit", "watch_until", "id"], condition=Q(status="open"), name="rebooking_item_open"
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="rebooking_item_done_has_a_time",
                condition=Q(status="open", decided_at__isnull=True) | Q(status="done", decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="rebooking_item_has_one_cause",
                condition=Exact(
                    Func(*[F(name) for name in CAUSES], function="num_nonnulls", output_field=models.IntegerField()), 1
                ),
            ),
            models.CheckConstraint(
                name="rebooking_item_says_what_the_tidbok_lacks",
                condition=Q(resource__isnull=True, lack__isnull=True) | Q(resource__isnull=False, lack__in=Lack.values),
            ),
            models.UniqueConstraint(
                fields=["appointment"], condition=Q(status="open"), name="one_open_rebooking_item_per_appointment"
            ),
        ]
