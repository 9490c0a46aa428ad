"""Brev to several who wait, by REST: all or none, with why for each whom it does not fit (KA-01, PL-08, PL-10)."""

from rest_framework import serializers

from registration.api.coded import RowId
from scheduling.actions import misfits, wait_letters
from scheduling.models import LetterKind, LetterLanguage, LetterStatus
from scheduling.models.letter import ABOUT_A_WAIT, OWN_TEXT_LENGTH
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Answer, Choice, Fields, Id, Listed, Text
from sdv.common.errors import InputError
from sdv.organisation.models import CareUnit

from .letter_choices import choices_of
from .letters import TAG


class WriteManyBody(Fields):
    """The same letter to the patients of several waiting rows of one unit: bokningsbegäran, or remisser in Att boka. Where
    one of them cannot get it nothing is saved, and `errors` of the answer say why for each; those in `leave_out` get none."""

    care_unit = RowId(CareUnit)
    kind = Choice(choices=[kind.value for kind in (*ABOUT_A_WAIT, LetterKind.REFERRAL_RECEIPT)])
    booking_requests = Listed(Id(), max_length=misfits.MOST, required=False)
    referrals = Listed(Id(), max_length=misfits.MOST, required=False)
    leave_out = Listed(Id(), max_length=misfits.MOST, required=False)
    own_text = Text(max_length=OWN_TEXT_LENGTH, allow_blank=True, required=False, help_text="Egen text i breven.")
    language = Choice(choices=LetterLanguage.values, required=False)
    attachments = Listed(Id(), max_length=10, required=False)


class WrittenAnswer(Answer):
    """Which letters were written, and how many of them lack something and stand among the unit's brev."""

    letters = serializers.ListField(child=serializers.UUIDField())
    blocked_letters = serializers.IntegerField()


class WriteMany(Endpoint):
    """POST letters/write-many/."""

    permissions = {"POST": Permission.WRITE_LETTERS}

    @operation(
        "letters_write_many",
        "Skriv brev till flera som väntar: alla eller ingen, med varför för var och en som inte passar",
        tag=TAG,
        body=WriteManyBody,
        answer=WrittenAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(WriteManyBody)
        unit = asked["care_unit"]
        self.require_for_body(unit.pk)
        named = [subject for subject in wait_letters.SUBJECTS if f"{subject}s" in asked]
        if len(named) != 1:
            raise InputError(booking_requests="Ange vilka som väntar: exakt en av booking_requests och referrals.")
        (subject,) = named
        written = wait_letters.write_many(
            subject=subject,
            row_ids=asked[f"{subject}s"],
            kind=asked["kind"],
            leave_out=asked.get("leave_out", ()),
            care_unit=unit,
            **choices_of(asked),
            by=self.actor.user,
            at=self.at,
        )
        self.log([letter.patient_id for letter in written], "brev skrivet", care_unit_id=unit.pk)
        lacking = sum(letter.status == LetterStatus.BLOCKED for letter in written)
        return self.answer({"letters": sorted(str(row.pk) for row in written), "blocked_letters": lacking}, status=201)
