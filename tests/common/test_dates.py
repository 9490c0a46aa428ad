"""Dates and times as people write them at the desk. Today is Saturday 2026-11-21 throughout."""

from datetime import date, time, timedelta

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from sdv.common.dates import long_date, parse_date, parse_time
from sdv.common.fields import SwedishDateField, SwedishTimeField

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-12-01", date(2026, 12, 1)),
        ("20261201", date(2026, 12, 1)),
        ("2026-1-5", date(2026, 1, 5)),
        (" 1/12 ", date(2026, 12, 1)),
        ("1/12 2027", date(2027, 12, 1)),
        ("1 dec", date(2026, 12, 1)),
        ("1 DECEMBER", date(2026, 12, 1)),
        ("1 dec. 2028", date(2028, 12, 1)),
        ("3 maj", date(2027, 5, 3)),
        ("24 maj", date(2026, 5, 24)),
        ("5 jan", date(2027, 1, 5)),
        ("29/2 2028", date(2028, 2, 29)),
        ("+14d", date(2026, 12, 5)),
        ("+3v", date(2026, 12, 12)),
        ("+ 3 veckor", date(2026, 12, 12)),
        ("+2m", date(2027, 1, 21)),
        ("+1å", date(2027, 11, 21)),
        ("-1d", date(2026, 11, 20)),
        ("idag", TODAY),
        ("i dag", TODAY),
        ("I morgon", date(2026, 11, 22)),
        ("igår", date(2026, 11, 20)),
    ],
)
def test_a_date_is_read_as_it_is_written(text, meant):
    assert parse_date(text, TODAY) == meant


def test_a_month_without_the_day_gives_its_last_day():
    assert parse_date("+3m", date(2026, 11, 30)) == date(2027, 2, 28)


def test_a_date_without_year_is_the_nearest_one():
    assert parse_date("30/12", date(2027, 1, 4)) == date(2026, 12, 30)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-13-01", "Månaden 13 finns inte."),
        ("31/11", "Dagen 31 finns inte i november 2026."),
        ("2026-02-29", "Dagen 29 finns inte i februari 2026."),
        ("snart", "Datumet går inte att läsa."),
        ("", "Datumet går inte att läsa."),
        ("1 xyz", "Datumet går inte att läsa."),
        ("0000-01-01", "Dagen 1 finns inte i januari 0."),
        ("+9999å", "Datumet ligger för långt bort."),
        ("-9999m", None),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write_instead(text, sentence):
    if sentence is None:
        assert parse_date(text, TODAY) == date(1193, 8, 21)
        return
    with pytest.raises(ValueError, match="Skriv") as refused:
        parse_date(text, TODAY)
    assert str(refused.value).startswith(sentence)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31)))
def test_every_date_is_read_back_from_iso_form(day):
    assert parse_date(day.isoformat(), TODAY) == day


@given(st.integers(min_value=-182, max_value=182))
def test_every_date_near_today_can_be_written_without_a_year(distance):
    day = TODAY + timedelta(days=distance)
    assert parse_date(f"{day.day}/{day.month}", TODAY) == day


@given(st.text(max_size=20))
def test_any_text_gives_a_date_or_a_sentence(text):
    try:
        assert isinstance(parse_date(text, TODAY), date)
    except ValueError as error:
        assert "Skriv" in str(error)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("945", time(9, 45)),
        ("0945", time(9, 45)),
        ("9.45", time(9, 45)),
        ("09:45", time(9, 45)),
        ("kl. 9.45", time(9, 45)),
        ("9", time(9)),
        ("14", time(14)),
        ("2359", time(23, 59)),
        ("0:00", time(0)),
    ],
)
def test_a_time_is_read_as_it_is_written(text, meant):
    assert parse_time(text) == meant


@pytest.mark.parametrize("text", ["2400", "960", "9:7", "", "nu", "12345"])
def test_a_time_that_does_not_exist_is_refused(text):
    with pytest.raises(ValueError, match="Skriv 09:45"):
        parse_time(text)


@given(st.text(max_size=10))
def test_any_text_gives_a_time_or_a_sentence(text):
    try:
        assert isinstance(parse_time(text), time)
    except ValueError as error:
        assert "Skriv" in str(error)


def test_a_date_is_said_with_its_weekday():
    assert long_date(date(2026, 11, 17)) == "tisdag 17 november 2026"


class Booking(forms.Form):
    day = SwedishDateField(label="Dag", today=TODAY)
    start = SwedishTimeField(label="Tid")
    until = SwedishDateField(label="Till", required=False, today=TODAY)


def test_a_form_reads_shorthand_and_shows_iso():
    form = Booking({"day": "+3v", "start": "945", "until": ""})
    assert form.is_valid()
    assert form.cleaned_data == {"day": date(2026, 12, 12), "start": time(9, 45), "until": None}
    shown = Booking(initial={"day": date(2026, 12, 1), "start": time(9, 5)})
    assert 'value="2026-12-01"' in str(shown["day"])
    assert 'value="09:05"' in str(shown["start"])
    assert "data-date" in str(shown["day"])


def test_a_form_keeps_what_was_typed_and_says_what_to_do():
    form = Booking({"day": "31/11", "start": "25"})
    assert not form.is_valid()
    assert form.errors["day"] == [
        "Dagen 31 finns inte i november 2026. Skriv 2026-12-01, 1/12, 1 dec, +14d, +3v eller idag."
    ]
    assert form.errors["start"] == ["Klockslaget 25:00 finns inte. Skriv 09:45, 9.45 eller 945."]
    assert 'value="31/11"' in str(form["day"])
