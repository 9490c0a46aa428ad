"""Vårdhändelser as the API shows them: facts, booking, outcome, and what can be done next (VH-24).

The last is asked of the same judge as the page's buttons (sdv.desk.encounter_actions)."""

import json
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F
from rest_framework import serializers

from registration import lifecycle, type_choice
from registration.actions import admissions, encounters
from registration.api.coded import ContactReasonCode, RowId, VisitTypeCode
from registration.api.encounters import EncounterFacts, encounter_facts, with_words
from registration.api.patients import PatientSummary, known_patient, summary_of_row, with_identity
from registration.encounter_types import TYPES
from registration.models import (
    ContactForm,
    ContactReason,
    Encounter,
    Patient,
)
from scheduling import rules
from scheduling.models import AppointmentStatus, Outcome
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Listed, Moment, Text
from sdv.common.errors import InputError, RuleError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import day_range, local_date
from sdv.desk import encounter_actions
from sdv.organisation.models import CareUnit, CareUnitKind

TAG = "Vårdhändelser"
CLASSES = sorted({row.class_code for row in TYPES.values()})


# --- Answers ------------------------------------------------------------------------------------------------------


class BookingOfEncounter(Answer):
    """The booking that the encounter came with."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(choices=AppointmentStatus.values)


class EncounterRow(EncounterFacts):
    """A vårdhändelse in a list."""

    patient_summary = PatientSummary()
    appointment = BookingOfEncounter(allow_null=True)


class PlaceOfEncounter(Answer):
    """The bed, chair or room that the patient holds now (VH-09)."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class CheckOutOfEncounter(Answer):
    """The check-out that stands, with its outcome (UT-02)."""

    outcome = Coded()
    reason = Coded(allow_null=True)
    at = serializers.DateTimeField()
    by = serializers.CharField()


class ActionAnswer(Answer):
    """A next step: whether the caller may take it now, else one sentence and the rule that refuses."""

    action = serializers.ChoiceField(choices=list(encounter_actions.OFFERED))
    allowed = serializers.BooleanField()
    reason = serializers.CharField(required=False)
    rule = serializers.CharField(required=False)


class EncounterAnswer(EncounterRow):
    """A vårdhändelse with its outcome and what can be done next."""

    place = PlaceOfEncounter(allow_null=True)
    check_out = CheckOutOfEncounter(allow_null=True)
    actions = ActionAnswer(many=True)


class Person(NamedTuple):
    """Who made a move, as the judge asks for it."""

    pk: object
    name: str


def encounter_rows(rows=None):
    """Encounters as lists show them, in one query."""
    rows = Encounter.objects.all() if rows is None else rows
    return with_words(with_identity(rows.select_related("patient"))).annotate(
        appointment_key=F("appointment__id"),
        appointment_version=F("appointment__version"),
        appointment_status=F("appointment__status"),
    )


