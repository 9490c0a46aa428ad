"""Forms of the tidböcker: hours of the week, extra times of a day, absence (BO-01, PL-02)."""

from datetime import timedelta

from django import forms

from registration.models import VisitType
from scheduling.models import AbsenceKind, ResourceKind
from sdv.common.fields import SwedishDateField, SwedishTimeField

WEEKDAYS = [
    ("1", "måndag"), ("2", "tisdag"), ("3", "onsdag"), ("4", "torsdag"), ("5", "fredag"), ("6", "lördag"),
    ("7", "söndag"),
]  # fmt: skip
FURTHEST = timedelta(days=3 * 366)


class TimesForm(forms.Form):
    """From when to when, in slots of a length, for some besökstyper or all."""

    from_time = SwedishTimeField(label="Från kl.", error_messages={"required": "Ange från vilket klockslag."})
    to_time = SwedishTimeField(label="Till kl.", error_messages={"required": "Ange till vilket klockslag."})
    slot_minutes = forms.IntegerField(
        label="Tidslängd i minuter",
        min_value=5,
        max_value=600,
        initial=30,
        error_messages={"min_value": "Minst 5 minuter.", "max_value": "Högst 600 minuter."},
    )
    visit_types = forms.ModelMultipleChoiceField(
        VisitType.objects.none(), label="Bara för besökstyperna", required=False, help_text="Inget valt: alla."
    )

    def __init__(self, data=None, *, resource, today, **kwargs):
        super().__init__(data, **kwargs)
        self.today = today
        rows = VisitType.objects.for_unit(resource.care_unit, today).order_by("name")
        if resource.kind == ResourceKind.PERSON:
            rows = rows.filter(profession=resource.practitioner.profession_id)
        self.fields["visit_types"].queryset = rows

    def clean(self):
        found = super().clean()
        if found.get("from_time") and found.get("to_time") and found["to_time"] <= found["from_time"]:
            self.add_error("to_time", "Tiden ska sluta efter att den börjat.")
        return found

    def _near(self, name):
        day = self.cleaned_data[name]
        if day and not self.today <= day <= self.today + FURTHEST:
            raise forms.ValidationError("Ange ett datum från och med i dag och inom tre år.")
        return day


class HoursForm(TimesForm):
    """Hours of the week, from a day on."""

    weekdays = forms.MultipleChoiceField(
        label="Veckodagar",
        choices=WEEKDAYS,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Välj minst en veckodag."},
    )
    valid_from = SwedishDateField(label="Gäller från", error_messages={"required": "Ange från vilken dag."})
    valid_to = SwedishDateField(label="Gäller till och med", required=False, help_text="")
    on_holidays = forms.BooleanField(label="Gäller också helgdagar", required=False)

    field_order = ("weekdays", "from_time", "to_time", "slot_minutes", "valid_from", "valid_to", "visit_types")

    def clean_weekdays(self):
        return [int(day) for day in self.cleaned_data["weekdays"]]

    def clean_valid_from(self):
        return self._near("valid_from")

    def clean(self):
        found = super().clean()
        if found.get("valid_to") and found.get("valid_from") and found["valid_to"] < found["valid_from"]:
            self.add_error("valid_to", "Sista dagen ska inte ligga före den första.")
        return found


class ExtraForm(TimesForm):
    """Extra times of one day."""

    day = SwedishDateField(label="Dag", error_messages={"required": "Ange vilken dag."})
    replaces_week = forms.BooleanField(label="I stället för veckans tider", required=False)

    field_order = ("day", "from_time", "to_time", "slot_minutes", "visit_types", "replaces_week")

    def clean_day(self):
        return self._near("day")


class EndHoursForm(forms.Form):
    """The last day of some hours of the week."""

    valid_to = SwedishDateField(label="Sista dag", error_messages={"required": "Ange sista dagen."})


class AbsenceForm(forms.Form):
    """Who is absent, how, from when to when. Without times whole days are meant. Of an `absence` that is changed it is
    said how and when: whose it is stays."""

    resource = forms.ModelChoiceField(None, label="Vem eller vad", required=False, empty_label="Hela enheten stänger")
    kind = forms.ChoiceField(label="Slag", choices=AbsenceKind.choices)
    first_day = SwedishDateField(label="Första dag", error_messages={"required": "Ange första dagen."})
    first_time = SwedishTimeField(label="Från kl.", required=False, help_text="Tomt: hela dagen.")
    last_day = SwedishDateField(label="Sista dag", required=False, help_text="Tomt: samma dag.")
    last_time = SwedishTimeField(label="Till kl.", required=False, help_text="Tomt: hela dagen.")

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, *, today, care_unit=None, absence=None, **kwargs):
        super().__init__(data, **kwargs)
        self.today, self.earliest = today, today - timedelta(days=1)
        if absence is None:
            self.fields["resource"].queryset = care_unit.resources.there_from(today).order_by("name")
            return
        del self.fields["resource"]
        is_closure = absence.kind == AbsenceKind.CLOSURE
        self.fields["kind"].choices = [
            row for row in AbsenceKind.choices if (row[0] == AbsenceKind.CLOSURE) == is_closure
        ]
        self.earliest = min(self.earliest, self.initial["first_day"])

    def clean(self):
        found = super().clean()
        if not found.get("first_day"):
            return found
        found["last_day"] = found.get("last_day") or found["first_day"]
        for name in ("first_day", "last_day"):
            if not self.earliest <= found[name] <= self.today + FURTHEST:
                self.add_error(name, "Ange ett datum från och med i dag och inom tre år.")
        if found.get("first_day") and found.get("last_day") and found["last_day"] < found["first_day"]:
            self.add_error("last_day", "Sista dagen ska inte ligga före den första.")
        if "resource" not in self.fields:
            return found
        is_closure = found.get("kind") == AbsenceKind.CLOSURE
        if is_closure and found.get("resource"):
            self.add_error("kind", "Stängt gäller hela enheten. Välj ett annat slag för en person eller ett rum.")
        if not is_closure and not found.get("resource") and "resource" not in self.errors:
            self.add_error("resource", "Välj vem eller vad som är borta, eller slaget Stängt för hela enheten.")
        return found


class NewTimeForm(forms.Form):
    """One of the proposed times of an ombokning."""

    tid = forms.CharField(max_length=120, error_messages={"required": "Välj en av tiderna."})
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
