"""Brev: to the relatives of somebody who has died; read, confirmed as printed, stopped (PL-22)."""

from rest_framework import serializers

from registration.api.coded import RowId
from registration.api.patients import PatientSummary, known_patient, summary_of_row, with_identity
from registration.models import Patient
from scheduling.actions import letters
from scheduling.models import Letter, LetterKind, LetterStatus
from scheduling.presenters import shown_letter
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Choice, Fields, Id, Text
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

TAG = "Brev"


class LetterQuery(PageQuery):
    """Filters of brev."""

    care_unit = Id(required=False)
    patient = Id(required=False)
    status = Choice(choices=LetterStatus.values, required=False)
    kind = Choice(choices=LetterKind.values, required=False)


class NewLetterBody(Fields):
    """A letter to somebody near the one who has died (PL-22). Texts are kept as they are written."""

    patient = Id()
    care_unit = RowId(CareUnit)
    kind = Choice(choices=[LetterKind.TO_RELATIVES.value])
    relation = Id(required=False, help_text="Den närstående, där personen finns på patienten.")
    name = Text(max_length=200, allow_blank=True, required=False, help_text="Den närståendes namn, om inget anges.")
    address = Text(max_length=500, allow_blank=True)
    heading = Text(max_length=120, allow_blank=True)
    body = Text(max_length=10_000, allow_blank=True)
    reason = Text(max_length=200, allow_blank=True, help_text="Varför brevet skrivs; sparas.")


class StopLetterBody(Fields):
    """Why it is not sent."""

    reason = Text(max_length=200, allow_blank=True)


class LetterAnswer(Answer):
    """A letter as it stands on the paper. Texts are empty where the patient is protected (KA-05, SK-05)."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=LetterKind.values)
    status = serializers.ChoiceField(choices=LetterStatus.values)
    relation = serializers.UUIDField(allow_null=True)
    sender = serializers.CharField()
    recipient = serializers.CharField()
    heading = serializers.CharField()
    body = serializers.CharField()
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField(allow_null=True)
    stop_reason = serializers.CharField()


def letter_rows():
    """Letters with everything that their answer shows, in one query."""
    return with_identity(Letter.objects.select_related("patient", "decided_by"))


def letter_answer(row, *, on):
    shown = shown_letter(row)
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "kind": row.kind,
        "status": row.status,
        "relation": str(row.relation_id) if row.relation_id and not shown.is_hidden else None,
        "sender": row.sender,
        "recipient": shown.recipient,
        "heading": shown.heading,
        "body": shown.body,
        "reason": shown.reason,
        "created_at": moment(row.created_at),
        "decided_at": moment(row.decided_at),
        "decided_by": row.decided_by.name if row.decided_by else None,
        "stop_reason": row.stop_reason,
    }


class _Letter(Endpoint):
    def shown(self, pk, what, *, status=200):
        row = letter_rows().get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(letter_answer(row, on=local_date(self.at)), status=status, version=row.version)

    def require_at(self, pk):
        self.require(Letter.objects.values_list("care_unit_id", flat=True).get(pk=pk))


class Letters(_Letter):
    """GET and POST letters/."""

    permissions = {"GET": Permission.WRITE_LETTERS, "POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_list",
        "Brev från enheten, senast skrivna först",
        tag=TAG,
        query=LetterQuery,
        answer=page_of("LetterPage", LetterAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(LetterQuery)
        rows = letter_rows().filter(care_unit__in=self.at_units(asked.get("care_unit")))
        for name in ("patient", "status", "kind"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="created_at", newest_first=True)
        self.log([row.patient_id for row in page.rows], "brev", care_unit_id=asked.get("care_unit"))
        today = local_date(self.at)
        return self.answer(page.answer(lambda row: letter_answer(row, on=today)))

    @operation(
        "letters_create",
        "Skriv ett brev till närstående till den som avlidit",
        tag=TAG,
        body=NewLetterBody,
        answer=LetterAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(NewLetterBody)
        self.require_for_body(asked["care_unit"].pk)
        asked.pop("kind")
        asked = {"name": "", "relation_id": asked.pop("relation", None)} | asked
        try:
            letter = letters.write_to_relatives(
                patient_id=asked.pop("patient"), **asked, by=self.actor.user, at=self.at
            )
        except Patient.DoesNotExist:
            raise known_patient() from None
        return self.shown(letter.pk, "brev skrivet", status=201)


class OneLetter(_Letter):
    """GET letters/{id}/."""

    permissions = {"GET": Permission.WRITE_LETTERS}

    @operation("letters_read", "Läs ett brev", tag=TAG, answer=LetterAnswer)
    def get(self, request, pk):
        self.require_at(pk)
        return self.shown(pk, "brev")


class LetterPrinted(_Letter):
    """POST letters/{id}/printed/."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_printed",
        "Bekräfta att brevet är utskrivet",
        tag=TAG,
        body=Fields,
        answer=LetterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        letters.confirm_printed(letter_id=pk, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "brev utskrivet")


class StopLetter(_Letter):
    """POST letters/{id}/stop/."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_stop",
        "Stoppa ett brev som inte är utskrivet",
        tag=TAG,
        body=StopLetterBody,
        answer=LetterAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(StopLetterBody)["reason"]
        letters.stop(letter_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "brev stoppat")