# One encounter with its patient, booking and outcome, and all that `actions` rests on, in one statement: the commonest
# read there is. Written out, since building it by the ORM takes several times longer than answering it.
_ENCOUNTER_FIELDS = [field.attname for field in Encounter._meta.concrete_fields]
_PATIENT_FIELDS = [field.attname for field in Patient._meta.concrete_fields]
_MORE = [
    "identity_kind",
    "identity_value",
    "visit_type_code",
    "visit_type_name",
    "reason_code",
    "reason_name",
    "appointment_key",
    "appointment_version",
    "appointment_status",
    "check_out_facts",
    "place_facts",
    "has_documentation",
    "has_cash",
    "moves",
]
_WHOLE = f"""
SELECT {", ".join(f'e."{name}"' for name in _ENCOUNTER_FIELDS)}, {", ".join(f'p."{name}"' for name in _PATIENT_FIELDS)},
    i.kind, i.value, v.code, v.name, r.code, r.name, a.id, a.version, a.status,
    (SELECT jsonb_build_array(c.outcome_id, o.code, o.name, c.at, u.name) FROM scheduling_checkout c
        JOIN accounts_user u ON u.id = c.by_id LEFT JOIN scheduling_outcomereason o ON o.id = c.reason_id
        WHERE c.encounter_id = e.id AND c.undone_at IS NULL),
    (SELECT jsonb_build_array(b.id, b.name) FROM registration_placestay s JOIN organisation_place b ON b.id = s.place_id
        WHERE s.encounter_id = e.id AND upper_inf(s.period)),
    EXISTS (SELECT FROM registration_encounterdocument d WHERE d.encounter_id = e.id AND d.removed_at IS NULL),
    EXISTS (SELECT FROM registration_cashtransaction k WHERE k.encounter_id = e.id AND k.reverses_id IS NULL
            AND NOT EXISTS (SELECT FROM registration_cashtransaction b WHERE b.reverses_id = k.id)),
    (SELECT jsonb_object_agg(m.move, jsonb_build_array(m.by_id, m.name, m.registered_at)) FROM (
        SELECT DISTINCT ON (h.move) h.move, h.by_id, u.name, h.registered_at FROM registration_encounterhistory h
        LEFT JOIN accounts_user u ON u.id = h.by_id WHERE h.encounter_id = e.id ORDER BY h.move, h.id DESC) m)
FROM registration_encounter e
JOIN registration_patient p ON p.id = e.patient_id
LEFT JOIN registration_patientidentity i ON i.patient_id = p.id AND i.is_primary
LEFT JOIN registration_visittype v ON v.id = e.visit_type_id
LEFT JOIN registration_contactreason r ON r.id = e.contact_reason_id
LEFT JOIN scheduling_appointment a ON a.encounter_id = e.id
WHERE e.id = %s
"""


def whole_encounter(pk):
    """The encounter with what its whole answer shows. Raises Encounter.DoesNotExist."""
    with connection.cursor() as cursor:
        cursor.execute(_WHOLE, [pk])
        values = cursor.fetchone()
    if values is None:
        raise Encounter.DoesNotExist
    own, whose = len(_ENCOUNTER_FIELDS), len(_ENCOUNTER_FIELDS) + len(_PATIENT_FIELDS)
    row = Encounter.from_db(connection.alias, _ENCOUNTER_FIELDS, values[:own])
    row.patient = Patient.from_db(connection.alias, _PATIENT_FIELDS, values[own:whose])
    for name, value in zip(_MORE, values[whose:], strict=True):
        setattr(row, name, value)
    return row


def row_answer(row, *, on):
    booking = None
    if row.appointment_key:
        booking = {
            "id": str(row.appointment_key),
            "version": row.appointment_version,
            "status": row.appointment_status,
        }
    return encounter_facts(row, row) | {"patient_summary": summary_of_row(row, on=on), "appointment": booking}


def encounter_answer(row, *, actor, at):
    """The whole answer of one encounter from `whole_encounter`."""
    return row_answer(row, on=local_date(at)) | {
        "place": dict(zip(("id", "name"), json.loads(row.place_facts), strict=True)) if row.place_facts else None,
        "check_out": _check_out(row),
        "actions": [_action(each) for each in actions_of(row, actor=actor, at=at)],
    }


def _check_out(row):
    if row.check_out_facts is None:
        return None
    outcome, reason_code, reason_name, at, by = json.loads(row.check_out_facts)
    return {
        "outcome": {"code": outcome, "text": OUTCOME_NAMES.get(outcome, outcome)},
        "reason": {"code": reason_code, "text": reason_name} if reason_code else None,
        "at": moment(datetime.fromisoformat(at)),
        "by": by,
    }


def _action(each):
    refused = {} if each.allowed else {"reason": each.reason} | ({"rule": each.rule} if each.rule else {})
    return {"action": each.action, "allowed": each.allowed} | refused


def actions_of(row, *, actor, at):
    """Every act judged for the actor, as on the page."""
    unit = row.care_unit_id
    return encounter_actions.judged(
        _facts(row), may=lambda permission: actor.may(permission, unit), by=actor.user, at=at
    )


