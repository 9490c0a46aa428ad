"""Forms of brev (PL-22). Nothing that is typed is trimmed: the paper shows what was written (PL-16)."""

from uuid import UUID

from django import forms

from registration.models import AddOn, PatientRelation
from scheduling.models import LetterAttachment, LetterLanguage
from scheduling.models.letter import OWN_TEXT_LENGTH


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


class LetterChoicesForm(forms.Form):
    """What the clerk chooses of a letter that is built of the catalogue's texts (KA-01): words of the clerk's own, the
    language, files that go with it; of one about a contact, its tillval too (KA-02)."""

    own_text = forms.CharField(
        label="Egen text i brevet",
        max_length=OWN_TEXT_LENGTH,
        required=False,
        strip=False,
        help_text="Skriv inte personnummer eller diagnos. Texten sparas som den skrivs.",
        widget=forms.Textarea({"rows": 3}),
    )
    language = forms.ChoiceField(label="Brevets språk", required=False)
    attachments = forms.TypedMultipleChoiceField(
        label="Bilagor",
        required=False,
        coerce=UUID,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Någon av bilagorna finns inte längre. Välj bland dem som finns."},
    )
    add_ons = forms.TypedMultipleChoiceField(
        label="Tillval",
        required=False,
        coerce=UUID,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Något av tillvalen finns inte längre. Välj bland dem som finns."},
    )

    def __init__(self, data=None, *, offered, add_ons=(), initial=None, **kwargs):
        super().__init__(data, initial=initial, **kwargs)
        self.fields["language"].choices = [("", "Som patientens senaste brev"), *LetterLanguage.choices]
        for name, choices in (("attachments", offered), ("add_ons", add_ons)):
            self.fields[name].choices = choices
            # One that was chosen and is gone is told, not lost.
            if not choices and not (data is not None and data.getlist(name)):
                del self.fields[name]

    @classmethod
    def at_places(cls, places, *, data, offered, add_ons=(), initial=None):
        """A form for each place of a page where a letter is chosen; `data` goes to the one that was posted. Filled in with
        the `initial` of the letter that the next takes the place of (KA-03)."""
        posted = data.get("brev_vid", "") if data is not None else ""
        return {
            place: cls(
                data if place == posted else None,
                offered=offered,
                add_ons=add_ons,
                initial=initial,
                auto_id=f"{place}-%s",
            )
            for place in places
        }

    @property
    def is_open(self):
        """Whether the page unfolds it: there is something in it to see."""
        if self.is_bound:
            return bool(self.errors) or self.has_changed()
        return any(self.initial.get(name) for name in ("own_text", "attachments", "add_ons"))

    def wish(self, wants):
        """Whether a letter is asked for, and what is chosen of it otherwise than was proposed, as the actions take it. A
        posted form is valid where one is."""
        is_chosen = wants and self.is_bound and self.has_changed()
        return {"letter": wants, "letter_choices": self.letter_choices if is_chosen else None}

    @property
    def letter_choices(self):
        """The fields as the actions take them."""
        chosen = self.cleaned_data
        add_ons = {"add_on_ids": chosen["add_ons"]} if "add_ons" in chosen else {}
        return add_ons | {
            "own_text": chosen["own_text"],
            "language": chosen["language"] or None,
            "attachment_ids": chosen.get("attachments", []),
        }


def files_to_choose(care_unit, today):
    """The files that the unit may send, as choices."""
    rows = LetterAttachment.objects.offered(care_unit, today).order_by("name", "id")
    return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


def add_ons_to_choose(today):
    """The region's tillval as choices (KA-02)."""
    rows = AddOn.objects.valid_on(today).order_by("name", "id")
    return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


def initial_of(letter, appointment=None):
    """The choices of a letter and the tillval of the contact that it is about, as the form shows them; of a contact without
    a letter the tillval alone."""
    found = {} if appointment is None else {"add_ons": [str(pk) for pk in _chosen_of(appointment)]}
    if letter is None:
        return found
    return found | {
        "own_text": letter.own_text,
        "language": letter.language,
        "attachments": [str(pk) for pk in letter.enclosures.values_list("attachment_id", flat=True)],
    }


def _chosen_of(appointment):
    return appointment.add_ons.order_by("name").values_list("pk", flat=True)


class WaitLetterForm(LetterChoicesForm):
    """Which letter who waits gets, and what it says beside the catalogue's text (KA-01, PL-10)."""

    kind = forms.ChoiceField(
        label="Vilket brev?",
        error_messages={"required": "Välj vilket brev.", "invalid_choice": "Välj ett av breven."},
    )
    field_order = ("kind", "own_text", "language", "attachments")

    def __init__(self, data=None, *, kinds, offered):
        super().__init__(data, offered=offered)
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]


class RewriteForm(LetterChoicesForm):
    """A letter that has not left is written anew with other choices."""

    version = forms.IntegerField(widget=forms.HiddenInput)
