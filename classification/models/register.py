"""Deliveries to national registers (PAR-01): the layout as rows that an administrator enters, the code lists, who
reports, and every delivery that was made, with its bytes.

The real layout of the patient register is not known here: it stands in annexes that could not be read. What ships is a
made-up layout, marked as not verified; files written by it say so in their names and are never marked as sent."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from classification.register.fields import FIELDS, FILES, FORMATS, SUBSETS, name_refusal
from registration.models import Encounter
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, Versioned, append_only, change_log
from sdv.organisation.models import CareProvider, CareUnit


class CodeList(models.TextChoices):
    """The register's own code lists; ICD-10-SE, KVÅ and ATC are code systems of their own."""

    MVO = "mvo", "MVO, medicinskt verksamhetsområde"
    HOSPITAL = "sjukhuskod", "Sjukhuskod"
    ADMITTED_FROM = "inskrivningssatt", "Inskrivningssätt"
    DISCHARGED_TO = "utskrivningssatt", "Utskrivningssätt"
    PLANNED = "planerad", "Planerad vårdkontakt"
    EMERGENCY = "akutverksamhet", "Akutverksamhet"
    DIAGNOSIS_KIND = "diagnostyp", "Typ av diagnos"
    SEX = "kon", "Juridiskt kön"


class Evidence(models.TextChoices):
    """How sure a value is."""

    VERIFIED = "styrkt", "styrkt"
    SECONDARY = "sekundar", "sekundärkälla"
    UNVERIFIED = "ej-verifierad", "ej verifierad"


class RegisterCode(Row):
    """A value of one of the register's code lists, as text: 046 is not 46."""

    code_list = models.CharField("kodlista", max_length=20, choices=CodeList)
    code = models.CharField("kod", max_length=20, blank=True)
    name = models.CharField("benämning", max_length=200)
    evidence = models.CharField("hur säker", max_length=20, choices=Evidence, default=Evidence.UNVERIFIED)
    source = models.CharField("källa", max_length=200, blank=True)
    counts_as_psychiatry = models.BooleanField(
        "räknas som psykiatrisk öppenvård",
        default=False,
        help_text="Bara för MVO. Regionen avgör: då lämnas också besök hos annan personal än läkare.",
    )

    class Meta:
        verbose_name = "kod i registrets kodlistor"
        verbose_name_plural = "koder i registrets kodlistor"
        ordering = ["code_list", "code"]
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["code_list", "code"],
                name="register_code_once",
                violation_error_message="Koden finns redan i kodlistan.",
            ),
            models.CheckConstraint(name="register_code_list_known", condition=Q(code_list__in=CodeList.values)),
            models.CheckConstraint(name="register_code_evidence_known", condition=Q(evidence__in=Evidence.values)),
            models.CheckConstraint(
                name="register_code_psychiatry_is_of_mvo",
                condition=Q(counts_as_psychiatry=False) | Q(code_list=CodeList.MVO),
                violation_error_message="Bara ett MVO kan räknas som psykiatrisk öppenvård.",
            ),
        ]

    def __str__(self):
        return f"{self.get_code_list_display()} {self.code}"


class RegisterReporter(Row):
    """Who delivers: a care provider with the file code that stands in the names of its files."""

    care_provider = models.OneToOneField(
        CareProvider, models.PROTECT, related_name="register_reporter", verbose_name="vårdgivare"
    )
    file_code = models.CharField(
        "filkod", max_length=20, help_text="Offentlig vårdgivare: länskoden. Privat: sjukhuskod_klinikkod."
    )

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "uppgiftslämnare"
        verbose_name_plural = "uppgiftslämnare"
        triggers = change_log()
        constraints = [
            models.CheckConstraint(
                name="register_file_code_is_plain",
                condition=Q(file_code__regex=r"^[0-9A-Za-z]+(_[0-9A-Za-z]+)?$"),
                violation_error_message="Filkoden är bokstäver A–Z och siffror, högst ett understreck.",
            )
        ]

    def __str__(self):
        return f"{self.care_provider} ({self.file_code})"


class ReportingUnit(Row):
    """What the registers ask of a care unit beside its MVO."""

    care_unit = models.OneToOneField(CareUnit, models.PROTECT, related_name="reporting", verbose_name="vårdenhet")
    hospital_code = models.CharField("sjukhuskod", max_length=10, blank=True, help_text="Socialstyrelsens kod, text")
    emergency_activity = models.CharField(
        "akutverksamhet", max_length=1, blank=True, help_text="0–5; tomt är inte känt för en akutmottagning, annars 0"
    )

    class Meta:
        verbose_name = "vårdenhet i register"
        verbose_name_plural = "vårdenheter i register"
        triggers = change_log()
        constraints = [
            models.CheckConstraint(
                name="reporting_unit_emergency_known",
                condition=Q(emergency_activity__in=["", "0", "1", "2", "3", "4", "5"]),
                violation_error_message="Akutverksamhet är 0–5.",
            )
        ]

    def __str__(self):
        return str(self.care_unit)


