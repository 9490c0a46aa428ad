"""Official test personnummer: numbers that belong to nobody (SOURCE.md)."""

from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "testpersonnummer.csv"


@cache
def personnummer():
    """All of them, twelve digits, by age."""
    return tuple(FILE.read_text(encoding="utf-8").split()[1:])
