"""Writes to encounters (vårdhändelser). Each action locks, refuses or writes with history; callers give `at`.

Actions that take an id own their transaction and are called by doors. Actions that take a locked encounter are inner
writes, called by actions and flows higher up inside theirs."""

from django.db import transaction
from django.utils import timezone

from registration import distance_contacts, lifecycle, stay_rules, type_choice
from registration.actions import relations
from registration.consults import still_belongs
from registration.encounter_types import TYPES
from registration.lifecycle import MOVES, Move, Status
from registration.models import Encounter, EncounterHistory, Patient
from sdv.common.errors import RuleError
from sdv.common.time import local_date, minute
from sdv.common.versions import refuse_stale
from sdv.outbox import messages

from . import alongside, grounds, holdings, waiting_room


def lock(encounter_id, *, version=None):
    """The encounter, locked. Raises Encounter.DoesNotExist, or StaleVersion where the caller read an older one."""
    encounter = Encounter.objects.locked().get(pk=encounter_id)
    refuse_stale(encounter, version)
    return encounter


def move(encounter, what, *, by, at, reason="", new_type=None, **changes):
    """Makes the move on a locked encounter and writes its history, or raises the refusal (VH-24)."""
    row = TYPES[encounter.type_id]
    if refused := lifecycle.refusal(row, encounter.status, what, is_reopened=encounter.is_reopened):
        raise told_who(refused, encounter)
    source, type_before = encounter.status, encounter.type_id
    target = changes.pop("status", None) or MOVES[what][1] or source
    changes |= {"status": target, "version": encounter.version + 1}
    if new_type:
        changes["type_id"] = new_type
    for field, value in changes.items():
        setattr(encounter, field, value)
    encounter.save(update_fields=[field.removesuffix("_id") for field in changes])
    _write_history(encounter, what, source, type_before, by, at, reason)
    return encounter


def _write_history(encounter, what, source, type_before, by, at, reason=""):
    EncounterHistory.objects.create(
        encounter=encounter,
        move=what,
        source=source,
        target=encounter.status,
        type_before=type_before,
        type_after=encounter.type_id,
        by=by,
        at=at,
        registered_at=timezone.now(),
        reason=reason,
    )


def told_who(refused, encounter):
    """A refusal because of status says who made the last move, and when (PL-27)."""
    if refused.code != "wrong_status":
        return refused
    last = encounter.history.select_related("by").order_by("-id").first()
    return refused.told(last.by, last.registered_at) if last else refused


# --- Creation ---------------------------------------------------------------------------------------------------


def pre_register(
    *,
    patient,
    care_unit,
    visit_type,
    contact_reason,
    planned_start,
    planned_end,
    commitment,
    by,
    at,
    is_group=False,
    during=None,
):
    """The pre-registration of a booking (VH-03a, VH-05, VH-06). Refuses what could not be registered at arrival: a
    specialised visit without an open vårdåtagande (VH-08). `during` is the contact that a consult is booked for (VH-10)."""
    grounds.refuse_without_commitment(care_unit, visit_type, commitment, is_consult=during is not None)
    return create(
        patient=patient,
        care_unit=care_unit,
        type_id=lifecycle.pre_registration_type(
            is_diagnostic=visit_type.is_diagnostic, planned_start=planned_start, at=at
        ),
        status=Status.PLANNED,
        planned_start=planned_start,
        planned_end=planned_end,
        start=planned_start,
        visit_type=visit_type,
        contact_reason=contact_reason,
        contact_form=visit_type.contact_form,
        is_group=is_group,
        commitment=commitment,
        during=during,
        by=by,
        at=at,
    )


def arrival_type_of(encounter, day):
    """The type that a pre-registration becomes if the patient comes on the day: a consult while it still is one."""
    main = encounter.during
    is_consult = main is not None and still_belongs(main, day=day)
    return type_choice.at_arrival(encounter.care_unit, encounter.visit_type, is_consult=is_consult)


