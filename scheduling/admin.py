"""Administration of outcomes and of tidböcker."""

from django.contrib import admin

from scheduling import attachment_admin, letter_text_admin
from scheduling.models import ExtraHours, Outcome, OutcomeReason, Resource, WeeklyHours
from sdv.accounts.administration import CatalogueAdmin, MaintainedAdmin, MaintainedInline, ReadOnlyAdmin, may_any, site
from sdv.accounts.catalogue_file import CatalogueFile
from sdv.accounts.file_import import ImportedByFile
from sdv.accounts.permissions import Permission
from sdv.organisation.models import CareUnit

__all__ = ["attachment_admin", "letter_text_admin"]

SCHEDULES = (Permission.MAINTAIN_SCHEDULES, Permission.MAINTAIN_CATALOGUES)


@admin.register(Outcome, site=site)
class OutcomeAdmin(ReadOnlyAdmin):
    """The four outcomes are the instruction's (UT-02)."""

    list_display = ("name", "position", "requires_reason", "creates")


@admin.register(OutcomeReason, site=site)
class OutcomeReasonAdmin(ImportedByFile, CatalogueAdmin):
    fixed = ("code", "outcome")
    list_display = ("name", "outcome", "position", "source", "valid_from", "valid_to")
    list_filter = ("outcome",)
    list_select_related = ("outcome",)
    file_import = CatalogueFile.of_catalogue(OutcomeReason, "UT-03", "outcome", "position", fixed=fixed)


class WeeklyHoursInline(MaintainedInline):
    """Hours may be taken away: bookings made in them stay as they are."""

    model = WeeklyHours
    permissions = SCHEDULES
    fields = ("weekday", "from_time", "to_time", "slot_minutes", "visit_types", "on_holidays", "valid_from", "valid_to")

    def has_delete_permission(self, request, obj=None):
        return may_any(request, self.permissions)


class ExtraHoursInline(MaintainedInline):
    """Extra times of a day, beside the week's or in their place."""

    model = ExtraHours
    permissions = SCHEDULES
    fields = ("day", "from_time", "to_time", "slot_minutes", "visit_types", "replaces_week")

    def has_delete_permission(self, request, obj=None):
        return may_any(request, self.permissions)


@admin.register(Resource, site=site)
class ResourceAdmin(MaintainedAdmin):
    """A coordinator sees and changes those of the units where the assignment is (MAINTAIN_SCHEDULES)."""

    permissions = SCHEDULES
    fixed = ("care_unit", "kind", "practitioner")
    list_display = ("name", "kind", "care_unit", "practitioner", "valid_from", "valid_to")
    list_filter = ("kind",)
    list_select_related = ("care_unit", "practitioner")
    search_fields = ("name", "care_unit__name")
    inlines = (WeeklyHoursInline, ExtraHoursInline)

    def get_queryset(self, request):
        return super().get_queryset(request).filter(care_unit__in=self.units(request))

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name in ("care_unit", "place"):
            model = db_field.remote_field.model
            own = {"pk__in": self.units(request)} if model is CareUnit else {"care_unit__in": self.units(request)}
            kwargs["queryset"] = model.objects.filter(**own)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @staticmethod
    def units(request):
        if request.actor.may(Permission.MAINTAIN_CATALOGUES):
            return CareUnit.objects.values("pk")
        return request.actor.units_where(Permission.MAINTAIN_SCHEDULES)
