"""Inrop till väntrummet by REST: who calls, and what the screen shows of it (PL-17)."""

from rest_framework import serializers

from registration.actions import waiting_room
from registration.presenters import called_as
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Fields, Flag, Text

from .encounters import EncounterEndpoint

TAG = "Vårdhändelser"


class CallBody(Fields):
    """Where to, and how. `again` calls once more what has been called."""

    room = Text(max_length=waiting_room.LONGEST_ROOM, allow_blank=True, required=False)
    again = Flag(required=False)
    by_name = Flag(required=False, help_text="Patienten vill ropas upp med förnamn.")


class CallAnswer(Answer):
    """The call. `shown_as` is all that the screen says of who it is."""

    encounter = serializers.UUIDField()
    number = serializers.IntegerField()
    shown_as = serializers.CharField()
    room = serializers.CharField()
    called_at = serializers.DateTimeField()
    called_by = serializers.CharField()
    times_called = serializers.IntegerField()


class Call(EncounterEndpoint):
    """POST encounters/{id}/call/."""

    permissions = {"POST": Permission.REGISTER_ARRIVAL}

    @operation(
        "encounters_call",
        "Ropa in den som väntar, med könummer eller förnamn",
        tag=TAG,
        body=CallBody,
        answer=CallAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(CallBody)
        ticket = waiting_room.call(encounter_id=pk, **asked, by=self.actor.user, at=self.at, version=self.version)
        encounter = ticket.encounter
        self.log([encounter.patient_id], "inropad", care_unit_id=encounter.care_unit_id, resource_id=pk)
        return self.answer(
            {
                "encounter": str(pk),
                "number": ticket.number,
                "shown_as": called_as(ticket),
                "room": ticket.room,
                "called_at": moment(ticket.called_at),
                "called_by": self.actor.user.name,
                "times_called": ticket.times_called,
            },
            version=encounter.version,
        )
