"""A patient is set to deceased by hand, what that ended and left to do, the date corrected, and its undo (AV-01…03)."""

from collections import Counter

from rest_framework import serializers

from registration import presenters
from registration.api.patients import PatientAnswer, patient_answer
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Day, Fields, Text
from sdv.common.time import local_date
from sdv.flows import deceased
from sdv.flows.models import DeceasedCascade

TAG = "Patienter"
LONGEST_DATE = len("2026-10-29")


class DeceasedBody(Fields):
    """The day, and how the death is known (AV-01)."""

    date = Day()
    reason = Text(max_length=200, allow_blank=True, required=False)


class CorrectDeceasedBody(Fields):
    """The date as far as it is known, and why the one registered is wrong (AV-01)."""

    date = Text(max_length=LONGEST_DATE, help_text="ÅÅÅÅ, ÅÅÅÅ-MM eller ÅÅÅÅ-MM-DD.")
    reason = Text(max_length=200, allow_blank=True)


class UndoDeceasedBody(Fields):
    """Why it was wrong (AV-03)."""

    reason = Text(max_length=200, allow_blank=True)


class LeftAnswer(Answer):
    """What the cascade leaves to a person (AV-02)."""

    encounter = serializers.UUIDField(allow_null=True, help_text="null: vid en annan vårdenhet.")
    encounter_type = serializers.CharField()
    care_unit = serializers.CharField()
    start = serializers.DateTimeField()
    what_to_do = serializers.CharField()


class ChangedAnswer(Answer):
    """How many of a kind the cascade ended."""

    kind = serializers.CharField()
    count = serializers.IntegerField()
    text = serializers.CharField()


class DeathAnswer(Answer):
    """The death as registered, and what the cascade ended at all units."""

    date = serializers.DateField(help_text="Den sista möjliga dagen, där dagen inte är känd.")
    text = serializers.CharField()
    source = serializers.CharField()
    reason = serializers.CharField()
    registered_at = serializers.DateTimeField()
    registered_by = serializers.CharField(allow_null=True)
    is_pending = serializers.BooleanField(help_text="Bokningar och begäran avslutas strax av systemet.")
    register_date = serializers.CharField(help_text="Dödsdatum enligt folkbokföringen; tomt: ingen uppgift.")
    register_withdrew_at = serializers.DateTimeField(allow_null=True)
    changed = ChangedAnswer(many=True)


class DeceasedAnswer(PatientAnswer):
    """The patient, the death, and what is left to do by hand."""

    death = DeathAnswer(allow_null=True)
    left_to_do = LeftAnswer(many=True)


class FreeTimeAnswer(Answer):
    resource = serializers.UUIDField()
    name = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class NotRestoredAnswer(Answer):
    """Something that could not be restored: why, and what to do instead (AV-03, PL-07)."""

    kind = serializers.CharField()
    id = serializers.UUIDField()
    detail = serializers.CharField()
    proposal = serializers.ChoiceField(choices=["", "book", "admit"])
    alternatives = FreeTimeAnswer(many=True)


class UndoneAnswer(PatientAnswer):
    """The patient, and what could not be restored."""

    not_restored = NotRestoredAnswer(many=True)


class _Deceased(Endpoint):
    def patient(self, pk, what):
        patient = presenters.load(pk)
        self.log([patient.pk], what, resource_id=patient.pk)
        return patient, patient_answer(patient, on=local_date(self.at))

    def answered(self, pk, what):
        """The patient with the death that stands; null of the living."""
        patient, body = self.patient(pk, what)
        living = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=True).select_related("registered_by")
        cascade = living.first()
        body |= {
            "death": self.death(cascade, patient) if cascade else None,
            "left_to_do": self.left(cascade) if cascade else [],
        }
        return self.answer(body, version=patient.version)

    def death(self, cascade, patient):
        counts = Counter(cascade.changes.values_list("consumer", flat=True))
        return {
            "date": day(cascade.deceased_on),
            "text": presenters.deceased_text(patient),
            "source": cascade.get_source_display(),
            "reason": cascade.reason,
            "registered_at": moment(cascade.registered_at),
            "registered_by": cascade.registered_by.name if cascade.registered_by else None,
            "is_pending": cascade.run_at is None,
            "register_date": cascade.register_told,
            "register_withdrew_at": moment(cascade.register_withdrew_at),
            "changed": [
                {
                    "kind": each.name,
                    "count": counts[each.name],
                    "text": each.numbered(counts[each.name], is_done=True),
                }
                for each in deceased.CONSUMERS
                if counts[each.name]
            ],
        }

    def left(self, cascade):
        return [
            {
                "encounter": str(row.pk) if row.care_unit_id in self.actor.care_unit_ids else None,
                "encounter_type": row.type.name,
                "care_unit": row.care_unit.name,
                "start": moment(row.start),
                "what_to_do": deceased.what_to_do(row),
            }
            for row in deceased.left_to_do(cascade)
        ]


class Deceased(_Deceased):
    """GET, POST and PATCH patients/{id}/deceased/."""

    permissions = {
        "GET": Permission.VIEW_PATIENTS,
        "POST": Permission.SET_DECEASED,
        "PATCH": Permission.SET_DECEASED,
    }

    @operation(
        "patients_deceased_read",
        "Läs dödsfallet: vad som avslutades, och vad som är kvar att göra",
        tag=TAG,
        answer=DeceasedAnswer,
    )
    def get(self, request, pk):
        return self.answered(pk, "avliden")

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
        deceased.register(
            patient_id=pk,
            deceased_on=asked["date"],
            reason=asked.get("reason", ""),
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self.answered(pk, "avliden registrerad")

    @operation(
        "patients_deceased_correct",
        "Rätta dödsdatum som registrerats för hand",
        tag=TAG,
        body=CorrectDeceasedBody,
        answer=DeceasedAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk):
        asked = self.body(CorrectDeceasedBody)
        deceased.correct_date(
            patient_id=pk,
            died_on=asked["date"],
            reason=asked["reason"],
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self.answered(pk, "dödsdatum rättat")


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
        deceased.undo(patient_id=pk, reason=reason, by=self.actor.user, at=self.at)
        patient, body = self.patient(pk, "avliden ångrad")
        cascade = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=False).latest("id")
        left = [_not_restored(each) for each in deceased.proposals(cascade, at=self.at)]
        return self.answer(body | {"not_restored": left}, version=patient.version)


def _not_restored(each):
    return {
        "kind": each.consumer,
        "id": each.row_id,
        "detail": each.sentence,
        "proposal": each.proposal,
        "alternatives": [
            {
                "resource": str(time.resource.pk),
                "name": time.resource.name,
                "start": moment(time.start),
                "end": moment(time.end),
            }
            for time in each.times
        ],
    }
