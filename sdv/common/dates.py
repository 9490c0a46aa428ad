"""Dates and times as people at a reception desk write them, and as letters and pages say them. Pure: no clock.

The same shorthand is read by static/js/fields.js, which shows the weekday back while the person types."""

import re
from calendar import monthrange
from datetime import date, time, timedelta

MONTHS = (
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
)
WEEKDAYS = ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag")
# Longest period that one report covers, in days.
LONGEST_PERIOD = 3 * 366
NAMED_DAYS = {"igår": -1, "idag": 0, "imorgon": 1, "imorron": 1, "iövermorgon": 2}

ISO = re.compile(r"(\d{4})-?(\d{1,2})-?(\d{1,2})")
SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})(?:[ /-]+(\d{4}))?")
SPOKEN = re.compile(r"(\d{1,2})\.? ?([a-zåäö]{3,9})\.?(?: (\d{4}))?")
RELATIVE = re.compile(r"([+-]) ?(\d{1,4}) ?([dvmå])[a-zåäö]*")
CLOCK = re.compile(r"(?:kl\.? ?)?(\d{1,2})(?:[.:,]?(\d{2}))?")

DATE_HELP = "Skriv 2026-12-01, 1/12, 1 dec, +14d, +3v eller idag."
TIME_HELP = "Skriv 09:45, 9.45 eller 945."


def parse_date(text, today):
    """The day meant by `2026-12-01`, `1/12`, `1 dec`, `+14d`, `+3v`, `+2m`, `idag`, `i morgon`. A date without a year
    is the one nearest today. Raises ValueError with a Swedish sentence."""
    written = " ".join(text.strip().lower().split())
    if (named := NAMED_DAYS.get(written.replace(" ", ""))) is not None:
        return today + timedelta(days=named)
    if match := RELATIVE.fullmatch(written):
        return _moved(today, int(f"{match[1]}{match[2]}"), match[3])
    if match := ISO.fullmatch(written):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := SLASHED.fullmatch(written):
        return _dated(int(match[1]), int(match[2]), match[3], today)
    if (match := SPOKEN.fullmatch(written)) and (month := _month(match[2])):
        return _dated(int(match[1]), month, match[3], today)
    raise ValueError(f"Datumet går inte att läsa. {DATE_HELP}")


def parse_time(text):
    """The time of day meant by `945`, `0945`, `9.45`, `9:45`, `kl. 9.45` or `9`. Raises ValueError with a Swedish
    sentence."""
    match = CLOCK.fullmatch(text.strip().lower())
    if not match:
        raise ValueError(f"Tiden går inte att läsa. {TIME_HELP}")
    hour, minute = int(match[1]), int(match[2] or 0)
    if hour > 23 or minute > 59:
        raise ValueError(f"Klockslaget {match[1]}:{match[2] or '00'} finns inte. {TIME_HELP}")
    return time(hour, minute)


def long_date(day):
    """As letters and headings say it: tisdag 17 november 2026."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def _month(word):
    """1–12 for a month's name or its first letters (at least three), else None."""
    return next((number for number, name in enumerate(MONTHS, 1) if name.startswith(word)), None)


def _day(year, month, day):
    if not 1 <= month <= 12:
        raise ValueError(f"Månaden {month} finns inte. {DATE_HELP}")
    if year < 1 or not 1 <= day <= monthrange(year, month)[1]:
        raise ValueError(f"Dagen {day} finns inte i {MONTHS[month - 1]} {year}. {DATE_HELP}")
    return date(year, month, day)


def _dated(day, month, year, today):
    """The date in the year given, or else the one of last year, this year and next year that is nearest today."""
    if year:
        return _day(int(year), month, day)
    candidates = []
    for near in (today.year - 1, today.year, today.year + 1):
        try:
            candidates.append(_day(near, month, day))
        except ValueError:
            continue
    if not candidates:
        return _day(today.year, month, day)
    return min(candidates, key=lambda candidate: abs(candidate - today))


def _moved(today, amount, unit):
    """Today moved by days, weeks, months or years; a month without that day gives the month's last."""
    try:
        if unit in "dv":
            return today + timedelta(days=amount * (7 if unit == "v" else 1))
        months = today.year * 12 + today.month - 1 + amount * (12 if unit == "å" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
    except (OverflowError, ValueError):
        raise ValueError(f"Datumet ligger för långt bort. {DATE_HELP}") from None
