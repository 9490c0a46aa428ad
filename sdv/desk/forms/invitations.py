"""Forms of öppna kallelser (PL-26)."""

from datetime import timedelta

from django import forms

from registration.models import VisitType
from scheduling.rules import USUAL_INVITATION_DAYS, last_day_fault
from sdv.common.fields import SwedishDateField
from sdv.desk.forms.letters import LetterChoicesForm, files_to_choose


class InviteForm(LetterChoicesForm):
    """Until when the patient may book, and what the letter says beside the catalogue's texts. For a remiss, which besökstyp
    is to be booked."""

    visit_type = forms.ModelChoiceField(
        VisitType.objects.none(),
        label="Besökstyp",
        empty_label="Välj besökstyp",
        error_messages={"required": "Välj besökstyp."},
    )
    last_day = SwedishDateField(label="Sista dag att boka", error_messages={"required": "Ange sista dagen att boka."})
    field_order = ("visit_type", "last_day", "own_text", "language", "attachments")

    def __init__(self, data=None, *, care_unit, today, asks_visit_type):
        last_day = today + timedelta(days=USUAL_INVITATION_DAYS)
        super().__init__(data, offered=files_to_choose(care_unit, today), initial={"last_day": last_day})
        self.today = today
        self.fields["last_day"].widget.attrs["data-focus"] = True
        if asks_visit_type:
            self.fields["visit_type"].queryset = VisitType.objects.for_unit(care_unit, today).order_by("name")
        else:
            del self.fields["visit_type"]

    def clean_last_day(self):
        if fault := last_day_fault(last_day=self.cleaned_data["last_day"], today=self.today):
            raise forms.ValidationError(fault)
        return self.cleaned_data["last_day"]

    @property
    def choices(self):
        """The fields as the action takes them."""
        found = self.letter_choices | {"last_day": self.cleaned_data["last_day"]}
        return found | ({"visit_type": self.cleaned_data["visit_type"]} if "visit_type" in self.fields else {})


class EndForm(forms.Form):
    """Why nobody follows it any more."""

    reason = forms.CharField(
        label="Varför avslutas den?",
        max_length=200,
        error_messages={"required": "Ange varför den öppna kallelsen avslutas. Skälet sparas."},
    )
