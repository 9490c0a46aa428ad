"""Swedish public holidays, computed for any year from 1990, when the law took effect: lag (1989:253) om allmänna
helgdagar, 1 and 2 §§. By SFS 2004:1320, in force since the first of April 2005, the national day is one and Whit Monday
is not. Both are read from the published texts. The three eves are no holidays by that law; that the holiday act
(1977:480) equates them with Sundays has been read at second hand only. That planned care is closed on them is this
project's reading, and a tidbok says where it is open."""

from datetime import date, timedelta
from functools import cache

SATURDAY = 5


def holiday(day):
    """The holiday's name, or None on any other day. Sundays are no holidays here: a tidbok says its own weekdays."""
    return _of_year(day.year).get(day)


@cache
def _of_year(year):
    easter = _easter(year)
    named = {
        date(year, 1, 1): "nyårsdagen",
        date(year, 1, 6): "trettondedag jul",
        easter - timedelta(2): "långfredagen",
        easter: "påskdagen",
        easter + timedelta(1): "annandag påsk",
        date(year, 5, 1): "första maj",
        easter + timedelta(39): "Kristi himmelsfärdsdag",
        easter + timedelta(49): "pingstdagen",
        date(year, 12, 24): "julafton",
        date(year, 12, 25): "juldagen",
        date(year, 12, 26): "annandag jul",
        date(year, 12, 31): "nyårsafton",
    }
    midsummer = _saturday_from(date(year, 6, 20))
    named |= {midsummer - timedelta(1): "midsommarafton", midsummer: "midsommardagen"}
    named[_saturday_from(date(year, 10, 31))] = "alla helgons dag"
    if year >= 2005:
        named.setdefault(date(year, 6, 6), "nationaldagen")
    else:
        named[easter + timedelta(50)] = "annandag pingst"
    return named


def _saturday_from(day):
    return day + timedelta((SATURDAY - day.weekday()) % 7)


def _easter(year):
    """The Sunday of the Gregorian computus."""
    golden, century, rest = year % 19, year // 100, year % 100
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
