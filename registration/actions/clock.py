"""What the clock decides about encounters: reveal (VH-05) and automatic end (VH-17…19).

Each is one SQL statement a batch, with history and version written by the same statement; rows another worker holds
are skipped and found the next minute. Late, twice and in parallel: the same result. `dry_run` counts only."""

from django.db import connection, transaction

from registration.lifecycle import AMONG_STAFF, HIDDEN, NO_SHOW_TYPE, NOT_REPORTED, VISIBLE
from sdv.outbox.models import Topic

BATCH = 5000

# The contact's 23:59 in Stockholm, as an instant: PostgreSQL knows the clock changes as Python does.
_AUTOMATIC_END = "((e.start AT TIME ZONE 'Europe/Stockholm')::date + time '23:59') AT TIME ZONE 'Europe/Stockholm'"

_DUE = f"""
    e.status <> 'ended'
    AND NOT e.is_reopened
    AND t.discharge = 'automatic'
    AND ((e.type_id = %(no_show)s AND e.status = 'planned')
         OR e.status = 'checked_out'
         OR (e.status = 'in_progress' AND t.check_out <> 'manual'))
    AND e.start <= %(at)s
    AND {_AUTOMATIC_END} <= %(at)s
"""

_DISCHARGE = f"""
WITH due AS (
    SELECT e.id, e.status AS source, {_AUTOMATIC_END} AS end_at,
        e.status = 'in_progress' AND t.check_out = 'automatic' AS is_checked_out
    FROM registration_encounter e JOIN registration_encountertype t ON t.code = e.type_id
    WHERE {_DUE}
    ORDER BY e.id
    LIMIT %(batch)s
    FOR NO KEY UPDATE OF e SKIP LOCKED
), ended AS (
    UPDATE registration_encounter e SET
        status = 'ended',
        "end" = due.end_at,
        checked_out_at = CASE WHEN due.is_checked_out
            THEN LEAST(GREATEST(COALESCE(e.planned_end, due.end_at), e.start), due.end_at) ELSE e.checked_out_at END,
        is_check_out_automatic = e.is_check_out_automatic OR due.is_checked_out,
        version = e.version + CASE WHEN due.is_checked_out THEN 2 ELSE 1 END
    FROM due WHERE e.id = due.id
    RETURNING e.id, e.type_id, e.contact_form, e.patient_id, e.version, e.end, e.checked_out_at, due.source,
        due.is_checked_out
), moved AS (
    -- In one statement and in this order, for the history is read by its keys: checked out, then discharged.
    INSERT INTO registration_encounterhistory
        (id, encounter_id, move, source, target, type_before, type_after, by_id, at, reason)
    SELECT uuidv7(), id, move, source, target, type_id, type_id, NULL, at, reason
    FROM (
        SELECT ended.id, ended.type_id, step.*
        FROM ended, LATERAL (VALUES
            (1, 'check_out', ended.source, 'checked_out', ended.checked_out_at, 'Automatisk utcheckning'),
            (2, 'discharge', CASE WHEN is_checked_out THEN 'checked_out' ELSE ended.source END, 'ended', ended."end",
                'Automatisk utskrivning')
        ) AS step (number, move, source, target, at, reason)
        WHERE step.number = 2 OR ended.is_checked_out
        ORDER BY ended.id, step.number
    ) AS steps
), told AS (
    INSERT INTO outbox_outboxmessage (id, topic, subject_id, patient_id, payload)
    SELECT uuidv7(), %(topic)s, id, patient_id, jsonb_build_object('encounter_type', type_id, 'version', version)
    FROM ended WHERE NOT type_id = ANY(%(not_reported)s) AND contact_form <> %(among_staff)s
), released AS (
    UPDATE registration_placestay s SET period = tstzrange(lower(s.period), GREATEST(ended.end, lower(s.period)))
    FROM ended WHERE s.encounter_id = ended.id AND upper_inf(s.period)
)
SELECT count(*), count(*) FILTER (WHERE is_checked_out) FROM ended
"""

_REVEAL = """
WITH due AS (
    SELECT id FROM registration_encounter
    WHERE type_id = %(hidden)s AND status = 'planned' AND planned_start <= %(at)s + interval '24 hours'
    ORDER BY id
    LIMIT %(batch)s
    FOR NO KEY UPDATE SKIP LOCKED
), revealed AS (
    UPDATE registration_encounter e SET type_id = %(visible)s, version = e.version + 1
    FROM due WHERE e.id = due.id
    RETURNING e.id
), told AS (
    INSERT INTO registration_encounterhistory
        (id, encounter_id, move, source, target, type_before, type_after, by_id, at, reason)
    SELECT uuidv7(), id, 'reveal', 'planned', 'planned', %(hidden)s, %(visible)s, NULL, %(at)s, ''
    FROM revealed
)
SELECT count(*) FROM revealed
"""


def auto_discharge(*, at, dry_run=False):
    """VH-17…19: ends what has reached 23:59 of its own day, checked out first where that is automatic (VH-18).
    Returns (discharged, of which checked out automatically)."""
    parameters = {
        "at": at,
        "no_show": NO_SHOW_TYPE,
        "not_reported": list(NOT_REPORTED),
        "among_staff": AMONG_STAFF,
        "topic": Topic.ENCOUNTER_ENDED,
        "batch": BATCH,
    }
    if dry_run:
        counted = f"""
            SELECT count(*), count(*) FILTER (WHERE e.status = 'in_progress' AND t.check_out = 'automatic')
            FROM registration_encounter e JOIN registration_encountertype t ON t.code = e.type_id WHERE {_DUE}
        """
        return _one(counted, parameters)
    discharged = checked_out = 0
    while True:
        ended, automatic = _one(_DISCHARGE, parameters)
        discharged, checked_out = discharged + ended, checked_out + automatic
        if ended < BATCH:
            return discharged, checked_out


def reveal(*, at, dry_run=False):
    """VH-05: hidden pre-registrations with 24 hours or less to go become visible. Returns how many."""
    parameters = {"at": at, "hidden": HIDDEN, "visible": VISIBLE, "batch": BATCH}
    if dry_run:
        return _one(
            "SELECT count(*) FROM registration_encounter WHERE type_id = %(hidden)s AND status = 'planned'"
            " AND planned_start <= %(at)s + interval '24 hours'",
            parameters,
        )[0]
    revealed = 0
    while True:
        (count,) = _one(_REVEAL, parameters)
        revealed += count
        if count < BATCH:
            return revealed


def _one(statement, parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()
