"""The starter set: what is in it, that its titles are the official ones, and that loading can be repeated."""

import csv
import re
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from classification import search, starter
from classification.actions.releases import CatalogueError, ReleaseFacts, load_release
from classification.models import Code, CodeRelease, CodeSynonym, CodeSystem
from classification.starter import rows_of
from tests.full_lists import FOLDER, with_full_lists

ROW = {
    "code": "F411", "display": "F41.1", "title": "Generaliserat ångestsyndrom", "level": "subcategory", "parent": "",
    "is_registrable": "1", "is_leaf": "1", "may_be_main": "1", "is_external_cause": "0", "mark": "", "sex": "",
}  # fmt: skip
FACTS = ReleaseFacts("icd-10-se", "övning", date(2026, 1, 1), "övning")


def full(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def titles(*names):
    """Code: title, over full lists; a heading's code stands in group_code."""
    return {row.get("code") or row["group_code"]: row["title"] for name in names for row in full(name)}


def in_starter(name):
    return {row["code"]: row for row in rows_of(name)}


@with_full_lists
@pytest.mark.parametrize(
    ("name", "lists"),
    [
        ("icd10se_starter.csv", ["icd10se.csv"]),
        ("kva_starter.csv", ["kva_groups_2026.csv", "kva_2026.csv"]),
        ("ksh97p_starter.csv", ["ksh97p.csv"]),
        ("atc_starter.csv", ["atc_2020.csv"]),
    ],
)
def test_every_title_is_the_full_lists(name, lists):
    official = titles(*lists)
    assert {code: row["title"] for code, row in in_starter(name).items()} == {
        code: official[code] for code in in_starter(name)
    }


@with_full_lists
def test_the_tree_and_the_marks_are_the_full_lists():
    official = {row["code"]: row for row in full("icd10se.csv")}
    for code, row in in_starter("icd10se_starter.csv").items():
        theirs = official[code]
        assert (row["display"], row["level"], row["parent"]) == (
            theirs["code_dotted"], theirs["level"], theirs["parent_code"],
        )  # fmt: skip
        assert row["may_be_main"] == ("0" if theirs["not_main_derived"] == "1" else "1")
        assert row["is_leaf"] == theirs["is_leaf"]
        assert row["is_external_cause"] == ("1" if theirs["chapter"] == "20" else "0")


@with_full_lists
def test_uw040_is_in_no_national_list_and_so_regional():
    """DI-05."""
    assert "UW040" not in titles("kva_2026.csv")
    assert "UW040" not in {row["code"] for row in full("kva_older_2020.csv")}
    assert list(in_starter("regional_starter.csv")) == ["UW040"]


def test_every_code_that_the_instructions_name_is_there():
    """PS-03, PS-04, KL-04, DI-05."""
    icd, kva = in_starter("icd10se_starter.csv"), in_starter("kva_starter.csv")
    for code in [
        "F320",
        "F321",
        "F410",
        "F411",
        "F419",
        "F431",
        "F438",
        "F438A",
        "F438W",
        "F439",
        "F400",
        "F409",
        "F420",
        "F429",
    ]:
        assert icd[code]["is_registrable"] == "1", code
    for code in [
        "DU008", "DU011", "DU022", "ZV020", "ZV051", "XS003", "XS012", "XS014", "XS900", "XS902", "XS903", "XS904",
        *(f"XS9{number}" for number in range(10, 31)),
    ]:  # fmt: skip
        assert kva[code]["is_registrable"] == "1", code
    assert {"F32-", "F40-", "F410", "F411", "F419P", "F42-", "F431", "F438A", "F439P"} == set(
        in_starter("ksh97p_starter.csv")
    )


def test_a_category_and_a_heading_are_never_registrable():
    """KL-06."""
    icd = in_starter("icd10se_starter.csv").values()
    assert {row["is_registrable"] for row in icd if row["level"] in ("chapter", "block", "category")} == {"0"}
    kva = in_starter("kva_starter.csv").values()
    assert {row["level"] for row in kva if row["is_registrable"] == "0"} == {"group"}
    external = [row for row in icd if row["is_external_cause"] == "1" and row["is_registrable"] == "1"]
    assert all(re.fullmatch(r"[V-Y]\d{3,4}", row["code"]) for row in external)
    assert {row["may_be_main"] for row in external} == {"0"}


@pytest.mark.django_db
def test_loading_prints_counts_and_may_be_repeated():
    first, again = StringIO(), StringIO()
    call_command("load_codes", stdout=first)
    keys = dict(Code.objects.values_list("code", "pk"))
    call_command("load_codes", stdout=again)
    icd, kva = len(in_starter("icd10se_starter.csv")), len(in_starter("kva_starter.csv"))
    assert f"ICD-10-SE: {icd} koder ({icd} nya, 0 ändrade)" in first.getvalue()
    assert f"KVÅ: {kva} koder (0 nya, 0 ändrade)" in again.getvalue()
    assert dict(Code.objects.values_list("code", "pk")) == keys
    assert Code.objects.filter(release__state="ready").count() == Code.objects.count()
    assert CodeSystem.objects.count() == 5
    assert CodeSynonym.objects.count() == len(list(rows_of("synonyms_starter.csv")))


@pytest.mark.django_db
def test_a_changed_title_is_written_to_the_same_row_and_a_code_gone_from_the_file_stays():
    """KL-05: what is coded points on."""
    load_release(FACTS, [ROW, ROW | {"code": "F410", "display": "F41.0"}])
    before = Code.objects.get(code="F411")
    loaded = load_release(FACTS, [ROW | {"title": "Ångest, generaliserad"}], at=datetime(2026, 11, 21, 9, tzinfo=UTC))
    assert (loaded.codes, loaded.new, loaded.changed, loaded.ended) == (1, 0, 1, 1)
    assert "1 avslutade" in str(loaded)
    after = Code.objects.get(code="F411")
    assert (after.pk, after.title, after.search_text) == (before.pk, "Ångest, generaliserad", " angest generaliserad")
    assert Code.objects.get(code="F410").valid_to == date(2026, 11, 20)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([ROW | {"level": "nivå 7"}], "Rad 2: nivån nivå 7 är okänd."),
        ([ROW | {"mark": "#"}], "Rad 2: märket # är okänt."),
        ([ROW | {"sex": "K"}], "Rad 2: kön K är okänt."),
        ([ROW | {"is_leaf": "ja"}], "Rad 2: is_leaf ska vara 1 eller 0."),
        ([ROW | {"title": " "}], "Rad 2: koden F411 saknar titel."),
        ([ROW | {"code": "F41-1"}], "Rad 2: F41-1 har inte formen av en kod i ICD-10-SE."),
        ([ROW, ROW], "Rad 3: koden F411 står två gånger."),
        ([ROW | {"parent": "F41"}], "Koden F411 ligger under F41, som inte finns i filen."),
        ([{**ROW, "okänd": "1"}], "Rad 2: kolumnerna ska vara code, display, "),
    ],
)
def test_loading_stops_on_the_unknown_and_nothing_is_loaded(rows, sentence):
    with pytest.raises(CatalogueError) as stopped:
        load_release(FACTS, rows)
    assert str(stopped.value).startswith(sentence)
    assert (Code.objects.count(), CodeRelease.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_synonyms_for_what_is_not_in_the_file_stop_the_load():
    for synonym, sentence in [
        (
            {"system": "icd-10-se", "code": "F999", "term": "x", "source": "egen"},
            "Sökord finns för koder som filen saknar: F999.",
        ),
        (
            {"system": "icd-11", "code": "F411", "term": "x", "source": "egen"},
            "Kodsystemet icd-11 i sökorden är okänt.",
        ),
    ]:
        with pytest.raises(CatalogueError) as stopped:
            load_release(FACTS, [ROW], synonyms=[synonym])
        assert str(stopped.value) == sentence
    assert Code.objects.count() == 0


@pytest.mark.django_db
def test_the_command_says_that_nothing_was_loaded_when_one_file_is_wrong(monkeypatch):
    """All systems or none."""
    monkeypatch.setitem(starter.FILES, "regional", ("derived_codes.csv", "fel fil"))
    with pytest.raises(CommandError, match="Ingenting har lästs in"):
        call_command("load_codes", stdout=StringIO())
    assert Code.objects.count() == 0


@pytest.mark.django_db
def test_two_releases_of_a_system_are_never_valid_on_the_same_day():
    """KL-05: PostgreSQL holds it."""
    load_release(FACTS, [ROW])
    load_release(ReleaseFacts("icd-10-se", "senare", date(2027, 1, 1), "övning"), [ROW])
    assert CodeRelease.objects.get(version="övning").valid_to == date(2026, 12, 31)
    with pytest.raises(IntegrityError, match="one_ready_release_a_day"), transaction.atomic():
        CodeRelease.objects.filter(version="övning").update(valid_to=date(2027, 1, 1))
    load_release(
        ReleaseFacts("kva", "samtidig", date(2026, 1, 1), "övning"), [ROW | {"code": "DU011", "level": "procedure"}]
    )
    assert CodeRelease.objects.count() == 3


@pytest.mark.django_db
def test_a_codes_system_is_its_releases():
    load_release(FACTS, [ROW])
    CodeSystem.objects.create(code="kva", name="KVÅ")
    with pytest.raises(IntegrityError, match="code_has_its_releases_system"), transaction.atomic():
        Code.objects.update(system_id="kva")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@with_full_lists
@pytest.mark.django_db
def test_the_whole_list_of_diagnoses_is_loaded_and_searched_by_an_index():
    """KL-05: the search's scan of titles is served by the trigram index, also with fourteen thousand codes."""
    rows = [
        {
            "code": row["code"], "display": row["code_dotted"], "title": row["title"], "level": row["level"],
            "parent": row["parent_code"], "is_registrable": "1" if row["level"] in ("subcategory", "extension") else "0",
            "is_leaf": row["is_leaf"], "may_be_main": "1", "is_external_cause": "0", "mark": "", "sex": "",
        }
        for row in full("icd10se.csv")
        if row["chapter"] != "20"
    ]  # fmt: skip
    loaded = load_release(FACTS, rows)
    assert (loaded.codes, loaded.new) == (14459, 14459)
    hits = Code.objects.search("luftvägsinfektion övre akut", "icd-10-se", date(2026, 11, 21))
    assert {hit.display for hit in hits[:2]} == {"J06.8", "J06.9"}
    corrected = Code.objects.search("hypertonni", "icd-10-se", date(2026, 11, 21))
    assert corrected and all("hypertoni" in hit.title.lower() for hit in corrected)
    statement, parameters = search.question("njursten", ["icd-10-se"], date(2026, 11, 21), 20)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement, parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "code_search_trigrams" in plan
    assert "Seq Scan on classification_code c" not in plan
