"""Administration of staff and organisation. The organisation lies a floor below and cannot know of it."""

from django import forms
from django.contrib import admin
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password
from django.utils import timezone

from sdv.common.models import ChangeLogEntry
from sdv.organisation.models import (
    Branch,
    CareArea,
    CareProvider,
    CareUnit,
    Facility,
    Place,
    Reception,
    SharedList,
    SharedListUnit,
    Ward,
)

from . import row_changes, row_usage
from .administration import (
    CatalogueAdmin,
    CountedToALimit,
    MaintainedAdmin,
    MaintainedInline,
    ReadOnlyAdmin,
    may_any,
    site,
)
from .catalogue_file import CatalogueFile
from .change_preview import asked_first
from .file_import import ImportedByFile
from .models import AccessLogEntry, ApiToken, Practitioner, Profession, StaffAssignment, User
from .permissions import Permission

# --- Organisation -------------------------------------------------------------------------------------------------


def hsa_file(model, *own, rule="KA-03", fixed=("hsa_id",), within=""):
    """A part of the organisation as a file, known by its HSA-id."""
    columns = ("hsa_id", "name", *own, "valid_from", "valid_to")
    return CatalogueFile(model, rule, columns, fixed, key=("hsa_id",), within=within)


class HsaAdmin(ImportedByFile, MaintainedAdmin):
    """A part of the organisation, known by its HSA-id."""

    fixed = ("hsa_id",)
    list_display = ("name", "hsa_id", "valid_from", "valid_to")
    search_fields = ("name", "hsa_id")


@admin.register(CareProvider, site=site)
class CareProviderAdmin(HsaAdmin):
    file_import = hsa_file(CareProvider)


@admin.register(Facility, site=site)
class FacilityAdmin(HsaAdmin):
    list_display = ("name", "care_provider", "hsa_id", "valid_from", "valid_to")
    list_select_related = ("care_provider",)
    file_import = hsa_file(Facility, "care_provider", within="care_provider")


@admin.register(CareUnit, site=site)
class CareUnitAdmin(HsaAdmin):
    # The kind decides the types of all that has been registered at the unit (VH-07).
    fixed = ("hsa_id", "kind")
    list_display = ("name", "short_name", "kind", "facility", "hsa_id", "valid_to")
    list_filter = ("kind",)
    list_select_related = ("facility",)

    file_import = hsa_file(
        CareUnit,
        *("short_name", "facility", "kind", "care_area", "mvo_code", "specialities"),
        *("allows_overbooking", "sends_reminders"),
        rule="VH-07",
        fixed=fixed,
        within="facility",
    )

    def effects(self, request, before, after):
        told = super().effects(request, before, after)
        if (last := row_changes.new_last_day(before, after)) is None:
            return told
        rows = StaffAssignment.objects.filter(care_unit=after).exclude(valid_to__lte=last)
        return told + row_usage.told_with("Medarbetaruppdrag på enheten som gäller längre", rows)


class SharedListUnitInline(MaintainedInline):
    """A unit may leave the list: what it has booked stays as it is."""

    model = SharedListUnit
    fields = ("care_unit",)

    def has_delete_permission(self, request, obj=None):
        return may_any(request, self.permissions)


@admin.register(SharedList, site=site)
class SharedListAdmin(ImportedByFile, MaintainedAdmin):
    """Delade väntelistor: which units see and take each other's waiting patients (PL-25)."""

    list_display = ("name", "valid_from", "valid_to")
    inlines = (SharedListUnitInline,)
    file_import = CatalogueFile(SharedList, "PL-25", ("name", "valid_from", "valid_to"), fixed=(), key=("name",))


@admin.register(SharedListUnit, site=site)
class SharedListUnitAdmin(ImportedByFile, MaintainedAdmin):
    """All units of all lists at once; one by one they are changed on the list."""

    fixed = ("shared_list", "care_unit")
    list_display = fixed
    list_filter = ("shared_list",)
    list_select_related = fixed
    search_fields = ("shared_list__name", "care_unit__name")
    file_import = CatalogueFile(SharedListUnit, "PL-25", fixed, fixed, key=fixed, within="shared_list", is_removed=True)


class UnitPartAdmin(HsaAdmin):
    list_display = ("name", "care_unit", "hsa_id", "valid_from", "valid_to")
    list_select_related = ("care_unit",)


@admin.register(Reception, site=site)
class ReceptionAdmin(UnitPartAdmin):
    file_import = hsa_file(Reception, "care_unit", "is_main", within="care_unit")


@admin.register(Ward, site=site)
class WardAdmin(UnitPartAdmin):
    file_import = hsa_file(Ward, "care_unit", within="care_unit")


@admin.register(Branch, site=site)
class BranchAdmin(UnitPartAdmin):
    file_import = hsa_file(Branch, "care_unit", "town", within="care_unit")


@admin.register(Place, site=site)
class PlaceAdmin(ImportedByFile, MaintainedAdmin):
    list_display = ("name", "kind", "care_unit", "ward", "room", "valid_to")
    list_filter = ("kind", "care_unit")
    list_select_related = ("care_unit", "ward", "room")
    search_fields = ("name", "care_unit__name")
    file_import = CatalogueFile(
        Place,
        "VH-09",
        ("care_unit", "name", "kind", "ward", "room", "valid_from", "valid_to"),
        fixed=(),
        key=("care_unit", "name"),
        within="care_unit",
    )


