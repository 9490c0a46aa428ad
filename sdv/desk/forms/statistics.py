"""The filter row of the statistics (ui.md 4.12). Its fields are the address's own words, so that a report can be kept
and sent as an address."""

from datetime import timedelta

from django import forms

from classification.production import AGE_LABELS, AGES
from classification.statistics import Asked
from registration.models import Sex
from sdv.common.dates import LONGEST_PERIOD
from sdv.common.fields import SwedishDateField

ALL = ("", "Alla")


class PeriodForm(forms.Form):
    """From which day to which, both included."""

    fran = SwedishDateField(label="Från och med", help_text="", error_messages={"required": "Ange första dagen."})
    till = SwedishDateField(label="Till och med", help_text="", error_messages={"required": "Ange sista dagen."})

    def __init__(self, query, *, today):
        first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        # What the address leaves out is the usual: this month and the one before it.
        super().__init__({"fran": first.isoformat(), "till": today.isoformat()} | query.dict())

    def clean(self):
        cleaned = super().clean()
        first, last = cleaned.get("fran"), cleaned.get("till")
        if first and last and last < first:
            self.add_error("till", "Sista dagen ligger före den första.")
        elif first and last and (last - first).days >= LONGEST_PERIOD:
            self.add_error("till", "En rapport omfattar högst tre år. Välj en kortare period.")
        return cleaned


class StatisticsForm(PeriodForm):
    """Which contacts the production statistics count (ST-01)."""

    besokstyp = forms.ChoiceField(label="Besökstyp", required=False)
    kon = forms.ChoiceField(
        label="Kön", required=False, choices=[ALL, *((k, label.capitalize()) for k, label in Sex.choices)]
    )
    alder = forms.ChoiceField(
        label="Ålder", required=False, choices=[ALL, *((str(age), AGE_LABELS[age]) for age in AGES)]
    )

    def __init__(self, query, *, today, visit_types):
        super().__init__(query, today=today)
        self.fields["besokstyp"].choices = [ALL, *visit_types]

    def asked(self, care_unit):
        """What the valid form asks for."""
        given = self.cleaned_data
        return Asked(
            care_unit_ids=(care_unit.pk,),
            first=given["fran"],
            last=given["till"],
            visit_type=given["besokstyp"],
            sex=given["kon"],
            age=int(given["alder"]) if given["alder"] else None,
        )
