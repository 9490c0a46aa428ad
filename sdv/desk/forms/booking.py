"""What is to be booked: the choices that narrow the free times (BO-01, VO-02). Read from an address or a posted form;
the names are Swedish because they stand in the address, the values are ids."""

from datetime import time, timedelta

from django import forms

from registration.models import ContactReason, NewOrReturn, VisitType
from scheduling.models import CancelledBy, Resource, ResourceKind
from sdv.common.fields import SwedishDateField

HORIZON = timedelta(days=28)
# Nobody books further ahead than this; a longer span would only search empty days.
FURTHEST = timedelta(days=550)


# What is had together with the vårdgivare, and any of its kind that is free.
WITH, ANY = ("med", "rum", "utrustning"), "ledigt"
WITH_KIND = {ResourceKind.PERSON: "med", ResourceKind.ROOM: "rum", ResourceKind.EQUIPMENT: "utrustning"}


# Every unit where the person may book, and the week in place of the list.
EVERY_UNIT, WEEK = "alla", "vecka"
ALL_UNITS = "Alla enheter där du får boka"


def units_searched(given, care_unit, elsewhere):
    """The units whose times are sought: one's own where nothing else is asked for (least right), the own first."""
    if given == EVERY_UNIT:
        return [care_unit, *elsewhere]
    return [next((unit for unit in elsewhere if str(unit.pk) == given), care_unit)]


class TimesForm(forms.Form):
    """With whom and when free times are sought."""

    resurs = forms.ChoiceField(label="Vårdgivare", required=False)
    fran = SwedishDateField(label="Från", help_text="")
    till = SwedishDateField(label="Till", help_text="Skriv +14d, +3v eller 1/12.")
    vy = forms.CharField(required=False, widget=forms.HiddenInput)
    # The list that the row is worked from: one comes back to it.
    tillbaka = forms.CharField(required=False, widget=forms.HiddenInput)

    resources = {}
    together = ()
    then = None

    def clean(self):
        cleaned = super().clean()
        first, last = cleaned.get("fran"), cleaned.get("till")
        for name in ("fran", "till", "onskat"):
            if cleaned.get(name) and cleaned[name] > self.today + FURTHEST:
                self.add_error(name, "Ange en dag inom ett och ett halvt år.")
        if first and last and last < first:
            self.add_error("till", "Sista dagen ska inte ligga före den första.")
        if cleaned.get("fran"):
            # An address kept since yesterday still works.
            cleaned["fran"] = max(cleaned["fran"], self.today)
        return cleaned

    @property
    def resource(self):
        return self.resources.get(self.data.get("resurs"))

    @property
    def shows_week(self):
        """Whether the times are shown as a week, not as a list."""
        return self.data.get("vy") == WEEK

    def kept(self):
        """The choices as they go on in the next form or address."""
        return {name: self._plain(name) for name in self.fields if self.data.get(name)}

    def _plain(self, name):
        value = getattr(self, "cleaned_data", {}).get(name, self.data[name])
        if isinstance(value, time):
            return f"{value:%H:%M}"
        return value.isoformat() if hasattr(value, "isoformat") else value

    def _named(self, row):
        return row.name

    def _offer_times(self, today):
        self.today = today
        if self.data.get("vy") not in ("", None, WEEK):
            self.data["vy"] = ""
        self.fields["resurs"].choices = [
            ("", "Alla vårdgivare"),
            *((key, self._named(row)) for key, row in self.resources.items()),
        ]
        for name in ("fran", "till", "onskat"):
            if name in self.fields:
                self.fields[name]._today = today


