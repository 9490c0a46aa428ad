"""A kallelse as it would be written, before the time is had (KA-01)."""

from rest_framework import serializers

from registration.actions.encounters import refuse_deceased
from registration.api.coded import ContactReasonCode, RowId, VisitTypeCode
from registration.api.patients import known_patient
from registration.models import CareCommitment, Patient
from scheduling.actions import letter_preview, wait_letters
from scheduling.models import Appointment, CancelledBy, Delivery, LetterKind, LetterLanguage, Resource
from scheduling.models.letter import ABOUT_A_WAIT
from sdv.accounts.api.endpoint import Endpoint, known
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Answer, Choice, Fields, Id, Moment
from sdv.common.errors import InputError
from sdv.organisation.models import CareUnit

from .letter_choices import LetterChoicesBody, choices_of
from .letters import TAG, LetterParts, who_waits


class LetterPreviewBody(Fields):
    """What is to be booked; or a booking that is to have another time; or who waits, and which letter."""

    patient = Id(required=False)
    care_unit = RowId(CareUnit, required=False)
    visit_type = VisitTypeCode(required=False)
    contact_reason = ContactReasonCode(required=False)
    commitment = Id(required=False, allow_null=True)
    appointment = Id(required=False, help_text="En bokning som får en annan tid, i stället för det ovan.")
    changed_by = Choice(choices=CancelledBy.values, required=False)
    start = Moment(required=False, help_text="Behövs utom till den som väntar.")
    kind = Choice(
        choices=[kind.value for kind in (*ABOUT_A_WAIT, LetterKind.REFERRAL_RECEIPT)],
        required=False,
        help_text="Vilket brev till den som väntar, med exakt en av booking_request och referral.",
    )
    booking_request = Id(required=False)
    referral = Id(required=False)
    resource = Id(required=False, help_text="Den som patienten träffar.")
    letter_choices = LetterChoicesBody(required=False)


class LetterPreviewAnswer(Answer):
    """The letter's words, that are in no letter yet. `missing` says why it could not be written."""

    kind = serializers.ChoiceField(choices=LetterKind.values)
    delivery = serializers.ChoiceField(choices=Delivery.values)
    language = serializers.ChoiceField(choices=LetterLanguage.values)
    is_large_print = serializers.BooleanField()
    sender = serializers.CharField()
    recipient = serializers.CharField()
    heading = serializers.CharField()
    body = serializers.CharField()
    parts = LetterParts()
    missing = serializers.CharField()


class LetterPreview(Endpoint):
    """POST letters/preview/: reads and saves nothing; posted because of what it asks."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_preview",
        "Läs kallelsen som den skulle skrivas; inget sparas",
        tag=TAG,
        body=LetterPreviewBody,
        answer=LetterPreviewAnswer,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(LetterPreviewBody)
        if "kind" in asked:
            unit, patient, letter = self._wait(asked)
        elif "start" not in asked:
            raise InputError(start="Uppgiften saknas.")
        else:
            unit, patient, letter = self._change(asked) if "appointment" in asked else self._booking(asked)
        self.log([patient.pk], "brev", care_unit_id=unit.pk)
        names = ("kind", "delivery", "language", "is_large_print", "sender", "recipient", "heading", "body")
        parts = letter.parts or {"facts": [], "sections": []}
        told = {name: getattr(letter, name) for name in names}
        return self.answer(told | {"parts": parts, "missing": letter.stop_reason})

    def _wait(self, asked):
        subject, row_id, unit_id = who_waits(asked)
        self.require_for_body(unit_id)
        if asked["kind"] not in wait_letters.KINDS[subject]:
            raise InputError(kind="Brevet skrivs inte till den som väntar så.")
        told = {"subject": subject, "row_id": row_id, "kind": asked["kind"], "at": self.at}
        letter = letter_preview.of_wait(**told, letter_choices=_chosen(asked))
        return letter.care_unit, letter.patient, letter

    def _change(self, asked):
        related = ("care_unit__facility__care_provider", "patient", "encounter__visit_type__profession")
        booking = Appointment.objects.filter(pk=asked["appointment"]).values("pk", "care_unit_id").first()
        known(booking, appointment="Bokningen")
        self.require_for_body(booking["care_unit_id"])
        row = Appointment.objects.select_related(*related).get(pk=booking["pk"], care_unit=booking["care_unit_id"])
        refuse_deceased(row.patient)
        letter = letter_preview.of_change(
            row, changed_by=asked.get("changed_by", ""), **self._same(asked, row.care_unit)
        )
        return row.care_unit, row.patient, letter

    def _booking(self, asked):
        names = ("patient", "care_unit", "visit_type", "contact_reason")
        if missing := {name: "Uppgiften saknas." for name in names if name not in asked}:
            raise InputError(**missing)
        unit = asked["care_unit"]
        self.require_for_body(unit.pk)
        patient = Patient.objects.present().filter(pk=asked["patient"]).first()
        if patient is None:
            raise known_patient()
        refuse_deceased(patient)
        commitments = CareCommitment.objects.filter(patient=patient, care_unit=unit)
        letter = letter_preview.of_booking(
            patient=patient,
            care_unit=unit,
            visit_type=asked["visit_type"],
            contact_reason_id=asked["contact_reason"].pk,
            commitment=commitments.filter(pk=asked.get("commitment")).first() if asked.get("commitment") else None,
            **self._same(asked, unit),
        )
        return unit, patient, letter

    def _same(self, asked, unit):
        resource = None
        if "resource" in asked:
            found = Resource.objects.filter(pk=asked["resource"], care_unit=unit).select_related("practitioner").first()
            resource = known(found, resource="Resursen")
        return {
            "start": asked["start"],
            "caregiver": resource.practitioner if resource else None,
            "letter_choices": _chosen(asked),
            "at": self.at,
        }


def _chosen(asked):
    return choices_of(asked["letter_choices"]) if "letter_choices" in asked else None
