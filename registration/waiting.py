"""Waiting times read from the tables: of one remiss for lists and answers, and of units by one statement (BO-04)."""

from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Case, OuterRef, Prefetch, Q, Subquery, When

from registration.models import GuaranteeLimit, ReferralStatus, WaitDeviation
from registration.waiting_times import GUARANTEED, Wait, days_left_out, limit_on, purpose_of
from sdv.common.time import local_date
from sdv.organisation.models import PRIMARY_CARE_KINDS, CareUnit

# Days of waiting as the national follow-up shows them: from, to, words.
INTERVALS = (
    (0, 30, "0–30"),
    (31, 60, "31–60"),
    (61, 90, "61–90"),
    (91, 120, "91–120"),
    (121, 180, "121–180"),
    (181, 365, "181–365"),
    (366, None, "366 eller fler"),
)


def limits():
    """Every limit of the guarantee: a handful of rows, read once for a list."""
    return list(GuaranteeLimit.objects.all())


def with_deviations(rows):
    """Remisser with what their wait is counted from, in one statement more."""
    known = WaitDeviation.objects.standing()
    return rows.select_related("care_unit", "used_by").prefetch_related(
        Prefetch("deviations", queryset=known, to_attr="standing_deviations")
    )


def with_waits(rows):
    """As `with_deviations`, and with the limit that each wait stands against at its own unit: for lists that are built row
    by row."""

    def limit(*, is_primary_care):
        found = GuaranteeLimit.objects.filter(
            Q(valid_from=None) | Q(valid_from__lte=OuterRef("waiting_since")),
            Q(valid_to=None) | Q(valid_to__gte=OuterRef("waiting_since")),
            purpose=purpose_of(is_primary_care=is_primary_care, kind=GUARANTEED[0]),
        )
        return Subquery(found.values("days")[:1])

    return with_deviations(rows).annotate(
        limit_days=Case(
            When(kind__in=GUARANTEED, care_unit__kind__in=PRIMARY_CARE_KINDS, then=limit(is_primary_care=True)),
            When(kind__in=GUARANTEED, then=limit(is_primary_care=False)),
            default=None,
        )
    )


def wait_of(referral, *, on, limits=None):
    """The wait of one remiss as of the day; one whose first contact has been has waited until then. Without `limits` the
    remiss has been loaded with its own (`with_waits`)."""
    until = on
    if referral.status == ReferralStatus.USED and referral.used_by and referral.used_by.start:
        until = min(on, local_date(referral.used_by.start))
    elif referral.decided_at and referral.status in (
        ReferralStatus.REJECTED,
        ReferralStatus.FORWARDED,
        ReferralStatus.CLOSED,
    ):
        until = min(on, referral.forwarded_on or local_date(referral.decided_at))
    known = getattr(referral, "standing_deviations", None)
    deviations = referral.deviations.standing() if known is None else known
    until = max(until, referral.waiting_since)
    return Wait(
        since=referral.waiting_since,
        until=until,
        left_out=days_left_out(referral.waiting_since, until, deviations),
        limit=referral.limit_days if limits is None else _limit(referral, limits),
        target=referral.medical_target_date,
    )


def _limit(referral, limits):
    purpose = purpose_of(is_primary_care=referral.care_unit.is_primary_care, kind=referral.kind)
    return limit_on(limits, purpose, referral.waiting_since) if purpose else None


# --- Units ------------------------------------------------------------------------------------------------------------

# What is counted of waits, each a row with its days, the most days that the guarantee gives and the target date.
SUMMED = """count(*),
       count(*) FILTER (WHERE days <= 30), count(*) FILTER (WHERE days BETWEEN 31 AND 60),
       count(*) FILTER (WHERE days BETWEEN 61 AND 90), count(*) FILTER (WHERE days BETWEEN 91 AND 120),
       count(*) FILTER (WHERE days BETWEEN 121 AND 180), count(*) FILTER (WHERE days BETWEEN 181 AND 365),
       count(*) FILTER (WHERE days >= 366),
       count(*) FILTER (WHERE most IS NOT NULL), count(*) FILTER (WHERE days <= most),
       count(*) FILTER (WHERE medical_target_date IS NOT NULL),
       count(*) FILTER (WHERE medical_target_date >= until),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY days)::float8, max(days)"""

# The work lists in which a remiss waits: until it is decided, and then until its first contact.
UNDECIDED, TO_BOOK = "referrals", "to-book"

