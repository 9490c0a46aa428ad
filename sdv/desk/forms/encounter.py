"""Forms of the correcting acts on a vårdhändelse (VH-12, VH-24, PL-13)."""

from django import forms


class ReasonForm(forms.Form):
    """Why something is corrected. The rules themselves tell who was first (PL-27), so no version is asked for."""

    reason = forms.CharField(label="Skäl", max_length=300, error_messages={"required": "Ange varför."})

    def __init__(self, *args, is_required=True, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = is_required


class TypeForm(ReasonForm):
    """A change of type by hand, among those that the rules have (VH-13, VH-24)."""

    new_type = forms.ChoiceField(label="Ny typ", error_messages={"required": "Välj den nya typen."})
    field_order = ("new_type", "reason")

    def __init__(self, *args, types, **kwargs):
        super().__init__(*args, is_required=False, **kwargs)
        self.fields["new_type"].choices = [("", "Välj typ"), *((row.code, row.name) for row in types)]
