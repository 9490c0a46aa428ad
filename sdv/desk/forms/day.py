"""What the day's moves ask for: arrival and cancellation."""

from django import forms

from scheduling.models import CancelledBy
from sdv.common.time import local_date
from sdv.desk.forms.afterwards import time_fields, true_time

IDENTITY_SHOWN = ["Legitimation", "Känd av personalen", "Intygad av annan", "Inte visad"]


class ArrivalForm(forms.Form):
    """How identity was shown has the usual answer preset (PA-09). When the patient came is asked where the visit's day has
    passed; else it is now, unless the true time is written (PL-15)."""

    identity_shown = forms.ChoiceField(
        label="Identiteten visad med", choices=[(each, each) for each in IDENTITY_SHOWN], required=False
    )
    interpreter_used = forms.BooleanField(label="Tolk används", required=False)

    def __init__(self, *args, start, at, **kwargs):
        super().__init__(*args, **kwargs)
        self.at, self.visit_day = at, local_date(start)
        self.is_past = self.visit_day < local_date(at)
        self.fields |= time_fields(day_help="Tomt: besökets dag.")
        if self.is_past:
            self.fields["clock"].help_text = "Besökets dag har passerat: när patienten kom."

    def clean_identity_shown(self):
        return self.cleaned_data["identity_shown"] or IDENTITY_SHOWN[0]

    def clean(self):
        words = super().clean()
        words["at"] = true_time(self, words, at=self.at, day=self.visit_day)
        if self.is_past and not words["at"] and not self.errors:
            self.add_error(
                "clock",
                f"Besöket var bokat {self.visit_day}. Välj det i dagens lista och skriv klockslaget då patienten kom.",
            )
        return words


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
    rest = forms.BooleanField(label="Avboka också de senare besöken i planen", required=False)

    def __init__(self, *args, rest=0, **kwargs):
        super().__init__(*args, **kwargs)
        if rest:
            what = "det senare besöket" if rest == 1 else f"de {rest} senare besöken"
            self.fields["rest"].label = f"Avboka också {what} i planen"
        else:
            del self.fields["rest"]
