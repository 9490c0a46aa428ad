"""Bilagor: PDF of a catalogue that go with a letter, byte for byte (KA-03). Another wording is another row with its own
days; a file that has been put in the catalogue is never changed."""

import pgtrigger
from django.db import models
from django.db.models import F, Func, Q

from sdv.common.models import CatalogueQuerySet, Row, change_log
from sdv.organisation.models import CareUnit

from .letter import Letter

MOST_BYTES = 2 * 1024 * 1024
# What one letter carries: what an inbox takes in 1177, and what anyone reads of a bundle of paper.
MOST_FILES, MOST_BYTES_OF_A_LETTER = 10, 5 * 1024 * 1024


# The order of a letter's files: as the letter names them.
IN_ORDER = ("attachment__name", "attachment_id")


class LetterAttachmentQuerySet(CatalogueQuerySet):
    def offered(self, care_unit, day):
        """Those that the unit may send on the day: its own and the region's."""
        return self.valid_on(day).filter(Q(care_unit=None) | Q(care_unit=care_unit))

    def with_size(self):
        """Their bytes counted in the database: the files themselves are read when they go."""
        return self.annotate(size=Func("pdf", function="octet_length", output_field=models.IntegerField()))


class LetterAttachment(Row):
    """Bilaga: a version of a leaflet, a map or a form, for all units or one."""

    name = models.CharField("benämning", max_length=80)
    care_unit = models.ForeignKey(
        CareUnit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="letter_attachments",
        verbose_name="vårdenhet",
        help_text="Tomt: för alla enheter",
    )
    pdf = models.BinaryField("dokument")
    sha256 = models.CharField("kontrollsumma", max_length=64, editable=False)
    source = models.CharField("källa", max_length=200, help_text="Vem som beslutat bilagan, eller uppfunnen")
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)

    objects = LetterAttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = "brevbilaga"
        verbose_name_plural = "brevbilagor"
        ordering = ["name", "valid_from", "id"]
        # The file itself is never written to the change log: its checksum tells which it was.
        triggers = [
            *change_log(without_values=("pdf",)),
            pgtrigger.ReadOnly(name="file_is_kept", fields=["name", "pdf", "sha256", "care_unit"]),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        ]
        constraints = [
            models.CheckConstraint(
                name="letter_attachment_ends_after_it_begins",
                condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                violation_error_message="Sista dagen ska inte ligga före den första.",
            ),
            models.CheckConstraint(name="letter_attachment_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self):
        return self.name


class LetterEnclosure(Row):
    """That an attachment goes with a letter. Told when the letter is written, and kept as long as the letter."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="enclosures", verbose_name="brev")
    attachment = models.ForeignKey(
        LetterAttachment, models.PROTECT, related_name="enclosures", verbose_name="bilaga", db_index=False
    )

    class Meta:
        verbose_name = "brevets bilaga"
        verbose_name_plural = "brevens bilagor"
        ordering = ["id"]
        triggers = [*change_log(), pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update)]
        constraints = [models.UniqueConstraint(fields=["letter", "attachment"], name="letter_encloses_once")]
