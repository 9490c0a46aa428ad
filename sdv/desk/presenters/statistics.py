"""Statistics in the words of the page, the CSV and the workbook: the same rows in all of them (ST-01)."""

from dataclasses import dataclass

from classification import statistics
from classification.quality import MOST_JUDGED, SAME_DAY
from classification.rules.checks import CHECKS
from registration.models import VisitType
from sdv.common.presenting import Link
from sdv.desk import charts
from sdv.desk.context import address

# Of a group with fewer than five, and of one that is hidden beside it.
TOO_FEW = "visas inte"
COLUMNS = (
    "Öppenvårdskontakter",
    "varav på distans",
    "Uteblivna",
    "Observationer",
    "Slutenvårdstillfällen",
    "Vårddygn",
    "Medelvårdtid, dagar",
    "Individer",
)


def cells(figures):
    """The numbers of a row, in the order of COLUMNS; of a group too small to be shown, that it is."""
    if figures is None:
        return (TOO_FEW,) + (None,) * (len(COLUMNS) - 1)
    return (
        figures.outpatient,
        figures.remote,
        figures.no_shows,
        figures.observations,
        figures.inpatient if figures.are_stays_shown else TOO_FEW,
        figures.shown("days"),
        figures.shown("mean_stay"),
        figures.individuals,
    )


def rows(report):
    """Head, total and every group: what is exported."""
    yield ("Uppdelning", "Grupp", *COLUMNS)
    yield ("Totalt", "", *cells(report.total))
    for what, groups in report.breakdowns:
        for group in groups:
            yield (what, group.label, *cells(group.figures))


def notes(report, care_unit, at):
    """What a person who gets the workbook alone has to know of it: (word, words)."""
    yield from _about(care_unit, report.asked.first, report.asked.last, at)
    yield from DEFINITIONS


def _about(care_unit, first, last, at):
    yield ("Vad", "Innebörd")
    yield ("Vårdenhet", care_unit.name)
    yield ("Period", f"{first.isoformat()} – {last.isoformat()}")
    yield ("Uppgifter till och med", at)


DEFINITIONS = (
    (
        "Räknas",
        (
            "Avslutade kontakter. Annullerade, Admin, Foster, Historiska och förhandsregistreringar räknas inte, och inte "
            "heller en frisk Nyfödd (VH-20)."
        ),
    ),
    ("Utebliven", "Räknas bara som utebliven."),
    (
        "Öppenvård",
        (
            "På den dag då kontakten började. Akutsjukvård, kontakt utan besök och distanskontakter ingår. På distans är "
            "telefon, video och kontakt utan besök."
        ),
    ),
    (
        "Slutenvård",
        (
            "På utskrivningsdagen. Den som ännu är inskriven räknas inte. Observation är varken öppenvård eller slutenvård "
            "här; det är projektets läsning."
        ),
    ),
    (
        "Vårdtid",
        (
            "Utskrivningsdatum minus inskrivningsdatum; samma dag ger 0 (Socialstyrelsens termbank). Medelvårdtid är "
            "summan delad med antalet vårdtillfällen."
        ),
    ),
    (
        "Vårddygn",
        (
            "Summan av vårdtiderna, på utskrivningsdagen. Ej verifierat: instruktionen nämner vårddygn men säger inte hur "
            "de räknas, och termbanken har bara vårdtid och vårddag."
        ),
    ),
    (
        "Individer",
        (
            "Olika patienter som fått vård i perioden; den som finns i flera grupper räknas en gång i var och en. Skyddade "
            "personuppgifter ingår i summorna."
        ),
    ),
    (
        "Färre än fem",
        (
            "Grupper med färre än fem patienter visas inte, och inte heller vårdtillfällen som gäller färre än fem. "
            "Är det bara en sådan grupp döljs också den näst minsta, så att "
            "summan inte röjer den."
        ),
    ),
)


def visit_types_of(care_unit):
    """(code, name) of the besökstyper that the unit may have had visits of."""
    return list(VisitType.objects.filter(care_area_id=care_unit.care_area_id).values_list("code", "name"))


