"""Series and coordinated visits: what is wished, before times are proposed (BO-02, PL-08). Read from an address; the
names are Swedish because they stand in it."""

from datetime import UTC, timedelta

from django import forms

from registration.models import ContactReason
from scheduling import planning
from scheduling.models import Resource, ResourceKind
from scheduling.rules import MOST_IN_PLAN
from sdv.common.fields import SwedishDateField, SwedishTimeField
from sdv.common.time import at_local

from .booking import FURTHEST, WITH, BookingForm, bookable_types

WEEKS = [("1", "varje vecka"), ("2", "varannan vecka"), ("3", "var tredje vecka"), ("4", "var fjärde vecka")]


class SeriesForm(BookingForm):
    """A series: besökstyp, orsak, vårdgivare, the first visit, how many and how often."""

    klockan = SwedishTimeField(label="Klockan", error_messages={"required": "Ange klockslaget."})
    antal = forms.IntegerField(
        label="Antal besök",
        min_value=2,
        max_value=MOST_IN_PLAN,
        error_messages={
            "min_value": "Minst 2 besök.",
            "max_value": f"Högst {MOST_IN_PLAN} besök.",
            "required": "Ange hur många.",
        },
    )
    varje = forms.ChoiceField(label="Hur ofta", choices=WEEKS)

    field_order = ["besokstyp", "orsak", "vardatagande", "resurs", "fran", "klockan", "antal", "varje"]

    def __init__(self, data, *, today, **kwargs):
        usual = {"fran": (today + timedelta(days=7)).isoformat(), "klockan": "09:00", "antal": "6", "varje": "1"}
        super().__init__(usual | {key: value for key, value in data.items() if value}, today=today, **kwargs)
        for name in ("till", "onskat", "begaran", "vy", "efter", *WITH):
            self.fields.pop(name, None)
        self.fields["fran"].label = "Första besöket"

    def proposals(self, *, care_unit, at, by):
        """A proposal for each visit, once everything is filled in."""
        words = self.cleaned_data
        return planning.series(
            care_unit=care_unit,
            wish=planning.Wish(self.visit_type, self.resource.pk if self.resource else None),
            first=at_local(words["fran"], words["klockan"]).astimezone(UTC),
            count=words["antal"],
            every_weeks=int(words["varje"]),
            at=at,
            by=by,
        )


class DaysForm(forms.Form):
    """Within which days a common day is sought."""

    fran = SwedishDateField(label="Tidigast", help_text="")
    till = SwedishDateField(label="Senast", help_text="Skriv +14d eller +3v.")

    def __init__(self, data, *, today):
        first = data.get("fran") or (today + timedelta(days=1)).isoformat()
        super().__init__({"fran": first, "till": data.get("till") or "+28d"}, auto_id="%s")
        self.today = today
        for field in self.fields.values():
            field._today = today

    def clean(self):
        found = super().clean()
        first, last = found.get("fran"), found.get("till")
        if first and last and not self.today <= first <= last <= self.today + FURTHEST:
            self.add_error("till", "Ange dagar från och med i dag, den sista inte före den första.")
        elif first and last and last - first > timedelta(days=92):
            self.add_error("till", "Sök högst 92 dagar åt gången.")
        return found


class WishForm(forms.Form):
    """One of the visits: besökstyp, orsak, vårdgivare, and the unit where the user may book at several. Empty where it is not
    wanted."""

    enhet = forms.ChoiceField(label="Vårdenhet", required=False)
    besokstyp = forms.ChoiceField(label="Besökstyp", required=False)
    orsak = forms.ChoiceField(label="Vårdkontaktsorsak", required=False)
    resurs = forms.ChoiceField(label="Vårdgivare", required=False)

    def __init__(self, data, *, care_unit, today, number, units=()):
        self.number = number
        units = {str(row.pk): row for row in units}
        self.care_unit = care_unit = units.get(data.get(f"{number}-enhet", ""), care_unit)
        self.visit_types = {str(row.pk): row for row in bookable_types(care_unit, today)}
        self.visit_type = self.visit_types.get(data.get(f"{number}-besokstyp", ""))
        self.reasons, self.resources = {}, {}
        if self.visit_type:
            offered = ContactReason.objects.offered_for(self.visit_type, today)
            self.reasons = {str(row.pk): row for row in offered}
            rows = Resource.objects.valid_on(today).filter(
                care_unit=care_unit,
                kind=ResourceKind.PERSON,
                practitioner__profession_id=self.visit_type.profession_id,
            )
            self.resources = {str(row.pk): row for row in rows}
        known = {"besokstyp": self.visit_types, "orsak": self.reasons, "resurs": self.resources}
        kept = {}
        for name, rows in known.items():
            given = data.get(f"{number}-{name}", "")
            kept[f"{number}-{name}"] = given if given in rows else ""
        kept[f"{number}-enhet"] = str(care_unit.pk) if len(units) > 1 else ""
        super().__init__(kept, prefix=str(number), auto_id="val-%s")
        self.fields["enhet"].choices = _named(units)
        if len(units) < 2:
            del self.fields["enhet"]
        self.fields["besokstyp"].choices = [("", "Inget besök"), *_named(self.visit_types)]
        self.fields["orsak"].choices = [("", "Välj orsak"), *_named(self.reasons)]
        self.fields["resurs"].choices = [("", "Alla vårdgivare"), *_named(self.resources)]
        self.kept = kept

    @property
    def contact_reason(self):
        return self.reasons.get(self.kept[f"{self.number}-orsak"])

    @property
    def wish(self):
        unit = self.care_unit if "enhet" in self.fields else None
        return planning.Wish(self.visit_type, self.kept[f"{self.number}-resurs"] or None, unit)


def _named(rows):
    return [(key, row.name) for key, row in rows.items()]
