"""Finding a code: one box for code, words, prefixes, synonyms and misspellings, in one statement."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classification import presenters
from classification.actions.releases import ReleaseFacts, load_release
from classification.models import Code, CodeRelease

pytestmark = pytest.mark.usefixtures("starter_codes")
TODAY = date(2026, 11, 21)
ALL = ["icd-10-se", "kva", "regional"]


def found(text, systems=ALL, **narrowed):
    return [code.display for code in Code.objects.search(text, systems, TODAY, **narrowed)]


@pytest.mark.parametrize("typed", ["F41.1", "F411", "f41.1", "f411", " F41 1 ", "f41.1\n"])
def test_a_code_is_found_with_and_without_dot(typed):
    assert found(typed)[0] == "F41.1"


def test_the_code_itself_goes_before_the_codes_under_it():
    assert found("f41")[:3] == ["F41", "F41.0", "F41.1"]
    assert found("F43.8")[:3] == ["F43.8", "F43.8A", "F43.8W"]
    assert found("du01")[:2] == ["DU010", "DU011"]


def test_a_title_that_begins_so_goes_before_one_that_has_the_word_later():
    assert found("ångest")[0] == "F41.9"
    assert set(found("ångest")) >= {"F41.0", "F41.1", "F41.2", "F41.3"}


def test_words_are_found_in_any_order_and_by_their_beginnings():
    assert found("lugg") == []
    assert found("luft infekt nedre")[0] == "J22.9"
    assert found("luft infekt nedre") == found("nedre infektion luft")


def test_a_word_inside_a_compound_is_found_after_words_of_their_own():
    hits = found("infektion luft", limit=20)
    assert "J06.9" in hits
    assert hits.index("J22.9") < hits.index("J06.9")


def test_swedish_letters_may_be_left_out_but_count_when_they_are_typed():
    assert len(found("ångest")) >= 5
    assert found("angest") == found("ångest")
    assert found("oron")[0] == found("öron")[0]
    ears = Code.objects.search("öra", ALL, TODAY, limit=200)
    with_ears = ["öra" in code.title.lower() for code in ears]
    assert with_ears == sorted(with_ears, reverse=True)
    assert any(with_ears) and not all(with_ears)


def test_a_synonym_is_found_and_says_so():
    hit = Code.objects.search("lunginflammation", ALL, TODAY)[0]
    assert (hit.display, hit.matched_term) == ("J18.9", "lunginflammation")
    assert Code.objects.search("KOL", ALL, TODAY)[0].display == "J44.9"
    assert Code.objects.search("tolk", ALL, TODAY)[0].display == "ZV020"
    assert Code.objects.search("F41.1", ALL, TODAY)[0].matched_term == ""
    # Also a word within a word says why it is there.
    inside = {hit.display: hit.matched_term for hit in Code.objects.search("astma", ALL, TODAY)}
    assert inside["I50.9"] == "Hjärtastma"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hypertonni", "I10.9"),
        ("bronkkit", "J20.9"),
        ("angast", "F41.9"),
        ("dibetes", "E11.9"),
        ("akut bronkkit", "J20.9"),
    ],
)
def test_a_misspelt_word_is_corrected_when_nothing_else_is_found(typed, meant):
    assert meant in found(typed)


def test_words_that_are_found_are_not_corrected():
    assert "F41.9" not in found("gast")


@pytest.mark.parametrize(
    "typed", ["", "   ", None, "%", "_", "%_\\", "\x00", "'; --", "?!", "🙂", "-", ".", "ö", "x" * 5000]
)
def test_what_is_no_word_finds_nothing_and_never_crashes(typed):
    assert found(typed) == []


@pytest.mark.parametrize("typed", ["fracture of the wrist", "грипп", "感冒 flu", "العربية", "ß", "İstanbul ölçü"])
def test_other_languages_never_crash(typed):
    assert isinstance(found(typed), list)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=30))
def test_any_text_is_answered(text):
    assert len(found(text)) <= 20


def test_a_search_is_one_statement_and_three_where_words_are_corrected(django_assert_num_queries):
    with django_assert_num_queries(1):
        hits = Code.objects.search("ångest", ALL, TODAY)
        assert {presenters.search_hit(hit)["system"] for hit in hits} == {"icd-10-se"}
    with django_assert_num_queries(3):
        assert next(presenters.code(hit)["code"] for hit in Code.objects.search("hypertonni", ALL, TODAY)) == "I109"


def test_a_search_stays_in_its_systems_and_their_order():
    assert found("F41", "kva") == []
    assert found("DU011", "icd-10-se") == []
    assert found("UW040", "regional") == ["UW040"]
    assert found("F419P", "ksh97p") == ["F419P"]
    assert found("paracetamol", "atc") == ["N02BE01", "N02AJ06"]
    both = [code.system_id for code in Code.objects.search("behandling", ["kva", "icd-10-se"], TODAY, limit=200)]
    assert {"kva", "icd-10-se"} == set(both)


def test_a_search_shows_no_more_than_asked_for():
    assert len(found("behandling", limit=3)) == 3


def test_codes_that_are_derived_at_reporting_are_never_shown():
    """KL-04."""
    assert Code.objects.get(code="XS900").is_derived
    assert found("XS900") == []
    assert found("Gruppteambesök") == ["XS010"]  # the title of another code names it too
    assert found("XS007") == ["XS007"]


def test_headings_can_be_left_out():
    assert found("f41", registrable=True)[0] == "F41.0"
    assert found("f41", registrable=False) == ["F41"]


def test_external_causes_have_a_search_of_their_own():
    """KL-03."""
    assert found("W01", external_causes=False) == []
    assert found("W01", external_causes=True)[0] == "W01"
    causes, others = set(found("fall", external_causes=True)), set(found("fall", external_causes=False))
    assert causes and others
    assert not causes & others


def test_only_the_release_valid_on_the_day_is_searched():
    """KL-05."""
    CodeRelease.objects.filter(system="icd-10-se").update(valid_to=date(2026, 12, 31))
    row = {
        "code": "F411", "display": "F41.1", "title": "Ny titel från nyår", "level": "subcategory", "parent": "",
        "is_registrable": "1", "is_leaf": "1", "may_be_main": "1", "is_external_cause": "0", "mark": "", "sex": "",
    }  # fmt: skip
    load_release(ReleaseFacts("icd-10-se", "2027", date(2027, 1, 1), "övning"), [row])
    old, new = (Code.objects.search("F411", ALL, day) for day in (date(2026, 12, 31), date(2027, 1, 1)))
    assert [code.title for code in old] == ["Generaliserat ångestsyndrom"]
    assert [code.title for code in new] == ["Ny titel från nyår"]
    assert Code.objects.search("F411", ALL, date(2019, 12, 31)) == []


def test_a_code_with_dates_of_its_own_is_found_on_its_days_only():
    """KL-05."""
    Code.objects.filter(code="F411").update(valid_to=date(2026, 6, 30))
    assert [code.display for code in Code.objects.search("F411", ALL, date(2026, 6, 30))] == ["F41.1"]
    assert Code.objects.search("F411", ALL, date(2026, 7, 1)) == []
    assert not Code.objects.valid_on(date(2026, 7, 1)).filter(code="F411").exists()
    assert Code.objects.valid_on(date(2026, 6, 30)).filter(code="F411").exists()


def test_a_release_that_is_being_imported_is_not_searched():
    CodeRelease.objects.filter(system="kva").update(state="importing")
    assert found("DU011") == []
    assert not Code.objects.valid_on(TODAY).filter(code="DU011").exists()


def test_what_is_near_goes_first_among_what_was_found_but_after_the_code_itself():
    """Favourites, then the unit's most used, the patient's earlier, the reason's usual; never what was not found."""
    plain = found("ångest")
    last, before = plain[-1], plain[-2]
    near = [[("icd-10-se", stored(last))], [("icd-10-se", stored(before)), ("icd-10-se", "J189")]]
    assert found("ångest", near=near) == [last, before, *plain[:-2]]
    assert found("F41", near=[[("icd-10-se", "F412")]])[:2] == ["F41", "F41.2"]
    assert found("F411", near=[[("icd-10-se", "F412")]])[0] == "F41.1"


def stored(display):
    return display.replace(".", "")


def test_a_chapter_holds_the_search_to_itself():
    """Chapter 5 is ICD-10-SE's own number 05; a code lies in the topmost heading above it."""
    assert Code.objects.get(system="icd-10-se", code="F411").chapter == "05"
    assert Code.objects.get(code="DU011").chapter == "D"
    assert {code.chapter for code in Code.objects.search("akut", "icd-10-se", TODAY, 50, chapter="10")} == {"10"}
    assert found("ångest", chapter="10") == []


def test_an_inflected_word_is_found_by_what_is_left_of_it():
    assert found("propp i lungan")[0] == "I26.9"
    assert "I50.9" in found("svikten hjärta") or found("hjärtsvikten")[0] == "I50.9"


def test_two_letters_begin_a_title_or_are_a_synonym():
    """As they are typed, before the third has come: not every title that has them somewhere."""
    assert all(code.title.lower().startswith("as") for code in Code.objects.search("as", "icd-10-se", TODAY))
    assert found("ms")[0] == "G35.9"


def test_little_words_do_not_have_to_stand_there():
    assert found("smärta i buken") == found("smärta buken")
