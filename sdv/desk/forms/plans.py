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

from .booking import ALL_UNITS, EVERY_UNIT, FURTHEST, WITH, BookingForm, bookable_types, units_searched

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

    field_order = ["enhet", "besokstyp", "orsak", "vardatagande", "resurs", "fran", "klockan", "antal", "varje"]

    def __init__(self, data, *, today, **kwargs):
        usual = {"fran": (today + timedelta(days=7)).isoformat(), "klockan": "09:00", "antal": "6", "varje": "1"}
        super().__init__(usual | {key: value for key, value in data.items() if value}, today=today, **kwargs)
        for name in ("till", "onskat", "begaran", "remiss", "vy", "efter", *WITH):
            self.fields.pop(name, None)
        self.fields["fran"].label = "Första besöket"

    def proposals(self, *, units, at, by):
        """A proposal for each visit at one of the units, once everything is filled in."""
        words = self.cleaned_data
        return planning.series(
            care_unit=units[0],
            wish=_wish(self.visit_type, self.resource.pk if self.resource else None, units),
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
    """One of the visits: besökstyp, orsak, vårdgivare, and the unit or all of them where the user may book at several. Empty
    where it is not wanted."""

    enhet = forms.ChoiceField(label="Vårdenhet", required=False)
    besokstyp = forms.ChoiceField(label="Besökstyp", required=False)
    orsak = forms.ChoiceField(label="Vårdkontaktsorsak", required=False)
    resurs = forms.ChoiceField(label="Vårdgivare", required=False)

    def __init__(self, data, *, care_unit, today, number, units=()):
        self.number = number
        self.units = units_searched(data.get(f"{number}-enhet"), care_unit, [row for row in units if row != care_unit])
        care_unit = self.units[0]
        self.visit_types = {str(row.pk): row for row in bookable_types(care_unit, today)}
        self.visit_type = self.visit_types.get(data.get(f"{number}-besokstyp", ""))
        self.reasons, self.resources = {}, {}
        if self.visit_type:
            offered = ContactReason.objects.offered_for(self.visit_type, today)
            self.reasons = {str(row.pk): row for row in offered}
            rows = Resource.objects.there_from(today).filter(
                care_unit__in=self.units,
                kind=ResourceKind.PERSON,
                practitioner__profession_id=self.visit_type.profession_id,
            )
            self.resources = {str(row.pk): row for row in rows}
        known = {"besokstyp": self.visit_types, "orsak": self.reasons, "resurs": self.resources}
        kept = {}
        for name, rows in known.items():
            given = data.get(f"{number}-{name}", "")
            kept[f"{number}-{name}"] = given if given in rows else ""
        every = len(self.units) > 1
        kept[f"{number}-enhet"] = EVERY_UNIT if every else str(care_unit.pk) if len(units) > 1 else ""
        super().__init__(kept, prefix=str(number), auto_id="val-%s")
        self.fields["enhet"].choices = [*((str(row.pk), row.name) for row in units), (EVERY_UNIT, ALL_UNITS)]
        if len(units) < 2:
            del self.fields["enhet"]
        self.fields["besokstyp"].choices = [("", "Inget besök"), *_named(self.visit_types)]
        self.fields["orsak"].choices = [("", "Välj orsak"), *_named(self.reasons)]
        self.fields["resurs"].choices = [("", "Alla vårdgivare"), *_named(self.resources)]
        self.kept = kept

    @property
    def contact_reason(self):
        return self.reasons.get(self.kept[f"{self.number}-orsak"])

    def wish(self, units):
        """What is sought at those of its units that can be booked at; it names none where there is no choice of them."""
        given = self.kept[f"{self.number}-resurs"] or None
        return _wish(self.visit_type, given, units) if "enhet" in self.fields else planning.Wish(self.visit_type, given)


def _wish(visit_type, resource_id, units):
    return planning.Wish(visit_type, resource_id, units[0], tuple(units[1:]))


def _named(rows):
    return [(key, row.name) for key, row in rows.items()]
