"""The coding of a vårdhändelse (KL-01…KL-06)."""

from rest_framework import serializers

from classification import presenters
from classification.actions import coding
from classification.models import System
from classification.rules import Evidence, Severity
from registration.models import Encounter
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Listed, Text

TAG = "Klassificering"
LONGEST_CODE = 20
MOST_CODES = 60


def _codes():
    return Listed(Text(max_length=LONGEST_CODE), max_length=MOST_CODES, required=False)


class DiagnosisBody(Fields):
    """A diagnosis, with the external causes that explain it and ATC codes."""

    code = Text(max_length=LONGEST_CODE)
    system = Choice(choices=System.values, required=False)
    external_causes = _codes()
    atc = _codes()


class ProcedureBody(Fields):
    """Åtgärd: KVÅ or a regional code."""

    code = Text(max_length=LONGEST_CODE)
    system = Choice(choices=System.values, required=False)
    date = Day(required=False, allow_null=True)
    atc = _codes()


class CodingBody(Fields):
    """The whole coding: the first diagnosis is the main one. What is left out is taken away."""

    diagnoses = DiagnosisBody(many=True, required=False, max_length=MOST_CODES)
    procedures = ProcedureBody(many=True, required=False, max_length=MOST_CODES)
    atc = _codes()
    complete = Flag(required=False)


class ChosenAnswer(Answer):
    """A chosen code, with the title it had then."""

    code = serializers.CharField()
    text = serializers.CharField()
    display = serializers.CharField()
    system = serializers.ChoiceField(choices=System.values)


class DiagnosisAnswer(ChosenAnswer):
    external_causes = ChosenAnswer(many=True)
    atc = ChosenAnswer(many=True)


class ProcedureAnswer(ChosenAnswer):
    date = serializers.DateField(allow_null=True)
    atc = ChosenAnswer(many=True)


class FindingAnswer(Answer):
    """Anmärkning: an error blocks klar, a warning and a hint do not (KL-06)."""

    severity = serializers.ChoiceField(choices=[str(each) for each in Severity])
    code = serializers.CharField()
    rule = serializers.CharField()
    detail = serializers.CharField()
    about = serializers.CharField(help_text="Koden som den gäller, utan punkt.")
    check = serializers.CharField(help_text="Kontrollen i tabellen över kontroller, som R11.")
    evidence = serializers.ChoiceField(choices=[str(each) for each in Evidence], help_text="Hur väl den är belagd.")
    source = serializers.CharField()


class CodingAnswer(Answer):
    """The coding with its findings. Its version is its own: 0 where nothing is coded yet."""

    encounter = serializers.UUIDField()
    version = serializers.IntegerField()
    complete = serializers.BooleanField()
    completed_at = serializers.DateTimeField(allow_null=True)
    completed_by = serializers.CharField(allow_null=True)
    diagnoses = DiagnosisAnswer(many=True)
    procedures = ProcedureAnswer(many=True)
    atc = ChosenAnswer(many=True)
    findings = FindingAnswer(many=True)


class EncounterCoding(Endpoint):
    """GET and PUT encounters/{id}/coding/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS, "PUT": Permission.CODE}

    @operation("encounters_coding_read", "Läs klassificeringen med anmärkningar", tag=TAG, answer=CodingAnswer)
    def get(self, request, pk):
        encounter = self._encounter(pk)
        return self._answer(encounter, coding.read(encounter), "klassificering")

    @operation(
        "encounters_coding_save",
        "Spara klassificeringen; complete gör den klar",
        tag=TAG,
        body=CodingBody,
        answer=CodingAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def put(self, request, pk):
        encounter = self._encounter(pk)
        asked = self.body(CodingBody)
        saved = coding.save_coding(
            encounter_id=pk,
            diagnoses=asked.get("diagnoses", []),
            procedures=asked.get("procedures", []),
            atc=asked.get("atc", []),
            complete=asked.get("complete", False),
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self._answer(encounter, saved, "klassificering sparad")

    def _encounter(self, pk):
        encounter = Encounter.objects.select_related("patient").get(pk=pk)
        self.require(encounter.care_unit_id)
        return encounter

    def _answer(self, encounter, saved, what):
        self.log([encounter.patient_id], what, care_unit_id=encounter.care_unit_id, resource_id=encounter.pk)
        body = presenters.coding(saved)
        body["completed_at"] = moment(body["completed_at"])
        for procedure in body["procedures"]:
            procedure["date"] = day(procedure["date"])
        return self.answer(body, version=body["version"])
