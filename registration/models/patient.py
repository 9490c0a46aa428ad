"""The patient: who a person is, by which numbers, and what the register and the staff have told. What may be shown of a
patient is decided in registration.presenters."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import models
from django.db.models import Q

from registration.identities import candidates, search_key
from registration.names import search_words
from registration.protected import LOCKED_PATIENT
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, Versioned, append_only, change_log


class Sex(models.TextChoices):
    """KV Kön."""

    UNKNOWN = "0", "okänt"
    MALE = "1", "man"
    FEMALE = "2", "kvinna"
    NOT_APPLICABLE = "9", "ej tillämpligt"


class Protection(models.TextChoices):
    """Protected personal data (SK-01). Fingerade personuppgifter look like any person and are no value here."""

    NONE = "", "Ingen"
    MARKED = "sekretessmarkering", "Sekretessmarkering"
    POPULATION_REGISTER = "skyddad_folkbokforing", "Skyddad folkbokföring"


class ProtectionGround(models.TextChoices):
    """Why somebody set a marking by hand (SK-04)."""

    APPLICATION = "application", "Ansökan om skydd är visad"
    THREAT = "threat", "Akut hot"


class RegistrationKind(models.TextChoices):
    """Typ av folkbokföring (PA-06)."""

    UNKNOWN = "", "Uppgift saknas"
    RESIDENT = "resident", "Folkbokförd i Sverige"
    DEREGISTERED = "deregistered", "Avregistrerad"
    NEVER_RESIDENT = "never_resident", "Inte folkbokförd"


class InterpreterKind(models.TextChoices):
    """Which interpreter is needed; the language, or the variant of sign language, stands beside it (PA-06)."""

    NONE = "", "Inget tolkbehov"
    SPOKEN = "spoken", "Språktolk"
    SIGN = "sign", "Teckenspråkstolk"


FEWEST_LETTERS_MISSPELT = 5
# A date of a register that may lack day, or month and day.
PARTIAL_DATE = r"^([0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?)?$"
PARTIAL_HELP = "ÅÅÅÅ, ÅÅÅÅ-MM eller ÅÅÅÅ-MM-DD"


class PatientQuerySet(LockingQuerySet):
    def present(self):
        """Records that stand for themselves: not merged into another."""
        return self.filter(merged_into__isnull=True)

    def lock_present(self, patient_id):
        """The patient, locked; of a merged record the present one alone, so that what is done with an old id lands right,
        also where it waited for the merge (RI-02)."""
        while (patient := self.present().locked().filter(pk=patient_id).first()) is None:
            patient_id = self.values_list("merged_into", flat=True).get(pk=patient_id) or patient_id
        return patient

    def present_key(self, patient_id):
        """The key of the record that stands for the patient now: another, where the one asked for is merged (RI-02)."""
        while merged_into := self.values_list("merged_into", flat=True).get(pk=patient_id):
            patient_id = merged_into
        return patient_id

    def with_identity(self, text, *, today):
        """Patients a typed number may mean, whatever its spelling: present, old, linked and local identities, and the LMA
        and passport numbers one may be sought by (PA-01, PA-03, RI-01)."""
        by_identity = PatientIdentity.objects.filter(value__in=candidates(text, today=today)).values("patient")
        keys = PatientIdentity._meta.apps.get_model("registration", "PatientSearchKey").objects
        by_key = keys.filter(value=search_key(text)).values("patient")
        return self.present().filter(pk__in=by_identity.union(by_key))

    def likely_doubles(self):
        """Those who may be shown as likely doubles: never a protected person (SK-05), nor a merged record."""
        return self.present().filter(protection=Protection.NONE)

    def named(self, text, *, birth_date=None):
        """Patients whose name has words that begin like every typed word. Protected persons are never found by name
        (SK-05)."""
        rows = self.present().filter(protection=Protection.NONE)
        for word in search_words(text):
            rows = rows.filter(search_name__contains=f" {word}")
        if birth_date:
            rows = rows.filter(birth_date=birth_date)
        return rows.order_by("sort_key", "id")

    def named_about(self, text, *, birth_date=None):
        """As `named`, for a misspelt name: nearest first, by trigrams. A few letters are like too many names to mean
        one of them."""
        words = " ".join(search_words(text))
        if len(words) < FEWEST_LETTERS_MISSPELT:
            return self.none()
        rows = self.present().filter(protection=Protection.NONE, search_name__trigram_word_similar=words)
        if birth_date:
            rows = rows.filter(birth_date=birth_date)
        return rows.annotate(nearness=TrigramWordSimilarity(words, "search_name")).order_by(
            "-nearness", "sort_key", "id"
        )

    def with_primary_identity(self):
        """The primary identity of each, in one further query."""
        return self.prefetch_related(
            models.Prefetch(
                "identities", queryset=PatientIdentity.objects.order_by("-is_primary", "id"), to_attr="known_identities"
            )
        )


class Patient(Versioned):
    """A person who gets or waits for care. Attributes are shared by all units (PA-08).

    Birth date and sex are fields of their own, never derived when the register gives them."""

    given_name = models.CharField("förnamn", max_length=120, blank=True)
    middle_name = models.CharField("mellannamn", max_length=120, blank=True)
    surname = models.CharField("efternamn", max_length=120, blank=True)
    search_name = models.CharField(max_length=400, editable=False, blank=True)
    sort_key = models.CharField(max_length=400, editable=False, blank=True)
    birth_date = models.DateField("födelsedatum", null=True, blank=True)
    birth_date_partial = models.CharField(
        "födelsetid",
        max_length=7,
        blank=True,
        default="",
        db_default="",
        help_text="ÅÅÅÅ eller ÅÅÅÅ-MM där registret inte vet dagen",
    )
    sex = models.CharField("kön", max_length=1, choices=Sex, default=Sex.UNKNOWN)
    protection = models.CharField("skyddade personuppgifter", max_length=30, choices=Protection, blank=True, default="")
    protection_set_at = models.DateTimeField("skydd satt", null=True, blank=True)
    # Who set it by hand; nobody where the register told of it (SK-04).
    protection_set_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    protection_ground = models.CharField(
        "skäl för skyddet", max_length=20, choices=ProtectionGround, blank=True, default="", db_default=""
    )
    deceased_on = models.DateField("avliden", null=True, blank=True)
    deceased_partial = models.CharField(
        "avliden, så långt det är känt",
        max_length=7,
        blank=True,
        default="",
        db_default="",
        help_text="ÅÅÅÅ eller ÅÅÅÅ-MM där dagen inte är känd; avliden är då den sista möjliga dagen",
    )
    was_found_dead = models.BooleanField("anträffad död", default=False, db_default=False)
    deceased_registered_at = models.DateTimeField("avliden registrerad", null=True, blank=True)
    registration_kind = models.CharField(
        "typ av folkbokföring", max_length=20, choices=RegistrationKind, blank=True, default="", db_default=""
    )
    registered_on = models.CharField(
        "folkbokförd", max_length=10, blank=True, default="", db_default="", help_text=PARTIAL_HELP
    )
    county_code = models.CharField("länskod", max_length=2, blank=True, default="", db_default="")
    municipality_code = models.CharField("kommunkod", max_length=2, blank=True, default="", db_default="")
    deregistration_code = models.CharField("avregistreringskod", max_length=10, blank=True, default="", db_default="")
    deregistered_on = models.CharField(
        "avregistrerad", max_length=10, blank=True, default="", db_default="", help_text=PARTIAL_HELP
    )
    listing_unit = models.CharField("listad på", max_length=120, blank=True)
    payer = models.CharField("huvudman", max_length=60, blank=True)
    interpreter_kind = models.CharField(
        "tolkbehov", max_length=10, choices=InterpreterKind, blank=True, default="", db_default=""
    )
    interpreter_language = models.CharField("språk eller teckenspråksvariant", max_length=60, blank=True)
    special_housing = models.CharField("särskilt boende", max_length=120, blank=True, default="", db_default="")
    drug_benefit_decided_on = models.DateField("läkemedelsförmån beslutad", null=True, blank=True)
    drug_benefit_decided_by = models.CharField(
        "läkare som beslutat", max_length=120, blank=True, default="", db_default=""
    )
    has_pascal = models.BooleanField("ordinationer i Pascal", default=False, db_default=False)
    pascal_told_on = models.DateField("uppgift om Pascal", null=True, blank=True)
    pascal_told_by = models.CharField(
        "läkare som lämnat uppgiften", max_length=120, blank=True, default="", db_default=""
    )
    minors_at_address = models.PositiveSmallIntegerField(
        "minderåriga folkbokförda på samma adress", null=True, blank=True
    )
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged_from")
    source = models.CharField("källa", max_length=40, blank=True)
    confirmed_at = models.DateTimeField("senast bekräftad mot register", null=True, blank=True)
    register_asked_on = models.DateField("registret tillfrågat vid sökning", null=True, blank=True, editable=False)
    register_version = models.CharField(
        "registrets version", max_length=60, blank=True, default="", db_default="", editable=False
    )
    created_at = models.DateTimeField("skapad", db_default=models.functions.Now())

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = "patient"
        verbose_name_plural = "patienter"
        # Each night confirms them all: that nothing was new is no change.
        triggers = [
            *change_log(personal=True, apart_from=("confirmed_at", "register_asked_on", "register_version")),
            LOCKED_PATIENT,
        ]
        indexes = [
            GinIndex(OpClass("search_name", name="gin_trgm_ops"), name="patient_name_trigrams"),
            models.Index(fields=["sort_key", "id"], name="patient_by_name"),
            models.Index(fields=["birth_date"], name="patient_by_birth_date"),
        ]
        constraints = [
            models.CheckConstraint(name="patient_sex_known", condition=Q(sex__in=Sex.values)),
            models.CheckConstraint(name="patient_protection_known", condition=Q(protection__in=Protection.values)),
            models.CheckConstraint(
                name="patient_protection_by_hand_says_who_when_and_why",
                condition=Q(protection_set_by__isnull=True, protection_ground="")
                | Q(
                    ~Q(protection=""),
                    protection_set_by__isnull=False,
                    protection_set_at__isnull=False,
                    protection_ground__in=ProtectionGround.values,
                ),
                violation_error_message="En markering satt för hand har vem, när och skäl (SK-04).",
            ),
            models.CheckConstraint(
                name="patient_deceased_both_or_neither",
                condition=Q(deceased_on__isnull=True, deceased_registered_at__isnull=True)
                | Q(deceased_on__isnull=False, deceased_registered_at__isnull=False),
                violation_error_message="Avliden kräver både datum och registreringstid.",
            ),
            models.CheckConstraint(
                name="patient_deceased_partial_of_the_dead",
                condition=Q(deceased_partial="", was_found_dead=False)
                | Q(deceased_on__isnull=False, deceased_partial__regex=r"^([0-9]{4}(-[0-9]{2})?)?$"),
                violation_error_message="Dödsdatum som inte är helt känt skrivs ÅÅÅÅ eller ÅÅÅÅ-MM.",
            ),
            models.CheckConstraint(
                name="patient_not_merged_into_itself",
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=models.F("id")),
            ),
            models.CheckConstraint(
                name="patient_registration_kind_known", condition=Q(registration_kind__in=RegistrationKind.values)
            ),
            models.CheckConstraint(
                name="patient_whole_or_partial_birth_date",
                condition=Q(birth_date_partial="")
                | Q(birth_date__isnull=True, birth_date_partial__regex=r"^[0-9]{4}(-[0-9]{2})?$"),
                violation_error_message="Födelsetiden är antingen ett helt datum eller år, eller år och månad.",
            ),
            models.CheckConstraint(
                name="patient_registration_dates_partial_at_most",
                condition=Q(registered_on__regex=PARTIAL_DATE) & Q(deregistered_on__regex=PARTIAL_DATE),
                violation_error_message="Datumet skrivs ÅÅÅÅ, ÅÅÅÅ-MM eller ÅÅÅÅ-MM-DD.",
            ),
            models.CheckConstraint(
                name="patient_interpreter_kind_and_language",
                condition=Q(interpreter_kind="", interpreter_language="")
                | (Q(interpreter_kind__in=["spoken", "sign"]) & ~Q(interpreter_language="")),
                violation_error_message="Tolkbehov anges med språk, eller variant av teckenspråk (PA-06).",
            ),
            models.CheckConstraint(
                name="patient_drug_benefit_says_who_and_when",
                condition=Q(drug_benefit_decided_on__isnull=True, drug_benefit_decided_by="")
                | (Q(drug_benefit_decided_on__isnull=False) & ~Q(drug_benefit_decided_by="")),
                violation_error_message="Läkemedelsförmån efter beslut har läkare och datum (PA-06).",
            ),
            models.CheckConstraint(
                name="patient_pascal_says_who",
                condition=Q(has_pascal=False) | (Q(pascal_told_on__isnull=False) & ~Q(pascal_told_by="")),
                violation_error_message="Uppgiften om Pascal har läkaren som lämnat den (PA-06).",
            ),
        ]

    @property
    def is_protected(self):
        return self.protection != Protection.NONE

    @property
    def is_deceased(self):
        return self.deceased_on is not None

    def record_ids(self):
        """The record's id, and those of the records merged into it, however far back: what was logged of them is about
        this person too."""
        found = newest = [self.pk]
        while newest:
            newest = list(type(self).objects.filter(merged_into__in=newest).values_list("pk", flat=True))
            found = found + newest
        return found

    @property
    def has_drug_benefit(self):
        """Läkemedelsförmån: all who are folkbokförda, others by a doctor's decision (PA-06)."""
        return self.registration_kind == RegistrationKind.RESIDENT or self.drug_benefit_decided_on is not None


