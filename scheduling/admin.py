"""Administration of outcomes and of tidböcker."""

from contextlib import contextmanager

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet

from scheduling import attachment_admin, letter_text_admin
from scheduling.actions import hours_file, schedules
from scheduling.actions.resource_file import ResourceFile
from scheduling.models import ExtraHours, Outcome, OutcomeReason, RebookingItem, Resource, WeeklyHours
from sdv.accounts.administration import CatalogueAdmin, MaintainedAdmin, MaintainedInline, ReadOnlyAdmin, may_any, site
from sdv.accounts.catalogue_file import CatalogueFile
from sdv.accounts.file_import import FileImport, ImportedByFile
from sdv.accounts.permissions import Permission
from sdv.common.time import local_date, now
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


class HoursFormSet(BaseInlineFormSet):
    """The hours of one tidbok, which has a time once (BO-01)."""

    def clean(self):
        super().clean()
        forms = [form for form in self.forms if form.is_valid() and not form.cleaned_data.get("DELETE")]
        rows = [form.instance for form in forms if form.has_changed() or form.instance.pk]
        changed = [form.instance for form in forms if form.has_changed()]
        if refused := schedules.overlap(self.instance.name, changed, rows):
            raise ValidationError(f"{refused.sentence} Regel {refused.rule}.")


class WeeklyHoursInline(MaintainedInline):
    """Hours may be taken away: bookings made in them are to be booked anew."""

    model = WeeklyHours
    formset = HoursFormSet
    permissions = SCHEDULES
    fields = ("weekday", "from_time", "to_time", "slot_minutes", "visit_types", "on_holidays", "valid_from", "valid_to")

    def has_delete_permission(self, request, obj=None):
        return may_any(request, self.permissions)


class ExtraHoursInline(MaintainedInline):
    """Extra times of a day, beside the week's or in their place."""

    model = ExtraHours
    formset = HoursFormSet
    permissions = SCHEDULES
    fields = ("day", "from_time", "to_time", "slot_minutes", "visit_types", "replaces_week")

    def has_delete_permission(self, request, obj=None):
        return may_any(request, self.permissions)


@admin.register(Resource, site=site)
class ResourceAdmin(ImportedByFile, MaintainedAdmin):
    """A coordinator sees and changes those of the units where the assignment is (MAINTAIN_SCHEDULES). The files are of every
    unit's tidböcker and resources, so they are for those who maintain all of them."""

    permissions = SCHEDULES
    fixed = ("care_unit", "kind", "practitioner")
    list_display = ("name", "kind", "care_unit", "practitioner", "valid_from", "valid_to")
    list_filter = ("kind",)
    list_select_related = ("care_unit", "practitioner")
    search_fields = ("name", "care_unit__name")
    inlines = (WeeklyHoursInline, ExtraHoursInline)
    file_import = FileImport(
        what="tidböcker",
        about=(
            "Filen är hela veckan för de resurser den nämner. Den jämförs med det som finns, och inget ändras förrän du har"
            " sagt ja. Tider som inte står i filen upphör i går; bokade besök som inte längre ryms hamnar i Ombokningar."
        ),
        help_text="Veckotider med exportens rubriker. Vårdenheten anges med HSA-id, resursen med namn, besökstyper med koder.",
        confirm="Låt tiderna gälla",
        done="Tidböckerna är inlästa.",
        file_name="tidbocker.csv",
        written=hours_file.WEEKS.written,
        compared=hours_file.WEEKS.compared,
        take_effect=hours_file.WEEKS.take_effect,
    )
    more_files = {
        "extra-tider": FileImport(
            what="extra tider",
            about=(
                "Filen är alla extra tider de dagar den nämner, för var resurs för sig, från i dag. Den jämförs med det som"
                " finns, och inget ändras förrän du har sagt ja. Tider de dagarna som inte står i filen tas bort; andra dagar"
                " står kvar. Bokade besök som inte längre ryms hamnar i Ombokningar."
            ),
            help_text="Extra tider med exportens rubriker. Vårdenheten anges med HSA-id, resursen med namn, besökstyper med koder.",
            confirm="Låt tiderna gälla",
            done="De extra tiderna är inlästa.",
            file_name="extra-tider.csv",
            written=lambda: hours_file.DAYS.written(on=local_date(now())),
            compared=hours_file.DAYS.compared,
            take_effect=hours_file.DAYS.take_effect,
        ),
        "resurser": ResourceFile(
            Resource,
            "BO-01",
            ("care_unit", "name", "kind", "practitioner", "place", "valid_from", "valid_to"),
            fixed,
            key=("care_unit", "name"),
            within="care_unit",
        ),
    }

    def has_file_permission(self, request):
        return request.actor.may(Permission.MAINTAIN_CATALOGUES)

    def get_queryset(self, request):
        return super().get_queryset(request).filter(care_unit__in=self.units(request))

    @contextmanager
    def saving(self, request, row, is_overruled):
        """Goes through the one action for a tidbok: whom it hits is told with what changes, and then stands in Ombokningar
        (PL-02)."""
        accepted = ("PL-02",) if is_overruled else ()
        with schedules.changing(row.pk, by=request.actor.user, at=now(), accept_warnings=accepted):
            yield
        if is_overruled:
            count = RebookingItem.objects.open().filter(resource=row).count()
            self.message_user(request, f"Att boka om, i Ombokningar: {count}.", messages.WARNING)

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
