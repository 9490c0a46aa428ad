"""Påminnelser: an SMS 48 hours before a visit, one per contact, to a number whose owner has allowed it (PL-18).

One statement finds what is due, notes it and gives it to the outbox: late, twice and at once it makes one reminder each.
Nothing is sent of a time that was agreed so late that the patient has just been told, or that has begun."""

from django.db import connection

AHEAD = "48 hours"

_DUE = """
    SELECT DISTINCT ON (a.id) a.id, a.patient_id, ph.sms_wording
    FROM scheduling_appointment a
    JOIN registration_patient p ON p.id = a.patient_id
    JOIN registration_patientphone ph ON ph.patient_id = a.patient_id
    WHERE a.status = 'booked' AND a.start > %(at)s AND a.start <= %(at)s::timestamptz + %(ahead)s::interval
      AND p.protection = '' AND p.deceased_on IS NULL AND p.merged_into_id IS NULL
      AND ph.kind = 'mobile' AND ph.sms_consent_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM scheduling_reminder r WHERE r.appointment_id = a.id)
      AND NOT EXISTS (
        SELECT FROM scheduling_appointmenthistory h
        WHERE h.appointment_id = a.id AND h.event IN ('booked', 'rescheduled', 'restored')
          AND h.at > a.start - %(ahead)s::interval)
    ORDER BY a.id, ph.is_preferred DESC, ph.id
"""

_GIVE = f"""
WITH due AS ({_DUE}),
made AS (
    INSERT INTO scheduling_reminder (appointment_id, wording, created_at)
    SELECT id, sms_wording, %(at)s FROM due
    ON CONFLICT (appointment_id) DO NOTHING
    RETURNING appointment_id
)
INSERT INTO outbox_outboxmessage (topic, subject_id, patient_id, payload)
SELECT 'appointment-reminder', due.id, due.patient_id, '{{}}'::jsonb FROM due JOIN made ON made.appointment_id = due.id
"""


def remind(*, at, dry_run=False):
    """Gives what is due at `at` to the outbox. Returns how many."""
    with connection.cursor() as cursor:
        if dry_run:
            cursor.execute(f"SELECT count(*) FROM ({_DUE}) AS due", {"at": at, "ahead": AHEAD})
            return cursor.fetchone()[0]
        cursor.execute(_GIVE, {"at": at, "ahead": AHEAD})
        return cursor.rowcount
