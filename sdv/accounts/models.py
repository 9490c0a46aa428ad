"""Users, practitioners, staff assignments (medarbetaruppdrag), API tokens, idempotent answers and the access log."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from sdv.common.models import CatalogueQuerySet, CatalogueRow, Row, append_only, change_log
from sdv.organisation.models import CareUnit

from .permissions import Permission, Role, allowed


class Profession(CatalogueRow):
    """Yrkeskategori of a besökstyp and of a practitioner (BT-01); `code` is the abbreviation, as in ssk, lak."""

    abbreviation = models.CharField("förkortning", max_length=10, unique=True)
    alias = models.CharField("kallas även", max_length=100, blank=True)

    class Meta(CatalogueRow.Meta):
        verbose_name = "yrkeskategori"
        verbose_name_plural = "yrkeskategorier"
        triggers = change_log()


class UserManager(BaseUserManager):
    def create_user(self, username, password=None, **fields):
        """A user; without a password nobody can log in as it (integrations use tokens)."""
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, Row):
    """A person or system that acts. What it may is decided by its assignments, never by the user itself."""

    username = models.CharField("användarnamn", max_length=80, unique=True)
    name = models.CharField("namn", max_length=120)
    hsa_id = models.CharField("HSA-id", max_length=32, blank=True)
    is_active = models.BooleanField("aktiv", default=True)
    has_protected_data = models.BooleanField(
        "skyddade personuppgifter",
        default=False,
        db_default=False,
        help_text="I utdrag till patienter visas roll och enhet i stället för namnet.",
    )
    created_at = models.DateTimeField("skapad", auto_now_add=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]
    objects = UserManager()

    class Meta:
        verbose_name = "användare"
        verbose_name_plural = "användare"
        ordering = ["name"]
        triggers = change_log(personal=True)

    def __str__(self):
        return self.name

    @property
    def is_staff(self):
        """Django admin's question; the admin site itself asks the permission table (sdv.accounts.admin)."""
        return self.is_active

    def has_perm(self, perm, obj=None):
        """Django's own model permissions are not used: the admin classes ask the permission table."""
        return False

    def has_module_perms(self, app_label):
        return False


class Practitioner(Row):
    """Vårdgivare as a person: who meets patients, and with which profession."""

    user = models.OneToOneField(
        User, models.PROTECT, null=True, blank=True, related_name="practitioner", verbose_name="användare"
    )
    hsa_id = models.CharField("HSA-id", max_length=32, unique=True)
    given_name = models.CharField("förnamn", max_length=80)
    surname = models.CharField("efternamn", max_length=80)
    profession = models.ForeignKey(
        Profession, models.PROTECT, related_name="practitioners", verbose_name="yrkeskategori"
    )
    title = models.CharField("titel", max_length=80, blank=True)

    class Meta:
        verbose_name = "medarbetare"
        verbose_name_plural = "medarbetare"
        ordering = ["surname", "given_name"]
        triggers = change_log(personal=True)

    def __str__(self):
        return f"{self.given_name} {self.surname}"

    @property
    def short_name(self):
        """As lists show it: A. Holm."""
        return f"{self.given_name[:1]}. {self.surname}"


class AssignmentQuerySet(CatalogueQuerySet):
    def usable(self, day):
        """Assignments that can be chosen at login on the day."""
        return self.valid_on(day).select_related("care_unit__facility__care_provider", "care_unit__care_area")


