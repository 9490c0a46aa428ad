"""Forms of the patients' pages."""

from django import forms

from registration.models import ProtectionGround
from registration.names import search_words
from sdv.common.fields import SwedishDateField


def add_errors(form, error):
    """Puts an InputError's sentences at their fields; what has no field here stands over the form."""
    for field, sentences in error.errors.items():
        for sentence in sentences:
            form.add_error(field if field in form.fields else None, sentence)


class SearchForm(forms.Form):
    """A number in any spelling, or a name, perhaps with birth date (RI-01)."""

    q = forms.CharField(
        label="Personnummer eller namn",
        max_length=120,
        help_text="Hela numret, hur det än skrivs, eller början av namnen i valfri ordning.",
        error_messages={"required": "Skriv ett personnummer eller ett namn."},
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    birth_date = SwedishDateField(
        label="Födelsedatum", required=False, help_text="ÅÅÅÅ-MM-DD, om flera heter likadant."
    )

    @property
    def is_number(self):
        return any(sign.isdigit() for sign in self.cleaned_data.get("q", ""))

    def clean_q(self):
        text = self.cleaned_data["q"]
        if not any(sign.isdigit() for sign in text) and len("".join(search_words(text))) < 2:
            raise forms.ValidationError("Skriv minst två bokstäver av namnet.")
        return text


class NumberForm(forms.Form):
    """The whole number of a patient."""

    identity = forms.CharField(
        label="Personnummer eller annat helt nummer",
        max_length=40,
        error_messages={"required": "Skriv patientens nummer."},
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )


class RegisterForm(forms.Form):
    """A patient nobody has registered before (PA-01)."""

    identity = forms.CharField(
        label="Personnummer, samordningsnummer eller reservID",
        max_length=40,
        help_text="Skriv ÅÅÅÅMMDD-NNNN. Kontrollsiffran prövas.",
        error_messages={"required": "Skriv patientens nummer."},
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    given_name = forms.CharField(
        label="Förnamn", max_length=120, error_messages={"required": "Skriv patientens förnamn."}
    )
    middle_name = forms.CharField(label="Mellannamn", max_length=120, required=False)
    surname = forms.CharField(
        label="Efternamn", max_length=120, error_messages={"required": "Skriv patientens efternamn."}
    )


class ReserveForm(forms.Form):
    """The keys of RI-01: sought by first, then kept on the new reserve identity."""

    given_name = forms.CharField(
        label="Förnamn", max_length=120, error_messages={"required": "Skriv förnamnet, eller Okänd."}
    )
    surname = forms.CharField(
        label="Efternamn", max_length=120, error_messages={"required": "Skriv efternamnet, eller Okänd."}
    )
    birth_date = SwedishDateField(
        label="Födelsedatum", required=False, help_text="ÅÅÅÅ-MM-DD. Lämna tomt om det inte är känt."
    )
    sex = forms.ChoiceField(label="Kön", choices=[("0", "Okänt"), ("2", "Kvinna"), ("1", "Man")])
    identity = forms.CharField(
        label="Personnummer eller reservnummer",
        max_length=40,
        required=False,
        help_text="Också ett lokalt reservnummer från PASiS.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    lma = forms.CharField(
        label="LMA-nummer",
        max_length=40,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    passport = forms.CharField(
        label="Passnummer",
        max_length=40,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    passport_country = forms.CharField(label="Passets land", max_length=60, required=False)
    phone = forms.CharField(
        label="Telefon",
        max_length=30,
        required=False,
        help_text="Ett sätt att nå patienten med svar och tider.",
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
    )
    search = forms.UUIDField(required=False, widget=forms.HiddenInput)


class DecisionForm(forms.Form):
    """The verksamhetschef's decision, for somebody who has a personnummer (RI-03)."""

    has_personnummer = forms.BooleanField(
        label="Personen har personnummer, och verksamhetschefen har beslutat om reservnummer",
        required=False,
        help_text="Reservnumret länkas inte till personnumret. Skyddade personuppgifter är aldrig skäl.",
    )
    decided_by = forms.CharField(label="Beslutat av verksamhetschef", max_length=120, required=False)
    decided_on = SwedishDateField(label="Beslutsdatum", required=False)
    reason = forms.CharField(label="Skäl", max_length=300, required=False)


class OpenForm(forms.Form):
    """Why a protected person whom the unit does not know is opened (PL-24)."""

    reason = forms.CharField(
        label="Varför behöver du öppna patienten?",
        max_length=60,
        help_text="Till exempel: patienten ringer om en tid. Skälet sparas i åtkomstloggen.",
        error_messages={"required": "Ange ett skäl. Det sparas i åtkomstloggen."},
    )
    next = forms.CharField(required=False, widget=forms.HiddenInput)


class DeceasedForm(forms.Form):
    """Avliden, set by hand (AV-01)."""

    deceased_on = SwedishDateField(label="Dödsdatum", error_messages={"required": "Ange dödsdatum."})
    reason = forms.CharField(
        label="Hur är dödsfallet känt?",
        max_length=200,
        help_text="Till exempel dödsbevis från läkare, eller anhörig med intyg.",
        error_messages={"required": "Ange hur dödsfallet är känt, till exempel dödsbevis."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class CorrectDeceasedForm(forms.Form):
    """Another date than the one registered by hand, as far as it is known (AV-01)."""

    died_on = forms.CharField(
        label="Dödsdatum",
        max_length=10,
        help_text="ÅÅÅÅ-MM-DD, eller ÅÅÅÅ-MM eller ÅÅÅÅ där dagen inte är känd.",
        error_messages={"required": "Ange dödsdatum så långt det är känt."},
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "numeric"}),
    )
    reason = forms.CharField(
        label="Varför rättas datumet?", max_length=200, error_messages={"required": "Ange varför datumet rättas."}
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class ProtectForm(forms.Form):
    """A sekretessmarkering by hand, and why (SK-04)."""

    ground = forms.ChoiceField(
        label="Varför sätts skyddet?",
        choices=[("", "Välj skäl"), *ProtectionGround.choices],
        error_messages={"required": "Välj varför skyddet sätts: visad ansökan eller akut hot."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class LiftForm(forms.Form):
    """Why a protection set by hand is lifted (SK-04)."""

    reason = forms.CharField(
        label="Varför hävs skyddet?",
        max_length=200,
        error_messages={"required": "Ange varför skyddet hävs. Skälet sparas."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class ContactWayForm(forms.Form):
    """Why the way to reach a protected person is looked up; kept in the access log (SK-05)."""

    reason = forms.CharField(
        label="Varför behöver du kontaktvägen?",
        max_length=60,
        help_text="Till exempel: kallelse till återbesök. Skälet sparas i åtkomstloggen.",
        error_messages={"required": "Ange ett skäl. Det sparas i åtkomstloggen."},
    )


class UndoDeceasedForm(forms.Form):
    """Avliden set by mistake (AV-03)."""

    reason = forms.CharField(
        label="Varför är uppgiften fel?",
        max_length=200,
        error_messages={"required": "Ange varför uppgiften om dödsfallet är fel."},
    )
