"""Administration of problemkoder, in and out as a file with a look at what changes (VA-01), and of who reviews (VA-03)."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from registration.actions import problem_codes
from registration.models import ProblemCode, ReferralReviewer
from sdv.accounts.administration import CatalogueAdmin, MaintainedAdmin, site
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now

MOST_BYTES = 2 * 1024 * 1024


class FileForm(forms.Form):
    """A file of problemkoder; what was compared is carried to the yes."""

    file = forms.FileField(label="Fil", required=False, help_text="Specialiteternas koder, med exportens rubriker.")
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


@admin.register(ProblemCode, site=site)
class ProblemCodeAdmin(CatalogueAdmin):
    """Problemkoder per speciality. One that has been used gets an end date."""

    list_display = ("name", "code", "speciality", "source", "valid_from", "valid_to")
    list_filter = ("speciality",)
    change_list_template = "admin/registration/problemcode/change_list.html"

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("las-in/", view(self.import_view), name="registration_problemcode_import"),
            path("exportera/", view(self.export_view), name="registration_problemcode_export"),
            *super().get_urls(),
        ]

    def export_view(self, request):
        """The catalogue as a file, as it is read back."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        answer = HttpResponse(problem_codes.written(), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="problemkoder.csv"'
        return answer

    def import_view(self, request):
        """The file is read and compared; what it would change is shown, and takes effect at a yes."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        at = now()
        form, found = FileForm(request.POST or None, request.FILES or None), None
        if request.method == "POST" and form.is_valid():
            rows, seen = form.cleaned_data["rows"], form.cleaned_data["fingerprint"]
            try:
                if seen and not request.FILES:
                    problem_codes.import_problem_codes(text=rows, fingerprint=seen, by=request.actor.user, at=at)
                    messages.success(request, "Problemkoderna är inlästa.")
                    return HttpResponseRedirect(reverse("admin:registration_problemcode_changelist"))
                found = problem_codes.compared(rows, on=local_date(at))
            except CatalogueError as stopped:
                form.add_error(None, f"{stopped} Ingenting har lästs in.")
            except RuleError as refused:
                form.add_error(None, f"{refused.sentence} ({refused.rule})")
        context = {
            **self.admin_site.each_context(request),
            "title": "Läs in problemkoder",
            "form": form,
            "found": found,
            "rows": form.cleaned_data["rows"] if found else "",
            "opts": self.opts,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/registration/problemcode/import.html", context, status=status)


@admin.register(ReferralReviewer, site=site)
class ReferralReviewerAdmin(MaintainedAdmin):
    """Who reviews a unit's remisser, in which order they stand in for each other."""

    fixed = ("care_unit", "practitioner")
    list_display = ("practitioner", "care_unit", "position", "valid_from", "valid_to")
    list_filter = ("care_unit",)
    list_select_related = ("practitioner", "care_unit")