class StaffAssignment(Row):
    """Medarbetaruppdrag: one user, at one care unit, in one role, for one purpose. A session acts as exactly one."""

    user = models.ForeignKey(User, models.PROTECT, related_name="assignments", verbose_name="användare")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="assignments", verbose_name="vårdenhet")
    role = models.CharField("roll", max_length=20, choices=Role)
    hsa_id = models.CharField("uppdragets HSA-id", max_length=32, unique=True)
    purpose = models.CharField("syfte", max_length=60, default="Vård och behandling")
    valid_from = models.DateField("giltigt från", null=True, blank=True)
    valid_to = models.DateField("giltigt till", null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = "medarbetaruppdrag"
        verbose_name_plural = "medarbetaruppdrag"
        ordering = ["care_unit__name", "role"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(
                name="assignment_role_known", condition=Q(role__in=Role.values), violation_error_message="Okänd roll."
            ),
            models.UniqueConstraint(
                fields=["user", "care_unit", "role"],
                name="assignment_once",
                violation_error_message="Användaren har redan detta uppdrag.",
            ),
        ]

    def __str__(self):
        return f"{self.user.name}, {self.get_role_display()}, {self.care_unit.name}"

    def may(self, permission):
        return allowed(self.role, Permission(permission))


class Density(models.TextChoices):
    """Row height in lists."""

    COMPACT = "compact", "Tät"
    NORMAL = "normal", "Normal"
    COMFORTABLE = "comfortable", "Luftig"


class UserSettings(Row):
    """A person's own settings, and the assignment used last, which is preselected at the next login (ui.md 4.1)."""

    user = models.OneToOneField(User, models.CASCADE, related_name="settings", verbose_name="användare")
    density = models.CharField("radhöjd", max_length=12, choices=Density, default=Density.NORMAL)
    shortcuts = models.BooleanField("bokstäver som kortkommandon i listor", default=True)
    hide_identities = models.BooleanField("dölj personnummer i listor", default=False)
    last_assignment = models.ForeignKey(
        StaffAssignment, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="senaste uppdrag"
    )

    class Meta:
        verbose_name = "personlig inställning"
        verbose_name_plural = "personliga inställningar"
        triggers = change_log()
        constraints = [
            models.CheckConstraint(name="density_known", condition=Q(density__in=Density.values)),
        ]


class ApiToken(Row):
    """A key for an integration: only its SHA-256 is stored, it can expire and be revoked. It acts with all its user's
    assignments; a unit named in the call picks the assignment."""

    user = models.ForeignKey(User, models.PROTECT, related_name="tokens", verbose_name="användare")
    digest = models.CharField("kontrollsumma", max_length=64, unique=True, editable=False)
    label = models.CharField("beskrivning", max_length=120, blank=True)
    created_at = models.DateTimeField("skapad", auto_now_add=True)
    expires_at = models.DateTimeField("går ut", null=True, blank=True)
    revoked_at = models.DateTimeField("återkallad", null=True, blank=True)

    class Meta:
        verbose_name = "API-nyckel"
        verbose_name_plural = "API-nycklar"
        triggers = change_log(personal=True)

    def __str__(self):
        return self.label or str(self.pk)


class IdempotentAnswer(Row):
    """The answer given to a POST with an Idempotency-Key: given again for 24 hours instead of doing it twice."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    patient_id = models.UUIDField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_account")]
        indexes = [models.Index(fields=["created_at"], name="idempotent_answer_by_age")]


class AccessAction(models.TextChoices):
    """What was done with a patient's data; StoreLog's words."""

    READ = "read", "Läsa"
    WRITE = "write", "Skriva"
    PRINT = "print", "Utskrift"
    EMERGENCY = "emergency", "Nödöppning"


class AccessLogQuerySet(models.QuerySet):
    def about(self, patients):
        """What concerns the patients (ids), with who, where and as what; the newest first by key."""
        return self.filter(patient_id__in=patients).select_related("user", "assignment", "care_unit").order_by("-pk")

    def narrowed(self, *, user=None, care_unit=None, what=None, first=None, before=None):
        """By who, at which unit, what was shown, and when; what is left open narrows nothing."""
        asked = {"user_id": user, "care_unit_id": care_unit, "what": what, "at__gte": first, "at__lt": before}
        return self.filter(**{field: value for field, value in asked.items() if value})


class AccessLogEntry(Row):
    """Who read which patient, when, as which assignment, for what purpose (PDL). Lies below Patient, hence a plain id.
    Append-only, partitioned by month, kept at least five years."""

    at = models.DateTimeField("tidpunkt")
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False, verbose_name="användare")
    assignment = models.ForeignKey(
        StaffAssignment, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name="uppdrag"
    )
    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name="vårdenhet"
    )
    patient_id = models.UUIDField("patient")
    action = models.CharField("händelse", max_length=10, choices=AccessAction, default=AccessAction.READ)
    what = models.CharField("vad", max_length=60, help_text="list, sökträff, patientsida, vårdhändelse …")
    resource_id = models.UUIDField("objekt", null=True)
    purpose = models.CharField("syfte", max_length=60)
    request_id = models.CharField("anrop", max_length=64, blank=True)

    objects = AccessLogQuerySet.as_manager()

    class Meta:
        verbose_name = "läsning"
        verbose_name_plural = "åtkomstlogg"
        indexes = [
            models.Index(fields=["patient_id", "id"], name="access_log_by_patient"),
            models.Index(fields=["user", "id"], name="access_log_by_user"),
        ]
        triggers = [append_only()]
