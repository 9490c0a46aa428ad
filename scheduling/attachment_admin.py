"""Administration of brevbilagor: a PDF is put in once; another wording is another row with its own days (KA-03)."""

import hashlib

from django import forms
from django.contrib import admin
from django.http import Http404, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html

from scheduling import pdf_files
from scheduling.actions import attachment_file
from scheduling.models import LetterAttachment
from scheduling.models.enclosure import MOST_BYTES
from sdv.accounts.administration import MaintainedAdmin, site
from sdv.accounts.file_import import FileImport, ImportedByFile


class LetterAttachmentForm(forms.ModelForm):
    """The file is read to its end, tried as it will be printed, and kept as it is."""

    file = forms.FileField(
        label="PDF",
        required=False,
        help_text=f"Högst 2 MB och {pdf_files.MOST_PAGES} sidor, utan lås. Filen sparas som den är och ändras aldrig.",
    )

    class Meta:
        model = LetterAttachment
        fields = ("name", "care_unit", "source", "valid_from", "valid_to")

    def clean(self):
        given = super().clean()
        if not self.instance._state.adding:
            return given
        file = given.get("file")
        if file is None:
            self.add_error("file", "Välj en PDF.")
            return given
        if file.size > MOST_BYTES:
            self.add_error("file", "Filen är större än 2 MB och läses inte.")
            return given
        content = file.read()
        if fault := pdf_files.fault(content):
            self.add_error("file", fault)
            return given
        self.instance.pdf, self.instance.sha256 = content, hashlib.sha256(content).hexdigest()
        return given


@admin.register(LetterAttachment, site=site)
class LetterAttachmentAdmin(ImportedByFile, MaintainedAdmin):
    """What is no longer to be sent gets a last day; letters that it went with keep it."""

    form = LetterAttachmentForm
    fixed = ("name", "care_unit")
    readonly_fields = ("shown", "sha256")
    list_display = ("name", "care_unit", "valid_from", "valid_to", "source", "shown")
    list_select_related = ("care_unit",)
    search_fields = ("name", "care_unit__name")
    file_import = FileImport(
        what="brevbilagor",
        about=(
            "Zip-filen är alla bilagor: listan brevbilagor.csv, och PDF-filer som heter sin kontrollsumma (sha256). En PDF som"
            " redan finns här behöver inte vara med. Zip-filen jämförs med det som finns, och inget ändras förrän du har sagt"
            " ja. En bilaga som inte står i listan får gårdagen som sista dag. Inget tas bort, och brev som är skrivna"
            " behåller sina bilagor."
        ),
        help_text=(
            f"Zip, högst 100 MB. Varje PDF högst 2 MB och {pdf_files.MOST_PAGES} sidor, utan lås, skript och andra filer."
        ),
        confirm="Låt bilagorna gälla",
        done="Brevbilagorna är inlästa.",
        file_name="brevbilagor.zip",
        written=attachment_file.written,
        compared=attachment_file.compared,
        take_effect=attachment_file.take_effect,
        is_archive=True,
    )

    def get_queryset(self, request):
        return super().get_queryset(request).defer("pdf")

    def get_fields(self, request, obj=None):
        own = ("name", "care_unit", "source", "valid_from", "valid_to")
        return (*own, "shown", "sha256") if obj else (*own, "file")

    @admin.display(description="dokument")
    def shown(self, row):
        return format_html('<a href="{}">Visa</a>', reverse("admin:scheduling_letterattachment_file", args=[row.pk]))

    def get_urls(self):
        view = self.admin_site.admin_view(self.file_view)
        return [path("<uuid:pk>/fil/", view, name="scheduling_letterattachment_file"), *super().get_urls()]

    def file_view(self, request, pk):
        """The document as it goes with letters."""
        row = LetterAttachment.objects.filter(pk=pk).first()
        if row is None or not self.has_view_permission(request):
            raise Http404
        answer = HttpResponse(bytes(row.pdf), content_type="application/pdf")
        answer["Content-Disposition"] = 'inline; filename="bilaga.pdf"'
        return answer