@transaction.atomic
def register_unbooked(
    *,
    patient_id,
    care_unit,
    situation,
    by,
    at,
    visit_type=None,
    contact_reason=None,
    commitment_id=None,
    requires_place=False,
    contact_form="",
    replaces_visit=None,
    in_programme=False,
    identity_shown="",
    interpreter_used=False,
    during_id=None,
    continues=None,
    admitted_from="",
    expected_discharge_on=None,
    accept_warnings=(),
    reason="",
):
    """A contact that begins without a booking (VH-03). The type follows from unit and situation; payer and listing are
    frozen (VH-23). `during_id`: the vårdhändelse that a consult points to (VH-10); `reason`: why beside another (PL-06)."""
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    type_code = type_choice.choose(
        unit_kind=care_unit.kind,
        situation=situation,
        requires_place=requires_place or bool(visit_type and visit_type.requires_place),
    )
    commitment = grounds.find_commitment(patient, care_unit, commitment_id)
    if refused := lifecycle.commitment_refusal(TYPES[type_code], commitment):
        raise refused
    completing = lifecycle.refusal(TYPES[type_code], Status.IN_PROGRESS, Move.COMPLETE)
    if expected_discharge_on and completing:
        raise completing
    if refused := distance_contacts.registration_refusal(
        encounter_type=type_code,
        contact_form=contact_form,
        replaces_visit=replaces_visit,
        in_programme=in_programme,
    ):
        raise refused
    start = minute(at)
    alongside.refuse_impossible(patient, start, expected_discharge_on)
    insisted = {"accept_warnings": accept_warnings, "reason": reason}
    alongside.refuse_two_at_once(patient, care_unit, type_code, start=start, **insisted)
    if type_code == lifecycle.CONTACT_WITHOUT_VISIT and "DI-06" not in accept_warnings:
        alongside.warn_of_triage(patient, care_unit, contact_form, replaces_visit, start)
    during = alongside.engaging(patient, during_id) if situation == type_choice.CONSULT else None
    encounter = create(
        patient=patient,
        care_unit=care_unit,
        type_id=type_code,
        status=Status.IN_PROGRESS,
        during=during,
        start=start,
        visit_type=visit_type,
        contact_reason=contact_reason,
        contact_form=contact_form or (visit_type.contact_form if visit_type else ""),
        replaces_visit=replaces_visit,
        in_programme=in_programme,
        identity_shown=identity_shown,
        interpreter_used=interpreter_used,
        commitment=commitment if TYPES[type_code].requires_commitment or commitment_id else None,
        payer=patient.payer,
        listing_unit=patient.listing_unit,
        continues=continues,
        admitted_from=admitted_from,
        expected_discharge_on=expected_discharge_on,
        is_planned=False if type_code == lifecycle.INPATIENT else None,
        reason=reason,
        by=by,
        at=start,
    )
    grounds.use(encounter)
    waiting_room.take(encounter, at=start)
    return encounter


def create(*, by, at, reason="", **fields):
    """An encounter with the first row of its history: an inner write of the actions that begin one (VH-03)."""
    encounter = Encounter.objects.create(created_by=by, **fields)
    _write_history(encounter, Move.CREATE, "", "", by, at, reason)
    relations.copy_to(encounter, at=at)
    return encounter


def refuse_deceased(patient):
    """AV-02: nothing is booked or registered for the dead."""
    if patient.is_deceased:
        raise RuleError(
            "AV-02",
            "Patienten är registrerad som avliden; inget kan bokas eller registreras."
            " Är uppgiften fel kan support ångra den.",
            code="deceased",
        )
    if patient.merged_into_id:
        raise RuleError("RI-02", "Posten är sammanslagen med en annan. Sök fram patienten igen.", code="merged")


# --- Arrival and no-show ------------------------------------------------------------------------------------------


def arrive(encounter, *, by, at, identity_shown="", interpreter_used=None, reason=""):
    """Arrival on a locked pre-registration: it becomes what unit and besökstyp decide (VH-07). Payer and listing are
    frozen (VH-23), the remiss is förbrukad (VA-04)."""
    at = minute(at)
    row = TYPES[encounter.type_id]
    if refused := lifecycle.refusal(row, encounter.status, Move.ARRIVE):
        raise told_who(refused, encounter)
    if encounter.cancelled_at:
        raise RuleError("VH-11", "Bokningen är avbokad. Registrera besöket som oplanerat, eller boka en ny tid.")
    if refused := lifecycle.arrival_refusal(planned_start=encounter.planned_start, at=at):
        raise refused
    patient = encounter.patient
    refuse_deceased(patient)
    if encounter.type_id == lifecycle.ADMISSION_BOOKED:
        new_type = type_choice.choose(unit_kind=encounter.care_unit.kind, situation=type_choice.PLANNED_ADMISSION)
    else:
        new_type = arrival_type_of(encounter, local_date(at))
    commitment = encounter.commitment
    if TYPES[new_type].requires_commitment and (commitment is None or commitment.status != "open"):
        commitment = grounds.find_commitment(patient, encounter.care_unit, None)
        if refused := lifecycle.commitment_refusal(TYPES[new_type], commitment):
            raise refused
    changes = {"interpreter_used": interpreter_used} if interpreter_used is not None else {}
    if new_type == lifecycle.INPATIENT:
        changes["is_planned"] = True
    move(
        encounter,
        Move.ARRIVE,
        by=by,
        at=at,
        reason=reason,
        new_type=new_type,
        start=at,
        identity_shown=identity_shown,
        commitment=commitment,
        payer=patient.payer,
        listing_unit=patient.listing_unit,
        **changes,
    )
    grounds.use(encounter)
    waiting_room.take(encounter, at=at)
    return encounter


