"""Imports of code lists (KL-05): what was read, what it changed, who let it take effect and when."""

from django.db import models
from django.db.models import Q

from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, append_only, change_log

from .catalogue import CodeRelease, CodeSystem


class ImportState(models.TextChoices):
    """Where an import stands."""

    PREVIEWED = "previewed", "förhandsgranskad"
    QUEUED = "queued", "ska läsas in"
    IN_EFFECT = "in_effect", "gäller"
    STOPPED = "stopped", "stannade"
    DISCARDED = "discarded", "förkastad"


# Nobody has said yes or no, or the yes has not been carried out.
OPEN_STATES = (ImportState.PREVIEWED, ImportState.QUEUED)


class CodeImport(Row):
    """Inläsning of a code list. It is read and compared first; codes change when somebody has said yes to what is seen.

    `report` keeps the comparison: how many codes were added, changed and ended, the first of each, and remarks on what
    the file did not say; all of it is the CodeImportComparison. A yes puts the import in the queue, and the clock's job
    carries it out; what stopped it there is `report["stopped"]`. `by` is empty where a command on the server did it."""

    system = models.ForeignKey(CodeSystem, models.PROTECT, related_name="imports", verbose_name="kodsystem")
    version = models.CharField("utgåva", max_length=60)
    valid_from = models.DateField("giltig från")
    valid_to = models.DateField("giltig till", null=True, blank=True)
    source = models.CharField("källa", max_length=200)
    format = models.CharField("format", max_length=60)
    state = models.CharField("läge", max_length=10, choices=ImportState, default=ImportState.PREVIEWED)
    report = models.JSONField("jämförelse", default=dict)
    # Of the comparison: what is let into effect is what was seen, or nothing.
    fingerprint = models.CharField(max_length=64, editable=False)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name="inläst av")
    at = models.DateTimeField("inläst")
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name="avgjord av"
    )
    decided_at = models.DateTimeField("avgjord", null=True)
    release = models.ForeignKey(
        CodeRelease, models.PROTECT, null=True, related_name="imports", verbose_name="utgåva som ändrades"
    )

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "inläsning"
        verbose_name_plural = "inläsningar"
        ordering = ["-id"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(name="code_import_state_known", condition=Q(state__in=ImportState.values)),
            models.CheckConstraint(
                name="code_import_decided_says_when",
                condition=Q(state=ImportState.PREVIEWED, decided_at__isnull=True)
                | (~Q(state=ImportState.PREVIEWED) & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="code_import_in_effect_has_release",
                condition=Q(state=ImportState.IN_EFFECT, release__isnull=False)
                | (~Q(state=ImportState.IN_EFFECT) & Q(release__isnull=True)),
            ),
        ]

    def __str__(self):
        return f"{self.system_id} {self.version}"


class CodeImportComparison(Row):
    """All that an import changes, as a compressed CSV: the report shows the first of each kind."""

    code_import = models.OneToOneField(CodeImport, models.CASCADE, related_name="comparison", verbose_name="inläsning")
    content = models.BinaryField("innehåll")

    class Meta:
        verbose_name = "jämförelse"
        verbose_name_plural = "jämförelser"
        triggers = [append_only()]

    def __str__(self):
        return str(self.code_import)


class CodeImportFile(Row):
    """A file of an import, compressed, kept until the import is decided: no web process holds anything between pages."""

    code_import = models.ForeignKey(CodeImport, models.CASCADE, related_name="files", verbose_name="inläsning")
    name = models.CharField("filnamn", max_length=200)
    is_synonyms = models.BooleanField("sökord", default=False)
    sha256 = models.CharField("kontrollsumma", max_length=64)
    size = models.PositiveIntegerField("storlek i byte")
    content = models.BinaryField("innehåll", null=True)

    class Meta:
        verbose_name = "inläst fil"
        verbose_name_plural = "inlästa filer"
        ordering = ["id"]
        # The names of the changed columns are enough: the content is megabytes.
        triggers = change_log(personal=True)

    def __str__(self):
        return self.name
