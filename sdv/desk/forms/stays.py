"""What the acts on a stay or an emergency visit ask for (VH-03, VH-09, VH-23). When it was is now, where nothing else is
written: what was noted on paper is entered with its true time (PL-15)."""

from django import forms

from registration.actions import births
from registration.models import ContactReason, Sex
from registration.stay_rules import MOST_CHILDREN, AdmittedFrom, BrokenOff, DischargedTo
from sdv.common.fields import SwedishDateField, SwedishTimeField
from sdv.common.time import at_local, local, local_date, minute
from sdv.desk.forms.afterwards import time_fields, true_time
from sdv.desk.forms.day import IDENTITY_SHOWN
from sdv.desk.presenters.wards import free_places
from sdv.organisation.models import CareUnit, CareUnitKind


class ActForm(forms.Form):
    """An act with its time. `at` is the present minute, `row` the vårdhändelse."""

    def __init__(self, *args, row=None, at=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.row, self.at = row, at
        self.fields |= time_fields()

    def clean(self):
        words = super().clean()
        words["at"] = true_time(self, words, at=self.at, day=local_date(self.at)) or minute(self.at)
        return words


class TimeForm(ActForm):
    """Only when."""


def place_choices(care_unit, *, at, keep=None):
    """The unit's free places by ward, as choices; what is to be cleaned says so."""
    groups = {}
    for place, is_to_clean in free_places(care_unit, day=local_date(at)):
        if keep is not None and place.pk == keep:
            continue
        words = f"{place.name}, i {place.room.name}" if place.room else place.name
        groups.setdefault(place.ward.name if place.ward else "Utan avdelning", []).append(
            (str(place.pk), f"{words} (ska städas)" if is_to_clean else words)
        )
    return list(groups.items())


class PlaceForm(ActForm):
    """A free place of the unit."""

    place = forms.ChoiceField(
        label="Plats",
        error_messages={
            "required": "Välj plats.",
            "invalid_choice": "Platsen är inte ledig längre. Välj en annan av dem som visas.",
        },
    )

    def __init__(self, *args, row, at, **kwargs):
        super().__init__(*args, row=row, at=at, **kwargs)
        choices = place_choices(row.care_unit, at=at)
        self.fields["place"].choices = [("", "Välj plats"), *choices]
        if not choices:
            self.fields["place"].help_text = "Enheten har ingen ledig plats."


class TransferForm(ActForm):
    """A ward of the unit, without a place yet."""

    ward = forms.ModelChoiceField(
        queryset=None,
        label="Till avdelning",
        empty_label="Välj avdelning",
        help_text="Platsen lämnas, och patienten väntar på en där. Finns en ledig plats: välj Byt plats i stället.",
        error_messages={"required": "Välj avdelning."},
    )

    def __init__(self, *args, row, at, **kwargs):
        super().__init__(*args, row=row, at=at, **kwargs)
        here = row.ward_stays.filter(period__upper_inf=True).values("ward")
        self.fields["ward"].queryset = row.care_unit.wards.exclude(pk__in=here).order_by("name")


class LeaveForm(ActForm):
    """When the patient is expected back."""

    back_day = SwedishDateField(label="Väntas åter, datum", required=False)
    back_clock = SwedishTimeField(label="Väntas åter, klockslag", required=False)
    field_order = ("back_day", "back_clock")

    def clean(self):
        words = super().clean()
        day, clock = words.get("back_day"), words.get("back_clock")
        if bool(day) != bool(clock) and not self.errors:
            self.add_error("back_clock", "Skriv både datum och klockslag för återkomsten, eller inget av dem.")
        words["expected_back"] = at_local(day, clock) if day and clock else None
        return words


IS_PLANNED = [("", "Välj"), ("ja", "Planerad"), ("nej", "Oplanerad")]


class WaysForm(ActForm):
    """Insätt, planned or not, expected discharge: what is completed of a stay (VH-23). When it is expected, while it is."""

    expected_on = SwedishDateField(label="Planerad till", error_messages={"required": "Skriv vilken dag."})
    expected_clock = SwedishTimeField(
        label="Planerad till, klockslag", error_messages={"required": "Skriv när på dagen patienten väntas."}
    )
    admitted_from = forms.ChoiceField(
        label="Insätt (varifrån)", choices=[("", "Välj"), *AdmittedFrom.choices], required=False
    )
    is_planned = forms.ChoiceField(label="Planerad eller oplanerad", choices=IS_PLANNED, required=False)
    expected_discharge_on = SwedishDateField(label="Beräknad utskrivning", required=False)
    discharged_to = forms.ChoiceField(
        label="Utsätt (till)", choices=[("", "Välj"), *DischargedTo.choices], required=False
    )
    reason = forms.CharField(label="Skäl", max_length=200, required=False)

    def __init__(self, *args, row, at, **kwargs):
        kwargs.setdefault(
            "initial",
            {
                "admitted_from": row.admitted_from,
                "is_planned": {True: "ja", False: "nej"}.get(row.is_planned, ""),
                "expected_discharge_on": row.expected_discharge_on,
                "discharged_to": row.discharged_to,
            },
        )
        super().__init__(*args, row=row, at=at, **kwargs)
        del self.fields["clock"], self.fields["day"]
        if row.status == "planned":
            self.initial |= {"expected_on": local_date(row.planned_start), "expected_clock": local(row.planned_start)}
        else:
            del self.fields["expected_on"], self.fields["expected_clock"]
        if row.status == "ended":
            del self.fields["expected_discharge_on"]
        else:
            del self.fields["discharged_to"], self.fields["reason"]

    def facts(self):
        """What the action takes."""
        words = self.cleaned_data
        facts = {name: words[name] for name in ("admitted_from", "discharged_to") if name in words}
        if words.get("is_planned"):
            facts["is_planned"] = words["is_planned"] == "ja"
        if "expected_discharge_on" in words:
            facts["expected_discharge_on"] = words["expected_discharge_on"]
        if "expected_on" in words:
            facts["planned_start"] = at_local(words["expected_on"], words["expected_clock"])
        return facts


class DischargeForm(ActForm):
    """Utskrivning with what the type asks for: the ways of a stay, how an emergency visit was broken off (VH-23)."""

    admitted_from = forms.ChoiceField(label="Insätt (varifrån)", choices=[("", "Välj"), *AdmittedFrom.choices])
    discharged_to = forms.ChoiceField(
        label="Utsätt (till)",
        choices=[("", "Välj"), *DischargedTo.choices],
        error_messages={"required": "Välj vart patienten skrivs ut."},
    )
    broken_off = forms.ChoiceField(
        label="Avbrutet av patienten", choices=[("", "Nej: besöket är klart"), *BrokenOff.choices], required=False
    )

    def __init__(self, *args, row, at, **kwargs):
        super().__init__(*args, row=row, at=at, **kwargs)
        if row.type_id != "slutenvard":
            del self.fields["admitted_from"], self.fields["discharged_to"]
        elif row.admitted_from:
            del self.fields["admitted_from"]
        if row.type_id != "akutsjukvard":
            del self.fields["broken_off"]

    def ways(self):
        """What the action takes."""
        words = self.cleaned_data
        return {name: words[name] for name in ("admitted_from", "discharged_to", "broken_off") if name in words}


class ContinueForm(ActForm):
    """The ward where the care goes on, and from where the patient came at first. The ward gives the place."""

    care_unit = forms.ModelChoiceField(
        queryset=None,
        label="Till vårdenhet",
        empty_label="Välj vårdenhet",
        error_messages={"required": "Välj vårdenhet."},
    )
    admitted_from = forms.ChoiceField(
        label="Insätt (varifrån)",
        choices=[("", "Välj"), *AdmittedFrom.choices],
        error_messages={"required": "Välj varifrån patienten kom."},
    )

    def __init__(self, *args, row, at, **kwargs):
        super().__init__(*args, row=row, at=at, **kwargs)
        units = CareUnit.objects.valid_on(local_date(at)).filter(
            kind__in=[CareUnitKind.INPATIENT, CareUnitKind.MATERNITY],
            facility__care_provider=row.care_unit.facility.care_provider_id,
        )
        if row.type_id == "slutenvard":
            units = units.exclude(pk=row.care_unit_id)
            del self.fields["admitted_from"]
        self.fields["care_unit"].queryset = units.order_by("name")
        self.fields["care_unit"].label_from_instance = lambda unit: unit.name


class ObserveForm(PlaceForm):
    """An observation place."""


class AdmitForm(ActForm):
    """Inskrivning of who was planned: place and insätt where they are not known."""

    place = forms.ChoiceField(label="Plats", required=False)
    admitted_from = forms.ChoiceField(
        label="Insätt (varifrån)",
        choices=[("", "Välj"), *AdmittedFrom.choices],
        error_messages={"required": "Välj varifrån patienten kom."},
    )
    identity_shown = forms.ChoiceField(label="Identiteten visad med", choices=[(each, each) for each in IDENTITY_SHOWN])

    def __init__(self, *args, row, at, **kwargs):
        super().__init__(*args, row=row, at=at, **kwargs)
        self.fields["place"].choices = [("", "Ingen än"), *place_choices(row.care_unit, at=at)]
        self.fields["admitted_from"].initial = row.admitted_from


class WhoForm(forms.Form):
    """The patient by a number."""

    identity = forms.CharField(
        label="Personnummer eller reservnummer",
        max_length=20,
        required=False,
        help_text="Hela numret, med eller utan bindestreck.",
        widget=forms.TextInput({"inputmode": "text", "spellcheck": "false", "autocomplete": "off"}),
    )


UNKNOWN = "okand"


class EmergencyForm(WhoForm, ActForm):
    """Arrival at the emergency department in three fields: who, why, how identity was shown. When it was is asked only of
    what is registered afterwards (PL-15)."""

    contact_reason = forms.ModelChoiceField(
        queryset=ContactReason.objects.none(),
        label="Sökorsak",
        empty_label="Välj vårdkontaktsorsak",
        error_messages={"required": "Välj vårdkontaktsorsak."},
    )
    identity_shown = forms.ChoiceField(
        label="Identiteten visad med",
        choices=[*((each, each) for each in IDENTITY_SHOWN), (UNKNOWN, "Okänd patient: reservID tas ut")],
    )

    def __init__(self, *args, day, has_patient=False, **kwargs):
        super().__init__(*args, **kwargs)
        reasons = ContactReason.objects.valid_on(day).filter(is_unspecified=True, is_psychiatry_only=False)
        self.fields["contact_reason"].queryset = reasons.order_by("name")
        if has_patient:
            del self.fields["identity"]

    def clean(self):
        words = super().clean()
        is_unknown = words.get("identity_shown") == UNKNOWN
        if "identity" in self.fields and not is_unknown and not words.get("identity", "").strip():
            self.add_error("identity", "Skriv patientens nummer, eller välj Okänd patient.")
        if is_unknown and words.get("identity", "").strip():
            self.add_error("identity", "Numret är känt: välj hur identiteten visades. Okänd patient har inget nummer.")
        return words


class AdmissionForm(WhoForm, ActForm):
    """Inskrivning of somebody at the unit: now, or planned for a day (VH-03 f, g)."""

    expected_on = SwedishDateField(
        label="Planerad till", required=False, help_text="Tomt: patienten skrivs in nu. Annars beräknat datum."
    )
    expected_clock = SwedishTimeField(label="Planerad till, klockslag", required=False)
    admitted_from = forms.ChoiceField(
        label="Insätt (varifrån)",
        choices=[("", "Välj"), *AdmittedFrom.choices],
        error_messages={"required": "Välj varifrån patienten kom."},
    )
    place = forms.ChoiceField(label="Plats", required=False)
    expected_discharge_on = SwedishDateField(label="Beräknad utskrivning", required=False)
    identity_shown = forms.ChoiceField(
        label="Identiteten visad med", choices=[(each, each) for each in IDENTITY_SHOWN], required=False
    )

    def __init__(self, *args, care_unit, at, patient=None, **kwargs):
        super().__init__(*args, at=at, **kwargs)
        self.fields["place"].choices = [("", "Ingen än"), *place_choices(care_unit, at=at)]
        if patient is not None:
            del self.fields["identity"]

    def clean(self):
        words = super().clean()
        if "identity" in self.fields and not words.get("identity", "").strip():
            self.add_error("identity", "Skriv patientens personnummer.")
        day, clock = words.get("expected_on"), words.get("expected_clock")
        if clock and not day:
            self.add_error("expected_on", "Skriv också vilken dag.")
        if day and not clock and not self.errors:
            self.add_error("expected_clock", "Skriv när på dagen patienten väntas.")
        if day and words.get("clock"):
            self.add_error("clock", "En planerad inskrivning har inget klockslag för inskrivningen än.")
        words["expected_start"] = at_local(day, clock) if day and clock else None
        return words


class ConsultForm(ActForm):
    """Which speciality's unit: an Öppenvårdskonsult is registered where the patient goes (VH-10)."""

    contact_reason = forms.ModelChoiceField(
        queryset=ContactReason.objects.none(),
        label="Vårdkontaktsorsak",
        empty_label="Välj vårdkontaktsorsak",
        error_messages={"required": "Välj vårdkontaktsorsak."},
    )

    def __init__(self, *args, row, at, **kwargs):
        super().__init__(*args, row=row, at=at, **kwargs)
        reasons = ContactReason.objects.valid_on(local_date(at)).filter(is_unspecified=True, is_psychiatry_only=False)
        self.fields["contact_reason"].queryset = reasons.order_by("name")


SEX = [("", "Välj"), (Sex.FEMALE, "Flicka"), (Sex.MALE, "Pojke"), (Sex.UNKNOWN, "Kan inte avgöras än")]


class ChildrenForm(forms.Form):
    """How many children are expected; or when one was born that nobody had prepared for."""

    number = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)
    how_many = forms.IntegerField(label="Antal väntade barn", min_value=1, max_value=MOST_CHILDREN, initial=1)
    born_day = SwedishDateField(label="Redan fött: datum", required=False)
    born_clock = SwedishTimeField(label="Redan fött: klockslag", required=False)
    sex = forms.ChoiceField(label="Redan fött: kön", choices=SEX, required=False)
    identity = forms.CharField(
        label="ReservID",
        max_length=20,
        required=False,
        help_text="Tomt: tas ut ur personuppgiftstjänsten. Annars numret som tagits ut i tjänstens egen webbsida.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args, row, at, **kwargs):
        # Which child is meant: where somebody else has registered it meanwhile, it is not made twice (PL-27).
        super().__init__(*args, initial={"number": births.next_number(row)}, **kwargs)
        self.at = at

    def clean(self):
        words = super().clean()
        words["number"] = words.get("number") or 1
        day, clock = words.get("born_day"), words.get("born_clock")
        if bool(day) != bool(clock) and not self.errors:
            self.add_error("born_clock", "Skriv både datum och klockslag för födelsen, eller inget av dem.")
        words["born_at"] = at_local(day, clock) if day and clock else None
        if words["born_at"] and not words.get("sex"):
            self.add_error("sex", "Välj barnets kön.")
        return words


class BirthForm(ActForm):
    """When the child was born, its sex, and its bed."""

    sex = forms.ChoiceField(label="Kön", choices=SEX, error_messages={"required": "Välj barnets kön."})
    place = forms.ChoiceField(label="Plats", required=False)

    def __init__(self, *args, row, at, **kwargs):
        super().__init__(*args, row=row, at=at, **kwargs)
        self.fields["place"].choices = [("", "Ingen än"), *place_choices(row.care_unit, at=at)]
        self.fields["clock"].label, self.fields["day"].label = "Född klockan", "Född den"
        self.fields["clock"].required = True
        self.fields["clock"].help_text = "Till exempel 14:32."
        self.fields["clock"].error_messages = {"required": "Skriv när barnet föddes."}


class BirthTimeForm(ActForm):
    """When the child was born, put right."""

    reason = forms.CharField(label="Skäl", max_length=200, required=False)

    def __init__(self, *args, row, at, **kwargs):
        birth = getattr(row, "birth", None)
        born = local(birth.born_at) if birth and birth.born_at else None
        said = {"clock": born, "day": born.date()} if born else {}
        super().__init__(*args, row=row, at=at, initial=said, **kwargs)
        for name, label, error in (
            ("clock", "Född klockan", "Skriv när barnet föddes."),
            ("day", "Född den", "Skriv vilken dag barnet föddes."),
        ):
            field = self.fields[name]
            field.label, field.required, field.help_text = label, True, ""
            field.error_messages = {"required": error}
        self.order_fields(["clock", "day", "reason"])


class PersonnummerForm(forms.Form):
    """The number that Skatteverket gave."""

    identity = forms.CharField(
        label="Personnummer",
        max_length=20,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Skriv personnumret."},
    )

    def __init__(self, *args, row, at, **kwargs):
        super().__init__(*args, **kwargs)
