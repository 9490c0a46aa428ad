"""Utcheckning: the four outcomes and what each asks for (UT-01…06). Only the chosen outcome's fields are read."""

from datetime import timedelta

from django import forms

from registration.models import ContactReason, VisitType
from scheduling import rules
from scheduling.models import OutcomeCode, OutcomeReason, Resource
from sdv.accounts.models import User
from sdv.common.fields import SwedishDateField, SwedishTimeField
from sdv.common.time import at_local, local, local_date

# A follow-up is proposed four weeks ahead, within the fortnight after.
FOLLOW_UP_FROM = timedelta(weeks=4)
FOLLOW_UP_TO = timedelta(weeks=6)

FIELDS_OF = {
    OutcomeCode.END_COMMITMENT: ("end_reason",),
    OutcomeCode.AWAIT_RESULT: ("await_reason", "watch_until", "responsible"),
    OutcomeCode.NO_FURTHER_PLANNING: (),
    OutcomeCode.FOLLOW_UP: ("visit_type", "contact_reason", "wished_from", "wished_to"),
}


class ReasonField(forms.ModelChoiceField):
    """A reason for an outcome, as radio buttons: its digit chooses it."""

    widget = forms.RadioSelect

    def __init__(self, outcome):
        self.outcome = outcome
        super().__init__(queryset=None, label="Orsak", required=False, empty_label=None, to_field_name="code")

    def set_day(self, day):
        self.queryset = OutcomeReason.objects.valid_on(day).filter(outcome=self.outcome).order_by("position")

    def label_from_instance(self, row):
        return f"{row.name[:1].upper()}{row.name[1:]}"


class CheckOutForm(forms.Form):
    """Nothing is preselected but what follows from the visit; the outcome is the person's choice (UT-02)."""

    outcome = forms.ChoiceField(
        choices=OutcomeCode.choices,
        label="Vad händer efter besöket?",
        error_messages={"required": "Välj ett av de fyra utfallen."},
    )
    day = SwedishDateField(label="Utcheckad dag", help_text="")
    clock = SwedishTimeField(label="Utcheckad klockan", help_text="Kan ändras om besöket slutade tidigare (UT-01).")
    version = forms.IntegerField(widget=forms.HiddenInput)
    end_reason = ReasonField(OutcomeCode.END_COMMITMENT)
    also_end = forms.ModelMultipleChoiceField(
        label="Avsluta också", queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )
    await_reason = ReasonField(OutcomeCode.AWAIT_RESULT)
    waiting_for = forms.CharField(
        label="Vi väntar på", max_length=120, required=False, help_text="Kort, inga journaluppgifter."
    )
    watch_until = SwedishDateField(label="Bevakas senast", required=False)
    responsible = forms.ModelChoiceField(label="Ansvarig", queryset=None, required=False, empty_label=None)
    visit_type = forms.ModelChoiceField(
        label="Besökstyp", queryset=VisitType.objects.none(), required=False, empty_label="Välj besökstyp"
    )
    contact_reason = forms.ModelChoiceField(
        label="Vårdkontaktsorsak",
        queryset=ContactReason.objects.none(),
        required=False,
        empty_label="Välj vårdkontaktsorsak",
    )
    wished_from = SwedishDateField(label="Tidigast", required=False)
    wished_to = SwedishDateField(label="Senast", required=False)
    resource = forms.ModelChoiceField(
        label="Önskad vårdgivare", queryset=Resource.objects.none(), required=False, empty_label="Vem som helst"
    )
    to_self = forms.BooleanField(label="Till mig: läggs direkt i Bokningsbegäran", required=False)
    colleagues = forms.ModelMultipleChoiceField(
        label="Till kollega",
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="En uppföljningsbegäran till var och en.",
    )
    description = forms.CharField(
        label="Beskrivning", max_length=500, required=False, help_text="Inga journaluppgifter."
    )

    def __init__(self, *args, encounter, others, user, at, **kwargs):
        self.encounter, self.at = encounter, at
        super().__init__(*args, **kwargs)
        unit, today = encounter.care_unit, local_date(at)
        colleagues = (
            User.objects.filter(is_active=True, assignments__care_unit=unit, assignments__role="clinician")
            .distinct()
            .order_by("name")
        )
        self.fields["end_reason"].set_day(today)
        self.fields["await_reason"].set_day(today)
        self.fields["also_end"].queryset = others
        self.fields["also_end"].label_from_instance = lambda row: f"{row.problem_code.name}, öppnat {row.opened_on}"
        self.fields["responsible"].queryset = User.objects.filter(pk=user.pk) | User.objects.filter(
            pk__in=colleagues.values("pk")
        )
        self.fields["colleagues"].queryset = colleagues.exclude(pk=user.pk)
        self.fields["visit_type"].queryset = VisitType.objects.for_unit(unit, today)
        self.fields["resource"].queryset = Resource.objects.valid_on(today).filter(care_unit=unit, kind="person")
        self.fields["contact_reason"].queryset = self._reasons(today)

    def _reasons(self, today):
        given = self["visit_type"].value()
        if not given:
            return ContactReason.objects.none()
        try:
            visit_type = self.fields["visit_type"].clean(given)
        except forms.ValidationError:
            return ContactReason.objects.none()
        return ContactReason.objects.offered_for(visit_type, today).order_by("name")

    def clean(self):
        cleaned = super().clean()
        chosen = cleaned.get("outcome")
        for other, names in FIELDS_OF.items():
            for name in names:
                if other != chosen:
                    self.errors.pop(name, None)
                elif not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, MISSING[name])
        if chosen != OutcomeCode.FOLLOW_UP:
            for name in ("resource", "colleagues", "description"):
                self.errors.pop(name, None)
        else:
            self._check_follow_up(cleaned)
        return cleaned

    def _check_follow_up(self, cleaned):
        if not (cleaned.get("to_self") or cleaned.get("colleagues")):
            self.add_error("to_self", "Ange till vem: dig själv eller en kollega (UT-06).")
        first, last = cleaned.get("wished_from"), cleaned.get("wished_to")
        if first and last and last < first:
            self.add_error("wished_to", "Senaste datum ligger före tidigaste. Rätta något av dem.")

    @property
    def checked_out_at(self):
        """The moment of check-out as given (UT-01)."""
        return at_local(self.cleaned_data["day"], self.cleaned_data["clock"])

    def follow_ups(self, user):
        """One bokningsbegäran per addressee (UT-06)."""
        words = self.cleaned_data
        addressees = [user] if words["to_self"] else []
        common = {
            "visit_type": words["visit_type"],
            "contact_reason": words["contact_reason"],
            "wished_from": words["wished_from"],
            "wished_to": words["wished_to"],
            "wished_resource": words["resource"],
            "description": words["description"],
        }
        return [common | {"addressee": each} for each in (*addressees, *words["colleagues"])]


