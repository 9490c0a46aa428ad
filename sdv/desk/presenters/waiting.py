"""Waiting times in words: deviations of one wait, tables, charts and workbooks of units (BO-04)."""

from dataclasses import dataclass

from registration.models import DeviationKind
from registration.waiting import INTERVALS
from sdv.common.presenting import Tag
from sdv.desk import charts

from .rows import stamp

COLUMNS = (
    "Enhet",
    "Antal",
    *(f"{words} dagar" if last else "366 dagar eller fler" for _, last, words in INTERVALS),
    "Inom vårdgaranti",
    "Andel",
    "Inom måldatum",
    "Andel",
    "Median dagar",
    "Längst dagar",
)
DEFINITIONS = (
    (
        "Vilka räknas",
        (
            "Remisser (R) och egna vårdbegäran (E). Forskning och det som redan är i enhetens vård väntar inte på en första"
            " kontakt."
        ),
    ),
    (
        "Dagar",
        (
            "Kalenderdagar från remissbeslutet, eller från ankomsten där beslutet inte är känt; en vidaresänd remiss behåller"
            " sin första dag. Avvikelser räknas bort."
        ),
    ),
    (
        "Väntande",
        "De som väntade den sista dagen i perioden: mottagna, returnerade eller accepterade, utan första kontakt.",
    ),
    (
        "Listorna",
        (
            "En remiss står i Remisshantering tills den är beslutad och i Att boka från beslutet till den första kontakten,"
            " också när tiden är bokad."
        ),
    ),
    (
        "Bokningsbegäran",
        (
            "De som väntade på att bokas den sista dagen i perioden, också uppföljningsbegäran. Dagar räknas från begärt"
            " startdatum, eller från ankomsten där den är senare; målet är begärt slutdatum. Vårdgarantin gäller dem inte."
        ),
    ),
    ("Första kontakter", "De vars första kontakt började i perioden, efter hur länge de hade väntat."),
    ("Inom vårdgaranti", "Av dem som en gräns gäller för, den som gällde den dag väntan började."),
    ("Inom måldatum", "Av dem som har ett medicinskt måldatum, de där det inte var passerat."),
)
SHEET = (
    "Enhet", "Antal", *COLUMNS[2:9], "Inom vårdgaranti", "Med vårdgaranti", "Inom måldatum", "Med måldatum",
    "Median dagar", "Längst dagar",
)  # fmt: skip


@dataclass(frozen=True)
class DeviationRow:
    """A deviation as it is read."""

    pk: object
    kind: str
    days: str
    reason: str
    offered: str
    by: str
    tag: Tag | None
    is_standing: bool


def deviation(row):
    """A row of the wait's deviations; one that was withdrawn says why."""
    withdrawn = row.withdrawn_at is not None
    return DeviationRow(
        pk=row.pk,
        kind=row.get_kind_display(),
        days=f"{row.starts_on.isoformat()} – {row.ends_on.isoformat() if row.ends_on else 'tills vidare'}",
        reason=f"{row.reason}. Återkallad: {row.withdraw_reason}" if withdrawn else row.reason,
        offered=stamp(row.offered_at) if row.kind == DeviationKind.PATIENT and row.offered_at else "",
        by=row.created_by.name if row.created_by else "",
        tag=Tag("", "cross", "Återkallad") if withdrawn else None,
        is_standing=not withdrawn,
    )


@dataclass(frozen=True)
class Section:
    """A table per unit and a chart of all of them together."""

    id: str
    heading: str
    rows: tuple
    svg: str
    is_empty: bool


def section(name, heading, units):
    """The waits of the units as a table, and together as bars."""
    total = [sum(each.spread[place] for each in units) for place in range(len(INTERVALS))]
    data = [charts.Bar(words, number) for (_, _, words), number in zip(INTERVALS, total, strict=True)]
    told = ", ".join(f"{bar.label} dagar: {bar.value}" for bar in data)
    return Section(
        name,
        heading,
        tuple(cells(each) for each in units),
        charts.bars(name, title=heading, description=f"Antal efter dagar: {told}.", data=data),
        not sum(total),
    )


def cells(each):
    """One unit's numbers, in the order of COLUMNS; None where there is nothing to measure against."""
    return (
        each.care_unit.name,
        each.number,
        *each.spread,
        f"{each.within_limit} av {each.with_limit}" if each.with_limit else None,
        f"{each.limit_share} %" if each.with_limit else None,
        f"{each.within_target} av {each.with_target}" if each.with_target else None,
        f"{each.target_share} %" if each.with_target else None,
        None if each.median is None else charts.number(each.median),
        each.longest,
    )


def rows(units):
    """Head and a line a unit, for the workbook: numbers as numbers."""
    yield SHEET
    for each in units:
        yield (
            each.care_unit.name, each.number, *each.spread, each.within_limit, each.with_limit, each.within_target,
            each.with_target, each.median, each.longest,
        )  # fmt: skip


def notes(first, last, read_at, definitions=DEFINITIONS):
    """What the numbers mean, for the workbook."""
    yield ("Vad", "Så")
    yield ("Period", f"{first.isoformat()} – {last.isoformat()}")
    yield ("Läst", read_at)
    yield from definitions
