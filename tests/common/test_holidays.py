"""Swedish public holidays, computed for any year."""

from datetime import date

import pytest

from sdv.common.holidays import holiday


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2026-01-01", "nyårsdagen"), ("2026-01-06", "trettondedag jul"), ("2026-04-03", "långfredagen"),
        ("2026-04-05", "påskdagen"), ("2026-04-06", "annandag påsk"), ("2026-05-01", "första maj"),
        ("2026-05-14", "Kristi himmelsfärdsdag"), ("2026-05-24", "pingstdagen"), ("2026-06-06", "nationaldagen"),
        ("2026-06-19", "midsommarafton"), ("2026-06-20", "midsommardagen"), ("2026-10-31", "alla helgons dag"),
        ("2026-12-24", "julafton"), ("2026-12-25", "juldagen"), ("2026-12-26", "annandag jul"),
        ("2026-12-31", "nyårsafton"), ("2027-03-28", "påskdagen"), ("2025-06-21", "midsommardagen"),
        ("2024-11-02", "alla helgons dag"), ("2000-04-23", "påskdagen"), ("2038-04-25", "påskdagen"),
        ("2008-03-23", "påskdagen"), ("2008-05-01", "Kristi himmelsfärdsdag"),
    ],
)  # fmt: skip
def test_the_days_have_their_names(day, name):
    assert holiday(date.fromisoformat(day)) == name


def test_the_national_day_took_the_place_of_whit_monday_in_2005():
    assert holiday(date(2004, 6, 6)) is None and holiday(date(2004, 5, 31)) == "annandag pingst"
    assert holiday(date(2005, 6, 6)) == "nationaldagen" and holiday(date(2005, 5, 16)) is None


def test_other_days_are_none():
    assert [holiday(date(2026, 11, day)) for day in (1, 2, 7, 20, 29)] == [None] * 5
