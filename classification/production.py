"""What production statistics count (ST-01, VH-20), and what they may show. Pure: no database, no request, no clock.

Definitions, with where they come from:

* A contact counts when it has ended. Not counted: Annullerad, Admin, Foster, Historisk, pre-registrations; a healthy
  Nyfödd is no inpatient contact. Utebliven counts as utebliven and as nothing else (VH-20).
* Vårdtid is the date of discharge minus the date of admission; the same day gives 0 (Socialstyrelsens termbank, vårdtid,
  2004). A stay counts on its day of discharge (termbanken, vårdtillfälle, 2004), and so does its whole vårdtid.
* Vårddygn is the sum of the vårdtider, medelvårdtid that sum by the number of stays. [reading] The instruction names
  both and defines neither; the termbank has vårdtid and vårddag but no vårddygn for hospitals. Not verified with the region.
* Observation is neither outpatient nor inpatient here and stands by itself. [reading] Whether the patient is formally
  admitted is not said.
* Kontakt utan besök is an outpatient contact, also where it replaces no visit: VH-20 does not take it away. [reading]
"""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from registration.contact_types import Channel
from registration.encounter_types import TYPES
from registration.lifecycle import INPATIENT, NEWBORN, NO_SHOW_TYPE, NOT_REPORTED, OBSERVATION, Status

# A group of so few persons is not shown (ui.md 4.12).
FEWEST_SHOWN = 5
OF_STAYS = ("inpatient", "days", "mean_stay")


class Kind(StrEnum):
    """What a contact is counted as."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"
    OBSERVATION = "observation"
    NO_SHOW = "no_show"


def _kind_of_type(code):
    if code == NO_SHOW_TYPE:
        return Kind.NO_SHOW
    if code in NOT_REPORTED or code == NEWBORN:
        return None
    return {INPATIENT: Kind.INPATIENT, OBSERVATION: Kind.OBSERVATION}.get(code, Kind.OUTPATIENT)


# Type of vårdhändelse: what it counts as, for those that count (VH-20).
KINDS = {code: kind for code in TYPES if (kind := _kind_of_type(code))}


def kind(encounter_type, status, channel=""):
    """What a contact of the type counts as, or None: what has not ended counts as nothing (VH-20), and contact among
    staff about a patient is no contact (DI-07)."""
    return KINDS.get(encounter_type) if status == Status.ENDED and channel != Channel.AMONG_STAFF else None


def stay_days(admitted: date, discharged: date):
    """Vårdtid in days: date of discharge minus date of admission on Stockholm's clock; the same day gives 0."""
    return (discharged - admitted).days


# Age groups: lowest age of each. [reading] The instruction asks for age groups and names none.
AGES = (0, 18, 40, 65, 80)
AGE_LABELS = {0: "0–17 år", 18: "18–39 år", 40: "40–64 år", 65: "65–79 år", 80: "80 år och äldre", None: "Ålder okänd"}


def age_group(years):
    """The lowest age of the group that the age belongs to; None where the age is unknown."""
    if years is None:
        return None
    return max((lowest for lowest in AGES if lowest <= years), default=0)


@dataclass(frozen=True)
class Figures:
    """The numbers of one group. `persons` also counts those who did not come; `individuals` only those who got care,
    `stay_persons` those who were admitted. What may be shown is asked by `shown`."""

    outpatient: int = 0
    remote: int = 0
    no_shows: int = 0
    observations: int = 0
    inpatient: int = 0
    days: int = 0
    individuals: int = 0
    persons: int = 0
    stay_persons: int = 0
    hides_stays: bool = False

    @property
    def are_stays_shown(self):
        """The lengths of stay of fewer than five persons are theirs alone, also in a large group."""
        return not self.hides_stays and not 0 < self.stay_persons < FEWEST_SHOWN

    def shown(self, name):
        """A number by its name, or None where it may not be shown."""
        return getattr(self, name) if self.are_stays_shown or name not in OF_STAYS else None

    @property
    def mean_stay(self):
        """Medelvårdtid in days, one decimal; None without stays."""
        return round(self.days / self.inpatient, 1) if self.inpatient else None

    @property
    def contacts(self):
        """Contacts that took place."""
        return self.outpatient + self.observations + self.inpatient


@dataclass(frozen=True)
class Group:
    """One row of a breakdown. `figures` is None where the group is too small to be shown."""

    key: str
    label: str
    figures: Figures | None


def withheld(groups):
    """The groups with those of fewer than five persons emptied, and without the stays of fewer than five. Where that
    leaves one single hidden group, which the total would give away, the smallest of the others is hidden with it."""
    small = _with_another(
        {group.key for group in groups if 0 < group.figures.persons < FEWEST_SHOWN}, groups, "persons"
    )
    stays = {
        group.key
        for group in groups
        if group.figures.stay_persons and (group.key in small or not group.figures.are_stays_shown)
    }
    stays = _with_another(stays, groups, "stay_persons") - small
    return [
        Group(group.key, group.label, None)
        if group.key in small
        else Group(group.key, group.label, replace(group.figures, hides_stays=group.key in stays))
        for group in groups
    ]


def _with_another(hidden, groups, number):
    """The hidden keys; where there is a single one, with that of the smallest other group that has any."""
    others = [group for group in groups if group.key not in hidden and getattr(group.figures, number)]
    if len(hidden) == 1 and others:
        return hidden | {min(others, key=lambda group: (getattr(group.figures, number), group.key)).key}
    return hidden


@dataclass(frozen=True)
class Spread:
    """How lengths of stay are spread: the box plot's numbers, and what lies outside its whiskers."""

    key: str
    label: str
    count: int
    lowest: float
    lower: float
    median: float
    upper: float
    highest: float
    outliers: tuple = ()


def spread(key, label, lengths):
    """The Spread of a list of numbers: quartiles by linear interpolation, whiskers to what lies within 1.5 times the
    distance between the quartiles."""
    lengths = sorted(lengths)
    lower, median, upper = (_quantile(lengths, part) for part in (0.25, 0.5, 0.75))
    reach = 1.5 * (upper - lower)
    within = [length for length in lengths if lower - reach <= length <= upper + reach]
    return Spread(
        key=key,
        label=label,
        count=len(lengths),
        lowest=within[0],
        lower=lower,
        median=median,
        upper=upper,
        highest=within[-1],
        outliers=tuple(sorted({length for length in lengths if length < within[0] or length > within[-1]})),
    )


def _quantile(lengths, part):
    place = (len(lengths) - 1) * part
    below = int(place)
    above = min(below + 1, len(lengths) - 1)
    return lengths[below] + (lengths[above] - lengths[below]) * (place - below)
