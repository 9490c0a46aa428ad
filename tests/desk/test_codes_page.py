"""Koder: the code systems searched and walked by themselves (KL-03, KL-05)."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from classification import starter
from classification.actions import imports
from classification.actions.releases import ReleaseFacts
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from tests import factories as make
from tests.classification import official_files as official

from .signed_in import signed_in

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 26, 9, tzinfo=UTC)


@pytest.fixture
def coder(db):
    starter.load(at=AT)
    return signed_in(make.staff(Role.CODER, make.CareUnitFactory()))


def text_of(client, name, *args, **query):
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_systems_are_shown_with_the_release_that_counts(coder):
    page = text_of(coder, "code-catalogue")
    for words in ("ICD-10-SE", "KVÅ", "ATC", "KSH97-P", "Regional kod", "startuppsättning", "2020-01-01–tills vidare"):
        assert words in page
    assert "Ingen utgåva gäller 2019-01-01" in text_of(coder, "code-catalogue", datum="2019-01-01")


def test_one_box_finds_both_systems_and_says_why(coder):
    page = text_of(coder, "code-catalogue", sok="lunginflammation")
    assert "J18.9" in page and "(sökord: lunginflammation)" in page
    assert "ZV020" in text_of(coder, "code-catalogue", sok="tolk")
    assert "N02BE01" not in text_of(coder, "code-catalogue", sok="paracetamol")
    assert "N02BE01" in text_of(coder, "code-catalogue", sok="paracetamol", kodsystem="atc")
    assert "Ingen kod hittades för ”xyzzyxyz”" in text_of(coder, "code-catalogue", sok="xyzzyxyz")


def test_a_system_is_walked_down_to_a_code(coder):
    top = text_of(coder, "code-catalogue", kodsystem="icd-10-se")
    assert reverse("code", args=["icd-10-se", "05"]) in top
    code = text_of(coder, "code", "icd-10-se", "F438")
    assert reverse("code", args=["icd-10-se", "F43"]) in code and reverse("code", args=["icd-10-se", "F438A"]) in code
    assert coder.get(reverse("code", args=["icd-10-se", "F4388"])).status_code == 404
    assert coder.get(reverse("code", args=["icd-9", "F438"])).status_code == 404
    assert coder.get(reverse("code-catalogue"), {"kodsystem": "icd-9"}).status_code == 422
    # No patient is read here.
    assert AccessLogEntry.objects.count() == 0


def test_a_code_shows_the_official_words_the_other_releases_and_what_is_not_known(coder):
    facts = ReleaseFacts("icd-10-se", "2026", date(2026, 1, 1), "övning")
    imports.import_now(facts=facts, files=[official.icd()], by=None, at=AT)
    page = text_of(coder, "code", "icd-10-se", "F438A")
    for words in ("Utmattning", "Utbrändhet UNS", "Exhaustio", "I andra utgåvor", "startuppsättning"):
        assert words in page
    imports.import_now(
        facts=ReleaseFacts("icd-10-se", "2027", date(2026, 6, 1), "övning"), files=official.ansi_icd(), by=None, at=AT
    )
    assert "25 kategorier till" in text_of(coder, "code-catalogue", kodsystem="icd-10-se")


def test_a_list_without_headings_is_kept_together_by_its_letters(coder):
    rows = [["KKÅ", f"AAD{number:02}", f"Operation {number}", *[None] * 8] for number in range(70)]
    rows.append(["KMÅ", "AA001", "Adenosintest", *[None] * 8])
    imports.import_now(
        facts=ReleaseFacts("kva", "2026", date(2026, 1, 1), "övning"), files=[official.workbook(rows)], by=None, at=AT
    )
    page = text_of(coder, "code-catalogue", kodsystem="kva")
    assert "KKÅ, koder som börjar på A (70 st, rubrik saknas i filen)" in page
    assert "Koder som börjar på A (1 st, rubrik saknas i filen)" in page
    assert "KKÅ, koder som börjar på AAD (70 st" in text_of(coder, "code-catalogue", kodsystem="kva", bokstaver="KKA-A")
    assert "Operation 69" in text_of(coder, "code-catalogue", kodsystem="kva", bokstaver="KKA-AAD")
    assert "Adenosintest" in text_of(coder, "code-catalogue", kodsystem="kva", bokstaver="A")


def test_the_pages_cost_few_queries(coder, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        text_of(coder, "code-catalogue", sok="infektion")
    with django_assert_max_num_queries(16):
        text_of(coder, "code", "icd-10-se", "F43")
