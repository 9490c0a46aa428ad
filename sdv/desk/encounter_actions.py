"""What can be done with an encounter now, and why not (VH-24, PL-13): one list for the page's buttons and for `actions`
of GET encounters/{id}/. Both doors call `possible(encounter, actor=…, at=…)`; nothing else answers this question.

`facts_of` reads, `judged` judges: pure, by the same refusal functions that the actions raise."""

from dataclasses import dataclass, field

from classification import rules as coding_rules
from registration import lifecycle
from registration.actions import encounters
from registration.encounter_types import TYPES
from registration.lifecycle import Move, Status
from scheduling.models import Appointment, AppointmentStatus, CheckOut
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.organisation.models import CareUnitKind

NOT_YOURS = "Ditt uppdrag ger inte rätt att göra detta."

# The acts in the order they are offered: the API's name, the button's word, the permission. Undo of an arrival, a
# no-show and a check-out also ask who did it and when (PL-13).
ARRIVE, NO_SHOW, RESCHEDULE, CANCEL = "arrive", "no_show", "reschedule", "cancel"
CHECK_OUT, DISCHARGE, CODE = "check_out", "discharge", "code"
UNDO_ARRIVAL, UNDO_NO_SHOW, UNDO_CHECK_OUT = "undo_arrival", "undo_no_show", "undo_check_out"
REOPEN, CHANGE_TYPE, ANNUL = "reopen", "change_type", "annul"
ADMIT, ASSESS, OBSERVE, CONTINUE = "admit", "assess", "observe", "continue"
PLACE, TRANSFER, LEAVE, RETURN = "place", "transfer", "leave", "return"
COMPLETE, CONSULT, PARTICIPANTS, INTERPRETER = "complete", "consult", "participants", "interpreter"
PREPARE_BIRTH, BIRTH, PERSONNUMMER = "prepare_birth", "birth", "personnummer"
BIRTH_TIME = "birth_time"

OF_BOOKING = (ARRIVE, NO_SHOW, RESCHEDULE, CANCEL)

OFFERED = {
    ARRIVE: ("Registrera ankomst", Permission.REGISTER_ARRIVAL),
    NO_SHOW: ("Utebliven", Permission.REGISTER_ARRIVAL),
    RESCHEDULE: ("Omboka", Permission.BOOK),
    CANCEL: ("Avboka", Permission.BOOK),
    ADMIT: ("Skriv in", Permission.REGISTER_ARRIVAL),
    ASSESS: ("Läkarbedömning", Permission.REGISTER_ENCOUNTERS),
    PLACE: ("Byt plats", Permission.REGISTER_ENCOUNTERS),
    TRANSFER: ("Flytta till avdelning", Permission.REGISTER_ENCOUNTERS),
    LEAVE: ("Permission", Permission.REGISTER_ENCOUNTERS),
    RETURN: ("Åter från permission", Permission.REGISTER_ENCOUNTERS),
    OBSERVE: ("Till observation", Permission.REGISTER_ENCOUNTERS),
    CONTINUE: ("Till vårdavdelning", Permission.REGISTER_ENCOUNTERS),
    CONSULT: ("Öppenvårdskonsult", Permission.REGISTER_ENCOUNTERS),
    COMPLETE: ("Komplettera vårdtillfället", Permission.REGISTER_ENCOUNTERS),
    PREPARE_BIRTH: ("Foster eller nyfödd", Permission.REGISTER_ENCOUNTERS),
    BIRTH: ("Registrera födelse", Permission.REGISTER_ENCOUNTERS),
    PERSONNUMMER: ("Ge personnummer", Permission.REGISTER_ENCOUNTERS),
    BIRTH_TIME: ("Rätta födelsetiden", Permission.REGISTER_ENCOUNTERS),
    CHECK_OUT: ("Checka ut", Permission.CHECK_OUT),
    DISCHARGE: ("Skriv ut", Permission.REGISTER_ENCOUNTERS),
    CODE: ("Klassificera", Permission.CODE),
    PARTICIPANTS: ("Ange medverkande", Permission.REGISTER_ENCOUNTERS),
    INTERPRETER: ("Ange tolk", Permission.REGISTER_ENCOUNTERS),
    UNDO_ARRIVAL: ("Ångra ankomst", Permission.REGISTER_ARRIVAL),
    UNDO_NO_SHOW: ("Ångra utebliven", Permission.REGISTER_ARRIVAL),
    UNDO_CHECK_OUT: ("Ångra utcheckning", Permission.CHECK_OUT),
    REOPEN: ("Öppna igen", Permission.CORRECT),
    CHANGE_TYPE: ("Byt typ", Permission.REGISTER_ENCOUNTERS),
    ANNUL: ("Annullera", Permission.ANNUL),
}

