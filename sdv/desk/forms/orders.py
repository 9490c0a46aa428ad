"""Forms of ordinationer (VH-03 j)."""

from django import forms

from registration.models import VisitType
from sdv.common.fields import SwedishDateField


class OrderForm(forms.Form):
    """What is ordered, and for when: a diagnostic besökstyp, or words."""

    visit_type = forms.ModelChoiceField(
        VisitType.objects.none(), label="Diagnostisk besökstyp", empty_label="Ingen: beskriv i stället", required=False
    )
    what = forms.CharField(
        label="Ordination",
        max_length=200,
        required=False,
        strip=False,
        help_text="Till exempel Blodstatus. Tomt tar besökstypens namn.",
    )
    planned_on = SwedishDateField(label="Planerad dag", error_messages={"required": "Ange vilken dag."})

    def __init__(self, *args, care_unit, today, **kwargs):
        super().__init__(*args, **kwargs)
        types = VisitType.objects.valid_on(today).filter(is_diagnostic=True, care_area=care_unit.care_area_id)
        self.fields["visit_type"].queryset = types


class CancelOrderForm(forms.Form):
    """Why it will not be done."""

    reason = forms.CharField(
        label="Varför makuleras ordinationen?",
        max_length=200,
        strip=False,
        error_messages={"required": "Ange varför ordinationen makuleras."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput)
