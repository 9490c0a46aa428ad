"""Imports in the administration: files, what changes, yes or no; by those who keep the catalogues (KL-05)."""

import hashlib
from datetime import date
from io import StringIO
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from classification.actions.releases import Loaded
from classification.importing import files
from classification.models import Code, CodeImport, CodeRelease, CodeSynonym, ImportState
from sdv.accounts.permissions import Role
from sdv.common import uploads
from tests import factories as make
from tests.desk.signed_in import signed_in

from . import official_files as official

pytestmark = pytest.mark.django_db
UPLOAD = "admin:classification_codeimport_upload"
FIELDS = {"system": "icd-10-se", "version": "2026", "valid_from": "2026-01-01", "valid_to": "", "source": "övning"}


@pytest.fixture
def unit():
    return make.CareUnitFactory()


@pytest.fixture
def admin(unit):
    return signed_in(make.staff(Role.CATALOGUE_ADMIN, unit, username="kata", name="Kata Loggren"))


def uploaded(file):
    return SimpleUploadedFile(file.name, file.content)


def post(client, *given, **fields):
    return client.post(reverse(UPLOAD), FIELDS | fields | {"files": [uploaded(file) for file in given]})


def decide(client, found, what):
    return client.post(
        reverse("admin:classification_codeimport_decide", args=[found.pk]), {"gor": what}, follow=True
    ).content.decode()


def job():
    """The clock's job, as an operator runs it by hand."""
    out = StringIO()
    call_command("run_job", "code-imports", stdout=out)
    return out.getvalue().splitlines()


def synonyms():
    return CodeSynonym.objects.count()


def test_files_are_read_shown_and_let_into_effect(admin):
    answer = post(admin, official.icd())
    found = CodeImport.objects.get()
    assert answer["Location"] == reverse("admin:classification_codeimport_change", args=[found.pk])
    page = admin.get(answer["Location"]).content.decode()
    assert "16 koder: 16 nya, 0 ändrade, 0 upphör, 0 lika." in page and "F43.8A" in page
    assert Code.objects.count() == 0
    page = decide(admin, found, "gall")
    # No message of its own outside what is fetched again: the page tells how it stands.
    assert 'class="messagelist' not in page
    assert 'hx-trigger="every 2s"' in page and "Väntar på att läsas in. Det börjar inom en minut." in page
    assert Code.objects.count() == 0
    assert job() == ["ICD-10-SE 2026: " + str(Loaded("icd-10-se", 16, 16, synonyms=synonyms()))]
    page = admin.get(reverse("admin:classification_codeimport_change", args=[found.pk])).content.decode()
    assert (
        "Utgåvan är inläst och gäller från 2026-01-01." in page
        and "Godkänd " in page
        and "every 2s" not in page
        and "Väntar" not in page
    )
    found.refresh_from_db()
    assert (found.state, found.by.name, found.decided_by.name) == ("in_effect", "Kata Loggren", "Kata Loggren")
    assert CodeRelease.objects.get().valid_from == date(2026, 1, 1)
    # What happened can be read afterwards, without buttons.
    assert "Låt utgåvan gälla" not in page


