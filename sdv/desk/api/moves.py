"""What is done with a vårdhändelse or its booking where more than one app takes part: arrival, cancellation, check-out,
end, correction (VH-07, VH-11, VH-12, UT-01…06, PL-13); and facts that the record system and the cashier tell."""

from rest_framework import serializers

from registration.actions import admissions, encounters, facts, places
from registration.api.coded import RowId
from registration.encounter_types import TYPES
from registration.stay_rules import AdmittedFrom, BrokenOff, DischargedTo
from scheduling.actions import appointments, check_out
from scheduling.api.appointments import AppointmentAnswer, AppointmentEndpoint
from scheduling.api.follow_ups import FollowUpBody, follow_up_of, user_of
from scheduling.models import Appointment, CancelledBy
from sdv.accounts.api.schema import operation
from sdv.accounts.models import Practitioner
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Amount, Answer, Choice, Day, Fields, Flag, Id, Listed, Moment, Text
from sdv.desk import encounter_actions
from sdv.flows import cancellation, correction

from .encounters import EncounterAnswer, EncounterEndpoint

BOOKINGS, ENCOUNTERS, FACTS = "Bokningar", "Vårdhändelser", "Journal- och kassafakta"


class ReasonBody(Fields):
    """Why."""

    reason = Text(max_length=300, allow_blank=True)


class UndoBody(Fields):
    """Why, where it is not one's own act of the last five minutes (PL-13)."""

    reason = Text(max_length=200, allow_blank=True, required=False)


# --- On a booking -------------------------------------------------------------------------------------------------------


class ArriveBody(Fields):
    """The arrival: now and by legitimation where nothing else is said (PL-03, PA-09)."""

    at = Moment(required=False)
    identity_shown = Text(max_length=40, allow_blank=True, required=False)
    interpreter_used = Flag(required=False)


