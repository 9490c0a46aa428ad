"""What a consult is booked for, in words (VH-10, BO-02)."""

from registration.lifecycle import ENGAGES_CONSULTS, Status
from sdv.common.time import local


def is_of_one_day(contact):
    """A visit, whose team meets the patient that day; other care goes on."""
    return contact.type_id not in ENGAGES_CONSULTS


def contact_text(contact):
    """Avdelning 12: Slutenvård sedan 2026-11-24 10:05; Bryggan: Pv Ssk Återbesök 2026-11-30 09:00."""
    what = contact.visit_type.name if contact.visit_type and is_of_one_day(contact) else contact.type.name
    since = "" if contact.status == Status.PLANNED or is_of_one_day(contact) else "sedan "
    return f"{contact.care_unit.short_name}: {what} {since}{local(contact.start):%Y-%m-%d %H:%M}"
