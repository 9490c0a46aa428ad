"""Who gives care and where: care provider > facility > care unit > reception, ward, branch; places."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from sdv.common.models import CatalogueQuerySet, CatalogueRow, LockingQuerySet, Row, change_log, require_days_in_order


class HsaRow(Row):
    """A part of the organisation with its national HSA-id and the days it exists."""

    hsa_id = models.CharField("HSA-id", max_length=32, unique=True)
    name = models.CharField("namn", max_length=200)
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self):
        return self.name

    def clean(self):
        require_days_in_order(self)


class CareProvider(HsaRow):
    """Vårdgivare: the organisation answering for the care."""

    class Meta(HsaRow.Meta):
        verbose_name = "vårdgivare"
        verbose_name_plural = "vårdgivare"
        triggers = change_log()


class Facility(HsaRow):
    """Vårdinrättning: the producing institution."""

    care_provider = models.ForeignKey(
        CareProvider, models.PROTECT, related_name="facilities", verbose_name="vårdgivare"
    )

    class Meta(HsaRow.Meta):
        verbose_name = "vårdinrättning"
        verbose_name_plural = "vårdinrättningar"
        triggers = change_log()


class CareArea(CatalogueRow):
    """Vårdområde of a besökstyp (BT-01); `code` is its abbreviation in lower case, as in pv."""

    abbreviation = models.CharField("förkortning", max_length=10, unique=True)
    alias = models.CharField("kallas även", max_length=100, blank=True)

    class Meta(CatalogueRow.Meta):
        verbose_name = "vårdområde"
        verbose_name_plural = "vårdområden"
        triggers = change_log()


class CareUnitKind(models.TextChoices):
    """What a unit is, as far as the choice of type needs it (typval.csv, VH-07)."""

    HEALTH_CENTRE = "vardcentral", "Vårdcentral"
    CHILD_HEALTH = "bvc", "Barnavårdscentral"
    MIDWIFE = "barnmorskemottagning", "Barnmorskemottagning"
    YOUTH = "ungdomsmottagning", "Ungdomsmottagning"
    SPECIALISED = "specialistmottagning", "Specialistmottagning"
    DIALYSIS = "dialysmottagning", "Dialysmottagning"
    EMERGENCY = "akutmottagning", "Akutmottagning"
    INPATIENT = "slutenvard", "Slutenvårdsenhet"
    MATERNITY = "forlossning", "Förlossning"


PRIMARY_CARE_KINDS = {CareUnitKind.HEALTH_CENTRE, CareUnitKind.CHILD_HEALTH, CareUnitKind.MIDWIFE, CareUnitKind.YOUTH}


class CareUnit(HsaRow):
    """Vårdenhet: the unit a vårdhändelse, a vårdåtagande and a work list belong to."""

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="care_units", verbose_name="vårdinrättning")
    short_name = models.CharField("kort namn", max_length=60)
    kind = models.CharField("slag", max_length=30, choices=CareUnitKind)
    care_area = models.ForeignKey(
        CareArea, models.PROTECT, null=True, blank=True, related_name="care_units", verbose_name="vårdområde"
    )
    mvo_code = models.CharField(
        "MVO", max_length=10, blank=True, help_text="Medicinskt verksamhetsområde, nationell kod"
    )
    specialities = ArrayField(
        models.CharField(max_length=80),
        verbose_name="specialiteter",
        default=list,
        db_default=[],
        blank=True,
        help_text="Vilkas problemkoder enheten använder, med komma emellan. Tom: alla.",
    )
    allows_overbooking = models.BooleanField("överbokning tillåten", default=False)
    sends_reminders = models.BooleanField(
        "SMS-påminnelser",
        default=False,
        db_default=False,
        help_text="Kryssas i när verksamhetschefen har beslutat om dem efter en riskanalys (HSLF-FS 2016:40).",
    )

    class Meta(HsaRow.Meta):
        verbose_name = "vårdenhet"
        verbose_name_plural = "vårdenheter"
        triggers = change_log()
        constraints = [
            models.CheckConstraint(
                name="care_unit_kind_known",
                condition=models.Q(kind__in=CareUnitKind.values),
                violation_error_message="Okänt slag av vårdenhet.",
            ),
        ]

    def sharing_ids(self, day):
        """Ids of the units whose waiting lists are seen from this one: itself, and those it shares a list with on the day
        (PL-25)."""
        return sharing_ids([self.pk], day)

    @property
    def is_primary_care(self):
        """Primary care needs no vårdåtagande and registers as Primärvård (VH-07, VH-08)."""
        return self.kind in PRIMARY_CARE_KINDS


class SharedList(Row):
    """Delad väntelista: units whose waiting lists are one, so that whoever has a time takes the one who has waited longest
    (PL-25)."""

    name = models.CharField("namn", max_length=120, unique=True)
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        verbose_name = "delad väntelista"
        verbose_name_plural = "delade väntelistor"
        ordering = ["name"]
        triggers = change_log()

    def __str__(self):
        return self.name

    def clean(self):
        require_days_in_order(self)


class SharedListUnit(Row):
    """One of the units of a shared list."""

    shared_list = models.ForeignKey(SharedList, models.CASCADE, related_name="units", verbose_name="delad väntelista")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="shared_lists", verbose_name="vårdenhet")

    class Meta:
        verbose_name = "enhet i delad väntelista"
        verbose_name_plural = "enheter i delade väntelistor"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["shared_list", "care_unit"],
                name="unit_once_per_shared_list",
                violation_error_message="Enheten är redan med i listan.",
            )
        ]

    def __str__(self):
        return f"{self.shared_list}, {self.care_unit}"


def sharing_ids(unit_ids, day):
    """The units, and those that any of them shares a waiting list with on the day (PL-25). One statement."""
    lists = SharedList.objects.valid_on(day).filter(units__care_unit__in=unit_ids)
    shared = SharedListUnit.objects.filter(shared_list__in=lists).values_list("care_unit_id", flat=True)
    return {*unit_ids, *shared}


class UnitPart(HsaRow):
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="%(class)ss", verbose_name="vårdenhet")

    class Meta(HsaRow.Meta):
        abstract = True


class Reception(UnitPart):
    """Mottagning, part of a care unit."""

    is_main = models.BooleanField("huvudmottagning", default=False)

    class Meta(UnitPart.Meta):
        verbose_name = "mottagning"
        verbose_name_plural = "mottagningar"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["care_unit"],
                condition=models.Q(is_main=True),
                name="one_main_reception_per_unit",
                violation_error_message="Vårdenheten har redan en huvudmottagning.",
            )
        ]


class Ward(UnitPart):
    """Avdelning, part of a care unit."""

    class Meta(UnitPart.Meta):
        verbose_name = "avdelning"
        verbose_name_plural = "avdelningar"
        triggers = change_log()


class Branch(UnitPart):
    """Filial, part of a care unit at another address."""

    town = models.CharField("ort", max_length=100, blank=True)

    class Meta(UnitPart.Meta):
        verbose_name = "filial"
        verbose_name_plural = "filialer"
        triggers = change_log()


class PlaceKind(models.TextChoices):
    ROOM = "room", "Rum"
    BED = "bed", "Säng"
    CHAIR = "chair", "Stol"


class Place(Row):
    """Plats: a room, bed or chair. A bed or chair, or a room that has neither, is what one patient holds (VH-09)."""

    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="places", verbose_name="vårdenhet")
    ward = models.ForeignKey(
        Ward, models.PROTECT, null=True, blank=True, related_name="places", verbose_name="avdelning"
    )
    kind = models.CharField("slag", max_length=10, choices=PlaceKind)
    name = models.CharField("namn", max_length=60)
    room = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="inside",
        verbose_name="i rum",
        limit_choices_to={"kind": PlaceKind.ROOM},
    )
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)

    class PlaceQuerySet(CatalogueQuerySet, LockingQuerySet):
        def holdable(self):
            """Places one patient can hold: beds, chairs, and rooms with neither (VH-09)."""
            return self.exclude(kind=PlaceKind.ROOM, inside__isnull=False)

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "plats"
        verbose_name_plural = "platser"
        ordering = ["name"]
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["care_unit", "name"],
                name="place_name_once_per_unit",
                violation_error_message="Platsens namn finns redan på vårdenheten.",
            ),
            models.CheckConstraint(
                name="place_kind_known",
                condition=models.Q(kind__in=PlaceKind.values),
                violation_error_message="Okänt slag av plats.",
            ),
            models.CheckConstraint(
                name="room_is_not_inside_a_room",
                condition=~models.Q(kind=PlaceKind.ROOM) | models.Q(room__isnull=True),
                violation_error_message="Ett rum kan inte ligga i ett annat rum.",
            ),
        ]

    def __str__(self):
        return self.name

    def clean(self):
        require_days_in_order(self)
