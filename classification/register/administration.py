"""Administration of deliveries to registers (PAR-01): code lists, who reports, units, and the layout table."""

from django.contrib import admin

from classification.models import RegisterCode, RegisterLayout, RegisterLayoutField, RegisterReporter, ReportingUnit
from sdv.accounts.administration import MaintainedAdmin, MaintainedInline, site


@admin.register(RegisterCode, site=site)
class RegisterCodeAdmin(MaintainedAdmin):
    """The register's own code lists: the region enters the lists it has fetched."""

    fixed = ("code_list", "code")
    list_display = ("code", "name", "code_list", "evidence", "counts_as_psychiatry")
    list_filter = ("code_list", "evidence", "counts_as_psychiatry")
    search_fields = ("code", "name")


@admin.register(RegisterReporter, site=site)
class RegisterReporterAdmin(MaintainedAdmin):
    list_display = ("care_provider", "file_code")
    list_select_related = ("care_provider",)


@admin.register(ReportingUnit, site=site)
class ReportingUnitAdmin(MaintainedAdmin):
    list_display = ("care_unit", "hospital_code", "emergency_activity")
    list_select_related = ("care_unit",)
    search_fields = ("care_unit__name", "hospital_code")


class LayoutFieldInline(MaintainedInline):
    model = RegisterLayoutField
    extra = 1

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and not is_delivered(obj)

    def has_add_permission(self, request, obj=None):
        return super().has_add_permission(request, obj) and not is_delivered(obj)

    def has_delete_permission(self, request, obj=None):
        """A field may be taken away until something has been delivered by the layout."""
        return super().has_change_permission(request, obj) and not is_delivered(obj)


def is_delivered(layout):
    """Whether something has been made by the layout: then it stands as it is, and a new one is entered."""
    return layout is not None and layout.pk is not None and layout.deliveries.exists()


@admin.register(RegisterLayout, site=site)
class RegisterLayoutAdmin(MaintainedAdmin):
    """The layout table (PAR-01). One that has been delivered by is history: it can be given an end, nothing else."""

    list_display = ("version", "regulation", "is_verified", "valid_from", "valid_to")
    inlines = (LayoutFieldInline,)

    def get_readonly_fields(self, request, obj=None):
        if is_delivered(obj):
            return tuple(field.name for field in RegisterLayout._meta.fields if field.name not in ("id", "valid_to"))
        return super().get_readonly_fields(request, obj)
