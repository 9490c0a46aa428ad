"""Ordinationer of the invented region: ordered by clinicians, one activated, one cancelled, the rest to come."""

from datetime import time, timedelta

from registration.actions import orders
from sdv.common.time import at_local

WORDS = ["Blodstatus", "Långtidsblodsocker, HbA1c", "Urinprov, odling", "EKG, vila", "Kreatinin och elektrolyter"]


def fill(story):
    """At every unit that books diagnostics by order; at its own time, like everything of the story."""
    ordered_at = at_local(story.today - timedelta(days=1), time(15, 30))
    for key in ("medicin", "bryggan", "ekbacken", "sjolunda"):
        unit = story.region.units[key]
        made = []
        for number in range(max(3, story.some(8))):
            patient = story.patient(key, story.today - timedelta(days=1))
            if patient is None:
                continue
            order = orders.place(
                patient_id=patient.pk,
                care_unit=unit.row,
                what=WORDS[number % len(WORDS)],
                planned_on=story.today + timedelta(days=story.rng.randint(0, 30)),
                by=story.clinician(unit),
                at=ordered_at,
            )
            made.append(order)
        if len(made) > 2:
            orders.activate(order_id=made[0].pk, by=story.clinician(unit), at=ordered_at + timedelta(minutes=20))
            orders.cancel(
                order_id=made[1].pk,
                reason="Provet är redan taget",
                by=story.clinician(unit),
                at=ordered_at + timedelta(minutes=20),
            )
