"""Påminnelser: an SMS 48 hours before a visit, one per contact, to a number whose owner has allowed it, from units that
send them (PL-18, regional-rules 6.3).

One statement finds what is due, notes it and gives it to the outbox: late, twice and at once it makes one reminder each.
Nothing is sent of a time that was agreed so late that the patient has just been told, or that has begun. Who has been
reminded of another time than the one that holds has not been reminded of the contact: that is put right, also late."""

from django.db import connection

AHEAD = "48 hours"

_DUE = """
    SELECT DISTINCT ON (a.id) a.id, a.patient_id, a.start, ph.sms_wording, last.id AS last_id
    FROM scheduling_appointment a
    JOIN organisation_careunit u ON u.id = a.care_unit_id
    JOIN registration_patient p ON p.id = a.patient_id
    JOIN registration_patientphone ph ON ph.patient_id = a.patient_id
    LEFT JOIN LATERAL (
        SELECT r.id, r.start FROM scheduling_reminder r WHERE r.appointment_id = a.id ORDER BY r.id DESC LIMIT 1
    ) last ON true
    WHERE u.sends_reminders AND a.status = 'booked' AND a.start > %(at)s AND a.start <= %(at)s::timestamptz + %(ahead)s::interval
      AND p.protection = '' AND p.deceased_on IS NULL AND p.merged_into_id IS NULL
      AND ph.kind = 'mobile' AND ph.sms_consent_at IS NOT NULL
      AND last.start IS DISTINCT FROM a.start
      AND (last.id IS NOT NULL OR NOT EXISTS (
        SELECT FROM scheduling_appointmenthistory h
        WHERE h.appointment_id = a.id AND h.event IN ('booked', 'rescheduled', 'restored')
          AND h.at > a.start - %(ahead)s::interval))
    ORDER BY a.id, ph.is_preferred DESC, ph.id
"""

_GIVE = f"""
WITH due AS ({_DUE}),
made AS (
    INSERT INTO scheduling_reminder (appointment_id, start, replaces_id, wording, created_at)
    SELECT id, start, last_id, sms_wording, %(at)s FROM due
    ON CONFLICT (appointment_id, replaces_id) DO NOTHING
    RETURNING id, appointment_id
)
INSERT INTO outbox_outboxmessage (topic, subject_id, patient_id, payload)
SELECT 'appointment-reminder', due.id, due.patient_id, jsonb_build_object('reminder', made.id)
FROM due JOIN made ON made.appointment_id = due.id
"""


def remind(*, at, dry_run=False):
    """Gives what is due at `at` to the outbox. Returns how many."""
    with connection.cursor() as cursor:
        if dry_run:
            cursor.execute(f"SELECT count(*) FROM ({_DUE}) AS due", {"at": at, "ahead": AHEAD})
            return cursor.fetchone()[0]
        cursor.execute(_GIVE, {"at": at, "ahead": AHEAD})
        return cursor.rowcount