MISSING = {
    "end_reason": "Välj varför vårdåtagandet avslutas.",
    "await_reason": "Välj vad som avvaktas.",
    "watch_until": "Ange när svaret senast bevakas.",
    "responsible": "Ange vem som bevakar.",
    "visit_type": "Välj besökstyp för uppföljningen.",
    "contact_reason": "Välj vårdkontaktsorsak för uppföljningen.",
    "wished_from": "Ange tidigaste datum.",
    "wished_to": "Ange senaste datum.",
}


def proposal(encounter, *, user, at):
    """What is filled in beforehand: the time, the watch, and a return visit of the same kind with the same caregiver."""
    today, visit_day = local_date(at), local_date(encounter.start)
    ended = at
    if visit_day != today:
        ended = max(encounter.planned_end or encounter.start, encounter.start)
    visit_type = return_visit_type(encounter, today)
    return {
        "day": local_date(ended),
        "clock": local(ended).time(),
        "version": encounter.version,
        "watch_until": today + timedelta(days=rules.AWAIT_DAYS),
        "responsible": user.pk,
        "visit_type": visit_type.pk if visit_type else None,
        "contact_reason": _same_reason(encounter, visit_type, today),
        "wished_from": today + FOLLOW_UP_FROM,
        "wished_to": today + FOLLOW_UP_TO,
        "resource": _present_caregiver(encounter, today),
        "to_self": True,
    }


def return_visit_type(encounter, day):
    """The visit type of a return visit like this one: the same where it already is one, else its area's and
    profession's return visit in the same form of contact."""
    present = encounter.visit_type
    if present is None:
        return None
    if not present.visit_kind.may_be_new or present.new_or_return == "return":
        return present
    alike = (
        VisitType.objects.for_unit(encounter.care_unit, day)
        .filter(care_area=present.care_area_id, profession=present.profession_id)
        .select_related("visit_kind")
    )
    returns = [each for each in alike if not each.visit_kind.may_be_new or each.new_or_return == "return"]
    returns.sort(
        key=lambda each: (
            each.contact_form != present.contact_form,
            each.visit_kind_id != present.visit_kind_id,
            each.visit_kind.may_be_new,
            each.name,
        )
    )
    return returns[0] if returns else None


def _same_reason(encounter, visit_type, day):
    if visit_type is None:
        return None
    offered = ContactReason.objects.offered_for(visit_type, day)
    same = offered.filter(pk=encounter.contact_reason_id).first()
    same = same or offered.filter(is_unspecified=True, name__startswith="uppföljning").first()
    return same.pk if same else None


def _present_caregiver(encounter, day):
    responsible = encounter.participants.filter(is_main_responsible=True).first()
    if responsible is None:
        return None
    found = Resource.objects.valid_on(day).filter(
        care_unit=encounter.care_unit_id, practitioner=responsible.practitioner_id
    )
    return found.values_list("pk", flat=True).first()
