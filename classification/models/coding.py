"""What a contact is coded with (KL-01…KL-03): diagnoses with external causes, procedures, ATC; and its history (VH-21)."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from registration.models import Encounter
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, Versioned, append_only, change_log

from .catalogue import Code


class EncounterCoding(Versioned):
    """The coding of one contact. Complete (klar) is a person's word, possible when nothing stands in the way (KL-06)."""

    encounter = models.OneToOneField(Encounter, models.PROTECT, related_name="coding", verbose_name="vårdhändelse")
    is_complete = models.BooleanField("klar", default=False)
    completed_at = models.DateTimeField("klar sedan", null=True)
    completed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "klassificering"
        verbose_name_plural = "klassificeringar"
        triggers = change_log()
        constraints = [
            models.CheckConstraint(
                name="coding_complete_says_who_and_when",
                condition=Q(is_complete=True, completed_at__isnull=False, completed_by__isnull=False)
                | Q(is_complete=False, completed_at__isnull=True, completed_by__isnull=True),
                violation_error_message="En klar klassificering säger vem som gjorde den klar och när.",
            ),
        ]


class ChosenCode(Row):
    """A chosen code at its place, with the title it had when it was chosen: titles change while codes stay."""

    position = models.PositiveSmallIntegerField("plats")
    code = models.ForeignKey(Code, models.PROTECT, related_name="+", verbose_name="kod")
    title = models.CharField("titel", max_length=500)

    class Meta:
        abstract = True
        ordering = ["position"]


def _position_from_one(name):
    return models.CheckConstraint(
        name=name, condition=Q(position__gte=1), violation_error_message="Platserna räknas från 1."
    )


def _position_once(name, owner, *, condition=None):
    # Where only some rows have the owner, a partial index holds it; PostgreSQL defers whole constraints only.
    return models.UniqueConstraint(
        fields=[owner, "position"],
        name=name,
        condition=condition,
        deferrable=None if condition else models.Deferrable.DEFERRED,
        violation_error_message="Två koder kan inte ha samma plats.",
    )


class CodedDiagnosis(ChosenCode):
    """Diagnosis of a contact: position 1 is the main one (huvuddiagnos), the others are bidiagnoser (KL-02)."""

    coding = models.ForeignKey(
        EncounterCoding, models.PROTECT, related_name="diagnoses", db_index=False, verbose_name="klassificering"
    )

    class Meta(ChosenCode.Meta):
        verbose_name = "diagnos"
        verbose_name_plural = "diagnoser"
        triggers = change_log()
        constraints = [
            _position_from_one("diagnosis_position_from_one"),
            _position_once("diagnosis_position_once", "coding"),
        ]


class CodedExternalCause(ChosenCode):
    """Yttre orsak, under the diagnosis that it explains: the patient register wants it there (KL-03)."""

    diagnosis = models.ForeignKey(
        CodedDiagnosis, models.CASCADE, related_name="external_causes", db_index=False, verbose_name="diagnos"
    )

    class Meta(ChosenCode.Meta):
        verbose_name = "yttre orsak"
        verbose_name_plural = "yttre orsaker"
        triggers = change_log()
        constraints = [
            _position_from_one("external_cause_position_from_one"),
            _position_once("external_cause_position_once", "diagnosis"),
        ]


class CodedProcedure(ChosenCode):
    """Åtgärd: KVÅ or a regional code beside it (KL-03, DI-05), with its own date where one was given."""

    coding = models.ForeignKey(
        EncounterCoding, models.PROTECT, related_name="procedures", db_index=False, verbose_name="klassificering"
    )
    date = models.DateField("datum", null=True)

    class Meta(ChosenCode.Meta):
        verbose_name = "åtgärd"
        verbose_name_plural = "åtgärder"
        triggers = change_log()
        constraints = [
            _position_from_one("procedure_position_from_one"),
            _position_once("procedure_position_once", "coding"),
        ]


class CodedSubstance(ChosenCode):
    """ATC code in addition to a diagnosis or a procedure, or to the contact where neither is meant (KL-03)."""

    diagnosis = models.ForeignKey(CodedDiagnosis, models.CASCADE, null=True, related_name="atc", db_index=False)
    procedure = models.ForeignKey(CodedProcedure, models.CASCADE, null=True, related_name="atc", db_index=False)
    coding = models.ForeignKey(EncounterCoding, models.PROTECT, null=True, related_name="atc", db_index=False)

    class Meta(ChosenCode.Meta):
        verbose_name = "läkemedelskod"
        verbose_name_plural = "läkemedelskoder"
        triggers = change_log()
        constraints = [
            _position_from_one("substance_position_from_one"),
            models.CheckConstraint(
                name="substance_belongs_to_one",
                condition=Q(diagnosis__isnull=False, procedure__isnull=True, coding__isnull=True)
                | Q(diagnosis__isnull=True, procedure__isnull=False, coding__isnull=True)
                | Q(diagnosis__isnull=True, procedure__isnull=True, coding__isnull=False),
                violation_error_message="En läkemedelskod hör till en diagnos, en åtgärd eller kontakten.",
            ),
            _position_once("substance_once_by_diagnosis", "diagnosis", condition=Q(diagnosis__isnull=False)),
            _position_once("substance_once_by_procedure", "procedure", condition=Q(procedure__isnull=False)),
            _position_once("substance_once_by_coding", "coding", condition=Q(coding__isnull=False)),
        ]


class CodingMove(models.TextChoices):
    """What happened to a coding."""

    SAVE = "save", "Klassificering sparad"
    UNDO = "undo", "Ångrad klassificering"
    REOPEN = "reopen", "Klassificering öppnad igen"


class CodingHistory(Row):
    """One change of a coding: who, when, and the codes before and after (VH-21). Part of the product, append-only."""

    coding = models.ForeignKey(EncounterCoding, models.PROTECT, related_name="history", db_index=False)
    move = models.CharField("händelse", max_length=10, choices=CodingMove)
    before = models.JSONField("före")
    after = models.JSONField("efter")
    by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField("tidpunkt")
    registered_at = models.DateTimeField("registrerad", db_default=Now())

    class Meta:
        verbose_name = "ändring av klassificering"
        verbose_name_plural = "klassificeringens historik"
        ordering = ["id"]
        triggers = [append_only()]
        indexes = [models.Index(fields=["coding", "id"], name="coding_history_by_coding")]
        constraints = [models.CheckConstraint(name="coding_move_known", condition=Q(move__in=CodingMove.values))]