class RegisterLayoutQuerySet(models.QuerySet):
    def for_day(self, day):
        """The layout that a delivery whose last day it is follows: a verified one before one that is not, the latest
        first."""
        valid = self.filter(valid_from__lte=day).filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day))
        return valid.order_by("-is_verified", "-valid_from", "id").first()


class RegisterLayout(Row):
    """Layout of a delivery: which regulation, how the files are named and written; the fields are rows of their own."""

    version = models.CharField("beteckning", max_length=60, unique=True)
    regulation = models.CharField("föreskrift", max_length=120)
    valid_from = models.DateField("gäller från")
    valid_to = models.DateField("gäller till", null=True, blank=True)
    is_verified = models.BooleanField(
        "verifierad", default=False, help_text="Jämförd med föreskriftens bilagor. Utan detta får filerna inte lämnas."
    )
    source = models.TextField("källa", help_text="Var layouten är hämtad, och vem som jämfört den.")
    file_name = models.CharField(
        "filnamn", max_length=120, help_text="Med {filkod}, {delmangd}, {fil}, {fran} och {till} (ÅÅÅÅMM)."
    )
    has_header = models.BooleanField("rubrikrad", default=False)
    line_ending = models.CharField("radslut", max_length=4, choices=[("crlf", "CR LF"), ("lf", "LF")], default="crlf")
    encoding = models.CharField(
        "teckenkodning",
        max_length=10,
        choices=[("ascii", "ASCII"), ("latin-1", "ISO 8859-1"), ("utf-8", "UTF-8")],
        default="ascii",
    )

    objects = RegisterLayoutQuerySet.as_manager()

    class Meta:
        verbose_name = "layout för registerleverans"
        verbose_name_plural = "layouter för registerleverans"
        ordering = ["-valid_from", "version"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(
                name="layout_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=models.F("valid_from")),
                violation_error_message="Sista giltighetsdag kan inte ligga före första.",
            ),
            models.CheckConstraint(name="layout_line_ending_known", condition=Q(line_ending__in=["crlf", "lf"])),
            models.CheckConstraint(
                name="layout_encoding_known", condition=Q(encoding__in=["ascii", "latin-1", "utf-8"])
            ),
            models.CheckConstraint(
                name="layout_verified_has_a_source",
                condition=Q(is_verified=False) | ~Q(source=""),
                violation_error_message="En verifierad layout säger var den är hämtad.",
            ),
        ]

    def __str__(self):
        return self.version

    def clean(self):
        if refused := name_refusal(self.file_name):
            raise ValidationError({"file_name": refused})


class RegisterLayoutField(Row):
    """One field of one file: its place, what it holds and how it is written (the layout table of PAR-01)."""

    layout = models.ForeignKey(RegisterLayout, models.CASCADE, related_name="fields", verbose_name="layout")
    subset = models.CharField("delmängd", max_length=2, choices=list(SUBSETS.items()))
    file = models.CharField("fil", max_length=10, choices=list(FILES.items()))
    position = models.PositiveSmallIntegerField("plats")
    field = models.CharField("uppgift", max_length=30, choices=list(FIELDS.items()))
    format = models.CharField("format", max_length=12, choices=list(FORMATS.items()), default="text")
    max_length = models.PositiveSmallIntegerField("högsta längd", null=True, blank=True)
    is_required = models.BooleanField("måste finnas", default=False)
    code_list = models.CharField("kodlista", max_length=20, choices=CodeList, blank=True)
    note = models.CharField("anmärkning", max_length=200, blank=True)

    class Meta:
        verbose_name = "fält i layout"
        verbose_name_plural = "fält i layouter"
        ordering = ["subset", "file", "position"]
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["layout", "subset", "file", "position"],
                name="layout_position_once",
                violation_error_message="Platsen i filen är redan tagen.",
            ),
            models.CheckConstraint(name="layout_position_from_one", condition=Q(position__gte=1)),
            models.CheckConstraint(name="layout_subset_known", condition=Q(subset__in=list(SUBSETS))),
            models.CheckConstraint(name="layout_file_known", condition=Q(file__in=list(FILES))),
            models.CheckConstraint(name="layout_field_known", condition=Q(field__in=list(FIELDS))),
            models.CheckConstraint(name="layout_format_known", condition=Q(format__in=list(FORMATS))),
            models.CheckConstraint(name="layout_code_list_known", condition=Q(code_list__in=["", *CodeList.values])),
        ]

    def __str__(self):
        return f"{self.subset} {self.file} {self.position}"


