"""Administration of what the region decides about coding (KL-06): weights of checks, spärrlistan, units' favourites."""

from django import forms
from django.contrib import admin
from django.db.models import Q

from classification.actions import block_list
from classification.models import BlockedCode, CheckSetting, FavouriteCode
from classification.models.regional import SWITCHABLE
from classification.rules import CHECKS
from sdv.accounts.administration import MaintainedAdmin, site
from sdv.accounts.catalogue_file import CatalogueFile
from sdv.accounts.file_import import FileImport, ImportedByFile


class CheckSettingForm(forms.ModelForm):
    """Checks by their words: what the register would refuse is not among them."""

    check_id = forms.ChoiceField(
        label="Kontroll",
        choices=[(code, f"{CHECKS[code]} ({CHECKS[code].evidence.label})") for code in SWITCHABLE],
    )

    class Meta:
        model = CheckSetting
        fields = ("check_id", "weight", "most", "valid_from", "valid_to", "decision")


@admin.register(CheckSetting, site=site)
class CheckSettingAdmin(ImportedByFile, MaintainedAdmin):
    form = CheckSettingForm
    fixed = ("check_id",)
    list_display = ("__str__", "most", "valid_from", "valid_to", "decision")
    list_filter = ("weight",)
    file_import = CatalogueFile(
        CheckSetting,
        "KL-06",
        ("check_id", "weight", "most", "valid_from", "valid_to", "decision"),
        fixed,
        key=("check_id", "valid_from"),
    )


@admin.register(BlockedCode, site=site)
class BlockedCodeAdmin(ImportedByFile, MaintainedAdmin):
    """A row once used is not deleted: it gets an end date, and codings before it are judged as they were."""

    fixed = ("pattern", "role", "care_form", "care_unit", "kind", "other_pattern")
    list_display = (
        "pattern", "role", "care_form", "kind", "other_pattern", "severity", "text", "valid_from", "valid_to",
    )  # fmt: skip
    list_filter = ("kind", "severity", "role", "care_form")
    search_fields = ("pattern", "text", "source")
    list_select_related = ("care_unit",)
    file_import = FileImport(
        what="spärrlistan",
        about=(
            "Filen är hela listan. Den jämförs med det som gäller, och inget ändras förrän du har sagt ja. Rader som filen"
            " saknar får gårdagen som sista dag: kontakter som avslutats tidigare bedöms som förut."
        ),
        help_text="Hela spärrlistan, med samma rubriker som exporten.",
        confirm="Låt listan gälla",
        done="Spärrlistan är inläst.",
        file_name="sparrlista.csv",
        written=block_list.written,
        compared=block_list.compared,
        take_effect=block_list.import_block_list,
    )


@admin.register(FavouriteCode, site=site)
class FavouriteCodeAdmin(ImportedByFile, MaintainedAdmin):
    """The units' favourites; a person's own are chosen where codes are chosen."""

    fields = ("care_unit", "system", "code", "is_active")
    fixed = ("care_unit", "system", "code")
    list_display = ("code", "system", "care_unit", "is_active")
    list_filter = ("care_unit", "system", "is_active")
    list_select_related = ("system", "care_unit")
    file_import = CatalogueFile(
        FavouriteCode,
        "KL-06",
        fields,
        fixed,
        key=fixed,
        within="care_unit",
        only=Q(care_unit__isnull=False),
    )

    def get_queryset(self, request):
        return super().get_queryset(request).filter(care_unit__isnull=False)
