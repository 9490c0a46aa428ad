"""Forms of brev (PL-22). Nothing that is typed is trimmed: the paper shows what was written (PL-16)."""

from django import forms

from registration.models import PatientRelation


def _text(label, length, missing, **options):
    return forms.CharField(label=label, max_length=length, strip=False, error_messages={"required": missing}, **options)


class RelativesForm(forms.Form):
    """A letter to somebody near the one who has died."""

    relation = forms.ModelChoiceField(
        PatientRelation.objects.none(), label="Närstående", empty_label="Någon annan: skriv mottagaren", required=False
    )
    name = forms.CharField(
        label="Mottagare", max_length=200, strip=False, required=False, help_text="Tomt tar den närståendes namn."
    )
    address = _text(
        "Adress",
        500,
        "Skriv mottagarens adress.",
        help_text="Rad för rad, som på kuvertet.",
        widget=forms.Textarea({"rows": 3, "autocomplete": "off"}),
    )
    heading = _text("Rubrik", 120, "Skriv en rubrik.", initial="Till dig som är närstående")
    body = _text("Text", 10_000, "Skriv brevets text.", widget=forms.Textarea({"rows": 10}))
    reason = _text(
        "Varför skrivs brevet?", 200, "Ange varför brevet skrivs.", help_text="Skälet sparas, men skrivs inte ut."
    )

    def __init__(self, *args, relations=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["relation"].queryset = relations
        self.fields["relation"].label_from_instance = lambda row: f"{row.name} ({row.get_kind_display().lower()})"
        if not relations:
            del self.fields["relation"]


class StopForm(forms.Form):
    """Why a letter is not sent."""

    reason = _text("Varför stoppas brevet?", 200, "Ange varför brevet stoppas.")
    version = forms.IntegerField(widget=forms.HiddenInput)
