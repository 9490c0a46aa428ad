"""New patients: on a known number, or on a new reserve identity after a proved search (PA-01, RI-01, RI-03); and likely
doubles while somebody is being registered (PL-21)."""

from rest_framework import serializers

from registration import doubles, presenters
from registration.actions import patients, reserve
from registration.models import Sex
from registration.reserve_rules import Decision
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Text
from sdv.common.errors import InputError
from sdv.common.time import local_date

from .patients import TAG, PatientAnswer, patient_answer

KEYS = ("given_name", "surname", "birth_date", "sex", "identity", "lma", "passport", "phone")


class KeysBody(Fields):
    """The keys of RI-01, and a phone number."""

    given_name = Text(max_length=120, allow_blank=True, required=False)
    surname = Text(max_length=120, allow_blank=True, required=False)
    birth_date = Day(required=False, allow_null=True)
    sex = Choice(choices=Sex.values, required=False)
    identity = Text(max_length=40, allow_blank=True, required=False, help_text="Person- eller reservnummer.")
    lma = Text(max_length=40, allow_blank=True, required=False, help_text="LMA-nummer.")
    passport = Text(max_length=40, allow_blank=True, required=False, help_text="Passnummer.")
    phone = Text(max_length=30, allow_blank=True, required=False)


class ReserveDecisionBody(Fields):
    """The verksamhetschef's decision (RI-03)."""

    decided_by = Text(max_length=120)
    decided_on = Day()
    reason = Text(max_length=300)


class NewPatientBody(KeysBody):
    """A patient that is not known yet: by one of the three primary kinds of identity (PA-01), or on a new reserve
    identity after the search that `reserve_search` names, with the keys as they were sought (RI-01)."""

    reserve_search = Id(required=False)
    middle_name = Text(max_length=120, allow_blank=True, required=False)
    interpreter_language = Text(max_length=60, allow_blank=True, required=False)
    passport_country = Text(max_length=60, allow_blank=True, required=False)
    has_personnummer = Flag(required=False)
    decision = ReserveDecisionBody(required=False)

    def validate(self, body):
        on_number = {"middle_name", "interpreter_language"}
        on_reserve = {"lma", "passport", "phone", "passport_country", "has_personnummer", "decision"}
        is_reserve = "reserve_search" in body
        if strange := (on_number if is_reserve else on_reserve) & set(body):
            where = "när ett reservID tas ut" if is_reserve else "när patienten registreras på ett nummer"
            raise serializers.ValidationError({name: [f"Anges inte {where}."] for name in sorted(strange)})
        if not is_reserve and "identity" not in body:
            raise serializers.ValidationError({"identity": ["Ange patientens nummer, eller reserve_search (RI-01)."]})
        return body


class Patients(Endpoint):
    """POST patients/."""

    permissions = {"POST": Permission.EDIT_PATIENTS}

    @operation(
        "patients_create",
        "Registrera en patient på ett nummer, eller på ett nytt reservID efter en sökning",
        tag=TAG,
        body=NewPatientBody,
        answer=PatientAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(NewPatientBody)
        is_reserve = "reserve_search" in asked
        patient = self._on_reserve_identity(asked) if is_reserve else self._on_number(asked)
        what = "reservidentitet skapad" if is_reserve else "patient registrerad"
        self.log([patient.pk], what, resource_id=patient.pk)
        return self.answer(
            patient_answer(presenters.load(patient.pk), on=local_date(self.at)), status=201, version=patient.version
        )

    def _on_number(self, asked):
        return patients.register(**{"given_name": "", "surname": ""} | asked, by=self.actor.user, at=self.at)

    def _on_reserve_identity(self, asked):
        decision = asked.get("decision")
        return reserve.create(
            search_id=asked["reserve_search"],
            keys=keys_of(asked),
            passport_country=asked.get("passport_country", ""),
            has_personnummer=asked.get("has_personnummer", False),
            decision=Decision(**decision) if decision else None,
            by=self.actor.user,
            at=self.at,
            actor_hsa_id=self.actor.assignment.hsa_id,
        )


def keys_of(asked):
    """What was sent of the keys."""
    return doubles.Keys(**{name: asked[name] for name in KEYS if name in asked})


class DifferenceAnswer(Answer):
    """Where the two differ."""

    what = serializers.CharField()
    theirs = serializers.CharField()
    yours = serializers.CharField()


class DoubleAnswer(Answer):
    """A patient who may be the same person, and why (PL-21)."""

    patient = PatientAnswer()
    grounds = serializers.ListField(child=serializers.CharField())
    differs = DifferenceAnswer(many=True)


class ReserveSearchAnswer(Answer):
    """The search: its id is named when a reserve identity is created, within half an hour, with the same keys."""

    id = serializers.UUIDField()
    keys = serializers.CharField(help_text="Vad som söktes på.")
    certain_matches = PatientAnswer(many=True)
    likely_doubles = DoubleAnswer(many=True)
    may_create = serializers.BooleanField()


class ReserveSearches(Endpoint):
    """POST patients/reserve-searches/: the search that RI-01 asks for before a new reserve identity."""

    permissions = {"POST": Permission.EDIT_PATIENTS}
    keeps_answers = False

    @operation(
        "patients_reserve_search",
        "Sök på det som RI-01 kräver innan ett reservID tas ut",
        tag=TAG,
        body=KeysBody,
        answer=ReserveSearchAnswer,
        status=201,
        is_post=True,
        has_id=False,
        keeps_answers=False,
    )
    def post(self, request):
        keys, today = keys_of(self.body(KeysBody)), local_date(self.at)
        kept, found = reserve.search(keys=keys, by=self.actor.user, at=self.at)
        near = doubles.likely(keys, today=today, apart_from=found)
        self.log([*(row.pk for row in found), *(double.patient.pk for double in near)], "sökträff")
        return self.answer(
            {
                "id": str(kept.pk),
                "keys": kept.keys,
                "certain_matches": [patient_answer(row, on=today) for row in found],
                "likely_doubles": [_double(double, today) for double in near],
                "may_create": not found,
            },
            status=201,
        )


def _double(double, today):
    return {
        "patient": patient_answer(double.patient, on=today),
        "grounds": list(double.grounds),
        "differs": [{"what": what, "theirs": theirs, "yours": yours} for what, theirs, yours in double.differs],
    }


class LikelyDoublesAnswer(Answer):
    """Likely doubles, those with most grounds first. Protected persons are not among them (SK-05)."""

    results = DoubleAnswer(many=True)


class LikelyDoubles(Endpoint):
    """POST patients/likely-doubles/: while somebody is being registered. It warns; nothing is blocked."""

    permissions = {"POST": Permission.EDIT_PATIENTS}
    keeps_answers = False

    @operation(
        "patients_likely_doubles",
        "Troliga dubbletter av den som registreras",
        tag=TAG,
        body=KeysBody,
        answer=LikelyDoublesAnswer,
        is_post=True,
        has_id=False,
        keeps_answers=False,
    )
    def post(self, request):
        asked, today = self.body(KeysBody), local_date(self.at)
        if not any(asked.get(name) for name in KEYS):
            raise InputError(body="Ange något av det som är känt.")
        near = doubles.likely(keys_of(asked), today=today)
        self.log([double.patient.pk for double in near], "trolig dubblett")
        return self.answer({"results": [_double(double, today) for double in near]})
