"""What a delivery looks like as a whole, before it is made (PAR-01): how much is missing, beside what Socialstyrelsen has
published of the register, and whether a unit's months are as many as they use to be. Pure.

What is published: classification/data/par_bortfall.csv. How far is too far is our own proposal."""

import csv
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from .contents import INJURY
from .selection import INPATIENT_SUBSET, OUTPATIENT_SUBSET

TABLE = Path(__file__).parents[1] / "data" / "par_bortfall.csv"
# Twice what is published, where it is more than chance among few.
TIMES_FAR, FEWEST_MISSING = 2, 5
# A month that is under half of the other months, or half as many again, and by ten contacts or more.
LEAST, MOST, FEWEST_APART = 0.5, 1.5, 10
FEWEST_MONTHS = 2
NUMBERS_OF_PERSONS = {"personnummer", "samordningsnummer"}
WORDS = {
    "main_diagnosis": "Huvuddiagnos saknas",
    "identity": "Personnummer och samordningsnummer saknas",
    "external_cause": "Yttre orsak saknas vid skada eller förgiftning",
    "sex": "Kön saknas",
}


@dataclass(frozen=True)
class Usual:
    """A published share of what is missing, in per cent."""

    measure: str
    subset: str
    percent: float
    source: str


def _read():
    with TABLE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter=";"):
            yield Usual(row["uppgift"], row["delmangd"], float(row["procent"]), row["kalla"])


USUAL = {(each.measure, each.subset): each for each in _read()}


@dataclass(frozen=True)
class Share:
    """How many of the contacts lack something; `usual` is None where nothing is published."""

    measure: str
    subset: str
    missing: int
    of: int
    usual: float | None = None

    @property
    def percent(self):
        return 100 * self.missing / self.of

    @property
    def is_far(self):
        """Far above what is published."""
        return self.usual is not None and self.missing >= FEWEST_MISSING and self.percent > TIMES_FAR * self.usual


@dataclass(frozen=True)
class Volume:
    """A unit's month: how many, and how many its other months have on average."""

    unit: object
    month: date
    count: int
    usual: float | None = None

    @property
    def is_far(self):
        """Far from the other months."""
        if self.usual is None or abs(self.count - self.usual) < FEWEST_APART:
            return False
        return not LEAST * self.usual <= self.count <= MOST * self.usual


@dataclass
class Tally:
    """Counts what the register asks for, contact by contact, those that are held back too."""

    asked: Counter = field(default_factory=Counter)
    missing: Counter = field(default_factory=Counter)

    def add(self, content):
        """Counts one contact. What is to come with the end is not missing before it."""
        self._count("identity", content, content.identity_kind not in NUMBERS_OF_PERSONS)
        self._count("sex", content, not content.sex)
        if content.end is None:
            return
        self._count("main_diagnosis", content, not content.diagnoses)
        injuries = [row for row in content.diagnoses if INJURY.match(row.code)]
        if injuries:
            self._count("external_cause", content, not any(row.external_causes for row in injuries))

    def _count(self, measure, content, is_missing):
        self.asked[measure, content.subset] += 1
        self.missing[measure, content.subset] += is_missing

    def shares(self):
        """One for each thing and sub-set that was asked for."""
        return [
            Share(measure, subset, self.missing[measure, subset], of, usual.percent if usual else None)
            for subset in (INPATIENT_SUBSET, OUTPATIENT_SUBSET)
            for measure in WORDS
            if (of := self.asked[measure, subset])
            for usual in [USUAL.get((measure, subset))]
        ]


def volumes(counts, before, period):
    """Each unit's months in the period beside its other months: `counts` is {(unit, month): contacts} of the delivery,
    `before` the same of the months before it, as they were delivered."""
    months = list(_months(period.first, period.last))
    units = sorted({unit for unit, _ in (*counts, *before)}, key=str)
    found = []
    for unit in units:
        known = {month: number for (of, month), number in before.items() if of == unit}
        known |= {month: counts.get((unit, month), 0) for month in months}
        for month in months:
            others = [number for each, number in known.items() if each != month]
            usual = sum(others) / len(others) if len(others) >= FEWEST_MONTHS else None
            found.append(Volume(unit, month, known[month], usual))
    return found


def _months(first, last):
    while first <= last:
        yield first
        first = date(first.year + first.month // 12, first.month % 12 + 1, 1)


def kept(shares, volumes):
    """Both, as a delivery keeps them."""
    return {
        "shares": [asdict(share) for share in shares],
        "volumes": [
            asdict(volume) | {"unit": str(volume.unit), "month": volume.month.isoformat()} for volume in volumes
        ],
    }


def read(told):
    """(shares, volumes) of what was kept; a unit is its key as text."""
    return (
        [Share(**share) for share in told.get("shares", ())],
        [Volume(**volume | {"month": date.fromisoformat(volume["month"])}) for volume in told.get("volumes", ())],
    )
