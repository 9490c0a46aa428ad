"""Administration of kallelsetexter: each row a version, read as it will be read, in and out as a file with a look at what
changes (KA-03); and of the dated avgiftstaxa that amounts come from (PL-14)."""

from django import forms
from django.contrib import admin

from registration.models import FeeRate
from scheduling.actions import letter_texts
from scheduling.letter_composition import FIELDS, example_of
from scheduling.models import LetterText
from sdv.accounts import row_changes
from sdv.accounts.administration import MaintainedAdmin, site
from sdv.accounts.catalogue_file import CatalogueFile
from sdv.accounts.file_import import FileImport, ImportedByFile

VERSIONS_OF_A_TEXT = ("part", "contact_reason", "add_on", "care_unit", "unit_kind", "language")


class LetterTextForm(forms.ModelForm):
    """The words of one version. Nothing that is typed is trimmed (PL-16)."""

    class Meta:
        model = LetterText
        fields = (
            "part", "contact_reason", "add_on", "care_unit", "unit_kind", "language", "text", "valid_from", "valid_to",
            "source",
        )  # fmt: skip
        help_texts = {"text": f"Fält: {' '.join(f'{{{name}}}' for name in FIELDS)}."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "text" in self.fields:
            self.fields["text"].strip = False

    def clean(self):
        given = super().clean()
        if "text" in given and (
            fault := letter_texts.text_fault(given.get("part"), given["text"], given.get("care_unit"))
        ):
            self.add_error("text", fault)
        return given


@admin.register(LetterText, site=site)
class LetterTextAdmin(ImportedByFile, MaintainedAdmin):
    """A version's words stay: a new wording is a new row with its own days."""

    form = LetterTextForm
    fixed = ("part", "contact_reason", "add_on", "care_unit", "unit_kind", "language", "text", "valid_from")
    readonly_fields = ("preview",)
    list_display = ("part", "subject_text", "language", "text", "valid_from", "valid_to", "source")
    list_filter = ("part", "language", "unit_kind")
    search_fields = ("text", "contact_reason__name", "add_on__name", "care_unit__name")
    list_select_related = ("contact_reason", "add_on", "care_unit")
    file_import = FileImport(
        what="kallelsetexter",
        about=(
            "Varje rad är en version. Den jämförs med det som finns, och inget ändras förrän du har sagt ja. En ny version"
            " avslutar den som gäller dagen innan; brev som är skrivna står kvar som de skrevs."
        ),
        help_text="Versioner, med samma rubriker som exporten.",
        confirm="Låt texterna gälla",
        done="Kallelsetexterna är inlästa.",
        file_name="kallelsetexter.csv",
        written=letter_texts.written,
        compared=letter_texts.compared,
        take_effect=letter_texts.import_letter_texts,
    )

    def effects(self, request, before, after):
        told = super().effects(request, before, after)
        return told + row_changes.nothing_follows(before, after, VERSIONS_OF_A_TEXT)

    @admin.display(description="så läses den")
    def preview(self, row):
        return example_of(row.text) if row and row.pk else "Visas när texten är sparad"


@admin.register(FeeRate, site=site)
class FeeRateAdmin(ImportedByFile, MaintainedAdmin):
    """Amounts: a new year is a new row, so that an old letter's amount can be told of."""

    fixed = ("code", "purpose", "level", "staff", "with_referral", "amount", "valid_from")
    list_display = ("code", "purpose", "level", "staff", "with_referral", "amount", "valid_from", "valid_to", "source")
    list_filter = ("purpose", "level")

    file_import = CatalogueFile(
        FeeRate,
        "PL-14",
        ("code", "purpose", "level", "staff", "with_referral", "amount", "source", "valid_from", "valid_to"),
        fixed=fixed,
        key=("purpose", "level", "staff", "with_referral", "valid_from"),
    )

    def effects(self, request, before, after):
        told = super().effects(request, before, after)
        same = ("purpose", "level", "staff", "with_referral")
        return told + row_changes.nothing_follows(before, after, same)