def undo_arrival(encounter, *, by, at, reason=""):
    """Takes back an arrival (PL-13): the encounter is the pre-registration it was, the remiss is accepted again."""
    row = TYPES[encounter.type_id]
    if refused := lifecycle.refusal(row, encounter.status, Move.UNDO_ARRIVAL):
        raise told_who(refused, encounter)
    if not encounter.planned_start:
        raise RuleError(
            "PL-13", "Kontakten var inte bokad, så det finns ingen bokning att gå tillbaka till. Annullera i stället."
        )
    if refused := emptiness_refusal(encounter):
        raise RuleError("PL-13", f"Ankomsten kan inte ångras. {refused.sentence}", code=refused.code)
    move(
        encounter,
        Move.UNDO_ARRIVAL,
        by=by,
        at=at,
        reason=reason,
        new_type=_booked_type(encounter, at),
        start=encounter.planned_start,
        identity_shown="",
        payer="",
        listing_unit="",
    )
    holdings.void(encounter)
    if not encounter.patient.is_deceased:  # Nothing is booked for the dead (AV-02).
        grounds.give_back(encounter)
    return encounter


def _booked_type(encounter, at):
    if encounter.visit_type is None:
        return lifecycle.ADMISSION_BOOKED
    return lifecycle.pre_registration_type(
        is_diagnostic=encounter.visit_type.is_diagnostic, planned_start=encounter.planned_start, at=at
    )


def no_show(encounter, *, by, at, reason=""):
    """Utebliven (VH-11): stays planned until 23:59 of its date."""
    return move(encounter, Move.NO_SHOW, by=by, at=at, reason=reason, new_type=lifecycle.NO_SHOW_TYPE)


def undo_no_show(encounter, *, by, at, reason=""):
    """Takes back a no-show (PL-13): a pre-registration again, also after 23:59."""
    return move(
        encounter,
        Move.UNDO_NO_SHOW,
        by=by,
        at=at,
        reason=reason,
        new_type=_booked_type(encounter, at),
        end=None,
        cancelled_at=None,
    )


def reschedule(encounter, *, planned_start, planned_end, by, at, reason=""):
    """Moves a pre-registration to another time (BO-03); hidden or visible as the new time decides (VH-05)."""
    encounter.planned_start = planned_start
    return move(
        encounter,
        Move.RESCHEDULE,
        by=by,
        at=at,
        reason=reason,
        new_type=_booked_type(encounter, at),
        planned_start=planned_start,
        planned_end=planned_end,
        start=planned_start,
    )


# --- Check-out, end, correction -------------------------------------------------------------------------------------


def check_out(encounter, *, by, at, reason=""):
    """Check-out by hand of a locked encounter (UT-01, UT-08); the outcome is written by scheduling."""
    at = minute(at)
    row = TYPES[encounter.type_id]
    if refused := lifecycle.refusal(row, encounter.status, Move.CHECK_OUT):
        raise told_who(refused, encounter)
    if at < encounter.start:
        raise RuleError("UT-01", "Utcheckningen kan inte ligga före ankomsten. Ange en senare tid.")
    return move(
        encounter,
        Move.CHECK_OUT,
        by=by,
        at=at,
        reason=reason,
        checked_out_at=at,
        is_check_out_automatic=False,
        is_reopened=False,
    )


def undo_check_out(encounter, *, by, at, reason=""):
    """Takes back a check-out: the visit goes on (PL-13)."""
    return move(
        encounter,
        Move.UNDO_CHECK_OUT,
        by=by,
        at=at,
        reason=reason,
        checked_out_at=None,
        is_check_out_automatic=False,
    )


