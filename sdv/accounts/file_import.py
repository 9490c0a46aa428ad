"""A catalogue in the administration that goes out and comes in as a file: read and compared first, in effect as a whole at a
yes to what was seen. What is the same for every such catalogue stands here; each says its own words and functions."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now

MOST_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class FileImport:
    """A catalogue's words, and what writes it, compares a text with it (`on` a day) and lets the compared take effect
    (`text`, `fingerprint`, `by`, `at`). A comparison has added, changed, ended, same and fingerprint, and may have `left`.
    Where rows of a model are the lines of the file, `catalogue_file.CatalogueFile` is all of this."""

    what: str
    about: str
    help_text: str
    confirm: str
    done: str
    file_name: str
    written: Callable
    compared: Callable
    take_effect: Callable
    # A zip of files that cannot be carried in a form: written is an open file, and the yes is given with the same zip again.
    is_archive: bool = False


class FileForm(forms.Form):
    """A file of rows; what was compared is carried to the yes."""

    file = forms.FileField(label="Fil", required=False)
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


class ArchiveForm(forms.Form):
    """A zip. What was compared is known again by its fingerprint."""

    file = forms.FileField(label="Fil", required=False)
    fingerprint = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self):
        given = super().clean()
        if not given.get("file"):
            raise forms.ValidationError("Välj en fil.")
        return given | {"rows": given["file"]}


class ImportedByFile:
    """For an admin class with `file_import`. A template admin/<app>/<model>/import.html that extends admin/import_file.html
    says how a row reads, where it does not say so itself."""

    file_import = None
    # Where there is more than one file: by the word in the address.
    more_files = {}
    change_list_template = "admin/file_change_list.html"

    @property
    def files(self):
        return {"": self.file_import, **self.more_files}

    def get_urls(self):
        view, found = self.admin_site.admin_view, []
        for key in self.files:
            before = f"{key}/" if key else ""
            for word, show, does in (("las-in", self.import_view, "import"), ("exportera", self.export_view, "export")):
                found.append(path(f"{before}{word}/", view(show), {"key": key}, name=self._name(key, does)))
        return [*found, *super().get_urls()]

    def _name(self, key, does):
        return "_".join(filter(None, (self.opts.app_label, self.opts.model_name, key, does)))

    def has_file_permission(self, request):
        """Whether the whole catalogue is the person's to read out and in."""
        return self.has_view_permission(request)

    def changelist_view(self, request, extra_context=None):
        shown = self.files if self.has_file_permission(request) else {}
        files = [
            (file.what, *(reverse(f"admin:{self._name(key, does)}") for does in ("import", "export")))
            for key, file in shown.items()
        ]
        return super().changelist_view(request, {"files": files, **(extra_context or {})})

    def export_view(self, request, key):
        """The catalogue as a file, as it is read back."""
        if not self.has_file_permission(request):
            raise PermissionDenied
        catalogue = self.files[key]
        if catalogue.is_archive:
            return FileResponse(catalogue.written(), as_attachment=True, filename=catalogue.file_name)
        answer = HttpResponse(catalogue.written(), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{catalogue.file_name}"'
        return answer

    def import_view(self, request, key):
        """The file is read and compared; what it would change is shown, and takes effect at a yes."""
        if not (self.has_add_permission(request) and self.has_file_permission(request)):
            raise PermissionDenied
        at, catalogue = now(), self.files[key]
        form_class = ArchiveForm if catalogue.is_archive else FileForm
        form, found = form_class(*([request.POST, request.FILES] if request.method == "POST" else [])), None
        if form.is_valid():
            rows, seen = form.cleaned_data["rows"], form.cleaned_data["fingerprint"]
            try:
                if seen and (catalogue.is_archive or not request.FILES):
                    catalogue.take_effect(text=rows, fingerprint=seen, by=request.actor.user, at=at)
                    messages.success(request, catalogue.done)
                    return HttpResponseRedirect(
                        reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
                    )
                found = catalogue.compared(rows, on=local_date(at))
            except CatalogueError as stopped:
                form.add_error(None, f"{stopped} Ingenting har lästs in.")
            except RuleError as refused:
                form.add_error(None, f"{refused.sentence} ({refused.rule})")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Läs in {catalogue.what}",
            "catalogue": catalogue,
            "form": form,
            "found": found,
            "rows": form.cleaned_data["rows"] if found else "",
            "opts": self.opts,
        }
        templates = [f"admin/{self.opts.app_label}/{self.opts.model_name}/import.html", "admin/import_file.html"]
        return TemplateResponse(request, templates, context, status=422 if form.errors else 200)
