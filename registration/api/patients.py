"""Patients: search, register, read, edit. What is shown of a patient comes from registration.presenters alone (SK-02)."""

from typing import NamedTuple

from django.db.models import F, FilteredRelation, Q
from rest_framework import serializers

from registration import identities, presenters
from registration.actions import patients
from registration.models import InterpreterKind, Patient, Protection, Sex
from registration.patient_rules import MOST_MINORS
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Number, Query, Text
from sdv.common.errors import InputError
from sdv.common.paging import LARGEST_PAGE
from sdv.common.time import local_date

TAG = "Patienter"
USUAL_HITS = 50


# --- Answers ------------------------------------------------------------------------------------------------------


class PatientSummary(Answer):
    """Who a row concerns. Of a protected person the marking stands in place of the name (SK-05)."""

    identity = serializers.CharField()
    name = serializers.CharField()
    birth_date = serializers.DateField(allow_null=True)
    sex = Coded()
    protection = serializers.ChoiceField(choices=Protection.values[1:], allow_null=True)
    deceased_on = serializers.DateField(allow_null=True)


class PatientAnswer(PatientSummary):
    """A patient. Of a protected person only what SK-02 leaves; the other texts are empty."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    identity_kind = serializers.CharField()
    given_name = serializers.CharField()
    middle_name = serializers.CharField()
    surname = serializers.CharField()
    other_identities = serializers.ListField(child=serializers.CharField())
    listing_unit = serializers.CharField()
    payer = serializers.CharField()
    birth_date_partial = serializers.CharField()
    registration_kind = serializers.CharField()
    registered_on = serializers.CharField()
    deregistration_code = serializers.CharField()
    deregistered_on = serializers.CharField()
    interpreter_kind = serializers.CharField()
    interpreter_language = serializers.CharField()
    special_housing = serializers.CharField()
    minors_at_address = serializers.IntegerField(allow_null=True)
    has_drug_benefit = serializers.BooleanField(allow_null=True)
    drug_benefit_decided_on = serializers.DateField(allow_null=True)
    drug_benefit_decided_by = serializers.CharField()
    has_pascal = serializers.BooleanField(allow_null=True)
    pascal_told_on = serializers.DateField(allow_null=True)
    pascal_told_by = serializers.CharField()
    source = serializers.CharField()
    confirmed_at = serializers.DateTimeField(allow_null=True, help_text="Senast bekräftad mot folkbokföringen (PA-04).")


class NewcomerAnswer(Answer):
    """Somebody whom the population register knows and who is no patient here yet: chosen by `POST
    patients/from-register/` (PA-04). Of a protected person the marking stands in place of the name."""

    identity = serializers.CharField()
    name = serializers.CharField()
    birth_date = serializers.CharField(allow_blank=True, help_text="ÅÅÅÅ, ÅÅÅÅ-MM eller ÅÅÅÅ-MM-DD.")
    sex = Coded()
    protection = serializers.ChoiceField(choices=Protection.values[1:], allow_null=True)


class PatientHit(PatientAnswer):
    """A patient that a search found."""

    found_by = serializers.CharField(
        allow_null=True, help_text="Vilket slags nummer som ledde hit, där det inte är den nuvarande identiteten."
    )


class PatientHits(page_of("PatientPage", PatientHit)):
    """What a search found. There is no next page: a name in an address would be a name in a log."""

    newcomer = NewcomerAnswer(allow_null=True)
    register_is_unavailable = serializers.BooleanField(
        help_text="Folkbokföringen tillfrågades och svarade inte: uppgifterna är de som fanns, se confirmed_at."
    )
    has_more = serializers.BooleanField(help_text="Fler stämmer än som visas: sök snävare.")


def summary(patient, *, on):
    """The patient of a row."""
    return _summary(presenters.shown(patient, on=on))


def _summary(seen):
    return {
        "identity": seen.identity,
        "name": seen.name,
        "birth_date": day(seen.birth_date),
        "sex": {"code": seen.sex, "text": seen.sex_text},
        "protection": seen.protection or None,
        "deceased_on": day(seen.deceased_on),
    }


def patient_answer(patient, *, on):
    """The patient with everything that may be shown."""
    seen = presenters.shown(patient, on=on)
    return {
        "id": str(seen.id),
        "version": seen.version,
        **_summary(seen),
        "identity_kind": seen.identity_kind,
        "given_name": seen.given_name,
        "middle_name": seen.middle_name,
        "surname": seen.surname,
        "other_identities": list(seen.other_identities),
        "listing_unit": seen.listing_unit,
        "payer": seen.payer,
        **_demographics(patient),
        "source": "" if seen.is_protected else patient.source,
        "confirmed_at": None if seen.is_protected else moment(patient.confirmed_at),
    }


# Fields of the patient's own row that an answer shows as they are, and what stands there of a protected person (SK-02).
_DEMOGRAPHICS = {
    "birth_date_partial": "",
    "registration_kind": "",
    "registered_on": "",
    "deregistration_code": "",
    "deregistered_on": "",
    "interpreter_kind": "",
    "interpreter_language": "",
    "special_housing": "",
    "minors_at_address": None,
    "has_drug_benefit": None,
    "drug_benefit_decided_on": None,
    "drug_benefit_decided_by": "",
    "has_pascal": None,
    "pascal_told_on": None,
    "pascal_told_by": "",
}


def _demographics(patient):
    if patient.is_protected:
        return dict(_DEMOGRAPHICS)
    values = {name: getattr(patient, name) for name in _DEMOGRAPHICS}
    return values | {name: day(values[name]) for name in ("drug_benefit_decided_on", "pascal_told_on")}


class PrimaryIdentity(NamedTuple):
    """The identity that a row shows, as the presenter reads it."""

    kind: str
    value: str
    is_primary: bool = True
    # A row of a list tells who it is, not how sure the identity is.
    level: str = ""
    register_status: str = ""
    register_status_cause: str = ""


def with_identity(rows, path="patient__"):
    """Rows with their patient's primary identity, in the same query."""
    primary = FilteredRelation(f"{path}identities", condition=Q(**{f"{path}identities__is_primary": True}))
    return rows.annotate(primary_identity=primary).annotate(
        identity_kind=F("primary_identity__kind"), identity_value=F("primary_identity__value")
    )