# One row a wait: the unit, the list that it stood in, its counted days and what limit they stand against. %(on)s is the
# day that is asked for; a wait that had ended by then is no wait, and one that was closed since was decided when its trail
# says that it was accepted. With `seen` it is of first contacts in the period. Counted for each unit, and for each of its
# lists.
WAITS = f"""
WITH found AS (
    SELECT r.id, r.care_unit_id, r.waiting_since, r.medical_target_date,
           CASE WHEN r.commitment_id IS NOT NULL AND (CASE WHEN r.status = 'closed' THEN COALESCE((
                SELECT max(v.at) FROM registration_referralevent v
                WHERE v.referral_id = r.id AND v.act = 'accepted'), '-infinity') ELSE r.decided_at END
                AT TIME ZONE 'Europe/Stockholm')::date <= %(on)s
                THEN 'to-book' ELSE 'referrals' END AS list,
           CASE WHEN %(seen)s THEN (e.start AT TIME ZONE 'Europe/Stockholm')::date ELSE %(on)s::date END AS until
    FROM registration_referral r
    LEFT JOIN registration_encounter e ON e.id = r.used_by_id
    WHERE r.care_unit_id = ANY(%(units)s) AND r.kind IN ('R', 'E') AND CASE WHEN %(seen)s
        THEN r.status = 'used' AND (e.start AT TIME ZONE 'Europe/Stockholm')::date BETWEEN %(first)s AND %(on)s
        ELSE r.arrival_date <= %(on)s AND (
            r.status IN ('received', 'returned', 'accepted')
            OR (r.status IN ('rejected', 'forwarded', 'closed')
                AND COALESCE(r.forwarded_on, (r.decided_at AT TIME ZONE 'Europe/Stockholm')::date) > %(on)s)
            OR (r.status = 'used' AND (e.start AT TIME ZONE 'Europe/Stockholm')::date > %(on)s))
        END
), counted AS (
    SELECT f.care_unit_id, f.list, f.medical_target_date, f.until,
           (f.until - f.waiting_since) - COALESCE((
               SELECT sum(GREATEST(0, LEAST(COALESCE(d.ends_on, f.until), f.until)
                                      - GREATEST(d.starts_on, f.waiting_since + 1) + 1))
               FROM registration_waitdeviation d WHERE d.referral_id = f.id AND d.withdrawn_at IS NULL), 0) AS days,
           (SELECT l.days FROM registration_guaranteelimit l
            WHERE l.purpose = CASE WHEN u.kind = ANY(%(primary)s) THEN 'assessment' ELSE 'first_visit' END
              AND (l.valid_from IS NULL OR l.valid_from <= f.waiting_since)
              AND (l.valid_to IS NULL OR f.waiting_since <= l.valid_to)) AS most
    FROM found f JOIN organisation_careunit u ON u.id = f.care_unit_id
)
SELECT care_unit_id, COALESCE(list, ''), {SUMMED}
FROM counted GROUP BY GROUPING SETS ((care_unit_id), (care_unit_id, list))
"""


@dataclass(frozen=True)
class UnitWaits:
    """The waits of a unit: how many, how they spread over INTERVALS, and how many are within guarantee and target."""

    care_unit: CareUnit
    number: int
    spread: tuple
    with_limit: int
    within_limit: int
    with_target: int
    within_target: int
    median: float | None
    longest: int | None

    @property
    def limit_share(self):
        """Per cent within the guarantee, or None where no limit applies."""
        return round(100 * self.within_limit / self.with_limit) if self.with_limit else None

    @property
    def target_share(self):
        """Per cent that are not past the medical target date, or None where none is set."""
        return round(100 * self.within_target / self.with_target) if self.with_target else None


def waiting_on(units, *, on):
    """Who waited at each unit on the day (the snapshot of the national follow-up). One statement."""
    return waiting_by_list(units, on=on)[""]


def waiting_by_list(units, *, on):
    """The same for all lists together, under "", and for each of UNDECIDED and TO_BOOK: {list: [a row a unit]}. One
    statement."""
    return _counted(units, on=on, first=on, seen=False)


def seen_between(units, *, first: date, last: date):
    """First contacts at each unit in the period, by how long they had waited. One statement."""
    return _counted(units, on=last, first=first, seen=True)[""]


def _counted(units, *, on, first, seen):
    units = list(units)
    asked = {
        "units": [unit.pk for unit in units],
        "on": on,
        "first": first,
        "seen": seen,
        "primary": [str(kind.value) for kind in PRIMARY_CARE_KINDS],
    }
    with connection.cursor() as cursor:
        cursor.execute(WAITS, asked)
        found = {row[:2]: row[2:] for row in cursor.fetchall()}
    return {name: [unit_waits(unit, found.get((unit.pk, name))) for unit in units] for name in ("", UNDECIDED, TO_BOOK)}


def unit_waits(unit, counted):
    """The waits of a unit from the columns of SUMMED; None is a unit where nobody waits."""
    number, *rest = counted or (0, *[0] * len(INTERVALS), 0, 0, 0, 0, None, None)
    return UnitWaits(unit, number, tuple(rest[: len(INTERVALS)]), *rest[len(INTERVALS) :])
