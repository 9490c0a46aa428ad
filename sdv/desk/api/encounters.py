"""Vårdhändelser as the API shows them: facts, booking, outcome, and what can be done next (VH-24).

The last is asked of the same judge as the page's buttons (sdv.desk.encounter_actions)."""

import json
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F
from rest_framework import serializers

from registration import lifecycle
from registration.api.encounters import EncounterFacts, encounter_facts, with_words
from registration.api.patients import PatientSummary, summary_of_row, with_identity
from registration.encounter_types import TYPES
from registration.models import Encounter, Patient
from scheduling.models import AppointmentStatus, Outcome
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Choice, Day, Id
from sdv.common.errors import InputError, RuleError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import day_range, local_date
from sdv.desk import encounter_actions

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


class LeaveOfEncounter(Answer):
    """Permission that goes on."""

    since = serializers.DateTimeField()
    expected_back = serializers.DateTimeField(allow_null=True)


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
    ward = PlaceOfEncounter(allow_null=True, help_text="Avdelningen som patienten är på.")
    leave = LeaveOfEncounter(allow_null=True, help_text="Permission som pågår.")
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
    "ward_facts",
    "leave_facts",
    "unit_kind",
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
    (SELECT jsonb_build_array(w.id, w.name) FROM registration_wardstay s JOIN organisation_ward w ON w.id = s.ward_id
        WHERE s.encounter_id = e.id AND upper_inf(s.period)),
    (SELECT jsonb_build_array(lower(l.period), l.expected_back) FROM registration_leaveofabsence l
        WHERE l.encounter_id = e.id AND upper_inf(l.period)),
    (SELECT kind FROM organisation_careunit n WHERE n.id = e.care_unit_id),
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
        "place": _named(row.place_facts),
        "ward": _named(row.ward_facts),
        "leave": _leave(row.leave_facts),
        "check_out": _check_out(row),
        "actions": [_action(each) for each in actions_of(row, actor=actor, at=at)],
    }


def _named(facts):
    return dict(zip(("id", "name"), json.loads(facts), strict=True)) if facts else None


def _leave(facts):
    if facts is None:
        return None
    since, back = (moment(datetime.fromisoformat(text)) if text else None for text in json.loads(facts))
    return {"since": since, "expected_back": back}


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
        is_on_leave=row.leave_facts is not None,
        unit_kind=row.unit_kind,
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


# --- The list --------------------------------------------------------------------------------------------------


class EncounterQuery(PageQuery):
    """Filters of vårdhändelser."""

    patient = Id(required=False)
    care_unit = Id(required=False)
    encounter_class = Choice(choices=CLASSES, required=False)
    encounter_type = Choice(choices=list(TYPES), required=False)
    status = Choice(choices=lifecycle.Status.values, required=False)
    date = Day(required=False)


class EncounterList(EncounterEndpoint):
    """GET encounters/; beginning one is new_encounters."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS}

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


class OneEncounter(EncounterEndpoint):
    """GET encounters/{id}/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS}

    @operation("encounters_read", "Läs en vårdhändelse, med möjliga nästa steg", tag=TAG, answer=EncounterAnswer)
    def get(self, request, pk):
        row = whole_encounter(pk)
        self.require(row.care_unit_id)
        return self.show(row, "vårdhändelse")


OUTCOME_NAMES = dict(Outcome._meta.get_field("code").choices)
