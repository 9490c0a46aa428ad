"""What happens during a stay: transfer between wards, permission, facts completed, a doctor's assessment at the
emergency department (VH-03, VH-09, VH-21, VH-23)."""

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from registration import lifecycle, stay_rules
from registration.encounter_types import TYPES
from registration.lifecycle import Move, Status
from registration.models import LeaveOfAbsence
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, minute
from sdv.organisation.models import Ward
from sdv.outbox import messages

from . import holdings, places
from .encounters import lock, move, reschedule, told_who


def transfer(*, encounter_id, by, at, ward_id=None, place_id=None, version=None):
    """Moves the patient to a ward of the unit and, where one is chosen, to a place there. Without one the place is left:
    the patient waits for a place at the new ward. Both intervals change in the same minute."""
    with places.taken_refused(place_id), transaction.atomic():
        return _transfer(encounter_id, ward_id, place_id, by, minute(at), version)


def _transfer(encounter_id, ward_id, place_id, by, at, version):
    encounter = lock(encounter_id, version=version)
    _refuse(encounter, Move.TRANSFER)
    present = holdings.going_on(encounter.ward_stays)
    ward = _ward(encounter, ward_id)
    if place_id is not None:
        places.assign_to(encounter, place_id, by=by, at=at)
        if ward is not None and (moved := holdings.going_on(encounter.ward_stays)) and moved.ward_id != ward.pk:
            raise InputError(place="Platsen hör inte till avdelningen. Välj en plats på den.")
        return encounter
    if ward is None:
        raise InputError(ward="Välj avdelning eller plats att flytta till.")
    if present and present.ward_id == ward.pk:
        return encounter
    known = holdings.known_until(encounter.place_stays, encounter.ward_stays)
    if refused := stay_rules.holding_refusal("Flytten", at, start=encounter.start, known_until=known):
        raise refused
    if held := holdings.going_on(encounter.place_stays):
        holdings.close(held, at=at)
    holdings.at_ward(encounter, ward, at=at)
    said = f"{present.ward.name} till {ward.name}" if present else f"till {ward.name}"
    return move(encounter, Move.TRANSFER, by=by, at=at, reason=said)


def _ward(encounter, ward_id):
    if ward_id is None:
        return None
    ward = Ward.objects.filter(pk=ward_id).first()
    if ward is None:
        raise InputError(ward="Avdelningen finns inte.")
    if refused := stay_rules.ward_refusal(ward, encounter.care_unit_id):
        raise refused
    return ward


@transaction.atomic
def leave(*, encounter_id, by, at, expected_back=None, version=None):
    """Permission: the patient is away, the place is kept, and the days count."""
    at = minute(at)
    encounter = lock(encounter_id, version=version)
    _refuse(encounter, Move.LEAVE)
    if at < encounter.start:
        raise RuleError("VH-09", "Permissionen kan inte börja före inskrivningen. Ange en senare tid.")
    expected_back = minute(expected_back) if expected_back else None
    is_on_leave = encounter.leaves.filter(period__upper_inf=True).exists()
    if refused := stay_rules.leave_refusal(is_on_leave=is_on_leave, expected_back=expected_back, at=at):
        raise told_who(refused, encounter)
    last = encounter.leaves.order_by("-id").first()
    if last and last.period.upper and at < last.period.upper:
        raise RuleError("VH-09", "Patienten hade permission då. Ange en tid efter återkomsten.")
    LeaveOfAbsence.objects.create(
        encounter=encounter, period=DateTimeTZRange(at, None), expected_back=expected_back, by=by
    )
    return move(encounter, Move.LEAVE, by=by, at=at)


@transaction.atomic
def come_back(*, encounter_id, by, at, version=None):
    """The patient is back from permission."""
    at = minute(at)
    encounter = lock(encounter_id, version=version)
    _refuse(encounter, Move.RETURN)
    present = holdings.going_on(encounter.leaves)
    if present is None:
        raise RuleError("VH-09", "Patienten har ingen permission som pågår. Läs in sidan igen.", code="not_on_leave")
    if at < present.period.lower:
        raise RuleError("VH-09", "Återkomsten kan inte ligga före permissionens början. Ange en senare tid.")
    holdings.close(present, at=at)
    return move(encounter, Move.RETURN, by=by, at=at)


