"""Administration of kallelsetexter: each row a version, read as it will be read, in and out as a file with a look at what
changes (KA-03); and of the dated avgiftstaxa that amounts come from (PL-14)."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from registration.models import FeeRate
from scheduling.actions import letter_texts
from scheduling.letter_composition import FIELD
from scheduling.models import LetterText
from sdv.accounts.administration import MaintainedAdmin, site
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now

MOST_BYTES = 2 * 1024 * 1024
# How a text reads, with an invented visit.
EXAMPLE = {
    "tid": "tisdag 1 december 2026 kl. 09.45",
    "enhet": "Vårdcentralen Exempel",
    "telefon": "010-000 00 00",
    "avgift": "200",
    "avgift_uteblivet": "400",
    "tolk": "Somaliska",
    "patient": "Anna Exempel",
}


class LetterTextForm(forms.ModelForm):
    """The words of one version. Nothing that is typed is trimmed (PL-16)."""

    class Meta:
        model = LetterText
        fields = (
            "part", "contact_reason", "add_on", "care_unit", "unit_kind", "text", "valid_from", "valid_to", "source",
        )  # fmt: skip
        help_texts = {"text": "Fält: {tid} {enhet} {telefon} {avgift} {avgift_uteblivet} {tolk} {patient}."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "text" in self.fields:
            self.fields["text"].strip = False

    def clean(self):
        given = super().clean()
        if "text" in given and (
            fault := letter_texts.text_fault(given.get("part"), given["text"], given.get("care_unit"))
        ):
            self.add_error("text", fault)
        return given


class FileForm(forms.Form):
    """A file of texts; what was compared is carried to the yes."""

    file = forms.FileField(label="Fil", required=False, help_text="Versioner, med samma rubriker som exporten.")
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
        # A form sends line ends as the web does; a text's own are kept as in the file.
        given["rows"] = given["rows"].replace("\r\n", "\n")
        return given


@admin.register(LetterText, site=site)
class LetterTextAdmin(MaintainedAdmin):
    """A version's words stay: a new wording is a new row with its own days."""

    form = LetterTextForm
    fixed = ("part", "contact_reason", "add_on", "care_unit", "unit_kind", "text", "valid_from")
    readonly_fields = ("preview",)
    list_display = ("part", "subject_text", "text", "valid_from", "valid_to", "source")
    list_filter = ("part", "unit_kind")
    search_fields = ("text", "contact_reason__name", "add_on__name", "care_unit__name")
    list_select_related = ("contact_reason", "add_on", "care_unit")
    change_list_template = "admin/scheduling/lettertext/change_list.html"

    @admin.display(description="så läses den")
    def preview(self, row):
        return (
            FIELD.sub(lambda found: EXAMPLE.get(found[1], found[0]), row.text)
            if row and row.pk
            else "Visas när texten är sparad"
        )

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("las-in/", view(self.import_view), name="scheduling_lettertext_import"),
            path("exportera/", view(self.export_view), name="scheduling_lettertext_export"),
            *super().get_urls(),
        ]

    def export_view(self, request):
        """The catalogue as a file, as it is read back."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        answer = HttpResponse(letter_texts.written(), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="kallelsetexter.csv"'
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
                    letter_texts.import_letter_texts(text=rows, fingerprint=seen, by=request.actor.user, at=at)
                    messages.success(request, "Kallelsetexterna är inlästa.")
                    return HttpResponseRedirect(reverse("admin:scheduling_lettertext_changelist"))
                found = letter_texts.compared(rows, on=local_date(at))
            except CatalogueError as stopped:
                form.add_error(None, f"{stopped} Ingenting har lästs in.")
            except RuleError as refused:
                form.add_error(None, f"{refused.sentence} ({refused.rule})")
        context = {
            **self.admin_site.each_context(request),
            "title": "Läs in kallelsetexter",
            "form": form,
            "found": found,
            "rows": form.cleaned_data["rows"] if found else "",
            "opts": self.opts,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/scheduling/lettertext/import.html", context, status=status)


@admin.register(FeeRate, site=site)
class FeeRateAdmin(MaintainedAdmin):
    """Amounts: a new year is a new row, so that an old letter's amount can be told of."""

    fixed = ("code", "purpose", "level", "staff", "with_referral", "amount", "valid_from")
    list_display = ("code", "purpose", "level", "staff", "with_referral", "amount", "valid_from", "valid_to", "source")
    list_filter = ("purpose", "level")
