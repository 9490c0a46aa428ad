"""Everyday words find the right code among the first five.

tests/data/recall_phrases.csv was written by hand from KSH97-P's alternative terms before the search was tried on it: the
phrase, and the codes that are right for it (the first is what one would expect; A09* is any code of the category)."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from classification import starter
from classification.actions import imports
from classification.actions.releases import ReleaseFacts
from classification.models import Code
from tests.full_lists import file, with_full_lists

PHRASES = Path(__file__).resolve().parents[1] / "data" / "recall_phrases.csv"
TODAY, AT = date(2026, 11, 26), datetime(2026, 11, 26, 9, tzinfo=UTC)
BOX = ["icd-10-se", "kva", "regional"]
FIRST = 5


def phrases():
    with PHRASES.open(encoding="utf-8", newline="") as lines:
        return [(row["phrase"], row["codes"].split("|")) for row in csv.DictReader(lines, delimiter=";")]


def is_right(code, expected):
    return any(code == right or (right[-1] == "*" and code.startswith(right[:-1])) for right in expected)


def first_codes(phrase):
    return [code.code for code in Code.objects.search(phrase, BOX, TODAY, FIRST, registrable=True)]


def missed(asked):
    """{phrase: what was found instead}."""
    found = {phrase: (first_codes(phrase), expected) for phrase, expected in asked}
    return {
        phrase: codes for phrase, (codes, expected) in found.items() if not any(is_right(c, expected) for c in codes)
    }


def test_there_are_two_hundred_phrases_once_each():
    asked = [phrase for phrase, _ in phrases()]
    assert len(asked) == len(set(asked)) == 220


@pytest.mark.usefixtures("starter_codes")
def test_the_starter_set_answers_all_that_it_has_codes_for():
    codes = set(Code.objects.filter(system="icd-10-se", is_registrable=True).values_list("code", flat=True))
    asked = [(phrase, expected) for phrase, expected in phrases() if any(is_right(code, expected) for code in codes)]
    assert len(asked) >= 160
    assert not (wrong := missed(asked)), str(wrong)


@with_full_lists
@pytest.mark.django_db
def test_the_full_lists_answer_all():
    """With KSH97-P's own words for ICD-10-SE, as an import of the official lists gives them."""
    starter.load(at=AT)
    for system, names, synonyms in (
        ("icd-10-se", ["icd10se.csv"], ["ksh97p_synonyms.csv"]),
        ("kva", ["kva_2026.csv", "kva_groups_2026.csv"], []),
    ):
        imports.import_now(
            facts=ReleaseFacts(system, "full", date(2026, 1, 1), "full lista"),
            files=[file(name) for name in names],
            synonym_files=[file(name) for name in synonyms],
            by=None,
            at=AT,
        )
    assert not (wrong := missed(phrases())), str(wrong)
    # The code that one would expect first of all, not only one that is right.
    expected = sum(1 for phrase, codes in phrases() if any(is_right(code, codes[:1]) for code in first_codes(phrase)))
    assert expected >= 205
