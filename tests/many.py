"""Vårdhändelser by the thousand, put in by SQL, and what they became, asked by SQL: for races and crashes."""

# Spread over the whole of each day, minute by minute of Stockholm's clock; every third was booked to half an hour.
FILL = """
INSERT INTO registration_encounter
    (patient_id, care_unit_id, type_id, status, start, planned_start, planned_end, checked_out_at,
     contact_form, identity_shown, payer, listing_unit)
SELECT (%(patients)s::uuid[])[1 + n %% cardinality(%(patients)s::uuid[])], %(care_unit)s::uuid, %(type)s, %(status)s::text,
    began, booked, booked + interval '30 minutes', CASE %(status)s::text WHEN 'checked_out' THEN began END, '', '', '', ''
FROM (
    SELECT n, began, CASE n %% 3 WHEN 0 THEN began END AS booked
    FROM generate_series(1, %(count)s::int) n, LATERAL (
        SELECT ((%(days)s::date[])[1 + n %% cardinality(%(days)s::date[])] + n %% 1440 * interval '1 minute')
            AT TIME ZONE 'Europe/Stockholm' AS began) AS when_it_began
) AS contact
"""

# What each must have become, reckoned by other means than the job's own: the day's last minute is one minute before the
# next midnight.
WRONG_ENDS = """
SELECT count(*) FROM registration_encounter
WHERE status = 'ended' AND "end" IS DISTINCT FROM
    ((start AT TIME ZONE 'Europe/Stockholm')::date + 1)::timestamp AT TIME ZONE 'Europe/Stockholm' - interval '1 minute'
"""

# How many vårdhändelser have which history, in the order in which it is read.
HISTORIES = """
SELECT moves, count(*) FROM (
    SELECT array_agg(h.move::text || '>' || h.target ORDER BY h.id) AS moves
    FROM registration_encounter e LEFT JOIN registration_encounterhistory h ON h.encounter_id = e.id GROUP BY e.id
) AS each_ GROUP BY moves
"""
ENDED_ONCE = ["check_out>checked_out", "discharge>ended"]
BOOKED_ONCE = ["create>planned"]
