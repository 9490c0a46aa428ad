"""Väntrummet: a number at arrival, the call, the screens (PL-17, PL-27)."""

import base64
import hashlib
import secrets

from django.db import connection, transaction
from django.db.models import Max

from registration.lifecycle import Status
from registration.models import ContactForm, Encounter, Patient, QueueTicket, WaitingScreen
from sdv.common.errors import RuleError
from sdv.common.time import local, local_date
from sdv.common.versions import refuse_stale

LONGEST_ROOM = 40


def take(encounter, *, at):
    """Inner write at arrival: the unit's next number of the day, where the unit has a screen and the patient is here. Who
    arrives again after an undo keeps the number. Returns the ticket or None."""
    if encounter.contact_form not in ("", ContactForm.PHYSICAL):
        return None
    if not WaitingScreen.objects.living().filter(care_unit=encounter.care_unit_id).exists():
        return None
    day = local_date(at)
    # What an arrival that was undone left: its number holds for its own day alone.
    ticket = QueueTicket.objects.filter(encounter=encounter).first() or QueueTicket(
        encounter=encounter, care_unit_id=encounter.care_unit_id
    )
    ticket.room, ticket.called_at, ticket.called_by, ticket.times_called = "", None, None, 0
    if ticket.day != day:
        ticket.day, ticket.number = day, _next_number(encounter.care_unit_id, day)
    ticket.save()
    return ticket


def _next_number(care_unit_id, day):
    with connection.cursor() as cursor:
        # One at a time for the unit's day; the constraint is the net.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"queue {care_unit_id} {day}"])
    given = QueueTicket.objects.filter(care_unit=care_unit_id, day=day)
    return (given.aggregate(last=Max("number"))["last"] or 0) + 1


def call_refusal(*, status, has_ticket):
    """Why nobody is called in to the vårdhändelse, or None (PL-17)."""
    if status != Status.IN_PROGRESS:
        return RuleError(
            "PL-17", "Bara den som har kommit och väntar ropas in. Läs in listan igen.", code="wrong_status"
        )
    if not has_ticket:
        return RuleError(
            "PL-17", "Patienten har inget könummer: enheten hade ingen väntrumsskärm vid ankomsten.", code="no_number"
        )
    return None


@transaction.atomic
def call(*, encounter_id, by, at, room="", again=False, by_name=None, version=None):
    """Ropar in: the screen shows the number, or the first name where the patient chose it (`by_name`; None leaves the choice
    as it is); a protected person by number only (SK-02). Of two who call at once the second is told who was first (PL-27);
    `again` calls once more, by anybody."""
    encounter, ticket = _locked(encounter_id, version)
    if by_name and encounter.patient.is_protected:
        raise RuleError(
            "PL-17", "Den som har skyddade personuppgifter ropas in med könummer, aldrig med namn.", code="protected"
        )
    if refused := call_refusal(status=encounter.status, has_ticket=ticket is not None):
        raise refused
    if ticket.called_at and not again:
        to = f" till {ticket.room}" if ticket.room else ""
        refused = RuleError(
            "PL-17",
            f"Könummer {ticket.number} är redan inropat{to} {local(ticket.called_at):%H.%M}. Ropa igen om ingen kommer.",
            code="already_done",
        )
        raise refused.told(ticket.called_by, ticket.called_at)
    ticket.room = room.strip()[:LONGEST_ROOM] or (ticket.room if again else "")
    ticket.called_at, ticket.called_by, ticket.times_called = at, by, ticket.times_called + 1
    ticket.by_name = ticket.by_name if by_name is None else by_name
    ticket.save(update_fields=["room", "by_name", "called_at", "called_by", "times_called"])
    # Lists that are open show the change.
    encounter.version += 1
    encounter.save(update_fields=["version"])
    ticket.encounter = encounter
    return ticket


def _locked(encounter_id, version):
    patient_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
    patient = Patient.objects.lock_present(patient_id)
    encounter = Encounter.objects.locked().get(pk=encounter_id)
    refuse_stale(encounter, version)
    encounter.patient = patient
    return encounter, QueueTicket.objects.select_related("called_by").filter(encounter=encounter).first()


# --- Screens -----------------------------------------------------------------------------------------------------------


def digest(code):
    return hashlib.sha256(code.encode()).hexdigest()


def new_code():
    """Eighty bits that can be typed on a remote control: XXXX-XXXX-XXXX-XXXX."""
    text = base64.b32encode(secrets.token_bytes(10)).decode()
    return "-".join(text[place : place + 4] for place in range(0, 16, 4))


def read_code(text):
    """The code as it was given out, however it was typed."""
    signs = "".join(sign for sign in text.upper() if sign.isalnum())[:16]
    return "-".join(signs[place : place + 4] for place in range(0, len(signs), 4))


def add_screen(*, care_unit, name, room=""):
    """A screen and the only copy of its code."""
    code = new_code()
    return WaitingScreen.objects.create(care_unit=care_unit, name=name, room=room, digest=digest(code)), code


def find_screen(code):
    """The living screen of the code, or None."""
    rows = WaitingScreen.objects.living().filter(digest=digest(code)).select_related("care_unit")
    return rows.first() if code else None
