"""Forms of deliveries to registers (PAR-01)."""

from datetime import date

from django import forms

from classification.register.selection import period_due, period_ending

WHOLE = "alla"


class PeriodChoiceForm(forms.Form):
    """Which three months: the usual ones, or those of an earlier delivery."""

    till = forms.ChoiceField(label="Tre månader till och med", error_messages={"required": "Välj månad."})

    omfattning = forms.ChoiceField(
        label="Omfattning", required=False, choices=[("", "Min vårdenhet"), (WHOLE, "Hela vårdgivaren")]
    )

    def __init__(self, data, *, today):
        super().__init__(data or {"till": f"{period_due(today).last:%Y-%m}"})
        last, choices = period_due(today).last, []
        for _ in range(12):
            choices.append((f"{last:%Y-%m}", f"{last:%Y-%m} ({period_ending(last)})"))
            last = last.replace(day=1) - (last.replace(day=2) - last.replace(day=1))
        self.fields["till"].choices = choices

    @property
    def is_whole(self):
        """Whether the whole care provider is looked at: for a large one that takes its time."""
        return self.cleaned_data["omfattning"] == WHOLE

    @property
    def period(self):
        """The Period of the valid form."""
        year, month = (int(part) for part in self.cleaned_data["till"].split("-"))
        return period_ending(date(year, month, 1))
