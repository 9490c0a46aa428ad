"""The population register by REST: asked at the day's first search, and chosen from (PA-04)."""

from registration import presenters
from registration.api.patients import TAG, PatientAnswer, PatientSearch, patient_answer
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Fields, Text
from sdv.common.time import local_date
from sdv.flows import register


class Search(PatientSearch):
    """POST patients/search/: the day's first search on a number asks the register."""

    def ask_register(self, identity):
        return register.ask_at_search(identity, at=self.at)


class ChosenBody(Fields):
    """The number of somebody whom the register knows."""

    identity = Text(max_length=40)


class FromRegister(Endpoint):
    """POST patients/from-register/: makes a patient of somebody whom the register knows."""

    permissions = {"POST": Permission.EDIT_PATIENTS}

    @operation(
        "patients_choose",
        "Hämta en person ur folkbokföringen som patient",
        tag=TAG,
        body=ChosenBody,
        answer=PatientAnswer,
        status=201,
        is_post=True,
        has_id=False,
        conflicts=True,
    )
    def post(self, request):
        pk = register.choose(identity=self.body(ChosenBody)["identity"], by=self.actor.user, at=self.at)
        self.log([pk], "patient ur folkbokföringen", resource_id=pk)
        patient = presenters.load(pk)
        return self.answer(patient_answer(patient, on=local_date(self.at)), status=201, version=patient.version)
