"""Forms of grupptillfällen: plan, change, cancel (BO-02)."""

from datetime import UTC

from django import forms
from django.urls import reverse_lazy

from registration.models import ContactReason
from scheduling.models import Resource
from scheduling.models.session import MOST_SEATS
from sdv.common.fields import SwedishDateField, SwedishTimeField
from sdv.common.time import at_local

from .booking import FURTHEST, bookable_types

SEATS = {"min_value": "Minst 1 plats.", "max_value": f"Högst {MOST_SEATS} platser.", "required": "Ange hur många."}


class WhenForm(forms.Form):
    """The time of a session and who leads it, where."""

    day = SwedishDateField(label="Dag", help_text="", error_messages={"required": "Ange dagen."})
    from_time = SwedishTimeField(label="Från kl.", error_messages={"required": "Ange när det börjar."})
    to_time = SwedishTimeField(label="Till kl.", error_messages={"required": "Ange när det slutar."})
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    resources = forms.ModelMultipleChoiceField(
        Resource.objects.none(),
        label="Vem som leder, och var",
        help_text="Flera yrkeskategorier är ett gruppteam. Håll Ctrl för att välja flera.",
        error_messages={"required": "Välj minst en person: ett tillfälle har någon som leder det."},
    )

    def __init__(self, data=None, *, care_unit, today, **kwargs):
        super().__init__(data, **kwargs)
        self.today = today
        rows = Resource.objects.there_from(today).filter(care_unit=care_unit)
        self.fields["resources"].queryset = rows.order_by("kind", "name")

    def clean_day(self):
        day = self.cleaned_data["day"]
        if not self.today <= day <= self.today + FURTHEST:
            raise forms.ValidationError("Ange en dag från och med i dag och inom ett och ett halvt år.")
        return day

    def clean(self):
        found = super().clean()
        if found.get("from_time") and found.get("to_time") and found["to_time"] <= found["from_time"]:
            self.add_error("to_time", "Tiden ska sluta efter att den börjat.")
        return found

    @property
    def times(self):
        """Start and end as moments."""
        words = self.cleaned_data
        return tuple(at_local(words["day"], words[name]).astimezone(UTC) for name in ("from_time", "to_time"))

    @property
    def resource_ids(self):
        return [row.pk for row in self.cleaned_data["resources"]]


class SeatsForm(forms.Form):
    """The name of a session and its seats."""

    name = forms.CharField(label="Benämning", max_length=120, error_messages={"required": "Ange vad gruppen heter."})
    seats = forms.IntegerField(label="Platser", min_value=1, max_value=MOST_SEATS, initial=8, error_messages=SEATS)
    extra_seats = forms.IntegerField(
        label="Platser för överbokning",
        min_value=0,
        max_value=MOST_SEATS,
        initial=0,
        required=False,
        error_messages=SEATS,
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, *, care_unit, **kwargs):
        super().__init__(data, **kwargs)
        if not care_unit.allows_overbooking:
            del self.fields["extra_seats"]

    def clean_extra_seats(self):
        return self.cleaned_data["extra_seats"] or 0


class SessionForm(SeatsForm, WhenForm):
    """A session to plan."""

    visit_type = forms.ChoiceField(label="Besökstyp", error_messages={"required": "Välj besökstyp."})
    contact_reason = forms.ModelChoiceField(
        ContactReason.objects.none(),
        label="Vårdkontaktsorsak",
        empty_label="Välj orsak",
        error_messages={"required": "Välj vårdkontaktsorsak: det ska alltid finnas exakt en."},
    )

    version = None
    field_order = ["name", "visit_type", "contact_reason", "day", "from_time", "to_time", "resources", "seats"]

    def __init__(self, data=None, *, care_unit, today, **kwargs):
        forms.Form.__init__(self, data, **kwargs)
        self.today = today
        self.visit_types = {str(row.pk): row for row in bookable_types(care_unit, today)}
        self.fields["visit_type"].choices = [
            ("", "Välj besökstyp"),
            *((key, row.name) for key, row in self.visit_types.items()),
        ]
        # What does not fit the besökstyp is refused with VO-02, not as unknown.
        self.fields["contact_reason"].queryset = ContactReason.objects.valid_on(today).order_by("name")
        if chosen := self.visit_types.get(self["visit_type"].value() or ""):
            offered = ContactReason.objects.offered_for(chosen, today)
            self.fields["contact_reason"].widget.choices = [
                ("", "Välj orsak"),
                *((row.pk, row.name) for row in offered.order_by("name")),
            ]
        self.fields["visit_type"].widget.attrs |= {
            "hx-get": str(reverse_lazy("contact-reason-options")),
            "hx-target": "#id_contact_reason",
            "hx-sync": "this:replace",
        }
        rows = Resource.objects.there_from(today).filter(care_unit=care_unit)
        self.fields["resources"].queryset = rows.order_by("kind", "name")
        if not care_unit.allows_overbooking:
            del self.fields["extra_seats"]

    @property
    def chosen_type(self):
        return self.visit_types[self.cleaned_data["visit_type"]]


class CancelSessionForm(forms.Form):
    """Why a session is cancelled."""

    reason = forms.CharField(
        label="Varför ställs tillfället in?",
        max_length=200,
        error_messages={"required": "Ange varför tillfället ställs in."},
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
