"""Imports of code lists in the administration (KL-05): the files are read and compared, what changes is shown, and a person
says yes or no. Plain forms; two administrators at once are told who was first."""

import gzip
from functools import partial

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import content_disposition_header

from classification.actions import imports, progress
from classification.actions.releases import ReleaseFacts
from classification.importing.errors import CatalogueError
from classification.importing.files import MEBIBYTE, MOST_BYTES, SourceFile
from classification.models import CodeImport, CodeImportComparison, ImportState, System
from sdv.accounts.administration import ReadOnlyAdmin, site
from sdv.common.errors import RuleError
from sdv.common.fields import SwedishDateField
from sdv.common.time import now

CONFIRM, DISCARD = "gall", "forkasta"
MOST_FILES = 10


class _ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or several files, each no larger than a list may be."""

    def __init__(self, **options):
        super().__init__(widget=_ManyFiles(), **options)

    def clean(self, data, initial=None):
        given = [file for file in (data if isinstance(data, list | tuple) else [data]) if file]
        if not given:
            return [] if not self.required else super().clean(None, initial)
        if len(given) > MOST_FILES:
            raise forms.ValidationError(f"Välj högst {MOST_FILES} filer.")
        for file in given:
            if file.size > MOST_BYTES:
                raise forms.ValidationError(f"{file.name} är större än {MOST_BYTES // MEBIBYTE} MB och läses inte.")
        return [_source(file) for file in given]


def _source(file):
    """The sent file where it lies: in memory where it is small, on disk otherwise."""
    if hasattr(file, "temporary_file_path"):
        return SourceFile(file.name, opener=partial(open, file.temporary_file_path(), "rb"), length=file.size)
    return SourceFile(file.name, file.read())


class ImportForm(forms.Form):
    """Which release the files are."""

    system = forms.ChoiceField(label="Kodsystem", choices=System.choices)
    version = forms.CharField(label="Utgåva", max_length=60, help_text="Beteckningen, till exempel 2027.")
    valid_from = SwedishDateField(label="Giltig från")
    valid_to = SwedishDateField(label="Giltig till", required=False, help_text="Lämna tomt om den gäller tills vidare.")
    source = forms.CharField(label="Källa", max_length=200, help_text="Varifrån filerna hämtades, och när.")
    files = FilesField(
        label="Filer",
        help_text="Alla filer i utgåvan på en gång: för KVÅ antingen arbetsboken eller båda TSV-filerna (KKÅ och KMÅ).",
    )
    synonym_files = FilesField(
        label="Filer med sökord", required=False, help_text="Till exempel KSH97P_SFAMALT.ANS. Får lämnas tomt."
    )


@admin.register(CodeImport, site=site)
class CodeImportAdmin(ReadOnlyAdmin):
    """The imports, the latest first."""

    list_display = ("system", "version", "state", "valid_from", "valid_to", "at", "by", "decided_at", "decided_by")
    list_select_related = ("system", "by", "decided_by")
    list_filter = ("system", "state")
    change_list_template = "admin/classification/codeimport/change_list.html"

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("las-in/", view(self.upload_view), name="classification_codeimport_upload"),
            path(
                "<uuid:object_id>/andringar.csv",
                view(self.comparison_view),
                name="classification_codeimport_comparison",
            ),
            path("<uuid:object_id>/avgor/", view(self.decide_view), name="classification_codeimport_decide"),
            *super().get_urls(),
        ]

    def _may(self, request):
        if not self.has_view_permission(request):
            raise PermissionDenied

    def upload_view(self, request):
        """The form; what is posted is read and compared, and the comparison shown."""
        self._may(request)
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            facts = ReleaseFacts(
                given["system"], given["version"], given["valid_from"], given["source"], given["valid_to"]
            )
            try:
                found = imports.preview(
                    facts=facts,
                    files=given["files"],
                    synonym_files=given["synonym_files"],
                    by=request.actor.user,
                    at=now(),
                )
            except CatalogueError as stopped:
                form.add_error("files", f"{stopped} Ingenting har lästs in.")
            except RuleError as refused:
                form.add_error("valid_from", f"{refused.sentence} ({refused.rule})")
            else:
                return HttpResponseRedirect(reverse("admin:classification_codeimport_change", args=[found.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": "Läs in en utgåva",
            "form": form,
            "opts": self.opts,
            "most": MOST_BYTES // MEBIBYTE,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/classification/codeimport/upload.html", context, status=status)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """What the import changes, or changed; with the two buttons while it is not decided."""
        self._may(request)
        found = self.get_object(request, object_id)
        if found is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        counts = found.report.get("counts", {})
        context = {
            **self.admin_site.each_context(request),
            "title": f"Inläsning av {found.system.name} {found.version}",
            "opts": self.opts,
            "found": found,
            "report": found.report,
            "is_open": found.state == ImportState.PREVIEWED,
            "is_in_effect": found.state == ImportState.IN_EFFECT,
            "is_queued": found.state == ImportState.QUEUED,
            "progress": progress.of(found.pk) if found.state == ImportState.QUEUED else None,
            "changes_nothing": not any(counts.get(kind) for kind in ("added", "changed", "ended"))
            and not found.report.get("synonyms_changed"),
            "has_comparison": CodeImportComparison.objects.filter(code_import=found).exists(),
            "files": found.files.all().defer("content"),
            "parts": [
                ("Nya koder", "nya", counts.get("added", 0), found.report.get("added", [])),
                ("Ändrade koder", "andrade", counts.get("changed", 0), found.report.get("changed", [])),
                ("Koder som upphör", "upphor", counts.get("ended", 0), found.report.get("ended", [])),
            ],
            "confirm": CONFIRM,
            "discard": DISCARD,
        }
        return TemplateResponse(request, "admin/classification/codeimport/review.html", context)

    def comparison_view(self, request, object_id):
        """All that the import changes, as a file."""
        self._may(request)
        found = CodeImportComparison.objects.select_related("code_import").filter(code_import=object_id).first()
        if found is None:
            raise Http404
        answer = HttpResponse(gzip.decompress(bytes(found.content)), content_type="text/csv; charset=utf-8")
        name = f"{found.code_import.system_id}-{found.code_import.version}-andringar.csv"
        answer["Content-Disposition"] = content_disposition_header(True, name)
        return answer

    def decide_view(self, request, object_id):
        """Yes or no to what was shown."""
        self._may(request)
        back = HttpResponseRedirect(reverse("admin:classification_codeimport_change", args=[object_id]))
        if request.method != "POST" or not CodeImport.objects.filter(pk=object_id).exists():
            return back
        try:
            if request.POST.get("gor") == CONFIRM:
                imports.order(import_id=object_id, by=request.actor.user, at=now())
                # The page itself tells how far it has come, and that it is done: a message would say what was true once.
            elif request.POST.get("gor") == DISCARD:
                imports.discard(import_id=object_id, by=request.actor.user, at=now())
                messages.success(request, "Inläsningen är förkastad. Inga koder har ändrats.")
        except RuleError as refused:
            who = f" {refused.by} var först." if refused.by else ""
            messages.error(request, f"{refused.sentence} ({refused.rule}){who}")
        return back
