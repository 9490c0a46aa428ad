"""What a visit costs and what it costs not to come, read from the dated taxa (PL-14). Pure: rows in, an answer or None.

None means that it is not known, and then nothing is said: an amount is never guessed."""

from dataclasses import dataclass

from registration.models import FeeLevel, FeePurpose, FeeStaff
from sdv.organisation.models import CareUnitKind

FREE_UNTIL, FREE_FROM = 20, 85
DOCTORS, NURSES = {"Läk"}, {"Ssk", "Usk"}
LEVELS = {
    CareUnitKind.HEALTH_CENTRE: FeeLevel.PRIMARY,
    CareUnitKind.SPECIALISED: FeeLevel.SPECIALISED,
    CareUnitKind.EMERGENCY: FeeLevel.EMERGENCY,
    # Mödra- och barnhälsovård, ungdomsmottagning and dialys take no fee.
    CareUnitKind.CHILD_HEALTH: FeeLevel.FREE,
    CareUnitKind.MIDWIFE: FeeLevel.FREE,
    CareUnitKind.YOUTH: FeeLevel.FREE,
    CareUnitKind.DIALYSIS: FeeLevel.FREE,
}


@dataclass(frozen=True)
class Asked:
    """The visit whose fee is asked for. `with_referral` and `age` are None where they are not known."""

    unit_kind: str
    profession: str
    with_referral: bool | None
    age: int | None


@dataclass(frozen=True)
class Fee:
    """An amount in kronor and the rule that made it."""

    amount: int
    rule: str


def visit_fee(rates, asked):
    """What the visit costs; None where it is not known."""
    level = LEVELS.get(asked.unit_kind)
    if level is None or asked.age is None:
        return None
    if asked.age < FREE_UNTIL or asked.age >= FREE_FROM:
        return Fee(0, "ålder")
    if level == FeeLevel.FREE:
        return Fee(0, "slag av vård")
    return _rate(rates, FeePurpose.VISIT, level, asked)


def no_show_fee(rates, asked):
    """What it costs not to come; None where nothing is taken, or it is not known."""
    if asked.age is None or asked.age < FREE_UNTIL:
        return None
    visit = visit_fee(rates, asked)
    level = FeeLevel.FREE if visit and visit.amount == 0 else LEVELS.get(asked.unit_kind)
    return None if level is None else _rate(rates, FeePurpose.NO_SHOW, level, asked)


def _staff(asked):
    if asked.profession in DOCTORS:
        return FeeStaff.DOCTOR
    return FeeStaff.NURSE if asked.profession in NURSES else FeeStaff.ANYONE


def _rate(rates, purpose, level, asked):
    """The row that names the staff, else the one for anyone; a row that depends on a remiss needs to know of it."""
    rows = [row for row in rates if row.purpose == purpose and row.level == level]
    for staff in (_staff(asked), FeeStaff.ANYONE):
        named = [row for row in rows if row.staff == staff]
        found = [row for row in named if row.with_referral in (None, asked.with_referral)]
        if named:
            return Fee(found[0].amount, found[0].code) if found else None
    return None