class DeliveryState(models.TextChoices):
    """What has become of a delivery."""

    PREPARED = "prepared", "Framställd"
    SENT = "sent", "Lämnad"
    DISCARDED = "discarded", "Kasserad"


class RegisterDelivery(Versioned):
    """Leverans till register: three whole months of one care provider. Its files are kept as they were made."""

    reporter = models.ForeignKey(
        RegisterReporter, models.PROTECT, related_name="deliveries", verbose_name="uppgiftslämnare"
    )
    layout = models.ForeignKey(RegisterLayout, models.PROTECT, related_name="deliveries", verbose_name="layout")
    layout_digest = models.CharField("layoutens kontrollsumma", max_length=64)
    is_verified = models.BooleanField("verifierad layout")
    first_day = models.DateField("från")
    last_day = models.DateField("till")
    state = models.CharField("läge", max_length=10, choices=DeliveryState, default=DeliveryState.PREPARED)
    checksum = models.CharField("kontrollsumma", max_length=64)
    inpatient = models.PositiveIntegerField("vårdtillfällen")
    outpatient = models.PositiveIntegerField("öppenvårdskontakter")
    held_back = models.PositiveIntegerField("hölls inne")
    warnings = models.PositiveIntegerField("anmärkningar")
    # Of the whole: what is missing and how many, beside what is usual (classification.register.review).
    review = models.JSONField("rimlighet", default=dict)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    made_at = models.DateTimeField("framställd")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    decided_at = models.DateTimeField("lämnad eller kasserad", null=True)
    reason = models.CharField("skäl", max_length=300, blank=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "leverans till register"
        verbose_name_plural = "leveranser till register"
        ordering = ["-last_day", "-id"]
        triggers = change_log()
        indexes = [models.Index(fields=["reporter", "-last_day", "-id"], name="delivery_by_reporter")]
        constraints = [
            models.CheckConstraint(name="delivery_state_known", condition=Q(state__in=DeliveryState.values)),
            models.CheckConstraint(
                name="delivery_period_in_order",
                condition=Q(last_day__gt=models.F("first_day")),
                violation_error_message="Perioden slutar före den börjar.",
            ),
            models.CheckConstraint(
                name="delivery_decided_says_who_and_when",
                condition=Q(state=DeliveryState.PREPARED, decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state=DeliveryState.PREPARED) & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="delivery_sent_by_a_verified_layout",
                condition=~Q(state=DeliveryState.SENT) | Q(is_verified=True),
                violation_error_message="En leverans vars layout inte är verifierad får inte lämnas (PAR-01).",
            ),
        ]

    def __str__(self):
        return f"{self.first_day:%Y-%m}–{self.last_day:%Y-%m}"


class RegisterFile(Row):
    """A file of a delivery, byte for byte."""

    delivery = models.ForeignKey(RegisterDelivery, models.PROTECT, related_name="files")
    name = models.CharField("filnamn", max_length=160)
    subset = models.CharField("delmängd", max_length=2)
    file = models.CharField("fil", max_length=10)
    rows = models.PositiveIntegerField("rader")
    size = models.PositiveIntegerField("byte")
    checksum = models.CharField("kontrollsumma", max_length=64)
    content = models.BinaryField("innehåll")

    class Meta:
        verbose_name = "fil i leverans"
        verbose_name_plural = "filer i leveranser"
        ordering = ["name"]
        triggers = [append_only()]
        constraints = [models.UniqueConstraint(fields=["delivery", "name"], name="register_file_once")]

    def __str__(self):
        return self.name


class DeliveredContact(Row):
    """That a contact was in a delivery: what the next delivery is compared with, and whose data was handed out."""

    delivery = models.ForeignKey(RegisterDelivery, models.PROTECT, related_name="contacts", db_index=False)
    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="deliveries")

    class Meta:
        verbose_name = "lämnad kontakt"
        verbose_name_plural = "lämnade kontakter"
        triggers = [append_only()]
        constraints = [models.UniqueConstraint(fields=["delivery", "encounter"], name="contact_delivered_once")]


class DeliveryFinding(Row):
    """Anmärkning i en leverans: why a contact was held back, or what a person should look at. Kept with the delivery."""

    delivery = models.ForeignKey(RegisterDelivery, models.PROTECT, related_name="findings")
    encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, related_name="+", db_index=False)
    is_error = models.BooleanField("fel")
    code = models.CharField("slag", max_length=40)
    detail = models.CharField("vad", max_length=300)

    class Meta:
        verbose_name = "anmärkning i leverans"
        verbose_name_plural = "anmärkningar i leveranser"
        ordering = ["id"]
        triggers = [append_only()]