@dataclass(frozen=True)
class Chart:
    """A chart with the table beside it."""

    id: str
    heading: str
    svg: str
    columns: tuple
    rows: list


def production_charts(report):
    """The charts of a report: contacts over time, by besökstyp, by age, and the spread of the lengths of stay."""
    made = []
    total = report.total
    step = "vecka" if report.asked.step == "week" else "månad"
    if total.outpatient:
        made.append(
            _over_time("over-tid", f"Öppenvårdskontakter per {step}", "Öppenvård", report.periods, "outpatient")
        )
    if total.shown("inpatient"):
        heading = f"Slutenvårdstillfällen per {step} för utskrivning"
        made.append(_over_time("slutenvard", heading, "Slutenvård", report.periods, "inpatient"))
        if spreads := statistics.stays(report.asked):
            made.append(_stays(spreads))
    if total.outpatient and report.visit_types:
        made.append(_largest(report.visit_types))
    made.append(_ages(report.ages))
    return made


def _bar(group, figure, label=None):
    value = None if group.figures is None else group.figures.shown(figure)
    return charts.Bar(label or group.label, value)


def _over_time(name, heading, word, groups, figure):
    data = [_bar(group, figure, group.label.split(" ", 1)[-1]) for group in groups]
    return Chart(
        id=name,
        heading=heading,
        svg=charts.bars(name, title=heading, description=_in_words(data), data=data),
        columns=("Period", word),
        rows=[
            (group.label, TOO_FEW if bar.value is None else bar.value) for group, bar in zip(groups, data, strict=True)
        ],
    )


def _in_words(data):
    known = [bar for bar in data if bar.value is not None]
    if not known:
        return "Alla grupper är för små för att visas."
    highest, lowest = max(known, key=lambda bar: bar.value), min(known, key=lambda bar: bar.value)
    said = (
        f"Högst {charts.number(highest.value)} ({highest.label}), lägst {charts.number(lowest.value)} ({lowest.label})."
    )
    return f"{said} Grupper som är för små visas inte." if len(known) < len(data) else said


def _largest(groups, most=10):
    ordered = sorted(groups, key=lambda group: (-(group.figures.outpatient if group.figures else 0), group.label))
    heading = "Öppenvårdskontakter per besökstyp"
    if len(ordered) > most:
        heading = f"{heading}, de {most} vanligaste"
    data = [_bar(group, "outpatient") for group in ordered[:most]]
    return Chart(
        id="besokstyper",
        heading=heading,
        svg=charts.level_bars("besokstyper", title=heading, description=_in_words(data), data=data),
        columns=("Besökstyp", "Öppenvård"),
        rows=[(bar.label, TOO_FEW if bar.value is None else bar.value) for bar in data],
    )


def _ages(groups):
    heading = "Individer per åldersgrupp"
    data = [
        _bar(group, "individuals", group.label.removesuffix(" år").replace(" år och äldre", "–")) for group in groups
    ]
    return Chart(
        id="aldrar",
        heading=heading,
        svg=charts.bars("aldrar", title=heading, description=_in_words(data), data=data),
        columns=("Åldersgrupp", "Individer"),
        rows=[
            (group.label, TOO_FEW if bar.value is None else bar.value) for group, bar in zip(groups, data, strict=True)
        ],
    )


def _stays(spreads):
    heading = "Vårdtid per åldersgrupp, dagar"
    medians = ", ".join(f"{spread.label} {charts.number(spread.median)}" for spread in spreads)
    return Chart(
        id="vardtid",
        heading=heading,
        svg=charts.boxes(
            "vardtid",
            title=heading,
            description=f"Median i dagar: {medians}.",
            data=spreads,
            unit="dagar från inskrivning till utskrivning",
        ),
        columns=("Åldersgrupp", "Vårdtillfällen", "Nedre kvartil", "Median", "Övre kvartil", "Längst"),
        rows=[
            (
                spread.label,
                spread.count,
                charts.number(spread.lower),
                charts.number(spread.median),
                charts.number(spread.upper),
                charts.number(max((spread.highest, *spread.outliers))),
            )
            for spread in spreads
        ],
    )


