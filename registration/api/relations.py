"""Guardians and contact persons of a patient, and the copies on a vårdhändelse (RE-01…03). What is shown comes from
registration.presenters."""

from rest_framework import serializers

from registration import presenters
from registration.actions import relations
from registration.models import Encounter, RelationKind
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import day
from sdv.common.api_fields import Answer, Day, Fields, Flag, Text
from sdv.common.errors import InputError
from sdv.common.time import local_date

PATIENT_TAG, ENCOUNTER_TAG = "Patienter", "Vårdhändelser"


class RelatedPersonAnswer(Answer):
    """A guardian or contact person. Of one with protected personal data only that there is one."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=RelationKind.values)
    name = serializers.CharField()
    relation = serializers.CharField()
    identity = serializers.CharField()
    birth_date = serializers.DateField(allow_null=True)
    phone = serializers.CharField()
    interpreter_language = serializers.CharField()
    gets_letter_copy = serializers.BooleanField()
    source = serializers.CharField()
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)
    is_protected = serializers.BooleanField()


class _RelationFields(Fields):
    relation = Text(max_length=60, allow_blank=True, required=False)
    phone = Text(max_length=30, allow_blank=True, required=False)
    interpreter_language = Text(max_length=60, allow_blank=True, required=False)
    gets_letter_copy = Flag(required=False)
    valid_from = Day(required=False, allow_null=True)
    valid_to = Day(required=False, allow_null=True)


class NewContactBody(_RelationFields):
    """A contact person (RE-02)."""

    name = Text(max_length=200)


class RelationChanges(_RelationFields):
    """Of a guardian phone, interpreter_language and gets_letter_copy; of a contact person all (RE-01, RE-02)."""

    name = Text(max_length=200, required=False)


def _answer(row):
    return {
        "id": str(row.id),
        "version": row.version,
        "kind": row.kind,
        "name": row.name,
        "relation": row.relation,
        "identity": row.identity,
        "birth_date": day(row.birth_date),
        "phone": row.phone,
        "interpreter_language": row.interpreter_language,
        "gets_letter_copy": row.gets_letter_copy,
        "source": row.source,
        "valid_from": day(row.valid_from),
        "valid_to": day(row.valid_to),
        "is_protected": row.is_protected,
    }


class _OfPatient(Endpoint):
    """The owner is the patient."""

    def owner(self, pk):
        """(patient's id, vårdhändelse's id, what the action is told of them)."""
        patient = presenters.load(pk)
        self.shown = lambda: presenters.relations_of(presenters.load(pk), on=local_date(self.at))
        self.log([patient.pk], "relationer", resource_id=patient.pk)
        return {"patient_id": patient.pk}


class _OfEncounter(Endpoint):
    """The owner is one vårdhändelse, of a unit where the caller may."""

    def owner(self, pk):
        encounter = Encounter.objects.select_related("patient").get(pk=pk)
        self.require(encounter.care_unit_id)
        self.shown = lambda: presenters.encounter_relations(encounter, on=local_date(self.at))
        self.log([encounter.patient_id], "relationer", care_unit_id=encounter.care_unit_id, resource_id=pk)
        return {"patient_id": encounter.patient_id, "encounter_id": encounter.pk}


class _List:
    def read(self, pk):
        self.owner(pk)
        return self.answer({"results": [_answer(row) for row in self.shown()], "next": None, "previous": None})

    def add(self, pk):
        asked = self.body(NewContactBody)
        row = relations.add_contact(**self.owner(pk), by=self.actor.user, at=self.at, **asked)
        return self.answer(self.one(row.pk), status=201, version=row.version)

    def one(self, pk):
        """As it is shown now; one that does not stand in the list yet or any more is answered as it was written."""
        return next((_answer(row) for row in self.shown() if row.id == pk), {"id": str(pk)})


class _One(_List):
    def edit(self, pk, row):
        changes = self.body(RelationChanges)
        if not changes:
            raise InputError(body="Ange vad som ska ändras.")
        changed = relations.change(
            **self.owner(pk), relation_id=row, version=self.version, by=self.actor.user, at=self.at, **changes
        )
        return self.answer(self.one(changed.pk), version=changed.version)

    def take_away(self, pk, row):
        relations.remove(**self.owner(pk), relation_id=row, version=self.version, by=self.actor.user, at=self.at)
        return self.answer(None, status=204)


_PAGE = page_of("RelatedPersonPage", RelatedPersonAnswer)


class PatientRelations(_List, _OfPatient):
    """GET and POST patients/{id}/relations/."""

    permissions = {"GET": Permission.VIEW_PATIENTS, "POST": Permission.EDIT_PATIENTS}

    @operation("patients_relations", "Vårdnadshavare och kontaktpersoner", tag=PATIENT_TAG, answer=_PAGE)
    def get(self, request, pk):
        return self.read(pk)

    @operation(
        "patients_relations_create",
        "Lägg till en kontaktperson",
        tag=PATIENT_TAG,
        body=NewContactBody,
        answer=RelatedPersonAnswer,
        status=201,
        is_post=True,
    )
    def post(self, request, pk):
        return self.add(pk)


class OnePatientRelation(_One, _OfPatient):
    """PATCH and DELETE patients/{id}/relations/{relation}/."""

    permissions = {"PATCH": Permission.EDIT_PATIENTS, "DELETE": Permission.EDIT_PATIENTS}

    @operation(
        "patients_relations_edit",
        "Ändra en kontaktperson, eller tre uppgifter om en vårdnadshavare",
        tag=PATIENT_TAG,
        body=RelationChanges,
        answer=RelatedPersonAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk, row):
        return self.edit(pk, row)

    @operation("patients_relations_delete", "Ta bort en kontaktperson", tag=PATIENT_TAG, status=204, conflicts=True)
    def delete(self, request, pk, row):
        return self.take_away(pk, row)


class EncounterRelations(_List, _OfEncounter):
    """GET and POST encounters/{id}/relations/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS, "POST": Permission.REGISTER_ENCOUNTERS}

    @operation("encounters_relations", "Relationer på vårdhändelsen", tag=ENCOUNTER_TAG, answer=_PAGE)
    def get(self, request, pk):
        return self.read(pk)

    @operation(
        "encounters_relations_create",
        "Lägg till en kontaktperson på vårdhändelsen",
        tag=ENCOUNTER_TAG,
        body=NewContactBody,
        answer=RelatedPersonAnswer,
        status=201,
        is_post=True,
    )
    def post(self, request, pk):
        return self.add(pk)


class OneEncounterRelation(_One, _OfEncounter):
    """PATCH and DELETE encounters/{id}/relations/{relation}/."""

    permissions = {"PATCH": Permission.REGISTER_ENCOUNTERS, "DELETE": Permission.REGISTER_ENCOUNTERS}

    @operation(
        "encounters_relations_edit",
        "Ändra en relation på vårdhändelsen",
        tag=ENCOUNTER_TAG,
        body=RelationChanges,
        answer=RelatedPersonAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk, row):
        return self.edit(pk, row)

    @operation(
        "encounters_relations_delete",
        "Ta bort en kontaktperson från vårdhändelsen",
        tag=ENCOUNTER_TAG,
        status=204,
        conflicts=True,
    )
    def delete(self, request, pk, row):
        return self.take_away(pk, row)
