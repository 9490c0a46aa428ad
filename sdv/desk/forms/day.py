"""What the day's moves ask for: arrival and cancellation."""

from django import forms

from scheduling.models import CancelledBy

IDENTITY_SHOWN = ["Legitimation", "Känd av personalen", "Intygad av annan", "Inte visad"]


class ArrivalForm(forms.Form):
    """How identity was shown has the usual answer preset (PA-09)."""

    identity_shown = forms.ChoiceField(
        label="Identiteten visad med", choices=[(each, each) for each in IDENTITY_SHOWN], required=False
    )
    interpreter_used = forms.BooleanField(label="Tolk används", required=False)

    def clean_identity_shown(self):
        return self.cleaned_data["identity_shown"] or IDENTITY_SHOWN[0]


class CancelForm(forms.Form):
    """Who cancelled and why: both compulsory, nothing preselected (BO-03, PL-09)."""

    cancelled_by = forms.ChoiceField(
        label="Vem avbokar?",
        widget=forms.RadioSelect,
        choices=CancelledBy.choices,
        error_messages={"required": "Ange vem som avbokar: patienten eller vårdgivaren."},
    )
    reason = forms.CharField(
        label="Orsak",
        max_length=200,
        help_text="Till exempel sjuk, förhinder, vårdgivaren frånvarande. Inga journaluppgifter.",
        error_messages={"required": "Ange orsaken till avbokningen."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput)
