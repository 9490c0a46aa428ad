"""A patient is set to deceased by hand, and its undo (AV-01…03)."""

from rest_framework import serializers

from registration import presenters
from registration.api.patients import PatientAnswer, patient_answer
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Day, Fields, Text
from sdv.common.time import local_date
from sdv.flows import deceased

TAG = "Patienter"


class DeceasedBody(Fields):
    """The day, and how the death is known (AV-01)."""

    date = Day()
    reason = Text(max_length=200, allow_blank=True, required=False)


class UndoDeceasedBody(Fields):
    """Why it was wrong (AV-03)."""

    reason = Text(max_length=200, allow_blank=True)


class LeftAnswer(Answer):
    """What the cascade leaves to a person (AV-02)."""

    encounter = serializers.UUIDField()
    encounter_type = serializers.CharField()
    care_unit = serializers.CharField()
    start = serializers.DateTimeField()


class DeceasedAnswer(PatientAnswer):
    """The patient, and what is left to do by hand."""

    left_to_do = LeftAnswer(many=True)


class UndoneAnswer(PatientAnswer):
    """The patient, and what could not be restored."""

    not_restored = serializers.ListField(child=serializers.CharField())


class _Deceased(Endpoint):
    def patient(self, pk, what):
        patient = presenters.load(pk)
        self.log([patient.pk], what, resource_id=patient.pk)
        return patient, patient_answer(patient, on=local_date(self.at))


class Deceased(_Deceased):
    """POST patients/{id}/deceased/."""

    permissions = {"POST": Permission.SET_DECEASED}

    @operation(
        "patients_deceased",
        "Registrera avliden: framtida bokningar, begäran och vårdåtaganden avslutas",
        tag=TAG,
        body=DeceasedBody,
        answer=DeceasedAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        asked = self.body(DeceasedBody)
        cascade = deceased.register(
            patient_id=pk,
            deceased_on=asked["date"],
            reason=asked.get("reason", ""),
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        patient, body = self.patient(pk, "avliden registrerad")
        left = [
            {
                "encounter": str(row.pk),
                "encounter_type": row.type.name,
                "care_unit": row.care_unit.name,
                "start": moment(row.start),
            }
            for row in deceased.left_to_do(cascade)
        ]
        return self.answer(body | {"left_to_do": left}, version=patient.version)


class UndoDeceased(_Deceased):
    """POST patients/{id}/deceased/undo/."""

    permissions = {"POST": Permission.UNDO_DECEASED}

    @operation(
        "patients_deceased_undo",
        "Ångra avliden: det som kaskaden ändrade återställs",
        tag=TAG,
        body=UndoDeceasedBody,
        answer=UndoneAnswer,
        is_post=True,
    )
    def post(self, request, pk):
        reason = self.body(UndoDeceasedBody)["reason"]
        left = deceased.undo(patient_id=pk, reason=reason, by=self.actor.user, at=self.at)
        patient, body = self.patient(pk, "avliden ångrad")
        return self.answer(body | {"not_restored": [each.sentence for each in left]}, version=patient.version)