def test_a_file_that_was_sent_to_disk_is_read_from_there(admin, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    assert post(admin, official.icd()).status_code == 302
    (kept,) = CodeImport.objects.get().files.all()
    assert (kept.size, kept.sha256) == (len(official.icd().content), hashlib.sha256(official.icd().content).hexdigest())
    decide(admin, CodeImport.objects.get(), "gall")
    job()
    assert Code.objects.count() == 16


def test_both_parts_of_kva_are_sent_together(admin):
    answer = post(admin, official.kma(), system="kva")
    assert answer.status_code == 422
    assert "Här finns bara KMÅ. KVÅ består av KKÅ och KMÅ" in answer.content.decode()
    assert post(admin, official.kma(), official.kka(), system="kva").status_code == 302
    assert CodeImport.objects.get().report["counts"]["added"] == 7


@pytest.mark.parametrize(
    ("file", "fields", "sentence"),
    [
        (files.SourceFile("a.tsv", b"trasig"), {}, "a.tsv känns inte igen som en fil för ICD-10-SE"),
        (official.icd([]), {}, "Filen har inga koder. Ingenting har lästs in."),
        (official.icd(), {"valid_to": "2025-01-01"}, "Sista giltighetsdag kan inte ligga före första."),
        (official.icd(), {"valid_from": "i fjol"}, "errorlist"),
        (official.icd(), {"version": ""}, "errorlist"),
        (official.zipped("<!DOCTYPE x><codeSystem/>"), {"system": "atc"}, "dokumenttyp"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_kept(admin, file, fields, sentence):
    answer = post(admin, file, **fields)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert CodeImport.objects.count() == Code.objects.count() == 0


def test_a_file_that_is_too_large_is_not_read_and_a_body_that_is_too_large_not_received(admin, monkeypatch):
    monkeypatch.setattr("classification.import_admin.MOST_BYTES", 1000)
    assert "icd-10-se.tsv är större än 0 MB och läses inte." in post(admin, official.icd()).content.decode()
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    assert post(admin, official.icd()).status_code in (400, 413)
    assert CodeImport.objects.count() == 0


def test_discarded_changes_nothing_and_the_second_administrator_is_told(admin, unit):
    post(admin, official.icd())
    found = CodeImport.objects.get()
    other = signed_in(make.staff(Role.CATALOGUE_ADMIN, unit, username="kim", name="Kim Katalog"))
    assert "Inläsningen är förkastad. Inga koder har ändrats." in decide(other, found, "forkasta")
    assert "är redan avgjord: förkastad. (KL-05) Kim Katalog var först." in decide(admin, found, "gall")
    assert job() == ["kodlistor att läsa in: 0"]
    assert Code.objects.count() == 0


def test_what_has_changed_since_it_was_seen_is_refused(admin):
    post(admin, official.icd())
    post(admin, official.icd())
    first, second = CodeImport.objects.order_by("id")
    decide(admin, first, "gall")
    decide(admin, second, "gall")
    with pytest.raises(CommandError, match="Inläsningen stannade: icd-10-se 2026"):
        job()
    assert CodeImport.objects.get(pk=second.pk).state == ImportState.STOPPED
    page = admin.get(reverse("admin:classification_codeimport_change", args=[second.pk])).content.decode()
    assert "Inläsningen stannade och ingenting har ändrats: Kodsystemet har ändrats sedan förhandsgranskningen" in page
    assert Code.objects.count() == 16


def test_the_page_shows_how_far_it_has_come(admin, monkeypatch):
    post(admin, official.icd())
    found = CodeImport.objects.get()
    decide(admin, found, "gall")
    monkeypatch.setattr("classification.actions.progress.of", lambda pk: ("koder", 4000, 38925))
    page = admin.get(reverse("admin:classification_codeimport_change", args=[found.pk])).content.decode()
    assert "Läses in: koder, 4000 av 38925." in page


def test_all_changes_are_fetched_as_a_file(admin):
    post(admin, official.icd())
    found = CodeImport.objects.get()
    address = reverse("admin:classification_codeimport_comparison", args=[found.pk])
    assert address in admin.get(reverse("admin:classification_codeimport_change", args=[found.pk])).content.decode()
    answer = admin.get(address)
    assert answer["Content-Disposition"] == 'attachment; filename="icd-10-se-2026-andringar.csv"'
    assert answer.content.decode("utf-8-sig").splitlines()[:2] == [
        "vad;kod;titel;andring",
        "ny;05;Psykiska sjukdomar (F00-F99);",
    ]
    assert admin.get(reverse("admin:classification_codeimport_comparison", args=[UUID(int=1)])).status_code == 404


def test_an_old_excel_file_is_named_as_one(admin):
    answer = post(admin, files.SourceFile("ksh97-p.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), system="ksh97p")
    assert answer.status_code == 422
    assert "ksh97-p.xls är en äldre Excelfil (.xls) och läses inte." in answer.content.decode()


def test_nobody_else_reads_in_or_decides(admin, unit):
    post(admin, official.icd())
    found = CodeImport.objects.get()
    for role in set(Role) - {Role.CATALOGUE_ADMIN}:
        other = signed_in(make.staff(role, unit, username=f"u-{role}"))
        assert other.get(reverse(UPLOAD)).status_code == 403
        assert post(other, official.icd()).status_code == 403
        assert (
            other.post(reverse("admin:classification_codeimport_decide", args=[found.pk]), {"gor": "gall"}).status_code
            == 403
        )
    assert Code.objects.count() == 0 and CodeImport.objects.count() == 1
