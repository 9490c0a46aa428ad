"""Forms of brev (PL-22). Nothing that is typed is trimmed: the paper shows what was written (PL-16)."""

from django import forms


def _text(label, length, missing, **options):
    return forms.CharField(label=label, max_length=length, strip=False, error_messages={"required": missing}, **options)


class RelativesForm(forms.Form):
    """A letter to somebody near the one who has died."""

    name = _text("Mottagare", 200, "Skriv vem brevet går till.")
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


class StopForm(forms.Form):
    """Why a letter is not sent."""

    reason = _text("Varför stoppas brevet?", 200, "Ange varför brevet stoppas.")
    version = forms.IntegerField(widget=forms.HiddenInput)
