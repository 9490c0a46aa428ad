"""A contact that begins without a booking, and the questions of the guide to the right registration (VH-03, DI-09)."""

from django import forms

from registration import distance_contacts, type_choice
from registration.models import ContactForm, ContactReason, VisitType
from sdv.common.time import now
from sdv.desk.forms.afterwards import time_fields, true_time
from sdv.desk.forms.day import IDENTITY_SHOWN
from sdv.desk.forms.participants import ResponsibleField, people_of

# What can begin without a booking, in the order a desk meets it: word, label, hint, situation in typval.csv.
UNBOOKED = (
    ("akut", "Akut ankomst", "Patienten kommer till akutmottagningen", type_choice.EMERGENCY_ARRIVAL),
    ("drop-in", "Oplanerat besök", "Patienten är här utan bokad tid", type_choice.DROP_IN),
    (
        "utan-besok",
        "Kontakt utan besök",
        "Telefon, video, text eller mellan personal",
        type_choice.CONTACT_WITHOUT_VISIT,
    ),
    (
        "pagaende",
        "Pågående behandling",
        "Dialys: en lång vårdhändelse för läkemedel, som avslutas för hand",
        type_choice.ONGOING_TREATMENT,
    ),
    (
        "admin",
        "Admin",
        "Administrativ vårdhändelse utan kontakt: den räknas inte och har inget slut",
        type_choice.ADMINISTRATIVE,
    ),
)
# These have neither besökstyp nor vårdkontaktsorsak: nobody is met.
WITHOUT_REASON = {"pagaende", "admin"}
# At the emergency department a doctor's assessment comes later, and Admin meets nobody.
WITHOUT_RESPONSIBLE = {"akut", "admin"}
SITUATIONS = {word: situation for word, _, _, situation in UNBOOKED}


def unbooked_at(care_unit):
    """What the unit registers without a booking: the rows of typval.csv that name it (VH-03)."""
    found = [
        (word, label, hint)
        for word, label, hint, situation in UNBOOKED
        if type_choice.registers(care_unit.kind, situation)
    ]
    if found and found[0][0] == "akut":
        return [each for each in found if each[0] != "drop-in"]
    return found


# A change of patient or visit type shows what can then be chosen; without script a button does the same. A later change
# replaces a question still under way: its answer, which knows less, must not take back what has been chosen since.
ASK_AGAIN = {
    "hx-sync": "closest form:replace",
    "hx-post": "",
    "hx-trigger": "change",
    "hx-include": "closest form",
    "hx-vals": '{"step": "fill"}',
    "hx-target": "#unbooked",
}


