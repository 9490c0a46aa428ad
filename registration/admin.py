"""Administration of the catalogues of contacts. Patients and vårdhändelser are not here: they are read only through the
presenter, which heeds protection and logs each reading."""

from django.contrib import admin

from registration import referral_admin
from registration.actions import waiting_room
from registration.models import (
    AddOn,
    AddOnCategory,
    AddressKind,
    ContactReason,
    Encounter,
    EncounterClass,
    EncounterType,
    VisitKind,
    VisitType,
    VisitTypeReason,
    WaitingScreen,
)
from sdv.accounts import row_changes, row_usage
from sdv.accounts.administration import (
    CatalogueAdmin,
    MaintainedAdmin,
    MaintainedInline,
    ReadOnlyAdmin,
    may_any,
    site,
)
from sdv.accounts.catalogue_file import CatalogueFile
from sdv.accounts.change_preview import asked_first
from sdv.accounts.file_import import ImportedByFile
from sdv.common.time import now

__all__ = ["referral_admin"]


class LinkInline(MaintainedInline):
    """Which orsaker can be chosen for which besökstyp (VO-02). A link is no fact that history refers to, so it can be
    taken away; the change log keeps that it was there."""

    model = VisitTypeReason
    fields = ("visit_type", "contact_reason", "source")

    def has_delete_permission(self, request, obj=None):
        return may_any(request, self.permissions)


class AddOnInline(MaintainedInline):
    model = AddOn
    fields = ("code", "name", "source", "valid_from", "valid_to")
    show_change_link = True


class ChosenForVisits:
    """Mixin: of a last day it is told how many visits that are planned after it have the row."""

    def effects(self, request, before, after):
        told = super().effects(request, before, after)
        if (last := row_changes.new_last_day(before, after)) is None:
            return told
        rows = Encounter.objects.planned_after(last).filter(**{self.of_an_encounter: after})
        return told + row_usage.told_with("Planerade besök efter sista dagen som har det och behåller det", rows)


@admin.register(EncounterClass, EncounterType, site=site)
class InstructionAdmin(ReadOnlyAdmin):
    """The instruction's own tables: a release changes them (VH-02)."""

    list_display = ("name", "code")
    search_fields = ("name",)


@admin.register(VisitKind, site=site)
class VisitKindAdmin(ImportedByFile, CatalogueAdmin):
    list_display = ("name", "contact_form", "may_be_new", "may_be_return", "source", "valid_to")
    file_import = CatalogueFile.of_catalogue(
        VisitKind, "BT-01", "may_be_new", "may_be_return", "contact_form", "description"
    )


@admin.register(VisitType, site=site)
class VisitTypeAdmin(ImportedByFile, ChosenForVisits, CatalogueAdmin):
    of_an_encounter = "visit_type"
    # What a besökstyp is put together of stays: another composition is another besökstyp (BT-01).
    fixed = ("code", "care_area", "profession", "visit_kind", "new_or_return")
    list_display = (
        "name",
        "care_area",
        "profession",
        "visit_kind",
        "new_or_return",
        "contact_form",
        "source",
        "valid_to",
    )
    list_filter = ("care_area", "profession", "visit_kind", "contact_form", "requires_place", "is_diagnostic")
    list_select_related = ("care_area", "profession", "visit_kind")
    inlines = (LinkInline,)
    file_import = CatalogueFile.of_catalogue(
        VisitType,
        "BT-01",
        *("care_area", "profession", "visit_kind", "new_or_return", "contact_form"),
        *("requires_place", "is_diagnostic", "default_minutes"),
        fixed=fixed,
    )


@admin.register(ContactReason, site=site)
class ContactReasonAdmin(ImportedByFile, ChosenForVisits, CatalogueAdmin):
    of_an_encounter = "contact_reason"
    list_display = ("name", "alias", "is_unspecified", "is_for_all_visit_types", "source", "valid_to")
    list_filter = ("is_unspecified", "is_for_all_visit_types", "is_psychiatry_only")
    search_fields = ("name", "alias", "code")
    inlines = (LinkInline,)
    file_import = CatalogueFile.of_catalogue(
        ContactReason, "VO-01", "alias", "is_unspecified", "is_psychiatry_only", "is_for_all_visit_types"
    )


@admin.register(VisitTypeReason, site=site)
class VisitTypeReasonAdmin(ImportedByFile, MaintainedAdmin):
    """All links at once; one by one they are changed on the besökstyp or the orsak."""

    fixed = ("visit_type", "contact_reason")
    list_display = ("visit_type", "contact_reason", "source")
    list_select_related = ("visit_type", "contact_reason")
    search_fields = ("visit_type__name", "contact_reason__name")
    file_import = CatalogueFile(
        VisitTypeReason,
        "VO-02",
        ("visit_type", "contact_reason", "source"),
        fixed,
        key=fixed,
        within="visit_type",
        is_removed=True,
    )


@admin.register(AddOnCategory, site=site)
class AddOnCategoryAdmin(ImportedByFile, CatalogueAdmin):
    inlines = (AddOnInline,)
    file_import = CatalogueFile.of_catalogue(AddOnCategory, "KA-02")


@admin.register(AddOn, site=site)
class AddOnAdmin(ImportedByFile, CatalogueAdmin):
    list_display = ("name", "category", "code", "source", "valid_to")
    list_select_related = ("category",)
    file_import = CatalogueFile.of_catalogue(AddOn, "KA-02", "category")


@admin.register(AddressKind, site=site)
class AddressKindAdmin(ImportedByFile, CatalogueAdmin):
    list_display = ("name", "rule", "requires_dates", "is_locked", "valid_to")
    file_import = CatalogueFile.of_catalogue(AddressKind, "PA-07", "rule", "requires_dates", "is_locked")


@admin.register(WaitingScreen, site=site)
class WaitingScreenAdmin(MaintainedAdmin):
    """A screen's code is shown once, when it is added; a lost one is replaced by adding the screen anew."""

    fixed = ("care_unit", "name", "room")
    fields = ("care_unit", "name", "room", "created_at", "revoked_at")
    readonly_fields = ("created_at", "revoked_at")
    list_display = ("name", "care_unit", "room", "created_at", "revoked_at")
    list_select_related = ("care_unit",)
    actions = ("revoke",)

    def save_model(self, request, obj, form, change):
        if change:
            return
        code = waiting_room.new_code()
        obj.digest = waiting_room.digest(code)
        super().save_model(request, obj, form, change)
        self.message_user(request, f"Skärmens kod: {code}. Den visas bara nu. Öppna /skarm/ på skärmen och skriv den.")

    @admin.action(description="Återkalla valda skärmar")
    def revoke(self, request, queryset):
        rows = queryset.filter(revoked_at__isnull=True)
        if page := asked_first(
            self, request, rows, "Återkalla skärmar", "De slutar visa kön genast, och återkallas för gott."
        ):
            return page
        revoked = rows.update(revoked_at=now())
        self.message_user(request, f"{revoked} skärmar är återkallade och visar inget längre.")