def _facts(row):
    done = {
        move: encounter_actions.Done(Person(UUID(by), name) if by else None, datetime.fromisoformat(at))
        for move, (by, name, at) in json.loads(row.moves or "{}").items()
    }
    kind = TYPES[row.type_id]
    return encounter_actions.Facts(
        type=kind,
        status=row.status,
        is_reopened=row.is_reopened,
        is_booked=row.appointment_status == AppointmentStatus.BOOKED,
        has_appointment=row.appointment_key is not None,
        planned_start=row.planned_start,
        cancelled_at=row.cancelled_at,
        has_outcome=row.check_out_facts is not None,
        emptiness=lifecycle.annulment_refusal(has_documentation=row.has_documentation, has_cash=row.has_cash),
        new_types=encounter_actions.new_types(kind),
        done=done,
    )


class EncounterEndpoint(Endpoint):
    """What addresses of one encounter share."""

    def shown(self, pk, what, *, status=200, is_addressed=True):
        """The encounter as it stands, read anew; its version is the ETag where the address names it."""
        return self.show(whole_encounter(pk), what, status=status, is_addressed=is_addressed)

    def show(self, row, what, *, status=200, is_addressed=True):
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        body = encounter_answer(row, actor=self.actor, at=self.at)
        return self.answer(body, status=status, version=row.version if is_addressed else None)

    def require_at(self, pk):
        self.require(Encounter.objects.values_list("care_unit_id", flat=True).get(pk=pk))

    def time_of(self, asked):
        """The time that a body says the act took place: now, or earlier."""
        at = asked.get("at", self.at)
        if at > self.at:
            raise InputError(at="Tiden har inte kommit än. Ange en tid till och med nu.")
        return at

    def refuse_undo(self, pk, action, reason):
        """PL-13, asked as the page asks it: whose act it is, how late, and whether a reason is needed."""
        judged = {each.action: each for each in actions_of(whole_encounter(pk), actor=self.actor, at=self.at)}
        found = judged.get(action)
        if found is None:
            return
        if found.refusal:
            raise found.refusal
        if found.needs_reason and not reason.strip():
            raise RuleError(
                "PL-13", "Ange varför: det är inte din egen åtgärd från nyss.", code="reason_missing", needs_reason=True
            )


# --- List and creation --------------------------------------------------------------------------------------------------


class EncounterQuery(PageQuery):
    """Filters of vårdhändelser."""

    patient = Id(required=False)
    care_unit = Id(required=False)
    encounter_class = Choice(choices=CLASSES, required=False)
    encounter_type = Choice(choices=list(TYPES), required=False)
    status = Choice(choices=lifecycle.Status.values, required=False)
    date = Day(required=False)


class NewEncounterBody(Fields):
    """A contact that begins without a booking (VH-03). The type follows from unit and situation; where it is named, it
    says which situation is meant."""

    patient = Id()
    care_unit = RowId(CareUnit)
    encounter_type = Choice(choices=list(TYPES), required=False)
    visit_type = VisitTypeCode(required=False, allow_null=True)
    contact_reason = ContactReasonCode(required=False, allow_null=True)
    commitment = Id(required=False, allow_null=True)
    contact_form = Choice(choices=ContactForm.values, required=False)
    replaces_visit = Flag(required=False, allow_null=True, help_text="Krävs för en kontakt utan besök (DI-01).")
    in_programme = Flag(required=False, help_text="Del av ett stöd- och behandlingsprogram i 1177 (DI-05).")
    identity_shown = Text(max_length=40, allow_blank=True, required=False)
    interpreter_used = Flag(required=False)
    requires_place = Flag(required=False, help_text="Patienten får rum, säng eller stol.")
    at = Moment(required=False, help_text="När kontakten började; nu, om inget anges.")
    during = Id(required=False, allow_null=True, help_text="Pågående vårdhändelse som en konsult hör till (VH-10).")
    planned = Flag(required=False, help_text="Planerad inskrivning: blir Förhandsregistrerad inskrivning (VH-03).")
    planned_start = Moment(required=False, help_text="Beräknad inskrivning; krävs där den är planerad.")
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)


