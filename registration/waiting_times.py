"""How long a patient has waited, and against which limit (BO-04). Pure: no database, no clock. Days are calendar days in
Stockholm, so a night when the clock changes is a day like any other."""

from dataclasses import dataclass
from datetime import date, timedelta

from registration.models.referral import ReferralKind
from registration.models.waiting import DeviationKind, GuaranteePurpose
from sdv.common.errors import RuleError

ONE_DAY = timedelta(days=1)
# A remiss and an egen vårdbegäran wait for a first contact; research and what is in care already are no such wait.
GUARANTEED = (ReferralKind.REFERRAL, ReferralKind.SELF)


@dataclass(frozen=True)
class Wait:
    """One wait as of a day: `days` in all, `left_out` of them not counted, the guarantee's limit and the target date."""

    since: date
    until: date
    left_out: int = 0
    limit: int | None = None
    target: date | None = None

    @property
    def days(self):
        return (self.until - self.since).days

    @property
    def counted(self):
        """Days that count against the guarantee."""
        return self.days - self.left_out

    @property
    def guarantee_left(self):
        """Days left of the guarantee, negative when it has passed; None where there is no limit."""
        return None if self.limit is None else self.limit - self.counted

    @property
    def is_over_guarantee(self):
        return self.limit is not None and self.counted > self.limit

    @property
    def target_left(self):
        """Days to the medical target date, negative when it has passed; None where none is set."""
        return None if self.target is None else (self.target - self.until).days

    @property
    def is_target_passed(self):
        return self.target is not None and self.target < self.until


def days_left_out(since, until, deviations):
    """How many of the days of a wait the deviations take away. The day on which it began is not yet a day of waiting.
    Deviations do not overlap (the database sees to it)."""
    total = 0
    for each in deviations:
        first = max(each.starts_on, since + ONE_DAY)
        last = min(each.ends_on or until, until)
        total += max(0, (last - first).days + 1)
    return total


def expected_by(wait, *, today):
    """The day by which an accepted remiss is reckoned to have its first contact: the medical target date; where none is
    set, or it has passed, the guarantee's last day. None where that has passed too, or there is no limit: then nothing is
    promised (VA-03, BO-04)."""
    days = [wait.target]
    if wait.limit is not None:
        days.append(wait.since + timedelta(days=wait.limit + wait.left_out))
    return next((day for day in days if day and day >= today), None)


def purpose_of(*, is_primary_care, kind):
    """Which limit of the guarantee the wait is measured against, or None."""
    if kind not in GUARANTEED:
        return None
    return GuaranteePurpose.ASSESSMENT if is_primary_care else GuaranteePurpose.FIRST_VISIT


def limit_on(limits, purpose, day):
    """The days that the guarantee gave on the day, among rows of GuaranteeLimit; None where it gave none."""
    for row in limits:
        is_valid = (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or day <= row.valid_to)
        if row.purpose == purpose and is_valid:
            return row.days
    return None


def deviation_refusal(
    *, kind, reason, starts_on, ends_on, since, today, is_primary_care, conditions, offered, limit_day
):
    """Why the deviation may not be registered, or None (BO-04). `conditions` are whether the patient was informed and has
    declined; `offered` the day of the offered time; `limit_day` the last day of the guarantee, or None. How long notice is
    good notice no source says in days: who registers it answers for it."""
    if not reason.strip():
        return _refused("Ange skälet till avvikelsen.", "reason_missing")
    if starts_on < since:
        return _refused("Avvikelsen börjar före väntan. Rätta första dagen.", "before_the_wait")
    if starts_on > today:
        return _refused("Avvikelsen kan inte börja i framtiden. Rätta första dagen.", "date_in_future")
    if ends_on and ends_on < starts_on:
        return _refused("Sista dagen ska inte ligga före den första.", "dates_out_of_order")
    if kind == DeviationKind.MEDICAL:
        if is_primary_care:
            return _refused("Medicinskt orsakad väntan används inte i primärvården.", "not_in_primary_care")
        return None
    if offered is None or not all(conditions):
        return _refused(
            "Patientvald väntan kräver tre saker: patienten är informerad om vårdgarantin, har med god"
            " framförhållning erbjudits en tid inom den och har själv avstått. Saknas någon räknas väntan.",
            "conditions_missing",
        )
    if offered < since:
        return _refused(
            "Den erbjudna tiden ligger före väntan. En tid som erbjöds innan är ingen att avstå från här. Rätta dagen.",
            "offered_before_the_wait",
        )
    if limit_day and offered > limit_day:
        return _refused(
            f"Den erbjudna tiden ligger efter vårdgarantins sista dag, {limit_day.isoformat()}. Väntan räknas.",
            "offered_too_late",
        )
    return None


def _refused(sentence, code):
    return RuleError("BO-04", sentence, code=code, needs_reason=code == "reason_missing")
