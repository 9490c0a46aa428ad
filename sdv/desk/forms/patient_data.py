"""The blocks of the tab Patient that are edited in place, one at a time (PA-05…07)."""

from dataclasses import dataclass
from typing import Any

from django import forms

from registration import phones
from registration.actions import contact, patients
from registration.models import AddressKind, InterpreterKind, PhoneKind, SearchKeyKind, SmsWording
from sdv.common.fields import SwedishDateField


class BlockForm(forms.Form):
    """A block with the patient's version, so that nobody writes over what a colleague has just changed (PL-27)."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Last, so that the first field is one to write in.
        self.order_fields([name for name in self.fields if name != "version"])


class PhoneForm(BlockForm):
    number = forms.CharField(
        label="Nummer",
        max_length=30,
        help_text="070-123 45 67, eller +45 12 34 56 78 för ett utländskt nummer.",
        error_messages={"required": "Skriv numret, eller ta bort det."},
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label="Slag", choices=PhoneKind.choices)
    is_preferred = forms.BooleanField(label="Önskat telefonalternativ", required=False)
    allows_sms = forms.BooleanField(
        label="Tillåtelse SMS",
        required=False,
        help_text="Patienten har sagt ja till påminnelser per SMS till det här numret. Byts numret ut försvinner tillåtelsen.",
    )
    sms_wording = forms.ChoiceField(
        label="Vad ett SMS får säga", choices=SmsWording.choices, required=False, initial=SmsWording.TIME
    )


class InterpreterForm(BlockForm):
    interpreter_kind = forms.ChoiceField(label="Tolkbehov", choices=InterpreterKind.choices, required=False)
    interpreter_language = forms.CharField(
        label="Språk eller variant av teckenspråk",
        max_length=60,
        required=False,
        help_text="Till exempel somaliska, svenskt teckenspråk eller taktilt teckenspråk.",
    )


class HousingForm(BlockForm):
    special_housing = forms.CharField(label="Särskilt boende", max_length=120, required=False)
    minors_at_address = forms.IntegerField(
        label="Minderåriga folkbokförda på samma adress",
        required=False,
        min_value=0,
        error_messages={"invalid": "Skriv antalet med siffror.", "min_value": "Antalet kan inte vara mindre än noll."},
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )


class DrugsForm(BlockForm):
    drug_benefit_decided_on = SwedishDateField(label="Läkemedelsförmån: läkares beslut den", required=False)
    drug_benefit_decided_by = forms.CharField(
        label="Beslutad av läkare",
        max_length=120,
        required=False,
        help_text="Bara för den som inte är folkbokförd: folkbokförda har förmånen ändå.",
    )
    has_pascal = forms.BooleanField(label="Patienten har ordinationer i Pascal", required=False)
    pascal_told_by = forms.CharField(
        label="Uppgift om Pascal från läkare",
        max_length=120,
        required=False,
        help_text="Ändras bara efter uppgift från läkare.",
    )
    pascal_told_on = SwedishDateField(label="Uppgiften lämnad", required=False)


class AddressForm(BlockForm):
    kind = forms.ModelChoiceField(
        AddressKind.objects.none(),
        label="Adresstyp",
        empty_label="Välj adresstyp",
        error_messages={"required": "Välj vilken adress det är."},
    )
    care_of = forms.CharField(label="c/o", max_length=80, required=False)
    street = forms.CharField(
        label="Gatuadress eller box", max_length=120, error_messages={"required": "Skriv gatuadress eller box."}
    )
    postal_code = forms.CharField(label="Postnummer", max_length=12, required=False)
    town = forms.CharField(label="Ort", max_length=80, required=False)
    country = forms.CharField(label="Land", max_length=60, required=False)
    valid_from = SwedishDateField(label="Från", required=False)
    valid_to = SwedishDateField(label="Till", required=False, help_text="En tillfällig adress kräver från och till.")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        kinds = AddressKind.objects.filter(is_locked=False).order_by("name")
        self.fields["kind"].queryset = kinds
        self.fields["kind"].label_from_instance = lambda kind: kind.name


class SearchKeyForm(BlockForm):
    kind = forms.ChoiceField(label="Slag", choices=SearchKeyKind.choices)
    value = forms.CharField(
        label="Nummer",
        max_length=30,
        error_messages={"required": "Skriv numret."},
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    country = forms.CharField(label="Utfärdat i", max_length=60, required=False)


# --- What is done with them ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A block: its form, the rows it keeps (empty for fields of the patient itself), and the acts behind it."""

    heading: str
    form: Any
    fields: tuple
    rows: str = ""
    add: Any = None
    change: Any = None
    remove: Any = None
    saved: str = "Uppgifterna sparade för"
    gone: str = "Uppgiften borttagen för"

    def initial(self, patient, row):
        """The present values, as the form shows them."""
        if self.rows:
            if row is None:
                return {}
            values = {name: getattr(row, name, None) for name in self.fields}
            if self.rows == "phones":
                values |= {"number": phones.display(row.number), "allows_sms": row.sms_consent_at is not None}
            return values
        return {name: getattr(patient, name) for name in self.fields}

    def save(self, patient, row, words, *, by, at):
        """Writes what the form says. Raises InputError, RuleError or StaleVersion."""
        who = {"patient_id": patient.pk, "by": by, "at": at, "version": words.pop("version")}
        if not self.rows:
            return patients.edit(**who, **words)
        if row is None:
            return self.add(**who, **words)
        return self.change(row, **who, **words)


def _change_phone(row, **words):
    if phones.normalised(words["number"]) != row.number:
        # The box was ticked for the number that was there: the patient is asked anew (PA-06).
        words.pop("allows_sms")
        words.pop("sms_wording")
    return contact.change_phone(phone_id=row.pk, **words)


def _change_address(row, **words):
    return contact.change_address(address_id=row.pk, **words)


BLOCKS = {
    "telefon": Block(
        "Telefon",
        PhoneForm,
        ("number", "kind", "is_preferred"),
        rows="phones",
        add=contact.add_phone,
        change=_change_phone,
        remove=lambda row, **who: contact.remove_phone(phone_id=row.pk, **who),
        saved="Telefonnumret sparat för",
        gone="Telefonnumret borttaget för",
    ),
    "tolk": Block("Tolk", InterpreterForm, ("interpreter_kind", "interpreter_language")),
    "boende": Block("Boende", HousingForm, ("special_housing", "minors_at_address")),
    "lakemedel": Block(
        "Läkemedelsrelaterat",
        DrugsForm,
        ("drug_benefit_decided_on", "drug_benefit_decided_by", "has_pascal", "pascal_told_by", "pascal_told_on"),
    ),
    "adress": Block(
        "Adress",
        AddressForm,
        ("kind", *contact.ADDRESS_FIELDS),
        rows="addresses",
        add=contact.add_address,
        change=_change_address,
        remove=lambda row, **who: contact.remove_address(address_id=row.pk, **who),
        saved="Adressen sparad för",
        gone="Adressen borttagen för",
    ),
    "soknyckel": Block(
        "LMA-nummer och pass",
        SearchKeyForm,
        ("kind", "value", "country"),
        rows="search_keys",
        add=contact.add_search_key,
        remove=lambda row, **who: contact.remove_search_key(key_id=row.pk, **who),
        saved="Numret sparat för",
        gone="Numret borttaget för",
    ),
}
