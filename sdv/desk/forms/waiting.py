"""Forms of waiting times (BO-04)."""

from django import forms

from registration.models import DeviationKind
from sdv.common.fields import SwedishDateField, SwedishTimeField
from sdv.common.time import at_local

from .statistics import PeriodForm


class DeviationForm(forms.Form):
    """Days of waiting that are not counted. The patient's choice has three conditions."""

    kind = forms.ChoiceField(
        label="Slag",
        choices=[("", "Välj slag"), *DeviationKind.choices],
        error_messages={"required": "Välj vad väntan beror på."},
    )
    starts_on = SwedishDateField(label="Från och med", error_messages={"required": "Ange första dagen."})
    ends_on = SwedishDateField(label="Till och med", required=False, help_text="Tom så länge hindret varar.")
    reason = forms.CharField(
        label="Skäl",
        max_length=200,
        help_text="Inga journaluppgifter.",
        error_messages={"required": "Ange skälet till avvikelsen."},
    )
    is_informed = forms.BooleanField(label="Patienten är informerad om vårdgarantin", required=False)
    offered_on = SwedishDateField(
        label="Erbjuden tid: dag", required=False, help_text="Inom vårdgarantin och erbjuden med god framförhållning."
    )
    offered_time = SwedishTimeField(label="Erbjuden tid: klockslag", required=False)
    has_declined = forms.BooleanField(label="Patienten har själv avstått", required=False)

    def clean(self):
        given = super().clean()
        day, clock = given.pop("offered_on", None), given.pop("offered_time", None)
        if bool(day) != bool(clock):
            self.add_error("offered_time" if day else "offered_on", "Ange både dag och klockslag.")
        given["offered_at"] = at_local(day, clock) if day and clock else None
        return given


class EndDeviationForm(forms.Form):
    """The last day that is not counted."""

    ends_on = SwedishDateField(label="Till och med", error_messages={"required": "Ange sista dagen."})


class WithdrawDeviationForm(forms.Form):
    """Why a deviation was wrong."""

    reason = forms.CharField(
        label="Varför återkallas den?",
        max_length=200,
        error_messages={"required": "Ange varför avvikelsen återkallas."},
    )


class WaitingForm(PeriodForm):
    """Who waits on the last day, and first contacts in the period."""