class UnbookedForm(forms.Form):
    """A contact that begins without a booking (VH-03d, VH-03e): visit type and reason as for a booked one (VO-01)."""

    identity = forms.CharField(
        label="Personnummer eller reservnummer",
        max_length=20,
        help_text="Hela numret, med eller utan bindestreck.",
        widget=forms.TextInput({"inputmode": "text", "spellcheck": "false", "autocomplete": "off"}),
        error_messages={"required": "Skriv patientens personnummer."},
    )
    situation = forms.ChoiceField(
        label="Vad ska registreras?", widget=forms.RadioSelect, error_messages={"required": "Välj vad som registreras."}
    )
    visit_type = forms.ModelChoiceField(
        label="Besökstyp",
        queryset=VisitType.objects.none(),
        empty_label="Välj besökstyp",
        required=False,
        error_messages={"invalid_choice": "Besökstypen finns inte på enheten."},
    )
    contact_reason = forms.ModelChoiceField(
        label="Vårdkontaktsorsak",
        queryset=ContactReason.objects.none(),
        empty_label="Välj vårdkontaktsorsak",
        required=False,
        error_messages={
            "invalid_choice": "Orsaken kan inte väljas för besökstypen. Välj en av dem som visas.",
        },
    )
    contact_form = forms.ChoiceField(
        label="Form av kontakt",
        widget=forms.RadioSelect,
        choices=[each for each in ContactForm.choices if each[0] != ContactForm.PHYSICAL],
        required=False,
    )
    replaces_visit = forms.ChoiceField(
        label="Ersätter kontakten ett besök?",
        widget=forms.RadioSelect,
        choices=[("ja", "Ja: bedömning och beslut som vid ett besök"), ("nej", "Nej: annan kontakt")],
        required=False,
    )
    in_programme = forms.BooleanField(label="Del av stöd- och behandlingsprogram i 1177", required=False)
    commitment = forms.ModelChoiceField(
        label="Vårdåtagande",
        queryset=None,
        required=False,
        empty_label="Inget vårdåtagande",
        error_messages={"invalid_choice": "Vårdåtagandet är avslutat eller hör till en annan patient."},
    )
    responsible = ResponsibleField(required=False)
    identity_shown = forms.ChoiceField(
        label="Identiteten visad med", choices=[(each, each) for each in IDENTITY_SHOWN], required=False
    )
    interpreter_used = forms.BooleanField(label="Tolk används", required=False)

    def __init__(self, *args, care_unit, day, user=None, patient=None, commitments, **kwargs):
        super().__init__(*args, **kwargs)
        self.today = day
        self.fields |= time_fields()
        choices = unbooked_at(care_unit)
        self.fields["situation"].choices = [(word, f"{label} – {hint}") for word, label, hint in choices]
        if len(choices) == 1:
            self.fields["situation"].initial = choices[0][0]
        visit_types = VisitType.objects.for_unit(care_unit, day)
        self.fields["visit_type"].queryset = visit_types
        for name in ("visit_type", "identity"):
            self.fields[name].widget.attrs |= ASK_AGAIN
        if not visit_types.exists():
            # An emergency department books nothing and has no besökstyper; there is always a reason to choose (VO-03).
            del self.fields["visit_type"]
            unspecified = ContactReason.objects.valid_on(day).filter(is_unspecified=True, is_psychiatry_only=False)
            self.fields["contact_reason"].queryset = unspecified.order_by("name")
        people = people_of(care_unit, day)
        self.fields["responsible"].queryset = people
        self.fields["responsible"].initial = people.filter(user=user).first() if user else None
        self.fields["commitment"].queryset = commitments
        self.fields["commitment"].label_from_instance = lambda each: (
            f"{each.problem_code.name}, öppnat {each.opened_on}"
        )
        if patient is not None:
            del self.fields["identity"]
        chosen = self._chosen_visit_type(visit_types) if "visit_type" in self.fields else None
        if chosen:
            self.fields["contact_reason"].queryset = ContactReason.objects.offered_for(chosen, day).order_by("name")

    def _chosen_visit_type(self, visit_types):
        given = self["visit_type"].value()
        try:
            return visit_types.filter(pk=given).first() if given else None
        except (ValueError, TypeError, forms.ValidationError):
            return None

    def clean(self):
        cleaned = super().clean()
        cleaned["at"] = true_time(self, cleaned, at=now(), day=self.today)
        situation = cleaned.get("situation")
        for name, sentence in (("visit_type", "Välj besökstyp."), ("contact_reason", "Välj vårdkontaktsorsak.")):
            if situation in WITHOUT_REASON:
                cleaned[name] = None
            elif name in self.fields and not cleaned.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        if situation in WITHOUT_RESPONSIBLE:
            cleaned["responsible"] = None
        if situation == "utan-besok":
            if not cleaned.get("contact_form"):
                self.add_error("contact_form", "Ange hur kontakten skedde: telefon, video, text eller mellan personal.")
            if not cleaned.get("replaces_visit"):
                self.add_error("replaces_visit", "Ange om kontakten ersätter ett besök (DI-01).")
        return cleaned


# --- The guide ------------------------------------------------------------------------------------------------------

YES_AND_NO = {
    "in_programme": [("ja", "Ja"), ("nej", "Nej")],
    "replaces_visit": [
        (
            "ja",
            "Ja: bedömning och beslut om behandling, ändrad behandling eller utredning, eller behandling som vid ett besök",
        ),
        ("nej", "Nej: information, praktiska frågor, oförändrad behandling"),
    ],
    "led_to_visit": [("ja", "Ja"), ("nej", "Nej")],
    "is_documented": [("ja", "Ja"), ("nej", "Nej")],
}
CHOICES = {
    "who": distance_contacts.Counterpart.choices,
    "way": distance_contacts.Way.choices,
    **YES_AND_NO,
}
# Each answer asks for the next question; without script a button does the same.
ASK_NEXT = {
    "hx-get": "",
    "hx-trigger": "change",
    "hx-sync": "closest form:replace",
    "hx-include": "closest form",
    "hx-target": "#guide",
    "hx-push-url": "true",
}


class GuideForm(forms.Form):
    """The questions met so far (DI-09). What is not one of a question's answers is not answered."""

    def __init__(self, given):
        answered = {name: given.get(name, "") for name, choices in CHOICES.items() if given.get(name) in dict(choices)}
        self.answers = distance_contacts.Answers(
            **{name: value == "ja" if name in YES_AND_NO else value for name, value in answered.items()}
        )
        super().__init__(initial=answered)
        for name in distance_contacts.asked(self.answers):
            self.fields[name] = forms.ChoiceField(
                label=distance_contacts.QUESTIONS[name],
                choices=CHOICES[name],
                widget=forms.RadioSelect(ASK_NEXT),
            )
