"""Official test personnummer: numbers that belong to nobody (SOURCE.md)."""

from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "testpersonnummer.csv"


@cache
def personnummer():
    """All of them, twelve digits, by age."""
    return tuple(FILE.read_text(encoding="utf-8").split()[1:])


# Samordningsnummer are Skatteverket's test numbers (CC0), the month unknown in some; the reservID and the local number are
# made here.
OTHERS = (
    "194811692385",
    "197111752387",
    "197301732389",
    "198306662399",
    "199207642399",
    "199700672380",
    "200000672386",
    "201205832387",
    "22841208DF20",
    "22850617DE10",
    "22950606FH12",
    "25710930DEK9",
    "98190405DE24",
    "19810829DA1B",
)