@transaction.atomic
def assess(*, encounter_id, by, at, version=None):
    """The doctor's assessment at the emergency department has begun: the waiting is over. Said again, the time is
    corrected."""
    at = minute(at)
    encounter = lock(encounter_id, version=version)
    _refuse(encounter, Move.ASSESS)
    if at < encounter.start:
        raise RuleError("VH-03", "Läkarbedömningen kan inte ligga före ankomsten. Ange en senare tid.")
    return move(encounter, Move.ASSESS, by=by, at=at, assessed_at=at)


# What is completed: insätt, utsätt, planned or not, expected discharge.
FACTS = ("admitted_from", "discharged_to", "is_planned", "expected_discharge_on")


@transaction.atomic
def complete(*, encounter_id, by, at, version=None, reason="", planned_start=None, **facts):
    """Completes or corrects what is registered of the stay, also after its end (VH-21): then it is told again. Who is
    planned is expected at another time by `planned_start` (VH-03 f)."""
    encounter = lock(encounter_id, version=version)
    _refuse(encounter, Move.COMPLETE)
    if planned_start is not None:
        _expect(encounter, minute(planned_start), by=by, at=minute(at), reason=reason)
    changed = {name: value for name, value in facts.items() if name in FACTS and getattr(encounter, name) != value}
    if planned_start is not None or "expected_discharge_on" in changed:
        expected_on = facts.get("expected_discharge_on", encounter.expected_discharge_on)
        first_day = local_date(encounter.start)
        if refused := stay_rules.expected_discharge_refusal(expected_on, first_day=first_day):
            raise refused
    if not changed:
        return encounter
    if encounter.type_id == lifecycle.INPATIENT and encounter.status == Status.ENDED:
        ways = {name: changed.get(name, getattr(encounter, name)) for name in ("admitted_from", "discharged_to")}
        death = {"died_on": encounter.patient.deceased_on, "on": local_date(encounter.end)}
        if refused := stay_rules.discharge_refusal(encounter.type_id, **ways, **death):
            raise refused
    if "discharged_to" in changed and encounter.status != Status.ENDED:
        raise RuleError("VH-23", "Utsätt (till) anges när patienten skrivs ut.")
    expected = changed.get("expected_discharge_on")
    if expected is not None and encounter.status == Status.ENDED:
        raise RuleError("VH-23", "Patienten är utskriven: en beräknad utskrivning har ingen mening längre.")
    said = ", ".join(WORDS[name] for name in FACTS if name in changed)
    move(encounter, Move.COMPLETE, by=by, at=minute(at), reason=f"{said}: {reason}" if reason else said, **changed)
    if encounter.status == Status.ENDED and lifecycle.is_reported(encounter.type_id, encounter.contact_form):
        messages.encounter_changed(encounter)
    return encounter


def _expect(encounter, planned_start, *, by, at, reason):
    if planned_start == encounter.planned_start:
        return
    if encounter.type_id != lifecycle.ADMISSION_BOOKED:
        raise RuleError("VH-07", "Patienten är redan inskriven: den planerade tiden ändras inte längre.")
    if refused := stay_rules.expected_refusal(planned_start, at=at):
        raise refused
    reschedule(encounter, planned_start=planned_start, planned_end=None, by=by, at=at, reason=reason)


WORDS = {
    "admitted_from": "insätt (varifrån)",
    "discharged_to": "utsätt (till)",
    "is_planned": "planerat eller oplanerat",
    "expected_discharge_on": "beräknad utskrivning",
}


def _refuse(encounter, what):
    if refused := lifecycle.refusal(TYPES[encounter.type_id], encounter.status, what):
        raise told_who(refused, encounter)
