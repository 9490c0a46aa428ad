"""Forms of the tab Relationer: the three editable fields of a guardian, and a contact person (RE-01, RE-02)."""

from django import forms

from sdv.common.fields import SwedishDateField


class GuardianForm(forms.Form):
    """All that users may change on a guardian (RE-01)."""

    phone = forms.CharField(
        label="Telefon",
        max_length=30,
        required=False,
        help_text="070-123 45 67 eller +45 12 34 56 78.",
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
    )
    interpreter_language = forms.CharField(label="Tolkspråk", max_length=60, required=False)
    gets_letter_copy = forms.BooleanField(label="Kopia av kallelse", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)


class ContactPersonForm(GuardianForm):
    """A contact person (RE-02)."""

    name = forms.CharField(label="Namn", max_length=200, error_messages={"required": "Ange kontaktpersonens namn."})
    relation = forms.CharField(
        label="Relation", max_length=60, required=False, help_text="Till exempel granne, syster eller god man."
    )
    valid_from = SwedishDateField(label="Från", required=False)
    valid_to = SwedishDateField(label="Till", required=False)
    field_order = ["name", "relation", "phone", "interpreter_language", "gets_letter_copy", "valid_from", "valid_to"]