def summary_of_row(row, *, on):
    """The patient of a row that `with_identity` loaded."""
    known = [PrimaryIdentity(row.identity_kind, row.identity_value)] if row.identity_value else []
    row.patient.known_identities = known
    return summary(row.patient, on=on)


def _newcomer(seen):
    return {
        "identity": seen.identity,
        "name": seen.name,
        "birth_date": seen.birth_date,
        "sex": {"code": seen.sex, "text": seen.sex_text},
        "protection": seen.protection or None,
    }


def known_patient():
    """400 for a body that names a patient nobody knows."""
    return InputError(patient="Patienten finns inte. Sök fram patienten först.")


# --- Search -------------------------------------------------------------------------------------------


class HitsQuery(Query):
    """How many to show."""

    page_size = Number(required=False, min_value=1, max_value=LARGEST_PAGE, help_text=f"Annars {USUAL_HITS}.")


class SearchBody(Fields):
    """Either an identity, or a name with or without birth date."""

    identity = Text(required=False, max_length=40)
    name = Text(required=False, max_length=200)
    birth_date = Day(required=False)

    def validate(self, body):
        if ("identity" in body) == ("name" in body):
            raise serializers.ValidationError("Ange antingen identity eller name.")
        if "identity" in body and "birth_date" in body:
            raise serializers.ValidationError({"birth_date": ["Födelsedatum hör till sökning på namn."]})
        return body