@transaction.atomic
def discharge(
    *, encounter_id, by, at, version=None, admitted_from="", discharged_to="", broken_off="", is_planned=None, reason=""
):
    """Utskrivning by hand (VH-16, VH-20, VH-22): the contact has an end; what it held is released. A stay says where the
    patient came from and goes to (VH-23); what is not given stands as it was registered before."""
    encounter = lock(encounter_id, version=version)
    at = minute(at)
    ways = {
        "admitted_from": admitted_from or encounter.admitted_from,
        "discharged_to": discharged_to or encounter.discharged_to,
    }
    if at < encounter.start and encounter.status in (Status.IN_PROGRESS, Status.CHECKED_OUT):
        raise RuleError("VH-16", "Utskrivningen kan inte ligga före starten. Ange en senare tid.")
    row = TYPES[encounter.type_id]
    if refused := lifecycle.refusal(row, encounter.status, Move.DISCHARGE, is_reopened=encounter.is_reopened):
        raise told_who(refused, encounter)
    alongside.refuse_end(encounter, at, ways=ways, broken_off=broken_off)
    is_planned = encounter.is_planned if is_planned is None else is_planned
    facts = ways | {"broken_off": broken_off, "is_planned": is_planned}
    move(encounter, Move.DISCHARGE, by=by, at=at, reason=reason, end=at, is_reopened=False, **facts)
    holdings.release(encounter, at=at)
    if lifecycle.is_reported(encounter.type_id, encounter.contact_form):
        messages.encounter_ended(encounter)
    return encounter


@transaction.atomic
def reopen(*, encounter_id, by, at, reason, version=None):
    """Opens an ended encounter for correction (PL-13, VH-21). The clock leaves it alone until it is checked out or
    discharged again; what was told to others is withdrawn."""
    patient = Patient.objects.lock_present(Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id))
    encounter = lock(encounter_id, version=version)
    if not reason.strip():
        raise RuleError("PL-13", "Ange varför vårdhändelsen öppnas igen.", code="reason_missing", needs_reason=True)
    alongside.refuse_reopening(encounter, patient, reason)
    target = lifecycle.status_after_reopening(encounter.checked_out_at)
    left_at = encounter.end
    move(encounter, Move.REOPEN, by=by, at=at, reason=reason, status=target, end=None, is_reopened=True)
    holdings.back_at_ward(encounter, left_at=left_at)
    if lifecycle.is_reported(encounter.type_id, encounter.contact_form):
        messages.encounter_withdrawn(encounter)
    return encounter


@transaction.atomic
def change_type(*, encounter_id, new_type_code, by, at, reason="", version=None):
    """A change of type by hand where the rules have one (VH-13, VH-24). A type that holds no place releases the one
    that was held (VH-09)."""
    encounter = lock(encounter_id, version=version)
    row = TYPES[encounter.type_id]
    if refused := lifecycle.refusal(row, encounter.status, Move.CHANGE_TYPE):
        raise refused
    if refused := lifecycle.type_change_refusal(row, TYPES[new_type_code]) or lifecycle.birth_refusal(new_type_code):
        raise refused
    move(encounter, Move.CHANGE_TYPE, by=by, at=at, reason=reason, new_type=new_type_code)
    if new_type_code not in lifecycle.HOLDS_A_PLACE:
        holdings.release(encounter, at=minute(at))
    return encounter


def annul(encounter, *, by, at, reason, what=Move.ANNUL):
    """Annullerad on a locked encounter, in one step with its end (VH-12). Callers are flows."""
    if refused := lifecycle.refusal(TYPES[encounter.type_id], encounter.status, what):
        raise told_who(refused, encounter)
    if refused := emptiness_refusal(encounter):
        raise refused
    at, was_newborn = minute(at), encounter.type_id == lifecycle.NEWBORN
    move(
        encounter,
        what,
        by=by,
        at=at,
        reason=reason,
        new_type=lifecycle.ANNULLED,
        end=at,
        cancelled_at=at if what == Move.CANCEL else encounter.cancelled_at,
    )
    holdings.void(encounter)
    grounds.give_back(encounter)
    if was_newborn:
        messages.child_not_born(encounter, at=at)
    return encounter


def cancel_without_annulling(encounter, *, by, at, reason):
    """VH-11: a cancelled pre-registration that VH-12 forbids to annul keeps its type and is ended by hand."""
    return move(encounter, Move.CANCEL, by=by, at=at, reason=reason, status=Status.PLANNED, cancelled_at=minute(at))


def undo_cancel(encounter, *, type_code, by, at, reason=""):
    """Restores a cancelled pre-registration (undo of a cancellation or of a cascade, AV-03)."""
    return move(
        encounter, Move.UNDO_CANCEL, by=by, at=at, reason=reason, new_type=type_code, end=None, cancelled_at=None
    )


def emptiness_refusal(encounter):
    """VH-12, VH-13, asked with this encounter's documents, cash and children."""
    has_documentation = encounter.documents.filter(removed_at__isnull=True).exists()
    has_cash = encounter.cash_transactions.filter(reverses__isnull=True, reversed_by__isnull=True).exists()
    children = encounter.children.exclude(encounter__type=lifecycle.ANNULLED)
    has_children = encounter.type_id in stay_rules.OF_A_MOTHER and children.exists()
    return lifecycle.annulment_refusal(
        has_documentation=has_documentation, has_cash=has_cash, has_children=has_children
    )
