"""Forms of remisser and vårdåtaganden (VA-01…03, UT-03)."""

from django import forms

from registration.models import ProblemCode, ReferralKind
from scheduling.models import OutcomeCode, OutcomeReason
from sdv.accounts.models import Practitioner
from sdv.common.fields import SwedishDateField
from sdv.organisation.models import CareUnit


class ProblemForm(forms.Form):
    """The problem, of the unit's specialities (VA-01)."""

    problem_code = forms.ModelChoiceField(
        ProblemCode.objects.none(),
        label="Problemkod",
        empty_label="Välj problem",
        error_messages={"required": "Välj det problem som vårdåtagandet gäller."},
    )

    def __init__(self, *args, today, care_unit, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["problem_code"].queryset = ProblemCode.objects.for_unit(care_unit, today).order_by("name")


class CloseCommitmentForm(forms.Form):
    """Why a vårdåtagande ends (UT-03)."""

    reason = forms.ChoiceField(label="Orsak", error_messages={"required": "Avslut av vårdåtagande kräver en orsak."})
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args, today, **kwargs):
        super().__init__(*args, **kwargs)
        reasons = OutcomeReason.objects.valid_on(today).filter(outcome_id=OutcomeCode.END_COMMITMENT)
        self.fields["reason"].choices = [("", "Välj orsak"), *((row.name, row.name) for row in reasons)]


