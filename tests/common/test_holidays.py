"""Swedish public holidays, computed for any year."""

from datetime import date, timedelta

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


# Easter Sundays as almanacs have them.
EASTERS = [
    "1990-04-15",
    "1991-03-31",
    "1992-04-19",
    "1993-04-11",
    "1994-04-03",
    "1995-04-16",
    "1996-04-07",
    "1997-03-30",
    "1998-04-12",
    "1999-04-04",
    "2000-04-23",
    "2001-04-15",
    "2002-03-31",
    "2003-04-20",
    "2004-04-11",
    "2005-03-27",
    "2006-04-16",
    "2007-04-08",
    "2008-03-23",
    "2009-04-12",
    "2010-04-04",
    "2011-04-24",
    "2012-04-08",
    "2013-03-31",
    "2014-04-20",
    "2015-04-05",
    "2016-03-27",
    "2017-04-16",
    "2018-04-01",
    "2019-04-21",
    "2020-04-12",
    "2021-04-04",
    "2022-04-17",
    "2023-04-09",
    "2024-03-31",
    "2025-04-20",
    "2026-04-05",
    "2027-03-28",
    "2028-04-16",
    "2029-04-01",
    "2030-04-21",
    "2038-04-25",
    "2285-03-22",
]


@pytest.mark.parametrize("text", EASTERS)
def test_easter_and_what_follows_from_it(text):
    """1989:253 2 §: the Friday before, the day after, the sixth Thursday and the seventh Sunday after."""
    easter = date.fromisoformat(text)
    assert holiday(easter) == "påskdagen"
    assert holiday(easter - timedelta(2)) == "långfredagen"
    # The first of May keeps its own name, or Ascension Day takes it (2008): a holiday all the same.
    assert holiday(easter + timedelta(1)) == "annandag påsk"
    assert holiday(easter + timedelta(39)) in ("Kristi himmelsfärdsdag", "nationaldagen")
    assert holiday(easter + timedelta(49)) == "pingstdagen"
    assert (holiday(easter + timedelta(50)) == "annandag pingst") == (easter.year < 2005)


@pytest.mark.parametrize("year", range(1990, 2051))
def test_midsummer_and_all_saints_are_the_saturday_of_their_week(year):
    """1989:253 2 §: 20–26 June, 31 October–6 November."""
    for name, first in (("midsommardagen", date(year, 6, 20)), ("alla helgons dag", date(year, 10, 31))):
        named = [first + timedelta(n) for n in range(7) if holiday(first + timedelta(n)) == name]
        assert [day.isoweekday() for day in named] == [6]


def test_the_national_day_took_the_place_of_whit_monday_in_2005():
    assert holiday(date(2004, 6, 6)) is None and holiday(date(2004, 5, 31)) == "annandag pingst"
    assert holiday(date(2005, 6, 6)) == "nationaldagen" and holiday(date(2005, 5, 16)) is None


def test_other_days_are_none():
    assert [holiday(date(2026, 11, day)) for day in (1, 2, 7, 20, 29)] == [None] * 5
