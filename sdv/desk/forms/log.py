"""The filter of a patient's log."""

from datetime import timedelta

from django import forms

from sdv.common.fields import SwedishDateField
from sdv.common.time import start_of_day

OLDEST_YEAR, LAST_YEAR = 2000, 2200


class LogFilter(forms.Form):
    """Who, at which unit, what, and when. Everything may be left open."""

    user = forms.ChoiceField(label="Vem", required=False)
    care_unit = forms.ChoiceField(label="Enhet", required=False)
    what = forms.ChoiceField(label="Vad", required=False)
    from_day = SwedishDateField(label="Från och med", required=False, help_text="ÅÅÅÅ-MM-DD")
    to_day = SwedishDateField(label="Till och med", required=False, help_text="ÅÅÅÅ-MM-DD")

    def __init__(self, *args, choices, **kwargs):
        super().__init__(*args, **kwargs)
        for name, known in choices.items():
            self.fields[name].choices = [("", "Alla" if name != "what" else "Allt"), *known]

    def clean(self):
        told = super().clean()
        first, last = told.get("from_day"), told.get("to_day")
        for name, day in (("from_day", first), ("to_day", last)):
            if day and not OLDEST_YEAR <= day.year <= LAST_YEAR:
                self.add_error(name, f"Ange ett datum mellan åren {OLDEST_YEAR} och {LAST_YEAR}.")
        if first and last and last < first:
            self.add_error("to_day", "Slutdagen kan inte ligga före startdagen.")
        return told

    @property
    def asked(self):
        """What to filter by; midnights in Stockholm."""
        told = self.cleaned_data
        first, last = told.get("from_day"), told.get("to_day")
        return {
            **{name: told.get(name) for name in ("user", "care_unit", "what")},
            "first": start_of_day(first) if first else None,
            "before": start_of_day(last + timedelta(days=1)) if last else None,
        }
