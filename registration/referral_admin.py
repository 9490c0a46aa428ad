"""Administration of problemkoder, in and out as a file with a look at what changes (VA-01), and of who reviews (VA-03)."""

from django.contrib import admin

from registration.actions import problem_codes
from registration.models import CareCommitment, GuaranteeLimit, ProblemCode, ReferralReviewer
from sdv.accounts import row_changes, row_usage
from sdv.accounts.administration import CatalogueAdmin, MaintainedAdmin, site
from sdv.accounts.catalogue_file import CatalogueFile
from sdv.accounts.file_import import FileImport, ImportedByFile


@admin.register(ProblemCode, site=site)
class ProblemCodeAdmin(ImportedByFile, CatalogueAdmin):
    """Problemkoder per speciality. One that has been used gets an end date."""

    list_display = ("name", "code", "speciality", "source", "valid_from", "valid_to")
    list_filter = ("speciality",)

    file_import = FileImport(
        what="problemkoder",
        about=(
            "Filen är hela listan för de specialiteter den nämner. Den jämförs med det som finns, och inget ändras förrän du"
            " har sagt ja. En kod som inte står i filen upphör; vårdåtaganden som har den behåller den."
        ),
        help_text="Specialiteternas koder, med exportens rubriker.",
        confirm="Låt koderna gälla",
        done="Problemkoderna är inlästa.",
        file_name="problemkoder.csv",
        written=problem_codes.written,
        compared=problem_codes.compared,
        take_effect=problem_codes.import_problem_codes,
    )

    def effects(self, request, before, after):
        told = super().effects(request, before, after)
        if row_changes.new_last_day(before, after) is None:
            return told
        rows = CareCommitment.objects.open().filter(problem_code=after)
        return told + row_usage.told_with("Öppna vårdåtaganden som har det och behåller det", rows)


@admin.register(ReferralReviewer, site=site)
class ReferralReviewerAdmin(ImportedByFile, MaintainedAdmin):
    """Who reviews a unit's remisser, in which order they stand in for each other."""

    fixed = ("care_unit", "practitioner")
    list_display = ("practitioner", "care_unit", "position", "valid_from", "valid_to")
    list_filter = ("care_unit",)
    list_select_related = ("practitioner", "care_unit")
    file_import = CatalogueFile(
        ReferralReviewer,
        "VA-03",
        ("care_unit", "practitioner", "position", "valid_from", "valid_to"),
        fixed,
        key=fixed,
        within="care_unit",
    )


@admin.register(GuaranteeLimit, site=site)
class GuaranteeLimitAdmin(ImportedByFile, CatalogueAdmin):
    """Vårdgarantins gränser: a new limit is a new row, so that old waits are judged as they were (BO-04)."""

    fixed = ("code", "purpose", "days", "valid_from")
    list_display = ("name", "purpose", "days", "valid_from", "valid_to", "source")
    file_import = CatalogueFile.of_catalogue(GuaranteeLimit, "BO-04", "purpose", "days", fixed=fixed)
