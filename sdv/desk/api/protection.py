"""A sekretessmarkering is set by hand and lifted (SK-04)."""

from rest_framework import serializers

from registration import presenters
from registration.api.patients import PatientAnswer, patient_answer
from registration.models import ProtectionGround
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Fields, Text
from sdv.common.time import local_date
from sdv.flows import protection

TAG = "Patienter"


class ProtectBody(Fields):
    """Why the marking is set."""

    ground = serializers.ChoiceField(choices=ProtectionGround.choices)


class LiftBody(Fields):
    """Why it is lifted."""

    reason = Text(max_length=200, allow_blank=True)


class Protect(Endpoint):
    """POST and DELETE patients/{id}/protection/."""

    permissions = {"POST": Permission.SET_PROTECTION, "DELETE": Permission.LIFT_PROTECTION}

    @operation(
        "patients_protect",
        "Sätt sekretessmarkering: det som hålls om patienten raderas och kommer inte tillbaka",
        tag=TAG,
        body=ProtectBody,
        answer=PatientAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        ground = self.body(ProtectBody)["ground"]
        protection.set_by_hand(patient_id=pk, ground=ground, by=self.actor.user, at=self.at, version=self.version)
        return self._answered(pk, "skydd satt")

    @operation(
        "patients_protect_lift",
        "Häv en sekretessmarkering som satts för hand; skälet skickas i anropets innehåll (reason)",
        tag=TAG,
        body=LiftBody,
        answer=PatientAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def delete(self, request, pk):
        reason = self.body(LiftBody)["reason"]
        protection.lift(patient_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self._answered(pk, "skydd hävt")

    def _answered(self, pk, what):
        patient = presenters.load(pk)
        self.log([patient.pk], what, resource_id=patient.pk)
        return self.answer(patient_answer(patient, on=local_date(self.at)), version=patient.version)