# What a named type says about the situation. The others are not begun by hand; see NOT_BY_HAND.
SITUATIONS = {
    lifecycle.PRIMARY_CARE: type_choice.DROP_IN,
    lifecycle.SPECIALISED: type_choice.DROP_IN,
    lifecycle.SPECIALISED_WITH_PLACE: type_choice.DROP_IN,
    lifecycle.EMERGENCY: type_choice.EMERGENCY_ARRIVAL,
    lifecycle.OBSERVATION: type_choice.OBSERVATION_PLACE,
    lifecycle.INPATIENT: type_choice.DIRECT_ADMISSION,
    lifecycle.CONTACT_WITHOUT_VISIT: type_choice.CONTACT_WITHOUT_VISIT,
    lifecycle.FOETUS: type_choice.BEFORE_DELIVERY,
    lifecycle.NEWBORN: type_choice.BORN,
    "klinisk-lm-pagaende-specialiserad-oppenvard": type_choice.ONGOING_TREATMENT,
    "oppenvardskonsult": type_choice.CONSULT,
    lifecycle.ADMISSION_BOOKED: type_choice.PLANNED_ADMISSION,
}
NOT_BY_HAND = {
    lifecycle.HISTORICAL: ("VH-14", "Historisk skapas bara av den maskinella migreringen."),
    lifecycle.ANNULLED: ("VH-12", "Annullerad blir en vårdhändelse som annulleras. Använd annul på den."),
    lifecycle.NO_SHOW_TYPE: ("VH-11", "Utebliven blir en bokning. Använd no-show på bokningen."),
    lifecycle.DIAGNOSTICS: (
        "VH-03",
        "Diagnostik skapas när en ordination aktiveras eller en bokning ankomstregistreras.",
    ),
    lifecycle.ADMIN: ("VH-03", "Admin skapas inte här. Registrera den kontakt som ägde rum."),
} | dict.fromkeys(
    set(lifecycle.PRE_REGISTRATIONS) - {lifecycle.ADMISSION_BOOKED},
    ("VH-03", "En förhandsregistrering skapas av en bokning. Boka en tid i stället."),
)


