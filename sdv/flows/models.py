"""The deceased cascade: what was changed when a patient was set to deceased, so that exactly that can be undone (AV-03)."""

from django.db import models
from django.db.models import Q

from registration.models import Patient
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, append_only, change_log


class DeceasedCascade(Row):
    """One cascade for one patient (AV-02). Pending until the job or the act itself has run it."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="deceased_cascades")
    deceased_on = models.DateField("avliden")
    source = models.CharField(
        "källa", max_length=20, choices=[("manual", "Registrerad för hand"), ("pu", "PU-tjänsten")]
    )
    reason = models.CharField("uppgift om dödsfallet", max_length=200, blank=True)
    # The register's own word of the death, beside what was registered by hand: a date as far as it is known, or that it
    # no longer tells of one. Support undoes; nothing is undone by itself.
    register_told = models.CharField("registrets dödsdatum", max_length=10, blank=True, default="", db_default="")
    register_told_at = models.DateTimeField("registrets uppgift kom", null=True)
    register_withdrew_at = models.DateTimeField("registret tog tillbaka uppgiften", null=True)
    registered_at = models.DateTimeField("registrerad")
    registered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    run_at = models.DateTimeField("genomförd", null=True)
    undone_at = models.DateTimeField("ångrad", null=True)
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    undo_reason = models.CharField("skäl till ångran", max_length=200, blank=True)
    not_restored = models.JSONField("kunde inte återställas", default=list, db_default=[])

    objects = LockingQuerySet.as_manager()

    class Meta:
        triggers = change_log()
        indexes = [
            models.Index(fields=["id"], condition=Q(run_at=None, undone_at=None), name="cascade_pending"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=Q(undone_at__isnull=True), name="one_living_cascade_per_patient"
            ),
            models.CheckConstraint(
                name="cascade_undone_says_who",
                condition=Q(undone_at__isnull=True, undone_by__isnull=True)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
        ]


class CascadeChange(Row):
    """A row the cascade changed, as it was before: column → value. Undo writes these back where nobody has changed the
    row since."""

    cascade = models.ForeignKey(DeceasedCascade, models.PROTECT, related_name="changes")
    consumer = models.CharField("lista", max_length=40)
    row_id = models.UUIDField("rad")
    before = models.JSONField("före")
    after = models.JSONField("efter")

    class Meta:
        ordering = ["id"]
        triggers = [append_only()]
        constraints = [models.UniqueConstraint(fields=["cascade", "consumer", "row_id"], name="cascade_change_once")]


class RegisterNight(Row):
    """One night's walk through all patients with the population register (PA-04): how far it has come, so that a run
    that was killed goes on where it was, and what came of it. Numbers only."""

    day = models.DateField("dygn", unique=True)
    after_id = models.UUIDField("senast hanterade patient", null=True)
    asked = models.PositiveIntegerField("tillfrågade", default=0, db_default=0)
    changed = models.PositiveIntegerField("ändrade", default=0, db_default=0)
    unknown = models.PositiveIntegerField("okända i registret", default=0, db_default=0)
    left_out = models.PositiveIntegerField("utan användbart svar", default=0, db_default=0)
    conflicts = models.PositiveIntegerField("att granska", default=0, db_default=0)
    failures = models.PositiveIntegerField("misslyckade anrop", default=0, db_default=0)
    started_at = models.DateTimeField("började")
    progressed_at = models.DateTimeField("senaste steget")
    finished_at = models.DateTimeField("klar", null=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "natt med folkbokföringen"
        verbose_name_plural = "nätter med folkbokföringen"
        triggers = change_log(apart_from=("after_id", "asked", "progressed_at"))


class PatientMerge(Row):
    """A record on a reserve number merged into the present one (RI-02): who, when and why, and its undo (PL-13)."""

    source = models.ForeignKey(Patient, models.PROTECT, related_name="merges_away", verbose_name="från")
    target = models.ForeignKey(Patient, models.PROTECT, related_name="merges_here", verbose_name="till")
    reason = models.CharField("skäl", max_length=200)
    is_told_by_register = models.BooleanField("enligt folkbokföringen", default=False)
    merged_at = models.DateTimeField("sammanslagen")
    merged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    undone_at = models.DateTimeField("ångrad", null=True)
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    undo_reason = models.CharField("skäl till ångran", max_length=200, blank=True)
    to_check = models.JSONField("att kontrollera efter ångran", default=list, db_default=[])

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "sammanslagning"
        verbose_name_plural = "sammanslagningar"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(fields=["source"], condition=Q(undone_at=None), name="one_living_merge_per_record"),
            models.CheckConstraint(name="merge_not_into_itself", condition=~Q(source=models.F("target"))),
            models.CheckConstraint(
                name="merge_undone_says_who",
                condition=Q(undone_at=None, undone_by=None) | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
        ]


class MergeChange(Row):
    """A row that a merge moved: what its changed columns were, and the beginning of a checksum of the whole row as the
    merge left it, so that a later change is seen. Holds ids and flags, never personal data (SK-02)."""

    merge = models.ForeignKey(PatientMerge, models.PROTECT, related_name="changes")
    table = models.CharField("tabell", max_length=80)
    row_id = models.UUIDField("rad")
    before = models.JSONField("före")
    checksum = models.CharField("kontrollsumma", max_length=4)

    class Meta:
        ordering = ["id"]
        triggers = [append_only()]
        constraints = [models.UniqueConstraint(fields=["merge", "table", "row_id"], name="merge_change_once")]
