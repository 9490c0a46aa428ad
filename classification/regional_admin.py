"""Administration of what the region decides about coding (KL-06): weights of checks, spärrlistan, units' favourites."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from classification.actions import block_list
from classification.importing.errors import CatalogueError
from classification.models import BlockedCode, CheckSetting, FavouriteCode
from classification.models.regional import SWITCHABLE
from classification.rules import CHECKS
from sdv.accounts.administration import MaintainedAdmin, site
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now

MOST_BYTES = 2 * 1024 * 1024


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
class CheckSettingAdmin(MaintainedAdmin):
    form = CheckSettingForm
    fixed = ("check_id",)
    list_display = ("__str__", "most", "valid_from", "valid_to", "decision")
    list_filter = ("weight",)


class BlockListForm(forms.Form):
    """The whole list as a file; what was compared is carried to the yes."""

    file = forms.FileField(label="Fil", required=False, help_text="Hela spärrlistan, med samma rubriker som exporten.")
    rows = forms.CharField(required=False, widget=forms.HiddenInput, strip=False)
    fingerprint = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self):
        given = super().clean()
        file = given.get("file")
        if file and file.size > MOST_BYTES:
            raise forms.ValidationError("Filen är större än 2 MB och läses inte.")
        if file:
            try:
                given["rows"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise forms.ValidationError("Filen är inte i UTF-8. Spara den som CSV UTF-8.") from None
        if not given.get("rows"):
            raise forms.ValidationError("Välj en fil.")
        return given


@admin.register(BlockedCode, site=site)
class BlockedCodeAdmin(MaintainedAdmin):
    """A row once used is not deleted: it gets an end date, and codings before it are judged as they were."""

    fixed = ("pattern", "role", "care_form", "care_unit", "kind", "other_pattern")
    list_display = (
        "pattern", "role", "care_form", "kind", "other_pattern", "severity", "text", "valid_from", "valid_to",
    )  # fmt: skip
    list_filter = ("kind", "severity", "role", "care_form")
    search_fields = ("pattern", "text", "source")
    list_select_related = ("care_unit",)
    change_list_template = "admin/classification/blockedcode/change_list.html"

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("las-in/", view(self.import_view), name="classification_blockedcode_import"),
            path("exportera/", view(self.export_view), name="classification_blockedcode_export"),
            *super().get_urls(),
        ]

    def export_view(self, request):
        """The list as a file, as it is read back."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        answer = HttpResponse(block_list.written(), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="sparrlista.csv"'
        return answer

    def import_view(self, request):
        """The file is read and compared; what it would change is shown, and takes effect at a yes."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        at = now()
        form, found = BlockListForm(request.POST or None, request.FILES or None), None
        if request.method == "POST" and form.is_valid():
            rows, seen = form.cleaned_data["rows"], form.cleaned_data["fingerprint"]
            try:
                if seen and not request.FILES:
                    block_list.import_block_list(text=rows, fingerprint=seen, by=request.actor.user, at=at)
                    messages.success(request, "Spärrlistan är inläst.")
                    return HttpResponseRedirect(reverse("admin:classification_blockedcode_changelist"))
                found = block_list.compared(rows, on=local_date(at))
            except CatalogueError as stopped:
                form.add_error(None, f"{stopped} Ingenting har lästs in.")
            except RuleError as refused:
                form.add_error(None, f"{refused.sentence} ({refused.rule})")
        context = {
            **self.admin_site.each_context(request),
            "title": "Läs in spärrlistan",
            "form": form,
            "found": found,
            "rows": form.cleaned_data["rows"] if found else "",
            "opts": self.opts,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/classification/blockedcode/import.html", context, status=status)


@admin.register(FavouriteCode, site=site)
class FavouriteCodeAdmin(MaintainedAdmin):
    """The units' favourites; a person's own are chosen where codes are chosen."""

    fields = ("care_unit", "system", "code", "is_active")
    fixed = ("care_unit", "system", "code")
    list_display = ("code", "system", "care_unit", "is_active")
    list_filter = ("care_unit", "system", "is_active")
    list_select_related = ("system", "care_unit")

    def get_queryset(self, request):
        return super().get_queryset(request).filter(care_unit__isnull=False)