# The act that an undo takes back, in words, and the move that history shows it by.
UNDOES = {
    UNDO_ARRIVAL: (Move.ARRIVE, "Ankomsten"),
    UNDO_NO_SHOW: (Move.NO_SHOW, "Uteblivandet"),
    UNDO_CHECK_OUT: (Move.CHECK_OUT, "Utcheckningen"),
}


@dataclass(frozen=True)
class PossibleAction:
    """One act: whether it is allowed, else one sentence and the rule that refuses. A refusal without a rule is the
    permission table's. `needs_reason`: the act is asked for a reason (PL-13, VH-12)."""

    action: str
    label: str
    allowed: bool
    reason: str = ""
    rule: str = ""
    needs_reason: bool = False
    refusal: RuleError | None = None


@dataclass(frozen=True)
class Done:
    """An act in history: by whom and when it was registered. `by` is None where the clock did it."""

    by: object
    at: object


@dataclass(frozen=True)
class Facts:
    """What the judgement rests on."""

    type: object
    status: str
    is_reopened: bool
    is_booked: bool
    has_appointment: bool
    planned_start: object
    cancelled_at: object
    has_outcome: bool
    emptiness: RuleError | None
    is_on_leave: bool = False
    unit_kind: str = ""
    new_types: tuple = ()
    done: dict = field(default_factory=dict)


def possible(encounter, *, actor, at):
    """Every act, in order, judged for this actor at this moment."""
    unit = encounter.care_unit_id
    return judged(facts_of(encounter), may=lambda permission: actor.may(permission, unit), by=actor.user, at=at)


def facts_of(encounter):
    """Reads what the judgement needs: booking, outcome, history, documents and cash."""
    appointment = Appointment.objects.filter(encounter=encounter).values("status").first()
    done = {}
    for row in encounter.history.select_related("by").order_by("id"):
        done[row.move] = Done(row.by, row.registered_at)
    row = TYPES[encounter.type_id]
    return Facts(
        type=row,
        status=encounter.status,
        is_reopened=encounter.is_reopened,
        is_booked=bool(appointment) and appointment["status"] == AppointmentStatus.BOOKED,
        has_appointment=bool(appointment),
        planned_start=encounter.planned_start,
        cancelled_at=encounter.cancelled_at,
        has_outcome=CheckOut.objects.filter(encounter=encounter, undone_at__isnull=True).exists(),
        emptiness=encounters.emptiness_refusal(encounter),
        is_on_leave=row.code == lifecycle.INPATIENT and encounter.leaves.filter(period__upper_inf=True).exists(),
        unit_kind=encounter.care_unit.kind,
        new_types=new_types(row),
        done=done,
    )


def new_types(row):
    """The types a person may change this one to (VH-07, VH-13)."""
    changes = [after for (before, after) in lifecycle.CHANGES_OF_TYPE if before == row.code]
    codes = [after for after in changes if not lifecycle.birth_refusal(after)]
    return tuple(TYPES[code] for code in codes)


def judged(facts, *, may, by, at):
    """The acts with what refuses each. `may` answers for a permission. An act that has no meaning for the type at all
    (undo of what never happened, change of a type that has no other) is left out."""
    found = []
    for action, (label, permission) in OFFERED.items():
        if not _concerns(action, facts):
            continue
        if action == DISCHARGE and facts.status == Status.PLANNED:
            label = "Avsluta"
        if not may(permission):
            found.append(PossibleAction(action, label, False, NOT_YOURS))
            continue
        refused = _refusal(action, facts, may=may, by=by, at=at)
        found.append(
            PossibleAction(
                action,
                label,
                refused is None,
                refused.sentence if refused else "",
                refused.rule if refused else "",
                needs_reason=refused is None and needs_reason(action, facts, by=by, at=at),
                refusal=refused,
            )
        )
    return found


def needs_reason(action, facts, *, by, at):
    """Whether a person says why: always for annulling and opening again, for an undo that is not of one's own just now."""
    if action in (REOPEN, ANNUL):
        return True
    if action in UNDOES:
        done = facts.done.get(UNDOES[action][0])
        return done is None or lifecycle.correction_needs_reason(done_by=done.by, done_at=done.at, by=by, at=at)
    return False