def pages(current, actor):
    """The statistics' pages as chips."""
    listed = (
        ("Produktion", "statistics"),
        ("Kodningskvalitet", "coding-quality"),
        ("Väntetider", "waiting-times"),
        ("Avbokningar", "cancellations"),
    )
    return [Link(label, address(name), current=name == current) for label, name in listed if address(name)]


# --- Coding quality -----------------------------------------------------------------------------------------------------

SEVERITIES = {"error": "fel", "warning": "varning", "hint": "tips"}


QUALITY_DEFINITIONS = (
    (
        "Andelar",
        "Av kontakter som ska klassificeras (VH-20) och avslutades i perioden. Klassificerad är den som är klar.",
    ),
    (
        "Dagar till klar",
        "Från kontaktens slutdag till den dag klassificeringen gjordes klar, Stockholms datum; samma dag ger 0.",
    ),
    (
        "Anmärkningar",
        (
            f"Bedömda på de {MOST_JUDGED} senaste klassificeringarna med kontrollerna och regionens vikter på kontaktens "
            "slutdag. En klassificering räknas en gång per kontroll; tips räknas inte som fel eller varning."
        ),
    ),
    ("Oklassificerade nu", "Arbetslistan Klassificering, oberoende av perioden."),
    ("Ospecificerade koder", "Mäts inte: ingen källa säger vilka koder som är ospecificerade."),
)


def quality_notes(care_unit, first, last, at):
    """What a person who gets the workbook alone has to know of it: (word, words)."""
    yield from _about(care_unit, first, last, at)
    yield from QUALITY_DEFINITIONS


def quality_rows(found):
    """Every number of the coding quality, one a line: what is shown and what is exported."""
    days = found.days
    yield ("Vad", "Antal eller värde")
    yield ("Avslutade kontakter som klassificeras", found.ended)
    yield ("Klassificerade (klara)", found.coded)
    yield ("Andel klassificerade, procent", found.coded_share)
    yield ("Påbörjade men inte klara", found.begun)
    yield ("Dagar till klar, median", days.median if days else None)
    yield ("Dagar till klar, övre kvartil", days.upper if days else None)
    yield from ((_in_time(label), count) for label, count in found.by_days)
    yield ("Oklassificerade nu", found.waiting)
    yield from ((f"Oklassificerade sedan mer än {age} dagar", count) for age, count in found.waiting_longer.items())
    yield ("Bedömda klassificeringar", found.judged)
    yield ("Andel med fel eller varning, procent", found.findings_share)
    yield from (
        (f"{CHECKS[check]} ({CHECKS[check].rule}, {SEVERITIES[severity]})", count)
        for (severity, check), count in _most_usual(found)
    )


def _in_time(label):
    """Klara samma dag, Klara efter 1 dag, Klara efter 2–3 dagar."""
    if label == SAME_DAY:
        return f"Klara {label}"
    return f"Klara efter {label} {'dag' if label == '1' else 'dagar'}"


def _most_usual(found):
    return sorted(found.rules.items(), key=lambda each: (-each[1], each[0]))


def quality_charts(found):
    """How soon contacts are coded, and which findings there are."""
    made = []
    if found.days:
        heading = "Dagar från kontaktens slut till klar klassificering"
        data = [charts.Bar(label, count) for label, count in found.by_days]
        made.append(
            Chart(
                id="dagar",
                heading=heading,
                svg=charts.bars("dagar", title=heading, description=_in_words(data), data=data),
                columns=("Dagar", "Klassificeringar"),
                rows=[(bar.label, bar.value) for bar in data],
            )
        )
    if found.rules:
        heading = "Anmärkningar efter regel"
        data = [charts.Bar(str(CHECKS[check]), count) for (_, check), count in _most_usual(found)[:10]]
        made.append(
            Chart(
                id="anmarkningar",
                heading=heading,
                svg=charts.level_bars("anmarkningar", title=heading, description=_in_words(data), data=data),
                columns=("Regel", "Klassificeringar"),
                rows=[(bar.label, bar.value) for bar in data],
            )
        )
    return made
