"""The administration's site and its classes: who may do what there is asked of the permission table, through the actor
of the request. Nothing that is used is ever deleted: it gets an end date."""

from functools import wraps

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.shortcuts import redirect
from django.utils.functional import cached_property

from sdv.common.errors import NotPermitted

from .change_preview import PreviewedChanges
from .permissions import Permission

# Any of these opens the site; each class then asks for its own.
DOORS = (Permission.MAINTAIN_CATALOGUES, Permission.MAINTAIN_SCHEDULES, Permission.VIEW_ACCESS_LOG)
# Login, logout and passwords are the product's own pages.
NOT_HERE = {"login", "logout", "password_change", "password_change_done"}


class AdministrationSite(admin.AdminSite):
    """Organisation, staff and catalogues under /admin/."""

    site_header = "SDV Registrering – administration"
    site_title = "Administration"
    index_title = "Organisation, medarbetare och kataloger"
    site_url = "/"

    def has_permission(self, request):
        return any(request.actor.may(permission) for permission in DOORS)

    def get_urls(self):
        return [url for url in super().get_urls() if getattr(url, "name", None) not in NOT_HERE]

    def admin_view(self, view, cacheable=False):
        """Guarded as every page is: login and assignment first, then the permission."""
        inner = super().admin_view(view, cacheable)

        @wraps(view)
        def guarded(request, *args, **kwargs):
            if request.actor.user is None:
                return redirect_to_login(request.get_full_path())
            if request.actor.assignment is None:
                return redirect("choose-assignment")
            if not self.has_permission(request):
                raise NotPermitted(Permission.MAINTAIN_CATALOGUES)
            return inner(request, *args, **kwargs)

        return guarded


site = AdministrationSite()


def may_any(request, permissions):
    return any(request.actor.may(permission) for permission in permissions)


class AskedOfTheActor:
    """Mixin: rights by the permission table. `permissions` are those of which one is enough."""

    permissions = (Permission.MAINTAIN_CATALOGUES,)

    def has_module_permission(self, request):
        return may_any(request, self.permissions)

    def has_view_permission(self, request, obj=None):
        return may_any(request, self.permissions)

    def has_add_permission(self, request, obj=None):
        return may_any(request, self.permissions)

    def has_change_permission(self, request, obj=None):
        return may_any(request, self.permissions)

    def has_delete_permission(self, request, obj=None):
        """Nothing used is ever deleted."""
        return False


class MaintainedAdmin(PreviewedChanges, AskedOfTheActor, admin.ModelAdmin):
    """What is maintained by hand. `fixed` fields are set once: history and other systems refer to them. What a change does
    is seen before it takes effect."""

    fixed = ()
    list_per_page = 50
    save_on_top = True

    def get_readonly_fields(self, request, obj=None):
        fixed = self.fixed if obj else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else super().get_prepopulated_fields(request, obj)


class CatalogueAdmin(MaintainedAdmin):
    """A catalogue: code once and for all, validity dates instead of deletion."""

    fixed = ("code",)
    list_display = ("name", "code", "source", "valid_from", "valid_to")
    search_fields = ("name", "code")
    prepopulated_fields = {"code": ("name",)}


class ReadOnlyAdmin(AskedOfTheActor, admin.ModelAdmin):
    """What can be looked at here but is changed by a release, a command or the work itself."""

    list_per_page = 50
    actions = None

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class MaintainedInline(AskedOfTheActor, admin.TabularInline):
    """Rows that belong to the one above them."""

    extra = 0


class CountedToALimit(Paginator):
    """Pages of a log: counting millions of rows for a page number is not worth its time."""

    LIMIT = 5000

    @cached_property
    def count(self):
        return self.object_list.order_by()[: self.LIMIT].count()