class ReopenCommitmentForm(forms.Form):
    """Why a vårdåtagande is opened again (UT-03)."""

    reason = forms.CharField(
        label="Varför öppnas det igen?",
        max_length=200,
        error_messages={"required": "Ange varför vårdåtagandet öppnas igen."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class ReferralForm(forms.Form):
    """A remiss or other ground for care, as it arrives (VA-02)."""

    kind = forms.ChoiceField(label="Typ", choices=[(kind.value, kind.label) for kind in ReferralKind])
    referrer = forms.CharField(
        label="Remittent",
        max_length=120,
        required=False,
        help_text="Vem som har skrivit remissen. Krävs för typ Remiss.",
    )
    decision_date = SwedishDateField(label="Remissbeslut", required=False)
    arrival_date = SwedishDateField(label="Ankomst", error_messages={"required": "Ange när remissen kom."})
    addressed_to = forms.ModelChoiceField(
        Practitioner.objects.none(), label="Ställd till", empty_label="Enheten", required=False
    )
    problem_code = forms.ModelChoiceField(
        ProblemCode.objects.none(), label="Problemkod", empty_label="Inte angivet", required=False
    )

    def __init__(self, *args, today, care_unit, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["problem_code"].queryset = ProblemCode.objects.for_unit(care_unit, today).order_by("name")
        here = Practitioner.objects.filter(user__assignments__in=care_unit.assignments.valid_on(today))
        self.fields["addressed_to"].queryset = here.distinct().order_by("surname", "given_name")


class CorrectForm(ReferralForm):
    """What was registered wrong, and why; only the `fields` that the unit may put right (VA-02, PL-13)."""

    reason = forms.CharField(
        label="Varför rättas uppgifterna?",
        max_length=200,
        error_messages={"required": "Ange varför uppgifterna rättas."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args, referral, fields, **kwargs):
        initial = {name: getattr(referral, name) for name in fields} | {"version": referral.version}
        super().__init__(*args, care_unit=referral.care_unit, initial=initial, **kwargs)
        # Who it is addressed to may have left the unit since.
        addressed = self.fields["addressed_to"]
        addressed.queryset |= Practitioner.objects.filter(pk=referral.addressed_to_id).distinct()
        for name in set(self.fields) - set(fields) - {"reason", "version"}:
            del self.fields[name]


class SendReferralForm(forms.Form):
    """A remiss to another of the region's units (VA-02, VA-03)."""

    care_unit = forms.ModelChoiceField(
        CareUnit.objects.none(),
        label="Till enhet",
        empty_label="Välj enhet",
        error_messages={"required": "Välj enheten som remissen ska till."},
    )
    decision_date = SwedishDateField(label="Remissbeslut", error_messages={"required": "Ange när remissen beslutades."})

    def __init__(self, *args, today, care_unit, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["care_unit"].queryset = other_units(care_unit, today)


def other_units(care_unit, today):
    """The units a remiss can go to from the unit."""
    return CareUnit.objects.valid_on(today).exclude(pk=care_unit.pk).order_by("name")


class ReviewForm(forms.Form):
    """Granskning (VA-03). Of target date and days, the one that is left out follows from the other."""

    review_date = SwedishDateField(label="Granskad", error_messages={"required": "Ange granskningsdatum."})
    medical_target_date = SwedishDateField(label="Medicinskt måldatum", required=False)
    days_to_first_contact = forms.IntegerField(
        label="Dagar till första kontakt",
        required=False,
        min_value=0,
        max_value=730,
        help_text="Räknas från granskningen. Lämna tomt om måldatum anges.",
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def clean(self):
        given = super().clean()
        left_out = given.get("medical_target_date") is None and given.get("days_to_first_contact") is None
        if left_out and not self.errors:
            self.add_error("medical_target_date", "Ange medicinskt måldatum eller antal dagar (VA-03).")
        return given


def letter_field():
    """The receipt to the patient is offered at each decision (VA-03, KA-01)."""
    return forms.BooleanField(label="Skriv remissbekräftelse till patienten", required=False)


class AcceptForm(ProblemForm):
    """Accepted: the problem decides which vårdåtagande it joins or makes (VA-01, VA-03)."""

    letter = letter_field()
    version = forms.IntegerField(widget=forms.HiddenInput)


class DecideForm(forms.Form):
    """Returned, sent on to one of our units or outside the region, or rejected, with reason (VA-03)."""

    decision = forms.ChoiceField(
        label="Beslut",
        choices=[
            ("", "Välj beslut"),
            ("return", "Returnera för komplettering"),
            ("forward", "Sänd vidare"),
            ("outside", "Sänd vidare utanför regionen"),
            ("reject", "Avvisa"),
        ],
        error_messages={"required": "Välj vad som ska hända med remissen."},
    )
    to_unit = forms.ModelChoiceField(
        CareUnit.objects.none(), label="Till enhet", empty_label="Bara vid Sänd vidare", required=False
    )
    receiver = forms.CharField(
        label="Till mottagare utanför regionen",
        max_length=200,
        required=False,
        help_text="Vårdgivare och enhet, i ord. Bara vid Sänd vidare utanför regionen.",
    )
    sent_on = SwedishDateField(label="Sänd den", required=False, help_text="I dag, om inget anges.")
    reason = forms.CharField(label="Skäl", max_length=200, error_messages={"required": "Ange skälet till beslutet."})
    letter = letter_field()
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args, today, care_unit, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["to_unit"].queryset = other_units(care_unit, today)

    def clean(self):
        given = super().clean()
        if given.get("decision") == "forward" and not given.get("to_unit") and "to_unit" not in self.errors:
            self.add_error("to_unit", "Välj enheten som remissen ska till.")
        if given.get("decision") == "outside" and not (given.get("receiver") or "").strip():
            self.add_error("receiver", "Skriv vilken vårdgivare eller enhet remissen sänds till.")
        return given


class OutsideReceiptForm(forms.Form):
    """When the receiver outside the region had the remiss (VA-03)."""

    received_on = SwedishDateField(label="Mottagen den", required=False, help_text="I dag, om inget anges.")
    version = forms.IntegerField(widget=forms.HiddenInput)


class CompleteForm(forms.Form):
    """What has been completed (VA-03)."""

    text = forms.CharField(
        label="Vad har kompletterats?",
        max_length=500,
        help_text="Inga journaluppgifter: till exempel Provsvar bifogade i journalen.",
        error_messages={"required": "Skriv vad som har kompletterats."},
        widget=forms.Textarea({"rows": 3}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)
