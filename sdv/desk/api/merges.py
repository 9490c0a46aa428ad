"""A record on a reserve number is merged into the present one, and its undo (RI-02, PL-13)."""

from rest_framework import serializers

from registration import presenters
from registration.api.patients import PatientAnswer, patient_answer
from registration.models import Patient
from sdv.accounts.api.endpoint import Endpoint, known
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Answer, Fields, Id, Text
from sdv.common.time import local_date
from sdv.flows import merging

TAG = "Patienter"
MergeBody = type(
    "MergeBody",
    (Fields,),
    {
        "__doc__": "The old record, and why both are the same person (RI-02).",
        "from": Id(),
        "reason": Text(max_length=200),
    },
)


class UndoMergeBody(Fields):
    """Why it was wrong (PL-13)."""

    reason = Text(max_length=200)


class ToCheckAnswer(Answer):
    """Rows of one kind that somebody has to look at, and what to do (PL-13)."""

    what = serializers.ChoiceField(choices=["changed", "removed", "follows", "stays", "kept", "held"])
    name = serializers.CharField()
    count = serializers.IntegerField()
    detail = serializers.CharField()


class UndoneMergeAnswer(PatientAnswer):
    """The patient, the record that stands for itself again, and what was changed or has come since the merge."""

    source = serializers.UUIDField()
    to_check = ToCheckAnswer(many=True)


class _Merging(Endpoint):
    def present(self, pk, what):
        patient = presenters.load(pk)
        self.log([patient.pk], what, resource_id=patient.pk)
        return patient, patient_answer(patient, on=local_date(self.at))


class Merge(_Merging):
    """POST patients/{id}/merge/."""

    permissions = {"POST": Permission.MERGE_PATIENTS}

    @operation(
        "patients_merge",
        "Slå samman en post på reservnummer med patienten",
        tag=TAG,
        body=MergeBody,
        answer=PatientAnswer,
        is_post=True,
    )
    def post(self, request, pk):
        asked = self.body(MergeBody)
        source = known(Patient.objects.filter(pk=asked["from"]).first(), **{"from": "Posten"})
        target = presenters.load(pk)
        self.log([source.pk], "sammanslagning", resource_id=source.pk)
        merging.merge(
            source_id=source.pk,
            target_id=target.pk,
            reason=asked["reason"],
            by=self.actor.user,
            at=self.at,
            is_told_by_register=merging.told_as_one(source, target),
        )
        patient, body = self.present(pk, "sammanslagning")
        return self.answer(body, version=patient.version)


class UndoMerge(_Merging):
    """POST patients/{id}/merge/undo/."""

    permissions = {"POST": Permission.UNDO_MERGE}

    @operation(
        "patients_merge_undo",
        "Ångra den senaste sammanslagningen med patienten",
        tag=TAG,
        body=UndoMergeBody,
        answer=UndoneMergeAnswer,
        is_post=True,
    )
    def post(self, request, pk):
        reason = self.body(UndoMergeBody)["reason"]
        done = merging.undo(target_id=presenters.load(pk).pk, reason=reason, by=self.actor.user, at=self.at)
        to_check = [
            {"what": each.what, "name": each.name, "count": each.count, "detail": each.proposal}
            for each in map(merging.kept, done.to_check)
        ]
        patient, body = self.present(pk, "sammanslagning ångrad")
        return self.answer(body | {"source": str(done.source_id), "to_check": to_check}, version=patient.version)
