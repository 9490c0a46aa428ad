"""Fields of bodies that name a row: a catalogue value by its code, anything else by its id."""

from rest_framework import serializers

from registration.models import AddOn, ContactReason, ProblemCode, VisitType
from sdv.common.api_fields import Id, Text
from sdv.common.time import local_date, now


class CodeOf(Text):
    """A catalogue value by its code; one that is not valid today cannot be chosen."""

    model = None
    words = "Värdet"

    def __init__(self, **options):
        super().__init__(max_length=120, **options)

    def to_internal_value(self, data):
        code = super().to_internal_value(data)
        super().run_validators(code)
        row = self.model.objects.valid_on(local_date(now())).filter(code=code).first()
        if row is None:
            raise serializers.ValidationError(
                f"{self.words} finns inte eller gäller inte i dag. Välj en kod ur katalogen."
            )
        return row

    def run_validators(self, value):
        """The text has been judged; what is given here is the row."""


class VisitTypeCode(CodeOf):
    model, words = VisitType, "Besökstypen"


class ContactReasonCode(CodeOf):
    model, words = ContactReason, "Vårdkontaktsorsaken"


class ProblemCodeCode(CodeOf):
    model, words = ProblemCode, "Problemkoden"


class AddOnCode(CodeOf):
    model, words = AddOn, "Tillvalet"


class RowId(Id):
    """The id of a row of `model`, read once."""

    def __init__(self, model, **options):
        super().__init__(**options)
        self.model = model

    def to_internal_value(self, data):
        row = self.model.objects.filter(pk=super().to_internal_value(data)).first()
        if row is None:
            self.fail("unknown")
        return row