class AbbreviatedAdmin(ImportedByFile, CatalogueAdmin):
    """Parts that besökstyper are named after (BT-01)."""

    fixed = ("code", "abbreviation")
    list_display = ("name", "abbreviation", "alias", "source", "valid_to")


@admin.register(CareArea, site=site)
class CareAreaAdmin(AbbreviatedAdmin):
    file_import = CatalogueFile.of_catalogue(CareArea, "BT-01", "abbreviation", "alias", fixed=AbbreviatedAdmin.fixed)


@admin.register(Profession, site=site)
class ProfessionAdmin(AbbreviatedAdmin):
    file_import = CatalogueFile.of_catalogue(Profession, "BT-01", "abbreviation", "alias", fixed=AbbreviatedAdmin.fixed)


# --- Staff --------------------------------------------------------------------------------------------------------


class UserForm(forms.ModelForm):
    """A user, with a new password or none: an integration has only tokens."""

    new_password = forms.CharField(
        label="nytt lösenord",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Lämna tomt för att behålla det som är. Ett nytt lösenord avslutar användarens pass.",
    )

    class Meta:
        model = User
        fields = ("username", "name", "hsa_id", "has_protected_data", "is_active")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["new_password"].help_text += password_validators_help_text_html()

    def clean_new_password(self):
        password = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password

    def save(self, commit=True):
        if password := self.cleaned_data["new_password"]:
            self.instance.set_password(password)
        elif not self.instance.password:
            self.instance.set_unusable_password()
        return super().save(commit)


class StaffAssignmentInline(MaintainedInline):
    model = StaffAssignment


@admin.register(User, site=site)
class UserAdmin(MaintainedAdmin):
    form = UserForm
    fixed = ("username",)
    list_display = ("name", "username", "is_active", "created_at")
    list_filter = ("is_active", "assignments__role")
    search_fields = ("name", "username", "hsa_id")
    inlines = (StaffAssignmentInline,)
    # Nearly every table says who did what in it: that is the logs' to tell.
    not_counted = None

    def is_previewed(self, request):
        """A password is carried by no page: with a new one the change is saved at once."""
        return not request.POST.get("new_password")


@admin.register(StaffAssignment, site=site)
class StaffAssignmentAdmin(MaintainedAdmin):
    fixed = ("user", "care_unit", "role", "hsa_id")
    list_display = ("user", "role", "care_unit", "valid_from", "valid_to")
    list_filter = ("role", "care_unit")
    list_select_related = ("user", "care_unit")
    search_fields = ("user__name", "user__username", "care_unit__name")
    raw_id_fields = ("user",)


@admin.register(Practitioner, site=site)
class PractitionerAdmin(ImportedByFile, MaintainedAdmin):
    """Who logs in as whom is tied by hand: accounts and what they may are in no file."""

    fixed = ("hsa_id",)
    list_display = ("surname", "given_name", "profession", "title", "hsa_id")
    list_filter = ("profession",)
    list_select_related = ("profession",)
    search_fields = ("surname", "given_name", "hsa_id")
    raw_id_fields = ("user",)
    file_import = CatalogueFile(
        Practitioner,
        "BT-01",
        ("hsa_id", "given_name", "surname", "profession", "title"),
        fixed,
        key=fixed,
        within="profession",
    )


@admin.register(ApiToken, site=site)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Keys are made by manage.py create_token, which shows them once; here they are seen and taken back."""

    list_display = ("label", "user", "created_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    exclude = ("digest",)
    actions = ("revoke",)

    @admin.action(description="Återkalla valda nycklar")
    def revoke(self, request, queryset):
        rows = queryset.filter(revoked_at__isnull=True)
        if page := asked_first(
            self, request, rows, "Återkalla nycklar", "De slutar gälla genast, och återkallas för gott."
        ):
            return page
        revoked = rows.update(revoked_at=timezone.now())
        self.message_user(request, f"{revoked} nycklar är återkallade.")


# --- Logs ---------------------------------------------------------------------------------------------------------


class LogAdmin(ReadOnlyAdmin):
    """A log: read by whoever reviews it, newest first, changed by nobody."""

    permissions = (Permission.VIEW_ACCESS_LOG,)
    paginator = CountedToALimit
    show_full_result_count = False
    ordering = ("-id",)


@admin.register(AccessLogEntry, site=site)
class AccessLogAdmin(LogAdmin):
    list_display = ("at", "user", "assignment", "action", "what", "patient_id", "purpose")
    list_select_related = ("user", "assignment__user", "assignment__care_unit")
    list_filter = ("action",)
    search_fields = ("=patient_id",)
    search_help_text = "Patientens interna id, som i patientsidans adress"


@admin.register(ChangeLogEntry, site=site)
class ChangeLogAdmin(LogAdmin):
    list_display = ("at", "table_name", "operation", "row_id", "actor_id", "request_id")
    search_fields = ("=row_id",)
    search_help_text = "Radens id"
