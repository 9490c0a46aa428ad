"""Forms of merging two records, and of its undo (RI-02, PL-13)."""

from django import forms

from .patients import SearchForm


class OtherForm(SearchForm):
    """The other record is sought as patients are; nothing of it stands in an address."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["q"].label = "Den andra postens nummer eller namn"


class MergeForm(forms.Form):
    """Why both are the same person."""

    other = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Varför hör posterna till samma person?",
        max_length=200,
        help_text="Till exempel: legitimation visad. Skriv inget som röjer var någon finns.",
        error_messages={"required": "Ange varför posterna hör till samma person. Skälet sparas."},
    )


class UndoMergeForm(forms.Form):
    """Why it was wrong."""

    reason = forms.CharField(
        label="Varför är sammanslagningen fel?",
        max_length=200,
        error_messages={"required": "Ange varför sammanslagningen är fel. Skälet sparas."},
    )