class BookingForm(TimesForm):
    """Enhet, besökstyp, vårdkontaktsorsak, vårdgivare, from–to, wished date and vårdåtagande. Choices depend on each
    other: give what is known as `data`; what does not fit the besökstyp falls away. `elsewhere` are the other units where
    the person may book (PL-25)."""

    enhet = forms.ChoiceField(label="Enhet", required=False)
    besokstyp = forms.ChoiceField(label="Besökstyp", required=False)
    orsak = forms.ChoiceField(label="Vårdkontaktsorsak", required=False)
    onskat = SwedishDateField(label="Önskat datum", required=False, help_text="Dagen patienten helst vill ha.")
    vardatagande = forms.ChoiceField(label="Vårdåtagande", required=False)
    med = forms.ChoiceField(
        label="Tillsammans med",
        required=False,
        help_text="En annan yrkeskategori blir ett teambesök. Vårdgivaren ovan är huvudansvarig.",
    )
    efter = forms.IntegerField(
        label="Därefter, minuter",
        required=False,
        min_value=5,
        max_value=240,
        help_text="Tomt: samtidigt. Annars tar den andra vid när vårdgivarens tid slutar, så många minuter.",
        error_messages={
            "min_value": "Minst 5 minuter.",
            "max_value": "Högst 240 minuter.",
            "invalid": "Skriv minuter.",
        },
    )
    rum = forms.ChoiceField(label="Rum", required=False)
    utrustning = forms.ChoiceField(label="Utrustning", required=False)
    begaran = forms.CharField(required=False, widget=forms.HiddenInput)
    remiss = forms.CharField(required=False, widget=forms.HiddenInput)

    field_order = [
        "enhet",
        "besokstyp",
        "orsak",
        "vardatagande",
        "resurs",
        "med",
        "efter",
        "rum",
        "utrustning",
        "fran",
        "till",
        "onskat",
        "begaran",
        "remiss",
    ]

    def __init__(self, data, *, care_unit, today, commitments=(), elsewhere=()):
        self.day = today
        self.units = units_searched(data.get("enhet"), care_unit, elsewhere)
        self.care_unit = self.units[0]
        self.unit_choices = self._unit_choices(care_unit, elsewhere)
        self.visit_types = {str(row.pk): row for row in self._bookable()}
        self.visit_type = self.visit_types.get(data.get("besokstyp", ""))
        self.reasons = self._reasons()
        self.resources = self._resources()
        self.commitments = {str(row.pk): row for row in commitments}
        self.companions = self._companions()
        data = dict(data.items())
        for name, known in (
            ("enhet", self.unit_choices),
            ("besokstyp", self.visit_types),
            ("orsak", self.reasons),
            ("resurs", self.resources),
            ("vardatagande", self.commitments),
            *self.companions.items(),
        ):
            if data.get(name) not in known:
                data[name] = ""
        if not data["orsak"] and len(self.reasons) == 1:
            data["orsak"] = next(iter(self.reasons))
        if not data["vardatagande"] and len(self.commitments) == 1 and not self.care_unit.is_primary_care:
            data["vardatagande"] = next(iter(self.commitments))
        super().__init__(data, auto_id="%s")
        self._offer()

    def _unit_choices(self, own, elsewhere):
        """The units to choose among, value → words; none where there is but one's own."""
        if not elsewhere:
            return {}
        named = {str(unit.pk): unit.short_name for unit in elsewhere}
        return {"": f"{own.short_name} (din enhet)"} | named | {EVERY_UNIT: ALL_UNITS}

    def _bookable(self):
        return bookable_types(self.care_unit, self.day)

    def _reasons(self):
        if not self.visit_type:
            return {}
        return {str(row.pk): row for row in ContactReason.objects.offered_for(self.visit_type, self.day)}

    def _resources(self):
        if not self.visit_type:
            return {}
        rows = Resource.objects.there_from(self.day).filter(
            care_unit__in=self.units,
            kind=ResourceKind.PERSON,
            practitioner__profession_id=self.visit_type.profession_id,
        )
        return {str(row.pk): row for row in rows.select_related("practitioner__profession", "care_unit")}

    def _companions(self):
        """What can be had together with the vårdgivare: somebody of another profession, a room, a piece of equipment;
        `ledigt` is any that is free. Field → id → resource."""
        found = {name: {} for name in WITH}
        if not self.visit_type:
            return found
        rows = Resource.objects.there_from(self.day).filter(care_unit__in=self.units)
        for row in rows.select_related("practitioner", "care_unit").order_by("name"):
            name = WITH_KIND[row.kind]
            if not row.practitioner_id or row.practitioner.profession_id != self.visit_type.profession_id:
                found[name][str(row.pk)] = row
        for name in ("rum", "utrustning"):
            if len(found[name]) > 1:
                found[name] = {ANY: None} | found[name]
        return found

    @property
    def together(self):
        """Groups of which one each is had with the vårdgivare (see slots.find)."""
        groups = []
        for name in WITH:
            given = self.data.get(name)
            if name == "med" and self.then:
                continue
            if given == ANY:
                groups.append([row.pk for row in self.companions[name].values() if row])
            elif given:
                groups.append([self.companions[name][given].pk])
        return groups

    @property
    def then(self):
        """Who takes over after the vårdgivare, and for how many minutes: a team one after the other (BO-02)."""
        minutes = getattr(self, "cleaned_data", {}).get("efter")
        other = self.companions["med"].get(self.data.get("med", ""))
        return (other.pk, minutes) if other and minutes else None

    def _offer(self):
        if not self.data["med"]:
            del self.fields["efter"]
        for name in WITH:
            if not self.companions[name]:
                del self.fields[name]
                continue
            self.fields[name].choices = [
                ("", "Ingen" if name == "med" else "Inget"),
                *(
                    (key, self._named(row) if row else "Vilket som är ledigt")
                    for key, row in self.companions[name].items()
                ),
            ]
        if self.unit_choices:
            self.fields["enhet"].choices = self.unit_choices.items()
        else:
            del self.fields["enhet"]
        groups = {}
        for key, row in self.visit_types.items():
            groups.setdefault(row.profession.name, []).append((key, row.name))
        self.fields["besokstyp"].choices = [("", "Välj besökstyp"), *groups.items()]
        self.fields["orsak"].choices = [("", "Välj orsak"), *((key, row.name) for key, row in self.reasons.items())]
        self.fields["vardatagande"].choices = [
            ("", "Inget vårdåtagande" if self.care_unit.is_primary_care else "Välj vårdåtagande"),
            *((key, self._named(row, row.problem_code.name)) for key, row in self.commitments.items()),
        ]
        if not self.commitments:
            del self.fields["vardatagande"]
        self._offer_times(self.day)

    def _named(self, row, name=""):
        """The name; with the unit's where several are searched."""
        return f"{name or row.name}, {row.care_unit.short_name}" if len(self.units) > 1 else name or row.name

    @property
    def contact_reason(self):
        return self.reasons.get(self.data.get("orsak"))

    @property
    def commitment(self):
        return self.commitments.get(self.data.get("vardatagande"))