class PatientSearch(Endpoint):
    """POST patients/search/: a search on people is a POST, so that no number or name stands in an address."""

    permissions = {"POST": Permission.VIEW_PATIENTS}
    keeps_answers = False

    @operation(
        "patients_search",
        "Sök patienter på identitet eller namn",
        tag=TAG,
        body=SearchBody,
        query=HitsQuery,
        answer=PatientHits,
        is_post=True,
        has_id=False,
        keeps_answers=False,
    )
    def post(self, request):
        asked, today = self.body(SearchBody), local_date(self.at)
        register = self.ask_register(asked["identity"]) if "identity" in asked else None
        newcomer = register and register.newcomer and presenters.newcomer(register.newcomer)
        size = self.query(HitsQuery).get("page_size", USUAL_HITS)
        if "identity" in asked:
            rows = Patient.objects.with_identity(asked["identity"], today=today)
            found = list(rows.with_primary_identity()[: size + 1])
            if not found:
                _refuse_what_is_no_number(asked["identity"], today)
        else:
            found = self._named(asked, size + 1)
        hits = found[:size]
        self.log([patient.pk for patient in hits], "sökträff")
        return self.answer(
            {
                "results": [_hit(patient, asked.get("identity"), today) for patient in hits],
                "next": None,
                "previous": None,
                "has_more": len(found) > size,
                "newcomer": (newcomer and not hits and _newcomer(newcomer)) or None,
                "register_is_unavailable": bool(register and register.is_unavailable),
            }
        )

    def ask_register(self, identity):
        """What came of asking the population register (PA-04): sdv.desk answers, that can reach it."""
        raise NotImplementedError

    def _named(self, asked, most):
        """By the words' beginnings; a misspelt name is looked for only where none begins so."""
        birth_date = asked.get("birth_date")
        if not any(sign.isalnum() for sign in asked["name"]):
            raise InputError(name="Skriv minst en bokstav av namnet.")
        for rows in (Patient.objects.named, Patient.objects.named_about):
            if found := list(rows(asked["name"], birth_date=birth_date).with_primary_identity()[:most]):
                return found
        return []


def _hit(patient, number, today):
    kind = presenters.found_by(patient, number, today=today) if number else ""
    return patient_answer(patient, on=today) | {"found_by": kind or None}


def _refuse_what_is_no_number(text, today):
    """400 with the sentence for a number that cannot be anybody's: an empty list would say that nobody has it."""
    if identities.may_be_search_key(text):
        return
    try:
        identities.parse(text, today=today)
    except identities.IdentityError as error:
        raise InputError(identity=error.sentence) from None


# --- One patient --------------------------------------------------------------------------------------------------------


class PatientChanges(Fields):
    """What a user may edit (PA-06). The others come from the register and are named so that the refusal can say by which
    rule they are locked (PA-05)."""

    interpreter_kind = Choice(choices=InterpreterKind.values, required=False)
    interpreter_language = Text(max_length=60, allow_blank=True, required=False)
    special_housing = Text(max_length=120, allow_blank=True, required=False)
    minors_at_address = Number(min_value=0, max_value=MOST_MINORS, required=False, allow_null=True)
    drug_benefit_decided_on = Day(required=False, allow_null=True)
    drug_benefit_decided_by = Text(max_length=120, allow_blank=True, required=False)
    has_pascal = Flag(required=False)
    pascal_told_on = Day(required=False, allow_null=True)
    pascal_told_by = Text(max_length=120, allow_blank=True, required=False)
    phone = Text(
        max_length=30, allow_blank=True, required=False, help_text="Nummer i första hand; tom text tar bort det."
    )
    given_name = Text(max_length=120, allow_blank=True, required=False)
    middle_name = Text(max_length=120, allow_blank=True, required=False)
    surname = Text(max_length=120, allow_blank=True, required=False)
    birth_date = Day(required=False, allow_null=True)
    sex = Choice(choices=Sex.values, required=False)
    identity = Text(max_length=40, required=False)
    protection = Text(max_length=30, allow_blank=True, required=False)
    deceased_on = Day(required=False, allow_null=True)
    listing_unit = Text(max_length=120, allow_blank=True, required=False)
    payer = Text(max_length=60, allow_blank=True, required=False)


class OnePatient(Endpoint):
    """GET and PATCH patients/{id}/."""

    permissions = {"GET": Permission.VIEW_PATIENTS, "PATCH": Permission.EDIT_PATIENTS}

    @operation("patients_read", "Läs en patient", tag=TAG, answer=PatientAnswer)
    def get(self, request, pk):
        return self._answer(presenters.load(pk), "patient")

    @operation(
        "patients_edit",
        "Ändra det som vården håller: tolk, boende, läkemedelsförmån, Pascal, telefon i första hand",
        tag=TAG,
        body=PatientChanges,
        answer=PatientAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk):
        changes = self.body(PatientChanges)
        if not changes:
            raise InputError(body="Ange vad som ska ändras.")
        patients.edit(patient_id=pk, by=self.actor.user, at=self.at, version=self.version, **changes)
        return self._answer(presenters.load(pk), "patient ändrad")

    def _answer(self, patient, what):
        self.log([patient.pk], what, resource_id=patient.pk)
        return self.answer(patient_answer(patient, on=local_date(self.at)), version=patient.version)
