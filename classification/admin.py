"""Administration of the classifications: seen here, changed by importing a release (KL-05)."""

from django.contrib import admin

from classification import import_admin, regional_admin
from classification.models import Code, CodeRelease, CodeSystem
from classification.register import administration  # noqa: F401  deliveries to registers
from sdv.accounts.administration import CountedToALimit, ReadOnlyAdmin, site

__all__ = ["import_admin", "regional_admin"]


@admin.register(CodeSystem, site=site)
class CodeSystemAdmin(ReadOnlyAdmin):
    list_display = ("name", "code", "oid")


@admin.register(CodeRelease, site=site)
class CodeReleaseAdmin(ReadOnlyAdmin):
    list_display = ("system", "version", "state", "valid_from", "valid_to", "source")
    list_select_related = ("system",)
    list_filter = ("system", "state")


@admin.register(Code, site=site)
class CodeAdmin(ReadOnlyAdmin):
    list_display = ("display", "title", "release", "level", "is_registrable", "valid_to")
    list_select_related = ("release",)
    list_filter = ("system", "level", "is_registrable")
    search_fields = ("code", "title")
    paginator = CountedToALimit
    show_full_result_count = False