class RebookForm(TimesForm):
    """When and with whom a booking may be moved; besökstyp and orsak stay."""

    skal = forms.CharField(label="Varför bokas tiden om?", max_length=200, required=False)
    # The letter says who changed the time (PL-09); nobody is said to have asked for it who is not known to have.
    andrad_av = forms.ChoiceField(label="Vem ändrar tiden?", choices=CancelledBy.choices, required=False)

    def __init__(self, data, *, resources, today):
        self.resources = {str(row.pk): row for row in resources}
        data = dict(data.items())
        if data.get("resurs") not in self.resources:
            data["resurs"] = ""
        if data.get("andrad_av") not in CancelledBy.values:
            data["andrad_av"] = CancelledBy.PROVIDER.value
        super().__init__(data, auto_id="%s")
        self._offer_times(today)


def bookable_types(care_unit, day):
    """The unit's besökstyper that somebody there can be booked for: those of its staff's yrkeskategorier. All of the
    vårdområde's where the unit has no staff yet."""
    rows = (
        VisitType.objects.for_unit(care_unit, day)
        .select_related("profession", "visit_kind")
        .order_by("profession__name", "name")
    )
    staffed = rows.filter(
        profession__in=Resource.objects.valid_on(day)
        .filter(care_unit=care_unit, kind=ResourceKind.PERSON)
        .values("practitioner__profession")
    )
    return list(staffed) or list(rows)


def return_type_of(visit_type, offered):
    """The besökstyp of a return visit after a visit of the type: itself where it is one, else its sister (BT-02)."""
    if is_return(visit_type):
        return visit_type
    sisters = [
        row
        for row in offered
        if row.profession_id == visit_type.profession_id
        and row.care_area_id == visit_type.care_area_id
        and is_return(row)
    ]
    same_kind = [row for row in sisters if row.visit_kind_id == visit_type.visit_kind_id]
    same_form = [
        row for row in sisters if row.contact_form == visit_type.contact_form and not row.visit_kind.needs_new_or_return
    ]
    return next(iter([*same_kind, *same_form]), None)


def is_return(visit_type):
    """Whether a visit of the type is a return visit."""
    kind = visit_type.visit_kind
    return visit_type.new_or_return == NewOrReturn.RETURN or (kind.may_be_return and not kind.may_be_new)
