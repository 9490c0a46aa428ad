"""Who stands by a patient: guardians and contact persons, and their copies on a vårdhändelse (RE-01…03)."""

from django.db import models
from django.db.models import F, Q

from registration.protected import locked_when_protected
from sdv.common.models import LockingQuerySet, Versioned, change_log

from .encounter import Encounter
from .patient import Patient


class RelationKind(models.TextChoices):
    """Two kinds: who the register names, and who the patient names (RE-01, RE-02)."""

    GUARDIAN = "guardian", "Vårdnadshavare"
    CONTACT = "contact", "Kontaktperson"


class RelationQuerySet(LockingQuerySet):
    def guardians(self):
        """Legal guardians, told by PU (RE-01)."""
        return self.filter(kind=RelationKind.GUARDIAN)

    def contacts(self):
        """Contact persons, kept by users (RE-02)."""
        return self.filter(kind=RelationKind.CONTACT)

    def valid_on(self, day):
        """Relations that have begun and not ended on the day."""
        return self.filter(Q(valid_from=None) | Q(valid_from__lte=day)).filter(Q(valid_to=None) | Q(valid_to__gte=day))


def _constraints(name):
    return [
        models.CheckConstraint(name=f"{name}_kind_known", condition=Q(kind__in=RelationKind.values)),
        models.CheckConstraint(
            name=f"{name}_has_a_name",
            condition=~Q(name="") | Q(kind="guardian"),
            violation_error_message="Ange kontaktpersonens namn (RE-02).",
        ),
        models.CheckConstraint(
            name=f"{name}_dates_in_order",
            condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
            violation_error_message="Relationen kan inte sluta innan den börjar.",
        ),
    ]


class Relation(Versioned):
    """What is known of a person who stands by a patient. Identity and birth date may both be missing, also where PU told
    of the person; phone, interpreter need and copy of kallelse are the only fields users may edit on a guardian."""

    kind = models.CharField("slag", max_length=10, choices=RelationKind)
    name = models.CharField("namn", max_length=200, blank=True)
    relation = models.CharField("relation", max_length=60, blank=True)
    identity = models.CharField("identitet", max_length=20, blank=True)
    birth_date = models.DateField("födelsedatum", null=True, blank=True)
    is_protected = models.BooleanField("skyddade personuppgifter", default=False, db_default=False)
    phone = models.CharField("telefon", max_length=30, blank=True)
    interpreter_language = models.CharField("tolkspråk", max_length=60, blank=True)
    gets_letter_copy = models.BooleanField("kopia av kallelse", default=False, db_default=False)
    source = models.CharField("källa", max_length=40, blank=True)
    valid_from = models.DateField("från", null=True, blank=True)
    valid_to = models.DateField("till", null=True, blank=True)

    objects = RelationQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["kind", "id"]


# What a copy on a vårdhändelse takes over (RE-03).
COPIED_FIELDS = (
    "kind",
    "name",
    "relation",
    "identity",
    "birth_date",
    "is_protected",
    "phone",
    "interpreter_language",
    "gets_letter_copy",
    "source",
    "valid_from",
    "valid_to",
)


class PatientRelation(Relation):
    """A guardian or contact person of the patient (RE-01, RE-02). Guardians leave the day the patient turns 18."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="relations", verbose_name="patient")

    class Meta(Relation.Meta):
        abstract = False
        verbose_name = "relation"
        verbose_name_plural = "relationer"
        triggers = [*change_log(personal=True), locked_when_protected()]
        indexes = [models.Index(fields=["patient"], condition=Q(kind="guardian"), name="guardian_by_patient")]
        constraints = [
            *_constraints("patient_relation"),
            models.UniqueConstraint(
                fields=["patient", "identity"],
                condition=Q(kind="guardian") & ~Q(identity=""),
                name="guardian_once_per_patient",
                violation_error_message="Vårdnadshavaren finns redan på patienten (RE-01).",
            ),
        ]


class EncounterRelation(Relation):
    """The copy on a vårdhändelse: made when it is created, then its own (RE-03)."""

    encounter = models.ForeignKey(Encounter, models.CASCADE, related_name="relations", verbose_name="vårdhändelse")

    class Meta(Relation.Meta):
        abstract = False
        verbose_name = "relation på vårdhändelse"
        verbose_name_plural = "relationer på vårdhändelser"
        triggers = [
            *change_log(personal=True),
            locked_when_protected("(SELECT patient_id FROM registration_encounter WHERE id = NEW.encounter_id)"),
        ]
        indexes = [models.Index(fields=["encounter"], condition=Q(kind="guardian"), name="guardian_by_encounter")]
        constraints = _constraints("encounter_relation")
