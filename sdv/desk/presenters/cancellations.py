"""Who cancels, in the words of the page and the workbook: the same numbers in both (PL-09)."""

from sdv.desk import charts
from sdv.desk.presenters.waiting import Section

NUMBERS = (
    ("Bokningar", "booked"),
    ("Avbokade", "cancelled"),
    ("Av patienten", "by_patient"),
    ("i tid", "patient_early"),
    ("sent (utebliven)", "patient_late"),
    ("Av vårdgivaren", "by_provider"),
    ("i tid", "provider_early"),
    ("sent", "provider_late"),
    ("Uteblivna utan återbud", "missed"),
    ("Ombokningar av patienten", "moved_by_patient"),
    ("Ombokningar av vårdgivaren", "moved_by_provider"),
    ("Ombokningar, okänt av vem", "moved_by_unknown"),
)
SHARES = (
    ("Andel avbokade", "cancelled_share"),
    ("varav patienten", "patient_share"),
    ("varav vårdgivaren", "provider_share"),
)
COLUMNS = ("Enhet", *(words for words, _ in (*NUMBERS, *SHARES)))
DEFINITIONS = (
    (
        "Bokningar",
        "De vars tid är, eller var när de avbokades, på en dag i perioden (Stockholm). Den som har bokats om räknas på sin nya tid.",
    ),
    ("Avbokade", "Av patienten eller av vårdgivaren, som den som avbokade angav. Andelen är av bokningarna."),
    (
        "Sent",
        (
            "Mindre än 24 timmar före starten, till minuten, också när klockan ställs om (VH-11). Ett sent återbud av patienten"
            " är en utebliven; vårdgivarens är det aldrig."
        ),
    ),
    (
        "Av vårdgivaren",
        (
            "Också bokningar som föll med en annullering, ett avslut för hand eller ett dödsfall: de är registrerade som"
            " vårdgivarens."
        ),
    ),
    ("Uteblivna utan återbud", "Patienten kom inte och ingen hade avbokat. De räknas inte bland de avbokade."),
    (
        "Ombokningar",
        "Hur många gånger periodens bokningar har flyttats, på vems initiativ. De räknas inte bland de avbokade.",
    ),
)


def section(units):
    """The units as a table, and together as bars: early and late, by whose doing."""
    told = (
        ("Patienten, i tid", "patient_early"),
        ("Patienten, sent", "patient_late"),
        ("Vårdgivaren, i tid", "provider_early"),
        ("Vårdgivaren, sent", "provider_late"),
    )
    data = [charts.Bar(words, sum(getattr(each, name) for each in units)) for words, name in told]
    heading = "Avbokade i perioden"
    description = ", ".join(f"{bar.label.lower()}: {bar.value}" for bar in data)
    svg = charts.bars("avbokade", title=heading, description=f"Antal: {description}.", data=data)
    return Section("avbokade", heading, tuple(cells(each) for each in units), svg, not any(bar.value for bar in data))


def cells(each):
    """One unit's numbers, in the order of COLUMNS; None where there is nothing to measure against."""
    shares = (getattr(each, name) for _, name in SHARES)
    return (
        each.care_unit.name,
        *(getattr(each, name) for _, name in NUMBERS),
        *(None if share is None else f"{share} %" for share in shares),
    )


def rows(units):
    """Head and a line a unit, for the workbook: numbers as numbers. There the columns stand without their neighbours."""
    yield (
        "Enhet", "Bokningar", "Avbokade", "Av patienten", "Av patienten i tid", "Av patienten sent (utebliven)",
        "Av vårdgivaren", "Av vårdgivaren i tid", "Av vårdgivaren sent", *(words for words, _ in NUMBERS[8:]),
        "Andel avbokade, %", "Andel av avbokade: patienten, %", "Andel av avbokade: vårdgivaren, %",
    )  # fmt: skip
    for each in units:
        yield (each.care_unit.name, *(getattr(each, name) for _, name in (*NUMBERS, *SHARES)))
