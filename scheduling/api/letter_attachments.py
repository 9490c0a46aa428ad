"""Bilagor by REST: what the unit may enclose today, and what went with a letter, byte for byte (KA-03)."""

from base64 import b64encode

from rest_framework import serializers

from scheduling.models import LetterAttachment
from scheduling.presenters import is_hidden
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Answer, Fields, Id
from sdv.common.time import local_date

from .letters import TAG, AttachmentAnswer, LetterEndpoint, attachment_answer, letter_rows


class AttachmentFileAnswer(AttachmentAnswer):
    """The file itself."""

    pdf = serializers.CharField(help_text="base64")


class AttachmentFilesAnswer(Answer):
    """The files of a letter."""

    results = AttachmentFileAnswer(many=True)


class AttachmentsAnswer(Answer):
    """What the unit may enclose today."""

    results = AttachmentAnswer(many=True)


class AttachmentQuery(Fields):
    """At which unit."""

    care_unit = Id()


class LetterAttachments(Endpoint):
    """GET letter-attachments/."""

    permissions = {"GET": Permission.WRITE_LETTERS}

    @operation(
        "letter_attachments_list",
        "Bilagor som enheten kan skicka med i dag",
        tag=TAG,
        query=AttachmentQuery,
        answer=AttachmentsAnswer,
        has_id=False,
    )
    def get(self, request):
        (unit_id,) = self.at_units(self.query(AttachmentQuery)["care_unit"])
        rows = LetterAttachment.objects.offered(unit_id, local_date(self.at)).defer("pdf").order_by("name", "id")
        return self.answer({"results": [attachment_answer(row) for row in rows]})


class AttachmentsOfLetter(LetterEndpoint):
    """GET letters/{id}/attachments/."""

    permissions = {"GET": Permission.WRITE_LETTERS}

    @operation(
        "letters_attachments",
        "Läs bilagorna som de gick med brevet, byte för byte",
        tag=TAG,
        answer=AttachmentFilesAnswer,
    )
    def get(self, request, pk):
        self.require_at(pk)
        row = letter_rows().get(pk=pk)
        kept = LetterAttachment.objects.filter(enclosures__letter=row).order_by("name", "id")
        self.log([row.patient_id], "brev", care_unit_id=row.care_unit_id, resource_id=row.pk)
        files = [] if is_hidden(row) else kept
        return self.answer(
            {"results": [attachment_answer(each) | {"pdf": b64encode(each.pdf).decode("ascii")} for each in files]}
        )