class Arrive(EncounterEndpoint):
    """POST appointments/{id}/arrive/: answers with the encounter in its new type."""

    permissions = {"POST": Permission.REGISTER_ARRIVAL}

    @operation(
        "appointments_arrive",
        "Registrera ankomst: förhandsregistreringen omvandlas",
        tag=BOOKINGS,
        body=ArriveBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require(Appointment.objects.values_list("care_unit_id", flat=True).get(pk=pk))
        asked = self.body(ArriveBody)
        given = {name: asked[name] for name in ("identity_shown", "interpreter_used") if name in asked}
        arrived = appointments.arrive(
            appointment_id=pk, at=self.time_of(asked), by=self.actor.user, version=self.version, **given
        )
        return self.shown(arrived.encounter_id, "ankomst registrerad", is_addressed=False)


class CancelBody(Fields):
    """Who cancelled, and why (BO-03, PL-09)."""

    cancelled_by = Choice(choices=CancelledBy.values)
    reason = Text(max_length=200, allow_blank=True)


class Cancel(AppointmentEndpoint):
    """POST appointments/{id}/cancel/."""

    permissions = {"POST": Permission.BOOK}

    @operation(
        "appointments_cancel",
        "Avboka; av patienten med mindre än 24 timmar kvar blir den utebliven (VH-11)",
        tag=BOOKINGS,
        body=CancelBody,
        answer=AppointmentAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(CancelBody)
        cancellation.cancel(appointment_id=pk, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "bokning avbokad")


class UndoArrivalOrNoShow(AppointmentEndpoint, EncounterEndpoint):
    """POST appointments/{id}/undo/: takes back the last arrival or no-show."""

    permissions = {"POST": Permission.REGISTER_ARRIVAL}

    @operation(
        "appointments_undo",
        "Ångra ankomst eller utebliven",
        tag=BOOKINGS,
        body=UndoBody,
        answer=AppointmentAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        AppointmentEndpoint.require_at(self, pk)
        reason = self.body(UndoBody).get("reason", "")
        status, encounter_id = Appointment.objects.values_list("status", "encounter_id").get(pk=pk)
        undone = {"arrived": encounter_actions.UNDO_ARRIVAL, "no_show": encounter_actions.UNDO_NO_SHOW}.get(status)
        if undone:
            self.refuse_undo(encounter_id, undone, reason)
        correction.undo_appointment(
            appointment_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version
        )
        return AppointmentEndpoint.shown(self, pk, "ankomst eller utebliven ångrad")


# --- On an encounter without booking ------------------------------------------------------------------------------------


class AdmitBody(Fields):
    """The admission: now and by legitimation where nothing else is said."""

    at = Moment(required=False)
    identity_shown = Text(max_length=40, allow_blank=True, required=False)
    admitted_from = Choice(choices=AdmittedFrom.values, required=False)
    ward = Id(required=False, allow_null=True)
    place = Id(required=False, allow_null=True)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)
    reason = Text(max_length=200, allow_blank=True, required=False, help_text="Varför ändå (PL-06).")


class Admit(EncounterEndpoint):
    """POST encounters/{id}/arrive/: a planned admission becomes Slutenvård."""

    permissions = {"POST": Permission.REGISTER_ARRIVAL}

    @operation(
        "encounters_arrive",
        "Skriv in en planerad inskrivning",
        tag=ENCOUNTERS,
        body=AdmitBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(AdmitBody)
        told = ("identity_shown", "admitted_from", "accept_warnings", "reason")
        given = {name: asked[name] for name in told if name in asked}
        given |= {"ward_id": asked.get("ward"), "place_id": asked.get("place")}
        admissions.admit(encounter_id=pk, at=self.time_of(asked), by=self.actor.user, version=self.version, **given)
        return self.shown(pk, "inskrivning")


class PlaceBody(Fields):
    """The bed, chair or room without either, from now on where nothing else is said (VH-09)."""

    place = Id()
    at = Moment(required=False)


class AssignPlace(EncounterEndpoint):
    """POST encounters/{id}/place/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_place",
        "Tilldela plats; den förra lämnas i samma stund",
        tag=ENCOUNTERS,
        body=PlaceBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(PlaceBody)
        places.assign(
            encounter_id=pk,
            place_id=asked["place"],
            at=self.time_of(asked),
            by=self.actor.user,
            version=self.version,
        )
        return self.shown(pk, "plats tilldelad")


# --- Check-out ------------------------------------------------------------------------------------------------------------


class CheckOutBody(Fields):
    """One of the four outcomes, with what it needs (UT-02…06)."""

    outcome = Text(max_length=30)
    reason = Text(max_length=120, allow_blank=True, required=False, help_text="Orsakens kod, se outcomes/.")
    at = Moment(required=False)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)
    follow_ups = FollowUpBody(many=True, required=False, max_length=20)
    waiting_for = Text(max_length=120, allow_blank=True, required=False)
    watch_until = Day(required=False, allow_null=True)
    responsible = RowId(Practitioner, required=False, allow_null=True)
    also_end = Listed(Id(), max_length=20, required=False)


class CheckOut(EncounterEndpoint):
    """POST encounters/{id}/check-out/."""

    permissions = {"POST": Permission.CHECK_OUT}

    @operation(
        "encounters_check_out",
        "Checka ut med utfall",
        tag=ENCOUNTERS,
        body=CheckOutBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(CheckOutBody)
        check_out.check_out(
            encounter_id=pk,
            outcome=asked["outcome"],
            reason=asked.get("reason"),
            at=asked.get("at", self.at),
            registered_at=self.at,
            accept_warnings=asked.get("accept_warnings", ()),
            follow_ups=[follow_up_of(each) for each in asked.get("follow_ups", ())],
            waiting_for=asked.get("waiting_for", ""),
            watch_until=asked.get("watch_until"),
            responsible=user_of(asked.get("responsible"), "responsible"),
            also_end=asked.get("also_end", ()),
            by=self.actor.user,
            version=self.version,
        )
        return self.shown(pk, "utcheckning")


class UndoCheckOut(EncounterEndpoint):
    """POST encounters/{id}/check-out/undo/."""

    permissions = {"POST": Permission.CHECK_OUT}

    @operation(
        "encounters_check_out_undo",
        "Ångra utcheckningen med allt som den ledde till",
        tag=ENCOUNTERS,
        body=UndoBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(UndoBody).get("reason", "")
        self.refuse_undo(pk, encounter_actions.UNDO_CHECK_OUT, reason)
        check_out.undo(encounter_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "utcheckning ångrad")


# --- End and correction -----------------------------------------------------------------------------------------------------


class DischargeBody(Fields):
    """When the contact ended: now, where nothing is said (VH-16). A stay says where the patient came from and goes to;
    what has been registered before stands (VH-23)."""

    at = Moment(required=False)
    admitted_from = Choice(choices=AdmittedFrom.values, required=False)
    discharged_to = Choice(choices=DischargedTo.values, required=False)
    planned = Flag(required=False, allow_null=True)
    broken_off = Choice(choices=BrokenOff.values, required=False, help_text="Akutbesök som patienten avbröt.")


class Discharge(EncounterEndpoint):
    """POST encounters/{id}/discharge/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_discharge",
        "Skriv ut: vårdhändelsen får sitt slut",
        tag=ENCOUNTERS,
        body=DischargeBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(DischargeBody)
        at = self.time_of(asked)
        ways = {name: asked[name] for name in ("admitted_from", "discharged_to", "broken_off") if name in asked}
        cancellation.end_by_hand(
            encounter_id=pk, at=at, by=self.actor.user, version=self.version, is_planned=asked.get("planned"), **ways
        )
        return self.shown(pk, "utskrivning")


class Annul(EncounterEndpoint):
    """POST encounters/{id}/annul/."""

    permissions = {"POST": Permission.ANNUL}

    @operation(
        "encounters_annul",
        "Annullera, om varken journal eller kassa står i vägen",
        tag=ENCOUNTERS,
        body=ReasonBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(ReasonBody)["reason"]
        cancellation.annul(encounter_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "vårdhändelse annullerad")


class ChangeTypeBody(Fields):
    """The new type (VH-13, VH-24)."""

    encounter_type = Choice(choices=list(TYPES))
    reason = Text(max_length=300, allow_blank=True, required=False)


class ChangeType(EncounterEndpoint):
    """POST encounters/{id}/change-type/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_change_type",
        "Byt typ, där reglerna har ett byte för hand",
        tag=ENCOUNTERS,
        body=ChangeTypeBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(ChangeTypeBody)
        encounters.change_type(
            encounter_id=pk,
            new_type_code=asked["encounter_type"],
            reason=asked.get("reason", ""),
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self.shown(pk, "typ bytt")


class Reopen(EncounterEndpoint):
    """POST encounters/{id}/reopen/."""

    permissions = {"POST": Permission.CORRECT}

    @operation(
        "encounters_reopen",
        "Öppna en avslutad vårdhändelse för rättelse",
        tag=ENCOUNTERS,
        body=ReasonBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(ReasonBody)["reason"]
        correction.reopen(encounter_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "vårdhändelse öppnad igen")


# --- Facts told by other systems ----------------------------------------------------------------------------------------------


class DocumentBody(Fields):
    """That the medical record holds a note (VH-12, DI-04)."""

    kind = Text(max_length=60)
    external_id = Text(max_length=120)


class DocumentAnswer(Answer):
    """A note that the record system has told of."""

    kind = serializers.CharField()
    external_id = serializers.CharField()


class Documentation(EncounterEndpoint):
    """POST encounters/{id}/documentation/."""

    permissions = {"POST": Permission.REPORT_FACTS}

    @operation(
        "encounters_documentation_create",
        "Journalen har en anteckning",
        tag=FACTS,
        body=DocumentBody,
        answer=DocumentAnswer,
        status=201,
        is_post=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        told = facts.report_document(encounter_id=pk, **self.body(DocumentBody), by=self.actor.user, at=self.at)
        return self.answer({"kind": told.kind, "external_id": told.external_id}, status=201)


class OneDocument(EncounterEndpoint):
    """DELETE encounters/{id}/documentation/{external_id}/."""

    permissions = {"DELETE": Permission.REPORT_FACTS}

    @operation("encounters_documentation_delete", "Anteckningen är makulerad", tag=FACTS, status=204)
    def delete(self, request, pk, external_id):
        self.require_at(pk)
        external_id = self.text_in_path(external_id, longest=120)
        facts.remove_document(encounter_id=pk, external_id=external_id, by=self.actor.user, at=self.at)
        return self.answer(None, status=204)


class CashBody(Fields):
    """A transaction of the cashier's, or the reversal in full of one (AG-01). SEK."""

    external_id = Text(max_length=120)
    amount = Amount()
    reverses = Text(max_length=120, allow_blank=True, required=False, help_text="external_id på den som återförs.")


class CashAnswer(Answer):
    """A transaction as it was told."""

    external_id = serializers.CharField()
    amount = serializers.CharField()
    reverses = serializers.CharField(allow_null=True)
    registered_at = serializers.DateTimeField()


class CashTransactions(EncounterEndpoint):
    """POST encounters/{id}/cash-transactions/."""

    permissions = {"POST": Permission.REPORT_FACTS}

    @operation(
        "encounters_cash_transactions_create",
        "Kassan har en transaktion",
        tag=FACTS,
        body=CashBody,
        answer=CashAnswer,
        status=201,
        is_post=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        told = facts.report_cash_transaction(encounter_id=pk, **self.body(CashBody), by=self.actor.user, at=self.at)
        told.refresh_from_db()
        return self.answer(
            {
                "external_id": told.external_id,
                "amount": f"{told.amount:.2f}",
                "reverses": told.reverses.external_id if told.reverses else None,
                "registered_at": moment(told.registered_at),
            },
            status=201,
        )
