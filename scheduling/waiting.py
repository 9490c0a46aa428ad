"""How long bokningsbegäran have waited, per unit (BO-04): beside the waits of remisser, that `registration.waiting` counts."""

from django.db import connection

from registration.waiting import SUMMED, unit_waits

# One row a begäran that nobody had booked or ended on the day. It waits from its first day asked for, or from its coming
# where that is later: nobody waits in January for what was asked for in May. The last day asked for is its target; no
# limit of the guarantee applies.
WAITS = f"""
WITH found AS (
    SELECT r.care_unit_id, r.wished_to AS medical_target_date, %(on)s::date AS until, NULL::int AS most,
           GREATEST(0, %(on)s::date
               - GREATEST((r.created_at AT TIME ZONE 'Europe/Stockholm')::date, r.wished_from)) AS days
    FROM scheduling_bookingrequest r
    WHERE r.care_unit_id = ANY(%(units)s) AND (r.created_at AT TIME ZONE 'Europe/Stockholm')::date <= %(on)s AND (
        r.status IN ('follow_up', 'open')
        OR (r.status = 'closed' AND (r.closed_at AT TIME ZONE 'Europe/Stockholm')::date > %(on)s)
        OR (r.status = 'booked' AND (
            SELECT max(a.created_at AT TIME ZONE 'Europe/Stockholm')::date
            FROM scheduling_appointment a WHERE a.booking_request_id = r.id) > %(on)s))
)
SELECT care_unit_id, {SUMMED} FROM found GROUP BY care_unit_id
"""


def requests_on(units, *, on):
    """The bokningsbegäran that waited at each unit on the day, in one statement."""
    units = list(units)
    with connection.cursor() as cursor:
        cursor.execute(WAITS, {"units": [unit.pk for unit in units], "on": on})
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    return [unit_waits(unit, found.get(unit.pk)) for unit in units]