class Encounters(EncounterEndpoint):
    """GET and POST encounters/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS, "POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_list",
        "Vårdhändelser, senast började först",
        tag=TAG,
        query=EncounterQuery,
        answer=page_of("EncounterPage", EncounterRow),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(EncounterQuery)
        rows = encounter_rows().filter(care_unit__in=self.at_units(asked.get("care_unit")))
        if "date" in asked:
            start, end = day_range(asked["date"])
            rows = rows.filter(start__gte=start, start__lt=end)
        if "encounter_type" in asked:
            rows = rows.filter(type=asked["encounter_type"])
        if "encounter_class" in asked:
            rows = rows.filter(
                type__in=[code for code, row in TYPES.items() if row.class_code == asked["encounter_class"]]
            )
        for name in ("patient", "status"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="start", newest_first=True)
        self.log([row.patient_id for row in page.rows], "vårdhändelser", care_unit_id=asked.get("care_unit"))
        today = local_date(self.at)
        return self.answer(page.answer(lambda row: row_answer(row, on=today)))

    @operation(
        "encounters_create",
        "Registrera en kontakt utan bokning",
        tag=TAG,
        body=NewEncounterBody,
        answer=EncounterAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(NewEncounterBody)
        unit = asked["care_unit"]
        self.require_for_body(unit.pk)
        at = self.time_of(asked)
        try:
            encounter = self._admission(unit, asked) if _is_planned(asked) else self._contact(unit, asked, at)
        except Patient.DoesNotExist:
            raise known_patient() from None
        return self.shown(encounter.pk, "vårdhändelse registrerad", status=201)

    def _contact(self, unit, asked, at):
        return encounters.register_unbooked(
            patient_id=asked["patient"],
            care_unit=unit,
            situation=_situation(unit, asked, at),
            during_id=asked.get("during"),
            visit_type=asked.get("visit_type"),
            contact_reason=asked.get("contact_reason"),
            commitment_id=asked.get("commitment"),
            requires_place=_needs_place(asked),
            contact_form=asked.get("contact_form", ""),
            replaces_visit=asked.get("replaces_visit"),
            in_programme=asked.get("in_programme", False),
            accept_warnings=asked.get("accept_warnings", ()),
            identity_shown=asked.get("identity_shown", ""),
            interpreter_used=asked.get("interpreter_used", False),
            by=self.actor.user,
            at=at,
        )

    def _admission(self, unit, asked):
        if "planned_start" not in asked:
            raise InputError(planned_start="Ange beräknad inskrivning.")
        return admissions.plan_admission(
            patient_id=asked["patient"],
            care_unit=unit,
            expected_start=asked["planned_start"],
            by=self.actor.user,
            at=self.at,
        )


def _is_planned(asked):
    """Whether a planned admission is meant: it begins as a pre-registration (VH-03 f)."""
    return asked.get("planned", False) or asked.get("encounter_type") == lifecycle.ADMISSION_BOOKED


def _needs_place(asked):
    return asked.get("requires_place", False) or asked.get("encounter_type") == lifecycle.SPECIALISED_WITH_PLACE


def _situation(unit, asked, at):
    """Which row of typval.csv the body means. A named type that the unit does not register so is refused (VH-03)."""
    named = asked.get("encounter_type")
    if named in NOT_BY_HAND:
        raise RuleError(*NOT_BY_HAND[named], code="not_by_hand")
    situation = SITUATIONS[named] if named else _usual_situation(unit, asked)
    visit_type = asked.get("visit_type")
    if named:
        needs_place = _needs_place(asked) or bool(visit_type and visit_type.requires_place)
        chosen = type_choice.choose(unit_kind=unit.kind, situation=situation, requires_place=needs_place)
        if chosen != named:
            raise RuleError(
                "VH-03",
                f"På {unit.short_name} blir kontakten {TYPES[chosen].name}, inte {TYPES[named].name}: systemet väljer typen."
                " Utelämna encounter_type, eller välj den enhet där kontakten ägde rum.",
                code="type_follows",
            )
    if situation == type_choice.DROP_IN:
        _require_reason(visit_type, asked.get("contact_reason"), at)
    return situation


def _usual_situation(unit, asked):
    if unit.kind == CareUnitKind.EMERGENCY:
        return type_choice.EMERGENCY_ARRIVAL
    if unit.kind == CareUnitKind.INPATIENT:
        return type_choice.DIRECT_ADMISSION
    is_distant = asked.get("contact_form", ContactForm.PHYSICAL) != ContactForm.PHYSICAL
    return type_choice.CONTACT_WITHOUT_VISIT if is_distant and not asked.get("visit_type") else type_choice.DROP_IN


def _require_reason(visit_type, reason, at):
    """VO-01, VO-02 for a visit without booking: a besökstyp, and one reason that is linked to it."""
    if visit_type is None:
        raise InputError(visit_type="Ange besökstyp: ett besök har alltid en.")
    if reason is None:
        raise RuleError("VO-01", "Välj en vårdkontaktsorsak: det ska alltid finnas exakt en.", code="reason_missing")
    is_offered = ContactReason.objects.offered_for(visit_type, local_date(at)).filter(pk=reason.pk).exists()
    if refused := rules.reason_refusal(is_offered=is_offered, reason_name=reason.name, visit_type_name=visit_type.name):
        raise refused


class OneEncounter(EncounterEndpoint):
    """GET encounters/{id}/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS}

    @operation("encounters_read", "Läs en vårdhändelse, med möjliga nästa steg", tag=TAG, answer=EncounterAnswer)
    def get(self, request, pk):
        row = whole_encounter(pk)
        self.require(row.care_unit_id)
        return self.show(row, "vårdhändelse")


OUTCOME_NAMES = dict(Outcome._meta.get_field("code").choices)
