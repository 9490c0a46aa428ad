"""Who takes part in a contact: the main responsible, others of the unit, and others from elsewhere (BO-02)."""

from django import forms
from django.db.models import Q

from sdv.accounts.models import Practitioner
from sdv.accounts.permissions import Role
from sdv.common.time import local_date


def people_of(care_unit, day, *, besides=()):
    """Those who work at the unit: with a tidbok or a clinician's assignment there; and those who are named already."""
    booked = care_unit.resources.valid_on(day).values("practitioner")
    assigned = care_unit.assignments.valid_on(day).filter(role=Role.CLINICIAN, user__is_active=True).values("user")
    wanted = Q(pk__in=booked) | Q(user__in=assigned) | Q(pk__in=besides)
    return Practitioner.objects.filter(wanted).select_related("profession").order_by("surname", "given_name", "pk")


def words_of(person):
    """As a person is chosen: Anna Holm, läkare."""
    return f"{person}, {person.profession.name.lower()}"


class ResponsibleField(forms.ModelChoiceField):
    """Who the contact is registered on, among the unit's people."""

    def __init__(self, **options):
        options.setdefault("label", "Vårdgivare")
        options.setdefault("error_messages", {"invalid_choice": "Medarbetaren arbetar inte på enheten."})
        super().__init__(queryset=Practitioner.objects.none(), empty_label="Välj vårdgivare", **options)

    def label_from_instance(self, person):
        return words_of(person)


class ParticipantsForm(forms.Form):
    """All who take part."""

    main = ResponsibleField(label="Huvudansvarig", error_messages={"required": "Välj vem som är huvudansvarig."})
    others = forms.ModelMultipleChoiceField(
        label="Andra medverkande",
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="De som bedömer eller behandlar självständigt. Provtagning och annan hjälp räknas inte.",
        error_messages={"invalid_choice": "Medarbetaren arbetar inte på enheten."},
    )
    elsewhere = forms.CharField(
        label="Från en annan enhet",
        max_length=32,
        required=False,
        help_text="Medarbetarens HSA-id.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args, row, at, **kwargs):
        taking_part = list(row.participants.order_by("id"))
        named = {part.practitioner_id for part in taking_part}
        main = next((part.practitioner_id for part in taking_part if part.is_main_responsible), None)
        kwargs.setdefault("initial", {"main": main, "others": list(named - {main})})
        super().__init__(*args, **kwargs)
        people = people_of(row.care_unit, local_date(at), besides=named)
        self.fields["main"].queryset = self.fields["others"].queryset = people
        self.fields["others"].label_from_instance = words_of

    def clean_elsewhere(self):
        given = self.cleaned_data["elsewhere"].strip()
        if not given:
            return None
        person = Practitioner.objects.filter(hsa_id__iexact=given).select_related("profession").first()
        if person is None:
            raise forms.ValidationError("Ingen medarbetare har det HSA-id:t. Kontrollera det.")
        return person

    def others_chosen(self):
        """Those besides the main responsible, each once."""
        words = self.cleaned_data
        people = [*words["others"], *filter(None, [words["elsewhere"]])]
        return [person for person in dict.fromkeys(people) if person != words["main"]]


class InterpreterForm(forms.Form):
    """Whether an interpreter was used."""

    used = forms.BooleanField(label="Tolk användes", required=False)

    def __init__(self, *args, row, at, **kwargs):
        kwargs.setdefault("initial", {"used": row.interpreter_used})
        super().__init__(*args, **kwargs)
