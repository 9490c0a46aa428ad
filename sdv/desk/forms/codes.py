"""What is asked of the code catalogue (KL-03, KL-05)."""

from django import forms

from classification.models import System
from sdv.common.fields import SwedishDateField

BOTH = "diagnoser-atgarder"
SYSTEMS = {BOTH: ["icd-10-se", "kva", "regional"], **{system: [system] for system in System.values}}


class CodeSearchForm(forms.Form):
    """One box, both systems; by chapter where one system is chosen."""

    sok = forms.CharField(label="Kod eller ord", required=False, max_length=200)
    kodsystem = forms.ChoiceField(
        label="Kodsystem", required=False, choices=[(BOTH, "ICD-10-SE, KVÅ och regionala koder"), *System.choices]
    )
    kapitel = forms.ChoiceField(label="Kapitel", required=False)
    datum = SwedishDateField(label="Utgåva som gäller", required=False)

    def __init__(self, data, *, chapters=()):
        super().__init__(data)
        self.fields["kapitel"].choices = [("", "Alla kapitel"), *chapters]
