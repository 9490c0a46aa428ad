"""A stay and an emergency visit as they go on: transfer, permission, a doctor's assessment, facts completed, a place
cleaned (VH-03, VH-09, VH-21, VH-23)."""

from rest_framework import serializers

from registration.actions import interpreters, places, stays
from registration.models import Encounter
from registration.realtime import FilledBy
from registration.stay_rules import AdmittedFrom, DischargedTo
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Moment, Text
from sdv.common.errors import InputError, RuleError
from sdv.desk import encounter_actions
from sdv.desk.presenters import realtime as realtime_presenter
from sdv.flows import correction
from sdv.organisation.models import Place

from .encounters import TAG, EncounterAnswer, EncounterEndpoint, whole_encounter
from .moves import UndoBody


class TransferBody(Fields):
    """To a ward of the unit, a place, or both; without a place the patient waits for one there."""

    ward = Id(required=False, allow_null=True)
    place = Id(required=False, allow_null=True)
    at = Moment(required=False)


class Transfer(EncounterEndpoint):
    """POST encounters/{id}/transfer/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_transfer",
        "Flytta till en avdelning eller plats på enheten",
        tag=TAG,
        body=TransferBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(TransferBody)
        stays.transfer(
            encounter_id=pk,
            ward_id=asked.get("ward"),
            place_id=asked.get("place"),
            at=self.time_of(asked),
            by=self.actor.user,
            version=self.version,
        )
        return self.shown(pk, "överflyttning")


class UndoAdmission(EncounterEndpoint):
    """POST encounters/{id}/arrive/undo/."""

    permissions = {"POST": Permission.REGISTER_ARRIVAL}

    @operation(
        "encounters_arrive_undo",
        "Ångra inskrivningen av den som var planerad",
        tag=TAG,
        body=UndoBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(UndoBody).get("reason", "")
        if Encounter.objects.filter(pk=pk, appointment__isnull=False, care_unit__in=self.actor.care_unit_ids).exists():
            raise RuleError(
                "PL-13", "Vårdhändelsen har en bokning. Ångra ankomsten på bokningen i stället.", code="is_booked"
            )
        self.refuse_undo(pk, encounter_actions.UNDO_ARRIVAL, reason)
        correction.undo_admission(encounter_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "inskrivning ångrad")


class LeaveBody(Fields):
    """From when, and when the patient is expected back."""

    at = Moment(required=False)
    expected_back = Moment(required=False, allow_null=True)


class Leave(EncounterEndpoint):
    """POST encounters/{id}/leave/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_leave",
        "Permission: platsen behålls",
        tag=TAG,
        body=LeaveBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(LeaveBody)
        stays.leave(
            encounter_id=pk,
            expected_back=asked.get("expected_back"),
            at=self.time_of(asked),
            by=self.actor.user,
            version=self.version,
        )
        return self.shown(pk, "permission")


class WhenBody(Fields):
    """When it was: now, where nothing is said."""

    at = Moment(required=False)


class ComeBack(EncounterEndpoint):
    """POST encounters/{id}/leave/return/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_leave_return",
        "Åter från permission",
        tag=TAG,
        body=WhenBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        at = self.time_of(self.body(WhenBody))
        stays.come_back(encounter_id=pk, at=at, by=self.actor.user, version=self.version)
        return self.shown(pk, "åter från permission")


class Assessment(EncounterEndpoint):
    """POST encounters/{id}/assessment/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_assessment",
        "Läkarbedömningen på akutmottagningen har börjat",
        tag=TAG,
        body=WhenBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        at = self.time_of(self.body(WhenBody))
        stays.assess(encounter_id=pk, at=at, by=self.actor.user, version=self.version)
        return self.shown(pk, "läkarbedömning")


class StayBody(Fields):
    """What is completed or corrected; what is not named stands."""

    admitted_from = Choice(choices=AdmittedFrom.values, required=False)
    discharged_to = Choice(choices=DischargedTo.values, required=False)
    planned = Flag(required=False)
    expected_discharge_on = Day(required=False, allow_null=True)
    planned_start = Moment(required=False, help_text="När den planerade patienten väntas i stället (VH-03).")
    reason = Text(max_length=200, allow_blank=True, required=False)


class StayFacts(EncounterEndpoint):
    """PATCH encounters/{id}/stay/."""

    permissions = {"PATCH": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_stay",
        "Komplettera insätt, utsätt, planerat och beräknad utskrivning, också efter utskrivning",
        tag=TAG,
        body=StayBody,
        answer=EncounterAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk):
        self.require_at(pk)
        asked = self.body(StayBody)
        names = {"planned": "is_planned"}
        facts = {names.get(name, name): value for name, value in asked.items() if name != "reason"}
        stays.complete(
            encounter_id=pk,
            reason=asked.get("reason", ""),
            by=self.actor.user,
            at=self.at,
            version=self.version,
            **facts,
        )
        return self.shown(pk, "vårdtillfälle kompletterat")


class InterpreterBody(Fields):
    """Whether an interpreter was used."""

    used = Flag()


class Interpreter(EncounterEndpoint):
    """PUT encounters/{id}/interpreter/."""

    permissions = {"PUT": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_interpreter",
        "Ange om tolk användes, också efter avslut; ger ZV020 vid rapporteringen",
        tag=TAG,
        body=InterpreterBody,
        answer=EncounterAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def put(self, request, pk):
        self.require_at(pk)
        used = self.body(InterpreterBody)["used"]
        interpreters.register(encounter_id=pk, used=used, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "tolk angiven")


class CleanedAnswer(Answer):
    """The place as it stands: ready from the moment."""

    place = serializers.UUIDField()
    cleaned_at = serializers.DateTimeField()


class Cleaned(Endpoint):
    """POST places/{id}/cleaned/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation("places_cleaned", "Platsen är städad", tag="Platser", body=WhenBody, answer=CleanedAnswer, is_post=True)
    def post(self, request, pk):
        self.require(Place.objects.values_list("care_unit_id", flat=True).get(pk=pk))
        at = self.body(WhenBody).get("at", self.at)
        if at > self.at:
            raise InputError(at="Tiden har inte kommit än. Ange en tid till och med nu.")
        done = places.cleaned(place_id=pk, by=self.actor.user, at=at)
        return self.answer({"place": str(pk), "cleaned_at": moment(done.at)})


class RealtimeRow(Answer):
    """A field of realtidsregistrering: its value, empty where nothing is registered, and who fills it."""

    group = serializers.CharField()
    name = serializers.CharField()
    value = serializers.CharField()
    filled_by = serializers.ChoiceField(choices=[each.value for each in FilledBy])


class RealtimeAnswer(Answer):
    """Every field of the contact's care form (VH-23)."""

    fields_of_care_form = RealtimeRow(many=True)


class Realtime(EncounterEndpoint):
    """GET encounters/{id}/realtime/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS}

    @operation("encounters_realtime", "Realtidsregistreringens uppgifter", tag=TAG, answer=RealtimeAnswer)
    def get(self, request, pk):
        row = whole_encounter(pk)
        self.require(row.care_unit_id)
        self.log([row.patient_id], "realtidsregistrering", care_unit_id=row.care_unit_id, resource_id=pk)
        found = [
            {"group": each.group, "name": each.name, "value": each.value, "filled_by": each.filled_by}
            for each in realtime_presenter.filled(row, at=self.at)
        ]
        return self.answer({"fields_of_care_form": found})
