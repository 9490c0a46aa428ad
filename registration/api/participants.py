"""Who takes part in a contact (BO-02)."""

from rest_framework import serializers

from registration.actions import participants
from registration.models import Encounter
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation
from sdv.accounts.models import Practitioner
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Answer, Fields, Flag, Text
from sdv.common.errors import InputError

from .coded import RowId

TAG = "Vårdhändelser"
MOST = 30


class PractitionerHsaId(Text):
    """A practitioner by the HSA-id that the journal knows."""

    def to_internal_value(self, data):
        given = super().to_internal_value(data)
        super().run_validators(given)
        row = Practitioner.objects.filter(hsa_id=given).first()
        if row is None:
            raise serializers.ValidationError("Ingen medarbetare har det HSA-id:t här.")
        return row

    def run_validators(self, value):
        """The text has been judged; what is given here is the row."""


class ParticipantBody(Fields):
    """A practitioner, by id or by HSA-id."""

    practitioner = RowId(Practitioner, required=False)
    hsa_id = PractitionerHsaId(max_length=32, required=False)
    main_responsible = Flag(required=False)

    def validate(self, given):
        named = [given[name] for name in ("practitioner", "hsa_id") if name in given]
        if len(named) != 1:
            raise serializers.ValidationError({"practitioner": ["Ange practitioner eller hsa_id, ett av dem."]})
        return {"person": named[0], "main_responsible": given.get("main_responsible", False)}


class ParticipantsBody(Fields):
    """All who take part: exactly one is main responsible. Who is left out is taken away; an empty list names nobody."""

    participants = ParticipantBody(many=True, max_length=MOST)


class ParticipantAnswer(Answer):
    """A practitioner of the contact, with the profession it took part as."""

    practitioner = serializers.UUIDField()
    hsa_id = serializers.CharField()
    name = serializers.CharField()
    profession = Coded()
    main_responsible = serializers.BooleanField()


class ParticipantsAnswer(Answer):
    """The main responsible first."""

    participants = ParticipantAnswer(many=True)


def _answer(row):
    return {
        "practitioner": str(row.practitioner_id),
        "hsa_id": row.practitioner.hsa_id,
        "name": str(row.practitioner),
        "profession": {"code": row.profession.code, "text": row.profession.name},
        "main_responsible": row.is_main_responsible,
    }


class Participants(Endpoint):
    """GET and PUT encounters/{id}/participants/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS, "PUT": Permission.REGISTER_ENCOUNTERS}

    @operation("encounters_participants", "Medverkande vid en vårdhändelse", tag=TAG, answer=ParticipantsAnswer)
    def get(self, request, pk):
        return self._shown(self._judged(pk))

    @operation(
        "encounters_participants_write",
        "Ange vilka som medverkar och vem som är huvudansvarig",
        tag=TAG,
        body=ParticipantsBody,
        answer=ParticipantsAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def put(self, request, pk):
        self._judged(pk)
        asked = self.body(ParticipantsBody)["participants"]
        main = [each["person"] for each in asked if each["main_responsible"]]
        if len(main) > 1:
            raise InputError(participants="Bara en är huvudansvarig.")
        encounter = participants.register(
            encounter_id=pk,
            main=main[0] if main else None,
            others=[each["person"] for each in asked if not each["main_responsible"]],
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self._shown(encounter)

    def _judged(self, pk):
        encounter = Encounter.objects.get(pk=pk)
        self.require(encounter.care_unit_id)
        return encounter

    def _shown(self, encounter):
        self.log([encounter.patient_id], "medverkande", care_unit_id=encounter.care_unit_id, resource_id=encounter.pk)
        rows = encounter.participants.select_related("practitioner", "profession").order_by(
            "-is_main_responsible", "id"
        )
        return self.answer({"participants": [_answer(row) for row in rows]}, version=encounter.version)