class IdentityKind(models.TextChoices):
    """The four kinds a patient's identity can have (PA-01)."""

    PERSONNUMMER = "personnummer", "Personnummer"
    SAMORDNINGSNUMMER = "samordningsnummer", "Samordningsnummer"
    RESERVID = "reservid", "Nationellt reservID"
    LOCAL = "lokalt_reservnummer", "Lokalt reservnummer"


class PatientIdentity(Row):
    """An identity number of a patient, normalised; one is primary, local ones never are (PA-01, PA-03)."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="identities", verbose_name="patient")
    kind = models.CharField("slag", max_length=30, choices=IdentityKind)
    value = models.CharField("nummer", max_length=20)
    is_primary = models.BooleanField("primär", default=False)
    source = models.CharField("källa", max_length=40, blank=True)
    issuer = models.CharField("utfärdare (OID)", max_length=60, blank=True, default="", db_default="")
    valid_to = models.DateField("gällde till", null=True, blank=True)
    # What the register tells of a samordningsnummer. Codes as told: one that is not known yet is kept, not refused.
    level = models.CharField("identitetsnivå", max_length=40, blank=True, default="", db_default="")
    level_on = models.DateField("identitetsnivå fastställd", null=True, blank=True)
    register_status = models.CharField("status i registret", max_length=40, blank=True, default="", db_default="")
    register_status_cause = models.CharField("orsak till status", max_length=40, blank=True, default="", db_default="")

    class Meta:
        verbose_name = "identitet"
        verbose_name_plural = "identiteter"
        triggers = change_log(personal=True)
        constraints = [
            models.UniqueConstraint(
                fields=["value", "kind"],
                name="identity_once",
                violation_error_message="Numret finns redan på en patient (PA-03).",
            ),
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(is_primary=True),
                name="one_primary_identity",
                violation_error_message="Patienten har redan en primär identitet (PA-03).",
            ),
            models.CheckConstraint(name="identity_kind_known", condition=Q(kind__in=IdentityKind.values)),
            models.CheckConstraint(
                name="local_identity_never_primary",
                condition=~Q(kind=IdentityKind.LOCAL) | Q(is_primary=False),
                violation_error_message="Ett lokalt reservnummer kan inte vara primär identitet (PA-01).",
            ),
        ]


class PatientHistory(Row):
    """What was done with a patient's record as such, by whom: part of the product, append-only. No contact data."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="history")
    event = models.CharField("händelse", max_length=40)
    detail = models.CharField("uppgift", max_length=300, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField("tidpunkt")

    class Meta:
        triggers = [append_only()]
        ordering = ["id"]
