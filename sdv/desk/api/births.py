"""Foster and Nyfödd: prepared from the mother's vårdhändelse, born, given a personnummer (VH-03 h, k, VH-13)."""

from rest_framework import serializers

from registration.actions import births
from registration.models import Sex
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Choice, Fields, Id, Listed, Moment, Number, Text
from sdv.common.errors import InputError

from .encounters import TAG, EncounterAnswer, EncounterEndpoint


class ChildrenBody(Fields):
    """How many children are expected; or, for one that nobody had prepared for, when it was born and its sex."""

    number = Number(
        required=False,
        help_text="Barnets, eller det första av barnens, nummer i ordningen; 1, om inget anges. Ett nummer som redan finns avvisas.",
    )
    how_many = Number(required=False, help_text="1, om inget anges.")
    born_at = Moment(required=False)
    sex = Choice(choices=Sex.values, required=False)
    identity = Text(max_length=20, allow_blank=True, required=False, help_text="ReservID som redan tagits ut.")
    place = Id(required=False, allow_null=True)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)


class Child(Answer):
    """A child of the vårdhändelse."""

    encounter = serializers.UUIDField()
    number = serializers.IntegerField()
    born_at = serializers.DateTimeField(allow_null=True)


class ChildrenAnswer(Answer):
    """The children that were prepared or born by the call."""

    children = Child(many=True)


class Children(EncounterEndpoint):
    """POST encounters/{id}/children/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_children",
        "Förbered foster, eller registrera ett barn som redan är fött",
        tag=TAG,
        body=ChildrenBody,
        answer=ChildrenAnswer,
        status=201,
        is_post=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(ChildrenBody)
        act = {
            "mother_encounter_id": pk,
            "number": asked.get("number", 1),
            "identity": asked.get("identity", ""),
            "actor_hsa_id": self.actor.assignment.hsa_id,
            "by": self.actor.user,
            "at": self.at,
        }
        if "born_at" in asked:
            if "sex" not in asked:
                raise InputError(sex="Ange barnets kön: 1 pojke, 2 flicka, 0 kan inte avgöras än.")
            found = [
                births.born_without_foetus(
                    born_at=asked["born_at"],
                    sex=asked["sex"],
                    place_id=asked.get("place"),
                    accept_warnings=asked.get("accept_warnings", ()),
                    **act,
                )
            ]
        else:
            found = births.prepare(how_many=asked.get("how_many", 1), **act)
        return self.answer(
            {
                "children": [
                    {"encounter": str(each.encounter_id), "number": each.number, "born_at": moment(each.born_at)}
                    for each in found
                ]
            },
            status=201,
        )


class BirthBody(Fields):
    """When the child was born, its sex, and its bed."""

    born_at = Moment()
    sex = Choice(choices=Sex.values)
    place = Id(required=False, allow_null=True)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)


class BirthTimeBody(Fields):
    """When the child was born, put right, and why."""

    born_at = Moment()
    reason = Text(max_length=200, allow_blank=True, required=False)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)


class BirthOf(EncounterEndpoint):
    """POST and PATCH encounters/{id}/birth/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS, "PATCH": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_birth",
        "Födelsen: fostret blir Nyfödd, och födelseanmälan skickas",
        tag=TAG,
        body=BirthBody,
        answer=EncounterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(BirthBody)
        births.born(
            encounter_id=pk,
            born_at=asked["born_at"],
            sex=asked["sex"],
            place_id=asked.get("place"),
            accept_warnings=asked.get("accept_warnings", ()),
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self.shown(pk, "födelse")

    @operation(
        "encounters_birth_time",
        "Rätta födelsetiden, också efter utskrivning; födelseanmälan skickas igen",
        tag=TAG,
        body=BirthTimeBody,
        answer=EncounterAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk):
        self.require_at(pk)
        asked = self.body(BirthTimeBody)
        births.correct_time(
            encounter_id=pk,
            born_at=asked["born_at"],
            reason=asked.get("reason", ""),
            accept_warnings=asked.get("accept_warnings", ()),
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self.shown(pk, "rättad födelsetid")


class PersonnummerBody(Fields):
    """The number that Skatteverket gave."""

    identity = Text(max_length=20)


class PersonnummerOf(EncounterEndpoint):
    """POST encounters/{id}/personnummer/."""

    permissions = {"POST": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_personnummer",
        "Den nyföddas personnummer i stället för den tillfälliga identiteten",
        tag=TAG,
        body=PersonnummerBody,
        answer=EncounterAnswer,
        is_post=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        births.give_personnummer(
            encounter_id=pk, identity=self.body(PersonnummerBody)["identity"], by=self.actor.user, at=self.at
        )
        return self.shown(pk, "personnummer")