# The types that an act on a stay or an emergency visit has a meaning for.
OF_TYPES = {
    ADMIT: {lifecycle.ADMISSION_BOOKED},
    ASSESS: {lifecycle.EMERGENCY},
    PLACE: set(lifecycle.HOLDS_A_PLACE),
    TRANSFER: set(lifecycle.AT_A_WARD),
    LEAVE: {lifecycle.INPATIENT},
    RETURN: {lifecycle.INPATIENT},
    OBSERVE: {lifecycle.EMERGENCY},
    CONTINUE: set(lifecycle.ENGAGES_CONSULTS),
    CONSULT: set(lifecycle.ENGAGES_CONSULTS),
    COMPLETE: {lifecycle.INPATIENT, lifecycle.ADMISSION_BOOKED},
    PREPARE_BIRTH: {lifecycle.INPATIENT, lifecycle.OBSERVATION},
    BIRTH: {lifecycle.FOETUS},
    PERSONNUMMER: {lifecycle.NEWBORN},
    BIRTH_TIME: {lifecycle.NEWBORN},
}
# What the act is, for the rule that judges it; the others only ask that the care goes on.
MOVES_OF = {ADMIT: Move.ARRIVE, BIRTH: Move.CHANGE_TYPE}
GOES_ON = (OBSERVE, CONTINUE, CONSULT, PREPARE_BIRTH)


def _concerns(action, facts):
    if action == PREPARE_BIRTH and facts.unit_kind != CareUnitKind.MATERNITY:
        return False
    if action in OF_TYPES:
        if action in (LEAVE, RETURN) and facts.is_on_leave == (action == LEAVE):
            return False
        return facts.type.code in OF_TYPES[action]
    if action in OF_BOOKING:
        return facts.has_appointment
    if action in (PARTICIPANTS, INTERPRETER):
        return not facts.type.is_pre_registration and facts.type.code not in lifecycle.NOT_REPORTED
    if action == CHANGE_TYPE:
        return bool(facts.new_types)
    if action == CHECK_OUT:
        return facts.type.check_out != lifecycle.CheckOut.NOT_APPLICABLE or facts.type.is_pre_registration
    if action in UNDOES:
        return UNDOES[action][0] in facts.done
    return True


def _refusal(action, facts, *, may, by, at):
    if action == CODE:
        return coding_rules.refusal(facts.type, facts.status)
    if action == PERSONNUMMER:
        return None
    if action in GOES_ON:
        return lifecycle.going_on_refusal(facts.type, facts.status)
    move = MOVES_OF[action] if action in MOVES_OF else Move(action)
    if refused := lifecycle.refusal(facts.type, facts.status, move, is_reopened=facts.is_reopened):
        return refused
    if action == ADMIT:
        return lifecycle.arrival_refusal(planned_start=facts.planned_start, at=at)
    if action in OF_BOOKING:
        return _booking_refusal(action, facts, at)
    if action == ANNUL:
        return _annulment_refusal(facts)
    if action in UNDOES:
        return _undo_refusal(action, facts, may=may, by=by, at=at)
    return None


def _booking_refusal(action, facts, at):
    if facts.cancelled_at or not facts.is_booked:
        return RuleError("VH-11", "Bokningen är avbokad. Registrera besöket som oplanerat, eller boka en ny tid.")
    if action == ARRIVE:
        return lifecycle.arrival_refusal(planned_start=facts.planned_start, at=at)
    if action == NO_SHOW:
        return lifecycle.no_show_refusal(planned_start=facts.planned_start, at=at)
    return None


def _annulment_refusal(facts):
    if facts.has_outcome:
        return RuleError("VH-12", "Besöket är utcheckat med ett utfall. Ångra utcheckningen först.", code="checked_out")
    return facts.emptiness


def _undo_refusal(action, facts, *, may, by, at):
    move, what = UNDOES[action]
    if action == UNDO_ARRIVAL and not facts.planned_start:
        return RuleError(
            "PL-13", "Kontakten var inte bokad, så det finns ingen bokning att gå tillbaka till. Annullera i stället."
        )
    if action == UNDO_ARRIVAL and facts.emptiness:
        return RuleError("PL-13", f"Ankomsten kan inte ångras. {facts.emptiness.sentence}", code=facts.emptiness.code)
    done = facts.done[move]
    return lifecycle.correction_refusal(
        done_by=done.by,
        done_at=done.at,
        by=by,
        at=at,
        may_correct=may(Permission.CORRECT),
        what=what,
    )
