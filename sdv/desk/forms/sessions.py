"""Login and personal settings."""

from django import forms
from django.contrib.auth import authenticate

from sdv.accounts.models import Density


class LoginForm(forms.Form):
    """Name and password. One sentence whatever was wrong: it never tells which names exist."""

    username = forms.CharField(
        label="Användarnamn",
        max_length=80,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": "Skriv ditt användarnamn."},
    )
    password = forms.CharField(
        label="Lösenord",
        strip=False,
        max_length=200,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": "Skriv ditt lösenord."},
    )

    def __init__(self, *args, request=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request
        self.user = None

    def clean(self):
        cleaned = super().clean()
        if self.errors:
            return cleaned
        self.user = authenticate(self.request, username=cleaned["username"], password=cleaned["password"])
        if self.user is None:
            raise forms.ValidationError("Användarnamn och lösenord stämmer inte. Kontrollera dem och försök igen.")
        return cleaned


class PreferencesForm(forms.Form):
    """What a person may set for his or her own screens."""

    density = forms.ChoiceField(label="Radhöjd i listor", widget=forms.RadioSelect, choices=Density.choices)
    shortcuts = forms.BooleanField(
        label="Bokstäver är kortkommandon när en lista har fokus",
        help_text="Stäng av om du styr datorn med rösten. Funktionstangenter och Ctrl-kommandon fungerar ändå.",
        required=False,
    )
    hide_identities = forms.BooleanField(
        label="Dölj personnummer i listor",
        help_text="När andra kan se skärmen, till exempel över disken.",
        required=False,
    )
